package gateway_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/stretchr/testify/require"

	"dinarfunctions/sandbox/gateway"
)

// function answers an event with a status and a body, and keeps what it was given.
type function struct {
	answer string
	err    error

	event    events.APIGatewayV2HTTPRequest
	deadline time.Duration
	id       string
}

func (f *function) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	if err := json.Unmarshal(payload, &f.event); err != nil {
		return nil, err
	}
	if end, ok := ctx.Deadline(); ok {
		f.deadline = time.Until(end)
	}
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		f.id = lc.AwsRequestID
	}
	return []byte(f.answer), f.err
}

func TestARequestBecomesAnEvent(t *testing.T) {
	t.Parallel()
	f := &function{answer: `{"statusCode": 202, "headers": {"Retry-After": "30"}, "body": "aGk=", "isBase64Encoded": true}`}
	g := gateway.Gateway{"charges": f}
	r := httptest.NewRequest(http.MethodPost, "/charges/a%20b?x=1", strings.NewReader(`{"a":1}`))
	r.Header.Set("Content-Type", "application/json")
	r.Header["X-Two"] = []string{"1", "2"}
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)

	require.Equal(t, 202, w.Code)
	require.Equal(t, "hi", w.Body.String())
	require.Equal(t, "30", w.Header().Get("Retry-After"))
	require.Equal(t, "2.0", f.event.Version)
	require.Equal(t, "/charges/a b", f.event.RawPath)
	require.Equal(t, "x=1", f.event.RawQueryString)
	require.Equal(t, "POST", f.event.RequestContext.HTTP.Method)
	require.JSONEq(t, `{"a":1}`, f.event.Body)
	require.False(t, f.event.IsBase64Encoded)
	require.Equal(t, "1,2", f.event.Headers["x-two"])
	require.Positive(t, f.deadline)
	require.NotEmpty(t, f.id)

	r = httptest.NewRequest(http.MethodPost, "/charges", strings.NewReader(`a=b`))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	g.ServeHTTP(httptest.NewRecorder(), r)
	require.Equal(t, "YT1i", f.event.Body)
	require.True(t, f.event.IsBase64Encoded)
}

func TestWhatTheGatewayAnswersByItself(t *testing.T) {
	t.Parallel()
	g := gateway.Gateway{"charges": &function{err: errors.New("crash")}, "payouts": &function{answer: `not JSON`}}
	for path, want := range map[string]string{
		"/":          `{"message":"Not Found"}`,
		"/elsewhere": `{"message":"Not Found"}`,
		"/charges":   `{"message":"Internal Server Error"}`,
		"/payouts/1": `{"message":"Internal Server Error"}`,
	} {
		w := httptest.NewRecorder()
		g.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		require.JSONEq(t, want, w.Body.String(), path)
	}
}
