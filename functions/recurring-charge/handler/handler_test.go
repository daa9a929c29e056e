package handler_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	simulator "dinarfunctions/sandbox/provider/dineropay"
	"dinarfunctions/test/deadport"
)

func TestTheSamplesAreAnsweredAsTheyStand(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	status, charged := h.invoke(t, sample(t, "recurring-charge-http.json"))
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "settled", charged["state"])
	status, read := h.invoke(t, sample(t, "recurring-charge-http-get.json"))
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, charged, read)
}

func TestTheShapeOfACharge(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	_, c := h.post(t, body("order-1", map[string]string{"order.amount": "1", "schedule_id": "57fddecf-17b9-4d38-9320-a670f0c29ec0"}))
	transaction := h.provider.Transactions()[0]
	require.Equal(t, map[string]any{
		"order":           map[string]any{"number": "order-1", "amount": "1.00", "currency": "SAR", "description": "gift"},
		"state":           "settled",
		"payment_id":      transaction.PaymentID,
		"reason":          nil,
		"decline_class":   nil,
		"provider_status": "settled",
		"provider_date":   "2026-11-21 12:00:00",
		"schedule_id":     "57fddecf-17b9-4d38-9320-a670f0c29ec0",
		"token":           "7002",
		"subscription":    nil,
		"created_at":      "2026-11-21T12:00:00.000Z",
		"updated_at":      "2026-11-21T12:00:00.000Z",
		"history": []any{
			map[string]any{"state": "sending", "at": "2026-11-21T12:00:00.000Z", "evidence": nil, "reason": nil, "payment_id": nil},
			map[string]any{"state": "settled", "at": "2026-11-21T12:00:00.000Z", "evidence": "answer", "reason": nil, "payment_id": transaction.PaymentID},
		},
	}, c)
}

func TestARepeatIsAnsweredWithTheSameCharge(t *testing.T) {
	t.Parallel()
	for token, want := range map[string]struct {
		state  string
		status int
		class  any
	}{
		"MARKED-tok-0242c0a87002":      {"settled", http.StatusOK, nil},
		"MARKED-tok-declined-stolen":   {"declined", http.StatusPaymentRequired, "hard"},
		"MARKED-tok-declined-limit":    {"declined", http.StatusPaymentRequired, "soft"},
		"MARKED-tok-declined-whatever": {"declined", http.StatusPaymentRequired, "unclassified"},
		"MARKED-tok-pending-1":         {"pending", http.StatusAccepted, nil},
		"MARKED-tok-pending-3ds":       {"pending", http.StatusAccepted, nil},
	} {
		t.Run(token, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			request := body("order-1", map[string]string{"recurring_token": token})
			status, first := h.post(t, request)
			require.Equal(t, want.status, status)
			require.Equal(t, want.state, first["state"])
			require.Equal(t, want.class, first["decline_class"])
			for range 3 {
				status, again := h.post(t, request)
				require.Equal(t, want.status, status)
				require.Equal(t, first, again)
			}
			// The same charge in other words: fewer decimals, other order of fields.
			status, again := h.post(t, strings.Replace(request, `"1.00"`, `"1.0"`, 1))
			require.Equal(t, want.status, status)
			require.Equal(t, first, again)
			require.Equal(t, 1, h.provider.Counts("order-1").Charges)
		})
	}
}

// Every fault that the simulated provider knows, through the real client and
// ledger: what the charge becomes, what the caller is told, and how often the
// provider was asked. Then the same is asked for once more.
func TestEveryFault(t *testing.T) {
	t.Parallel()
	const (
		ok, accepted, refused, notNow = http.StatusOK, http.StatusAccepted, http.StatusUnprocessableEntity, http.StatusServiceUnavailable
	)
	type outcome struct {
		state       string
		status      int
		asked       int // charge requests for the first POST
		askedAgain  int // after a second POST
		chargedOnce bool
	}
	table := map[simulator.Fault]outcome{
		simulator.Timeout:            {"unknown", accepted, 1, 1, true},
		simulator.TimeoutBefore:      {"unknown", accepted, 1, 1, false},
		simulator.CutBefore:          {"unknown", accepted, 1, 1, false},
		simulator.CutAfter:           {"unknown", accepted, 1, 1, true},
		simulator.HalfBody:           {"unknown", accepted, 1, 1, true},
		simulator.NotJSON:            {"unknown", accepted, 1, 1, true},
		simulator.HTMLPage:           {"unknown", accepted, 1, 1, false},
		simulator.TooLong:            {"unknown", accepted, 1, 1, true},
		simulator.Slow:               {"settled", ok, 1, 1, true},
		simulator.Redirect:           {"unknown", accepted, 1, 1, false},
		simulator.OtherSpelling:      {"settled", ok, 1, 1, true},
		simulator.UndocumentedStatus: {"unknown", accepted, 1, 1, true},
		simulator.OtherOrder:         {"unknown", accepted, 1, 1, true},
		simulator.OtherAmount:        {"unknown", accepted, 1, 1, true},
		simulator.OtherCurrency:      {"unknown", accepted, 1, 1, true},
		simulator.NoOrderNumber:      {"unknown", accepted, 1, 1, true},
		simulator.RepeatedName:       {"unknown", accepted, 1, 1, true},
		// Contract, Charges: a field nobody needs does not make an answer unreadable.
		simulator.OddFields:     {"settled", ok, 1, 1, true},
		simulator.OddBytes:      {"settled", ok, 1, 1, true},
		simulator.TokenInReason: {"settled", ok, 1, 1, true},
		// Another currency is unknown, and what the status request says of it counts later.
		simulator.ChargedOtherCurrency: {"unknown", accepted, 1, 1, true},
		// Contract, Charges: any other 400, and a 404 or 405 that names a payment, is
		// followed by one status request by order number, and what that knows counts.
		simulator.ProcessingError:        {"unknown", accepted, 1, 1, false},
		simulator.ProcessingErrorCharged: {"settled", ok, 1, 1, true},
		simulator.AcquirerTimeoutCharged: {"settled", ok, 1, 1, true},
		simulator.HTTP404Charged:         {"settled", ok, 1, 1, true},
		simulator.HTTP405Charged:         {"settled", ok, 1, 1, true},
		simulator.ErrorsAsMap:            {"settled", ok, 2, 2, true},
		simulator.ErrorsAsText:           {"rejected", refused, 1, 2, true},
		// Signed once more with fresh values, and then it goes through.
		simulator.HashRefused:        {"settled", ok, 2, 2, true},
		simulator.MerchantKeyRefused: {"settled", ok, 2, 2, true},
		// The status request knows nothing of it, so it was refused; then it goes through.
		simulator.NumberRefused:  {"rejected", refused, 1, 2, true},
		simulator.HTTP401:        {"unsent", notNow, 1, 2, true},
		simulator.HTTP403:        {"unsent", notNow, 1, 2, true},
		simulator.HTTP404:        {"rejected", refused, 1, 2, true},
		simulator.HTTP429:        {"unsent", notNow, 1, 2, true},
		simulator.HTTP429Charged: {"unknown", accepted, 1, 1, true},
		simulator.HTTP500:        {"unknown", accepted, 1, 1, false},
		simulator.HTTP500Charged: {"unknown", accepted, 1, 1, true},
		simulator.HTTP502:        {"unknown", accepted, 1, 1, false},
		simulator.HTTP502Charged: {"unknown", accepted, 1, 1, true},
		simulator.HTTP503:        {"unknown", accepted, 1, 1, false},
		simulator.HTTP503Charged: {"unknown", accepted, 1, 1, true},
	}
	for _, fault := range simulator.Faults() {
		if !slices.Contains(fault.Requests, "charge") {
			continue
		}
		t.Run(string(fault.Fault), func(t *testing.T) {
			t.Parallel()
			want, known := table[fault.Fault]
			require.True(t, known, "the simulator has a fault that this table lacks")
			h := newHouse(t)
			require.NoError(t, h.provider.Script(fault.Fault))
			if strings.HasPrefix(string(fault.Fault), "timeout") {
				h.timeout = shortest
			}
			status, c := h.post(t, body("order-1", nil))
			require.Equal(t, want.state, c["state"], c["reason"])
			require.Equal(t, want.status, status)
			require.Equal(t, want.asked, h.provider.Counts("order-1").Charges)
			require.Equal(t, want.status == notNow, h.lastHeader["Retry-After"] != "")
			if want.state != "settled" {
				require.NotEmpty(t, c["reason"], "the reason says why")
			}

			h.timeout = longest
			_, again := h.post(t, body("order-1", nil))
			require.Equal(t, want.askedAgain, h.provider.Counts("order-1").Charges)
			if want.asked == want.askedAgain {
				require.Equal(t, c, again, "nothing is sent again, and the charge stands as it is")
			}
			charged := h.provider.Counts("order-1").Charged
			require.LessOrEqual(t, charged, 1, "the customer is charged at most once")
			require.Equal(t, want.chargedOnce, charged == 1)
		})
	}
}

func TestAProviderThatCannotBeReached(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.server.Close()
	deadport.Keep(t, h.server.Listener.Addr().String())
	status, c := h.post(t, body("order-1", nil))
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Equal(t, "unsent", c["state"])
	require.NotEmpty(t, h.lastHeader["Retry-After"])
}

func TestARefusedOrderNumberIsAskedAbout(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	// The provider charged it, and our ledger knows nothing of it: restored, perhaps.
	other := h.withEmptyLedger(t)
	_, c := other.post(t, body("order-1", nil))
	require.Equal(t, "settled", c["state"])
	require.NoError(t, h.provider.Script(simulator.NumberRefused))
	status, c := h.post(t, body("order-1", nil))
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "settled", c["state"])
	require.Equal(t, 1, h.provider.Counts("order-1").Charged)
	require.Equal(t, 1, h.provider.Counts("order-1").Statuses)

	// And where it cannot be asked, nobody knows.
	require.NoError(t, h.provider.Script(simulator.NumberRefused))
	require.NoError(t, h.provider.ScriptStatus(simulator.HTTP500, simulator.HTTP500, simulator.HTTP500))
	status, c = h.post(t, body("order-2", nil))
	require.Equal(t, http.StatusAccepted, status)
	require.Equal(t, "unknown", c["state"])
}

func TestARotatedKey(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	_, c := h.post(t, body("order-1", nil))
	require.Equal(t, "settled", c["state"])
	h.rotate(t, "MARKED-merchant-key-2", "MARKED-Password-2")
	status, c := h.post(t, body("order-2", nil))
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "settled", c["state"])
	require.Equal(t, 2, h.provider.Counts("order-2").Charges, "once with the old values, once with the new ones")
	require.Equal(t, 1, h.provider.Counts("order-2").Charged)
}

func TestAHundredRequestsOneCharge(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	var wg sync.WaitGroup
	answers := make([]string, 100)
	for i := range answers {
		wg.Go(func() {
			status, c := h.post(t, body("order-1", nil))
			answers[i] = fmt.Sprint(status, " ", c["state"])
		})
	}
	wg.Wait()
	for _, answer := range answers {
		require.Contains(t, []string{"200 settled", "202 sending"}, answer)
	}
	require.Contains(t, answers, "200 settled")
	require.Equal(t, 1, h.provider.Counts("order-1").Charges)
}

func TestProblems(t *testing.T) {
	t.Parallel()
	valid := body("order-1", nil)
	for _, tt := range []struct {
		name, method, path, body string
		status                   int
		field                    string
	}{
		{"no such charge", "GET", "/charges/order-9", "", 404, ""},
		{"no such number can be", "GET", "/charges/a%20b", "", 404, ""},
		{"no such path", "GET", "/charges/order-1/more", "", 404, ""},
		{"slash at the end", "POST", "/charges/", valid, 404, ""},
		{"no such method", "PATCH", "/charges", valid, 405, ""},
		{"no such method on a charge", "DELETE", "/charges/order-1", "", 405, ""},
		{"not JSON", "POST", "/charges", "order=1", 400, ""},
		{"text after", "POST", "/charges", valid + "x", 400, ""},
		{"unknown field", "POST", "/charges", body("order-1", map[string]string{"order.colour": "red"}), 400, "order.colour"},
		{"repeated field", "POST", "/charges", strings.Replace(valid, `{`, `{"recurring_token": "twice", `, 1), 400, "recurring_token"},
		{"a number for a text", "POST", "/charges", strings.Replace(valid, `"1.00"`, `1.00`, 1), 422, "order.amount"},
		{"too large", "POST", "/charges", body("order-1", map[string]string{"order.description": strings.Repeat("x", 65<<10)}), 413, ""},
		{"too many decimals", "POST", "/charges", body("order-1", map[string]string{"order.amount": "1.000"}), 422, "order.amount"},
		{"zero", "POST", "/charges", body("order-1", map[string]string{"order.amount": "0.00"}), 422, "order.amount"},
		{"no currency", "POST", "/charges", body("order-1", map[string]string{"order.currency": ""}), 422, "order.currency"},
		{"lower-case currency", "POST", "/charges", body("order-1", map[string]string{"order.currency": "sar"}), 422, "order.currency"},
		{"number with blanks", "POST", "/charges", body("order 1", nil), 422, "order.number"},
		{"ambiguous upper case", "POST", "/charges", body("order-1", map[string]string{"order.description": "café"}), 422, "order.description"},
		{"no token", "POST", "/charges", body("order-1", map[string]string{"recurring_token": ""}), 422, "recurring_token"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			status, problem := h.request(t, tt.method, tt.path, tt.body)
			require.Equal(t, tt.status, status, "%v", problem)
			require.Equal(t, "application/problem+json", h.lastHeader["Content-Type"])
			require.EqualValues(t, tt.status, problem["status"])
			require.NotEmpty(t, problem["title"])
			require.NotEmpty(t, problem["detail"])
			if tt.field != "" {
				require.Equal(t, tt.field, problem["errors"].([]any)[0].(map[string]any)["field"])
			}
			require.Zero(t, h.provider.Totals().Charges)
		})
	}
}

func TestEveryFaultyFieldIsNamedAtOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	status, problem := h.post(t, `{}`)
	require.Equal(t, 422, status)
	var fields []string
	for _, e := range problem["errors"].([]any) {
		fields = append(fields, e.(map[string]any)["field"].(string))
	}
	require.Equal(t, []string{"recurring_init_trans_id", "recurring_token", "order.number", "order.description", "order.currency", "order.amount"}, fields)
}

func TestTheSameNumberForSomethingElse(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	_, _ = h.post(t, body("order-1", nil))
	for field, value := range map[string]string{
		"order.amount": "2.00", "order.currency": "USD", "order.description": "another gift",
		"recurring_token": "MARKED-another-token", "recurring_init_trans_id": "57fddecf-17b9-4d38-9320-a670f0c29ec0",
		"schedule_id": "57fddecf-17b9-4d38-9320-a670f0c29ec0",
	} {
		status, problem := h.post(t, body("order-1", map[string]string{field: value}))
		require.Equal(t, http.StatusConflict, status, field)
		require.Contains(t, problem["detail"], "order-1")
	}
	require.Equal(t, 1, h.provider.Counts("order-1").Charges)
}
