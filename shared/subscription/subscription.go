package subscription

import (
	"slices"
	"strings"
	"time"

	"dinarfunctions/shared/calendar"
	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/hidden"
	"dinarfunctions/shared/money"
)

// State is what a subscription is in. The zero State is none. See contract,
// "Subscriptions".
type State string

const (
	// Active: it charges when due.
	Active State = "active"
	// PastDue: a cycle's charge was declined and is being tried again.
	PastDue State = "past_due"
	// Unpaid: tries are used up, or the decline was a hard one. Nothing is charged
	// by itself.
	Unpaid State = "unpaid"
	// Held: an operator must look; Reason says why.
	Held State = "held"
	// Paused: by an operator or the merchant.
	Paused State = "paused"
	// Cancelled: for good.
	Cancelled State = "cancelled"
	// Finished: its last cycle is over.
	Finished State = "finished"
)

// States lists all states.
func States() []State {
	return []State{Active, PastDue, Unpaid, Held, Paused, Cancelled, Finished}
}

// Chargeable tells whether something may be charged in this state.
func (s State) Chargeable() bool { return s == Active || s == PastDue }

// Ended tells whether nothing will happen to it any more.
func (s State) Ended() bool { return s == Cancelled || s == Finished }

// The words of Subscription.Change: what others are told of.
const (
	BecamePastDue   = "past_due"
	BecameUnpaid    = "unpaid"
	BecameRecovered = "recovered"
	BecameHeld      = "held"
	BecameCancelled = "cancelled"
	BecameFinished  = "finished"
	WasPaidTwice    = "paid_twice"
)

// Terms are what a subscription charges, to which saved card, and when.
type Terms struct {
	// InitTransID is the transaction that saved the card, a UUID.
	InitTransID string
	// Token is the saved card's token.
	Token       hidden.Text
	Amount      money.Amount
	Description string
	Calendar    calendar.Calendar
	// Cycles is how many cycles there are; 0 for no end.
	Cycles int
	// EndsOn is the last day that may be charged, in the calendar's zone; zero for none.
	EndsOn calendar.Date
	// RetryAfterDays are the days after the first decline of a cycle on which it is
	// tried again: at most four, rising.
	RetryAfterDays []int
}

// Equal tells whether two terms say the same.
func (t Terms) Equal(other Terms) bool {
	return t.InitTransID == other.InitTransID && t.Token.Reveal() == other.Token.Reveal() && t.Amount == other.Amount &&
		t.Description == other.Description && t.Calendar == other.Calendar && t.Cycles == other.Cycles &&
		t.EndsOn == other.EndsOn && slices.Equal(t.RetryAfterDays, other.RetryAfterDays)
}

// LastCharge is the latest charge that is known of, as it was when somebody last
// looked. The zero LastCharge is none.
type LastCharge struct {
	// Of is which cycle and try it is for, and with it its order number.
	Of           charge.Cycle
	State        charge.State
	Amount       money.Amount
	Reason       string
	DeclineClass charge.DeclineClass
}

// Behind is a declined cycle that was left, because there was no room for its next try
// before the next cycle. The zero Behind is none.
type Behind struct {
	// Cycle and Attempt are those of its next try.
	Cycle, Attempt int
	// CycleAt, BeforeAt and DeclinedAt are as they were in the Subscription.
	CycleAt, BeforeAt, DeclinedAt time.Time
}

// Subscription is what is known of one. It is a value: nothing in it is shared
// with the store.
type Subscription struct {
	ID    string
	Terms Terms
	State State
	// Reason says why it is Held.
	Reason string

	// Cycle and Attempt are those of the next charge to be made, or, while it is
	// Waiting, of the charge whose outcome is to come.
	Cycle, Attempt int
	// CycleAt is the planned time of the cycle, whatever became of it. Index is its
	// place in the calendar: the next cycle is at the place behind it. Where the
	// calendar has been another since, it is the place before that one, -1 where the
	// next cycle is the calendar's first.
	CycleAt time.Time
	Index   int
	// Passed is how many cycles after this one were missed on an earlier calendar, the
	// last of them at PassedAt. They keep their numbers.
	Passed   int
	PassedAt time.Time
	// BeforeAt is the planned time of the cycle before; zero for none.
	BeforeAt time.Time
	// DueAt is the planned time of this charge or try. Lateness counts from it.
	DueAt time.Time
	// DeclinedAt is when the cycle was first declined; zero where it was not.
	DeclinedAt time.Time
	// AskFirst: the provider is asked about the order number before it is charged.
	AskFirst bool
	// Missed says what becomes of the cycles that are missed until this one is over;
	// empty for a subscription whose cycles come in their turn.
	Missed Missed

	// Waiting: Cycle and Attempt have been claimed in the ledger, since WaitingSince,
	// and what became of them has not been taken over yet. Nothing is charged meanwhile.
	Waiting      bool
	WaitingSince time.Time
	Last         LastCharge
	// Paid are the latest charges that were ever settled and that it was not held for as
	// charged back, at most three, in the order of their cycles.
	Paid []charge.Cycle
	// Behind is the declined cycle that was left for want of room, as long as a new card
	// may still pay it. While it is tried again, it is the Cycle.
	Behind Behind
	// ChargedBack lists the order numbers of the charges that it was held for because
	// they were charged back, so that each holds it once.
	ChargedBack []string
	// Differed lists the order numbers of the charges that it was held for because
	// another amount or currency was settled than asked for, so that each holds it once.
	Differed []string
	// PaidTwice lists the cycles that were found to be paid twice, and told.
	PaidTwice []int

	// LookAt is when it is to be looked at next: its place in the due index; zero for
	// never.
	LookAt time.Time
	// Change is what the last write changed that others are told of: words joined by
	// a blank, in the order in which they happened; empty for nothing.
	Change string

	CreatedAt time.Time
	UpdatedAt time.Time
	// Revision rises by one with each write but those of Store.Look. A write has the
	// condition that the revision is still the one that was read.
	Revision int64
}

// NextCharge is which cycle and try the next charge is for, or the one that is
// awaited.
func (s Subscription) NextCharge() charge.Cycle {
	return charge.Cycle{Subscription: s.ID, Number: s.Cycle, Attempt: s.Attempt}
}

// NextChargeAt is when the next charge is to be made; zero where none will be, and
// while an outcome is awaited.
func (s Subscription) NextChargeAt() time.Time {
	if !s.State.Chargeable() || s.Waiting {
		return time.Time{}
	}
	return s.DueAt
}

// changed adds a word to what this write changes.
func (s *Subscription) changed(word string) {
	s.Change = strings.TrimPrefix(s.Change+" "+word, " ")
}
