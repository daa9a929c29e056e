package boltstore

import (
	"context"
	"time"

	"go.etcd.io/bbolt"
)

// NextLook is the earliest time after another at which a charge is to be looked at,
// if any: where a test clock can be moved to, so that nothing is skipped.
func (s *Charges) NextLook(ctx context.Context, after time.Time) (at time.Time, any bool, err error) {
	return nextLook(ctx, s.db, looksBucket, after)
}

// NextLook is the earliest time after another at which a subscription is to be looked
// at, if any.
func (s *Subscriptions) NextLook(ctx context.Context, after time.Time) (at time.Time, any bool, err error) {
	return nextLook(ctx, s.db, dueBucket, after)
}

// NextLook is the earliest time after another at which a payout is to be looked at,
// if any.
func (s *Payouts) NextLook(ctx context.Context, after time.Time) (at time.Time, any bool, err error) {
	return nextLook(ctx, s.db, payoutsDueBucket, after)
}

// nextLook reads the first entry behind a time of an index whose keys are as timeKey
// makes them.
func nextLook(ctx context.Context, db *bbolt.DB, bucket []byte, after time.Time) (at time.Time, any bool, err error) {
	if err := ctx.Err(); err != nil {
		return at, false, err
	}
	err = db.View(func(tx *bbolt.Tx) error {
		const behindEveryID = "\xff"
		for key := range from(tx, bucket, timeKey(after, behindEveryID)) {
			at, err = timeOf(key)
			any = err == nil
			return err
		}
		return nil
	})
	return at, any, err
}
