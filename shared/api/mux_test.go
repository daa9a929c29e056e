package api_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/api"
)

// served is a Mux behind a real server, and what it logged.
type served struct {
	*httptest.Server
	log bytes.Buffer
}

func serve(t *testing.T, routes map[string]api.Endpoint) *served {
	t.Helper()
	s := new(served)
	mux := api.NewMux(slog.New(slog.NewJSONHandler(&s.log, nil)))
	for pattern, endpoint := range routes {
		mux.Handle(pattern, endpoint)
	}
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	s.Client().CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return s
}

func (s *served) ask(t *testing.T, method, path string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, nil)
	require.NoError(t, err)
	answer, err := s.Client().Do(r)
	require.NoError(t, err)
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return answer, string(body)
}

func say(answer api.Answer, err error) api.Endpoint {
	return func(*http.Request) (api.Answer, error) { return answer, err }
}

func TestAnswers(t *testing.T) {
	for _, test := range []struct {
		name       string
		answer     api.Answer
		body       string
		mediaType  string
		retryAfter string
	}{
		{"object", api.Answer{Status: 200, Body: map[string]any{"b": "<é>", "a": []string(nil)}},
			`{"a":[],"b":"<é>"}`, "application/json", ""},
		{"a thing with an error's status", api.Answer{Status: 402, Body: map[string]string{"state": "declined"}},
			`{"state":"declined"}`, "application/json", ""},
		{"nothing", api.Answer{Status: 204}, "", "", ""},
		{"text", api.Answer{Status: 200, Text: "OK"}, "OK", "text/plain; charset=utf-8", ""},
		{"text that is not UTF-8", api.Answer{Status: 200, Body: map[string]string{"reason": "caf\xe9"}},
			"{\"reason\":\"caf\ufffd\"}", "application/json", ""},
		{"whole seconds", api.Answer{Status: 503, RetryAfter: 2 * time.Second}, "", "", "2"},
		{"rounded up", api.Answer{Status: 503, RetryAfter: 2*time.Second + 1}, "", "", "3"},
		{"at least one", api.Answer{Status: 503, RetryAfter: 1}, "", "", "1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := serve(t, map[string]api.Endpoint{"GET /x": say(test.answer, nil)})
			answer, body := s.ask(t, "GET", "/x")
			require.Equal(t, test.answer.Status, answer.StatusCode)
			require.Equal(t, test.body, body)
			require.Equal(t, test.mediaType, answer.Header.Get("Content-Type"))
			require.Equal(t, test.retryAfter, answer.Header.Get("Retry-After"))
			require.Empty(t, s.log.String())
		})
	}
}

func TestProblemIsWrittenAsItIs(t *testing.T) {
	problem := &api.Problem{
		Status:     http.StatusUnprocessableEntity,
		Detail:     "The order is not acceptable.",
		Errors:     []api.FieldError{{Field: "order.amount", Message: "must be greater than 0"}},
		RetryAfter: 1500 * time.Millisecond,
		Cause:      errors.New(marked),
	}
	want := `{"title":"Unprocessable Entity","status":422,"detail":"The order is not acceptable.",` +
		`"errors":[{"field":"order.amount","message":"must be greater than 0"}]}`
	for name, err := range map[string]error{
		"bare":    problem,
		"wrapped": fmt.Errorf("charge %s: %w", marked, problem),
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, map[string]api.Endpoint{"GET /x": say(api.Answer{}, err)})
			answer, body := s.ask(t, "GET", "/x")
			require.Equal(t, 422, answer.StatusCode)
			require.Equal(t, "application/problem+json", answer.Header.Get("Content-Type"))
			require.Equal(t, "2", answer.Header.Get("Retry-After"))
			require.Equal(t, want, body)
			require.Empty(t, s.log.String(), "the caller's own mistakes are not for the log")
		})
	}

	t.Run("with a title and nothing else", func(t *testing.T) {
		s := serve(t, map[string]api.Endpoint{"GET /x": say(api.Answer{}, &api.Problem{Status: 409, Title: "Taken"})})
		_, body := s.ask(t, "GET", "/x")
		require.Equal(t, `{"title":"Taken","status":409}`, body)
	})
}

func TestProblemsOfOursAreLoggedWithTheirCause(t *testing.T) {
	cause := errors.New("no route to host")
	s := serve(t, map[string]api.Endpoint{
		"GET /x": say(api.Answer{}, &api.Problem{Status: 503, Detail: "Not now.", Cause: cause}),
	})
	_, body := s.ask(t, "GET", "/x")
	require.Equal(t, `{"title":"Service Unavailable","status":503,"detail":"Not now."}`, body)
	require.Contains(t, s.log.String(), cause.Error())
}

func TestWhatNobodyShouldSee(t *testing.T) {
	type cannotEncode struct{ F func() }
	for _, test := range []struct {
		name     string
		endpoint api.Endpoint
		logged   string
		hidden   string
	}{
		{"unexpected error", say(api.Answer{}, errors.New("table is gone")), "table is gone", ""},
		{"no status", say(api.Answer{Body: "x"}, nil), "status 0", ""},
		{"status that is none", say(api.Answer{Status: 1000}, nil), "status 1000", ""},
		{"problem without a status", say(api.Answer{}, &api.Problem{Detail: "lost"}), "lost", ""},
		{"body that cannot be encoded", say(api.Answer{Status: 200, Body: cannotEncode{}}, nil), "GET /x", ""},
		{"panic of the runtime", func(r *http.Request) (api.Answer, error) {
			return api.Answer{Status: len(r.Header["X"][7])}, nil
		}, "index out of range", ""},
		{"panic with a text", func(*http.Request) (api.Answer, error) { panic(marked) }, "mux_test.go", marked},
		{"panic with an error", func(*http.Request) (api.Answer, error) { panic(errors.New(marked)) }, "mux_test.go", marked},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := serve(t, map[string]api.Endpoint{"GET /x": test.endpoint})
			answer, body := s.ask(t, "GET", "/x")
			require.Equal(t, 500, answer.StatusCode)
			require.Equal(t, "application/problem+json", answer.Header.Get("Content-Type"))
			require.Equal(t, `{"title":"Internal Server Error","status":500,"detail":`+
				`"Something went wrong inside this function. Its log says what, under this request's id."}`, body)
			require.Contains(t, s.log.String(), test.logged)
			if test.hidden != "" {
				require.NotContains(t, s.log.String(), test.hidden)
			}
		})
	}
}

func TestRoutes(t *testing.T) {
	echo := func(r *http.Request) (api.Answer, error) {
		return api.Answer{Status: 200, Body: r.Pattern + " " + r.PathValue("number")}, nil
	}
	s := serve(t, map[string]api.Endpoint{
		"GET /charges/{number}":            echo,
		"PUT /charges/{number}/resolution": echo,
		"GET /charges":                     echo,
		"POST /charges":                    echo,
	})
	for _, test := range []struct {
		method, path string
		status       int
		body         string // of a 200
		allow        string // of a 405
	}{
		{"GET", "/charges/a-1", 200, `"GET /charges/{number} a-1"`, ""},
		{"GET", "/charges/a-1?x=//y/", 200, `"GET /charges/{number} a-1"`, ""},
		{"GET", "/charges/a%20b", 200, `"GET /charges/{number} a b"`, ""},
		{"GET", "/charges/a%2Fb", 200, `"GET /charges/{number} a/b"`, ""},
		{"GET", "/charges/%61", 200, `"GET /charges/{number} a"`, ""},
		{"PUT", "/charges/a-1/resolution", 200, `"PUT /charges/{number}/resolution a-1"`, ""},
		{"POST", "/charges", 200, `"POST /charges "`, ""},
		{"HEAD", "/charges", 200, "", ""},

		{"GET", "/", 404, "", ""},
		{"GET", "", 404, "", ""},
		{"GET", "/charge", 404, "", ""},
		{"GET", "/Charges", 404, "", ""},
		{"GET", "/charges/", 404, "", ""},
		{"GET", "/charges//", 404, "", ""},
		{"GET", "//charges", 404, "", ""},
		{"GET", "/charges//a-1", 404, "", ""},
		{"GET", "/charges/./a-1", 404, "", ""},
		{"GET", "/x/../charges", 404, "", ""},
		{"GET", "/charges/%2e%2e/charges", 404, "", ""},
		{"GET", "/charges/%2F", 404, "", ""},
		{"GET", "/charges/a-1/", 404, "", ""},
		{"GET", "/charges/a-1/b", 404, "", ""},
		{"HEAD", "/nothing", 404, "", ""},

		{"DELETE", "/charges/a-1", 405, "", "GET, HEAD"},
		{"DELETE", "/charges", 405, "", "GET, HEAD, POST"},
		{"GET", "/charges/a-1/resolution", 405, "", "PUT"},
		{"OPTIONS", "/charges/a-1/resolution", 405, "", "PUT"},
		{"get", "/charges", 405, "", "GET, HEAD, POST"},
	} {
		t.Run(test.method+" "+test.path, func(t *testing.T) {
			answer, body := s.ask(t, test.method, test.path)
			require.Equal(t, test.status, answer.StatusCode)
			require.Equal(t, test.allow, answer.Header.Get("Allow"))
			require.Empty(t, answer.Header.Get("Location"))
			if test.status == 200 {
				require.Equal(t, "application/json", answer.Header.Get("Content-Type"))
				require.Equal(t, test.body, body)
				return
			}
			require.Equal(t, "application/problem+json", answer.Header.Get("Content-Type"))
			if test.method != "HEAD" {
				require.Contains(t, body, fmt.Sprintf(`"status":%d`, test.status))
			}
		})
	}
	require.Empty(t, s.log.String())
}

// Requests that net/http's server or client would not let through, but an
// event may hold.
func TestOddTargets(t *testing.T) {
	mux := api.NewMux(slog.New(slog.DiscardHandler))
	mux.Handle("GET /charges", say(api.Answer{Status: 200}, nil))
	for _, path := range []string{"", "*", "charges", "..", "/\x00", "/charges/\xff"} {
		for _, method := range []string{"GET", "CONNECT", ""} {
			r := httptest.NewRequest("GET", "/", nil)
			r.Method, r.URL.Path, r.RequestURI = method, path, path
			w := httptest.NewRecorder()
			mux.ServeHTTP(w, r)
			require.Equal(t, 404, w.Code, "%q %q", method, path)
		}
	}
}

func TestPathID(t *testing.T) {
	long := strings.Repeat("a", 255)
	for _, test := range []struct {
		id      string
		number  bool // acceptable as one
		payment bool
	}{
		{"gold-42-0007-r1", true, true},
		{"A", true, true},
		{"df9a31ea528a3977", true, true},
		{"a_1", false, true},
		{long[:128], true, true},
		{long, true, false},
		{long + "a", false, false},
		{"", false, false},
		{"a b", false, false},
		{"a/b", false, false},
		{"a.b", false, false},
		{"a%2Fb", false, false},
		{"é", false, false},
		{"\u0430", false, false}, // a Cyrillic а
		{"a\n", false, false},
		{"a\x00", false, false},
		{"\xff", false, false},
	} {
		t.Run(fmt.Sprintf("%.20q of %d", test.id, len(test.id)), func(t *testing.T) {
			for method, status := range map[string]int{"GET": 404, "HEAD": 404, "PUT": 422, "POST": 422, "DELETE": 422} {
				r := httptest.NewRequest(method, "/", nil)
				r.SetPathValue("id", test.id)
				check := func(id string, err error, ok bool) {
					if ok {
						require.NoError(t, err)
						require.Equal(t, test.id, id)
						return
					}
					require.Empty(t, id)
					require.Equal(t, status, requireProblem(t, err).Status, method)
				}
				id, err := api.PathID(r, "id")
				check(id, err, test.number)
				id, err = api.PathPayoutID(r, "id")
				check(id, err, test.payment)
			}
		})
	}
}

func TestReadLimitedTakesAnyBody(t *testing.T) {
	r := httptest.NewRequest("POST", "/", strings.NewReader("id=1&hash=\xff"))
	body, err := api.ReadLimited(r, 11)
	require.NoError(t, err)
	require.Equal(t, "id=1&hash=\xff", string(body))

	r = httptest.NewRequest("POST", "/", strings.NewReader("id=1&hash=\xff"))
	_, err = api.ReadLimited(r, 10)
	require.Equal(t, http.StatusRequestEntityTooLarge, requireProblem(t, err).Status)
}
