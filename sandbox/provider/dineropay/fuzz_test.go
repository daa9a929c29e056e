package dineropay_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"

	"dinarfunctions/sandbox/provider/dineropay"
	"dinarfunctions/sandbox/provider/internal/providertest"
)

// Whatever arrives is answered in the provider's form; a refused charge leaves
// nothing behind, and a charge that was taken is the one that was signed.
func FuzzCharge(f *testing.F) {
	right := encode(f, aCharge("gold-1"))
	for _, seed := range []string{
		right,
		encode(f, aCharge("gold-1").with("schedule_id", schedule)),
		strings.Replace(right, "{", `{"hash":"twice",`, 1),
		strings.Replace(right, `"1.00"`, `1.00`, 1),
		strings.Replace(right, `"1.00"`, `"99999999999999999999"`, 1),
		`{"order":null}`, `{"order":[]}`, `[]`, `null`, `{`, ``, "\xff",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		sim, answer := serve(t, dineropay.DefaultRecurringPath, body)
		made := sim.Transactions()
		require.Equal(t, 1, sim.Totals().Charges)
		if answer.Status != http.StatusOK {
			require.NotEmpty(t, answer.messages(t))
			require.Empty(t, made)
			return
		}
		require.Len(t, made, 1)
		got := answer.decode(t)
		require.Equal(t, made[0].PaymentID, got.PaymentID)
		require.Equal(t, made[0].Order.Number, got.Order.Number)
		require.Contains(t, body, dineropay.Sign(made[0].InitTransID, made[0].Token, made[0].Order.Number,
			made[0].Order.Amount, made[0].Order.Description, password))
	})
}

// Whatever is asked about an empty book is refused in the provider's form.
func FuzzStatus(f *testing.F) {
	for _, seed := range []string{
		encode(f, aStatus("payment_id", initID)),
		encode(f, aStatus("order_id", "gold-1")),
		encode(f, aStatus("order_id", "gold-1").with("payment_id", initID)),
		`{"payment_id":1}`, `{"payment_id":null}`, `[]`, `null`, `{`, ``, "\xff",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		sim, answer := serve(t, dineropay.StatusPath, body)
		require.NotEmpty(t, answer.messages(t))
		require.Equal(t, dineropay.Counts{Statuses: 1}, sim.Totals())
	})
}

func encode(f *testing.F, body object) string {
	f.Helper()
	text, err := json.Marshal(body, json.Deterministic(true))
	require.NoError(f, err)
	return string(text)
}

func serve(t *testing.T, path, body string) (*dineropay.Simulator, reply) {
	t.Helper()
	sim, err := dineropay.New(dineropay.Options{MerchantKey: key, MerchantPassword: password})
	require.NoError(t, err)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json")
	w := httptest.NewRecorder()
	sim.ServeHTTP(w, r)
	require.NotContains(t, w.Body.String(), password)
	return sim, reply{providertest.Reply{Status: w.Code, Header: w.Header(), Body: w.Body.String()}}
}
