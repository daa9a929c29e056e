package charge_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/charge/chargetest"
	"dinarfunctions/shared/unreadable"
)

// holed is a store in which some charges, and an entry of what is due, cannot be read.
type holed struct {
	charge.Store
	charges []string
	entry   error // comes first of what is due
}

func (s *holed) Get(ctx context.Context, number string) (charge.Charge, error) {
	for _, broken := range s.charges {
		if broken == number {
			return charge.Charge{}, &unreadable.Error{Kind: unreadable.Charge, Key: number, What: "state is none"}
		}
	}
	return s.Store.Get(ctx, number)
}

func (s *holed) Due(ctx context.Context, now time.Time) iter.Seq2[charge.Due, error] {
	return func(yield func(charge.Due, error) bool) {
		if s.entry != nil && !yield(charge.Due{}, s.entry) {
			return
		}
		s.Store.Due(ctx, now)(yield)
	}
}

// Issue 11, "One item that cannot be read is not an outage": "sweeps go on with the others
// and raise an alarm".
func TestASweepGoesOnBehindWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	numbers := []string{"order-1", "order-2", "order-3"}
	for _, number := range numbers {
		h.bank.answers = append(h.bank.answers, answer(charge.Unknown))
		_, err := h.Charge(t.Context(), chargetest.Terms(t, number))
		require.NoError(t, err)
	}
	store := &holed{Store: h.store, charges: []string{"order-1"}, entry: fmt.Errorf("read what is due: %w",
		&unreadable.Error{Kind: unreadable.Charge, Key: "order-0", What: "look_at is no time"})}
	ledger := charge.NewLedger(store, h.bank, h.clock, slog.New(slog.NewJSONHandler(h.log, nil)))
	h.bank.status = charge.StatusAnswer{Knowledge: charge.NotKnown}
	alarms := func(key string) int {
		return strings.Count(h.log.String(), `"level":"ERROR","msg":"a stored item cannot be read; see the runbook on mending an item","alarm":"unreadable","kind":"charge","key":"`+key+`"`)
	}

	h.advance(time.Minute)
	swept, err := ledger.Sweep(t.Context())
	require.NoError(t, err)
	require.Equal(t, 2, swept.Asked)
	require.Equal(t, 2, swept.Unreadable)
	require.Zero(t, swept.Failed)
	require.Equal(t, 1, alarms("order-0"))
	require.Equal(t, 1, alarms("order-1"), "it is not looked at again and again")

	// What cannot be reached is an error as before, also beside what cannot be read.
	store.entry = errors.New("throttled")
	_, err = ledger.Sweep(t.Context())
	require.ErrorIs(t, err, charge.ErrStore)

	// The charge itself: not out of reach, and nothing is sent.
	sent := h.bank.charges
	_, err = ledger.Find(t.Context(), "order-1")
	require.NotErrorIs(t, err, charge.ErrStore)
	require.Equal(t, "order-1", unreadable.Of(err).Key)
	err = ledger.Hint(t.Context(), "order-1", "")
	require.NotErrorIs(t, err, charge.ErrStore)
	require.Equal(t, sent, h.bank.charges)
}

// A charge whose subscription cannot be read keeps no other from being asked about. Its
// subscription hears of it once it is mended.
func TestAnUnreadableSubscriptionOfACharge(t *testing.T) {
	t.Parallel()
	h := newHouse(t, answer(charge.Unknown), answer(charge.Unknown))
	_, _, err := h.chargeCycle(t, false)
	require.NoError(t, err)
	_, err = h.Charge(t.Context(), chargetest.Terms(t, "order-2"))
	require.NoError(t, err)
	h.bank.status = charge.StatusAnswer{Knowledge: charge.Known, Answer: charge.Answer{State: charge.Declined, Reason: "no funds", ProviderStatus: "declined"}}
	var heard []string
	broken := &unreadable.Error{Kind: unreadable.Subscription, Key: firstCycle.Subscription, What: "time_zone is none"}
	h.Follow(func(_ context.Context, c charge.Charge) error {
		heard = append(heard, c.Order.Number)
		return fmt.Errorf("reading the subscription: %w", broken)
	})
	h.advance(time.Minute)
	swept, err := h.Sweep(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, swept.Asked)
	require.Equal(t, 1, swept.Unreadable)
	require.Equal(t, []string{"order-1"}, heard)
	require.Contains(t, h.log.String(), `"alarm":"unreadable","kind":"subscription","key":"`+firstCycle.Subscription+`"`)
}

// The list of open charges counts what it cannot read in its page.
func TestTheListOfOpenChargesNamesWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := charge.NewClaim(chargetest.Terms(t, "order-1"), "attempt-1", noon, noon.Add(20*time.Second))
	left := []*unreadable.Error{{Kind: unreadable.Charge, Key: "order-2"}}
	calls := 0
	ledger := charge.NewLedger(&paged{Store: h.store, open: func(limit int) ([]charge.Charge, *charge.Place, error) {
		calls++
		require.Equal(t, []int{3, 1}[calls-1], limit, "what cannot be read takes its place")
		return []charge.Charge{c}, &charge.Place{Number: c.Order.Number}, unreadable.Left(left[:2-calls])
	}}, h.bank, h.clock, slog.New(slog.DiscardHandler))
	found, more, err := ledger.Open(t.Context(), "", charge.Place{}, 3)
	some, failed := unreadable.Split(err)
	require.NoError(t, failed)
	require.Equal(t, []string{"order-2"}, unreadable.Keys(some))
	require.Len(t, found, 2)
	require.NotNil(t, more)
}

// paged is a store that lists open charges as told.
type paged struct {
	charge.Store
	open func(limit int) ([]charge.Charge, *charge.Place, error)
}

func (s *paged) Open(_ context.Context, _ []charge.State, _ charge.Place, limit int) ([]charge.Charge, *charge.Place, error) {
	return s.open(limit)
}
