package charge

import (
	"slices"
	"strings"
	"time"
)

// Grace is how long after the deadline of its invocation a charge still counts
// as Sending. After that no call can be at it any more. See contract, "Charges".
const Grace = 5 * time.Second

// Charge is what the ledger knows of one order number. A Charge is a value:
// nothing in it is shared with the store.
type Charge struct {
	Order       Order
	InitTransID string
	ScheduleID  string
	// TokenEnd is the last four characters of the token.
	TokenEnd string
	// Fingerprint is of the terms of the latest attempt.
	Fingerprint string
	// For is the cycle of a subscription that it is for; the zero Cycle where a
	// caller asked for it.
	For Cycle

	// Attempt is the random id of the latest claim. It tells a writer its own
	// claim from another's.
	Attempt string
	// Deadline is when the invocation that claimed it ends. Nothing is sent after it.
	Deadline time.Time

	State State
	// Said is by whose word the charge is in its state; empty for a claim.
	Said Evidence
	// LookAt is when the provider is to be asked about it next; zero for never.
	LookAt time.Time
	// Disputed is the provider's word against a settled charge, if there was one
	// that the state could not follow.
	Disputed string
	// PaymentID is the provider's name for the newest payment of the order that is
	// known; earlier ones stand in the history.
	PaymentID string
	// Cascading: the charge is Declined, and a newer payment of its order is pending.
	Cascading bool
	// Differs says in which amount or currency the provider settled another sum than
	// was asked for; empty where it did not.
	Differs string
	// HintedAt is when somebody's hint last had the provider asked; zero for never.
	HintedAt time.Time
	// Reason says why the state is not Settled, in the provider's words where it
	// gave any, in ours otherwise.
	Reason       string
	DeclineClass DeclineClass
	// ProviderStatus is the provider's own word: settled, 3ds, chargeback, …
	ProviderStatus string
	// ProviderDate is the transaction's date as the provider writes it.
	ProviderDate string

	CreatedAt time.Time
	UpdatedAt time.Time
	History   []Entry
}

// Cycle is a cycle of a subscription, and which try of it. The zero Cycle is none.
// See contract, "Subscriptions".
type Cycle struct {
	// Subscription is its id.
	Subscription string
	// Number is the cycle's, from 1. Attempt is 0 for its first charge, and n for
	// its n-th try after a decline.
	Number, Attempt int
}

// Entry is one line of a charge's history.
type Entry struct {
	State State
	At    time.Time
	// Evidence is how it was learnt; empty for the claim, which rests on none.
	Evidence Evidence
	// Reason is what was said at the time.
	Reason string
	// PaymentID is the payment that the line is about, where one was named.
	PaymentID string
}

// NewClaim is the charge that a claim writes: one attempt, about to be sent.
func NewClaim(terms Terms, attempt string, now, deadline time.Time) Charge {
	return Charge{
		Order:       terms.Order,
		InitTransID: terms.InitTransID,
		ScheduleID:  terms.ScheduleID,
		TokenEnd:    TokenEnd(terms.Token),
		Fingerprint: terms.Fingerprint(),
		Attempt:     attempt,
		Deadline:    deadline,
		State:       Sending,
		LookAt:      deadline.Add(Grace),
		CreatedAt:   now,
		UpdatedAt:   now,
		History:     []Entry{{State: Sending, At: now}},
	}
}

// At is the charge as everybody sees it at a time: one that is still Sending
// Grace after its deadline is Unknown, written down as such or not. Its
// invocation ended without writing what became of the call.
func (c Charge) At(now time.Time) Charge {
	if c.State == Sending && now.After(c.Deadline.Add(Grace)) {
		c.State = Unknown
		c.Reason = "the function ended before it wrote down what the provider answered"
	}
	return c
}

// overdue is the change that writes down what everybody already sees of a charge
// whose invocation has ended without writing its outcome, and whether it is one.
func (c Charge) overdue(now time.Time) (Change, bool) {
	seen := c.At(now)
	if c.State != Sending || seen.State != Unknown {
		return Change{}, false
	}
	return Answer{State: Unknown, Reason: seen.Reason}.change(c, BySchedule, now), true
}

// Change is something that was learnt about a charge: one step of its history.
type Change struct {
	// Number is the order number.
	Number string
	// Attempt is the claim that the change belongs to; empty where it is about
	// the order number, whichever attempt stands there.
	Attempt  string
	To       State
	Evidence Evidence
	At       time.Time
	// LookAt is when the provider is to be asked next; zero for never.
	LookAt time.Time
	// Seen is the LookAt that stood when the change was learnt. An earlier look that
	// somebody else has put in its place since is kept.
	Seen time.Time

	PaymentID      string
	Reason         string
	DeclineClass   DeclineClass
	ProviderStatus string
	ProviderDate   string
	Differs        string
	Cascading      bool
}

// Apply makes the change, if the table of transitions allows it and the attempt
// is still the one that it belongs to. Otherwise the charge stays as it is, and
// the writer takes over what stands there. What is applied twice is applied once,
// because no state leads to itself.
func (c Charge) Apply(change Change) (Charge, bool) {
	if change.Attempt != "" && change.Attempt != c.Attempt {
		return c, false
	}
	if !Allowed(c.State, c.Said, change.To, change.Evidence) {
		return c, false
	}
	c.State = change.To
	c.Said = change.Evidence
	c.LookAt = change.LookAt
	c.Reason = change.Reason
	c.DeclineClass = change.DeclineClass
	c.ProviderStatus = change.ProviderStatus
	c.ProviderDate = change.ProviderDate
	if change.PaymentID != "" {
		c.PaymentID = change.PaymentID
	}
	c.UpdatedAt = change.At
	c.History = append(slices.Clone(c.History), change.Entry())
	return c, true
}

// Dispute notes the provider's word against a settled charge, which stays settled:
// what a person has to look into is not for a program to undo. The same word is
// noted once.
func (c Charge) Dispute(word string, at time.Time) (Charge, bool) {
	if c.State != Settled || c.Disputed == word {
		return c, false
	}
	c.Disputed = word
	c.UpdatedAt = at
	c.History = append(slices.Clone(c.History), DisputeEntry(word, at))
	return c, true
}

// DisputeEntry is the line of history that a dispute adds.
func DisputeEntry(word string, at time.Time) Entry {
	return Entry{State: Settled, At: at, Evidence: ByStatus, Reason: "the provider now says " + word}
}

// ChargedBack reports whether the provider calls the charge charged back, which is the
// customer's doing and not the merchant's.
func (c Charge) ChargedBack() bool {
	return c.State == Reversed && strings.EqualFold(c.ProviderStatus, "chargeback")
}

// calledAt is when the latest attempt began.
func (c Charge) calledAt() time.Time {
	for _, e := range slices.Backward(c.History) {
		if e.State == Sending {
			return e.At
		}
	}
	return c.CreatedAt
}

// nextLook is when a charge is to be asked about next, once it is in a state by
// somebody's word: while it is open, and for two weeks after a person's word.
func (c Charge) nextLook(state State, said Evidence, now time.Time) time.Time {
	switch {
	case state.Open():
		return NextLook(c.calledAt(), now)
	case state.Chargeable() && c.State == Sending:
		// The answer denied it; a moment later the provider is asked whether it
		// has it all the same. The claim's own look is as good as any, and leaves
		// an earlier hint its effect.
		return c.Deadline.Add(Grace)
	case said == ByOperator:
		since := now
		if c.Said == ByOperator {
			since = c.History[len(c.History)-1].At
		}
		if next := NextLook(since, now); !next.After(since.Add(dailyFor)) {
			return next
		}
	}
	return time.Time{}
}

// WordDisputed is the word for what Dispute changes, as Word is for a Change.
const WordDisputed = "disputed"

// Word is what others are told of the change: the state that the charge has come to;
// empty where nobody is told, because the charge is under way or was never sent.
func (c Change) Word() string {
	if c.To == Sending || c.To == Unsent {
		return ""
	}
	return string(c.To)
}

// Entry is the line of history that the change adds.
func (c Change) Entry() Entry {
	return Entry{State: c.To, At: c.At, Evidence: c.Evidence, Reason: c.Reason}
}
