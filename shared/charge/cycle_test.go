package charge_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/charge"
)

var firstCycle = charge.Cycle{Subscription: "gold-42", Number: 1}

// chargeCycle charges order-1 for the first cycle.
func (h *house) chargeCycle(t *testing.T, ask bool) (charge.Charge, bool, error) {
	t.Helper()
	return h.ChargeCycle(t.Context(), charge.CycleRequest{Terms: h.terms, Of: firstCycle, AskFirst: ask, Claim: h.store.Claim})
}

// What was learnt by the status request is taken to the subscription by the next
// schedule, until that has heard of it, and then never again.
func TestASubscriptionHearsWhatBecameOfItsCharge(t *testing.T) {
	t.Parallel()
	h := newHouse(t, charge.Answer{State: charge.Unknown, Reason: "it took too long"})
	_, _, err := h.chargeCycle(t, false)
	require.NoError(t, err)
	h.bank.status = charge.StatusAnswer{Knowledge: charge.Known, Answer: charge.Answer{State: charge.Settled, PaymentID: "payment-1", ProviderStatus: "settled"}}
	require.NoError(t, h.Hint(t.Context(), "order-1", "")) // a callback

	var heard []charge.Charge
	deaf := errors.New("the subscriptions cannot be reached")
	h.Follow(func(_ context.Context, c charge.Charge) error {
		heard = append(heard, c)
		if len(heard) == 1 {
			return deaf
		}
		return nil
	})
	for range 5 {
		h.now = h.now.Add(10 * time.Minute)
		if _, err := h.Sweep(t.Context()); len(heard) == 1 {
			require.ErrorIs(t, err, charge.ErrStore, "nothing could be done")
		} else {
			require.NoError(t, err)
		}
	}
	require.Len(t, heard, 2, "once in vain, once heard")
	require.Equal(t, charge.Settled, heard[1].State)
	require.Equal(t, firstCycle, heard[1].For)
	c, err := h.store.Get(t.Context(), "order-1")
	require.NoError(t, err)
	require.Zero(t, c.LookAt, "nobody asks about it any more")
}

func TestANumberStandsForOneCycle(t *testing.T) {
	t.Parallel()
	h := newHouse(t, charge.Answer{State: charge.Rejected, Reason: "order.amount: too much"}, charge.Answer{State: charge.Settled})
	c, _, err := h.chargeCycle(t, false)
	require.NoError(t, err)
	require.Equal(t, charge.Rejected, c.State)
	require.Equal(t, firstCycle, c.For)

	var conflict *charge.ConflictError
	_, err = h.Charge(t.Context(), h.terms)
	require.ErrorAs(t, err, &conflict, "a caller's own charge under a cycle's number")

	c, _, err = h.chargeCycle(t, false)
	require.NoError(t, err)
	require.Equal(t, charge.Settled, c.State)
	h.terms.Order.Description = "other words" // the claim froze the terms
	c, _, err = h.chargeCycle(t, false)
	require.NoError(t, err)
	require.Equal(t, charge.Settled, c.State)
	require.Equal(t, 2, h.bank.charges)
}

func TestASubscriptionThatChangedClaimsNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	_, _, err := h.ChargeCycle(t.Context(), charge.CycleRequest{Terms: h.terms, Of: firstCycle,
		Claim: func(context.Context, charge.Charge) (charge.Charge, bool, error) {
			return charge.Charge{}, false, charge.ErrOvertaken
		}})
	require.ErrorIs(t, err, charge.ErrOvertaken)
	require.Zero(t, h.bank.charges)
	_, err = h.store.Get(t.Context(), "order-1")
	require.ErrorIs(t, err, charge.ErrNotFound, "nothing was written, so nothing is taken back")
}

func TestALateCycleIsAskedAboutFirst(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.bank.status = charge.StatusAnswer{Knowledge: charge.NotAsked, Reason: "it took too long"}
	_, _, err := h.chargeCycle(t, true)
	require.ErrorIs(t, err, charge.ErrAskFirst)
	h.bank.status = charge.StatusAnswer{Knowledge: charge.Known, Answer: charge.Answer{State: charge.Settled, PaymentID: "payment-1"}}
	c, _, err := h.chargeCycle(t, true)
	require.NoError(t, err)
	require.Equal(t, charge.Settled, c.State)
	require.Equal(t, firstCycle, c.For)
	require.Zero(t, h.bank.charges, "it was paid, and is not sent")
}
