package subscription

import (
	"context"
	"errors"
	"iter"
	"time"

	"dinarfunctions/shared/charge"
)

var (
	// ErrNotFound is returned where there is no subscription under an id.
	ErrNotFound = errors.New("no subscription under this id")
	// ErrChanged is returned by a write whose subscription is not any more at the
	// revision that was read. Nothing was written.
	ErrChanged = errors.New("the subscription has been changed meanwhile")
)

// Store keeps subscriptions by id. Each write is one atomic step with its condition
// inside. subscriptiontest.Store is the suite that every implementation passes.
//
// A subscription that is there and cannot be read is an *unreadable.Error. List goes on
// without it: its error is an *unreadable.Some then, and what it returns beside it is
// good. Due yields one in place of an entry that cannot be read, and goes on.
//
// Any other error than those named means that the store could not be reached or
// refused the work. The write may have happened all the same.
type Store interface {
	// Create writes a subscription with revision 1 if there is none under its id. It
	// returns what stands there now, and whether that is this one. A write that was
	// silently repeated underneath recognises itself.
	Create(ctx context.Context, s Subscription) (standing Subscription, created bool, err error)

	// Write replaces a subscription that is still at s.Revision, and returns it at the
	// next. It wraps ErrChanged otherwise, also where there is none any more. A write
	// that was silently repeated underneath recognises itself.
	Write(ctx context.Context, s Subscription) (Subscription, error)

	// Claim writes a claim to the ledger as charge.Store.Claim says, and the
	// subscription as Write does, both or neither. It wraps ErrChanged where the
	// subscription is not any more at s.Revision, and otherwise returns what stands
	// under the order number, and whether that is this claim; only then the
	// subscription is written.
	Claim(ctx context.Context, s Subscription, claim charge.Charge) (standing charge.Charge, won bool, err error)

	// Look moves the next look at a subscription, if it is still was, and leaves its
	// revision alone. It returns what stands there and whether it did: of several who
	// want to queue what is due, one does. Its Change is empty then: a look is nothing
	// that others are told of. Where there is no subscription, nothing is moved and the
	// zero Subscription stands. A write that was silently repeated underneath
	// recognises itself.
	Look(ctx context.Context, id string, was, next time.Time) (standing Subscription, moved bool, err error)

	// Due goes through the subscriptions that are due for a look, each once, oldest
	// first. It may be a moment behind, so who comes from here claims the look with Look.
	Due(ctx context.Context, now time.Time) iter.Seq2[Due, error]

	// List lists the subscriptions in a state, or all for "", oldest first: at most
	// limit, from behind the place where a list ended before (zero for the
	// beginning). It may be a moment behind, and a page may hold fewer than there
	// are. more is where to go on, if there may be more.
	List(ctx context.Context, state State, after Place, limit int) (subscriptions []Subscription, more *Place, err error)

	// Get returns a subscription as of every write that was answered before
	// (strongly consistent). It wraps ErrNotFound where there is none.
	Get(ctx context.Context, id string) (Subscription, error)
}

// Due is a subscription that is due for a look, and since when.
type Due struct {
	ID string
	At time.Time
}

// Place is a place in the list of subscriptions, which is in the order of time and
// then of id.
type Place struct {
	CreatedAt time.Time
	ID        string
}
