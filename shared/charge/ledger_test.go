package charge_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/boltstore"
	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/charge/chargetest"
)

// bank is a provider that answers from a script and counts what it was asked.
type bank struct {
	mu        sync.Mutex
	answers   []charge.Answer
	status    charge.StatusAnswer
	notReady  error
	noRefresh error
	during    func()                                 // runs while a charge request is under way
	asked     func(charge.Query) charge.StatusAnswer // answers status requests; nil: status does

	charges, refreshes int
	queries            []charge.Query
	deadlines          []time.Duration
}

func (b *bank) Ready(context.Context) error { return b.notReady }

func (b *bank) Charge(ctx context.Context, _ charge.Terms) charge.Answer {
	b.mu.Lock()
	b.charges++
	answer := b.answers[min(b.charges, len(b.answers))-1]
	if end, ok := ctx.Deadline(); ok {
		b.deadlines = append(b.deadlines, time.Until(end))
	}
	b.mu.Unlock()
	if b.during != nil {
		b.during()
	}
	return answer
}

func (b *bank) RefreshKey(context.Context) error { b.refreshes++; return b.noRefresh }

func (b *bank) Status(_ context.Context, q charge.Query) charge.StatusAnswer {
	b.mu.Lock()
	b.queries = append(b.queries, q)
	b.mu.Unlock()
	if b.asked != nil {
		return b.asked(q)
	}
	return b.status
}

// faulty is a store that fails where it is told to.
type faulty struct {
	charge.Store
	claim  func() (afterWrite bool, err error)
	record func() (afterWrite bool, err error)
	get    error

	noSwitch error
	claimed  func(charge.Charge) // sees every claim

	claims, records, gets, switches atomic.Int32
}

func (f *faulty) Claim(ctx context.Context, c charge.Charge) (charge.Charge, bool, error) {
	f.claims.Add(1)
	if f.claimed != nil && c.State == charge.Sending {
		f.claimed(c)
	}
	if f.claim != nil {
		afterWrite, err := f.claim()
		if afterWrite {
			_, _, _ = f.Store.Claim(ctx, c)
		}
		if err != nil {
			return charge.Charge{}, false, err
		}
	}
	return f.Store.Claim(ctx, c)
}

func (f *faulty) Record(ctx context.Context, c charge.Change) (charge.Charge, bool, error) {
	f.records.Add(1)
	if f.record != nil {
		afterWrite, err := f.record()
		if afterWrite {
			_, _, _ = f.Store.Record(ctx, c)
		}
		if err != nil {
			return charge.Charge{}, false, err
		}
	}
	return f.Store.Record(ctx, c)
}

func (f *faulty) Get(ctx context.Context, number string) (charge.Charge, error) {
	f.gets.Add(1)
	if f.get != nil {
		return charge.Charge{}, f.get
	}
	return f.Store.Get(ctx, number)
}

func (f *faulty) Switch(ctx context.Context) (charge.Switch, error) {
	f.switches.Add(1)
	if f.noSwitch != nil {
		return charge.Switch{}, f.noSwitch
	}
	return f.Store.Switch(ctx)
}

// house is a ledger with everything around it.
type house struct {
	*charge.Ledger
	bank  *bank
	store *faulty
	log   *bytes.Buffer
	terms charge.Terms

	mu  sync.Mutex
	now time.Time
}

func newHouse(t *testing.T, answers ...charge.Answer) *house {
	t.Helper()
	store, err := boltstore.Open(filepath.Join(t.TempDir(), "ledger.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	h := &house{
		bank:  &bank{answers: answers},
		store: &faulty{Store: store.Charges()},
		log:   &bytes.Buffer{},
		terms: chargetest.Terms(t, "order-1"),
		now:   noon,
	}
	h.Ledger = charge.NewLedger(h.store, h.bank, h.clock, slog.New(slog.NewJSONHandler(h.log, nil)))
	return h
}

// useStore starts the ledger anew over another store.
func (h *house) useStore(store charge.Store) {
	h.Ledger = charge.NewLedger(store, h.bank, h.clock, slog.New(slog.NewJSONHandler(h.log, nil)))
}

func (h *house) clock() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *house) advance(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

func (h *house) cost() string {
	return fmt.Sprintf("%d provider call, %d claim, %d record, %d reads, %d looks at the switch",
		h.bank.charges, h.store.claims.Load(), h.store.records.Load(), h.store.gets.Load(), h.store.switches.Load())
}

func settled() charge.Answer {
	return charge.Answer{State: charge.Settled, PaymentID: "payment-1", ProviderStatus: "settled", ProviderDate: "2026-11-21 12:00:00"}
}

func answer(state charge.State) charge.Answer {
	return charge.Answer{State: state, Reason: "reason: " + string(state)}
}

func refused() charge.Answer { return charge.Answer{State: charge.Rejected, Reason: "refused"} }

func blamesKey() charge.Answer {
	return charge.Answer{State: charge.Rejected, KeyRefused: true, Reason: "refused"}
}

func blamesNumber() charge.Answer {
	return charge.Answer{State: charge.Rejected, AskStatus: true, Reason: "refused"}
}

func TestEachOutcomeIsWrittenDownAndRepeated(t *testing.T) {
	t.Parallel()
	for _, state := range []charge.State{charge.Settled, charge.Declined, charge.Pending, charge.Unknown, charge.Reversed} {
		t.Run(string(state), func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, answer(state))
			c, err := h.Charge(t.Context(), h.terms)
			require.NoError(t, err)
			require.Equal(t, state, c.State)
			require.Equal(t, []charge.Entry{
				{State: charge.Sending, At: noon},
				{State: state, At: noon, Evidence: charge.ByAnswer, Reason: "reason: " + string(state)},
			}, c.History)
			require.Equal(t, state == charge.Declined, c.DeclineClass != "")

			for range 3 {
				h.advance(365 * 24 * time.Hour)
				again, err := h.Charge(t.Context(), h.terms)
				require.NoError(t, err)
				require.Equal(t, c, again)
			}
			found, err := h.Find(t.Context(), "order-1")
			require.NoError(t, err)
			require.Equal(t, c, found)
			require.Equal(t, 1, h.bank.charges, "the provider is asked once, however often and late it is asked for")
		})
	}
}

func TestWhatChargedNothingMayBeTriedAgain(t *testing.T) {
	t.Parallel()
	for _, state := range []charge.State{charge.Rejected, charge.Unsent} {
		t.Run(string(state), func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, answer(state), settled())
			c, err := h.Charge(t.Context(), h.terms)
			require.NoError(t, err)
			require.Equal(t, state, c.State)

			h.advance(time.Minute)
			other := h.terms
			other.Order.Description = "other content"
			c, err = h.Charge(t.Context(), other)
			require.NoError(t, err)
			require.Equal(t, charge.Settled, c.State)
			require.Equal(t, "other content", c.Order.Description)
			require.Equal(t, noon, c.CreatedAt)
			require.Empty(t, c.Reason)
			require.Len(t, c.History, 4)
			require.Equal(t, 2, h.bank.charges)
		})
	}
}

func TestOtherContentUnderANumberIsAConflict(t *testing.T) {
	t.Parallel()
	h := newHouse(t, settled())
	_, err := h.Charge(t.Context(), h.terms)
	require.NoError(t, err)
	other := h.terms
	other.Order.Description = "other content"
	_, err = h.Charge(t.Context(), other)
	var conflict *charge.ConflictError
	require.ErrorAs(t, err, &conflict)
	require.Equal(t, "order-1", conflict.Number)
	require.Equal(t, 1, h.bank.charges)
}

func TestAHundredCallersOneCharge(t *testing.T) {
	t.Parallel()
	h := newHouse(t, settled())
	release := make(chan struct{})
	var early sync.WaitGroup
	h.bank.during = func() { <-release } // all others come while the call is under way
	var wg sync.WaitGroup
	states := make([]charge.State, 100)
	early.Add(99)
	for i := range states {
		wg.Go(func() {
			c, err := h.Charge(t.Context(), h.terms)
			if err == nil {
				states[i] = c.State
			}
			if c.State == charge.Sending {
				early.Done()
			}
		})
	}
	early.Wait()
	close(release)
	wg.Wait()
	require.Equal(t, 1, h.bank.charges)
	count := map[charge.State]int{}
	for _, s := range states {
		count[s]++
	}
	require.Equal(t, map[charge.State]int{charge.Sending: 99, charge.Settled: 1}, count)
}

func TestARefusedKeyIsSignedOnceMore(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name      string
		answers   []charge.Answer
		noRefresh error
		want      charge.State
		charges   int
		alarm     bool
	}{
		{"fresh values help", []charge.Answer{blamesKey(), settled()}, nil, charge.Settled, 2, false},
		{"fresh values are refused too", []charge.Answer{blamesKey()}, nil, charge.Unsent, 2, true},
		{"fresh values cannot be had", []charge.Answer{blamesKey()}, errors.New("down"), charge.Unsent, 1, true},
		{"the second answer is lost", []charge.Answer{blamesKey(), answer(charge.Unknown)}, nil, charge.Unknown, 2, false},
		{"then the content is refused", []charge.Answer{blamesKey(), refused()}, nil, charge.Rejected, 2, false},
		{"401 or 403 is not signed again", []charge.Answer{{State: charge.Unsent, KeyRefused: true}}, nil, charge.Unsent, 1, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, tt.answers...)
			h.bank.noRefresh = tt.noRefresh
			c, err := h.Charge(t.Context(), h.terms)
			require.NoError(t, err)
			require.Equal(t, tt.want, c.State)
			require.Equal(t, tt.charges, h.bank.charges)
			require.Equal(t, tt.alarm, bytes.Contains(h.log.Bytes(), []byte(`"alarm":"key_refused"`)))
		})
	}
}

func TestARefusedOrderNumberIsAskedAbout(t *testing.T) {
	t.Parallel()
	known := func(state charge.State) charge.StatusAnswer {
		return charge.StatusAnswer{Knowledge: charge.Known, Answer: charge.Answer{State: state, PaymentID: "payment-9"}}
	}
	for _, tt := range []struct {
		name     string
		status   charge.StatusAnswer
		want     charge.State
		evidence charge.Evidence
	}{
		{"settled there", known(charge.Settled), charge.Settled, charge.ByStatus},
		{"declined there", known(charge.Declined), charge.Declined, charge.ByStatus},
		{"pending there", known(charge.Pending), charge.Pending, charge.ByStatus},
		{"reversed there", known(charge.Reversed), charge.Reversed, charge.ByStatus},
		{"not known there", charge.StatusAnswer{Knowledge: charge.NotKnown}, charge.Rejected, charge.ByAnswer},
		{"cannot be asked", charge.StatusAnswer{Knowledge: charge.NotAsked, Reason: "down"}, charge.Unknown, charge.ByAnswer},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, blamesNumber())
			h.bank.status = tt.status
			c, err := h.Charge(t.Context(), h.terms)
			require.NoError(t, err)
			require.Equal(t, tt.want, c.State)
			require.Equal(t, tt.evidence, c.History[1].Evidence)
			require.Equal(t, tt.status.Answer.PaymentID, c.PaymentID)
			require.Equal(t, 1, h.bank.charges)
			require.Equal(t, []charge.Query{{
				Order: h.terms.Order, InitTransID: h.terms.InitTransID, Token: h.terms.Token, TokenEnd: "7002",
			}}, h.bank.queries)
		})
	}
}

func TestWhatIsNotReadyIsNotBegun(t *testing.T) {
	t.Parallel()
	h := newHouse(t, settled())
	noValue := errors.New("no value yet")
	h.bank.notReady = noValue
	_, err := h.Charge(t.Context(), h.terms)
	require.ErrorIs(t, err, charge.ErrNotReady)
	require.ErrorIs(t, err, noValue)
	_, err = h.Find(t.Context(), "order-1")
	require.ErrorIs(t, err, charge.ErrNotFound, "it is not recorded")

	h.bank.notReady = nil
	c, err := h.Charge(t.Context(), h.terms)
	require.NoError(t, err)
	require.Equal(t, charge.Settled, c.State)

	h.bank.notReady = noValue
	again, err := h.Charge(t.Context(), h.terms)
	require.NoError(t, err, "a charge that was made is shown all the same")
	require.Equal(t, c, again)
	other := h.terms
	other.Order.Description = "other content"
	var conflict *charge.ConflictError
	_, err = h.Charge(t.Context(), other)
	require.ErrorAs(t, err, &conflict)
	require.Equal(t, 1, h.bank.charges)
}

func TestTooLittleTimeIsNotBegun(t *testing.T) {
	t.Parallel()
	h := newHouse(t, settled())
	ctx, cancel := context.WithTimeout(t.Context(), charge.MinCall+charge.WriteTime-time.Second)
	defer cancel()
	_, err := h.Charge(ctx, h.terms)
	require.ErrorIs(t, err, charge.ErrNoTime)
	require.Zero(t, h.store.claims.Load())

	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = h.Charge(gone, h.terms)
	require.ErrorIs(t, err, charge.ErrNoTime)
	require.Zero(t, h.bank.charges)
}

// The claim took so long that nothing may be sent under it any more.
func TestNothingIsSentOnceTheTimeIsOver(t *testing.T) {
	t.Parallel()
	h := newHouse(t, settled())
	h.store.claim = func() (bool, error) { h.advance(time.Minute); return false, nil }
	c, err := h.Charge(t.Context(), h.terms)
	require.NoError(t, err)
	require.Equal(t, charge.Unsent, c.State)
	require.Zero(t, h.bank.charges)
}

func TestTheProvidersTimeComesFromTheInvocations(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ invocation, most time.Duration }{
		{10 * time.Second, 10*time.Second - charge.WriteTime},
		{29 * time.Second, charge.MaxCall},
		{time.Hour, charge.MaxCall},
	} {
		h := newHouse(t, settled())
		ctx, cancel := context.WithTimeout(t.Context(), tt.invocation)
		c, err := h.Charge(ctx, h.terms)
		cancel()
		require.NoError(t, err)
		require.LessOrEqual(t, h.bank.deadlines[0], tt.most)
		require.Positive(t, h.bank.deadlines[0])
		require.LessOrEqual(t, c.Deadline.Sub(noon), min(tt.invocation, charge.MaxInvocation))
	}
}

// A caller who hangs up in mid-charge does not cut the charge off.
func TestACallerWhoHangsUpChangesNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t, settled())
	ctx, cancel := context.WithCancel(t.Context())
	h.bank.during = cancel
	c, err := h.Charge(ctx, h.terms)
	require.NoError(t, err)
	require.Equal(t, charge.Settled, c.State)
	found, err := h.Find(t.Context(), "order-1")
	require.NoError(t, err)
	require.Equal(t, charge.Settled, found.State)
}

func TestALedgerThatIsDownSendsNothing(t *testing.T) {
	t.Parallel()
	down := errors.New("throttled")
	for _, written := range []bool{false, true} {
		t.Run(fmt.Sprintf("written all the same: %v", written), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { // waits on a clock of its own
				h := newHouse(t, settled())
				h.store.claim = func() (bool, error) { return written, down }
				_, err := h.Charge(t.Context(), h.terms)
				require.ErrorIs(t, err, charge.ErrStore)
				require.ErrorIs(t, err, down)
				require.Zero(t, h.bank.charges)

				h.store.claim = nil
				c, err := h.Charge(t.Context(), h.terms)
				require.NoError(t, err)
				require.Equal(t, charge.Settled, c.State, "no claim stays behind that nobody sends under")
				require.Equal(t, 1, h.bank.charges)
			})
		})
	}
}

// The claim's write is held up, the ledger cannot confirm it, and it arrives when
// the caller has long been told that nothing was sent.
func TestAClaimThatArrivesLateChangesNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t, settled())
	var late charge.Charge
	h.store.claimed = func(c charge.Charge) { late = c }
	first := true
	h.store.claim = func() (bool, error) {
		if first {
			first = false
			return false, errors.New("no answer")
		}
		return false, nil
	}
	_, err := h.Charge(t.Context(), h.terms)
	require.ErrorIs(t, err, charge.ErrStore)
	h.store.claimed = nil
	standing, won, err := h.store.Store.Claim(t.Context(), late)
	require.NoError(t, err)
	require.False(t, won)
	require.Equal(t, charge.Unsent, standing.State)

	c, err := h.Charge(t.Context(), h.terms)
	require.NoError(t, err)
	require.Equal(t, charge.Settled, c.State)
}

// The claim's write arrives between the two steps of its taking back.
func TestAClaimThatArrivesWhileItIsTakenBack(t *testing.T) {
	t.Parallel()
	h := newHouse(t, settled())
	var late charge.Charge
	h.store.claimed = func(c charge.Charge) { late = c }
	lost, arrived := true, false
	h.store.claim = func() (bool, error) {
		if lost {
			lost = false
			return false, errors.New("no answer")
		}
		if !arrived {
			arrived = true
			_, won, err := h.store.Store.Claim(context.Background(), late)
			if err != nil || !won {
				panic(fmt.Sprint("the late claim did not arrive: ", err))
			}
		}
		return false, nil
	}
	_, err := h.Charge(t.Context(), h.terms)
	require.ErrorIs(t, err, charge.ErrStore)
	require.True(t, arrived)
	c, err := h.Find(t.Context(), "order-1")
	require.NoError(t, err)
	require.Equal(t, charge.Unsent, c.State)
	require.Zero(t, h.bank.charges)
}

// The same where an earlier attempt stands, which charged nothing.
func TestALateClaimOverAnEarlierAttemptChangesNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t, answer(charge.Unsent), settled())
	_, err := h.Charge(t.Context(), h.terms)
	require.NoError(t, err)
	h.advance(time.Minute)
	var late charge.Charge
	h.store.claimed = func(c charge.Charge) { late = c }
	lost := true
	h.store.claim = func() (bool, error) {
		if lost {
			lost = false
			return false, errors.New("no answer")
		}
		return false, nil
	}
	_, err = h.Charge(t.Context(), h.terms)
	require.ErrorIs(t, err, charge.ErrStore)
	standing, won, err := h.store.Store.Claim(t.Context(), late)
	require.NoError(t, err)
	require.False(t, won)
	require.Equal(t, charge.Unsent, standing.State)
	h.advance(time.Minute)
	c, err := h.Charge(t.Context(), h.terms)
	require.NoError(t, err)
	require.Equal(t, charge.Settled, c.State)
	require.Equal(t, 2, h.bank.charges)
}

// Another instance's clock is ahead: its refusal is from the future.
func TestAClockThatIsBehindChargesAllTheSame(t *testing.T) {
	t.Parallel()
	h := newHouse(t, answer(charge.Rejected), settled())
	_, err := h.Charge(t.Context(), h.terms)
	require.NoError(t, err)
	h.advance(-time.Second)
	corrected := h.terms
	corrected.Order.Description = "corrected"
	c, err := h.Charge(t.Context(), corrected)
	require.NoError(t, err)
	require.Equal(t, charge.Settled, c.State)
	require.Equal(t, "corrected", c.Order.Description)
	require.Equal(t, 2, h.bank.charges)
}

// A look that is due while a call is at it waits until the call must have ended.
func TestASweepAsksNothingWhileACallIsAtIt(t *testing.T) {
	t.Parallel()
	h := newHouse(t, settled())
	h.bank.status = charge.StatusAnswer{Knowledge: charge.Known, Answer: charge.Answer{State: charge.Declined}}
	h.bank.during = func() {
		if err := h.Hint(context.Background(), "order-1", ""); err != nil {
			panic(err)
		}
		h.advance(time.Second)
		if _, err := h.Sweep(context.Background()); err != nil {
			panic(err)
		}
	}
	c, err := h.Charge(t.Context(), h.terms)
	require.NoError(t, err)
	require.Equal(t, charge.Settled, c.State)
	require.Empty(t, h.bank.queries)
}

// A function that was frozen for hours must not believe what it read before. A
// monotonic clock does not see the hours.
func TestAThawedFunctionReadsTheSwitchAnew(t *testing.T) {
	t.Parallel()
	h := newHouse(t, settled())
	wall := time.Now().Round(0)
	standsStill := time.Now()
	h.Ledger = charge.NewLedger(h.store, h.bank, func() time.Time {
		return standsStill.Add(0).Local() // with a monotonic reading
	}, slog.New(slog.DiscardHandler))
	_, err := h.Charge(t.Context(), h.terms)
	require.NoError(t, err)
	require.NoError(t, h.store.SetSwitch(t.Context(), charge.Switch{Mode: charge.Stopped, SetAt: wall}))
	// Two hours by the wall, three seconds by the monotonic clock.
	standsStill = thawed(standsStill, 2*time.Hour, 3*time.Second)
	_, err = h.Charge(t.Context(), chargetest.Terms(t, "order-2"))
	require.ErrorIs(t, err, charge.ErrStopped)
}

// thawed is a time whose wall clock went on by one duration and whose monotonic
// clock by another, as after a freeze. There is no way to make one but by its
// memory: package time lays out a wall word, with the monotonic clock's flag and
// 33 bits of seconds since 1885, and the monotonic nanoseconds.
func thawed(from time.Time, wall, monotonic time.Duration) time.Time {
	type layout struct {
		wall uint64
		ext  int64
		loc  *time.Location
	}
	l := (*layout)(unsafe.Pointer(&from)) //nolint:gosec // see above
	l.wall += uint64(wall/time.Second) << 30
	l.ext += int64(monotonic)
	return from
}

func TestAnOutcomeIsWrittenAsSoonAsTheLedgerIsBack(t *testing.T) {
	t.Parallel()
	h := newHouse(t, settled())
	failures := 3
	h.store.record = func() (bool, error) {
		if failures > 0 {
			failures--
			return failures == 1, errors.New("answer lost")
		}
		return false, nil
	}
	c, err := h.Charge(t.Context(), h.terms)
	require.NoError(t, err)
	require.Equal(t, charge.Settled, c.State)
	require.Len(t, c.History, 2, "written twice, it stands there once")
	require.Equal(t, 1, h.bank.charges)
}

func TestAnOutcomeThatCannotBeWrittenIsUnknown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, testAnOutcomeThatCannotBeWrittenIsUnknown) // waits on a clock of its own
}

func testAnOutcomeThatCannotBeWrittenIsUnknown(t *testing.T) {
	h := newHouse(t, settled())
	h.store.record = func() (bool, error) { return false, errors.New("throttled") }
	began := time.Now()
	c, err := h.Charge(t.Context(), h.terms)
	require.NoError(t, err, "once it may have left there is always a charge to show")
	require.Equal(t, charge.Unknown, c.State)
	require.Equal(t, charge.MaxInvocation-charge.AnswerTime, time.Since(began), "writing is tried until the time is over")
	require.Greater(t, h.store.records.Load(), int32(1))
	for _, wanted := range []string{`"alarm":"outcome_not_written"`, `"order_number":"order-1"`, `"state":"settled"`, `"payment_id":"payment-1"`} {
		require.Contains(t, h.log.String(), wanted)
	}

	h.store.record = nil
	h.advance(time.Hour)
	again, err := h.Charge(t.Context(), h.terms)
	require.NoError(t, err)
	require.Equal(t, charge.Unknown, again.State)
	require.Equal(t, 1, h.bank.charges)
}

// Somebody else learnt the outcome while our call was under way.
func TestAnotherWritersOutcomeStands(t *testing.T) {
	t.Parallel()
	h := newHouse(t, answer(charge.Unknown))
	h.bank.during = func() {
		_, applied, err := h.store.Store.Record(context.Background(), charge.Change{Number: "order-1", To: charge.Settled, Evidence: charge.ByStatus, At: noon})
		if err != nil || !applied {
			panic(fmt.Sprint("not applied: ", err))
		}
	}
	c, err := h.Charge(t.Context(), h.terms)
	require.NoError(t, err)
	require.Equal(t, charge.Settled, c.State)
}

func TestFind(t *testing.T) {
	t.Parallel()
	h := newHouse(t, settled())
	_, err := h.Find(t.Context(), "order-1")
	require.ErrorIs(t, err, charge.ErrNotFound)
	h.store.get = errors.New("throttled")
	_, err = h.Find(t.Context(), "order-1")
	require.ErrorIs(t, err, charge.ErrStore)
}

func TestAFunctionThatWasKilledLeavesUnknown(t *testing.T) {
	t.Parallel()
	h := newHouse(t, settled())
	claim := charge.NewClaim(h.terms, "killed", noon, noon.Add(20*time.Second))
	_, _, err := h.store.Store.Claim(t.Context(), claim)
	require.NoError(t, err)
	for _, tt := range []struct {
		later time.Duration
		want  charge.State
	}{{0, charge.Sending}, {25 * time.Second, charge.Sending}, {time.Second, charge.Unknown}, {24 * 365 * time.Hour, charge.Unknown}} {
		h.advance(tt.later)
		c, err := h.Charge(t.Context(), h.terms)
		require.NoError(t, err)
		require.Equal(t, tt.want, c.State)
		c, err = h.Find(t.Context(), "order-1")
		require.NoError(t, err)
		require.Equal(t, tt.want, c.State)
	}
	require.Zero(t, h.bank.charges)
}

// A warm charge costs one provider call and two writes to the ledger; a repeat
// costs one request to the ledger. The operator's switch is read at most every ten
// seconds.
func TestWhatAChargeCosts(t *testing.T) {
	t.Parallel()
	h := newHouse(t, settled())
	_, err := h.Charge(t.Context(), h.terms)
	require.NoError(t, err)
	require.Equal(t, "1 provider call, 1 claim, 1 record, 0 reads, 1 looks at the switch", h.cost())
	h.advance(9 * time.Second)
	_, err = h.Charge(t.Context(), h.terms)
	require.NoError(t, err)
	require.Equal(t, "1 provider call, 2 claim, 1 record, 0 reads, 1 looks at the switch", h.cost())
	h.advance(time.Second)
	_, err = h.Charge(t.Context(), chargetest.Terms(t, "order-2"))
	require.NoError(t, err)
	require.Equal(t, "2 provider call, 3 claim, 2 record, 0 reads, 2 looks at the switch", h.cost())
}

func TestASwitchThatCannotBeReadStopsCharging(t *testing.T) {
	t.Parallel()
	h := newHouse(t, settled())
	h.store.noSwitch = errors.New("throttled")
	_, err := h.Charge(t.Context(), h.terms)
	require.ErrorIs(t, err, charge.ErrStore)
	require.Zero(t, h.bank.charges)
}
