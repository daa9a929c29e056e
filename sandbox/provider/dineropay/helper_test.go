package dineropay_test

import (
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"

	"dinarfunctions/sandbox/provider/dineropay"
	"dinarfunctions/sandbox/provider/internal/providertest"
)

const (
	key      = "MARKED-merchant-key"
	password = "MARKED-merchant-password"
	initID   = "dc66cdd8-d702-11ea-9a2f-0242c0a87002"
	token    = "9a2f-0242c0a87002"
	schedule = "57fddecf-17b9-4d38-9320-a670f0c29ec0"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// bundle is a simulator behind a real server.
type bundle struct {
	*dineropay.Simulator
	*providertest.Server
}

func start(t *testing.T, o dineropay.Options) bundle {
	t.Helper()
	if o.MerchantKey == "" {
		o.MerchantKey, o.MerchantPassword = key, password
	}
	if o.Now == nil {
		o.Now = func() time.Time { return noon }
	}
	sim, err := dineropay.New(o)
	require.NoError(t, err)
	return bundle{sim, providertest.Start(t, sim)}
}

// object is a JSON object under construction.
type object map[string]any

// with is a copy with one value changed, or taken out by nil. A path into the
// order is written "order.amount".
func (o object) with(path string, value any) object {
	changed := maps.Clone(o)
	name, rest, nested := strings.Cut(path, ".")
	if nested {
		inner, _ := changed[name].(object)
		value = inner.with(rest, value)
	}
	if value == nil {
		delete(changed, name)
		return changed
	}
	changed[name] = value
	return changed
}

// signed is a copy of a charge with its hash.
func (o object) signed() object {
	order, _ := o["order"].(object)
	return o.with("hash", dineropay.Sign(text(o["recurring_init_trans_id"]), text(o["recurring_token"]),
		text(order["number"]), text(order["amount"]), text(order["description"]), password))
}

func text(value any) string {
	s, _ := value.(string)
	return s
}

// aCharge is a right charge request, signed.
func aCharge(number string) object {
	return object{
		"merchant_key":            key,
		"recurring_init_trans_id": initID,
		"recurring_token":         token,
		"order":                   object{"number": number, "amount": "1.00", "currency": "SAR", "description": "gift"},
	}.signed()
}

// aStatus is a right status request: field is payment_id or order_id.
func aStatus(field, id string) object {
	return object{"merchant_key": key, field: id, "hash": dineropay.Sign(id, password)}
}

// reply is what came back.
type reply struct{ providertest.Reply }

// send sends a request and waits until the server is done with it.
func (b bundle) send(t *testing.T, method, path string, body any) (reply, error) {
	t.Helper()
	r, err := b.Request(t.Context(), method, path, body)
	require.NoError(t, err)
	got, err := b.Do(r)
	return reply{got}, err
}

func (b bundle) call(t *testing.T, method, path string, body any) reply {
	t.Helper()
	answer, err := b.send(t, method, path, body)
	require.NoError(t, err)
	return answer
}

func (b bundle) charge(t *testing.T, body any) reply {
	t.Helper()
	return b.call(t, http.MethodPost, dineropay.DefaultRecurringPath, body)
}

func (b bundle) status(t *testing.T, body any) reply {
	t.Helper()
	return b.call(t, http.MethodPost, dineropay.StatusPath, body)
}

// answer is every field that a transaction's answer may have.
type answer struct {
	Status     string `json:"status"`
	PaymentID  string `json:"payment_id"`
	Reason     string `json:"reason"`
	Date       string `json:"date"`
	ScheduleID string `json:"schedule_id"`
	SheduleID  string `json:"shedule_id"`
	Token      string `json:"recurring_token"`
	Order      struct {
		Number      string `json:"number"`
		Amount      string `json:"amount"`
		Currency    string `json:"currency"`
		Description string `json:"description"`
	} `json:"order"`
	Customer object `json:"customer"`
}

func (r reply) decode(t *testing.T) answer {
	t.Helper()
	require.Equal(t, http.StatusOK, r.Status, r.Body)
	require.Equal(t, "application/json", r.Header.Get("Content-Type"))
	var a answer
	require.NoError(t, json.Unmarshal([]byte(r.Body), &a, json.RejectUnknownMembers(true)), r.Body)
	return a
}

// refusal is the error form with its errors as a list.
type refusal struct {
	Code    *int   `json:"error_code"`
	Message string `json:"error_message"`
	Errors  []struct {
		Code    int    `json:"error_code"`
		Message string `json:"error_message"`
	} `json:"errors"`
}

// messages are the texts of a 400 in the list form.
func (r reply) messages(t *testing.T) []string {
	t.Helper()
	require.Equal(t, http.StatusBadRequest, r.Status, r.Body)
	var form refusal
	require.NoError(t, json.Unmarshal([]byte(r.Body), &form, json.RejectUnknownMembers(true)), r.Body)
	require.NotNil(t, form.Code)
	require.Equal(t, "Request data is invalid", form.Message)
	var all []string
	for _, e := range form.Errors {
		require.Equal(t, 100000, e.Code)
		all = append(all, e.Message)
	}
	require.NotEmpty(t, all)
	return all
}

// abandon sends a request and gives up as soon as it has been read.
func (b bundle) abandon(t *testing.T, path string, body any) {
	t.Helper()
	r, err := b.Request(t.Context(), http.MethodPost, path, body)
	require.NoError(t, err)
	b.Abandon(t, r)
}
