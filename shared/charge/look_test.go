package charge_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"dinarfunctions/shared/charge"
)

// The contract's sentence, followed for a year by one who always looks in time.
func TestLooksOfAYear(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	want := []time.Duration{30 * time.Second, 2 * time.Minute, 5 * time.Minute, 15 * time.Minute,
		time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour}
	for n := 1; n <= 14; n++ {
		want = append(want, time.Duration(n)*day)
	}
	for n := 21; n <= 365; n += 7 {
		want = append(want, time.Duration(n)*day)
	}
	var got []time.Duration
	for at := noon; at.Sub(noon) < 365*day-day; {
		at = charge.NextLook(noon, at)
		got = append(got, at.Sub(noon))
	}
	require.Equal(t, want, got)
}

// Whoever looks late goes on with the next one that lies ahead, and never waits
// longer than a week.
func TestALateLookIsFollowedByOneAhead(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		passed := time.Duration(rapid.Int64Range(0, int64(400*24*time.Hour)).Draw(t, "passed"))
		next := charge.NextLook(noon, noon.Add(passed))
		wait := next.Sub(noon.Add(passed))
		require.Positive(t, wait, fmt.Sprint(passed))
		require.LessOrEqual(t, wait, 7*24*time.Hour, fmt.Sprint(passed))
		require.Equal(t, next, charge.NextLook(noon, next.Add(-1)), "it is in the plan")
	})
}
