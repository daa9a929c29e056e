package trigger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"

	"github.com/aws/aws-lambda-go/events"
	"github.com/go-json-experiment/json"
)

// Message is one message of a queue.
type Message struct {
	ID   string // SQS's own; the same each time the message comes
	Body string
	// Receives is about how often the message has come, this time included; 0 where
	// SQS does not say.
	Receives int
}

// batchAnswer is what Lambda wants of a batch whose failures are reported (Lambda
// developer guide, "Implementing partial batch responses" of SQS and of DynamoDB). The
// list is there when it is empty: then all is done. An identifier that is empty, or not
// of the batch, would fail the whole batch.
type batchAnswer struct {
	BatchItemFailures []batchFailure `json:"batchItemFailures"`
}

type batchFailure struct {
	ItemIdentifier string `json:"itemIdentifier"`
}

// serveQueue answers with the ids of the messages that have to come again. An error
// brings all of them again, as a panic does: a message that is taken for done and is
// not would be lost.
func (h Handlers) serveQueue(ctx context.Context, payload []byte) ([]byte, []slog.Attr, error) {
	var event events.SQSEvent
	if err := decodeBatch(payload, &event); err != nil {
		return nil, nil, err
	}
	told := []slog.Attr{slog.Int("records", len(event.Records))}
	messages := make([]Message, len(event.Records))
	ids := make([]string, len(event.Records))
	for i, r := range event.Records {
		receives, _ := strconv.Atoi(r.Attributes["ApproximateReceiveCount"])
		messages[i] = Message{ID: r.MessageId, Body: r.Body, Receives: receives}
		ids[i] = r.MessageId
	}
	if slices.Contains(ids, "") {
		return nil, told, errors.New("the batch has a message without an id, so all of it comes again")
	}
	var failed []string
	if !h.guard(ctx, func() { failed = h.Queue(ctx, messages) }) {
		return nil, told, errPanicked(kindQueue)
	}
	return answerBatch(ids, failed, told)
}

// serveStream answers with the first record that has to come again; Lambda goes on
// from there.
func (h Handlers) serveStream(ctx context.Context, payload []byte) ([]byte, []slog.Attr, error) {
	var event events.DynamoDBEvent
	if err := decodeBatch(payload, &event); err != nil {
		return nil, nil, err
	}
	told := []slog.Attr{slog.Int("records", len(event.Records))}
	ids := make([]string, len(event.Records))
	for i, r := range event.Records {
		ids[i] = r.Change.SequenceNumber
	}
	if slices.Contains(ids, "") {
		return nil, told, errors.New("the batch has a record without a sequence number, so all of it comes again")
	}
	var first string
	if !h.guard(ctx, func() { first = h.Stream(ctx, event.Records) }) {
		return nil, told, errPanicked(kindStream)
	}
	if first == "" {
		return answerBatch(ids, nil, told)
	}
	answer, told, err := answerBatch(ids, []string{first}, told)
	if err == nil { // what comes after it comes again too
		told[len(told)-1] = slog.Int("failed", len(ids)-slices.Index(ids, first))
	}
	return answer, told, err
}

// answerBatch names what failed of a batch, in its order and each once. A handler
// that names something else has lost count, and all of the batch comes again.
func answerBatch(ids, failed []string, told []slog.Attr) ([]byte, []slog.Attr, error) {
	answer := batchAnswer{BatchItemFailures: []batchFailure{}}
	for _, id := range failed {
		if !slices.Contains(ids, id) {
			return nil, told, errors.New("the handler names as failed what is not in the batch, so all of it comes again")
		}
	}
	for i, id := range ids {
		if slices.Contains(failed, id) && !slices.Contains(ids[:i], id) {
			answer.BatchItemFailures = append(answer.BatchItemFailures, batchFailure{id})
		}
	}
	text, err := json.Marshal(answer)
	return text, append(told, slog.Int("failed", len(answer.BatchItemFailures))), err
}

// decodeBatch reads a batch. The decoder's own error quotes values, ours the field
// alone.
func decodeBatch(payload []byte, into any) error {
	err := json.Unmarshal(payload, into)
	if err == nil {
		return nil
	}
	field := "an unknown field"
	if fault, ok := errors.AsType[*json.SemanticError](err); ok {
		field = string(fault.JSONPointer)
	}
	return fmt.Errorf("the batch is not as Lambda writes it: %s cannot be read", field)
}

func errPanicked(k kind) error {
	return fmt.Errorf("the %s's handler panicked; the log line before this one says where", k)
}
