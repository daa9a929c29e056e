package aws_test

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dinarfunctions/sandbox/provider/dinardragon"
	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/dineropay"
	"dinarfunctions/shared/payout"
	"dinarfunctions/test/eventschema"
	"dinarfunctions/test/internal/stack"
)

// cardToken is one that is easily found where it must not be.
const cardToken = "MARKED-card-token-7002"

// aChargesLife writes all that can become of a charge into the ledger, through the
// store, and returns the ids of the events that must come of it.
func aChargesLife(t *testing.T, s *stack.Stack, number string) (ids []string) {
	t.Helper()
	store := s.Ledger()
	terms, err := dineropay.NewTerms(dineropay.Request{
		InitTransID: "dc66cdd8-d702-11ea-9a2f-0242c0a87002", Token: cardToken,
		Number: number, Amount: "1.00", Currency: "SAR", Description: "gift",
	})
	require.NoError(t, err)
	claim := func(attempt string, at time.Duration) {
		_, won, err := store.Claim(t.Context(), charge.NewClaim(terms, attempt, in(at), in(at+20*time.Second)))
		require.NoError(t, err)
		require.True(t, won)
	}
	record := func(to charge.State, by charge.Evidence, at time.Duration) {
		_, applied, err := store.Record(t.Context(), charge.Change{Number: number, To: to, Evidence: by, At: in(at), LookAt: in(at + time.Minute)})
		require.NoError(t, err)
		require.True(t, applied)
	}
	claim("attempt-1", 0)
	record(charge.Unsent, charge.ByAnswer, time.Second) // nobody is told
	claim("attempt-2", 2*time.Second)
	record(charge.Rejected, charge.ByAnswer, 3*time.Second)
	claim("attempt-3", 4*time.Second)
	_, noted, err := store.Hint(t.Context(), number, in(0))
	require.NoError(t, err)
	require.True(t, noted)
	record(charge.Unknown, charge.BySchedule, 5*time.Second)
	moved, err := store.Look(t.Context(), number, in(0), in(time.Hour)) // the hint's look is kept
	require.NoError(t, err)
	require.True(t, moved)
	record(charge.Pending, charge.ByStatus, 6*time.Second)
	record(charge.Declined, charge.ByOperator, 7*time.Second)
	record(charge.Settled, charge.ByStatus, 8*time.Second)
	_, noted, err = store.Dispute(t.Context(), number, "declined", "", in(9*time.Second))
	require.NoError(t, err)
	require.True(t, noted)
	record(charge.Reversed, charge.ByStatus, 10*time.Second)
	thing := "charge/" + number + "/"
	return []string{
		thing + "rejected/1795251603120000000-4", thing + "unknown/1795251605120000000-6", thing + "pending/1795251606120000000-7",
		thing + "declined/1795251607120000000-8", thing + "settled/1795251608120000000-9", thing + "disputed/1795251609120000000-10",
		thing + "reversed/1795251610120000000-11",
	}
}

// heard are the ids of what came to the queue behind the bus, sorted; each event is
// as its schema says, and shows no token.
func heard(t *testing.T, s *stack.Stack) []string {
	t.Helper()
	all, err := s.Heard(t.Context())
	require.NoError(t, err)
	var ids []string
	for _, e := range all {
		require.NoError(t, eventschema.Check(e.DetailType, e.Detail))
		require.False(t, stack.ShowsSecrets(string(e.Detail)), "%s", e.Detail)
		ids = append(ids, e.ID())
	}
	slices.Sort(ids)
	return ids
}

// From the store's writes over the table's own stream and the built function to a
// queue behind the bus.
func TestEveryChangeIsTold(t *testing.T) {
	t.Parallel()
	s := start(t, true)
	want := slices.Concat(aChargesLife(t, s, "gold-42-0007"), aChargesLife(t, s, "order-1"))
	slices.Sort(want)
	records := streamOf(t, s, "Charges")
	require.Greater(t, len(records), len(want), "looks and claims are in the stream too")

	f := run(t, s, "OutcomeEvents", nil)
	require.Empty(t, tell(t, f, records, 3))
	require.Equal(t, want, heard(t, s), "one event for each change")
	require.Empty(t, tell(t, f, records, 10))
	require.Equal(t, want, heard(t, s), "a repeat has the same ids")
}

// aPayoutsLife writes what becomes of a payout through its store, and returns the
// beginnings of the ids of the events that must come of it.
func aPayoutsLife(t *testing.T, s *stack.Stack, id string) (ids []string) {
	t.Helper()
	store := s.Payouts()
	p, created, err := store.Create(t.Context(), payout.New(id, "salaries", in(0)))
	require.NoError(t, err)
	require.True(t, created)
	look := func(at time.Duration, states ...payout.PaymentState) {
		var told []payout.Told
		for i, state := range states {
			told = append(told, payout.Told{UniqueID: string(rune('a' + i)), Status: 0, State: state})
		}
		var moved, written bool
		p, moved, err = store.Look(t.Context(), id, p.NextCheckAt, in(at+time.Minute)) // nobody is told
		require.NoError(t, err)
		require.True(t, moved)
		p, written, err = store.Write(t.Context(), p.Looked(told, in(at), 30*time.Minute))
		require.NoError(t, err)
		require.True(t, written)
	}
	look(time.Minute, payout.PaymentProcessing, payout.PaymentProcessing)
	look(2*time.Minute, payout.PaymentSuccessful, payout.PaymentProcessing)
	look(31*time.Minute, payout.PaymentSuccessful, payout.PaymentProcessing)
	look(32*time.Minute, payout.PaymentSuccessful, payout.PaymentFailed)
	look(24*time.Hour, payout.PaymentFailed, payout.PaymentFailed)
	require.NoError(t, store.Delete(t.Context(), id)) // nobody is told
	thing := "payout/" + id + "/"
	return []string{
		thing + "payment/a/successful/1795251720120000000-5", thing + "overdue/1795253460120000000-7",
		thing + "payment/b/failed/1795253520120000000-9", thing + "completed/1795253520120000000-9",
		thing + "payment/a/failed/1795338000120000000-11", thing + "changed_after_final/1795338000120000000-11",
	}
}

func TestEveryChangeOfAPayoutIsTold(t *testing.T) {
	t.Parallel()
	s := start(t, true)
	want := aPayoutsLife(t, s, "df9a31ea528a3977")
	slices.Sort(want)
	records := streamOf(t, s, "Payouts")
	f := run(t, s, "OutcomeEvents", nil)
	for range 2 {
		require.Empty(t, tell(t, f, records, 2))
		require.Equal(t, want, heard(t, s))
	}
}

// A function that is killed at any call of EventBridge, before or after the bus took
// what it was told, leaves nothing untold: Lambda hands its batch to another.
func TestKilledInMidBatch(t *testing.T) {
	t.Parallel()
	s := start(t, true)
	var want []string
	for _, number := range []string{"order-1", "order-2", "order-3"} {
		want = append(want, aChargesLife(t, s, number)...)
	}
	slices.Sort(want)

	left := streamOf(t, s, "Charges")
	kills := 0
	for call := int64(1); ; call++ {
		every := func(*http.Request) bool { return true }
		killedAt(t, s, "OutcomeEvents", "AWS_ENDPOINT_URL", every, call, func(f function) { left = tell(t, f, left, 4) })
		if len(left) == 0 {
			break
		}
		kills++
	}
	require.Greater(t, kills, 1)
	got := heard(t, s)
	require.Equal(t, want, slices.Compact(got), "nothing untold, and nothing told that did not happen")
}

// killedAt runs a function that is killed at one of the calls that count, by its number
// from 1, of what it finds at an endpoint: at an even one after the other side has done
// it, at an odd one before. A function that makes fewer is killed when work is done.
func killedAt(t *testing.T, s *stack.Stack, id, endpoint string, counts func(*http.Request) bool, call int64, work func(function)) {
	t.Helper()
	target, err := url.Parse(os.Getenv(endpoint))
	require.NoError(t, err)
	emulator := &httputil.ReverseProxy{
		Rewrite:  func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ErrorLog: log.New(io.Discard, "", 0), // those who were killed hang up
	}
	var seen atomic.Int64
	dies := make(chan struct{})
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !counts(r) || seen.Add(1) != call {
			emulator.ServeHTTP(w, r)
			return
		}
		if call%2 == 0 { // it is done, and nobody hears that it is
			emulator.ServeHTTP(httptest.NewRecorder(), r)
		}
		_, _ = io.Copy(io.Discard, r.Body) // or the server does not see the caller go
		close(dies)
		<-r.Context().Done()
	}))
	defer proxy.Close()
	f := run(t, s, id, map[string]string{endpoint: proxy.URL})
	done := make(chan struct{})
	go func() {
		select {
		case <-dies:
			f.Kill()
		case <-done:
		}
	}()
	work(f)
	close(done)
	f.Kill()
}

// A sweep that is killed at any write, before or after the table took it, leaves nothing
// untold: what it had claimed and not written is looked at again.
func TestKilledInMidSweep(t *testing.T) {
	t.Parallel()
	const many = 12
	s := start(t, true)
	store := s.Payouts()
	var want []string // the beginnings of ids
	for i := range many {
		id := fmt.Sprintf("payout-%02d", i)
		require.NoError(t, s.DinarDragon.Put(dinardragon.Payout{PaymentID: id, Payments: []dinardragon.Payment{
			{UniqueID: id + "-a", Status: dinardragon.Successful}, {UniqueID: id + "-b", Status: dinardragon.Failed},
		}}))
		_, created, err := store.Create(t.Context(), payout.New(id, "", time.Now().Add(-2*time.Minute)))
		require.NoError(t, err)
		require.True(t, created)
		thing := "payout/" + id + "/"
		want = append(want, thing+"completed/", thing+"payment/"+id+"-a/successful/", thing+"payment/"+id+"-b/failed/")
	}
	writes := func(r *http.Request) bool { return strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".UpdateItem") }
	kills := 0
	for call, left := int64(1), many; left > 0; call++ {
		killedAt(t, s, "PayoutStatus", "AWS_ENDPOINT_URL_DYNAMODB", writes, call, func(f function) {
			result, err := f.Invoke(t.Context(), event(t, "payout-status-schedule.json"), f.timeout)
			require.NoError(t, err)
			if result.Gone {
				kills++
				return
			}
			require.False(t, result.Failed, "%s\n%s", result.Payload, f.Log())
		})
		left = 0
		for i := range many {
			p, err := store.Get(t.Context(), fmt.Sprintf("payout-%02d", i))
			require.NoError(t, err)
			if p.State.Final() {
				continue
			}
			left++
			// The look that a killed sweep had claimed is due again two minutes later: now.
			_, _, err = store.Look(t.Context(), p.ID, p.NextCheckAt, time.Now().Add(-time.Second))
			require.NoError(t, err)
		}
	}
	require.Greater(t, kills, 2)

	f := run(t, s, "OutcomeEvents", nil)
	require.Empty(t, tell(t, f, streamOf(t, s, "Payouts"), 10))
	got := heard(t, s)
	require.Len(t, got, len(want), "each change once: %v", got)
	slices.Sort(want)
	for i, id := range got {
		require.True(t, strings.HasPrefix(id, want[i]), "%s should be of %s", id, want[i])
	}
}

// A record that cannot be read is named to Lambda; what stands behind it is told.
func TestAGarbledRecordHoldsUpNobody(t *testing.T) {
	t.Parallel()
	s := start(t, true)
	want := aChargesLife(t, s, "order-1")
	records := slices.DeleteFunc(streamOf(t, s, "Charges"), func(r record) bool { return !r.isChange() })
	garbled := records[1]
	delete(garbled["dynamodb"].(map[string]any)["NewImage"].(map[string]any), "history")

	f := run(t, s, "OutcomeEvents", nil)
	result, err := f.Invoke(t.Context(), batch(t, records), f.timeout)
	require.NoError(t, err)
	require.False(t, result.Failed)
	require.Equal(t, []string{garbled.sequenceNumber()}, failures(t, result.Payload))
	want = slices.Delete(want, 1, 2)
	slices.Sort(want)
	require.Equal(t, want, heard(t, s))
	f.Kill()
	require.Contains(t, f.Log(), `"alarm":"untold"`)
}

// A bus that cannot be reached is told to Lambda in good time, from the first on.
func TestABusThatCannotBeReached(t *testing.T) {
	t.Parallel()
	s := start(t, true)
	aChargesLife(t, s, "order-1")
	records := streamOf(t, s, "Charges")
	f := run(t, s, "OutcomeEvents", map[string]string{"AWS_ENDPOINT_URL": "http://127.0.0.1:1"})
	changes := slices.DeleteFunc(slices.Clone(records), func(r record) bool { return !r.isChange() })
	result, err := f.Invoke(t.Context(), batch(t, changes), f.timeout)
	require.NoError(t, err)
	require.Equal(t, []string{changes[0].sequenceNumber()}, failures(t, result.Payload))
	require.Empty(t, heard(t, s))
}
