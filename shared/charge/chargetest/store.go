// Package chargetest is the suite that every charge.Store passes.
package chargetest

import (
	"context"
	"fmt"
	"sync"
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
		Number: number, Attempt: "attempt-1", To: state, Evidence: charge.ByAnswer, At: start.Add(time.Second),
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
