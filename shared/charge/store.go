package charge

import (
	"context"
	"errors"
	"iter"
	"time"
)

// ErrNotFound is returned by Store.Get where nothing stands under a number.
var ErrNotFound = errors.New("no charge under this order number")

// Store keeps charges by order number. Each write is one atomic step with its
// condition inside, so that no step needs to read first, and each answers with
// what stands there afterwards. chargetest.Store is the suite that every
// implementation passes.
//
// A charge that is there and cannot be read is an *unreadable.Error. Lists go on without
// it: their error is an *unreadable.Some then, and what they return beside it is good.
// Due yields one in place of an entry that cannot be read, and goes on.
//
// Any other error than those named means that the store could not be reached or
// refused the work. The write may have happened all the same: the caller treats
// it as if it had.
type Store interface {
	// Claim writes a claim as the function Claim says: if nothing stands under
	// its number, or a charge for the same Cycle in a state that is Chargeable. It returns what
	// stands there now, and whether that is this claim. Of any number of
	// concurrent claims for a number exactly one wins. A claim whose write was
	// silently repeated underneath recognises itself by its attempt and has won.
	Claim(ctx context.Context, claim Charge) (standing Charge, won bool, err error)

	// Record writes a change as Charge.Apply says: if the charge's state is one
	// of Origins(change.To, change.Evidence) and, where the change names an
	// attempt, that is the one that stands there. An early look that was put there
	// since the change was learnt stays (Change.Seen). It returns what stands there
	// now, and whether this change is part of it. It wraps ErrNotFound where
	// nothing stands under the number.
	Record(ctx context.Context, change Change) (standing Charge, applied bool, err error)

	// Dispute notes the provider's word against a settled charge, about one of its
	// payments, as Charge.Dispute says. It returns what stands there now, and whether
	// this is the first time that the word was noted.
	Dispute(ctx context.Context, number, word, paymentID string, at time.Time) (standing Charge, noted bool, err error)

	// Look moves the time at which a charge is to be asked about next, whatever
	// its state, if it is still was (zero for never). It tells whether it did: of
	// several who want to ask about a charge that is due, one does.
	Look(ctx context.Context, number string, was, next time.Time) (moved bool, err error)

	// Hint notes a hint about a charge as Charge.Hint says. It returns the current
	// record, and whether the hint was noted. It wraps ErrNotFound where there is none.
	Hint(ctx context.Context, number string, at time.Time) (standing Charge, noted bool, err error)

	// Due goes through the charges that are due to be asked about, each once, and
	// reads no more of them than are taken. It may be a moment behind, so who
	// comes from here claims the look with Look before he asks.
	Due(ctx context.Context, now time.Time) iter.Seq2[Due, error]

	// Open lists charges in an open state, or in one of them, oldest first: at
	// most limit, from behind the place where a list ended before (zero for the
	// beginning). It may be a moment behind. more is where to go on, if there may
	// be more.
	Open(ctx context.Context, states []State, after Place, limit int) (charges []Charge, more *Place, err error)

	// OfSubscription lists the charges of a subscription in the order of their cycles
	// and tries: at most limit, from behind one (the zero Cycle for the beginning).
	// It may be a moment behind. more is where to go on, if there may be more.
	OfSubscription(ctx context.Context, id string, after Cycle, limit int) (charges []Charge, more *Cycle, err error)

	// PaymentOwner returns the order number under which a payment_id stands, or
	// "" where it stands under none. It may be a moment behind.
	PaymentOwner(ctx context.Context, paymentID string) (number string, err error)

	// Switch returns the operator's switch as of the last SetSwitch; Live if it
	// was never set. SetSwitch sets it.
	Switch(ctx context.Context) (Switch, error)
	SetSwitch(ctx context.Context, s Switch) error

	// Get returns the charge under a number, as of every write that was answered
	// before (strongly consistent). It wraps ErrNotFound where there is none.
	Get(ctx context.Context, number string) (Charge, error)
}

// Due is a charge that is due to be asked about, and since when.
type Due struct {
	Number string
	At     time.Time
}

// Place is a place in the list of open charges, which is in the order of time and
// then of number.
type Place struct {
	CreatedAt time.Time
	Number    string
}

// Mode is whether charging goes on. See contract, "Charges".
type Mode string

const (
	// Live: charges are made.
	Live Mode = "live"
	// AskFirst: the provider is asked about the order number before every charge,
	// as after a restore from a backup.
	AskFirst Mode = "ask_first"
	// Stopped: no new charge is begun.
	Stopped Mode = "stopped"
)

// Modes lists all modes.
func Modes() []Mode { return []Mode{Live, AskFirst, Stopped} }

// Switch is the operator's switch: one for the whole ledger.
type Switch struct {
	Mode Mode
	// Note says why, in the operator's words.
	Note  string
	SetAt time.Time
}
