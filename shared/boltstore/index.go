package boltstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"go.etcd.io/bbolt"

	"dinarfunctions/shared/unreadable"
)

// entry is a thing's place in an index: a bucket whose keys are in its order and
// whose values are ids. Every write of a thing moves its entries in the same
// transaction, so an index never is behind.
type entry struct {
	bucket []byte
	key    string
}

// timeFormat is in the order of time when sorted as text.
const timeFormat = "2006-01-02T15:04:05.000000000Z"

// timeKey is the key of an id at a time: in the order of time, and then of id.
func timeKey(at time.Time, id string) string { return at.UTC().Format(timeFormat) + "#" + id }

// timeOf is the time that a timeKey begins with.
func timeOf(key []byte) (time.Time, error) {
	at, err := time.Parse(timeFormat, string(key[:min(len(key), len(timeFormat))]))
	if err != nil {
		return time.Time{}, fmt.Errorf("an index entry cannot be read: %w", err)
	}
	return at, nil
}

// move takes a thing's entries from where it was to where it is.
func move(tx *bbolt.Tx, id string, before, after []entry) error {
	for _, e := range before {
		if slices.ContainsFunc(after, e.equal) {
			continue
		}
		if err := tx.Bucket(e.bucket).Delete([]byte(e.key)); err != nil {
			return err
		}
	}
	for _, e := range after {
		if slices.ContainsFunc(before, e.equal) {
			continue
		}
		if err := tx.Bucket(e.bucket).Put([]byte(e.key), []byte(id)); err != nil {
			return err
		}
	}
	return nil
}

func (e entry) equal(other entry) bool {
	return e.key == other.key && bytes.Equal(e.bucket, other.bucket)
}

// from goes through an index from the first key that is not before one.
func from(tx *bbolt.Tx, bucket []byte, key string) iter.Seq2[[]byte, string] {
	return func(yield func([]byte, string) bool) {
		cursor := tx.Bucket(bucket).Cursor()
		for k, id := cursor.Seek([]byte(key)); k != nil; k, id = cursor.Next() {
			if !yield(k, string(id)) {
				return
			}
		}
	}
}

// idOf is the id that a timeKey ends with.
func idOf(key []byte) string {
	_, id, _ := strings.Cut(string(key), "#")
	return id
}

// list goes through an index of timeKeys from behind a key, until limit things are in
// the page, and says behind which key to go on if there is more. take reports whether a
// thing belongs into the list, and takes it into the page unless that is full. One that
// cannot be read takes its place in the page.
func list(tx *bbolt.Tx, bucket []byte, behind string, left *[]*unreadable.Error, limit int,
	take func(id string, full bool) (bool, error), more func(last []byte) error,
) error {
	taken := 0
	var last []byte
	for key, id := range from(tx, bucket, behind+"\x00") {
		belongs, err := take(id, taken == limit)
		e := unreadable.Of(err)
		switch {
		case err != nil && e == nil:
			return err
		case taken == limit && (belongs || e != nil):
			return more(last)
		case e != nil:
			*left = append(*left, e)
			taken++
		case belongs:
			taken++
		}
		last = key
	}
	return nil
}

// inAnother reports whether a record that cannot be read as a whole says that it is in
// another state than the one that is asked for ("" for all), of those that are known.
func inAnother[S ~string](tx *bbolt.Tx, bucket []byte, id string, asked S, known []S) bool {
	var r struct {
		State S `json:"state"`
	}
	err := json.Unmarshal(tx.Bucket(bucket).Get([]byte(id)), &r)
	return asked != "" && err == nil && r.State != asked && slices.Contains(known, r.State)
}

// garbled is the error of a record that is no JSON of this version. It names the
// member that is wrong, and not what stands there.
func garbled(kind unreadable.Kind, key string, err error) *unreadable.Error {
	e := &unreadable.Error{Kind: kind, Key: key, What: "it is no record of this version"}
	if wrong, ok := errors.AsType[*json.SemanticError](err); ok && wrong.JSONPointer != "" {
		e.What = string(wrong.JSONPointer) + " is of another type"
	}
	return e
}

// duePage is how many due entries are read at a time. Between two pages there is no
// transaction: who goes through what is due also writes.
const duePage = 100

// dueUntil goes through an index of times up to one, each id once, although an id may
// be moved on meanwhile to where it would come by again.
func dueUntil[D any](ctx context.Context, db *bbolt.DB, bucket []byte, now time.Time, dueOf func(id string, at time.Time) D) iter.Seq2[D, error] {
	return func(yield func(D, error) bool) {
		var none D
		if err := ctx.Err(); err != nil {
			yield(none, err)
			return
		}
		seen := map[string]bool{}
		next := ""
		for more := true; more; {
			var found []D
			err := db.View(func(tx *bbolt.Tx) error {
				more = false
				for key := range from(tx, bucket, next) {
					at, err := timeOf(key)
					if err != nil || at.After(now) {
						return err
					}
					if len(found) == duePage {
						more = true
						return nil
					}
					next = string(key) + "\x00" // behind this one
					// Not the value: payouts of an older file have none here.
					_, id, _ := strings.Cut(string(key), "#")
					if !seen[id] {
						seen[id] = true
						found = append(found, dueOf(id, at))
					}
				}
				return nil
			})
			if err != nil {
				yield(none, err)
				return
			}
			for _, d := range found {
				if !yield(d, nil) {
					return
				}
			}
		}
	}
}
