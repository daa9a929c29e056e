package duequeue

import (
	"context"
	"time"
)

// NoWaits lets a queue not wait, and writes down for how long it would have.
func (q *Queue) NoWaits(waited *[]time.Duration) {
	q.wait = func(ctx context.Context, most time.Duration) error {
		*waited = append(*waited, most)
		return ctx.Err()
	}
}

// Limits of a batch, for tests.
const (
	MaxEntries = maxEntries
	MaxBytes   = maxBytes
	Rounds     = rounds
	FirstWait  = firstWait
)
