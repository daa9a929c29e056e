package handler_test

import (
	"context"
	"crypto/md5"  //nolint:gosec // the provider's protocol
	"crypto/sha1" //nolint:gosec // the provider's protocol
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/stretchr/testify/require"

	"dinarfunctions/functions/charge-callback/handler"
	simulator "dinarfunctions/sandbox/provider/dineropay"
	"dinarfunctions/shared/boltstore"
	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/dineropay"
	"dinarfunctions/shared/hidden"
	"dinarfunctions/shared/trigger"
	"dinarfunctions/test/logbuffer"
)

const (
	merchantKey = "MARKED-merchant-key-51d0"
	// The sample event is signed with this password.
	merchantPassword = "MARKED-merchant-password-51d0"

	aToken = "MARKED-token-7002" // settles at once
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// house is the function with everything around it: the simulated provider behind
// a real server, the real client and ledger, the store in a file.
type house struct {
	provider *simulator.Simulator
	server   *httptest.Server
	store    *faultyStore
	ledger   *charge.Ledger
	function trigger.Handlers
	keys     *keyring
	log      *logbuffer.Buffer
	passed   atomic.Int64 // since noon
}

func (h *house) now() time.Time { return noon.Add(time.Duration(h.passed.Load())) }

func (h *house) advance(by time.Duration) { h.passed.Add(int64(by)) }

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{keys: &keyring{}, log: &logbuffer.Buffer{}}
	provider, err := simulator.New(simulator.Options{
		MerchantKey: merchantKey, MerchantPassword: merchantPassword, Now: h.now,
	})
	require.NoError(t, err)
	server := httptest.NewServer(provider)
	t.Cleanup(server.Close)
	base, err := url.Parse(server.URL)
	require.NoError(t, err)
	store, err := boltstore.Open(filepath.Join(t.TempDir(), "ledger.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })

	h.provider, h.server, h.store = provider, server, &faultyStore{Store: store.Charges()}
	h.keys.rotate(merchantKey, merchantPassword)
	_, _ = h.keys.Refresh(t.Context())
	h.keys.refreshes = 0
	log := slog.New(slog.NewJSONHandler(h.log, nil))
	client := dineropay.New(base, h.keys, dineropay.Options{
		Log:     log,
		Backoff: func() backoff.BackOff { return &backoff.ZeroBackOff{} },
	})
	h.ledger = charge.NewLedger(h.store, client, h.now, log)
	h.function = handler.New(h.ledger, dineropay.NewCallbackVerifier(h.keys, h.now), log)
	t.Cleanup(func() { requireNoSecret(t, h.log.String()) })
	return h
}

// charge makes a charge of "gift" for 1.00 SAR, whose card is chosen by the token,
// and returns the provider's name for it.
func (h *house) charge(t *testing.T, number, token string) (paymentID string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), charge.MaxInvocation)
	defer cancel()
	c, err := h.ledger.Charge(ctx, terms(t, number, token))
	require.NoError(t, err)
	require.NotEmpty(t, h.provider.Transactions())
	for _, transaction := range h.provider.Transactions() {
		if transaction.Order.Number == c.Order.Number {
			paymentID = transaction.PaymentID
		}
	}
	return paymentID
}

func terms(t *testing.T, number, token string) charge.Terms {
	t.Helper()
	terms, err := dineropay.NewTerms(dineropay.Request{
		InitTransID: "dc66cdd8-d702-11ea-9a2f-0242c0a87002", Token: token,
		Number: number, Amount: "1.00", Currency: "SAR", Description: "gift",
	})
	require.NoError(t, err)
	return terms
}

// standing is the charge as it is written in the ledger.
func (h *house) standing(t *testing.T, number string) charge.Charge {
	t.Helper()
	c, err := h.store.Get(t.Context(), number)
	require.NoError(t, err)
	return c
}

// answer is what the caller is told.
type answer struct {
	Status      int
	ContentType string
	RetryAfter  string
	Body        string
}

var ok = answer{Status: 200, ContentType: "text/plain; charset=utf-8", Body: "OK"}

// problem is an answer's problem document.
func (a answer) problem(t *testing.T) (detail string, fields []string) {
	t.Helper()
	require.Equal(t, "application/problem+json", a.ContentType)
	var document struct {
		Title, Detail string
		Status        int
		Errors        []struct{ Field, Message string }
	}
	require.NoError(t, json.Unmarshal([]byte(a.Body), &document))
	require.Equal(t, a.Status, document.Status)
	require.NotEmpty(t, document.Title)
	require.NotEmpty(t, document.Detail)
	for _, e := range document.Errors {
		require.NotEmpty(t, e.Message)
		fields = append(fields, e.Field)
	}
	return document.Detail, fields
}

// callback has a form sent to the function as API Gateway does: the sample event,
// with another body.
func (h *house) callback(t *testing.T, form url.Values) answer {
	t.Helper()
	return h.body(t, form.Encode())
}

func (h *house) body(t *testing.T, body string) answer {
	t.Helper()
	event := sample(t)
	event["body"] = base64.StdEncoding.EncodeToString([]byte(body))
	return h.invoke(t, event)
}

func (h *house) invoke(t *testing.T, event map[string]any) answer {
	t.Helper()
	payload, err := json.Marshal(event)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), charge.MaxInvocation)
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
	return answer{wire.StatusCode, wire.Headers["Content-Type"], wire.Headers["Retry-After"], wire.Body}
}

func sample(t testing.TB) map[string]any {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "events", "charge-callback-http.json"))
	require.NoError(t, err)
	var event map[string]any
	require.NoError(t, json.Unmarshal(text, &event))
	return event
}

// form is a callback about an order, as the provider signs it, after some fields
// were changed.
func form(number string, change map[string]string) url.Values {
	values := url.Values{}
	for name, value := range map[string]string{
		"id": "aaff66d8-4c62-11eb-b6a6-0242c0a87002", "order_number": number, "order_amount": "1.00", "order_currency": "SAR",
		"order_description": "gift", "order_status": "settled", "type": "recurring", "status": "success",
		"date": "2026-11-21 12:00:00", "recurring_token": aToken, "customer_name": "MARKED-customer", "customer_email": "MARKED@example.com",
	} {
		values.Set(name, value)
	}
	for name, value := range change {
		values.Set(name, value)
	}
	sign(values, merchantPassword)
	return values
}

// sign is written anew here, so that a mistake in the product's own is found.
func sign(values url.Values, password string) {
	text := values.Get("id") + values.Get("order_number") + values.Get("order_amount") + values.Get("order_currency") +
		values.Get("order_description") + password
	inner := md5.Sum([]byte(strings.ToUpper(text)))
	outer := sha1.Sum([]byte(hex.EncodeToString(inner[:])))
	values.Set("hash", hex.EncodeToString(outer[:]))
}

// aSignature is what the hash of a callback looks like.
var aSignature = regexp.MustCompile(`\b[0-9a-fA-F]{40}\b`)

// requireNoSecret searches what came out. It runs over every answer and every log
// of every test in this package: keys, passwords, tokens and customers are marked.
func requireNoSecret(t *testing.T, text string) {
	t.Helper()
	require.NotContains(t, text, "MARKED")
	require.NotContains(t, text, "9a2f-0242c0a87002", "the sample's token")
	require.NotContains(t, strings.ToLower(text), "customer", "the sample's customer, and every field about one")
	require.NotRegexp(t, aSignature, text)
}

// errDown is what a store answers that cannot be reached.
var errDown = errors.New("the table cannot be reached")

// faultyStore is a store of which single operations can be made to fail.
type faultyStore struct {
	charge.Store
	record, noHint bool
}

func (s *faultyStore) Record(ctx context.Context, change charge.Change) (charge.Charge, bool, error) {
	if s.record {
		return charge.Charge{}, false, errDown
	}
	return s.Store.Record(ctx, change)
}

func (s *faultyStore) Hint(ctx context.Context, number string, at time.Time) (charge.Charge, bool, error) {
	if s.noHint {
		return charge.Charge{}, false, errDown
	}
	return s.Store.Hint(ctx, number, at)
}

// keyring is a secret: what Get gives is cached, Refresh reads anew.
type keyring struct {
	mu             sync.Mutex
	cached, latest dineropay.Credentials
	err            error
	refreshes      int
}

var _ dineropay.Keys = (*keyring)(nil)

func (k *keyring) rotate(key, password string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.latest = dineropay.Credentials{MerchantKey: hidden.New(key), Password: hidden.New(password)}
}

func (k *keyring) Get(context.Context) (dineropay.Credentials, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.cached, k.err
}

func (k *keyring) Refresh(context.Context) (dineropay.Credentials, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.refreshes++
	k.cached = k.latest
	return k.cached, k.err
}
