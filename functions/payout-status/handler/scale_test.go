package handler_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"

	"dinarfunctions/functions/payout-status/handler"
	simulator "dinarfunctions/sandbox/provider/dinardragon"
	"dinarfunctions/shared/boltstore"
	"dinarfunctions/shared/dinardragon"
	"dinarfunctions/shared/payout"
	"dinarfunctions/shared/secrets"
)

// theKey is a key that does not change.
type theKey struct{}

func (theKey) Get(context.Context) (secrets.Text, error)     { return secrets.NewText(key), nil }
func (theKey) Refresh(context.Context) (secrets.Text, error) { return secrets.NewText(key), nil }

// 1,000 watched payouts and one of 500 payments, from the first look to the last:
// one question for each look at each payout, and every one final. A process is ended
// in mid-sweep, and two sweeps run at the same time, all along.
func TestAThousandWatchedPayouts(t *testing.T) {
	t.Parallel()
	const (
		small = 1000
		large = 500
	)
	ctx := t.Context()
	var now atomic.Pointer[time.Time]
	set := func(at time.Time) { now.Store(&at) }
	clock := func() time.Time { return *now.Load() }
	begin := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	set(begin)

	provider, err := simulator.New(simulator.Options{PrivateKey: key, Now: clock})
	require.NoError(t, err)
	var arrived atomic.Int64
	killed, kill := context.WithCancel(ctx)
	defer kill()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		provider.ServeHTTP(w, r)
		if arrived.Add(1) == small+1+100 {
			kill()
		}
	}))
	t.Cleanup(server.Close)
	base, err := url.Parse(server.URL)
	require.NoError(t, err)
	client := dinardragon.New(base, theKey{}, dinardragon.Options{})
	file, err := boltstore.OpenUnsynced(filepath.Join(t.TempDir(), "ledger.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, file.Close()) })
	store := file.Payouts()
	log := slog.New(slog.DiscardHandler)
	watcher := payout.NewWatcher(store, client, 30*time.Minute, clock, log)
	function := handler.New(client, watcher, log)

	// Payout i ends as i says; the large one partly fails.
	ends := func(i int) (statuses []simulator.Status, state payout.State) {
		switch i % 4 {
		case 0:
			return []simulator.Status{1, 1}, payout.Successful
		case 1:
			return []simulator.Status{2}, payout.Failed
		case 2:
			return []simulator.Status{1, 2, 1}, payout.PartlyFailed
		default:
			return []simulator.Status{1}, payout.Successful
		}
	}
	id := func(i int) string { return fmt.Sprintf("payout-%04d", i) }
	put := func(i int, statuses []simulator.Status, final bool) {
		p := simulator.Payout{PaymentID: id(i)}
		for j, status := range statuses {
			if !final {
				status = simulator.Processing
			}
			p.Payments = append(p.Payments, simulator.Payment{UniqueID: fmt.Sprintf("%s-%03d", id(i), j), Status: status})
		}
		require.NoError(t, provider.Put(p))
	}
	statusesOf := func(i int) []simulator.Status {
		if i < small {
			statuses, _ := ends(i)
			return statuses
		}
		statuses := make([]simulator.Status, large)
		for j := range statuses {
			statuses[j] = simulator.Status(1 + j%2)
		}
		return statuses
	}
	for i := range small + 1 {
		put(i, statusesOf(i), false)
		_, created, err := watcher.Watch(ctx, id(i), "")
		require.NoError(t, err)
		require.True(t, created)
	}

	sweepAll := func() {
		for due := true; due; {
			wake, cancel := context.WithTimeout(ctx, 29*time.Second)
			var side error
			var wg sync.WaitGroup
			wg.Go(func() { _, side = watcher.Sweep(wake) })
			require.NoError(t, function.Schedule(wake))
			wg.Wait()
			require.NoError(t, side)
			cancel()
			due = false
			for _, err := range store.Due(ctx, clock()) {
				require.NoError(t, err)
				due = true
				break
			}
		}
	}
	questions := 0
	// round lets everybody be looked at once, at a time, and tells what the looks changed.
	round := func(at time.Time) (words map[string]int) {
		set(at)
		sweepAll()
		words = map[string]int{}
		asked := 0
		for i := range small + 1 {
			p, err := store.Get(ctx, id(i))
			require.NoError(t, err)
			require.LessOrEqual(t, p.Checks, provider.Asked(id(i)), id(i))
			asked += provider.Asked(id(i))
			for _, word := range strings.Fields(p.Change) {
				words[word]++
			}
			words["payments told of"] += len(p.Payments)
		}
		require.Equal(t, provider.Counts().Statuses, asked)
		t.Logf("%s after the beginning: %d questions for %d payouts of %d payments; changes %v",
			at.Sub(begin), asked-questions, small+1, words["payments told of"], words)
		questions = asked
		return words
	}

	words := round(begin.Add(time.Minute + 4*time.Second))
	require.Equal(t, small+1, questions)
	require.Zero(t, words["completed"])
	for i := range small + 1 {
		put(i, statusesOf(i), true)
	}
	// The first sweep of this round is killed in its midst. What it had claimed and not
	// written is asked about once more, after its lease.
	set(begin.Add(9 * time.Minute))
	swept, _ := watcher.Sweep(killed)
	require.True(t, swept.Left)
	lost := swept.Failed
	sweepAll()
	words = round(begin.Add(9*time.Minute + 121*time.Second))
	require.GreaterOrEqual(t, questions, 2*(small+1))
	require.LessOrEqual(t, questions, 2*(small+1)+lost, "one question for each look, and one more for each that was lost")
	t.Logf("a sweep was killed after 100 questions; %d looks that it had claimed came again", lost)
	require.Equal(t, small+1, words["completed"])
	require.Equal(t, small+1, words["payments"])

	states := map[payout.State]int{}
	for i := range small + 1 {
		p, err := store.Get(ctx, id(i))
		require.NoError(t, err)
		states[p.State]++
		require.Equal(t, 2, p.Checks, "two looks, each written once")
		if i < small {
			_, want := ends(i)
			require.Equal(t, want, p.State)
		}
		require.Len(t, p.ChangedPayments(), len(statusesOf(i)), "every payment's end can be told")
	}
	require.Equal(t, map[payout.State]int{payout.Successful: 500, payout.Failed: 250, payout.PartlyFailed: 251}, states)
	t.Logf("final states: %v", states)

	// The events alone tell how each payout and each of its payments ended, once.
	told, ended, counts := map[string]bool{}, map[string]string{}, map[string]int{}
	for after := uint64(0); ; {
		events, err := file.Events(ctx, after, 1000)
		require.NoError(t, err)
		if len(events) == 0 {
			break
		}
		for _, e := range events {
			after = e.Number
			require.False(t, told[e.ID], "%s is told twice", e.ID)
			told[e.ID] = true
			counts[e.DetailType]++
			var d struct {
				Payment struct {
					UniqueID string `json:"uniqueid"`
					State    string `json:"state"`
				} `json:"payment"`
				Payout struct {
					PaymentID string `json:"payment_id"`
					State     string `json:"state"`
				} `json:"payout"`
			}
			require.NoError(t, json.Unmarshal(e.Detail, &d))
			if d.Payment.UniqueID != "" {
				ended[d.Payment.UniqueID] = d.Payment.State
			} else {
				ended[d.Payout.PaymentID] = d.Payout.State
			}
		}
	}
	for i := range small + 1 {
		p, err := store.Get(ctx, id(i))
		require.NoError(t, err)
		require.Equal(t, string(p.State), ended[id(i)])
		for _, payment := range p.Payments {
			require.Equal(t, string(payment.State), ended[payment.UniqueID])
		}
	}
	t.Logf("events, each with an id of its own: %v", counts)
}
