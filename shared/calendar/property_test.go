package calendar_test

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"dinarfunctions/shared/calendar"
)

// zones are those with odd clock changes, and a few plain ones.
var zones = []string{
	"UTC", "Asia/Baghdad", "Asia/Riyadh", "Asia/Dubai", "Asia/Kuwait", "Asia/Amman", "Asia/Damascus", "Asia/Gaza", "Asia/Tehran", "Asia/Beirut", "Africa/Cairo",
	"Africa/Casablanca", "Africa/El_Aaiun", "Africa/Juba", "Africa/Tripoli", "Africa/Windhoek", "Europe/Berlin", "Europe/Dublin", "Europe/Istanbul", "Europe/Lisbon",
	"Europe/Moscow", "Europe/Volgograd", "America/Asuncion", "America/Campo_Grande", "America/Caracas", "America/Havana", "America/New_York", "America/Nuuk",
	"America/Santiago", "America/Sao_Paulo", "America/Scoresbysund", "America/St_Johns", "Antarctica/Casey", "Antarctica/Troll", "Asia/Choibalsan", "Asia/Kathmandu",
	"Asia/Pyongyang", "Atlantic/Azores", "Australia/Lord_Howe", "Pacific/Apia", "Pacific/Chatham", "Pacific/Easter", "Pacific/Fakaofo", "Pacific/Kiritimati",
	"Pacific/Kwajalein", "Pacific/Norfolk", "Pacific/Tongatapu",
}

// day and what follows is a calendar of its own: it counts days one by one, with
// the rule for leap years written out, and looks up nothing in package time.
type day struct{ year, month, day int }

func (d day) String() string { return fmt.Sprintf("%04d-%02d-%02d", d.year, d.month, d.day) }

func (d day) daysInMonth() int {
	leap := d.year%4 == 0 && (d.year%100 != 0 || d.year%400 == 0)
	switch d.month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if leap {
			return 29
		}
		return 28
	default:
		return 31
	}
}

func (d day) next() day {
	switch {
	case d.day < d.daysInMonth():
		d.day++
	case d.month < 12:
		d.day, d.month = 1, d.month+1
	default:
		d = day{d.year + 1, 1, 1}
	}
	return d
}

// walk is the day that many units after d, step by step.
func (d day) walk(steps int, unit calendar.Unit) day {
	switch unit {
	case calendar.Week:
		return d.walk(7*steps, calendar.Day)
	case calendar.Year:
		return d.walk(12*steps, calendar.Month)
	case calendar.Day:
		for range steps {
			d = d.next()
		}
		return d
	case calendar.Month:
		wanted := d.day
		d.day = 1
		for range steps {
			d.month++
			if d.month == 13 {
				d.year, d.month = d.year+1, 1
			}
		}
		d.day = min(wanted, d.daysInMonth())
		return d
	}
	panic("no such unit: " + unit)
}

// watch finds when the clocks of a zone show a local time by watching them, minute
// after minute, for a day and more before and after: the first minute that shows it, or
// else the first that shows a later time. That is the rule as it is written.
func watch(t require.TestingT, zone string, d day, minutes int) time.Time {
	wanted := [...]int{d.year, d.month, d.day, minutes / 60, minutes % 60}
	here := time.Date(d.year, time.Month(d.month), d.day, 0, 0, 0, 0, time.UTC).Add(-36 * time.Hour).In(location(t, zone))
	var later time.Time
	for range 96 * 60 {
		year, month, day := here.Date()
		hour, minute, _ := here.Clock()
		shown := [...]int{year, int(month), day, hour, minute}
		if shown == wanted {
			return here.UTC()
		}
		if later.IsZero() && slices.Compare(shown[:], wanted[:]) > 0 {
			later = here.UTC()
		}
		here = here.Add(time.Minute)
	}
	require.False(t, later.IsZero(), "%s never shows %s or later", zone, d)
	return later
}

// changes are the days after a zone's clock changes from 1973 on: by then all zones
// are whole minutes from UTC. They are found by asking every day at noon.
func changes(t require.TestingT, zone string) []day {
	var days []day
	here := location(t, zone)
	at := time.Date(1973, 1, 1, 12, 0, 0, 0, time.UTC)
	_, last := at.In(here).Zone()
	for ; at.Year() < 2045; at = at.AddDate(0, 0, 1) {
		_, offset := at.In(here).Zone()
		if offset != last {
			days = append(days, day{at.Year(), int(at.Month()), at.Day()})
		}
		last = offset
	}
	return days
}

// drawn is a calendar that starts on any day of some decades, and its parts.
type drawn struct {
	calendar.Calendar
	start   day
	minutes int
}

func drawCalendar(t *rapid.T) drawn {
	start := day{year: rapid.IntRange(1973, 2040).Draw(t, "year"), month: rapid.IntRange(1, 12).Draw(t, "month")}
	if rapid.Bool().Draw(t, "at the month's end") {
		start.day = start.daysInMonth()
	} else {
		start.day = rapid.IntRange(1, start.daysInMonth()).Draw(t, "day")
	}
	unit := rapid.SampledFrom([]calendar.Unit{calendar.Day, calendar.Week, calendar.Month, calendar.Year}).Draw(t, "unit")
	most := map[calendar.Unit]int{calendar.Day: 366, calendar.Week: 520, calendar.Month: 120, calendar.Year: 10}[unit]
	return draw(t, start, calendar.Every{Count: rapid.IntRange(1, most).Draw(t, "count"), Unit: unit}, rapid.SampledFrom(zones).Draw(t, "zone"))
}

func draw(t *rapid.T, start day, every calendar.Every, zone string) drawn {
	d := drawn{start: start, minutes: rapid.IntRange(0, 24*60-1).Draw(t, "minutes")}
	if rapid.Bool().Draw(t, "at night") { // when clocks are changed
		d.minutes = (d.minutes/4 + 22*60) % (24 * 60)
	}
	startsOn, err := calendar.ParseDate(start.String())
	require.NoError(t, err)
	chargeAt, err := calendar.ParseClock(fmt.Sprintf("%02d:%02d", d.minutes/60, d.minutes%60))
	require.NoError(t, err)
	d.Calendar = calendar.Calendar{Every: every, StartsOn: startsOn, ChargeAt: chargeAt, TimeZone: zone}
	require.Nil(t, d.Check())
	return d
}

// Any date of any calendar, over decades, is where counting the days and watching
// the clocks finds it.
func TestAtAgreesWithCountingAndWatching(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := drawCalendar(t)
		index := rapid.IntRange(0, 200).Draw(t, "index")
		want := c.start.walk(index*c.Every.Count, c.Every.Unit)
		o := c.At(index)
		require.Equal(t, index, o.Index)
		require.Equal(t, want.String(), o.Date.String())
		require.Equal(t, watch(t, c.TimeZone, want, c.minutes), o.At)
	})
}

// On the days around the clock changes, where drawn dates seldom fall, the same
// holds.
func TestAtAgreesWithWatchingAroundClockChanges(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := drawAroundChange(t, 2)
		start := c.At(0).At
		for index := range 4 {
			o := c.At(index)
			day := c.start.walk(index, calendar.Day)
			require.Equal(t, day.String(), o.Date.String())
			want := watch(t, c.TimeZone, day, c.minutes)
			require.Equal(t, want, o.At, "%s %s", day, c.ChargeAt)
			// From a time that the clocks do show, days are added as the calendar adds them.
			if start.In(location(t, c.TimeZone)).Format("15:04") == c.ChargeAt.String() && c.LocalDate(start) == c.StartsOn {
				require.Equal(t, want, c.AddDays(start, index), "%s and %d days", start, index)
			}
		}
	})
}

// drawAroundChange is a daily calendar that starts some days before a clock change
// is seen, at any time of day.
func drawAroundChange(t *rapid.T, days int) drawn {
	zone := rapid.SampledFrom(zones).Filter(func(zone string) bool { return len(changes(t, zone)) > 0 }).Draw(t, "zone")
	change := rapid.SampledFrom(changes(t, zone)).Draw(t, "change")
	start := time.Date(change.year, time.Month(change.month), change.day-days, 0, 0, 0, 0, time.UTC)
	return draw(t, day{start.Year(), int(start.Month()), start.Day()}, calendar.Every{Count: 1, Unit: calendar.Day}, zone)
}

// Dates rise and instants never fall. They are the same only on a day that was
// left out.
func TestOccurrencesAreInOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := drawCalendar(t)
		index := rapid.IntRange(0, 5000).Draw(t, "index")
		for i := index; i < index+50; i++ {
			before, after := c.At(i), c.At(i+1)
			require.True(t, before.Date.Before(after.Date), "%s %s", before, after)
			require.True(t, after.Date.After(before.Date))
			if before.At.Equal(after.At) {
				require.NotEqual(t, before.Date, c.LocalDate(before.At), "%s %s", before, after)
			} else {
				require.True(t, before.At.Before(after.At), "%s %s", before, after)
			}
		}
	})
}

// The searches find what going through all occurrences finds.
func TestSearchAgreesWithScan(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := drawCalendar(t)
		all := make([]calendar.Occurrence, 150)
		for i := range all {
			all[i] = c.At(i)
		}
		for range 20 {
			near := all[rapid.IntRange(0, len(all)-8).Draw(t, "near")]
			at := near.At
			switch rapid.IntRange(0, 3).Draw(t, "where") {
			case 0: // just there
			case 1:
				at = at.Add(time.Duration(rapid.SampledFrom([]int{-1, 1}).Draw(t, "nanoseconds")))
			case 2:
				at = at.Add(time.Duration(rapid.IntRange(-100, 100).Draw(t, "hours")) * time.Hour)
			case 3:
				between := int(all[near.Index+1].At.Sub(near.At) / time.Second)
				at = at.Add(time.Duration(rapid.IntRange(-between, between).Draw(t, "seconds")) * time.Second)
			}
			requireScan(t, c.Calendar, all, at)
		}
	})
}

// So they do in the days around a clock change, where local time runs twice.
func TestSearchAgreesWithScanAroundClockChanges(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := drawAroundChange(t, 4)
		all := make([]calendar.Occurrence, 10)
		for i := range all {
			all[i] = c.At(i)
		}
		for _, o := range all[:8] {
			requireScan(t, c.Calendar, all, o.At)
			requireScan(t, c.Calendar, all, o.At.Add(time.Duration(rapid.IntRange(-120, 120).Draw(t, "minutes"))*time.Minute))
		}
	})
}

// requireScan holds the searches for at against a scan of all, the first
// occurrences; the last of them are after at.
func requireScan(t require.TestingT, c calendar.Calendar, all []calendar.Occurrence, at time.Time) {
	notBefore := slices.IndexFunc(all, func(o calendar.Occurrence) bool { return !o.At.Before(at) })
	after := slices.IndexFunc(all, func(o calendar.Occurrence) bool { return o.At.After(at) })
	require.NotEqual(t, -1, after, "%s is after all that are scanned", at)
	require.Equal(t, all[notBefore], c.NotBefore(at), "not before %s", at)
	require.Equal(t, all[after], c.After(at), "after %s", at)
	last, ok := c.LastNotAfter(at)
	var want calendar.Occurrence
	for _, o := range all[:after] {
		want = o
	}
	require.Equal(t, after > 0, ok, "last not after %s", at)
	require.Equal(t, want, last, "last not after %s", at)
}

// Comparing days is comparing their texts.
func TestDatesCompareAsTheirTextsDo(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		one, other := drawCalendar(t).StartsOn, drawCalendar(t).StartsOn
		if rapid.Bool().Draw(t, "the same") {
			other = one
		}
		want := cmp.Compare(one.String(), other.String())
		require.Equal(t, want, one.Compare(other))
		require.Equal(t, want < 0, one.Before(other))
		require.Equal(t, want > 0, one.After(other))
		require.Equal(t, want == 0, one == other)
	})
}

func location(t require.TestingT, zone string) *time.Location {
	l, err := time.LoadLocation(zone)
	require.NoError(t, err)
	return l
}
