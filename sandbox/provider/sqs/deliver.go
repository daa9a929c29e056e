package sqs

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"

	"github.com/aws/aws-lambda-go/events"
)

// Delivered is what became of a batch.
type Delivered struct {
	// Messages were handed to the function; Failed of them come again.
	Messages, Failed int
}

// Deliver hands the messages that can be seen, at most a batch of them, to a
// function. What the function does not name in its partial batch response is
// deleted. Where it fails as a whole, or its response names what it did not get,
// every message of the batch comes again. The zero Delivered means that there was
// none.
func (q *Queue) Deliver(ctx context.Context, invoke func(ctx context.Context, event []byte) ([]byte, error)) Delivered {
	batch := q.receive()
	if len(batch) == 0 {
		return Delivered{}
	}
	event, err := json.Marshal(q.event(batch))
	if err != nil {
		panic("simulator: encode an event: " + err.Error())
	}
	answer, err := invoke(ctx, event)
	done := succeeded(batch, answer, err)
	q.remove(done)
	return Delivered{Messages: len(batch), Failed: len(batch) - len(done)}
}

// succeeded lists the messages that a function is done with (Lambda developer guide,
// "Implementing partial batch responses").
func succeeded(batch []message, answer []byte, err error) (ids []string) {
	for _, m := range batch {
		ids = append(ids, m.id)
	}
	var response events.SQSEventResponse
	if err != nil || len(answer) > 0 && json.Unmarshal(answer, &response) != nil {
		return nil
	}
	for _, failed := range response.BatchItemFailures {
		at := slices.Index(ids, failed.ItemIdentifier)
		if at < 0 {
			return nil
		}
		ids = slices.Delete(ids, at, at+1)
	}
	return ids
}

// event is what Lambda sends for a batch.
func (q *Queue) event(batch []message) events.SQSEvent {
	var event events.SQSEvent
	for _, m := range batch {
		event.Records = append(event.Records, events.SQSMessage{
			MessageId:     m.id,
			ReceiptHandle: m.id + "#" + strconv.Itoa(m.receives),
			Body:          m.body,
			Md5OfBody:     md5Of(m.body),
			Attributes: map[string]string{
				"ApproximateReceiveCount":          strconv.Itoa(m.receives),
				"SentTimestamp":                    strconv.FormatInt(m.sentAt.UnixMilli(), 10),
				"SenderId":                         "AROASANDBOX:RecurringCharge",
				"ApproximateFirstReceiveTimestamp": strconv.FormatInt(q.options.Now().UnixMilli(), 10),
			},
			MessageAttributes: map[string]events.SQSMessageAttribute{},
			EventSource:       "aws:sqs",
			EventSourceARN:    "arn:aws:sqs:eu-central-1:123456789012:sandbox-due",
			AWSRegion:         "eu-central-1",
		})
	}
	return event
}
