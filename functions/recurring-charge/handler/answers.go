package handler

import (
	"errors"
	"net/http"
	"time"

	"dinarfunctions/shared/api"
	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/secrets"
	"dinarfunctions/shared/subscription"
	"dinarfunctions/shared/unreadable"
)

// statusOf is the HTTP status of a POST, first or repeated, by what became of
// the charge (contract, "Charges"). Once a charge request may have left, none is
// a 5xx: a caller that retries on 5xx by itself must not be told to.
var statusOf = map[charge.State]int{
	charge.Sending:  http.StatusAccepted,
	charge.Settled:  http.StatusOK,
	charge.Declined: http.StatusPaymentRequired,
	charge.Pending:  http.StatusAccepted,
	charge.Unknown:  http.StatusAccepted,
	charge.Rejected: http.StatusUnprocessableEntity,
	charge.Unsent:   http.StatusServiceUnavailable,
	charge.Reversed: http.StatusOK,
}

// retryAfter is when a caller may try again what was not sent.
const retryAfter = 30 * time.Second

// problemOf translates the errors of the ledger and of subscriptions into problem
// documents
// (contract, "HTTP API"). None of them stands for a charge that may have been
// sent. What is not in the table is a fault of ours, and a 500.
func problemOf(err error) error {
	var (
		invalid  *charge.InvalidError
		terms    *subscription.TermsError
		conflict *charge.ConflictError
		state    *charge.StateError
		ended    *subscription.StateError
		missed   *subscription.MissedError
		secret   *secrets.Error
	)
	// What cannot be read is not out of reach, whatever wraps it: waiting does not help.
	if broken := unreadable.Of(err); broken != nil {
		return unreadableProblem(broken, err)
	}
	switch {
	case errors.As(err, &invalid):
		return api.Invalid(fieldsOf(invalid.Faults)...)
	case errors.As(err, &terms):
		return api.Invalid(fieldsOf(terms.Faults)...)
	case errors.As(err, &conflict):
		return &api.Problem{
			Status: http.StatusConflict,
			Detail: conflict.Error(),
			Errors: []api.FieldError{{Field: "order.number", Message: "stands for another charge already"}},
			Cause:  err,
		}
	case errors.As(err, &state):
		return &api.Problem{Status: http.StatusConflict, Detail: state.Error() + ".", Cause: err}
	case errors.As(err, &ended):
		return &api.Problem{Status: http.StatusConflict, Detail: ended.Error() + ".", Cause: err}
	case errors.As(err, &missed):
		return &api.Problem{
			Status: http.StatusUnprocessableEntity,
			Detail: missed.Error() + ".",
			Errors: []api.FieldError{{Field: "missed", Message: `must be "skip" or "charge_latest"`}},
			Cause:  err,
		}
	case errors.Is(err, subscription.ErrNotFound):
		return &api.Problem{Status: http.StatusNotFound, Detail: "There is no subscription under this id.", Cause: err}
	case errors.Is(err, charge.ErrNotFound):
		return &api.Problem{Status: http.StatusNotFound, Detail: "There is no charge under this order number.", Cause: err}
	case errors.As(err, &secret):
		told := &api.Problem{Status: http.StatusServiceUnavailable, Detail: "Nothing was sent by this request: " + secret.Public() + ".", Cause: err}
		if errors.Is(secret, secrets.ErrUnavailable) { // for the rest an operator is needed
			told.RetryAfter = retryAfter
		}
		return told
	case errors.Is(err, subscription.ErrStore):
		return notNow("The subscriptions cannot be reached now, or this one is being changed by others. Ask again.", err)
	case errors.Is(err, charge.ErrStore):
		return notNow("The ledger cannot be reached now. Nothing was sent to the provider by this request.", err)
	case errors.Is(err, charge.ErrStopped):
		return notNow("Charging is stopped by an operator. Nothing was sent or recorded.", err)
	case errors.Is(err, charge.ErrAskFirst):
		return notNow("The provider has to be asked about the order number before it is charged, and could not be. Nothing was sent or recorded.", err)
	case errors.Is(err, charge.ErrNoTime):
		return notNow("Too little time was left in this invocation to charge safely. Nothing was sent by this request.", err)
	default:
		return err
	}
}

// unreadableProblem is the 500 of a stored thing that cannot be read: it says what is
// wrong with it, and not when to try again, since a person has to mend it.
func unreadableProblem(broken *unreadable.Error, cause error) error {
	return &api.Problem{
		Status: http.StatusInternalServerError,
		Title:  "A stored item cannot be read",
		Detail: "Nothing was sent to the provider by this request: " + broken.Error() + ".",
		Cause:  cause,
	}
}

func notNow(detail string, cause error) error {
	return &api.Problem{Status: http.StatusServiceUnavailable, Detail: detail, RetryAfter: retryAfter, Cause: cause}
}

// fieldsOf shows faults as a problem document names them.
func fieldsOf(faults []charge.Fault) []api.FieldError {
	fields := make([]api.FieldError, len(faults))
	for i, f := range faults {
		fields[i] = api.FieldError{Field: f.Field, Message: f.Message}
	}
	return fields
}
