// Package dinardragon asks Dinar Dragon for the status of payouts.
//
// PayoutStatus tells how the payments of a whole payout stand, PaymentStatus how
// one payment does; both are POST /status (Dinar Dragon, step 3). Reading moves
// no money, so the Client tries again by itself after a failure that may pass,
// inside the caller's deadline, and once with a freshly read key after the key
// was refused. What else went wrong is an *Error whose Kind says who has to do
// something about it.
//
// The Client believes only an answer that is beyond doubt: HTTP 200 or 201, the
// same code inside, strict JSON, at least one payment, and the payment that was
// asked for. Everything else is an error and never an empty success.
package dinardragon

import (
	"context"
	"fmt"

	"dinarfunctions/shared/secrets"
)

// PaymentID names one payment of a payout: the page's uniqueid, such as
// df9a31ea528a3977. 1 to 128 printable ASCII characters without blanks.
type PaymentID string

// PayoutID names a whole payout: the page's payment_id, such as
// 1617fcccd1f3269c. 1 to 128 printable ASCII characters without blanks.
type PayoutID string

// Payment is one payment of a payout as Dinar Dragon knows it.
type Payment struct {
	UniqueID string
	Status   int   // the provider's own number
	State    State // what the number means
}

// State is what became of a payment. The zero State means nothing.
type State int

// The states of a payment (Dinar Dragon, step 3; contract, Payouts).
const (
	Processing   State = iota + 1 // status 0
	Successful                    // status 1
	Failed                        // status 2: the amount went back to the dashboard's balance
	Unrecognised                  // a number that the provider does not document
)

// String is the contract's word for the state.
func (s State) String() string {
	switch s {
	case Processing:
		return "processing"
	case Successful:
		return "successful"
	case Failed:
		return "failed"
	case Unrecognised:
		return "unrecognised"
	default:
		return fmt.Sprintf("State(%d)", int(s))
	}
}

// Final tells whether the provider is done with the payment. An unrecognised
// status is never final.
func (s State) Final() bool { return s == Successful || s == Failed }

func stateOf(status int) State {
	switch status {
	case 0:
		return Processing
	case 1:
		return Successful
	case 2:
		return Failed
	default:
		return Unrecognised
	}
}

// Key supplies the private key: Get the one in use, Refresh one that was read
// anew after the provider refused the other. *secrets.Secret[secrets.Text] is
// one.
type Key interface {
	Get(context.Context) (secrets.Text, error)
	Refresh(context.Context) (secrets.Text, error)
}

var _ Key = (*secrets.Secret[secrets.Text])(nil)

// ParseKey reads the secret's value, {"private_key": "…"} (contract, Settings).
// The key is the whole value of a header, so it has to be printable ASCII
// without blanks. Other fields are left alone. Every error is a
// *secrets.FieldError and holds nothing of the value.
func ParseKey(value []byte) (secrets.Text, error) {
	const field = "private_key"
	fields, err := secrets.Fields(value, field)
	if err != nil {
		return secrets.Text{}, err
	}
	if !isVisibleASCII(fields[field].Reveal()) {
		return secrets.Text{}, &secrets.FieldError{Field: field, Problem: "has a blank or a character outside ASCII in it"}
	}
	return fields[field], nil
}

// isVisibleASCII tells whether text is printable ASCII without blanks.
func isVisibleASCII(text string) bool {
	for i := range len(text) {
		if text[i] <= ' ' || text[i] > '~' {
			return false
		}
	}
	return true
}
