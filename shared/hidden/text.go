// Package hidden holds text that must never be printed: private keys,
// passwords, merchant keys and saved tokens.
//
// A Text prints as [hidden] under every fmt verb, in JSON and in slog. Reveal
// is the one way to the value, so a search for Reveal finds every place where
// a secret leaves its type.
package hidden

import (
	"fmt"
	"io"
	"log/slog"
)

const mask = "[hidden]"

// Text is a secret text. The zero Text is empty. Texts are compared by what they
// hold with reflect.DeepEqual, not with ==.
//
// It holds a pointer because fmt cannot call Format on an unexported field of
// another struct: there it prints the address, and would print the text itself.
type Text struct{ value *string }

// New hides value.
func New(value string) Text { return Text{value: &value} }

// Reveal returns the text itself. The caller sends it to the one place that it
// is meant for, and neither logs it nor puts it in an error.
func (t Text) Reveal() string {
	if t.value == nil {
		return ""
	}
	return *t.value
}

// IsZero tells whether the text is empty.
func (t Text) IsZero() bool { return t.Reveal() == "" }

// String returns a mask.
func (t Text) String() string { return mask }

// GoString returns a mask, for %#v.
func (t Text) GoString() string { return mask }

// Format writes a mask, whatever the verb: without it, %x and %d would go past
// String to the bytes.
func (t Text) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, mask) }

// MarshalText gives a mask. JSON, and everything else that asks for text, gets
// it too.
func (t Text) MarshalText() ([]byte, error) { return []byte(mask), nil }

// MarshalJSON gives a mask as a JSON string.
func (t Text) MarshalJSON() ([]byte, error) { return []byte(`"` + mask + `"`), nil }

// LogValue gives slog a mask.
func (t Text) LogValue() slog.Value { return slog.StringValue(mask) }
