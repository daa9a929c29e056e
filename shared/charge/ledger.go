package charge

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"

	"dinarfunctions/shared/unreadable"
)

// How the time of one invocation is spent. The template gives every function at
// most MaxInvocation, because an HTTP API answers its caller after 30 seconds
// whatever the function does.
const (
	// MaxInvocation is the longest that an invocation lasts. It counts where a
	// context has no deadline of its own.
	MaxInvocation = 29 * time.Second
	// MaxCall is how long the provider may take over one charge, all requests
	// that belong to it together.
	MaxCall = 20 * time.Second
	// WriteTime is kept back at the end of an invocation to write down what was
	// learnt.
	WriteTime = 4 * time.Second
	// AnswerTime, a part of it, is kept back to answer the caller.
	AnswerTime = 500 * time.Millisecond
	// MinCall is the least time that a charge request is begun with. Anything
	// shorter would only make a charge unknown.
	MinCall = 2 * time.Second
)

// Provider charges saved cards. shared/dineropay implements it.
type Provider interface {
	// Ready tells whether a request could be signed now. It sends nothing. Its
	// error says what is missing.
	Ready(ctx context.Context) error

	// Charge sends one charge request, or none, and never a second one. Whatever
	// happens to it comes back as an Answer: anything that may have left and was
	// not clearly answered is Unknown.
	Charge(ctx context.Context, terms Terms) Answer

	// RefreshKey reads the signing values anew, after the provider refused them.
	RefreshKey(ctx context.Context) error

	// Status asks what became of a charge. It moves no money.
	Status(ctx context.Context, query Query) StatusAnswer
}

// The reasons for which a charge is not begun. Nothing was written or sent.
var (
	// ErrNotReady: the provider's client has no keys to sign with. It is wrapped
	// together with the client's own error.
	ErrNotReady = errors.New("the charge was not begun")
	// ErrNoTime: too little of the invocation is left to charge and to write down
	// what became of it.
	ErrNoTime = errors.New("too little time is left in this invocation to charge safely")
	// ErrStore: the ledger could not be reached or refused the work.
	ErrStore = errors.New("the ledger cannot be reached")
	// ErrOvertaken: the subscription whose cycle was to be charged has been changed
	// since it was read.
	ErrOvertaken = errors.New("the subscription has been changed meanwhile")
	// ErrStopped: an operator has stopped charging.
	ErrStopped = errors.New("charging is stopped")
	// ErrAskFirst: the provider has to be asked about the order number first, and
	// could not be.
	ErrAskFirst = errors.New("the provider could not be asked about the order number first")
)

// ConflictError: the order number stands for something else already.
type ConflictError struct{ Number string }

func (e *ConflictError) Error() string {
	return fmt.Sprintf("order number %s stands for another charge already; use a new number for a new charge", e.Number)
}

// Ledger charges saved cards, each order number at most once. It is safe for use
// by many callers in many processes at the same time; the Store decides between
// them.
type Ledger struct {
	store    Store
	provider Provider
	now      func() time.Time
	log      *slog.Logger
	control  control
	follow   func(context.Context, Charge) error
}

// NewLedger returns a ledger over a store and a provider. now tells the time. Only
// its wall clock counts: a monotonic one stands still while a function is frozen,
// and what was read hours ago would look fresh.
func NewLedger(store Store, provider Provider, now func() time.Time, log *slog.Logger) *Ledger {
	wall := func() time.Time { return now().Round(0) }
	return &Ledger{store: store, provider: provider, now: wall, log: log}
}

// Charge charges a saved card, or answers with the charge that stands under the
// order number already. The order of things is the whole point: claim, send
// once, write down what was learnt, answer.
//
// An error means that nothing was sent: it wraps ErrNotReady, ErrNoTime, ErrStore,
// ErrStopped or ErrAskFirst, or is a *ConflictError. Once a request may have left, there is always a
// charge to return.
func (l *Ledger) Charge(ctx context.Context, terms Terms) (Charge, error) {
	return l.begin(ctx, &request{terms: terms, claim: l.store.Claim})
}

// CycleRequest asks for the charge of a subscription's cycle.
type CycleRequest struct {
	Terms Terms
	Of    Cycle
	// AskFirst: the provider is asked about the order number before it is charged,
	// whatever the operator's switch says.
	AskFirst bool
	// Claim writes the claim as Store.Claim does, in one atomic step with the
	// subscription's own condition. Where that is not met it wraps ErrOvertaken, and
	// nothing was written.
	Claim func(ctx context.Context, claim Charge) (standing Charge, won bool, err error)
}

// ChargeCycle is Charge for a cycle of a subscription, whose claim has one more
// condition. It may also wrap ErrOvertaken: the subscription is not any more what it
// was read as, so nothing was claimed or sent. keyRefused tells that the provider
// refused the merchant's key; the charge is Unsent then, or was not begun where the
// provider had to be asked first.
func (l *Ledger) ChargeCycle(ctx context.Context, asked CycleRequest) (c Charge, keyRefused bool, err error) {
	r := &request{terms: asked.Terms, of: asked.Of, ask: asked.AskFirst, claim: asked.Claim}
	c, err = l.begin(ctx, r)
	return c, r.keyRefused, err
}

// Follow says who is told of the charges of subscriptions that Sweep looked at.
// What it cannot be told now, it is told again at the next look.
func (l *Ledger) Follow(follow func(context.Context, Charge) error) { l.follow = follow }

// request is a charge that is asked for.
type request struct {
	terms Terms
	of    Cycle
	ask   bool
	claim func(context.Context, Charge) (Charge, bool, error)

	keyRefused   bool // by the provider, for good
	askedForHint bool // the provider was asked because of a hint
}

// newClaim is one attempt at it.
func (r *request) newClaim(now, deadline time.Time) Charge {
	claim := NewClaim(r.terms, rand.Text(), now, deadline)
	claim.For = r.of
	return claim
}

func (l *Ledger) begin(ctx context.Context, r *request) (Charge, error) {
	if err := ctx.Err(); err != nil {
		return Charge{}, fmt.Errorf("%w: %w", ErrNoTime, err)
	}
	deadline := l.deadline(ctx)
	// From here on a caller who hangs up changes nothing: a charge that was begun
	// is carried through and written down.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), deadline.Sub(l.now())-AnswerTime)
	defer cancel()

	mode, err := l.mayBegin(ctx, deadline)
	if err != nil {
		return l.unbegun(ctx, r, err)
	}
	if mode == AskFirst || r.ask {
		return l.askThenCharge(ctx, r, deadline)
	}
	return l.claimAndSend(ctx, r, deadline)
}

// claimAndSend does what the package is about: claim, send once, write down.
func (l *Ledger) claimAndSend(ctx context.Context, r *request, deadline time.Time) (Charge, error) {
	claim := r.newClaim(l.now(), deadline)
	standing, won, err := l.claim(ctx, r, claim)
	send := err == nil && !won && Decide(&standing, r.terms, r.of) == Send
	if send && standing.hinted(l.now()) {
		if r.askedForHint {
			return Charge{}, fmt.Errorf("%w: somebody hints again and again that something happened to order number %s", ErrAskFirst, r.terms.Order.Number)
		}
		r.askedForHint = true
		return l.askThenCharge(ctx, r, deadline)
	}
	if send {
		// Written to after our claim was made: by a clock that is ahead of ours, or
		// while our write was under way. A claim from after that may stand there.
		claim = r.newClaim(standing.UpdatedAt, deadline)
		standing, won, err = l.claim(ctx, r, claim)
	}
	if err != nil {
		return Charge{}, err
	}
	if !won {
		return l.standing(standing, r)
	}

	answer, by := l.send(ctx, r, deadline)
	return l.record(ctx, standing, answer.change(claim, by, l.now())), nil
}

// askThenCharge asks the provider about the order number before it charges: the
// ledger may have lost what it knew, as after a restore from a backup. What the
// provider knows is taken over under a claim that is never sent.
func (l *Ledger) askThenCharge(ctx context.Context, r *request, deadline time.Time) (Charge, error) {
	terms := r.terms
	standing, err := l.store.Get(ctx, terms.Order.Number)
	switch {
	case err == nil && Decide(&standing, terms, r.of) != Send:
		return l.standing(standing, r)
	case err != nil && !errors.Is(err, ErrNotFound):
		return Charge{}, fmt.Errorf("%w: reading order number %s: %w", ErrStore, terms.Order.Number, err)
	}
	within, cancel := context.WithDeadline(ctx, claimBy(ctx))
	defer cancel()
	// What a queue brings comes again by itself, so one request does.
	once := r.of != Cycle{}
	status, err := l.status(within, unclaimed(terms), question{token: terms.Token, once: once})
	switch {
	case err != nil:
		return Charge{}, fmt.Errorf("%w: %w", ErrAskFirst, err)
	case status.Knowledge == NotAsked:
		r.keyRefused = status.KeyRefused
		return Charge{}, fmt.Errorf("%w: %s", ErrAskFirst, status.Reason)
	case status.Knowledge == NotKnown:
		// Asking took a while, and an operator may have stopped charging meanwhile.
		if err := l.notStopped(ctx); err != nil {
			return Charge{}, err
		}
		if err := l.hintAnswered(ctx, standing); err != nil {
			return Charge{}, err
		}
		return l.claimAndSend(ctx, r, deadline)
	}
	if err := l.hintAnswered(ctx, standing); err != nil {
		return Charge{}, err
	}
	claim := r.newClaim(l.now(), deadline)
	standing, won, err := l.claim(ctx, r, claim)
	if err != nil || !won {
		if err == nil {
			return l.standing(standing, r)
		}
		return Charge{}, err
	}
	return l.record(ctx, standing, status.Answer.change(claim, ByStatus, l.now())), nil
}

// hintAnswered moves the look back that a hint put at a charge which charged nothing, once
// the provider has answered. Where nothing is known of the number there is none.
func (l *Ledger) hintAnswered(ctx context.Context, c Charge) error {
	now := l.now()
	if !c.hinted(now) {
		return nil
	}
	if _, err := l.store.Look(ctx, c.Order.Number, c.LookAt, c.nextLook(now)); err != nil {
		return unreadable.Wrap(err, ErrStore, "moving back the early look at order number "+c.Order.Number)
	}
	return nil
}

// notStopped returns ErrStopped if an operator has stopped charging, and wraps ErrStore
// where that cannot be known.
func (l *Ledger) notStopped(ctx context.Context) error {
	mode, err := l.Mode(ctx)
	if err == nil && mode == Stopped {
		err = ErrStopped
	}
	return err
}

// unclaimed is what is known of an order number before there is a charge under it.
func unclaimed(terms Terms) Charge {
	return Charge{Order: terms.Order, InitTransID: terms.InitTransID, TokenEnd: TokenEnd(terms.Token)}
}

// deadline is when this invocation ends, by our clock.
func (l *Ledger) deadline(ctx context.Context) time.Time {
	left := MaxInvocation
	if end, ok := ctx.Deadline(); ok {
		left = min(left, time.Until(end))
	}
	return l.now().Add(left)
}

// mayBegin tells why a new charge may not be begun now, or in which mode it may.
func (l *Ledger) mayBegin(ctx context.Context, deadline time.Time) (Mode, error) {
	if err := l.timeLeft(deadline); err != nil {
		return "", err
	}
	mode, err := l.Mode(ctx)
	switch {
	case err != nil:
		return "", err
	case mode == Stopped:
		return "", ErrStopped
	}
	if err := l.provider.Ready(ctx); err != nil {
		return "", fmt.Errorf("%w: %w", ErrNotReady, err)
	}
	return mode, nil
}

func (l *Ledger) timeLeft(deadline time.Time) error {
	if l.now().Add(MinCall + WriteTime).After(deadline) {
		return ErrNoTime
	}
	return nil
}

// unbegun answers a request that may not be begun now: a charge that was made
// before is still shown.
func (l *Ledger) unbegun(ctx context.Context, r *request, why error) (Charge, error) {
	standing, err := l.store.Get(ctx, r.terms.Order.Number)
	if err != nil || Decide(&standing, r.terms, r.of) == Send {
		return Charge{}, why
	}
	return l.standing(standing, r)
}

// standing answers a request for a number that stands for something already.
func (l *Ledger) standing(c Charge, r *request) (Charge, error) {
	if Decide(&c, r.terms, r.of) == Conflict {
		return Charge{}, &ConflictError{Number: c.Order.Number}
	}
	return c.At(l.now()), nil
}

// claim writes the claim. If it cannot know whether the write happened, it takes
// it back: nobody else may send under a claim that is not theirs, so a claim that
// nobody sends under would stay unknown for ever.
func (l *Ledger) claim(ctx context.Context, r *request, claim Charge) (standing Charge, won bool, err error) {
	within, cancel := context.WithDeadline(ctx, claimBy(ctx))
	defer cancel()
	standing, won, err = r.claim(within, claim)
	if err == nil || errors.Is(err, ErrOvertaken) {
		return standing, won, err
	}
	err = fmt.Errorf("%w: claiming order number %s: %w", ErrStore, claim.Order.Number, err)
	if undo := l.takeBack(ctx, claim); undo != nil {
		l.log.ErrorContext(ctx, "a claim that may stand could not be taken back; nothing was sent for it",
			"order_number", claim.Order.Number, "attempt", claim.Attempt, "error", undo.Error())
	}
	return Charge{}, false, err
}

// takeBack ends a claim under which nothing was or will be sent. Where it does not
// stand yet, over nothing or over an earlier attempt, the write may still be on its
// way: then the ended claim is written in its place, and a copy that comes late
// finds its attempt there and changes nothing.
func (l *Ledger) takeBack(ctx context.Context, claim Charge) error {
	notSent := Answer{State: Unsent, Reason: "the ledger did not confirm the claim, so nothing was sent"}
	change := notSent.change(claim, ByAnswer, l.now())
	ended, _ := claim.Apply(change)
	ctx, cancel := context.WithTimeout(ctx, WriteTime-AnswerTime)
	defer cancel()
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		standing, applied, err := l.store.Record(ctx, change)
		free := errors.Is(err, ErrNotFound) || err == nil && !applied && standing.State.Chargeable() && standing.Attempt != claim.Attempt
		if !free {
			return struct{}{}, err
		}
		standing, _, err = l.store.Claim(ctx, ended)
		if err == nil && standing.State == Sending && standing.Attempt == claim.Attempt {
			_, _, err = l.store.Record(ctx, change) // it has just come to stand there
		}
		return struct{}{}, err
	}, backoff.WithBackOff(writeAgain()), backoff.WithMaxElapsedTime(0))
	return err
}

// claimBy leaves time after the claim to take it back.
func claimBy(ctx context.Context) time.Time {
	end, _ := ctx.Deadline()
	return end.Add(-WriteTime)
}

// send makes the calls that belong to one claimed charge, within the time that
// leaves enough to write down their outcome.
func (l *Ledger) send(ctx context.Context, r *request, deadline time.Time) (Answer, Evidence) {
	terms := r.terms
	left := min(MaxCall, deadline.Sub(l.now())-WriteTime)
	end := l.now().Add(left)
	within, cancel := context.WithTimeout(ctx, left)
	defer cancel()

	for signed := 1; ; signed++ {
		if l.now().Add(MinCall).After(end) {
			return Answer{State: Unsent, Reason: ErrNoTime.Error()}, ByAnswer
		}
		// The claim may have taken a while, and the switch is in force within ModeFor.
		if err := l.notStopped(within); err != nil {
			return Answer{State: Unsent, Reason: err.Error()}, ByAnswer
		}
		answer := l.provider.Charge(within, terms)
		switch next(answer, signed) {
		case signAgain:
			l.log.WarnContext(ctx, "the provider refuses the hash or merchant key; signing once more with freshly read values",
				"order_number", terms.Order.Number, "reason", answer.Reason)
			if err := l.provider.RefreshKey(within); err != nil {
				answer.Reason += "; fresh values could not be read: " + err.Error()
				return l.keyRefused(ctx, r, answer), ByAnswer
			}
		case askStatus:
			status, err := l.status(within, unclaimed(terms), question{token: terms.Token})
			if err != nil {
				status = StatusAnswer{Knowledge: NotAsked, Reason: err.Error()}
			}
			return judge(answer, status)
		default:
			if answer.KeyRefused && signed == 1 {
				l.refreshKey(within, terms.Order.Number)
			}
			if answer.KeyRefused {
				return l.keyRefused(ctx, r, answer), ByAnswer
			}
			return answer, ByAnswer
		}
	}
}

// refreshKey has the key read anew that the provider refused, so that the next charge
// is signed with what is stored now. This one is not sent again: only a 400 says for
// certain that nothing was processed.
func (l *Ledger) refreshKey(ctx context.Context, number string) {
	if err := l.provider.RefreshKey(ctx); err != nil {
		l.log.WarnContext(ctx, "the key that the provider refused could not be read anew; it is used until it can be",
			"order_number", number, "error", err.Error())
	}
}

// keyRefused is the outcome of a charge whose key was refused for good: nothing
// was charged, and the caller may ask again once the key is mended.
func (l *Ledger) keyRefused(ctx context.Context, r *request, a Answer) Answer {
	r.keyRefused = true
	l.log.ErrorContext(ctx, "the provider refuses the merchant's key or signature",
		"alarm", "key_refused", "order_number", r.terms.Order.Number, "reason", a.Reason)
	if a.State == Rejected {
		a.State = Unsent
	}
	return a
}

// record writes down what was learnt, and tries until the invocation's time is
// over. Whatever stands there afterwards is the answer: another writer may have
// learnt it first. If nothing can be written, the charge is unknown to
// everybody, and the log holds what a person needs to resolve it.
func (l *Ledger) record(ctx context.Context, claim Charge, change Change) Charge {
	type written struct {
		standing Charge
		applied  bool
	}
	result, err := backoff.Retry(ctx, func() (written, error) {
		standing, applied, err := l.store.Record(ctx, change)
		if errors.Is(err, ErrNotFound) {
			return written{}, backoff.Permanent(err)
		}
		return written{standing, applied}, err
	}, backoff.WithBackOff(writeAgain()), backoff.WithMaxElapsedTime(0))
	if err != nil {
		l.log.ErrorContext(ctx, "the outcome of a charge could not be written down; see the runbook on unknown charges",
			"alarm", "outcome_not_written", "order_number", change.Number, "attempt", change.Attempt,
			"state", string(change.To), "payment_id", change.PaymentID, "reason", change.Reason, "error", err.Error())
		claim.State = Unknown
		claim.Reason = "the outcome could not be written down"
		return claim
	}
	standing := result.standing
	if result.applied {
		l.alarmOf(ctx, standing, change)
		return standing.At(l.now())
	}
	l.log.WarnContext(ctx, "another writer was first; its outcome stands",
		"order_number", change.Number, "learnt", string(change.To), "stands", string(standing.State))
	against := standing.disputedBy(Answer{State: change.To, PaymentID: change.PaymentID, ProviderStatus: change.ProviderStatus})
	// A decline of another payment is the first step of a cascade, and against nothing.
	counts := change.To == Settled || change.To == Declined && samePayment(change.PaymentID, standing.PaymentID)
	if counts && against != "" {
		if after, err := l.dispute(ctx, standing, against, change.PaymentID); err == nil {
			return after.At(l.now())
		}
	}
	return standing.At(l.now())
}

// samePayment reports whether two names may be those of one payment: they are equal, or
// one of them is not known.
func samePayment(a, b string) bool { return a == "" || b == "" || strings.EqualFold(a, b) }

func writeAgain() backoff.BackOff {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval = 50 * time.Millisecond
	b.MaxInterval = time.Second
	return b
}
