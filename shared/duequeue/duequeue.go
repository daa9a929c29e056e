// (This package was written on branch plumbing meanwhile and is done: do not write it again, go on with the template. Merge plumbing for go.mod.)

// Package duequeue is the queue of what is due (DUE_QUEUE_URL), in SQS: the schedule
// puts messages on it, and each wakes RecurringCharge to look at one subscription. See
// contract, "Schedules and queue".
//
// Nothing about money rests on it. A message may get lost, come twice, late or out of
// order: it only makes somebody look, and what is due stays due until it was charged.
package duequeue

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/cenkalti/backoff/v5"
	"github.com/go-json-experiment/json"

	"dinarfunctions/shared/subscription"
)

const (
	// maxEntries is the most that one call takes. Ten messages of at most 150 bytes
	// are far below the bytes that it takes (256 KiB, and 1 MiB since 2025), so they
	// are packed by count alone; maxBody holds that.
	maxEntries = 10
	maxBody    = 1024
	// tries is how often a message is sent that SQS refuses for itself alone. Whole
	// calls are tried again by the SDK.
	tries = 3
)

// API is what the queue needs of SQS; *sqs.Client has it.
type API interface {
	SendMessageBatch(context.Context, *sqs.SendMessageBatchInput, ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error)
}

// Queue is one queue. It is safe for concurrent use.
type Queue struct {
	api API
	url string
}

var (
	_ subscription.Queue = (*Queue)(nil)
	_ API                = (*sqs.Client)(nil)
)

// New returns the queue at a URL. It calls nothing.
func New(api API, url string) *Queue { return &Queue{api, url} }

// Send implements subscription.Queue. It calls SQS once for ten messages. A batch that
// fails keeps none of the others off the queue.
func (q *Queue) Send(ctx context.Context, messages []subscription.Message) (sent int, err error) {
	var faults []error
	for first := 0; first < len(messages); first += maxEntries {
		n, err := q.sendBatch(ctx, messages[first:min(first+maxEntries, len(messages))])
		sent += n
		if err != nil {
			faults = append(faults, err)
		}
	}
	if len(faults) > 0 {
		err = fmt.Errorf("%d of %d messages could not be put on the queue %s: %w", len(messages)-sent, len(messages), q.url, errors.Join(faults...))
	}
	return sent, err
}

// errRefused: SQS took the call and refused some of its messages.
var errRefused = errors.New("SQS refused a message")

// sendBatch sends at most ten messages, and those again that SQS refused for a fault of
// its own.
func (q *Queue) sendBatch(ctx context.Context, messages []subscription.Message) (sent int, err error) {
	entries := make([]types.SendMessageBatchRequestEntry, len(messages))
	for i, m := range messages {
		body, err := text(m)
		if err != nil {
			return 0, err
		}
		entries[i] = types.SendMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), MessageBody: &body}
	}
	return backoff.Retry(ctx, func() (int, error) {
		out, err := q.api.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: &q.url, Entries: entries})
		if err != nil {
			return sent, backoff.Permanent(err) // the SDK has tried again
		}
		sent += len(out.Successful)
		entries, err = left(entries, out.Failed)
		return sent, err
	}, backoff.WithMaxTries(tries))
}

// left is what is worth sending again, and the first refusal.
func left(entries []types.SendMessageBatchRequestEntry, failed []types.BatchResultErrorEntry) (again []types.SendMessageBatchRequestEntry, err error) {
	if len(failed) == 0 {
		return nil, nil
	}
	hopeless := true
	for _, f := range failed {
		err = errors.Join(err, fmt.Errorf("%w: %s", errRefused, aws.ToString(f.Code)))
		hopeless = hopeless && f.SenderFault
		for _, e := range entries {
			if aws.ToString(e.Id) == aws.ToString(f.Id) && !f.SenderFault {
				again = append(again, e)
			}
		}
	}
	if hopeless {
		err = backoff.Permanent(err)
	}
	return again, err
}

// body is a message as it is on the queue.
type body struct {
	Subscription *string `json:"subscription"`
	Cycle        *int    `json:"cycle"`
	Attempt      *int    `json:"attempt"`
}

func text(m subscription.Message) (string, error) {
	out, err := json.Marshal(body{&m.Subscription, &m.Cycle, &m.Attempt})
	if err != nil {
		return "", fmt.Errorf("write the message about subscription %s: %w", m.Subscription, err)
	}
	return string(out), nil
}

// ErrUnreadable: the body of a message is not what this bundle puts on the queue.
var ErrUnreadable = errors.New(`the message is not {"subscription": …, "cycle": …, "attempt": …}`)

// Read reads the body of a message. It wraps ErrUnreadable, and does not repeat the
// body.
func Read(text string) (subscription.Message, error) {
	var b body
	if len(text) > maxBody {
		return subscription.Message{}, fmt.Errorf("%w: it is too long", ErrUnreadable)
	}
	switch err := json.Unmarshal([]byte(text), &b, json.RejectUnknownMembers(true)); {
	case err != nil:
		return subscription.Message{}, ErrUnreadable
	case b.Subscription == nil || *b.Subscription == "" || b.Cycle == nil || *b.Cycle < 1 || b.Attempt == nil || *b.Attempt < 0:
		return subscription.Message{}, fmt.Errorf("%w: a field is missing, or no cycle's", ErrUnreadable)
	}
	return subscription.Message{Subscription: *b.Subscription, Cycle: *b.Cycle, Attempt: *b.Attempt}, nil
}
