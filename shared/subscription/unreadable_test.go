package subscription_test

import (
	"bytes"
	"context"
	"iter"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/subscription"
	"dinarfunctions/shared/unreadable"
)

// holed is a store in which one subscription, and an entry of what is due, cannot be
// read.
type holed struct {
	subscription.Store
	id string
}

func (s *holed) broken() error {
	return &unreadable.Error{Kind: unreadable.Subscription, Key: s.id, What: "time_zone is none"}
}

func (s *holed) Get(ctx context.Context, id string) (subscription.Subscription, error) {
	if id == s.id {
		return subscription.Subscription{}, s.broken()
	}
	return s.Store.Get(ctx, id)
}

func (s *holed) Look(ctx context.Context, id string, was, next time.Time) (subscription.Subscription, bool, error) {
	if id == s.id {
		return subscription.Subscription{}, false, s.broken()
	}
	return s.Store.Look(ctx, id, was, next)
}

func (s *holed) Due(ctx context.Context, now time.Time) iter.Seq2[subscription.Due, error] {
	return func(yield func(subscription.Due, error) bool) {
		if yield(subscription.Due{}, &unreadable.Error{Kind: unreadable.Subscription, Key: "entry", What: "due_at is no time"}) {
			s.Store.Due(ctx, now)(yield)
		}
	}
}

// Issue 11, "One item that cannot be read is not an outage": what is due of the others is
// queued, and each that cannot be read is an alarm. Its own message fails.
func TestWhatIsDueIsQueuedBehindWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.now = at(t, "2027-01-01 00:00")
	for _, id := range []string{"broken", "other"} {
		_, _, err := h.Put(t.Context(), id, monthly(t))
		require.NoError(t, err)
	}
	h.now = at(t, "2027-01-31 09:00")
	var out bytes.Buffer
	biller := subscription.NewBiller(&holed{h.subs, "broken"}, h.ledger, h, func() time.Time { return h.now }, slog.New(slog.NewJSONHandler(&out, nil)))
	queued, err := biller.QueueDue(t.Context())
	require.NoError(t, err)
	require.Equal(t, subscription.Queued{Sent: 2, Unreadable: 2}, queued)
	require.ElementsMatch(t, []subscription.Message{firstMessage, {Subscription: "other", Cycle: 1}}, h.queued)
	for _, key := range []string{"broken", "entry"} {
		require.Equal(t, 1, strings.Count(out.String(), `"alarm":"unreadable","kind":"subscription","key":"`+key+`"`))
	}

	err = biller.Look(t.Context(), subscription.Message{Subscription: "broken", Cycle: 1})
	require.Equal(t, "broken", unreadable.Of(err).Key)
	require.NotErrorIs(t, err, subscription.ErrStore)
	_, err = biller.Pause(t.Context(), "broken")
	require.NotErrorIs(t, err, subscription.ErrStore)
	require.Equal(t, "broken", unreadable.Of(err).Key)
}
