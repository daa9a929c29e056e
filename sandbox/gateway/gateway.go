// Package gateway stands in for API Gateway in the sandbox: it turns each HTTP
// request into the event that an HTTP API would send (payload 2.0), hands it to
// a function as Lambda would, and turns the function's answer back.
//
// For trial only. It asks nobody for a signature, where the real one wants IAM's.
package gateway

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

const (
	// functionTimeout is how long a function may take, as in template.yaml.
	functionTimeout = 29 * time.Second
	// maxBody is what API Gateway lets through.
	maxBody = 10 << 20
)

// Gateway routes by the first part of the path, as the template's catch-all
// routes do: Gateway{"charges": f} gives f both /charges and /charges/….
type Gateway map[string]lambda.Handler

var _ http.Handler = Gateway{}

// ServeHTTP answers one request. What API Gateway would answer by itself has its
// shape, {"message": "…"}.
func (g Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	first, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	function, ok := g[first]
	if !ok {
		message(w, http.StatusNotFound, "Not Found")
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		message(w, http.StatusRequestEntityTooLarge, "Request Entity Too Large")
		return
	}
	answer, err := invoke(r, body, function)
	if err != nil {
		message(w, http.StatusInternalServerError, "Internal Server Error")
		return
	}
	for name, value := range answer.Headers {
		w.Header().Set(name, value)
	}
	text := []byte(answer.Body)
	if answer.IsBase64Encoded {
		if text, err = base64.StdEncoding.DecodeString(answer.Body); err != nil {
			message(w, http.StatusInternalServerError, "Internal Server Error")
			return
		}
	}
	w.WriteHeader(answer.StatusCode)
	_, _ = w.Write(text)
}

func invoke(r *http.Request, body []byte, function lambda.Handler) (answer events.APIGatewayV2HTTPResponse, err error) {
	now := time.Now().UTC()
	payload, err := json.Marshal(event(r, body, fmt.Sprintf("sandbox-%d", now.UnixNano()), now))
	if err != nil {
		return answer, err
	}
	out, err := Invoke(context.WithoutCancel(r.Context()), function, payload) // to its end, even if the caller hangs up
	if err != nil {
		return answer, err
	}
	return answer, json.Unmarshal(out, &answer)
}

// Invoke hands an event to a function as Lambda does: with a deadline and a request
// id of its own.
func Invoke(ctx context.Context, function lambda.Handler, payload []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, functionTimeout)
	defer cancel()
	ctx = lambdacontext.NewContext(ctx, &lambdacontext.LambdaContext{AwsRequestID: fmt.Sprintf("sandbox-%d", time.Now().UnixNano())})
	return function.Invoke(ctx, payload)
}

// scheduled is what EventBridge Scheduler sends.
const scheduled = `{"version": "0", "id": "00000000-0000-4000-8000-000000000000", "detail-type": "Scheduled Event",
	"source": "aws.scheduler", "account": "123456789012", "time": "%s", "region": "eu-central-1",
	"resources": ["arn:aws:scheduler:eu-central-1:123456789012:schedule/default/sandbox"], "detail": "{}"}`

// Wake wakes a function as its schedule does at a time.
func Wake(ctx context.Context, function lambda.Handler, at time.Time) error {
	_, err := Invoke(ctx, function, fmt.Appendf(nil, scheduled, at.UTC().Format(time.RFC3339)))
	return err
}

// event is what an HTTP API sends for a request (API Gateway developer guide,
// "Create AWS Lambda proxy integrations for HTTP APIs").
func event(r *http.Request, body []byte, id string, now time.Time) events.APIGatewayV2HTTPRequest {
	e := events.APIGatewayV2HTTPRequest{
		Version:        "2.0",
		RouteKey:       "$default",
		RawPath:        r.URL.Path, // decoded, as API Gateway sends it
		RawQueryString: r.URL.RawQuery,
		Headers:        map[string]string{"host": r.Host},
		RequestContext: events.APIGatewayV2HTTPRequestContext{
			RouteKey:   "$default",
			Stage:      "$default",
			RequestID:  id,
			APIID:      "sandbox",
			DomainName: r.Host,
			Time:       now.Format("02/Jan/2006:15:04:05 -0700"),
			TimeEpoch:  now.UnixMilli(),
			HTTP: events.APIGatewayV2HTTPRequestContextHTTPDescription{
				Method:    r.Method,
				Path:      r.URL.Path,
				Protocol:  r.Proto,
				SourceIP:  "127.0.0.1",
				UserAgent: r.UserAgent(),
			},
		},
	}
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		e.Headers[strings.ToLower(name)] = strings.Join(r.Header[name], ",")
	}
	if isText(r.Header.Get("Content-Type")) {
		e.Body = string(body)
	} else if len(body) > 0 {
		e.Body, e.IsBase64Encoded = base64.StdEncoding.EncodeToString(body), true
	}
	return e
}

// isText tells which bodies API Gateway passes on as they are.
func isText(contentType string) bool {
	return strings.HasPrefix(contentType, "application/json") || strings.HasPrefix(contentType, "text/")
}

func message(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, "{\"message\":%q}\n", text)
}
