package dineropay

import (
	"encoding/json"
	"net/http"
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/charge"
)

// chargeVector is a signed charge request of testdata/signatures.json.
type chargeVector struct {
	Name        string `json:"name"`
	Password    string `json:"password"`
	InitTransID string `json:"recurring_init_trans_id"`
	Token       string `json:"recurring_token"`
	ScheduleID  string `json:"schedule_id"`
	Number      string `json:"number"`
	AskedAmount string `json:"asked_amount"`
	Amount      string `json:"amount"`
	Currency    string `json:"currency"`
	Description string `json:"description"`
	Hash        string `json:"hash"`
	Source      string `json:"source"`
}

func (v chargeVector) request() Request {
	return Request{
		InitTransID: v.InitTransID,
		Token:       v.Token,
		ScheduleID:  v.ScheduleID,
		Number:      v.Number,
		Amount:      v.AskedAmount,
		Currency:    v.Currency,
		Description: v.Description,
	}
}

// statusVector is a signed status request of testdata/signatures.json.
type statusVector struct {
	Name      string `json:"name"`
	Password  string `json:"password"`
	PaymentID string `json:"payment_id"`
	OrderID   string `json:"order_id"`
	Hash      string `json:"hash"`
	Source    string `json:"source"`
}

func signatures(t testing.TB) (charges []chargeVector, statuses []statusVector) {
	t.Helper()
	text, err := os.ReadFile("testdata/signatures.json")
	require.NoError(t, err)
	var file struct {
		Charges  []chargeVector `json:"charges"`
		Statuses []statusVector `json:"statuses"`
	}
	require.NoError(t, json.Unmarshal(text, &file))
	require.GreaterOrEqual(t, len(file.Charges), 11, "vectors are missing")
	require.GreaterOrEqual(t, len(file.Statuses), 2, "vectors are missing")
	return file.Charges, file.Statuses
}

var hashForm = regexp.MustCompile(`^[0-9a-f]{40}$`)

func TestChargeVectors(t *testing.T) {
	t.Parallel()
	charges, _ := signatures(t)
	names := make(map[string]bool)
	for _, v := range charges {
		require.NotContains(t, names, v.Name, "two vectors of one name")
		names[v.Name] = true
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			require.NotEmpty(t, v.Source)
			require.Regexp(t, hashForm, v.Hash)

			terms := termsOf(t, v.request())
			require.Equal(t, v.Amount, terms.Order.Amount.String())
			secret := credentials(theMerchantKey, v.Password)
			require.Equal(t, v.Hash, signCharge(terms, secret.Password))

			// What is sent carries the very values that are signed, and the password
			// is not among them.
			p := newProvider(t, reply(http.StatusInternalServerError, ""))
			p.client(t, &keys{now: secret}).Charge(t.Context(), terms)
			require.Len(t, p.received(), 1)
			body := p.received()[0].body
			var sent map[string]any
			require.NoError(t, json.Unmarshal([]byte(body), &sent))
			want := map[string]any{
				"merchant_key":            theMerchantKey,
				"recurring_init_trans_id": v.InitTransID,
				"recurring_token":         v.Token,
				"hash":                    v.Hash,
				"order": map[string]any{
					"number":      v.Number,
					"amount":      v.Amount,
					"currency":    v.Currency,
					"description": v.Description,
				},
			}
			if v.ScheduleID != "" {
				want["schedule_id"] = v.ScheduleID
			}
			require.Equal(t, want, sent)
			require.NotContains(t, body, v.Password)
		})
	}
}

func TestStatusVectors(t *testing.T) {
	t.Parallel()
	_, statuses := signatures(t)
	for _, v := range statuses {
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			require.NotEmpty(t, v.Source)
			require.Regexp(t, hashForm, v.Hash)
			require.NotEqual(t, v.PaymentID == "", v.OrderID == "", "exactly one of the two")

			secret := credentials(theMerchantKey, v.Password)
			require.Equal(t, v.Hash, signStatus(v.PaymentID+v.OrderID, secret.Password))

			p := newProvider(t, reply(http.StatusNotFound, ""))
			query := charge.Query{PaymentID: v.PaymentID, Order: charge.Order{Number: v.OrderID}}
			p.client(t, &keys{now: secret}).Status(t.Context(), query)
			require.Len(t, p.received(), 1)
			body := p.received()[0].body
			var sent map[string]any
			require.NoError(t, json.Unmarshal([]byte(body), &sent))
			want := map[string]any{"merchant_key": theMerchantKey, "hash": v.Hash}
			if v.PaymentID != "" {
				want["payment_id"] = v.PaymentID
			} else {
				want["order_id"] = v.OrderID
			}
			require.Equal(t, want, sent)
			require.NotContains(t, body, v.Password)
		})
	}
}

// One other character in what is signed is another signature.
func TestEverySignedValueCounts(t *testing.T) {
	t.Parallel()
	secret := theCredentials().Password
	signed := signCharge(theTerms(t), secret)
	require.Equal(t, theChargeHash, signed)

	for field, change := range map[string]func(*Request){
		"recurring_init_trans_id": func(r *Request) { r.InitTransID = thePaymentID },
		"recurring_token":         func(r *Request) { r.Token += "1" },
		"order.number":            func(r *Request) { r.Number += "1" },
		"order.amount":            func(r *Request) { r.Amount = "1.01" },
		"order.description":       func(r *Request) { r.Description += "1" },
		"decimals of the amount":  func(r *Request) { r.Currency = "KWD" },
	} {
		r := theRequest()
		change(&r)
		require.NotEqual(t, signed, signCharge(termsOf(t, r), secret), field)
	}
	require.NotEqual(t, signed, signCharge(theTerms(t), credentials("", thePassword+"1").Password), "password")

	// These are not signed.
	for field, change := range map[string]func(*Request){
		"schedule_id":              func(r *Request) { r.ScheduleID = "57fddecf-17b9-4d38-9320-a670f0c29ec0" },
		"a currency of 2 decimals": func(r *Request) { r.Currency = "USD" },
		"case of a to z":           func(r *Request) { r.Description = "GIFT" },
	} {
		r := theRequest()
		change(&r)
		require.Equal(t, signed, signCharge(termsOf(t, r), secret), field)
	}
}
