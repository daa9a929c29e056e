package year_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/subscription"
)

// killed ends a function in mid-work.
type killed struct{}

var errLost = errors.New("the answer of the store was lost")

// trouble is what the stores do to those who call them.
type trouble struct {
	tally *tally
	mu    sync.Mutex
	dice  *rand.Rand
	calm  bool
}

// mortal marks the work of a function that may be killed: it runs on one goroutine.
type mortal struct{}

// around makes a call, or does not, or loses its answer, or kills its caller before
// or after it.
func (t *trouble) around(ctx context.Context, call func() error) error {
	t.mu.Lock()
	at := 1000
	if !t.calm {
		at = t.dice.IntN(1000)
	}
	t.mu.Unlock()
	mayDie := ctx.Value(mortal{}) != nil
	switch {
	case at < 3 && mayDie:
		t.tally.add("a function is killed before a write")
		panic(killed{})
	case at < 6 && mayDie:
		_ = call()
		t.tally.add("a function is killed after a write")
		panic(killed{})
	case at < 8:
		t.tally.add("a write is refused")
		return errLost
	case at < 10:
		t.tally.add("the answer to a write is lost")
		return errors.Join(call(), errLost)
	}
	return call()
}

// ledgerStore is the ledger's store in trouble.
type ledgerStore struct {
	charge.Store
	*trouble
}

// Record implements charge.Store. Where its answer is lost it is tried again after a
// while of real time, so that is rare.
func (s ledgerStore) Record(ctx context.Context, c charge.Change) (standing charge.Charge, applied bool, err error) {
	err = s.around(ctx, func() error {
		standing, applied, err = s.Store.Record(ctx, c)
		return err
	})
	return standing, applied, err
}

// watched is the store of subscriptions in trouble. It sees what becomes of cycles.
type watched struct {
	subscription.Store
	*trouble
	bank *bank

	mu    sync.Mutex
	doing string                               // what is being done
	last  map[string]subscription.Subscription // as it was written last
	why   map[charge.Cycle]string              // why a cycle that is over was not charged
	told  map[string]subscription.State        // in which state it was when others were told of it last
}

// Create implements subscription.Store.
func (w *watched) Create(ctx context.Context, s subscription.Subscription) (subscription.Subscription, bool, error) {
	standing, created, err := w.Store.Create(ctx, s)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last[s.ID] = standing
	return standing, created, err
}

// Write implements subscription.Store.
func (w *watched) Write(ctx context.Context, s subscription.Subscription) (written subscription.Subscription, err error) {
	err = w.around(ctx, func() error {
		if written, err = w.Store.Write(ctx, s); err == nil {
			w.see(written)
		}
		return err
	})
	return written, err
}

// Claim implements subscription.Store.
func (w *watched) Claim(ctx context.Context, s subscription.Subscription, claim charge.Charge) (standing charge.Charge, won bool, err error) {
	err = w.around(ctx, func() error {
		if standing, won, err = w.Store.Claim(ctx, s, claim); won {
			w.holdTo(s, claim.CreatedAt)
			s.Revision++
			w.see(s)
		}
		return err
	})
	return standing, won, err
}

// holdTo holds a claim against the terms: it is of a cycle that there is, on a day that
// may be charged, and what is charged by the calendar is on one of its dates.
func (w *watched) holdTo(s subscription.Subscription, now time.Time) {
	violate := func(format string, args ...any) {
		w.bank.mu.Lock()
		defer w.bank.mu.Unlock()
		w.bank.violate("%s is claimed "+format, append([]any{subscription.Number(s.NextCharge())}, args...)...)
	}
	days := s.Terms.Calendar
	if last := s.Terms.Cycles; last > 0 && s.Cycle > last {
		violate("of %d cycles", last)
	}
	if last := s.Terms.EndsOn; !last.IsZero() && (days.LocalDate(s.DueAt).After(last) || days.LocalDate(now.Add(-time.Hour)).After(last)) {
		violate("at %s, planned for %s, after its last day %s", now, s.DueAt, last)
	}
	if s.Attempt == 0 && s.DueAt.Equal(s.CycleAt) {
		if on := days.NotBefore(s.CycleAt); !on.At.Equal(s.CycleAt) || on.Index != s.Index {
			violate("for %s, which is no date of its calendar %+v", s.CycleAt, days)
		}
		if half := days.At(s.Index+1).At.Sub(s.CycleAt) / 2; !s.BeforeAt.IsZero() && s.CycleAt.Sub(s.BeforeAt) < half {
			violate("for %s, less than half an interval after %s", s.CycleAt, s.BeforeAt)
		}
	}
	if s.Attempt > 0 && !s.AskFirst {
		next := s.Index + 1
		for s.Missed != "" && !days.At(next).At.After(now) { // those are skipped
			next++
		}
		on, number := days.At(next), s.Cycle+s.Passed+next-s.Index
		over := s.Terms.Cycles > 0 && number > s.Terms.Cycles || !s.Terms.EndsOn.IsZero() && on.Date.After(s.Terms.EndsOn)
		if room := on.At.Add(-24 * time.Hour); !over && (s.DueAt.After(room) || now.Add(-time.Hour).After(room)) {
			violate("at %s, planned for %s, within a day of the next cycle at %s", now, s.DueAt, on.At)
		}
	}
}

// Look implements subscription.Store.
func (w *watched) Look(ctx context.Context, id string, was, next time.Time) (s subscription.Subscription, moved bool, err error) {
	err = w.around(ctx, func() error {
		s, moved, err = w.Store.Look(ctx, id, was, next)
		return err
	})
	return s, moved, err
}

// see looks at what a write makes of a subscription: a cycle that it leaves behind is
// paid, or there is a reason.
func (w *watched) see(s subscription.Subscription) {
	w.mu.Lock()
	defer w.mu.Unlock()
	before := w.last[s.ID]
	w.last[s.ID] = s
	if s.Change != "" {
		w.told[s.ID] = s.State
	}
	for _, word := range slices.Compact(append([]string{}, s.Change)) {
		if word != "" {
			w.tally.add("a subscription becomes " + word)
		}
	}
	for n := before.Cycle; n < s.Cycle; n++ {
		of := charge.Cycle{Subscription: s.ID, Number: n}
		why := ""
		switch {
		case n == before.Cycle && before.Last.Of.Number == n && w.paid(of):
			continue
		case w.doing == "resume":
			why = "skipped by /resume"
		case n > before.Cycle && before.Missed != "":
			why = "missed while it was not charging"
		case n > before.Cycle && before.State == subscription.Unpaid:
			why = "missed while it was unpaid"
		case n == before.Cycle && s.Last.Of.Number == n && s.Last.State == charge.Declined:
			why = "declined, and no room for another try"
		}
		if why == "" {
			w.bank.mu.Lock()
			w.bank.violate("cycle %d of %s is left behind by %q from %s to %s, not paid, without a reason (last charge %+v)", n, s.ID, w.doing, before.State, s.State, s.Last)
			w.bank.mu.Unlock()
		}
		w.why[of] = why
	}
}

func (w *watched) paid(of charge.Cycle) bool {
	w.bank.mu.Lock()
	defer w.bank.mu.Unlock()
	return w.bank.paid[of] > 0
}

func (w *watched) do(what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.doing = what
}

// queue loses, repeats, delays and reorders.
type queue struct {
	*trouble
	mu       sync.Mutex
	messages []delivery
}

type delivery struct {
	subscription.Message
	received int
}

var _ subscription.Queue = (*queue)(nil)

// Send implements subscription.Queue.
func (q *queue) Send(_ context.Context, messages []subscription.Message) (sent int, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i, m := range messages {
		at := 1000
		if !q.calm {
			at = q.dice.IntN(1000)
		}
		switch {
		case at < 1:
			q.tally.add("a schedule is killed half way through what is due")
			return i, fmt.Errorf("killed: %w", errLost)
		case at < 10:
			q.tally.add("a message is lost")
			continue
		case at < 40:
			q.tally.add("a message comes twice")
			q.messages = append(q.messages, delivery{Message: m})
		}
		q.messages = append(q.messages, delivery{Message: m})
	}
	return len(messages), nil
}

// take takes what is there in any order, and leaves some for later.
func (q *queue) take() []delivery {
	q.mu.Lock()
	defer q.mu.Unlock()
	all := q.messages
	q.messages = nil
	q.dice.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	now := all
	if !q.calm {
		late := len(all) / 20
		q.messages, now = append(q.messages, all[:late]...), all[late:]
	}
	return now
}

// back hands a message back, a few times.
func (q *queue) back(d delivery) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if d.received++; d.received > 3 {
		q.tally.add("a message ends as a dead letter")
		return
	}
	q.messages = append(q.messages, d)
}
