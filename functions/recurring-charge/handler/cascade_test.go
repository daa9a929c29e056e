package handler_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	simulator "dinarfunctions/sandbox/provider/dineropay"
)

// The platform may try one order at several acquirers: the payment that our own answer
// names declines, and a later one of the same order is settled. Field cases C1 to C3.
func cascades() map[string]struct {
	steps []simulator.Step
	fault simulator.Fault // of the charge's own answer; empty for none
} {
	const declined, pending, settled = "declined", "pending", "settled"
	type cascade = struct {
		steps []simulator.Step
		fault simulator.Fault
	}
	elsewhere := []simulator.Step{
		{Status: pending},
		{Status: declined, Reason: "Do not honour", After: 20 * time.Second},
		{Next: true, Status: pending, After: 10 * time.Second},
		{Status: settled, After: 3 * time.Minute},
	}
	return map[string]cascade{
		"pending, and settled elsewhere": {elsewhere, ""},
		"the answer is lost":             {elsewhere, simulator.CutAfter},
		"declined, and settled elsewhere": {[]simulator.Step{
			{Status: declined, Reason: "Do not honour"},
			{Next: true, Status: pending, After: 10 * time.Second},
			{Status: settled, After: 3 * time.Minute},
		}, ""},
		"declined, and settled hours later": {[]simulator.Step{
			{Status: declined, Reason: "Do not honour"},
			{Next: true, Status: settled, After: 20 * time.Hour},
		}, ""},
		"declined, and a second payment that takes a day": {[]simulator.Step{
			{Status: declined, Reason: "Do not honour"},
			{Next: true, Status: "3ds", After: 10 * time.Minute},
			{Status: settled, After: 30 * time.Hour},
		}, ""},
	}
}

// Contract, "One order, several payments", through the real handlers, client and
// simulator: the provider's books have one paid payment per order and per cycle, and the
// ledger says what the books say.
func TestACascadeIsPaidOnce(t *testing.T) {
	t.Parallel()
	for name, tt := range cascades() {
		for _, context := range []bool{false, true} {
			for _, calledBack := range []bool{false, true} {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					h := newHouse(t)
					h.provider.Set(simulator.Settings{CascadingContext: context})
					cascade := func(number string) {
						require.NoError(t, h.provider.Cascade(number, tt.steps...))
						if tt.fault != "" {
							require.NoError(t, h.provider.Script(tt.fault))
						}
					}
					// minute is what happens in a minute: the schedule, the queue, and callbacks
					// about the newest payments.
					newest := map[string]string{}
					minutes := func(n int) {
						for range n {
							h.advance(time.Minute)
							h.work(t)
							for _, number := range []string{"order-1", "gold-42-0001"} {
								if id := h.paymentOf(t, number); calledBack && id != newest[number] {
									newest[number] = id
									require.NoError(t, h.ledger.Hint(t.Context(), number, id))
								}
							}
						}
					}
					cascade("order-1")
					_, _ = h.post(t, body("order-1", nil))
					h.put(t, "gold-42", map[string]any{"starts_on": "2026-11-22", "retry_after_days": []int{1, 3, 5, 7}})
					h.at(first)
					cascade("gold-42-0001")
					h.work(t)
					minutes(60)
					for range 40 * 24 {
						h.advance(59 * time.Minute)
						minutes(1)
					}

					paid := map[string]int{}
					for _, transaction := range h.provider.Transactions() {
						if transaction.Charged {
							paid[transaction.Order.Number]++
						}
					}
					require.Equal(t, map[string]int{"order-1": 1, "gold-42-0001": 1, "gold-42-0002": 1}, paid)
					for number := range paid {
						_, c := h.request(t, http.MethodGet, "/charges/"+number, "")
						require.Equal(t, "settled", c["state"], number)
						require.Equal(t, h.paymentOf(t, number), c["payment_id"], number)
					}
					status, _ := h.post(t, body("order-1", nil))
					require.Equal(t, http.StatusOK, status)
					require.Equal(t, 1, h.charged("order-1"))
					requireFields(t, map[string]any{"state": "active", "cycle": 3}, h.sub(t, "gold-42"))
				})
			}
		}
	}
}

// Contract, "How a charge's own answer is read": a 400 that is no clear refusal, and a 404
// or 405 that names a payment, are followed by one status request, and what that knows
// counts. Field cases C4 to C6.
func TestAnAnswerThatIsNoClearRefusalChargesOnce(t *testing.T) {
	t.Parallel()
	for fault, charged := range map[simulator.Fault]bool{
		simulator.ProcessingErrorCharged: true, simulator.AcquirerTimeoutCharged: true,
		simulator.HTTP404Charged: true, simulator.HTTP405Charged: true, simulator.ProcessingError: false,
	} {
		for _, down := range []bool{false, true} {
			t.Run(string(fault), func(t *testing.T) {
				t.Parallel()
				h := newHouse(t)
				require.NoError(t, h.provider.Script(fault))
				if down {
					require.NoError(t, h.provider.ScriptStatus(simulator.HTTP500, simulator.HTTP500, simulator.HTTP500))
				}
				status, c := h.post(t, body("order-1", nil))
				known := charged && !down
				want := map[bool]string{true: "settled", false: "unknown"}[known]
				require.Equal(t, want, c["state"])
				require.Equal(t, map[bool]int{true: http.StatusOK, false: http.StatusAccepted}[known], status)
				_, c = h.post(t, body("order-1", nil))
				require.Equal(t, want, c["state"], "it is not sent again")
				require.Equal(t, 1, h.charged("order-1"))
				h.advance(3 * time.Hour)
				h.schedule(t)
				require.Equal(t, map[bool]string{true: "settled", false: "unknown"}[charged], h.get(t, "order-1")["state"])
			})
		}
	}
}

// Field case C7: what decides nothing may be odd.
func TestOddFieldsSettleAllTheSame(t *testing.T) {
	t.Parallel()
	for _, fault := range []simulator.Fault{simulator.OddFields, simulator.OddBytes} {
		h := newHouse(t)
		require.NoError(t, h.provider.Script(fault))
		_, c := h.post(t, body("order-1", nil))
		require.Equal(t, "settled", c["state"], fault)

		h = newHouse(t)
		require.NoError(t, h.provider.Script(simulator.CutAfter))
		require.NoError(t, h.provider.ScriptStatus(fault))
		_, _ = h.post(t, body("order-1", nil))
		require.Equal(t, "settled", h.get(t, "order-1")["state"], fault)
	}
}

// Field case C9: a 401 has the secret read anew, so the next charge is signed with it.
func TestARotationCostsOneCharge(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.provider.Set(simulator.Settings{KeyRefusedWith401: true})
	h.rotate(t, "MARKED-new-key", "MARKED-New-Password")
	status, c := h.post(t, body("order-1", nil))
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Equal(t, "unsent", c["state"])
	for range 4 {
		status, c = h.post(t, body("order-1", nil))
		require.Equal(t, http.StatusOK, status, c)
		require.Equal(t, "settled", c["state"])
	}
}

// Field case C10: a later reason that repeats the token, without the token beside it.
func TestALaterReasonThatRepeatsTheToken(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	token := "MARKED-tok-pending-4f1c09d2a7e3"
	_, c := h.post(t, body("order-1", map[string]string{"recurring_token": token}))
	require.Equal(t, "pending", c["state"])
	require.NoError(t, h.provider.SetStatus(h.paymentOf(t, "order-1"), "declined", "Recurring token "+token+" was revoked by the card holder"))
	require.NoError(t, h.provider.ScriptStatus(simulator.TokenInReason))
	c = h.get(t, "order-1") // every answer and log of this package is searched for what is marked
	require.Equal(t, "declined", c["state"])
	require.Contains(t, c["reason"], "[hidden]")
}

// Field cases C13 and C14, and what they do to a subscription: S7 without a callback is
// in due_test.go.
func TestRefundThenChargebackThenTheDisputeIsWon(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.put(t, "gold-42", nil)
	h.at(first)
	h.work(t)
	for _, step := range []struct{ word, state, subscription string }{
		{"refund", "reversed", "active"},
		{"chargeback", "reversed", "held"},
		{"settled", "settled", "held"},
	} {
		h.advance(time.Hour)
		h.providerSays(t, "gold-42-0001", step.word)
		require.NoError(t, h.ledger.Hint(t.Context(), "gold-42-0001", h.paymentOf(t, "gold-42-0001")))
		h.advance(time.Minute)
		h.work(t)
		c := h.get(t, "gold-42-0001")
		require.Equal(t, step.state, c["state"], step.word)
		require.Equal(t, step.word, c["provider_status"])
		require.Equal(t, step.state, lastOf(t, c)["state"])
		s := h.sub(t, "gold-42")
		require.Equal(t, step.subscription, s["state"], step.word)
		require.Equal(t, step.state, s["last_charge"].(map[string]any)["state"])
	}
}
