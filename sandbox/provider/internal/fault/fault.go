// Package fault holds what the simulated providers share when they misbehave: a
// plan of faults to come, and the ways to break an HTTP answer.
//
// A provider names its own faults and says what each does. A fault waits for a
// request that passes all checks: what the provider refuses anyway is refused,
// and the plan stays as it is.
package fault

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"time"
)

// Hang answers nothing and holds the connection until the caller gives up. The
// request's body must have been read: only then does the server notice that the
// caller has gone. It does not return.
func Hang(r *http.Request) {
	<-r.Context().Done()
	Cut()
}

// Cut closes the connection without an answer, or in the middle of one. It does
// not return.
func Cut() { panic(http.ErrAbortHandler) }

// Half announces a whole answer of status 200, sends its first half and closes
// the connection. It does not return.
func Half(w http.ResponseWriter, contentType string, body []byte) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(body[:len(body)/2])
	_ = http.NewResponseController(w).Flush()
	Cut()
}

// Text answers with any text at all.
func Text(w http.ResponseWriter, status int, contentType, text string) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text)
}

// Page answers with the HTML page of a server in front of the provider, which
// speaks no JSON.
func Page(w http.ResponseWriter, status int) {
	Text(w, status, "text/html; charset=utf-8",
		"<!doctype html><html><head><title>"+http.StatusText(status)+"</title></head><body><h1>"+
			http.StatusText(status)+"</h1><p>Please come back later.</p></body></html>\n")
}

// Redirect sends the caller to the same path again, with its method and body
// (307). Whoever follows it is counted again, and whoever follows a charge
// charges.
func Redirect(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Location", r.URL.RequestURI())
	w.WriteHeader(http.StatusTemporaryRedirect)
}

// Sleep waits, or returns the context's error if that ends first. Tests put a
// function of their own in its place.
func Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
