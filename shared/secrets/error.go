package secrets

import (
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
)

// What can be wrong with a secret, for errors.Is. All of them mean "not now,
// and nothing was sent" (contract, HTTP API: 503).
var (
	// ErrNoValue: the secret exists and nobody has set its value yet, as after
	// the first deployment.
	ErrNoValue = errors.New("no value yet")
	// ErrNotFound: there is no such secret, or it is marked for deletion.
	ErrNotFound = errors.New("not found")
	// ErrMalformed: the value is there and cannot be used.
	ErrMalformed = errors.New("malformed")
	// ErrUnavailable: Secrets Manager could not be asked: out of reach,
	// throttled, access denied, too slow. Trying again can help.
	ErrUnavailable = errors.New("unavailable")
)

// Error says which secret could not be had, why, and what to do. Its text holds
// no part of a value.
type Error struct {
	ID    string // the secret's ARN or name
	Kind  error  // ErrNoValue, ErrNotFound, ErrMalformed or ErrUnavailable
	Cause error  // what lay behind it, or nil
}

// Error is one sentence for an operator.
func (e *Error) Error() string {
	switch {
	case errors.Is(e.Kind, ErrNoValue):
		return fmt.Sprintf("secret %q has no value yet: set it with `make secrets`", e.ID)
	case errors.Is(e.Kind, ErrNotFound):
		return fmt.Sprintf("secret %q does not exist or is marked for deletion: restore it, or correct the function's setting", e.ID)
	case errors.Is(e.Kind, ErrMalformed):
		return fmt.Sprintf("secret %q cannot be used: %v: set it again with `make secrets`", e.ID, e.Cause)
	default:
		return fmt.Sprintf("secret %q cannot be read now: %v", e.ID, e.Cause)
	}
}

// Public is the same for a caller of the HTTP API: which secret, and what to do,
// without what AWS said about it.
func (e *Error) Public() string {
	if errors.Is(e.Kind, ErrUnavailable) {
		return fmt.Sprintf("secret %q cannot be read now", e.ID)
	}
	return e.Error()
}

// Unwrap gives the kind and the cause.
func (e *Error) Unwrap() []error {
	if e.Cause == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Cause}
}

// refusal says what an error of GetSecretValue means.
func refusal(id string, err error) *Error {
	var missing *types.ResourceNotFoundException
	var state *types.InvalidRequestException
	switch {
	case errors.As(err, &missing) && strings.Contains(missing.ErrorMessage(), "secret value"):
		// The same exception as for a secret that does not exist. Only its text
		// tells them apart: "can't find the specified secret value for staging
		// label: AWSCURRENT".
		return &Error{ID: id, Kind: ErrNoValue, Cause: err}
	case errors.As(err, &missing), errors.As(err, &state):
		// The one state that forbids reading is a deletion that was ordered.
		return &Error{ID: id, Kind: ErrNotFound, Cause: err}
	default:
		return &Error{ID: id, Kind: ErrUnavailable, Cause: err}
	}
}
