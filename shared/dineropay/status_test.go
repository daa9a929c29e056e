package dineropay

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/charge"
)

// byNumber asks about the charge of the first vector before anything is known of
// it, byPaymentID after.
func byNumber(t testing.TB) charge.Query {
	t.Helper()
	return charge.Query{Order: theTerms(t).Order, InitTransID: theInitTransID}
}

func byPaymentID(t testing.TB) charge.Query {
	t.Helper()
	q := byNumber(t)
	q.PaymentID = thePaymentID
	return q
}

// Platform, get transaction status: the very bytes.
func TestStatusRequestBytes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		query charge.Query
		body  string
	}{
		{"by order_id", byNumber(t),
			`{"merchant_key":"c0a1e6d2-merchant","order_id":"order-1234","hash":"81a078ea4e6465b9016940b0406444429ef5b4f1"}`},
		{"by payment_id", charge.Query{Order: byNumber(t).Order, PaymentID: theInitTransID},
			`{"merchant_key":"c0a1e6d2-merchant","payment_id":"dc66cdd8-d702-11ea-9a2f-0242c0a87002","hash":"cec110e8f281a0a72c8d5d95fc613e0cf969255e"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := newProvider(t, reply(http.StatusOK, about("settled", theOrder)))
			p.client(t, theKeys()).Status(t.Context(), tt.query)
			require.Len(t, p.received(), 1)
			requireRequest(t, p.received()[0], statusPath, tt.body)
		})
	}
}

// statusCase is one answer to a status request and what it comes to.
type statusCase struct {
	name   string
	query  charge.Query
	status int
	body   string
	want   charge.StatusAnswer // but for the reason
	// reason is in the reason; if it is empty, so is the reason.
	reason string
	// asked is how often it is asked in all, refreshed how often the keys are
	// read anew.
	asked, refreshed int
}

// differing is an answer with a difference in amount or currency.
func differing(a charge.Answer, in string) charge.Answer {
	a.Differs = in
	return a
}

func statusCases(t testing.TB) []statusCase {
	t.Helper()
	number, id := byNumber(t), byPaymentID(t)
	known := func(a charge.Answer) charge.StatusAnswer {
		return charge.StatusAnswer{Knowledge: charge.Known, Answer: a}
	}
	var (
		notAsked = charge.StatusAnswer{Knowledge: charge.NotAsked}
		notKnown = charge.StatusAnswer{Knowledge: charge.NotKnown}
	)
	var all []statusCase
	for _, s := range documented {
		for _, word := range []string{s.word, strings.ToUpper(s.word)} {
			all = append(all, statusCase{"status " + word, number, 200, about(word, theOrder), known(said(s.state, s.word)), "", 1, 0})
		}
	}
	for _, word := range []string{"", "success", "refunded", "unknown"} {
		all = append(all, statusCase{"undocumented status " + word, number, 200, about(word, theOrder), notAsked, "not documented", 1, 0})
	}
	for status, again := range map[int]int{
		201: 1, 202: 1, 204: 1, 302: 1, 402: 1, 405: 1, 408: 1, 409: 1, 418: 1, 422: 1,
		429: 3, 500: 3, 502: 3, 503: 3, 504: 3, 599: 3,
	} {
		body := about("settled", theOrder)
		if status == http.StatusNoContent {
			body = ""
		}
		all = append(all, statusCase{"whatever it says", number, status, body, notAsked, fmt.Sprintf("HTTP %d", status), again, 0})
	}
	for _, status := range []int{401, 403} {
		all = append(all,
			statusCase{"empty", number, status, ``, notAsked, fmt.Sprintf("HTTP %d", status), 2, 1},
			statusCase{"with a transaction", number, status, about("settled", theOrder), notAsked, fmt.Sprintf("HTTP %d", status), 2, 1})
	}
	for _, status := range []int{400, 404} {
		all = append(all,
			statusCase{"no such transaction", number, status, `{"error_code":100000,"error_message":"Transaction not found."}`, notKnown, "Transaction not found.", 1, 0},
			statusCase{"no such transaction, by payment_id", id, status, `{"error_code":100000,"errors":[{"error_message":"payment_id: Not found."}]}`, notKnown, "payment_id: Not found.", 1, 0},
			statusCase{"blames the order number", number, status, `{"error_code":1,"error_message":"order_id: no."}`, notKnown, "order_id: no.", 1, 0},
			statusCase{"blames the hash", number, status, `{"error_code":100000,"errors":[{"error_message":"hash: Hash is not valid."}]}`, notAsked, "hash: Hash is not valid.", 2, 1},
			statusCase{"blames the hash, nested", number, status, `{"error_code":1,"errors":{"error_message":"hash: Hash is not valid."}}`, notAsked, "hash: Hash is not valid.", 2, 1},
			statusCase{"blames the merchant key", number, status, `{"error_code":1,"error_message":"merchant_key: no."}`, notAsked, "merchant_key: no.", 2, 1},
		)
	}
	return append(all, []statusCase{
		// Status errors are undocumented. A 400 that is no error of the provider's
		// is somebody else's, and says nothing about what the provider knows.
		{"empty", number, 400, ``, notAsked, "HTTP 400", 1, 0},
		{"a page", number, 400, `<html>`, notAsked, "HTTP 400", 1, 0},
		{"an empty object", number, 400, `{}`, notAsked, "HTTP 400", 1, 0},
		{"empty", number, 404, ``, notAsked, "HTTP 404", 1, 0},
		{"a page", number, 404, `<html>`, notAsked, "HTTP 404", 1, 0},
		{"an object of another form", number, 404, `{"error": "no such transaction"}`, notKnown, "HTTP 404", 1, 0},

		{"not JSON", number, 200, `settled`, notAsked, "cannot be read", 1, 0},
		{"empty", number, 200, ``, notAsked, "cannot be read", 1, 0},
		{"half of it", number, 200, about("settled", theOrder)[:40], notAsked, "cannot be read", 1, 0},
		{"twice", number, 200, about("settled", theOrder) + about("settled", theOrder), notAsked, "cannot be read", 1, 0},
		{"a status that comes twice", number, 200, `{"status":"declined","status":"settled","order":` + theOrder + `}`, notAsked, "twice", 1, 0},
		{"Status with a capital", number, 200, `{"Status":"settled","order":` + theOrder + `}`, notAsked, "not documented", 1, 0},
		{"the error form", number, 200, `{"error_code":1,"error_message":"no"}`, notAsked, "order number", 1, 0},
		{"all that the platform sends", number, 200, `{"payment_id":"aaff66d8-4c62-11eb-b6a6-0242c0a87002","date":"2020-08-05 07:41:10",` +
			`"status":"settled","reason":"","recurring_token":"x","shedule_id ":"s","order":` + theOrder + `,"customer":{"name":"n","email":"e"}}`,
			known(settled), "", 1, 0},

		{"another order number", number, 200, about("settled", `{"number":"order-1235"}`), notAsked, "order-1235", 1, 0},
		{"another order number, by payment_id", id, 200, about("settled", `{"number":"order-1235"}`), notAsked, "order-1235", 1, 0},
		{"no order number", number, 200, about("settled", `{"amount":"1.00"}`), notAsked, "order number", 1, 0},
		{"no order", id, 200, `{"status":"settled","payment_id":"aaff66d8-4c62-11eb-b6a6-0242c0a87002"}`, notAsked, "order number", 1, 0},

		{"the card's first payment", number, 200,
			`{"status":"settled","payment_id":"dc66cdd8-d702-11ea-9a2f-0242c0a87002","order":` + theOrder + `}`, notKnown, "first payment", 1, 0},
		{"the card's first payment, in capitals", number, 200,
			`{"status":"settled","payment_id":"DC66CDD8-D702-11EA-9A2F-0242C0A87002","order":` + theOrder + `}`, notKnown, "first payment", 1, 0},
		// Contract, Charges: "An answer about our order number counts whatever its
		// payment_id".
		{"another payment of the order", id, 200,
			`{"status":"settled","payment_id":"bbff66d8-4c62-11eb-b6a6-0242c0a87002","order":` + theOrder + `}`,
			known(charge.Answer{State: charge.Settled, ProviderStatus: "settled", PaymentID: "bbff66d8-4c62-11eb-b6a6-0242c0a87002"}), "", 1, 0},
		{"another payment's id that is unfit to keep", id, 200,
			`{"status":"settled","payment_id":"a\nb","order":` + theOrder + `}`,
			known(charge.Answer{State: charge.Settled, ProviderStatus: "settled"}), "", 1, 0},
		{"the same payment_id in capitals", id, 200,
			`{"status":"settled","payment_id":"AAFF66D8-4C62-11EB-B6A6-0242C0A87002","order":` + theOrder + `}`,
			known(charge.Answer{State: charge.Settled, ProviderStatus: "settled", PaymentID: strings.ToUpper(thePaymentID)}), "", 1, 0},
		{"no payment_id", id, 200, `{"status":"declined","reason":"Lost card","order":` + theOrder + `}`,
			known(charge.Answer{State: charge.Declined, ProviderStatus: "declined", Reason: "Lost card"}), "", 1, 0},

		// A difference in amount or currency is noted, and the status still counts.
		{"another amount", number, 200, about("settled", `{"number":"order-1234","amount":"2.00"}`), known(differing(settled, `the amount "2.00" instead of 1.00`)), "", 1, 0},
		{"another currency", number, 200, about("chargeback", `{"number":"order-1234","currency":"USD"}`),
			known(differing(said(charge.Reversed, "chargeback"), `the currency "USD" instead of SAR`)), "", 1, 0},
		{"the same amount as a number", number, 200, about("settled", `{"number":"order-1234","amount":1,"currency":"sar"}`), known(settled), "", 1, 0},
		{"no amount", number, 200, about("settled", `{"number":"order-1234"}`), known(settled), "", 1, 0},
	}...)
}

func TestStatusReadsItsAnswer(t *testing.T) {
	t.Parallel()
	for _, tt := range statusCases(t) {
		t.Run(fmt.Sprintf("%d %s", tt.status, tt.name), func(t *testing.T) {
			t.Parallel()
			p := newProvider(t, reply(tt.status, tt.body))
			k := theKeys()
			got := p.client(t, k).Status(t.Context(), tt.query)
			p.Close()
			require.Len(t, p.received(), tt.asked)
			require.Equal(t, tt.refreshed, k.refreshes())
			if tt.reason == "" {
				require.Empty(t, got.Reason, "answer %s", tt.body)
			} else {
				require.Contains(t, got.Reason, tt.reason, "answer %s", tt.body)
			}
			require.Equal(t, tt.refreshed > 0, got.KeyRefused, "refused with fresh keys, too")
			got.Reason, got.KeyRefused = "", false
			require.Equal(t, tt.want, got, "answer %s", tt.body)
		})
	}
}

// inTurn gives one answer after the other, and the last one for ever.
func inTurn(answers ...http.HandlerFunc) http.HandlerFunc {
	var next atomic.Int64
	return func(w http.ResponseWriter, r *http.Request) {
		answers[min(int(next.Add(1)), len(answers))-1](w, r)
	}
}

func abort(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// A status request moves no money, so it may be asked again.
func TestStatusAsksAgain(t *testing.T) {
	t.Parallel()
	var (
		good    = reply(http.StatusOK, about("settled", theOrder))
		down    = reply(http.StatusServiceUnavailable, "")
		busy    = reply(http.StatusTooManyRequests, "")
		refused = reply(http.StatusUnauthorized, "")
		badHash = reply(http.StatusBadRequest, `{"error_code":100000,"error_message":"hash: Hash is not valid."}`)
		cut     = raw(t, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
	)
	for _, tt := range []struct {
		name             string
		answer           http.HandlerFunc
		want             charge.Knowledge
		asked, refreshed int
	}{
		{"answered after two failures", inTurn(down, busy, good), charge.Known, 3, 0},
		{"answered after two lost answers", inTurn(abort, cut, good), charge.Known, 3, 0},
		{"not asked a fourth time", inTurn(down, busy, abort, good), charge.NotAsked, 3, 0},
		{"always cut", cut, charge.NotAsked, 3, 0},
		{"always reset", reset, charge.NotAsked, 3, 0},
		{"known with fresh keys", inTurn(refused, good), charge.Known, 2, 1},
		{"known with a fresh hash", inTurn(badHash, good), charge.Known, 2, 1},
		{"refused after a failure", inTurn(down, badHash, good), charge.Known, 3, 1},
		{"failures with fresh keys", inTurn(refused, down, down, good), charge.Known, 4, 1},
		{"nothing but failures with fresh keys", inTurn(refused, down), charge.NotAsked, 4, 1},
		{"refused with fresh keys too", inTurn(badHash, refused, good), charge.NotAsked, 2, 1},
		{"not known with fresh keys", inTurn(badHash, reply(http.StatusNotFound, `{"error": "no such transaction"}`)), charge.NotKnown, 2, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := newProvider(t, tt.answer)
			k := theKeys()
			got := p.client(t, k).Status(t.Context(), byNumber(t))
			require.Equal(t, tt.want, got.Knowledge, got.Reason)
			require.Len(t, p.received(), tt.asked)
			require.Equal(t, tt.refreshed, k.refreshes())
			for _, r := range p.received() {
				require.Equal(t, p.received()[0].body, r.body, "the same question")
			}
		})
	}
}

// Contract, Subscriptions: "one status request per look, without retries". A query
// with Once is that request, whatever comes of it; a refused key alone is read anew and
// asked with once more, or nobody would learn that it is refused for good.
func TestAQueryWithOnceIsOneRequest(t *testing.T) {
	t.Parallel()
	good := reply(http.StatusOK, about("settled", theOrder))
	for _, tt := range []struct {
		name      string
		answer    http.HandlerFunc
		want      charge.Knowledge
		refreshed int // and asked once more
	}{
		{"known", good, charge.Known, 0},
		{"not known", reply(http.StatusNotFound, `{"error_code":1}`), charge.NotKnown, 0},
		{"down", inTurn(reply(http.StatusServiceUnavailable, ""), good), charge.NotAsked, 0},
		{"busy", inTurn(reply(http.StatusTooManyRequests, ""), good), charge.NotAsked, 0},
		{"cut", inTurn(abort, good), charge.NotAsked, 0},
		{"reset", inTurn(reset, good), charge.NotAsked, 0},
		{"refused", inTurn(reply(http.StatusUnauthorized, ""), good), charge.Known, 1},
		{"a bad hash", inTurn(reply(http.StatusBadRequest, `{"errors":{"hash":["no"]}}`), good), charge.Known, 1},
		{"refused for good", reply(http.StatusUnauthorized, ""), charge.NotAsked, 1},
		{"refused, then down", inTurn(reply(http.StatusUnauthorized, ""), abort, good), charge.NotAsked, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := newProvider(t, tt.answer)
			k := theKeys()
			q := byNumber(t)
			q.Once = true
			got := p.client(t, k).Status(t.Context(), q)
			p.Close()
			require.Equal(t, tt.want, got.Knowledge, got.Reason)
			require.Len(t, p.received(), 1+tt.refreshed)
			require.Equal(t, tt.refreshed, k.refreshes())
			require.Equal(t, tt.name == "refused for good", got.KeyRefused)
		})
	}
}

func TestStatusSignsAnewWithFreshKeys(t *testing.T) {
	t.Parallel()
	p := newProvider(t, inTurn(reply(http.StatusForbidden, ""), reply(http.StatusOK, about("settled", theOrder))))
	k := &keys{now: credentials("stale-key", "stale-password"), next: theCredentials()}
	require.Equal(t, charge.Known, p.client(t, k).Status(t.Context(), byNumber(t)).Knowledge)
	require.Len(t, p.received(), 2)
	require.Contains(t, p.received()[0].body, `"merchant_key":"stale-key"`)
	require.JSONEq(t, `{"merchant_key":"c0a1e6d2-merchant","order_id":"order-1234","hash":"81a078ea4e6465b9016940b0406444429ef5b4f1"}`,
		p.received()[1].body)
}

func TestStatusWithoutKeysAsksNothing(t *testing.T) {
	t.Parallel()
	p := newProvider(t, reply(http.StatusOK, about("settled", theOrder)))
	got := p.client(t, &keys{getErr: errors.New("secret arn:x has no value yet")}).Status(t.Context(), byNumber(t))
	require.Equal(t, charge.NotAsked, got.Knowledge)
	require.Contains(t, got.Reason, "secret arn:x has no value yet")
	require.Empty(t, p.received())
}

func TestStatusSaysWhyThereAreNoFreshKeys(t *testing.T) {
	t.Parallel()
	p := newProvider(t, reply(http.StatusBadRequest, `{"error_code":1,"error_message":"hash: Hash is not valid."}`))
	k := theKeys()
	k.freshErr = errors.New("Secrets Manager is down")
	got := p.client(t, k).Status(t.Context(), byNumber(t))
	require.Equal(t, charge.NotAsked, got.Knowledge)
	require.Contains(t, got.Reason, "hash: Hash is not valid.")
	require.Contains(t, got.Reason, "Secrets Manager is down")
	require.Len(t, p.received(), 1)
	require.Equal(t, 1, k.refreshes())
}

// A key that is refused for good is an alarm, one that fresh values mend is not.
func TestStatusRaisesTheAlarmOnce(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		answer http.HandlerFunc
		alarms int
	}{
		"refused twice":             {reply(http.StatusUnauthorized, ""), 1},
		"mended":                    {inTurn(reply(http.StatusUnauthorized, ""), reply(http.StatusOK, about("settled", theOrder))), 0},
		"cannot be reached":         {reply(http.StatusBadGateway, ""), 0},
		"not known to the provider": {reply(http.StatusNotFound, ""), 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			p := newProvider(t, tt.answer)
			c := newClient(t, p.URL, theKeys(), Options{Log: slog.New(slog.NewJSONHandler(&log, nil))})
			c.Status(t.Context(), byNumber(t))
			require.Equal(t, tt.alarms, bytes.Count(log.Bytes(), []byte("\n")))
			if tt.alarms == 0 {
				return
			}
			var line map[string]any
			require.NoError(t, json.Unmarshal(log.Bytes(), &line))
			require.Equal(t, "ERROR", line["level"])
			require.Equal(t, "key_refused", line["alarm"])
			require.Equal(t, theNumber, line["order_number"])
		})
	}
}

func TestStatusWithoutAConnection(t *testing.T) {
	t.Parallel()
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	got := newClient(t, closed.URL, theKeys(), Options{}).Status(t.Context(), byNumber(t))
	require.Equal(t, charge.NotAsked, got.Knowledge)
	require.NotEmpty(t, got.Reason)
}

// Nothing is asked once the caller's time is over.
func TestStatusEndsWithItsDeadline(t *testing.T) {
	t.Parallel()
	t.Run("within an answer", func(t *testing.T) {
		t.Parallel()
		ctx := newDeadline()
		p := newProvider(t, func(_ http.ResponseWriter, r *http.Request) {
			ctx.pass()
			<-r.Context().Done()
		})
		got := p.client(t, theKeys()).Status(ctx, byNumber(t))
		require.Equal(t, charge.NotAsked, got.Knowledge)
		require.Contains(t, got.Reason, "took too long")
		p.Close()
		require.Len(t, p.received(), 1)
	})
	t.Run("between two tries", func(t *testing.T) {
		t.Parallel()
		ctx := newDeadline()
		p := newProvider(t, reply(http.StatusServiceUnavailable, ""))
		c := newClient(t, p.URL, theKeys(), Options{Backoff: func() backoff.BackOff { return overInAPause{ctx} }})
		got := c.Status(ctx, byNumber(t))
		require.Equal(t, charge.NotAsked, got.Knowledge)
		require.Contains(t, got.Reason, "HTTP 503")
		p.Close()
		require.Len(t, p.received(), 1)
	})
	t.Run("before it was asked", func(t *testing.T) {
		t.Parallel()
		ctx := newDeadline()
		ctx.pass()
		p := newProvider(t, reply(http.StatusOK, about("settled", theOrder)))
		got := p.client(t, theKeys()).Status(ctx, byNumber(t))
		require.Equal(t, charge.NotAsked, got.Knowledge)
		require.NotEmpty(t, got.Reason)
		p.Close()
		require.Empty(t, p.received())
	})
}

// overInAPause makes an hour's pause, in which the deadline passes.
type overInAPause struct{ *deadline }

func (overInAPause) Reset() {}

func (b overInAPause) NextBackOff() time.Duration {
	b.pass()
	return time.Hour
}

// tripper answers in place of a network, where the clock is not a real one.
type tripper func(*http.Request) (*http.Response, error)

func (f tripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// One hung status request does not use up the time for all.
func TestAHungStatusRequestIsAskedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		c := newClient(t, "https://checkout.dineropay.com", theKeys(), Options{})
		asked := 0
		c.statuses.Transport = tripper(func(r *http.Request) (*http.Response, error) {
			if asked++; asked == 1 {
				<-r.Context().Done()
				return nil, r.Context().Err()
			}
			return response(http.StatusOK, about("settled", theOrder)), nil
		})
		require.Equal(t, charge.Known, c.Status(t.Context(), byNumber(t)).Knowledge)
		require.Equal(t, 2, asked)
		require.Equal(t, oneStatusTry, time.Since(start))
	})
}

func TestStatusPausesBetweenTries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var at []time.Time
		c := New(&url.URL{Scheme: "https", Host: "checkout.dineropay.com"}, theKeys(), Options{})
		c.statuses.Transport = tripper(func(*http.Request) (*http.Response, error) {
			at = append(at, time.Now())
			return response(http.StatusServiceUnavailable, ""), nil
		})
		require.Equal(t, charge.NotAsked, c.Status(t.Context(), byNumber(t)).Knowledge)
		require.Len(t, at, maxStatusTries)
		for i := 1; i < len(at); i++ {
			pause := at[i].Sub(at[i-1])
			require.Positive(t, pause)
			require.Less(t, pause, time.Second)
		}
	})
}

func response(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(body))}
}
