package trigger_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/api"
	"dinarfunctions/shared/trigger"
)

// marked stands for what must come back in no log and no error.
const marked = "MARKED-9a2f-0242c0a87002"

// sample is an HTTP API event of events/ as it stands.
func sample(t testing.TB) map[string]any {
	t.Helper()
	text, err := os.ReadFile("../../events/payout-status-http.json")
	require.NoError(t, err)
	var event map[string]any
	require.NoError(t, json.Unmarshal(text, &event))
	return event
}

// change sets the value at a path of names in an event.
func change(event map[string]any, value any, path ...string) map[string]any {
	inner := event
	for _, name := range path[:len(path)-1] {
		inner = inner[name].(map[string]any)
	}
	inner[path[len(path)-1]] = value
	return event
}

func encode(t testing.TB, event any) []byte {
	t.Helper()
	text, err := json.Marshal(event)
	require.NoError(t, err)
	return text
}

// seen is what an HTTP handler got.
type seen struct {
	*http.Request
	body string
	err  error
}

// pass invokes a function whose HTTP handler takes the request down.
func pass(t *testing.T, event any) (got seen, status int) {
	t.Helper()
	h := trigger.Handlers{
		Log: slog.New(slog.DiscardHandler),
		HTTP: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			got = seen{r, string(body), err}
		}),
	}
	answer, err := h.Invoke(t.Context(), encode(t, event))
	require.NoError(t, err)
	return got, decodeAnswer(t, answer).StatusCode
}

type answer struct {
	StatusCode      int               `json:"statusCode"`
	Headers         map[string]string `json:"headers"`
	Cookies         []string          `json:"cookies"`
	Body            string            `json:"body"`
	IsBase64Encoded bool              `json:"isBase64Encoded"`
}

func decodeAnswer(t testing.TB, text []byte) answer {
	t.Helper()
	var got answer
	require.NoError(t, json.Unmarshal(text, &got, json.RejectUnknownMembers(true)), "%s", text)
	return got
}

func TestRequestIsWhatTheCallerSent(t *testing.T) {
	got, status := pass(t, sample(t))
	require.Equal(t, http.StatusOK, status)
	require.NoError(t, got.err)
	require.Equal(t, `{"payment_id": "df9a31ea528a3977"}`, got.body)
	require.Equal(t, int64(len(got.body)), got.ContentLength)
	require.Equal(t, http.MethodPost, got.Method)
	require.Equal(t, "/payouts/status", got.URL.Path)
	require.Equal(t, "/payouts/status", got.RequestURI)
	require.Equal(t, "a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com", got.Host)
	require.Equal(t, "application/json", got.Header.Get("Content-Type"))
	require.Equal(t, "192.0.2.10", got.RemoteAddr)
	require.Empty(t, got.Header.Values("Host"))
}

func TestPathIsTakenAsItIs(t *testing.T) {
	for _, test := range []struct {
		raw, stage, want string
	}{
		{"/charges/a-1", "$default", "/charges/a-1"},
		{"/charges/a b", "$default", "/charges/a b"},
		{"/charges/a%2Fb", "$default", "/charges/a%2Fb"}, // was %252F: not decoded twice
		{"/charges/100%", "$default", "/charges/100%"},   // a second decoding would fail
		{"/charges//a", "$default", "/charges//a"},
		{"/", "$default", "/"},
		{"", "$default", ""},
		{"/$default/x", "$default", "/x"},
		{"/live/charges/a-1", "live", "/charges/a-1"},
		{"/live", "live", "/"},
		{"/live/", "live", "/"},
		{"/lively/charges", "live", "/lively/charges"},
		{"/charges", "live", "/charges"}, // behind a domain of its own
		{"/charges", "", "/charges"},
	} {
		t.Run(test.stage+" "+test.raw, func(t *testing.T) {
			event := change(sample(t), test.raw, "rawPath")
			got, _ := pass(t, change(event, test.stage, "requestContext", "stage"))
			require.Equal(t, test.want, got.URL.Path)
		})
	}
}

func TestQueryHeadersAndCookies(t *testing.T) {
	event := sample(t)
	event["rawQueryString"] = "state=unknown&limit=10&cursor=a%2Bb%2F"
	event["cookies"] = []string{"a=1", "b=2"}
	event["headers"] = map[string]string{
		"x-date":      "Sat, 21 Nov 2026 02:21:24 GMT",
		"x-list":      `a,b,"c,d"`,
		"X-Mixed-cas": "kept",
	}
	got, _ := pass(t, event)
	query := got.URL.Query()
	require.Equal(t, []string{"unknown", "10", "a+b/"}, []string{query.Get("state"), query.Get("limit"), query.Get("cursor")})
	require.Equal(t, "/payouts/status?"+got.URL.RawQuery, got.RequestURI)
	require.Equal(t, []string{"Sat, 21 Nov 2026 02:21:24 GMT"}, got.Header.Values("x-date"))
	require.Equal(t, []string{`a,b,"c,d"`}, got.Header.Values("x-list"))
	require.Equal(t, "kept", got.Header.Get("x-mixed-Cas"))
	require.Len(t, got.Cookies(), 2)
	require.Equal(t, "a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com", got.Host, "without a Host header, the API's own name")
}

func TestBodies(t *testing.T) {
	for _, test := range []struct {
		name    string
		body    any
		encoded bool
		want    string
	}{
		{"text", "a=1&b=é", false, "a=1&b=é"},
		{"text that looks like base64", "YQ==", false, "YQ=="},
		{"base64", base64.StdEncoding.EncodeToString([]byte("a=1&b=\xff\x00")), true, "a=1&b=\xff\x00"},
		{"empty base64", "", true, ""},
		{"null", nil, false, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			event := change(sample(t), test.body, "body")
			got, status := pass(t, change(event, test.encoded, "isBase64Encoded"))
			require.Equal(t, 200, status)
			require.Equal(t, test.want, got.body)
			require.Equal(t, int64(len(test.want)), got.ContentLength)
		})
	}

	t.Run("without a body", func(t *testing.T) {
		event := sample(t)
		delete(event, "body")
		got, _ := pass(t, event)
		require.Empty(t, got.body)
		require.NoError(t, got.err)
	})
}

func TestBadBase64IsTheCallersProblem(t *testing.T) {
	for _, body := range []string{marked, "YQ", "YQ==YQ==", "%"} {
		event := change(sample(t), body, "body")
		event["isBase64Encoded"] = true
		got := newFunction(t)
		text, err := got.Invoke(t.Context(), encode(t, event))
		require.NoError(t, err)
		require.Equal(t, 0, got.served, "the handler never sees it")
		answer := decodeAnswer(t, text)
		require.Equal(t, 400, answer.StatusCode)
		require.Equal(t, "application/problem+json", answer.Headers["Content-Type"])
		require.NotContains(t, string(text)+got.log.String(), marked)
	}
}

// function has every handler, and counts.
type function struct {
	trigger.Handlers
	log               bytes.Buffer
	served, scheduled int
	queued, streamed  int // batches
}

func newFunction(testing.TB) *function {
	f := new(function)
	f.Log = trigger.NewLogger(&f.log)
	f.HTTP = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { f.served++ })
	f.Schedule = func(context.Context) error { f.scheduled++; return nil }
	f.Queue = func(context.Context, []trigger.Message) []string { f.queued++; return nil }
	f.Stream = func(context.Context, []events.DynamoDBEventRecord) string { f.streamed++; return "" }
	return f
}

func schedule(source string, detail any) map[string]any {
	return map[string]any{
		"version": "0", "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa", "detail-type": "Scheduled Event",
		"source": source, "account": "123456789012", "time": "2026-11-21T02:21:24Z", "region": "eu-central-1",
		"resources": []string{"arn:aws:scheduler:eu-central-1:123456789012:schedule/default/every-minute"},
		"detail":    detail,
	}
}

func TestEventsAreToldApart(t *testing.T) {
	both := sample(t)
	both["source"], both["detail-type"] = "aws.events", "Scheduled Event"
	all := queue("1")
	all["source"], all["detail-type"] = "aws.events", "Scheduled Event"
	for _, test := range []struct {
		name                                string
		event                               any
		served, scheduled, queued, streamed int
	}{
		{"HTTP API", sample(t), 1, 0, 0, 0},
		{"rule", schedule("aws.events", map[string]any{}), 0, 1, 0, 0},
		{"scheduler", schedule("aws.scheduler", map[string]any{}), 0, 1, 0, 0},
		{"scheduler with a text for detail", schedule("aws.scheduler", "{}"), 0, 1, 0, 0},
		{"queue", queue("1", "2"), 0, 0, 1, 0},
		{"stream", stream("1", "2"), 0, 0, 0, 1},
		{"marks of HTTP API and schedule", both, 1, 0, 0, 0},
		{"marks of schedule and queue", all, 0, 1, 0, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFunction(t)
			text, err := f.Invoke(t.Context(), encode(t, test.event))
			require.NoError(t, err)
			require.True(t, jsontext.Value(text).IsValid())
			require.Equal(t, []int{test.served, test.scheduled, test.queued, test.streamed},
				[]int{f.served, f.scheduled, f.queued, f.streamed})
		})
	}
}

func TestUnknownShapes(t *testing.T) {
	rest := sample(t)
	rest["version"] = "1.0"
	long := map[string]any{}
	for i := range 100 {
		long[fmt.Sprintf("%03d%s", i, strings.Repeat("x", 100))] = marked
	}
	for _, test := range []struct {
		name  string
		event []byte
		says  string
	}{
		{"empty", nil, "not a JSON object"},
		{"no JSON", []byte(marked), "not a JSON object"},
		{"text", []byte(`"` + marked + `"`), "not a JSON object"},
		{"list", []byte(`[{"` + marked + `":1}]`), "not a JSON object"},
		{"null", []byte("null"), "not a JSON object"},
		{"empty object", []byte(`{}`), "it has no fields"},
		{"test event of the console", []byte(`{"key1": "` + marked + `", "key2": 2}`), `its fields are "key1", "key2"`},
		{"broken", []byte(`{"version": "2.0", "requestContext": {"http": `), `its fields are "version", "requestContext", then broken JSON`},
		{"REST API, payload 1.0", encode(t, rest), `"rawPath"`},
		{"payload 2.0 without http", []byte(`{"version": "2.0", "requestContext": {}}`), `"requestContext"`},
		{"other type of a marker", []byte(`{"version": 2, "requestContext": {"http": {}}}`), `"version", "requestContext"`},
		{"schedule from elsewhere", encode(t, schedule("aws.ec2", marked)), `"detail-type"`},
		{"other EventBridge event", []byte(`{"detail-type": "` + marked + `", "source": "aws.events"}`), `"detail-type", "source"`},
		{"no records", []byte(`{"Records": []}`), `its fields are "Records"`},
		{"records without a source", []byte(`{"Records": [{"body": "` + marked + `"}]}`), `its fields are "Records"`},
		{"records of another source", []byte(`{"Records": [{"eventSource": "aws:s3", "s3": "` + marked + `"}]}`), `its fields are "Records"`},
		{"records of two sources", []byte(`{"Records": [{"eventSource": "aws:sqs", "messageId": "1"}, {"eventSource": "aws:dynamodb"}]}`), `its fields are "Records"`},
		{"a record that is none", []byte(`{"Records": [{"eventSource": "aws:sqs", "messageId": "1"}, null]}`), `its fields are "Records"`},
		{"records that are no list", []byte(`{"Records": {"eventSource": "aws:sqs"}}`), `its fields are "Records"`},
		{"many long names", encode(t, long), "…"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFunction(t)
			text, err := f.Invoke(t.Context(), test.event)
			require.Nil(t, text)
			require.ErrorContains(t, err, "event of no known shape")
			require.ErrorContains(t, err, test.says)
			require.NotContains(t, err.Error()+f.log.String(), marked)
			require.Less(t, len(err.Error()), 1500)
			require.Zero(t, f.served+f.scheduled+f.queued+f.streamed)
		})
	}
}

func TestKnownShapeWithoutHandler(t *testing.T) {
	f := newFunction(t)
	f.HTTP = nil
	_, err := f.Invoke(t.Context(), encode(t, sample(t)))
	require.ErrorContains(t, err, `no handler for events of kind http: its fields are`)
	require.ErrorContains(t, err, `"rawPath"`)

	f = newFunction(t)
	f.Schedule = nil
	_, err = f.Invoke(t.Context(), encode(t, schedule("aws.events", nil)))
	require.ErrorContains(t, err, `no handler for events of kind schedule: its fields are`)

	f = newFunction(t)
	f.Queue, f.Stream = nil, nil
	_, err = f.Invoke(t.Context(), encode(t, queue("1")))
	require.ErrorContains(t, err, `no handler for events of kind queue: its fields are "Records"`)
	_, err = f.Invoke(t.Context(), encode(t, stream("1")))
	require.ErrorContains(t, err, `no handler for events of kind stream: its fields are "Records"`)
}

func TestHTTPEventWithWrongTypes(t *testing.T) {
	event := change(sample(t), map[string]any{"x": []string{marked}}, "headers")
	f := newFunction(t)
	_, err := f.Invoke(t.Context(), encode(t, event))
	require.ErrorContains(t, err, "/headers/x")
	require.NotContains(t, err.Error()+f.log.String(), marked)
}

func TestAnswer(t *testing.T) {
	for _, test := range []struct {
		name    string
		handler http.HandlerFunc
		want    answer
	}{
		{"nothing written", func(http.ResponseWriter, *http.Request) {},
			answer{StatusCode: 200, Headers: map[string]string{}}},
		{"text", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(202)
			_, _ = io.WriteString(w, `{"a":`)
			_, _ = io.WriteString(w, `"é"}`)
		}, answer{StatusCode: 202, Headers: map[string]string{"Content-Type": "application/json"}, Body: `{"a":"é"}`}},
		{"status once", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(103)
			w.WriteHeader(201)
			w.WriteHeader(500)
		}, answer{StatusCode: 201, Headers: map[string]string{}}},
		{"repeated header", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Add("Allow", "GET")
			w.Header().Add("Allow", "HEAD")
		}, answer{StatusCode: 200, Headers: map[string]string{"Allow": "GET, HEAD"}}},
		{"cookies", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Add("Set-Cookie", "a=1, 2")
			w.Header().Add("Set-Cookie", "b=2")
		}, answer{StatusCode: 200, Headers: map[string]string{}, Cookies: []string{"a=1, 2", "b=2"}}},
		{"bytes", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte{0xff, 0}) },
			answer{StatusCode: 200, Headers: map[string]string{}, Body: "/wA=", IsBase64Encoded: true}},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := trigger.Handlers{HTTP: test.handler, Log: slog.New(slog.DiscardHandler)}
			text, err := h.Invoke(t.Context(), encode(t, sample(t)))
			require.NoError(t, err)
			require.Equal(t, test.want, decodeAnswer(t, text))
		})
	}
}

func TestContextOfTheInvocationIsTheRequests(t *testing.T) {
	deadline := time.Now().Add(time.Hour)
	ctx, cancel := context.WithDeadline(t.Context(), deadline)
	defer cancel()
	ctx = lambdacontext.NewContext(ctx, &lambdacontext.LambdaContext{AwsRequestID: "request-1"})

	var got []context.Context
	h := trigger.Handlers{
		Log:      slog.New(slog.DiscardHandler),
		HTTP:     http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = append(got, r.Context()) }),
		Schedule: func(ctx context.Context) error { got = append(got, ctx); return nil },
	}
	h.Queue = func(ctx context.Context, _ []trigger.Message) []string { got = append(got, ctx); return nil }
	h.Stream = func(ctx context.Context, _ []events.DynamoDBEventRecord) string { got = append(got, ctx); return "" }
	for _, event := range []any{sample(t), schedule("aws.events", nil), queue("1"), stream("1")} {
		_, err := h.Invoke(ctx, encode(t, event))
		require.NoError(t, err)
	}
	require.Len(t, got, 4)
	for _, ctx := range got {
		when, ok := ctx.Deadline()
		require.True(t, ok)
		require.Equal(t, deadline, when)
		lc, ok := lambdacontext.FromContext(ctx)
		require.True(t, ok)
		require.Equal(t, "request-1", lc.AwsRequestID)
	}
}

func TestPanicsEndNoInvocationUnsaid(t *testing.T) {
	f := newFunction(t)
	f.HTTP = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Begun", "yes")
		w.WriteHeader(201)
		_, _ = io.WriteString(w, `{"half":`)
		panic(marked)
	})
	text, err := f.Invoke(t.Context(), encode(t, sample(t)))
	require.NoError(t, err)
	got := decodeAnswer(t, text)
	require.Equal(t, 500, got.StatusCode)
	require.Equal(t, map[string]string{"Content-Type": "application/problem+json"}, got.Headers)
	require.Contains(t, got.Body, `"status":500`)
	require.NotContains(t, got.Body, "half")

	f.Schedule = func(context.Context) error { panic(errors.New(marked)) }
	text, err = f.Invoke(t.Context(), encode(t, schedule("aws.events", nil)))
	require.Nil(t, text)
	require.ErrorContains(t, err, "panicked")

	f.Queue = func(context.Context, []trigger.Message) []string { panic(marked) }
	text, err = f.Invoke(t.Context(), encode(t, queue("1")))
	require.Nil(t, text)
	require.ErrorContains(t, err, "panicked", "all messages come again")

	f.Stream = func(context.Context, []events.DynamoDBEventRecord) string { panic(marked) }
	text, err = f.Invoke(t.Context(), encode(t, stream("1")))
	require.Nil(t, text)
	require.ErrorContains(t, err, "panicked", "all records come again")

	require.NotContains(t, f.log.String()+err.Error(), marked)
	require.Equal(t, 4, strings.Count(f.log.String(), `"stack":`), "all stacks are told: %s", f.log.String())
	require.Contains(t, f.log.String(), "trigger_test.go")
}

func TestScheduleErrorFailsTheInvocation(t *testing.T) {
	f := newFunction(t)
	failed := errors.New("table payouts is throttled")
	f.Schedule = func(context.Context) error { return failed }
	_, err := f.Invoke(t.Context(), encode(t, schedule("aws.events", nil)))
	require.ErrorIs(t, err, failed)
	require.Contains(t, f.log.String(), failed.Error())
}

func TestOneLinePerInvocation(t *testing.T) {
	event := sample(t)
	event["rawQueryString"] = "token=" + marked
	change(event, marked, "headers", "authorization")
	change(event, `{"uniqueid": "`+marked+`"}`, "body")
	ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: "request-1"})

	f := newFunction(t)
	_, err := f.Invoke(ctx, encode(t, event))
	require.NoError(t, err)
	_, err = f.Invoke(ctx, encode(t, schedule("aws.events", marked)))
	require.NoError(t, err)
	_, err = f.Invoke(ctx, []byte(`{"x": "`+marked+`"}`))
	require.Error(t, err)
	require.NotContains(t, f.log.String(), marked)

	lines := strings.Split(strings.TrimSpace(f.log.String()), "\n")
	require.Len(t, lines, 3)
	var got []map[string]any
	for _, line := range lines {
		var fields map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &fields))
		require.Equal(t, "request-1", fields["requestId"])
		require.Equal(t, "dev", fields["version"])
		require.Contains(t, fields, "duration_ms")
		require.Contains(t, fields, "timestamp")
		got = append(got, fields)
	}
	require.Equal(t, []any{"http", "POST", "/payouts/status", 200.0, "P8zkDiQ8oAMEJsQ=", "INFO"},
		[]any{got[0]["trigger"], got[0]["method"], got[0]["path"], got[0]["status"], got[0]["apiRequestId"], got[0]["level"]})
	require.Equal(t, []any{"schedule", "INFO"}, []any{got[1]["trigger"], got[1]["level"]})
	require.Equal(t, "ERROR", got[2]["level"])
	require.Contains(t, got[2]["error"], `"x"`)
}

func TestLoggerKeepsItsFieldsThroughWith(t *testing.T) {
	var log bytes.Buffer
	ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: "request-1"})
	trigger.NewLogger(&log).With("function", "charge").InfoContext(ctx, "hello")
	for _, part := range []string{`"requestId":"request-1"`, `"function":"charge"`, `"version":"dev"`, `"message":"hello"`} {
		require.Contains(t, log.String(), part)
	}
	log.Reset()
	trigger.NewLogger(&log).Info("at start, without an invocation")
	require.NotContains(t, log.String(), "requestId")
}

// Whatever arrives: no panic, and either an error or an answer that API
// Gateway or Lambda's poller can read.
func FuzzInvoke(f *testing.F) {
	samples, err := filepath.Glob("../../events/*.json")
	require.NoError(f, err)
	require.NotEmpty(f, samples, "the samples have moved; no seed would be left")
	for _, path := range samples {
		text, err := os.ReadFile(path)
		require.NoError(f, err)
		f.Add(text)
	}
	base := sample(f)
	f.Add(encode(f, schedule("aws.scheduler", "{}")))
	f.Add(encode(f, change(base, "bm8gSlNPTg==", "body")))
	f.Add(encode(f, queue("1", "2", "1")))
	f.Add(encode(f, stream("1", "2")))
	f.Add([]byte(`{"Records":[{"eventSource":"aws:sqs","messageId":""}]}`))
	f.Add([]byte(`{"Records":[{"eventSource":"aws:dynamodb","dynamodb":{"SequenceNumber":"1","ApproximateCreationDateTime":"x","Keys":{"pk":{"N":1}}}}]}`))
	f.Add([]byte(`{"version":"2.0","rawPath":"echo","headers":null,"requestContext":{"http":{"method":"GET"}}}`))
	f.Add([]byte(`{"version":"2.0","rawPath":"/a\u0000//","isBase64Encoded":true,"body":"%","requestContext":{"stage":"a","http":{}}}`))
	f.Add([]byte(`{"version":"2.0","rawPath":"/status","body":"x","headers":{"":"","a b":"\n"},"requestContext":{"http":{"method":"P OST"}}}`))

	mux := api.NewMux(slog.New(slog.DiscardHandler))
	mux.Handle("POST /payouts/status", func(r *http.Request) (api.Answer, error) {
		var body struct {
			Uniqueid  string `json:"uniqueid"`
			PaymentID string `json:"payment_id"`
		}
		err := api.Decode(r, &body)
		return api.Answer{Status: http.StatusOK, Body: body}, err
	})
	h := trigger.Handlers{
		HTTP:     mux,
		Schedule: func(context.Context) error { return nil },
		// Every other one fails, and of a stream the second.
		Queue: func(_ context.Context, messages []trigger.Message) (failed []string) {
			for i := 0; i < len(messages); i += 2 {
				failed = append(failed, messages[i].ID)
			}
			return failed
		},
		Stream: func(_ context.Context, records []events.DynamoDBEventRecord) string {
			if len(records) > 1 {
				return records[1].Change.SequenceNumber
			}
			return ""
		},
		Log: slog.New(slog.DiscardHandler),
	}
	f.Fuzz(func(t *testing.T, event []byte) {
		text, err := h.Invoke(t.Context(), event)
		if err != nil {
			require.NotEmpty(t, err.Error())
			return
		}
		if string(text) == "null" {
			return
		}
		if strings.HasPrefix(string(text), `{"batchItemFailures":`) {
			for _, id := range decodeFailures(t, text) {
				require.NotEmpty(t, id, "Lambda takes it for the whole batch")
			}
			return
		}
		got := decodeAnswer(t, text)
		require.Contains(t, []int{200, 400, 404, 405, 413, 415, 422}, got.StatusCode)
		require.False(t, got.IsBase64Encoded)
		if got.StatusCode != http.StatusOK && got.Body != "" {
			require.Equal(t, "application/problem+json", got.Headers["Content-Type"])
		}
	})
}
