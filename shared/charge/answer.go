package charge

import (
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
	// Once: the request is not made again where no usable answer came.
	Once bool
	// Token is the saved card's, where it is at hand. It is not sent: it is what
	// must not come back in a text.
	Token hidden.Text
	// TokenEnd is the end of the saved card's token that the ledger keeps
	// (charge.TokenEnd), for where the whole is not at hand: what ends like it must not
	// come back either. Empty where nothing is known of the token.
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

// judge says what a refusal that blames the order number comes to, once the
// provider was asked what it knows of that number.
func judge(refused Answer, status StatusAnswer) (Answer, Evidence) {
	switch status.Knowledge {
	case Known:
		return status.Answer, ByStatus
	case NotKnown:
		return refused, ByAnswer
	default:
		return Answer{
			State:  Unknown,
			Reason: "the provider refused the order number (" + refused.Reason + "), and could not be asked about it: " + status.Reason,
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
		LookAt:         of.nextLook(a.State, by, at),
		PaymentID:      a.PaymentID,
		Reason:         a.Reason,
		ProviderStatus: a.ProviderStatus,
		ProviderDate:   a.ProviderDate,
	}
	if a.State == Declined {
		c.DeclineClass = ClassifyDecline(a.Reason)
	}
	if c.LookAt.IsZero() && of.For != (Cycle{}) && by == ByStatus {
		// Whoever learnt it may know nothing of subscriptions, as a callback does. The
		// next schedule looks once more, and takes it to the subscription.
		c.LookAt = at
	}
	return c
}
