package charge

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"dinarfunctions/shared/hidden"
	"dinarfunctions/shared/money"
)

// Order is what is charged for, in the provider's names (DineroPay, recurring).
type Order struct {
	// Number names the charge: at most 255 of [a-zA-Z0-9-]. It is the
	// idempotency key.
	Number string
	// Amount is in major units, with the currency's decimals.
	Amount money.Amount
	// Description is 2 to 1024 characters.
	Description string
}

// Terms are all that one charge request says, the keys excepted: what to charge,
// and to which saved card. A provider's client makes them from checked input
// (dineropay.NewTerms).
type Terms struct {
	Order Order
	// InitTransID is the transaction that saved the card, a UUID.
	InitTransID string
	// Token is the saved card's token. The ledger keeps its last four characters.
	Token hidden.Text
	// ScheduleID is the provider's schedule, a UUID, or empty.
	ScheduleID string
}

// TokenEnd is as much of a token as may be shown: its last four characters, and
// none of one that is hardly longer than that.
func TokenEnd(token hidden.Text) string {
	text := []rune(token.Reveal())
	if len(text) < 8 {
		return ""
	}
	return string(text[len(text)-4:])
}

// Fingerprint tells the content of a charge request from any other: two requests
// for one order number with the same fingerprint ask for the same charge. It
// starts with its version, so that a later one can stand beside it in one table.
func (t Terms) Fingerprint() string {
	return currentFingerprint + fingerprints[currentFingerprint](t)
}

// Matches tells whether the terms are those that a stored fingerprint, of
// whatever version, was made of. A version that this code does not know matches
// nothing: a repeat is then answered with a conflict, never with a second charge.
func (t Terms) Matches(fingerprint string) bool {
	version, digest, _ := strings.Cut(fingerprint, ":")
	of, known := fingerprints[version+":"]
	return known && of(t) == digest
}

const currentFingerprint = "v1:"

var fingerprints = map[string]func(Terms) string{
	"v1:": fingerprintV1,
}

// fingerprintV1 is over named fields, each with its length, so that no two
// contents run together, and so that renaming a Go field changes nothing. A
// version that was ever in use is never changed: the stored ones stand.
func fingerprintV1(t Terms) string {
	h := sha256.New()
	for _, field := range [...]struct{ name, value string }{
		{"recurring_init_trans_id", t.InitTransID},
		{"recurring_token", t.Token.Reveal()},
		{"schedule_id", t.ScheduleID},
		{"order.number", t.Order.Number},
		{"order.amount", t.Order.Amount.String()},
		{"order.currency", t.Order.Amount.Currency()},
		{"order.description", t.Order.Description},
	} {
		_, _ = fmt.Fprintf(h, "%s=%d:%s\n", field.name, len(field.value), field.value)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Fault is one thing that is wrong with what was asked for.
type Fault struct {
	// Field is the path of the field in the request, such as "order.amount".
	Field string
	// Message says what the field must be, for the person who sent it. It never
	// repeats a token.
	Message string
}

// InvalidError is a charge request with faults. Nothing was written or sent.
type InvalidError struct{ Faults []Fault }

func (e *InvalidError) Error() string {
	texts := make([]string, len(e.Faults))
	for i, f := range e.Faults {
		texts[i] = f.Field + " " + f.Message
	}
	return "the charge request is not acceptable: " + strings.Join(texts, "; ")
}
