package model_test

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/cenkalti/backoff/v5"

	"dinarfunctions/shared/charge"
)

var (
	errThrottled   = errors.New("the store is throttled")
	errNoAnswer    = errors.New("the store's answer was lost")
	errUnavailable = errors.New("the store is unavailable")
)

// store is a store that passed the suite, failing as the plan of each invocation
// says.
type store struct {
	charge.Store
	house *house
}

var _ charge.Store = store{}

// write makes a call that writes, about one order number.
func (s store) write(ctx context.Context, name, number string, do func(context.Context) error) error {
	return s.call(ctx, name, func(ctx context.Context) error {
		s.house.touch(number)
		return do(ctx)
	})
}

// call makes a call, or fails before or after it. What is not a write is not
// written late either: its answer is lost.
func (s store) call(ctx context.Context, name string, do func(context.Context) error) (err error) {
	s.house.call(ctx, "the store's "+name, func() {
		fault := planOf(ctx).nextStoring()
		if fault != "" {
			s.house.tally.add("store", string(fault)+" ("+name+")")
		}
		switch fault {
		case throttled:
			err = errThrottled
		case answerLost, lostUnavailable:
			_ = do(ctx)
			err = errNoAnswer
		case writtenLate:
			s.house.later(func() { _ = do(context.WithoutCancel(ctx)) })
			err = errNoAnswer
		case unavailable:
			// The ledger writes an outcome until its time is over, which is too
			// long to wait for. An error that is permanent ends that at once, as
			// the end of time would.
			err = backoff.Permanent(errUnavailable)
		default:
			err = do(ctx)
		}
	})
	return err
}

// nextStoring counts a call to the store and tells how it fails.
func (p *plan) nextStoring() storeFault {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.storing++
	switch {
	case p.broken:
		return unavailable
	case p.storing != p.StoreAt:
		return ""
	}
	p.broken = p.Store == unavailable || p.Store == lostUnavailable
	return p.Store
}

func (s store) Claim(ctx context.Context, claim charge.Charge) (charge.Charge, bool, error) {
	var (
		standing charge.Charge // of its own: a late write comes when nobody waits for it
		won      bool
	)
	err := s.write(ctx, "claim", claim.Order.Number, func(ctx context.Context) (err error) {
		standing, won, err = s.Store.Claim(ctx, claim)
		return err
	})
	if err != nil {
		return charge.Charge{}, false, err
	}
	return standing, won, nil
}

func (s store) Record(ctx context.Context, change charge.Change) (charge.Charge, bool, error) {
	var (
		standing charge.Charge // of its own: a late write comes when nobody waits for it
		applied  bool
	)
	err := s.write(ctx, "record", change.Number, func(ctx context.Context) (err error) {
		standing, applied, err = s.Store.Record(ctx, change)
		return err
	})
	if err != nil {
		return charge.Charge{}, false, err
	}
	return standing, applied, nil
}

func (s store) Dispute(ctx context.Context, number, word, paymentID string, at time.Time) (charge.Charge, bool, error) {
	var (
		standing charge.Charge // of its own: a late write comes when nobody waits for it
		noted    bool
	)
	err := s.write(ctx, "dispute", number, func(ctx context.Context) (err error) {
		standing, noted, err = s.Store.Dispute(ctx, number, word, paymentID, at)
		return err
	})
	if err != nil {
		return charge.Charge{}, false, err
	}
	return standing, noted, nil
}

func (s store) Look(ctx context.Context, number string, was, next time.Time) (bool, error) {
	var moved bool
	err := s.write(ctx, "look", number, func(ctx context.Context) (err error) {
		moved, err = s.Store.Look(ctx, number, was, next)
		return err
	})
	if err != nil {
		return false, err
	}
	return moved, nil
}

func (s store) Hint(ctx context.Context, number string, at time.Time) (charge.Charge, bool, error) {
	var (
		standing charge.Charge // of its own: a late write comes when nobody waits for it
		noted    bool
	)
	err := s.write(ctx, "hint", number, func(ctx context.Context) (err error) {
		standing, noted, err = s.Store.Hint(ctx, number, at)
		return err
	})
	if err != nil {
		return charge.Charge{}, false, err
	}
	return standing, noted, nil
}

func (s store) Due(ctx context.Context, now time.Time) iter.Seq2[charge.Due, error] {
	return func(yield func(charge.Due, error) bool) {
		if err := s.call(ctx, "list of what is due", func(context.Context) error { return nil }); err != nil {
			yield(charge.Due{}, err)
			return
		}
		for due, err := range s.Store.Due(ctx, now) {
			if planOf(ctx).isDead() || !yield(due, err) {
				return
			}
		}
	}
}

func (s store) Open(ctx context.Context, states []charge.State, after charge.Place, limit int) (charges []charge.Charge, more *charge.Place, err error) {
	err = s.call(ctx, "list of open charges", func(ctx context.Context) (err error) {
		charges, more, err = s.Store.Open(ctx, states, after, limit)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	return charges, more, nil
}

func (s store) PaymentOwner(ctx context.Context, paymentID string) (number string, err error) {
	err = s.call(ctx, "look-up of a payment_id", func(ctx context.Context) (err error) {
		number, err = s.Store.PaymentOwner(ctx, paymentID)
		return err
	})
	return number, err
}

func (s store) Switch(ctx context.Context) (set charge.Switch, err error) {
	err = s.call(ctx, "switch", func(ctx context.Context) (err error) {
		set, err = s.Store.Switch(ctx)
		return err
	})
	return set, err
}

func (s store) SetSwitch(ctx context.Context, set charge.Switch) error {
	return s.call(ctx, "setting of the switch", func(ctx context.Context) error {
		err := s.Store.SetSwitch(ctx, set)
		s.house.switched(set.Mode)
		return err
	})
}

func (s store) Get(ctx context.Context, number string) (c charge.Charge, err error) {
	err = s.call(ctx, "get", func(ctx context.Context) (err error) {
		c, err = s.Store.Get(ctx, number)
		return err
	})
	return c, err
}
