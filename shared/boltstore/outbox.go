package boltstore

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"go.etcd.io/bbolt"

	"dinarfunctions/shared/outcome"
)

// outboxBucket has what others are told, written in the transaction of the change that
// it tells: the sibling of a DynamoDB stream. Its keys count from 1.
var outboxBucket = []byte("outbox")

// Told is an event in the order in which its change was written.
type Told struct {
	// Number counts the events of the file from 1.
	Number uint64
	outcome.Event
}

type toldRecord struct {
	ID         string         `json:"id"`
	DetailType string         `json:"detail_type"`
	OccurredAt time.Time      `json:"occurred_at"`
	Detail     jsontext.Value `json:"detail"`
}

// tell puts the events of a change into the outbox.
func tell(tx *bbolt.Tx, change outcome.Change, err error) error {
	if err != nil {
		return err
	}
	outbox := tx.Bucket(outboxBucket)
	for _, e := range change.Events() {
		number, err := outbox.NextSequence()
		if err != nil {
			return err
		}
		value, err := json.Marshal(toldRecord{e.ID, e.DetailType, e.OccurredAt.UTC(), e.Detail})
		if err != nil {
			return fmt.Errorf("write the event %s: %w", e.ID, err)
		}
		if err := outbox.Put(outboxKey(number), value); err != nil {
			return err
		}
	}
	return nil
}

func outboxKey(number uint64) []byte { return binary.BigEndian.AppendUint64(nil, number) }

// Events lists what others are told: at most limit events, from behind a number on.
func (f *File) Events(ctx context.Context, after uint64, limit int) (events []Told, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	err = f.db.View(func(tx *bbolt.Tx) error {
		at := tx.Bucket(outboxBucket).Cursor()
		for key, value := at.Seek(outboxKey(after + 1)); key != nil && len(events) < limit; key, value = at.Next() {
			var r toldRecord
			if err := json.Unmarshal(value, &r); err != nil {
				return fmt.Errorf("the stored event %d cannot be read: %w", binary.BigEndian.Uint64(key), err)
			}
			events = append(events, Told{binary.BigEndian.Uint64(key),
				outcome.Event{ID: r.ID, DetailType: r.DetailType, OccurredAt: r.OccurredAt, Detail: r.Detail}})
		}
		return nil
	})
	return events, err
}
