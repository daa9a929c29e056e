package dineropay

import (
	"bytes"
	"context"
	"crypto/md5"  //nolint:gosec // the provider's protocol, see signature
	"crypto/sha1" //nolint:gosec // the provider's protocol, see signature
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"mime"
	"net/url"
	"strings"
	"sync"
	"time"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"

	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/hidden"
)

var (
	// ErrNotForm: what came is not form-encoded by its Content-Type.
	ErrNotForm = errors.New("a callback is sent as application/x-www-form-urlencoded, and its Content-Type says otherwise")
	// ErrNotSigned: a callback's hash is not the signature that the merchant's
	// password makes of its values. Whoever sent it, nothing in it is to be believed.
	ErrNotSigned = errors.New("the callback's hash is not its signature")
)

// FormError says what is wrong with a callback's form. It quotes nothing of it.
type FormError struct {
	// Problem is one sentence on the form as a whole.
	Problem string
	// Faults names the fields that the form has to have and that are at fault.
	Faults []charge.Fault
}

// Error is all of it on one line, for logs.
func (e *FormError) Error() string {
	text := e.Problem
	for _, f := range e.Faults {
		text += "; " + f.Field + " " + f.Message
	}
	return text
}

// Callback is the provider's message that something happened to a transaction
// (platform's protocol, "callback"). Nothing about it is proven before
// CallbackVerifier.Verify.
//
// It does not keep what the message says of the outcome. The signature covers
// neither status nor type nor order_status: whoever has seen one callback can
// send it again with others, so there is nothing in it to act on but the number.
type Callback struct {
	// Number is the order number, or empty where what was sent cannot be the
	// number of a charge. It is fit for a log.
	Number string
	// PaymentID is the signed name of the payment that it is about, or empty where what
	// was sent cannot be one.
	PaymentID string

	// signed is what the signature covers, the password excepted, as it was sent.
	signed hidden.Text
	hash   hidden.Text
}

// maxCallbackFields bounds a callback's form. A real one has about thirty.
const maxCallbackFields = 100

// signedCallbackFields are what the signature covers, in this order.
var signedCallbackFields = [...]string{"id", "order_number", "order_amount", "order_currency", "order_description"}

// neededCallbackFields are the others that every callback has.
var neededCallbackFields = [...]string{"order_status", "type", "status", "hash"}

// ParseCallback reads a callback's form. Each field that every callback has must
// be there once; of which of two values was signed nobody could be sure. Other
// fields (reason, recurring_token, customer_…) are not looked at. The error is
// ErrNotForm or a *FormError.
//
// The body's size is for the caller to bound.
func ParseCallback(body []byte, contentType string) (Callback, error) {
	// A parameter that is malformed does not matter: the signature is over bytes.
	if media, _, _ := mime.ParseMediaType(contentType); media != "application/x-www-form-urlencoded" {
		return Callback{}, ErrNotForm
	}
	if bytes.Count(body, []byte{'&'}) >= maxCallbackFields {
		return Callback{}, &FormError{Problem: fmt.Sprintf("The form has more than %d fields.", maxCallbackFields)}
	}
	form, err := url.ParseQuery(string(body))
	if err != nil { // it quotes the form
		return Callback{}, &FormError{Problem: "The form cannot be decoded."}
	}
	var faults []charge.Fault
	once := func(name string) string {
		switch values := form[name]; len(values) {
		case 1:
			return values[0]
		case 0:
			faults = append(faults, charge.Fault{Field: name, Message: "is required"})
		default:
			faults = append(faults, charge.Fault{Field: name, Message: "comes more than once"})
		}
		return ""
	}
	var signed strings.Builder
	for _, name := range signedCallbackFields {
		signed.WriteString(once(name))
	}
	for _, name := range neededCallbackFields {
		once(name)
	}
	if faults != nil {
		return Callback{}, &FormError{Problem: "The form is not that of a callback; errors says why.", Faults: faults}
	}
	number := form.Get("order_number")
	if checkNumber(number) != "" {
		number = ""
	}
	payment := form.Get("id")
	if checkID(payment, true) != "" {
		payment = ""
	}
	return Callback{Number: number, PaymentID: payment, signed: hidden.New(signed.String()), hash: hidden.New(form.Get("hash"))}, nil
}

// Signed reports whether a callback was signed with the merchant's password
// (platform's protocol, "callback signature"), in a time that does not depend on
// how much of the signature is right.
//
// The signature is over upper-cased text, and there are three ways to upper-case it:
// ASCII letters alone, each letter to one other, and Unicode's full mapping, in which
// "ß" is "SS" (PHP's strtoupper and mb_strtoupper, JavaScript's toUpperCase). Where we
// sign we refuse text that they treat differently; here the provider has signed, and
// each way is taken.
//
// The signature does not show where one value ends and the next begins, so a
// valid one may be sent again with the borders moved, under another number. That
// is one more reason for a callback to be no more than a hint.
func (c Credentials) Signed(cb Callback) bool {
	sent, err := hex.DecodeString(cb.hash.Reveal())
	if err != nil || c.Password.IsZero() { // without a password anybody could sign
		return false
	}
	text := cb.signed.Reveal() + c.Password.Reveal()
	ascii := subtle.ConstantTimeCompare(sent, callbackDigest(upperASCII(text)))
	simple := subtle.ConstantTimeCompare(sent, callbackDigest(strings.ToUpper(text)))
	full := subtle.ConstantTimeCompare(sent, callbackDigest(cases.Upper(language.Und).String(text)))
	return ascii|simple|full == 1
}

// callbackDigest is the SHA-1 of the lower-case hex MD5 of a text.
func callbackDigest(text string) []byte {
	inner := md5.Sum([]byte(text))                          //nolint:gosec // the provider's protocol
	outer := sha1.Sum([]byte(hex.EncodeToString(inner[:]))) //nolint:gosec // the provider's protocol
	return outer[:]
}

// upperASCII upper-cases ASCII letters alone and leaves every other byte.
func upperASCII(text string) string {
	upper := []byte(text)
	for i, b := range upper {
		if 'a' <= b && b <= 'z' {
			upper[i] = b - 'a' + 'A'
		}
	}
	return string(upper)
}

// refreshEvery is how often at most a bad signature makes a CallbackVerifier read
// the credentials anew.
const refreshEvery = time.Minute

// CallbackVerifier checks the signatures of callbacks. It is safe for concurrent use.
type CallbackVerifier struct {
	keys Keys
	now  func() time.Time

	mu          sync.Mutex
	refreshedAt time.Time // zero: never
}

// NewCallbackVerifier returns a verifier that gets the merchant's password from keys.
func NewCallbackVerifier(keys Keys, now func() time.Time) *CallbackVerifier {
	return &CallbackVerifier{keys: keys, now: now}
}

// Verify returns nil for a callback that the provider signed and ErrNotSigned for
// any other. It wraps the error of Keys where the password cannot be had, and so
// nobody can tell.
//
// A password that was changed a moment ago makes good signatures look bad, so
// after a bad one the credentials are read anew and compared again: once a minute
// at most, because anybody can send bad ones, and each read costs.
func (v *CallbackVerifier) Verify(ctx context.Context, cb Callback) error {
	keys, err := v.keys.Get(ctx)
	if err != nil {
		return fmt.Errorf("a callback cannot be verified: %w", err)
	}
	if keys.Signed(cb) {
		return nil
	}
	if !v.mayRefresh() {
		return ErrNotSigned
	}
	if keys, err = v.keys.Refresh(ctx); err != nil {
		return fmt.Errorf("a callback cannot be verified with a fresh password: %w", err)
	}
	if !keys.Signed(cb) {
		return ErrNotSigned
	}
	return nil
}

// mayRefresh reports whether the time for a refresh has come, to one caller.
func (v *CallbackVerifier) mayRefresh() bool {
	// Without the monotonic clock, which need not advance while Lambda has the
	// function frozen.
	now := v.now().Round(0)
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.refreshedAt.IsZero() && now.Sub(v.refreshedAt) < refreshEvery {
		return false
	}
	v.refreshedAt = now
	return true
}
