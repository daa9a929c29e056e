package dineropay_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"

	"dinarfunctions/sandbox/provider/dineropay"
	"dinarfunctions/sandbox/provider/internal/providertest"
)

var uuid = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

// The published signatures, measured with implementations that are not ours.
func TestSignatureVectors(t *testing.T) {
	t.Parallel()
	b := start(t, dineropay.Options{MerchantKey: key, MerchantPassword: "b3c1f2e4-Pass"})

	charged := b.charge(t, aCharge("order-1234").with("hash", "9ae2a0f0dc2563d27fae12ac2a2c907d3b272d42")).decode(t)
	require.Equal(t, "settled", charged.Status)
	found := b.status(t, object{"merchant_key": key, "order_id": "order-1234", "hash": "81a078ea4e6465b9016940b0406444429ef5b4f1"}).decode(t)
	require.Equal(t, charged.PaymentID, found.PaymentID)
	require.Equal(t, []string{"payment_id: Transaction is not found."}, b.status(t, object{
		"merchant_key": key, "payment_id": initID, "hash": "cec110e8f281a0a72c8d5d95fc613e0cf969255e",
	}).messages(t))

	require.Equal(t, []string{"hash: Hash is not valid."},
		b.charge(t, aCharge("order-1234").with("hash", "9AE2A0F0DC2563D27FAE12AC2A2C907D3B272D42")).messages(t))
}

func TestChargeSettles(t *testing.T) {
	t.Parallel()
	b := start(t, dineropay.Options{})

	got := b.charge(t, aCharge("gold-1").with("schedule_id", schedule)).decode(t)

	require.Regexp(t, uuid, got.PaymentID)
	require.Equal(t, "settled", got.Status)
	require.Empty(t, got.Reason)
	require.Equal(t, "2026-03-01 12:00:00", got.Date)
	require.Equal(t, schedule, got.ScheduleID)
	require.Equal(t, "gold-1", got.Order.Number)
	require.Equal(t, "1.00", got.Order.Amount)
	require.Equal(t, "SAR", got.Order.Currency)
	require.Equal(t, "gift", got.Order.Description)
	require.Equal(t, []dineropay.Transaction{{
		PaymentID:   got.PaymentID,
		Order:       dineropay.Order{Number: "gold-1", Amount: "1.00", Currency: "SAR", Description: "gift"},
		Status:      "settled",
		Charged:     true,
		At:          noon,
		ChangedAt:   noon,
		InitTransID: initID,
		ScheduleID:  schedule,
		Token:       token,
	}}, b.Transactions())
}

func TestSameNumberChargesAgain(t *testing.T) {
	t.Parallel()
	b := start(t, dineropay.Options{})

	first := b.charge(t, aCharge("gold-1")).decode(t)
	second := b.charge(t, aCharge("gold-1")).decode(t)
	b.charge(t, aCharge("gold-2")).decode(t)
	b.charge(t, aCharge("gold-1").with("hash", "wrong")).messages(t)

	require.NotEqual(t, first.PaymentID, second.PaymentID)
	require.Equal(t, dineropay.Counts{Charges: 3, Charged: 2}, b.Counts("gold-1"))
	require.Equal(t, dineropay.Counts{Charges: 1, Charged: 1}, b.Counts("gold-2"))
	require.Equal(t, dineropay.Counts{}, b.Counts("gold-3"))
	require.Equal(t, dineropay.Counts{Charges: 4, Charged: 3}, b.Totals())
}

// One thing is wrong at a time.
func TestChargeRefusals(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		body any
		want string
	}{
		{"no merchant key", aCharge("gold-1").with("merchant_key", nil), "merchant_key: This value should not be blank."},
		{"other merchant key", aCharge("gold-1").with("merchant_key", "other"), "merchant_key: Merchant key is not valid."},
		{"no init id", aCharge("gold-1").with("recurring_init_trans_id", nil).signed(), "recurring_init_trans_id: This value should not be blank."},
		{"init id no UUID", aCharge("gold-1").with("recurring_init_trans_id", "42").signed(), "recurring_init_trans_id: This is not a valid UUID."},
		{"no token", aCharge("gold-1").with("recurring_token", nil).signed(), "recurring_token: This value should not be blank."},
		{"schedule no UUID", aCharge("gold-1").with("schedule_id", "monthly"), "schedule_id: This is not a valid UUID."},
		{"no hash", aCharge("gold-1").with("hash", nil), "hash: This value should not be blank."},
		{"other hash", aCharge("gold-1").with("hash", strings.Repeat("0", 40)), "hash: Hash is not valid."},
		{"not what was signed", aCharge("gold-1").with("order.amount", "1.0"), "hash: Hash is not valid."},
		{"no number", aCharge("gold-1").with("order.number", nil).signed(), "order.number: This value should not be blank."},
		{"number with a blank", aCharge("gold 1"), "order.number: This value is not valid."},
		{"number with a line break", aCharge("gold-1\n"), "order.number: This value is not valid."},
		{"number too long", aCharge(strings.Repeat("g", 256)), "order.number: This value is too long. It should have 255 characters or less."},
		{"no amount", aCharge("gold-1").with("order.amount", nil).signed(), "order.amount: This value should not be blank."},
		{"amount zero", aCharge("gold-1").with("order.amount", "0.00").signed(), "order.amount: This value should be greater than 0."},
		{"amount below zero", aCharge("gold-1").with("order.amount", "-1.00").signed(), "order.amount: This value is not a valid amount."},
		{"amount in words", aCharge("gold-1").with("order.amount", "one").signed(), "order.amount: This value is not a valid amount."},
		{"amount with exponent", aCharge("gold-1").with("order.amount", "1e3").signed(), "order.amount: This value is not a valid amount."},
		{"amount too fine", aCharge("gold-1").with("order.amount", "1.001").signed(), "order.amount: This value should have at most 2 decimals."},
		{"amount a number", aCharge("gold-1").with("order.amount", 1).signed(), "order.amount: This value is of the wrong JSON type."},
		{"no currency", aCharge("gold-1").with("order.currency", nil), "order.currency: This value should not be blank."},
		{"currency in small letters", aCharge("gold-1").with("order.currency", "sar"), "order.currency: This value is not a valid currency code."},
		{"no description", aCharge("gold-1").with("order.description", nil).signed(), "order.description: This value should not be blank."},
		{"description too short", aCharge("gold-1").with("order.description", "x").signed(), "order.description: This value should have 2 to 1024 characters."},
		{"description too long", aCharge("gold-1").with("order.description", strings.Repeat("ش", 1025)).signed(), "order.description: This value should have 2 to 1024 characters."},
		{"field nobody knows", aCharge("gold-1").with("order.colour", "red"), "order.colour: This field was not expected."},
		{"field in other case", aCharge("gold-1").with("Hash", "x"), "Hash: This field was not expected."},
		{"field twice", `{"merchant_key":"x","merchant_key":"y"}`, "merchant_key: This field comes twice."},
		{"order a text", aCharge("gold-1").with("order", "gift-1"), "order: This value is of the wrong JSON type."},
		{"a list", `[]`, "This value is of the wrong JSON type."},
		{"half a body", `{"merchant_key":`, "The body is not JSON."},
		{"text after the body", `{} {}`, "The body is not JSON."},
		{"nothing", ``, "The body is not JSON."},
		{"too much", `{"merchant_key":"` + strings.Repeat("x", 64<<10) + `"}`, "The body is larger than 65536 bytes."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := start(t, dineropay.Options{})
			require.NoError(t, b.Script(dineropay.CutAfter))

			got := b.charge(t, tt.body)

			require.Contains(t, got.messages(t), tt.want)
			require.Empty(t, b.Transactions())
			require.Equal(t, dineropay.Counts{Charges: 1}, b.Totals())
			require.NotContains(t, got.Body, password)
			require.NotContains(t, got.Body, key)

			// The scripted fault waited for a request that is right.
			_, err := b.send(t, http.MethodPost, dineropay.DefaultRecurringPath, aCharge("gold-9"))
			require.True(t, providertest.IsCut(err), "%v", err)
		})
	}
}

func TestAllThatIsWrongIsTold(t *testing.T) {
	t.Parallel()
	b := start(t, dineropay.Options{})
	require.Equal(t, []string{
		"recurring_init_trans_id: This value should not be blank.",
		"recurring_token: This value should not be blank.",
		"order.number: This value should not be blank.",
		"order.amount: This value should not be blank.",
		"order.currency: This value should not be blank.",
		"order.description: This value should not be blank.",
		"merchant_key: This value should not be blank.",
	}, b.charge(t, object{}).messages(t))
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, header, value, want string
	}{
		{"form", "Content-Type", "application/x-www-form-urlencoded", "Content-Type: This value should be application/json."},
		{"no content type", "Content-Type", "", "Content-Type: This value should be application/json."},
		{"accepts HTML", "Accept", "text/html", "Accept: This value should be application/json."},
		{"accepts nothing", "Accept", "", "Accept: This value should be application/json."},
		{"with a charset", "Content-Type", "application/json; charset=utf-8", ""},
		{"accepts several", "Accept", "text/html, application/json;q=0.9", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := start(t, dineropay.Options{})
			r, err := b.Request(t.Context(), http.MethodPost, dineropay.DefaultRecurringPath, aCharge("gold-1"))
			require.NoError(t, err)
			r.Header.Set(tt.header, tt.value)
			came, err := b.Do(r)
			require.NoError(t, err)
			got := reply{came}
			if tt.want == "" {
				got.decode(t)
				return
			}
			require.Equal(t, []string{tt.want}, got.messages(t))
			require.Equal(t, dineropay.Counts{Charges: 1}, b.Counts("gold-1"), "it counts under its order number all the same")
		})
	}
}

func TestAmounts(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		currency, sent, answered string // answered empty: refused
	}{
		{"SAR", "1.00", "1.00"},
		{"SAR", "1", "1.00"},
		{"SAR", "1.000", ""},
		{"KWD", "1.234", "1.234"},
		{"IQD", "250", "250.000"},
		{"LYD", "1.2345", ""},
		{"JPY", "100.00", "100.00"},
		{"KRW", "100", "100.00"},
		{"VND", "1000", "1000"},
		{"ISK", "1000.0", ""},
	} {
		t.Run(tt.sent+" "+tt.currency, func(t *testing.T) {
			t.Parallel()
			b := start(t, dineropay.Options{})
			got := b.charge(t, aCharge("gold-1").with("order.amount", tt.sent).with("order.currency", tt.currency).signed())
			if tt.answered == "" {
				require.Len(t, got.messages(t), 1)
				return
			}
			require.Equal(t, tt.answered, got.decode(t).Order.Amount)
			require.Equal(t, tt.sent, b.Transactions()[0].Order.Amount, "kept as it was sent")
		})
	}
}

// A text whose ASCII and Unicode upper case differ has two signatures. The
// simulator takes the one and not the other.
func TestUpperCase(t *testing.T) {
	t.Parallel()
	b := start(t, dineropay.Options{})
	body := aCharge("gold-1").with("order.description", "café هدية").signed()
	require.Equal(t, "café هدية", b.charge(t, body).decode(t).Order.Description)

	unicode := dineropay.Sign(strings.ToUpper(initID + token + "gold-1" + "1.00" + "café هدية" + password))
	require.Equal(t, []string{"hash: Hash is not valid."}, b.charge(t, body.with("hash", unicode)).messages(t))
}

func TestNestedErrors(t *testing.T) {
	t.Parallel()
	b := start(t, dineropay.Options{ErrorShape: dineropay.Nested})
	got := b.charge(t, aCharge("gold-1").with("hash", "wrong"))
	require.Equal(t, http.StatusBadRequest, got.Status)
	require.JSONEq(t, `{
		"error_code": 0,
		"error_message": "Request data is invalid",
		"errors": {
			"error_code": 0,
			"error_message": "Request data is invalid",
			"errors": [{"error_code": 100000, "error_message": "hash: Hash is not valid."}]
		}
	}`, got.Body)
}

func TestMethodsAndPaths(t *testing.T) {
	t.Parallel()
	b := start(t, dineropay.Options{})
	for _, tt := range []struct {
		method, path string
		want         int
	}{
		{http.MethodGet, dineropay.DefaultRecurringPath, http.StatusMethodNotAllowed},
		{http.MethodPut, dineropay.StatusPath, http.StatusMethodNotAllowed},
		{http.MethodPost, "/", http.StatusNotFound},
		{http.MethodGet, "/", http.StatusNotFound},
		{http.MethodPost, dineropay.DefaultRecurringPath + "/", http.StatusNotFound},
		{http.MethodPost, "/api/v1/payment/re\u0441urring", http.StatusNotFound},
		{http.MethodPost, "/api/v1/payment/retry", http.StatusNotFound},
		{http.MethodPost, "/sandbox/nothing", http.StatusNotFound},
	} {
		got := b.call(t, tt.method, tt.path, aCharge("gold-1"))
		require.Equal(t, tt.want, got.Status, "%s %s", tt.method, tt.path)
		if strings.HasPrefix(tt.path, "/sandbox/") {
			continue
		}
		require.Regexp(t, `^\{"error_code":0,"error_message":"[A-Za-z ]+\."\}$`, got.Body)
		if tt.want == http.StatusMethodNotAllowed {
			require.Equal(t, http.MethodPost, got.Header.Get("Allow"))
		}
		require.Contains(t, got.Header.Get("Server"), "simulated")
	}
	require.Equal(t, dineropay.Counts{}, b.Totals())
}

func TestPathIsASetting(t *testing.T) {
	t.Parallel()
	const cyrillic = "/api/v1/payment/re\u0441urring"
	b := start(t, dineropay.Options{RecurringPath: cyrillic})
	b.call(t, http.MethodPost, cyrillic, aCharge("gold-1")).decode(t)
	require.Equal(t, http.StatusNotFound, b.charge(t, aCharge("gold-1")).Status)
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]dineropay.Options{
		"no key":              {MerchantPassword: password},
		"no password":         {MerchantKey: key},
		"relative path":       {MerchantKey: key, MerchantPassword: password, RecurringPath: "recurring"},
		"path of the status":  {MerchantKey: key, MerchantPassword: password, RecurringPath: dineropay.StatusPath},
		"path of the control": {MerchantKey: key, MerchantPassword: password, RecurringPath: "/sandbox/faults"},
	} {
		_, err := dineropay.New(o)
		require.Error(t, err, name)
		require.NotContains(t, err.Error(), password)
	}
}

func TestCardsDoWhatTheyPromise(t *testing.T) {
	t.Parallel()
	cards := dineropay.Cards()
	require.NotEmpty(t, cards)
	for _, card := range append(cards, dineropay.Card{Token: "any-other", Status: "settled"}) {
		t.Run(card.Token, func(t *testing.T) {
			t.Parallel()
			b := start(t, dineropay.Options{})
			got := b.charge(t, aCharge("gold-1").with("recurring_token", "tok-"+strings.ToUpper(card.Token)+"-42").signed()).decode(t)
			require.Equal(t, card.Status, got.Status)
			require.Equal(t, card.Reason, got.Reason)
			charged := 0
			if card.Status == "settled" {
				charged = 1
			}
			require.Equal(t, dineropay.Counts{Charges: 1, Charged: charged}, b.Counts("gold-1"))
		})
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	b := start(t, dineropay.Options{})
	first := b.charge(t, aCharge("gold-1").with("recurring_token", "declined-lost").signed()).decode(t)
	second := b.charge(t, aCharge("gold-1").with("schedule_id", schedule)).decode(t)
	b.charge(t, aCharge("gold-2")).decode(t)

	byPayment := b.status(t, aStatus("payment_id", first.PaymentID)).decode(t)
	require.Equal(t, first.PaymentID, byPayment.PaymentID)
	require.Equal(t, "declined", byPayment.Status)
	require.Equal(t, "Lost card, pick up", byPayment.Reason)
	require.Equal(t, "declined-lost", byPayment.Token)

	newest := b.status(t, aStatus("order_id", "gold-1")).decode(t)
	require.Equal(t, second.PaymentID, newest.PaymentID)
	require.Equal(t, "settled", newest.Status)
	require.Equal(t, schedule, newest.SheduleID, "as the platform spells it")
	require.Empty(t, newest.ScheduleID)
	require.Equal(t, second.Order, newest.Order)
	require.NotEmpty(t, newest.Customer)

	require.Equal(t, dineropay.Counts{Charges: 2, Charged: 1, Statuses: 2}, b.Counts("gold-1"), "by payment_id it counts for the order too")
	require.Equal(t, dineropay.Counts{Charges: 3, Charged: 2, Statuses: 2}, b.Totals())
}

func TestStatusRefusals(t *testing.T) {
	t.Parallel()
	b := start(t, dineropay.Options{})
	paid := b.charge(t, aCharge("gold-1")).decode(t)
	for _, tt := range []struct {
		name string
		body any
		want []string
	}{
		{"unknown payment", aStatus("payment_id", initID), []string{"payment_id: Transaction is not found."}},
		{"unknown order", aStatus("order_id", "gold-9"), []string{"payment_id: Transaction is not found."}},
		{"neither", aStatus("payment_id", ""), []string{"payment_id: This value should not be blank."}},
		{
			"both", aStatus("payment_id", paid.PaymentID).with("order_id", "gold-1").with("hash", dineropay.Sign(paid.PaymentID, "gold-1", password)),
			[]string{"order_id: This value should not be there beside payment_id."},
		},
		{"payment no UUID", aStatus("payment_id", "42"), []string{"payment_id: This is not a valid UUID."}},
		{"other key", aStatus("order_id", "gold-1").with("merchant_key", "other"), []string{"merchant_key: Merchant key is not valid."}},
		{"other hash", aStatus("order_id", "gold-1").with("hash", "x"), []string{"hash: Hash is not valid."}},
		{"field nobody knows", aStatus("order_id", "gold-1").with("order_number", "gold-1"), []string{"order_number: This field was not expected."}},
	} {
		require.Equal(t, tt.want, b.status(t, tt.body).messages(t), tt.name)
	}
}

func TestWhatTimeDoes(t *testing.T) {
	t.Parallel()
	b := start(t, dineropay.Options{})
	id := b.charge(t, aCharge("gold-1").with("recurring_token", "pending").signed()).decode(t).PaymentID
	require.Equal(t, "pending", b.status(t, aStatus("payment_id", id)).decode(t).Status)
	require.Zero(t, b.Counts("gold-1").Charged)

	require.NoError(t, b.SetStatus(id, "settled", ""))
	require.Equal(t, "settled", b.status(t, aStatus("payment_id", id)).decode(t).Status)
	require.Equal(t, 1, b.Counts("gold-1").Charged)

	require.NoError(t, b.SetStatus(id, "chargeback", "Fraud"))
	got := b.status(t, aStatus("order_id", "gold-1")).decode(t)
	require.Equal(t, "chargeback", got.Status)
	require.Equal(t, "Fraud", got.Reason)
	require.Equal(t, 1, b.Counts("gold-1").Charged, "the money was taken, whatever came of it")

	require.ErrorContains(t, b.SetStatus(id, "lost", ""), `"lost"`)
	require.ErrorContains(t, b.SetStatus(initID, "settled", ""), initID)
}

func TestRotate(t *testing.T) {
	t.Parallel()
	b := start(t, dineropay.Options{})
	require.NoError(t, b.Rotate(key, "another password"))
	require.Equal(t, []string{"hash: Hash is not valid."}, b.charge(t, aCharge("gold-1")).messages(t))
	require.NoError(t, b.Rotate("another key", password))
	require.Equal(t, []string{"merchant_key: Merchant key is not valid."}, b.charge(t, aCharge("gold-1")).messages(t))
	require.Error(t, b.Rotate("", password))
	require.NoError(t, b.Rotate(key, password))
	b.charge(t, aCharge("gold-1")).decode(t)
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	b := start(t, dineropay.Options{})
	const orders, each = 10, 10
	var wait sync.WaitGroup
	errs := make(chan error, 2*orders*each)
	ask := func(path string, body object) error {
		r, err := b.Request(t.Context(), http.MethodPost, path, body)
		if err == nil {
			_, err = b.Do(r)
		}
		return err
	}
	for order := range orders {
		number := fmt.Sprintf("gold-%d", order)
		for range each {
			wait.Go(func() {
				errs <- ask(dineropay.DefaultRecurringPath, aCharge(number))
				errs <- ask(dineropay.StatusPath, aStatus("order_id", number))
				b.Counts(number)
				for _, made := range b.Transactions() {
					_ = b.SetStatus(made.PaymentID, "refund", "")
				}
			})
		}
	}
	wait.Wait()
	close(errs)
	for err := range errs {
		require.NoError(t, err)
	}
	for order := range orders {
		require.Equal(t, dineropay.Counts{Charges: each, Charged: each, Statuses: each}, b.Counts(fmt.Sprintf("gold-%d", order)))
	}
	require.Len(t, b.Transactions(), orders*each)
}

func TestTransactionsShowNoToken(t *testing.T) {
	t.Parallel()
	b := start(t, dineropay.Options{})
	b.charge(t, aCharge("gold-1").with("recurring_token", "MARKED-token").signed()).decode(t)
	text, err := json.Marshal(b.Transactions())
	require.NoError(t, err)
	require.NotContains(t, string(text), "MARKED")
}

// Platform, callback: what was done to a payment and how it ended. Whatever comes
// after a payment, the money was taken once.
func TestTheProvidersLaterWord(t *testing.T) {
	t.Parallel()
	type word struct{ status, kind, result string }
	for name, words := range map[string][]word{
		"refund, then chargeback": {{"refund", "refund", "success"}, {"chargeback", "chargeback", "success"}},
		"a dispute that is won":   {{"chargeback", "chargeback", "success"}, {"settled", "chargeback", "fail"}},
		"a refund that failed":    {{"refund", "refund", "success"}, {"settled", "refund", "fail"}},
		"void":                    {{"void", "void", "success"}},
		"reversal":                {{"reversal", "void", "success"}, {"settled", "void", "fail"}},
		"declined after all":      {{"declined", "recurring", "fail"}},
		"waits for its holder":    {{"3ds", "3ds", "waiting"}, {"redirect", "redirect", "waiting"}, {"prepare", "recurring", "waiting"}, {"settled", "recurring", "success"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := start(t, dineropay.Options{})
			id := b.charge(t, aCharge("gold-1")).decode(t).PaymentID
			for _, w := range append([]word{{"settled", "recurring", "success"}}, words...) {
				require.NoError(t, b.SetStatus(id, w.status, ""))
				form, err := b.Callback("gold-1")
				require.NoError(t, err)
				require.Equal(t, []string{id, w.status, w.kind, w.result},
					[]string{form.Get("id"), form.Get("order_status"), form.Get("type"), form.Get("status")})
				require.Equal(t, w.status, b.status(t, aStatus("order_id", "gold-1")).decode(t).Status)
				require.Equal(t, 1, b.Counts("gold-1").Charged)
			}
		})
	}
}

// Platform: a failed refund says fail of a payment that stays settled.
func TestAFailedRefund(t *testing.T) {
	t.Parallel()
	b := start(t, dineropay.Options{})
	id := b.charge(t, aCharge("gold-1")).decode(t).PaymentID
	got := b.call(t, http.MethodPost, "/sandbox/transactions/"+id+"/failed-refund", `{"reason": "No money on the account"}`)
	require.Equal(t, http.StatusNoContent, got.Status, got.Body)
	form, err := b.Callback("gold-1")
	require.NoError(t, err)
	require.Equal(t, []string{"settled", "refund", "fail", "No money on the account"},
		[]string{form.Get("order_status"), form.Get("type"), form.Get("status"), form.Get("reason")})
	require.Empty(t, b.status(t, aStatus("payment_id", id)).decode(t).Reason)

	require.NoError(t, b.SetStatus(id, "refund", ""))
	require.NoError(t, b.FailRefund(id, ""))
	require.Equal(t, "settled", b.Transactions()[0].Status)
	require.NoError(t, b.SetStatus(id, "declined", ""))
	require.ErrorContains(t, b.FailRefund(id, ""), "is declined")
	require.ErrorContains(t, b.FailRefund(initID, ""), initID)
}
