package jsonhttp_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"

	"dinarfunctions/sandbox/provider/internal/jsonhttp"
)

type thing struct {
	Name  string `json:"name"`
	Inner struct {
		Count int `json:"count"`
	} `json:"inner"`
}

func request(t *testing.T, body io.Reader) *http.Request {
	t.Helper()
	return httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", body)
}

func TestReadSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("n", 100)
	for body, want := range map[string]string{
		``:                                    "The body is not JSON.",
		`{"name": "MARKED"`:                   "The body is not JSON.",
		`{"name": "MARKED"} x`:                "The body is not JSON.",
		`{"name": "MARKED` + "\xff":           "The body is not JSON.",
		`"MARKED"`:                            "This value is of the wrong JSON type.",
		`{"name": 1}`:                         "name: This value is of the wrong JSON type.",
		`{"inner": {"count": "MARKED"}}`:      "inner.count: This value is of the wrong JSON type.",
		`{"inner": {"count": 1, "count": 2}}`: "inner.count: This field comes twice.",
		`{"Name": "MARKED"}`:                  "Name: This field was not expected.",
		`{"` + long + `": 1}`:                 strings.Repeat("n", 64) + "…: This field was not expected.",
		`{"name": "` + strings.Repeat("M", 64<<10) + `"}`: "The body is larger than 65536 bytes.",
	} {
		var into thing
		err := jsonhttp.Read(request(t, strings.NewReader(body)), &into)
		require.EqualError(t, err, want, "%.80s", body)
		require.NotContains(t, err.Error(), "MARKED")
	}
	err := jsonhttp.Read(request(t, iotest.ErrReader(errors.New("MARKED"))), new(thing))
	require.EqualError(t, err, "The body could not be read to its end.")
}

// What is read reads the same again, and what is not says so as an *Error that
// is not empty.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		`{"name": "a", "inner": {"count": 1}}`, `{"name": null}`, `{}`, `null`, `[]`, `{"inner": {"count": 1e99}}`,
		`{"name": "\ud800"}`, `{"a": {"a": {"a": 1}}}`, `{"name": "a", "name": "b"}`, `{`, ``, "\xff",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		var first, second thing
		if err := jsonhttp.Read(request(t, strings.NewReader(body)), &first); err != nil {
			var fault *jsonhttp.Error
			require.ErrorAs(t, err, &fault)
			require.NotEmpty(t, fault.Problem)
			return
		}
		require.NoError(t, jsonhttp.Read(request(t, strings.NewReader(string(jsonhttp.Encode(first)))), &second))
		require.Equal(t, first, second)
	})
}

func TestChange(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		body   string
		err    error
		status int
		answer string
	}{
		{`{"name": "a"}`, nil, http.StatusNoContent, ""},
		{`{"name": "a"}`, errors.New("no room"), http.StatusBadRequest, `{"title":"Bad Request","status":400,"detail":"no room"}`},
		{`{"name": 1}`, nil, http.StatusBadRequest, `{"title":"Bad Request","status":400,"detail":"name: This value is of the wrong JSON type."}`},
	} {
		w := httptest.NewRecorder()
		var into thing
		jsonhttp.Change(w, request(t, strings.NewReader(tt.body)), &into, func() error {
			require.Equal(t, "a", into.Name)
			return tt.err
		})
		require.Equal(t, tt.status, w.Code)
		require.Equal(t, tt.answer, w.Body.String())
	}
}

func TestEncodeIsDeterministic(t *testing.T) {
	t.Parallel()
	require.Equal(t, `{"a":1,"b":2,"c":3}`, string(jsonhttp.Encode(map[string]int{"c": 3, "a": 1, "b": 2})))
	require.NoError(t, json.Unmarshal(jsonhttp.Encode(thing{}), new(thing)))
	require.Panics(t, func() { jsonhttp.Encode(func() {}) })
}
