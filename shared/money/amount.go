// Package money holds exact sums of money.
//
// An Amount is a decimal number in major units with its currency: "1.00" SAR is
// one riyal. There are no floats anywhere. How many decimals a currency has on
// the wire is each provider's own fact (DineroPay and ISO 4217 disagree), so it
// is told to Parse and not known here.
package money

import (
	"errors"
	"fmt"
	"regexp"

	"github.com/shopspring/decimal"
)

// What can be wrong with the text of an amount. The texts are written for the
// person who sent it.
var (
	// ErrNotANumber: not digits with at most one point.
	ErrNotANumber = errors.New(`must be a plain decimal number in major units, such as "1.00"`)
	// ErrNotPositive: zero.
	ErrNotPositive = errors.New("must be greater than 0")
	// ErrTooLarge: more than 12 digits before the point.
	ErrTooLarge = errors.New("must have at most 12 digits before the point")
	// ErrTooFine: more decimals than the currency has.
	ErrTooFine = errors.New("has more decimals than the currency")
)

var (
	plain = regexp.MustCompile(`^(0|[1-9][0-9]*)(?:\.([0-9]+))?$`)
	// A JSON number, which is what a provider may answer with. The exponent is
	// short so that no number takes much memory.
	number = regexp.MustCompile(`^-?[0-9]{1,30}(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,2})?$`)
)

// Amount is an exact sum above zero with its currency. The zero Amount is no
// sum at all; IsZero tells.
type Amount struct {
	text     string
	currency string
}

// Parse reads an amount in major units. It may have fewer decimals than the
// currency ("1" is "1.00"), never more, not even zeros. It wraps ErrNotANumber,
// ErrNotPositive, ErrTooLarge or ErrTooFine.
func Parse(text, currency string, decimals int) (Amount, error) {
	parts := plain.FindStringSubmatch(text)
	if parts == nil {
		return Amount{}, ErrNotANumber
	}
	if len(parts[1]) > 12 {
		return Amount{}, ErrTooLarge
	}
	if len(parts[2]) > decimals {
		return Amount{}, fmt.Errorf("%w: %s has %d", ErrTooFine, currency, decimals)
	}
	value, err := decimal.NewFromString(text)
	if err != nil {
		return Amount{}, ErrNotANumber
	}
	if !value.IsPositive() {
		return Amount{}, ErrNotPositive
	}
	return Amount{text: value.StringFixed(int32(decimals)), currency: currency}, nil //nolint:gosec // decimals is a currency's, 0 to 4
}

// Stored reads back an amount that String wrote, with as many decimals as it
// was written with. Stores use it.
func Stored(text, currency string) (Amount, error) {
	parts := plain.FindStringSubmatch(text)
	if parts == nil {
		return Amount{}, fmt.Errorf("stored amount %q: %w", text, ErrNotANumber)
	}
	return Parse(text, currency, len(parts[2]))
}

// String is the number in major units with all the currency's decimals, such as
// "1.00". It is the text that is signed, sent, stored and shown: formatted once.
func (a Amount) String() string { return a.text }

// Currency is the ISO 4217 code, such as "SAR".
func (a Amount) Currency() string { return a.currency }

// IsZero tells whether this is no amount at all.
func (a Amount) IsZero() bool { return a == Amount{} }

// EqualsNumber compares with a number as a provider writes it: "1.00", "22" or
// "2.2e1". What is not a number is an error that wraps ErrNotANumber.
func (a Amount) EqualsNumber(text string) (bool, error) {
	if !number.MatchString(text) {
		return false, ErrNotANumber
	}
	theirs, err := decimal.NewFromString(text)
	if err != nil {
		return false, fmt.Errorf("%w: %w", ErrNotANumber, err)
	}
	ours, err := decimal.NewFromString(a.text)
	if err != nil {
		return false, fmt.Errorf("%w: %w", ErrNotANumber, err)
	}
	return ours.Equal(theirs), nil
}
