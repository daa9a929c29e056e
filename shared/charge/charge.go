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

// Equal reports whether two lines are the same, in whatever zone their times are.
func (e Entry) Equal(other Entry) bool {
	at := e.At.Equal(other.At)
	e.At = other.At
	return at && e == other
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
	// NoEvent: the change adds to the history alone, and no event is published of it.
	NoEvent bool
}

// Apply makes the change, if the table of transitions allows it and the attempt
// is still the one that it belongs to. Otherwise the charge stays as it is, and
// the writer takes over what stands there. What is applied twice is applied once:
// no state leads to itself, unless the change brings News.
func (c Charge) Apply(change Change) (Charge, bool) {
	if change.Attempt != "" && change.Attempt != c.Attempt {
		return c, false
	}
	if !change.allowedIn(c) {
		return c, false
	}
	change = change.Confirmed(c.State)
	c.LookAt = change.lookAfter(c.LookAt)
	c.State = change.To
	c.Said = change.Evidence
	c.Cascading = change.Cascading
	c.Differs = change.Differs
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

// Confirmed is the change with one more look right after it, where it takes a charge from
// a state into Reversed or out of it by a status request. Those transitions go both ways.
// Two answers can arrive in the wrong order, so the provider is asked once more, and the
// later answer counts.
func (c Change) Confirmed(from State) Change {
	if c.Evidence == ByStatus && (c.To == Reversed || from == Reversed) {
		c.LookAt = c.At
	}
	return c
}

// lookAfter is when the provider is to be asked next after the change, given the look
// that stands when it is written. A hint may have asked for an early look while the
// change was being learnt: no answer takes that away.
func (c Change) lookAfter(standing time.Time) time.Time {
	hinted := !standing.IsZero() && !standing.Equal(c.Seen)
	if hinted && (c.LookAt.IsZero() || standing.Before(c.LookAt)) {
		return standing
	}
	return c.LookAt
}

// HintEvery is how often at most hints have the provider asked about one charge.
const HintEvery = 10 * time.Second

// Hint notes somebody's word that something happened to a charge, whatever its state:
// the provider is to be asked now, by whoever noted it or on the next schedule. Within
// HintEvery of an earlier hint it notes nothing, and reports that; see lookAfterHint.
func (c Charge) Hint(at time.Time) (Charge, bool) {
	if since := at.Sub(c.HintedAt); !c.HintedAt.IsZero() && since >= 0 && since < HintEvery {
		return c, false
	}
	c.HintedAt, c.LookAt = at, at
	return c, true
}

// hinted reports whether a hint's early look is due at a time and not answered yet.
func (c Charge) hinted(at time.Time) bool {
	return !c.HintedAt.IsZero() && !c.LookAt.IsZero() && !c.LookAt.After(at)
}

// lookAfterHint is when the provider is to be asked on behalf of a hint that came at a
// time within HintEvery of an earlier one. The earlier one's answer may have been given
// before this hint came, so it does not count for this one, and neither does its look. A
// look that another hint of the same ten seconds has written down does.
func (c Charge) lookAfterHint(at time.Time) time.Time {
	if c.LookAt.After(c.HintedAt) && !c.LookAt.After(at) {
		return c.LookAt
	}
	if !at.After(c.HintedAt) {
		return c.HintedAt.Add(1)
	}
	return at
}

// Dispute notes the provider's word against a settled charge, which stays settled:
// what a person has to look into is not for a program to undo. The same word is
// noted once.
func (c Charge) Dispute(word, paymentID string, at time.Time) (Charge, bool) {
	if c.State != Settled || c.Disputed == word {
		return c, false
	}
	c.Disputed = word
	c.UpdatedAt = at
	c.History = append(slices.Clone(c.History), DisputeEntry(word, paymentID, at))
	return c, true
}

// DisputeEntry is the line of history that a dispute adds. paymentID is the payment that
// the word is about, where it names one.
func DisputeEntry(word, paymentID string, at time.Time) Entry {
	return Entry{State: Settled, At: at, Evidence: ByStatus, Reason: "the provider now says " + word, PaymentID: paymentID}
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

// learntAt is when the charge came to be what it is.
func (c Charge) learntAt() time.Time { return c.History[len(c.History)-1].At }

// nextLook is the first time after now at which the provider is to be asked about the
// charge; zero for never. It is asked while the outcome is to come, for two weeks after
// a person's word, twice after a decline, and once after an answer that denied it.
func (c Charge) nextLook(now time.Time) time.Time {
	learnt := c.learntAt()
	switch {
	case c.State.Open(), c.Cascading:
		return NextLook(c.calledAt(), now)
	case c.State.Chargeable():
		if ended := c.Deadline.Add(Grace); ended.After(now) {
			return ended
		}
	case c.Said == ByOperator:
		if next := NextLook(learnt, now); !next.After(learnt.Add(dailyFor)) {
			return next
		}
	case c.State == Declined:
		for _, after := range declineLooks {
			if next := learnt.Add(after); next.After(now) {
				return next
			}
		}
	}
	return time.Time{}
}

const (
	// WordDisputed is the word for what Dispute changes, as Word is for a Change.
	WordDisputed = "disputed"
	// WordDiffers is the word for a charge that was settled in another amount or
	// currency than was asked for.
	WordDiffers = "differs"
)

// Word is what events are published of the change, in words joined by a blank: the
// state that the charge has come to. It is empty where the charge is under way or was
// never sent, and where the change says so.
func (c Change) Word() string {
	switch {
	case c.To == Sending, c.To == Unsent, c.NoEvent:
		return ""
	case c.Differs != "":
		return string(c.To) + " " + WordDiffers
	default:
		return string(c.To)
	}
}

// Entry is the line of history that the change adds.
func (c Change) Entry() Entry {
	return Entry{State: c.To, At: c.At, Evidence: c.Evidence, Reason: c.Reason, PaymentID: c.PaymentID}
}
