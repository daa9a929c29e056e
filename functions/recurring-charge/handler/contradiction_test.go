package handler_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	simulator "dinarfunctions/sandbox/provider/dineropay"
)

func (h *house) resolve(t *testing.T, number, outcome string) {
	t.Helper()
	status, answer := h.request(t, http.MethodPut, "/charges/"+number+"/resolution", `{"outcome": "`+outcome+`", "note": "bank statement"}`)
	require.Equal(t, http.StatusOK, status, "%v", answer)
}

func (h *house) providerSays(t *testing.T, number, word string) {
	t.Helper()
	for _, transaction := range h.provider.Transactions() {
		if transaction.Order.Number == number {
			require.NoError(t, h.provider.SetStatus(transaction.PaymentID, word, ""))
		}
	}
}

// A gateway in front of the provider turned the request away after the provider
// had charged. A moment later the provider is asked all the same.
func TestADeniedChargeThatTheProviderHasIsNotSentAgain(t *testing.T) {
	t.Parallel()
	for _, fault := range []simulator.Fault{simulator.HTTP429, simulator.HTTP403, simulator.HTTP404} {
		t.Run(string(fault), func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			_, _ = h.withEmptyLedger(t).post(t, body("order-1", nil)) // the charge that the provider has
			require.NoError(t, h.provider.Script(fault))
			_, c := h.post(t, body("order-1", nil))
			require.Contains(t, []any{"unsent", "rejected"}, c["state"])
			h.advance(time.Minute)
			h.schedule(t)
			c = h.get(t, "order-1")
			require.Equal(t, "settled", c["state"])
			require.Contains(t, h.log.String(), `"alarm":"contradiction"`)
			status, again := h.post(t, body("order-1", nil))
			require.Equal(t, http.StatusOK, status)
			require.Equal(t, c, again)
			require.Equal(t, 1, h.provider.Counts("order-1").Charged)
		})
	}
}

// And where the provider has none, it may be sent again, and is not asked about
// for ever.
func TestADeniedChargeIsAskedAboutOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	require.NoError(t, h.provider.Script(simulator.HTTP429))
	_, c := h.post(t, body("order-1", nil))
	require.Equal(t, "unsent", c["state"])
	for range 10 {
		h.advance(time.Hour)
		h.schedule(t)
	}
	require.Equal(t, 1, h.provider.Counts("order-1").Statuses)
	status, _ := h.post(t, body("order-1", nil))
	require.Equal(t, http.StatusOK, status)
}

func TestARefusedNumberIsNotSettledByAnotherChargesPayment(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	_, other := h.post(t, body("order-0", nil))
	_, _ = h.withEmptyLedger(t).post(t, body("order-1", nil))
	paymentID, ok := other["payment_id"].(string)
	require.True(t, ok)
	require.NoError(t, h.provider.SetPaymentID("order-1", paymentID))
	require.NoError(t, h.provider.Script(simulator.NumberRefused))
	_, c := h.post(t, body("order-1", nil))
	require.Equal(t, "unknown", c["state"])
}

// After a restore a number is asked for with another amount than was charged.
func TestAskFirstNotesAnotherAmount(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	_, _ = h.withEmptyLedger(t).post(t, body("order-1", map[string]string{"order.amount": "5.00"}))
	status, _ := h.request(t, http.MethodPut, "/charging", `{"mode": "ask_first", "note": "restored"}`)
	require.Equal(t, http.StatusOK, status)
	_, c := h.post(t, body("order-1", nil))
	require.Equal(t, "settled", c["state"])
	require.Contains(t, c["reason"], `"5.00" instead of 1.00`)
}

// A page of some server in front of the provider is not the provider's "no such
// transaction".
func TestAskFirstDoesNotTakeAPageForAnAnswer(t *testing.T) {
	t.Parallel()
	for _, fault := range []simulator.Fault{simulator.HTMLPage, simulator.HTTP503, simulator.HashRefused, simulator.CutBefore, simulator.NotJSON} {
		t.Run(string(fault), func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			_, _ = h.withEmptyLedger(t).post(t, body("order-1", nil))
			_, _ = h.request(t, http.MethodPut, "/charging", `{"mode": "ask_first", "note": "restored"}`)
			require.NoError(t, h.provider.ScriptStatus(fault, fault, fault))
			status, problem := h.post(t, body("order-1", nil))
			require.Equal(t, http.StatusServiceUnavailable, status, "%v", problem)
			require.Equal(t, 1, h.provider.Counts("order-1").Charges)
		})
	}
}

// What the provider has confirmed is no longer only a person's word.
func TestTheProviderConfirmsAnOperatorsWord(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.lost(t, "order-1", simulator.CutAfter)
	h.resolve(t, "order-1", "settled")
	h.advance(24 * time.Hour)
	h.schedule(t)
	c := h.get(t, "order-1")
	require.Equal(t, "settled", c["state"])
	require.Equal(t, "status", lastOf(t, c)["evidence"])
	require.NotContains(t, h.log.String(), `operator_overridden`, "they agree")

	// From here on a word against it is a dispute.
	h.providerSays(t, "order-1", "declined")
	require.NoError(t, h.ledger.Hint(t.Context(), "order-1", ""))
	c = h.get(t, "order-1")
	require.Equal(t, "settled", c["state"])
	require.Contains(t, h.log.String(), `"alarm":"disputed"`)
}

func TestNotChargedIsOverriddenByPending(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.lost(t, "order-1", simulator.CutAfter)
	h.resolve(t, "order-1", "not_charged")
	h.providerSays(t, "order-1", "pending")
	h.advance(24 * time.Hour)
	h.schedule(t)
	require.Equal(t, "pending", h.get(t, "order-1")["state"])
	require.Contains(t, h.log.String(), `"alarm":"operator_overridden"`)
}

// A hint is not forgotten because the provider is down when its turn comes.
func TestAHintOutlivesAnOutage(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	_, _ = h.post(t, body("order-1", nil))
	h.providerSays(t, "order-1", "chargeback")
	down := strings.Fields(strings.Repeat("http_503 ", 12))
	faults := make([]simulator.Fault, len(down))
	for i, name := range down {
		faults[i] = simulator.Fault(name)
	}
	require.NoError(t, h.provider.ScriptStatus(faults...))
	require.NoError(t, h.ledger.Hint(t.Context(), "order-1", ""))
	for range 3 { // each asks three times
		h.advance(10 * time.Minute)
		h.schedule(t)
		require.Equal(t, "settled", h.get(t, "order-1")["state"])
	}
	h.advance(10 * time.Minute)
	h.schedule(t)
	require.Equal(t, "reversed", h.get(t, "order-1")["state"])
	asked := h.provider.Counts("order-1").Statuses
	for range 3 {
		h.advance(24 * time.Hour)
		h.schedule(t)
	}
	require.Equal(t, asked+1, h.provider.Counts("order-1").Statuses, "a reversal is confirmed, and then it is not asked about any more")
}
