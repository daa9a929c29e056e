package payout

import (
	"context"
	"fmt"
)

// Provider tells how payouts stand. shared/dinardragon implements it.
type Provider interface {
	// Payout returns all payments of a payout that the provider tells of, at least
	// one, each once. It is one question, however many payments there are; it may be
	// repeated underneath where that helps, within the context's deadline, and once
	// with a freshly read key after the key was refused. The error is an *AskError.
	Payout(ctx context.Context, id string) ([]Told, error)
}

// Why says why a look learnt nothing. The zero Why means nothing.
type Why int

const (
	// Refused: the provider answered with words of its own, as that it does not know
	// the payout.
	Refused Why = iota + 1
	// NoAnswer: no answer came that says anything.
	NoAnswer
	// KeyRefused: the provider refused the key, a freshly read one too.
	KeyRefused
	// NoKey: there is no key to ask with.
	NoKey
)

// AskError is why a look learnt nothing.
type AskError struct {
	Why Why
	// Text says what went wrong, in a sentence that may be shown to anybody.
	Text string
	// Err is what led here, for the log; may be nil.
	Err error
}

// Error is the text, and what led here.
func (e *AskError) Error() string {
	if e.Err == nil {
		return e.Text
	}
	return fmt.Sprintf("%s (%v)", e.Text, e.Err)
}

// Unwrap gives Err.
func (e *AskError) Unwrap() error { return e.Err }
