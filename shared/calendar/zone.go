package calendar

import (
	"errors"
	"regexp"
	"time"

	// The time zone database, inside the binary: Lambda's image for Go has none, and
	// a zone that cannot be found is a subscription that cannot be charged. Where the
	// system has a database, Go reads that one first.
	_ "time/tzdata"
)

var errNotAZone = errors.New(`must be an IANA time zone such as "Asia/Baghdad" or "UTC"`)

// zoneName is how all names of the database are written. Other files that lie
// beside the zones on many systems ("localtime", "posixrules", "right/UTC" with
// its leap seconds) begin with a small letter.
var zoneName = regexp.MustCompile(`^[A-Z][A-Za-z0-9_+-]*(/[A-Z][A-Za-z0-9_+-]*){0,2}$`)

// loadZone finds a zone by its IANA name. It is not cached: a load takes some
// microseconds, and each use of a Calendar makes one.
func loadZone(name string) (*time.Location, error) {
	switch {
	case name == "Local": // Go's name for the zone that the machine is set to
		return nil, errNotAZone
	case name == "Factory": // the database's name for a machine that is not set up
		return nil, errNotAZone
	case !zoneName.MatchString(name):
		return nil, errNotAZone
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, errNotAZone
	}
	return zone, nil
}

// instant is the first instant, in UTC, at which the clocks of a zone show a local
// time or have gone past it. That is one rule for all cases: a time that is skipped
// comes out as the first instant after the gap, one that happens twice as the first
// of the two. The local time is given as Date.at writes it.
//
// time.Date is of no use here: which side of a gap or an overlap it takes is not
// promised. So this goes from one clock change to the next, starting a day before,
// when no clock on earth has come to the local time yet.
func instant(local time.Time, zone *time.Location) time.Time {
	for t := local.AddDate(0, 0, -1); ; {
		here := t.In(zone)
		_, offset := here.Zone()
		at := local.Add(-time.Duration(offset) * time.Second)
		if at.Before(t) {
			return t // the change at t went past it
		}
		_, end := here.ZoneBounds()
		if !end.IsZero() && !end.After(t) {
			// On the last day of a leap year Go may say that the day's beginning was the
			// end (golang.org/issue/81583). Nothing changes within that day, in UTC.
			end = t.Truncate(24*time.Hour).AddDate(0, 0, 1)
		}
		if end.IsZero() || at.Before(end) {
			return at
		}
		t = end.UTC()
	}
}
