package year_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"dinarfunctions/shared/charge"
)

// bank is the provider: it knows which charge requests took money.
type bank struct {
	now   func() time.Time
	tally *tally

	mu    sync.Mutex
	dice  *rand.Rand
	calm  bool // nothing goes wrong any more
	known map[string]*transaction
	sent  map[string]charge.State // the answer to the last request of a number; Sending where nobody had it
	paid  map[charge.Cycle]int    // how often a cycle (Attempt 0) took money
	// flipped cycles had a declined try that the bank paid after all: it may be too late
	// to keep the next try from being paid too.
	flipped map[charge.Cycle]bool
	// forbidden says of a subscription why nothing may be sent for it now.
	forbidden map[string]string
	faults    []string
}

type transaction struct {
	state   charge.State
	status  string
	becomes charge.State // at a time, if it has one
	at      time.Time
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
	b.mu.Lock()
	defer b.mu.Unlock()
	number := terms.Order.Number
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
	fate := b.roll()
	b.tally.add("a charge request is " + fate)
	tx := &transaction{state: charge.Settled, status: "settled"}
	answer := charge.Answer{State: charge.Settled, PaymentID: "payment-" + number, ProviderStatus: "settled"}
	switch fate {
	case "soft decline":
		tx.state, answer.State, answer.Reason = charge.Declined, charge.Declined, "Insufficient funds"
	case "hard decline":
		tx.state, answer.State, answer.Reason = charge.Declined, charge.Declined, "Stolen card"
	case "declined, and paid later":
		tx.state, answer.State, answer.Reason = charge.Declined, charge.Declined, "Insufficient funds"
		tx.becomes, tx.at = charge.Settled, b.now().Add(time.Duration(b.dice.IntN(100))*time.Hour)
		b.flipped[of] = true
	case "paid, and charged back":
		tx.becomes, tx.at = charge.Reversed, b.now().Add(time.Duration(b.dice.IntN(1000))*time.Hour)
	case "answer lost, paid":
		answer = charge.Answer{State: charge.Unknown, Reason: "it took too long"}
	case "answer lost, never arrived":
		tx, answer = nil, charge.Answer{State: charge.Unknown, Reason: "it took too long"}
	case "turned away":
		tx, answer = nil, charge.Answer{State: charge.Unsent, Reason: "HTTP 429"}
	case "refused":
		tx, answer = nil, charge.Answer{State: charge.Rejected, Reason: "order.amount: refused"}
	case "pending":
		tx.state, answer.State = charge.Pending, charge.Pending
		tx.becomes, tx.at = charge.Settled, b.now().Add(time.Duration(b.dice.IntN(100))*time.Hour)
		if b.dice.IntN(3) == 0 {
			tx.becomes = charge.Declined
		}
	}
	b.sent[number] = answer.State
	if tx != nil {
		tx.status = string(tx.state)
		b.known[number] = tx
		if tx.state == charge.Settled {
			b.paid[of]++
		}
	}
	return answer
}

// Status implements charge.Provider.
func (b *bank) Status(_ context.Context, query charge.Query) charge.StatusAnswer {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.calm && b.dice.IntN(10) == 0 {
		return charge.StatusAnswer{Knowledge: charge.NotAsked, Reason: "it took too long"}
	}
	tx := b.known[query.Order.Number]
	if tx == nil {
		return charge.StatusAnswer{Knowledge: charge.NotKnown}
	}
	answer := charge.Answer{State: tx.state, PaymentID: "payment-" + query.Order.Number, ProviderStatus: tx.status}
	if tx.state == charge.Declined {
		answer.Reason = "Insufficient funds"
	}
	return charge.StatusAnswer{Knowledge: charge.Known, Answer: answer}
}

// pass lets happen what was to happen by now, and lists the numbers that changed: the
// provider calls back.
func (b *bank) pass() (changed []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for number, tx := range b.known {
		if tx.becomes == "" || tx.at.After(b.now()) {
			continue
		}
		tx.state, tx.becomes = tx.becomes, ""
		tx.status = string(tx.state)
		switch tx.state {
		case charge.Settled:
			b.paid[cycleOf(number)]++
		case charge.Reversed:
			tx.status = "chargeback"
		default:
		}
		changed = append(changed, number)
	}
	return changed
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
	tx := b.known[number]
	return tx != nil && tx.state != charge.Declined && tx.state != charge.Pending
}

// cycleOf is the cycle that an order number is for, without the try.
func cycleOf(number string) charge.Cycle {
	number, _, _ = strings.Cut(number, "-r")
	at := strings.LastIndex(number, "-")
	of := charge.Cycle{Subscription: number[:at]}
	_, _ = fmt.Sscanf(number[at+1:], "%d", &of.Number)
	return of
}
