package main

import (
	"context"
	"iter"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"dinarfunctions/sandbox/clock"
	"dinarfunctions/sandbox/gateway"
	simsqs "dinarfunctions/sandbox/provider/sqs"
)

// worker does what AWS does by itself: it wakes the functions as their schedules do,
// and hands the queue's messages over.
type worker struct {
	clock *clock.Clock
	// scheduled are the functions that a schedule wakes; queued takes the messages.
	scheduled []lambda.Handler
	queue     *simsqs.Queue
	queued    lambda.Handler
}

// done is what was done.
type done struct {
	Wakes          int `json:"wakes"`
	FailedWakes    int `json:"failed_wakes"`
	Messages       int `json:"messages"`
	FailedMessages int `json:"failed_messages"`
}

// work wakes the scheduled functions and drains the queue, and counts what it did in
// done. What fails comes again by itself; the functions' log says why.
func (w worker) work(done *done) clock.Work {
	return func(ctx context.Context) error {
		for _, function := range w.scheduled {
			done.Wakes++
			if err := gateway.Wake(ctx, function, w.clock.Now()); err != nil {
				done.FailedWakes++
			}
		}
		invoke := func(ctx context.Context, event []byte) ([]byte, error) { return gateway.Invoke(ctx, w.queued, event) }
		for ctx.Err() == nil {
			delivered := w.queue.Deliver(ctx, invoke)
			if delivered.Messages == 0 {
				break
			}
			done.Messages += delivered.Messages
			done.FailedMessages += delivered.Failed
		}
		return ctx.Err()
	}
}

// every works as often as the schedule of template.yaml, in real time, until ctx ends.
func every(ctx context.Context, interval time.Duration, work func(context.Context)) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			work(ctx)
		}
	}
}

// looker is a store of things that are looked at again at some time.
type looker interface {
	NextLook(ctx context.Context, after time.Time) (at time.Time, any bool, err error)
}

// nextLook is the earliest look of several stores, or message that is seen again.
func nextLook(queue *simsqs.Queue, stores ...looker) func(context.Context, time.Time) (time.Time, bool, error) {
	return func(ctx context.Context, after time.Time) (at time.Time, any bool, err error) {
		at, any = queue.NextVisible(after)
		for _, store := range stores {
			look, some, err := store.NextLook(ctx, after)
			if err != nil {
				return at, any, err
			}
			if some && (!any || look.Before(at)) {
				at, any = look, true
			}
		}
		return at, any, nil
	}
}

// named collects the names of what is due, the first few.
func named[T any](names []string, due iter.Seq2[T, error], name func(T) string) ([]string, error) {
	const most = 100
	for d, err := range due {
		if err != nil {
			return names, err
		}
		if len(names) == most {
			return append(names, "…"), nil
		}
		names = append(names, name(d))
	}
	return names, nil
}
