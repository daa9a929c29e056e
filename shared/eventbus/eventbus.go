// Package eventbus puts events on an EventBridge bus.
//
// Every event is put at least once, or said not to be. EventBridge takes or refuses
// each entry of a call by itself; what it refused is put again a few times, within
// the context's deadline.
package eventbus

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/smithy-go"
	"golang.org/x/sync/errgroup"

	"dinarfunctions/shared/outcome"
)

const (
	// maxEntries and maxBytes are what one call takes (EventBridge user guide,
	// "Calculating PutEvents event entry size"). Its pages have said 256 KB and 1 MB
	// for the bytes; the smaller holds under both.
	maxEntries = 10
	maxBytes   = 256 << 10
	// timeBytes is what an entry's time counts, whatever it is.
	timeBytes = 14

	// tries is how often an entry is put that EventBridge refuses for itself alone.
	// Whole calls are tried again by the SDK.
	tries     = 4
	firstWait = 100 * time.Millisecond
	// atOnce is how many calls are made at the same time: what became of a payout of
	// 2,000 payments is 200 calls, of some 50 ms each.
	atOnce = 4
	// reserve is what is left of an invocation to say what was not put.
	reserve = 3 * time.Second
)

// API is what the bus needs of EventBridge; *eventbridge.Client has it.
type API interface {
	PutEvents(context.Context, *eventbridge.PutEventsInput, ...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput, error)
}

var _ API = (*eventbridge.Client)(nil)

// Bus is one event bus. It is safe for concurrent use.
type Bus struct {
	api  API
	name string // or its ARN
}

// New returns the bus of a name. It calls nothing.
func New(api API, name string) *Bus { return &Bus{api, name} }

// Put puts events on the bus, in no order that anybody can count on: EventBridge keeps
// none. put has for each event whether it was taken; the error says why the first that
// failed did. One that is refused keeps none of the others off the bus; a bus that
// cannot be reached ends it.
func (b *Bus) Put(ctx context.Context, events []outcome.Event) (put []bool, err error) {
	if deadline, limited := ctx.Deadline(); limited {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-reserve))
		defer cancel()
	}
	put = make([]bool, len(events))
	batches := pack(events)
	faults := make([]error, len(batches))
	var (
		calls errgroup.Group
		down  atomic.Bool
	)
	calls.SetLimit(atOnce)
	for i, batch := range batches {
		call := func() error {
			if down.Load() {
				return nil
			}
			faults[i] = b.putBatch(ctx, batch, put)
			if faults[i] != nil && !refused(faults[i]) {
				down.Store(true)
			}
			return nil // each has a fault of its own
		}
		if i == 0 { // a bus that cannot be reached is found out by one call
			_ = call()
			continue
		}
		calls.Go(call)
	}
	_ = calls.Wait()
	return put, cmp.Or(faults...)
}

// entry is an event as EventBridge takes it.
type entry struct {
	index int // of the event
	id    string
	types.PutEventsRequestEntry
}

// errRefused: EventBridge took the call and not the entry.
var errRefused = errors.New("EventBridge refused it")

// refused tells an error that is about the events themselves from one of a bus that
// cannot be reached, where it is of no use to go on.
func refused(err error) bool {
	var answer smithy.APIError
	return errors.Is(err, errRefused) || errors.As(err, &answer) && answer.ErrorCode() == "ValidationException"
}

// pack makes batches that one call takes, in the order of the events. An event that
// is too large goes alone: EventBridge has the last word on it.
func pack(events []outcome.Event) [][]entry {
	var batches [][]entry
	var batch []entry
	bytes := 0
	for i, e := range events {
		size := timeBytes + len(outcome.Source) + len(e.DetailType) + len(e.Detail)
		if len(batch) > 0 && (len(batch) == maxEntries || bytes+size > maxBytes) {
			batches, batch, bytes = append(batches, batch), nil, 0
		}
		batch = append(batch, entry{i, e.ID, types.PutEventsRequestEntry{
			Source:     aws.String(outcome.Source),
			DetailType: aws.String(e.DetailType),
			Time:       aws.Time(e.OccurredAt),
			Detail:     aws.String(string(e.Detail)),
		}})
		bytes += size
	}
	if len(batch) > 0 {
		batches = append(batches, batch)
	}
	return batches
}

// putBatch marks what was taken.
func (b *Bus) putBatch(ctx context.Context, batch []entry, put []bool) error {
	for try := 1; ; try++ {
		left, err := b.call(ctx, batch, put)
		if err == nil || len(left) == 0 || !errors.Is(err, errRefused) || try == tries {
			return err
		}
		batch = left
		select {
		case <-ctx.Done():
			return err
		case <-time.After(firstWait<<(try-1)/2 + rand.N(firstWait<<(try-1))): //nolint:gosec // jitter, not a secret
		}
	}
}

// call makes one call. It returns what was not taken, and why the first of that was
// not.
func (b *Bus) call(ctx context.Context, batch []entry, put []bool) (left []entry, err error) {
	in := &eventbridge.PutEventsInput{}
	for _, e := range batch {
		e.EventBusName = &b.name
		in.Entries = append(in.Entries, e.PutEventsRequestEntry)
	}
	out, err := b.api.PutEvents(ctx, in)
	switch {
	case err != nil:
		return batch, fmt.Errorf("put %d events from %s on on the bus %s: %w", len(batch), batch[0].id, b.name, err)
	case len(out.Entries) != len(batch):
		return batch, fmt.Errorf("put %d events from %s on on the bus %s: the answer is about %d", len(batch), batch[0].id, b.name, len(out.Entries))
	}
	for i, result := range out.Entries {
		if result.EventId != nil && result.ErrorCode == nil {
			put[batch[i].index] = true
			continue
		}
		left = append(left, batch[i])
		if err == nil {
			err = fmt.Errorf("%w: event %s on the bus %s: %s", errRefused, batch[i].id, b.name, aws.ToString(result.ErrorCode))
		}
	}
	return left, err
}
