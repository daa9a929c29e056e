package dinardragon_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"

	"dinarfunctions/sandbox/provider/dinardragon"
	"dinarfunctions/sandbox/provider/internal/providertest"
)

// outcome is what a caller sees of a fault.
type outcome struct {
	lost   bool   // no whole answer
	hangs  bool   // no answer at all until the caller gives up
	status int    // HTTP status otherwise
	body   string // the body, as JSON; or a part of it if it is none
}

var outcomes = map[dinardragon.Fault]outcome{
	dinardragon.Timeout:  {hangs: true},
	dinardragon.Cut:      {lost: true},
	dinardragon.HalfBody: {lost: true},
	dinardragon.NotJSON:  {status: 200, body: "//OK"},
	dinardragon.HTMLPage: {status: 200, body: "<html>"},
	dinardragon.TooLong:  {status: 200, body: strings.Repeat(" ", 2<<20)},
	dinardragon.Slow:     {status: 200, body: truth},
	dinardragon.Redirect: {status: 307},

	dinardragon.EmptyList: {status: 200, body: `{"code": 200, "payments": []}`},
	dinardragon.NoList:    {status: 200, body: `{"code": 200}`},
	dinardragon.MissingPayment: {status: 200, body: `{"code": 200, "payments": [
		{"uniqueid": "df9a31ea528a3971", "status": 1}, {"uniqueid": "df9a31ea528a3972", "status": 2}]}`},
	dinardragon.RepeatedPayment: {status: 200, body: `{"code": 200, "payments": [
		{"uniqueid": "df9a31ea528a3971", "status": 1}, {"uniqueid": "df9a31ea528a3972", "status": 2},
		{"uniqueid": "df9a31ea528a3970", "status": 1}, {"uniqueid": "df9a31ea528a3970", "status": 2}]}`},
	dinardragon.RepeatedName:       {status: 200, body: `,"payments":[]}`},
	dinardragon.UndocumentedStatus: {status: 200, body: strings.Replace(truth, `"status": 0`, `"status": 7`, 1)},
	dinardragon.StatusAsText: {status: 200, body: `{"code": 200, "payments": [
		{"uniqueid": "df9a31ea528a3970", "status": "0"}, {"uniqueid": "df9a31ea528a3971", "status": "1"},
		{"uniqueid": "df9a31ea528a3972", "status": "2"}]}`},
	dinardragon.CodeSaysRefused: {status: 200, body: `{"code": 403, "error": "Invalid API key."}`},
	dinardragon.CodeSaysOK:      {status: 400, body: truth},

	dinardragon.HTTP400: {status: 400, body: `{"code": 400, "error": "Bad request."}`},
	dinardragon.HTTP401: {status: 401, body: `{"code": 401, "error": "Unauthorized."}`},
	dinardragon.HTTP403: {status: 403, body: `{"code": 403, "error": "Invalid API key."}`},
	dinardragon.HTTP404: {status: 404, body: `{"code": 404, "error": "Not found."}`},
	dinardragon.HTTP429: {status: 429, body: `{"code": 429, "error": "Too many requests."}`},
	dinardragon.HTTP500: {status: 500, body: `{"code": 500, "error": "Internal server error."}`},
	dinardragon.HTTP502: {status: 502, body: "<html>"},
	dinardragon.HTTP503: {status: 503, body: "<html>"},
}

const truth = `{"code": 200, "payments": [{"uniqueid": "df9a31ea528a3970", "status": 0},
	{"uniqueid": "df9a31ea528a3971", "status": 1}, {"uniqueid": "df9a31ea528a3972", "status": 2}]}`

const question = `{"payment_id": "` + payout + `"}`

func TestFaults(t *testing.T) {
	t.Parallel()
	require.Len(t, outcomes, len(dinardragon.Faults()))
	for _, info := range dinardragon.Faults() {
		t.Run(string(info.Fault), func(t *testing.T) {
			t.Parallel()
			want, ok := outcomes[info.Fault]
			require.True(t, ok, "no test")
			require.NotEmpty(t, info.Description)
			require.Equal(t, []string{"status"}, info.Requests)
			require.False(t, info.Charges)
			b := start(t, dinardragon.Options{Sleep: func(context.Context, time.Duration) error { return nil }})
			before := b.Payouts()
			require.NoError(t, b.Script(info.Fault))

			want.verify(t, b)

			require.Equal(t, before, b.Payouts(), "what is kept is true, whatever was answered")
			require.Equal(t, 1, b.Asked(payout))
			require.JSONEq(t, truth, b.post(t, "/status", question).Body, "the fault is spent")
		})
	}
}

func (o outcome) verify(t *testing.T, b bundle) {
	t.Helper()
	r := b.request(t, "/status", question)
	if o.hangs {
		b.Abandon(t, r)
		return
	}
	got, err := b.Do(r)
	if o.lost {
		require.True(t, providertest.IsCut(err), "%v", err)
		return
	}
	require.NoError(t, err)
	require.Equal(t, o.status, got.Status)
	require.NotContains(t, got.Body, key)
	if json.Unmarshal([]byte(o.body), new(any)) == nil {
		require.JSONEq(t, o.body, got.Body)
		return
	}
	require.Contains(t, got.Body, o.body)
	if o.body != "" && !strings.HasPrefix(o.body, " ") {
		require.Error(t, json.Unmarshal([]byte(got.Body), new(any)), "not JSON, or a name twice")
	}
}

func TestMissingPaymentOfOne(t *testing.T) {
	t.Parallel()
	b := start(t, dinardragon.Options{})
	require.NoError(t, b.Script(dinardragon.MissingPayment))
	got := b.post(t, "/status", `{"uniqueid": "`+id(1)+`"}`)
	require.Equal(t, http.StatusOK, got.Status)
	require.Contains(t, got.Body, `"status":1`)
	require.NotContains(t, got.Body, id(1))
}

func TestSlowWaitsForItsTime(t *testing.T) {
	t.Parallel()
	var waited time.Duration
	b := start(t, dinardragon.Options{
		SlowFor: 7 * time.Second,
		Sleep:   func(_ context.Context, d time.Duration) error { waited = d; return nil },
	})
	require.NoError(t, b.Script(dinardragon.Slow))
	require.JSONEq(t, truth, b.post(t, "/status", question).Body)
	require.Equal(t, 7*time.Second, waited)
}

func TestSlowEndsWithItsCaller(t *testing.T) {
	t.Parallel()
	b := start(t, dinardragon.Options{SlowFor: time.Hour})
	require.NoError(t, b.Script(dinardragon.Slow))
	b.Abandon(t, b.request(t, "/status", question))
}

func TestFollowedRedirectAsksAgain(t *testing.T) {
	t.Parallel()
	b := start(t, dinardragon.Options{})
	require.NoError(t, b.Script(dinardragon.Redirect))
	b.Client.CheckRedirect = nil
	require.JSONEq(t, truth, b.post(t, "/status", question).Body)
	require.Equal(t, 2, b.Asked(payout))
}

func TestFaultsWaitForARightRequest(t *testing.T) {
	t.Parallel()
	b := start(t, dinardragon.Options{})
	require.NoError(t, b.Script(dinardragon.HTTP500, dinardragon.EmptyList))
	require.Equal(t, 400, b.post(t, "/status", `{}`).Status)
	require.Equal(t, 500, b.post(t, "/status", question).Status)
	require.JSONEq(t, `{"code": 200, "payments": []}`, b.post(t, "/status", `{"payment_id": "unknown"}`).Body)
	require.ErrorContains(t, b.Script("nothing"), `"nothing"`)
}

// Whatever is asked gets an answer in one of the provider's two forms.
func FuzzStatus(f *testing.F) {
	for _, seed := range []string{
		question,
		`{"uniqueid": "df9a31ea528a3970"}`,
		`{"uniqueid": "df9a31ea528a3970", "payment_id": "` + payout + `"}`,
		`{"uniqueid": 1}`, `{"uniqueid": null}`, `{"uniqueid": "", "payment_id": ""}`,
		`[]`, `null`, `{`, ``, "\xff",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		got := serve(t, "/status", body)
		if got.Status != http.StatusOK {
			require.Equal(t, http.StatusBadRequest, got.Status)
			require.Contains(t, got.Body, `"error":"`)
			return
		}
		require.Contains(t, got.Body, `"payments":[{`)
	})
}

// The same for the first step; what is taken has a price above zero.
func FuzzGetAuthcode(f *testing.F) {
	for _, seed := range []string{
		threeAccounts,
		strings.Replace(threeAccounts, "60.5", "1e999999999", 1),
		strings.Replace(threeAccounts, "10.5", `"0.000000000000000000000000001"`, 1),
		`{"amount": "NaN", "accounts": [{}]}`, `{"accounts": null}`, `[]`, `{`, ``, "\xff",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		got := serve(t, "/get-authcode", body)
		if got.Status != http.StatusOK {
			require.Equal(t, http.StatusBadRequest, got.Status)
			return
		}
		require.Regexp(t, `"charge_in_usd":[0-9]+\.[0-9]{2}`, got.Body)
	})
}

func serve(t *testing.T, path, body string) providertest.Reply {
	t.Helper()
	sim, err := dinardragon.New(dinardragon.Options{PrivateKey: key})
	require.NoError(t, err)
	require.NoError(t, sim.Put(dinardragon.Payout{PaymentID: payout, Payments: []dinardragon.Payment{{UniqueID: id(0)}}}))
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", key)
	w := httptest.NewRecorder()
	sim.ServeHTTP(w, r)
	require.NotContains(t, w.Body.String(), key)
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), new(any)), "JSON in any case")
	return providertest.Reply{Status: w.Code, Header: w.Header(), Body: w.Body.String()}
}
