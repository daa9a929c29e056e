package dineropay

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// An answer is read strictly where it decides and leniently where it does not
// (contract, "Charges"). A settled charge must not become unreadable because of a
// byte order mark, a bad byte in a description or a name that nobody needs and that
// comes twice. A deciding name with two different values does make it unreadable, because
// nobody can tell which of the two is true.

// byteOrderMark is what some servers write in front of UTF-8.
const byteOrderMark = "\ufeff"

var errTwoValues = errors.New("a name comes twice, with different values")

// typeError: a deciding value is of a type that it cannot have.
type typeError struct{ at jsontext.Pointer }

func (e typeError) Error() string { return fmt.Sprintf("unexpected type at %q", string(e.at)) }

// newDecoder reads a body that need not be UTF-8 and may repeat names. What is not
// UTF-8, half a surrogate too, becomes the replacement character, which is in no
// status, number or amount. The decoder refuses more than 10,000 levels.
func newDecoder(body []byte) *jsontext.Decoder {
	return jsontext.NewDecoder(bytes.NewBuffer(bytes.TrimPrefix(body, []byte(byteOrderMark))),
		jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

// members reads the object that comes next. member is called with each name, and
// reads its value.
func members(d *jsontext.Decoder, member func(name string) error) error {
	if kind := d.PeekKind(); kind != '{' {
		if err := d.SkipValue(); err != nil {
			return err
		}
		return typeError{d.StackPointer()}
	}
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	for d.PeekKind() != '}' {
		name, err := d.ReadToken()
		if err != nil {
			return err
		}
		if err := member(name.String()); err != nil {
			return err
		}
	}
	_, err := d.ReadToken()
	return err
}

// end checks that nothing follows what was read.
func end(d *jsontext.Decoder) error {
	switch _, err := d.ReadToken(); {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return err
	default:
		return errors.New("text follows the JSON value")
	}
}

// readText reads a text that may come as a string or as a number ("1.00" and 22),
// kept as it was written. null is no text. known is false for every other type,
// which is read as no text.
func readText(d *jsontext.Decoder) (text string, known bool, err error) {
	switch d.PeekKind() {
	case '"', '0':
		token, err := d.ReadToken()
		if err != nil {
			return "", false, err
		}
		return token.String(), true, nil
	case 'n':
		return "", true, d.SkipValue()
	default:
		return "", false, d.SkipValue()
	}
}

// value is one deciding value of an answer. It may come again, but not with another
// value.
type value struct {
	text string
	seen bool
}

// read reads the value. One of another type is an error.
func (v *value) read(d *jsontext.Decoder) error {
	text, known, err := readText(d)
	if err != nil {
		return err
	}
	if !known {
		return typeError{d.StackPointer()}
	}
	return v.set(text)
}

// readLoosely reads the value. One of another type is none.
func (v *value) readLoosely(d *jsontext.Decoder) error {
	text, _, err := readText(d)
	if err != nil {
		return err
	}
	return v.set(text)
}

func (v *value) set(text string) error {
	if v.seen && v.text != text {
		return errTwoValues
	}
	*v = value{text, true}
	return nil
}

// transaction is the answer to a charge and to a status request, as far as it
// decides anything. Names are matched exactly.
type transaction struct {
	Status    string
	PaymentID string
	Reason    string
	Date      string
	Order     transactionOrder
}

type transactionOrder struct {
	Number   string
	Amount   string
	Currency string
}

// parseTransaction reads a whole answer. Its error quotes nothing of it. null is an
// answer that says nothing.
func parseTransaction(body []byte) (transaction, error) {
	t, err := readTransactionFrom(newDecoder(body))
	if err != nil {
		return transaction{}, plainly(err)
	}
	return t, nil
}

func readTransactionFrom(d *jsontext.Decoder) (transaction, error) {
	var status, payment, reason, date value
	var order *transactionOrder
	if d.PeekKind() == 'n' {
		if err := d.SkipValue(); err != nil {
			return transaction{}, err
		}
		return transaction{}, end(d)
	}
	err := members(d, func(name string) error {
		switch name {
		case "status":
			return status.read(d)
		case "payment_id":
			return payment.read(d)
		case "reason":
			return reason.readLoosely(d)
		case "date":
			return date.readLoosely(d)
		case "order":
			this, err := readOrder(d)
			if err != nil {
				return err
			}
			if order != nil && *order != this {
				return errTwoValues
			}
			order = &this
			return nil
		default:
			return d.SkipValue()
		}
	})
	if err == nil {
		err = end(d)
	}
	if err != nil {
		return transaction{}, err
	}
	t := transaction{Status: status.text, PaymentID: payment.text, Reason: reason.text, Date: date.text}
	if order != nil {
		t.Order = *order
	}
	return t, nil
}

// readOrder reads the order within a transaction. null is an order without anything.
func readOrder(d *jsontext.Decoder) (transactionOrder, error) {
	if d.PeekKind() == 'n' {
		return transactionOrder{}, d.SkipValue()
	}
	var number, amount, currency value
	err := members(d, func(name string) error {
		switch name {
		case "number":
			return number.read(d)
		case "amount":
			return amount.read(d)
		case "currency":
			return currency.read(d)
		default:
			return d.SkipValue()
		}
	})
	return transactionOrder{Number: number.text, Amount: amount.text, Currency: currency.text}, err
}

// isObject reports whether a body is one JSON object.
func isObject(body []byte) bool {
	d := newDecoder(body)
	return members(d, func(string) error { return d.SkipValue() }) == nil && end(d) == nil
}

// mentionsPayment reports whether an answer carries a payment_id, however deep, and
// so may be about a transaction that exists. The name without a value does not
// count. In what is not JSON, and in a text, the name alone does.
func mentionsPayment(body []byte) bool {
	const name = "payment_id"
	if !bytes.Contains(bytes.ToLower(body), []byte(name)) && !bytes.Contains(body, []byte(`\u`)) {
		return false // the usual case, and the name cannot hide behind an escape
	}
	d := newDecoder(body)
	for {
		token, err := d.ReadToken()
		switch {
		case errors.Is(err, io.EOF):
			return false
		case err != nil:
			return bytes.Contains(bytes.ToLower(body), []byte(name))
		case token.Kind() != '"' || !strings.Contains(strings.ToLower(token.String()), name):
			continue
		}
		if in, length := d.StackIndex(d.StackDepth()); in != '{' || length%2 == 0 {
			return true // a text, not a name
		}
		there, err := d.ReadValue()
		if err != nil {
			return true
		}
		switch string(there) {
		case `null`, `false`, `""`, `[]`, `{}`:
		default:
			return true
		}
	}
}

// maxTokens is how many tokens of an answer are looked for in its texts. A real one
// has one.
const maxTokens = 4

// tokensIn are the saved card's tokens that an answer to a status request holds
// (platform's protocol), so that they are known wherever else the answer repeats
// them. What is longer than any token is none.
func tokensIn(body []byte) []string {
	d := newDecoder(body)
	var tokens []string
	// An answer that is broken off has no text that is shown.
	_ = members(d, func(name string) error {
		if name != "recurring_token" || len(tokens) == maxTokens {
			return d.SkipValue()
		}
		text, _, err := readText(d)
		if err == nil && text != "" && len(text) <= maxID {
			tokens = append(tokens, text)
		}
		return err
	})
	return tokens
}

// plainly says what kind of fault was found in an answer and where, without the
// text that stood there.
func plainly(err error) error {
	var syntax *jsontext.SyntacticError
	var kind typeError
	switch {
	case errors.Is(err, errTwoValues):
		return errTwoValues
	case errors.As(err, &kind):
		return kind
	case errors.As(err, &syntax):
		return fmt.Errorf("not JSON at byte %d", syntax.ByteOffset)
	case errors.Is(err, io.EOF):
		return errors.New("not JSON at byte 0")
	default:
		return errors.New("not JSON")
	}
}
