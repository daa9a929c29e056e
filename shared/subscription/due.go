package subscription

import (
	"context"
	"fmt"
	"sync"
	"time"

	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/unreadable"
)

const (
	// page is how many due subscriptions are put on the queue at a time, and lookers
	// how many of them are claimed at the same time.
	page    = 100
	lookers = 16
	// queueBy is kept back at the end of an invocation, so that what was claimed is
	// also sent.
	queueBy = 6 * time.Second
)

// Queued is what one run of QueueDue did.
type Queued struct {
	// Sent messages are certainly on the queue; Unsent ones may not be, and come again
	// in a quarter of an hour.
	Sent, Unsent int
	// Failed subscriptions could not be read or written; they stay due.
	Failed int
	// Unreadable subscriptions are stored and cannot be read. Each is an alarm, and keeps
	// no other from being queued.
	Unreadable int
	// Stopped: an operator has stopped charging, so nothing was queued.
	Stopped bool
	// Left tells that time ended before the work did; the next schedule goes on.
	Left bool
}

// QueueDue puts what is due for a look on the queue, as much as the context's time
// allows. Each next look is moved on first, under a condition, so that it may run any
// number of times, also at the same time, and so that a backlog is not queued every
// minute. A message that gets lost comes back. An error says that nothing could be
// queued, or that not all of what is due could be read.
func (b *Biller) QueueDue(ctx context.Context) (result Queued, err error) {
	mode, err := b.ledger.Mode(ctx)
	if err != nil {
		return result, err
	}
	if mode == charge.Stopped {
		result.Stopped = true
		return result, nil
	}
	var batch []Due
	for due, failed := range b.store.Due(ctx, b.now()) {
		if unreadable.Alarm(ctx, b.log, failed) {
			result.Unreadable++
			continue
		}
		if failed != nil {
			err = fmt.Errorf("%w: reading what is due: %w", ErrStore, failed)
			break
		}
		if end, ok := ctx.Deadline(); ok && time.Until(end) < queueBy {
			result.Left = true
			break
		}
		if batch = append(batch, due); len(batch) == page {
			b.enqueue(ctx, batch, &result)
			batch = nil
		}
	}
	b.enqueue(ctx, batch, &result)
	if not := result.Failed + result.Unsent; err == nil && not > 0 && result.Sent == 0 {
		err = fmt.Errorf("nothing of what is due could be put on the queue: of %d subscriptions, %d could not be read or written, and %d not be sent",
			not, result.Failed, result.Unsent)
	}
	return result, err
}

// enqueue moves the looks at some subscriptions on, and puts those that it moved on
// the queue.
func (b *Biller) enqueue(ctx context.Context, batch []Due, result *Queued) {
	next := b.now().Add(QueueAgain)
	found := make([]*Message, len(batch))
	var (
		wg    sync.WaitGroup
		slots = make(chan struct{}, lookers)
		mu    sync.Mutex
	)
	for i, due := range batch {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			s, moved, err := b.store.Look(ctx, due.ID, due.At, next)
			if unreadable.Alarm(ctx, b.log, err) {
				mu.Lock()
				result.Unreadable++
				mu.Unlock()
			} else if err != nil {
				mu.Lock()
				result.Failed++
				mu.Unlock()
				b.log.WarnContext(ctx, "a due subscription could not be queued; it stays due", "subscription", due.ID, "error", err.Error())
			} else if moved {
				found[i] = &Message{Subscription: s.ID, Cycle: s.Cycle, Attempt: s.Attempt}
			}
		})
	}
	wg.Wait()
	var messages []Message
	for _, m := range found {
		if m != nil {
			messages = append(messages, *m)
		}
	}
	if len(messages) == 0 {
		return
	}
	sent, err := b.queue.Send(ctx, messages)
	result.Sent += sent
	if err != nil {
		result.Unsent += len(messages) - sent
		b.log.WarnContext(ctx, "not everything that is due could be put on the queue; the rest comes again in a quarter of an hour",
			"sent", sent, "unsent", len(messages)-sent, "error", err.Error())
	}
}
