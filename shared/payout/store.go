package payout

import (
	"context"
	"errors"
	"iter"
	"time"
)

// ErrNotFound is returned by a Store where nothing stands under an id.
var ErrNotFound = errors.New("no watched payout under this payment_id")

// Store keeps watched payouts by id. Each write is one atomic step with its
// condition inside and answers with what stands there afterwards. payouttest.Store
// is the suite that every implementation passes.
//
// A payout that is there and cannot be read is an *unreadable.Error. List goes on without
// it: its error is an *unreadable.Some then, and what it returns beside it is good. Due
// yields one in place of an entry that cannot be read, and goes on.
//
// Any other error than ErrNotFound means that the store could not be reached or
// refused the work. The write may have happened all the same.
type Store interface {
	// Create writes a payout as New makes it, if nothing stands under its id. It
	// returns what stands there now, and whether that is this one. Of any number
	// of concurrent calls for an id exactly one creates.
	Create(ctx context.Context, p Payout) (standing Payout, created bool, err error)

	// Write writes a payout whole over the revision before its own, and over no
	// other. It returns what stands there now, and whether this call wrote it: of
	// several that go on from one revision, one does. A write that was silently
	// repeated underneath recognises itself. It wraps ErrNotFound where nothing
	// stands under the id, and then writes nothing: a watch that was ended while a
	// look was under way stays ended.
	Write(ctx context.Context, p Payout) (standing Payout, written bool, err error)

	// Look moves the next look at a payout on, as Payout.Claimed says, if it is
	// still was. It returns what stands there now, and whether this call moved it:
	// of several who want to look at a payout that is due, one does. Where nothing
	// stands under the id, nothing is moved, and what is returned is empty.
	Look(ctx context.Context, id string, was, next time.Time) (standing Payout, moved bool, err error)

	// Due goes through the payouts that are due to be looked at, each once, oldest
	// first, and reads no more of them than are taken. It may be a moment behind, so
	// who comes from here claims the look with Look before he asks.
	Due(ctx context.Context, now time.Time) iter.Seq2[Due, error]

	// List lists payouts in a state, or all of them for the empty one, in the order
	// of CreatedAt and then of id: at most limit, from behind the place where a list
	// ended before (zero for the beginning). It may be a moment behind, and end early
	// where many are in other states. more is where to go on, if there may be more.
	List(ctx context.Context, state State, after Place, limit int) (payouts []Payout, more *Place, err error)

	// Get returns the payout under an id, as of every write that was answered before
	// (strongly consistent). It wraps ErrNotFound where there is none.
	Get(ctx context.Context, id string) (Payout, error)

	// Delete takes a payout away. One that is not there is no error.
	Delete(ctx context.Context, id string) error
}

// Due is a payout that is due to be looked at, and since when.
type Due struct {
	ID string
	At time.Time
}

// Place is a place in the list of payouts.
type Place struct {
	CreatedAt time.Time
	ID        string
}

// Place is where a payout stands in the list.
func (p Payout) Place() Place { return Place{CreatedAt: p.CreatedAt, ID: p.ID} }
