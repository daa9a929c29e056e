// Package routes gives the sandbox's own paths, those below /sandbox/, the errors of the
// bundle's API: problem documents (RFC 9457), also where a path or a method is unknown.
package routes

import (
	"net/http"

	"dinarfunctions/shared/api"
)

// Refuse answers with a problem document that says what err says.
func Refuse(w http.ResponseWriter, r *http.Request, status int, err error) {
	(&api.Problem{Status: status, Detail: err.Error()}).ServeHTTP(w, r)
}

// Handler serves the routes of mux. What mux would refuse in plain text by itself
// becomes a problem document.
func Handler(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		own, pattern := mux.Handler(r)
		if pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		// Only its answer tells whether the path or the method is unknown.
		refusal := discard{header: http.Header{}}
		own.ServeHTTP(&refusal, r)
		problem := &api.Problem{Status: http.StatusNotFound, Detail: "There is nothing under this path. In the sandbox, GET /sandbox/ lists what there is."}
		if refusal.status == http.StatusMethodNotAllowed {
			allow := refusal.header.Get("Allow")
			w.Header().Set("Allow", allow)
			problem = &api.Problem{Status: http.StatusMethodNotAllowed, Detail: "This path takes " + allow + " only."}
		}
		problem.ServeHTTP(w, r)
	})
}

// discard takes an answer apart from its body.
type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) WriteHeader(status int)      { d.status = status }
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }
