package subscription

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/unreadable"
)

// Put makes a subscription, or changes one from the next claim on. It tells whether
// it made it. It is a *TermsError where the terms are not acceptable now (see
// Terms.Check and Terms.CheckNew; nothing is written), a *StateError where the
// subscription has ended, and wraps ErrStore.
func (b *Biller) Put(ctx context.Context, id string, terms Terms) (s Subscription, created bool, err error) {
	if err := terms.Check(b.now()); err != nil {
		return s, false, err
	}
	for range attempts {
		s, err = b.change(ctx, id, func(s Subscription) (Subscription, error) { return s.With(terms, b.now()) })
		if !errors.Is(err, ErrNotFound) {
			return s, false, err
		}
		now := b.now()
		if err := terms.CheckNew(now); err != nil {
			return s, false, err
		}
		s, created, err = b.store.Create(ctx, New(id, terms, now))
		if err != nil {
			return s, false, unreadable.Wrap(err, ErrStore, "writing subscription "+id)
		}
		if created {
			return s, true, nil
		}
	}
	return s, false, fmt.Errorf("%w: subscription %s was changed by others again and again", ErrStore, id)
}

// Pause pauses a subscription: once it has answered, no claim succeeds. A charge that
// was claimed before ends as it ends. Its errors are those of Subscription.Pause; it
// wraps ErrNotFound or ErrStore.
func (b *Biller) Pause(ctx context.Context, id string) (Subscription, error) {
	return b.change(ctx, id, func(s Subscription) (Subscription, error) { return s.Pause(b.now()) })
}

// Resume lets a subscription charge again. Its errors are those of
// Subscription.Resume; it wraps ErrNotFound or ErrStore.
func (b *Biller) Resume(ctx context.Context, id string, missed Missed) (Subscription, error) {
	return b.change(ctx, id, func(s Subscription) (Subscription, error) { return s.Resume(missed, b.now()) })
}

// Cancel cancels a subscription for good: once it has answered, no claim succeeds. A
// charge that was claimed before ends as it ends. It wraps ErrNotFound or ErrStore.
func (b *Biller) Cancel(ctx context.Context, id string) error {
	_, err := b.change(ctx, id, func(s Subscription) (Subscription, error) { return s.Cancel(b.now()), nil })
	return err
}

// change makes a move, anew if another writer was first.
func (b *Biller) change(ctx context.Context, id string, move func(Subscription) (Subscription, error)) (Subscription, error) {
	for range attempts {
		s, err := b.get(ctx, id)
		if err != nil {
			return s, err
		}
		after, err := move(s)
		if err != nil || reflect.DeepEqual(after, s) {
			return s, err
		}
		written, err := b.put(ctx, after)
		if !errors.Is(err, ErrChanged) {
			return written, err
		}
	}
	return Subscription{}, fmt.Errorf("%w: subscription %s was changed by others again and again", ErrStore, id)
}

// Find returns a subscription with its last charge as the ledger has it now. One that
// waits for an outcome takes it over, if it is there. It wraps ErrNotFound or ErrStore.
func (b *Biller) Find(ctx context.Context, id string) (Subscription, error) {
	s, err := b.get(ctx, id)
	if err != nil || s.Last.Of == (charge.Cycle{}) {
		return s, err
	}
	c, err := b.ledger.Find(ctx, Number(s.Last.Of))
	if err != nil {
		unreadable.Alarm(ctx, b.log, err)
		b.log.WarnContext(ctx, "the last charge of a subscription could not be read", "subscription", id, "error", err.Error())
		return s, nil
	}
	if !c.State.Open() {
		if err := b.Follow(ctx, c); err != nil {
			unreadable.Alarm(ctx, b.log, err)
			b.log.WarnContext(ctx, "a subscription could not take over its charge; it will", "subscription", id, "error", err.Error())
			return s, nil
		}
		if s, err = b.get(ctx, id); err != nil {
			return s, err
		}
	}
	if s.Last.Of == c.For {
		s.Last = lastOf(c)
	}
	return s, nil
}

// List lists subscriptions in a state, or all for "", oldest first. It wraps ErrStore.
// Where some cannot be read, it returns the others with an *unreadable.Some.
func (b *Biller) List(ctx context.Context, state State, after Place, limit int) ([]Subscription, *Place, error) {
	found, more, err := b.store.List(ctx, state, after, limit)
	left, err := unreadable.Split(err)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: listing subscriptions: %w", ErrStore, err)
	}
	return slices.Clone(found), more, unreadable.Left(left)
}

// Charges lists the charges of a subscription by cycle and try. It wraps ErrNotFound
// where there is no such subscription, or the errors of the ledger. The subscription
// itself need not be readable.
func (b *Biller) Charges(ctx context.Context, id string, after charge.Cycle, limit int) ([]charge.Charge, *charge.Cycle, error) {
	if _, err := b.get(ctx, id); err != nil && unreadable.Of(err) == nil {
		return nil, nil, err
	}
	return b.ledger.OfSubscription(ctx, id, after, limit)
}

// Preview is what will be charged when; see Subscription.Preview. It writes nothing.
func (b *Biller) Preview(ctx context.Context, id string, count int) ([]Planned, error) {
	s, err := b.get(ctx, id)
	if err != nil {
		return nil, err
	}
	return s.Preview(count, b.now()), nil
}
