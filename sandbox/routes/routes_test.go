package routes_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"dinarfunctions/sandbox/routes"
)

func TestRefusalsAreProblemDocuments(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /sandbox/cards", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("POST /sandbox/cards", func(w http.ResponseWriter, r *http.Request) {
		routes.Refuse(w, r, http.StatusBadRequest, errors.New("no such card"))
	})
	handler := routes.Handler(mux)
	for _, tt := range []struct {
		method, path string
		status       int
		answer       string
	}{
		{http.MethodPut, "/sandbox/cards", http.StatusNoContent, ""},
		{http.MethodPost, "/sandbox/cards", http.StatusBadRequest, `{"title": "Bad Request", "status": 400, "detail": "no such card"}`},
		{http.MethodGet, "/sandbox/cards", http.StatusMethodNotAllowed, `{"title": "Method Not Allowed", "status": 405, "detail": "This path takes POST, PUT only."}`},
		{http.MethodPut, "/sandbox/card", http.StatusNotFound, `{"title": "Not Found", "status": 404, "detail": "There is nothing under this path. In the sandbox, GET /sandbox/ lists what there is."}`},
	} {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), tt.method, tt.path, nil))
		require.Equal(t, tt.status, w.Code, tt.method+" "+tt.path)
		if tt.answer == "" {
			continue
		}
		require.JSONEq(t, tt.answer, w.Body.String())
		require.Equal(t, "application/problem+json", w.Header().Get("Content-Type"))
	}
}
