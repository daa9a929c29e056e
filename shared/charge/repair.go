package charge

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"dinarfunctions/shared/hidden"
	"dinarfunctions/shared/unreadable"
)

// Find returns the charge under an order number as everybody sees it now. A
// charge whose outcome is to come is asked about first, and what the provider
// says is kept; if it cannot be asked, the charge is shown as it stands. It wraps
// ErrNotFound or ErrStore.
func (l *Ledger) Find(ctx context.Context, number string) (Charge, error) {
	c, err := l.get(ctx, number)
	if err != nil {
		return Charge{}, err
	}
	seen := c.At(l.now())
	if seen.State != Pending && seen.State != Unknown {
		return seen, nil
	}
	after, _, err := l.ask(ctx, c)
	if err != nil {
		l.log.WarnContext(ctx, "an open charge could not be asked about", "order_number", number, "error", err.Error())
		return seen, nil
	}
	return after.At(l.now()), nil
}

// Ask asks the provider about a charge in whatever state it is, unless a call is at it
// now, and keeps of what it says what the transitions allow. said is its word, which may
// be another than what is kept: it can call a declined charge pending. It wraps
// ErrNotFound or ErrStore.
func (l *Ledger) Ask(ctx context.Context, number string) (after Charge, said StatusAnswer, err error) {
	c, err := l.get(ctx, number)
	if err != nil {
		return Charge{}, StatusAnswer{}, err
	}
	if seen := c.At(l.now()); seen.State == Sending {
		return seen, StatusAnswer{Knowledge: NotKnown}, nil
	}
	after, said, err = l.ask(ctx, c)
	return after.At(l.now()), said, err
}

// AskOnce is Ask with a single status request.
func (l *Ledger) AskOnce(ctx context.Context, number string) (after Charge, said StatusAnswer, err error) {
	return l.Ask(ctx, number)
}

// OfSubscription lists the charges of a subscription by cycle and try, as everybody
// sees them now. It wraps ErrStore. Where some cannot be read, it returns the others with
// an *unreadable.Some.
func (l *Ledger) OfSubscription(ctx context.Context, id string, after Cycle, limit int) (charges []Charge, more *Cycle, err error) {
	charges, more, err = l.store.OfSubscription(ctx, id, after, limit)
	left, err := unreadable.Split(err)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: listing the charges of subscription %s: %w", ErrStore, id, err)
	}
	for i, c := range charges {
		charges[i] = c.At(l.now())
	}
	return charges, more, unreadable.Left(left)
}

// Hint takes somebody's unproven word that something happened to a charge, such
// as a callback's: the provider is asked, and its answer counts. If it cannot be
// asked now, the charge is asked about on the next schedule, whatever its state. It
// wraps ErrNotFound, or ErrStore where not even that could be written.
func (l *Ledger) Hint(ctx context.Context, number, paymentID string) error {
	c, err := l.get(ctx, number)
	if err != nil {
		return err
	}
	// While a call is at it, its own answer comes first; the look comes after.
	if c.At(l.now()).State != Sending {
		_, said, err := l.ask(ctx, c)
		if err == nil && said.Knowledge != NotAsked {
			return nil
		}
	}
	if err := l.store.LookNow(ctx, number, l.now()); err != nil {
		return fmt.Errorf("%w: writing down an early look at order number %s: %w", ErrStore, number, err)
	}
	return nil
}

// get reads a charge. One that cannot be read is an *unreadable.Error and no ErrStore.
func (l *Ledger) get(ctx context.Context, number string) (Charge, error) {
	c, err := l.store.Get(ctx, number)
	switch {
	case errors.Is(err, ErrNotFound):
		return Charge{}, fmt.Errorf("order number %s: %w", number, err)
	case err != nil:
		return Charge{}, unreadable.Wrap(err, ErrStore, "reading order number "+number)
	}
	return c, nil
}

// answerBy leaves time to write down what was learnt and to answer.
func answerBy(ctx context.Context) time.Time {
	end, ok := ctx.Deadline()
	if !ok {
		end = time.Now().Add(MaxInvocation)
	}
	return end.Add(-WriteTime)
}

// status asks the provider about a charge, and holds its answer against what
// else the ledger knows: a payment_id that stands under another order number is
// not about this charge. A difference in amount is noted in the answer's reason,
// and the status counts. The token may be empty where it is not at hand.
func (l *Ledger) status(ctx context.Context, c Charge, token hidden.Text) (StatusAnswer, error) {
	answer := l.provider.Status(ctx, Query{Order: c.Order, InitTransID: c.InitTransID, PaymentID: c.PaymentID, Token: token})
	if answer.Knowledge == Known && answer.Answer.Differs != "" {
		answer.Answer.Reason = strings.TrimPrefix(answer.Answer.Reason+"; the provider's answer is about "+answer.Answer.Differs, "; ")
	}
	id := answer.Answer.PaymentID
	if answer.Knowledge != Known || id == "" || strings.EqualFold(id, c.PaymentID) {
		return answer, nil
	}
	owner, err := l.store.PaymentOwner(ctx, id)
	switch {
	case err != nil:
		return StatusAnswer{}, fmt.Errorf("%w: looking up a payment_id: %w", ErrStore, err)
	case owner != "" && owner != c.Order.Number:
		return StatusAnswer{Knowledge: NotAsked, Reason: "the answer's payment_id is that of order number " + owner}, nil
	}
	return answer, nil
}

// ask asks the provider about a charge, in the time that leaves enough to write
// down what follows from its answer, and writes that down. It tells what the
// provider said; an error means that the ledger could not be read or written.
func (l *Ledger) ask(ctx context.Context, c Charge) (after Charge, said StatusAnswer, err error) {
	within, cancel := context.WithDeadline(ctx, answerBy(ctx))
	defer cancel()
	status, err := l.status(within, c, hidden.Text{})
	if err != nil {
		return c, StatusAnswer{}, err
	}
	now := l.now()
	if status.Knowledge != Known {
		return c, status, nil
	}
	word := status.Answer
	switch {
	case Allowed(c.State, c.Said, word.State, ByStatus):
		change := word.change(c, ByStatus, now)
		after, applied, err := l.store.Record(ctx, change)
		if err != nil {
			return c, StatusAnswer{}, fmt.Errorf("%w: recording %s for order number %s: %w", ErrStore, change.To, change.Number, err)
		}
		if applied {
			l.alarmOf(ctx, c, change)
		}
		return after, status, nil
	case c.State == Settled && word.State != Settled:
		after, err := l.dispute(ctx, c, word.ProviderStatus)
		return after, status, err
	default:
		return c, status, nil
	}
}

// alarmOf tells a person of a change that should not have had to happen.
func (l *Ledger) alarmOf(ctx context.Context, before Charge, change Change) {
	switch {
	case before.Said == ByOperator && before.State != change.To:
		l.log.ErrorContext(ctx, "the provider's word overrides an operator's", "alarm", "operator_overridden",
			"order_number", change.Number, "operator", string(before.State), "provider", string(change.To))
	case before.State.Chargeable():
		l.log.ErrorContext(ctx, "the provider has a charge that its own answer had denied", "alarm", "contradiction",
			"order_number", change.Number, "was", string(before.State), "provider", string(change.To))
	}
}

// dispute notes the provider's word against a settled charge, and tells a person.
func (l *Ledger) dispute(ctx context.Context, c Charge, word string) (Charge, error) {
	after, noted, err := l.store.Dispute(ctx, c.Order.Number, word, l.now())
	if err != nil {
		return c, fmt.Errorf("%w: noting a dispute of order number %s: %w", ErrStore, c.Order.Number, err)
	}
	if noted {
		l.log.ErrorContext(ctx, "the provider's word is against a settled charge; a person has to look into it", "alarm", "disputed",
			"order_number", c.Order.Number, "provider_status", word)
	}
	return after, nil
}

// unknownAlarmAfter is how long a charge may be unknown before a person is told.
const unknownAlarmAfter = 15 * time.Minute

// Swept is what one run of Sweep did.
type Swept struct {
	// Asked charges were asked about; Ended of them have an outcome now.
	Asked, Ended int
	// Unanswered charges could not be asked about; their next look comes. Failed
	// are those that the ledger could not read or write.
	Unanswered, Failed int
	// Unreadable are those whose stored charge or subscription cannot be read. Each is an
	// alarm, and keeps no other from being asked about.
	Unreadable int
	// Unknown charges have been unknown for more than a quarter of an hour.
	Unknown int
	// Left tells that time ended before the work did; the next schedule goes on.
	Left bool
}

// askers is how many charges are asked about at the same time.
const askers = 8

// Sweep asks about the charges that are due, as many as the context's time allows.
// It may run any number of times, also at the same time: each look is claimed
// before the provider is asked, and what is not reached stays due. It wraps ErrStore
// where what is due could not be read, or none of it be looked at.
func (l *Ledger) Sweep(ctx context.Context) (Swept, error) {
	deadline := l.deadline(ctx)
	var (
		wg                                sync.WaitGroup
		slots                             = make(chan struct{}, askers)
		asked, ended, unanswered, unknown atomic.Int64
		broken, silent, unread            atomic.Int64
		result                            Swept
		failed                            error
	)
	for due, err := range l.store.Due(ctx, l.now()) {
		if unreadable.Alarm(ctx, l.log, err) {
			unread.Add(1)
			continue
		}
		if err != nil {
			failed = fmt.Errorf("%w: reading what is due: %w", ErrStore, err)
			break
		}
		// A provider that answers nobody is not asked about all of them.
		// (Denied charges do not count: status errors are undocumented, and perhaps
		// this is how it says that it knows none of them.)
		down := asked.Load() == 0 && silent.Load() >= 2*askers
		if down || l.now().Add(MinCall+WriteTime).After(deadline) {
			result.Left = true
			break
		}
		slots <- struct{}{}
		if l.now().Add(MinCall + WriteTime).After(deadline) { // waiting for the slot took it
			result.Left = true
			break
		}
		wg.Go(func() {
			defer func() { <-slots }()
			look := l.look(ctx, due)
			switch {
			case look.skipped:
				return
			case look.unreadable:
				unread.Add(1)
				return
			case look.failed:
				broken.Add(1)
				return
			case look.asked:
				asked.Add(1)
			default:
				unanswered.Add(1)
				if look.open {
					silent.Add(1)
				}
			}
			if look.ended {
				ended.Add(1)
			}
			if look.unknownFor > unknownAlarmAfter {
				unknown.Add(1)
				l.log.ErrorContext(ctx, "a charge has been unknown for long; see the runbook on unknown charges", "alarm", "unknown",
					"order_number", due.Number, "unknown_for", look.unknownFor.String())
			}
		})
	}
	wg.Wait()
	result.Asked, result.Ended = int(asked.Load()), int(ended.Load())
	result.Unanswered, result.Unknown, result.Failed = int(unanswered.Load()), int(unknown.Load()), int(broken.Load())
	result.Unreadable = int(unread.Load())
	if failed == nil && result.Failed > 0 && result.Asked+result.Unanswered == 0 {
		failed = fmt.Errorf("%w: none of %d charges that are due could be looked at", ErrStore, result.Failed)
	}
	return result, failed
}

// looked is what came of one look.
type looked struct {
	skipped      bool // somebody else has it
	failed       bool // the ledger could not be read or written
	unreadable   bool // what is stored cannot be read
	open         bool // its outcome was to come
	asked, ended bool
	unknownFor   time.Duration
}

// hintAgain is when a charge that has no plan of its own is looked at again, if
// the provider could not be asked.
const hintAgain = 5 * time.Minute

// look asks about one charge that is due. The look is moved on first, under a
// condition, so that of several sweeps one asks. A charge without a plan, which a
// hint made due, stays due until the provider has answered.
func (l *Ledger) look(ctx context.Context, due Due) looked {
	c, err := l.get(ctx, due.Number)
	if err != nil {
		return l.lookFailed(ctx, due, err)
	}
	if !c.LookAt.Equal(due.At) {
		return looked{skipped: true}
	}
	now := l.now()
	if c.At(now).State == Sending {
		// A call is at it: what the provider says now may be about an earlier
		// attempt. The look comes when the call must have ended.
		if _, err := l.store.Look(ctx, due.Number, due.At, c.Deadline.Add(Grace)); err != nil {
			return l.lookFailed(ctx, due, err)
		}
		return looked{skipped: true}
	}
	next, planned := c.nextLook(c.State, c.Said, now), true
	if !next.After(now) { // none, or only to be told, as it is now
		next, planned = now.Add(hintAgain), false
		if c.State.Chargeable() { // denied: ever more rarely, where no answer comes
			next = NextLook(c.UpdatedAt, now)
		}
	}
	mine := false
	if change, overdue := c.overdue(now); overdue {
		c, mine, err = l.store.Record(ctx, change)
	} else {
		mine, err = l.store.Look(ctx, due.Number, due.At, next)
	}
	switch {
	case err != nil:
		return l.lookFailed(ctx, due, err)
	case !mine:
		return looked{skipped: true}
	}
	after, said, err := l.ask(ctx, c)
	if err != nil {
		return l.lookFailed(ctx, due, err)
	}
	asked := said.Knowledge != NotAsked
	if err := l.tell(ctx, after); err != nil {
		return l.lookFailed(ctx, due, err)
	}
	if asked && !planned && after.State == c.State {
		if _, err := l.store.Look(ctx, due.Number, next, time.Time{}); err != nil {
			return l.lookFailed(ctx, due, err)
		}
	}
	result := looked{asked: asked, open: c.State.Open(), ended: c.State.Open() && !after.State.Open()}
	if after.State == Unknown {
		result.unknownFor = now.Sub(after.calledAt())
	}
	return result
}

// tell takes a subscription's charge to whoever follows them.
func (l *Ledger) tell(ctx context.Context, c Charge) error {
	if l.follow == nil || c.For == (Cycle{}) || c.State.Open() {
		return nil
	}
	return l.follow(ctx, c)
}

func (l *Ledger) lookFailed(ctx context.Context, due Due, err error) looked {
	if unreadable.Alarm(ctx, l.log, err) {
		return looked{unreadable: true}
	}
	l.log.WarnContext(ctx, "a due charge could not be looked at; it stays due", "order_number", due.Number, "error", err.Error())
	return looked{failed: true}
}
