// Package calendar says when the cycles of a subscription fall.
//
// A Calendar is an interval, a first day, a time of day and a time zone. Every
// date is counted from the first day, never from the one before it, so a month's
// end does not wear off: from 31 January, monthly, it is 28 February and then
// 31 March; from 29 February, yearly, it is 28 February in common years and the
// 29th in leap years.
//
// A local time is turned into an instant by one rule: a time that a clock change
// skips is the first instant after the gap, and one that happens twice is the
// first of the two. See contract, "Subscriptions".
//
// The package has no clock of its own and keeps nothing. Which cycle has which
// number, what is late and what is charged is for shared/subscription to say.
package calendar

import (
	"fmt"
	"time"
)

// Unit is what an interval is counted in. The zero Unit is none.
type Unit string

const (
	Day   Unit = "day"
	Week  Unit = "week"
	Month Unit = "month"
	Year  Unit = "year"
)

// units says of each unit how long it is, in days or in months, and how many of
// it an interval may have: about ten years at most, a year of days.
var units = map[Unit]struct{ days, months, most int }{
	Day:   {days: 1, most: 366},
	Week:  {days: 7, most: 520},
	Month: {months: 1, most: 120},
	Year:  {months: 12, most: 10},
}

// Every is an interval: Count units, such as 3 months.
type Every struct {
	// Count is at least 1, and at most 366 days, 520 weeks, 120 months or 10 years.
	Count int
	Unit  Unit
}

// length is the interval in days or in months; the other is 0.
func (e Every) length() (days, months int) {
	unit := units[e.Unit]
	return e.Count * unit.days, e.Count * unit.months
}

// Calendar says when cycles fall. Two calendars are the same if they are ==.
//
// A calendar that Check finds fault with, the zero Calendar for one, has no
// dates, and there is no safe guess at when to charge. So the other methods panic
// on it: whatever comes from outside or out of a store is checked first.
type Calendar struct {
	Every Every
	// StartsOn is the day that all others are counted from, in TimeZone. It is
	// within the years 1900 to 2999.
	StartsOn Date
	// ChargeAt is the time of day in TimeZone.
	ChargeAt Clock
	// TimeZone is a name of the IANA time zone database, such as "Asia/Baghdad".
	TimeZone string
}

// Occurrence is one date of a calendar.
type Occurrence struct {
	// Index counts from 0, which is StartsOn.
	Index int
	// Date is the day that the calendar names. Where a clock change skips the time
	// of day up to midnight, or all of the day, At is on a later day: LocalDate
	// tells that one.
	Date Date
	// At is the instant, in UTC.
	At time.Time
}

// Fault is one thing that is wrong with a calendar.
type Fault struct {
	// Field is "every.count", "every.unit", "starts_on", "charge_at" or "time_zone".
	Field string
	// Message says what is wrong, for the person who sent it, and follows the
	// field's name in a sentence.
	Message string
}

// The years that a calendar may start in. All that follows from them can be
// computed and, for thousands of cycles, written with four digits.
const firstYear, lastYear = 1900, 2999

// Check returns all that is wrong with a calendar, nil if nothing is.
func (c Calendar) Check() []Fault {
	_, faults := c.open()
	return faults
}

// open returns the calendar with its zone's rules, or all that is wrong with it.
func (c Calendar) open() (opened, []Fault) {
	var faults []Fault
	fault := func(field, message string, args ...any) {
		faults = append(faults, Fault{Field: field, Message: fmt.Sprintf(message, args...)})
	}
	unit, known := units[c.Every.Unit]
	switch {
	case !known && c.Every.Count < 1:
		fault("every.count", "must be at least 1")
	case known && (c.Every.Count < 1 || c.Every.Count > unit.most):
		fault("every.count", "must be 1 to %d with the unit %s", unit.most, c.Every.Unit)
	}
	if !known {
		fault("every.unit", "must be day, week, month or year")
	}
	if c.StartsOn.IsZero() {
		fault("starts_on", "%s", ErrNotADate)
	} else if c.StartsOn.year < firstYear || c.StartsOn.year > lastYear {
		fault("starts_on", "must be in the years %d to %d", firstYear, lastYear)
	}
	if c.ChargeAt.IsZero() {
		fault("charge_at", "%s", ErrNotAClock)
	}
	zone, err := loadZone(c.TimeZone)
	if err != nil {
		fault("time_zone", "%s", err)
	}
	return opened{Calendar: c, zone: zone}, faults
}

// mustOpen is open for calendars that have been checked.
func (c Calendar) mustOpen() opened {
	o, faults := c.open()
	if faults != nil {
		panic(fmt.Sprintf("calendar: Check it before use: %s %s", faults[0].Field, faults[0].Message))
	}
	return o
}

// At is the occurrence with this index, which is 0 or more. From one index to the
// next the dates always rise. The instants never fall, and two of them are the
// same only where a whole day is left out, as on 30 December 2011 in Samoa: a
// daily calendar's 30th and, if its time of day is midnight, its 31st are both
// at the first instant of the 31st.
func (c Calendar) At(index int) Occurrence {
	return c.mustOpen().at(index)
}

// NotBefore is the first occurrence at or after t; index 0 if t is before all.
func (c Calendar) NotBefore(t time.Time) Occurrence {
	return c.mustOpen().first(t, func(at time.Time) bool { return !at.Before(t) })
}

// After is the first occurrence after t, not at it; index 0 if t is before all.
func (c Calendar) After(t time.Time) Occurrence {
	return c.mustOpen().first(t, func(at time.Time) bool { return at.After(t) })
}

// LastNotAfter is the last occurrence at or before t, and false if t is before
// all of them.
func (c Calendar) LastNotAfter(t time.Time) (Occurrence, bool) {
	o := c.mustOpen()
	next := o.first(t, func(at time.Time) bool { return at.After(t) })
	if next.Index == 0 {
		return Occurrence{}, false
	}
	return o.at(next.Index - 1), true
}

// LocalDate is the day that t is in the calendar's zone.
func (c Calendar) LocalDate(t time.Time) Date {
	return dateOf(t.In(c.mustOpen().zone))
}

// AddDays is the same local time some days later (or earlier, if days is
// negative), in UTC. What clock changes do to it is as for the occurrences. The
// local time is that of t: for an occurrence that was moved out of a gap, the
// time that it was moved to.
func (c Calendar) AddDays(t time.Time, days int) time.Time {
	zone := c.mustOpen().zone
	t = t.In(zone)
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	return instant(time.Date(year, month, day+days, hour, minute, second, t.Nanosecond(), time.UTC), zone)
}

// opened is a calendar without fault, and its zone's rules.
type opened struct {
	Calendar
	zone *time.Location
}

func (o opened) at(index int) Occurrence {
	if index < 0 {
		panic(fmt.Sprintf("calendar: there is no occurrence before the first, so none with index %d", index))
	}
	days, months := o.Every.length()
	date := o.StartsOn
	if months > 0 {
		date = date.addMonths(index * months)
	} else {
		date = date.addDays(index * days)
	}
	return Occurrence{Index: index, Date: date, At: instant(date.at(o.ChargeAt), o.zone)}
}

// first is the first occurrence that fits, where fits is false up to some instant
// near t and true from there on. It goes to the interval that t is in, and from
// there as far as is needed, which is one or two steps: a zone is at most a day
// away from its dates. That instants never fall makes it right from any guess.
func (o opened) first(t time.Time, fits func(at time.Time) bool) Occurrence {
	days, months := o.Every.length()
	today := dateOf(t.In(o.zone))
	var index int
	if months > 0 {
		index = today.monthsSince(o.StartsOn) / months
	} else {
		index = today.daysSince(o.StartsOn) / days
	}
	index = max(index, 0)
	for index > 0 && fits(o.at(index-1).At) {
		index--
	}
	for {
		if found := o.at(index); fits(found.At) {
			return found
		}
		index++
	}
}
