package api

import (
	"net/http"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Answer is what an [Endpoint] tells its caller when there is something to
// show, whatever the status code.
type Answer struct {
	// Status is the HTTP status code, 200 to 599.
	Status int
	// Body is encoded as JSON; nil is no body, as for 204.
	Body any
	// Text is sent as text/plain in UTF-8, where Body is nil: for a caller that
	// expects one word and reads no JSON.
	Text string
	// RetryAfter becomes a Retry-After header, in seconds rounded up; zero is
	// no header.
	RetryAfter time.Duration
}

// reply is an answer in its last shape before the wire.
type reply struct {
	status      int
	contentType string
	body        []byte
	retryAfter  time.Duration
}

func write(w http.ResponseWriter, r *http.Request, out reply) {
	header := w.Header()
	if out.body != nil {
		header.Set("Content-Type", out.contentType)
	}
	if out.retryAfter > 0 {
		header.Set("Retry-After", seconds(out.retryAfter))
	}
	w.WriteHeader(out.status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(out.body) // whoever hung up cannot be told
	}
}

// encode gives the same bytes for the same value. A text that is not UTF-8,
// which only a provider can have brought in, is mended rather than refused: an
// answer that cannot be written helps nobody.
func encode(body any) ([]byte, error) {
	return json.Marshal(body, json.Deterministic(true), jsontext.AllowInvalidUTF8(true))
}

// seconds rounds up, so that nobody comes back too early.
func seconds(d time.Duration) string {
	return strconv.FormatInt(int64((d+time.Second-1)/time.Second), 10)
}
