// Package chargetest is the suite that every charge.Store passes.
package chargetest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/hidden"
	"dinarfunctions/shared/money"
)

// start is the time at which the suite's charges begin.
var start = time.Date(2026, 11, 21, 9, 0, 0, 123456789, time.UTC)

// Terms are valid terms for an order number.
func Terms(t testing.TB, number string) charge.Terms {
	t.Helper()
	amount, err := money.Parse("1.00", "SAR", 2)
	require.NoError(t, err)
	return charge.Terms{
		Order:       charge.Order{Number: number, Amount: amount, Description: "gift هدية"},
		InitTransID: "dc66cdd8-d702-11ea-9a2f-0242c0a87002",
		Token:       hidden.New("9a2f-0242c0a87002"),
		ScheduleID:  "57fddecf-17b9-4d38-9320-a670f0c29ec0",
	}
}

// claim is a claim for an order number by an attempt.
func claim(t testing.TB, number, attempt string) charge.Charge {
	t.Helper()
	return charge.NewClaim(Terms(t, number), attempt, start, start.Add(20*time.Second))
}

// Rounds is how often the suite repeats its races.
const rounds = 50

// Store runs the suite over an empty store that open makes. It serves all
// subtests, each with order numbers of its own.
func Store(t *testing.T, open func(t *testing.T) charge.Store) {
	t.Helper()
	store := open(t)
	ctx := t.Context()

	t.Run("nothing stands under a new number", func(t *testing.T) {
		_, err := store.Get(ctx, "absent")
		require.ErrorIs(t, err, charge.ErrNotFound)
		_, applied, err := store.Record(ctx, charge.Change{Number: "absent", To: charge.Settled, Evidence: charge.ByStatus, At: start})
		require.ErrorIs(t, err, charge.ErrNotFound)
		require.False(t, applied)
		_, err = store.Get(ctx, "absent")
		require.ErrorIs(t, err, charge.ErrNotFound, "a refused change must not make a charge")
	})

	t.Run("the first claim wins and is kept whole", func(t *testing.T) {
		first := claim(t, "first", "attempt-1")
		standing, won, err := store.Claim(ctx, first)
		require.NoError(t, err)
		require.True(t, won)
		require.Equal(t, first, standing)
		requireStored(t, store, first)
	})

	t.Run("a claim that comes twice recognises itself or is told what stands", func(t *testing.T) {
		first := claim(t, "again", "attempt-1")
		mustClaim(t, store, first)
		// Another caller's claim never wins over it, whatever it asks for.
		other := claim(t, "again", "attempt-2")
		standing, won, err := store.Claim(ctx, other)
		require.NoError(t, err)
		require.False(t, won)
		require.Equal(t, first, standing)
		requireStored(t, store, first)

		// Its own copy has won, for as long as nobody went on from it.
		standing, won, err = store.Claim(ctx, first)
		require.NoError(t, err)
		require.True(t, won)
		require.Equal(t, first, standing)
		ended := mustRecord(t, store, charge.Change{Number: "again", Attempt: "attempt-1", To: charge.Unsent, Evidence: charge.ByAnswer, At: start})
		standing, won, err = store.Claim(ctx, first)
		require.NoError(t, err)
		require.False(t, won, "an attempt that has ended is not begun again")
		require.Equal(t, ended, standing)
		requireStored(t, store, ended)
	})

	t.Run("attempts without end do not fill the record", func(t *testing.T) {
		want := claim(t, "hammered", "attempt-0")
		mustClaim(t, store, want)
		for i := range charge.MaxHistory * 3 / 2 {
			want = mustRecord(t, store, charge.Change{
				Number: "hammered", Attempt: want.Attempt, To: charge.Unsent, Evidence: charge.ByAnswer,
				At: start.Add(time.Duration(i) * time.Second), Reason: "no connection to the provider",
			})
			next := claim(t, "hammered", fmt.Sprintf("attempt-%d", i+1))
			next.CreatedAt, next.UpdatedAt = want.UpdatedAt, want.UpdatedAt
			expected, may := charge.Claim(&want, next)
			require.True(t, may)
			want = mustClaim(t, store, next)
			require.Equal(t, expected, want)
		}
		require.LessOrEqual(t, len(want.History), charge.MaxHistory+1)
		require.Equal(t, charge.Entry{State: charge.Sending, At: start}, want.History[0], "the first attempt is not forgotten")
		requireStored(t, store, want)
	})

	t.Run("who may claim over what stands", func(t *testing.T) {
		for _, state := range charge.States() {
			t.Run(string(state), func(t *testing.T) {
				number := "over-" + string(state)
				before := bring(t, store, number, state)
				second := claim(t, number, "attempt-2")
				second.CreatedAt, second.UpdatedAt = start.Add(time.Hour), start.Add(time.Hour)
				second.History[0].At = start.Add(time.Hour)
				second.Order.Description = "other content"
				want, wins := charge.Claim(&before, second)

				standing, won, err := store.Claim(ctx, second)
				require.NoError(t, err)
				require.Equal(t, wins, won)
				require.Equal(t, state == charge.Rejected || state == charge.Unsent, won)
				require.Equal(t, want, standing)
				requireStored(t, store, want)
			})
		}
	})

	t.Run("a claim is written only over one for the same cycle", func(t *testing.T) {
		cycles := []charge.Cycle{
			{},
			{Subscription: "gold-42", Number: 7},
			{Subscription: "gold-42", Number: 7, Attempt: 1},
			{Subscription: "gold-42", Number: 8},
			{Subscription: "gold", Number: 7},
		}
		for i, first := range cycles {
			for j, second := range cycles {
				number := fmt.Sprintf("cycle-%d-%d", i, j)
				c := claim(t, number, "attempt-1")
				c.For = first
				require.Equal(t, c, mustClaim(t, store, c))
				requireStored(t, store, c)
				before := mustRecord(t, store, charge.Change{Number: number, Attempt: "attempt-1", To: charge.Unsent, Evidence: charge.ByAnswer, At: start})
				require.Equal(t, first, before.For)

				next := claim(t, number, "attempt-2")
				next.For = second
				want, wins := charge.Claim(&before, next)
				require.Equal(t, i == j, wins)
				standing, won, err := store.Claim(ctx, next)
				require.NoError(t, err)
				require.Equal(t, wins, won)
				require.Equal(t, want, standing)
				requireStored(t, store, want)
			}
		}
	})

	t.Run("the charges of a subscription, by cycle and try, page by page", func(t *testing.T) {
		var want []charge.Cycle
		for _, number := range []int{1, 2, 9, 10, 9999, 10000, 123456} {
			for _, attempt := range []int{0, 1, 2, 10} {
				want = append(want, charge.Cycle{Subscription: "of-me", Number: number, Attempt: attempt})
			}
		}
		others := []charge.Cycle{{}, {Subscription: "of-me-2", Number: 1}, {Subscription: "of", Number: 1}, {Subscription: "of-me2", Number: 1}}
		for i, of := range slices.Backward(slices.Concat(want, others)) {
			c := claim(t, fmt.Sprintf("of-me-%d", i), "attempt-1")
			c.For = of
			mustClaim(t, store, c)
			if i%2 == 0 {
				mustRecord(t, store, charge.Change{Number: c.Order.Number, To: charge.Settled, Evidence: charge.ByAnswer, At: start})
			}
		}
		for _, limit := range []int{1, 5, 28, 100} {
			var got []charge.Cycle
			for after := new(charge.Cycle); after != nil; {
				page, more, err := store.OfSubscription(ctx, "of-me", *after, limit)
				require.NoError(t, err)
				require.LessOrEqual(t, len(page), limit)
				for _, c := range page {
					got = append(got, c.For)
					requireStored(t, store, c)
				}
				after = more
			}
			require.Equal(t, want, got, "limit %d", limit)
		}
		page, more, err := store.OfSubscription(ctx, "of-me", charge.Cycle{Subscription: "of-me", Number: 10000, Attempt: 2}, 1)
		require.NoError(t, err)
		require.NotNil(t, more)
		require.Equal(t, charge.Cycle{Subscription: "of-me", Number: 10000, Attempt: 10}, page[0].For)
		page, more, err = store.OfSubscription(ctx, "of-nobody", charge.Cycle{}, 10)
		require.NoError(t, err)
		require.Empty(t, page)
		require.Nil(t, more)
	})

	t.Run("a claim from before the last write is not begun", func(t *testing.T) {
		before := bring(t, store, "held-up", charge.Unsent)
		late := claim(t, "held-up", "attempt-0")
		late.CreatedAt = before.UpdatedAt.Add(-time.Nanosecond)
		standing, won, err := store.Claim(ctx, late)
		require.NoError(t, err)
		require.False(t, won)
		require.Equal(t, before, standing)
		requireStored(t, store, before)
	})

	t.Run("every transition, allowed and forbidden", func(t *testing.T) {
		for _, from := range charge.States() {
			for _, to := range charge.States() {
				for _, by := range charge.AllEvidence() {
					t.Run(fmt.Sprintf("%s to %s by %s", from, to, by), func(t *testing.T) {
						number := fmt.Sprintf("from-%s-to-%s-by-%s", from, to, by)
						before := bring(t, store, number, from)
						change := charge.Change{
							Number: number, Attempt: before.Attempt, To: to, Evidence: by, At: start.Add(time.Minute),
							PaymentID: "payment-2", Reason: "reason-2", DeclineClass: charge.Soft,
							ProviderStatus: "word-2", ProviderDate: "2026-11-21 09:01:00",
						}
						want, allowed := before.Apply(change)

						standing, applied, err := store.Record(ctx, change)
						require.NoError(t, err)
						require.Equal(t, allowed, applied)
						require.Equal(t, want, standing)
						requireStored(t, store, want)
						if !allowed {
							return
						}
						standing, _, err = store.Record(ctx, change)
						require.NoError(t, err)
						require.Equal(t, want, standing, "applied twice, it changes nothing")
						requireStored(t, store, want)
					})
				}
			}
		}
	})

	t.Run("an attempt writes only under its own claim", func(t *testing.T) {
		before := bring(t, store, "attempts", charge.Unsent)
		second := claim(t, "attempts", "attempt-2")
		mustClaim(t, store, second)
		late := charge.Change{Number: "attempts", Attempt: before.Attempt, To: charge.Rejected, Evidence: charge.ByAnswer, At: start}
		standing, applied, err := store.Record(ctx, late)
		require.NoError(t, err)
		require.False(t, applied)
		require.Equal(t, charge.Sending, standing.State)
		require.Equal(t, "attempt-2", standing.Attempt)
		// What is about the number, not about an attempt, holds for whichever stands there.
		standing, applied, err = store.Record(ctx, charge.Change{Number: "attempts", To: charge.Settled, Evidence: charge.ByStatus, At: start})
		require.NoError(t, err)
		require.True(t, applied)
		require.Equal(t, charge.Settled, standing.State)
	})

	t.Run("a payment_id that is known is not lost", func(t *testing.T) {
		mustClaim(t, store, claim(t, "payment", "attempt-1"))
		mustRecord(t, store, charge.Change{Number: "payment", To: charge.Pending, Evidence: charge.ByStatus, At: start, PaymentID: "payment-1"})
		standing := mustRecord(t, store, charge.Change{Number: "payment", To: charge.Settled, Evidence: charge.ByOperator, At: start})
		require.Equal(t, "payment-1", standing.PaymentID)
		requireStored(t, store, standing)
	})

	t.Run("of 100 concurrent claims one wins", func(t *testing.T) {
		for round := range rounds {
			number := fmt.Sprintf("race-%d", round)
			winners, losers := raceClaims(t, store, number, 100)
			require.Len(t, winners, 1, "round %d", round)
			for _, standing := range losers {
				require.Equal(t, winners[0], standing, "a loser is told of the winner")
			}
		}
	})

	t.Run("of 20 concurrent claims over an unsent charge one wins", func(t *testing.T) {
		for round := range rounds {
			number := fmt.Sprintf("race-again-%d", round)
			bring(t, store, number, charge.Unsent)
			winners, _ := raceClaims(t, store, number, 20)
			require.Len(t, winners, 1, "round %d", round)
		}
	})

	t.Run("of many concurrent outcomes one is written", func(t *testing.T) {
		for round := range rounds {
			number := fmt.Sprintf("race-outcome-%d", round)
			mustClaim(t, store, claim(t, number, "attempt-1"))
			var wg sync.WaitGroup
			var mu sync.Mutex
			written := 0
			for range 10 {
				wg.Go(func() {
					change := charge.Change{Number: number, Attempt: "attempt-1", To: charge.Reversed, Evidence: charge.ByAnswer, At: start}
					_, applied, err := store.Record(ctx, change)
					mu.Lock()
					defer mu.Unlock()
					if err == nil && applied {
						written++
					}
				})
			}
			wg.Wait()
			standing, err := store.Get(ctx, number)
			require.NoError(t, err)
			require.Len(t, standing.History, 2, "round %d", round)
			require.GreaterOrEqual(t, written, 1)
		}
	})

	t.Run("the provider's word against a settled charge is noted once", func(t *testing.T) {
		before := bring(t, store, "disputed", charge.Settled)
		want, noted := before.Dispute("declined", "payment-9", start.Add(time.Hour))
		require.True(t, noted)
		for _, first := range []bool{true, false, false} {
			standing, noted, err := store.Dispute(ctx, "disputed", "declined", "payment-9", start.Add(time.Hour))
			require.NoError(t, err)
			require.Equal(t, first, noted)
			require.Equal(t, want, standing)
			requireStored(t, store, want)
		}
		open := bring(t, store, "not-disputed", charge.Pending)
		standing, noted, err := store.Dispute(ctx, "not-disputed", "declined", "", start)
		require.NoError(t, err)
		require.False(t, noted)
		require.Equal(t, open, standing)
		_, _, err = store.Dispute(ctx, "absent", "declined", "", start)
		require.ErrorIs(t, err, charge.ErrNotFound)
	})

	t.Run("a person's word is undone by the provider's", func(t *testing.T) {
		bring(t, store, "overridden", charge.Unknown)
		mustRecord(t, store, charge.Change{Number: "overridden", To: charge.Settled, Evidence: charge.ByOperator, At: start})
		standing := mustRecord(t, store, charge.Change{Number: "overridden", To: charge.Declined, Evidence: charge.ByStatus, At: start})
		require.Equal(t, charge.ByStatus, standing.Said)
		requireStored(t, store, standing)
	})

	t.Run("a look is claimed by one", func(t *testing.T) {
		first := mustClaim(t, store, claim(t, "look", "attempt-1"))
		next := start.Add(time.Hour)
		var wg sync.WaitGroup
		var mu sync.Mutex
		winners := 0
		for range 20 {
			wg.Go(func() {
				moved, err := store.Look(ctx, "look", first.LookAt, next)
				mu.Lock()
				defer mu.Unlock()
				if err == nil && moved {
					winners++
				}
			})
		}
		wg.Wait()
		require.Equal(t, 1, winners)
		first.LookAt = next
		requireStored(t, store, first)
		moved, err := store.Look(ctx, "look", next, time.Time{})
		require.NoError(t, err)
		require.True(t, moved)
		first.LookAt = time.Time{}
		requireStored(t, store, first)
		moved, err = store.Look(ctx, "absent", next, next)
		require.NoError(t, err)
		require.False(t, moved)
	})

	t.Run("a hint is noted in whatever state, once in a while", func(t *testing.T) {
		for _, state := range charge.States() {
			number := "hint-" + string(state)
			c := bring(t, store, number, state)
			for _, after := range []time.Duration{0, charge.HintEvery - 1, charge.HintEvery, charge.HintEvery + time.Hour, time.Minute} {
				at := start.Add(time.Hour + after)
				want, notes := c.Hint(at)
				standing, noted, err := store.Hint(ctx, number, at)
				require.NoError(t, err)
				require.Equal(t, notes, noted, "%s after %s", state, after)
				require.Equal(t, want, standing)
				requireStored(t, store, want)
				c = want
			}
		}
		_, noted, err := store.Hint(ctx, "absent", start)
		require.ErrorIs(t, err, charge.ErrNotFound)
		require.False(t, noted)
	})

	// What was hinted at is asked about before it is sent again.
	t.Run("a claim is not written over a hint that is due", func(t *testing.T) {
		for i, wait := range []time.Duration{-time.Second, 0, time.Hour} {
			number := fmt.Sprintf("hinted-%d", i)
			bring(t, store, number, charge.Unsent)
			at := start.Add(time.Hour)
			before, noted, err := store.Hint(ctx, number, at)
			require.NoError(t, err)
			require.True(t, noted)
			next := claim(t, number, "attempt-2")
			next.CreatedAt, next.UpdatedAt = at.Add(wait), at.Add(wait)
			next.History[0].At = next.CreatedAt
			want, wins := charge.Claim(&before, next)
			require.Equal(t, wait < 0, wins)
			standing, won, err := store.Claim(ctx, next)
			require.NoError(t, err)
			require.Equal(t, wins, won)
			require.Equal(t, want, standing)
			requireStored(t, store, want)
			if won {
				continue
			}
			moved, err := store.Look(ctx, number, before.LookAt, time.Time{})
			require.NoError(t, err)
			require.True(t, moved)
			_, won, err = store.Claim(ctx, next)
			require.NoError(t, err)
			require.True(t, won, "once the look was answered")
		}
	})

	t.Run("of many concurrent hints one is noted", func(t *testing.T) {
		for round := range rounds {
			number := fmt.Sprintf("race-hint-%d", round)
			bring(t, store, number, charge.Settled)
			var wg sync.WaitGroup
			var noted atomic.Int32
			for i := range 20 {
				wg.Go(func() {
					if _, mine, err := store.Hint(ctx, number, start.Add(time.Duration(i)*time.Millisecond)); err == nil && mine {
						noted.Add(1)
					}
				})
			}
			wg.Wait()
			// An earlier time that comes later is a clock that is behind, and is noted.
			require.GreaterOrEqual(t, noted.Load(), int32(1), "round %d", round)
		}
	})

	// Contract, "Callback": no answer of a call that is under way takes the early look away.
	t.Run("a hint's look outlives what was learnt meanwhile", func(t *testing.T) {
		for i, next := range []time.Time{{}, start.Add(time.Hour), start.Add(-time.Hour)} {
			for _, to := range []charge.State{charge.Settled, charge.Declined, charge.Rejected, charge.Pending} {
				number := fmt.Sprintf("early-%s-%d", to, i)
				c := mustClaim(t, store, claim(t, number, "attempt-1"))
				change := charge.Change{
					Number: number, Attempt: "attempt-1", To: to, Evidence: charge.ByAnswer, At: start.Add(2 * time.Second),
					LookAt: next, Seen: c.LookAt, ProviderStatus: string(to),
				}
				c, _, err := store.Hint(ctx, number, start.Add(time.Second))
				require.NoError(t, err)
				want, applied := c.Apply(change)
				require.True(t, applied)
				if i < 2 {
					require.Equal(t, start.Add(time.Second), want.LookAt)
				}
				require.Equal(t, want, mustRecord(t, store, change))
				requireStored(t, store, want)
				standing, _, err := store.Record(ctx, change)
				require.NoError(t, err)
				require.Equal(t, want, standing, "applied twice, it changes nothing")
			}
		}
	})

	// Contract, "Charges": an order may have several payments; the provider's later word
	// moves what is reversed.
	t.Run("what stays in its state takes news alone", func(t *testing.T) {
		at := start.Add(time.Minute)
		for _, tt := range []struct {
			state   charge.State
			changes []charge.Change
		}{
			{charge.Declined, []charge.Change{
				{PaymentID: "payment-1"},
				{PaymentID: "payment-2", Cascading: true, ProviderStatus: "pending"},
				{PaymentID: "payment-2", Cascading: true, ProviderStatus: "3ds"},
				{PaymentID: "payment-2"},
				{Cascading: true}, {}, {},
				{PaymentID: "payment-3"},
			}},
			{charge.Reversed, []charge.Change{
				{ProviderStatus: "refund"}, {ProviderStatus: "refund"}, {ProviderStatus: "chargeback", PaymentID: "payment-2"},
				{ProviderStatus: "chargeback"}, {}, {}, {ProviderStatus: "void"},
			}},
		} {
			number := "news-" + string(tt.state)
			c := bring(t, store, number, tt.state)
			for i, change := range tt.changes {
				change.Number, change.To, change.Evidence, change.At = number, tt.state, charge.ByStatus, at.Add(time.Duration(i)*time.Second)
				want, applies := c.Apply(change)
				standing, applied, err := store.Record(ctx, change)
				require.NoError(t, err)
				require.Equal(t, applies, applied, "%s, change %d", tt.state, i)
				require.Equal(t, want, standing)
				requireStored(t, store, want)
				c = want
			}
			require.Greater(t, len(c.History), 4)
		}
	})

	t.Run("all that a change says is kept", func(t *testing.T) {
		mustClaim(t, store, claim(t, "whole", "attempt-1"))
		standing := mustRecord(t, store, charge.Change{
			Number: "whole", To: charge.Settled, Evidence: charge.ByStatus, At: start, PaymentID: "payment-1",
			Reason: "the provider's answer is about the currency \"USD\" instead of SAR", Differs: "the currency \"USD\" instead of SAR",
		})
		require.Equal(t, "payment-1", standing.History[1].PaymentID)
		require.NotEmpty(t, standing.Differs)
		requireStored(t, store, standing)
	})

	t.Run("what is due is shown, each once", func(t *testing.T) {
		// Far before all others, so that those are not due.
		past := start.AddDate(-1, 0, 0)
		want := map[string]time.Time{}
		for i := range 60 {
			number := fmt.Sprintf("due-%d", i)
			c := bring(t, store, number, charge.States()[i%len(charge.States())])
			at := past.Add(time.Duration(i) * time.Second)
			moved, err := store.Look(ctx, number, c.LookAt, at)
			require.NoError(t, err)
			require.True(t, moved)
			if i < 50 {
				want[number] = at
			}
		}
		got := map[string]time.Time{}
		for due, err := range store.Due(ctx, past.Add(49*time.Second)) {
			require.NoError(t, err)
			require.NotContains(t, got, due.Number, "each once")
			got[due.Number] = due.At
		}
		require.Equal(t, want, got)
		taken := 0
		for _, err := range store.Due(ctx, past.Add(49*time.Second)) {
			require.NoError(t, err)
			if taken++; taken == 3 {
				break
			}
		}
		require.Equal(t, 3, taken)
		for number, at := range want {
			moved, err := store.Look(ctx, number, at, time.Time{})
			require.NoError(t, err)
			require.True(t, moved)
		}
		for due, err := range store.Due(ctx, past.Add(49*time.Second)) {
			require.NoError(t, err)
			require.Fail(t, "nothing is due any more", due.Number)
		}
	})

	t.Run("open charges are listed, oldest first, page by page", func(t *testing.T) {
		// Far after all others, so that the list can begin behind those.
		future := start.AddDate(1, 0, 0)
		var want []string
		for i := range 30 {
			number := fmt.Sprintf("open-%02d", i)
			c := claim(t, number, "attempt-1")
			c.CreatedAt = future.Add(time.Duration(i/2) * time.Second) // two at a time
			mustClaim(t, store, c)
			state := charge.States()[i%len(charge.States())]
			if state != charge.Sending {
				mustRecord(t, store, charge.Change{Number: number, To: state, Evidence: charge.ByAnswer, At: start})
			}
			if state.Open() {
				want = append(want, number)
			}
		}
		for _, limit := range []int{1, 4, 100} {
			var got []string
			after := &charge.Place{CreatedAt: future.Add(-time.Second)}
			for after != nil {
				page, more, err := store.Open(ctx, charge.OpenStates(), *after, limit)
				require.NoError(t, err)
				require.LessOrEqual(t, len(page), limit)
				for _, c := range page {
					require.True(t, c.State.Open())
					got = append(got, c.Order.Number)
				}
				after = more
			}
			require.Equal(t, want, got, "limit %d", limit)
		}
		page, _, err := store.Open(ctx, []charge.State{charge.Pending}, charge.Place{CreatedAt: future.Add(-time.Second)}, 100)
		require.NoError(t, err)
		for _, c := range page {
			require.Equal(t, charge.Pending, c.State)
		}
		require.NotEmpty(t, page)
	})

	t.Run("whose payment it is", func(t *testing.T) {
		mustClaim(t, store, claim(t, "owner", "attempt-1"))
		mustRecord(t, store, charge.Change{Number: "owner", To: charge.Settled, Evidence: charge.ByAnswer, At: start, PaymentID: "payment-of-owner"})
		owner, err := store.PaymentOwner(ctx, "payment-of-owner")
		require.NoError(t, err)
		require.Equal(t, "owner", owner)
		owner, err = store.PaymentOwner(ctx, "payment-of-nobody")
		require.NoError(t, err)
		require.Empty(t, owner)
	})

	t.Run("the operator's switch", func(t *testing.T) {
		got, err := store.Switch(ctx)
		require.NoError(t, err)
		require.Equal(t, charge.Switch{Mode: charge.Live}, got, "live until somebody says otherwise")
		for _, mode := range charge.Modes() {
			want := charge.Switch{Mode: mode, Note: "because", SetAt: start}
			require.NoError(t, store.SetSwitch(ctx, want))
			got, err = store.Switch(ctx)
			require.NoError(t, err)
			require.Equal(t, want, got)
		}
	})

	t.Run("a context that has ended writes nothing", func(t *testing.T) {
		ended, cancel := context.WithCancel(ctx)
		cancel()
		_, won, err := store.Claim(ended, claim(t, "ended", "attempt-1"))
		require.Error(t, err)
		require.False(t, won)
		_, err = store.Get(ctx, "ended")
		require.ErrorIs(t, err, charge.ErrNotFound)
	})
}

func raceClaims(t *testing.T, store charge.Store, number string, callers int) (winners, losers []charge.Charge) {
	t.Helper()
	var (
		wg   sync.WaitGroup
		mu   sync.Mutex
		gate = make(chan struct{})
		errs []error
	)
	for i := range callers {
		wg.Go(func() {
			mine := claim(t, number, fmt.Sprintf("racer-%d", i))
			<-gate
			standing, won, err := store.Claim(t.Context(), mine)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err != nil:
				errs = append(errs, err)
			case won:
				winners = append(winners, standing)
			default:
				losers = append(losers, standing)
			}
		})
	}
	close(gate)
	wg.Wait()
	require.Empty(t, errs)
	return winners, losers
}

// bring makes a charge and brings it into a state by the shortest way.
func bring(t *testing.T, store charge.Store, number string, state charge.State) charge.Charge {
	t.Helper()
	c := mustClaim(t, store, claim(t, number, "attempt-1"))
	if state == charge.Sending {
		return c
	}
	return mustRecord(t, store, charge.Change{
		Number: number, Attempt: "attempt-1", To: state, Evidence: charge.ByAnswer, At: start,
		PaymentID: "payment-1", Reason: "reason", ProviderStatus: "word", ProviderDate: "2026-11-21",
	})
}

func mustClaim(t *testing.T, store charge.Store, c charge.Charge) charge.Charge {
	t.Helper()
	standing, won, err := store.Claim(t.Context(), c)
	require.NoError(t, err)
	require.True(t, won)
	return standing
}

func mustRecord(t *testing.T, store charge.Store, change charge.Change) charge.Charge {
	t.Helper()
	standing, applied, err := store.Record(t.Context(), change)
	require.NoError(t, err)
	require.True(t, applied)
	return standing
}

func requireStored(t *testing.T, store charge.Store, want charge.Charge) {
	t.Helper()
	got, err := store.Get(t.Context(), want.Order.Number)
	require.NoError(t, err)
	require.Equal(t, want, got)
}
