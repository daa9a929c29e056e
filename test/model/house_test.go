package model_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	callbackhandler "dinarfunctions/functions/charge-callback/handler"
	"dinarfunctions/functions/recurring-charge/handler"
	simulator "dinarfunctions/sandbox/provider/dineropay"
	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/dineropay"
	"dinarfunctions/shared/subscription"
	"dinarfunctions/shared/trigger"
)

const (
	// marked begins everything that is secret.
	marked = "MARKED"
	// modeFor is how soon the operator's switch is in force (contract, "Charges").
	modeFor = 10 * time.Second
	// instances is how many copies of the function run at the same time.
	instances = 3
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// house is a merchant's whole installation and its provider, in one scenario.
type house struct {
	raw    charge.Store // as it stands, without faults
	front  *front
	url    *url.URL
	secret *secret
	tally  *tally

	mu         sync.Mutex
	now        time.Time
	functions  [instances]*function
	sent       map[string]*sending // the last charge request of each order
	asked      int                 // charge requests that the ledger began
	late       []func()            // writes that are still on their way
	mode       charge.Mode         // of the switch as it stands in the store
	modeAt     time.Time
	touched    map[string]bool // orders that may have been written since the last check
	histories  map[string][]charge.Entry
	words      map[string]map[charge.State]bool // by payment_id: what the provider ever said
	posted     map[string][]url.Values          // by order: callbacks that came
	taken      map[string]taken                 // by order: the last callback that was answered with 200
	keys       int                              // how often they were rotated
	story      []string                         // what happened, for a person
	violations []string
}

// function is one running copy of the functions: its ledger remembers the switch,
// its keyring the keys.
type function struct {
	handlers  trigger.Handlers
	callbacks trigger.Handlers
	ledger    *charge.Ledger
}

func newHouse(t *rapid.T, raw charge.Store, counts *tally) *house {
	h := &house{
		raw: raw, tally: counts, secret: &secret{},
		now: noon, sent: map[string]*sending{}, mode: charge.Live,
		touched: map[string]bool{}, histories: map[string][]charge.Entry{},
		words: map[string]map[charge.State]bool{}, posted: map[string][]url.Values{}, taken: map[string]taken{},
	}
	key, password := credentials(0)
	provider, err := simulator.New(simulator.Options{
		MerchantKey: key, MerchantPassword: password, Now: h.clock, Settings: h.panel(t),
		Sleep: func(context.Context, time.Duration) error { return nil },
	})
	require.NoError(t, err)
	h.front = &front{house: h, simulator: provider, tally: counts, faults: map[string][]simulator.Fault{}, denied: map[string]time.Time{}}
	server := httptest.NewServer(h.front)
	t.Cleanup(server.Close)
	h.url, err = url.Parse(server.URL)
	require.NoError(t, err)
	h.secret.put(key, password)
	for i := range h.functions {
		h.functions[i] = h.newFunction()
	}
	return h
}

// panel draws how the switches in the platform's panel are set.
func (h *house) panel(t *rapid.T) simulator.Settings {
	set := simulator.Settings{
		CascadingContext:  rapid.Bool().Draw(t, "cascading context"),
		KeyRefusedWith401: rapid.Bool().Draw(t, "key refused with 401"),
	}
	h.tally.add("panel", fmt.Sprintf("cascading context: %t", set.CascadingContext))
	h.tally.add("panel", fmt.Sprintf("a wrong key is a 401: %t", set.KeyRefusedWith401))
	return set
}

func credentials(n int) (key, password string) {
	return fmt.Sprintf("%s-key-%d", marked, n), fmt.Sprintf("%s-Password-%d", marked, n)
}

// newFunction is a cold start.
func (h *house) newFunction() *function {
	log := slog.New(slog.NewJSONHandler(secretWatch{h}, nil))
	keys := &keyring{secret: h.secret, cached: h.secret.read()}
	client := dineropay.New(h.url, keys, dineropay.Options{
		Log:     log,
		Backoff: func() backoff.BackOff { return &backoff.ZeroBackOff{} },
	})
	ledger := charge.NewLedger(store{h.raw, h}, provider{client, h}, h.clock, log)
	callbacks := callbackhandler.New(ledger, dineropay.NewCallbackVerifier(keys, h.clock), log)
	return &function{handler.New(ledger, noSubscriptions{}, log), callbacks, ledger}
}

// noSubscriptions is a merchant who has none: these scenarios are about charges.
type noSubscriptions struct{ handler.Biller }

func (noSubscriptions) QueueDue(context.Context) (subscription.Queued, error) {
	return subscription.Queued{}, nil
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

func (h *house) violate(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.violateLocked(format, args...)
}

func (h *house) violateLocked(format string, args ...any) {
	h.violations = append(h.violations, fmt.Sprintf(format, args...))
}

func (h *house) touch(number string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.touched[number] = true
}

func (h *house) later(write func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.late = append(h.late, write)
}

// land lets the oldest write that is on its way arrive.
func (h *house) land() bool {
	h.mu.Lock()
	if len(h.late) == 0 {
		h.mu.Unlock()
		return false
	}
	write := h.late[0]
	h.late = h.late[1:]
	h.mu.Unlock()
	write()
	return true
}

func (h *house) switched(mode charge.Mode) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.mode, h.modeAt = mode, h.now
}

func (h *house) transactionsOf(number string) (made []simulator.Transaction) {
	for _, t := range h.front.simulator.Transactions() {
		if t.Order.Number == number {
			made = append(made, t)
		}
	}
	return made
}

// run runs one invocation to its end, which may be its death. It tells whether it
// lived to return.
func (h *house) run(which int, s spec, invocation func(context.Context, *function)) (p *plan, lived bool) {
	h.mu.Lock()
	f := h.functions[which]
	p = &plan{spec: s, started: h.now}
	h.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.WithValue(context.Background(), planKey{}, p), charge.MaxInvocation)
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		invocation(ctx, f)
		lived = true
	}()
	<-done
	if p.isDead() {
		h.mu.Lock()
		h.functions[which] = h.newFunction()
		h.mu.Unlock()
		return p, false
	}
	return p, lived
}

// request sends a request as API Gateway does. It tells whether it was answered.
func (h *house) request(which int, s spec, method, path, body string) (p *plan, status int, answer string, answered bool) {
	payload := httpEvent(samples().http, method, path, body)
	p, answered = h.run(which, s, func(ctx context.Context, f *function) {
		out, err := f.handlers.Invoke(ctx, payload)
		var wire struct {
			StatusCode int
			Body       string
		}
		if err = errors.Join(err, json.Unmarshal(out, &wire)); err != nil {
			h.violate("%s %s failed: %v", method, path, err)
		}
		status, answer = wire.StatusCode, wire.Body
	})
	if !answered {
		return p, 0, "", false
	}
	h.tally.add("answer", fmt.Sprintf("%s %d", method, status))
	if strings.Contains(answer, marked) {
		h.violate("a secret is in the answer to %s %s: %s", method, path, answer)
	}
	if status >= 500 && status != 503 {
		h.violate("%s %s was answered with %d: %s", method, path, status, answer)
	}
	return p, status, answer, true
}

// schedule wakes the function as EventBridge does.
func (h *house) schedule(which int, s spec) {
	payload := scheduleEvent()
	h.run(which, s, func(ctx context.Context, f *function) {
		if _, err := f.handlers.Invoke(ctx, payload); err != nil && s.StoreAt == 0 {
			h.violate("the schedule failed: %v", err)
		}
	})
}

// about is which callback comes.
const (
	aboutNewest = "about the newest payment"
	aboutOlder  = "about an older payment"
	repeated    = "a repeated one"
)

// taken is a callback that was taken, when, and the newest payment of its order then.
type taken struct {
	at     time.Time
	newest simulator.Transaction
}

// callback is a signed callback of the provider about an order. Where the provider has
// no payment of it, somebody else's hint comes.
func (h *house) callback(which int, s spec, number, about string) (status int, answered bool) {
	when := "after the call"
	switch c, stands := h.standing(number); {
	case !stands:
		when = "before the call"
	case c.State == charge.Sending:
		when = "during the call"
	}
	form := h.form(number, about)
	if form == nil {
		h.tally.add("callback", "a hint without a payment, "+when)
		h.run(which, s, func(ctx context.Context, f *function) {
			err := f.ledger.Hint(ctx, number, "")
			if err != nil && !errors.Is(err, charge.ErrNotFound) && s.StoreAt == 0 {
				h.violate("a hint about order %s failed: %v", number, err)
			}
		})
		return 0, false
	}
	h.tally.add("callback", about+", "+when)
	made := h.transactionsOf(number)
	now := taken{h.clock(), made[len(made)-1]}
	event := httpEvent(samples().callback, "POST", "/callbacks/dineropay", form.Encode())
	_, answered = h.run(which, s, func(ctx context.Context, f *function) {
		out, err := f.callbacks.Invoke(ctx, event)
		var wire struct{ StatusCode int }
		if err = errors.Join(err, json.Unmarshal(out, &wire)); err != nil {
			h.violate("a callback about order %s failed: %v", number, err)
		}
		status = wire.StatusCode
	})
	if !answered {
		return 0, false
	}
	h.tally.add("callback", fmt.Sprintf("answered with %d", status))
	h.mu.Lock()
	rotated := h.keys > 0 // so it may be signed with another password than the function has
	if status == 200 {
		h.taken[number] = now
	}
	h.mu.Unlock()
	expected := status == 200 || status == 401 && rotated || status == 503 && s.StoreAt > 0
	if !expected {
		h.violate("a callback about order %s was answered with %d", number, status)
	}
	return status, true
}

// form is a callback's, or nil where the provider has no payment of the order. Where
// there is no such callback as was asked for, it is one about the newest payment.
func (h *house) form(number, about string) url.Values {
	made := h.transactionsOf(number)
	h.mu.Lock()
	before := h.posted[number]
	h.mu.Unlock()
	form, err := h.front.simulator.Callback(number)
	switch {
	case len(made) == 0:
		return nil
	case about == aboutOlder && len(made) > 1:
		form, err = h.front.simulator.CallbackOf(made[len(made)-2].PaymentID)
	case about == repeated && len(before) > 0:
		return before[0]
	}
	if err != nil {
		h.violate("the provider makes no callback about order %s: %v", number, err)
	}
	h.mu.Lock()
	h.posted[number] = append(h.posted[number], form)
	h.mu.Unlock()
	return form
}

// samples are the functions' events of events/, read once.
var samples = sync.OnceValue(func() (events struct{ http, callback, schedule map[string]any }) {
	for name, event := range map[string]*map[string]any{
		"recurring-charge-http.json": &events.http, "charge-callback-http.json": &events.callback, "recurring-charge-schedule.json": &events.schedule,
	} {
		text, err := os.ReadFile(filepath.Join("..", "..", "events", name))
		if err == nil {
			err = json.Unmarshal(text, event)
		}
		if err != nil {
			panic(fmt.Sprintf("the sample %s cannot be read: %v", name, err))
		}
	}
	return events
})

// httpEvent is the sample with another method, path and body.
func httpEvent(sample map[string]any, method, path, body string) []byte {
	event := maps.Clone(sample)
	delete(event, "isBase64Encoded")
	event["rawPath"], event["rawQueryString"], _ = strings.Cut(path, "?")
	event["body"] = body
	about := maps.Clone(event["requestContext"].(map[string]any))
	http := maps.Clone(about["http"].(map[string]any))
	http["method"] = method
	about["http"], event["requestContext"] = http, about
	return encoded(event)
}

func scheduleEvent() []byte { return encoded(samples().schedule) }

func encoded(event map[string]any) []byte {
	text, err := json.Marshal(event)
	if err != nil {
		panic(err)
	}
	return text
}
