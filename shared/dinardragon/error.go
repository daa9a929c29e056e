package dinardragon

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

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
		fmt.Fprintf(&text, " (HTTP %d)", e.HTTPStatus)
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

// Unwrap gives Err.
func (e *Error) Unwrap() error { return e.Err }

const maxText = 300

// clean makes the words of others fit to be shown: on one line, of bounded
// length, and without a key should they repeat it.
func (e *Error) clean(keys []secrets.Text) {
	e.Text, e.Reason = clean(e.Text, keys), clean(e.Reason, keys)
}

// forms are the ways in which a key may be written in a text: as it is, and with the
// escapes of Go, of JSON and of URLs. An empty key has none.
func forms(key string) []string {
	if key == "" {
		return nil
	}
	goText := strconv.Quote(key)
	all := []string{key, goText[1 : len(goText)-1], url.QueryEscape(key), url.PathEscape(key)}
	if jsonText, err := json.Marshal(key); err == nil {
		all = append(all, string(jsonText[1:len(jsonText)-1]))
	}
	// The longest first: one may be a part of another.
	slices.SortFunc(all, func(a, b string) int { return len(b) - len(a) })
	return all
}

func clean(text string, keys []secrets.Text) string {
	for _, key := range keys {
		for _, form := range forms(key.Reveal()) {
			text = strings.ReplaceAll(text, form, key.String())
		}
	}
	text = strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) {
			return ' '
		}
		return r
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	if utf8.RuneCountInString(text) > maxText {
		text = string([]rune(text)[:maxText-1]) + "…"
	}
	return text
}
