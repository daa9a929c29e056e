package model_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"pgregory.net/rapid"

	simulator "dinarfunctions/sandbox/provider/dineropay"
	"dinarfunctions/shared/charge"
)

// step is one thing that happens. It is drawn whole before it happens, so that it
// can happen while a function is frozen, and beside others.
type step struct {
	What     what
	Number   string
	Content  int              // of a POST
	Function int              // which copy
	With     spec             // what goes wrong in it
	Word     string           // outcome, mode, fault, or provider's status
	Which    int              // of the provider's transactions
	Steps    []simulator.Step // of a cascade
	Jump     time.Duration    // of the clock
	Beside   []step           // POSTs at the same time
}

type what string

const (
	post        what = "POST"
	together    what = "POSTs at once"
	get         what = "GET"
	list        what = "list"
	sweep       what = "schedule"
	callback    what = "callback"
	resolve     what = "resolution"
	turn        what = "switch"
	wait        what = "wait"
	chargeFault what = "fault for a charge"
	statusFault what = "fault for a status request"
	changes     what = "provider changes a transaction"
	turnsRound  what = "provider changes its mind, and calls back"
	reversal    what = "provider takes a payment back, and goes on"
	plans       what = "cascade planned"
	cascades    what = "next acquirer tried"
	rotate      what = "keys rotated"
	rotateOne   what = "keys rotated, secret not yet"
	arrives     what = "a late write arrives"
)

func (s step) GoString() string {
	text := string(s.What)
	for _, part := range []string{s.Number, s.Word} {
		if part != "" {
			text += " " + part
		}
	}
	switch s.What {
	case post:
		text += fmt.Sprintf(" content %d", s.Content)
	case wait:
		text += " " + s.Jump.String()
	case changes:
		text += fmt.Sprintf(" (number %d)", s.Which)
	case together:
		text = fmt.Sprintf("at once: %#v", s.Beside)
	default:
	}
	return fmt.Sprintf("%s @%d%#v", text, s.Function, s.With)
}

var numbers = []string{"order-1", "order-2", "order-3", "order-4"}

// contents are what an order may be asked for with.
var contents = []struct{ token, amount string }{
	{marked + "-token-7002", "1.00"},
	{marked + "-token-7002", "2.50"},
	{marked + "-declined-insufficient", "1.00"},
	{marked + "-pending", "1.00"},
	{marked + "-pending-3ds", "1.00"},
}

func body(number string, content int) string {
	c := contents[content]
	return fmt.Sprintf(`{"recurring_init_trans_id": "dc66cdd8-d702-11ea-9a2f-0242c0a87002", "recurring_token": %q,
		"order": {"number": %q, "amount": %q, "currency": "SAR", "description": "gift"}}`, c.token, number, c.amount)
}

var jumps = []time.Duration{
	time.Second, 9 * time.Second, 11 * time.Second, 31 * time.Second, time.Minute, 3 * time.Minute, 20 * time.Minute,
	2 * time.Hour, 10 * time.Hour, 25 * time.Hour, 3 * 24 * time.Hour, 8 * 24 * time.Hour, 15 * 24 * time.Hour, 40 * 24 * time.Hour,
}

// statusWords are the provider's words for a transaction and what they mean
// (DineroPay, recurring), written anew here.
var statusWords = map[string]charge.State{
	"settled": charge.Settled, "declined": charge.Declined, "pending": charge.Pending, "prepare": charge.Pending,
	"3ds": charge.Pending, "redirect": charge.Pending, "refund": charge.Reversed, "reversal": charge.Reversed,
	"void": charge.Reversed, "chargeback": charge.Reversed,
}

// neverAnswers are the faults that are waited for in real time; lost stands for them.
var neverAnswers = []simulator.Fault{simulator.Timeout, simulator.TimeoutBefore}

// faultsOf are the simulator's faults for a kind of request.
func faultsOf(kind string) (names []string) {
	for _, f := range simulator.Faults() {
		if slices.Contains(f.Requests, kind) && !slices.Contains(neverAnswers, f.Fault) {
			names = append(names, string(f.Fault))
		}
	}
	return names
}

// index draws an index below n, each as likely as the next. The library's own
// draws prefer small ones, which would leave some faults unmet.
func index(t *rapid.T, name string, n int) (i int) {
	for range 8 {
		i *= 2
		if rapid.Bool().Draw(t, name) {
			i++
		}
	}
	return i % n
}

func one[T any](t *rapid.T, name string, from ...T) T { return from[index(t, name, len(from))] }

// chance draws true once in so many times.
func chance(t *rapid.T, name string, in int) bool { return index(t, name, in) == in-1 }

// draw draws a step of a kind; depth is how deep in other steps it happens.
func draw(t *rapid.T, kind what, depth int) step {
	s := step{What: kind, Function: index(t, "function", instances)}
	switch kind {
	case post, get, callback, resolve, plans, cascades, turnsRound:
		s.Number = one(t, "number", numbers...)
	default:
	}
	switch kind {
	case post:
		s.Content = contentOf(t, s.Number)
	case together:
		number := one(t, "number", numbers...)
		callers := 2 + index(t, "callers", 4)
		for range callers {
			p := draw(t, post, depth+1)
			if !chance(t, "other number", 4) {
				p.Number, p.Content = number, contentOf(t, number)
			}
			s.Beside = append(s.Beside, p)
		}
	case callback:
		s.Word = one(t, "about", aboutNewest, aboutNewest, aboutOlder, repeated)
	case plans:
		s.Steps = drawCascade(t)
	case cascades:
		s.Word = one(t, "status", "pending", "settled", "declined", "3ds")
	case reversal:
		s.Which = index(t, "which", 6)
		s.Word = one(t, "words", reversals...)
		s.Jump = one(t, "jump", jumps[:4]...)
	case resolve:
		s.Word = one(t, "outcome", "settled", "not_charged")
	case turn:
		s.Word = string(one(t, "mode", charge.Live, charge.Live, charge.AskFirst, charge.Stopped))
	case wait:
		s.Jump = one(t, "jump", jumps...)
	case chargeFault:
		s.Word = one(t, "fault", faultsOf(kindCharge)...)
	case statusFault:
		s.Word = one(t, "fault", faultsOf(kindStatus)...)
	case turnsRound:
		s.Word = one(t, "status", "settled", "declined", "refund", "chargeback")
	case changes:
		s.Which = index(t, "which", 6)
		s.Word = one(t, "status", "settled", "declined", "settled", "declined", "pending", "prepare", "3ds", "redirect",
			"refund", "reversal", "void", "chargeback")
	default:
	}
	switch kind {
	case post, get, list, sweep, callback, resolve, turn, reversal:
		s.With = drawSpec(t, depth)
	default:
	}
	for i, w := range s.With.While {
		if s.Number != "" && (w.What == callback || w.What == turnsRound) {
			s.With.While[i].Number = s.Number // in the middle of what is being done
		}
	}
	return s
}

// contentOf draws what an order is asked for with: mostly what it always is.
func contentOf(t *rapid.T, number string) int {
	if chance(t, "other content", 5) {
		return index(t, "content", len(contents))
	}
	return slices.Index(numbers, number)
}

// drawSpec draws what goes wrong in an invocation: nothing, most of the time.
func drawSpec(t *rapid.T, depth int) (s spec) {
	if depth > 1 {
		return s
	}
	if chance(t, "killed", 5) {
		s.DieAt = 1 + index(t, "killed at", 6)
		s.DieAfter = rapid.Bool().Draw(t, "killed after")
	}
	if chance(t, "store fails", 5) {
		s.StoreAt = 1 + index(t, "store fails at", 5)
		s.Store = one(t, "store fault", storeFaults()...)
	}
	if chance(t, "provider lost", 8) {
		s.Lost = one(t, "lost", lostAnswer, lostRequest)
	}
	if depth == 0 && chance(t, "frozen", 4) {
		s.PauseAt = 1 + index(t, "frozen at", 5)
		s.AfterIt = rapid.Bool().Draw(t, "frozen after")
		for range 1 + index(t, "meanwhile", 3) {
			s.While = append(s.While, draw(t, one(t, "what", wait, sweep, get, callback, turnsRound, turnsRound, post, resolve, changes, cascades, arrives), 2))
		}
	}
	return s
}

// do makes a step happen.
func (h *house) do(s step) {
	h.tally.add("action", string(s.What))
	h.mu.Lock()
	h.story = append(h.story, fmt.Sprintf("%s  %#v", h.now.Format(time.DateTime), s))
	h.mu.Unlock()
	switch s.What {
	case post:
		h.post(s)
	case together:
		var wg sync.WaitGroup
		for _, p := range s.Beside {
			wg.Go(func() { h.do(p) })
		}
		wg.Wait()
	case get:
		_, status, answer, answered := h.request(s.Function, s.With, http.MethodGet, "/charges/"+s.Number, "")
		if answered && status == http.StatusOK && !strings.Contains(answer, s.Number) {
			h.violate("GET %s was answered with another charge: %s", s.Number, answer)
		}
	case list:
		h.request(s.Function, s.With, http.MethodGet, "/charges?limit=3", "")
	case sweep:
		h.schedule(s.Function, s.With)
	case callback:
		h.callback(s.Function, s.With, s.Number, s.Word)
	case resolve:
		h.request(s.Function, s.With, http.MethodPut, "/charges/"+s.Number+"/resolution",
			fmt.Sprintf(`{"outcome": %q, "note": "bank statement"}`, s.Word))
	case turn:
		h.request(s.Function, s.With, http.MethodPut, "/charging", fmt.Sprintf(`{"mode": %q}`, s.Word))
	case wait:
		h.advance(s.Jump)
	case chargeFault:
		h.front.script(kindCharge, simulator.Fault(s.Word))
	case statusFault:
		// A status request is tried three times.
		h.front.script(kindStatus, slices.Repeat([]simulator.Fault{simulator.Fault(s.Word)}, 1+s.Function)...)
	case changes:
		h.change(s)
	case turnsRound:
		if made := h.transactionsOf(s.Number); len(made) > 0 {
			h.becomes(made[len(made)-1], s.Word)
			h.callback(s.Function, s.With, s.Number, aboutNewest)
		}
	case reversal:
		h.reverse(s)
	case plans:
		if err := h.front.simulator.Cascade(s.Number, s.Steps...); err != nil {
			h.violate("the provider cannot plan a cascade: %v", err)
		}
	case cascades:
		h.cascade(s)
	case rotate, rotateOne:
		h.rotate(s.What == rotate)
	case arrives:
		h.land()
	}
}

func (h *house) post(s step) {
	p, status, answer, answered := h.request(s.Function, s.With, http.MethodPost, "/charges", body(s.Number, s.Content))
	if !answered {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	// Once a charge request may have left, the answer is never a 5xx.
	for _, a := range p.answered {
		if !a.State.Chargeable() && status >= 500 {
			h.violate("order %s came to %s, and the answer is %d: %s", s.Number, a.State, status, answer)
		}
	}
	switch status {
	case 200, 202, 402, 409, 422, 503:
	default:
		h.violate("POST of order %s was answered with %d: %s", s.Number, status, answer)
	}
}

// change is what time does to a transaction at the provider.
func (h *house) change(s step) {
	all := h.front.simulator.Transactions()
	if len(all) == 0 {
		return
	}
	made := h.transactionsOf(all[s.Which%len(all)].Order.Number)
	h.becomes(made[len(made)-1], s.Word)
}

// becomes changes a payment, the newest of its order: an earlier one of a cascade is
// over for the platform, which calls back about the last alone.
func (h *house) becomes(t simulator.Transaction, word string) {
	h.hear(t.PaymentID, t.Status)
	if err := h.front.simulator.SetStatus(t.PaymentID, word, ""); err != nil {
		h.violate("the provider cannot change a transaction: %v", err)
	}
	h.hear(t.PaymentID, word)
}

// reversals are what may become of a payment one after the other.
var reversals = []string{
	"refund chargeback", "chargeback settled", "refund settled", "refund chargeback settled", "chargeback settled chargeback",
}

// reverse takes a paid payment back in several words, and calls back about each.
func (h *house) reverse(s step) {
	var paid []simulator.Transaction
	for _, number := range numbers {
		if made := h.transactionsOf(number); len(made) > 0 && made[len(made)-1].Status == "settled" {
			paid = append(paid, made[len(made)-1])
		}
	}
	if len(paid) == 0 {
		return
	}
	t := paid[s.Which%len(paid)]
	h.tally.add("taken back", s.Word)
	for word := range strings.FieldsSeq(s.Word) {
		h.becomes(t, word)
		h.callback(s.Function, s.With, t.Order.Number, aboutNewest)
		h.advance(s.Jump)
	}
}

// cascade has the platform try the next acquirer, where it would.
func (h *house) cascade(s step) {
	made := h.transactionsOf(s.Number)
	if len(made) == 0 || made[len(made)-1].Status != "declined" || made[len(made)-1].Charged {
		return
	}
	if _, err := h.front.simulator.NextPayment(s.Number, s.Word, ""); err != nil {
		h.violate("the provider cannot try the next acquirer: %v", err)
	}
	h.tally.add("cascade", "the next acquirer is tried: "+s.Word)
}

// drawCascade draws how a charge goes at up to four acquirers, within half a day.
func drawCascade(t *rapid.T) (steps []simulator.Step) {
	after := func() time.Duration {
		return one(t, "after", 5*time.Second, 20*time.Second, 10*time.Minute, 90*time.Minute)
	}
	for acquirer := 1; ; acquirer++ {
		step := simulator.Step{Next: acquirer > 1, Status: one(t, "status", "pending", "pending", "declined", "settled")}
		if acquirer > 1 {
			step.After = after()
		}
		if acquirer == 1 && step.Status == "settled" {
			step.Status = "declined"
		}
		steps = append(steps, step)
		if step.Status == "pending" {
			steps = append(steps, simulator.Step{Status: one(t, "outcome", "settled", "declined", "declined"), After: after()})
		}
		if steps[len(steps)-1].Status == "settled" || acquirer == 4 {
			return steps
		}
	}
}

// hear writes down what the provider may have said of a transaction.
func (h *house) hear(paymentID, word string) {
	state, documented := statusWords[word]
	if !documented {
		h.violate("the provider says %q", word)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.words[paymentID] == nil {
		h.words[paymentID] = map[charge.State]bool{}
	}
	h.words[paymentID][state] = true
}

// rotate gives the merchant other keys. The functions that run have the old ones.
func (h *house) rotate(secretToo bool) {
	h.mu.Lock()
	h.keys++
	key, password := credentials(h.keys)
	h.mu.Unlock()
	if err := h.front.simulator.Rotate(key, password); err != nil {
		h.violate("the keys cannot be rotated: %v", err)
	}
	if secretToo {
		h.secret.put(key, password)
	}
}
