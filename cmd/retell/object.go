package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/aws/aws-lambda-go/events"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// maxObject is more than Lambda writes: its events have 6 MB at most, and a text in
// JSON can take twice that.
const maxObject = 32 << 20

// object is what is used of what Lambda writes to an S3 destination (Lambda developer
// guide, "Retain discarded records for a DynamoDB event source"): a document about the
// failed invocation, whose payload is the event that the function was invoked with, as
// a text of JSON. The object itself is taken too, should it ever come so.
type object struct {
	Payload jsontext.Value `json:"payload"`
}

// readBatch reads the event out of an object, and how many records it has.
func readBatch(r io.Reader) (batch []byte, records int, err error) {
	text, err := io.ReadAll(io.LimitReader(r, maxObject))
	if err != nil {
		return nil, 0, fmt.Errorf("read it: %w", err)
	}
	var o object
	// The decoder's own errors would quote what it read.
	if err := json.Unmarshal(text, &o); err != nil || len(o.Payload) == 0 {
		return nil, 0, errors.New("it is no document about a failed invocation with its payload")
	}
	batch = o.Payload
	if o.Payload.Kind() == jsontext.KindString {
		var inner string
		if err := json.Unmarshal(o.Payload, &inner); err != nil {
			return nil, 0, errors.New("its payload is no text")
		}
		batch = []byte(inner)
	}
	var event struct {
		Records []jsontext.Value `json:"Records"`
	}
	if err := json.Unmarshal(batch, &event); err != nil || len(event.Records) == 0 {
		return nil, 0, errors.New("its payload has no records")
	}
	return batch, len(event.Records), nil
}

// allTold reads what the function answers about a batch.
func allTold(answer []byte) error {
	var response events.DynamoDBEventResponse
	if err := json.Unmarshal(answer, &response); err != nil {
		return errors.New("the function's answer is not about a batch")
	}
	if len(response.BatchItemFailures) > 0 {
		return fmt.Errorf("not all of it was told, from sequence number %s on", response.BatchItemFailures[0].ItemIdentifier)
	}
	return nil
}
