package handler

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"dinarfunctions/shared/api"
	"dinarfunctions/shared/dinardragon"
	"dinarfunctions/shared/payout"
	"dinarfunctions/shared/secrets"
	"dinarfunctions/shared/unreadable"
)

// retryAfter is when a caller may try again what may have passed by then.
const retryAfter = 30 * time.Second

// problemOf is the one table from what can go wrong to what the caller is told
// (contract, HTTP API). What is not in it stays as it is and becomes a 500.
func problemOf(err error) error {
	// A refused key may hold the error of reading a newer one, so this comes
	// first.
	if fault, ok := errors.AsType[*dinardragon.Error](err); ok {
		switch fault.Kind {
		case dinardragon.BadRequest:
			return api.Invalid(api.FieldError{Field: fault.Field, Message: fault.Reason})
		case dinardragon.Worded:
			return &api.Problem{Status: http.StatusUnprocessableEntity, Detail: fault.Error()}
		case dinardragon.Unusable:
			return &api.Problem{Status: http.StatusBadGateway, Detail: fault.Error()}
		case dinardragon.Unreachable:
			return &api.Problem{Status: http.StatusServiceUnavailable, Detail: fault.Error(), RetryAfter: retryAfter}
		case dinardragon.TimedOut:
			return &api.Problem{Status: http.StatusGatewayTimeout, Detail: fault.Error()}
		case dinardragon.KeyRefused:
			return &api.Problem{
				Status: http.StatusServiceUnavailable,
				Detail: fmt.Sprintf("Dinar Dragon refused the private key (HTTP %d). An operator has to set the right one, with `make secrets`.", fault.HTTPStatus),
				Cause:  fault,
			}
		}
	}
	if fault, ok := errors.AsType[*secrets.Error](err); ok {
		told := &api.Problem{
			Status: http.StatusServiceUnavailable,
			Detail: "Dinar Dragon was not asked: " + fault.Public() + ".",
			Cause:  fault.Cause,
		}
		if errors.Is(fault, secrets.ErrUnavailable) {
			told.RetryAfter = retryAfter
		}
		return told
	}
	// What cannot be read is not out of reach, whatever wraps it: waiting does not help.
	if broken := unreadable.Of(err); broken != nil {
		return &api.Problem{
			Status: http.StatusInternalServerError,
			Title:  "A stored item cannot be read",
			Detail: "Nothing was changed by this request: " + broken.Error() + ".",
			Cause:  err,
		}
	}
	switch {
	case errors.Is(err, payout.ErrNotFound):
		return &api.Problem{Status: http.StatusNotFound, Detail: "This payout is not watched. PUT begins to watch it.", Cause: err}
	case errors.Is(err, payout.ErrStore):
		return &api.Problem{
			Status:     http.StatusServiceUnavailable,
			Detail:     "The store of watched payouts cannot be reached now. Try again.",
			RetryAfter: retryAfter,
			Cause:      err,
		}
	}
	return err
}
