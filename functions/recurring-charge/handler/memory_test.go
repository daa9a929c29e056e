package handler_test

import (
	"cmp"
	"context"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/subscription"
)

// memory is both stores, over the moves of the domain, in memory.
type memory struct {
	mu            sync.Mutex
	charges       map[string]charge.Charge
	subscriptions map[string]subscription.Subscription
	set           charge.Switch
}

func newMemory() *memory {
	return &memory{
		charges: map[string]charge.Charge{}, subscriptions: map[string]subscription.Subscription{},
		set: charge.Switch{Mode: charge.Live},
	}
}

func (m *memory) Charges() charge.Store             { return memoryCharges{m} }
func (m *memory) Subscriptions() subscription.Store { return memorySubscriptions{m} }
func (m *memory) Close() error                      { return nil }

type memoryCharges struct{ *memory }

func (m memoryCharges) get(number string) *charge.Charge {
	if c, ok := m.charges[number]; ok {
		return &c
	}
	return nil
}

func (m memoryCharges) Claim(_ context.Context, claim charge.Charge) (charge.Charge, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.claim(claim)
}

func (m memoryCharges) claim(claim charge.Charge) (charge.Charge, bool, error) {
	c, won := charge.Claim(m.get(claim.Order.Number), claim)
	m.charges[claim.Order.Number] = c
	return c, won, nil
}

func (m memoryCharges) Record(_ context.Context, change charge.Change) (charge.Charge, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	found := m.get(change.Number)
	if found == nil {
		return charge.Charge{}, false, charge.ErrNotFound
	}
	c, applied := found.Apply(change)
	m.charges[change.Number] = c
	return c, applied, nil
}

func (m memoryCharges) Dispute(_ context.Context, number, word string, at time.Time) (charge.Charge, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	found := m.get(number)
	if found == nil {
		return charge.Charge{}, false, charge.ErrNotFound
	}
	c, noted := found.Dispute(word, at)
	m.charges[number] = c
	return c, noted, nil
}

func (m memoryCharges) Look(_ context.Context, number string, was, next time.Time) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.get(number)
	if c == nil || !c.LookAt.Equal(was) {
		return false, nil
	}
	c.LookAt = next
	m.charges[number] = *c
	return true, nil
}

func (m memoryCharges) LookNow(_ context.Context, number string, at time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.get(number)
	if c == nil {
		return charge.ErrNotFound
	}
	if c.LookAt.IsZero() || c.LookAt.After(at) {
		c.LookAt = at
		m.charges[number] = *c
	}
	return nil
}

func (m memoryCharges) Due(_ context.Context, now time.Time) iter.Seq2[charge.Due, error] {
	m.mu.Lock()
	defer m.mu.Unlock()
	var due []charge.Due
	for number, c := range m.charges {
		if !c.LookAt.IsZero() && !c.LookAt.After(now) {
			due = append(due, charge.Due{Number: number, At: c.LookAt})
		}
	}
	slices.SortFunc(due, func(a, b charge.Due) int { return a.At.Compare(b.At) })
	return func(yield func(charge.Due, error) bool) {
		for _, d := range due {
			if !yield(d, nil) {
				return
			}
		}
	}
}

func (m memoryCharges) Open(_ context.Context, states []charge.State, after charge.Place, limit int) (found []charge.Charge, more *charge.Place, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	compare := func(a, b charge.Place) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.Number, b.Number))
	}
	place := func(c charge.Charge) charge.Place {
		return charge.Place{CreatedAt: c.CreatedAt, Number: c.Order.Number}
	}
	for _, c := range m.charges {
		if slices.Contains(states, c.State) && compare(place(c), after) > 0 {
			found = append(found, c)
		}
	}
	slices.SortFunc(found, func(a, b charge.Charge) int { return compare(place(a), place(b)) })
	if len(found) > limit {
		found = found[:limit]
		last := place(found[limit-1])
		more = &last
	}
	return found, more, nil
}

func (m memoryCharges) OfSubscription(_ context.Context, id string, after charge.Cycle, limit int) (found []charge.Charge, more *charge.Cycle, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	compare := func(a, b charge.Cycle) int {
		return cmp.Or(cmp.Compare(a.Number, b.Number), cmp.Compare(a.Attempt, b.Attempt))
	}
	for _, c := range m.charges {
		if c.For.Subscription == id && (after.Number == 0 || compare(c.For, after) > 0) {
			found = append(found, c)
		}
	}
	slices.SortFunc(found, func(a, b charge.Charge) int { return compare(a.For, b.For) })
	if len(found) > limit {
		found = found[:limit]
		more = &found[limit-1].For
	}
	return found, more, nil
}

func (m memoryCharges) PaymentOwner(_ context.Context, paymentID string) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for number, c := range m.charges {
		if strings.EqualFold(c.PaymentID, paymentID) {
			return number, nil
		}
	}
	return "", nil
}

func (m memoryCharges) Switch(context.Context) (charge.Switch, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.set, nil
}

func (m memoryCharges) SetSwitch(_ context.Context, s charge.Switch) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.set = s
	return nil
}

func (m memoryCharges) Get(_ context.Context, number string) (charge.Charge, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if c := m.get(number); c != nil {
		return *c, nil
	}
	return charge.Charge{}, charge.ErrNotFound
}

type memorySubscriptions struct{ *memory }

func (m memorySubscriptions) Create(_ context.Context, s subscription.Subscription) (subscription.Subscription, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if found, ok := m.subscriptions[s.ID]; ok {
		return found, false, nil
	}
	s.Revision = 1
	m.subscriptions[s.ID] = s
	return s, true, nil
}

func (m memorySubscriptions) Write(_ context.Context, s subscription.Subscription) (subscription.Subscription, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.write(s)
}

func (m memorySubscriptions) write(s subscription.Subscription) (subscription.Subscription, error) {
	if m.subscriptions[s.ID].Revision != s.Revision {
		return s, subscription.ErrChanged
	}
	s.Revision++
	m.subscriptions[s.ID] = s
	return s, nil
}

func (m memorySubscriptions) Claim(_ context.Context, s subscription.Subscription, claim charge.Charge) (charge.Charge, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.subscriptions[s.ID].Revision != s.Revision {
		return charge.Charge{}, false, subscription.ErrChanged
	}
	c, won, err := memoryCharges(m).claim(claim)
	if err == nil && won {
		_, err = m.write(s)
	}
	return c, won, err
}

func (m memorySubscriptions) Look(_ context.Context, id string, was, next time.Time) (subscription.Subscription, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.subscriptions[id]
	if !s.LookAt.Equal(was) || was.IsZero() {
		return s, false, nil
	}
	s.LookAt = next
	m.subscriptions[id] = s
	return s, true, nil
}

func (m memorySubscriptions) Due(_ context.Context, now time.Time) iter.Seq2[subscription.Due, error] {
	m.mu.Lock()
	defer m.mu.Unlock()
	var due []subscription.Due
	for id, s := range m.subscriptions {
		if !s.LookAt.IsZero() && !s.LookAt.After(now) {
			due = append(due, subscription.Due{ID: id, At: s.LookAt})
		}
	}
	slices.SortFunc(due, func(a, b subscription.Due) int { return a.At.Compare(b.At) })
	return func(yield func(subscription.Due, error) bool) {
		for _, d := range due {
			if !yield(d, nil) {
				return
			}
		}
	}
}

func (m memorySubscriptions) List(_ context.Context, state subscription.State, after subscription.Place, limit int) (found []subscription.Subscription, more *subscription.Place, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	place := func(s subscription.Subscription) subscription.Place {
		return subscription.Place{CreatedAt: s.CreatedAt, ID: s.ID}
	}
	compare := func(a, b subscription.Place) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	}
	for s := range maps.Values(m.subscriptions) {
		if (state == "" || s.State == state) && compare(place(s), after) > 0 {
			found = append(found, s)
		}
	}
	slices.SortFunc(found, func(a, b subscription.Subscription) int { return compare(place(a), place(b)) })
	if len(found) > limit {
		found = found[:limit]
		last := place(found[limit-1])
		more = &last
	}
	return found, more, nil
}

func (m memorySubscriptions) Get(_ context.Context, id string) (subscription.Subscription, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s, ok := m.subscriptions[id]; ok {
		return s, nil
	}
	return subscription.Subscription{}, subscription.ErrNotFound
}
