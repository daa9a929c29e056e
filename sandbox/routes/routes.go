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
		problem, allow := api.Unrouted(mux, r)
		switch {
		case problem == nil:
			mux.ServeHTTP(w, r)
			return
		case allow != "":
			w.Header().Set("Allow", allow)
		default:
			problem.Detail += " In the sandbox, GET /sandbox/ lists what there is."
		}
		problem.ServeHTTP(w, r)
	})
}
