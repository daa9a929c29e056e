package payout_test

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/payout"
	"dinarfunctions/shared/unreadable"
)

// holed is a store in which one payout, and an entry of what is due, cannot be read.
type holed struct {
	payout.Store
	id      string
	refused error // what every other look fails with
}

func (s *holed) Look(ctx context.Context, id string, was, next time.Time) (payout.Payout, bool, error) {
	if id == s.id {
		return payout.Payout{}, false, &unreadable.Error{Kind: unreadable.Payout, Key: id, What: "state is none"}
	}
	if s.refused != nil {
		return payout.Payout{}, false, s.refused
	}
	return s.Store.Look(ctx, id, was, next)
}

func (s *holed) Due(ctx context.Context, now time.Time) iter.Seq2[payout.Due, error] {
	return func(yield func(payout.Due, error) bool) {
		if yield(payout.Due{}, &unreadable.Error{Kind: unreadable.Payout, Key: "entry", What: "due_at is no time"}) {
			s.Store.Due(ctx, now)(yield)
		}
	}
}

// Issue 11, "One item that cannot be read is not an outage": "sweeps go on with the others
// and raise an alarm".
func TestASweepGoesOnBehindWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, id := range []string{"a", "b", "c"} {
		_, _, err := h.Watch(t.Context(), id, "")
		require.NoError(t, err)
	}
	store := &holed{Store: h.store, id: "a"}
	watcher := payout.NewWatcher(store, h, overdueAfter, h.clock, slog.New(slog.NewJSONHandler(h.log, nil)))
	h.advance(3 * time.Minute)
	swept, err := watcher.Sweep(t.Context())
	require.NoError(t, err)
	require.Equal(t, 2, swept.Asked)
	require.Equal(t, 2, swept.Unreadable)
	require.Zero(t, swept.Failed)
	for _, key := range []string{"a", "entry"} {
		require.Equal(t, 1, strings.Count(h.log.String(), `"alarm":"unreadable","kind":"payout","key":"`+key+`"`))
	}
	require.NotContains(t, h.log.String(), "its look comes again", "the alarm is all")
	require.Zero(t, h.asked["a"], "nobody is asked about what cannot be written down")

	// Where no other can be looked at, the store cannot be reached.
	store.refused = errors.New("throttled")
	h.advance(time.Hour)
	swept, err = watcher.Sweep(t.Context())
	require.ErrorIs(t, err, payout.ErrStore)
	require.Equal(t, 2, swept.Failed)
	require.Equal(t, 2, strings.Count(h.log.String(), "its look comes again"))
}
