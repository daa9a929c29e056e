package subscription_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/calendar"
	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/hidden"
	"dinarfunctions/shared/money"
	"dinarfunctions/shared/subscription"
)

func at(t testing.TB, text string) time.Time {
	t.Helper()
	when, err := time.Parse("2006-01-02 15:04", text)
	require.NoError(t, err)
	return when
}

func day(t testing.TB, text string) calendar.Date {
	t.Helper()
	d, err := calendar.ParseDate(text)
	require.NoError(t, err)
	return d
}

// monthly are terms from 31 January 2027 on, at 09:00 UTC.
func monthly(t testing.TB) subscription.Terms {
	t.Helper()
	amount, err := money.Parse("10", "SAR", 2)
	require.NoError(t, err)
	nine, err := calendar.ParseClock("09:00")
	require.NoError(t, err)
	return subscription.Terms{
		InitTransID: "dc66cdd8-d702-11ea-9a2f-0242c0a87002",
		Token:       hidden.New("MARKED-token-7002"),
		Amount:      amount,
		Description: "gold",
		Calendar: calendar.Calendar{
			Every: calendar.Every{Count: 1, Unit: calendar.Month}, StartsOn: day(t, "2027-01-31"), ChargeAt: nine, TimeZone: "UTC",
		},
		RetryAfterDays: []int{1, 3, 5, 7},
	}
}

func gold(t testing.TB, change ...func(*subscription.Terms)) subscription.Subscription {
	t.Helper()
	terms := monthly(t)
	for _, c := range change {
		c(&terms)
	}
	return subscription.New("gold-42", terms, at(t, "2027-01-01 00:00"))
}

// charged is the subscription after a claim of its next charge, and what became of
// it, at a time.
func charged(t testing.TB, s subscription.Subscription, became charge.Charge, when time.Time) subscription.Subscription {
	t.Helper()
	became.Order = charge.Order{Number: subscription.Number(s.NextCharge()), Amount: s.Terms.Amount, Description: s.Terms.Description}
	became.For = s.NextCharge()
	became.CreatedAt, became.UpdatedAt = when, when
	claim := became
	claim.State, claim.LookAt = charge.Sending, when.Add(time.Minute)
	claimed := s.Claimed(claim)
	require.True(t, claimed.Waiting)
	require.Equal(t, subscription.TakeOver, claimed.Judge(when))
	return claimed.After(became, when)
}

var (
	settled  = charge.Charge{State: charge.Settled}
	soft     = charge.Charge{State: charge.Declined, DeclineClass: charge.Soft, Reason: "insufficient funds", Said: charge.ByAnswer}
	hard     = charge.Charge{State: charge.Declined, DeclineClass: charge.Hard, Reason: "stolen card", Said: charge.ByAnswer}
	unknown  = charge.Charge{State: charge.Unknown}
	rejected = charge.Charge{State: charge.Rejected, Reason: "order.amount: too much"}
	unsent   = charge.Charge{State: charge.Unsent, Reason: "429"}
	disputed = charge.Charge{State: charge.Reversed, ProviderStatus: "chargeback"}
	refunded = charge.Charge{State: charge.Reversed, ProviderStatus: "refund"}
)

// where is what a table says of a subscription.
type where struct {
	state   subscription.State
	number  string // of the next charge, or the one that is awaited
	due     string // "" for none
	change  string
	waiting bool
}

func requireAt(t *testing.T, want where, s subscription.Subscription) {
	t.Helper()
	got := where{state: s.State, number: subscription.Number(s.NextCharge()), change: s.Change, waiting: s.Waiting}
	if next := s.NextChargeAt(); !next.IsZero() {
		got.due = next.UTC().Format("2006-01-02 15:04")
	}
	require.Equal(t, want, got, "reason: %s", s.Reason)
	require.Equal(t, s.State.Chargeable(), !s.LookAt.IsZero(), "it is in the due index exactly while something may happen by itself")
}

// The contract's table "what became of a cycle's charge".
func TestWhatBecameOfACyclesCharge(t *testing.T) {
	t.Parallel()
	first := at(t, "2027-01-31 09:00")
	for name, tt := range map[string]struct {
		became charge.Charge
		terms  func(*subscription.Terms)
		want   where
	}{
		"settled":                      {settled, nil, where{subscription.Active, "gold-42-0002", "2027-02-28 09:00", "", false}},
		"settled, and it was the last": {settled, func(t *subscription.Terms) { t.Cycles = 1 }, where{subscription.Finished, "gold-42-0002", "", "finished", false}},
		"settled, and the end is near": {settled, func(tt *subscription.Terms) { tt.EndsOn = day(t, "2027-02-27") }, where{subscription.Finished, "gold-42-0002", "", "finished", false}},
		"refunded at once":             {refunded, nil, where{subscription.Active, "gold-42-0002", "2027-02-28 09:00", "", false}},
		"a soft decline":               {soft, nil, where{subscription.PastDue, "gold-42-0001-r1", "2027-02-01 09:00", "past_due", false}},
		"a soft decline, no tries":     {soft, func(t *subscription.Terms) { t.RetryAfterDays = nil }, where{subscription.Unpaid, "gold-42-0001-r1", "", "unpaid", false}},
		"a soft decline, no room": {soft, func(t *subscription.Terms) { t.Calendar.Every = calendar.Every{Count: 1, Unit: calendar.Day} },
			where{subscription.PastDue, "gold-42-0002", "2027-02-01 09:00", "past_due", false}},
		"a soft decline of the last one, tried as long as wanted": {soft, func(t *subscription.Terms) {
			t.Cycles, t.Calendar.Every = 1, calendar.Every{Count: 1, Unit: calendar.Day}
		}, where{subscription.PastDue, "gold-42-0001-r1", "2027-02-01 09:00", "past_due", false}},
		"a soft decline on the last day": {soft, func(tt *subscription.Terms) { tt.EndsOn = day(t, "2027-01-31") },
			where{subscription.Unpaid, "gold-42-0001-r1", "", "unpaid", false}},
		"a hard decline": {hard, nil, where{subscription.Unpaid, "gold-42-0001-r1", "", "unpaid", false}},
		"unknown":        {unknown, nil, where{subscription.Active, "gold-42-0001", "", "", true}},
		"rejected":       {rejected, nil, where{subscription.Held, "gold-42-0001", "", "held", false}},
		"unsent":         {unsent, nil, where{subscription.Active, "gold-42-0001", "2027-01-31 09:00", "", false}},
		"charged back":   {disputed, nil, where{subscription.Held, "gold-42-0001", "", "held", false}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := gold(t)
			if tt.terms != nil {
				s = gold(t, tt.terms)
			}
			requireAt(t, tt.want, charged(t, s, tt.became, first))
		})
	}
}

func TestTriesAfterADecline(t *testing.T) {
	t.Parallel()
	s := charged(t, gold(t), soft, at(t, "2027-01-31 09:00"))
	for _, want := range []where{
		{subscription.PastDue, "gold-42-0001-r2", "2027-02-03 09:00", "", false},
		{subscription.PastDue, "gold-42-0001-r3", "2027-02-05 09:00", "", false},
		{subscription.PastDue, "gold-42-0001-r4", "2027-02-07 09:00", "", false},
		{subscription.Unpaid, "gold-42-0001-r5", "", "unpaid", false},
	} {
		s = charged(t, s, soft, s.DueAt)
		requireAt(t, want, s)
	}

	t.Run("a new token tries at once, and what was missed is skipped", func(t *testing.T) {
		t.Parallel()
		terms := s.Terms
		terms.Token = hidden.New("MARKED-another-token")
		again, err := s.With(terms, at(t, "2027-04-10 12:00"))
		require.NoError(t, err)
		requireAt(t, where{subscription.PastDue, "gold-42-0001-r5", "2027-04-10 12:00", "past_due", false}, again)
		require.Equal(t, subscription.AskFirst, again.Judge(at(t, "2027-04-10 12:00")))
		requireAt(t, where{subscription.Active, "gold-42-0004", "2027-04-30 09:00", "recovered", false}, charged(t, again, settled, at(t, "2027-04-10 12:00")))
		requireAt(t, where{subscription.Unpaid, "gold-42-0001-r6", "", "unpaid", false}, charged(t, again, soft, at(t, "2027-04-10 12:00")))
	})
	t.Run("other terms with the old token change nothing now", func(t *testing.T) {
		t.Parallel()
		terms := s.Terms
		terms.Description = "silver"
		again, err := s.With(terms, at(t, "2027-04-10 12:00"))
		require.NoError(t, err)
		requireAt(t, where{subscription.Unpaid, "gold-42-0001-r5", "", "", false}, again)
	})
	t.Run("a try that is paid ends it", func(t *testing.T) {
		t.Parallel()
		s := charged(t, gold(t), soft, at(t, "2027-01-31 09:00"))
		requireAt(t, where{subscription.Active, "gold-42-0002", "2027-02-28 09:00", "recovered", false}, charged(t, s, settled, s.DueAt))
	})
	t.Run("a declined charge that turns out to be paid", func(t *testing.T) {
		t.Parallel()
		s := charged(t, gold(t), soft, at(t, "2027-01-31 09:00"))
		late := settled
		late.For = charge.Cycle{Subscription: "gold-42", Number: 1}
		requireAt(t, where{subscription.Active, "gold-42-0002", "2027-02-28 09:00", "recovered", false}, s.Later(late, false, at(t, "2027-01-31 15:00")))
	})
}

// Not within 24 hours of the next cycle: weekly, with a try a week later.
func TestNoTryCloseToTheNextCycle(t *testing.T) {
	t.Parallel()
	weekly := func(t *subscription.Terms) { t.Calendar.Every = calendar.Every{Count: 1, Unit: calendar.Week} }
	s := charged(t, gold(t, weekly), soft, at(t, "2027-01-31 09:00"))
	for range 2 {
		s = charged(t, s, soft, s.DueAt)
	}
	requireAt(t, where{subscription.PastDue, "gold-42-0001-r3", "2027-02-05 09:00", "", false}, s)
	s = charged(t, s, soft, s.DueAt)
	requireAt(t, where{subscription.PastDue, "gold-42-0002", "2027-02-07 09:00", "", false}, s)
	requireAt(t, where{subscription.Active, "gold-42-0003", "2027-02-14 09:00", "recovered", false}, charged(t, s, settled, s.DueAt))
}

// A try that is planned has a day's room before the next cycle that comes, whatever
// happens between the decline and it; where it has none it is given up, and the cycle
// stays past due.
func TestATryHasRoom(t *testing.T) {
	t.Parallel()
	weekly := func(t *subscription.Terms) { t.Calendar.Every = calendar.Every{Count: 1, Unit: calendar.Week} }
	tries := func(days ...int) func(*subscription.Terms) {
		return func(t *subscription.Terms) { t.RetryAfterDays = days }
	}
	first := at(t, "2027-01-31 09:00")
	put := func(s subscription.Subscription, when string, change ...func(*subscription.Terms)) subscription.Subscription {
		terms := s.Terms
		for _, c := range change {
			c(&terms)
		}
		s, err := s.With(terms, at(t, when))
		require.NoError(t, err)
		return s
	}
	resume := func(s subscription.Subscription, missed subscription.Missed, when string) subscription.Subscription {
		s, err := s.Resume(missed, at(t, when))
		require.NoError(t, err)
		return s
	}

	t.Run("cycles that are skipped take none", func(t *testing.T) {
		t.Parallel()
		s := gold(t, weekly, tries(1, 3, 5, 10), func(t *subscription.Terms) { t.Cycles = 3 })
		for range 2 {
			s = charged(t, s, settled, s.DueAt)
		}
		s = charged(t, s, hard, s.DueAt) // the last one, on 14 February
		s = put(s, "2027-02-22 00:00", func(t *subscription.Terms) { t.Token = hidden.New("MARKED-another-token") })
		requireAt(t, where{subscription.PastDue, "gold-42-0003-r2", "2027-02-24 09:00", "", false}, charged(t, s, soft, at(t, "2027-02-22 00:00")))

		open, err := charged(t, gold(t, weekly), unknown, first).Pause(first)
		require.NoError(t, err)
		open = resume(open, subscription.Skip, "2027-02-03 00:00")
		late := soft
		late.For, late.UpdatedAt = open.NextCharge(), at(t, "2027-02-08 00:00")
		requireAt(t, where{subscription.PastDue, "gold-42-0001-r1", "2027-02-09 00:00", "past_due", false}, open.After(late, at(t, "2027-02-08 00:00")))
	})
	t.Run("another calendar while it was paused", func(t *testing.T) {
		t.Parallel()
		s, err := charged(t, gold(t, tries(14)), soft, first).Pause(first)
		require.NoError(t, err)
		s = put(s, "2027-02-01 00:00", weekly, func(tt *subscription.Terms) { tt.Calendar.StartsOn = day(t, "2027-02-04") })
		requireAt(t, where{subscription.PastDue, "gold-42-0002", "2027-02-04 09:00", "past_due", false}, resume(s, "", "2027-02-01 01:00"))
		requireAt(t, where{subscription.Active, "gold-42-0003", "2027-02-11 09:00", "", false}, resume(s, subscription.Skip, "2027-02-05 00:00"))
	})
	t.Run("more cycles", func(t *testing.T) {
		t.Parallel()
		last := charged(t, gold(t, weekly, tries(14), func(t *subscription.Terms) { t.Cycles = 1 }), soft, first)
		requireAt(t, where{subscription.PastDue, "gold-42-0001-r1", "2027-02-14 09:00", "past_due", false}, last)
		requireAt(t, where{subscription.PastDue, "gold-42-0002", "2027-02-07 09:00", "", false},
			put(last, "2027-01-31 12:00", func(t *subscription.Terms) { t.Cycles = 12 }))
	})
	t.Run("fewer cycles while its outcome was open", func(t *testing.T) {
		t.Parallel()
		second := charged(t, gold(t), settled, first)
		open := put(charged(t, second, unknown, second.DueAt), "2027-02-28 10:00", func(t *subscription.Terms) { t.Cycles = 1 })
		late := soft
		late.For, late.UpdatedAt = open.NextCharge(), at(t, "2027-02-28 11:00")
		requireAt(t, where{subscription.Unpaid, "gold-42-0002-r1", "", "unpaid", false}, open.After(late, at(t, "2027-02-28 11:00")))
	})
	t.Run("a late look", func(t *testing.T) {
		t.Parallel()
		s := charged(t, gold(t, tries(27)), soft, first)
		requireAt(t, where{subscription.PastDue, "gold-42-0001-r1", "2027-02-27 09:00", "past_due", false}, s)
		require.Equal(t, subscription.ChargeIt, s.Judge(s.DueAt))
		// Contract, Subscriptions: never within 24 hours of the next cycle.
		for _, late := range []string{"2027-02-27 09:01", "2027-02-27 10:00", "2027-02-28 08:00", "2027-02-28 12:00"} {
			require.Equal(t, subscription.NoRoom, s.Judge(at(t, late)), late)
			requireAt(t, where{subscription.PastDue, "gold-42-0002", "2027-02-28 09:00", "", false}, s.GiveUp(at(t, late)))
		}
		asked := put(s, "2027-02-27 10:00", func(t *subscription.Terms) { t.Token = hidden.New("MARKED-another-token") })
		require.Equal(t, subscription.AskFirst, asked.Judge(at(t, "2027-02-28 08:00")), "a new card waits for no room")
	})
	t.Run("what stays past due ends as unpaid, and is recovered when it is paid", func(t *testing.T) {
		t.Parallel()
		s := charged(t, gold(t, func(t *subscription.Terms) { t.Calendar.Every = calendar.Every{Count: 1, Unit: calendar.Day} }), soft, first)
		requireAt(t, where{subscription.PastDue, "gold-42-0002", "2027-02-01 09:00", "past_due", false}, s)
		requireAt(t, where{subscription.Unpaid, "gold-42-0002", "", "unpaid", false},
			put(s, "2027-01-31 10:00", func(tt *subscription.Terms) { tt.EndsOn = day(t, "2027-01-31") }))
		paused, err := s.Pause(at(t, "2027-01-31 10:00"))
		require.NoError(t, err)
		again := resume(paused, "", "2027-01-31 11:00")
		requireAt(t, where{subscription.PastDue, "gold-42-0002", "2027-02-01 09:00", "past_due", false}, again)
		requireAt(t, where{subscription.Active, "gold-42-0003", "2027-02-02 09:00", "recovered", false}, charged(t, again, settled, again.DueAt))
	})
}

func TestJudge(t *testing.T) {
	t.Parallel()
	lastDay := func(tt *subscription.Terms) { tt.EndsOn = day(t, "2027-01-31") }
	lastMinute := func(tt *subscription.Terms) {
		lastDay(tt)
		clock, err := calendar.ParseClock("23:59")
		require.NoError(t, err)
		tt.Calendar.ChargeAt = clock
	}
	daily := func(t *subscription.Terms) { t.Calendar.Every = calendar.Every{Count: 1, Unit: calendar.Day} }
	for name, tt := range map[string]struct {
		now   string
		terms func(*subscription.Terms)
		want  subscription.Verdict
	}{
		"a minute early":            {"2027-01-31 08:59", nil, subscription.Nothing},
		"now":                       {"2027-01-31 09:00", nil, subscription.ChargeIt},
		"an hour late":              {"2027-01-31 10:00", nil, subscription.ChargeIt},
		"more than an hour late":    {"2027-01-31 10:01", nil, subscription.AskFirst},
		"72 hours late":             {"2027-02-03 09:00", nil, subscription.AskFirst},
		"more than that":            {"2027-02-03 09:01", nil, subscription.TooLate},
		"daily, half a day late":    {"2027-01-31 21:00", daily, subscription.AskFirst},
		"daily, more than half one": {"2027-01-31 21:01", daily, subscription.TooLate},
		"on the last day":           {"2027-01-31 09:00", lastDay, subscription.ChargeIt},
		"after the last day":        {"2027-02-01 00:00", lastDay, subscription.TooLate},
		"a minute before midnight of the last day, looked at a minute after": {"2027-02-01 00:00", lastMinute, subscription.ChargeIt},
		"and an hour after":           {"2027-02-01 00:59", lastMinute, subscription.ChargeIt},
		"and more than an hour after": {"2027-02-01 01:00", lastMinute, subscription.TooLate},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := gold(t)
			if tt.terms != nil {
				s = gold(t, tt.terms)
			}
			require.Equal(t, tt.want, s.Judge(at(t, tt.now)))
			for _, state := range subscription.States() {
				if !state.Chargeable() {
					s.State = state
					require.Equal(t, subscription.Nothing, s.Judge(at(t, tt.now)), state)
				}
			}
		})
	}
}

func TestAnOpenOutcomeBlocks(t *testing.T) {
	t.Parallel()
	began := at(t, "2027-01-31 09:00")
	s := charged(t, gold(t), unknown, began)
	open := unknown
	open.For = s.NextCharge()
	for now := began; now.Sub(began) < 14*24*time.Hour; now = s.LookAt {
		require.Equal(t, subscription.TakeOver, s.Judge(now))
		s = s.After(open, now)
		if s.State == subscription.Held {
			break
		}
		require.True(t, s.LookAt.After(now))
	}
	s = s.After(open, began.Add(14*24*time.Hour))
	requireAt(t, where{subscription.Held, "gold-42-0001", "", "held", true}, s)

	// What comes later changes the charge, not the state; then it can be resumed.
	paid := settled
	paid.For = s.NextCharge()
	s = s.After(paid, at(t, "2027-03-01 00:00"))
	requireAt(t, where{subscription.Held, "gold-42-0001", "", "", false}, s)
	require.Equal(t, charge.Settled, s.Last.State)
	for _, missed := range []subscription.Missed{subscription.Skip, subscription.ChargeLatest} {
		again, err := s.Resume(missed, at(t, "2027-03-02 00:00"))
		require.NoError(t, err)
		want := where{subscription.Active, "gold-42-0003", "2027-03-31 09:00", "", false}
		if missed == subscription.ChargeLatest { // the second was missed meanwhile
			want = where{subscription.Active, "gold-42-0002", "2027-03-02 00:00", "", false}
		}
		requireAt(t, want, again)
	}
}

func TestResume(t *testing.T) {
	t.Parallel()
	first := at(t, "2027-01-31 09:00")
	paused := func(s subscription.Subscription, when string) subscription.Subscription {
		s, err := s.Pause(at(t, when))
		require.NoError(t, err)
		requireAt(t, where{subscription.Paused, subscription.Number(s.NextCharge()), "", "", s.Waiting}, s)
		return s
	}
	second := charged(t, gold(t), settled, first)
	backCharge := disputed
	backCharge.Order.Number, backCharge.For = "gold-42-0001", charge.Cycle{Subscription: "gold-42", Number: 1}
	for name, tt := range map[string]struct {
		s               subscription.Subscription
		now             string
		skip, latest    where
		missedMaybeLeft bool
	}{
		"paused, nothing missed": {paused(gold(t), "2027-01-02 00:00"), "2027-01-03 00:00",
			where{subscription.Active, "gold-42-0001", "2027-01-31 09:00", "", false},
			where{subscription.Active, "gold-42-0001", "2027-01-31 09:00", "", false}, true},
		"paused, three missed": {paused(gold(t), "2027-01-02 00:00"), "2027-04-01 00:00",
			where{subscription.Active, "gold-42-0004", "2027-04-30 09:00", "", false},
			where{subscription.Active, "gold-42-0003", "2027-04-01 00:00", "", false}, true},
		"paused between tries": {paused(charged(t, gold(t), soft, first), "2027-01-31 10:00"), "2027-01-31 11:00",
			where{subscription.PastDue, "gold-42-0001-r1", "2027-02-01 09:00", "past_due", false},
			where{subscription.PastDue, "gold-42-0001-r1", "2027-02-01 09:00", "past_due", false}, true},
		"paused between tries, a try missed": {paused(charged(t, gold(t), soft, first), "2027-01-31 10:00"), "2027-02-10 11:00",
			where{subscription.Active, "gold-42-0002", "2027-02-28 09:00", "", false},
			where{subscription.PastDue, "gold-42-0001-r1", "2027-02-10 11:00", "past_due", false}, true},
		"paused while its outcome is open": {paused(charged(t, gold(t), unknown, first), "2027-01-31 10:00"), "2027-02-10 11:00",
			where{subscription.Active, "gold-42-0001", "", "", true},
			where{subscription.Active, "gold-42-0001", "", "", true}, true},
		"held: too late": {gold(t).Late(at(t, "2027-02-05 00:00")), "2027-02-06 00:00",
			where{subscription.Active, "gold-42-0002", "2027-02-28 09:00", "", false},
			where{subscription.Active, "gold-42-0001", "2027-02-06 00:00", "", false}, false},
		"held: refused": {charged(t, gold(t), rejected, first), "2027-02-01 00:00",
			where{subscription.Active, "gold-42-0002", "2027-02-28 09:00", "", false},
			where{subscription.Active, "gold-42-0001", "2027-02-01 00:00", "", false}, false},
		"held: charged back": {charged(t, gold(t), disputed, first), "2027-02-01 00:00",
			where{subscription.Active, "gold-42-0002", "2027-02-28 09:00", "", false},
			where{subscription.Active, "gold-42-0002", "2027-02-28 09:00", "", false}, false},
		"held: the cycle before was charged back": {second.Later(backCharge, false, at(t, "2027-02-03 00:00")), "2027-02-04 00:00",
			where{subscription.Active, "gold-42-0002", "2027-02-28 09:00", "", false},
			where{subscription.Active, "gold-42-0002", "2027-02-28 09:00", "", false}, false},
		"unpaid": {charged(t, gold(t), hard, first), "2027-02-01 00:00",
			where{subscription.Active, "gold-42-0002", "2027-02-28 09:00", "", false},
			where{subscription.PastDue, "gold-42-0001-r1", "2027-02-01 00:00", "past_due", false}, false},
		"unpaid, and one missed since": {charged(t, gold(t), hard, first), "2027-03-01 00:00",
			where{subscription.Active, "gold-42-0003", "2027-03-31 09:00", "", false},
			where{subscription.Active, "gold-42-0002", "2027-03-01 00:00", "", false}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := at(t, tt.now)
			skipped, err := tt.s.Resume(subscription.Skip, now)
			require.NoError(t, err)
			requireAt(t, tt.skip, skipped)
			latest, err := tt.s.Resume(subscription.ChargeLatest, now)
			require.NoError(t, err)
			requireAt(t, tt.latest, latest)
			if latest.DueAt.Equal(now) {
				require.Equal(t, subscription.AskFirst, latest.Judge(now), "what was missed is asked about first")
			}
			byDefault, err := tt.s.Resume("", now)
			if tt.missedMaybeLeft {
				require.NoError(t, err)
				requireAt(t, tt.skip, byDefault)
			} else {
				var missed *subscription.MissedError
				require.ErrorAs(t, err, &missed)
				require.Equal(t, tt.s, byDefault)
			}
			again, err := skipped.Resume(subscription.ChargeLatest, now)
			require.NoError(t, err)
			require.Equal(t, skipped, again, "there is nothing to resume")
		})
	}
}

// What a person said of the missed cycles counts once the open charge is over.
func TestResumeWhileItsOutcomeIsOpen(t *testing.T) {
	t.Parallel()
	first, now := at(t, "2027-01-31 09:00"), at(t, "2027-04-10 00:00") // two were missed
	weekly := func(t *subscription.Terms) { t.Calendar.Every = calendar.Every{Count: 1, Unit: calendar.Week} }
	for name, tt := range map[string]struct {
		terms  func(*subscription.Terms)
		missed subscription.Missed
		became charge.Charge
		want   where
	}{
		"skip":                       {nil, subscription.Skip, settled, where{subscription.Active, "gold-42-0004", "2027-04-30 09:00", "", false}},
		"by default":                 {nil, "", settled, where{subscription.Active, "gold-42-0004", "2027-04-30 09:00", "", false}},
		"charge_latest":              {nil, subscription.ChargeLatest, settled, where{subscription.Active, "gold-42-0003", "2027-04-10 00:00", "", false}},
		"charge_latest, many missed": {weekly, subscription.ChargeLatest, settled, where{subscription.Active, "gold-42-0010", "2027-04-10 00:00", "", false}},
		"charge_latest, it was the last": {func(t *subscription.Terms) { t.Cycles = 1 }, subscription.ChargeLatest, settled,
			where{subscription.Finished, "gold-42-0004", "", "finished", false}},
		"charge_latest, declined":      {nil, subscription.ChargeLatest, soft, where{subscription.PastDue, "gold-42-0003", "2027-04-10 00:00", "past_due", false}},
		"charge_latest, declined hard": {nil, subscription.ChargeLatest, hard, where{subscription.Unpaid, "gold-42-0001-r1", "", "unpaid", false}},
		"skip, declined": {func(t *subscription.Terms) { t.RetryAfterDays = []int{70, 71} }, subscription.Skip, soft,
			where{subscription.PastDue, "gold-42-0001-r1", "2027-04-11 09:00", "past_due", false}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := gold(t)
			if tt.terms != nil {
				s = gold(t, tt.terms)
			}
			s, err := charged(t, s, unknown, first).Pause(at(t, "2027-01-31 10:00"))
			require.NoError(t, err)
			s, err = s.Resume(tt.missed, now)
			require.NoError(t, err)
			require.True(t, s.Waiting)
			became := tt.became
			became.Order.Number, became.For = "gold-42-0001", s.NextCharge()
			became.UpdatedAt = first
			after := s.After(became, now)
			requireAt(t, tt.want, after)
			if after.DueAt.Equal(now) {
				require.Equal(t, subscription.AskFirst, after.Judge(now), "what was missed is asked about first")
			}
		})
	}
}

// Each chargeback holds it once, however often and in whatever order they are heard of.
func TestEachChargebackHoldsItOnce(t *testing.T) {
	t.Parallel()
	s := charged(t, gold(t), settled, at(t, "2027-01-31 09:00"))
	s = charged(t, s, settled, s.DueAt)
	now := at(t, "2027-03-01 00:00")
	disputedCycle := func(cycle int) charge.Charge {
		c := disputed
		c.For = charge.Cycle{Subscription: "gold-42", Number: cycle}
		c.Order.Number = subscription.Number(c.For)
		return c
	}
	for _, cycle := range []int{1, 2} {
		s = s.Later(disputedCycle(cycle), false, now)
		require.Equal(t, subscription.Held, s.State)
		var err error
		s, err = s.Resume(subscription.Skip, now)
		require.NoError(t, err)
	}
	for _, cycle := range []int{1, 2, 1} {
		s = s.Later(disputedCycle(cycle), false, now)
		require.Equal(t, subscription.Active, s.State)
		require.Empty(t, s.Change)
	}
}

func TestWhatHasEnded(t *testing.T) {
	t.Parallel()
	now := at(t, "2027-02-01 00:00")
	cancelled := gold(t).Cancel(now)
	requireAt(t, where{subscription.Cancelled, "gold-42-0001", "", "cancelled", false}, cancelled)
	finished := charged(t, gold(t, func(t *subscription.Terms) { t.Cycles = 1 }), settled, at(t, "2027-01-31 09:00"))
	for _, s := range []subscription.Subscription{cancelled, finished} {
		var state *subscription.StateError
		_, err := s.Pause(now)
		require.ErrorAs(t, err, &state)
		_, err = s.Resume(subscription.Skip, now)
		require.ErrorAs(t, err, &state)
		terms := s.Terms
		terms.Description = "silver"
		_, err = s.With(terms, now)
		require.ErrorAs(t, err, &state)
		require.Equal(t, s, s.Cancel(now), "cancelled again, nothing changes")
	}

	// What was under way when it was cancelled ends, and changes no state.
	s := gold(t)
	s.Waiting = true
	s = s.Cancel(now)
	paid := settled
	paid.For = s.NextCharge()
	s = s.After(paid, now)
	requireAt(t, where{subscription.Cancelled, "gold-42-0001", "", "", false}, s)
	require.Equal(t, charge.Settled, s.Last.State)
}

func TestOtherTerms(t *testing.T) {
	t.Parallel()
	s := charged(t, gold(t), settled, at(t, "2027-01-31 09:00")) // next: the second, 28 February
	on := func(text string) func(*subscription.Terms) {
		return func(terms *subscription.Terms) { terms.Calendar.StartsOn = day(t, text) }
	}
	for name, tt := range map[string]struct {
		change func(*subscription.Terms)
		want   where
	}{
		"another amount": {func(t *subscription.Terms) { t.Description = "silver" }, where{subscription.Active, "gold-42-0002", "2027-02-28 09:00", "", false}},
		"a day soon: half a month must lie between": {on("2027-02-05"), where{subscription.Active, "gold-42-0002", "2027-03-05 09:00", "", false}},
		"a day far enough":                          {on("2027-02-20"), where{subscription.Active, "gold-42-0002", "2027-02-20 09:00", "", false}},
		"weekly":                                    {func(t *subscription.Terms) { t.Calendar.Every = calendar.Every{Count: 1, Unit: calendar.Week} }, where{subscription.Active, "gold-42-0002", "2027-02-07 09:00", "", false}},
		"no more cycles":                            {func(t *subscription.Terms) { t.Cycles = 1 }, where{subscription.Finished, "gold-42-0002", "", "finished", false}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			terms := s.Terms
			tt.change(&terms)
			after, err := s.With(terms, at(t, "2027-02-01 00:00"))
			require.NoError(t, err)
			requireAt(t, tt.want, after)
			same, err := after.With(terms, at(t, "2027-02-02 00:00"))
			if after.State != subscription.Finished {
				require.NoError(t, err)
				require.Equal(t, after, same, "the same terms change nothing")
			}
		})
	}

	t.Run("before the first cycle", func(t *testing.T) {
		t.Parallel()
		terms := monthly(t)
		terms.Calendar.StartsOn = day(t, "2027-01-02")
		after, err := gold(t).With(terms, at(t, "2027-01-01 12:00"))
		require.NoError(t, err)
		requireAt(t, where{subscription.Active, "gold-42-0001", "2027-01-02 09:00", "", false}, after)
	})
	t.Run("while a try is planned", func(t *testing.T) {
		t.Parallel()
		due := charged(t, gold(t, func(t *subscription.Terms) { t.RetryAfterDays = []int{14} }), soft, at(t, "2027-01-31 09:00"))
		for startsOn, want := range map[string]where{
			"2027-02-15": {subscription.PastDue, "gold-42-0001-r1", "2027-02-14 09:00", "", false}, // a day lies between
			"2027-02-14": {subscription.PastDue, "gold-42-0002", "2027-02-14 09:00", "", false},
		} {
			terms := due.Terms
			on(startsOn)(&terms)
			after, err := due.With(terms, at(t, "2027-02-02 00:00"))
			require.NoError(t, err)
			requireAt(t, want, after)
		}
	})
	t.Run("while an outcome is open", func(t *testing.T) {
		t.Parallel()
		open := charged(t, gold(t), unknown, at(t, "2027-01-31 09:00"))
		terms := open.Terms
		terms.Calendar.StartsOn = day(t, "2027-02-05")
		after, err := open.With(terms, at(t, "2027-02-01 00:00"))
		require.NoError(t, err)
		requireAt(t, where{subscription.Active, "gold-42-0001", "", "", true}, after)
		paid := settled
		paid.For = after.NextCharge()
		requireAt(t, where{subscription.Active, "gold-42-0002", "2027-03-05 09:00", "", false}, after.After(paid, at(t, "2027-02-02 00:00")))
	})
}

// Terms that change while it is not charging are in force when it charges again: no
// cycle beyond the last one, no day beyond the last day, no date of the calendar before.
func TestOtherTermsWhileItIsNotCharging(t *testing.T) {
	t.Parallel()
	first := at(t, "2027-01-31 09:00")
	put := func(s subscription.Subscription, when string, change func(*subscription.Terms)) subscription.Subscription {
		t.Helper()
		terms := s.Terms
		change(&terms)
		after, err := s.With(terms, at(t, when))
		require.NoError(t, err)
		if !s.State.Chargeable() {
			require.Equal(t, s.State, after.State)
			require.Empty(t, after.Change)
		}
		return after
	}
	cycles := func(n int) func(*subscription.Terms) { return func(t *subscription.Terms) { t.Cycles = n } }
	startsOn := func(text string) func(*subscription.Terms) {
		return func(terms *subscription.Terms) { terms.Calendar.StartsOn = day(t, text) }
	}
	pause := func(s subscription.Subscription, when string) subscription.Subscription {
		s, err := s.Pause(at(t, when))
		require.NoError(t, err)
		return s
	}
	second := charged(t, gold(t), settled, first)
	heldBeforeSecond := second.Hold("charged back", at(t, "2027-02-03 00:00"))
	lateSecond := second.Late(at(t, "2027-03-04 00:00"))
	finished := where{subscription.Finished, "gold-42-0002", "", "finished", false}
	for name, tt := range map[string]struct {
		s            subscription.Subscription
		put          string // when
		change       func(*subscription.Terms)
		now          string
		skip, latest where
	}{
		"held, no more cycles": {heldBeforeSecond, "2027-02-04 00:00", cycles(1), "2027-02-05 00:00", finished, finished},
		"held, its day is beyond the last": {heldBeforeSecond, "2027-02-04 00:00", func(tt *subscription.Terms) { tt.EndsOn = day(t, "2027-02-10") },
			"2027-02-05 00:00", finished, finished},
		"late, no more cycles": {lateSecond, "2027-03-05 00:00", cycles(1), "2027-03-06 00:00",
			where{subscription.Finished, "gold-42-0003", "", "finished", false}, finished},
		"held, another calendar": {heldBeforeSecond, "2027-02-04 00:00", startsOn("2027-02-20"), "2027-02-05 00:00",
			where{subscription.Active, "gold-42-0002", "2027-02-20 09:00", "", false},
			where{subscription.Active, "gold-42-0002", "2027-02-20 09:00", "", false}},
		"paused, four missed, another calendar": {pause(gold(t), "2027-01-02 00:00"), "2027-05-02 00:00", startsOn("2027-05-20"), "2027-05-03 00:00",
			where{subscription.Active, "gold-42-0005", "2027-05-20 09:00", "", false},
			where{subscription.Active, "gold-42-0004", "2027-05-03 00:00", "", false}},
		"paused, four missed, another calendar, and one of that": {pause(gold(t), "2027-01-02 00:00"), "2027-05-02 00:00", startsOn("2027-05-20"), "2027-05-21 00:00",
			where{subscription.Active, "gold-42-0006", "2027-06-20 09:00", "", false},
			where{subscription.Active, "gold-42-0005", "2027-05-21 00:00", "", false}},
		"paused, four of two missed, another calendar": {pause(gold(t, cycles(2)), "2027-01-02 00:00"), "2027-05-02 00:00", startsOn("2027-05-20"), "2027-05-21 00:00",
			where{subscription.Finished, "gold-42-0004", "", "finished", false},
			where{subscription.Active, "gold-42-0002", "2027-05-21 00:00", "", false}},
		"paused, four missed, another calendar, and then two cycles": {put(pause(gold(t), "2027-01-02 00:00"), "2027-05-02 00:00", startsOn("2027-05-20")),
			"2027-05-03 00:00", cycles(2), "2027-05-04 00:00",
			where{subscription.Finished, "gold-42-0005", "", "finished", false},
			where{subscription.Active, "gold-42-0002", "2027-05-04 00:00", "", false}},
		"unpaid, two missed, another calendar": {charged(t, gold(t), hard, first), "2027-04-10 00:00", startsOn("2027-04-20"), "2027-04-11 00:00",
			where{subscription.Active, "gold-42-0004", "2027-04-20 09:00", "", false},
			where{subscription.Active, "gold-42-0003", "2027-04-11 00:00", "", false}},
		"unpaid, two missed, two other calendars": {put(charged(t, gold(t), hard, first), "2027-04-10 00:00", startsOn("2027-04-20")),
			"2027-05-21 00:00", startsOn("2027-06-15"), "2027-05-22 00:00", // the second had two more
			where{subscription.Active, "gold-42-0006", "2027-06-15 09:00", "", false},
			where{subscription.Active, "gold-42-0005", "2027-05-22 00:00", "", false}},
		"unpaid, and the new calendar begins late": {charged(t, gold(t), hard, first), "2027-02-01 00:00", startsOn("2027-07-20"), "2027-02-02 00:00",
			where{subscription.Active, "gold-42-0002", "2027-07-20 09:00", "", false},
			where{subscription.PastDue, "gold-42-0001-r1", "2027-02-02 00:00", "past_due", false}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := put(tt.s, tt.put, tt.change)
			for missed, want := range map[subscription.Missed]where{subscription.Skip: tt.skip, subscription.ChargeLatest: tt.latest} {
				after, err := s.Resume(missed, at(t, tt.now))
				require.NoError(t, err)
				requireAt(t, want, after)
				if after.DueAt.Equal(at(t, tt.now)) && after.State.Chargeable() { // and then it goes on by the calendar
					skipped, err := s.Resume(subscription.Skip, at(t, tt.now))
					require.NoError(t, err)
					paid := charged(t, after, settled, after.DueAt)
					require.Equal(t, skipped.State, paid.State)
					require.Equal(t, skipped.NextChargeAt(), paid.NextChargeAt())
				}
			}
		})
	}

	t.Run("a try of a cycle that is none any more", func(t *testing.T) {
		t.Parallel()
		due := charged(t, second, soft, second.DueAt)
		requireAt(t, where{subscription.Unpaid, "gold-42-0002-r1", "", "unpaid", false}, put(due, "2027-02-28 10:00", cycles(1)))
	})
	t.Run("a new token for a cycle that is none any more", func(t *testing.T) {
		t.Parallel()
		unpaid := charged(t, second, hard, second.DueAt)
		requireAt(t, where{subscription.Finished, "gold-42-0002-r1", "", "finished", false}, func() subscription.Subscription {
			terms := unpaid.Terms
			terms.Cycles, terms.Token = 1, hidden.New("MARKED-another-token")
			after, err := unpaid.With(terms, at(t, "2027-03-01 00:00"))
			require.NoError(t, err)
			return after
		}())
	})
}

// What a preview says is what comes: also where another calendar is put between a
// decline and its next try.
func TestPreviewAfterAnotherCalendar(t *testing.T) {
	t.Parallel()
	due := charged(t, gold(t, func(t *subscription.Terms) { t.RetryAfterDays = []int{7} }), soft, at(t, "2027-01-31 09:00"))
	terms := due.Terms
	terms.Calendar.Every = calendar.Every{Count: 1, Unit: calendar.Week}
	terms.Calendar.StartsOn = day(t, "2027-02-04")
	s, err := due.With(terms, at(t, "2027-01-31 12:00"))
	require.NoError(t, err)
	var planned []string
	for _, p := range s.Preview(3, at(t, "2027-01-31 12:00")) {
		planned = append(planned, subscription.Number(charge.Cycle{Subscription: "x", Number: p.Cycle})+" "+p.DueAt.Format("01-02 15:04"))
	}
	require.Equal(t, []string{"x-0002 02-04 09:00", "x-0003 02-11 09:00", "x-0004 02-18 09:00"}, planned)
	for range 3 {
		require.Equal(t, planned[0], subscription.Number(charge.Cycle{Subscription: "x", Number: s.Cycle})+" "+s.DueAt.Format("01-02 15:04"))
		s, planned = charged(t, s, settled, s.DueAt), append(planned[1:], "")
	}
}

func TestACyclePaidTwiceIsToldOnce(t *testing.T) {
	t.Parallel()
	s := charged(t, gold(t), soft, at(t, "2027-01-31 09:00"))
	s = charged(t, s, settled, s.DueAt)
	late := settled
	late.For = charge.Cycle{Subscription: "gold-42", Number: 1}
	twice := s.Later(late, true, at(t, "2027-02-02 00:00"))
	requireAt(t, where{subscription.Active, "gold-42-0002", "2027-02-28 09:00", "paid_twice", false}, twice)
	require.Equal(t, []int{1}, twice.PaidTwice)
	require.Empty(t, twice.Later(late, true, at(t, "2027-02-03 00:00")).Change)
}

func TestPreview(t *testing.T) {
	t.Parallel()
	s := charged(t, gold(t, func(t *subscription.Terms) { t.Cycles = 4 }), soft, at(t, "2027-01-31 09:00"))
	var due []string
	before := s
	for _, p := range s.Preview(12, at(t, "2027-01-31 10:00")) {
		due = append(due, subscription.Number(charge.Cycle{Subscription: "x", Number: p.Cycle})+" "+p.DueAt.Format("01-02 15:04"))
	}
	require.Equal(t, []string{"x-0001 02-01 09:00", "x-0002 02-28 09:00", "x-0003 03-31 09:00", "x-0004 04-30 09:00"}, due)
	require.Equal(t, before, s)
	require.Empty(t, s.Cancel(at(t, "2027-01-31 10:00")).Preview(12, at(t, "2027-01-31 10:00")))
}
