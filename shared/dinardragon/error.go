package dinardragon

import (
	"fmt"
	"net/http"
	"strings"

	"dinarfunctions/shared/secrets"
)

// Kind says what an Error means for the caller. The zero Kind means nothing. The
// statuses are those of the contract's table of errors (contract, HTTP API).
type Kind int

const (
	// BadRequest: the id is not one by our rules. Nothing was sent. (422)
	BadRequest Kind = iota + 1
	// Worded: the provider refused the request in its own words. (422)
	Worded
	// KeyRefused: the provider refused the key, a freshly read one too. (503)
	KeyRefused
	// Unreachable: no answer came, or the provider turned requests away for
	// their number (429). Trying again later can help. (503)
	Unreachable
	// TimedOut: the provider did not answer in time, or the caller gave up. (504)
	TimedOut
	// Unusable: an answer came that says nothing reliable. (502)
	Unusable
)

// String is the kind's name.
func (k Kind) String() string {
	switch k {
	case BadRequest:
		return "bad request"
	case Worded:
		return "worded"
	case KeyRefused:
		return "key refused"
	case Unreachable:
		return "unreachable"
	case TimedOut:
		return "timed out"
	case Unusable:
		return "unusable"
	default:
		return fmt.Sprintf("Kind(%d)", int(k))
	}
}

// Error is why a status could not be had. It never holds the key. An error of
// reading the secret is not an Error of a Kind of its own: it is passed on
// wrapped, see the package secrets.
type Error struct {
	Kind       Kind
	HTTPStatus int    // of the provider's last answer; 0: none came
	Code       int    // the answer's own code; 0: none
	Text       string // the provider's own words on one line, at most 300 characters; may be empty
	Field      string // with BadRequest: uniqueid or payment_id
	Reason     string // what was wrong, in ours; may be empty
	Err        error  // an end of the context, or why no newer key could be read; else nil

	mayPass bool // trying again at once may help
}

// Error is one sentence; it may be shown to the caller of the API.
func (e *Error) Error() string {
	var text strings.Builder
	switch e.Kind {
	case BadRequest:
		text.WriteString(e.Field)
	case Worded:
		text.WriteString("Dinar Dragon refused the request")
	case KeyRefused:
		text.WriteString("Dinar Dragon refused the private key")
	case Unreachable:
		text.WriteString("Dinar Dragon cannot be reached")
	case TimedOut:
		text.WriteString("Dinar Dragon did not answer in time")
	default:
		text.WriteString("Dinar Dragon's answer cannot be used")
	}
	if e.HTTPStatus != 0 {
		text.WriteString(" (" + e.status() + ")")
	}
	if e.Kind == BadRequest {
		text.WriteString(" " + e.Reason)
		return text.String()
	}
	if e.Reason != "" {
		text.WriteString(": " + e.Reason)
	}
	if e.Text != "" {
		fmt.Fprintf(&text, ": %q", e.Text)
	}
	return text.String()
}

// status names the status of the answer, and its code where that alone refuses.
func (e *Error) status() string {
	if success(e.HTTPStatus) && e.Code >= http.StatusBadRequest {
		return fmt.Sprintf("HTTP %d, code %d", e.HTTPStatus, e.Code)
	}
	return fmt.Sprintf("HTTP %d", e.HTTPStatus)
}

// Unwrap gives Err.
func (e *Error) Unwrap() error { return e.Err }

// clean makes the words of others fit to be shown: on one line, of bounded
// length, and without a key should they repeat it.
func (e *Error) clean(keys []secrets.Text) {
	e.Text, e.Reason = clean(e.Text, keys), clean(e.Reason, keys)
}
