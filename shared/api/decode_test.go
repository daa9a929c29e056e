package api_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/api"
)

// marked stands for a token or a password that a caller sent: it must come
// back in nothing.
const marked = "MARKED-9a2f-0242c0a87002"

type order struct {
	Number string `json:"number"`
	Amount string `json:"amount"`
}

type request struct {
	Token  string    `json:"token"`
	Order  order     `json:"order"`
	Cycles int       `json:"cycles"`
	Live   bool      `json:"live"`
	Retry  []int     `json:"retry_after_days"`
	Start  time.Time `json:"starts_at"`
	Note   *string   `json:"note"`
	Size   uint8     `json:"size"`
}

func post(body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	return r
}

func requireProblem(t *testing.T, err error) *api.Problem {
	t.Helper()
	problem, ok := errors.AsType[*api.Problem](err)
	require.True(t, ok, "want a Problem, got %T: %v", err, err)
	return problem
}

func TestDecodeTakesKnownFieldsOnceEach(t *testing.T) {
	var got request
	err := api.Decode(post(`
		{"token": "té", "order": {"number": "a-1", "amount": "1.00"}, "cycles": 3,
		 "live": true, "retry_after_days": [1, 3], "starts_at": "2026-12-31T09:00:00Z", "note": "n"}
	`), &got)
	require.NoError(t, err)
	note := "n"
	require.Equal(t, request{
		Token: "té", Order: order{"a-1", "1.00"}, Cycles: 3, Live: true, Retry: []int{1, 3},
		Start: time.Date(2026, 12, 31, 9, 0, 0, 0, time.UTC), Note: &note,
	}, got)
}

func TestDecodeRefuses(t *testing.T) {
	for _, test := range []struct {
		name, body string
		status     int
		field      string // of errors[0]; none where empty
		says       string // part of its message, or of detail where there is no field
	}{
		{"nothing", ``, 400, "", "empty"},
		{"blanks", " \r\n\t", 400, "", "empty"},
		{"null", `null`, 400, "", "not an object"},
		{"text", `"` + marked + `"`, 400, "", "not an object"},
		{"list", `[{"token": "` + marked + `"}]`, 400, "", "not an object"},
		{"number", `1`, 400, "", "not an object"},
		{"no JSON", marked, 400, "", "byte 0"},
		{"form", "token=" + marked, 400, "", "byte 1"},
		{"byte order mark", "\ufeff{}", 400, "", "byte 0"},
		{"not UTF-8", "{\"token\": \"\xff\"}", 400, "", "byte 11"},
		{"half a surrogate", `{"token": "\ud800"}`, 400, "", "byte 11"},
		{"comment", `{"token": "` + marked + `" // note` + "\n}", 400, "", "byte 37"},
		{"comma at the end", `{"token": "` + marked + `",}`, 400, "", "byte"},
		{"no colon", `{"token" "` + marked + `"}`, 400, "", "byte 9"},
		{"ends early", `{"token": "` + marked, 400, "", "too early"},
		{"ends early after a value", `{"token": "` + marked + `"`, 400, "", "too early"},
		{"text after", `{"token": "a"} ` + marked, 400, "", "byte 14"},
		{"object after", `{"token": "a"}{"token": "` + marked + `"}`, 400, "", "byte 14"},
		{"brace after", `{"token": "a"}}`, 400, "", "byte 14"},
		{"zero byte after", "{}\x00", 400, "", "byte 2"},

		{"unknown field", `{"merchant_key": "` + marked + `"}`, 400, "merchant_key", "not a known"},
		{"unknown field inside", `{"order": {"colour": "` + marked + `"}}`, 400, "order.colour", "not a known"},
		{"another case", `{"Token": "` + marked + `"}`, 400, "Token", "not a known"},
		{"empty name", `{"": 1}`, 400, "", "not known"},
		{"long name", `{"` + strings.Repeat("ن", 100) + `": 1}`, 400, strings.Repeat("ن", 40) + "…", "not a known"},
		{"repeated field", `{"token": "` + marked + `", "token": "b"}`, 400, "token", "more than once"},
		{"repeated field inside", `{"order": {"amount": "` + marked + `", "amount": "b"}}`, 400, "order.amount", "more than once"},
		{"repeated unknown field", `{"x": 1, "x": 1}`, 400, "x", "more than once"},
		{"repeated by escape", `{"token": "a", "\u0074oken": "b"}`, 400, "token", "more than once"},

		{"number for text", `{"order": {"amount": 1.00}}`, 422, "order.amount", "must be a string"},
		{"object for text", `{"token": {"x": "` + marked + `"}}`, 422, "token", "must be a string"},
		{"list for text", `{"token": ["` + marked + `"]}`, 422, "token", "must be a string"},
		{"number for optional text", `{"note": 1}`, 422, "note", "must be a string"},
		{"text for object", `{"order": "` + marked + `"}`, 422, "order", "must be an object"},
		{"text for number", `{"cycles": "` + marked + `"}`, 422, "cycles", "must be a whole number"},
		{"fraction", `{"cycles": 1.5}`, 422, "cycles", "within the documented range"},
		{"too large", `{"size": 256}`, 422, "size", "within the documented range"},
		{"negative", `{"size": -1}`, 422, "size", "within the documented range"},
		{"text for truth", `{"live": "true"}`, 422, "live", "must be true or false"},
		{"text for list", `{"retry_after_days": "` + marked + `"}`, 422, "retry_after_days", "must be a list"},
		{"text in list", `{"retry_after_days": [1, "` + marked + `"]}`, 422, "retry_after_days.1", "must be a whole number"},
		{"no time", `{"starts_at": "` + marked + `"}`, 422, "starts_at", "must be a string in the documented form"},
		{"null for text", `{"token": null}`, 422, "token", "must not be null"},
		{"null for optional text", `{"note": null}`, 422, "note", "must not be null"},
		{"null in list", `{"retry_after_days": [null]}`, 422, "retry_after_days.0", "must not be null"},
		{"bad end beats null", `{"token": null`, 400, "", "too early"},
		{"deep", strings.Repeat(`{"order":`, 7000), 400, "", "too early"},
		{"deeper", strings.Repeat("[", 60000), 400, "", "byte"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := api.Decode(post(test.body), new(request))
			problem := requireProblem(t, err)
			require.Equal(t, test.status, problem.Status, "%v", problem)
			if test.field == "" {
				require.Contains(t, problem.Detail, test.says)
			} else {
				require.Len(t, problem.Errors, 1)
				require.Equal(t, test.field, problem.Errors[0].Field)
				require.Contains(t, problem.Errors[0].Message, test.says)
			}
			require.NotContains(t, problem.Error(), marked)
			require.Nil(t, problem.Cause, "the library's own error quotes values")
		})
	}
}

func TestDecodeWantsJSONInUTF8(t *testing.T) {
	for _, test := range []struct {
		contentType, encoding string
		ok                    bool
	}{
		{"application/json", "", true},
		{"Application/JSON; Charset=UTF-8", "", true},
		{`application/json; charset="utf-8"`, "identity", true},
		{"application/json; profile=x", "", true},
		{"", "", false},
		{"application/json; charset=utf-16", "", false},
		{"application/json; charset=iso-8859-1", "", false},
		{"application/json; charset=", "", false},
		{"application/json,application/json", "", false},
		{"application/problem+json", "", false},
		{"text/json", "", false},
		{"application/x-www-form-urlencoded", "", false},
		{"application/json", "gzip", false},
	} {
		t.Run(test.contentType+" "+test.encoding, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(`{}`))
			r.Header.Set("Content-Type", test.contentType)
			r.Header.Set("Content-Encoding", test.encoding)
			err := api.Decode(r, new(request))
			if test.ok {
				require.NoError(t, err)
				return
			}
			require.Equal(t, http.StatusUnsupportedMediaType, requireProblem(t, err).Status)
		})
	}
}

func TestDecodeLimitsTheBody(t *testing.T) {
	filled := func(size int) string {
		frame := `{"token": ""}`
		return strings.Replace(frame, `""`, `"`+strings.Repeat("a", size-len(frame))+`"`, 1)
	}
	require.NoError(t, api.Decode(post(filled(api.MaxBody)), new(request)))

	err := api.Decode(post(filled(api.MaxBody+1)), new(request))
	require.Equal(t, http.StatusRequestEntityTooLarge, requireProblem(t, err).Status)

	// A body of unknown length is not read further than needed to know.
	endless := post("")
	endless.ContentLength = -1
	read := &counter{r: strings.NewReader(strings.Repeat(" ", 10*api.MaxBody))}
	endless.Body = io.NopCloser(read)
	err = api.Decode(endless, new(request))
	require.Equal(t, http.StatusRequestEntityTooLarge, requireProblem(t, err).Status)
	require.LessOrEqual(t, read.n, api.MaxBody+1)
}

type counter struct {
	r io.Reader
	n int
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += n
	return n, err
}

func TestDecodeOfACutBody(t *testing.T) {
	r := post("")
	r.Body = io.NopCloser(iotest.ErrReader(io.ErrUnexpectedEOF))
	problem := requireProblem(t, api.Decode(r, new(request)))
	require.Equal(t, http.StatusBadRequest, problem.Status)
	require.ErrorIs(t, problem, io.ErrUnexpectedEOF)
}

func TestDecodeIntoNoPointerIsOurMistake(t *testing.T) {
	err := api.Decode(post(`{}`), request{})
	require.Error(t, err)
	_, shown := errors.AsType[*api.Problem](err)
	require.False(t, shown, "a caller cannot mend this: %v", err)
}

// Whatever is accepted is one JSON object in UTF-8 with known names, each
// once, and says the same when it is written and read again.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{}`,
		`{"token": "a", "order": {"number": "a-1", "amount": "1.00"}}`,
		`{"cycles": 3, "live": true, "retry_after_days": [1, 3], "note": "n", "size": 255}`,
		`{"starts_at": "2026-12-31T09:00:00Z"}`,
		`{"token": "a", "token": "b"}`,
		`{"token": "a", "\u0074oken": "b"}`,
		`{"Token": "a"}`,
		`{"order": null}`,
		`{"order": {"amount": 1.00}}`,
		`{"token": "a"} {}`,
		"\ufeff{}",
		"{\"token\": \"\xff\"}",
		`[]`,
		``,
	} {
		f.Add([]byte(seed))
	}
	known := map[string]bool{
		"/token": true, "/order": true, "/order/number": true, "/order/amount": true, "/cycles": true,
		"/live": true, "/retry_after_days": true, "/starts_at": true, "/note": true, "/size": true,
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var got request
		if err := api.Decode(post(string(body)), &got); err != nil {
			problem := requireProblem(t, err)
			require.Contains(t, []int{400, 413, 422}, problem.Status)
			return
		}
		seen := map[jsontext.Pointer]bool{}
		dec := jsontext.NewDecoder(strings.NewReader(string(body)), jsontext.AllowDuplicateNames(true))
		for {
			token, err := dec.ReadToken()
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(t, err)
			require.NotEqual(t, jsontext.KindNull, token.Kind())
			parent, length := dec.StackIndex(dec.StackDepth())
			if parent == jsontext.KindBeginObject && length%2 == 1 { // a name
				at := dec.StackPointer()
				require.True(t, known[string(at)], "unknown name %q was accepted", at)
				require.False(t, seen[at], "repeated name %q was accepted", at)
				seen[at] = true
			}
		}
		again, err := json.Marshal(got, json.OmitZeroStructFields(true))
		require.NoError(t, err)
		var second request
		require.NoError(t, api.Decode(post(string(again)), &second), "%s", again)
		require.Equal(t, got.Start.UTC(), second.Start.UTC())
		got.Start, second.Start = time.Time{}, time.Time{}
		if len(got.Retry) == 0 { // an empty list is written as no list or as an empty one
			got.Retry, second.Retry = nil, nil
		}
		require.Equal(t, got, second)
	})
}

func TestDecodeOptional(t *testing.T) {
	into := request{Token: "as it was"}
	none := post("")
	none.Header.Del("Content-Type")
	require.NoError(t, api.DecodeOptional(none, &into))
	require.Equal(t, request{Token: "as it was"}, into)
	require.NoError(t, api.DecodeOptional(post(`{"token": "new"}`), &into))
	require.Equal(t, "new", into.Token)
	for body, status := range map[string]int{
		`x`: 400, `{"x": 1}`: 400, `{"token": 1}`: 422, strings.Repeat(" ", api.MaxBody+1): 413,
	} {
		require.Equal(t, status, requireProblem(t, api.DecodeOptional(post(body), &into)).Status)
	}
}
