package subscription_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/subscription"
)

// broken is a store of which some calls fail.
type broken struct {
	subscription.Store
	get, look error
	looks     int
}

func (b *broken) Get(ctx context.Context, id string) (subscription.Subscription, error) {
	if b.get != nil {
		return subscription.Subscription{}, b.get
	}
	return b.Store.Get(ctx, id)
}

func (b *broken) Look(ctx context.Context, id string, was, next time.Time) (subscription.Subscription, bool, error) {
	b.looks++
	if b.look != nil {
		return subscription.Subscription{}, false, b.look
	}
	return b.Store.Look(ctx, id, was, next)
}

// Contract, Subscriptions: where nothing came of a cycle's charge, its next look moves on
// with every such try, whatever the cause.
func TestEveryLookThatFailsMovesTheNextOneOn(t *testing.T) {
	t.Parallel()
	for name, fails := range map[string]func(h *house, b *broken){
		"the key is refused":           func(h *house, _ *broken) { h.bank.answer = charge.Answer{State: charge.Unsent, KeyRefused: true} },
		"turned away":                  func(h *house, _ *broken) { h.bank.answer = charge.Answer{State: charge.Unsent} },
		"the ledger cannot be read":    func(h *house, _ *broken) { h.ledge.broken = errors.New("throttled") },
		"subscriptions cannot be read": func(_ *house, b *broken) { b.get = errors.New("throttled") },
		"the provider has to be asked first, and cannot be": func(h *house, _ *broken) {
			_, err := h.ledger.SetSwitch(h.t.Context(), charge.AskFirst, "after a restore")
			require.NoError(h.t, err)
			h.bank.status = charge.StatusAnswer{Knowledge: charge.NotAsked, Reason: "500"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			b := &broken{Store: h.subs.Store}
			h.subs.Store = b
			fails(h, b)
			for range 4 { // as the queue does, every three minutes
				h.now = h.now.Add(3 * time.Minute)
				require.Error(t, h.Look(t.Context(), firstMessage))
				stored, err := b.Store.Get(t.Context(), "gold-42")
				require.NoError(t, err)
				require.Equal(t, h.now.Add(subscription.QueueAgain), stored.LookAt.UTC())
			}
		})
	}
}

// Also where a look ends in a panic: the message comes again then, too.
func TestALookThatPanicsMovesTheNextOneOn(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.bank.during = func() { panic("in the middle") }
	require.PanicsWithValue(t, "in the middle", func() { _ = h.Look(t.Context(), firstMessage) })
	require.True(t, h.read().Waiting)
	require.Equal(t, h.now.Add(subscription.QueueAgain), h.read().LookAt.UTC())
}

// Nothing but the message's own charge is moved, and never to an earlier time.
func TestWhatIsHandedBackMovesNothingElse(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.HandBack(t.Context(), subscription.Message{Subscription: "nobody", Cycle: 1})
	for _, other := range []subscription.Message{{Subscription: "gold-42", Cycle: 2}, {Subscription: "gold-42", Cycle: 1, Attempt: 1}} {
		before := h.read()
		h.HandBack(t.Context(), other)
		require.Equal(t, before, h.read())
	}

	late := h.now.Add(time.Hour)
	_, moved, err := h.subs.Store.Look(t.Context(), "gold-42", h.read().LookAt, late)
	require.NoError(t, err)
	require.True(t, moved)
	h.HandBack(t.Context(), firstMessage)
	require.Equal(t, late, h.read().LookAt.UTC())

	_, err = h.Pause(t.Context(), "gold-42")
	require.NoError(t, err)
	h.HandBack(t.Context(), firstMessage)
	require.Zero(t, h.read().LookAt)
}

// The revision stays: whoever is at its charge is not disturbed. An invocation whose time
// is over moves it all the same.
func TestAHandBackDisturbsNobody(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	before := h.read().Revision
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	h.HandBack(ctx, firstMessage)
	require.Equal(t, h.now.Add(subscription.QueueAgain), h.read().LookAt.UTC())
	require.Equal(t, before, h.read().Revision)
}

// Where the look cannot be moved it stays due when it was: a message more, in a quarter of
// an hour, and nothing else.
func TestAHandBackThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	_, err := h.QueueDue(t.Context())
	require.NoError(t, err)
	queued := h.read()
	b := &broken{Store: h.subs.Store, look: errors.New("throttled")}
	h.subs.Store = b
	h.now = h.now.Add(time.Minute)
	h.HandBack(t.Context(), firstMessage)
	require.Equal(t, 1, b.looks)
	require.Equal(t, queued, h.read())
}
