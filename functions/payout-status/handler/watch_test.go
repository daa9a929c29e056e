package handler_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	simulated "dinarfunctions/sandbox/provider/dinardragon"
	"dinarfunctions/shared/payout"
	"dinarfunctions/shared/view"
)

const watched = "/payouts/" + payoutID

// brokenStore is a store that can be made to fail.
type brokenStore struct {
	payout.Store
	broken atomic.Bool
}

var errBroken = errors.New("no such table")

func (s *brokenStore) Create(ctx context.Context, p payout.Payout) (payout.Payout, bool, error) {
	if s.broken.Load() {
		return payout.Payout{}, false, errBroken
	}
	return s.Store.Create(ctx, p)
}

func (s *brokenStore) Get(ctx context.Context, id string) (payout.Payout, error) {
	if s.broken.Load() {
		return payout.Payout{}, errBroken
	}
	return s.Store.Get(ctx, id)
}

func (s *brokenStore) Delete(ctx context.Context, id string) error {
	if s.broken.Load() {
		return errBroken
	}
	return s.Store.Delete(ctx, id)
}

func (s *brokenStore) List(ctx context.Context, state payout.State, after payout.Place, limit int) ([]payout.Payout, *payout.Place, error) {
	if s.broken.Load() {
		return nil, nil, errBroken
	}
	return s.Store.List(ctx, state, after, limit)
}

func (s *brokenStore) Due(ctx context.Context, now time.Time) iter.Seq2[payout.Due, error] {
	if s.broken.Load() {
		return func(yield func(payout.Due, error) bool) { yield(payout.Due{}, errors.New("no such table")) }
	}
	return s.Store.Due(ctx, now)
}

func (b *bundle) clock() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

func (b *bundle) advance(by time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(by)
}

// call sends a request of HTTP.
func (b *bundle) call(t *testing.T, method, path, body string) answer {
	t.Helper()
	path, query, _ := strings.Cut(path, "?")
	return b.send(t, func(event map[string]any) {
		event["rawPath"], event["rawQueryString"], event["body"] = path, query, body
		event["requestContext"].(map[string]any)["http"].(map[string]any)["method"] = method
	})
}

// wake wakes the function as its schedule does.
func (b *bundle) wake(t *testing.T) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 29*time.Second)
	defer cancel()
	text, err := b.function.Invoke(ctx, sample(t, "payout-status-schedule.json"))
	_, _ = fmt.Fprintf(&b.said, "%s %+v\n", text, err)
	if err == nil {
		require.Equal(t, "null", string(text))
	}
	return err
}

// look lets a look come at what is watched.
func (b *bundle) look(t *testing.T, after time.Duration) view.Payout {
	t.Helper()
	b.advance(after)
	require.NoError(t, b.wake(t))
	return b.get(t)
}

func (b *bundle) get(t *testing.T) view.Payout {
	t.Helper()
	got := b.call(t, http.MethodGet, watched, "")
	require.Equal(t, http.StatusOK, got.StatusCode, got.Body)
	return shown(t, got)
}

func shown(t *testing.T, got answer) (p view.Payout) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(got.Body))
	d.DisallowUnknownFields()
	require.NoError(t, d.Decode(&p))
	return p
}

// tells makes the provider tell of payments by their statuses.
func (b *bundle) tells(statuses map[string]int) {
	var payments []string
	for id, status := range statuses {
		payments = append(payments, fmt.Sprintf(`{"uniqueid":"%s","status":%d}`, id, status))
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fault = nil
	b.payouts[`{"payment_id":"`+payoutID+`"}`] = strings.Join(payments, ",")
}

func (b *bundle) fails(fault http.HandlerFunc) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fault = fault
}

func states(p view.Payout) map[string]string {
	of := map[string]string{}
	for _, one := range p.Payments {
		of[one.UniqueID] = string(one.State)
	}
	return of
}

func TestAWatch(t *testing.T) {
	b := newBundle(t)
	got := b.call(t, http.MethodGet, watched, "")
	require.Equal(t, http.StatusNotFound, got.StatusCode)
	got.problem(t)

	got = b.call(t, http.MethodPut, watched, "")
	require.Equal(t, http.StatusCreated, got.StatusCode, got.Body)
	next := "2026-11-21T09:01:0"
	require.Contains(t, *shown(t, got).NextCheckAt, next)
	require.JSONEq(t, `{"payment_id": "`+payoutID+`", "reference": null, "state": "processing", "overdue": false, "payments": [],
		"checked_at": null, "next_check_at": "`+*shown(t, got).NextCheckAt+`", "checks": 0, "created_at": "2026-11-21T09:00:00.000Z", "last_error": null}`, got.Body)

	got = b.call(t, http.MethodPut, watched, `{"reference": "رواتب"}`)
	require.Equal(t, http.StatusOK, got.StatusCode, got.Body)
	for _, body := range []string{`{}`, ``} {
		got = b.call(t, http.MethodPut, watched, body)
		require.Equal(t, http.StatusOK, got.StatusCode, got.Body)
		require.Equal(t, "رواتب", *shown(t, got).Reference, "it stays, where none is given")
	}
	asked, _ := b.calls()
	require.Zero(t, asked, "nobody is asked before the first look")

	b.tells(map[string]int{"a": 0, "b": 1})
	p := b.look(t, time.Minute+4*time.Second)
	require.Equal(t, payout.Processing, p.State)
	require.Equal(t, map[string]string{"a": "processing", "b": "successful"}, states(p))
	require.Equal(t, "2026-11-21T09:01:04.000Z", *p.CheckedAt)
	require.Equal(t, 1, p.Checks)
	b.tells(map[string]int{"a": 2, "b": 1})
	p = b.look(t, time.Minute)
	require.Equal(t, payout.PartlyFailed, p.State)
	require.Contains(t, *p.NextCheckAt, "2026-11-22T09:0", "24 hours later")
	asked, _ = b.calls()
	require.Equal(t, 2, asked, "one question for each look")
	require.Contains(t, b.logged(), `"metric":"payout_sweep","asked":1,"completed":1`)

	for range 2 {
		require.Equal(t, http.StatusNoContent, b.call(t, http.MethodDelete, watched, "").StatusCode)
	}
	require.Equal(t, http.StatusNotFound, b.call(t, http.MethodGet, watched, "").StatusCode)
}

func TestRequestsAboutWatchesThatAreRefused(t *testing.T) {
	long := strings.Repeat("a", 129)
	for _, test := range []struct {
		method, path, body string
		status             int
	}{
		{"GET", "/payouts/a.b", "", 404},
		{"GET", "/payouts/" + long, "", 404},
		{"PUT", "/payouts/a.b", "", 422},
		{"PUT", "/payouts/" + long, "", 422},
		{"DELETE", "/payouts/a.b", "", 422},
		{"PUT", "/payouts/" + long[1:] + "", `{"reference": 5}`, 422},
		{"PUT", watched, `{"reference": "` + strings.Repeat("a", 256) + `"}`, 422},
		{"PUT", watched, `{"reference": null}`, 422},
		{"PUT", watched, `{"state": "successful"}`, 400},
		{"PUT", watched, `november`, 400},
		{"GET", "/payouts?state=sending", "", 422},
		{"GET", "/payouts?limit=0", "", 422},
		{"GET", "/payouts?cursor=" + mark, "", 422},
	} {
		t.Run(test.method+" "+test.path, func(t *testing.T) {
			b := newBundle(t)
			got := b.call(t, test.method, test.path, test.body)
			require.Equal(t, test.status, got.StatusCode, got.Body)
			got.problem(t)
			page, _, err := b.store.List(t.Context(), "", payout.Place{}, 1)
			require.NoError(t, err)
			require.Empty(t, page)
		})
	}
	b := newBundle(t)
	require.Equal(t, http.StatusCreated, b.call(t, "PUT", "/payouts/_-"+long[3:], `{"reference": "`+strings.Repeat("ا", 255)+`"}`).StatusCode)
}

func TestTheListOfWatches(t *testing.T) {
	b := newBundle(t)
	var want []string
	for i := range 7 {
		id := fmt.Sprintf("payout-%d", i)
		require.Equal(t, http.StatusCreated, b.call(t, http.MethodPut, "/payouts/"+id, "").StatusCode)
		want = append(want, id)
		b.advance(time.Second)
	}
	type page struct {
		Payouts []view.Payout
		Next    string `json:"next_cursor"`
	}
	read := func(query string) (p page) {
		got := b.call(t, http.MethodGet, "/payouts?"+query, "")
		require.Equal(t, http.StatusOK, got.StatusCode, got.Body)
		require.NoError(t, json.Unmarshal([]byte(got.Body), &p))
		return p
	}
	var listed []string
	for query := "state=processing&limit=3"; ; {
		p := read(query)
		for _, one := range p.Payouts {
			listed = append(listed, one.PaymentID)
		}
		if p.Next == "" {
			break
		}
		query = "state=processing&limit=3&cursor=" + p.Next
	}
	require.Equal(t, want, listed)
	require.Len(t, read("").Payouts, 7)
	for _, query := range []string{"cursor=%%%", "limit=%", "limit=1;state=failed"} {
		require.Equal(t, http.StatusBadRequest, b.call(t, http.MethodGet, "/payouts?"+query, "").StatusCode, query)
	}
	require.Equal(t, `{"payouts":[]}`, b.call(t, http.MethodGet, "/payouts?state=failed", "").Body)
}

// What the provider does wrong, and what it costs the watch: a last_error and a later
// look, and nothing more.
func TestFailuresOfTheProviderWhileWatching(t *testing.T) {
	hangs := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	for _, test := range []struct {
		name  string
		fault http.HandlerFunc
		says  string
		asked int
	}{
		{"403", says(403, `{"code":403,"error":"`+key+`"}`), "refused the private key (HTTP 403)", 2},
		{"403 in a 200", says(200, `{"code":403,"error":"Invalid private key"}`), "refused the private key (HTTP 200)", 2},
		{"400, its words", says(400, `{"code":400,"error":"No payment with this ID."}`), "No payment with this ID.", 1},
		{"500", says(500, `{"code":500,"error":"oops `+key+`"}`), "HTTP 500", 3},
		{"503 of a gateway", says(503, `<html>`), "HTTP 503", 3},
		{"time-out", hangs, "did not answer in time", 3},
		{"not JSON", says(200, `{"code": 200, // OK`), "not JSON", 1},
		{"no payments", says(200, `{"code":200,"payments":[]}`), "no payments", 1},
		{"cut", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "cannot be reached", 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBundle(t)
			require.Equal(t, http.StatusCreated, b.call(t, http.MethodPut, watched, "").StatusCode)
			b.tells(map[string]int{"a": 1, "b": 0})
			before := b.look(t, time.Minute+4*time.Second)
			asked, _ := b.calls()
			b.fails(test.fault)
			after := b.look(t, time.Minute)
			now, _ := b.calls()
			require.Equal(t, test.asked, now-asked)
			require.Contains(t, *after.LastError, test.says)
			require.Greater(t, *after.NextCheckAt, *before.NextCheckAt)
			want := before
			want.LastError, want.NextCheckAt, want.Checks = after.LastError, after.NextCheckAt, 2
			require.Equal(t, want, after)
			require.Equal(t, strings.HasPrefix(test.name, "403"), strings.Contains(b.logged(), `"alarm":"key_refused"`))

			b.tells(map[string]int{"a": 1, "b": 1})
			after = b.look(t, 2*time.Minute+10*time.Second)
			require.Nil(t, after.LastError)
			require.Equal(t, payout.Successful, after.State)
		})
	}
}

// Until somebody sets the secret, nobody is asked, and a watch says why.
func TestWatchingWithoutAKey(t *testing.T) {
	b := newBundle(t)
	b.mu.Lock()
	b.secret = refusing("ResourceNotFoundException", "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT")
	b.mu.Unlock()
	b.call(t, http.MethodPut, watched, "")
	b.advance(time.Minute + 4*time.Second)
	require.ErrorContains(t, b.wake(t), "has no value yet", "the alarm on failed schedules tells a person")
	p := b.get(t)
	require.Contains(t, *p.LastError, "has no value yet")
	asked, _ := b.calls()
	require.Zero(t, asked)
	b.mu.Lock()
	b.secret = holding(key)
	b.mu.Unlock()
	require.Nil(t, b.look(t, time.Minute).LastError)
}

func TestAPaymentThatIsMissingKeepsWhatWasKnown(t *testing.T) {
	b := newBundle(t)
	b.call(t, http.MethodPut, watched, "")
	b.tells(map[string]int{"a": 2, "b": 0})
	b.look(t, time.Minute+4*time.Second)
	b.tells(map[string]int{"b": 1})
	p := b.look(t, time.Minute)
	require.Equal(t, map[string]string{"a": "failed", "b": "successful"}, states(p))
	require.Equal(t, payout.PartlyFailed, p.State)
}

func TestAnUndocumentedStatusIsNeverFinal(t *testing.T) {
	b := newBundle(t)
	b.call(t, http.MethodPut, watched, "")
	b.tells(map[string]int{"a": 7, "b": 1})
	p := b.look(t, time.Minute+4*time.Second)
	require.Equal(t, map[string]string{"a": "unrecognised", "b": "successful"}, states(p))
	require.Equal(t, payout.Processing, p.State)
	require.Nil(t, p.LastError)
}

func TestAStatusThatGoesBackFromFinal(t *testing.T) {
	b := newBundle(t)
	b.call(t, http.MethodPut, watched, "")
	b.tells(map[string]int{"a": 1})
	require.Equal(t, payout.Successful, b.look(t, time.Minute+4*time.Second).State)
	b.tells(map[string]int{"a": 2})
	require.Equal(t, payout.Successful, b.look(t, 23*time.Hour).State, "nobody looked yet")
	require.Equal(t, payout.Failed, b.look(t, 2*time.Hour).State)
	p, err := b.store.Get(t.Context(), payoutID)
	require.NoError(t, err)
	require.Equal(t, "payments changed_after_final", p.Change)
	b.tells(map[string]int{"a": 0})
	require.Equal(t, payout.Processing, b.look(t, 25*time.Hour).State)
	p, err = b.store.Get(t.Context(), payoutID)
	require.NoError(t, err)
	require.Equal(t, "changed_after_final", p.Change)
}

// Contract, Schedules and queue: "Final payouts are looked at again after 24 and 72
// hours, 7 and 30 days; a change is an event."
func TestAPayoutThatIsTakenBackLate(t *testing.T) {
	for _, test := range []struct{ takenBack, seen time.Duration }{
		{73 * time.Hour, 7 * 24 * time.Hour},
		{8 * 24 * time.Hour, 30 * 24 * time.Hour},
	} {
		b := newBundle(t)
		b.call(t, http.MethodPut, watched, "")
		b.tells(map[string]int{"a": 1})
		const first = time.Minute + 4*time.Second
		require.Equal(t, payout.Successful, b.look(t, first).State)
		var passed time.Duration
		for _, look := range []time.Duration{24 * time.Hour, 72 * time.Hour, 7 * 24 * time.Hour, 30 * 24 * time.Hour} {
			if look == test.seen {
				b.tells(map[string]int{"a": 2})
			}
			require.Equal(t, payout.Successful, b.look(t, look-passed-time.Second).State, "nobody looks before")
			got := b.look(t, 5*time.Minute+time.Second)
			passed = look + 5*time.Minute
			if look == test.seen {
				require.Equal(t, payout.Failed, got.State, "taken back after %v", test.takenBack)
				p, err := b.store.Get(t.Context(), payoutID)
				require.NoError(t, err)
				require.Equal(t, "payments changed_after_final", p.Change)
				break
			}
		}
	}
}

// Contract, Schedules and queue: "daily to 30 days, then weekly until it is final or no
// longer watched, with jitter".
func TestAPayoutThatIsNotFinalForMonths(t *testing.T) {
	const week = 7 * 24 * time.Hour
	b := newBundle(t)
	b.call(t, http.MethodPut, watched, "")
	b.tells(map[string]int{"a": 0})
	b.look(t, 30*24*time.Hour+5*time.Minute)
	for range 20 {
		asked, _ := b.calls()
		b.look(t, week-6*time.Minute)
		now, _ := b.calls()
		require.Equal(t, asked, now, "nobody looks before")
		b.look(t, 6*time.Minute)
		now, _ = b.calls()
		require.Equal(t, asked+1, now)
	}
	b.tells(map[string]int{"a": 1})
	require.Equal(t, payout.Successful, b.look(t, week).State)
	b.call(t, http.MethodDelete, watched, "")
	asked, _ := b.calls()
	b.advance(week)
	require.NoError(t, b.wake(t))
	now, _ := b.calls()
	require.Equal(t, asked, now)
}

// Contract, Payouts: "A Dinar Dragon answer of HTTP 200 whose code is 401 or 403 is a
// refused key, as the status would be." A sweep ends after one refreshed try.
func TestACodeThatRefusesTheKeyEndsTheSweep(t *testing.T) {
	b := newBundle(t)
	simulator, err := simulated.New(simulated.Options{PrivateKey: key})
	require.NoError(t, err)
	for i := range 10 {
		id := fmt.Sprintf("payout-%d", i)
		require.NoError(t, simulator.Put(simulated.Payout{PaymentID: id, Payments: []simulated.Payment{{UniqueID: id + "-a", Status: simulated.Processing}}}))
		require.Equal(t, http.StatusCreated, b.call(t, http.MethodPut, "/payouts/"+id, "").StatusCode)
	}
	require.NoError(t, simulator.Script(simulated.CodeSaysRefused, simulated.CodeSaysRefused, simulated.CodeSaysRefused, simulated.CodeSaysRefused))
	b.fails(simulator.ServeHTTP)
	got := b.post(t, `{"payment_id":"payout-0"}`)
	require.Equal(t, http.StatusServiceUnavailable, got.StatusCode, got.Body)
	b.advance(time.Minute + 5*time.Second)
	require.NoError(t, b.wake(t))
	require.Equal(t, 4, simulator.Counts().Statuses, "two on demand, two of the sweep")
	require.Equal(t, 2, strings.Count(b.logged(), `"alarm":"key_refused"`), "one of each")
}

// An answer of Lambda's has at most 6 MB: where payouts are long, a page has fewer.
func TestAPageOfLongPayouts(t *testing.T) {
	b := newBundle(t)
	const many, payments = 12, 2000
	for i := range many {
		p := payout.New(fmt.Sprintf("payout-%02d", i), "", b.clock().Add(time.Duration(i)*time.Second))
		for j := range payments {
			p.Payments = append(p.Payments, payout.Payment{
				UniqueID: fmt.Sprintf("%0128d", j), State: payout.PaymentSuccessful, Status: 1, ChangedAt: p.CreatedAt,
			})
		}
		_, created, err := b.store.Store.Create(t.Context(), p)
		require.NoError(t, err)
		require.True(t, created)
	}
	var listed []string
	for next := ""; ; {
		got := b.call(t, http.MethodGet, "/payouts?limit=100&cursor="+next, "")
		require.Less(t, len(got.Body), 5_000_000)
		var page struct {
			Payouts []view.Payout
			Next    string `json:"next_cursor"`
		}
		require.NoError(t, json.Unmarshal([]byte(got.Body), &page))
		for _, p := range page.Payouts {
			listed = append(listed, p.PaymentID)
		}
		if next = page.Next; next == "" {
			break
		}
	}
	require.Len(t, listed, many)
	require.Equal(t, listed, slices.Compact(slices.Sorted(slices.Values(listed))))
}

func TestOverdue(t *testing.T) {
	b := newBundle(t)
	b.call(t, http.MethodPut, watched, "")
	b.tells(map[string]int{"a": 0})
	require.False(t, b.look(t, 16*time.Minute).Overdue)
	require.True(t, b.look(t, 15*time.Minute).Overdue)
	p, err := b.store.Get(t.Context(), payoutID)
	require.NoError(t, err)
	require.Equal(t, "overdue", p.Change)
	b.tells(map[string]int{"a": 1})
	require.False(t, b.look(t, 15*time.Minute).Overdue)
}

func TestTheStoreOfWatchesIsOutOfReach(t *testing.T) {
	b := newBundle(t)
	b.store.broken.Store(true)
	for method, path := range maps.All(map[string]string{"PUT": watched, "GET": watched, "DELETE": watched, "HEAD": "/payouts"}) {
		got := b.call(t, method, path, "")
		require.Equal(t, http.StatusServiceUnavailable, got.StatusCode, method)
		require.Equal(t, "30", got.Headers["Retry-After"])
		require.NotContains(t, got.Body, "no such table")
	}
	require.ErrorContains(t, b.wake(t), "reading what is due")
}
