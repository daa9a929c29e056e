package dineropay

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"dinarfunctions/sandbox/provider/internal/jsonhttp"
)

// Step is one moment in a cascade: the newest payment of the order becomes
// something, or the platform tries the order at the next acquirer.
type Step struct {
	Next   bool          // a new payment begins, with an id of its own
	Status string        // settled, declined, pending, prepare, 3ds or redirect
	Reason string        // why it is not settled
	After  time.Duration // after the step before, on the simulator's clock; 0: waits for Advance
}

// wireStep is a step in the control API.
type wireStep struct {
	Next   bool   `json:"next,omitzero"`
	Status string `json:"status"`
	Reason string `json:"reason,omitzero"`
	After  string `json:"after,omitzero"` // "20s"
}

// MarshalJSONTo writes the time as a text, "20s".
func (s Step) MarshalJSONTo(to *jsontext.Encoder) error {
	wire := wireStep{Next: s.Next, Status: s.Status, Reason: s.Reason}
	if s.After != 0 {
		wire.After = s.After.String()
	}
	return json.MarshalEncode(to, wire)
}

// UnmarshalJSONFrom reads what MarshalJSONTo writes.
func (s *Step) UnmarshalJSONFrom(from *jsontext.Decoder) error {
	var wire wireStep
	if err := json.UnmarshalDecode(from, &wire); err != nil {
		return err
	}
	*s = Step{Next: wire.Next, Status: wire.Status, Reason: wire.Reason}
	if wire.After == "" {
		return nil
	}
	var err error
	s.After, err = time.ParseDuration(wire.After)
	return err
}

// cascade is what is still to come of an order's cascade.
type cascade struct {
	steps []Step
	since time.Time // of the last step
}

// Cascade says how the next charge of an order goes: the first step is what its
// own answer says, and the others follow, each after its time or by Advance. A new
// payment begins only after a decline that took no money, and a payment changes only
// while it is pending. A step that no longer fits, since SetStatus has changed the payment
// meanwhile, ends the cascade.
func (s *Simulator) Cascade(orderNumber string, steps ...Step) error {
	if orderNumber == "" {
		return errors.New("simulated DineroPay: a cascade needs an order number")
	}
	if err := checkSteps(steps); err != nil {
		return err
	}
	defer s.lock()()
	s.planned[orderNumber] = slices.Clone(steps)
	return nil
}

func checkSteps(steps []Step) error {
	if len(steps) == 0 {
		return errors.New("simulated DineroPay: a cascade needs at least one step: what the charge itself is answered with")
	}
	for i, step := range steps {
		switch {
		case !slices.Contains(comesTo(), step.Status):
			return fmt.Errorf("simulated DineroPay: step %d has the status %q: use one of %s", i+1, step.Status, strings.Join(comesTo(), ", "))
		case step.After < 0:
			return fmt.Errorf("simulated DineroPay: step %d comes %s after the step before: use no negative time", i+1, step.After)
		case i > 0 && step.Next && steps[i-1].Status != declined:
			return fmt.Errorf("simulated DineroPay: step %d begins a new payment after one that is %s: that happens only after a decline", i+1, steps[i-1].Status)
		case i > 0 && !step.Next && !slices.Contains(waiting(), steps[i-1].Status):
			return fmt.Errorf("simulated DineroPay: step %d changes a payment that is %s: only a pending one changes; set next for a new payment", i+1, steps[i-1].Status)
		}
	}
	return nil
}

// Advance makes the next step of an order's cascade now, whatever its time.
func (s *Simulator) Advance(orderNumber string) error {
	defer s.lock()()
	c := s.running[orderNumber]
	if c == nil {
		return fmt.Errorf("simulated DineroPay: no step of a cascade is left for order number %q", orderNumber)
	}
	s.step(orderNumber, c, s.now().UTC())
	return nil
}

// NextPayment tries an order at the next acquirer now, without a script: a new
// payment with an id of its own. It is an error if the newest payment of the order
// is not declined.
func (s *Simulator) NextPayment(orderNumber, status, reason string) (Transaction, error) {
	if !slices.Contains(comesTo(), status) {
		return Transaction{}, fmt.Errorf("simulated DineroPay: %q is nothing that a payment begins with: use one of %s", status, strings.Join(comesTo(), ", "))
	}
	defer s.lock()()
	i := s.newest(orderNumber)
	if i < 0 {
		return Transaction{}, noTransaction(orderNumber)
	}
	switch before := s.transactions[i]; {
	case before.Status != declined:
		return Transaction{}, fmt.Errorf("simulated DineroPay: the newest payment of order number %q is %s: the next acquirer is tried only after a decline", orderNumber, before.Status)
	case before.Charged:
		return Transaction{}, fmt.Errorf("simulated DineroPay: the newest payment of order number %q took money before it was declined: the next acquirer is not tried", orderNumber)
	}
	delete(s.running, orderNumber)
	return s.follow(i, Step{Status: status, Reason: reason}, s.now().UTC()).shown(), nil
}

// lock locks the simulator, makes the steps of all cascades whose time has come,
// and returns what unlocks it.
func (s *Simulator) lock() (unlock func()) {
	now := s.now().UTC()
	s.mu.Lock()
	for _, number := range slices.Sorted(maps.Keys(s.running)) {
		c := s.running[number]
		for len(c.steps) > 0 && c.steps[0].After > 0 && !now.Before(c.since.Add(c.steps[0].After)) {
			s.step(number, c, c.since.Add(c.steps[0].After))
		}
	}
	return s.mu.Unlock
}

// begin takes the plan of an order's cascade, or that of its card.
func (s *Simulator) begin(request chargeRequest, at time.Time) Step {
	card := s.cardOf(request.Token)
	steps := append([]Step{{Status: card.Status, Reason: card.Reason}}, card.Cascade...)
	number := request.Order.Number
	if planned, is := s.planned[number]; is {
		steps = planned
		delete(s.planned, number)
	}
	delete(s.running, number)
	if len(steps) > 1 {
		s.running[number] = &cascade{slices.Clone(steps[1:]), at}
	}
	return steps[0]
}

// step makes the next step of a running cascade.
func (s *Simulator) step(number string, c *cascade, at time.Time) {
	next := c.steps[0]
	c.steps, c.since = c.steps[1:], at
	newest := s.newest(number)
	t := &s.transactions[newest]
	switch {
	case next.Next && t.Status == declined && !t.Charged:
		s.follow(newest, next, at)
	case !next.Next && slices.Contains(waiting(), t.Status):
		t.become(next.Status, next.Reason, at)
	default:
		c.steps = nil // something else has become of it meanwhile
	}
	if len(c.steps) == 0 {
		delete(s.running, number)
	}
}

// follow adds the payment that comes after a declined one.
func (s *Simulator) follow(declined int, next Step, at time.Time) Transaction {
	t := s.transactions[declined]
	t.PaymentID, t.At, t.Cascaded, t.Charged = newUUID(), at, true, false
	t.operation = operation{}
	t.become(next.Status, next.Reason, at)
	s.transactions = append(s.transactions, t)
	return t
}

// newest is the index of the newest payment of an order, or -1.
func (s *Simulator) newest(orderNumber string) int {
	for i := range slices.Backward(s.transactions) {
		if s.transactions[i].Order.Number == orderNumber {
			return i
		}
	}
	return -1
}

// last is the index of the newest payment of the cascade that a payment belongs to.
func (s *Simulator) last(payment int) int {
	for i := payment + 1; i < len(s.transactions); i++ {
		if s.transactions[i].Order.Number != s.transactions[payment].Order.Number {
			continue
		}
		if !s.transactions[i].Cascaded {
			break // another charge request
		}
		payment = i
	}
	return payment
}

func noTransaction(orderNumber string) error {
	return fmt.Errorf("simulated DineroPay: there is no transaction of order number %q", orderNumber)
}

// controlCascades adds the cascades to the control API.
func (s *Simulator) controlCascades(mux *http.ServeMux) {
	const path = controlPrefix + "cascades/{order_number}"
	mux.HandleFunc("PUT "+path, func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Steps []Step `json:"steps"`
		}
		jsonhttp.Change(w, r, &body, func() error { return s.Cascade(r.PathValue("order_number"), body.Steps...) })
	})
	mux.HandleFunc("POST "+path+"/next", func(w http.ResponseWriter, r *http.Request) {
		if err := s.Advance(r.PathValue("order_number")); err != nil {
			jsonhttp.Refuse(w, r, err)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("POST "+controlPrefix+"transactions", func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			OrderNumber string `json:"order_number"`
			Status      string `json:"status"`
			Reason      string `json:"reason"`
		}
		err := jsonhttp.Read(r, &body)
		var made Transaction
		if err == nil {
			made, err = s.NextPayment(body.OrderNumber, body.Status, body.Reason)
		}
		if err != nil {
			jsonhttp.Refuse(w, r, err)
			return
		}
		jsonhttp.Write(w, http.StatusOK, made)
	})
}
