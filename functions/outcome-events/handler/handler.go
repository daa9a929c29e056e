// Package handler is what the function OutcomeEvents does: it takes the records of
// the tables' streams and tells the merchant's other systems what changed (contract,
// "Outcome events").
//
// Every change is told at least once. A record that was not told is named to Lambda,
// which comes again from it on, a bounded number of times, and then puts what is
// left of the batch into the failure bucket, records and all; `make retell` tells
// that again. So a record that can never be told holds up its shard for as long as
// the tries last, and does not vanish. It does not hold up the records behind it in
// its batch either: those are told all the same, and once more with each try, under
// the same ids. That is better than to stop there, because Lambda gives up on all of
// a batch that is left, and what was good in it would wait in the bucket for a
// person. (A crash or a time-out tells Lambda no record. Then it halves the batch,
// until the one that does it is alone.)
package handler

import (
	"cmp"
	"context"
	"log/slog"

	"github.com/aws/aws-lambda-go/events"

	"dinarfunctions/shared/dynamostore"
	"dinarfunctions/shared/eventbus"
	"dinarfunctions/shared/outcome"
	"dinarfunctions/shared/trigger"
)

// Bus is where events are told.
type Bus interface {
	// Put puts events on the bus. put has for each whether it was taken; the error
	// says why the first that was not was not.
	Put(ctx context.Context, events []outcome.Event) (put []bool, err error)
}

var _ Bus = (*eventbus.Bus)(nil)

// New returns the function. It tells bus, and logs to log.
func New(bus Bus, log *slog.Logger) trigger.Handlers {
	return trigger.Handlers{Stream: handler{bus, log}.stream, Log: log}
}

type handler struct {
	bus Bus
	log *slog.Logger
}

// stream tells what the records changed. It returns the sequence number of the first
// that was not told, empty where all were.
func (h handler) stream(ctx context.Context, records []events.DynamoDBEventRecord) (firstFailed string) {
	var all []outcome.Event
	var of []int // the record of each event
	failed := len(records)
	for i, record := range records {
		change, tells, err := read(record)
		switch {
		case err != nil:
			failed = min(failed, i)
			h.untold(ctx, record, err)
		case tells:
			for _, e := range change.Events() {
				all, of = append(all, e), append(of, i)
			}
		}
	}
	put, err := h.bus.Put(ctx, all)
	told := 0
	for i, taken := range put {
		if taken {
			told++
			continue
		}
		if err != nil { // once: all that were not taken have one cause, or the same
			h.untold(ctx, records[of[i]], err)
			err = nil
		}
		failed = min(failed, of[i])
	}
	h.log.InfoContext(ctx, "changes were told", "records", len(records), "events", len(all), "told", told)
	if failed == len(records) {
		return ""
	}
	// A record has its number. Lambda takes an answer that it cannot read for a
	// failure of the whole batch, which is what one without number has to be.
	return cmp.Or(records[failed].Change.SequenceNumber, "none")
}

// untold is how somebody hears of a change that was not told. Lambda counts no error
// for a record that is named to it, so this line is counted instead.
func (h handler) untold(ctx context.Context, record events.DynamoDBEventRecord, err error) {
	h.log.ErrorContext(ctx, "a change could not be told; it is tried again, and then kept in the failure bucket",
		"alarm", "untold", "sequence_number", record.Change.SequenceNumber, "stream", record.EventSourceArn, "error", err.Error())
}

func read(record events.DynamoDBEventRecord) (outcome.Change, bool, error) {
	return dynamostore.ReadChange(image(record.Change.OldImage), image(record.Change.NewImage))
}
