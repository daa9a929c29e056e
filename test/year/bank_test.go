package year_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"dinarfunctions/shared/charge"
)

// bank is the provider: it knows which charge requests took money.
type bank struct {
	now   func() time.Time
	tally *tally
	// hint is a callback that comes while a charge's call is under way.
	hint func(number, paymentID string)
	// context is the panel's switch: by payment_id comes the newest of its cascade.
	context bool

	mu     sync.Mutex
	dice   *rand.Rand
	calm   bool // nothing goes wrong any more
	orders map[string]*order
	coming map[string]*order       // those to which something is still to happen
	sent   map[string]charge.State // the answer to the last request of a number; Sending where nobody had it
	paid   map[charge.Cycle]int    // how often a cycle (Attempt 0) took money
	// flipped cycles had a declined try that the bank paid after all: it may be too late
	// to keep the next try from being paid too. A cascade is none: its next payment begins
	// at once, and nothing else may be charged for its cycle until that is over.
	flipped map[charge.Cycle]bool
	// forbidden says of a subscription why nothing may be sent for it now.
	forbidden map[string]string
	faults    []string
}

// order is what the bank has of an order number.
type order struct {
	payments []payment // as the acquirers were tried, the newest last
	coming   []moment  // in the order of their times
	flips    bool      // it turns round long after its decline
}

type payment struct {
	id, status string
	took       bool // money, also if it was given back since
}

// moment is something that happens to the newest payment of an order, or begins the next.
type moment struct {
	at     time.Time
	next   bool
	status string
	silent bool // nobody is called back: of a cascade only the last payment is told
}

// states are what the bank's words mean.
var states = map[string]charge.State{
	"settled": charge.Settled, "declined": charge.Declined, "pending": charge.Pending,
	"refund": charge.Reversed, "chargeback": charge.Reversed,
}

func (o *order) newest() *payment { return &o.payments[len(o.payments)-1] }

// begin begins a payment.
func (o *order) begin(number, status string) {
	o.payments = append(o.payments, payment{id: fmt.Sprintf("payment-%d-%s", len(o.payments)+1, number), status: status})
}

// took tells how many payments of the order took money.
func (o *order) took() (n int) {
	for _, p := range o.payments {
		if p.took {
			n++
		}
	}
	return n
}

// known is what a payment is to whoever asks.
func (p payment) known() charge.Answer {
	answer := charge.Answer{State: states[p.status], PaymentID: p.id, ProviderStatus: p.status}
	if p.status == "declined" {
		answer.Reason = "Insufficient funds"
	}
	return answer
}

var _ charge.Provider = (*bank)(nil)

func (b *bank) violate(format string, args ...any) {
	if len(b.faults) < 20 {
		b.faults = append(b.faults, b.now().Format(time.RFC3339)+": "+fmt.Sprintf(format, args...))
	}
}

// fates are what may become of a charge request, and how often in a thousand.
var fates = []struct {
	name  string
	often int
}{
	{"soft decline", 70}, {"hard decline", 10}, {"answer lost, paid", 20}, {"answer lost, never arrived", 10},
	{"turned away", 20}, {"refused", 3}, {"pending", 15}, {"declined, and paid later", 4}, {"paid, and charged back", 3},
	{"pending, declined, and paid by the next acquirer", 6}, {"declined, and paid by the next acquirer", 6},
	{"answer lost, declined, and paid by the next acquirer", 6}, {"pending, and declined by two acquirers", 6},
	{"declined by two acquirers, and paid by the third", 4},
	{"processing error, paid", 8}, {"processing error, declined", 4}, {"processing error, not carried out", 4},
	{"paid, refunded, and charged back", 3}, {"paid, charged back, and the dispute is won", 3}, {"paid, refunded, and the refund fails", 3},
}

func (b *bank) roll() string {
	if !b.calm {
		at := b.dice.IntN(1000)
		for _, f := range fates {
			if at -= f.often; at < 0 {
				return f.name
			}
		}
	}
	return "paid"
}

// Ready implements charge.Provider.
func (b *bank) Ready(context.Context) error { return nil }

// RefreshKey implements charge.Provider.
func (b *bank) RefreshKey(context.Context) error { return nil }

// Charge implements charge.Provider. It checks that the request may be made.
func (b *bank) Charge(_ context.Context, terms charge.Terms) charge.Answer {
	answer, early := b.charge(terms.Order.Number)
	if early != "" {
		b.hint(terms.Order.Number, early)
	}
	return answer
}

// charge carries a charge request out, or does not. early is the payment about which a
// callback comes before the answer does, if one does.
func (b *bank) charge(number string) (answer charge.Answer, early string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	of := cycleOf(number)
	if before, again := b.sent[number]; again && !before.Chargeable() {
		b.violate("%s is sent again, and its answer before was %s", number, before)
	}
	if b.paid[of] > 0 && !b.flipped[of] {
		b.violate("%s is sent, and its cycle is paid", number)
	}
	if why := b.forbidden[of.Subscription]; why != "" {
		b.violate("%s is sent, and its subscription was %s", number, why)
	}
	for _, try := range tries(number) {
		if o := b.orders[try]; o != nil && len(o.payments) > 1 && o.newest().status == "pending" {
			b.violate("%s is sent while a payment of %s is pending", number, try)
		}
	}
	fate := b.roll()
	b.tally.add("a charge request is " + fate)
	o := &order{}
	answer = b.carryOut(o, number, fate)
	b.sent[number] = answer.State
	if len(o.payments) == 0 {
		return answer, ""
	}
	b.orders[number] = o
	if len(o.coming) > 0 {
		b.coming[number] = o
	}
	b.note(number, o)
	b.flipped[of] = b.flipped[of] || o.flips
	if !b.calm && b.dice.IntN(30) == 0 {
		early = o.payments[0].id
	}
	return answer, early
}

// carryOut makes of an order what its fate is, and returns the request's own answer.
func (b *bank) carryOut(o *order, number, fate string) charge.Answer {
	unread := charge.Answer{State: charge.Unknown, Reason: "it took too long"}
	unclear := charge.Answer{State: charge.Unknown, AskStatus: true, Reason: "HTTP 400 without a clear refusal: Request processing error."}
	at := b.now()
	later := func(hours int) time.Time {
		at = at.Add(time.Duration(b.dice.IntN(hours)) * time.Hour)
		return at
	}
	comes := func(at time.Time, status string) { o.coming = append(o.coming, moment{at: at, status: status}) }
	// The payment that is declined is not told, and the next one begins at once.
	follows := func(outcome string) {
		o.coming = append(o.coming, moment{at: at, next: true, status: "pending", silent: true})
		comes(later(60), outcome)
	}
	declines := func() {
		o.coming = append(o.coming, moment{at: later(10), status: "declined", silent: true})
	}
	switch fate {
	case "soft decline":
		o.begin(number, "declined")
	case "hard decline":
		o.begin(number, "declined")
		answer := o.newest().known()
		answer.Reason = "Stolen card"
		return answer
	case "declined, and paid later":
		o.begin(number, "declined")
		comes(later(100), "settled")
		o.flips = true
	case "paid, and charged back":
		o.begin(number, "settled")
		comes(later(1000), "chargeback")
	case "paid, refunded, and charged back":
		o.begin(number, "settled")
		comes(later(500), "refund")
		comes(later(500), "chargeback")
	case "paid, charged back, and the dispute is won":
		o.begin(number, "settled")
		comes(later(500), "chargeback")
		comes(later(500), "settled")
	case "paid, refunded, and the refund fails":
		o.begin(number, "settled")
		comes(later(500), "refund")
		comes(later(500), "settled")
	case "answer lost, paid":
		o.begin(number, "settled")
		return unread
	case "answer lost, never arrived":
		return unread
	case "processing error, paid":
		o.begin(number, "settled")
		return unclear
	case "processing error, declined":
		o.begin(number, "declined")
		return unclear
	case "processing error, not carried out":
		return unclear
	case "turned away":
		return charge.Answer{State: charge.Unsent, Reason: "HTTP 429"}
	case "refused":
		return charge.Answer{State: charge.Rejected, Reason: "order.amount: refused"}
	case "pending":
		o.begin(number, "pending")
		comes(later(100), []string{"declined", "settled", "settled"}[b.dice.IntN(3)])
	case "pending, declined, and paid by the next acquirer":
		o.begin(number, "pending")
		declines()
		follows("settled")
	case "pending, and declined by two acquirers":
		o.begin(number, "pending")
		declines()
		follows("declined")
	case "declined, and paid by the next acquirer":
		o.begin(number, "declined")
		follows("settled")
	case "declined by two acquirers, and paid by the third":
		o.begin(number, "declined")
		follows("declined")
		o.coming[len(o.coming)-1].silent = true
		follows("settled")
	case "answer lost, declined, and paid by the next acquirer":
		o.begin(number, "declined")
		follows("settled")
		return unread
	default:
		o.begin(number, "settled")
	}
	return o.newest().known()
}

// note counts a payment that has taken money, once.
func (b *bank) note(number string, o *order) {
	if p := o.newest(); p.status == "settled" && !p.took {
		p.took = true
		b.paid[cycleOf(number)]++
		if o.took() > 1 {
			b.violate("%s was paid by two acquirers: the bank's own fault", number)
		}
	}
}

// Status implements charge.Provider.
func (b *bank) Status(_ context.Context, query charge.Query) charge.StatusAnswer {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.calm && b.dice.IntN(10) == 0 {
		return charge.StatusAnswer{Knowledge: charge.NotAsked, Reason: "it took too long"}
	}
	o := b.orders[query.Order.Number]
	if o == nil {
		return charge.StatusAnswer{Knowledge: charge.NotKnown}
	}
	asked := *o.newest()
	if query.PaymentID != "" && !b.context {
		i := slices.IndexFunc(o.payments, func(p payment) bool { return p.id == query.PaymentID })
		if i < 0 {
			return charge.StatusAnswer{Knowledge: charge.NotKnown}
		}
		asked = o.payments[i]
	}
	return charge.StatusAnswer{Knowledge: charge.Known, Answer: asked.known()}
}

// told is a callback: about a payment of an order.
type told struct {
	number, payment string
	older           string // another payment of the order, if there is one
}

// pass lets happen what was to happen by now, and lists what the provider calls back
// about.
func (b *bank) pass() (callbacks []told) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, number := range slices.Sorted(maps.Keys(b.coming)) {
		o := b.coming[number]
		calls := false
		for len(o.coming) > 0 && !o.coming[0].at.After(b.now()) {
			m := o.coming[0]
			o.coming = o.coming[1:]
			if m.next {
				o.begin(number, m.status)
			} else {
				o.newest().status = m.status
			}
			b.note(number, o)
			calls = calls || !m.silent
		}
		if len(o.coming) == 0 {
			delete(b.coming, number)
		}
		if !calls {
			continue
		}
		call := told{number: number, payment: o.newest().id}
		if len(o.payments) > 1 {
			call.older = o.payments[0].id
		}
		callbacks = append(callbacks, call)
	}
	return callbacks
}

func (b *bank) forbid(id, why string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.forbidden[id] = why
}

// took tells whether a number took money.
func (b *bank) took(number string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	o := b.orders[number]
	return o != nil && o.took() > 0
}

// tries lists the order numbers of the earlier tries of the same cycle.
func tries(number string) (earlier []string) {
	first, try, again := strings.Cut(number, "-r")
	if !again {
		return nil
	}
	earlier = []string{first}
	last := 0
	_, _ = fmt.Sscanf(try, "%d", &last)
	for n := 1; n < last; n++ {
		earlier = append(earlier, fmt.Sprintf("%s-r%d", first, n))
	}
	return earlier
}

// cycleOf is the cycle that an order number is for, without the try.
func cycleOf(number string) charge.Cycle {
	number, _, _ = strings.Cut(number, "-r")
	at := strings.LastIndex(number, "-")
	of := charge.Cycle{Subscription: number[:at]}
	_, _ = fmt.Sscanf(number[at+1:], "%d", &of.Number)
	return of
}
