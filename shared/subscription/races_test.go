package subscription_test

import (
	"context"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/boltstore"
	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/hidden"
	"dinarfunctions/shared/subscription"
)

// house is a Biller with everything around it: a real ledger over real stores, and a
// provider that answers as told.
type house struct {
	*subscription.Biller
	t      *testing.T
	ledger *charge.Ledger
	bank   *bank
	subs   *between
	ledge  *counting
	queued []subscription.Message
	now    time.Time
}

// bank is the provider.
type bank struct {
	mu     sync.Mutex
	answer charge.Answer
	status charge.StatusAnswer
	during func() // while a charge request is under way
	asking func() // while a status request is
	sent   []string
	asked  int
}

func (b *bank) Ready(context.Context) error      { return nil }
func (b *bank) RefreshKey(context.Context) error { return nil }

func (b *bank) Charge(_ context.Context, terms charge.Terms) charge.Answer {
	b.mu.Lock()
	b.sent = append(b.sent, terms.Order.Number)
	answer, during := b.answer, b.during
	b.mu.Unlock()
	if during != nil {
		during()
	}
	answer.PaymentID = "payment-of-" + terms.Order.Number
	return answer
}

func (b *bank) Status(context.Context, charge.Query) charge.StatusAnswer {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked++
	if b.asking != nil {
		b.asking()
	}
	return b.status
}

func (b *bank) says(state charge.State) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.status = charge.StatusAnswer{Knowledge: charge.Known, Answer: charge.Answer{State: state, ProviderStatus: string(state), Reason: "Insufficient funds"}}
}

// between is the store of subscriptions. It lets something happen just before a claim,
// and counts.
type between struct {
	subscription.Store
	beforeClaim                         func()
	gets, writes, claims, looks, queues atomic.Int32
}

func (b *between) Claim(ctx context.Context, s subscription.Subscription, c charge.Charge) (charge.Charge, bool, error) {
	b.claims.Add(1)
	if happens := b.beforeClaim; happens != nil {
		b.beforeClaim = nil
		happens()
	}
	return b.Store.Claim(ctx, s, c)
}

func (b *between) Get(ctx context.Context, id string) (subscription.Subscription, error) {
	b.gets.Add(1)
	return b.Store.Get(ctx, id)
}

func (b *between) Write(ctx context.Context, s subscription.Subscription) (subscription.Subscription, error) {
	b.writes.Add(1)
	return b.Store.Write(ctx, s)
}

func (b *between) Look(ctx context.Context, id string, was, next time.Time) (subscription.Subscription, bool, error) {
	b.looks.Add(1)
	return b.Store.Look(ctx, id, was, next)
}

// counting counts what the ledger asks of its store.
type counting struct {
	charge.Store
	gets, records, claims, switches atomic.Int32
	broken                          error // of the switch
}

func (c *counting) Get(ctx context.Context, number string) (charge.Charge, error) {
	c.gets.Add(1)
	return c.Store.Get(ctx, number)
}

func (c *counting) Record(ctx context.Context, change charge.Change) (charge.Charge, bool, error) {
	c.records.Add(1)
	return c.Store.Record(ctx, change)
}

func (c *counting) Claim(ctx context.Context, claim charge.Charge) (charge.Charge, bool, error) {
	c.claims.Add(1)
	return c.Store.Claim(ctx, claim)
}

func (c *counting) Switch(ctx context.Context) (charge.Switch, error) {
	c.switches.Add(1)
	if c.broken != nil {
		return charge.Switch{}, c.broken
	}
	return c.Store.Switch(ctx)
}

// Send implements subscription.Queue.
func (h *house) Send(_ context.Context, messages []subscription.Message) (int, error) {
	h.subs.queues.Add(1)
	h.queued = append(h.queued, messages...)
	return len(messages), nil
}

func newHouse(t *testing.T) *house {
	t.Helper()
	file, err := boltstore.OpenUnsynced(filepath.Join(t.TempDir(), "ledger.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, file.Close()) })
	h := &house{t: t, bank: &bank{answer: charge.Answer{State: charge.Settled}}, now: at(t, "2027-01-01 00:00"),
		subs: &between{Store: file.Subscriptions()}, ledge: &counting{Store: file.Charges()}}
	clock := func() time.Time { return h.now }
	log := slog.New(slog.DiscardHandler)
	h.ledger = charge.NewLedger(h.ledge, h.bank, clock, log)
	h.Biller = subscription.NewBiller(h.subs, h.ledger, h, clock, log)
	h.ledger.Follow(h.Follow)
	_, created, err := h.Put(t.Context(), "gold-42", monthly(t))
	require.NoError(t, err)
	require.True(t, created)
	h.now = at(t, "2027-01-31 09:00")
	return h
}

var firstMessage = subscription.Message{Subscription: "gold-42", Cycle: 1}

func (h *house) look() {
	h.t.Helper()
	s := h.read()
	require.NoError(h.t, h.Look(h.t.Context(), subscription.Message{Subscription: s.ID, Cycle: s.Cycle, Attempt: s.Attempt}))
}

func (h *house) read() subscription.Subscription {
	h.t.Helper()
	s, err := h.subs.Store.Get(h.t.Context(), "gold-42")
	require.NoError(h.t, err)
	return s
}

func TestRaceCancelAgainstClaim(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.subs.beforeClaim = func() { require.NoError(t, h.Cancel(t.Context(), "gold-42")) }
	require.NoError(t, h.Look(t.Context(), firstMessage))
	require.Empty(t, h.bank.sent)
	require.Equal(t, subscription.Cancelled, h.read().State)
	_, err := h.ledger.Find(t.Context(), "gold-42-0001")
	require.ErrorIs(t, err, charge.ErrNotFound, "nothing was claimed")
}

func TestRacePauseAgainstClaim(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.subs.beforeClaim = func() {
		_, err := h.Pause(t.Context(), "gold-42")
		require.NoError(t, err)
	}
	require.NoError(t, h.Look(t.Context(), firstMessage))
	require.Empty(t, h.bank.sent)
	require.Equal(t, subscription.Paused, h.read().State)
}

// The claim has the terms that stand there, not those that were read before.
func TestRacePutAgainstClaim(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	terms := monthly(t)
	terms.Description = "silver"
	h.subs.beforeClaim = func() {
		_, _, err := h.Put(t.Context(), "gold-42", terms)
		require.NoError(t, err)
	}
	require.NoError(t, h.Look(t.Context(), firstMessage))
	require.Equal(t, []string{"gold-42-0001"}, h.bank.sent)
	c, err := h.ledger.Find(t.Context(), "gold-42-0001")
	require.NoError(t, err)
	require.Equal(t, "silver", c.Order.Description)
}

func TestRaceManyWorkersWithOneMessage(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() { _ = h.Look(t.Context(), firstMessage) })
	}
	wg.Wait()
	require.Equal(t, []string{"gold-42-0001"}, h.bank.sent)
	requireAt(t, where{subscription.Active, "gold-42-0002", "2027-02-28 09:00", "", false}, h.read())
}

// Two schedules at the same time queue each subscription once.
func TestRaceTwoSchedules(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for range 2 {
		_, err := h.QueueDue(t.Context())
		require.NoError(t, err)
	}
	require.Equal(t, []subscription.Message{firstMessage}, h.queued)
	h.now = h.now.Add(subscription.QueueAgain)
	_, err := h.QueueDue(t.Context())
	require.NoError(t, err)
	require.Len(t, h.queued, 2, "a message that got lost comes back")
}

// The provider calls back before it answers.
func TestRaceCallbackAgainstAnswer(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.bank.says(charge.Settled)
	h.bank.during = func() { require.NoError(t, h.ledger.Hint(t.Context(), "gold-42-0001", "")) }
	require.NoError(t, h.Look(t.Context(), firstMessage))
	requireAt(t, where{subscription.Active, "gold-42-0002", "2027-02-28 09:00", "", false}, h.read())
	require.Len(t, h.bank.sent, 1)
}

// An operator says that it was not charged, and a try is planned; then the provider
// says that it was.
func TestRaceResolutionAgainstLateSettle(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.bank.answer = charge.Answer{State: charge.Unknown, Reason: "it took too long"}
	require.NoError(t, h.Look(t.Context(), firstMessage))
	require.True(t, h.read().Waiting)
	_, err := h.ledger.Resolve(t.Context(), "gold-42-0001", charge.Declined, "asked the bank")
	require.NoError(t, err)
	h.now = h.now.Add(time.Minute)
	h.look()
	requireAt(t, where{subscription.PastDue, "gold-42-0001-r1", "2027-02-01 09:00", "past_due", false}, h.read())

	h.bank.says(charge.Settled)
	h.now = at(t, "2027-02-01 09:00")
	h.look()
	requireAt(t, where{subscription.Active, "gold-42-0002", "2027-02-28 09:00", "recovered", false}, h.read())
	require.Equal(t, []string{"gold-42-0001"}, h.bank.sent, "the try was not sent")
}

// What the provider does not know, and only an operator calls not charged, is no
// ground to charge again.
func TestATryAfterAnOperatorsWordNeedsTheProviders(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.bank.answer = charge.Answer{State: charge.Unknown, Reason: "it took too long"}
	require.NoError(t, h.Look(t.Context(), firstMessage))
	_, err := h.ledger.Resolve(t.Context(), "gold-42-0001", charge.Declined, "asked the bank")
	require.NoError(t, err)
	h.now = h.now.Add(time.Minute)
	h.look()
	h.bank.status = charge.StatusAnswer{Knowledge: charge.NotKnown}
	h.now = at(t, "2027-02-01 09:00")
	h.look()
	require.Equal(t, subscription.Held, h.read().State)
	require.Len(t, h.bank.sent, 1)
}

func TestRaceAnEarlierTrySettlesWhileTheNextIsPlanned(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.bank.answer = charge.Answer{State: charge.Declined, Reason: "Insufficient funds"}
	require.NoError(t, h.Look(t.Context(), firstMessage))
	require.Equal(t, subscription.PastDue, h.read().State)
	h.bank.says(charge.Settled)
	h.now = at(t, "2027-02-01 09:00")
	h.look()
	requireAt(t, where{subscription.Active, "gold-42-0002", "2027-02-28 09:00", "recovered", false}, h.read())
	require.Len(t, h.bank.sent, 1)
}

// And where the provider cannot be asked, the try waits.
func TestATryGoesOnlyWhereTheEarlierOnesCouldBeAskedAbout(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.bank.answer = charge.Answer{State: charge.Declined, Reason: "Insufficient funds"}
	require.NoError(t, h.Look(t.Context(), firstMessage))
	h.now = at(t, "2027-02-01 09:00")
	h.bank.status = charge.StatusAnswer{Knowledge: charge.NotAsked, Reason: "it took too long"}
	try := subscription.Message{Subscription: "gold-42", Cycle: 1, Attempt: 1}
	require.Error(t, h.Look(t.Context(), try))
	require.Len(t, h.bank.sent, 1)
	h.bank.status = charge.StatusAnswer{Knowledge: charge.NotKnown}
	h.bank.answer = charge.Answer{State: charge.Settled}
	require.NoError(t, h.Look(t.Context(), try))
	require.Equal(t, []string{"gold-42-0001", "gold-42-0001-r1"}, h.bank.sent)
}

func TestRaceAForeignChargeUnderACyclesNumber(t *testing.T) {
	t.Parallel()
	for name, state := range map[string]charge.State{"paid": charge.Settled, "never processed": charge.Unsent} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			terms := monthly(t)
			h.bank.answer = charge.Answer{State: state}
			_, err := h.ledger.Charge(t.Context(), charge.Terms{
				Order:       charge.Order{Number: "gold-42-0001", Amount: terms.Amount, Description: terms.Description},
				InitTransID: terms.InitTransID, Token: terms.Token,
			})
			require.NoError(t, err)
			require.NoError(t, h.Look(t.Context(), firstMessage))
			require.Equal(t, subscription.Held, h.read().State)
			require.Len(t, h.bank.sent, 1, "the foreign one")
		})
	}
}

func TestRaceReCreationUnderAUsedID(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	require.NoError(t, h.Look(t.Context(), firstMessage))
	require.NoError(t, h.Cancel(t.Context(), "gold-42"))
	terms := monthly(t)
	terms.Token = hidden.New("MARKED-another-token")
	var state *subscription.StateError
	_, _, err := h.Put(t.Context(), "gold-42", terms)
	require.ErrorAs(t, err, &state, "its numbers would begin anew")
	require.NoError(t, h.Look(t.Context(), firstMessage))
	require.Len(t, h.bank.sent, 1)
}

// The figures of docs/scale.md.
func TestWhatADueCycleCosts(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	_, err := h.ledger.Mode(t.Context()) // warm
	require.NoError(t, err)
	for n, first := range []bool{true, false} {
		if !first {
			h.now = at(t, "2027-02-28 09:00")
			_, err := h.ledger.Mode(t.Context())
			require.NoError(t, err)
		}
		h.queued = nil
		h.subs.gets.Store(0)
		h.subs.writes.Store(0)
		h.subs.claims.Store(0)
		h.subs.looks.Store(0)
		h.subs.queues.Store(0)
		h.ledge.gets.Store(0)
		h.ledge.records.Store(0)
		h.ledge.claims.Store(0)
		switches := h.ledge.switches.Load()

		_, err := h.QueueDue(t.Context())
		require.NoError(t, err)
		require.Len(t, h.queued, 1)
		require.NoError(t, h.Look(t.Context(), h.queued[0]))

		require.Len(t, h.bank.sent, n+1)
		require.Equal(t, n, h.bank.asked, "one status request, about the charge before")
		require.EqualValues(t, 1, h.subs.looks.Load(), "the look is claimed")
		require.EqualValues(t, 1, h.subs.queues.Load(), "for up to ten of them")
		require.EqualValues(t, 1, h.subs.gets.Load(), "the subscription")
		require.EqualValues(t, 1, h.subs.claims.Load(), "one transaction of two writes")
		require.EqualValues(t, 1, h.ledge.records.Load(), "the outcome")
		require.EqualValues(t, 1, h.subs.writes.Load(), "the next step")
		require.Zero(t, h.ledge.claims.Load())
		require.EqualValues(t, n, h.ledge.gets.Load(), "the charge before, for a chargeback")
		require.Equal(t, switches, h.ledge.switches.Load(), "the switch was read a moment ago")
	}
}

// The provider calls a declined charge pending: that is not still declined, so the next
// try waits, and goes once it is declined again.
func TestATryWaitsForAnEarlierOneThatIsPendingAgain(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.bank.answer = charge.Answer{State: charge.Declined, Reason: "Insufficient funds"}
	require.NoError(t, h.Look(t.Context(), firstMessage))
	h.now = at(t, "2027-02-01 09:00")
	h.bank.says(charge.Pending)
	try := subscription.Message{Subscription: "gold-42", Cycle: 1, Attempt: 1}
	require.NoError(t, h.Look(t.Context(), try), "it is no fault, and no message has to come again")
	require.Len(t, h.bank.sent, 1)
	require.Equal(t, 1, h.read().Cycle)
	require.Equal(t, subscription.PastDue, h.read().State)
	h.bank.says(charge.Settled)
	require.NoError(t, h.Look(t.Context(), try))
	require.Len(t, h.bank.sent, 1)
	require.Equal(t, 2, h.read().Cycle)
}

// An earlier try is paid while the last one is open, which is declined then.
func TestAnEarlierTryThatWasPaidWhileTheLastWasOpen(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	terms := monthly(t)
	terms.RetryAfterDays = []int{1}
	_, _, err := h.Put(t.Context(), "gold-42", terms)
	require.NoError(t, err)
	h.bank.answer = charge.Answer{State: charge.Declined, Reason: "Insufficient funds"}
	require.NoError(t, h.Look(t.Context(), firstMessage))
	h.now = at(t, "2027-02-01 09:00")
	h.bank.says(charge.Declined)
	h.bank.answer = charge.Answer{State: charge.Pending}
	h.look()
	require.True(t, h.read().Waiting)
	h.bank.says(charge.Settled)
	require.NoError(t, h.ledger.Hint(t.Context(), "gold-42-0001", "")) // a callback
	h.bank.says(charge.Declined)
	h.now = h.now.Add(time.Hour)
	h.look()
	requireAt(t, where{subscription.Active, "gold-42-0002", "2027-02-28 09:00", "recovered", false}, h.read())
}

// Nothing is charged after the last day, however it came to be late; but for what was due
// in its last hour, see TestJudge. Contract, Subscriptions: a last cycle that could not be
// charged on its last day is held with the reason, never finished without a word.
func TestNothingIsChargedAfterTheLastDay(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	terms := monthly(t)
	terms.EndsOn = day(t, "2027-01-31")
	_, _, err := h.Put(t.Context(), "gold-42", terms)
	require.NoError(t, err)
	h.now = at(t, "2027-02-01 00:30")
	require.NoError(t, h.Look(t.Context(), firstMessage))
	require.Empty(t, h.bank.sent)
	require.Equal(t, subscription.Held, h.read().State)
	require.Equal(t, "the charge gold-42-0001 was due at 2027-01-31T09:00:00Z, too long ago to be made without a person's word; "+
		"nothing may be charged after its last day, 2027-01-31", h.read().Reason)
	// charge_latest charges nothing after the last day, and it is finished then.
	s, err := h.Resume(t.Context(), "gold-42", subscription.ChargeLatest)
	require.NoError(t, err)
	requireAt(t, where{subscription.Finished, "gold-42-0001", "", "finished", false}, s)

	h = newHouse(t)
	h.bank.answer = charge.Answer{State: charge.Declined, Reason: "Insufficient funds"}
	require.NoError(t, h.Look(t.Context(), firstMessage))
	_, _, err = h.Put(t.Context(), "gold-42", terms) // after the decline
	require.NoError(t, err)
	h.now = at(t, "2027-02-01 09:00")
	h.look()
	require.Equal(t, subscription.Unpaid, h.read().State)
	require.Len(t, h.bank.sent, 1)
}

// Charging is stopped while the provider is asked first.
func TestStoppedWhileTheProviderIsAsked(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.now = h.now.Add(2 * time.Hour)
	h.bank.asking = func() {
		_, err := h.ledger.SetSwitch(t.Context(), charge.Stopped, "a drill")
		require.NoError(t, err)
	}
	h.bank.status = charge.StatusAnswer{Knowledge: charge.NotKnown}
	require.NoError(t, h.Look(t.Context(), firstMessage))
	require.Equal(t, 1, h.bank.asked)
	require.Empty(t, h.bank.sent)
	require.Equal(t, 1, h.read().Cycle)
}
