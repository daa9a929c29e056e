package dineropay_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/require"

	"dinarfunctions/sandbox/provider/dineropay"
	"dinarfunctions/sandbox/provider/internal/providertest"
)

// outcome is what a caller sees of a fault.
type outcome struct {
	lost   bool   // no whole answer
	hangs  bool   // no answer at all until the caller gives up
	status int    // HTTP status otherwise
	has    string // a part of the body
	check  func(*testing.T, reply)
}

// differs checks an answer that is right but for one thing.
func differs(check func(*testing.T, answer)) func(*testing.T, reply) {
	return func(t *testing.T, r reply) {
		t.Helper()
		check(t, r.decode(t))
	}
}

var outcomes = map[dineropay.Fault]outcome{
	dineropay.Timeout:       {hangs: true},
	dineropay.TimeoutBefore: {hangs: true},
	dineropay.CutBefore:     {lost: true},
	dineropay.CutAfter:      {lost: true},
	dineropay.HalfBody:      {lost: true},
	dineropay.NotJSON: {status: 200, has: `"status":"settled"`, check: func(t *testing.T, r reply) {
		t.Helper()
		require.Error(t, json.Unmarshal([]byte(r.Body), new(any)))
	}},
	dineropay.RepeatedName: {status: 200, has: `"status":"declined"`, check: func(t *testing.T, r reply) {
		t.Helper()
		require.Equal(t, 2, strings.Count(r.Body, `"status"`))
	}},
	dineropay.HTMLPage: {status: 200, has: "<html>"},
	dineropay.TooLong: {status: 200, has: `"settled"`, check: func(t *testing.T, r reply) {
		t.Helper()
		require.Greater(t, len(r.Body), 2<<20)
	}},
	dineropay.Slow: {status: 200, has: `"settled"`},
	dineropay.Redirect: {status: 307, check: func(t *testing.T, r reply) {
		t.Helper()
		require.Regexp(t, "^/api/v1/payment/(recurring|status)$", r.Header.Get("Location"))
	}},
	dineropay.OtherSpelling: {status: 200, has: `"status":"SETTLED"`, check: func(t *testing.T, r reply) {
		t.Helper()
		require.Contains(t, r.Body, `"amount":1.00`)
		require.Contains(t, r.Body, `"date":"2026-03-01"`)
	}},
	dineropay.UndocumentedStatus: {status: 200, check: differs(func(t *testing.T, a answer) {
		t.Helper()
		require.Equal(t, "on_hold", a.Status)
	})},
	dineropay.OtherOrder: {status: 200, check: differs(func(t *testing.T, a answer) {
		t.Helper()
		require.Equal(t, "another-order", a.Order.Number)
	})},
	dineropay.OtherAmount: {status: 200, check: differs(func(t *testing.T, a answer) {
		t.Helper()
		require.Equal(t, "987654.00", a.Order.Amount)
	})},
	dineropay.OtherCurrency: {status: 200, check: differs(func(t *testing.T, a answer) {
		t.Helper()
		require.Equal(t, "XTS", a.Order.Currency)
	})},
	dineropay.OtherPayment:  {status: 200, check: differs(func(*testing.T, answer) {})}, // see TestOtherPayment
	dineropay.NoOrderNumber: {status: 200, check: differs(func(t *testing.T, a answer) { t.Helper(); require.Empty(t, a.Order.Number) })},

	dineropay.ChargedOtherCurrency: {status: 200, check: differs(func(t *testing.T, a answer) {
		t.Helper()
		require.Equal(t, "XTS", a.Order.Currency)
	})},
	dineropay.OddFields: {status: 200, has: `"status":"settled"`, check: func(t *testing.T, r reply) {
		t.Helper()
		for _, odd := range []string{`"reason":false`, `"date":{"date":"2026-03-01 12:00:00"`, `"acquirer":"first","acquirer":"second"`} {
			require.Contains(t, r.Body, odd)
		}
		require.NoError(t, json.Unmarshal([]byte(r.Body), new(map[string]any), jsontext.AllowDuplicateNames(true)))
	}},
	dineropay.OddBytes: {status: 200, has: `"status":"settled"`, check: func(t *testing.T, r reply) {
		t.Helper()
		require.Regexp(t, `^\x{FEFF}\{`, r.Body)
		for _, odd := range []string{`"reason":{}`, "\xe9", `\ud83d"`} {
			require.Contains(t, r.Body, odd)
		}
		require.NoError(t, json.Unmarshal([]byte(strings.TrimPrefix(r.Body, "\ufeff")), new(map[string]any), jsontext.AllowInvalidUTF8(true)))
	}},
	dineropay.TokenInReason: {status: 200, check: differs(func(t *testing.T, a answer) {
		t.Helper()
		require.Equal(t, "Recurring token "+token+" was revoked", a.Reason)
		require.Empty(t, a.Token)
	})},
	dineropay.HugeToken: {status: 200, check: differs(func(t *testing.T, a answer) {
		t.Helper()
		require.Equal(t, "settled", a.Status)
		require.Len(t, a.Token, 1_000_000)
	})},

	dineropay.ErrorsAsMap:            {status: 400, has: `"errors":{"hash":["Hash is not valid."]}`},
	dineropay.ErrorsAsText:           {status: 400, has: `"errors":"order.amount: This value should be greater than 0."`},
	dineropay.ProcessingError:        {status: 400, has: `{"error_code":0,"error_message":"Request processing error.","errors":[]}`},
	dineropay.ProcessingErrorCharged: {status: 400, has: `{"error_code":0,"error_message":"Request processing error.","errors":[]}`},
	dineropay.AcquirerTimeoutCharged: {status: 400, has: `{"error_code":100001,"error_message":"Acquirer timeout."}`},
	dineropay.HTTP404Charged:         {status: 404, has: `"status":"settled"`},
	dineropay.HTTP405Charged:         {status: 405, has: `"status":"settled"`},

	dineropay.HashRefused:        {status: 400, has: `"hash: Hash is not valid."`},
	dineropay.MerchantKeyRefused: {status: 400, has: `"merchant_key: Merchant key is not valid."`},
	dineropay.NumberRefused:      {status: 400, has: `"order.number: This value is already used."`},
	dineropay.NotKnown:           {status: 400, has: `"payment_id: Transaction is not found."`},

	dineropay.HTTP401: {status: 401, has: `"error_message":"Unauthorized."`},
	dineropay.HTTP403: {status: 403, has: `"error_message":"Forbidden."`},
	dineropay.HTTP404: {status: 404, has: `"error_message":"Not Found."`},
	dineropay.HTTP429: {status: 429, has: `"error_message":"Too Many Requests."`, check: func(t *testing.T, r reply) {
		t.Helper()
		require.Equal(t, "1", r.Header.Get("Retry-After"))
		require.NotContains(t, r.Body, "payment_id")
	}},
	dineropay.HTTP429Charged: {status: 429, has: `"payment_id":"`},
	dineropay.HTTP500:        {status: 500, has: `"error_message":"Internal Server Error."`},
	dineropay.HTTP500Charged: {status: 500, has: `"error_message":"Internal Server Error."`},
	dineropay.HTTP502:        {status: 502, has: "<html>"},
	dineropay.HTTP502Charged: {status: 502, has: "<html>"},
	dineropay.HTTP503:        {status: 503, has: "<html>"},
	dineropay.HTTP503Charged: {status: 503, has: "<html>"},
}

func TestFaults(t *testing.T) {
	t.Parallel()
	require.Len(t, outcomes, len(dineropay.Faults()))
	for _, info := range dineropay.Faults() {
		want, ok := outcomes[info.Fault]
		require.True(t, ok, "%s has no test", info.Fault)
		require.NotEmpty(t, info.Description, info.Fault)
		require.NotEmpty(t, info.Requests, info.Fault)
		for _, kind := range info.Requests {
			t.Run(kind+"/"+string(info.Fault), func(t *testing.T) {
				t.Parallel()
				b := start(t, dineropay.Options{Sleep: func(context.Context, time.Duration) error { return nil }})
				switch kind {
				case "charge":
					require.NoError(t, b.Script(info.Fault))
					want.verify(t, b, dineropay.DefaultRecurringPath, aCharge("gold-1"))
					require.Equal(t, info.Charges, len(b.Transactions()) == 1, "what the list says about money is so")
					require.Equal(t, 1, b.Totals().Charges)
				case "status":
					b.charge(t, aCharge("gold-1")).decode(t)
					require.NoError(t, b.ScriptStatus(info.Fault))
					want.verify(t, b, dineropay.StatusPath, aStatus("order_id", "gold-1"))
					require.Equal(t, dineropay.Counts{Charges: 1, Charged: 1, Statuses: 1}, b.Counts("gold-1"))
				default:
					t.Fatalf("%q is no kind of request", kind)
				}
				for _, made := range b.Transactions() {
					require.Equal(t, "settled", made.Status, "what is kept is true, whatever was answered")
					require.Equal(t, "gold-1", made.Order.Number)
				}
				// The fault is spent.
				b.charge(t, aCharge("gold-2")).decode(t)
				require.Equal(t, "settled", b.status(t, aStatus("order_id", "gold-2")).decode(t).Status)
			})
		}
	}
}

func (o outcome) verify(t *testing.T, b bundle, path string, body object) {
	t.Helper()
	if o.hangs {
		b.abandon(t, path, body)
		return
	}
	got, err := b.send(t, http.MethodPost, path, body)
	if o.lost {
		require.True(t, providertest.IsCut(err), "%v", err)
		return
	}
	require.NoError(t, err)
	require.Equal(t, o.status, got.Status, got.Body)
	require.Contains(t, got.Body, o.has)
	require.NotContains(t, got.Body, password)
	require.NotContains(t, got.Body, key)
	require.NotContains(t, got.Body, body["hash"])
	if o.check != nil {
		o.check(t, got)
	}
}

func TestHalfBodyIsTheFirstHalf(t *testing.T) {
	t.Parallel()
	b := start(t, dineropay.Options{})
	require.NoError(t, b.Script(dineropay.HalfBody))
	got, err := b.send(t, http.MethodPost, dineropay.DefaultRecurringPath, aCharge("gold-1"))
	require.True(t, providertest.IsCut(err), "%v", err)
	require.Equal(t, http.StatusOK, got.Status)
	require.Contains(t, got.Body, `{"status":"settled"`)
}

func TestOtherPayment(t *testing.T) {
	t.Parallel()
	b := start(t, dineropay.Options{})
	paid := b.charge(t, aCharge("gold-1")).decode(t)
	require.NoError(t, b.ScriptStatus(dineropay.OtherPayment))
	got := b.status(t, aStatus("order_id", "gold-1")).decode(t)
	require.Regexp(t, uuid, got.PaymentID)
	require.NotEqual(t, paid.PaymentID, got.PaymentID)
}

// What was charged in another currency stays so: the status request says it too, and
// so does the next payment of a cascade.
func TestAnotherCurrencyIsKept(t *testing.T) {
	t.Parallel()
	b := start(t, dineropay.Options{})
	require.NoError(t, b.Script(dineropay.ChargedOtherCurrency))
	b.charge(t, aCharge("gold-1").with("recurring_token", "declined").signed()).decode(t)
	for range 2 {
		require.Equal(t, "XTS", b.status(t, aStatus("order_id", "gold-1")).decode(t).Order.Currency)
	}
	next, err := b.NextPayment("gold-1", "settled", "")
	require.NoError(t, err)
	require.Equal(t, "XTS", b.status(t, aStatus("payment_id", next.PaymentID)).decode(t).Order.Currency)
}

// Who follows the redirect of a charge charges, and it shows.
func TestFollowedRedirectCharges(t *testing.T) {
	t.Parallel()
	b := start(t, dineropay.Options{})
	require.NoError(t, b.Script(dineropay.Redirect))
	b.Client.CheckRedirect = nil
	b.charge(t, aCharge("gold-1")).decode(t)
	require.Equal(t, dineropay.Counts{Charges: 2, Charged: 1}, b.Counts("gold-1"))
}

func TestOtherSpellingOfADecline(t *testing.T) {
	t.Parallel()
	b := start(t, dineropay.Options{})
	require.NoError(t, b.Script(dineropay.OtherSpelling))
	require.Contains(t, b.charge(t, aCharge("gold-1").with("recurring_token", "declined").signed()).Body, `"status":"DECLINE"`)
}

func TestSlowWaitsForItsTime(t *testing.T) {
	t.Parallel()
	var waited time.Duration
	b := start(t, dineropay.Options{
		SlowFor: 7 * time.Second,
		Sleep:   func(_ context.Context, d time.Duration) error { waited = d; return nil },
	})
	require.NoError(t, b.Script(dineropay.Slow))
	require.Equal(t, "settled", b.charge(t, aCharge("gold-1")).decode(t).Status)
	require.Equal(t, 7*time.Second, waited)
}

// A caller who leaves a slow answer does not keep the server waiting for it.
func TestSlowEndsWithItsCaller(t *testing.T) {
	t.Parallel()
	b := start(t, dineropay.Options{SlowFor: time.Hour})
	require.NoError(t, b.Script(dineropay.Slow))
	b.abandon(t, dineropay.DefaultRecurringPath, aCharge("gold-1"))
	require.Equal(t, dineropay.Counts{Charges: 1, Charged: 1}, b.Counts("gold-1"))
}

func TestScriptIsPlayedInOrder(t *testing.T) {
	t.Parallel()
	b := start(t, dineropay.Options{})
	require.NoError(t, b.Script(dineropay.HTTP500, dineropay.HTTP429))
	require.NoError(t, b.Script(dineropay.HTTP403))
	require.NoError(t, b.ScriptStatus(dineropay.HTTP404))
	var got []int
	for range 4 {
		got = append(got, b.charge(t, aCharge("gold-1")).Status)
	}
	require.Equal(t, []int{500, 429, 403, 200}, got)
	require.Equal(t, 404, b.status(t, aStatus("order_id", "gold-1")).Status)
	require.Equal(t, 200, b.status(t, aStatus("order_id", "gold-1")).Status)
}

// A declined card stays declined behind a fault: "charged" is what the card says.
func TestCardCountsBehindAFault(t *testing.T) {
	t.Parallel()
	b := start(t, dineropay.Options{})
	require.NoError(t, b.Script(dineropay.HTTP502Charged))
	b.charge(t, aCharge("gold-1").with("recurring_token", "declined-stolen").signed())
	require.Equal(t, dineropay.Counts{Charges: 1}, b.Counts("gold-1"))
	require.Equal(t, "declined", b.status(t, aStatus("order_id", "gold-1")).decode(t).Status)
}

// A fault that alters the answer about a transaction has nothing to alter where
// there is none.
func TestStatusFaultsWithoutTransaction(t *testing.T) {
	t.Parallel()
	for _, info := range dineropay.Faults() {
		want := outcomes[info.Fault]
		if !slices.Contains(info.Requests, "status") || want.hangs || want.lost && info.Fault != dineropay.HalfBody {
			continue
		}
		b := start(t, dineropay.Options{Sleep: func(context.Context, time.Duration) error { return nil }})
		require.NoError(t, b.ScriptStatus(info.Fault))
		got := b.status(t, aStatus("order_id", "gold-1"))
		require.NotContains(t, got.Body, `"settled"`, info.Fault)
		if got.Status == http.StatusOK {
			require.Equal(t, dineropay.HTMLPage, info.Fault)
		}
	}
}

func TestScriptRefusesWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	b := start(t, dineropay.Options{})
	require.ErrorContains(t, b.Script(dineropay.HTTP500, "http_418"), `"http_418"`)
	require.ErrorContains(t, b.Script(dineropay.NotKnown), "charge request")
	require.ErrorContains(t, b.ScriptStatus(dineropay.NumberRefused), "status request")
	b.charge(t, aCharge("gold-1")).decode(t)
}
