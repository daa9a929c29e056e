package boltstore

import (
	"context"
	"fmt"
	"time"

	"go.etcd.io/bbolt"
)

// clockKey has, in controlBucket, how far a test clock is ahead of real time.
var clockKey = []byte("clock_ahead")

// ClockAhead is how far the clock of what is kept here is ahead of real time; 0
// unless SetClockAhead said otherwise. It is kept in the same file, so that time does
// not run backwards over what was written under a clock that had been moved.
func (f *File) ClockAhead(ctx context.Context) (ahead time.Duration, err error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	err = f.db.View(func(tx *bbolt.Tx) error {
		value := tx.Bucket(controlBucket).Get(clockKey)
		if value == nil {
			return nil
		}
		if ahead, err = time.ParseDuration(string(value)); err != nil {
			return fmt.Errorf("the stored clock cannot be read: %w", err)
		}
		return nil
	})
	return ahead, err
}

// SetClockAhead writes down how far the clock is ahead of real time.
func (f *File) SetClockAhead(ahead time.Duration) error {
	return f.db.Update(func(tx *bbolt.Tx) error {
		return tx.Bucket(controlBucket).Put(clockKey, []byte(ahead.String()))
	})
}
