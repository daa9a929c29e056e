package charge

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
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
	if seen.State != Pending && seen.State != Unknown && !seen.Cascading {
		return seen, nil
	}
	after, _, err := l.ask(ctx, c, question{})
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
	return l.askNumber(ctx, number, question{})
}

// AskOnce is Ask with requests that are not made again where no usable answer came.
func (l *Ledger) AskOnce(ctx context.Context, number string) (after Charge, said StatusAnswer, err error) {
	return l.askNumber(ctx, number, question{once: true})
}

func (l *Ledger) askNumber(ctx context.Context, number string, q question) (after Charge, said StatusAnswer, err error) {
	c, err := l.get(ctx, number)
	if err != nil {
		return Charge{}, StatusAnswer{}, err
	}
	if seen := c.At(l.now()); seen.State == Sending {
		return seen, StatusAnswer{Knowledge: NotKnown}, nil
	}
	after, said, err = l.ask(ctx, c, q)
	return after.At(l.now()), said, err
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

// HintTime is how long a hint may wait for the provider's answer. The platform blocks a
// callback URL that is slow, for all merchants behind it (contract, "Callback").
const HintTime = 2 * time.Second

// Hint takes somebody's unproven word that something happened to a charge, or to one of
// its payments (paymentID, which may be empty), such as a callback's. An early look is
// written down first. Then the provider is asked, for HintTime at most, and its answer
// counts; if none comes, the look stays for the next schedule. While a call is at the
// charge, and within HintEvery of another hint, the look is all. It wraps ErrNotFound,
// or ErrStore where not even that could be written.
func (l *Ledger) Hint(ctx context.Context, number, paymentID string) error {
	c, asks, err := l.noteHint(ctx, number)
	if err != nil || !asks || c.At(l.now()).State == Sending {
		return err
	}
	within, cancel := context.WithTimeout(ctx, HintTime)
	defer cancel()
	after, said, err := l.askWithin(ctx, within, c, question{once: true, payment: paymentID})
	if err != nil {
		l.log.WarnContext(ctx, "a hint could not be followed now; the next schedule asks", "order_number", number, "error", err.Error())
		return nil
	}
	// Of an outcome, a subscription may not have heard yet: the schedule takes it there.
	heard := after.For == (Cycle{}) || after.State.Open()
	nothingNew := len(after.History) == len(c.History) || after.Disputed != c.Disputed
	if said.Knowledge != NotAsked && nothingNew && heard {
		// The look goes back to where it was planned.
		if _, err := l.store.Look(ctx, number, c.LookAt, after.nextLook(l.now())); err != nil {
			l.log.WarnContext(ctx, "a hint's look could not be moved back; the next schedule asks once more", "order_number", number, "error", err.Error())
		}
	}
	return nil
}

// noteHint writes down that the provider is to be asked on behalf of a hint, and reports
// whether that is for this caller to do now.
func (l *Ledger) noteHint(ctx context.Context, number string) (c Charge, asks bool, err error) {
	at := l.now()
	for range hintTries {
		c, asks, err = l.store.Hint(ctx, number, at)
		switch {
		case errors.Is(err, ErrNotFound):
			return c, false, fmt.Errorf("order number %s: %w", number, err)
		case err != nil:
			return c, false, unreadable.Wrap(err, ErrStore, "writing down an early look at order number "+number)
		case asks:
			return c, true, nil
		}
		look := c.lookAfterHint(at)
		if look.Equal(c.LookAt) {
			return c, false, nil
		}
		moved, err := l.store.Look(ctx, number, c.LookAt, look)
		switch {
		case err != nil:
			return c, false, fmt.Errorf("%w: writing down an early look at order number %s: %w", ErrStore, number, err)
		case moved:
			return c, false, nil
		}
	}
	return c, false, fmt.Errorf("%w: the early look at order number %s was moved by others again and again", ErrStore, number)
}

// hintTries is how often an early look is written anew when another writer was first.
const hintTries = 5

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

// question is how the provider is asked about a charge.
type question struct {
	// once: a request is not made again where no usable answer came.
	once bool
	// payment is one that a hint named; empty for none.
	payment string
	// token is the saved card's, where it is at hand.
	token hidden.Text
}

// status asks the provider about a charge by its order number. The answer is about the
// newest payment of the order, and counts whatever payment that is: the platform may try
// an order at several acquirers. Where the order number is not known there, it asks by
// the payment that is known here.
//
// Where a hint named another payment than the answer is about, that one is asked about
// too. It is not the newest, so of what it came to only "settled" counts.
func (l *Ledger) status(ctx context.Context, c Charge, q question) (StatusAnswer, error) {
	answer, err := l.statusOf(ctx, c, q, "")
	if err != nil {
		return StatusAnswer{}, err
	}
	if answer.Knowledge == NotKnown {
		if payment := cmp.Or(c.PaymentID, q.payment); payment != "" {
			return l.statusOf(ctx, c, q, payment)
		}
	}
	said := answer.Answer
	if answer.Knowledge == Known && c.State == Settled && said.State == Reversed && !samePayment(said.PaymentID, c.PaymentID) {
		// Another payment of the order was given back. What counts is the one that settled it.
		if own, err := l.statusOf(ctx, c, q, c.PaymentID); err != nil || own.Knowledge == Known {
			return own, err
		}
	}
	if q.payment == "" || answer.Knowledge != Known || said.State == Settled || strings.EqualFold(said.PaymentID, q.payment) {
		return answer, nil
	}
	other, err := l.statusOf(ctx, c, q, q.payment)
	if err == nil && other.Knowledge == Known && other.Answer.State == Settled {
		return other, nil
	}
	return answer, err
}

// knows reports whether a change says of a declined charge what its history says already:
// a provider that shows its payments by turns must not make it grow for ever.
func (c Charge) knows(change Change) bool {
	return c.State == Declined && c.Said != ByOperator && change.To == Declined && change.Cascading == c.Cascading && c.names(change.PaymentID)
}

// names reports whether a payment is known to be one of the charge's order.
func (c Charge) names(payment string) bool {
	same := func(e Entry) bool { return strings.EqualFold(e.PaymentID, payment) }
	return strings.EqualFold(c.PaymentID, payment) || slices.ContainsFunc(c.History, same)
}

// statusOf asks the provider about a charge, by one of its payments or by its order number
// (payment ""), and holds the answer against what else the ledger knows: a payment that
// belongs to another order number is not about this charge. A difference in amount or
// currency is noted in the answer's reason, and the status counts.
func (l *Ledger) statusOf(ctx context.Context, c Charge, q question, payment string) (StatusAnswer, error) {
	answer := l.provider.Status(ctx, Query{
		Order: c.Order, InitTransID: c.InitTransID, PaymentID: payment, Once: q.once, Token: q.token, TokenEnd: c.TokenEnd,
	})
	said := &answer.Answer
	if said.Differs != "" {
		said.Reason = strings.TrimPrefix(said.Reason+"; the provider's answer is about "+said.Differs, "; ")
	}
	if answer.Knowledge != Known || said.PaymentID == "" || c.names(said.PaymentID) {
		return answer, nil
	}
	owner, err := l.store.PaymentOwner(ctx, said.PaymentID)
	switch {
	case err != nil:
		return StatusAnswer{}, fmt.Errorf("%w: looking up a payment_id: %w", ErrStore, err)
	case owner != "" && owner != c.Order.Number:
		return StatusAnswer{Knowledge: NotAsked, Reason: "the answer's payment_id is that of order number " + owner}, nil
	}
	return answer, nil
}

// ask asks the provider about a charge, in the time that leaves enough to write
// down what follows from its answer, and writes that down. It returns what the
// provider said; an error means that the ledger could not be read or written.
func (l *Ledger) ask(ctx context.Context, c Charge, q question) (after Charge, said StatusAnswer, err error) {
	within, cancel := context.WithDeadline(ctx, answerBy(ctx))
	defer cancel()
	return l.askWithin(ctx, within, c, q)
}

// askWithin is ask with the time that asking may take.
func (l *Ledger) askWithin(ctx, within context.Context, c Charge, q question) (after Charge, said StatusAnswer, err error) {
	status, err := l.status(within, c, q)
	if err != nil {
		return c, StatusAnswer{}, err
	}
	if status.Knowledge != Known {
		return c, status, nil
	}
	word := status.Answer
	change := word.change(c, ByStatus, l.now())
	if _, news := c.Apply(change); news && !c.knows(change) {
		after, applied, err := l.store.Record(ctx, change)
		if err != nil {
			return c, StatusAnswer{}, fmt.Errorf("%w: recording %s for order number %s: %w", ErrStore, change.To, change.Number, err)
		}
		if applied {
			l.alarmOf(ctx, after, change)
		}
		return after, status, nil
	}
	if against := c.disputedBy(word); against != "" {
		after, err := l.dispute(ctx, c, against, word.PaymentID)
		return after, status, err
	}
	return c, status, nil
}

// disputedBy is the provider's word where it is against a settled charge in a way that
// the transitions do not follow; empty where it is not.
func (c Charge) disputedBy(word Answer) string {
	switch {
	case c.State != Settled:
		return ""
	case word.State != Settled:
		return word.ProviderStatus
	case !samePayment(word.PaymentID, c.PaymentID) && c.Said != ByOperator:
		return "settled as another payment too: " + word.PaymentID
	default:
		return ""
	}
}

// alarmOf tells a person of a change that should not have had to happen. after is the
// charge with the change in its history.
func (l *Ledger) alarmOf(ctx context.Context, after Charge, change Change) {
	if change.Differs != "" {
		l.log.ErrorContext(ctx, "the provider settled a charge in another amount or currency than was asked for", "alarm", "differs",
			"order_number", change.Number, "difference", change.Differs)
	}
	line := slices.IndexFunc(after.History, change.Entry().Equal)
	if line < 1 {
		return
	}
	switch before := after.History[line-1]; {
	case before.Evidence == ByOperator && before.State != change.To:
		l.log.ErrorContext(ctx, "the provider's word overrides an operator's", "alarm", "operator_overridden",
			"order_number", change.Number, "operator", string(before.State), "provider", string(change.To))
	case before.State.Chargeable() && change.Evidence == ByStatus:
		l.log.ErrorContext(ctx, "the provider has a charge that its own answer had denied", "alarm", "contradiction",
			"order_number", change.Number, "was", string(before.State), "provider", string(change.To))
	}
}

// dispute notes the provider's word against a settled charge, and tells a person.
func (l *Ledger) dispute(ctx context.Context, c Charge, word, paymentID string) (Charge, error) {
	after, noted, err := l.store.Dispute(ctx, c.Order.Number, word, paymentID, l.now())
	if err != nil {
		return c, fmt.Errorf("%w: noting a dispute of order number %s: %w", ErrStore, c.Order.Number, err)
	}
	if noted {
		l.log.ErrorContext(ctx, "the provider's word is against a settled charge; a person has to look into it", "alarm", "disputed",
			"order_number", c.Order.Number, "provider_status", word)
	}
	return after, nil
}

const (
	// unknownAlarmAfter is how long a charge may be unknown before a person is told.
	unknownAlarmAfter = 15 * time.Minute
	// pendingAlarmAfter is how long it may be pending.
	pendingAlarmAfter = 3 * day
)

// Swept is what one run of Sweep did.
type Swept struct {
	// Asked charges were asked about; Ended of them have an outcome now.
	Asked, Ended int
	// Unanswered charges could not be asked about; their next look comes. Failed
	// are those that the ledger could not read or write.
	Unanswered, Failed int
	// Unknown charges have been unknown for more than a quarter of an hour, and Pending
	// ones pending for three days.
	Unknown, Pending int
	// Unreadable are those whose stored charge or subscription cannot be read. Each is an
	// alarm, and keeps no other from being asked about.
	Unreadable int
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
		wg                       sync.WaitGroup
		slots                    = make(chan struct{}, askers)
		asked, ended, unanswered atomic.Int64
		unknown, pending         atomic.Int64
		broken, silent, unread   atomic.Int64
		result                   Swept
		failed                   error
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
			if look.pendingFor >= pendingAlarmAfter {
				pending.Add(1)
				l.log.ErrorContext(ctx, "a charge has been pending for days; see the runbook on unknown charges", "alarm", "pending",
					"order_number", due.Number, "pending_for", look.pendingFor.String())
			}
		})
	}
	wg.Wait()
	result.Asked, result.Ended = int(asked.Load()), int(ended.Load())
	result.Unknown, result.Pending = int(unknown.Load()), int(pending.Load())
	result.Unanswered, result.Failed = int(unanswered.Load()), int(broken.Load())
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
	open         bool // the provider knows it, or may: its outcome was to come, or may turn round
	asked, ended bool
	unknownFor   time.Duration
	pendingFor   time.Duration // of a planned look alone: at most once a day
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
		// attempt. A hint's look stays due until the call has ended.
		return looked{skipped: true}
	}
	next, planned := c.nextLook(now), true
	if next.IsZero() {
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
		c.LookAt = next
	}
	switch {
	case err != nil:
		return l.lookFailed(ctx, due, err)
	case !mine:
		return looked{skipped: true}
	}
	after, said, err := l.ask(ctx, c, question{})
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
	result := looked{asked: asked, open: c.State.Open() || c.State == Declined, ended: c.State.Open() && !after.State.Open()}
	called := after.calledAt()
	switch {
	case after.State == Unknown:
		result.unknownFor = now.Sub(called)
	case (after.State == Pending || after.Cascading) && NextLook(called, due.At.Add(-1)).Equal(due.At):
		result.pendingFor = now.Sub(called)
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
