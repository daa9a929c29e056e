package dineropay

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"dinarfunctions/sandbox/provider/internal/fault"
	"dinarfunctions/sandbox/provider/internal/jsonhttp"
)

const (
	// DefaultRecurringPath is where charges are taken, as the platform's
	// protocol spells it.
	DefaultRecurringPath = "/api/v1/payment/recurring"
	// StatusPath is where status requests are taken.
	StatusPath = "/api/v1/payment/status"

	defaultSlowFor = 10 * time.Second
	dateForm       = "2006-01-02 15:04:05"
)

// Options of a Simulator. The two credentials are required.
type Options struct {
	MerchantKey      string
	MerchantPassword string
	RecurringPath    string // where charges are taken; empty: DefaultRecurringPath
	ErrorShape       ErrorShape
	Settings         Settings // at first; Set changes them

	// CallbackURL tells where callbacks are posted when the control API is asked
	// for one; nil: nowhere. It is asked each time, since a merchant's own address
	// may be known only later.
	CallbackURL func() string

	Now     func() time.Time                           // nil: the wall clock
	SlowFor time.Duration                              // how long the fault Slow takes; 0: 10 seconds
	Sleep   func(context.Context, time.Duration) error // how Slow waits; nil: with a timer
}

// Simulator is a simulated DineroPay. It keeps everything in memory and may be
// used by many goroutines.
type Simulator struct {
	recurringPath string
	errorShape    ErrorShape
	callbackURL   func() string
	now           func() time.Time
	slowFor       time.Duration
	sleep         func(context.Context, time.Duration) error
	control       http.Handler
	faults        *fault.Plan[Fault, exchange]

	mu           sync.Mutex // guards what follows
	key          string
	password     string
	cards        []Card              // that were set, the latest first
	transactions []Transaction       // in the order of their making
	planned      map[string][]Step   // by order number: how its next charge goes
	running      map[string]*cascade // by order number: what is still to come
	settings     Settings
	requests     map[string]requests
	all          requests
}

// requests counts what arrived, refused requests included.
type requests struct{ charges, statuses int }

var _ http.Handler = (*Simulator)(nil)

// Transaction is a payment, whatever became of it: a charge that was carried out,
// or one that the platform made of it by itself at the next acquirer. So one order
// may have several.
type Transaction struct {
	PaymentID   string    `json:"payment_id"` // UUID
	Order       Order     `json:"order"`
	Status      string    `json:"status"`            // one of the documented words: settled, pending, declined, …
	Reason      string    `json:"reason,omitzero"`   // why it is not settled
	Charged     bool      `json:"charged"`           // money was taken, also if it was given back since
	Cascaded    bool      `json:"cascaded,omitzero"` // made by the platform after a decline, without a charge request of its own
	At          time.Time `json:"at"`                // when it was made
	ChangedAt   time.Time `json:"-"`                 // when it came to be in its status
	InitTransID string    `json:"recurring_init_trans_id"`
	ScheduleID  string    `json:"schedule_id,omitzero"`
	Token       string    `json:"-"` // the whole saved token; not shown by the control API

	operation operation // the last one, of which a callback tells
}

// shown is a payment without what only callbacks tell.
func (t Transaction) shown() Transaction {
	t.operation = operation{}
	return t
}

// become gives a payment another status.
func (t *Transaction) become(status, reason string, at time.Time) {
	t.operation = operationOf(t.Status, status)
	t.Status, t.Reason, t.ChangedAt = status, reason, at
	t.Charged = t.Charged || status == settled
}

// Order is what was bought, as the request said it.
type Order struct {
	Number      string `json:"number"`
	Amount      string `json:"amount"` // as it was sent
	Currency    string `json:"currency"`
	Description string `json:"description"`
}

// Counts is how often something was asked for, and how often money was taken.
type Counts struct {
	Charges  int `json:"charges"`  // charge requests that arrived, refused ones included
	Charged  int `json:"charged"`  // payments that took money; more than 1 for one order number is a double charge
	Statuses int `json:"statuses"` // status requests that arrived, refused ones included
}

// New makes a simulator without transactions. It is an error if a credential is
// missing: a provider without a password accepts every signature.
func New(o Options) (*Simulator, error) {
	s := &Simulator{
		recurringPath: o.RecurringPath,
		errorShape:    o.ErrorShape,
		callbackURL:   o.CallbackURL,
		now:           o.Now,
		slowFor:       o.SlowFor,
		sleep:         o.Sleep,
		faults:        fault.NewPlan(behaviours(), forCharge, forStatus),
		requests:      map[string]requests{},
		planned:       map[string][]Step{},
		running:       map[string]*cascade{},
		settings:      o.Settings,
	}
	if err := s.Rotate(o.MerchantKey, o.MerchantPassword); err != nil {
		return nil, err
	}
	if s.recurringPath == "" {
		s.recurringPath = DefaultRecurringPath
	}
	if !strings.HasPrefix(s.recurringPath, "/") || strings.HasPrefix(s.recurringPath, controlPrefix) || s.recurringPath == StatusPath {
		return nil, fmt.Errorf("simulated DineroPay: %q cannot be the path of charges: use one that begins with / and means nothing else here", s.recurringPath)
	}
	if s.now == nil {
		s.now = time.Now
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

// Rotate gives the merchant another key and password, from the next request on.
// The old ones are refused.
func (s *Simulator) Rotate(merchantKey, merchantPassword string) error {
	if merchantKey == "" || merchantPassword == "" {
		return errors.New("simulated DineroPay: the merchant needs both a key and a password")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.key, s.password = merchantKey, merchantPassword
	return nil
}

// ServeHTTP answers charges, status requests and the control API. Another method
// is 405 and another path 404, both in the provider's error form.
func (s *Simulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Server", "simulated DineroPay (for trial, no money moves)")
	var answer http.HandlerFunc
	switch {
	case strings.HasPrefix(r.URL.Path, controlPrefix):
		s.control.ServeHTTP(w, r)
		return
	case r.URL.Path == s.recurringPath:
		answer = s.charge
	case r.URL.Path == StatusPath:
		answer = s.status
	default:
		s.refuse(w, http.StatusNotFound, "Not found.")
		return
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		s.refuse(w, http.StatusMethodNotAllowed, "Method not allowed.")
		return
	}
	answer(w, r)
}

// charge answers one charge request.
func (s *Simulator) charge(w http.ResponseWriter, r *http.Request) {
	request, faults := readCharge(r)
	s.count(request.Order.Number, requests{charges: 1})
	if faults == nil {
		faults = request.check(s.credentials())
	}
	if faults != nil {
		s.refuseRequest(w, faults)
		return
	}
	b, scripted := s.faults.Next(forCharge)
	x := exchange{s: s, w: w, r: r, render: chargeAnswer}
	if !scripted || b.Charges {
		x.transaction = s.carryOut(request)
	}
	if scripted {
		b.Play(x)
		return
	}
	x.answer(x.transaction)
}

// status answers one status request.
func (s *Simulator) status(w http.ResponseWriter, r *http.Request) {
	request, faults := readStatus(r)
	if faults == nil {
		faults = request.check(s.credentials())
	}
	t, known := s.find(request)
	number := request.OrderID
	if known {
		number = t.Order.Number
	}
	s.count(number, requests{statuses: 1})
	if faults != nil {
		s.refuseRequest(w, faults)
		return
	}
	b, scripted := s.faults.Next(forStatus)
	switch {
	// A fault in telling a transaction needs one.
	case !known && (!scripted || b.Tells):
		s.refuseFields(w, fieldError("payment_id", "Transaction is not found."))
	case scripted:
		b.Play(exchange{s: s, w: w, r: r, render: statusAnswer, transaction: t})
	default:
		exchange{s: s, w: w, r: r, render: statusAnswer}.answer(t)
	}
}

func (s *Simulator) credentials() (key, password string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.key, s.password
}

func (s *Simulator) count(number string, add requests) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all.charges += add.charges
	s.all.statuses += add.statuses
	if number != "" {
		one := s.requests[number]
		one.charges += add.charges
		one.statuses += add.statuses
		s.requests[number] = one
	}
}

// carryOut charges the card, which may decline.
func (s *Simulator) carryOut(request chargeRequest) Transaction {
	defer s.lock()()
	at := s.now().UTC()
	first := s.begin(request, at)
	t := Transaction{
		PaymentID:   newUUID(),
		Order:       request.Order,
		At:          at,
		InitTransID: request.InitTransID,
		ScheduleID:  request.ScheduleID,
		Token:       request.Token,
	}
	t.become(first.Status, first.Reason, at)
	s.transactions = append(s.transactions, t)
	return t
}

// find returns the transaction with this payment_id, or with the setting
// CascadingContext the newest of its cascade; or the newest with this order number.
func (s *Simulator) find(q statusRequest) (Transaction, bool) {
	defer s.lock()()
	i := s.newest(q.OrderID)
	if q.PaymentID != "" {
		i = s.payment(q.PaymentID)
		if i >= 0 && s.settings.CascadingContext {
			i = s.last(i)
		}
	}
	if i < 0 {
		return Transaction{}, false
	}
	return s.transactions[i], true
}

// payment is the index of the payment with this id, or -1.
func (s *Simulator) payment(id string) int {
	for i := range slices.Backward(s.transactions) {
		if s.transactions[i].PaymentID == id {
			return i
		}
	}
	return -1
}

// SetStatus changes what became of a transaction, as time does with the real
// ones: a pending one settles or is declined, a settled one is refunded or charged
// back, a dispute is won. The status is one of the documented words (settled,
// declined, pending, prepare, 3ds, redirect, refund, reversal, void, chargeback);
// the reason may be empty.
func (s *Simulator) SetStatus(paymentID, status, reason string) error {
	if !slices.Contains(statuses(), status) {
		return fmt.Errorf("simulated DineroPay: %q is no status of a transaction: use one of %s", status, strings.Join(statuses(), ", "))
	}
	return s.change(paymentID, func(t *Transaction) error {
		t.become(status, reason, s.now().UTC())
		return nil
	})
}

// FailRefund has a refund fail: the payment is settled, and the next callback about
// it is of a refund with status fail.
func (s *Simulator) FailRefund(paymentID, reason string) error {
	return s.change(paymentID, func(t *Transaction) error {
		if t.Status != settled && t.Status != refund {
			return fmt.Errorf("simulated DineroPay: transaction %q is %s: only the refund of a settled one fails", paymentID, t.Status)
		}
		t.become(settled, "", s.now().UTC())
		t.operation = operation{refund, "fail", reason}
		return nil
	})
}

func (s *Simulator) change(paymentID string, change func(*Transaction) error) error {
	defer s.lock()()
	i := s.payment(paymentID)
	if i < 0 {
		return fmt.Errorf("simulated DineroPay: there is no transaction %q: GET "+shownAt+"transactions lists them", paymentID)
	}
	return change(&s.transactions[i])
}

// SetPaymentID gives the newest transaction of an order another name: the
// provider mixes transactions up.
func (s *Simulator) SetPaymentID(orderNumber, paymentID string) error {
	defer s.lock()()
	i := s.newest(orderNumber)
	if i < 0 {
		return noTransaction(orderNumber)
	}
	s.transactions[i].PaymentID = paymentID
	return nil
}

// Transactions returns all payments, oldest first.
func (s *Simulator) Transactions() []Transaction {
	defer s.lock()()
	all := make([]Transaction, len(s.transactions))
	for i, t := range s.transactions {
		all[i] = t.shown()
	}
	return all
}

// Counts tells what was asked about an order number. A status request by
// payment_id counts for the order of that payment. A request whose order number
// could not be read counts in Totals alone.
func (s *Simulator) Counts(orderNumber string) Counts {
	defer s.lock()()
	n := s.requests[orderNumber]
	return Counts{Charges: n.charges, Statuses: n.statuses, Charged: s.charged(orderNumber)}
}

// Totals tells what was asked in all.
func (s *Simulator) Totals() Counts {
	defer s.lock()()
	return Counts{Charges: s.all.charges, Statuses: s.all.statuses, Charged: s.charged("")}
}

// charged counts the transactions of an order, or of all, that took money.
func (s *Simulator) charged(orderNumber string) int {
	n := 0
	for _, t := range s.transactions {
		if t.Charged && (orderNumber == "" || t.Order.Number == orderNumber) {
			n++
		}
	}
	return n
}

// Script makes the next charge requests go wrong, one fault each, in this order,
// after those that are scripted already. A fault waits for a request that passes
// all checks. It is an error, and nothing is scripted, if one of them is no fault
// of a charge request.
func (s *Simulator) Script(faults ...Fault) error { return s.faults.Script(forCharge, faults...) }

// ScriptStatus does for status requests what Script does for charges.
func (s *Simulator) ScriptStatus(faults ...Fault) error {
	return s.faults.Script(forStatus, faults...)
}

// exchange is one request that passed all checks, and its answer to be.
type exchange struct {
	s           *Simulator
	w           http.ResponseWriter
	r           *http.Request
	render      func(Transaction, spelling) any // the answer's shape
	transaction Transaction                     // what is true; without a payment_id if nothing was carried out
}

// answer tells a transaction in the usual spelling.
func (x exchange) answer(t Transaction) {
	jsonhttp.Write(x.w, http.StatusOK, x.render(t, usual))
}

// body is the usual, true answer.
func (x exchange) body() []byte { return jsonhttp.Encode(x.render(x.transaction, usual)) }
