// Package clock is the sandbox's clock, which can be moved: a year of billing takes
// a second. It tells real time plus an offset, and never runs backwards.
//
// Mover moves it from one due time to the next, so that everything happens at its
// time and nothing is skipped. Whoever is at work while the clock is moved sees what
// a function sees that was frozen meanwhile.
package clock

import (
	"fmt"
	"sync"
	"time"
)

// Clock tells real time plus an offset. It may be used by many goroutines.
type Clock struct {
	real func() time.Time
	keep func(time.Duration) error

	mu     sync.Mutex
	offset time.Duration
}

// New makes a clock that is ahead of real time by offset. keep writes each new
// offset down before it counts, so that a later start can go on from there; nil for
// a clock that nobody remembers.
func New(offset time.Duration, keep func(time.Duration) error) *Clock {
	if keep == nil {
		keep = func(time.Duration) error { return nil }
	}
	return &Clock{real: time.Now, keep: keep, offset: offset}
}

// Now is the time in UTC.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now()
}

func (c *Clock) now() time.Time { return c.real().Round(0).Add(c.offset).UTC() }

// Ahead is how far the clock is ahead of real time.
func (c *Clock) Ahead() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.offset
}

// Reach moves the clock on to a time. Where it is later already, it stays.
func (c *Clock) Reach(to time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	by := to.Sub(c.now())
	if by <= 0 {
		return nil
	}
	if err := c.keep(c.offset + by); err != nil {
		return fmt.Errorf("the clock stays where it is: %w", err)
	}
	c.offset += by
	return nil
}
