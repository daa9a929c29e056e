package dinardragon_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/require"

	"dinarfunctions/sandbox/provider/dinardragon"
	"dinarfunctions/sandbox/provider/internal/providertest"
)

const (
	key    = "MARKED-private-key"
	payout = "1617fcccd1f3269c"
)

// id returns one of the payout's three payments, which are in the three states.
func id(n int) string { return fmt.Sprintf("df9a31ea528a397%d", n) }

// clock is a clock that a test turns.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) turn(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// bundle is a simulator behind a real server, with one payout in it.
type bundle struct {
	*dinardragon.Simulator
	*providertest.Server
	clock *clock
}

func start(t *testing.T, o dinardragon.Options) bundle {
	t.Helper()
	c := &clock{now: time.Date(2026, 1, 31, 14, 35, 0, 0, time.UTC)}
	o.PrivateKey, o.Now = key, c.Now
	sim, err := dinardragon.New(o)
	require.NoError(t, err)
	require.NoError(t, sim.Put(dinardragon.Payout{PaymentID: payout, Payments: []dinardragon.Payment{
		{UniqueID: id(0), Status: dinardragon.Processing},
		{UniqueID: id(1), Status: dinardragon.Successful},
		{UniqueID: id(2), Status: dinardragon.Failed},
	}}))
	return bundle{sim, providertest.Start(t, sim), c}
}

func (b bundle) request(t *testing.T, path string, body any) *http.Request {
	t.Helper()
	r, err := b.Request(t.Context(), http.MethodPost, path, body)
	require.NoError(t, err)
	r.Header.Set("Authorization", key)
	return r
}

func (b bundle) post(t *testing.T, path string, body any) providertest.Reply {
	t.Helper()
	got, err := b.Do(b.request(t, path, body))
	require.NoError(t, err)
	require.NotContains(t, got.Body, key)
	return got
}

func (b bundle) call(t *testing.T, method, path, body string) providertest.Reply {
	t.Helper()
	r, err := b.Request(t.Context(), method, path, body)
	require.NoError(t, err)
	got, err := b.Do(r)
	require.NoError(t, err)
	require.NotContains(t, got.Body, key)
	return got
}

func TestStatusOfAPayout(t *testing.T) {
	t.Parallel()
	b := start(t, dinardragon.Options{})
	got := b.post(t, "/status", `{"payment_id": "`+payout+`"}`)
	require.Equal(t, http.StatusOK, got.Status)
	require.Equal(t, "application/json", got.Header.Get("Content-Type"))
	require.Contains(t, got.Header.Get("Server"), "simulated")
	require.JSONEq(t, `{"code": 200, "payments": [
		{"uniqueid": "df9a31ea528a3970", "status": 0},
		{"uniqueid": "df9a31ea528a3971", "status": 1},
		{"uniqueid": "df9a31ea528a3972", "status": 2}
	]}`, got.Body)
	require.Equal(t, 1, b.Asked(payout))
	require.Zero(t, b.Asked(id(0)))
}

func TestStatusOfAPayment(t *testing.T) {
	t.Parallel()
	b := start(t, dinardragon.Options{})
	got := b.post(t, "/status", `{"uniqueid": "`+id(2)+`"}`)
	require.Equal(t, http.StatusOK, got.Status)
	require.JSONEq(t, `{"code": 200, "payments": [{"uniqueid": "df9a31ea528a3972", "status": 2}]}`, got.Body)
	require.Equal(t, 1, b.Asked(id(2)))
}

func TestStatusRefusals(t *testing.T) {
	t.Parallel()
	right := `{"payment_id": "` + payout + `"}`
	for _, tt := range []struct {
		name   string
		spoil  func(http.Header)
		body   string
		status int
		text   string
		keys   int // refused keys
	}{
		{name: "no key", spoil: func(h http.Header) { h.Del("Authorization") }, body: right, status: 400, text: "Missing API key in request headers.", keys: 1},
		{name: "empty key", spoil: func(h http.Header) { h.Set("Authorization", "") }, body: right, status: 400, text: "Missing API key in request headers.", keys: 1},
		{name: "other key", spoil: func(h http.Header) { h.Set("Authorization", "other") }, body: right, status: 403, text: "Invalid API key.", keys: 1},
		{name: "bearer", spoil: func(h http.Header) { h.Set("Authorization", "Bearer "+key) }, body: right, status: 403, text: "Invalid API key.", keys: 1},
		{name: "key twice", spoil: func(h http.Header) { h.Add("Authorization", key) }, body: right, status: 403, text: "Invalid API key.", keys: 1},
		{name: "form", spoil: func(h http.Header) { h.Set("Content-Type", "application/x-www-form-urlencoded") }, body: right, status: 400, text: "Content-Type must be application/json."},
		{name: "neither", body: `{}`, status: 400, text: "Send either uniqueid or payment_id."},
		{name: "both", body: `{"payment_id": "` + payout + `", "uniqueid": "` + id(0) + `"}`, status: 400, text: "Send either uniqueid or payment_id."},
		{name: "unknown payout", body: `{"payment_id": "` + id(0) + `"}`, status: 400, text: "No payment with this ID."},
		{name: "unknown payment", body: `{"uniqueid": "` + payout + `"}`, status: 400, text: "No payment with this ID."},
		{name: "a number", body: `{"uniqueid": 42}`, status: 400, text: "uniqueid: This value is of the wrong JSON type."},
		{name: "field nobody knows", body: `{"uniqueId": "x"}`, status: 400, text: "uniqueId: This field was not expected."},
		{name: "not JSON", body: `{`, status: 400, text: "The body is not JSON."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := start(t, dinardragon.Options{})
			r := b.request(t, "/status", tt.body)
			if tt.spoil != nil {
				tt.spoil(r.Header)
			}
			got, err := b.Do(r)
			require.NoError(t, err)
			require.Equal(t, tt.status, got.Status)
			require.JSONEq(t, fmt.Sprintf(`{"code": %d, "error": %q}`, tt.status, tt.text), got.Body)
			require.Equal(t, dinardragon.Counts{Statuses: 1, KeyRefused: tt.keys}, b.Counts())
		})
	}
}

func TestMethodsAndPaths(t *testing.T) {
	t.Parallel()
	b := start(t, dinardragon.Options{})
	for _, tt := range []struct {
		method, path string
		want         int
	}{
		{http.MethodGet, "/status", http.StatusMethodNotAllowed},
		{http.MethodPut, "/execute", http.StatusMethodNotAllowed},
		{http.MethodPost, "/status/", http.StatusNotFound},
		{http.MethodPost, "/", http.StatusNotFound},
		{http.MethodGet, "/sandbox/nothing", http.StatusNotFound},
	} {
		require.Equal(t, tt.want, b.call(t, tt.method, tt.path, `{}`).Status, "%s %s", tt.method, tt.path)
	}
	require.Equal(t, dinardragon.Counts{}, b.Counts())
}

// made is the answer to /execute.
type made struct {
	Code     int `json:"code"`
	Accounts []struct {
		Number    string `json:"accNo"`
		Amount    any    `json:"amount"`
		Bank      string `json:"bank"`
		Country   string `json:"country"`
		Recipient string `json:"recipientname"`
		Date      string `json:"date"`
		Time      string `json:"time"`
		Email     string `json:"email"`
		UniqueID  string `json:"uniqueid"`
	} `json:"accounts"`
	Charge    jsontext.Value `json:"charge_in_usd"`
	PaymentID string         `json:"payment_id"`
	Message   string         `json:"message"`
}

const threeAccounts = `{"amount": 60.5, "accounts": [
	{"acc": "IQ98-arrives", "amount": 10.5, "bank": "Bank of Trial", "country": "IQ", "recipientname": "First Recipient"},
	{"acc": "IQ98-FAILED", "amount": "20", "bank": "Bank of Trial", "country": "IQ", "recipientname": "Second Recipient"},
	{"acc": "IQ98-stuck", "amount": 30, "bank": "Bank of Trial", "country": "IQ", "recipientname": "Third Recipient"}
]}`

func (b bundle) authcode(t *testing.T) string {
	t.Helper()
	got := b.post(t, "/get-authcode", threeAccounts)
	require.Equal(t, http.StatusOK, got.Status, got.Body)
	var answer struct {
		Code     int            `json:"code"`
		Charge   jsontext.Value `json:"charge_in_usd"`
		Authcode string         `json:"authcode"`
	}
	require.NoError(t, json.Unmarshal([]byte(got.Body), &answer, json.RejectUnknownMembers(true)))
	require.Equal(t, 200, answer.Code)
	require.Equal(t, "60.50", string(answer.Charge))
	require.NotEmpty(t, answer.Authcode)
	return answer.Authcode
}

func TestAPayoutFromItsFirstStep(t *testing.T) {
	t.Parallel()
	b := start(t, dinardragon.Options{ArrivesAfter: 10 * time.Minute})
	code := b.authcode(t)
	got := b.post(t, "/execute", `{"authcode": "`+code+`"}`)
	require.Equal(t, http.StatusOK, got.Status, got.Body)
	var p made
	require.NoError(t, json.Unmarshal([]byte(got.Body), &p, json.RejectUnknownMembers(true)))
	require.Equal(t, 200, p.Code)
	require.Regexp(t, regexp.MustCompile(`^[0-9a-f]{16}$`), p.PaymentID)
	require.NotEmpty(t, p.Message)
	require.Equal(t, "60.50", string(p.Charge))
	require.Len(t, p.Accounts, 3)
	require.Equal(t, "IQ98-arrives", p.Accounts[0].Number)
	require.Equal(t, "2026-01-31", p.Accounts[0].Date)
	require.Equal(t, "14:35", p.Accounts[0].Time)
	require.Equal(t, "20", p.Accounts[1].Amount, "as it was sent")

	states := func() []dinardragon.Status {
		var answer struct {
			Code     int                   `json:"code"`
			Payments []dinardragon.Payment `json:"payments"`
		}
		got := b.post(t, "/status", `{"payment_id": "`+p.PaymentID+`"}`)
		require.NoError(t, json.Unmarshal([]byte(got.Body), &answer))
		var all []dinardragon.Status
		for i, one := range answer.Payments {
			require.Equal(t, p.Accounts[i].UniqueID, one.UniqueID)
			all = append(all, one.Status)
		}
		return all
	}
	require.Equal(t, []dinardragon.Status{0, 0, 0}, states())
	b.clock.turn(10*time.Minute - time.Nanosecond)
	require.Equal(t, []dinardragon.Status{0, 0, 0}, states())
	b.clock.turn(time.Nanosecond)
	require.Equal(t, []dinardragon.Status{1, 2, 0}, states())
	b.clock.turn(24 * time.Hour)
	require.Equal(t, []dinardragon.Status{1, 2, 0}, states())

	require.NoError(t, b.SetStatus(p.Accounts[2].UniqueID, dinardragon.Successful))
	require.NoError(t, b.SetStatus(p.Accounts[0].UniqueID, dinardragon.Failed))
	require.Equal(t, []dinardragon.Status{2, 2, 1}, states(), "the provider may correct itself")

	require.Equal(t, http.StatusBadRequest, b.post(t, "/execute", `{"authcode": "`+code+`"}`).Status, "an authcode is good once")
}

func TestAuthcodeExpires(t *testing.T) {
	t.Parallel()
	b := start(t, dinardragon.Options{})
	code := b.authcode(t)
	b.clock.turn(15 * time.Minute)
	got := b.post(t, "/execute", `{"authcode": "`+code+`"}`)
	require.JSONEq(t, `{"code": 400, "error": "Invalid or expired authcode."}`, got.Body)
	require.Len(t, b.Payouts(), 1)
}

func TestFirstStepsRefuse(t *testing.T) {
	t.Parallel()
	b := start(t, dinardragon.Options{})
	account := `{"acc": "1", "amount": 1, "bank": "b", "country": "c", "recipientname": "r"}`
	for body, want := range map[string]string{
		`{"accounts": [` + account + `]}`:                                                                 "amount must be",
		`{"amount": 0, "accounts": [` + account + `]}`:                                                    "amount must be",
		`{"amount": "one", "accounts": [` + account + `]}`:                                                "amount must be",
		`{"amount": 1e99, "accounts": [` + account + `]}`:                                                 "amount must be",
		`{"amount": "` + strings.Repeat("1", 31) + `", "accounts": [` + account + `]}`:                    "amount must be",
		`{"amount": 1, "accounts": []}`:                                                                   "at least one account",
		`{"amount": 1}`:                                                                                   "at least one account",
		`{"amount": 1, "accounts": [` + strings.Replace(account, `"amount": 1`, `"amount": -1`, 1) + `]}`: "accounts.0.amount",
		`{"amount": 1, "accounts": [` + account + `, ` + strings.Replace(account, `"b"`, `""`, 1) + `]}`:  "accounts.1 needs",
		`{"amount": 1, "accounts": [{"iban": "1"}]}`:                                                      "accounts.0.iban: This field was not expected.",
	} {
		got := b.post(t, "/get-authcode", body)
		require.Equal(t, http.StatusBadRequest, got.Status, body)
		require.Contains(t, got.Body, want, body)
	}
	require.Equal(t, http.StatusForbidden, func() int {
		r := b.request(t, "/execute", `{"authcode": "x"}`)
		r.Header.Set("Authorization", "other")
		got, err := b.Do(r)
		require.NoError(t, err)
		return got.Status
	}())
}

func TestAccountsDoWhatTheyPromise(t *testing.T) {
	t.Parallel()
	require.NotEmpty(t, dinardragon.Accounts())
	for _, account := range dinardragon.Accounts() {
		b := start(t, dinardragon.Options{})
		body := `{"amount": 1, "accounts": [{"acc": "x-` + account.Number + `-x", "amount": 1, "bank": "b", "country": "c", "recipientname": "r"}]}`
		var first struct {
			Authcode string `json:"authcode"`
		}
		require.NoError(t, json.Unmarshal([]byte(b.post(t, "/get-authcode", body).Body), &first))
		require.Equal(t, http.StatusOK, b.post(t, "/execute", `{"authcode": "`+first.Authcode+`"}`).Status)
		b.clock.turn(time.Hour)
		require.Equal(t, account.Status, b.Payouts()[1].Payments[0].Status, account.Number)
	}
}

func TestPut(t *testing.T) {
	t.Parallel()
	b := start(t, dinardragon.Options{})
	one := func(uniqueID string, status dinardragon.Status) []dinardragon.Payment {
		return []dinardragon.Payment{{UniqueID: uniqueID, Status: status}}
	}
	for name, p := range map[string]dinardragon.Payout{
		"no payment_id":     {Payments: one("a", 0)},
		"no payments":       {PaymentID: "new"},
		"no uniqueid":       {PaymentID: "new", Payments: one("", 0)},
		"uniqueid twice":    {PaymentID: "new", Payments: append(one("a", 0), one("a", 1)...)},
		"another's payment": {PaymentID: "new", Payments: one(id(1), 0)},
		"status 3":          {PaymentID: "new", Payments: one("a", 3)},
		"status -1":         {PaymentID: "new", Payments: one("a", -1)},
	} {
		require.Error(t, b.Put(p), name)
	}
	require.Len(t, b.Payouts(), 1, "what was refused changed nothing")

	require.NoError(t, b.Put(dinardragon.Payout{PaymentID: "new", Payments: one("a", 0)}))
	again := dinardragon.Payout{PaymentID: payout, Payments: one(id(1), dinardragon.Failed)}
	require.NoError(t, b.Put(again), "a payout can be made anew, with its own ids")
	require.Equal(t, again, b.Payouts()[0])
	require.Len(t, b.Payouts(), 2)

	require.ErrorContains(t, b.SetStatus("nobody", dinardragon.Failed), `"nobody"`)
	require.ErrorContains(t, b.SetStatus("a", 7), "7")
}

func TestRotate(t *testing.T) {
	t.Parallel()
	b := start(t, dinardragon.Options{})
	require.Error(t, b.Rotate(""))
	require.NoError(t, b.Rotate("another key"))
	require.Equal(t, http.StatusForbidden, b.post(t, "/status", `{"payment_id": "`+payout+`"}`).Status)
	require.Equal(t, dinardragon.Counts{Statuses: 1, KeyRefused: 1}, b.Counts())

	_, err := dinardragon.New(dinardragon.Options{})
	require.Error(t, err)
}

func TestControl(t *testing.T) {
	t.Parallel()
	b := start(t, dinardragon.Options{})

	require.Equal(t, http.StatusNoContent, b.call(t, http.MethodPut, "/sandbox/payouts/p-1", `{"payments": [{"uniqueid": "u-1", "status": 0}]}`).Status)
	require.Equal(t, http.StatusNoContent, b.call(t, http.MethodPut, "/sandbox/payments/u-1", `{"status": 2}`).Status)
	var payouts []dinardragon.Payout
	require.NoError(t, json.Unmarshal([]byte(b.call(t, http.MethodGet, "/sandbox/payouts", "").Body), &payouts))
	require.Equal(t, b.Payouts(), payouts)
	require.Equal(t, dinardragon.Failed, payouts[1].Payments[0].Status)

	var accounts []dinardragon.Account
	require.NoError(t, json.Unmarshal([]byte(b.call(t, http.MethodGet, "/sandbox/accounts", "").Body), &accounts))
	require.Equal(t, dinardragon.Accounts(), accounts)

	var faults struct {
		Faults []dinardragon.FaultInfo `json:"faults"`
	}
	require.NoError(t, json.Unmarshal([]byte(b.call(t, http.MethodGet, "/sandbox/faults", "").Body), &faults))
	require.Equal(t, dinardragon.Faults(), faults.Faults)
	require.JSONEq(t, `{"status": ["http_500"]}`, b.call(t, http.MethodPost, "/sandbox/faults", `{"status": ["http_500"]}`).Body)
	require.Equal(t, 500, b.post(t, "/status", `{"payment_id": "p-1"}`).Status)
	require.JSONEq(t, `{"statuses": 1, "key_refused": 0}`, b.call(t, http.MethodGet, "/sandbox/counts", "").Body)

	require.Equal(t, http.StatusNoContent, b.call(t, http.MethodPut, "/sandbox/credentials", `{"private_key": "another"}`).Status)
	require.Equal(t, 403, b.post(t, "/status", `{"payment_id": "p-1"}`).Status)

	for _, tt := range []struct{ method, path, body string }{
		{http.MethodPut, "/sandbox/payouts/p-2", `{"payments": []}`},
		{http.MethodPut, "/sandbox/payouts/p-2", `{"payments": [{"uniqueid": "u-2", "status": "1"}]}`},
		{http.MethodPut, "/sandbox/payments/u-9", `{"status": 1}`},
		{http.MethodPut, "/sandbox/credentials", `{}`},
		{http.MethodPost, "/sandbox/faults", `{"status": ["nothing"]}`},
		{http.MethodPost, "/sandbox/faults", `{"charge": ["timeout"]}`},
	} {
		require.Equal(t, http.StatusBadRequest, b.call(t, tt.method, tt.path, tt.body).Status, tt.body)
	}
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	b := start(t, dinardragon.Options{})
	const askers = 50
	requests := make([]*http.Request, askers)
	for i := range requests {
		requests[i] = b.request(t, "/status", `{"payment_id": "`+payout+`"}`)
	}
	errs := make(chan error, 2*askers)
	var wait sync.WaitGroup
	for i, r := range requests {
		wait.Go(func() {
			_, err := b.Do(r)
			errs <- err
			b.Payouts()
			errs <- b.SetStatus(id(0), dinardragon.Status(i%3))
		})
	}
	wait.Wait()
	close(errs)
	for err := range errs {
		require.NoError(t, err)
	}
	require.Equal(t, askers, b.Asked(payout))
	require.Equal(t, dinardragon.Counts{Statuses: askers}, b.Counts())
}
