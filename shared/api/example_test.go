package api_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"

	"dinarfunctions/shared/api"
)

// A route reads its body, checks what only it can check, and answers. Whatever
// is wrong becomes a problem document by itself.
func ExampleMux() {
	mux := api.NewMux(slog.New(slog.DiscardHandler))
	mux.Handle("POST /greetings", func(r *http.Request) (api.Answer, error) {
		var body struct {
			Name string `json:"name"`
		}
		if err := api.Decode(r, &body); err != nil {
			return api.Answer{}, err
		}
		if body.Name == "" {
			return api.Answer{}, api.Invalid(api.FieldError{Field: "name", Message: "is required"})
		}
		return api.Answer{
			Status: http.StatusOK,
			Body:   map[string]string{"greeting": "Marhaba, " + body.Name + "!"},
		}, nil
	})

	for _, body := range []string{`{"name": "Noor"}`, `{"nom": "Noor"}`} {
		r := httptest.NewRequest(http.MethodPost, "/greetings", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		fmt.Println(w.Code, w.Body)
	}
	// Output:
	// 200 {"greeting":"Marhaba, Noor!"}
	// 400 {"title":"Bad Request","status":400,"detail":"The body has a field that is not known here.","errors":[{"field":"nom","message":"is not a known field"}]}
}
