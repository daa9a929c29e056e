package dineropay

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/hidden"
	"dinarfunctions/shared/money"
)

// Request is a charge as a caller asks for it: text, not yet checked. The names
// are the provider's (DineroPay, recurring).
type Request struct {
	InitTransID string
	Token       string
	ScheduleID  string // optional
	Number      string
	Amount      string // major units, "1.00"
	Currency    string // ISO 4217, "SAR"
	Description string
}

const (
	maxNumber      = 255
	minDescription = 2
	maxDescription = 1024
	maxID          = 255
)

var numberForm = regexp.MustCompile(`^[A-Za-z0-9-]+$`)

// NewTerms checks a request against the provider's rules and returns the terms
// of the charge, or a *charge.InvalidError that names every field at fault.
// Nothing is sent. A token is never repeated in a message.
func NewTerms(r Request) (charge.Terms, error) {
	var faults []charge.Fault
	fault := func(field, message string) {
		if message != "" {
			faults = append(faults, charge.Fault{Field: field, Message: message})
		}
	}
	fault("recurring_init_trans_id", checkUUID(r.InitTransID, true))
	fault("recurring_token", checkID(r.Token, true))
	fault("schedule_id", checkUUID(r.ScheduleID, false))
	fault("order.number", checkNumber(r.Number))
	fault("order.description", checkDescription(r.Description))

	var amount money.Amount
	decimals, known := decimalsOf(r.Currency)
	if !known {
		fault("order.currency", "must be a currency code of ISO 4217 in capitals, such as SAR")
		decimals = 4 // the most that any currency has: the amount's form is told at once
	}
	amount, err := money.Parse(r.Amount, r.Currency, decimals)
	if err != nil {
		fault("order.amount", err.Error())
	} else if wholeOnly(r.Currency) && !strings.HasSuffix(amount.String(), ".00") {
		fault("order.amount", "must be a whole amount: "+r.Currency+" has no decimals")
	}
	if faults != nil {
		return charge.Terms{}, &charge.InvalidError{Faults: faults}
	}
	return charge.Terms{
		Order:       charge.Order{Number: r.Number, Amount: amount, Description: r.Description},
		InitTransID: r.InitTransID,
		Token:       hidden.New(r.Token),
		ScheduleID:  r.ScheduleID,
	}, nil
}

// checkUUID is for the provider's ids (DineroPay, recurring: uuid). A subscription
// with another would be taken, and fail at its first cycle.
func checkUUID(id string, required bool) string {
	if problem := checkID(id, required); problem != "" || id == "" {
		return problem
	}
	if !uuidForm.MatchString(id) {
		return "must be a UUID such as 7f6b2c1e-94d3-4a0b-8c55-2f1e6d7a9b03"
	}
	return ""
}

// checkID is for what the provider made and we pass on. The exact form of a token is
// the provider's affair: it tells us if it does not like it.
func checkID(id string, required bool) string {
	if id == "" {
		if required {
			return "is required"
		}
		return ""
	}
	if len(id) > maxID {
		return fmt.Sprintf("must have at most %d characters", maxID)
	}
	for _, r := range id {
		if r <= ' ' || r > '~' {
			return "must be printable ASCII without blanks"
		}
	}
	return ""
}

func checkNumber(number string) string {
	switch {
	case number == "":
		return "is required"
	case len(number) > maxNumber:
		return fmt.Sprintf("must have at most %d characters", maxNumber)
	case !numberForm.MatchString(number):
		return "must consist of letters a to z and A to Z, digits and hyphens"
	}
	return ""
}

func checkDescription(text string) string {
	if n := utf8.RuneCountInString(text); n < minDescription || n > maxDescription {
		return fmt.Sprintf("must have %d to %d characters", minDescription, maxDescription)
	}
	if err := checkUpperCase(text); err != nil {
		return err.Error()
	}
	for _, r := range text {
		if unicode.IsControl(r) {
			return fmt.Sprintf("must not contain the control character U+%04X", r)
		}
	}
	return ""
}

// errUpperCase: a text has no one signature.
var errUpperCase = errors.New("cannot be signed reliably")

// checkUpperCase refuses text whose ASCII and Unicode upper case differ. The
// signature is over upper-cased text, and published examples of the platform
// upper-case in both ways, so such a text has two signatures and the provider's
// may be the other one. Caseless scripts such as Arabic are safe.
//
// Every lower-case letter outside ASCII is refused, also one that has no upper
// case today: another version of Unicode may give it one.
func checkUpperCase(text string) error {
	for _, r := range text {
		if r < utf8.RuneSelf {
			continue
		}
		if r == utf8.RuneError || unicode.IsLower(r) || unicode.IsTitle(r) || unicode.ToUpper(r) != r {
			return fmt.Errorf("%w: its character %q (U+%04X) has an upper case outside ASCII; use a text without it", errUpperCase, r, r)
		}
	}
	return nil
}
