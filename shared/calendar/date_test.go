package calendar_test

import (
	"fmt"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/calendar"
)

var (
	goodDates  = []string{"2026-12-31", "2028-02-29", "2000-02-29", "1900-01-01", "0001-01-01", "9999-12-31"}
	badDates   = []string{"", "2026-02-29", "2100-02-29", "2026-02-30", "2026-04-31", "2026-13-01", "2026-00-01", "2026-01-00", "2026-01-32", "2026-1-1", "26-01-01", "20260101", "2026/01/01", "31-12-2026", "2026-01-01T00:00:00Z", "2026-01-01 ", " 2026-01-01", "2026-01-01\n", "+2026-01-01", "-2026-01-01", "12026-01-01", "２０２６-01-01", "2026−01−01", "٢٠٢٦-٠١-٠١", "today"}
	goodClocks = []string{"00:00", "09:00", "12:34", "19:59", "20:00", "23:59"}
	badClocks  = []string{"", "24:00", "23:60", "9:00", "09:0", "0900", "09:00:00", "09.00", "-9:00", "+9:00", "009:00", " 09:00", "09:00 ", "09:00\n", "9am", "٠٩:٠٠", "09：00", "noon"}
)

func TestParseDate(t *testing.T) {
	t.Parallel()
	for _, text := range goodDates {
		d, err := calendar.ParseDate(text)
		require.NoError(t, err, text)
		require.Equal(t, text, d.String())
		require.False(t, d.IsZero())
	}
	for _, text := range badDates {
		d, err := calendar.ParseDate(text)
		require.ErrorIs(t, err, calendar.ErrNotADate, "%q", text)
		require.True(t, d.IsZero())
		require.Empty(t, d.String())
	}
}

func TestParseClock(t *testing.T) {
	t.Parallel()
	seen := map[calendar.Clock]bool{}
	for minute := range 24 * 60 {
		text := fmt.Sprintf("%02d:%02d", minute/60, minute%60)
		c, err := calendar.ParseClock(text)
		require.NoError(t, err, text)
		require.Equal(t, text, c.String())
		require.False(t, c.IsZero(), text)
		seen[c] = true
	}
	require.Len(t, seen, 24*60)
	for _, text := range badClocks {
		c, err := calendar.ParseClock(text)
		require.ErrorIs(t, err, calendar.ErrNotAClock, "%q", text)
		require.True(t, c.IsZero())
		require.Empty(t, c.String())
	}
}

func TestAddYears(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		from  string
		years int
		want  string
	}{
		{"2027-01-01", 10, "2037-01-01"},
		{"2027-12-31", 1, "2028-12-31"},
		{"2028-02-29", 10, "2038-02-28"},
		{"2028-02-29", 4, "2032-02-29"},
		{"2027-02-28", 1, "2028-02-28"},
		{"2027-05-05", 0, "2027-05-05"},
		{"2028-02-29", -1, "2027-02-28"},
	} {
		require.Equal(t, tt.want, date(t, tt.from).AddYears(tt.years).String(), "%s and %d years", tt.from, tt.years)
	}
}

// What is read is written the same, and what is refused is not a day by another
// reading either.
func FuzzParseDate(f *testing.F) {
	for _, text := range append(append([]string{}, goodDates...), badDates...) {
		f.Add(text)
	}
	shape := regexp.MustCompile(`\A[0-9]{4}-[0-9]{2}-[0-9]{2}\z`)
	f.Fuzz(func(t *testing.T, text string) {
		d, err := calendar.ParseDate(text)
		// Only a day of the calendar comes out of time.Date as it went in.
		var year, month, day int
		isDay := shape.MatchString(text)
		if isDay {
			_, scanErr := fmt.Sscanf(text, "%4d-%2d-%2d", &year, &month, &day)
			require.NoError(t, scanErr)
			isDay = time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC).Format(time.DateOnly) == text
		}
		require.Equal(t, isDay, err == nil, "%q", text)
		if err != nil {
			require.ErrorIs(t, err, calendar.ErrNotADate)
			require.True(t, d.IsZero())
			return
		}
		require.Equal(t, text, d.String())
		again, err := calendar.ParseDate(d.String())
		require.NoError(t, err)
		require.Equal(t, d, again)
	})
}

func FuzzParseClock(f *testing.F) {
	for _, text := range append(append([]string{}, goodClocks...), badClocks...) {
		f.Add(text)
	}
	all := map[string]bool{}
	for minute := range 24 * 60 {
		all[fmt.Sprintf("%02d:%02d", minute/60, minute%60)] = true
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := calendar.ParseClock(text)
		require.Equal(t, all[text], err == nil, "%q", text)
		if err != nil {
			require.ErrorIs(t, err, calendar.ErrNotAClock)
			require.True(t, c.IsZero())
			return
		}
		require.Equal(t, text, c.String())
	})
}

// Whatever a calendar is made of, Check finds fault with it or it has dates, in
// order, that its searches find again.
func FuzzCalendar(f *testing.F) {
	for i, zone := range zones {
		f.Add(1+i, "month", "2026-12-31", "02:30", zone, i, int64(1_800_000_000))
	}
	f.Add(0, "", "", "", "", -1, int64(0))
	f.Add(367, "day", "1899-12-31", "24:00", "../UTC", 5000, int64(-1<<62))
	f.Add(1, "day", "2011-12-28", "00:00", "Pacific/Apia", 2, int64(1_325_239_200))
	f.Add(10, "year", "2999-12-31", "23:59", "Local", 1000, int64(1<<40))
	f.Fuzz(func(t *testing.T, count int, unit, startsOn, chargeAt, zone string, index int, seconds int64) {
		c := calendar.Calendar{Every: calendar.Every{Count: count, Unit: calendar.Unit(unit)}, TimeZone: zone}
		c.StartsOn, _ = calendar.ParseDate(startsOn)
		c.ChargeAt, _ = calendar.ParseClock(chargeAt)
		faults := c.Check()
		if faults != nil {
			require.Equal(t, faults, c.Check(), "what is refused stays refused")
			return
		}
		index = max(index, 0) % 10_000
		o := c.At(index)
		require.Equal(t, index, o.Index)
		found := c.NotBefore(o.At)
		require.True(t, found.At.Equal(o.At))
		require.LessOrEqual(t, found.Index, index)
		last, ok := c.LastNotAfter(o.At)
		require.True(t, ok)
		require.True(t, last.At.Equal(o.At))
		require.GreaterOrEqual(t, last.Index, index)
		require.Equal(t, last.Index+1, c.After(o.At).Index)

		at := time.Unix(seconds%(1<<38), 0) // to the year 10680
		next := c.NotBefore(at)
		require.False(t, next.At.Before(at))
		if next.Index > 0 {
			require.True(t, c.At(next.Index-1).At.Before(at))
		}
	})
}
