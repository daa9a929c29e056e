package payout_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/payout"
)

// requireLook: the next look is at a time, or a little later.
func requireLook(t *testing.T, p payout.Payout, at time.Time, interval time.Duration) {
	t.Helper()
	late := p.NextCheckAt.Sub(at)
	require.GreaterOrEqual(t, late, time.Duration(0))
	require.Less(t, late, min(interval/20, 5*time.Minute))
}

// The contract's intervals, said a second time: until a time, every so often.
// Contract, Schedules and queue: "daily to 30 days, then weekly until it is final or
// no longer watched, with jitter".
func TestTheLooksOfAWatch(t *testing.T) {
	t.Parallel()
	var want []time.Duration
	for _, minutes := range []int{1, 2, 4, 8, 15} {
		want = append(want, time.Duration(minutes)*time.Minute)
	}
	for _, row := range []struct{ from, every, until time.Duration }{
		{15 * time.Minute, 15 * time.Minute, 2 * time.Hour},
		{2 * time.Hour, time.Hour, 24 * time.Hour},
		{24 * time.Hour, 6 * time.Hour, 7 * 24 * time.Hour},
		{7 * 24 * time.Hour, 24 * time.Hour, 30 * 24 * time.Hour},
		{30 * 24 * time.Hour, 7 * 24 * time.Hour, (30 + 7*200) * 24 * time.Hour},
	} {
		for at := row.from + row.every; at <= row.until; at += row.every {
			want = append(want, at)
		}
	}
	for _, id := range []string{"1617fcccd1f3269c", "1617fcccd1f3269d", "a", "z_-9"} {
		p := payout.New(id, "", start)
		for i, after := range want {
			require.GreaterOrEqual(t, p.NextCheckAt, start.Add(after), "never before its time")
			interval := after
			if i > 0 {
				interval -= want[i-1]
			}
			require.Less(t, p.NextCheckAt.Sub(start.Add(after)), interval/9, "%v", after)
			require.LessOrEqual(t, p.NextCheckAt.Sub(start.Add(after)), 5*time.Minute)
			p = p.Looked(says("0"), p.NextCheckAt, overdueAfter)
		}
		require.False(t, p.NextCheckAt.IsZero(), "it never ends by itself")
		require.Equal(t, len(want), p.Checks)
	}
}

func TestALookThatCameLateGoesOnWithThePlan(t *testing.T) {
	t.Parallel()
	for late, next := range map[time.Duration]time.Duration{
		59 * time.Second:                time.Minute, // early, and all the same
		3 * time.Minute:                 4 * time.Minute,
		14*time.Minute + 59*time.Second: 15 * time.Minute,
		110 * time.Minute:               2 * time.Hour,
		23*time.Hour + time.Minute:      24 * time.Hour,
		25 * time.Hour:                  30 * time.Hour,
		7*24*time.Hour + time.Second:    8 * 24 * time.Hour,
		-time.Hour:                      time.Minute, // a clock that went back
		30*24*time.Hour - 1:             30 * 24 * time.Hour,
		30 * 24 * time.Hour:             37 * 24 * time.Hour,
		37*24*time.Hour - 1:             37 * 24 * time.Hour,
		37 * 24 * time.Hour:             44 * 24 * time.Hour,
		400 * 24 * time.Hour:            401 * 24 * time.Hour,
	} {
		after, _ := payout.NextLook(late)
		require.Equal(t, next, after, late.String())
	}
}

// Contract, Schedules and queue: "Final payouts are looked at again after 24 and 72
// hours, 7 and 30 days; a change is an event."
func TestFinalPayoutsAreLookedAtFourTimesMore(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	p := payout.New("payout-1", "", start).Looked(says("12"), start.Add(3*time.Minute), overdueAfter)
	final, before := p.FinalAt, time.Duration(0)
	for _, after := range []time.Duration{day, 3 * day, 7 * day, 30 * day} {
		requireLook(t, p, final.Add(after), after-before)
		changed := p.Looked(says("22"), p.NextCheckAt, overdueAfter)
		require.True(t, changed.Changed(payout.ChangeAfterFinal), "taken back, and seen after %v", after)
		requireLook(t, changed, changed.FinalAt.Add(day), day)
		p, before = p.Looked(says("12"), p.NextCheckAt, overdueAfter), after
		require.Equal(t, final, p.FinalAt)
		require.Empty(t, p.Change)
	}
	require.True(t, p.NextCheckAt.IsZero())
}

// A look that comes at the very time of its plan is that look, and the next follows.
func TestAFinalLookAtItsVeryTime(t *testing.T) {
	t.Parallel()
	p := payout.New("payout-1", "", start).Looked(says("1"), start.Add(time.Hour), overdueAfter)
	requireLook(t, p.Looked(says("1"), p.FinalAt.Add(24*time.Hour-1), overdueAfter), p.FinalAt.Add(24*time.Hour), 24*time.Hour)
	requireLook(t, p.Looked(says("1"), p.FinalAt.Add(24*time.Hour), overdueAfter), p.FinalAt.Add(72*time.Hour), 48*time.Hour)
}

func TestALastLookThatFailedIsMadeUpFor(t *testing.T) {
	t.Parallel()
	p := payout.New("payout-1", "", start).Looked(says("1"), start.Add(time.Minute), overdueAfter)
	end := p.FinalAt.Add(30 * 24 * time.Hour)
	p = p.Looked(says("1"), end.Add(-time.Hour), overdueAfter)
	before, last, tries := p, p.NextCheckAt, 0
	for ; !p.NextCheckAt.IsZero(); tries++ {
		require.Less(t, tries, 100)
		p = p.NotLooked("why", p.NextCheckAt, overdueAfter)
	}
	require.InDelta(t, 25, tries, 1)
	require.Less(t, p.UpdatedAt.Sub(last), 26*time.Hour)

	require.Equal(t, end.Add(25*time.Hour), before.NotLooked("why", end.Add(24*time.Hour), overdueAfter).NextCheckAt, "a day long, its end included")
	require.True(t, before.NotLooked("why", end.Add(24*time.Hour+1), overdueAfter).NextCheckAt.IsZero(), "and no longer")
}

// A look that failed long after the watch began is followed by the next weekly one.
func TestAWeeklyLookThatFailed(t *testing.T) {
	t.Parallel()
	p := payout.New("payout-1", "", start).NotLooked("why", start.Add(100*24*time.Hour), overdueAfter)
	requireLook(t, p, start.Add(107*24*time.Hour), 7*24*time.Hour)
	require.Equal(t, payout.Processing, p.State)
}

func TestJitterSpreads(t *testing.T) {
	t.Parallel()
	seen := map[time.Time]bool{}
	for i := range 1000 {
		id := fmt.Sprintf("payout-%04d", i)
		p := payout.New(id, "", start)
		require.Equal(t, p.NextCheckAt, payout.New(id, "", start).NextCheckAt, "the same every time")
		seen[p.NextCheckAt.Truncate(100*time.Millisecond)] = true
	}
	require.Greater(t, len(seen), 25, "what began together is spread over three seconds")
}
