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
		// Contract, "Schedules and queue": then weekly until it is final or no longer watched.
		{30 * 24 * time.Hour, 7 * 24 * time.Hour, 3 * 365 * 24 * time.Hour},
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
		ended := p.Looked(says("1"), p.NextCheckAt, overdueAfter)
		require.Equal(t, payout.Successful, ended.State)
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
		30*24*time.Hour - 1:             30 * 24 * time.Hour,
		30 * 24 * time.Hour:             37 * 24 * time.Hour,
		37*24*time.Hour - 1:             37 * 24 * time.Hour,
		37 * 24 * time.Hour:             44 * 24 * time.Hour,
		-time.Hour:                      time.Minute, // a clock that is behind
	} {
		after, interval := payout.NextLook(late)
		require.Equal(t, next, after, late.String())
		require.Positive(t, interval)
	}
}

// Contract, "Schedules and queue": final payouts are looked at again after 24 and 72 hours,
// 7 and 30 days.
func TestFinalPayoutsAreLookedAtAgain(t *testing.T) {
	t.Parallel()
	p := payout.New("payout-1", "", start).Looked(says("12"), start.Add(3*time.Minute), overdueAfter)
	requireLook(t, p, p.FinalAt.Add(24*time.Hour), 24*time.Hour)
	final := p.FinalAt
	before := 24 * time.Hour
	for _, after := range []time.Duration{72 * time.Hour, 7 * 24 * time.Hour, 30 * 24 * time.Hour} {
		p = p.Looked(says("12"), p.NextCheckAt, overdueAfter)
		require.Equal(t, final, p.FinalAt)
		requireLook(t, p, p.FinalAt.Add(after), after-before)
		before = after
	}
	p = p.Looked(says("12"), p.NextCheckAt, overdueAfter)
	require.True(t, p.NextCheckAt.IsZero())
}

// Field case P2: one that is taken back 73 hours after it was final is seen at seven days.
func TestOneThatIsTakenBackLateIsSeen(t *testing.T) {
	t.Parallel()
	p := payout.New("payout-1", "", start).Looked(says("1"), start.Add(3*time.Minute), overdueAfter)
	final := p.FinalAt
	status := "1"
	for p.State.Final() {
		if p.NextCheckAt.Sub(final) > 73*time.Hour {
			status = "2"
		}
		p = p.Looked(says(status), p.NextCheckAt, overdueAfter)
		if p.Changed(payout.ChangeAfterFinal) {
			break
		}
	}
	require.Equal(t, payout.Failed, p.State)
	require.Equal(t, 7*24*time.Hour, p.UpdatedAt.Sub(final).Truncate(time.Hour))
}

func TestALastLookThatFailedIsMadeUpFor(t *testing.T) {
	t.Parallel()
	p := payout.New("payout-1", "", start).Looked(says("1"), start, overdueAfter).Looked(says("1"), start.Add(8*24*time.Hour), overdueAfter)
	last := p.NextCheckAt
	require.Equal(t, 30*24*time.Hour, last.Sub(start).Truncate(time.Hour))
	tries := 0
	for ; !p.NextCheckAt.IsZero(); tries++ {
		require.Less(t, tries, 100)
		p = p.NotLooked("why", p.NextCheckAt, overdueAfter)
	}
	require.Equal(t, 25, tries)
	require.Equal(t, 24*time.Hour, p.UpdatedAt.Sub(last), "hourly for a day, from the look on")
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
