package trigger

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"dinarfunctions/shared/api"
)

// httpEvent is what is used of an HTTP API event, payload 2.0 (API Gateway
// developer guide, "Working with AWS Lambda proxy integrations for HTTP APIs").
type httpEvent struct {
	RawPath        string            `json:"rawPath"` // decoded already
	RawQueryString string            `json:"rawQueryString"`
	Cookies        []string          `json:"cookies"` // taken out of the headers
	Headers        map[string]string `json:"headers"` // repeated ones joined by commas
	RequestContext struct {
		Stage      string `json:"stage"`
		RequestID  string `json:"requestId"`
		DomainName string `json:"domainName"`
		HTTP       struct {
			Method   string `json:"method"`
			SourceIP string `json:"sourceIp"`
		} `json:"http"`
	} `json:"requestContext"`
	Body            string `json:"body"`
	IsBase64Encoded bool   `json:"isBase64Encoded"`
}

// httpAnswer is the response format of payload 2.0.
type httpAnswer struct {
	StatusCode      int               `json:"statusCode"`
	Headers         map[string]string `json:"headers"`
	Cookies         []string          `json:"cookies,omitempty"`
	Body            string            `json:"body"`
	IsBase64Encoded bool              `json:"isBase64Encoded"`
}

func (h Handlers) serveHTTP(ctx context.Context, payload []byte) ([]byte, []slog.Attr, error) {
	var event httpEvent
	if err := json.Unmarshal(payload, &event); err != nil {
		field := "an unknown field"
		if fault, ok := errors.AsType[*json.SemanticError](err); ok {
			field = string(fault.JSONPointer) // the error itself quotes the value
		}
		return nil, nil, fmt.Errorf("the HTTP API event is not of payload 2.0: %s has a wrong type", field)
	}

	r, err := event.request(ctx)
	w := newRecorder()
	if err != nil {
		(&api.Problem{
			Status: http.StatusBadRequest,
			Detail: "The body could not be decoded from base64.",
		}).ServeHTTP(w, r)
	} else if !h.guard(ctx, func() { h.HTTP.ServeHTTP(w, r) }) {
		w = newRecorder() // what the handler began is not an answer
		api.Internal(nil).ServeHTTP(w, r)
	}

	answer, err := json.Marshal(w.answer(), json.Deterministic(true))
	return answer, []slog.Attr{
		slog.String("method", r.Method),
		slog.String("path", r.URL.Path),
		slog.Int("status", w.status),
		slog.String("apiRequestId", event.RequestContext.RequestID),
	}, err
}

// request makes the request that the caller made. It is whole even with an
// error, which says that the body is not base64.
func (e httpEvent) request(ctx context.Context) (*http.Request, error) {
	body, err := []byte(e.Body), error(nil)
	if e.IsBase64Encoded {
		body, err = base64.StdEncoding.DecodeString(e.Body)
	}
	r := (&http.Request{
		Method:        e.RequestContext.HTTP.Method,
		URL:           &url.URL{Path: e.path(), RawQuery: e.RawQueryString},
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        make(http.Header, len(e.Headers)+1),
		Body:          io.NopCloser(bytes.NewReader(body)),
		ContentLength: int64(len(body)),
		Host:          e.RequestContext.DomainName,
		RemoteAddr:    e.RequestContext.HTTP.SourceIP,
	}).WithContext(ctx)
	// A value with commas stays one value: dates and JSON have commas too, and
	// whoever expects a list can split it.
	for name, value := range e.Headers {
		r.Header.Set(name, value)
	}
	if len(e.Cookies) > 0 {
		r.Header.Set("Cookie", strings.Join(e.Cookies, "; "))
	}
	if host := r.Header.Get("Host"); host != "" {
		r.Host = host
		r.Header.Del("Host") // net/http keeps it out of the headers
	}
	r.RequestURI = r.URL.RequestURI()
	return r, err
}

// path is the path without the name of the stage, which rawPath begins with
// for every stage but $default. It is not decoded again: API Gateway has done
// that, and a second time would make another path of "%252F".
func (e httpEvent) path() string {
	stage := "/" + e.RequestContext.Stage
	if rest, ok := strings.CutPrefix(e.RawPath, stage); ok && stage != "/" {
		if rest == "" {
			return "/"
		}
		if rest[0] == '/' {
			return rest
		}
	}
	return e.RawPath
}

// recorder keeps an answer until it is whole.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

var _ http.ResponseWriter = (*recorder)(nil)

func newRecorder() *recorder { return &recorder{header: http.Header{}} }

func (w *recorder) Header() http.Header { return w.header }

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 && status >= http.StatusOK { // 1xx is not the answer yet
		w.status = status
	}
}

func (w *recorder) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(b)
}

func (w *recorder) answer() httpAnswer {
	w.WriteHeader(http.StatusOK) // as net/http does for a handler that wrote nothing
	out := httpAnswer{StatusCode: w.status, Headers: make(map[string]string, len(w.header))}
	for name, values := range w.header {
		if name == "Set-Cookie" { // the one header that must not be joined
			out.Cookies = values
			continue
		}
		out.Headers[name] = strings.Join(values, ", ")
	}
	if body := w.body.Bytes(); utf8.Valid(body) {
		out.Body = string(body)
	} else {
		out.Body, out.IsBase64Encoded = base64.StdEncoding.EncodeToString(body), true
	}
	return out
}
