// Package boltstore keeps the ledger and the subscriptions in one file on this
// machine, with bbolt. Subscriptions have their tokens in it whole, as they have to be
// sent: the file is for its owner alone.
//
// It is for the sandbox and for tests. Each of its stores passes the same suite as
// its sibling on DynamoDB, and no Lambda function links it: a function's disk is
// gone when the function is.
package boltstore

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// buckets are what the file has: one for each kind of thing, and its indexes.
func buckets() [][]byte {
	return slices.Concat([][]byte{chargesBucket, controlBucket, payoutsBucket, payoutsDueBucket, subscriptionsBucket, outboxBucket},
		chargeIndexes(), subscriptionIndexes())
}

// File is an open file, in which each kind of thing has its store. It is safe for
// concurrent use in one process; a second process cannot open it.
type File struct{ db *bbolt.DB }

// Open opens the store in the file at path, or creates it there. The error says
// whether the file is in use by another process or is no store.
func Open(path string) (*File, error) {
	return open(path, &bbolt.Options{Timeout: time.Second})
}

// OpenUnsynced is Open for tests that write much: the disk is not waited for, so a
// machine that stops may leave a file that cannot be read. What has been charged would
// be forgotten. Nothing but a test may use it.
func OpenUnsynced(path string) (*File, error) {
	return open(path, &bbolt.Options{Timeout: time.Second, NoSync: true})
}

func open(path string, options *bbolt.Options) (*File, error) {
	db, err := bbolt.Open(path, 0o600, options)
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, fmt.Errorf("the store %s is in use by another process; end that one, or take another store", path)
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrVersionMismatch), errors.Is(err, bolterrors.ErrChecksum):
		return nil, fmt.Errorf("the file %s is not a readable store (%w); move it away, or name another file", path, err)
	case err != nil:
		return nil, fmt.Errorf("open the store %s: %w", path, err)
	}
	err = db.Update(prepare)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("prepare the store %s: %w", path, err), db.Close())
	}
	return &File{db: db}, nil
}

// prepare makes the buckets that are not there. A file from before there were indexes
// gets them now.
func prepare(tx *bbolt.Tx) error {
	indexed := tx.Bucket(looksBucket) != nil
	for _, name := range buckets() {
		if _, err := tx.CreateBucketIfNotExists(name); err != nil {
			return err
		}
	}
	if indexed {
		return nil
	}
	return tx.Bucket(chargesBucket).ForEach(func(number, _ []byte) error {
		c, err := getCharge(tx, string(number))
		if err != nil {
			return err
		}
		return move(tx, string(number), nil, chargeEntries(c))
	})
}

// Charges is the store of charges, and of the operator's switch.
func (f *File) Charges() *Charges { return &Charges{db: f.db} }

// Subscriptions is the store of subscriptions, whose claims are written to Charges.
func (f *File) Subscriptions() *Subscriptions { return &Subscriptions{db: f.db} }

// Close ends all work with the file.
func (f *File) Close() error { return f.db.Close() }
