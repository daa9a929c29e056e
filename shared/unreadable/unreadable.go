// Package unreadable is the error of a stored thing that is there and cannot be read:
// it was written by a newer version, names a time zone that is gone, or was typed by
// hand. That is another thing than a store that cannot be reached: waiting does not
// mend it, a person does, and everything beside it goes on.
package unreadable

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
)

// Runbook is the page that says how to mend an item.
const Runbook = "docs/runbooks/mend-an-item.md"

// Kind is the kind of a stored thing.
type Kind string

// The kinds of stored things.
const (
	Charge       Kind = "charge"
	Subscription Kind = "subscription"
	Payout       Kind = "payout"
	Switch       Kind = "switch"
)

// until is what does not happen as long as a thing of a kind cannot be read.
var until = map[Kind]string{
	Charge:       "nothing is charged under its number until the item is mended",
	Subscription: "nothing is charged for it until the item is mended",
	Payout:       "it is not looked at until the item is mended; or DELETE it and PUT it anew",
	Switch:       "nothing is charged until it is set anew with PUT /charging",
}

// Error is a stored thing that is there and cannot be read.
type Error struct {
	// Kind and Key say which thing it is. The key is an order number, an id or a
	// payment_id.
	Kind Kind
	Key  string
	// What says what is wrong with the item: attributes, and never what stands in
	// them, since that may be a token.
	What string
}

var _ error = (*Error)(nil)

// Error says which thing it is, what is wrong with it and what to do.
func (e *Error) Error() string {
	which := "the stored " + string(e.Kind)
	if e.Key != "" {
		which += " " + e.Key
	}
	return fmt.Sprintf("%s cannot be read (%s); %s: see %s", which, e.What, until[e.Kind], Runbook)
}

// Of returns the first Error that an error is or wraps, nil if there is none.
func Of(err error) *Error {
	found, _ := errors.AsType[*Error](err)
	return found
}

// Some is the error of a list whose other return values are good all the same: they
// are the list without these things.
type Some struct{ Items []*Error }

var _ error = (*Some)(nil)

// Left is the error of a list that leaves these things out, nil for none.
func Left(items []*Error) error {
	if len(items) == 0 {
		return nil
	}
	return &Some{items}
}

// Error names the things.
func (s *Some) Error() string {
	return fmt.Sprintf("%d of the list cannot be read: %v", len(s.Items), errors.Join(s.Unwrap()...))
}

// Unwrap returns the things.
func (s *Some) Unwrap() []error {
	all := make([]error, len(s.Items))
	for i, e := range s.Items {
		all[i] = e
	}
	return all
}

// Split takes the error of a list apart: what the list leaves out, or why there is no
// list.
func Split(err error) (left []*Error, failed error) {
	if some, ok := errors.AsType[*Some](err); ok {
		return some.Items, nil
	}
	return nil, err
}

// Keys are the keys of things, each once.
func Keys(items []*Error) []string {
	var keys []string
	for _, e := range items {
		if !slices.Contains(keys, e.Key) {
			keys = append(keys, e.Key)
		}
	}
	return keys
}

// Wrap says what failed at a store: reach is the error of a store that cannot be
// reached, which an item that cannot be read is not.
func Wrap(err, reach error, doing string) error {
	if Of(err) != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return fmt.Errorf("%w: %s: %w", reach, doing, err)
}

// Alarm tells a person of an error that is or wraps an Error, and reports whether it is
// one. Whoever works at many things calls it for each that it meets, and goes on.
func Alarm(ctx context.Context, log *slog.Logger, err error) bool {
	e := Of(err)
	if e == nil {
		return false
	}
	log.ErrorContext(ctx, "a stored item cannot be read; see the runbook on mending an item",
		"alarm", "unreadable", "kind", string(e.Kind), "key", e.Key, "what", e.What)
	return true
}
