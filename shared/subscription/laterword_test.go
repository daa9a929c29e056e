package subscription_test

import (
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/boltstore"
	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/subscription"
	"dinarfunctions/test/logbuffer"
)

// books is a ledger that says what a test tells it. A charge that it does not know is
// settled when it is made.
type books struct {
	subscription.Ledger
	t       *testing.T
	now     func() time.Time
	charges map[string]charge.Charge
	asked   []string
	made    []string
}

func (b *books) Mode(context.Context) (charge.Mode, error) { return charge.Live, nil }

func (b *books) Find(_ context.Context, number string) (charge.Charge, error) {
	c, known := b.charges[number]
	if !known {
		return c, charge.ErrNotFound
	}
	return c, nil
}

func (b *books) AskOnce(ctx context.Context, number string) (charge.Charge, charge.StatusAnswer, error) {
	b.asked = append(b.asked, number)
	c, err := b.Find(ctx, number)
	return c, charge.StatusAnswer{Knowledge: charge.Known, Answer: charge.Answer{State: c.State}}, err
}

func (b *books) ChargeCycle(ctx context.Context, asked charge.CycleRequest) (charge.Charge, bool, error) {
	number := asked.Terms.Order.Number
	claim := charge.NewClaim(asked.Terms, number, b.now(), b.now().Add(20*time.Second))
	claim.For = asked.Of
	_, won, err := asked.Claim(ctx, claim)
	require.NoError(b.t, err)
	require.True(b.t, won)
	b.made = append(b.made, number)
	c := claim
	c.State, c.Said = charge.Settled, charge.ByAnswer
	if told, known := b.charges[number]; known {
		c.State, c.DeclineClass, c.Differs = told.State, told.DeclineClass, told.Differs
	}
	b.charges[number] = c
	return c, false, nil
}

// say changes what is known of a charge.
func (b *books) say(number string, state charge.State, word, differs string) charge.Charge {
	c := b.charges[number]
	c.State, c.ProviderStatus, c.Differs = state, word, differs
	b.charges[number] = c
	return c
}

// shop is a Biller over books, with a subscription whose first cycle is due.
type shop struct {
	*subscription.Biller
	t     *testing.T
	books *books
	store subscription.Store
	log   *logbuffer.Buffer
	now   time.Time
}

func newShop(t *testing.T, change ...func(*subscription.Terms)) *shop {
	t.Helper()
	file, err := boltstore.OpenUnsynced(filepath.Join(t.TempDir(), "ledger.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, file.Close()) })
	s := &shop{t: t, store: file.Subscriptions(), log: &logbuffer.Buffer{}, now: at(t, "2027-01-01 00:00")}
	clock := func() time.Time { return s.now }
	s.books = &books{t: t, now: clock, charges: map[string]charge.Charge{}}
	s.Biller = subscription.NewBiller(s.store, s.books, nil, clock, slog.New(slog.NewJSONHandler(s.log, nil)))
	terms := monthly(t)
	for _, c := range change {
		c(&terms)
	}
	_, _, err = s.Put(t.Context(), "gold-42", terms)
	require.NoError(t, err)
	s.now = at(t, "2027-01-31 09:00")
	return s
}

func (s *shop) read() subscription.Subscription {
	s.t.Helper()
	found, err := s.store.Get(s.t.Context(), "gold-42")
	require.NoError(s.t, err)
	return found
}

// due looks at the subscription when its next charge is due.
func (s *shop) due() {
	s.t.Helper()
	found := s.read()
	if found.DueAt.After(s.now) {
		s.now = found.DueAt
	}
	require.NoError(s.t, s.Look(s.t.Context(), subscription.Message{Subscription: found.ID, Cycle: found.Cycle, Attempt: found.Attempt}))
}

func (s *shop) follow(c charge.Charge) {
	s.t.Helper()
	require.NoError(s.t, s.Follow(s.t.Context(), c))
}

const otherSum = "amount 10.00 SAR, it was 10.000 KWD"

// Contract, Charges: where a difference in amount or currency makes the charge settled,
// its subscription is held. The cycle is paid, so /resume goes on with the next one.
func TestACycleSettledInAnotherCurrencyHolds(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.books.charges["gold-42-0001"] = charge.Charge{State: charge.Settled, Differs: otherSum}
	s.due()
	held := s.read()
	require.Equal(t, subscription.Held, held.State)
	require.Equal(t, "the provider settled the charge gold-42-0001 otherwise than it was asked for: "+otherSum, held.Reason)
	require.Contains(t, s.log.String(), `"alarm":"subscription_held"`)

	for _, missed := range []subscription.Missed{subscription.Skip, subscription.ChargeLatest} {
		again, err := held.Resume(missed, s.now)
		require.NoError(t, err)
		requireAt(t, where{subscription.Active, "gold-42-0002", "2027-02-28 09:00", "", false}, again)
	}
	_, err := s.Resume(t.Context(), "gold-42", subscription.Skip)
	require.NoError(t, err)

	// Once per charge, however often it is heard of, and also by the question before the
	// next cycle.
	s.follow(s.books.charges["gold-42-0001"])
	require.Equal(t, subscription.Active, s.read().State)
	s.due()
	require.Equal(t, []string{"gold-42-0001", "gold-42-0002"}, s.books.made)
	requireAt(t, where{subscription.Active, "gold-42-0003", "2027-03-31 09:00", "", false}, s.read())
}

// The last cycle is held, too, and finished by /resume.
func TestTheLastCycleSettledInAnotherCurrencyHolds(t *testing.T) {
	t.Parallel()
	s := newShop(t, func(t *subscription.Terms) { t.Cycles = 1 })
	s.books.charges["gold-42-0001"] = charge.Charge{State: charge.Settled, Differs: otherSum}
	s.due()
	requireAt(t, where{subscription.Held, "gold-42-0001", "", "held", false}, s.read())
	after, err := s.Resume(t.Context(), "gold-42", subscription.Skip)
	require.NoError(t, err)
	requireAt(t, where{subscription.Finished, "gold-42-0002", "", "finished", false}, after)
}

// It is held also where that is learnt late: of the cycle that was declined, of one that
// was left for want of room, and of one long ago.
func TestAnotherCurrencyThatIsLearntLate(t *testing.T) {
	t.Parallel()
	declined := charge.Charge{State: charge.Declined, DeclineClass: charge.Soft}
	t.Run("declined at first", func(t *testing.T) {
		t.Parallel()
		s := newShop(t)
		s.books.charges["gold-42-0001"] = declined
		s.due()
		s.follow(s.books.say("gold-42-0001", charge.Settled, "settled", otherSum))
		requireAt(t, where{subscription.Held, "gold-42-0001-r1", "", "recovered held", false}, s.read())
		after, err := s.Resume(t.Context(), "gold-42", subscription.Skip)
		require.NoError(t, err)
		requireAt(t, where{subscription.Active, "gold-42-0002", "2027-02-28 09:00", "", false}, after)
	})
	t.Run("left for want of room", func(t *testing.T) {
		t.Parallel()
		s := newShop(t, func(t *subscription.Terms) { t.RetryAfterDays = []int{28} })
		s.books.charges["gold-42-0001"] = declined
		s.due()
		requireAt(t, where{subscription.PastDue, "gold-42-0002", "2027-02-28 09:00", "past_due", false}, s.read())
		s.follow(s.books.say("gold-42-0001", charge.Settled, "settled", otherSum))
		requireAt(t, where{subscription.Held, "gold-42-0002", "", "recovered held", false}, s.read())
		require.Zero(t, s.read().Behind)
		after, err := s.Resume(t.Context(), "gold-42", subscription.ChargeLatest)
		require.NoError(t, err)
		requireAt(t, where{subscription.Active, "gold-42-0002", "2027-02-28 09:00", "", false}, after)
	})
	t.Run("long ago", func(t *testing.T) {
		t.Parallel()
		s := newShop(t)
		s.due()
		s.due()
		s.follow(s.books.say("gold-42-0001", charge.Settled, "settled", otherSum))
		requireAt(t, where{subscription.Held, "gold-42-0003", "", "held", false}, s.read())
	})
	t.Run("while it is unpaid", func(t *testing.T) {
		t.Parallel()
		s := newShop(t)
		s.due()
		s.books.charges["gold-42-0002"] = charge.Charge{State: charge.Declined, DeclineClass: charge.Hard}
		s.due()
		s.follow(s.books.say("gold-42-0001", charge.Settled, "settled", otherSum))
		requireAt(t, where{subscription.Held, "gold-42-0002-r1", "", "held", false}, s.read())
	})
	t.Run("while it was paused: before the next charge", func(t *testing.T) {
		t.Parallel()
		s := newShop(t)
		s.due()
		_, err := s.Pause(t.Context(), "gold-42")
		require.NoError(t, err)
		s.follow(s.books.say("gold-42-0001", charge.Settled, "settled", otherSum))
		require.Equal(t, subscription.Paused, s.read().State)
		_, err = s.Resume(t.Context(), "gold-42", subscription.Skip)
		require.NoError(t, err)
		s.due()
		requireAt(t, where{subscription.Held, "gold-42-0002", "", "held", false}, s.read())
		require.Equal(t, []string{"gold-42-0001"}, s.books.made)
	})
}

// Contract, Subscriptions: before a cycle is charged, the last cycle that was ever settled
// and is not known as charged back is asked about: one status request per look.
func TestWhichCycleIsAskedAboutBeforeTheNext(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	for range 3 {
		s.due()
	}
	require.Equal(t, []string{"gold-42-0001", "gold-42-0002"}, s.books.asked, "the last one, once")

	s.books.asked = nil
	s.follow(s.books.say("gold-42-0003", charge.Reversed, "chargeback", ""))
	requireAt(t, where{subscription.Held, "gold-42-0004", "", "held", false}, s.read())
	_, err := s.Resume(t.Context(), "gold-42", subscription.Skip)
	require.NoError(t, err)
	s.books.say("gold-42-0002", charge.Reversed, "chargeback", "")
	s.due()
	require.Equal(t, []string{"gold-42-0002"}, s.books.asked, "the one before what was charged back")
	requireAt(t, where{subscription.Held, "gold-42-0004", "", "held", false}, s.read())
	require.Contains(t, s.read().Reason, "gold-42-0002 was charged back")
	_, err = s.Resume(t.Context(), "gold-42", subscription.Skip)
	require.NoError(t, err)

	// A refund does not hold, and is asked about as long as nothing was settled since.
	s.books.asked = nil
	s.books.say("gold-42-0001", charge.Reversed, "refund", "")
	s.due()
	require.Equal(t, []string{"gold-42-0001"}, s.books.asked)
	require.Equal(t, 6, s.read().Cycle, "the fourth was skipped")
}

// What the ledger lost is no reason to hold; what it cannot read is one to come again.
func TestALastPaidCycleThatTheLedgerLost(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.due()
	delete(s.books.charges, "gold-42-0001")
	s.due()
	require.Equal(t, 3, s.read().Cycle)
}

// A subscription that was stored before the paid charges were remembered has its last one.
func TestTheLastPaidCycleOfAnEarlierVersion(t *testing.T) {
	t.Parallel()
	s := charged(t, gold(t), settled, at(t, "2027-01-31 09:00"))
	require.Equal(t, []charge.Cycle{{Subscription: "gold-42", Number: 1}}, s.Paid)
	s.Paid = nil
	require.Equal(t, charge.Cycle{Subscription: "gold-42", Number: 1}, s.LastPaid())
	s.Last.State = charge.Declined
	require.Zero(t, s.LastPaid())
	require.Zero(t, gold(t).LastPaid())
}

// Three are remembered, in the order of their cycles, each once.
func TestPaidCyclesThatAreRemembered(t *testing.T) {
	t.Parallel()
	s := gold(t)
	for range 5 {
		s = charged(t, s, settled, s.DueAt)
	}
	of := func(number, attempt int) charge.Cycle {
		return charge.Cycle{Subscription: "gold-42", Number: number, Attempt: attempt}
	}
	require.Equal(t, []charge.Cycle{of(3, 0), of(4, 0), of(5, 0)}, s.Paid)
	for _, late := range []charge.Cycle{of(4, 1), of(4, 0)} {
		c := settled
		c.For, c.Order.Number = late, subscription.Number(late)
		s = s.Later(c, false, s.CycleAt)
	}
	require.Equal(t, []charge.Cycle{of(4, 0), of(4, 1), of(5, 0)}, s.Paid)
	require.Equal(t, of(5, 0), s.LastPaid())
}

// Contract, Charges: a chargeback after a refund holds; a dispute that was won leaves it
// held until somebody resumes it, and last_charge shows it settled; another chargeback
// then holds it again.
func TestADisputeThatWasWon(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.due()
	s.follow(s.books.say("gold-42-0001", charge.Reversed, "refund", ""))
	require.Equal(t, subscription.Active, s.read().State)
	s.follow(s.books.say("gold-42-0001", charge.Reversed, "chargeback", ""))
	requireAt(t, where{subscription.Held, "gold-42-0002", "", "held", false}, s.read())
	require.Empty(t, s.read().Paid)

	s.follow(s.books.say("gold-42-0001", charge.Settled, "settled", ""))
	requireAt(t, where{subscription.Held, "gold-42-0002", "", "", false}, s.read())
	require.Equal(t, charge.Settled, s.read().Last.State)
	require.Equal(t, 1, strings.Count(s.log.String(), `"alarm":"subscription_held"`))
	_, err := s.Resume(t.Context(), "gold-42", subscription.Skip)
	require.NoError(t, err)
	require.Equal(t, 1, s.read().LastPaid().Number)

	s.follow(s.books.say("gold-42-0001", charge.Reversed, "chargeback", ""))
	require.Equal(t, subscription.Held, s.read().State)
}

// A chargeback that came while it was paused holds it before the next charge.
func TestAChargebackWhilePausedHoldsAfterwards(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.due()
	_, err := s.Pause(t.Context(), "gold-42")
	require.NoError(t, err)
	s.follow(s.books.say("gold-42-0001", charge.Reversed, "chargeback", ""))
	require.Equal(t, subscription.Paused, s.read().State)
	_, err = s.Resume(t.Context(), "gold-42", subscription.Skip)
	require.NoError(t, err)
	s.due()
	require.Equal(t, subscription.Held, s.read().State)
	require.Len(t, s.books.made, 1)
}

// Contract, Subscriptions: two tries of a cycle that both turn out settled are told as
// paid twice, and the subscription goes on. The look before a third try hears of both.
func TestALookThatFindsTwoTriesPaid(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	for _, number := range []string{"gold-42-0001", "gold-42-0001-r1"} {
		s.books.charges[number] = charge.Charge{State: charge.Declined, DeclineClass: charge.Soft}
		s.due()
	}
	requireAt(t, where{subscription.PastDue, "gold-42-0001-r2", "2027-02-03 09:00", "", false}, s.read())
	for _, number := range []string{"gold-42-0001", "gold-42-0001-r1"} {
		s.books.say(number, charge.Settled, "settled", "")
	}
	s.due()
	requireAt(t, where{subscription.Active, "gold-42-0002", "2027-02-28 09:00", "paid_twice recovered", false}, s.read())
	require.Len(t, s.books.made, 2)
	require.Equal(t, 1, strings.Count(s.log.String(), `"alarm":"paid_twice"`))
}

// And where the cycle was left for want of room, or is beyond the end by now.
func TestPaidTwiceAfterItWasLeft(t *testing.T) {
	t.Parallel()
	weekly := func(t *subscription.Terms) { t.Calendar.Every.Unit = "week" }
	s := charged(t, gold(t, weekly), soft, at(t, "2027-01-31 09:00"))
	for range 3 {
		s = charged(t, s, soft, s.DueAt)
	}
	requireAt(t, where{subscription.PastDue, "gold-42-0002", "2027-02-07 09:00", "", false}, s)
	late := settled
	late.For = charge.Cycle{Subscription: "gold-42", Number: 1, Attempt: 3}
	requireAt(t, where{subscription.Active, "gold-42-0002", "2027-02-07 09:00", "paid_twice recovered", false},
		s.Later(late, true, at(t, "2027-02-06 00:00")))

	terms := s.Terms
	terms.Cycles = 1
	unpaid, err := s.With(terms, at(t, "2027-02-06 00:00"))
	require.NoError(t, err)
	requireAt(t, where{subscription.Unpaid, "gold-42-0002", "", "unpaid", false}, unpaid)
	requireAt(t, where{subscription.Finished, "gold-42-0002", "", "recovered finished", false},
		unpaid.Later(late, false, at(t, "2027-02-06 01:00")))
}
