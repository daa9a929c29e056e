package dineropay_test

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"

	"dinarfunctions/sandbox/provider/dineropay"
)

// wristwatch is a clock that a test sets.
type wristwatch struct {
	mu  sync.Mutex
	now time.Time
}

func (w *wristwatch) Now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *wristwatch) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func startAt(t *testing.T, settings dineropay.Settings) (bundle, *wristwatch) {
	t.Helper()
	w := &wristwatch{now: noon}
	return start(t, dineropay.Options{Now: w.Now, Settings: settings}), w
}

// says asks by a field and returns the payment that is answered with, and its status.
func (b bundle) says(t *testing.T, field, id string) (paymentID, status string) {
	t.Helper()
	a := b.status(t, aStatus(field, id)).decode(t)
	return a.PaymentID, a.Status
}

// settledByTheSecond is a cascade whose first payment is pending and declines.
var settledByTheSecond = []dineropay.Step{
	{Status: "pending"},
	{Status: "declined", Reason: "Do not honor", After: 20 * time.Second},
	{Next: true, Status: "pending", After: 5 * time.Second},
	{Status: "settled"},
}

// Platform, cascading: one order, several payments. By payment_id each shows itself,
// by order number the newest, and only the newest is called back about.
func TestACascade(t *testing.T) {
	t.Parallel()
	b, clock := startAt(t, dineropay.Settings{})
	require.NoError(t, b.Cascade("gold-1", settledByTheSecond...))
	first := b.charge(t, aCharge("gold-1").with("schedule_id", schedule)).decode(t)
	require.Equal(t, "pending", first.Status)

	clock.pass(19 * time.Second)
	_, status := b.says(t, "order_id", "gold-1")
	require.Equal(t, "pending", status)
	clock.pass(time.Second)
	id, status := b.says(t, "order_id", "gold-1")
	require.Equal(t, first.PaymentID, id)
	require.Equal(t, "declined", status, "the last word of this payment, and not of the order")
	clock.pass(5 * time.Second)
	second, status := b.says(t, "order_id", "gold-1")
	require.Regexp(t, uuid, second)
	require.NotEqual(t, first.PaymentID, second)
	require.Equal(t, "pending", status)
	clock.pass(24 * time.Hour)
	_, status = b.says(t, "payment_id", second)
	require.Equal(t, "pending", status, "the last step has no time of its own")
	require.NoError(t, b.Advance("gold-1"))
	_, status = b.says(t, "payment_id", second)
	require.Equal(t, "settled", status)
	id, status = b.says(t, "payment_id", first.PaymentID)
	require.Equal(t, first.PaymentID, id)
	require.Equal(t, "declined", status)

	form, err := b.Callback("gold-1")
	require.NoError(t, err)
	require.Equal(t, second, form.Get("id"))
	form, err = b.CallbackOf(first.PaymentID)
	require.NoError(t, err)
	require.Equal(t, first.PaymentID, form.Get("id"))
	require.Equal(t, "declined", form.Get("order_status"))

	made := b.Transactions()
	require.Len(t, made, 2)
	require.Equal(t, []bool{false, true}, []bool{made[0].Cascaded, made[1].Cascaded})
	require.Equal(t, noon.Add(25*time.Second), made[1].At)
	require.Equal(t, noon.Add(20*time.Second), made[0].ChangedAt)
	require.Equal(t, made[0].Order, made[1].Order)
	require.Equal(t, schedule, made[1].ScheduleID)
	require.Equal(t, dineropay.Counts{Charges: 1, Charged: 1, Statuses: 6}, b.Counts("gold-1"), "one request, paid once")
	require.ErrorContains(t, b.Advance("gold-1"), "no step of a cascade is left")

	// The next charge of the order is a plain one again.
	require.Equal(t, "settled", b.charge(t, aCharge("gold-1")).decode(t).Status)
}

// Platform, "Cascading Context for Get Status": by the first payment's id comes the
// newest of the cascade, under its own id.
func TestTheCascadingContext(t *testing.T) {
	t.Parallel()
	b, clock := startAt(t, dineropay.Settings{CascadingContext: true})
	require.NoError(t, b.Cascade("gold-1", settledByTheSecond...))
	first := b.charge(t, aCharge("gold-1")).decode(t).PaymentID
	b.charge(t, aCharge("gold-2")).decode(t)
	clock.pass(time.Minute)
	id, status := b.says(t, "payment_id", first)
	require.NotEqual(t, first, id)
	require.Equal(t, "pending", status)
	newest, _ := b.says(t, "order_id", "gold-1")
	require.Equal(t, newest, id)

	// Another charge request under the same number is another cascade.
	again := b.charge(t, aCharge("gold-1")).decode(t).PaymentID
	same, _ := b.says(t, "payment_id", first)
	require.Equal(t, newest, same)
	id, _ = b.says(t, "order_id", "gold-1")
	require.Equal(t, again, id)

	b.Set(dineropay.Settings{})
	id, status = b.says(t, "payment_id", first)
	require.Equal(t, first, id)
	require.Equal(t, "declined", status)
}

// The own answer may be the decline of the first payment, and may be lost.
func TestACascadeBehindADeclineAndBehindAFault(t *testing.T) {
	t.Parallel()
	b, clock := startAt(t, dineropay.Settings{})
	late := []dineropay.Step{
		{Status: "declined", Reason: "Do not honor"},
		{Next: true, Status: "declined", Reason: "Insufficient funds", After: 2 * time.Second},
		{Next: true, Status: "settled", After: 2 * time.Second},
	}
	require.NoError(t, b.Cascade("gold-1", late...))
	require.NoError(t, b.Cascade("gold-2", late...))
	own := b.charge(t, aCharge("gold-1")).decode(t)
	require.Equal(t, "declined", own.Status)
	require.Equal(t, "Do not honor", own.Reason)
	require.NoError(t, b.Script(dineropay.CutBefore, dineropay.CutAfter))
	for range 2 { // what is not carried out begins no cascade
		_, err := b.send(t, http.MethodPost, dineropay.DefaultRecurringPath, aCharge("gold-2"))
		require.Error(t, err)
	}
	clock.pass(time.Hour)
	for _, number := range []string{"gold-1", "gold-2"} {
		_, status := b.says(t, "order_id", number)
		require.Equal(t, "settled", status)
		require.Equal(t, 1, b.Counts(number).Charged)
	}
	require.Len(t, b.Transactions(), 6)
}

func TestCardsThatCascade(t *testing.T) {
	t.Parallel()
	for card, want := range map[string]struct {
		own, first, last string
		charged          int
	}{
		"cascading-settled":  {"pending", "declined", "settled", 1},
		"cascading-declined": {"pending", "declined", "declined", 0},
		"cascading-late":     {"declined", "declined", "settled", 1},
	} {
		t.Run(card, func(t *testing.T) {
			t.Parallel()
			b, clock := startAt(t, dineropay.Settings{})
			own := b.charge(t, aCharge("gold-1").with("recurring_token", "tok-"+card).signed()).decode(t)
			require.Equal(t, want.own, own.Status)
			clock.pass(time.Minute)
			_, status := b.says(t, "payment_id", own.PaymentID)
			require.Equal(t, want.first, status)
			id, status := b.says(t, "order_id", "gold-1")
			require.Equal(t, want.last, status)
			require.NotEqual(t, own.PaymentID, id)
			require.Equal(t, want.charged, b.Counts("gold-1").Charged)
		})
	}
}

// Who sets a payment's status by hand ends what was to come of it.
func TestACascadeEndsWhereItNoLongerFits(t *testing.T) {
	t.Parallel()
	b, clock := startAt(t, dineropay.Settings{})
	require.NoError(t, b.Cascade("gold-1", settledByTheSecond...))
	id := b.charge(t, aCharge("gold-1")).decode(t).PaymentID
	require.NoError(t, b.SetStatus(id, "settled", ""))
	clock.pass(time.Hour)
	require.Len(t, b.Transactions(), 1)
	require.Equal(t, "settled", b.Transactions()[0].Status)
	require.Error(t, b.Advance("gold-1"))
}

// The next acquirer, without a script.
func TestNextPayment(t *testing.T) {
	t.Parallel()
	b, _ := startAt(t, dineropay.Settings{})
	id := b.charge(t, aCharge("gold-1").with("recurring_token", "pending").signed()).decode(t).PaymentID
	_, err := b.NextPayment("gold-1", "settled", "")
	require.ErrorContains(t, err, "is pending")
	_, err = b.NextPayment("gold-2", "settled", "")
	require.ErrorContains(t, err, `no transaction of order number "gold-2"`)
	require.NoError(t, b.SetStatus(id, "declined", "Do not honor"))
	_, err = b.NextPayment("gold-1", "chargeback", "")
	require.ErrorContains(t, err, "chargeback")

	require.NoError(t, b.Cascade("gold-3", dineropay.Step{Status: "settled"}))
	paid := b.charge(t, aCharge("gold-3")).decode(t).PaymentID
	require.NoError(t, b.SetStatus(paid, "declined", "taken back"))
	_, err = b.NextPayment("gold-3", "settled", "")
	require.ErrorContains(t, err, "took money")

	next, err := b.NextPayment("gold-1", "pending", "")
	require.NoError(t, err)
	require.NoError(t, b.SetStatus(next.PaymentID, "settled", ""))
	newest, status := b.says(t, "order_id", "gold-1")
	require.Equal(t, next.PaymentID, newest)
	require.Equal(t, "settled", status)
	require.Equal(t, dineropay.Counts{Charges: 1, Charged: 1, Statuses: 1}, b.Counts("gold-1"))
}

func TestCascadesThatMakeNoSense(t *testing.T) {
	t.Parallel()
	b, _ := startAt(t, dineropay.Settings{})
	for says, steps := range map[string][]dineropay.Step{
		"at least one step":                    nil,
		`step 1 has the status "chargeback"`:   {{Status: "chargeback"}},
		"step 2 begins a new payment":          {{Status: "settled"}, {Next: true, Status: "settled"}},
		"step 2 changes a payment":             {{Status: "declined"}, {Status: "settled"}},
		"step 2 comes -1s after":               {{Status: "pending"}, {Status: "settled", After: -time.Second}},
		"step 3 begins a new payment after on": {{Status: "declined"}, {Next: true, Status: "pending"}, {Next: true, Status: "settled"}},
	} {
		require.ErrorContains(t, b.Cascade("gold-1", steps...), says)
	}
	require.ErrorContains(t, b.Cascade("", dineropay.Step{Status: "settled"}), "needs an order number")
	require.Equal(t, "settled", b.charge(t, aCharge("gold-1")).decode(t).Status, "nothing was planned")
}

func TestControlCascades(t *testing.T) {
	t.Parallel()
	b, clock := startAt(t, dineropay.Settings{})
	got := b.call(t, http.MethodPut, "/sandbox/cascades/gold-1",
		`{"steps": [{"status": "pending"}, {"status": "declined", "reason": "Do not honor", "after": "20s"}, {"next": true, "status": "declined"}]}`)
	require.Equal(t, http.StatusNoContent, got.Status, got.Body)
	b.charge(t, aCharge("gold-1")).decode(t)
	clock.pass(20 * time.Second)
	require.Equal(t, http.StatusNoContent, b.call(t, http.MethodPost, "/sandbox/cascades/gold-1/next", nil).Status)
	require.Equal(t, http.StatusBadRequest, b.call(t, http.MethodPost, "/sandbox/cascades/gold-1/next", nil).Status)

	got = b.call(t, http.MethodPost, "/sandbox/transactions", `{"order_number": "gold-1", "status": "settled"}`)
	require.Equal(t, http.StatusOK, got.Status, got.Body)
	var third, all = dineropay.Transaction{}, []dineropay.Transaction{}
	require.NoError(t, json.Unmarshal([]byte(got.Body), &third))
	require.NoError(t, json.Unmarshal([]byte(b.call(t, http.MethodGet, "/sandbox/transactions?order_number=gold-1", nil).Body), &all))
	require.Len(t, all, 3)
	all[2].ChangedAt = third.ChangedAt
	require.Equal(t, third, all[2])
	require.True(t, third.Cascaded)

	form := b.call(t, http.MethodGet, "/sandbox/callbacks?payment_id="+all[0].PaymentID, nil).Body
	require.Contains(t, form, "id="+all[0].PaymentID+"&")
	require.Contains(t, b.call(t, http.MethodGet, "/sandbox/callbacks?order_number=gold-1", nil).Body, "id="+third.PaymentID+"&")

	for path, body := range map[string]string{
		"/sandbox/cascades/gold-1": `{"steps": [{"status": "pending", "after": "soon"}]}`,
		"/sandbox/settings":        `{"cascading_contexts": true}`,
	} {
		require.Equal(t, http.StatusBadRequest, b.call(t, http.MethodPut, path, body).Status, path)
	}
	require.Equal(t, http.StatusBadRequest, b.call(t, http.MethodPost, "/sandbox/transactions", `{"order_number": "gold-1", "status": "settled"}`).Status)

	require.Equal(t, http.StatusNoContent, b.call(t, http.MethodPut, "/sandbox/settings", `{"cascading_context": true}`).Status)
	require.JSONEq(t, `{"cascading_context": true, "key_refused_with_401": false}`, b.call(t, http.MethodGet, "/sandbox/settings", nil).Body)
	id, _ := b.says(t, "payment_id", all[0].PaymentID)
	require.Equal(t, third.PaymentID, id)
}

// A card of the merchant's own may cascade too.
func TestControlSetsACardThatCascades(t *testing.T) {
	t.Parallel()
	b, clock := startAt(t, dineropay.Settings{})
	set := func(body string) reply { return b.call(t, http.MethodPut, "/sandbox/cards", body) }
	require.Equal(t, http.StatusNoContent, set(
		`{"token_contains": "0242c0a8", "status": "declined", "cascade": [{"next": true, "status": "settled", "after": "3s"}]}`).Status)
	require.Equal(t, "declined", b.charge(t, aCharge("gold-1")).decode(t).Status)
	clock.pass(3 * time.Second)
	_, status := b.says(t, "order_id", "gold-1")
	require.Equal(t, "settled", status)
	require.Contains(t, b.call(t, http.MethodGet, "/sandbox/cards", nil).Body, `"after":"3s"`)
	require.Equal(t, http.StatusBadRequest, set(
		`{"token_contains": "x", "status": "settled", "cascade": [{"next": true, "status": "settled"}]}`).Status)
}

// Platform: 401 is documented for an invalid merchant key or hash.
func TestAKeyMayBeRefusedWith401(t *testing.T) {
	t.Parallel()
	b := start(t, dineropay.Options{Settings: dineropay.Settings{KeyRefusedWith401: true}})
	require.NoError(t, b.Rotate(key, "another password"))
	for says, got := range map[string]reply{
		"Invalid hash":         b.charge(t, aCharge("gold-1")),
		"Invalid merchant key": b.status(t, aStatus("order_id", "gold-1").with("merchant_key", "other")),
	} {
		require.Equal(t, http.StatusUnauthorized, got.Status)
		require.JSONEq(t, `{"error_code": 0, "error_message": "`+says+`"}`, got.Body)
	}
	require.Empty(t, b.Transactions())
	require.NoError(t, b.Rotate(key, password))
	require.Equal(t, []string{"order.amount: This value should be greater than 0."},
		b.charge(t, aCharge("gold-1").with("order.amount", "0.00").signed()).messages(t), "the rest is 400 as before")
}
