package trigger

import (
	"context"
	"errors"
	"log/slog"

	"github.com/aws/aws-lambda-go/events"
	"github.com/go-json-experiment/json"
)

// serveStream answers as Lambda wants it of a batch whose failures are reported.
func (h Handlers) serveStream(ctx context.Context, payload []byte) ([]byte, []slog.Attr, error) {
	var event events.DynamoDBEvent
	if err := json.Unmarshal(payload, &event); err != nil {
		// The error itself would quote values.
		return nil, nil, errors.New("the batch of the DynamoDB stream is not as Lambda writes it")
	}
	told := []slog.Attr{slog.Int("records", len(event.Records))}
	var failed string
	if !h.guard(ctx, func() { failed = h.Stream(ctx, event.Records) }) {
		return nil, told, errors.New("the stream's handler panicked; the log line before this one says where")
	}
	answer := events.DynamoDBEventResponse{BatchItemFailures: []events.DynamoDBBatchItemFailure{}}
	if failed != "" {
		answer.BatchItemFailures = append(answer.BatchItemFailures, events.DynamoDBBatchItemFailure{ItemIdentifier: failed})
		told = append(told, slog.String("first_failed", failed))
	}
	out, err := json.Marshal(answer)
	return out, told, err
}
