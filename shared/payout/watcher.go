package payout

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"dinarfunctions/shared/unreadable"
)

// How the time of one invocation is spent.
const (
	// maxInvocation is the longest that an invocation lasts. It counts where a
	// context has no deadline of its own.
	maxInvocation = 29 * time.Second
	// writeTime is kept back at the end of an invocation to write down what was
	// learnt.
	writeTime = 4 * time.Second
	// minAsk is the least time that the provider is asked with.
	minAsk = 2 * time.Second
	// maxAsk is how long the provider may take over one payout, so that one that it
	// hangs on leaves time for the others.
	maxAsk = 10 * time.Second
	// lease is how long a claimed look belongs to him who claimed it: longer than his
	// invocation. If he never writes what he learnt, the look comes again after it.
	lease = 2 * time.Minute
)

const (
	// askers is how many payouts are asked about at the same time.
	askers = 8
	// firstAlone is how long a sweep waits for its first answer before it asks for
	// others beside it. A refused key is so found out by one question.
	firstAlone = 2 * time.Second
	// maxSilent is how many questions get no answer, and none has got one, before a
	// sweep takes the provider for down.
	maxSilent = 2 * askers
	// maxWrites is how often a write is tried that others come before.
	maxWrites = 5
)

var (
	// ErrStore is wrapped by every error of the Watcher that says that the store could
	// not be read or written.
	ErrStore = errors.New("the store of watched payouts cannot be reached")
	// ErrNoKey is wrapped by the error of a sweep that had no key to ask with.
	ErrNoKey = errors.New("there is no key to ask the provider with")
)

// Watcher watches payouts. It is safe for concurrent use, and by any number of
// processes over one store.
type Watcher struct {
	store        Store
	provider     Provider
	overdueAfter time.Duration
	now          func() time.Time
	log          *slog.Logger
}

// NewWatcher makes a watcher. A payout that has been processing for longer than
// overdueAfter is overdue.
func NewWatcher(store Store, provider Provider, overdueAfter time.Duration, now func() time.Time, log *slog.Logger) *Watcher {
	return &Watcher{store: store, provider: provider, overdueAfter: overdueAfter, now: now, log: log}
}

// Watch begins to watch a payout, and tells whether it was not watched before. A
// reference that is given takes the place of an earlier one.
func (w *Watcher) Watch(ctx context.Context, id, reference string) (p Payout, created bool, err error) {
	fail := func(err error) (Payout, bool, error) {
		return Payout{}, false, unreadable.Wrap(err, ErrStore, "watching payout "+id)
	}
	for range maxWrites {
		standing, created, err := w.store.Create(ctx, New(id, reference, w.now()))
		if err != nil {
			return fail(err)
		}
		wanted, changed := standing.Wanted(reference, w.now())
		if created || !changed {
			return w.seen(standing), created, nil
		}
		standing, written, err := w.store.Write(ctx, wanted)
		switch {
		case errors.Is(err, ErrNotFound): // somebody ended the watch meanwhile
		case err != nil:
			return fail(err)
		case written:
			return w.seen(standing), false, nil
		}
	}
	return fail(errOvertaken)
}

// errOvertaken: others wrote the payout each time before it could be written.
var errOvertaken = fmt.Errorf("others wrote it %d times meanwhile", maxWrites)

// Find returns a watched payout as it is known; nobody is asked. It wraps
// ErrNotFound where it is not watched.
func (w *Watcher) Find(ctx context.Context, id string) (Payout, error) {
	p, err := w.store.Get(ctx, id)
	switch {
	case errors.Is(err, ErrNotFound):
		return Payout{}, fmt.Errorf("payout %s: %w", id, err)
	case err != nil:
		return Payout{}, unreadable.Wrap(err, ErrStore, "reading payout "+id)
	}
	return w.seen(p), nil
}

// List lists watched payouts in a state, or all of them for the empty one, oldest
// first, as Store.List does. Where some cannot be read, it returns the others with an
// *unreadable.Some.
func (w *Watcher) List(ctx context.Context, state State, after Place, limit int) ([]Payout, *Place, error) {
	payouts, more, err := w.store.List(ctx, state, after, limit)
	left, err := unreadable.Split(err)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: listing payouts: %w", ErrStore, err)
	}
	for i, p := range payouts {
		payouts[i] = w.seen(p)
	}
	return payouts, more, unreadable.Left(left)
}

// Forget ends a watch. One that is not there is no error.
func (w *Watcher) Forget(ctx context.Context, id string) error {
	if err := w.store.Delete(ctx, id); err != nil {
		return fmt.Errorf("%w: ending the watch of payout %s: %w", ErrStore, id, err)
	}
	return nil
}

func (w *Watcher) seen(p Payout) Payout { return p.At(w.now(), w.overdueAfter) }

// Swept is what one run of Sweep did.
type Swept struct {
	// Asked payouts were asked about, and the provider told how they stand; Completed
	// of them became final.
	Asked, Completed int
	// Unanswered payouts could not be learnt about; their next look comes.
	Unanswered int
	// Failed payouts could not be read or written; their look comes again.
	Failed int
	// Unreadable payouts are stored and cannot be read. Each is an alarm, and keeps no
	// other from being looked at.
	Unreadable int
	// KeyRefused tells that the provider refused the key, which ends a sweep.
	KeyRefused bool
	// Left tells that the sweep ended before the work did; the next schedule goes on.
	Left bool
}

// Sweep asks about the payouts that are due for a look, as many as the context's
// time allows: one question for each, however many payments it has. It may run any
// number of times, also at the same time: each look is claimed before the provider
// is asked. What is not reached stays due; what was claimed and not written, because
// the process was ended, is due again after lease. A refused key ends it, and so does
// a provider that answers nobody. It wraps ErrStore where not all of what is due could be
// read, or none of it be written, and ErrNoKey.
func (w *Watcher) Sweep(ctx context.Context) (Swept, error) {
	end, limited := ctx.Deadline()
	if !limited {
		end = time.Now().Add(maxInvocation)
	}
	asking, cancel := context.WithDeadline(ctx, end.Add(-writeTime))
	defer cancel()
	s := &sweep{Watcher: w, asking: asking, lastStart: end.Add(-writeTime - minAsk), heardFirst: make(chan struct{})}

	var (
		wg     sync.WaitGroup
		slots  = make(chan struct{}, askers)
		begun  = 0
		failed error
	)
	for due, err := range w.store.Due(ctx, w.now()) {
		if unreadable.Alarm(ctx, w.log, err) {
			s.mu.Lock()
			s.result.Unreadable++
			s.mu.Unlock()
			continue
		}
		if err != nil {
			failed = fmt.Errorf("%w: reading what is due: %w", ErrStore, err)
			break
		}
		if begun == 1 {
			s.waitForFirst()
		}
		if s.over() {
			break
		}
		slots <- struct{}{}
		if s.over() { // waiting for the slot took it
			break
		}
		begun++
		wg.Go(func() {
			defer func() { <-slots }()
			s.look(ctx, due)
		})
	}
	wg.Wait()
	switch {
	case failed != nil:
	case s.noKey != nil:
		failed = fmt.Errorf("%w: %w", ErrNoKey, s.noKey)
	case s.result.Failed > 0 && s.result.Failed == begun-s.unread:
		failed = fmt.Errorf("%w: none of %d payouts that are due could be looked at", ErrStore, begun)
	}
	return s.result, failed
}

// sweep is one run of Sweep.
type sweep struct {
	*Watcher
	asking     context.Context //nolint:containedctx // of this one run
	lastStart  time.Time
	heardFirst chan struct{} // closed once a look has ended

	mu     sync.Mutex // guards what follows
	once   sync.Once
	result Swept
	silent int  // questions that got no answer
	heard  int  // questions that got one, be it a refusal
	unread int  // looks at payouts that cannot be read
	ended  bool // nobody else is asked about
	noKey  error
}

// over tells whether no other look may begin, and notes that some are left.
func (s *sweep) over() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	down := s.heard == 0 && s.silent >= maxSilent
	if s.ended || down || s.asking.Err() != nil || !time.Now().Before(s.lastStart) {
		s.result.Left = true
	}
	return s.result.Left
}

func (s *sweep) waitForFirst() {
	timer := time.NewTimer(firstAlone)
	defer timer.Stop()
	select {
	case <-s.heardFirst:
	case <-timer.C:
	}
}

// look looks at one payout that is due.
func (s *sweep) look(ctx context.Context, due Due) {
	defer s.once.Do(func() { close(s.heardFirst) })
	p, mine, err := s.store.Look(ctx, due.ID, due.At, s.now().Add(lease))
	if err != nil {
		s.lookFailed(ctx, due.ID, err)
		return
	}
	if !mine { // somebody else has it, or ended the watch
		return
	}
	within, cancel := context.WithTimeout(s.asking, maxAsk)
	told, learnt := s.provider.Payout(within, due.ID)
	cancel()
	if err := ctx.Err(); err != nil { // the process is being ended: that says nothing of the provider
		s.lookFailed(ctx, due.ID, err)
		return
	}
	s.count(ctx, due.ID, learnt)
	after, mine, err := s.write(ctx, p, told, learnt)
	switch {
	case err != nil:
		s.lookFailed(ctx, due.ID, err)
	case mine && after.Changed(ChangeCompleted):
		s.mu.Lock()
		s.result.Completed++
		s.mu.Unlock()
	}
}

// write writes down what a look has learnt, over whatever else was written meanwhile,
// unless that is another look: its word is as good.
func (s *sweep) write(ctx context.Context, p Payout, told []Told, learnt error) (standing Payout, mine bool, err error) {
	checks := p.Checks
	for range maxWrites {
		next := p.Looked(told, s.now(), s.overdueAfter)
		if learnt != nil {
			next = p.NotLooked(reason(learnt), s.now(), s.overdueAfter)
		}
		standing, written, err := s.store.Write(ctx, next)
		switch {
		case errors.Is(err, ErrNotFound):
			return Payout{}, false, nil
		case err != nil:
			return Payout{}, false, err
		case written || standing.Checks != checks:
			return standing, written, nil
		}
		p = standing
	}
	return Payout{}, false, errOvertaken
}

// reason is what a payout's LastError says of an error.
func reason(err error) string {
	if ask, ok := errors.AsType[*AskError](err); ok {
		return ask.Text
	}
	return "the provider could not be asked"
}

// count counts a question by what came of it, and ends the sweep where no other
// would learn more.
func (s *sweep) count(ctx context.Context, id string, learnt error) {
	var why Why
	ask, known := errors.AsType[*AskError](learnt)
	switch {
	case known:
		why = ask.Why
	case learnt != nil:
		why = NoAnswer
	}

	s.mu.Lock()
	first := !s.ended
	switch why {
	case Refused:
		s.heard++
	case KeyRefused:
		s.ended, s.result.KeyRefused = true, true
	case NoKey:
		s.ended, s.noKey = true, learnt
	case NoAnswer:
		s.silent++
	default:
		s.heard++
		s.result.Asked++
	}
	if learnt != nil {
		s.result.Unanswered++
	}
	s.mu.Unlock()

	switch {
	case why == KeyRefused && first:
		s.log.ErrorContext(ctx, "Dinar Dragon refuses the private key; see the runbook on refused keys",
			"alarm", "key_refused", "payment_id", id, "error", learnt.Error())
	case learnt != nil:
		s.log.InfoContext(ctx, "a look at a payout learnt nothing", "payment_id", id, "error", learnt.Error())
	}
}

func (s *sweep) lookFailed(ctx context.Context, id string, err error) {
	unread := unreadable.Alarm(ctx, s.log, err)
	s.mu.Lock()
	if unread {
		s.result.Unreadable++
		s.unread++
	} else {
		s.result.Failed++
	}
	s.mu.Unlock()
	if unread {
		return
	}
	s.log.WarnContext(ctx, "a watched payout could not be looked at; its look comes again", "payment_id", id, "error", err.Error())
}
