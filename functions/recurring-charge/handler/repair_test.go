package handler_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	simulator "dinarfunctions/sandbox/provider/dineropay"
)

// lost makes a charge whose answer is lost: the provider charged it or not.
func (h *house) lost(t *testing.T, number string, fault simulator.Fault) {
	t.Helper()
	require.NoError(t, h.provider.Script(fault))
	status, c := h.post(t, body(number, nil))
	require.Equal(t, http.StatusAccepted, status)
	require.Equal(t, "unknown", c["state"])
}

func (h *house) get(t *testing.T, number string) map[string]any {
	t.Helper()
	status, c := h.request(t, http.MethodGet, "/charges/"+number, "")
	require.Equal(t, http.StatusOK, status)
	return c
}

func lastOf(t *testing.T, c map[string]any) map[string]any {
	t.Helper()
	history, ok := c["history"].([]any)
	require.True(t, ok)
	last, ok := history[len(history)-1].(map[string]any)
	require.True(t, ok)
	return last
}

func TestALostAnswerIsFoundOut(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"by GET", "by the schedule"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			h.lost(t, "order-1", simulator.CutAfter)
			if way == "by the schedule" {
				h.schedule(t)
				require.Zero(t, h.provider.Counts("order-1").Statuses, "not before 30 seconds")
				h.advance(31 * time.Second)
				h.schedule(t)
				require.Equal(t, 1, h.provider.Counts("order-1").Statuses)
			}
			c := h.get(t, "order-1")
			require.Equal(t, "settled", c["state"])
			require.Equal(t, "status", lastOf(t, c)["evidence"])
			require.Equal(t, h.provider.Transactions()[0].PaymentID, c["payment_id"])
			require.Equal(t, 1, h.provider.Counts("order-1").Statuses)
			status, again := h.post(t, body("order-1", nil))
			require.Equal(t, http.StatusOK, status)
			require.Equal(t, c, again)
			require.Equal(t, 1, h.provider.Counts("order-1").Charges)
		})
	}
}

// What cannot be believed changes nothing, and nothing is sent again.
func TestAStatusAnswerThatIsNotAboutTheCharge(t *testing.T) {
	t.Parallel()
	for _, fault := range []simulator.Fault{
		simulator.OtherOrder, simulator.NoOrderNumber, simulator.UndocumentedStatus, simulator.NotJSON, simulator.HalfBody,
		simulator.NotKnown, simulator.HTMLPage, simulator.Redirect, simulator.HTTP403, simulator.RepeatedName, simulator.TooLong,
	} {
		t.Run(string(fault), func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			h.lost(t, "order-1", simulator.CutAfter)
			require.NoError(t, h.provider.ScriptStatus(fault, fault, fault))
			require.Equal(t, "unknown", h.get(t, "order-1")["state"])
			_, c := h.post(t, body("order-1", nil))
			require.Equal(t, "unknown", c["state"])
			require.Equal(t, 1, h.provider.Counts("order-1").Charges)
		})
	}
}

func TestADifferenceInAmountIsNotedAndTheStatusCounts(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.lost(t, "order-1", simulator.CutAfter)
	require.NoError(t, h.provider.ScriptStatus(simulator.OtherAmount))
	c := h.get(t, "order-1")
	require.Equal(t, "settled", c["state"])
	require.Contains(t, c["reason"], "amount")
}

func TestNoSuchTransactionProvesNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.lost(t, "order-1", simulator.CutBefore)
	for range 200 {
		h.advance(7 * 24 * time.Hour)
		h.schedule(t)
	}
	require.Equal(t, "unknown", h.get(t, "order-1")["state"])
	_, c := h.post(t, body("order-1", nil))
	require.Equal(t, "unknown", c["state"], "also years later")
	require.Equal(t, 1, h.provider.Counts("order-1").Charges)
	require.Contains(t, h.log.String(), `"alarm":"unknown"`)
}

func TestAnotherChargesPaymentIsNotThisOne(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	_, other := h.post(t, body("order-0", nil))
	h.lost(t, "order-1", simulator.CutAfter)
	require.NoError(t, h.provider.SetPaymentID("order-1", other["payment_id"].(string)))
	require.Equal(t, "unknown", h.get(t, "order-1")["state"])
}

func TestPendingEndsAsTheProviderSays(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]string{"settled": "settled", "declined": "declined", "void": "reversed", "3ds": "pending"} {
		t.Run(word, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			_, c := h.post(t, body("order-1", map[string]string{"recurring_token": "MARKED-tok-pending"}))
			require.Equal(t, "pending", c["state"])
			require.NoError(t, h.provider.SetStatus(h.provider.Transactions()[0].PaymentID, word, "Insufficient funds"))
			h.advance(time.Minute)
			h.schedule(t)
			require.Equal(t, want, h.get(t, "order-1")["state"])
		})
	}
}

func TestTheListOfOpenCharges(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	var want []string
	for i := range 7 {
		number := fmt.Sprintf("order-%d", i)
		if i%2 == 0 {
			h.lost(t, number, simulator.HTTP500)
			want = append(want, number)
		} else {
			_, _ = h.post(t, body(number, nil))
		}
		h.advance(time.Second)
	}
	for _, query := range []string{"", "&state=unknown"} {
		var got []string
		cursor := ""
		for range 10 {
			status, page := h.request(t, http.MethodGet, "/charges?limit=2"+query+cursor, "")
			require.Equal(t, http.StatusOK, status)
			charges, ok := page["charges"].([]any)
			require.True(t, ok)
			for _, c := range charges {
				got = append(got, c.(map[string]any)["order"].(map[string]any)["number"].(string))
			}
			next, more := page["next_cursor"].(string)
			if !more {
				break
			}
			cursor = "&cursor=" + next
		}
		require.Equal(t, want, got)
	}
	_, page := h.request(t, http.MethodGet, "/charges?state=pending", "")
	require.Empty(t, page["charges"])
	for _, query := range []string{"state=settled", "state=x", "limit=0", "limit=101", "limit=x", "cursor=x", "cursor=e30"} {
		status, problem := h.request(t, http.MethodGet, "/charges?"+query, "")
		require.Equal(t, 422, status, "%s: %v", query, problem)
	}
}

func TestAnOperatorsWord(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.lost(t, "order-1", simulator.CutBefore)
	say := func(outcome string) (int, map[string]any) {
		return h.request(t, http.MethodPut, "/charges/order-1/resolution", `{"outcome": "`+outcome+`", "note": "bank statement"}`)
	}
	status, c := say("not_charged")
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "declined", c["state"])
	require.Equal(t, "operator", c["decline_class"])
	require.Equal(t, "bank statement", c["reason"])
	require.Equal(t, "operator", lastOf(t, c)["evidence"])
	status, _ = say("not_charged")
	require.Equal(t, http.StatusOK, status, "the same word once more")
	status, problem := say("settled")
	require.Equal(t, http.StatusConflict, status, "%v", problem)
	status, _ = h.post(t, body("order-1", nil))
	require.Equal(t, http.StatusPaymentRequired, status)
	require.Equal(t, 1, h.provider.Counts("order-1").Charges, "that number is never sent again")

	for _, bad := range []string{`{"outcome": "charged", "note": "x"}`, `{"outcome": "settled"}`, `{}`} {
		status, _ = h.request(t, http.MethodPut, "/charges/order-1/resolution", bad)
		require.Equal(t, 422, status, bad)
	}
	status, _ = h.request(t, http.MethodPut, "/charges/order-9/resolution", `{"outcome": "settled", "note": "x"}`)
	require.Equal(t, 404, status)
}

func TestTheProvidersLaterWordOverridesTheOperators(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ said, provider, want string }{
		{"not_charged", "settled", "settled"},
		{"settled", "declined", "declined"},
		{"settled", "chargeback", "reversed"},
	} {
		t.Run(tt.said+", "+tt.provider, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			h.lost(t, "order-1", simulator.CutAfter)
			status, _ := h.request(t, http.MethodPut, "/charges/order-1/resolution", `{"outcome": "`+tt.said+`", "note": "x"}`)
			require.Equal(t, http.StatusOK, status)
			require.NoError(t, h.provider.SetStatus(h.provider.Transactions()[0].PaymentID, tt.provider, "late"))
			h.advance(24 * time.Hour)
			h.schedule(t)
			require.Equal(t, tt.want, h.get(t, "order-1")["state"])
			require.Contains(t, h.log.String(), `"alarm":"operator_overridden"`)
		})
	}
}

func TestTheSwitch(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	set := func(mode string) {
		status, s := h.request(t, http.MethodPut, "/charging", `{"mode": "`+mode+`", "note": "night shift"}`)
		require.Equal(t, http.StatusOK, status)
		require.Equal(t, mode, s["mode"])
		_, s = h.request(t, http.MethodGet, "/charging", "")
		require.Equal(t, map[string]any{"mode": mode, "note": "night shift", "set_at": "2026-11-21T12:00:00.000Z"}, s)
	}
	_, s := h.request(t, http.MethodGet, "/charging", "")
	require.Equal(t, map[string]any{"mode": "live", "note": nil, "set_at": nil}, s)
	_, _ = h.post(t, body("order-1", nil))

	set("stopped")
	status, problem := h.post(t, body("order-2", nil))
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Contains(t, problem["detail"], "stopped")
	status, _ = h.request(t, http.MethodGet, "/charges/order-2", "")
	require.Equal(t, http.StatusNotFound, status, "it is not recorded")
	status, _ = h.post(t, body("order-1", nil))
	require.Equal(t, http.StatusOK, status, "a repeated one still answers its charge")

	set("ask_first")
	// The provider charged order-3, and this ledger has lost it.
	_, _ = h.withEmptyLedger(t).post(t, body("order-3", nil))
	for number, want := range map[string]int{"order-3": 1, "order-4": 1} {
		status, c := h.post(t, body(number, nil))
		require.Equal(t, http.StatusOK, status)
		require.Equal(t, "settled", c["state"])
		require.Equal(t, want, h.provider.Counts(number).Charges)
		require.Equal(t, 1, h.provider.Counts(number).Statuses)
	}
	require.NoError(t, h.provider.ScriptStatus(simulator.HTTP500, simulator.HTTP500, simulator.HTTP500))
	status, _ = h.post(t, body("order-5", nil))
	require.Equal(t, http.StatusServiceUnavailable, status)
	status, _ = h.request(t, http.MethodGet, "/charges/order-5", "")
	require.Equal(t, http.StatusNotFound, status)

	set("live")
	_, c := h.post(t, body("order-2", nil))
	require.Equal(t, "settled", c["state"])
	for _, bad := range []string{`{"mode": "on"}`, `{}`} {
		status, _ = h.request(t, http.MethodPut, "/charging", bad)
		require.Equal(t, 422, status, bad)
	}
}
