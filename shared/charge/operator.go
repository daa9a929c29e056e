package charge

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"dinarfunctions/shared/unreadable"
)

// ModeFor is how long a switch that was read holds. It bounds how long an operator's
// word takes to be in force everywhere (contract, "Charges").
const ModeFor = 10 * time.Second

// control remembers the switch.
type control struct {
	mu     sync.Mutex
	mode   Mode
	readAt time.Time
}

// Mode is the switch as it was at most ModeFor ago. A switch that cannot be read
// stops charging: perhaps somebody has stopped it. It wraps ErrStore.
func (l *Ledger) Mode(ctx context.Context) (Mode, error) {
	l.control.mu.Lock()
	mode, age := l.control.mode, l.now().Sub(l.control.readAt)
	l.control.mu.Unlock()
	if mode != "" && age >= 0 && age < ModeFor {
		return mode, nil
	}
	asked := l.now()
	s, err := l.store.Switch(ctx)
	if err != nil {
		return "", unreadable.Wrap(err, ErrStore, "reading the operator's switch")
	}
	l.control.mu.Lock()
	defer l.control.mu.Unlock()
	l.control.mode, l.control.readAt = s.Mode, asked
	return s.Mode, nil
}

// Switch returns the operator's switch as it stands. It wraps ErrStore.
func (l *Ledger) Switch(ctx context.Context) (Switch, error) {
	s, err := l.store.Switch(ctx)
	if err != nil {
		return Switch{}, unreadable.Wrap(err, ErrStore, "reading the operator's switch")
	}
	return s, nil
}

// SetSwitch sets the operator's switch. It is in force everywhere ModeFor later.
func (l *Ledger) SetSwitch(ctx context.Context, mode Mode, note string) (Switch, error) {
	s := Switch{Mode: mode, Note: note, SetAt: l.now()}
	if err := l.store.SetSwitch(ctx, s); err != nil {
		return Switch{}, fmt.Errorf("%w: setting the operator's switch: %w", ErrStore, err)
	}
	l.control.mu.Lock()
	l.control.mode, l.control.readAt = s.Mode, s.SetAt
	l.control.mu.Unlock()
	l.log.WarnContext(ctx, "the operator's switch was set", "mode", string(mode), "note", note)
	return s, nil
}

// StateError: the charge's state forbids what was asked for.
type StateError struct {
	Number string
	State  State
}

func (e *StateError) Error() string {
	return fmt.Sprintf("order number %s is %s; a person's word is taken on charges that are unknown or pending", e.Number, e.State)
}

// Resolve takes an operator's word on a charge that is Unknown or Pending: Settled,
// or Declined with the class Operator. It is a *StateError in every other state,
// and wraps ErrNotFound or ErrStore. The same word once more is answered with the
// charge.
func (l *Ledger) Resolve(ctx context.Context, number string, to State, note string) (Charge, error) {
	c, err := l.get(ctx, number)
	if err != nil {
		return Charge{}, err
	}
	now := l.now()
	if change, overdue := c.overdue(now); overdue {
		if c, _, err = l.store.Record(ctx, change); err != nil {
			return Charge{}, fmt.Errorf("%w: recording unknown for order number %s: %w", ErrStore, number, err)
		}
	}
	change := Answer{State: to, Reason: note}.change(c, ByOperator, now)
	if to == Declined {
		change.DeclineClass = Operator
	}
	after, applied, err := l.store.Record(ctx, change)
	switch {
	case err != nil && errors.Is(err, ErrNotFound):
		return Charge{}, fmt.Errorf("order number %s: %w", number, err)
	case err != nil:
		return Charge{}, fmt.Errorf("%w: recording an operator's word on order number %s: %w", ErrStore, number, err)
	case !applied && (after.State != to || after.Said != ByOperator):
		return Charge{}, &StateError{Number: number, State: after.At(now).State}
	}
	return after, nil
}

// Open lists charges whose outcome is to come, oldest first, as everybody sees them
// now: all of them, or those in one state. It wraps ErrStore. Where some cannot be read,
// it returns the others with an *unreadable.Some.
func (l *Ledger) Open(ctx context.Context, state State, after Place, limit int) (charges []Charge, more *Place, err error) {
	now := l.now()
	// A charge that is sending may be unknown to everybody by now.
	states := OpenStates()
	if state == Pending {
		states = []State{Pending}
	}
	var left []*unreadable.Error
	for {
		found, next, err := l.store.Open(ctx, states, after, limit-len(charges)-len(left))
		some, err := unreadable.Split(err)
		left = append(left, some...)
		if err != nil {
			return nil, nil, fmt.Errorf("%w: listing open charges: %w", ErrStore, err)
		}
		for _, c := range found {
			if c = c.At(now); state == "" || c.State == state {
				charges = append(charges, c)
			}
		}
		if next == nil || len(charges)+len(left) >= limit {
			return charges, next, unreadable.Left(left)
		}
		after = *next
	}
}
