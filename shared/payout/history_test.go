package payout_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/boltstore"
	"dinarfunctions/shared/payout"
	"dinarfunctions/test/eventschema"
)

// Whatever happens to watched payouts, the events alone tell how each of them and each
// of its payments stands, and no event twice: through a provider that changes its mind,
// leaves payments out, fails or refuses the key; through sweeps that are killed or run
// side by side; through writes whose answer is lost; through watches that are ended and
// begun again. A number throws the same dice each time; sweeps side by side may take
// them in another order.
func TestTheEventsAloneTellEveryPayoutsLastState(t *testing.T) {
	t.Parallel()
	const histories, steps = 200, 80
	var (
		mu     sync.Mutex
		counts = map[string]int{}
	)
	t.Run("histories", func(t *testing.T) {
		for n := range uint64(histories) {
			t.Run(fmt.Sprint(n), func(t *testing.T) {
				t.Parallel()
				h := newHistory(t, n)
				for range steps {
					h.step()
					h.requireTold()
				}
				mu.Lock()
				defer mu.Unlock()
				for what, count := range h.counts {
					counts[what] += count
				}
			})
		}
	})
	t.Logf("%d histories of %d steps: %v", histories, steps, counts)
	for _, what := range []string{
		"Payout Payment Successful", "Payout Payment Failed", "Payout Completed", "Payout Overdue", "Payout Changed After Final",
		"killed sweeps", "answers lost", "writes refused", "watches ended", "keys refused", "payments left out",
	} {
		require.NotZero(t, counts[what], "%s: the histories have to have some", what)
	}
}

// history is one run of the dice over a few payouts.
type history struct {
	t     *testing.T
	file  *boltstore.File
	store payout.Store
	*payout.Watcher

	mu     sync.Mutex // guards what follows
	dice   *rand.Rand
	now    time.Time
	truth  map[string][]int // the status of each payment of each payout, as the provider has it
	kill   context.CancelFunc
	counts map[string]int

	// What was told: how each payout and each payment stands, and the events' ids.
	after    uint64
	payouts  map[string]payout.State
	payments map[string]map[string]payout.PaymentState
	ids      map[string]bool
}

func newHistory(t *testing.T, seed uint64) *history {
	t.Helper()
	file, err := boltstore.OpenUnsynced(filepath.Join(t.TempDir(), "ledger.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, file.Close()) })
	h := &history{
		t: t, file: file, dice: rand.New(rand.NewPCG(seed, 7)), now: start,
		truth: map[string][]int{}, counts: map[string]int{},
		payouts: map[string]payout.State{}, payments: map[string]map[string]payout.PaymentState{}, ids: map[string]bool{},
	}
	h.store = file.Payouts()
	h.Watcher = payout.NewWatcher(&faulty{h.store, h}, h, overdueAfter, h.clock, slog.New(slog.DiscardHandler))
	return h
}

func (h *history) clock() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

// oneIn throws the dice, and counts what it was thrown for.
func (h *history) oneIn(n int, what string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	hit := h.dice.IntN(n) == 0
	if hit {
		h.counts[what]++
	}
	return hit
}

func (h *history) roll(n int) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.dice.IntN(n)
}

// Payout is what the provider answers.
func (h *history) Payout(_ context.Context, id string) ([]payout.Told, error) {
	if h.oneIn(40, "killed sweeps") {
		h.kill()
	}
	switch {
	case h.oneIn(20, "no answers"):
		return nil, &payout.AskError{Why: payout.NoAnswer, Text: "HTTP 503"}
	case h.oneIn(30, "not known"):
		return nil, &payout.AskError{Why: payout.Refused, Text: "no such payout"}
	case h.oneIn(60, "keys refused"):
		return nil, &payout.AskError{Why: payout.KeyRefused, Text: "the key is refused"}
	}
	h.mu.Lock()
	statuses := slices.Clone(h.truth[id])
	h.mu.Unlock()
	var told []payout.Told
	for i, status := range statuses {
		if len(statuses) > 1 && h.oneIn(15, "payments left out") {
			continue
		}
		told = append(told, payout.Told{UniqueID: fmt.Sprintf("%s-%d", id, i), Status: status, State: stateOf(status)})
	}
	if len(told) == 0 {
		return nil, &payout.AskError{Why: payout.NoAnswer, Text: "an empty answer"}
	}
	return told, nil
}

// step lets something happen.
func (h *history) step() {
	ctx := h.t.Context()
	id := fmt.Sprintf("payout-%d", h.roll(5))
	switch h.roll(8) {
	case 0, 1: // somebody wants it watched; the wish may have to be said again
		_, _, _ = h.Watch(ctx, id, []string{"", "salaries", "refunds"}[h.roll(3)])
	case 2:
		if h.oneIn(4, "watches ended") {
			require.NoError(h.t, h.Forget(ctx, id))
			h.forget(id)
		}
	default:
	}
	h.mu.Lock()
	// The provider goes on: mostly to an end, sometimes back, sometimes to a number that
	// it does not document; and a payout may grow.
	if len(h.truth[id]) == 0 || h.dice.IntN(10) == 0 && len(h.truth[id]) < 4 {
		h.truth[id] = append(h.truth[id], 0)
	}
	for i := range h.truth[id] {
		if h.dice.IntN(4) == 0 {
			h.truth[id][i] = []int{0, 1, 1, 1, 2, 2, 9}[h.dice.IntN(7)]
		}
	}
	units := []time.Duration{time.Second, time.Minute, 10 * time.Minute, time.Hour, 12 * time.Hour, 5 * 24 * time.Hour}
	h.now = h.now.Add(time.Duration(h.dice.Int64N(int64(2 * units[h.dice.IntN(len(units))]))))
	h.mu.Unlock()

	sweeping, kill := context.WithTimeout(ctx, 29*time.Second)
	defer kill()
	h.kill = kill
	var wg sync.WaitGroup
	for range 1 + h.roll(2) {
		wg.Go(func() { _, _ = h.Sweep(sweeping) })
	}
	wg.Wait()
}

// hear takes in what was told since.
func (h *history) hear() {
	for {
		events, err := h.file.Events(h.t.Context(), h.after, 1000)
		require.NoError(h.t, err)
		if len(events) == 0 {
			return
		}
		for _, e := range events {
			h.after = e.Number
			require.False(h.t, h.ids[e.ID], "%s is told twice", e.ID)
			h.ids[e.ID] = true
			h.counts[e.DetailType]++
			require.NoError(h.t, eventschema.Check(e.DetailType, e.Detail))
			type payment struct {
				UniqueID string              `json:"uniqueid"`
				State    payout.PaymentState `json:"state"`
			}
			var told struct {
				Payment payment `json:"payment"`
				Payout  struct {
					PaymentID string       `json:"payment_id"`
					State     payout.State `json:"state"`
					Payments  []payment    `json:"payments"`
				} `json:"payout"`
			}
			require.NoError(h.t, json.Unmarshal(e.Detail, &told))
			id := told.Payout.PaymentID
			if told.Payment.UniqueID == "" { // how the whole payout stands is told by events of its own
				h.payouts[id] = told.Payout.State
			}
			if h.payments[id] == nil {
				h.payments[id] = map[string]payout.PaymentState{}
			}
			for _, p := range append(told.Payout.Payments, told.Payment) {
				if p.UniqueID != "" {
					h.payments[id][p.UniqueID] = p.State
				}
			}
		}
	}
}

// forget is what whoever ended a watch does with what he was told: nothing more comes.
func (h *history) forget(id string) {
	h.hear()
	delete(h.payouts, id)
	delete(h.payments, id)
}

// requireTold holds what was told against what is known.
func (h *history) requireTold() {
	h.hear()
	known, _, err := h.store.List(h.t.Context(), "", payout.Place{}, 100)
	require.NoError(h.t, err)
	left := maps.Clone(h.payouts)
	for _, p := range known {
		delete(left, p.ID)
		state, told := h.payouts[p.ID]
		if !told { // nothing is told while everything is under way
			state = payout.Processing
		}
		require.Equal(h.t, p.State, state, p.ID)
		for _, one := range p.Payments {
			told := h.payments[p.ID][one.UniqueID]
			require.Equal(h.t, one.State.Final(), told.Final(), "%s: %s", one.UniqueID, told)
			if one.State.Final() {
				require.Equal(h.t, one.State, told, one.UniqueID)
			}
		}
	}
	require.Empty(h.t, left, "told of payouts that are not watched")
}

// faulty is a store whose answers get lost, and that refuses a write now and then.
type faulty struct {
	payout.Store

	history *history
}

func (f *faulty) Write(ctx context.Context, p payout.Payout) (payout.Payout, bool, error) {
	if f.history.oneIn(40, "writes refused") {
		return payout.Payout{}, false, errors.New("throttled")
	}
	standing, written, err := f.Store.Write(ctx, p)
	if f.history.oneIn(40, "answers lost") {
		return payout.Payout{}, false, errors.New("the answer is lost")
	}
	return standing, written, err
}
