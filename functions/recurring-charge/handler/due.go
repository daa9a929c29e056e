package handler

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"dinarfunctions/shared/api"
	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/duequeue"
	"dinarfunctions/shared/subscription"
	"dinarfunctions/shared/trigger"
	"dinarfunctions/shared/unreadable"
)

// schedule is what the schedule wakes the function for: what is due is put on the
// queue, and open charges are asked about. The two share the invocation's time, and
// neither keeps the other from its work.
func (h handler) schedule(ctx context.Context) error {
	var (
		wg                sync.WaitGroup
		notQueued, notAsk error
	)
	wg.Go(func() { notQueued = guard(ctx, h.log, "queuing what is due", h.queueDue) })
	wg.Go(func() { notAsk = guard(ctx, h.log, "asking about open charges", h.sweep) })
	wg.Wait()
	return errors.Join(notQueued, notAsk)
}

func (h handler) queueDue(ctx context.Context) error {
	queued, err := h.biller.QueueDue(ctx)
	h.log.InfoContext(ctx, "what is due was put on the queue", "metric", "queued", "sent", queued.Sent, "unsent", queued.Unsent,
		"failed", queued.Failed, "stopped", queued.Stopped, "left", queued.Left,
		"unreadable", queued.Unreadable)
	unreadable.Alarm(ctx, h.log, err) // of the operator's switch
	return err
}

func (h handler) sweep(ctx context.Context) error {
	swept, err := h.ledger.Sweep(ctx)
	h.log.InfoContext(ctx, "open charges were asked about", "metric", "sweep", "asked", swept.Asked, "ended", swept.Ended,
		"unanswered", swept.Unanswered, "failed", swept.Failed, "unknown", swept.Unknown, "left", swept.Left,
		"unreadable", swept.Unreadable)
	return err
}

// guard runs do, and turns a panic into an error: in a goroutine of its own it would
// end the process, and what others are at.
func guard(ctx context.Context, log *slog.Logger, what string, do func(context.Context) error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			api.LogPanic(ctx, log, v)
			err = fmt.Errorf("%s panicked; the log line before this one says where", what)
		}
	}()
	return do(ctx)
}

const (
	// atOnce is how many messages of a batch are worked at, at the same time, once the
	// first one has gone ahead. It bounds how many charges a refused key can still be
	// tried with.
	atOnce = 4
	// headStart is how long the first message of a batch is alone. A refusal comes at
	// once; a provider that takes longer is slow, and not a reason to wait for.
	headStart = 3 * time.Second
	// answerTime is kept back at the end of the invocation to answer the queue.
	answerTime = time.Second
)

// queue takes a batch of messages and returns the ids of those that have to come
// again. The messages of one subscription go one after the other, all others at the
// same time, atOnce at most. The first goes ahead alone, so that a refused key costs
// one charge per batch and not atOnce of them: after it, whatever was not begun is
// handed back untried. What an invocation has no time for is handed back as well. The
// next look at whatever is handed back has been moved on: the message comes again by
// itself, and the schedule puts no other one beside it.
func (h handler) queue(ctx context.Context, messages []trigger.Message) (failed []string) {
	ctx, cancel := h.leaveTime(ctx)
	defer cancel()
	b := batch{handler: h, failed: make([]atomic.Bool, len(messages))}
	chains := b.chains(ctx, messages)
	if len(chains) > 0 {
		b.goAhead(ctx, chains)
	}
	for i, m := range messages {
		if b.failed[i].Load() {
			failed = append(failed, m.ID)
		}
	}
	h.log.InfoContext(ctx, "messages were looked at", "metric", "messages", "taken", len(messages), "failed", len(failed),
		"untried", b.untried.Load(), "key_refused", b.refused.Load())
	return failed
}

func (h handler) leaveTime(ctx context.Context) (context.Context, context.CancelFunc) {
	if end, ok := ctx.Deadline(); ok {
		return context.WithDeadline(ctx, end.Add(-answerTime))
	}
	return context.WithTimeout(ctx, charge.MaxInvocation-answerTime)
}

// batch is the work at the messages of one invocation.
type batch struct {
	handler
	failed  []atomic.Bool // by the message's place in the batch
	untried atomic.Int64
	refused atomic.Bool
}

// work is one message that could be read.
type work struct {
	place   int
	message subscription.Message
}

// chains reads the messages, and puts those of one subscription behind each other.
// One that cannot be read has failed: it ends in the dead-letter queue, where a
// person sees it.
func (b *batch) chains(ctx context.Context, messages []trigger.Message) [][]work {
	var chains [][]work
	at := map[string]int{}
	for place, m := range messages {
		read, err := duequeue.Read(m.Body)
		if err != nil {
			b.failed[place].Store(true)
			b.log.ErrorContext(ctx, "a message cannot be read; it ends in the dead-letter queue", "message_id", m.ID,
				"receives", m.Receives, "error", err.Error())
			continue
		}
		i, known := at[read.Subscription]
		if !known {
			i = len(chains)
			at[read.Subscription] = i
			chains = append(chains, nil)
		}
		chains[i] = append(chains[i], work{place, read})
	}
	return chains
}

// goAhead works at the chains: the first one alone for a while, then all others.
func (b *batch) goAhead(ctx context.Context, chains [][]work) {
	var wg sync.WaitGroup
	defer wg.Wait()
	first := make(chan struct{})
	wg.Go(func() {
		defer close(first)
		b.follow(ctx, chains[0])
	})
	alone := time.NewTimer(headStart)
	defer alone.Stop()
	select {
	case <-first:
	case <-alone.C:
	}
	slots := make(chan struct{}, atOnce)
	for _, chain := range chains[1:] {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			b.follow(ctx, chain)
		})
	}
}

// follow looks at the messages of one subscription, one after the other.
func (b *batch) follow(ctx context.Context, chain []work) {
	for _, w := range chain {
		if b.refused.Load() || !timeLeft(ctx) {
			b.failed[w.place].Store(true)
			b.untried.Add(1)
			b.biller.HandBack(ctx, w.message) // it comes again by itself
			continue
		}
		err := guard(ctx, b.log, "the look at a subscription", func(ctx context.Context) error { return b.biller.Look(ctx, w.message) })
		if err == nil {
			continue
		}
		b.failed[w.place].Store(true)
		if errors.Is(err, subscription.ErrKeyRefused) {
			b.refused.Store(true)
		}
		unreadable.Alarm(ctx, b.log, err)
		b.log.WarnContext(ctx, "a message has to come again", "subscription", w.message.Subscription, "cycle", w.message.Cycle,
			"attempt", w.message.Attempt, "error", err.Error())
	}
}

// timeLeft tells whether a charge could still be made and written down.
func timeLeft(ctx context.Context) bool {
	end, _ := ctx.Deadline()
	return ctx.Err() == nil && time.Until(end) >= charge.MinCall+charge.WriteTime
}
