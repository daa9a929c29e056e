package model_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	simulator "dinarfunctions/sandbox/provider/dineropay"
	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/dineropay"
	"dinarfunctions/shared/hidden"
)

// provider is the real client, watched: before a charge request leaves, everything
// that must hold for it is checked.
type provider struct {
	charge.Provider
	house *house
}

var _ charge.Provider = provider{}

// sending is a charge request that was begun. Its answer is nil where the function
// was killed before it had one.
type sending struct{ answer *charge.Answer }

func (p provider) Charge(ctx context.Context, terms charge.Terms) (answer charge.Answer) {
	pl := planOf(ctx)
	var sent *sending
	decided := p.house.clock() // it may be frozen between this and the sending
	p.house.call(ctx, "a charge request", func() {
		sent = p.house.mayLeave(pl, terms.Order.Number, decided)
		switch pl.Lost {
		case lostRequest:
			p.house.tally.add("provider, charge", string(lostRequest))
			answer = charge.Answer{State: charge.Unknown, Reason: "it took too long"}
			return
		case lostAnswer:
			p.house.tally.add("provider, charge", string(lostAnswer))
		}
		answer = p.Provider.Charge(ctx, terms)
		if pl.Lost == lostAnswer {
			answer = charge.Answer{State: charge.Unknown, Reason: "it took too long"}
		}
	})
	p.house.mu.Lock()
	sent.answer = &answer
	p.house.mu.Unlock()
	pl.mu.Lock()
	pl.answered = append(pl.answered, answer)
	pl.mu.Unlock()
	return answer
}

func (p provider) Status(ctx context.Context, query charge.Query) (answer charge.StatusAnswer) {
	pl := planOf(ctx)
	p.house.call(ctx, "a status request", func() {
		pl.mu.Lock()
		pl.asked++
		pl.mu.Unlock()
		if pl.Lost != "" {
			p.house.tally.add("provider, status", "time-out")
			answer = charge.StatusAnswer{Knowledge: charge.NotAsked, Reason: "it took too long"}
			return
		}
		answer = p.Provider.Status(ctx, query)
	})
	return answer
}

// mayLeave checks that a charge request may leave now, and writes down that it does.
func (h *house) mayLeave(p *plan, number string, decided time.Time) *sending {
	standing, err := h.raw.Get(context.Background(), number)
	if err != nil {
		h.violate("order %s is sent, and the ledger has no claim: %v", number, err)
	}
	if made := h.transactionsOf(number); len(made) > 0 {
		h.violate("order %s is sent, and the provider has a transaction of it already: %+v", number, made)
	}
	p.mu.Lock()
	started, asked := p.started, p.asked
	p.mu.Unlock()

	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked++
	if decided.After(standing.Deadline) {
		h.violateLocked("order %s is sent at %s, after its deadline %s", number, decided, standing.Deadline)
	}
	if inForce := h.modeAt.Add(modeFor); !started.Before(inForce) {
		if h.mode == charge.Stopped {
			h.violateLocked("order %s is sent, and charging is stopped", number)
		}
		if h.mode == charge.AskFirst && asked == 0 {
			h.violateLocked("order %s is sent, and the provider was not asked first", number)
		}
	}
	if before := h.sent[number]; before != nil {
		switch {
		case before.answer == nil:
			h.violateLocked("order %s is sent again, and nobody had the answer to the request before", number)
		case !before.answer.State.Chargeable():
			h.violateLocked("order %s is sent again, and the answer before was %s", number, before.answer.State)
		}
	}
	sent := &sending{}
	h.sent[number] = sent
	return sent
}

// front stands before the simulator, which it lets answer one request at a time: so
// it is known which fault a request met.
type front struct {
	house     *house
	simulator *simulator.Simulator
	tally     *tally

	mu      sync.Mutex
	faults  map[string][]simulator.Fault // to come, by kind of request
	arrived int                          // charge requests
	denied  map[string]time.Time         // by order: when a status answer denied a payment that there is
}

var _ http.Handler = (*front)(nil)

const (
	kindCharge = "charge"
	kindStatus = "status"
)

func (f *front) script(kind string, faults ...simulator.Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults[kind] = append(f.faults[kind], faults...)
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	kind := kindCharge
	if r.URL.Path == simulator.StatusPath {
		kind = kindStatus
	} else {
		f.arrived++
	}
	answer := &watched{ResponseWriter: w}
	about := f.orderOf(r)
	// What the provider may have said by now. A fault may end the exchange by a panic.
	defer func() {
		for _, t := range f.simulator.Transactions() {
			f.house.hear(t.PaymentID, t.Status)
			if answer.refused && kind == kindStatus && t.Order.Number == about {
				f.denied[about] = f.house.clock()
			}
		}
	}()
	if left := f.faults[kind]; len(left) > 0 {
		if err := map[string]func(...simulator.Fault) error{
			kindCharge: f.simulator.Script, kindStatus: f.simulator.ScriptStatus,
		}[kind](left[0]); err != nil {
			panic(err)
		}
		// Some faults end the exchange by a panic.
		defer func() {
			if f.stillScripted(kind) {
				return // the request was refused for another reason
			}
			f.faults[kind] = left[1:]
			if answer.notFound && left[0] != simulator.NotKnown {
				return // a fault in telling a transaction, and there was none
			}
			f.tally.add("provider, "+kind, string(left[0]))
		}()
	}
	f.simulator.ServeHTTP(answer, r)
}

// orderOf is the order number that a status request is about, or "".
func (f *front) orderOf(r *http.Request) string {
	var asked struct {
		OrderID   string `json:"order_id"`
		PaymentID string `json:"payment_id"`
	}
	body, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	if err != nil || json.Unmarshal(body, &asked) != nil {
		return ""
	}
	for _, t := range f.simulator.Transactions() {
		if asked.PaymentID != "" && t.PaymentID == asked.PaymentID {
			return t.Order.Number
		}
	}
	return asked.OrderID
}

// stillScripted tells whether a fault is left, and takes it back.
func (f *front) stillScripted(kind string) bool {
	var wire struct {
		Scripted map[string][]simulator.Fault `json:"scripted"`
	}
	text := f.control(http.MethodGet)
	if err := json.Unmarshal(text, &wire); err != nil {
		panic(err)
	}
	f.control(http.MethodDelete)
	return len(wire.Scripted[kind]) > 0
}

func (f *front) control(method string) []byte {
	w := httptest.NewRecorder()
	f.simulator.ServeHTTP(w, httptest.NewRequest(method, "/sandbox/faults", nil))
	return w.Body.Bytes()
}

// watched sees whether an answer is a refusal, and whether it is that there is no such
// transaction.
type watched struct {
	http.ResponseWriter
	notFound bool
	refused  bool // with 400 or 404
}

func (w *watched) WriteHeader(status int) {
	w.refused = status == http.StatusBadRequest || status == http.StatusNotFound
	w.ResponseWriter.WriteHeader(status)
}

func (w *watched) Write(text []byte) (int, error) {
	w.notFound = w.notFound || bytes.Contains(text, []byte("Transaction is not found."))
	return w.ResponseWriter.Write(text)
}

// Unwrap is for http.ResponseController.
func (w *watched) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// secret is what the operator has put into the secret; the keyrings read it.
type secret struct {
	mu     sync.Mutex
	latest dineropay.Credentials
}

func (s *secret) put(key, password string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.latest = dineropay.Credentials{MerchantKey: hidden.New(key), Password: hidden.New(password)}
}

func (s *secret) read() dineropay.Credentials {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.latest
}

// keyring is a function's copy of the secret, which it reads anew when it is told to.
type keyring struct {
	secret *secret
	mu     sync.Mutex
	cached dineropay.Credentials
}

var _ dineropay.Keys = (*keyring)(nil)

func (k *keyring) Get(context.Context) (dineropay.Credentials, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.cached, nil
}

func (k *keyring) Refresh(context.Context) (dineropay.Credentials, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.cached = k.secret.read()
	return k.cached, nil
}

// secretWatch is a log that nothing secret may come to.
type secretWatch struct{ house *house }

func (w secretWatch) Write(line []byte) (int, error) {
	if strings.Contains(string(line), marked) {
		w.house.violate("a secret is in the log: %s", line)
	}
	return len(line), nil
}
