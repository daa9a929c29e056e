// Package boltstore keeps the ledger in one file on this machine, with bbolt.
//
// It is for the sandbox and for tests. Each of its stores passes the same suite as
// its sibling on DynamoDB, and no Lambda function links it: a function's disk is
// gone when the function is.
package boltstore

import (
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// buckets are what the file has, one for each kind of thing.
func buckets() [][]byte {
	return [][]byte{chargesBucket, controlBucket, payoutsBucket, payoutsDueBucket}
}

// File is an open file, in which each kind of thing has its store. It is safe for
// concurrent use in one process; a second process cannot open it.
type File struct{ db *bbolt.DB }

// Open opens the store in the file at path, or creates it there. The error says
// whether the file is in use by another process or is no store.
func Open(path string) (*File, error) {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: time.Second})
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, fmt.Errorf("the store %s is in use by another process; end that one, or name another file", path)
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrVersionMismatch), errors.Is(err, bolterrors.ErrChecksum):
		return nil, fmt.Errorf("the file %s is not a readable store (%w); move it away, or name another file", path, err)
	case err != nil:
		return nil, fmt.Errorf("open the store %s: %w", path, err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		for _, name := range buckets() {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("prepare the store %s: %w", path, err), db.Close())
	}
	return &File{db: db}, nil
}

// Charges is the store of charges, and of the operator's switch.
func (f *File) Charges() *Charges { return &Charges{db: f.db} }

// Close ends all work with the file.
func (f *File) Close() error { return f.db.Close() }
