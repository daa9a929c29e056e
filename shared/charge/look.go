package charge

import "time"

// When an open charge is asked about at the provider, counted from its call
// (contract, "Charges"): soon at first, because most answers that were lost were
// lost to a passing fault; then ever more rarely, and never not at all.
var looks = []time.Duration{
	30 * time.Second,
	2 * time.Minute,
	5 * time.Minute,
	15 * time.Minute,
	1 * time.Hour,
	3 * time.Hour,
	6 * time.Hour,
	12 * time.Hour,
	24 * time.Hour,
}

// declineLooks is when a decline is asked about again, counted from when it was learnt:
// the platform may try the order at another acquirer, and settle it there (contract,
// "Charges", "One order, several payments").
var declineLooks = []time.Duration{15 * time.Minute, 24 * time.Hour}

const (
	day = 24 * time.Hour
	// dailyFor is how long it is asked about daily; after that, weekly.
	dailyFor = 14 * day
	week     = 7 * day
)

// NextLook is the first time after now at which a charge that was called at a
// time is to be asked about.
func NextLook(called, now time.Time) time.Time {
	passed := now.Sub(called)
	for _, after := range looks {
		if after > passed {
			return called.Add(after)
		}
	}
	if passed < dailyFor {
		return called.Add((passed/day + 1) * day)
	}
	return called.Add(dailyFor + ((passed-dailyFor)/week+1)*week)
}
