package subscription

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/unreadable"
)

// Ledger is what the Biller needs of *charge.Ledger, whose errors it passes on.
type Ledger interface {
	// ChargeCycle charges a cycle once, or answers with the charge that stands there.
	ChargeCycle(ctx context.Context, asked charge.CycleRequest) (c charge.Charge, keyRefused bool, err error)
	// Find returns a charge, and asks the provider about one whose outcome is to come.
	Find(ctx context.Context, number string) (charge.Charge, error)
	// AskOnce asks the provider about a charge, whatever its state, with a single status
	// request.
	AskOnce(ctx context.Context, number string) (after charge.Charge, said charge.StatusAnswer, err error)
	// Mode is the operator's switch, as it was at most ten seconds ago.
	Mode(ctx context.Context) (charge.Mode, error)
	// OfSubscription lists the charges of a subscription.
	OfSubscription(ctx context.Context, id string, after charge.Cycle, limit int) ([]charge.Charge, *charge.Cycle, error)
}

var _ Ledger = (*charge.Ledger)(nil)

// Queue takes messages to whoever looks at what is due. shared/duequeue implements it.
type Queue interface {
	// Send puts messages on the queue. sent is how many are certainly there.
	Send(ctx context.Context, messages []Message) (sent int, err error)
}

var (
	// ErrStore: the store of subscriptions could not be reached or refused the work.
	ErrStore = errors.New("the subscriptions cannot be reached")
	// ErrKeyRefused: the provider refuses the merchant's key, for this charge and so
	// for every other.
	ErrKeyRefused = errors.New("the provider refuses the merchant's key or signature")
)

// Biller keeps subscriptions and charges what is due. It is safe for use by many
// callers in many processes at the same time; the Store decides between them.
type Biller struct {
	store  Store
	ledger Ledger
	queue  Queue
	now    func() time.Time
	log    *slog.Logger
}

// NewBiller returns a Biller. now tells the time; only its wall clock counts.
func NewBiller(store Store, ledger Ledger, queue Queue, now func() time.Time, log *slog.Logger) *Biller {
	wall := func() time.Time { return now().Round(0) }
	return &Biller{store: store, ledger: ledger, queue: queue, now: wall, log: log}
}

// The errors of a Biller wrap ErrStore where a store cannot be reached, and an
// *unreadable.Error instead where what is stored cannot be read.

// attempts is how often a write is tried anew when another writer was first.
const attempts = 5

// Look is what a message asks for: it looks at a subscription and does what is to be
// done now, which is at most one charge. An error means that the message has to come
// again; it wraps ErrKeyRefused where no other charge would go either. The next look has
// been moved on then, as HandBack does.
func (b *Biller) Look(ctx context.Context, m Message) error {
	done := false
	defer func() { // also where it panics
		if !done {
			b.HandBack(ctx, m)
		}
	}()
	err := b.lookFor(ctx, m)
	done = err == nil
	return err
}

// handBackTime is how long HandBack may take.
const handBackTime = 2 * time.Second

// never is a time at which no look is due.
var never = time.Unix(0, 0)

// HandBack moves the next look at a subscription on, for a message that fails or was not
// tried. The message comes again by itself, sooner than that: so as long as it does, the
// schedule puts no other one beside it. Where the look cannot be moved it stays due when
// it was, which costs a message more and nothing else.
func (b *Biller) HandBack(ctx context.Context, m Message) {
	left := handBackTime
	if end, ok := ctx.Deadline(); ok {
		left = min(left, max(time.Until(end), charge.AnswerTime))
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), left)
	defer cancel()
	next := b.now().Add(QueueAgain)
	for was := never; ; {
		// The first call moves nothing: it reads, also where reads are what fails.
		s, moved, err := b.store.Look(ctx, m.Subscription, was, next)
		if err != nil {
			b.log.WarnContext(ctx, "the next look at a subscription could not be moved on; the schedule may queue it beside the message that comes again",
				"subscription", m.Subscription, "error", err.Error())
			return
		}
		gone := s.ID == "" || s.Cycle != m.Cycle || s.Attempt != m.Attempt
		if moved || gone || s.LookAt.IsZero() || !s.LookAt.Before(next) {
			return
		}
		was = s.LookAt
	}
}

// lookFor is Look without the part that moves the next look on.
func (b *Biller) lookFor(ctx context.Context, m Message) error {
	for range attempts {
		s, err := b.store.Get(ctx, m.Subscription)
		switch {
		case errors.Is(err, ErrNotFound):
			b.log.WarnContext(ctx, "a message about a subscription that is not there", "subscription", m.Subscription)
			return nil
		case err != nil:
			return unreadable.Wrap(err, ErrStore, "reading subscription "+m.Subscription)
		}
		if s.Cycle != m.Cycle || s.Attempt != m.Attempt {
			return nil // it has gone on since
		}
		err = b.look(ctx, s)
		if !errors.Is(err, ErrChanged) && !errors.Is(err, charge.ErrOvertaken) {
			return err
		}
	}
	return fmt.Errorf("subscription %s was changed by others again and again", m.Subscription)
}

// look does what is to be done with a subscription as it was read.
func (b *Biller) look(ctx context.Context, s Subscription) error {
	mode, err := b.ledger.Mode(ctx)
	switch {
	case err != nil:
		return err
	case mode == charge.Stopped:
		return nil // it stays due
	}
	now := b.now()
	switch verdict := s.Judge(now); verdict {
	case TakeOver:
		c, err := b.ledger.Find(ctx, Number(s.NextCharge()))
		if errors.Is(err, charge.ErrNotFound) {
			// There is nothing to wait for any more: a person says how it goes on.
			s.Waiting = false
			return b.write(ctx, s.Hold("the ledger lost the charge "+Number(s.NextCharge()), now))
		}
		if err != nil {
			return err
		}
		if c.For != s.NextCharge() {
			s.Waiting = false
			return b.write(ctx, s.Hold("the order number "+c.Order.Number+" stands for another charge already", now))
		}
		return b.takeOver(ctx, s, c)
	case Over:
		return b.write(ctx, s.Over(now))
	case NoRoom:
		return b.write(ctx, s.GiveUp(now))
	case ChargeIt, AskFirst:
		return b.charge(ctx, s, verdict == AskFirst)
	case TooLate:
		return b.write(ctx, s.Late(now))
	case Nothing:
	}
	return nil
}

// charge charges what is due: checks what was charged before, claims, sends, and
// takes over what became of it.
func (b *Biller) charge(ctx context.Context, s Subscription, askFirst bool) error {
	if done, err := b.before(ctx, s); done || err != nil {
		return err
	}
	of := s.NextCharge()
	claimed := s
	c, keyRefused, err := b.ledger.ChargeCycle(ctx, charge.CycleRequest{
		Terms: charge.Terms{
			Order:       charge.Order{Number: Number(of), Amount: s.Terms.Amount, Description: s.Terms.Description},
			InitTransID: s.Terms.InitTransID,
			Token:       s.Terms.Token,
		},
		Of: of, AskFirst: askFirst,
		Claim: func(ctx context.Context, claim charge.Charge) (charge.Charge, bool, error) {
			next := s.Claimed(claim)
			standing, won, err := b.store.Claim(ctx, next, claim)
			if errors.Is(err, ErrChanged) {
				err = fmt.Errorf("subscription %s: %w", s.ID, charge.ErrOvertaken)
			}
			if won {
				claimed = next
				claimed.Revision++
			}
			return standing, won, err
		},
	})
	var conflict *charge.ConflictError
	switch {
	case errors.As(err, &conflict):
		return b.write(ctx, s.Hold("the order number "+Number(of)+" stands for another charge already", b.now()))
	case errors.Is(err, charge.ErrStopped):
		return nil // it stays due
	case err == nil:
		err = b.takeOver(ctx, claimed, c)
	}
	if keyRefused {
		return errors.Join(err, fmt.Errorf("%w: order number %s", ErrKeyRefused, Number(of)))
	}
	return err
}

// before checks what was charged before the next charge: the earlier tries of the same
// cycle, each of which must still be declined, and the last paid charge, which may have
// been charged back. It reports whether that was all that is to be done now.
func (b *Biller) before(ctx context.Context, s Subscription) (done bool, err error) {
	if done, err := b.checkTries(ctx, s); done || err != nil {
		return done, err
	}
	return b.checkPaid(ctx, s)
}

// checkPaidTime is how long the question about the last paid charge may take, with the
// time that the ledger keeps back to write down the answer.
const checkPaidTime = charge.WriteTime + 5*time.Second

// checkPaid asks about the last charge that was ever settled. One that was charged back,
// or settled otherwise than asked for, holds the subscription before more is taken, once.
// Where the provider cannot be asked, and where a refund or anything else is the answer,
// the cycle goes on.
func (b *Biller) checkPaid(ctx context.Context, s Subscription) (done bool, err error) {
	paid := s.LastPaid()
	if paid == (charge.Cycle{}) {
		return false, nil
	}
	// What is left after it must do for the charge.
	by := time.Now().Add(checkPaidTime)
	if end, ok := ctx.Deadline(); ok && end.Add(-charge.MinCall-charge.WriteTime).Before(by) {
		by = end.Add(-charge.MinCall - charge.WriteTime)
	}
	within, cancel := context.WithDeadline(ctx, by)
	defer cancel()
	c, _, err := b.ledger.AskOnce(within, Number(paid))
	switch {
	case errors.Is(err, charge.ErrNotFound):
		return false, nil
	case err != nil:
		return false, err
	}
	if after := s.Later(c, false, b.now()); after.State == Held {
		return true, b.write(ctx, after)
	}
	return false, nil
}

// checkTries asks about the earlier tries of the cycle that is to be tried again. Where
// the provider cannot be asked, the message comes again: so one request about each is
// enough, and a provider that is down is not asked more than that.
func (b *Biller) checkTries(ctx context.Context, s Subscription) (done bool, err error) {
	now := b.now()
	for _, try := range tries(s.NextCharge()) {
		number := Number(try)
		c, said, err := b.ledger.AskOnce(ctx, number)
		switch {
		case errors.Is(err, charge.ErrNotFound):
			return true, b.write(ctx, s.Hold("the ledger lost the charge "+number, now))
		case err != nil:
			return false, err
		case said.KeyRefused:
			return false, fmt.Errorf("%w: asking about the charge %s, which comes before a next try", ErrKeyRefused, number)
		case said.Knowledge == charge.NotAsked:
			return false, fmt.Errorf("the provider could not be asked about the charge %s, which comes before a next try", number)
		case c.State == charge.Settled:
			twice, err := b.twice(ctx, c)
			if err != nil {
				return false, err
			}
			return true, b.write(ctx, s.Later(c, twice, now))
		case c.State == charge.Declined && said.Knowledge == charge.Known && said.Answer.State != charge.Declined:
			// A newer payment of that order is pending. The schedule looks again.
			b.log.InfoContext(ctx, "a next try waits, because a newer payment of an earlier one is pending", "subscription", s.ID, "order_number", number)
			return true, nil
		case c.State == charge.Declined && (said.Knowledge == charge.Known || c.Said == charge.ByAnswer):
			continue
		case c.State.Open():
			// It is not over. The subscription waits for it, as when it was made.
			s.Attempt = try.Attempt
			s.Waiting, s.WaitingSince = true, now
			return true, b.write(ctx, s.After(c, now))
		default:
			return true, b.write(ctx, s.Hold(fmt.Sprintf("the charge %s is %s, and the provider does not say that it was declined", number, c.State), now))
		}
	}
	return false, nil
}

// takeOver writes down what a charge means for its subscription. Where another
// writer was first, it is read anew; the charge stays what it is.
func (b *Biller) takeOver(ctx context.Context, s Subscription, c charge.Charge) error {
	for range attempts {
		// A charge that was claimed by another, or found under an ask, may stand there
		// for a subscription that has not been written to yet.
		waiting := s.Waiting && s.NextCharge() == c.For
		if !waiting && s.NextCharge() != c.For {
			return nil
		}
		if !waiting && s.State.Chargeable() {
			s.WaitingSince = c.CreatedAt
		}
		after, err := b.after(ctx, s, c)
		if err != nil {
			return err
		}
		err = b.write(ctx, after)
		if errors.Is(err, ErrChanged) {
			if s, err = b.get(ctx, s.ID); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		if c.State == charge.Unsent {
			return fmt.Errorf("order number %s was turned away, nothing was charged: %s", c.Order.Number, c.Reason)
		}
		return nil
	}
	return fmt.Errorf("subscription %s was changed by others again and again", s.ID)
}

// Follow takes to its subscription what became of one of its charges: the one that it
// waits for, or one of which more was learnt later. It may come any number of times.
func (b *Biller) Follow(ctx context.Context, c charge.Charge) error {
	for range attempts {
		s, err := b.store.Get(ctx, c.For.Subscription)
		switch {
		case errors.Is(err, ErrNotFound):
			b.log.WarnContext(ctx, "a charge of a subscription that is not there", "order_number", c.Order.Number)
			return nil
		case err != nil:
			return unreadable.Wrap(err, ErrStore, "reading subscription "+c.For.Subscription)
		}
		if s.Waiting && c.State.Chargeable() && c.UpdatedAt.Before(s.WaitingSince) {
			return nil // of an attempt before the one that it waits for
		}
		var after Subscription
		if s.Waiting && s.NextCharge() == c.For {
			if after, err = b.after(ctx, s, c); err != nil {
				return err
			}
		} else {
			twice, err := b.twice(ctx, c)
			if err != nil {
				return err
			}
			after = s.Later(c, twice, b.now())
			if after.Change == "" && after.Last == s.Last && slices.Equal(after.Paid, s.Paid) &&
				slices.Equal(after.ChargedBack, s.ChargedBack) && slices.Equal(after.Differed, s.Differed) {
				return nil
			}
		}
		if err = b.write(ctx, after); !errors.Is(err, ErrChanged) {
			return err
		}
	}
	return fmt.Errorf("subscription %s was changed by others again and again", c.For.Subscription)
}

// after is the subscription once it has taken over the charge that it waits for. While
// a next try was open, an earlier one may have been paid.
func (b *Biller) after(ctx context.Context, s Subscription, c charge.Charge) (Subscription, error) {
	after := s.After(c, b.now())
	if c.For.Attempt == 0 {
		return after, nil
	}
	if c.State == charge.Declined {
		return b.paidBefore(ctx, after, c)
	}
	twice, err := b.twice(ctx, c)
	if twice {
		after.paidTwice(c.For.Number)
	}
	return after, err
}

// paidBefore is the subscription whose latest try was declined, once the earlier ones
// have been looked at: one of them may have been paid while this one was open.
func (b *Biller) paidBefore(ctx context.Context, after Subscription, c charge.Charge) (Subscription, error) {
	for _, try := range tries(c.For) {
		earlier, err := b.ledger.Find(ctx, Number(try))
		switch {
		case err != nil && !errors.Is(err, charge.ErrNotFound):
			return after, err
		case err == nil && earlier.State == charge.Settled:
			return after.Later(earlier, false, b.now()), nil
		}
	}
	return after, nil
}

// twice tells whether another try of a paid charge's cycle is paid too.
func (b *Biller) twice(ctx context.Context, c charge.Charge) (bool, error) {
	if c.State != charge.Settled {
		return false, nil
	}
	of := c.For
	for of.Attempt = 0; ; of.Attempt++ {
		if of == c.For {
			continue
		}
		other, err := b.ledger.Find(ctx, Number(of))
		switch {
		case errors.Is(err, charge.ErrNotFound):
			return false, nil
		case err != nil:
			return false, err
		case other.State == charge.Settled:
			return true, nil
		}
	}
}

// write writes a subscription.
func (b *Biller) write(ctx context.Context, s Subscription) error {
	_, err := b.put(ctx, s)
	return err
}

// put writes a subscription, and tells a person of what needs one.
func (b *Biller) put(ctx context.Context, s Subscription) (Subscription, error) {
	written, err := b.store.Write(ctx, s)
	switch {
	case errors.Is(err, ErrChanged):
		return s, err
	case err != nil:
		return s, unreadable.Wrap(err, ErrStore, "writing subscription "+s.ID)
	}
	b.alarm(ctx, written)
	return written, nil
}

func (b *Biller) get(ctx context.Context, id string) (Subscription, error) {
	s, err := b.store.Get(ctx, id)
	switch {
	case errors.Is(err, ErrNotFound):
		return s, fmt.Errorf("subscription %s: %w", id, err)
	case err != nil:
		return s, unreadable.Wrap(err, ErrStore, "reading subscription "+id)
	}
	return s, nil
}

// alarm tells a person of what a subscription has come to.
func (b *Biller) alarm(ctx context.Context, s Subscription) {
	for _, word := range strings.Fields(s.Change) {
		switch word {
		case BecameHeld:
			b.log.ErrorContext(ctx, "a subscription is held; see the runbook on held subscriptions",
				"alarm", "subscription_held", "subscription", s.ID, "cycle", s.Cycle, "reason", s.Reason)
		case WasPaidTwice:
			b.log.ErrorContext(ctx, "a cycle of a subscription was paid twice; give one of the payments back",
				"alarm", "paid_twice", "subscription", s.ID, "cycle", s.PaidTwice[len(s.PaidTwice)-1])
		default:
			b.log.InfoContext(ctx, "subscription", "subscription", s.ID, "change", word, "state", string(s.State))
		}
	}
}
