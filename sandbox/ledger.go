package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"

	"dinarfunctions/shared/boltstore"
	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/payout"
	"dinarfunctions/shared/subscription"
)

// contents are how much of each kind is in the ledger. A charge that has ended is
// counted by what was told of it, since the ledger lists only those that are open.
type contents struct {
	told, open, subscriptions, payouts int
}

func (s *sandbox) contents(ctx context.Context) (contents, error) {
	told, failed := s.store.Events(ctx, 0, math.MaxInt)
	open, _, err := s.store.Charges().Open(ctx, charge.OpenStates(), charge.Place{}, math.MaxInt)
	failed = errors.Join(failed, err)
	subscriptions, _, err := s.store.Subscriptions().List(ctx, "", subscription.Place{}, math.MaxInt)
	failed = errors.Join(failed, err)
	payouts, _, err := s.store.Payouts().List(ctx, "", payout.Place{}, math.MaxInt)
	return contents{len(told), len(open), len(subscriptions), len(payouts)}, errors.Join(failed, err)
}

// recall says what an earlier start has left, instead of a scene: a scene would move the
// clock of everything that stands there.
func (s *sandbox) recall(out io.Writer, has contents) {
	greet(out, s.storePath)
	fmt.Fprintf(out, "It goes on with what it has: %d event(s) told, %d open charge(s), %d subscription(s), %d watched\n",
		has.told, has.open, has.subscriptions, has.payouts)
	fmt.Fprintln(out, "payout(s). The simulated providers kept nothing. Another scene, which moves the clock by up to a")
	fmt.Fprintln(out, "year: make run ARGS=-scene. An empty ledger: make run ARGS='-data .sandbox/another'")
}

// taken tells whether a name stands for something in the ledger already. It asks the
// store: asked over HTTP, an open charge would be looked up at the provider.
func (s *sandbox) taken(ctx context.Context, name string) (bool, error) {
	_, err := s.store.Charges().Get(ctx, name)
	if errors.Is(err, charge.ErrNotFound) {
		_, err = s.store.Subscriptions().Get(ctx, name)
	}
	if errors.Is(err, subscription.ErrNotFound) {
		_, err = s.store.Payouts().Get(ctx, name)
	}
	if errors.Is(err, payout.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// firstFree counts from 1 to the first run of which no name is taken.
func (s *sandbox) firstFree(ctx context.Context, names func(numbers) []string) (numbers, error) {
	for n := (numbers{run: 1}); ; n.run++ {
		free := true
		for _, name := range names(n) {
			taken, err := s.taken(ctx, name)
			if err != nil {
				return n, err
			}
			free = free && !taken
		}
		if free {
			return n, nil
		}
	}
}

// openStore opens the store at path. Where it cannot, the error says how to take another.
func openStore(path string) (*boltstore.File, error) {
	store, err := boltstore.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%w (-data names another folder)", err)
	}
	return store, nil
}
