package clock

import (
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// Period is a span of the calendar, as ISO 8601 writes it: P1M, P1Y6M, P2W, P1DT12H.
// How long it is depends on where it begins.
type Period struct {
	Years, Months, Days int
	Time                time.Duration
}

// periodForm takes whole numbers, in the order of the standard.
var periodForm = regexp.MustCompile(`^P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$`)

// longest is the largest number that a part of a period may have: enough for
// anybody, and too little to overflow.
const longest = 100_000

// ParsePeriod reads a period of whole numbers, at least one of them.
//
// Libraries for ISO 8601 turn a month into thirty days, or bring a type of decimals
// with them; neither is of use to a calendar.
func ParsePeriod(text string) (Period, error) {
	bad := fmt.Errorf("%q is no ISO 8601 period of whole numbers up to %d, such as P1M, P2W, P1DT12H or PT30S", text, longest)
	parts := periodForm.FindStringSubmatch(text)
	if parts == nil || text[len(text)-1] == 'T' || text == "P" {
		return Period{}, bad
	}
	var n [8]int
	for i, part := range parts {
		if i == 0 || part == "" {
			continue
		}
		var err error
		if n[i], err = strconv.Atoi(part); err != nil || n[i] > longest {
			return Period{}, bad
		}
	}
	return Period{
		Years: n[1], Months: n[2], Days: 7*n[3] + n[4],
		Time: time.Duration(n[5])*time.Hour + time.Duration(n[6])*time.Minute + time.Duration(n[7])*time.Second,
	}, nil
}

// After is the time that is the period after another, in UTC: first the months, of
// which a shorter one is left at its last day, then the days, then the time.
func (p Period) After(t time.Time) time.Time {
	t = t.UTC()
	months := p.Months + 12*p.Years
	first := time.Date(t.Year(), t.Month()+time.Month(months), 1, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
	last := first.AddDate(0, 1, -1).Day()
	return first.AddDate(0, 0, min(t.Day(), last)-1+p.Days).Add(p.Time)
}
