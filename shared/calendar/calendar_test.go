package calendar_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/calendar"
)

// The days on which a month's or a year's end is not where it was.
func TestDates(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		startsOn string
		count    int
		unit     calendar.Unit
		want     []string // from index 0
	}{
		{"31 January, into a common year", "2026-01-31", 1, calendar.Month,
			[]string{"2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31", "2026-06-30", "2026-07-31", "2026-08-31", "2026-09-30", "2026-10-31", "2026-11-30", "2026-12-31", "2027-01-31", "2027-02-28"}},
		{"31 January, into a leap year", "2028-01-31", 1, calendar.Month,
			[]string{"2028-01-31", "2028-02-29", "2028-03-31", "2028-04-30"}},
		{"30 January", "2027-01-30", 1, calendar.Month,
			[]string{"2027-01-30", "2027-02-28", "2027-03-30", "2027-04-30", "2027-05-30"}},
		{"29 January, common year", "2027-01-29", 1, calendar.Month,
			[]string{"2027-01-29", "2027-02-28", "2027-03-29"}},
		{"29 January, leap year", "2028-01-29", 1, calendar.Month,
			[]string{"2028-01-29", "2028-02-29", "2028-03-29"}},
		{"28 February does not become the month's end", "2027-02-28", 1, calendar.Month,
			[]string{"2027-02-28", "2027-03-28", "2027-04-28"}},
		{"31 December", "2026-12-31", 1, calendar.Month,
			[]string{"2026-12-31", "2027-01-31", "2027-02-28", "2027-03-31"}},
		{"30 November, over the year's end", "2026-11-30", 1, calendar.Month,
			[]string{"2026-11-30", "2026-12-30", "2027-01-30", "2027-02-28", "2027-03-30"}},
		{"31 August, quarterly", "2026-08-31", 3, calendar.Month,
			[]string{"2026-08-31", "2026-11-30", "2027-02-28", "2027-05-31", "2027-08-31", "2027-11-30", "2028-02-29"}},
		{"31 August, half-yearly", "2026-08-31", 6, calendar.Month,
			[]string{"2026-08-31", "2027-02-28", "2027-08-31", "2028-02-29", "2028-08-31"}},
		{"29 February, twelve months", "2028-02-29", 12, calendar.Month,
			[]string{"2028-02-29", "2029-02-28", "2030-02-28", "2031-02-28", "2032-02-29"}},
		{"29 February, yearly", "2028-02-29", 1, calendar.Year,
			[]string{"2028-02-29", "2029-02-28", "2030-02-28", "2031-02-28", "2032-02-29"}},
		{"29 February, over a century that is no leap year", "2096-02-29", 4, calendar.Year,
			[]string{"2096-02-29", "2100-02-28", "2104-02-29"}},
		{"29 February, over a century that is one", "1996-02-29", 4, calendar.Year,
			[]string{"1996-02-29", "2000-02-29", "2004-02-29"}},
		{"28 February, yearly", "2027-02-28", 1, calendar.Year,
			[]string{"2027-02-28", "2028-02-28", "2029-02-28"}},
		{"daily, over 29 February", "2028-02-28", 1, calendar.Day,
			[]string{"2028-02-28", "2028-02-29", "2028-03-01"}},
		{"daily, over 28 February", "2027-02-28", 1, calendar.Day,
			[]string{"2027-02-28", "2027-03-01"}},
		{"daily, over the year's end", "2026-12-30", 1, calendar.Day,
			[]string{"2026-12-30", "2026-12-31", "2027-01-01"}},
		{"every 30 days", "2026-12-31", 30, calendar.Day,
			[]string{"2026-12-31", "2027-01-30", "2027-03-01"}},
		{"weekly, over the year's end", "2026-12-27", 1, calendar.Week,
			[]string{"2026-12-27", "2027-01-03", "2027-01-10"}},
		{"every other week, over 29 February", "2028-02-22", 2, calendar.Week,
			[]string{"2028-02-22", "2028-03-07", "2028-03-21"}},
		{"the longest intervals", "2999-12-31", 120, calendar.Month,
			[]string{"2999-12-31", "3009-12-31"}},
		{"the first year", "1900-01-31", 1, calendar.Month,
			[]string{"1900-01-31", "1900-02-28", "1900-03-31"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := theCalendar(t, tt.count, tt.unit, tt.startsOn, "09:00", "UTC")
			for index, want := range tt.want {
				o := c.At(index)
				require.Equal(t, calendar.Occurrence{Index: index, Date: date(t, want), At: instant(t, want+"T09:00:00Z")}, o)
				require.Equal(t, want, o.Date.String())
				require.Equal(t, o, c.NotBefore(o.At))
			}
		})
	}
}

// The days on which clocks are changed. The instants are from the tz database
// and the notes in it, not from this code.
func TestClockChanges(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, zone, day, clock string
		want                   string
	}{
		{"gap: just before", "Europe/Berlin", "2026-03-29", "01:59", "2026-03-29T00:59:00Z"},
		{"gap: its first minute", "Europe/Berlin", "2026-03-29", "02:00", "2026-03-29T01:00:00Z"},
		{"gap: inside", "Europe/Berlin", "2026-03-29", "02:30", "2026-03-29T01:00:00Z"},
		{"gap: its last minute", "Europe/Berlin", "2026-03-29", "02:59", "2026-03-29T01:00:00Z"},
		{"gap: its end", "Europe/Berlin", "2026-03-29", "03:00", "2026-03-29T01:00:00Z"},
		{"gap: just after", "Europe/Berlin", "2026-03-29", "03:01", "2026-03-29T01:01:00Z"},
		{"overlap: just before", "Europe/Berlin", "2026-10-25", "01:59", "2026-10-24T23:59:00Z"},
		{"overlap: its first minute", "Europe/Berlin", "2026-10-25", "02:00", "2026-10-25T00:00:00Z"},
		{"overlap: inside", "Europe/Berlin", "2026-10-25", "02:30", "2026-10-25T00:30:00Z"},
		{"overlap: its last minute", "Europe/Berlin", "2026-10-25", "02:59", "2026-10-25T00:59:00Z"},
		{"overlap: after", "Europe/Berlin", "2026-10-25", "03:00", "2026-10-25T02:00:00Z"},

		{"New York, gap", "America/New_York", "2026-03-08", "02:30", "2026-03-08T07:00:00Z"},
		{"New York, overlap", "America/New_York", "2026-11-01", "01:30", "2026-11-01T05:30:00Z"},
		{"Dublin, whose winter time is the exception, gap", "Europe/Dublin", "2026-03-29", "01:30", "2026-03-29T01:00:00Z"},
		{"Dublin, overlap", "Europe/Dublin", "2026-10-25", "01:30", "2026-10-25T00:30:00Z"},
		{"Baghdad, no changes any more", "Asia/Baghdad", "2026-04-01", "03:30", "2026-04-01T00:30:00Z"},
		{"Baghdad, gap of 2007, the last", "Asia/Baghdad", "2007-04-01", "03:30", "2007-04-01T00:00:00Z"},
		{"Baghdad, overlap of 2007", "Asia/Baghdad", "2007-10-01", "03:30", "2007-09-30T23:30:00Z"},
		{"Casablanca, out of Ramadan, gap", "Africa/Casablanca", "2024-04-14", "02:30", "2024-04-14T02:00:00Z"},
		{"Casablanca, into Ramadan, overlap", "Africa/Casablanca", "2024-03-10", "02:30", "2024-03-10T01:30:00Z"},
		{"El Aaiun, out of Ramadan, gap", "Africa/El_Aaiun", "2024-04-14", "02:30", "2024-04-14T02:00:00Z"},

		{"Lord Howe, gap of 30 minutes", "Australia/Lord_Howe", "2026-10-04", "02:15", "2026-10-03T15:30:00Z"},
		{"Lord Howe, after the gap", "Australia/Lord_Howe", "2026-10-04", "02:30", "2026-10-03T15:30:00Z"},
		{"Lord Howe, overlap of 30 minutes", "Australia/Lord_Howe", "2026-04-05", "01:45", "2026-04-04T14:45:00Z"},
		{"Troll, gap of 2 hours", "Antarctica/Troll", "2026-03-29", "01:30", "2026-03-29T01:00:00Z"},
		{"Troll, end of the gap", "Antarctica/Troll", "2026-03-29", "03:00", "2026-03-29T01:00:00Z"},
		{"Troll, overlap of 2 hours", "Antarctica/Troll", "2026-10-25", "02:30", "2026-10-25T00:30:00Z"},

		{"São Paulo, gap at midnight", "America/Sao_Paulo", "2018-11-04", "00:00", "2018-11-04T03:00:00Z"},
		{"São Paulo, inside it", "America/Sao_Paulo", "2018-11-04", "00:59", "2018-11-04T03:00:00Z"},
		{"São Paulo, overlap before midnight", "America/Sao_Paulo", "2018-02-17", "23:30", "2018-02-18T01:30:00Z"},
		{"São Paulo, midnight after it", "America/Sao_Paulo", "2018-02-18", "00:00", "2018-02-18T03:00:00Z"},
		{"Beirut, gap at midnight", "Asia/Beirut", "2022-03-27", "00:30", "2022-03-26T22:00:00Z"},
		{"Cairo, gap at midnight", "Africa/Cairo", "2024-04-26", "00:30", "2024-04-25T22:00:00Z"},
		{"Cairo, overlap before midnight", "Africa/Cairo", "2024-10-31", "23:30", "2024-10-31T20:30:00Z"},
		{"St John's, gap at 00:01", "America/St_Johns", "2010-03-14", "00:30", "2010-03-14T03:31:00Z"},
		{"St John's, the minute before it", "America/St_Johns", "2010-03-14", "00:00", "2010-03-14T03:30:00Z"},
		{"St John's, back over midnight", "America/St_Johns", "2010-11-07", "00:00", "2010-11-07T02:30:00Z"},
		{"St John's, the evening before, twice", "America/St_Johns", "2010-11-06", "23:30", "2010-11-07T02:00:00Z"},
		{"Nuuk, gap up to midnight: the next day begins", "America/Nuuk", "2024-03-30", "23:30", "2024-03-31T01:00:00Z"},

		{"Apia, the day before", "Pacific/Apia", "2011-12-29", "09:00", "2011-12-29T19:00:00Z"},
		{"Apia, the day that was left out", "Pacific/Apia", "2011-12-30", "09:00", "2011-12-30T10:00:00Z"},
		{"Apia, its midnight", "Pacific/Apia", "2011-12-30", "00:00", "2011-12-30T10:00:00Z"},
		{"Apia, its last minute", "Pacific/Apia", "2011-12-30", "23:59", "2011-12-30T10:00:00Z"},
		{"Apia, midnight after", "Pacific/Apia", "2011-12-31", "00:00", "2011-12-30T10:00:00Z"},
		{"Apia, the day after", "Pacific/Apia", "2011-12-31", "09:00", "2011-12-30T19:00:00Z"},
		{"Kwajalein, left out 21 August 1993", "Pacific/Kwajalein", "1993-08-21", "09:00", "1993-08-21T12:00:00Z"},
		{"Kwajalein, had 30 September 1969 twice", "Pacific/Kwajalein", "1969-09-30", "12:00", "1969-09-30T01:00:00Z"},
		{"Monrovia, gap of 44 minutes 30 seconds", "Africa/Monrovia", "1972-01-07", "00:20", "1972-01-07T00:44:30Z"},
		{"Monrovia, the day before", "Africa/Monrovia", "1972-01-06", "09:00", "1972-01-06T09:44:30Z"},
		{"Pyongyang, half an hour forward in 2018", "Asia/Pyongyang", "2018-05-04", "23:45", "2018-05-04T15:00:00Z"},
		{"Caracas, gap of 30 minutes", "America/Caracas", "2016-05-01", "02:45", "2016-05-01T07:00:00Z"},
		{"far east of Greenwich", "Pacific/Kiritimati", "2026-01-01", "00:00", "2025-12-31T10:00:00Z"},
		{"far west of it", "Etc/GMT+12", "2026-01-01", "23:59", "2026-01-02T11:59:00Z"},
		{"the last day of a leap year, after all listed changes", "Europe/Lisbon", "2056-12-31", "02:30", "2056-12-31T02:30:00Z"},
		{"and its evening, in summer", "America/Santiago", "2060-12-31", "23:30", "2061-01-01T02:30:00Z"},
		{"far in the future, where a rule goes on", "Europe/Berlin", "2500-03-28", "02:30", "2500-03-28T01:00:00Z"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			want := calendar.Occurrence{Date: date(t, tt.day), At: instant(t, tt.want)}
			require.Equal(t, want, theCalendar(t, 1, calendar.Day, tt.day, tt.clock, tt.zone).At(0))

			// Come to from a month and from a year away, it is the same.
			monthBefore, yearBefore := instant(t, tt.day+"T00:00:00Z").AddDate(0, 0, -28), instant(t, tt.day+"T00:00:00Z").AddDate(-1, 0, 0)
			want.Index = 28
			require.Equal(t, want, theCalendar(t, 1, calendar.Day, monthBefore.Format(time.DateOnly), tt.clock, tt.zone).At(28))
			want.Index = 1
			require.Equal(t, want, theCalendar(t, 1, calendar.Year, yearBefore.Format(time.DateOnly), tt.clock, tt.zone).At(1))
		})
	}
}

// In Samoa there was no 30 December 2011. A daily calendar goes on in order, and
// each of its days keeps its index.
func TestADayThatIsLeftOut(t *testing.T) {
	t.Parallel()
	c := theCalendar(t, 1, calendar.Day, "2011-12-28", "00:00", "Pacific/Apia")
	change := instant(t, "2011-12-30T10:00:00Z")
	require.Equal(t, change, c.At(2).At, "30 December")
	require.Equal(t, change, c.At(3).At, "31 December")
	require.Equal(t, date(t, "2011-12-30"), c.At(2).Date)
	require.Equal(t, date(t, "2011-12-31"), c.LocalDate(c.At(2).At), "but the clocks say the 31st")

	require.Equal(t, c.At(2), c.NotBefore(change), "the first of the two")
	require.Equal(t, c.At(2), c.After(change.Add(-1)))
	require.Equal(t, c.At(4), c.After(change))
	last, ok := c.LastNotAfter(change)
	require.True(t, ok)
	require.Equal(t, c.At(3), last, "the last of the two")

	morning := theCalendar(t, 1, calendar.Day, "2011-12-29", "09:00", "Pacific/Apia")
	require.Equal(t, instant(t, "2011-12-30T10:00:00Z"), morning.AddDays(morning.At(0).At, 1))
	require.Equal(t, instant(t, "2011-12-30T19:00:00Z"), morning.AddDays(morning.At(0).At, 2))
}

func TestSearch(t *testing.T) {
	t.Parallel()
	c := theCalendar(t, 1, calendar.Month, "2026-01-31", "09:00", "Asia/Baghdad") // 06:00 UTC
	for _, tt := range []struct {
		name, t                        string
		notBefore, after, lastNotAfter int // -1: none
	}{
		{"long before", "1970-01-01T00:00:00Z", 0, 0, -1},
		{"a second before the first", "2026-01-31T05:59:59Z", 0, 0, -1},
		{"at the first", "2026-01-31T06:00:00Z", 0, 1, 0},
		{"a second after it", "2026-01-31T06:00:01Z", 1, 1, 0},
		{"at the end of February", "2026-02-28T06:00:00Z", 1, 2, 1},
		{"on the day, after its time", "2026-02-28T06:00:01Z", 2, 2, 1},
		{"early in a month", "2026-03-01T00:00:00Z", 2, 2, 1},
		{"on the day, before its time", "2026-03-31T05:59:59Z", 2, 2, 1},
		{"decades later", "2126-01-31T06:00:00Z", 1200, 1201, 1200},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			at := instant(t, tt.t)
			require.Equal(t, c.At(tt.notBefore), c.NotBefore(at))
			require.Equal(t, c.At(tt.after), c.After(at))
			last, ok := c.LastNotAfter(at)
			require.Equal(t, tt.lastNotAfter >= 0, ok)
			if ok {
				require.Equal(t, c.At(tt.lastNotAfter), last)
			} else {
				require.Zero(t, last)
			}
			// Whichever zone the asking clock is set to.
			elsewhere := at.In(time.FixedZone("", -11*60*60))
			require.Equal(t, c.At(tt.notBefore), c.NotBefore(elsewhere))
			require.Equal(t, c.At(tt.after), c.After(elsewhere))
		})
	}
}

func TestLocalDate(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ zone, t, want string }{
		{"UTC", "2026-12-31T23:59:59Z", "2026-12-31"},
		{"Asia/Baghdad", "2026-12-31T20:59:59Z", "2026-12-31"},
		{"Asia/Baghdad", "2026-12-31T21:00:00Z", "2027-01-01"},
		{"America/Los_Angeles", "2027-01-01T07:59:59Z", "2026-12-31"},
		{"Pacific/Apia", "2011-12-30T09:59:59Z", "2011-12-29"},
		{"Pacific/Apia", "2011-12-30T10:00:00Z", "2011-12-31"},
	} {
		c := theCalendar(t, 1, calendar.Day, "2026-01-01", "09:00", tt.zone)
		require.Equal(t, date(t, tt.want), c.LocalDate(instant(t, tt.t)), "%s %s", tt.zone, tt.t)
	}
}

func TestAddDays(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, zone, t string
		days          int
		want          string
	}{
		{"a day", "UTC", "2026-01-01T09:00:00Z", 1, "2026-01-02T09:00:00Z"},
		{"with seconds and less", "UTC", "2026-01-01T09:00:01.5Z", 7, "2026-01-08T09:00:01.5Z"},
		{"over the month's end", "UTC", "2026-02-25T09:00:00Z", 7, "2026-03-04T09:00:00Z"},
		{"backwards", "UTC", "2026-03-01T09:00:00Z", -1, "2026-02-28T09:00:00Z"},
		{"the local day, where UTC is on another", "America/Los_Angeles", "2026-01-01T02:00:00Z", 1, "2026-01-02T02:00:00Z"},
		{"over a gap: the same local time, 23 hours", "Europe/Berlin", "2026-03-28T08:00:00Z", 1, "2026-03-29T07:00:00Z"},
		{"over an overlap: the same local time, 25 hours", "Europe/Berlin", "2026-10-24T07:00:00Z", 1, "2026-10-25T08:00:00Z"},
		{"into a gap", "Europe/Berlin", "2026-03-28T01:30:00Z", 1, "2026-03-29T01:00:00Z"},
		{"out of a gap: the time it was moved to", "Europe/Berlin", "2026-03-29T01:00:00Z", 1, "2026-03-30T01:00:00Z"},
		{"into an overlap: the first", "Europe/Berlin", "2026-10-24T00:30:00Z", 1, "2026-10-25T00:30:00Z"},
		{"out of an overlap: from the second", "Europe/Berlin", "2026-10-25T01:30:00Z", 1, "2026-10-26T01:30:00Z"},
		{"into a gap at midnight", "Africa/Cairo", "2024-04-24T22:15:00Z", 1, "2024-04-25T22:00:00Z"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := theCalendar(t, 1, calendar.Month, "2026-01-01", "17:00", tt.zone)
			require.Equal(t, instant(t, tt.want), c.AddDays(instant(t, tt.t), tt.days))
		})
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	good := theCalendar(t, 1, calendar.Month, "2026-12-31", "09:00", "Asia/Baghdad")
	for _, tt := range []struct {
		name   string
		change func(*calendar.Calendar)
		fields []string
	}{
		{"nothing", func(*calendar.Calendar) {}, nil},
		{"midnight", func(c *calendar.Calendar) { c.ChargeAt = clock(t, "00:00") }, nil},
		{"no count", func(c *calendar.Calendar) { c.Every.Count = 0 }, []string{"every.count"}},
		{"a negative count", func(c *calendar.Calendar) { c.Every.Count = -1 }, []string{"every.count"}},
		{"366 days", func(c *calendar.Calendar) { c.Every = calendar.Every{Count: 366, Unit: calendar.Day} }, nil},
		{"367 days", func(c *calendar.Calendar) { c.Every = calendar.Every{Count: 367, Unit: calendar.Day} }, []string{"every.count"}},
		{"520 weeks", func(c *calendar.Calendar) { c.Every = calendar.Every{Count: 520, Unit: calendar.Week} }, nil},
		{"521 weeks", func(c *calendar.Calendar) { c.Every = calendar.Every{Count: 521, Unit: calendar.Week} }, []string{"every.count"}},
		{"120 months", func(c *calendar.Calendar) { c.Every = calendar.Every{Count: 120, Unit: calendar.Month} }, nil},
		{"121 months", func(c *calendar.Calendar) { c.Every = calendar.Every{Count: 121, Unit: calendar.Month} }, []string{"every.count"}},
		{"10 years", func(c *calendar.Calendar) { c.Every = calendar.Every{Count: 10, Unit: calendar.Year} }, nil},
		{"11 years", func(c *calendar.Calendar) { c.Every = calendar.Every{Count: 11, Unit: calendar.Year} }, []string{"every.count"}},
		{"no unit", func(c *calendar.Calendar) { c.Every.Unit = "" }, []string{"every.unit"}},
		{"another unit", func(c *calendar.Calendar) { c.Every.Unit = "months" }, []string{"every.unit"}},
		{"no day", func(c *calendar.Calendar) { c.StartsOn = calendar.Date{} }, []string{"starts_on"}},
		{"1900", func(c *calendar.Calendar) { c.StartsOn = date(t, "1900-01-01") }, nil},
		{"1899", func(c *calendar.Calendar) { c.StartsOn = date(t, "1899-12-31") }, []string{"starts_on"}},
		{"2999", func(c *calendar.Calendar) { c.StartsOn = date(t, "2999-12-31") }, nil},
		{"3000", func(c *calendar.Calendar) { c.StartsOn = date(t, "3000-01-01") }, []string{"starts_on"}},
		{"no time of day", func(c *calendar.Calendar) { c.ChargeAt = calendar.Clock{} }, []string{"charge_at"}},
		{"nothing at all", func(c *calendar.Calendar) { *c = calendar.Calendar{} },
			[]string{"every.count", "every.unit", "starts_on", "charge_at", "time_zone"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := good
			tt.change(&c)
			var fields []string
			for _, f := range c.Check() {
				require.NotEmpty(t, f.Message)
				fields = append(fields, f.Field)
			}
			require.Equal(t, tt.fields, fields)
			if fields == nil {
				require.Equal(t, c.StartsOn, c.At(0).Date)
				return
			}
			// There is no guess at when to charge.
			require.Panics(t, func() { c.At(0) })
			require.Panics(t, func() { c.NotBefore(time.Unix(0, 0)) })
			require.Panics(t, func() { c.After(time.Unix(0, 0)) })
			require.Panics(t, func() { c.LastNotAfter(time.Unix(0, 0)) })
			require.Panics(t, func() { c.LocalDate(time.Unix(0, 0)) })
			require.Panics(t, func() { c.AddDays(time.Unix(0, 0), 1) })
		})
	}
	require.Panics(t, func() { good.At(-1) })
}

func TestTimeZones(t *testing.T) {
	t.Parallel()
	for _, name := range append([]string{
		"UTC", "GMT", "GMT0", "GMT+0", "Zulu", "EST", "EST5EDT", "W-SU", "GB-Eire", "NZ-CHAT", "PST8PDT", "Cuba", "Etc/GMT-14", "Etc/UTC",
		"America/Port-au-Prince", "America/North_Dakota/New_Salem", "America/Argentina/ComodRivadavia", "Antarctica/DumontDUrville", "US/East-Indiana",
	}, zones...) {
		require.Nil(t, theCalendar(t, 1, calendar.Day, "2026-01-01", "09:00", name).Check())
	}
	for _, name := range []string{
		"", "Local", "local", "Factory", "utc", "asia/baghdad", "Asia/baghdad", "Asia/Bagdad", "Asia", "Asia/", "/Asia/Baghdad", "Asia//Baghdad",
		"Asia/Baghdad/", "Asia/Baghdad ", " Asia/Baghdad", "Asia/Baghdad\n", "Asia/Baghdad\x00", "Asia\\Baghdad", "../Asia/Baghdad", "Asia/../Asia/Baghdad",
		"./UTC", "/etc/localtime", "/usr/share/zoneinfo/UTC", "localtime", "posixrules", "posix/UTC", "right/UTC", "tzdata.zi", "zone.tab", "leapseconds",
		"+03:00", "UTC+3", "GMT+3", "AST", "CEST", "Аsia/Baghdad", "America/A/B/C",
	} {
		c := calendar.Calendar{Every: calendar.Every{Count: 1, Unit: calendar.Day}, StartsOn: date(t, "2026-01-01"), ChargeAt: clock(t, "09:00"), TimeZone: name}
		faults := c.Check()
		require.Len(t, faults, 1, "%q", name)
		require.Equal(t, "time_zone", faults[0].Field, "%q", name)
	}
}

// Two calendars that say the same are the same, and can be a key.
func TestCalendarsCompare(t *testing.T) {
	t.Parallel()
	one := theCalendar(t, 1, calendar.Month, "2026-12-31", "09:00", "Asia/Baghdad")
	other := theCalendar(t, 1, calendar.Month, "2026-12-31", "09:00", "Asia/Baghdad")
	require.True(t, one == other)
	other.ChargeAt = clock(t, "09:01")
	require.False(t, one == other)
}

// theCalendar is a calendar without fault.
func theCalendar(t testing.TB, count int, unit calendar.Unit, startsOn, chargeAt, zone string) calendar.Calendar {
	t.Helper()
	c := calendar.Calendar{
		Every:    calendar.Every{Count: count, Unit: unit},
		StartsOn: date(t, startsOn),
		ChargeAt: clock(t, chargeAt),
		TimeZone: zone,
	}
	require.Nil(t, c.Check(), "%+v", c)
	return c
}

func date(t testing.TB, text string) calendar.Date {
	t.Helper()
	d, err := calendar.ParseDate(text)
	require.NoError(t, err, text)
	return d
}

func clock(t testing.TB, text string) calendar.Clock {
	t.Helper()
	c, err := calendar.ParseClock(text)
	require.NoError(t, err, text)
	return c
}

func instant(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	require.NoError(t, err, text)
	return at.UTC()
}

func BenchmarkNotBefore(b *testing.B) {
	c := theCalendar(b, 1, calendar.Day, "1970-01-01", "09:00", "Africa/Casablanca")
	for _, year := range []int{1970, 2026, 2999} {
		b.Run(fmt.Sprint(year), func(b *testing.B) {
			t := time.Date(year, 6, 1, 0, 0, 0, 0, time.UTC)
			for b.Loop() {
				c.NotBefore(t)
			}
		})
	}
}
