package charge

import (
	"context"
	"errors"
)

// ErrNotFound is returned by Store.Get where nothing stands under a number.
var ErrNotFound = errors.New("no charge under this order number")

// Store keeps charges by order number. Each write is one atomic step with its
// condition inside, so that no step needs to read first, and each answers with
// what stands there afterwards. chargetest.Store is the suite that every
// implementation passes.
//
// Any other error than those named means that the store could not be reached or
// refused the work. The write may have happened all the same: the caller treats
// it as if it had.
type Store interface {
	// Claim writes a claim as the function Claim says: if nothing stands under
	// its number, or a charge in a state that is Chargeable. It returns what
	// stands there now, and whether that is this claim. Of any number of
	// concurrent claims for a number exactly one wins. A claim whose write was
	// silently repeated underneath recognises itself by its attempt and has won.
	Claim(ctx context.Context, claim Charge) (standing Charge, won bool, err error)

	// Record writes a change as Charge.Apply says: if the charge's state is one
	// of Origins(change.To, change.Evidence) and, where the change names an
	// attempt, that is the one that stands there. It returns what stands there
	// now, and whether this change is part of it. It wraps ErrNotFound where
	// nothing stands under the number.
	Record(ctx context.Context, change Change) (standing Charge, applied bool, err error)

	// Get returns the charge under a number, as of every write that was answered
	// before (strongly consistent). It wraps ErrNotFound where there is none.
	Get(ctx context.Context, number string) (Charge, error)
}
