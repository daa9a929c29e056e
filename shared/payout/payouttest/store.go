// Package payouttest is the suite that every payout.Store passes.
package payouttest

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/payout"
)

// start is the time at which the suite's payouts begin.
var start = time.Date(2026, 11, 21, 9, 0, 0, 123456789, time.UTC)

// rounds is how often the suite repeats its races.
const rounds = 20

const overdueAfter = 30 * time.Minute

// Store runs the suite over an empty store that open makes. It serves all subtests,
// each with ids of its own.
func Store(t *testing.T, open func(t *testing.T) payout.Store) {
	t.Helper()
	store := open(t)
	ctx := t.Context()

	t.Run("nothing stands under a new id", func(t *testing.T) {
		_, err := store.Get(ctx, "absent")
		require.ErrorIs(t, err, payout.ErrNotFound)
		_, written, err := store.Write(ctx, payout.New("absent", "", start).NotLooked("why", start, overdueAfter))
		require.ErrorIs(t, err, payout.ErrNotFound)
		require.False(t, written)
		standing, moved, err := store.Look(ctx, "absent", start, start)
		require.NoError(t, err)
		require.False(t, moved)
		require.Empty(t, standing)
		require.NoError(t, store.Delete(ctx, "absent"))
		_, err = store.Get(ctx, "absent")
		require.ErrorIs(t, err, payout.ErrNotFound, "a refused write must not make a payout")
	})

	t.Run("the first is created and kept whole, the second is told of it", func(t *testing.T) {
		first := mustCreate(t, store, payout.New("first_-1", "salaries رواتب", start))
		standing, created, err := store.Create(ctx, payout.New("first_-1", "other", start.Add(time.Second)))
		require.NoError(t, err)
		require.False(t, created)
		require.Equal(t, first, standing)
		requireStored(t, store, first)
	})

	t.Run("of 50 concurrent creations one creates", func(t *testing.T) {
		for round := range rounds {
			id := fmt.Sprintf("race-%d", round)
			require.Equal(t, 1, race(50, func(i int) bool {
				_, created, err := store.Create(ctx, payout.New(id, fmt.Sprint("racer ", i), start))
				return err == nil && created
			}))
		}
	})

	t.Run("every attribute is written, and taken away again", func(t *testing.T) {
		p := mustCreate(t, store, payout.New("whole", "", start))
		steps := []func(payout.Payout) payout.Payout{
			func(p payout.Payout) payout.Payout {
				return p.NotLooked("the provider cannot be reached", start.Add(time.Minute), overdueAfter)
			},
			func(p payout.Payout) payout.Payout {
				return p.Looked([]payout.Told{told("a", 0, payout.PaymentProcessing), told("b", 7, payout.PaymentUnrecognised)}, start.Add(time.Hour), overdueAfter)
			},
			func(p payout.Payout) payout.Payout {
				p, _ = p.Wanted("november", start.Add(2*time.Hour))
				return p
			},
			func(p payout.Payout) payout.Payout {
				return p.Looked([]payout.Told{told("a", 1, payout.PaymentSuccessful), told("b", 2, payout.PaymentFailed)}, start.Add(3*time.Hour), overdueAfter)
			},
			func(p payout.Payout) payout.Payout {
				return p.Looked([]payout.Told{told("a", 0, payout.PaymentProcessing)}, start.Add(27*time.Hour), overdueAfter)
			},
			func(p payout.Payout) payout.Payout {
				return p.Looked([]payout.Told{told("a", 1, payout.PaymentSuccessful)}, start.Add(28*time.Hour), overdueAfter)
			},
			func(p payout.Payout) payout.Payout {
				return p.Looked(nil, start.AddDate(0, 2, 0), overdueAfter) // the last look is over
			},
		}
		for i, step := range steps {
			p = mustWrite(t, store, step(p))
			require.EqualValues(t, i+2, p.Revision)
		}
		require.True(t, p.NextCheckAt.IsZero())
	})

	t.Run("a payout of many payments", func(t *testing.T) {
		all := make([]payout.Told, payout.MaxPayments)
		for i := range all {
			all[i] = payout.Told{UniqueID: fmt.Sprintf("%0128d", i), Status: i % 3, State: payout.PaymentStates()[i%3]}
		}
		p := mustCreate(t, store, payout.New("many", "", start))
		mustWrite(t, store, p.Looked(all, start, overdueAfter))
	})

	t.Run("a write goes over the revision before it alone", func(t *testing.T) {
		first := mustCreate(t, store, payout.New("revision", "", start))
		second := mustWrite(t, store, first.NotLooked("second", start, overdueAfter))
		standing, written, err := store.Write(ctx, first.NotLooked("late", start, overdueAfter))
		require.NoError(t, err)
		require.False(t, written)
		require.Equal(t, second, standing)
		skipped := second.NotLooked("third", start, overdueAfter).NotLooked("fourth", start, overdueAfter)
		standing, written, err = store.Write(ctx, skipped)
		require.NoError(t, err)
		require.False(t, written)
		require.Equal(t, second, standing)
		requireStored(t, store, second)
	})

	t.Run("of many concurrent writes one is written", func(t *testing.T) {
		for round := range rounds {
			p := mustCreate(t, store, payout.New(fmt.Sprintf("race-write-%d", round), "", start))
			require.Equal(t, 1, race(10, func(i int) bool {
				_, written, err := store.Write(ctx, p.NotLooked(fmt.Sprint("racer ", i), start, overdueAfter))
				return err == nil && written
			}))
			standing, err := store.Get(ctx, p.ID)
			require.NoError(t, err)
			require.EqualValues(t, 2, standing.Revision)
		}
	})

	t.Run("a look is claimed by one, and tells nothing", func(t *testing.T) {
		p := mustCreate(t, store, payout.New("look", "", start))
		p = mustWrite(t, store, p.Looked([]payout.Told{told("look-a", 1, payout.PaymentSuccessful)}, start, overdueAfter))
		require.NotEmpty(t, p.Change)
		next := start.Add(time.Hour)
		want := p.Claimed(next)
		require.Empty(t, want.Change)
		require.Equal(t, 1, race(20, func(int) bool {
			standing, moved, err := store.Look(ctx, "look", p.NextCheckAt, next)
			return err == nil && moved && fmt.Sprint(standing) == fmt.Sprint(want)
		}))
		requireStored(t, store, want)
		standing, moved, err := store.Look(ctx, "look", p.NextCheckAt, next)
		require.NoError(t, err)
		require.False(t, moved)
		require.Equal(t, want, standing, "who comes too late is told what stands there")
		_, written, err := store.Write(ctx, p.NotLooked("as if nobody had claimed it", start, overdueAfter))
		require.NoError(t, err)
		require.False(t, written)
	})

	t.Run("what was taken away is gone, and can be created anew", func(t *testing.T) {
		p := mustCreate(t, store, payout.New("gone", "", start.AddDate(-2, 0, 0)))
		require.NoError(t, store.Delete(ctx, "gone"))
		_, err := store.Get(ctx, "gone")
		require.ErrorIs(t, err, payout.ErrNotFound)
		_, written, err := store.Write(ctx, p.NotLooked("a look that was under way", start, overdueAfter))
		require.ErrorIs(t, err, payout.ErrNotFound)
		require.False(t, written)
		for due, err := range store.Due(ctx, start.AddDate(-1, 0, 0)) {
			require.NoError(t, err)
			require.Fail(t, "nothing is due", due.ID)
		}
		p = mustCreate(t, store, payout.New("gone", "again", start))
		requireStored(t, store, p)
	})

	t.Run("what is due is shown, each once, oldest first", func(t *testing.T) {
		// Far before all others, so that those are not due.
		past := start.AddDate(-1, 0, 0)
		var want []payout.Due
		for i := range 60 {
			p := mustCreate(t, store, payout.New(fmt.Sprintf("due-%02d", 59-i), "", start))
			at := past.Add(time.Duration(i) * time.Second)
			_, moved, err := store.Look(ctx, p.ID, p.NextCheckAt, at)
			require.NoError(t, err)
			require.True(t, moved)
			if i < 50 {
				want = append(want, payout.Due{ID: p.ID, At: at})
			}
		}
		now := past.Add(49 * time.Second)
		due := func(most int) (got []payout.Due) {
			for d, err := range store.Due(ctx, now) {
				require.NoError(t, err)
				if got = append(got, d); len(got) == most {
					break
				}
			}
			return got
		}
		require.Equal(t, want, due(1000))
		require.Equal(t, want[:3], due(3))
		for _, d := range want {
			p, moved, err := store.Look(ctx, d.ID, d.At, start)
			require.NoError(t, err)
			require.True(t, moved)
			require.Equal(t, start, p.NextCheckAt)
		}
		require.Empty(t, due(1000))
	})

	t.Run("payouts are listed by state, oldest first, page by page", func(t *testing.T) {
		// Far after all others, so that the list can begin behind those.
		future := start.AddDate(1, 0, 0)
		want := map[payout.State][]string{}
		for i := range 40 {
			state := payout.States()[i%len(payout.States())]
			p := bring(t, store, fmt.Sprintf("list-%02d", i), state, future.Add(time.Duration(i/8)*time.Second)) // eight at a time
			want[state] = append(want[state], p.ID)
			want[""] = append(want[""], p.ID)
		}
		for _, state := range append(payout.States(), "") {
			for _, limit := range []int{1, 7, 100} {
				var got []string
				after := &payout.Place{CreatedAt: future.Add(-time.Second)}
				for after != nil {
					page, more, err := store.List(ctx, state, *after, limit)
					require.NoError(t, err)
					require.LessOrEqual(t, len(page), limit)
					for _, p := range page {
						require.True(t, state == "" || p.State == state)
						got = append(got, p.ID)
					}
					after = more
				}
				require.Equal(t, want[state], got, "%q, limit %d", state, limit)
			}
		}
		// A payout keeps its place, whatever becomes of it.
		p, err := store.Get(ctx, "list-00")
		require.NoError(t, err)
		mustWrite(t, store, p.Looked([]payout.Told{told("list-00-0", 2, payout.PaymentFailed), told("list-00-1", 2, payout.PaymentFailed)}, future.AddDate(1, 0, 0), overdueAfter))
		page, _, err := store.List(ctx, payout.Failed, payout.Place{CreatedAt: future.Add(-time.Second)}, 1)
		require.NoError(t, err)
		require.Equal(t, "list-00", page[0].ID)
	})

	t.Run("a context that has ended writes nothing", func(t *testing.T) {
		ended, cancel := context.WithCancel(ctx)
		cancel()
		_, created, err := store.Create(ended, payout.New("ended", "", start))
		require.Error(t, err)
		require.False(t, created)
		_, err = store.Get(ctx, "ended")
		require.ErrorIs(t, err, payout.ErrNotFound)
	})
}

func told(uniqueID string, status int, state payout.PaymentState) payout.Told {
	return payout.Told{UniqueID: uniqueID, Status: status, State: state}
}

// race calls do many times at once, and tells how many calls were true.
func race(callers int, do func(i int) bool) int {
	var (
		wg   sync.WaitGroup
		gate = make(chan struct{})
		won  atomic.Int64
	)
	for i := range callers {
		wg.Go(func() {
			<-gate
			if do(i) {
				won.Add(1)
			}
		})
	}
	close(gate)
	wg.Wait()
	return int(won.Load())
}

// bring makes a payout of two payments and brings it into a state.
func bring(t *testing.T, store payout.Store, id string, state payout.State, created time.Time) payout.Payout {
	t.Helper()
	statuses := map[payout.State][]int{
		payout.Processing: {0, 1}, payout.Successful: {1, 1}, payout.Failed: {2, 2}, payout.PartlyFailed: {1, 2},
	}[state]
	all := make([]payout.Told, len(statuses))
	for i, status := range statuses {
		all[i] = payout.Told{UniqueID: fmt.Sprintf("%s-%d", id, i), Status: status, State: payout.PaymentStates()[status]}
	}
	p := mustCreate(t, store, payout.New(id, "", created))
	p = mustWrite(t, store, p.Looked(all, created.Add(time.Minute), overdueAfter))
	require.Equal(t, state, p.State)
	return p
}

func mustCreate(t *testing.T, store payout.Store, p payout.Payout) payout.Payout {
	t.Helper()
	standing, created, err := store.Create(t.Context(), p)
	require.NoError(t, err)
	require.True(t, created)
	require.Equal(t, p, standing)
	requireStored(t, store, p)
	return standing
}

func mustWrite(t *testing.T, store payout.Store, p payout.Payout) payout.Payout {
	t.Helper()
	standing, written, err := store.Write(t.Context(), p)
	require.NoError(t, err)
	require.True(t, written)
	require.Equal(t, p, standing)
	requireStored(t, store, p)
	return standing
}

func requireStored(t *testing.T, store payout.Store, want payout.Payout) {
	t.Helper()
	got, err := store.Get(t.Context(), want.ID)
	require.NoError(t, err)
	require.Equal(t, want, got)
}
