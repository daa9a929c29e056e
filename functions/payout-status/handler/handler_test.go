package handler_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"

	"dinarfunctions/functions/payout-status/handler"
	"dinarfunctions/shared/api"
	"dinarfunctions/shared/dinardragon"
)

const (
	wholePayout = `{"payment_id": "` + payoutID + `"}`
	onePayment  = `{"uniqueid": "` + paymentID + `"}`
)

func TestSampleEvents(t *testing.T) {
	want := map[string]string{
		"payout-status-http.json": `{"payments":[` +
			`{"uniqueid":"5b1f0c86d2e74a93","status":1,"state":"successful"},` +
			`{"uniqueid":"0a77d3c4be91f265","status":0,"state":"processing"},` +
			`{"uniqueid":"c3e8820f6ab7d114","status":2,"state":"failed"}],"final":false}`,
		"payout-status-http-uniqueid.json": `{"payments":[` +
			`{"uniqueid":"5b1f0c86d2e74a93","status":1,"state":"successful"}],"final":true}`,
		"payout-status-http-put.json": `{"payment_id":"df9a31ea528a3977","reference":"salaries, November","state":"processing","overdue":false,` +
			`"payments":[],"checked_at":null,"next_check_at":"NEXT","checks":0,"created_at":"2026-11-21T09:00:00.000Z","last_error":null}`,
	}
	files, err := filepath.Glob("../../../events/payout-status-http*.json")
	require.NoError(t, err)
	require.Len(t, files, len(want), "each sample is played, and none is missing")
	b := newBundle(t)
	for _, file := range files {
		name := filepath.Base(file)
		got := b.invoke(t, sample(t, name), 29*time.Second)
		status := http.StatusOK
		if name == "payout-status-http-put.json" {
			status = http.StatusCreated
			p, err := b.store.Get(t.Context(), payoutID)
			require.NoError(t, err)
			want[name] = strings.Replace(want[name], "NEXT", api.Time(p.NextCheckAt), 1) // its jitter is the watcher's affair
		}
		require.Equal(t, status, got.StatusCode, name)
		require.Equal(t, "application/json", got.Headers["Content-Type"], name)
		require.Equal(t, want[name], got.Body, name)
	}
	asked, read := b.calls()
	require.Equal(t, []int{2, 1}, []int{asked, read}, "the key is read once")
	require.Contains(t, b.logged(), `"requestId":"request-1"`)
}

func TestFinal(t *testing.T) {
	for _, test := range []struct {
		statuses []int
		states   []string
		final    bool
	}{
		{[]int{0}, []string{"processing"}, false},
		{[]int{1}, []string{"successful"}, true},
		{[]int{2}, []string{"failed"}, true},
		{[]int{1, 2, 1}, []string{"successful", "failed", "successful"}, true},
		{[]int{1, 0}, []string{"successful", "processing"}, false},
		{[]int{0, 1}, []string{"processing", "successful"}, false},
		{[]int{3}, []string{"unrecognised"}, false},
		{[]int{1, -1}, []string{"successful", "unrecognised"}, false},
	} {
		t.Run(fmt.Sprint(test.statuses), func(t *testing.T) {
			b := newBundle(t)
			var payments []string
			for i, status := range test.statuses {
				payments = append(payments, fmt.Sprintf(`{"uniqueid":"p%d","status":%d}`, i, status))
			}
			b.payouts[`{"payment_id":"`+payoutID+`"}`] = strings.Join(payments, ",")

			answer := b.post(t, wholePayout)
			require.Equal(t, http.StatusOK, answer.StatusCode)
			var got struct {
				Payments []struct {
					UniqueID string `json:"uniqueid"`
					Status   int    `json:"status"`
					State    string `json:"state"`
				} `json:"payments"`
				Final bool `json:"final"`
			}
			require.NoError(t, json.Unmarshal([]byte(answer.Body), &got, json.RejectUnknownMembers(true)))
			require.Len(t, got.Payments, len(test.statuses))
			for i, p := range got.Payments {
				require.Equal(t, fmt.Sprintf("p%d", i), p.UniqueID)
				require.Equal(t, test.statuses[i], p.Status)
				require.Equal(t, test.states[i], p.State)
			}
			require.Equal(t, test.final, got.Final)
		})
	}
}

// What the provider does, and what the caller is told: every row of the
// contract's table that it can lead to.
func TestProviderFaults(t *testing.T) {
	cut := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	for _, test := range []struct {
		name   string
		fault  http.HandlerFunc
		body   string
		status int
		says   []string
		again  bool // Retry-After
		asked  int
	}{
		{"its words, 400", says(400, `{"code":400,"error":"Payment not found."}`), wholePayout,
			422, []string{"Payment not found."}, false, 1},
		{"its words, 404", says(404, `{"code":404,"error":"No such payout."}`), onePayment,
			422, []string{"No such payout."}, false, 1},
		{"its words with the key in them", says(400, `{"code":400,"error":"`+key+` may not ask"}`), wholePayout,
			422, []string{"may not ask"}, false, 1},
		{"key refused, 401", says(401, `{"code":401,"error":"`+key+`"}`), wholePayout,
			503, []string{"refused the private key", "make secrets"}, false, 2},
		{"key refused, 403 without JSON", says(403, `<html>`+key+`</html>`), wholePayout,
			503, []string{"refused the private key"}, false, 2},
		// Contract, "Payouts": HTTP 200 whose code is 401 or 403 is a refused key.
		{"key refused, in a 200", says(200, `{"code":403,"error":"Invalid private key `+key+`"}`), wholePayout,
			503, []string{"refused the private key"}, false, 2},
		{"key missing, 400", says(400, `{"code":400,"error":"Missing API key in request headers."}`), wholePayout,
			503, []string{"refused the private key"}, false, 2},
		{"too many requests", says(429, `{"code":429,"error":"slow down"}`), wholePayout,
			503, []string{"429"}, true, 3},
		{"500", says(500, `{"code":500,"error":"oops `+key+`"}`), wholePayout,
			502, []string{"HTTP 500"}, false, 3},
		{"503 of a gateway", says(503, `<html>`+key+`</html>`), wholePayout,
			502, []string{"HTTP 503", "not JSON"}, false, 3},
		{"no JSON", says(200, key), wholePayout, 502, []string{"HTTP 200", "not JSON"}, false, 1},
		{"the page's own example", says(400, `{"code": 400, //Fail`+"\n"+`"error": "Missing API key in request headers.",}`), wholePayout,
			502, []string{"HTTP 400", "not JSON"}, false, 1},
		{"nothing in it", says(200, ``), wholePayout, 502, []string{"HTTP 200"}, false, 1},
		{"no payments", says(200, `{"code":200,"payments":[]}`), wholePayout,
			502, []string{"HTTP 200", "no payments"}, false, 1},
		{"a code that contradicts", says(200, `{"code":400,"payments":[{"uniqueid":"a","status":1}]}`), wholePayout,
			502, []string{"HTTP 200", "400"}, false, 1},
		{"another payment", says(200, `{"code":200,"payments":[{"uniqueid":"a","status":1}]}`), onePayment,
			502, []string{"HTTP 200", "not about the payment"}, false, 1},
		{"redirect", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/status?"+key, http.StatusTemporaryRedirect)
		}, wholePayout, 502, []string{"HTTP 307", "redirect"}, false, 1},
		{"half an answer", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, `{"code":200,"payments":[`)
			_ = http.NewResponseController(w).Flush()
			cut(w, r)
		}, wholePayout, 502, []string{"HTTP 200", "broke off"}, false, 3},
		{"no answer", cut, wholePayout, 503, []string{"cannot be reached"}, true, 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBundle(t)
			b.fault = test.fault
			got := b.post(t, test.body)
			require.Equal(t, test.status, got.StatusCode, got.Body)
			problem := got.problem(t)
			for _, part := range test.says {
				require.Contains(t, problem.Detail, part)
			}
			if test.again {
				require.Equal(t, "30", got.Headers["Retry-After"])
			} else {
				require.NotContains(t, got.Headers, "Retry-After")
			}
			asked, read := b.calls()
			require.Equal(t, test.asked, asked)
			if strings.HasPrefix(test.name, "key") {
				require.Equal(t, 2, read, "one try with a freshly read key")
			}
			if test.status >= 500 {
				require.Contains(t, b.logged(), problem.Detail[:20], "an operator learns of it")
			}
		})
	}
}

func TestProviderOutOfReach(t *testing.T) {
	b := newBundle(t)
	b.provider.Close()
	got := b.post(t, wholePayout)
	require.Equal(t, http.StatusServiceUnavailable, got.StatusCode)
	require.Contains(t, got.problem(t).Detail, "cannot be reached")
	require.Equal(t, "30", got.Headers["Retry-After"])
}

// The provider never answers: the function gives it up in time to say so,
// though the invocation would end a moment later.
func TestProviderThatHangs(t *testing.T) {
	b := newBundle(t)
	require.Equal(t, http.StatusOK, b.post(t, wholePayout).StatusCode) // the key is cached from here on
	b.mu.Lock()
	b.fault = func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	b.mu.Unlock()
	got := b.invoke(t, sample(t, "payout-status-http.json"), 3*time.Second+500*time.Millisecond)
	require.Equal(t, http.StatusGatewayTimeout, got.StatusCode, got.Body)
	require.Contains(t, got.problem(t).Detail, "did not answer in time")
}

func TestRotatedKeyIsTakenUp(t *testing.T) {
	b := newBundle(t)
	require.Equal(t, http.StatusOK, b.post(t, wholePayout).StatusCode)
	b.mu.Lock()
	b.takes, b.secret = rotated, holding(rotated)
	b.mu.Unlock()
	require.Equal(t, http.StatusOK, b.post(t, wholePayout).StatusCode)
	asked, read := b.calls()
	require.Equal(t, []int{3, 2}, []int{asked, read})
}

func TestRefusedKeyWhileSecretsManagerIsDown(t *testing.T) {
	b := newBundle(t)
	require.Equal(t, http.StatusOK, b.post(t, wholePayout).StatusCode)
	b.mu.Lock()
	b.takes, b.secret = rotated, refusing("AccessDeniedException", "not authorized")
	b.mu.Unlock()
	got := b.post(t, wholePayout)
	require.Equal(t, http.StatusServiceUnavailable, got.StatusCode)
	require.Contains(t, got.problem(t).Detail, "refused the private key (HTTP 403)")
	require.NotContains(t, got.Body, "not authorized")
	require.Contains(t, b.logged(), secretARN)
}

func TestSecretFaults(t *testing.T) {
	for _, test := range []struct {
		name   string
		secret http.HandlerFunc
		says   string
		again  bool
	}{
		{"no value yet", refusing("ResourceNotFoundException", "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT"),
			"has no value yet", false},
		{"no such secret", refusing("ResourceNotFoundException", "Secrets Manager can't find the specified secret."),
			"does not exist", false},
		{"not JSON", value(key), "cannot be used", false},
		{"another field", value(`{"key": "` + key + `"}`), "private_key", false},
		{"access denied", refusing("AccessDeniedException", "is not authorized to perform: secretsmanager:GetSecretValue"),
			"cannot be read now", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBundle(t)
			b.secret = test.secret
			got := b.post(t, wholePayout)
			require.Equal(t, http.StatusServiceUnavailable, got.StatusCode)
			detail := got.problem(t).Detail
			require.Contains(t, detail, secretARN)
			require.Contains(t, detail, test.says)
			require.NotContains(t, detail, "not authorized", "AWS's own words are for the log")
			if test.again {
				require.Equal(t, "30", got.Headers["Retry-After"])
				require.Contains(t, b.logged(), "not authorized")
			} else {
				require.NotContains(t, got.Headers, "Retry-After")
			}
			asked, _ := b.calls()
			require.Zero(t, asked)

			// What an operator mends works with the next call.
			b.mu.Lock()
			b.secret = holding(key)
			b.mu.Unlock()
			require.Equal(t, http.StatusOK, b.post(t, wholePayout).StatusCode)
		})
	}
}

func TestRefusedRequests(t *testing.T) {
	both := []string{"payment_id", "uniqueid"}
	long := strings.Repeat("a", 129)
	for _, test := range []struct {
		name, body string
		status     int
		fields     []string
	}{
		{"neither", `{}`, 422, both},
		{"both", `{"uniqueid": "a", "payment_id": "b"}`, 422, both},
		{"both, one empty", `{"uniqueid": "", "payment_id": "b"}`, 422, both},
		{"both, one null", `{"uniqueid": null, "payment_id": "b"}`, 422, []string{"uniqueid"}},
		{"null", `{"uniqueid": null}`, 422, []string{"uniqueid"}},
		{"empty uniqueid", `{"uniqueid": ""}`, 422, []string{"uniqueid"}},
		{"empty payment_id", `{"payment_id": ""}`, 422, []string{"payment_id"}},
		{"long", `{"payment_id": "` + long + `"}`, 422, []string{"payment_id"}},
		{"blank inside", `{"uniqueid": "` + mark + ` b"}`, 422, []string{"uniqueid"}},
		{"line break", `{"uniqueid": "` + mark + `\n"}`, 422, []string{"uniqueid"}},
		{"number", `{"uniqueid": 5}`, 422, []string{"uniqueid"}},
		{"list", `{"payment_id": ["` + mark + `"]}`, 422, []string{"payment_id"}},
		{"unknown field", `{"uniqueid": "a", "private_key": "` + mark + `"}`, 400, []string{"private_key"}},
		{"other case", `{"UniqueID": "` + mark + `"}`, 400, []string{"UniqueID"}},
		{"repeated field", `{"uniqueid": "a", "uniqueid": "` + mark + `"}`, 400, []string{"uniqueid"}},
		{"trailing text", `{"uniqueid": "a"} ` + mark, 400, nil},
		{"no JSON", mark, 400, nil},
		{"empty", ``, 400, nil},
		{"too large", `{"uniqueid": "` + strings.Repeat("a", api.MaxBody) + `"}`, 413, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBundle(t)
			got := b.post(t, test.body)
			require.Equal(t, test.status, got.StatusCode, got.Body)
			var fields []string
			for _, e := range got.problem(t).Errors {
				fields = append(fields, e.Field)
				require.NotEmpty(t, e.Message)
			}
			slices.Sort(fields)
			require.Equal(t, test.fields, fields)
			asked, read := b.calls()
			require.Zero(t, asked+read)
		})
	}
}

func TestBodyInBase64(t *testing.T) {
	b := newBundle(t)
	got := b.send(t, func(event map[string]any) {
		event["body"], event["isBase64Encoded"] = base64.StdEncoding.EncodeToString([]byte(onePayment)), true
	})
	require.Equal(t, http.StatusOK, got.StatusCode)

	got = b.send(t, func(event map[string]any) { event["body"], event["isBase64Encoded"] = mark+"!", true })
	require.Equal(t, http.StatusBadRequest, got.StatusCode)
	got.problem(t)
}

func TestBodyThatIsNotJSONByItsType(t *testing.T) {
	b := newBundle(t)
	got := b.send(t, func(event map[string]any) {
		event["headers"].(map[string]any)["content-type"] = "application/x-www-form-urlencoded"
	})
	require.Equal(t, http.StatusUnsupportedMediaType, got.StatusCode)
	got.problem(t)
}

func TestOtherPathsAndMethods(t *testing.T) {
	for _, test := range []struct {
		method, path string
		status       int
		allow        string
	}{
		{"GET", "/payouts/status", 405, "POST"},
		{"HEAD", "/payouts/status", 405, "POST"},
		{"PUT", "/payouts/status", 405, "POST"},
		{"DELETE", "/payouts/status", 405, "POST"},
		{"POST", "/payouts/status/", 404, ""},
		{"POST", "/payouts//status", 404, ""},
		{"POST", "//payouts/status", 404, ""},
		{"POST", "/payouts/Status", 405, "DELETE, GET, HEAD, PUT"},
		{"PATCH", "/payouts/1617fcccd1f3269c", 405, "DELETE, GET, HEAD, PUT"},
		{"GET", "/payouts/1617fcccd1f3269c/payments", 404, ""},
		{"POST", "/payouts", 405, "GET, HEAD"},
		{"POST", "/", 404, ""},
		{"POST", "/charges", 404, ""},
	} {
		t.Run(test.method+" "+test.path, func(t *testing.T) {
			b := newBundle(t)
			got := b.send(t, func(event map[string]any) {
				event["rawPath"] = test.path
				event["requestContext"].(map[string]any)["http"].(map[string]any)["method"] = test.method
			})
			require.Equal(t, test.status, got.StatusCode)
			if test.status == http.StatusMethodNotAllowed {
				require.Equal(t, test.allow, got.Headers["Allow"])
			}
			if test.method == http.MethodHead {
				require.Empty(t, got.Body)
			} else {
				got.problem(t)
			}
			asked, _ := b.calls()
			require.Zero(t, asked)
		})
	}
}

// A handler is plain net/http: what is asked over a real server is answered the
// same.
func TestOverHTTP(t *testing.T) {
	b := newBundle(t)
	server := httptest.NewServer(b.function.HTTP)
	t.Cleanup(server.Close)
	response, err := server.Client().Post(server.URL+"/payouts/status", "application/json", strings.NewReader(onePayment))
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, response.StatusCode)
	require.Equal(t, b.post(t, onePayment).Body, string(body))
}

// asking is a provider that does one thing.
type asking func(context.Context) error

func (a asking) PaymentStatus(ctx context.Context, _ dinardragon.PaymentID) (dinardragon.Payment, error) {
	return dinardragon.Payment{}, a(ctx)
}

func (a asking) PayoutStatus(ctx context.Context, _ dinardragon.PayoutID) ([]dinardragon.Payment, error) {
	return nil, a(ctx)
}

func TestProviderIsGivenUpThreeSecondsBeforeTheEnd(t *testing.T) {
	end := time.Now().Add(29 * time.Second)
	ctx, cancel := context.WithDeadline(t.Context(), end)
	defer cancel()
	for _, body := range []string{wholePayout, onePayment} {
		var given time.Time
		function := handler.New(asking(func(ctx context.Context) error {
			given, _ = ctx.Deadline()
			return &dinardragon.Error{Kind: dinardragon.TimedOut}
		}), nil, slog.New(slog.DiscardHandler))
		r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/payouts/status", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		function.HTTP.ServeHTTP(w, r)
		require.Equal(t, http.StatusGatewayTimeout, w.Code)
		require.Equal(t, end.Add(-3*time.Second), given)
	}
}

func TestErrorsThatAreInNoTable(t *testing.T) {
	for _, err := range []error{
		errors.New(mark),
		&dinardragon.Error{Reason: mark}, // of no kind
	} {
		function := handler.New(asking(func(context.Context) error { return err }), nil, slog.New(slog.DiscardHandler))
		r := httptest.NewRequest(http.MethodPost, "/payouts/status", strings.NewReader(wholePayout))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		function.HTTP.ServeHTTP(w, r)
		require.Equal(t, http.StatusInternalServerError, w.Code)
		require.NotContains(t, w.Body.String(), mark)
	}
}
