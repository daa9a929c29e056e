package model_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	simulator "dinarfunctions/sandbox/provider/dineropay"
	"dinarfunctions/shared/boltstore"
	"dinarfunctions/shared/charge"
)

const day = 24 * time.Hour

// check holds, after each action, what must hold at any time.
func (h *house) check(t *rapid.T) {
	for _, number := range numbers {
		h.checkProvider(number)
	}
	h.mu.Lock()
	touched := h.touched
	h.touched = map[string]bool{}
	h.mu.Unlock()
	for number := range touched {
		c, stands := h.standing(number)
		if !stands {
			if h.histories[number] != nil {
				h.violate("order %s is gone from the ledger", number)
			}
			continue
		}
		h.checkHistory(c)
		h.checkWords(c)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.violations) > 0 {
		t.Fatalf("%s\nafter:\n%s", strings.Join(h.violations, "\n"), strings.Join(h.story, "\n"))
	}
}

// standing is what the ledger has, without faults.
func (h *house) standing(number string) (c charge.Charge, stands bool) {
	c, err := h.raw.Get(context.Background(), number)
	if err != nil && !errors.Is(err, charge.ErrNotFound) {
		h.violate("order %s cannot be read: %v", number, err)
	}
	return c, err == nil
}

// checkProvider: the provider carried out one charge request of an order at most, and
// one payment of it at most took money.
func (h *house) checkProvider(number string) {
	if counts := h.front.simulator.Counts(number); counts.Charged > 1 {
		h.violate("order %s was charged %d times", number, counts.Charged)
	}
	carriedOut := 0
	for _, m := range h.transactionsOf(number) {
		h.hear(m.PaymentID, m.Status)
		if !m.Cascaded {
			carriedOut++
		}
	}
	if carriedOut > 1 {
		h.violate("%d charge requests of order %s were carried out", carriedOut, number)
	}
}

// checkHistory: the history has grown by allowed transitions, and the charge is
// where it ends.
func (h *house) checkHistory(c charge.Charge) {
	number := c.Order.Number
	before := h.histories[number]
	h.histories[number] = c.History
	if !continues(before, c.History) {
		h.violate("the history of order %s lost a line: it was %s and is %s", number, told(before), told(c.History))
	}
	state, said := charge.State(""), charge.Evidence("")
	payment, waits := "", false
	for i, e := range c.History {
		switch {
		case e.State == charge.Sending && e.Evidence == "":
			if !state.Chargeable() {
				h.violate("order %s was claimed while it was %s: %s", number, state, told(c.History))
			}
		case i == 0:
			h.violate("the history of order %s begins without a claim: %s", number, told(c.History))
		case state == charge.Settled && isDispute(e):
			if e.State != charge.Settled || e.Evidence != charge.ByStatus {
				h.violate("order %s is disputed as %s by %s: %s", number, e.State, e.Evidence, told(c.History))
			}
			continue // noted; the charge stays settled by the same word
		case !charge.Allowed(state, said, e.State, e.Evidence):
			h.violate("order %s went from %s to %s by %s: %s", number, state, e.State, e.Evidence, told(c.History))
		case e.State == charge.Declined && state == charge.Declined && said != charge.ByOperator &&
			(e.PaymentID == "" || e.PaymentID == payment) && isWaiting(e) == waits:
			h.violate("order %s is declined twice, and nothing is new: %s", number, told(c.History))
		}
		state, said, waits = e.State, e.Evidence, isWaiting(e)
		payment = cmp.Or(e.PaymentID, payment)
	}
	if c.State != state || c.Said != said {
		h.violate("order %s is %s by %q, and its history says %s by %q", number, c.State, c.Said, state, said)
	}
	if c.Cascading != waits {
		h.violate("order %s has a newer payment pending: %t, and its history says %s", number, c.Cascading, told(c.History))
	}
	if (c.State.Open() || c.Cascading) && c.LookAt.IsZero() {
		h.violate("order %s is %s, and will never be asked about", number, c.State)
	}
}

// isWaiting tells whether a line says that the order is declined, and that a newer
// payment of it is pending.
func isWaiting(e charge.Entry) bool {
	return e.State == charge.Declined && e.Evidence == charge.ByStatus && strings.HasSuffix(e.Reason, "a newer payment of the order is pending")
}

// isDispute tells whether a line notes the provider's word against a settled charge.
func isDispute(e charge.Entry) bool {
	return strings.HasPrefix(e.Reason, charge.DisputeEntry("", "", e.At).Reason)
}

// continues tells whether a history is an earlier one grown, or cut as charge.Claim
// cuts one that is too long.
func continues(before, after []charge.Entry) bool {
	same := func(a, b charge.Entry) bool {
		return a.At.Equal(b.At) && told([]charge.Entry{a}) == told([]charge.Entry{b})
	}
	if len(after) >= len(before) && slices.EqualFunc(before, after[:len(before)], same) {
		return true
	}
	last := func(e charge.Entry) bool { return same(e, before[len(before)-1]) }
	return len(after) > charge.MaxHistory/2 && same(before[0], after[0]) && slices.ContainsFunc(after, last)
}

func told(history []charge.Entry) string {
	lines := make([]string, len(history))
	for i, e := range history {
		lines[i] = fmt.Sprintf("%s by %q at %s (%s)", e.State, e.Evidence, e.At.Format(time.DateTime), e.Reason)
	}
	return strings.Join(lines, " → ")
}

// checkWords: an outcome by the provider's word is one that the provider gave of one of
// the order's payments, and of the one that the line names where there is such a payment.
func (h *house) checkWords(c charge.Charge) {
	for _, e := range c.History {
		state := e.State
		switch {
		case e.Evidence == charge.ByOperator, isDispute(e):
			continue
		case isWaiting(e):
			state = charge.Pending
		case !slices.Contains([]charge.State{charge.Settled, charge.Declined, charge.Pending, charge.Reversed}, state):
			continue
		}
		heard := map[charge.State]bool{}
		for _, m := range h.transactionsOf(c.Order.Number) {
			if m.PaymentID == e.PaymentID {
				heard = h.words[m.PaymentID]
				break
			}
			for word := range h.words[m.PaymentID] {
				heard[word] = true
			}
		}
		if !heard[state] {
			h.violate("order %s became %s (payment %q), and the provider never said so: %s", c.Order.Number, e.State, e.PaymentID, told(c.History))
		}
	}
}

// end lets the faults stop and time go on, and holds the ledger against what the
// provider knows.
func (h *house) end(t *rapid.T) {
	ended := h.clock()
	h.front.mu.Lock()
	h.front.faults = map[string][]simulator.Fault{}
	h.front.mu.Unlock()
	for h.land() {
	}
	h.secret.put(credentials(h.keys))
	for i := range h.functions {
		h.functions[i] = h.newFunction()
	}
	h.request(0, spec{}, http.MethodPut, "/charging", `{"mode": "live"}`)
	// A decline is asked about again after 15 minutes and 24 hours, and an open charge
	// weekly at least. The cascades are over within half a day.
	for _, later := range []time.Duration{16 * time.Minute, day, day, 8 * day} {
		h.advance(later)
		h.schedule(0, spec{})
		h.check(t)
	}
	for _, number := range numbers {
		h.agreesByItself(number, ended)
	}
	h.check(t)
	for _, number := range numbers {
		if status, answered := h.callback(1, spec{}, number, aboutNewest); answered && status != http.StatusOK {
			h.violate("a callback about order %s was answered with %d in the end", number, status)
		}
	}
	h.advance(time.Minute) // what a callback could not have asked now, is asked then
	h.schedule(1, spec{})
	for _, number := range numbers {
		h.agrees(number)
	}
	h.check(t)
	for _, number := range numbers {
		h.mayBeChargedInTheEnd(number)
	}
	h.check(t)
	h.summarise()
}

// known is what the ledger and the provider have of an order: newest is its newest
// payment there, and state what that one is, empty where the provider has nothing.
func (h *house) known(number string) (c charge.Charge, stands bool, state charge.State, newest simulator.Transaction) {
	c, stands = h.standing(number)
	for _, newest = range h.transactionsOf(number) {
		state = statusWords[newest.Status]
	}
	if !stands && state != "" {
		h.violate("the provider has a transaction of order %s, and the ledger nothing", number)
	}
	return c, stands, state, newest
}

// agreesByItself: without a callback, what is open is what the provider has not
// decided, or does not know; a person's word of late was overridden by its; what was
// declined is not what the provider settled before it was asked about again; and no
// callback that was taken is forgotten.
func (h *house) agreesByItself(number string, ended time.Time) {
	c, stands, truth, newest := h.known(number)
	if !stands {
		return
	}
	learnt := c.History[len(c.History)-1].At
	lastLook := learnt.Add(day)
	if last := h.taken[number]; last.newest == newest && !h.deniedSince(number, last.at) {
		h.tally.add("in the end", "as the last callback had it, without another one")
		h.mapped(c, truth, newest)
	}
	switch {
	case c.State == charge.Sending,
		c.State == charge.Pending && truth != charge.Pending,
		c.State == charge.Unknown && truth != "",
		c.State.Chargeable() && truth != "",
		c.Cascading && truth != charge.Pending:
		h.violate("order %s is %s in the end, and the provider says %q: %s", number, c.State, truth, told(c.History))
	case c.Said == charge.ByOperator && c.UpdatedAt.After(ended.Add(-6*day)):
		h.mapped(c, truth, newest)
	case c.State != charge.Declined || c.Said == charge.ByOperator || truth != charge.Settled:
	case newest.ChangedAt.Before(lastLook) && !h.deniedSince(number, learnt):
		h.tally.add("totals", "orders settled at the provider and declined here")
		h.violate("order %s is declined in the end, and was settled at the provider on %s, before it was asked about again: %s",
			number, newest.ChangedAt.Format(time.DateTime), told(c.History))
	default:
		h.tally.add("in the end", "declined, and settled at the provider after the last question; a callback tells")
	}
}

// deniedSince tells whether the provider denied since then that it knows the order.
func (h *house) deniedSince(number string, then time.Time) bool {
	h.front.mu.Lock()
	defer h.front.mu.Unlock()
	return !h.front.denied[number].Before(then)
}

// agrees: after a callback too, what the provider knows is what the ledger says.
func (h *house) agrees(number string) {
	c, stands, truth, newest := h.known(number)
	if made := h.transactionsOf(number); len(made) > 1 {
		h.tally.add("totals", "orders with several payments")
		if newest.Charged {
			h.tally.add("totals", "orders that a later payment settled")
		}
	}
	if !stands {
		return
	}
	h.mapped(c, truth, newest)
	h.tally.add("in the end", string(c.State))
	switch {
	case c.State == charge.Unknown:
		h.tally.add("totals", "orders unknown in the end")
	case c.State == charge.Declined && truth == charge.Settled:
		h.tally.add("totals", "orders settled at the provider and declined here")
	}
}

// mapped holds a charge against the provider's latest word (contract, "Charges":
// transitions).
func (h *house) mapped(c charge.Charge, truth charge.State, newest simulator.Transaction) {
	operators := c.Said == charge.ByOperator
	agrees := false
	switch c.State {
	case charge.Unknown, charge.Rejected, charge.Unsent:
		agrees = truth == ""
	case charge.Pending:
		agrees = truth == charge.Pending
	case charge.Settled:
		disputed := c.Disputed != "" && (truth == charge.Declined || truth == charge.Pending)
		agrees = truth == charge.Settled || operators && truth == "" || !operators && disputed
	case charge.Declined:
		// Pending is no outcome, so it overrides none, but it does a person's word.
		agrees = truth == charge.Declined && !c.Cascading || operators && truth == "" || !operators && truth == charge.Pending && c.Cascading
	case charge.Reversed:
		// Another reversal and "settled" lead on from it; to the rest it says nothing.
		agrees = truth == charge.Reversed && c.ProviderStatus == newest.Status || truth == charge.Declined || truth == charge.Pending
	case charge.Sending:
	}
	if !agrees {
		h.violate("order %s is %s by %q in the end (disputed: %q), and the provider says %q: %s",
			c.Order.Number, c.State, c.Said, c.Disputed, truth, told(c.History))
	}
}

// mayBeChargedInTheEnd: what was certainly not charged can be, once, and anything
// else cannot.
func (h *house) mayBeChargedInTheEnd(number string) {
	before, stands := h.standing(number)
	had := len(h.transactionsOf(number))
	if err := h.front.simulator.Cascade(number, simulator.Step{Status: "settled"}); err != nil {
		h.violate("the provider cannot plan: %v", err)
	}
	h.do(step{What: post, Number: number})
	after, stands2 := h.standing(number)
	switch may := !stands || before.State.Chargeable(); {
	case may && (!stands2 || after.State != charge.Settled || len(h.transactionsOf(number)) != 1):
		h.violate("order %s could be charged in the end, and is %s", number, after.State)
	case !may && (after.State != before.State || len(h.transactionsOf(number)) != had):
		h.violate("order %s was %s in the end, and after another POST it is %s", number, before.State, after.State)
	}
}

// requireTold: what others were told, each once, says how every charge ended.
func (h *house) requireTold(t *rapid.T, events []boltstore.Told) {
	ids, last := map[string]bool{}, map[string]charge.State{}
	for _, e := range events {
		require.False(t, ids[e.ID], "%s is told twice", e.ID)
		ids[e.ID] = true
		var detail struct {
			Charge struct {
				Order struct{ Number string }
				State charge.State
			}
		}
		require.NoError(t, json.Unmarshal(e.Detail, &detail))
		last[detail.Charge.Order.Number] = detail.Charge.State
		h.tally.add("told", e.DetailType)
	}
	for _, number := range numbers {
		c, stands := h.standing(number)
		if stands && c.State != charge.Sending && c.State != charge.Unsent { // of which nobody is told
			require.Equal(t, c.State, last[number], "order %s: %s", number, told(c.History))
		}
	}
}

func (h *house) summarise() {
	totals := h.front.simulator.Totals()
	if h.front.arrived != totals.Charges || totals.Charges > h.asked {
		h.violate("the ledger sent %d charge requests, and %d arrived (%d counted)", h.asked, h.front.arrived, totals.Charges)
	}
	double := 0
	for _, number := range numbers {
		if h.front.simulator.Counts(number).Charged > 1 {
			double++
		}
	}
	h.tally.addMany("totals", "charge requests begun", h.asked)
	h.tally.addMany("totals", "charge requests that reached the provider", totals.Charges)
	h.tally.addMany("totals", "transactions", len(h.front.simulator.Transactions()))
	h.tally.addMany("totals", "charges that took money", totals.Charged)
	h.tally.addMany("totals", "double charges", double)
	h.tally.add("totals", "scenarios")
}
