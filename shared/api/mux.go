package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path"
	"runtime"
	"runtime/debug"
	"strings"
)

// Endpoint answers one route. An error that is or wraps a [*Problem] is
// written as that problem; every other error is logged and becomes a 500 with
// a neutral text.
type Endpoint func(*http.Request) (Answer, error)

// Mux is the HTTP handler of a whole function: [http.ServeMux] patterns in
// front of endpoints, with all else answered in our own shape.
//
// A path that no route knows is 404, and so is one with "//", "/./" or a slash
// at its end: nothing is redirected. A method that a path does not know is 405
// with Allow. HEAD is answered as GET without its body. A panic is logged and
// answered with 500. Problems of 500 and above are logged with their cause,
// since an operator has to know of them.
//
// A Mux is set up before it serves; after that any number of requests may be
// under way.
type Mux struct {
	routes *http.ServeMux
	log    *slog.Logger
}

var _ http.Handler = (*Mux)(nil)

// NewMux returns a Mux without routes, which logs to log.
func NewMux(log *slog.Logger) *Mux {
	return &Mux{routes: http.NewServeMux(), log: log}
}

// Handle adds a route. The pattern has a method and no slash at its end, like
// "POST /charges" or "GET /charges/{number}". It panics on a pattern that is
// malformed or collides with an earlier one.
func (m *Mux) Handle(pattern string, endpoint Endpoint) {
	m.routes.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		answer, err := endpoint(r)
		if err != nil {
			m.fail(w, r, err)
			return
		}
		if answer.Status < 200 || answer.Status > 599 {
			m.fail(w, r, fmt.Errorf("the endpoint of %s answered with status %d", pattern, answer.Status))
			return
		}
		out := reply{status: answer.Status, retryAfter: answer.RetryAfter}
		switch {
		case answer.Body != nil:
			out.contentType = "application/json"
			if out.body, err = encode(answer.Body); err != nil {
				m.fail(w, r, fmt.Errorf("encode the answer of %s: %w", pattern, err))
				return
			}
		case answer.Text != "":
			out.contentType, out.body = "text/plain; charset=utf-8", []byte(answer.Text)
		}
		write(w, r, out)
	})
}

// ServeHTTP answers one request.
func (m *Mux) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer func() {
		if v := recover(); v != nil {
			LogPanic(r.Context(), m.log, v)
			Internal(nil).ServeHTTP(w, r)
		}
	}()
	if p := r.URL.Path; !strings.HasPrefix(p, "/") || path.Clean(p) != p {
		m.fail(w, r, notFound())
		return
	}
	if problem, allow := Unrouted(m.routes, r); problem != nil {
		if allow != "" {
			w.Header().Set("Allow", allow)
		}
		m.fail(w, r, problem)
		return
	}
	m.routes.ServeHTTP(w, r)
}

// Unrouted is what a request is refused with that no route of a ServeMux takes: 404, or
// 405 with the methods for the header Allow. It is nil where a route does.
func Unrouted(routes *http.ServeMux, r *http.Request) (problem *Problem, allow string) {
	fallback, pattern := routes.Handler(r)
	if pattern != "" {
		return nil, ""
	}
	// ServeMux tells only by its own answer whether the path or the method is
	// unknown, and which methods it has.
	own := discard{header: http.Header{}}
	fallback.ServeHTTP(&own, r)
	if own.status != http.StatusMethodNotAllowed {
		return notFound(), ""
	}
	allow = own.header.Get("Allow")
	return &Problem{Status: http.StatusMethodNotAllowed, Detail: "This path takes " + allow + " only."}, allow
}

func (m *Mux) fail(w http.ResponseWriter, r *http.Request, err error) {
	problem, ok := errors.AsType[*Problem](err)
	if !ok || problem.Status < 400 || problem.Status > 599 {
		problem = Internal(err)
		m.log.ErrorContext(r.Context(), "request failed unexpectedly", "error", err)
	} else if problem.Status >= http.StatusInternalServerError {
		m.log.WarnContext(r.Context(), "request failed", "status", problem.Status, "error", err)
	}
	problem.ServeHTTP(w, r)
}

func notFound() *Problem {
	return &Problem{Status: http.StatusNotFound, Detail: "There is nothing under this path."}
}

// LogPanic writes down a recovered panic with the stack that led to it. A
// value that the Go runtime made is told; of any other only the type, because
// whoever panicked with it may have put a request or a secret into it.
func LogPanic(ctx context.Context, log *slog.Logger, value any) {
	text := fmt.Sprintf("a %T, not shown", value)
	if err, ok := value.(runtime.Error); ok {
		text = err.Error()
	}
	log.ErrorContext(ctx, "panic", "value", text, "stack", strings.Split(string(debug.Stack()), "\n"))
}

// discard takes an answer apart from its body.
type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) WriteHeader(status int)      { d.status = status }
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }
