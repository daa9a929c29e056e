package clock_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dinarfunctions/sandbox/clock"
)

// house has things that are due at times, and a mover over them. A thing is done
// by work; one that is stuck never is.
type house struct {
	clock *clock.Clock
	due   map[string]time.Time
	stuck map[string]bool
	done  []string
	works int
	then  func(name string) // after a thing is done
}

func newHouse() *house {
	return &house{clock: clock.New(0, nil), due: map[string]time.Time{}, stuck: map[string]bool{}, then: func(string) {}}
}

func (h *house) mover() *clock.Mover {
	return &clock.Mover{
		Clock: h.clock,
		Next: func(_ context.Context, after time.Time) (at time.Time, any bool, err error) {
			for _, when := range h.due {
				if when.After(after) && (!any || when.Before(at)) {
					at, any = when, true
				}
			}
			return at, any, nil
		},
		Due: func(context.Context) (names []string, err error) { return h.names(), nil },
	}
}

func (h *house) work(context.Context) error {
	h.works++
	for _, name := range h.names() {
		if !h.stuck[name] {
			delete(h.due, name)
			h.done = append(h.done, name)
			h.then(name)
		}
	}
	return nil
}

func (h *house) names() (names []string) {
	for name, at := range h.due {
		if !at.After(h.clock.Now()) {
			names = append(names, name)
		}
	}
	return names
}

func by(d time.Duration) func(time.Time) time.Time {
	return func(now time.Time) time.Time { return now.Add(d) }
}

const day = 24 * time.Hour

func TestEverythingIsDoneAtItsTime(t *testing.T) {
	t.Parallel()
	h := newHouse()
	began := h.clock.Now()
	h.due["b"], h.due["a"], h.due["after"] = began.Add(2*day), began.Add(day), began.Add(11*day)
	h.then = func(name string) {
		due := map[string]time.Duration{"a": day, "b": 2 * day, "a again": 3 * day}[name]
		require.WithinDuration(t, began.Add(due), h.clock.Now(), time.Minute, name)
		if name == "a" {
			h.due["a again"] = began.Add(3 * day)
		}
	}
	left, err := h.mover().To(t.Context(), by(10*day), h.work)
	require.NoError(t, err)
	require.Empty(t, left)
	require.Equal(t, []string{"a", "b", "a again"}, h.done)
	require.Contains(t, h.due, "after")
	require.WithinDuration(t, began.Add(10*day), h.clock.Now(), time.Minute)
}

// What stays due is told, holds up nothing else, and is tried again ever more rarely.
func TestWhatStaysDueIsTold(t *testing.T) {
	t.Parallel()
	h := newHouse()
	began := h.clock.Now()
	h.due["stuck"], h.stuck["stuck"] = began.Add(time.Hour), true
	h.due["later"] = began.Add(20 * day)
	left, err := h.mover().To(t.Context(), by(365*day), h.work)
	require.NoError(t, err)
	require.Equal(t, []string{"stuck"}, left)
	require.Equal(t, []string{"later"}, h.done)
	require.Greater(t, h.works, 365)
	require.Less(t, h.works, 10*365)
}

func TestAMoveThatWouldNotEndIsGivenUp(t *testing.T) {
	t.Parallel()
	h := newHouse()
	h.due["restless"] = h.clock.Now().Add(time.Minute)
	h.then = func(name string) { h.due[name] = h.clock.Now().Add(time.Second) }
	_, err := h.mover().To(t.Context(), by(365*day), h.work)
	var stuck *clock.StuckError
	require.ErrorAs(t, err, &stuck)
	require.ErrorContains(t, err, "Ask again to go on")
}

func TestTheClockOnlyMovesForward(t *testing.T) {
	t.Parallel()
	h := newHouse()
	began := h.clock.Now()
	_, err := h.mover().To(t.Context(), by(-time.Hour), h.work)
	require.ErrorIs(t, err, clock.ErrBackwards)
	require.Zero(t, h.clock.Ahead())
	require.NoError(t, h.clock.Reach(began.Add(-time.Hour)))
	require.False(t, h.clock.Now().Before(began))
}

func TestAnOffsetThatCannotBeKeptDoesNotCount(t *testing.T) {
	t.Parallel()
	var kept []time.Duration
	fails := errors.New("disk full")
	c := clock.New(time.Hour, func(offset time.Duration) error {
		kept = append(kept, offset)
		if len(kept) > 1 {
			return fails
		}
		return nil
	})
	require.NoError(t, c.Reach(c.Now().Add(day)))
	require.ErrorIs(t, c.Reach(c.Now().Add(day)), fails)
	require.Equal(t, kept[0], c.Ahead())
	require.WithinDuration(t, time.Now().Add(25*time.Hour), c.Now(), time.Minute)
}

func TestWorkThatFailsEndsTheMove(t *testing.T) {
	t.Parallel()
	h := newHouse()
	broken := errors.New("broken")
	_, err := h.mover().To(t.Context(), by(day), func(context.Context) error { return fmt.Errorf("work: %w", broken) })
	require.ErrorIs(t, err, broken)
	require.Zero(t, h.clock.Ahead())

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = h.mover().To(ctx, by(day), h.work)
	require.ErrorIs(t, err, context.Canceled)
}
