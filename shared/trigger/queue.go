package trigger

import (
	"context"
	"errors"
	"log/slog"
	"slices"

	"github.com/aws/aws-lambda-go/events"
	"github.com/go-json-experiment/json"
)

// Message is one message of a queue.
type Message struct {
	// ID is SQS's own, of this message.
	ID   string
	Body string
}

// serveQueue answers as Lambda wants it of a batch whose failures are reported
// (Lambda developer guide, "Implementing partial batch responses"). An id that is not
// in the batch would fail all of it, so none but the batch's own is answered.
func (h Handlers) serveQueue(ctx context.Context, payload []byte) ([]byte, []slog.Attr, error) {
	var event events.SQSEvent
	if err := json.Unmarshal(payload, &event); err != nil {
		// The error itself would quote values.
		return nil, nil, errors.New("the batch of the queue is not as Lambda writes it")
	}
	told := []slog.Attr{slog.Int("messages", len(event.Records))}
	messages := make([]Message, len(event.Records))
	for i, r := range event.Records {
		if r.EventSource != sourceQueue || r.MessageId == "" {
			return nil, told, errors.New("the batch of the queue has a record that is no message of a queue")
		}
		messages[i] = Message{ID: r.MessageId, Body: r.Body}
	}
	var failed []string
	if !h.guard(ctx, func() { failed = h.Queue(ctx, messages) }) {
		return nil, told, errors.New("the queue's handler panicked; the log line before this one says where")
	}
	answer := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
	for _, m := range messages {
		if slices.Contains(failed, m.ID) {
			answer.BatchItemFailures = append(answer.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: m.ID})
		}
	}
	out, err := json.Marshal(answer)
	return out, append(told, slog.Int("failed", len(answer.BatchItemFailures))), err
}
