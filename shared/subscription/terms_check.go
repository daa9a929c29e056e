package subscription

import (
	"fmt"
	"strings"
	"time"

	"dinarfunctions/shared/charge"
)

// farthestStart is how many years ahead a subscription may start at most. A later
// year is a slip of the pen, and nobody would notice that nothing is charged.
const farthestStart = 10

// Check reports what a subscription may not say at a time, new or changed: nil, or a
// *TermsError that names every field at fault. What it says whenever it is
// sent is checked before.
func (t Terms) Check(now time.Time) error {
	today := t.Calendar.LocalDate(now)
	if last := today.AddYears(farthestStart); t.Calendar.StartsOn.After(last) {
		return invalid("starts_on", "must be at most %d years ahead, so not after %s", farthestStart, last)
	}
	return nil
}

// CheckNew is Check for a subscription that is to be made: under terms that charge
// nothing it would be finished at once, and its id used up. A change of one that is
// there may well say so: it ends it.
func (t Terms) CheckNew(now time.Time) error {
	if err := t.Check(now); err != nil {
		return err
	}
	// No cycle is before the first one, and none has a number below 1.
	first := t.Calendar.LocalDate(t.Calendar.NotBefore(now).At)
	if !t.EndsOn.IsZero() && first.After(t.EndsOn) {
		return invalid("ends_on", "must not be before the first cycle, which falls on %s: nothing would ever be charged", first)
	}
	return nil
}

func invalid(field, message string, args ...any) error {
	return &TermsError{[]charge.Fault{{Field: field, Message: fmt.Sprintf(message, args...)}}}
}

// TermsError are terms that are not acceptable now. Nothing was written.
type TermsError struct{ Faults []charge.Fault }

func (e *TermsError) Error() string {
	texts := make([]string, len(e.Faults))
	for i, f := range e.Faults {
		texts[i] = f.Field + " " + f.Message
	}
	return "the subscription's terms are not acceptable: " + strings.Join(texts, "; ")
}
