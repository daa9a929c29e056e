package charge

import (
	"slices"
	"strings"
	"time"

	"dinarfunctions/shared/hidden"
)

// Answer is what one charge request came to, read by the contract's table "How a
// charge's own answer is read". A provider's client makes it.
type Answer struct {
	// State is the outcome. It is never Sending and never empty.
	State State
	// AskStatus: the answer does not say for certain what became of the charge, so one
	// status request by order number follows it. It is Rejected where the answer blames
	// the order number, which is perhaps in use, and Unknown where it is no clear refusal.
	AskStatus bool
	// KeyRefused: the provider does not accept the merchant's key or signature.
	// An alarm. Of a Rejected answer it means that freshly read values may mend it.
	KeyRefused bool

	PaymentID      string
	Reason         string
	ProviderStatus string
	ProviderDate   string
	// Differs says in which amount or currency a status answer differs from the order;
	// empty where it does not.
	Differs string
}

// Knowledge is what a status request found out.
type Knowledge int

const (
	// NotAsked: no usable answer came. It says nothing about the charge.
	NotAsked Knowledge = iota
	// NotKnown: the provider knows no such transaction. That proves nothing about
	// a charge that may have left.
	NotKnown
	// Known: the provider has a transaction, and it is about this charge.
	Known
)

// StatusAnswer is what a status request came to. See contract, "Charges".
type StatusAnswer struct {
	Knowledge Knowledge
	// Answer is the provider's word where it is Known; its State is Settled,
	// Declined, Pending or Reversed.
	Answer Answer
	// Reason says why it could not be asked, or what the provider said instead.
	Reason string
	// KeyRefused: it was NotAsked because the provider refuses the merchant's key or
	// signature, the freshly read one too.
	KeyRefused bool
}

// Query asks the provider about one charge: about the payment PaymentID where it is
// set, and by Order.Number otherwise, which answers with the newest payment of the
// order. The client holds the answer against the order number and InitTransID.
type Query struct {
	Order       Order
	InitTransID string
	PaymentID   string
	// Once: the request is not made again where no usable answer came, but for once with
	// freshly read values where the key was refused.
	Once bool
	// Token is the saved card's, where it is at hand. It is not sent: it is what
	// must not come back in a text.
	Token hidden.Text
	// TokenEnd is the last characters of the saved card's token, which must not come back
	// with what stands before them; empty where they are not known.
	TokenEnd string
}

// step is what follows a charge request's answer.
type step int

const (
	keep step = iota + 1
	signAgain
	askStatus
)

// next says what follows an answer, given how often the request was signed:
//
//	answer                                   signed once   signed twice
//	rejected, blames the hash or the key     sign again    keep, as unsent
//	rejected, blames the order number        ask status    ask status
//	no clear refusal, and no outcome         ask status    ask status
//	everything else                          keep          keep
//
// Signing again is the one case in which a second charge request is sent, and
// only after the provider's word that the first was not processed.
func next(a Answer, signed int) step {
	switch {
	case a.State == Rejected && a.KeyRefused && !a.AskStatus && signed == 1:
		return signAgain
	case a.AskStatus:
		return askStatus
	default:
		return keep
	}
}

// judge says what an answer that calls for a status request comes to, once the provider
// was asked what it knows of the order number. An answer that is no clear refusal is
// Unknown, and stays so where the provider knows nothing.
func judge(a Answer, status StatusAnswer) (Answer, Evidence) {
	switch {
	case status.Knowledge == Known:
		return status.Answer, ByStatus
	case status.Knowledge == NotKnown || a.State == Unknown:
		return a, ByAnswer
	default:
		return Answer{
			State:  Unknown,
			Reason: "the provider refused the order number (" + a.Reason + "), and could not be asked about it: " + status.Reason,
		}, ByAnswer
	}
}

// change says what an answer makes of a charge.
func (a Answer) change(of Charge, by Evidence, at time.Time) Change {
	c := Change{
		Number:         of.Order.Number,
		Attempt:        of.Attempt,
		To:             a.State,
		Evidence:       by,
		At:             at,
		Seen:           of.LookAt,
		PaymentID:      a.PaymentID,
		Reason:         a.Reason,
		ProviderStatus: a.ProviderStatus,
		ProviderDate:   a.ProviderDate,
	}
	declined := of.State == Declined && of.Said != ByOperator && by == ByStatus
	switch {
	case declined && a.State == Pending:
		// A newer payment of the order is under way. The decline is the last outcome.
		c.To, c.Cascading, c.DeclineClass = Declined, true, of.DeclineClass
		c.Reason = strings.TrimSuffix(of.Reason, newerPending) + newerPending
	case a.State == Declined:
		c.DeclineClass = ClassifyDecline(a.Reason)
	case a.State == Settled:
		c.Differs = a.Differs
	}
	c.NoEvent = declined && c.To == Declined
	c.LookAt = of.after(c).nextLook(at)
	if of.For != (Cycle{}) && by == ByStatus && !c.To.Open() && !c.Cascading {
		// Whoever learnt it may know nothing of subscriptions, as a callback does. The
		// next schedule looks once more, and takes it to the subscription.
		c.LookAt = at
	}
	return c
}

// newerPending is added to the reason of a decline while a newer payment is pending.
const newerPending = "; a newer payment of the order is pending"

// after is the charge with a change in it, whether or not that is allowed.
func (c Charge) after(change Change) Charge {
	c.State, c.Said, c.Cascading = change.To, change.Evidence, change.Cascading
	c.History = append(slices.Clone(c.History), change.Entry())
	return c
}
