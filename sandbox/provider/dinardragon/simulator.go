package dinardragon

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"dinarfunctions/sandbox/provider/internal/fault"
	"dinarfunctions/sandbox/provider/internal/jsonhttp"
)

// StatusPath is where the status of a payout is asked for.
const StatusPath = "/status"

const (
	defaultArrivesAfter = 15 * time.Minute // Dinar Dragon, /execute: within 15 minutes
	defaultSlowFor      = 10 * time.Second
)

// Status is the provider's number for what became of a payment (Dinar Dragon,
// /status).
type Status int

// The three statuses that are documented.
const (
	Processing Status = 0
	Successful Status = 1
	Failed     Status = 2 // the amount is refunded to the dashboard balance
)

// Options of a Simulator. The private key is required.
type Options struct {
	PrivateKey string

	Now          func() time.Time                           // nil: the wall clock
	ArrivesAfter time.Duration                              // how long executed money is under way; 0: 15 minutes
	SlowFor      time.Duration                              // how long the fault Slow takes; 0: 10 seconds
	Sleep        func(context.Context, time.Duration) error // how Slow waits; nil: with a timer
}

// Simulator is a simulated Dinar Dragon. It keeps everything in memory and may
// be used by many goroutines.
type Simulator struct {
	now          func() time.Time
	arrivesAfter time.Duration
	slowFor      time.Duration
	sleep        func(context.Context, time.Duration) error
	control      http.Handler
	faults       *fault.Plan[Fault, exchange]

	mu      sync.Mutex // guards what follows
	key     string
	payouts []payout         // in the order of their making
	drafts  map[string]draft // by authcode
	counts  Counts
	asked   map[string]int // status requests by id
}

var _ http.Handler = (*Simulator)(nil)

// Payout is a payout as the provider tells it.
type Payout struct {
	PaymentID string    `json:"payment_id"`
	Payments  []Payment `json:"payments"`
}

// Payment is one payment of a payout.
type Payment struct {
	UniqueID string `json:"uniqueid"`
	Status   Status `json:"status"`
}

// payout is a payout that time may change.
type payout struct {
	id       string
	payments []payment
}

// payment is Processing until it arrives, and what it becomes from then on.
type payment struct {
	id       string
	arrives  time.Time
	becoming Status
}

// at is the payment as it is told at a time.
func (p payment) at(now time.Time) Payment {
	if now.Before(p.arrives) {
		return Payment{p.id, Processing}
	}
	return Payment{p.id, p.becoming}
}

// Counts is how often the provider was asked.
type Counts struct {
	Statuses   int `json:"statuses"`    // status requests that arrived, refused ones included
	KeyRefused int `json:"key_refused"` // those of them that came with another key, or with none
}

// New makes a simulator without payouts. It is an error if the private key is
// missing.
func New(o Options) (*Simulator, error) {
	s := &Simulator{
		now:          o.Now,
		arrivesAfter: o.ArrivesAfter,
		slowFor:      o.SlowFor,
		sleep:        o.Sleep,
		faults:       fault.NewPlan(behaviours(), forStatus),
		drafts:       map[string]draft{},
		asked:        map[string]int{},
	}
	if err := s.Rotate(o.PrivateKey); err != nil {
		return nil, err
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.arrivesAfter == 0 {
		s.arrivesAfter = defaultArrivesAfter
	}
	if s.slowFor == 0 {
		s.slowFor = defaultSlowFor
	}
	if s.sleep == nil {
		s.sleep = fault.Sleep
	}
	s.control = s.newControl()
	return s, nil
}

// Rotate gives the merchant another private key, from the next request on. The
// old one is refused.
func (s *Simulator) Rotate(privateKey string) error {
	if privateKey == "" {
		return errors.New("simulated Dinar Dragon: the merchant needs a private key")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.key = privateKey
	return nil
}

// Put makes a payout, or makes it anew, with these payments. Their statuses stay
// as they are until Put or SetStatus changes them.
func (s *Simulator) Put(p Payout) error {
	made := payout{id: p.PaymentID}
	for _, one := range p.Payments {
		if err := checkStatus(one.Status); err != nil {
			return err
		}
		made.payments = append(made.payments, payment{id: one.UniqueID, becoming: one.Status})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	others := slices.Clone(s.payouts)
	at := slices.IndexFunc(others, func(have payout) bool { return have.id == p.PaymentID })
	if at >= 0 {
		others = slices.Delete(others, at, at+1)
	}
	if err := checkIDs(made, others); err != nil {
		return err
	}
	if at < 0 {
		s.payouts = append(s.payouts, made)
	} else {
		s.payouts[at] = made
	}
	return nil
}

// checkIDs makes sure that an id means one thing alone.
func checkIDs(p payout, others []payout) error {
	if p.id == "" || len(p.payments) == 0 {
		return errors.New("simulated Dinar Dragon: a payout needs a payment_id and at least one payment")
	}
	taken := map[string]bool{"": true}
	for _, other := range others {
		for _, one := range other.payments {
			taken[one.id] = true
		}
	}
	for _, one := range p.payments {
		if taken[one.id] {
			return fmt.Errorf("simulated Dinar Dragon: the uniqueid %q is empty or taken: give each payment one of its own", one.id)
		}
		taken[one.id] = true
	}
	return nil
}

// SetStatus changes what became of a payment, at once and for good. A final one
// can be changed too, as the real provider may correct itself.
func (s *Simulator) SetStatus(uniqueID string, status Status) error {
	if err := checkStatus(status); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.payouts {
		for i := range p.payments {
			if p.payments[i].id == uniqueID {
				p.payments[i] = payment{id: uniqueID, becoming: status}
				return nil
			}
		}
	}
	return fmt.Errorf("simulated Dinar Dragon: there is no payment %q: GET "+shownAt+"payouts lists them", uniqueID)
}

func checkStatus(status Status) error {
	if status < Processing || status > Failed {
		return fmt.Errorf("simulated Dinar Dragon: %d is no status of a payment: use 0, 1 or 2; the fault %q answers with another", status, UndocumentedStatus)
	}
	return nil
}

// Payouts returns all payouts as they are now, oldest first.
func (s *Simulator) Payouts() []Payout {
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	all := []Payout{}
	for _, p := range s.payouts {
		payments := make([]Payment, len(p.payments))
		for i, one := range p.payments {
			payments[i] = one.at(now)
		}
		all = append(all, Payout{p.id, payments})
	}
	return all
}

// Counts tells what was asked in all.
func (s *Simulator) Counts() Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts
}

// Asked tells how many status requests, with the right key, asked about this
// payment_id or uniqueid.
func (s *Simulator) Asked(id string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[id]
}

// Script makes the next status requests go wrong, one fault each, in this order,
// after those that are scripted already. A fault waits for a request that passes
// all checks. It is an error, and nothing is scripted, if one of them is no fault.
func (s *Simulator) Script(faults ...Fault) error { return s.faults.Script(forStatus, faults...) }

// ServeHTTP answers the three steps of a payout and the control API. Another
// method is 405 and another path 404, both in the provider's form.
func (s *Simulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Server", "simulated Dinar Dragon (for trial, no money moves)")
	if strings.HasPrefix(r.URL.Path, controlPrefix) {
		s.control.ServeHTTP(w, r)
		return
	}
	var answer http.HandlerFunc
	switch r.URL.Path {
	case "/get-authcode":
		answer = s.getAuthcode
	case "/execute":
		answer = s.execute
	case StatusPath:
		answer = s.status
	default:
		refuse(w, http.StatusNotFound, "Not found.")
		return
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		refuse(w, http.StatusMethodNotAllowed, "Method not allowed.")
		return
	}
	answer(w, r)
}

// question is the body of a status request: one of the two.
type question struct {
	UniqueID  string `json:"uniqueid"`
	PaymentID string `json:"payment_id"`
}

func (s *Simulator) status(w http.ResponseWriter, r *http.Request) {
	var q question
	refused := s.checkKey(r)
	s.count(func() {
		s.counts.Statuses++
		if refused != nil {
			s.counts.KeyRefused++
		}
	})
	if refused == nil {
		refused = read(r, &q)
	}
	if refused == nil && (q.UniqueID == "") == (q.PaymentID == "") {
		refused = &refusal{http.StatusBadRequest, "Send either uniqueid or payment_id."}
	}
	if refused != nil {
		refused.answer(w)
		return
	}
	s.count(func() { s.asked[q.UniqueID+q.PaymentID]++ })
	payments := s.find(q)
	b, scripted := s.faults.Next(forStatus)
	switch {
	// A fault in telling a payment needs one.
	case payments == nil && (!scripted || b.Tells):
		refuse(w, http.StatusBadRequest, "No payment with this ID.")
	case scripted:
		b.Play(exchange{s: s, w: w, r: r, payments: payments})
	default:
		tell(w, payments)
	}
}

func (s *Simulator) count(add func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	add()
}

// find returns the payments that are asked about, as they are now, or nil.
func (s *Simulator) find(q question) []Payment {
	for _, p := range s.Payouts() {
		if p.PaymentID == q.PaymentID {
			return p.Payments
		}
		for _, one := range p.Payments {
			if one.UniqueID == q.UniqueID {
				return []Payment{one}
			}
		}
	}
	return nil
}

// admit checks the key and decodes the body; nil if both are right.
func (s *Simulator) admit(r *http.Request, into any) *refusal {
	if refused := s.checkKey(r); refused != nil {
		return refused
	}
	return read(r, into)
}

// checkKey looks for the private key as the whole value of Authorization.
func (s *Simulator) checkKey(r *http.Request) *refusal {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch sent := r.Header.Values("Authorization"); {
	case len(sent) == 0 || sent[0] == "":
		return &refusal{http.StatusBadRequest, "Missing API key in request headers."}
	case len(sent) > 1 || sent[0] != s.key:
		return &refusal{http.StatusForbidden, "Invalid API key."}
	}
	return nil
}

func read(r *http.Request, into any) *refusal {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return &refusal{http.StatusBadRequest, "Content-Type must be application/json."}
	}
	if err := jsonhttp.Read(r, into); err != nil {
		return &refusal{http.StatusBadRequest, err.Error()}
	}
	return nil
}

// refusal is the provider's failure form in the making.
type refusal struct {
	status  int
	message string
}

func (f refusal) answer(w http.ResponseWriter) { refuse(w, f.status, f.message) }

func refuse(w http.ResponseWriter, status int, message string) {
	jsonhttp.Write(w, status, struct {
		Code  int    `json:"code"`
		Error string `json:"error"`
	}{status, message})
}

// told is the provider's success form.
type told struct {
	Code     int       `json:"code"`
	Payments []Payment `json:"payments"`
}

func tell(w http.ResponseWriter, payments []Payment) {
	jsonhttp.Write(w, http.StatusOK, told{http.StatusOK, payments})
}
