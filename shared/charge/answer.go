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
	// Blames is what a Rejected answer blames, where that decides what is done next.
	Blames Blame
	// KeyRefused: the provider does not accept the merchant's key or signature.
	// An alarm.
	KeyRefused bool

	PaymentID      string
	Reason         string
	ProviderStatus string
	ProviderDate   string
}

// Blame is the part of a request that a refusal blames.
type Blame int

const (
	// BlamesContent: the request's content, which only the caller can change.
	BlamesContent Blame = iota
	// BlamesKey: the hash or the merchant key. Nothing was charged, and freshly
	// read values may mend it.
	BlamesKey
	// BlamesNumber: the order number. Perhaps it is in use, so the provider is
	// asked what it knows of it.
	BlamesNumber
)

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
	// Reason says why it could not be asked, or what difference was noted.
	Reason string
	// KeyRefused: it was NotAsked because the provider refuses the merchant's key or
	// signature, the freshly read one too.
	KeyRefused bool
}

// Query asks the provider about one charge. The client finds it by PaymentID
// where there is one, by Order.Number otherwise, and holds the answer against
// the rest.
type Query struct {
	Order       Order
	InitTransID string
	PaymentID   string
	// Token is the saved card's, where it is at hand. It is not sent: it is what
	// must not come back in a text.
	Token hidden.Text
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
	case a.State == Rejected && a.Blames == BlamesKey && signed == 1:
		return signAgain
	case a.State == Rejected && a.Blames == BlamesNumber:
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
