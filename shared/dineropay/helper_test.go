package dineropay

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"

	"github.com/cenkalti/backoff/v5"
	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/hidden"
)

// The provider's own example values, and the merchant of its first vector.
const (
	theInitTransID = "dc66cdd8-d702-11ea-9a2f-0242c0a87002"
	theToken       = "9a2f-0242c0a87002"
	theNumber      = "order-1234"
	thePaymentID   = "aaff66d8-4c62-11eb-b6a6-0242c0a87002"
	theMerchantKey = "c0a1e6d2-merchant"
	thePassword    = "b3c1f2e4-Pass"
	theChargeHash  = "9ae2a0f0dc2563d27fae12ac2a2c907d3b272d42"
)

// theRequest asks for the charge of the first vector.
func theRequest() Request {
	return Request{
		InitTransID: theInitTransID,
		Token:       theToken,
		Number:      theNumber,
		Amount:      "1.00",
		Currency:    "SAR",
		Description: "gift",
	}
}

func theTerms(t testing.TB) charge.Terms {
	t.Helper()
	return termsOf(t, theRequest())
}

func termsOf(t testing.TB, r Request) charge.Terms {
	t.Helper()
	terms, err := NewTerms(r)
	require.NoError(t, err)
	return terms
}

func credentials(merchantKey, password string) Credentials {
	return Credentials{MerchantKey: hidden.New(merchantKey), Password: hidden.New(password)}
}

func theCredentials() Credentials { return credentials(theMerchantKey, thePassword) }

// keys supplies credentials, others after the first Refresh, and counts those.
type keys struct {
	mu        sync.Mutex
	now, next Credentials
	getErr    error
	freshErr  error
	refreshed int
}

func (k *keys) Get(context.Context) (Credentials, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.now, k.getErr
}

func (k *keys) Refresh(context.Context) (Credentials, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.refreshed++
	k.now = k.next
	return k.now, k.freshErr
}

func (k *keys) refreshes() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.refreshed
}

func theKeys() *keys { return &keys{now: theCredentials(), next: theCredentials()} }

// received is one request as it came in.
type received struct {
	method string
	uri    string // as it was sent, escapes and all
	header http.Header
	body   string
}

// provider is a local server in DineroPay's place, which keeps what it was sent.
type provider struct {
	*httptest.Server
	mu       sync.Mutex
	requests []received
}

// newProvider starts a provider that gives the same answer to every request.
func newProvider(t testing.TB, answer http.HandlerFunc) *provider {
	t.Helper()
	p := newUnstartedProvider(answer)
	p.Start()
	t.Cleanup(p.Close)
	return p
}

func newUnstartedProvider(answer http.HandlerFunc) *provider {
	p := &provider{}
	p.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		p.mu.Lock()
		p.requests = append(p.requests, received{r.Method, r.RequestURI, r.Header.Clone(), string(body)})
		p.mu.Unlock()
		answer(w, r)
	}))
	// What clients do wrong here, they do on purpose.
	p.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	return p
}

// received is what has come in so far.
func (p *provider) received() []received {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]received(nil), p.requests...)
}

// client returns a client of this provider that pauses for nothing and logs
// nothing.
func (p *provider) client(t testing.TB, k Keys) *Client {
	t.Helper()
	return newClient(t, p.URL, k, Options{})
}

func newClient(t testing.TB, base string, k Keys, o Options) *Client {
	t.Helper()
	u, err := url.Parse(base)
	require.NoError(t, err)
	if o.Backoff == nil {
		o.Backoff = func() backoff.BackOff { return &backoff.ZeroBackOff{} }
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return New(u, k, o)
}

// reply answers with a status and a JSON body.
func reply(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// raw answers with bytes that are no HTTP answer, or not a whole one, and closes
// the connection.
func raw(t testing.TB, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Errorf("hijacking the connection: %v", err)
			return
		}
		_, _ = io.WriteString(conn, text)
		_ = conn.Close()
	}
}

// deadline is a context whose deadline passes when the test says so: no test
// waits, and none depends on how fast the machine is.
type deadline struct {
	context.Context
	passed chan struct{}
	once   sync.Once
}

func newDeadline() *deadline {
	return &deadline{Context: context.Background(), passed: make(chan struct{})}
}

func (d *deadline) pass()                 { d.once.Do(func() { close(d.passed) }) }
func (d *deadline) Done() <-chan struct{} { return d.passed }

func (d *deadline) Err() error {
	select {
	case <-d.passed:
		return context.DeadlineExceeded
	default:
		return nil
	}
}
