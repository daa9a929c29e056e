package handler_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/stretchr/testify/require"

	"dinarfunctions/functions/recurring-charge/handler"
	simulator "dinarfunctions/sandbox/provider/dineropay"
	"dinarfunctions/shared/boltstore"
	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/dineropay"
	"dinarfunctions/shared/hidden"
	"dinarfunctions/shared/subscription"
	"dinarfunctions/shared/trigger"
	"dinarfunctions/test/logbuffer"
)

const (
	longest = charge.MaxInvocation
	// shortest is an invocation with hardly more time than a charge must have, so
	// that a provider which never answers is waited for as short as possible.
	shortest = charge.MinCall + charge.WriteTime + 500*time.Millisecond
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// house is the function with everything around it: the simulated provider behind
// a real server, the real client and ledger, the store in a file.
type house struct {
	provider *simulator.Simulator
	server   *httptest.Server
	function trigger.Handlers
	ledger   *charge.Ledger
	biller   *subscription.Biller
	store    *boltstore.File
	path     string // of the store
	queue    *queue
	keys     *keyring
	log      *logbuffer.Buffer
	timeout  time.Duration

	mu         sync.Mutex
	now        time.Time
	lastHeader map[string]string
}

func (h *house) clock() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *house) advance(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

// schedule wakes the function as EventBridge does.
func (h *house) schedule(t *testing.T) {
	t.Helper()
	require.NoError(t, h.wake(t))
}

// wake is schedule, which may fail.
func (h *house) wake(t *testing.T) error {
	t.Helper()
	payload, err := json.Marshal(sample(t, "recurring-charge-schedule.json"))
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), h.timeout)
	defer cancel()
	_, err = h.function.Invoke(ctx, payload)
	return err
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{keys: &keyring{}, log: &logbuffer.Buffer{}, timeout: longest, now: noon}
	provider, err := simulator.New(simulator.Options{
		MerchantKey: "MARKED-merchant-key-1", MerchantPassword: "MARKED-Password-1",
		Now:   h.clock,
		Sleep: func(context.Context, time.Duration) error { return nil },
	})
	require.NoError(t, err)
	server := httptest.NewServer(provider)
	t.Cleanup(server.Close)
	h.provider, h.server = provider, server
	h.keys.set("MARKED-merchant-key-1", "MARKED-Password-1")
	h.function = h.newFunction(t)
	t.Cleanup(func() { requireNoSecret(t, h.log.String()) })
	return h
}

// newFunction starts the function anew, with an empty ledger.
func (h *house) newFunction(t *testing.T) trigger.Handlers {
	t.Helper()
	h.path = filepath.Join(t.TempDir(), "ledger.db")
	return h.start(t)
}

// start starts the function over the ledger that is there.
func (h *house) start(t *testing.T) trigger.Handlers {
	t.Helper()
	base, err := url.Parse(h.server.URL)
	require.NoError(t, err)
	store, err := boltstore.Open(h.path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	log := slog.New(slog.NewJSONHandler(h.log, nil))
	client := dineropay.New(base, h.keys, dineropay.Options{
		Log:     log,
		Backoff: func() backoff.BackOff { return &backoff.ZeroBackOff{} },
	})
	ledger := charge.NewLedger(store.Charges(), client, h.clock, log)
	h.queue = &queue{}
	biller := subscription.NewBiller(store.Subscriptions(), ledger, h.queue, h.clock, log)
	ledger.Follow(biller.Follow)
	h.ledger, h.biller, h.store = ledger, biller, store
	return handler.New(ledger, biller, log)
}

// withEmptyLedger is a second function at the same provider.
func (h *house) withEmptyLedger(t *testing.T) *house {
	t.Helper()
	other := &house{provider: h.provider, server: h.server, keys: h.keys, log: h.log, timeout: longest, now: h.clock()}
	other.function = other.newFunction(t)
	return other
}

// rotate changes the keys at the provider and in the secret; whoever has read the
// secret before does not know it.
func (h *house) rotate(t *testing.T, key, password string) {
	t.Helper()
	require.NoError(t, h.provider.Rotate(key, password))
	h.keys.rotate(key, password)
}

func (h *house) post(t *testing.T, body string) (status int, answer map[string]any) {
	t.Helper()
	return h.request(t, http.MethodPost, "/charges", body)
}

// request sends a request as API Gateway does: the sample event, with another
// method, path and body.
func (h *house) request(t *testing.T, method, path, body string) (status int, answer map[string]any) {
	t.Helper()
	event := sample(t, "recurring-charge-http.json")
	path, query, _ := strings.Cut(path, "?")
	decoded, err := url.PathUnescape(path)
	require.NoError(t, err)
	event["rawPath"], event["rawQueryString"], event["body"] = decoded, query, body
	event["requestContext"].(map[string]any)["http"].(map[string]any)["method"] = method
	return h.invoke(t, event)
}

func (h *house) invoke(t *testing.T, event map[string]any) (status int, answer map[string]any) {
	t.Helper()
	payload, err := json.Marshal(event)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), h.timeout)
	defer cancel()
	out, err := h.function.Invoke(ctx, payload)
	require.NoError(t, err)
	requireNoSecret(t, string(out))
	var wire struct {
		StatusCode int
		Headers    map[string]string
		Body       string
	}
	require.NoError(t, json.Unmarshal(out, &wire))
	if wire.StatusCode == http.StatusNoContent {
		require.Empty(t, wire.Body)
	} else {
		require.NoError(t, json.Unmarshal([]byte(wire.Body), &answer), "%s", wire.Body)
	}
	h.mu.Lock()
	h.lastHeader = wire.Headers
	h.mu.Unlock()
	return wire.StatusCode, answer
}

// aSignature is what the hash of a request looks like.
var aSignature = regexp.MustCompile(`\b[0-9a-fA-F]{40}\b`)

// requireNoSecret searches what came out. It runs over every answer and every log
// of every test in this package: keys, passwords and most tokens begin with MARKED.
func requireNoSecret(t *testing.T, text string) {
	t.Helper()
	require.NotContains(t, text, "MARKED")
	require.NotContains(t, text, "9a2f-0242c0a87002\"", "the samples' token")
	require.NotRegexp(t, aSignature, text)
}

func sample(t *testing.T, name string) map[string]any {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "events", name))
	require.NoError(t, err)
	var event map[string]any
	require.NoError(t, json.Unmarshal(text, &event))
	return event
}

// body is a valid request for an order number, with other values for some fields.
func body(number string, change map[string]string) string {
	order := map[string]any{"number": number, "amount": "1.00", "currency": "SAR", "description": "gift"}
	request := map[string]any{
		"recurring_init_trans_id": "dc66cdd8-d702-11ea-9a2f-0242c0a87002",
		"recurring_token":         "MARKED-token-7002",
		"order":                   order,
	}
	for field, value := range change {
		if name, ok := strings.CutPrefix(field, "order."); ok {
			order[name] = value
		} else {
			request[field] = value
		}
	}
	text, err := json.Marshal(request)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// keyring is a secret: what Get gives is cached, Refresh reads anew.
type keyring struct {
	mu             sync.Mutex
	cached, latest dineropay.Credentials
}

var _ dineropay.Keys = (*keyring)(nil)

func (k *keyring) set(key, password string) {
	k.rotate(key, password)
	k.cached = k.latest
}

func (k *keyring) rotate(key, password string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.latest = dineropay.Credentials{MerchantKey: hidden.New(key), Password: hidden.New(password)}
}

func (k *keyring) Get(context.Context) (dineropay.Credentials, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.cached, nil
}

func (k *keyring) Refresh(context.Context) (dineropay.Credentials, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.cached = k.latest
	return k.cached, nil
}
