package dinardragon_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/dinardragon"
	"dinarfunctions/shared/secrets"
)

const (
	firstKey  = "MARKED-first-key"
	secondKey = "MARKED-second-key"
)

// answer is what the provider does with one request.
type answer func(http.ResponseWriter, *http.Request)

// provider is Dinar Dragon on a local port. It checks each request, and answers
// with the next of its answers; the last one stays.
type provider struct {
	*httptest.Server
	t       *testing.T
	mu      sync.Mutex
	answers []answer
	bodies  []string
	keys    []string
}

func newProvider(t *testing.T, answers ...answer) *provider {
	t.Helper()
	p := &provider{t: t, answers: answers}
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	return p
}

func (p *provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	p.mu.Lock()
	defer p.mu.Unlock()
	// The path shows that the base path is kept.
	if err != nil || r.Method != http.MethodPost || r.RequestURI != "/base/v2/status" {
		p.t.Errorf("unexpected request %s %s %v", r.Method, r.RequestURI, err)
	}
	for name, want := range map[string]string{"Content-Type": "application/json", "Accept": "application/json"} {
		if r.Header.Get(name) != want {
			p.t.Errorf("%s is %q", name, r.Header.Get(name))
		}
	}
	for _, name := range []string{"Idempotency-Key", "X-Idempotency-Key", "Accept-Encoding", "Cookie"} {
		if r.Header.Get(name) != "" {
			p.t.Errorf("%s is set", name)
		}
	}
	p.bodies = append(p.bodies, string(body))
	p.keys = append(p.keys, strings.Join(r.Header.Values("Authorization"), " and "))
	next := p.answers[0]
	if len(p.answers) > 1 {
		p.answers = p.answers[1:]
	}
	p.mu.Unlock()
	defer p.mu.Lock()
	next(w, r)
}

func (p *provider) sent() (keys, bodies []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.keys, p.bodies
}

func (p *provider) requests() int {
	keys, _ := p.sent()
	return len(keys)
}

func status(code int, body string) answer {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

func cut(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

func halfBody(code int) answer {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		w.WriteHeader(code)
		_, _ = io.WriteString(w, `{"code":200,"payments":[{"uniqueid":"df9a31ea528a3977","status":1}]}`)
	}
}

// silence takes the request and never answers it.
func silence(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// keys stands in for the secret: a key in use, and one for after a refresh.
type keys struct {
	mu         sync.Mutex
	current    string
	fresh      string
	getErr     error
	refreshErr error
	refreshes  int
}

func (k *keys) Get(context.Context) (secrets.Text, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return secrets.NewText(k.current), k.getErr
}

func (k *keys) Refresh(context.Context) (secrets.Text, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.refreshes++
	if k.refreshErr == nil {
		k.current = k.fresh
	}
	return secrets.NewText(k.fresh), k.refreshErr
}

func newKeys() *keys { return &keys{current: firstKey, fresh: secondKey} }

func clientOf(t *testing.T, p *provider, k dinardragon.Key, change ...func(*dinardragon.Options)) *dinardragon.Client {
	t.Helper()
	base, err := url.Parse(p.URL + "/base/v2")
	require.NoError(t, err)
	o := dinardragon.Options{
		Backoff:  func() backoff.BackOff { return &backoff.ZeroBackOff{} },
		TryLimit: time.Minute,
	}
	for _, c := range change {
		c(&o)
	}
	return dinardragon.New(base, k, o)
}

// shortTries end what never ends, and leave time for everything else.
func shortTries(o *dinardragon.Options) { o.TryLimit = time.Second }

const (
	one   = `{"code":200,"payments":[{"uniqueid":"df9a31ea528a3977","status":1}]}`
	three = `{"code": 200, "payments": [{"uniqueid": "first", "status": 0}, {"uniqueid": "second", "status": 1}, {"uniqueid": "third", "status": 2}]}`
	id    = "df9a31ea528a3977"
)

func TestPaymentStatus(t *testing.T) {
	t.Parallel()
	p := newProvider(t, status(200, one))
	got, err := clientOf(t, p, newKeys()).PaymentStatus(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, dinardragon.Payment{UniqueID: id, Status: 1, State: dinardragon.Successful}, got)
	keys, bodies := p.sent()
	require.Equal(t, []string{firstKey}, keys, "the whole value of the header, no Bearer")
	require.Equal(t, []string{`{"uniqueid":"df9a31ea528a3977"}`}, bodies)
}

func TestPayoutStatus(t *testing.T) {
	t.Parallel()
	p := newProvider(t, status(201, strings.Replace(three, "200", "201", 1)))
	got, err := clientOf(t, p, newKeys()).PayoutStatus(t.Context(), "1617fcccd1f3269c")
	require.NoError(t, err)
	require.Equal(t, []dinardragon.Payment{
		{UniqueID: "first", Status: 0, State: dinardragon.Processing},
		{UniqueID: "second", Status: 1, State: dinardragon.Successful},
		{UniqueID: "third", Status: 2, State: dinardragon.Failed},
	}, got)
	_, bodies := p.sent()
	require.Equal(t, []string{`{"payment_id":"1617fcccd1f3269c"}`}, bodies)
}

func TestAcceptedAnswers(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, body string
		want       dinardragon.Payment
	}{
		{"processing", `{"code":200,"payments":[{"uniqueid":"a","status":0}]}`, dinardragon.Payment{UniqueID: "a", Status: 0, State: dinardragon.Processing}},
		{"failed", `{"code":200,"payments":[{"uniqueid":"a","status":2}]}`, dinardragon.Payment{UniqueID: "a", Status: 2, State: dinardragon.Failed}},
		{"undocumented status", `{"code":200,"payments":[{"uniqueid":"a","status":7}]}`, dinardragon.Payment{UniqueID: "a", Status: 7, State: dinardragon.Unrecognised}},
		{"negative status", `{"code":200,"payments":[{"uniqueid":"a","status":-1}]}`, dinardragon.Payment{UniqueID: "a", Status: -1, State: dinardragon.Unrecognised}},
		{"no code", `{"payments":[{"uniqueid":"a","status":1}]}`, dinardragon.Payment{UniqueID: "a", Status: 1, State: dinardragon.Successful}},
		{"more fields", `{"code":200,"x":{"y":[]},"error":null,"payments":[{"uniqueid":"a","status":1,"date":"2025-01-31"}]}`, dinardragon.Payment{UniqueID: "a", Status: 1, State: dinardragon.Successful}},
		{"among others", `{"code":200,"payments":[{"uniqueid":"b","status":2},{"uniqueid":"a","status":1},{"uniqueid":"A","status":0}]}`, dinardragon.Payment{UniqueID: "a", Status: 1, State: dinardragon.Successful}},
		{"twice the same", `{"code":200,"payments":[{"uniqueid":"a","status":1},{"uniqueid":"a","status":1}]}`, dinardragon.Payment{UniqueID: "a", Status: 1, State: dinardragon.Successful}},
		{"white space", "\n" + ` {"code":200,"payments":[{"uniqueid":"a","status":1}]} ` + "\r\n", dinardragon.Payment{UniqueID: "a", Status: 1, State: dinardragon.Successful}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := clientOf(t, newProvider(t, status(200, c.body)), newKeys()).PaymentStatus(t.Context(), "a")
			require.NoError(t, err)
			require.Equal(t, c.want, got)
		})
	}

	got, err := clientOf(t, newProvider(t, status(200, cases[7].body)), newKeys()).PayoutStatus(t.Context(), "p")
	require.NoError(t, err)
	require.Len(t, got, 1, "a payment that is there twice is one payment")
}

func TestAPayoutOfManyPayments(t *testing.T) {
	t.Parallel()
	var body strings.Builder
	body.WriteString(`{"code":200,"payments":[`)
	const many = 20_000
	for i := range many {
		fmt.Fprintf(&body, `{"uniqueid":"%016x","status":%d},`, i, i%3)
	}
	p := newProvider(t, status(200, strings.TrimSuffix(body.String(), ",")+"]}"))
	got, err := clientOf(t, p, newKeys()).PayoutStatus(t.Context(), "p")
	require.NoError(t, err)
	require.Len(t, got, many)
}

// TestFaults goes through everything that can be wrong with an answer. Every
// body that can repeats the key, which no error may do.
func TestFaults(t *testing.T) {
	t.Parallel()
	worded := func(code int) answer {
		return status(code, fmt.Sprintf(`{"code":%d,"error":"No such payment. %s"}`, code, firstKey))
	}
	type want struct {
		kind      dinardragon.Kind
		http      int
		requests  int
		refreshes int
		says      string
	}
	cases := []struct {
		name    string
		answers []answer
		want    want
	}{
		{"400 in its own words", []answer{worded(400)}, want{dinardragon.Worded, 400, 1, 0, "No such payment."}},
		{"404 in its own words", []answer{worded(404)}, want{dinardragon.Worded, 404, 1, 0, "No such payment."}},
		{"400 without a code", []answer{status(400, `{"error":"No such payment."}`)}, want{dinardragon.Worded, 400, 1, 0, "No such payment."}},
		{"400 with another code", []answer{status(400, `{"code":404,"error":"No such payment."}`)}, want{dinardragon.Unusable, 400, 1, 0, "its code 404 contradicts"}},
		{"400 as the page prints it", []answer{status(400, "{\n\"code\": 400, //Fail\n\"error\": \"Wrong.\",\n}")}, want{dinardragon.Unusable, 400, 1, 0, "not JSON"}},
		{"400 without words", []answer{status(400, `{"code":400}`)}, want{dinardragon.Unusable, 400, 1, 0, "neither a documented success nor a documented failure"}},
		{"400 with blank words", []answer{status(400, `{"code":400,"error":" "}`)}, want{dinardragon.Unusable, 400, 1, 0, "neither"}},
		{"400 with HTML", []answer{status(400, "<html>"+firstKey)}, want{dinardragon.Unusable, 400, 1, 0, "not JSON"}},
		{"404 with nothing", []answer{status(404, "")}, want{dinardragon.Unusable, 404, 1, 0, "empty"}},

		{"403", []answer{worded(403)}, want{dinardragon.KeyRefused, 403, 2, 1, "refused the private key"}},
		{"401", []answer{status(401, "")}, want{dinardragon.KeyRefused, 401, 2, 1, "refused the private key"}},
		{"403 with HTML", []answer{status(403, "<html>")}, want{dinardragon.KeyRefused, 403, 2, 1, "refused the private key"}},
		{"403 with half a body", []answer{halfBody(403)}, want{dinardragon.KeyRefused, 403, 2, 1, "refused the private key"}},
		{"400 that blames the key", []answer{status(400, `{"code":400,"error":"Missing API key in request headers."}`)}, want{dinardragon.KeyRefused, 400, 2, 1, "Missing API key"}},
		{"400 that says unauthorized", []answer{status(400, `{"code":400,"error":"Unauthorized"}`)}, want{dinardragon.KeyRefused, 400, 2, 1, "Unauthorized"}},
		{"400 about an invalid key", []answer{status(400, `{"code":400,"error":"Invalid key."}`)}, want{dinardragon.KeyRefused, 400, 2, 1, "Invalid key"}},
		{"403, then worded", []answer{worded(403), worded(400)}, want{dinardragon.Worded, 400, 2, 1, "No such payment."}},
		{"403, then 500", []answer{worded(403), status(500, "")}, want{dinardragon.Unusable, 500, 4, 1, "empty"}},
		{"500, 403, 500, 403", []answer{status(500, ""), worded(403), status(500, ""), worded(403)}, want{dinardragon.KeyRefused, 403, 4, 1, "refused the private key"}},

		{"500", []answer{status(500, "oops")}, want{dinardragon.Unusable, 500, 3, 0, "not JSON"}},
		{"500 in its own words", []answer{status(500, `{"code":500,"error":"Out of order `+firstKey+`"}`)}, want{dinardragon.Unusable, 500, 3, 0, "Out of order"}},
		{"503 with a success in it", []answer{status(503, one)}, want{dinardragon.Unusable, 503, 3, 0, "its code 200 contradicts"}},
		{"502 without a code", []answer{status(502, `{"payments":[{"uniqueid":"df9a31ea528a3977","status":1}]}`)}, want{dinardragon.Unusable, 502, 3, 0, "neither"}},
		{"429", []answer{status(429, `{"code":429,"error":"Slow down"}`)}, want{dinardragon.Unreachable, 429, 3, 0, "too many requests"}},
		{"429 with half a body", []answer{halfBody(429)}, want{dinardragon.Unreachable, 429, 3, 0, "too many requests"}},
		{"cut", []answer{cut}, want{dinardragon.Unreachable, 0, 3, 0, "cannot be reached"}},
		{"half a body", []answer{halfBody(200)}, want{dinardragon.Unusable, 200, 3, 0, "broke off after 68 bytes"}},
		{"half a refusal", []answer{halfBody(400)}, want{dinardragon.Unusable, 400, 3, 0, "broke off"}},
		{"cut, then worded", []answer{cut, worded(400)}, want{dinardragon.Worded, 400, 2, 0, "No such payment."}},

		{"redirect", []answer{func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "://"+firstKey)
			w.WriteHeader(307)
		}}, want{dinardragon.Unusable, 307, 1, 0, "redirect"}},
		{"204", []answer{status(204, "")}, want{dinardragon.Unusable, 204, 1, 0, "empty"}},
		{"202", []answer{status(202, strings.Replace(one, "200", "202", 1))}, want{dinardragon.Unusable, 202, 1, 0, "neither"}},
		{"empty body", []answer{status(200, "")}, want{dinardragon.Unusable, 200, 1, 0, "empty"}},
		{"HTML", []answer{status(200, "<html>"+firstKey)}, want{dinardragon.Unusable, 200, 1, 0, "not JSON (byte 0)"}},
		{"as the page prints it", []answer{status(200, "{\n\"code\": 200, //OK\n\"payments\":\n[\n{\"uniqueid\": \"df9a31ea528a3977\", \n\"status\": 1 //payment successful\n}\n]\n\n}")}, want{dinardragon.Unusable, 200, 1, 0, "not JSON"}},
		{"trailing comma", []answer{status(200, `{"code":200,"payments":[{"uniqueid":"df9a31ea528a3977","status":1}],}`)}, want{dinardragon.Unusable, 200, 1, 0, "not JSON"}},
		{"trailing text", []answer{status(200, one+one)}, want{dinardragon.Unusable, 200, 1, 0, "not JSON"}},
		{"half JSON", []answer{status(200, one[:40])}, want{dinardragon.Unusable, 200, 1, 0, "not JSON"}},
		{"not UTF-8", []answer{status(200, strings.Replace(one, "df", "\xff", 1))}, want{dinardragon.Unusable, 200, 1, 0, "not JSON"}},
		{"a name twice", []answer{status(200, `{"`+firstKey+`":1,"`+firstKey+`":2}`)}, want{dinardragon.Unusable, 200, 1, 0, "a name twice"}},
		{"null", []answer{status(200, "null")}, want{dinardragon.Unusable, 200, 1, 0, "not a JSON object"}},
		{"a list", []answer{status(200, `[{"uniqueid":"df9a31ea528a3977","status":1}]`)}, want{dinardragon.Unusable, 200, 1, 0, "not a JSON object"}},
		{"a text", []answer{status(200, `"`+firstKey+`"`)}, want{dinardragon.Unusable, 200, 1, 0, "not a JSON object"}},
		{"an empty object", []answer{status(200, `{}`)}, want{dinardragon.Unusable, 200, 1, 0, "no payments"}},
		{"no payments", []answer{status(200, `{"code":200}`)}, want{dinardragon.Unusable, 200, 1, 0, "no payments"}},
		{"an empty list", []answer{status(200, `{"code":200,"payments":[]}`)}, want{dinardragon.Unusable, 200, 1, 0, "no payments"}},
		{"payments null", []answer{status(200, `{"code":200,"payments":null}`)}, want{dinardragon.Unusable, 200, 1, 0, "no payments"}},
		{"payments an object", []answer{status(200, `{"code":200,"payments":{"uniqueid":"df9a31ea528a3977","status":1}}`)}, want{dinardragon.Unusable, 200, 1, 0, "payments is not of the documented type"}},
		{"other case", []answer{status(200, `{"code":200,"Payments":[{"uniqueid":"df9a31ea528a3977","status":1}]}`)}, want{dinardragon.Unusable, 200, 1, 0, "no payments"}},
		{"no uniqueid", []answer{status(200, `{"code":200,"payments":[{"status":1}]}`)}, want{dinardragon.Unusable, 200, 1, 0, "payments/0 lacks"}},
		{"no status", []answer{status(200, `{"code":200,"payments":[{"uniqueid":"df9a31ea528a3977"}]}`)}, want{dinardragon.Unusable, 200, 1, 0, "payments/0 lacks"}},
		{"status null", []answer{status(200, `{"code":200,"payments":[{"uniqueid":"df9a31ea528a3977","status":null}]}`)}, want{dinardragon.Unusable, 200, 1, 0, "payments/0 lacks"}},
		{"an entry null", []answer{status(200, `{"code":200,"payments":[null]}`)}, want{dinardragon.Unusable, 200, 1, 0, "payments/0 lacks"}},
		{"status a text", []answer{status(200, `{"code":200,"payments":[{"uniqueid":"df9a31ea528a3977","status":"1"}]}`)}, want{dinardragon.Unusable, 200, 1, 0, "payments/0/status is not of the documented type"}},
		{"status true", []answer{status(200, `{"code":200,"payments":[{"uniqueid":"df9a31ea528a3977","status":true}]}`)}, want{dinardragon.Unusable, 200, 1, 0, "payments/0/status"}},
		{"status a fraction", []answer{status(200, `{"code":200,"payments":[{"uniqueid":"df9a31ea528a3977","status":1.5}]}`)}, want{dinardragon.Unusable, 200, 1, 0, "payments/0/status"}},
		{"status without end", []answer{status(200, `{"code":200,"payments":[{"uniqueid":"df9a31ea528a3977","status":99999999999999999999}]}`)}, want{dinardragon.Unusable, 200, 1, 0, "payments/0/status"}},
		{"uniqueid a number", []answer{status(200, `{"code":200,"payments":[{"uniqueid":1,"status":1}]}`)}, want{dinardragon.Unusable, 200, 1, 0, "payments/0/uniqueid"}},
		{"uniqueid empty", []answer{status(200, `{"code":200,"payments":[{"uniqueid":"","status":1}]}`)}, want{dinardragon.Unusable, 200, 1, 0, "payments/0 has a uniqueid"}},
		{"one good, one bad", []answer{status(200, `{"code":200,"payments":[{"uniqueid":"df9a31ea528a3977","status":1},{"uniqueid":"b"}]}`)}, want{dinardragon.Unusable, 200, 1, 0, "payments/1 lacks"}},
		{"a contradiction", []answer{status(200, `{"code":200,"payments":[{"uniqueid":"df9a31ea528a3977","status":1},{"uniqueid":"df9a31ea528a3977","status":2}]}`)}, want{dinardragon.Unusable, 200, 1, 0, "payments/1 contradicts"}},
		{"another payment", []answer{status(200, `{"code":200,"payments":[{"uniqueid":"other","status":1}]}`)}, want{dinardragon.Unusable, 200, 1, 0, "not about the payment"}},
		{"the payment in other case", []answer{status(200, strings.ToUpper(one)), status(200, `{"code":200,"payments":[{"uniqueid":"DF9A31EA528A3977","status":1}]}`)}, want{dinardragon.Unusable, 200, 1, 0, "no payments"}},
		{"another code", []answer{status(200, strings.Replace(one, "200", "201", 1))}, want{dinardragon.Unusable, 200, 1, 0, "its code 201 contradicts"}},
		{"a failure's code", []answer{status(200, `{"code":400,"error":"Wrong `+firstKey+`"}`)}, want{dinardragon.Worded, 200, 1, 0, "Wrong [hidden]"}},
		{"a failure's code without words", []answer{status(200, `{"code":400}`)}, want{dinardragon.Unusable, 200, 1, 0, "its code 400 contradicts"}},
		{"a failure's code and payments", []answer{status(200, strings.Replace(one, "200", "404", 1))}, want{dinardragon.Unusable, 200, 1, 0, "its code 404 contradicts"}},
		{"a code that blames the key", []answer{status(200, `{"code":400,"error":"Invalid key."}`)}, want{dinardragon.KeyRefused, 200, 2, 1, "Invalid key"}},
		// Contract, Payouts: "A Dinar Dragon answer of HTTP 200 whose code is 401 or 403
		// is a refused key, as the status would be."
		{"code 401", []answer{status(200, `{"code":401,"error":"No."}`)}, want{dinardragon.KeyRefused, 200, 2, 1, "(HTTP 200, code 401)"}},
		{"code 403", []answer{status(200, `{"code":403}`)}, want{dinardragon.KeyRefused, 200, 2, 1, "(HTTP 200, code 403)"}},
		{"code 429", []answer{status(200, `{"code":429,"error":"Slow down"}`)}, want{dinardragon.Unreachable, 200, 3, 0, "too many requests"}},
		{"code 500", []answer{status(200, `{"code":500,"error":"Out of order"}`)}, want{dinardragon.Unusable, 200, 3, 0, "its code 500 contradicts"}},
		{"code a text", []answer{status(200, strings.Replace(one, "200", `"200"`, 1))}, want{dinardragon.Unusable, 200, 1, 0, "its code is not of the documented type"}},
		{"an error in it", []answer{status(200, `{"code":200,"error":"Partly","payments":[{"uniqueid":"df9a31ea528a3977","status":1}]}`)}, want{dinardragon.Unusable, 200, 1, 0, "success with an error"}},
		{"too much", []answer{status(200, one+strings.Repeat(" ", 3<<20))}, want{dinardragon.Unusable, 200, 1, 0, "more than 3 MiB"}},
		{"headers without end", []answer{func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X", strings.Repeat(firstKey, 10_000)) }}, want{dinardragon.Unreachable, 0, 3, 0, "cannot be reached"}},
		{"not HTTP", []answer{func(w http.ResponseWriter, _ *http.Request) {
			connection, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				_, _ = io.WriteString(connection, firstKey+" "+firstKey+"\r\n\r\n")
				_ = connection.Close()
			}
		}}, want{dinardragon.Unreachable, 0, 3, 0, "cannot be reached"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p, k := newProvider(t, c.answers...), newKeys()
			got, err := clientOf(t, p, k).PaymentStatus(t.Context(), id)
			require.Zero(t, got)
			var fault *dinardragon.Error
			require.ErrorAs(t, err, &fault)
			require.Equal(t, c.want.kind, fault.Kind, "%v", err)
			require.Equal(t, c.want.http, fault.HTTPStatus)
			require.Contains(t, err.Error(), c.want.says)
			if c.want.http != 0 {
				require.Contains(t, err.Error(), fmt.Sprintf("HTTP %d", c.want.http))
			}
			require.Equal(t, c.want.requests, p.requests(), "requests")
			require.Equal(t, c.want.refreshes, k.refreshes, "refreshes")
			require.NotContains(t, fmt.Sprintf("%v %+v %#v %s %q %#v", err, err, err, err, err, *fault), "MARKED")
			require.NotContains(t, fmt.Sprint(fault.Err), "MARKED")
			require.NotContains(t, err.Error(), "\n")
		})
	}
}

func TestFaultsThatPass(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]answer{
		"429": status(429, ""), "500": status(500, ""), "503": status(503, "<html>"), "cut": cut, "half a body": halfBody(200), "silence": silence,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, k := newProvider(t, first, first, status(200, one)), newKeys()
			got, err := clientOf(t, p, k, shortTries).PaymentStatus(t.Context(), id)
			require.NoError(t, err)
			require.Equal(t, dinardragon.Successful, got.State)
			keys, bodies := p.sent()
			require.Equal(t, []string{firstKey, firstKey, firstKey}, keys)
			require.Equal(t, bodies[0], bodies[2])
			require.Zero(t, k.refreshes)
		})
	}
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	p := newProvider(t, status(500, ""), status(200, one))
	got, err := clientOf(t, p, newKeys(), func(o *dinardragon.Options) { *o = dinardragon.Options{} }).PaymentStatus(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, dinardragon.Successful, got.State)
	require.Equal(t, 2, p.requests())
}

func TestARotatedKey(t *testing.T) {
	t.Parallel()
	for name, refusal := range map[string]answer{
		"403": status(403, `{"code":403,"error":"Wrong key"}`),
		"401": status(401, ""),
		"400": status(400, `{"code":400,"error":"Invalid api key."}`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, k := newProvider(t, refusal, status(200, one)), newKeys()
			client := clientOf(t, p, k)
			for range 2 {
				got, err := client.PaymentStatus(t.Context(), id)
				require.NoError(t, err)
				require.Equal(t, dinardragon.Successful, got.State)
			}
			keys, bodies := p.sent()
			require.Equal(t, []string{firstKey, secondKey, secondKey}, keys)
			require.Equal(t, bodies[0], bodies[1])
			require.Equal(t, 1, k.refreshes)
		})
	}
}

func TestWithoutAKeyNothingIsSent(t *testing.T) {
	t.Parallel()
	noValue := &secrets.Error{ID: "DinarDragon", Kind: secrets.ErrNoValue}
	p := newProvider(t, status(200, one))
	k := newKeys()
	k.getErr = noValue
	_, err := clientOf(t, p, k).PaymentStatus(t.Context(), id)
	require.ErrorIs(t, err, secrets.ErrNoValue)
	require.ErrorContains(t, err, "DinarDragon")
	_, err = clientOf(t, p, &keys{}).PaymentStatus(t.Context(), id)
	requireKind(t, err, dinardragon.KeyRefused)
	require.Zero(t, p.requests())
}

func TestTheRefreshFails(t *testing.T) {
	t.Parallel()
	down := &secrets.Error{ID: "DinarDragon", Kind: secrets.ErrUnavailable, Cause: errors.New("throttled")}
	p, k := newProvider(t, status(403, "")), newKeys()
	k.refreshErr = down
	_, err := clientOf(t, p, k).PaymentStatus(t.Context(), id)
	requireKind(t, err, dinardragon.KeyRefused)
	require.ErrorIs(t, err, secrets.ErrUnavailable)
	require.ErrorContains(t, err, "throttled")
	require.Equal(t, 1, p.requests())
}

func requireKind(t *testing.T, err error, kind dinardragon.Kind) {
	t.Helper()
	require.Equal(t, kind, faultOf(t, err).Kind, "%v", err)
}

func faultOf(t *testing.T, err error) *dinardragon.Error {
	t.Helper()
	var fault *dinardragon.Error
	require.ErrorAs(t, err, &fault)
	return fault
}

func TestSilence(t *testing.T) {
	t.Parallel()
	t.Run("each try ends", func(t *testing.T) {
		t.Parallel()
		p := newProvider(t, silence)
		_, err := clientOf(t, p, newKeys(), shortTries).PaymentStatus(t.Context(), id)
		requireKind(t, err, dinardragon.TimedOut)
		require.Equal(t, 3, p.requests())
	})
	t.Run("the caller's deadline", func(t *testing.T) {
		t.Parallel()
		p := newProvider(t, silence)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		_, err := clientOf(t, p, newKeys()).PaymentStatus(ctx, id)
		requireKind(t, err, dinardragon.TimedOut)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.LessOrEqual(t, p.requests(), 1)
	})
	t.Run("the caller gives up", func(t *testing.T) {
		t.Parallel()
		p := newProvider(t, status(200, one))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := clientOf(t, p, newKeys()).PaymentStatus(ctx, id)
		requireKind(t, err, dinardragon.TimedOut)
		require.ErrorIs(t, err, context.Canceled)
		require.Zero(t, p.requests())
	})
	t.Run("in the middle of an answer", func(t *testing.T) {
		t.Parallel()
		p := newProvider(t, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, one[:10])
			_ = http.NewResponseController(w).Flush()
			silence(w, r)
		})
		_, err := clientOf(t, p, newKeys(), shortTries).PaymentStatus(t.Context(), id)
		requireKind(t, err, dinardragon.TimedOut)
		require.Equal(t, 200, faultOf(t, err).HTTPStatus)
		require.Equal(t, 3, p.requests())
	})
	t.Run("in a pause the provider's last word counts", func(t *testing.T) {
		t.Parallel()
		p := newProvider(t, status(500, "oops"))
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		_, err := clientOf(t, p, newKeys(), func(o *dinardragon.Options) {
			o.Backoff = func() backoff.BackOff { return cancelling{cancel} }
		}).PaymentStatus(ctx, id)
		requireKind(t, err, dinardragon.Unusable)
		require.Equal(t, 500, faultOf(t, err).HTTPStatus)
		require.Equal(t, 1, p.requests())
	})
}

// cancelling ends the caller's patience when the first pause begins.
type cancelling struct{ cancel context.CancelFunc }

func (c cancelling) NextBackOff() time.Duration { c.cancel(); return time.Hour }
func (c cancelling) Reset()                     {}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	p := newProvider(t, status(200, one))
	client := clientOf(t, p, newKeys())
	p.Close()
	_, err := client.PaymentStatus(t.Context(), id)
	requireKind(t, err, dinardragon.Unreachable)
	require.Zero(t, faultOf(t, err).HTTPStatus)
	require.ErrorContains(t, err, p.URL, "it says where")
}

func TestTLS(t *testing.T) {
	t.Parallel()
	p := &provider{t: t, answers: []answer{status(200, one)}}
	p.Server = httptest.NewUnstartedServer(p)
	p.Config.ErrorLog = log.New(io.Discard, "", 0)
	p.StartTLS()
	t.Cleanup(p.Close)
	_, err := clientOf(t, p, newKeys()).PaymentStatus(t.Context(), id)
	requireKind(t, err, dinardragon.Unreachable)
	require.Zero(t, p.requests(), "the key goes to nobody who cannot show a certificate")

	roots := x509.NewCertPool()
	roots.AddCert(p.Certificate())
	got, err := clientOf(t, p, newKeys(), func(o *dinardragon.Options) {
		o.TLS = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	}).PaymentStatus(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, dinardragon.Successful, got.State)
}

func TestARedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	for _, code := range []int{301, 302, 303, 307, 308} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			t.Parallel()
			target := newProvider(t, status(200, one))
			p := newProvider(t, func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, target.URL+"/base/v2/status", code)
			})
			_, err := clientOf(t, p, newKeys()).PaymentStatus(t.Context(), id)
			requireKind(t, err, dinardragon.Unusable)
			require.Equal(t, code, faultOf(t, err).HTTPStatus)
			require.Equal(t, 1, p.requests())
			require.Zero(t, target.requests())
		})
	}
}

func TestIDs(t *testing.T) {
	t.Parallel()
	good := []string{"a", "df9a31ea528a3977", strings.Repeat("x", 128), `a"b\c<d>&'~!`}
	bad := []string{"", " ", "a b", " a", "a\n", "a\x00", "a\x7f", "é", "\xff", strings.Repeat("x", 129)}
	for _, id := range good {
		encoded, err := json.Marshal(id)
		require.NoError(t, err)
		p := newProvider(t, status(200, fmt.Sprintf(`{"payments":[{"uniqueid":%s,"status":1}]}`, encoded)))
		got, err := clientOf(t, p, newKeys()).PaymentStatus(t.Context(), dinardragon.PaymentID(id))
		require.NoError(t, err, id)
		require.Equal(t, id, got.UniqueID)
		_, bodies := p.sent()
		var sent map[string]string
		require.NoError(t, json.Unmarshal([]byte(bodies[0]), &sent))
		require.Equal(t, map[string]string{"uniqueid": id}, sent)
	}
	p := newProvider(t, status(200, one))
	for _, id := range bad {
		_, err := clientOf(t, p, newKeys()).PaymentStatus(t.Context(), dinardragon.PaymentID(id))
		requireKind(t, err, dinardragon.BadRequest)
		require.Equal(t, "uniqueid", faultOf(t, err).Field)
		require.ErrorContains(t, err, "uniqueid has to be 1 to 128 printable ASCII characters")
		_, err = clientOf(t, p, newKeys()).PayoutStatus(t.Context(), dinardragon.PayoutID(id))
		requireKind(t, err, dinardragon.BadRequest)
		require.Equal(t, "payment_id", faultOf(t, err).Field)
	}
	require.Zero(t, p.requests())
}

func TestTheProvidersWordsAreCleaned(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ü", 1000)
	cases := []struct{ name, words, want string }{
		{"as they are", "No such payment: «x».", "No such payment: «x»."},
		{"lines", "one\r\ntwo\tthree\u0000\u2028four", "one two three four"},
		{"invisible", "a\u202eb\u200bc\u0007", "a b c"},
		{"the key", "The key " + firstKey + " is unknown", "The key [hidden] is unknown"},
		{"the key at the end of what is shown", strings.Repeat("x", 290) + firstKey, strings.Repeat("x", 290) + "[hidden]"},
		{"long", long, strings.Repeat("ü", 299) + "…"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			body, err := json.Marshal(map[string]any{"code": 400, "error": c.words})
			require.NoError(t, err)
			_, err = clientOf(t, newProvider(t, status(400, string(body))), newKeys()).PaymentStatus(t.Context(), id)
			requireKind(t, err, dinardragon.Worded)
			require.Equal(t, c.want, faultOf(t, err).Text)
		})
	}
}

func TestParseKey(t *testing.T) {
	t.Parallel()
	for _, value := range []string{`{"private_key":"MARKED-1"}`, `{"private_key":"MARKED-1","note":"from the dashboard"}`} {
		key, err := dinardragon.ParseKey([]byte(value))
		require.NoError(t, err, value)
		require.Equal(t, "MARKED-1", key.Reveal())
	}
	for _, value := range []string{
		``, `null`, `{}`, `"MARKED"`, `{"private_key":null}`, `{"private_key":""}`, `{"private_key":" "}`, `{"private_key":1}`,
		`{"Private_Key":"MARKED"}`, `{"private_key":"MARKED","private_key":"MARKED"}`, `{"private_key":"MARKED"} x`,
		`{"private_key":"MARKED\n"}`, `{"private_key":"MARKED\r\nX-Other: 1"}`, `{"private_key":"MAR KED"}`, `{"private_key":"MARKED\u0000"}`,
		`{"private_key":"MARKEDé"}`, `{"private_key":"MARKED\u200b"}`, `{"private_key":"MARKED\u007f"}`,
	} {
		key, err := dinardragon.ParseKey([]byte(value))
		require.Error(t, err, value)
		require.True(t, key.IsZero())
		var fault *secrets.FieldError
		require.ErrorAs(t, err, &fault)
		require.NotContains(t, fmt.Sprintf("%+v %#v", err, err), "MARKED", value)
	}
}

func TestStates(t *testing.T) {
	t.Parallel()
	for state, want := range map[dinardragon.State]struct {
		word  string
		final bool
	}{
		dinardragon.Processing:   {"processing", false},
		dinardragon.Successful:   {"successful", true},
		dinardragon.Failed:       {"failed", true},
		dinardragon.Unrecognised: {"unrecognised", false},
		0:                        {"State(0)", false},
	} {
		require.Equal(t, want.word, state.String())
		require.Equal(t, want.final, state.Final(), want.word)
	}
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	p := newProvider(t, status(200, one))
	client := clientOf(t, p, newKeys())
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			got, err := client.PaymentStatus(t.Context(), id)
			if err != nil || got.State != dinardragon.Successful {
				t.Errorf("%v %v", got, err)
			}
		})
	}
	wg.Wait()
	require.Equal(t, 50, p.requests())
}
