//go:build unix

package aws_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"

	"dinarfunctions/test/internal/stack"
	"dinarfunctions/test/lambdaruntime"
)

// passing is a call on its way over a wire: its request before the service has it,
// or its answer before the caller has it.
type passing struct {
	operation string // UpdateItem, GetSecretValue, recurring, …
	key       string // what it is about: an order number, switch, or nothing
	from      string // the caller's end of the connection
	answered  bool
	gone      <-chan struct{} // closed when the caller has gone
}

// wire is a proxy in front of a service that sees all calls. A call that has arrived
// goes through to its end, also where its caller dies meanwhile.
type wire struct {
	url     string
	forward *httputil.ReverseProxy
	server  *httptest.Server

	mu     sync.Mutex
	watch  func(passing) bool // whether it may pass; nil: always
	counts map[string]int     // requests by operation, and by operation and key
	from   []string           // the callers' ends of all connections
}

// newWire stands in front of a service. about reads from a request what it asks for.
func newWire(t *testing.T, service string, about func(r *http.Request, body []byte) (operation, key string)) *wire {
	t.Helper()
	target, err := url.Parse(service)
	require.NoError(t, err)
	w := &wire{counts: map[string]int{}, forward: &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) },
		// An answer that was cut is cut here too.
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}}
	w.server = httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler) // the caller died while it wrote
		}
		operation, key := about(r, body)
		p := passing{operation: operation, key: key, from: r.RemoteAddr, gone: r.Context().Done()}
		w.pass(p)
		through := r.Clone(context.WithoutCancel(r.Context()))
		through.Body = io.NopCloser(bytes.NewReader(body))
		got := httptest.NewRecorder()
		w.forward.ServeHTTP(got, through)
		p.answered = true
		w.pass(p)
		maps.Copy(answer.Header(), got.Header())
		answer.WriteHeader(got.Code)
		_, _ = answer.Write(got.Body.Bytes())
	}))
	w.url = w.server.URL
	t.Cleanup(w.server.Close)
	return w
}

// pass lets a call pass, or cuts its connection.
func (w *wire) pass(p passing) {
	w.mu.Lock()
	if !p.answered {
		w.counts[p.operation]++
		w.counts[p.operation+" "+p.key]++
		if !slices.Contains(w.from, p.from) {
			w.from = append(w.from, p.from)
		}
	}
	watch := w.watch
	w.mu.Unlock()
	if watch != nil && !watch(p) {
		panic(http.ErrAbortHandler)
	}
}

// on has every call watched from now on; nil: none. The watcher may take its time:
// what it looks at waits.
func (w *wire) on(watch func(passing) bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.watch = watch
}

// connections are the callers' ends of all connections that were used so far.
func (w *wire) connections() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.from)
}

// asked is how many requests of an operation arrived. An operation may be followed
// by a blank and a key, to count those about one thing.
func (w *wire) asked(operation string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.counts[operation]
}

// all is how many requests arrived.
func (w *wire) all() (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for operation, count := range w.counts {
		if !strings.Contains(operation, " ") {
			n += count
		}
	}
	return n
}

// aboutItem reads a request to DynamoDB or to Secrets Manager.
func aboutItem(r *http.Request, body []byte) (operation, key string) {
	_, operation, _ = strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	var item struct {
		Key struct {
			PK struct{ S string } `json:"pk"`
		}
	}
	if json.Unmarshal(body, &item) != nil {
		return operation, ""
	}
	return operation, strings.TrimPrefix(item.Key.PK.S, "charge#")
}

// aboutCharge reads a request to DineroPay: recurring or status.
func aboutCharge(r *http.Request, body []byte) (operation, key string) {
	var request struct {
		OrderID string `json:"order_id"`
		Order   struct {
			Number string `json:"number"`
		} `json:"order"`
	}
	_ = json.Unmarshal(body, &request) // what cannot be read is about nothing
	return path.Base(r.URL.Path), request.OrderID + request.Order.Number
}

// house is a stack whose RecurringCharge can be started any number of times, with
// wires to all that it calls.
type house struct {
	*stack.Stack
	ledger, secrets, provider *wire

	bootstrap string
	env       map[string]string
	timeout   time.Duration
}

func newHouse(t *testing.T) *house {
	t.Helper()
	s := start(t, true)
	f, err := s.Function("RecurringCharge")
	require.NoError(t, err)
	h := &house{
		Stack:     s,
		ledger:    newWire(t, os.Getenv("AWS_ENDPOINT_URL_DYNAMODB"), aboutItem),
		secrets:   newWire(t, os.Getenv("AWS_ENDPOINT_URL"), aboutItem),
		provider:  newWire(t, s.Ref("DineroPayUrl"), aboutCharge),
		bootstrap: lambdaruntime.Build(t, "recurring-charge"),
		timeout:   time.Duration(f.Properties.Number("Timeout")) * time.Second,
	}
	h.env, err = s.Environment(f)
	require.NoError(t, err)
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL_DYNAMODB": h.ledger.url,
		"AWS_ENDPOINT_URL":          h.secrets.url,
		"DINEROPAY_URL":             h.provider.url,
	} {
		require.Contains(t, h.env, name, "the template does not set it")
		h.env[name] = value
	}
	return h
}

// start starts an instance. It ends with the test, if not before.
func (h *house) start(t *testing.T) function {
	t.Helper()
	var instance *lambdaruntime.Instance
	t.Cleanup(func() { // after its end, when all that it wrote has arrived
		require.False(t, stack.ShowsSecrets(instance.Log()), "%s", instance.Log())
	})
	instance = lambdaruntime.Start(t, h.bootstrap, h.env)
	return function{instance, h.timeout}
}

// shown is as much of a charge as these tests look at.
type shown struct {
	Status  int    `json:"-"` // HTTP
	State   string `json:"state"`
	Reason  string `json:"reason"`
	History []struct {
		State    string `json:"state"`
		Evidence string `json:"evidence"`
	} `json:"history"`
}

// learntBy is by what it came to its state.
func (s shown) learntBy() string {
	if len(s.History) == 0 {
		return ""
	}
	return s.History[len(s.History)-1].Evidence
}

// over tells what became of an invocation: the charge that was shown, or gone when
// the process was killed. It may be called from any goroutine.
func (f function) over(ctx context.Context, payload []byte, within time.Duration) (got shown, gone bool, err error) {
	result, err := f.Invoke(ctx, payload, within)
	switch {
	case err != nil:
		return shown{}, false, err
	case result.Gone:
		return shown{}, true, nil
	case result.Failed:
		return shown{}, false, fmt.Errorf("the function failed: %s", result.Payload)
	case stack.ShowsSecrets(string(result.Payload)):
		return shown{}, false, fmt.Errorf("the answer shows a secret: %s", result.Payload)
	}
	var a answer
	if err := json.Unmarshal(result.Payload, &a); err != nil {
		return shown{}, false, err
	}
	if err := json.Unmarshal([]byte(a.Body), &got); err != nil {
		return shown{}, false, fmt.Errorf("%w: %s", err, a.Body)
	}
	got.Status = a.Status
	return got, false, nil
}

// charge asks for what the payload says and wants an answer.
func (f function) charge(t *testing.T, payload []byte) shown {
	t.Helper()
	got, gone, err := f.over(t.Context(), payload, f.timeout)
	require.NoError(t, err)
	require.False(t, gone, "the process ended; its log:\n%s", f.Log())
	return got
}

// look is the sample of a GET for another number.
func look(t *testing.T, number string) []byte {
	t.Helper()
	payload := string(event(t, "recurring-charge-http-get.json"))
	require.Contains(t, payload, "order-1234")
	return []byte(strings.ReplaceAll(payload, "order-1234", number))
}

// eventually asks again and again until the answer is yes.
func eventually(t *testing.T, what string, within time.Duration, yes func() bool) {
	t.Helper()
	again := time.NewTicker(200 * time.Millisecond)
	defer again.Stop()
	tooLate := time.After(within)
	for !yes() {
		select {
		case <-again.C:
		case <-tooLate:
			require.Fail(t, "not within "+within.String(), what)
		}
	}
}
