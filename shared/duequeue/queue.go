// Package duequeue puts messages about due subscriptions on an SQS queue
// (DUE_QUEUE_URL), and reads those that come from there. A message is
//
//	{"subscription": "gold-42", "cycle": 7, "attempt": 0}
//
// Sending may repeat: an answer that is lost, here or between the SDK and SQS, makes
// the same message stand on the queue twice, and the queue itself delivers at least
// once. That is harmless, because a message only asks to look (subscription.Message).
// So what is not certainly on the queue may always be sent again.
//
// How often and for how long a request is tried is up to the client that New is given
// (shared/awsconfig bounds both).
package duequeue

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"dinarfunctions/shared/subscription"
)

const (
	// maxEntries is how many messages SQS takes in one request.
	maxEntries = 10
	// maxBytes is how many bytes their bodies have in all. SQS took 256 KiB, and takes
	// 1 MiB since 2025; ten of our messages are far below either, and the smaller one
	// is right everywhere.
	maxBytes = 256 << 10
	// rounds is how often a message is sent that SQS itself could not take.
	rounds = 3
	// firstWait is the most that is waited before the second round; before the third
	// it is twice as much.
	firstWait = 200 * time.Millisecond
)

// API is what the queue needs of SQS; *sqs.Client has it.
type API interface {
	SendMessageBatch(context.Context, *sqs.SendMessageBatchInput, ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error)
}

var _ API = (*sqs.Client)(nil)

// Queue is the queue of due subscriptions. It is safe for concurrent use.
type Queue struct {
	api  API
	url  string
	wait func(context.Context, time.Duration) error
}

var _ subscription.Queue = (*Queue)(nil)

// New returns the queue at a URL. It calls nothing.
func New(api API, url string) *Queue { return &Queue{api: api, url: url, wait: wait} }

// Send puts messages on the queue, in as few requests as they fit in. sent is how many
// are certainly there. With fewer than all there is an error, which says how many are
// missing and why; it is context's if that ended first.
//
// A message that SQS refuses for its content is not sent again, one that it could not
// take is, twice. After a request that failed as a whole nothing more is sent: the
// client has repeated it already, and the next ones would fare no better.
func (q *Queue) Send(ctx context.Context, messages []subscription.Message) (sent int, err error) {
	var refused error
	for _, batch := range pack(messages) {
		n, err := q.send(ctx, batch)
		sent += n
		var failed *requestError
		switch {
		case errors.As(err, &failed):
			return sent, notSent(len(messages)-sent, len(messages), err)
		case err != nil && refused == nil:
			refused = err
		}
	}
	if refused != nil {
		return sent, notSent(len(messages)-sent, len(messages), refused)
	}
	return sent, nil
}

func notSent(missing, all int, why error) error {
	return fmt.Errorf("%d of %d messages may not be on the queue of what is due: %w", missing, all, why)
}

// requestError is a request that failed as a whole, or was not made for lack of time.
type requestError struct{ err error }

func (e *requestError) Error() string { return e.err.Error() }
func (e *requestError) Unwrap() error { return e.err }

// send sends one batch, and again what SQS could not take of it.
func (q *Queue) send(ctx context.Context, batch []types.SendMessageBatchRequestEntry) (sent int, err error) {
	var refused, failed error
	for round := range rounds {
		if round > 0 {
			if err := q.wait(ctx, firstWait<<(round-1)); err != nil {
				return sent, &requestError{errors.Join(failed, err)}
			}
		}
		answer, err := q.api.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: &q.url, Entries: batch})
		if err != nil {
			return sent, &requestError{err}
		}
		taken, faults := outcomes(answer)
		var again []types.SendMessageBatchRequestEntry
		for _, entry := range batch {
			fault, isFault := faults[*entry.Id]
			switch {
			case isFault && fault.SenderFault:
				refused = fmt.Errorf("SQS refuses a message: %s", aws.ToString(fault.Code))
			case isFault:
				failed = fmt.Errorf("SQS could not take a message: %s", aws.ToString(fault.Code))
				again = append(again, entry)
			case taken[*entry.Id]:
				sent++
			default:
				failed = errors.New("SQS did not say what became of a message")
				again = append(again, entry)
			}
		}
		if batch = again; len(batch) == 0 {
			return sent, refused
		}
	}
	return sent, errors.Join(refused, failed)
}

// outcomes are what an answer says of each entry, by its id.
func outcomes(answer *sqs.SendMessageBatchOutput) (taken map[string]bool, faults map[string]types.BatchResultErrorEntry) {
	taken, faults = make(map[string]bool), make(map[string]types.BatchResultErrorEntry)
	for _, entry := range answer.Successful {
		taken[aws.ToString(entry.Id)] = true
	}
	for _, entry := range answer.Failed {
		faults[aws.ToString(entry.Id)] = entry
	}
	return taken, faults
}

// pack makes batches that SQS takes, in the messages' order. An entry's id is its
// place in all of them, so that it is its own also where the same message comes twice.
func pack(messages []subscription.Message) (batches [][]types.SendMessageBatchRequestEntry) {
	var batch []types.SendMessageBatchRequestEntry
	size := 0
	for i, m := range messages {
		body := encode(m)
		if len(batch) == maxEntries || len(batch) > 0 && size+len(body) > maxBytes {
			batches = append(batches, batch)
			batch, size = nil, 0
		}
		batch = append(batch, types.SendMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), MessageBody: &body})
		size += len(body)
	}
	if len(batch) > 0 {
		batches = append(batches, batch)
	}
	return batches
}

// wait waits for at most so long, and not at all longer than the context lasts.
func wait(ctx context.Context, most time.Duration) error {
	timer := time.NewTimer(rand.N(most)) //nolint:gosec // jitter, not a secret
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
