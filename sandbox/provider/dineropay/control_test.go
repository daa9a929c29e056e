package dineropay_test

import (
	"net/http"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"

	"dinarfunctions/sandbox/provider/dineropay"
)

func TestControlFaults(t *testing.T) {
	t.Parallel()
	b := start(t, dineropay.Options{})

	got := b.call(t, http.MethodPost, "/sandbox/faults", `{"charge": ["http_500", "http_429"], "status": ["http_404"]}`)
	require.Equal(t, http.StatusOK, got.Status)
	require.JSONEq(t, `{"charge": ["http_500", "http_429"], "status": ["http_404"]}`, got.Body)
	require.Equal(t, 500, b.charge(t, aCharge("gold-1")).Status)
	require.Equal(t, 404, b.status(t, aStatus("order_id", "gold-1")).Status)

	var list struct {
		Faults   []dineropay.FaultInfo `json:"faults"`
		Scripted object                `json:"scripted"`
	}
	got = b.call(t, http.MethodGet, "/sandbox/faults", nil)
	require.NoError(t, json.Unmarshal([]byte(got.Body), &list))
	require.Equal(t, dineropay.Faults(), list.Faults)
	require.Equal(t, object{"charge": []any{"http_429"}, "status": []any{}}, list.Scripted)

	got = b.call(t, http.MethodDelete, "/sandbox/faults", nil)
	require.JSONEq(t, `{"charge": [], "status": []}`, got.Body)
	b.charge(t, aCharge("gold-1")).decode(t)
}

func TestControlRefusals(t *testing.T) {
	t.Parallel()
	b := start(t, dineropay.Options{})
	for _, tt := range []struct{ method, path, body, want string }{
		{http.MethodPost, "/sandbox/faults", `{"charge": ["http_418"]}`, "http_418"},
		{http.MethodPost, "/sandbox/faults", `{"charge": ["http_500"], "status": ["http_418"]}`, "http_418"},
		{http.MethodPost, "/sandbox/faults", `{"charges": []}`, "charge, status"},
		{http.MethodPost, "/sandbox/faults", `{`, "not JSON"},
		{http.MethodPut, "/sandbox/transactions/42/status", `{"status": "settled"}`, "42"},
		{http.MethodPut, "/sandbox/transactions/42/status", `{"status": 1}`, "status"},
		{http.MethodPut, "/sandbox/credentials", `{"merchant_key": "x"}`, "password"},
		{http.MethodPut, "/sandbox/credentials", `[]`, "JSON type"},
	} {
		got := b.call(t, tt.method, tt.path, tt.body)
		require.Equal(t, http.StatusBadRequest, got.Status, tt.body)
		require.Contains(t, got.Body, tt.want)
	}
	b.charge(t, aCharge("gold-1")).decode(t) // nothing was scripted, nothing rotated
}

func TestControlTransactions(t *testing.T) {
	t.Parallel()
	b := start(t, dineropay.Options{})
	id := b.charge(t, aCharge("gold-1").with("recurring_token", "pending-MARKED").signed()).decode(t).PaymentID
	b.charge(t, aCharge("gold-2")).decode(t)

	got := b.call(t, http.MethodGet, "/sandbox/transactions?order_number=gold-1", nil)
	require.NotContains(t, got.Body, "MARKED")
	require.JSONEq(t, `[{
		"payment_id": "`+id+`", "status": "pending", "charged": false, "at": "2026-03-01T12:00:00Z",
		"recurring_init_trans_id": "`+initID+`",
		"order": {"number": "gold-1", "amount": "1.00", "currency": "SAR", "description": "gift"}
	}]`, got.Body)
	var all []object
	require.NoError(t, json.Unmarshal([]byte(b.call(t, http.MethodGet, "/sandbox/transactions", nil).Body), &all))
	require.Len(t, all, 2)

	got = b.call(t, http.MethodPut, "/sandbox/transactions/"+id+"/status", `{"status": "settled"}`)
	require.Equal(t, http.StatusNoContent, got.Status)
	require.Equal(t, "settled", b.status(t, aStatus("payment_id", id)).decode(t).Status)

	require.JSONEq(t, `{"charges": 1, "charged": 1, "statuses": 1}`, b.call(t, http.MethodGet, "/sandbox/counts?order_number=gold-1", nil).Body)
	require.JSONEq(t, `{"charges": 2, "charged": 2, "statuses": 1}`, b.call(t, http.MethodGet, "/sandbox/counts", nil).Body)
	require.JSONEq(t, `[]`, b.call(t, http.MethodGet, "/sandbox/transactions?order_number=gold-3", nil).Body)
}

func TestControlCardsAndCredentials(t *testing.T) {
	t.Parallel()
	b := start(t, dineropay.Options{})
	var cards []dineropay.Card
	require.NoError(t, json.Unmarshal([]byte(b.call(t, http.MethodGet, "/sandbox/cards", nil).Body), &cards))
	require.Equal(t, dineropay.Cards(), cards)

	got := b.call(t, http.MethodPut, "/sandbox/credentials", `{"merchant_key": "k2", "merchant_password": "p2"}`)
	require.Equal(t, http.StatusNoContent, got.Status)
	require.Equal(t, []string{"merchant_key: Merchant key is not valid."}, b.charge(t, aCharge("gold-1")).messages(t))
}

// A card that is empty is declined, until it is not.
func TestControlSetsACard(t *testing.T) {
	t.Parallel()
	b := start(t, dineropay.Options{})
	set := func(body string) reply { return b.call(t, http.MethodPut, "/sandbox/cards", body) }
	status := func() string { return b.charge(t, aCharge("gold-1")).decode(t).Status }
	require.Equal(t, "settled", status())

	require.Equal(t, http.StatusNoContent, set(`{"token_contains": "0242C0A8", "status": "declined", "reason": "Insufficient funds"}`).Status)
	require.Equal(t, "declined", status())
	require.Contains(t, b.call(t, http.MethodGet, "/sandbox/cards", nil).Body, "0242c0a8")

	require.Equal(t, http.StatusNoContent, set(`{"token_contains": "0242c0a8", "status": "settled"}`).Status)
	require.Equal(t, "settled", status())

	for body, says := range map[string]string{
		`{"token_contains": "x", "status": "chargeback"}`: "nothing that a charge comes to",
		`{"token_contains": "", "status": "declined"}`:    "every card",
	} {
		got := set(body)
		require.Equal(t, http.StatusBadRequest, got.Status)
		require.Contains(t, got.Body, says)
	}
}
