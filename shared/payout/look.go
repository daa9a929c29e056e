package payout

import (
	"hash/fnv"
	"time"
)

const (
	day  = 24 * time.Hour
	week = 7 * day
	// dailyUntil is when the looks of the table end. After it they are weekly.
	dailyUntil = 30 * day
)

// When a payout that is processing is looked at, counted from the beginning of its
// watch (contract, "Schedules and queue"): soon at first, because the provider
// promises 15 minutes; then ever more rarely, until it is final or nobody watches it
// any more.
var looks = []struct{ every, until time.Duration }{
	{1 * time.Minute, 2 * time.Minute},
	{2 * time.Minute, 4 * time.Minute},
	{4 * time.Minute, 8 * time.Minute},
	{15 * time.Minute, 2 * time.Hour},
	{1 * time.Hour, 24 * time.Hour},
	{6 * time.Hour, 7 * day},
	{day, dailyUntil},
}

// When a final payout is looked at again, counted from the time at which it was
// seen to be final: a provider may correct itself.
var finalLooks = []time.Duration{24 * time.Hour, 72 * time.Hour, 7 * day, 30 * day}

const (
	// jitterPart of the interval before a look is the most that it is put off by,
	// so that what began together is not asked about together for ever.
	jitterPart = 20
	maxJitter  = 5 * time.Minute

	// The last look at a final payout is made up for if it failed, hourly for a day.
	makeUpEvery = time.Hour
	makeUpFor   = day
)

// nextCheck is the first look after a time; zero where none is planned.
func (p Payout) nextCheck(now time.Time) time.Time {
	if !p.State.Final() {
		after, interval := NextLook(now.Sub(p.WatchedAt))
		return p.WatchedAt.Add(after + jitter(p.ID, interval)).UTC()
	}
	after, interval, planned := nextFinalLook(now.Sub(p.FinalAt))
	if !planned {
		return time.Time{}
	}
	return p.FinalAt.Add(after + jitter(p.ID, interval)).UTC()
}

// NextLook is the first look at a payout that is processing, once its watch has
// lasted for some time: how long after the beginning of the watch it is, and how long
// after the look before.
func NextLook(passed time.Duration) (after, interval time.Duration) {
	for _, row := range looks {
		if after = (max(passed, 0)/row.every + 1) * row.every; after <= row.until {
			return after, row.every
		}
	}
	return dailyUntil + ((passed-dailyUntil)/week+1)*week, week
}

// nextFinalLook is the first look at a payout that is final, and has been for some
// time, as NextLook is; and whether there is one.
func nextFinalLook(passed time.Duration) (after, interval time.Duration, planned bool) {
	before := time.Duration(0)
	for _, after = range finalLooks {
		if after > passed {
			return after, after - before, true
		}
		before = after
	}
	return 0, 0, false
}

// makeUp is when the last look at a final payout is tried again, once it has failed;
// zero for never.
func (p Payout) makeUp(now time.Time) time.Time {
	end := p.FinalAt.Add(finalLooks[len(finalLooks)-1])
	if now.Sub(end) > makeUpFor {
		return time.Time{}
	}
	return now.Add(makeUpEvery).UTC()
}

// jitter is how much a look at a payout is put off: from the id, so that it is the
// same in every process, and little compared to the interval.
func jitter(id string, interval time.Duration) time.Duration {
	most := min(interval/jitterPart, maxJitter)
	h := fnv.New64a()
	_, _ = h.Write([]byte(id)) // it never fails
	// The low bits alone are spread well enough over ids that differ little.
	return time.Duration(h.Sum64() % uint64(most)) //nolint:gosec // most is positive and at most maxJitter
}
