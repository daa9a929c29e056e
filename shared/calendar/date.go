package calendar

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// What can be wrong with the text of a day or of a time of day. The texts are
// written for the person who sent it.
var (
	// ErrNotADate: not a day of the calendar, or not written as year, month, day.
	ErrNotADate = errors.New(`must be a date such as "2026-12-31"`)
	// ErrNotAClock: not a time of day, or not written as hours and minutes.
	ErrNotAClock = errors.New(`must be a time of day from "00:00" to "23:59"`)
)

// Date is a day without a time and a zone. Two dates are the same if they are ==.
// The zero Date is no day at all; IsZero tells.
type Date struct {
	year  int
	month time.Month
	day   int
}

// ParseDate reads a day of the Gregorian calendar, "2026-12-31". It wraps
// ErrNotADate.
func ParseDate(text string) (Date, error) {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return Date{}, ErrNotADate
	}
	return dateOf(t), nil
}

// dateOf is the day of t in its own location.
func dateOf(t time.Time) Date {
	year, month, day := t.Date()
	return Date{year: year, month: month, day: day}
}

// String is the day as ParseDate reads it, and empty for the zero Date.
func (d Date) String() string {
	if d.IsZero() {
		return ""
	}
	return fmt.Sprintf("%04d-%02d-%02d", d.year, d.month, d.day)
}

// IsZero tells whether this is no day at all.
func (d Date) IsZero() bool { return d == Date{} }

// Compare is -1 if d is before other, 0 if they are the same, 1 if it is after.
func (d Date) Compare(other Date) int {
	return cmp.Or(cmp.Compare(d.year, other.year), cmp.Compare(d.month, other.month), cmp.Compare(d.day, other.day))
}

// Before tells whether d is an earlier day than other.
func (d Date) Before(other Date) bool { return d.Compare(other) < 0 }

// After tells whether d is a later day than other.
func (d Date) After(other Date) bool { return d.Compare(other) > 0 }

// at is a local time, written as the instant at which it is that time in UTC. It
// is where no clock changes, so it can be computed with.
func (d Date) at(c Clock) time.Time {
	return time.Date(d.year, d.month, d.day, 0, c.minutes(), 0, 0, time.UTC)
}

func (d Date) addDays(days int) Date {
	return dateOf(time.Date(d.year, d.month, d.day+days, 0, 0, 0, 0, time.UTC))
}

// addMonths is the same day of another month, or that month's last day if it is
// shorter.
func (d Date) addMonths(months int) Date {
	month := d.month + time.Month(months)
	// The day before the first of the month after.
	last := dateOf(time.Date(d.year, month+1, 0, 0, 0, 0, 0, time.UTC))
	last.day = min(d.day, last.day)
	return last
}

// AddYears is the same day some years later: 28 February for a 29th that the year
// does not have.
func (d Date) AddYears(years int) Date { return d.addMonths(12 * years) }

// daysSince counts the days from other to d. It is not a time.Duration, which
// ends at 292 years.
func (d Date) daysSince(other Date) int {
	const day = 24 * 60 * 60
	midnight := func(d Date) int64 { return time.Date(d.year, d.month, d.day, 0, 0, 0, 0, time.UTC).Unix() }
	return int((midnight(d) - midnight(other)) / day)
}

// monthsSince counts the months from other's month to d's, whatever the days.
func (d Date) monthsSince(other Date) int {
	return 12*(d.year-other.year) + int(d.month-other.month)
}

// Clock is a time of day in hours and minutes, from 00:00 to 23:59. Two are the
// same if they are ==. The zero Clock is none, not midnight; IsZero tells.
type Clock struct {
	// One more than the minutes since midnight, so that a forgotten time is told
	// from midnight.
	plusOne int
}

var clock = regexp.MustCompile(`^([01][0-9]|2[0-3]):([0-5][0-9])$`)

// ParseClock reads a time of day, "09:00". It wraps ErrNotAClock.
func ParseClock(text string) (Clock, error) {
	parts := clock.FindStringSubmatch(text)
	if parts == nil {
		return Clock{}, ErrNotAClock
	}
	hour, hourErr := strconv.Atoi(parts[1])
	minute, minuteErr := strconv.Atoi(parts[2])
	if hourErr != nil || minuteErr != nil {
		return Clock{}, ErrNotAClock
	}
	return Clock{plusOne: 60*hour + minute + 1}, nil
}

// String is the time of day as ParseClock reads it, and empty for the zero Clock.
func (c Clock) String() string {
	if c.IsZero() {
		return ""
	}
	return fmt.Sprintf("%02d:%02d", c.minutes()/60, c.minutes()%60)
}

// IsZero tells whether this is no time of day at all.
func (c Clock) IsZero() bool { return c == Clock{} }

// minutes is how many there are since midnight.
func (c Clock) minutes() int { return c.plusOne - 1 }
