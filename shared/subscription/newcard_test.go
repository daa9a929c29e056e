package subscription_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/calendar"
	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/hidden"
	"dinarfunctions/shared/subscription"
)

func weekly(t *subscription.Terms) {
	t.Calendar.Every = calendar.Every{Count: 1, Unit: calendar.Week}
}

// newCard is the subscription after a PUT with another card, and what else changes.
func newCard(t *testing.T, s subscription.Subscription, when time.Time, change ...func(*subscription.Terms)) subscription.Subscription {
	t.Helper()
	terms := s.Terms
	terms.Token = hidden.New("MARKED-another-token-" + when.String())
	for _, c := range change {
		c(&terms)
	}
	s, err := s.With(terms, when)
	require.NoError(t, err)
	return s
}

// left is a weekly subscription whose first cycle was left for want of room, with the
// second planned for 7 February.
func left(t *testing.T, change ...func(*subscription.Terms)) subscription.Subscription {
	t.Helper()
	s := charged(t, gold(t, append([]func(*subscription.Terms){weekly}, change...)...), soft, at(t, "2027-01-31 09:00"))
	for range 3 {
		if s.Attempt > 0 {
			s = charged(t, s, soft, s.DueAt)
		}
	}
	require.Equal(t, 2, s.Cycle)
	require.Zero(t, s.Attempt)
	return s
}

// leftLate is left, with a last day that is over before the next cycle comes: the first
// decline came hours late.
func leftLate(t *testing.T) subscription.Subscription {
	t.Helper()
	s := gold(t, weekly, func(t *subscription.Terms) { t.RetryAfterDays = []int{1, 3, 6} })
	s = charged(t, s, soft, at(t, "2027-01-31 19:00"))
	for range 2 {
		s = charged(t, s, soft, s.DueAt)
	}
	requireAt(t, where{subscription.PastDue, "gold-42-0002", "2027-02-07 09:00", "", false}, s)
	return s
}

// Contract, Subscriptions: so does a PUT with a new token while it is past_due and no
// charge is open: the customer's new card does not wait for a planned day, nor for room
// before the next cycle, and with no try left the declined cycle is tried with it once
// more.
func TestANewCardWhilePastDue(t *testing.T) {
	t.Parallel()
	planned := charged(t, gold(t, func(t *subscription.Terms) { t.RetryAfterDays = []int{7} }), soft, at(t, "2027-01-31 09:00"))
	day := func(t *subscription.Terms) { t.Calendar.Every = calendar.Every{Count: 1, Unit: calendar.Day} }
	for name, tt := range map[string]struct {
		s                    subscription.Subscription
		when                 string
		tried                string // the number
		paid, declined, hard where
	}{
		"before a planned day": {planned, "2027-02-02 12:00", "gold-42-0001-r1",
			where{subscription.Active, "gold-42-0002", "2027-02-28 09:00", "recovered", false},
			where{subscription.PastDue, "gold-42-0001-r2", "2027-02-07 09:00", "", false}, // that day is still to come
			where{subscription.Unpaid, "gold-42-0001-r2", "", "unpaid", false}},
		"within a day of the next cycle": {planned, "2027-02-28 08:00", "gold-42-0001-r1",
			where{subscription.Active, "gold-42-0002", "2027-02-28 09:00", "recovered", false},
			where{subscription.Unpaid, "gold-42-0001-r2", "", "unpaid", false}, // its last day is over
			where{subscription.Unpaid, "gold-42-0001-r2", "", "unpaid", false}},
		"no room was left": {left(t), "2027-02-05 21:00", "gold-42-0001-r4",
			where{subscription.Active, "gold-42-0002", "2027-02-07 09:00", "recovered", false},
			where{subscription.PastDue, "gold-42-0002", "2027-02-07 09:00", "", false},
			where{subscription.Unpaid, "gold-42-0001-r5", "", "unpaid", false}},
		"no try at all was made": {charged(t, gold(t, day), soft, at(t, "2027-01-31 09:00")), "2027-02-01 08:59", "gold-42-0001-r1",
			where{subscription.Active, "gold-42-0002", "2027-02-01 09:00", "recovered", false},
			where{subscription.PastDue, "gold-42-0002", "2027-02-01 09:00", "", false},
			where{subscription.Unpaid, "gold-42-0001-r2", "", "unpaid", false}},
		"after the last day on which it might have been tried": {leftLate(t), "2027-02-07 08:00", "gold-42-0001-r3",
			where{subscription.Active, "gold-42-0002", "2027-02-07 09:00", "recovered", false},
			where{subscription.PastDue, "gold-42-0002", "2027-02-07 09:00", "", false},
			where{subscription.Unpaid, "gold-42-0001-r4", "", "unpaid", false}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := at(t, tt.when)
			before := tt.s
			s := newCard(t, tt.s, now)
			require.Equal(t, before, tt.s)
			requireAt(t, where{subscription.PastDue, tt.tried, tt.when, "", false}, s)
			require.Equal(t, subscription.AskFirst, s.Judge(now))
			require.Equal(t, now, s.LookAt)
			requireAt(t, tt.paid, charged(t, s, settled, now))
			requireAt(t, tt.hard, charged(t, s, hard, now))
			requireAt(t, tt.declined, charged(t, s, soft, now))

			// The same card again asks for nothing, and another one does.
			same, err := s.With(s.Terms, now.Add(time.Minute))
			require.NoError(t, err)
			require.Equal(t, s, same)
			if again := charged(t, s, soft, now); again.State == subscription.PastDue {
				once := newCard(t, again, now.Add(time.Minute))
				require.Equal(t, again.Last.Of.Number, once.Cycle)
				require.Equal(t, again.Last.Of.Attempt+1, once.Attempt, "the next number")
				requireAt(t, tt.paid, charged(t, once, settled, now.Add(time.Minute)))
			}
		})
	}
}

// What was left is tried by a new card only as long as nothing was charged since.
func TestANewCardGoesBackToNothingElse(t *testing.T) {
	t.Parallel()
	now := at(t, "2027-02-06 00:00")
	s := left(t)
	for name, tt := range map[string]struct {
		s    subscription.Subscription
		want where
	}{
		"the next cycle was turned away": {charged(t, s, unsent, s.DueAt), where{subscription.PastDue, "gold-42-0002", "2027-02-07 09:00", "", false}},
		"the next cycle is open":         {charged(t, s, unknown, s.DueAt), where{subscription.PastDue, "gold-42-0002", "", "", true}},
		"the next cycle was declined":    {charged(t, s, soft, s.DueAt), where{subscription.PastDue, "gold-42-0002-r1", "2027-02-07 09:00", "", false}},
		"the last day is over": {func() subscription.Subscription {
			s := s
			s.Terms.EndsOn = day(t, "2027-02-06")
			return s
		}(), where{subscription.Unpaid, "gold-42-0002", "", "unpaid", false}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			when := tt.s.DueAt
			if tt.s.Terms.EndsOn.IsZero() && tt.s.Attempt > 0 {
				when = at(t, "2027-02-07 09:00")
			}
			requireAt(t, tt.want, newCard(t, tt.s, when))
		})
	}
	t.Run("it was paid after all", func(t *testing.T) {
		t.Parallel()
		late := settled
		late.For = s.Last.Of
		paid := s.Later(late, false, now)
		requireAt(t, where{subscription.Active, "gold-42-0002", "2027-02-07 09:00", "", false}, newCard(t, paid, now))
	})
	t.Run("a person has asked for the next cycle", func(t *testing.T) {
		t.Parallel()
		late := s.Late(at(t, "2027-02-11 00:00"))
		again, err := late.Resume(subscription.ChargeLatest, at(t, "2027-02-11 01:00"))
		require.NoError(t, err)
		requireAt(t, where{subscription.PastDue, "gold-42-0002", "2027-02-11 01:00", "past_due", false}, again)
		requireAt(t, where{subscription.PastDue, "gold-42-0002", "2027-02-11 01:00", "", false}, newCard(t, again, at(t, "2027-02-11 02:00")))
	})
	t.Run("what was skipped by a person is not past due", func(t *testing.T) {
		t.Parallel()
		unpaid := charged(t, gold(t, weekly), hard, at(t, "2027-01-31 09:00"))
		skipped, err := unpaid.Resume(subscription.Skip, at(t, "2027-02-01 00:00"))
		require.NoError(t, err)
		require.Zero(t, skipped.Behind)
		requireAt(t, where{subscription.Active, "gold-42-0002", "2027-02-07 09:00", "", false}, newCard(t, skipped, at(t, "2027-02-02 00:00")))
	})
	t.Run("and it keeps its place over a pause", func(t *testing.T) {
		t.Parallel()
		paused, err := s.Pause(now)
		require.NoError(t, err)
		requireAt(t, where{subscription.Paused, "gold-42-0002", "", "", false}, newCard(t, paused, now))
		again, err := paused.Resume("", now)
		require.NoError(t, err)
		requireAt(t, where{subscription.PastDue, "gold-42-0001-r4", "2027-02-06 00:00", "", false}, newCard(t, again, now))
	})
}

// Where the subscription ends before its next cycle, the declined one is unpaid, and a new
// card tries that one. So it does with another calendar: what comes after it, comes by
// that.
func TestANewCardWithOtherTerms(t *testing.T) {
	t.Parallel()
	now := at(t, "2027-02-06 00:00")
	s := left(t)
	other := func(startsOn string) func(*subscription.Terms) {
		return func(terms *subscription.Terms) { terms.Calendar.StartsOn = day(t, startsOn) }
	}
	one := func(t *subscription.Terms) { t.Cycles = 1 }

	both := newCard(t, s, now, one)
	requireAt(t, where{subscription.PastDue, "gold-42-0001-r4", "2027-02-06 00:00", "", false}, both)
	requireAt(t, where{subscription.Finished, "gold-42-0002", "", "recovered finished", false}, charged(t, both, settled, now))
	requireAt(t, where{subscription.PastDue, "gold-42-0001-r5", "2027-02-07 09:00", "", false}, charged(t, both, soft, now)) // its last day has room now

	terms := s.Terms
	one(&terms)
	unpaid, err := s.With(terms, now)
	require.NoError(t, err)
	requireAt(t, where{subscription.Unpaid, "gold-42-0002", "", "unpaid", false}, unpaid)
	requireAt(t, where{subscription.PastDue, "gold-42-0001-r4", "2027-02-06 01:00", "past_due", false}, newCard(t, unpaid, now.Add(time.Hour)))

	moved := newCard(t, s, now, other("2027-02-10"))
	requireAt(t, where{subscription.PastDue, "gold-42-0001-r4", "2027-02-06 00:00", "", false}, moved)
	requireAt(t, where{subscription.Active, "gold-42-0002", "2027-02-10 09:00", "recovered", false}, charged(t, moved, settled, now))
	requireAt(t, where{subscription.PastDue, "gold-42-0001-r5", "2027-02-07 09:00", "", false}, charged(t, moved, soft, now)) // its last day has room now
	require.Equal(t, -1, moved.Index, "the next cycle is the first of its calendar")
}

// Cycles between the one that was left and the next, which a person had skipped, keep
// their numbers.
func TestANewCardAfterSkippedCycles(t *testing.T) {
	t.Parallel()
	tries := func(t *subscription.Terms) { t.RetryAfterDays = []int{1, 3, 5, 28} }
	s := charged(t, gold(t, weekly, tries), hard, at(t, "2027-01-31 09:00"))
	s = newCard(t, s, at(t, "2027-02-22 00:00")) // two cycles are skipped
	s = charged(t, s, soft, at(t, "2027-02-22 00:00"))
	requireAt(t, where{subscription.PastDue, "gold-42-0005", "2027-02-28 09:00", "", false}, s)
	s = newCard(t, s, at(t, "2027-02-23 00:00"))
	requireAt(t, where{subscription.PastDue, "gold-42-0001-r2", "2027-02-23 00:00", "", false}, s)
	require.Equal(t, 3, s.Passed)
	requireAt(t, where{subscription.Active, "gold-42-0005", "2027-02-28 09:00", "recovered", false}, charged(t, s, settled, at(t, "2027-02-23 00:00")))
}

// A clock that is behind does not plan the day of the try that was made once more.
func TestATryIsNotPlannedForItsOwnDay(t *testing.T) {
	t.Parallel()
	s := charged(t, gold(t), soft, at(t, "2027-01-31 09:00"))
	claim := outcome(s.NextCharge(), charge.Sending, "", "", s.DueAt)
	claim.LookAt = s.DueAt.Add(time.Minute)
	claimed := s.Claimed(claim)
	requireAt(t, where{subscription.PastDue, "gold-42-0001-r2", "2027-02-03 09:00", "", false},
		claimed.After(outcome(s.NextCharge(), charge.Declined, "declined", charge.Soft, s.DueAt), s.DueAt.Add(-4*time.Minute)))
}

// A cycle that was gone back to and declined for good is tried under its next number, not
// under one that it had before.
func TestANewCardAfterTheOneThatWentBack(t *testing.T) {
	t.Parallel()
	now := at(t, "2027-02-06 00:00")
	unpaid := charged(t, newCard(t, left(t), now), hard, now)
	requireAt(t, where{subscription.Unpaid, "gold-42-0001-r5", "", "unpaid", false}, unpaid)
	requireAt(t, where{subscription.PastDue, "gold-42-0001-r5", "2027-02-06 01:00", "past_due", false}, newCard(t, unpaid, now.Add(time.Hour)))
}

// A card is new by its transaction, too.
func TestANewCardByItsTransaction(t *testing.T) {
	t.Parallel()
	terms := left(t).Terms
	terms.InitTransID = "5a1c2f3e-d702-11ea-9a2f-0242c0a87002"
	s, err := left(t).With(terms, at(t, "2027-02-06 00:00"))
	require.NoError(t, err)
	requireAt(t, where{subscription.PastDue, "gold-42-0001-r4", "2027-02-06 00:00", "", false}, s)
}

// Once the next cycle is charged, what was left is over.
func TestWhatWasLeftIsOverOnceTheNextCycleIsCharged(t *testing.T) {
	t.Parallel()
	s := left(t)
	require.Equal(t, 1, s.Behind.Cycle)
	require.Zero(t, s.Claimed(outcome(s.NextCharge(), charge.Sending, "", "", s.DueAt)).Behind)
	back := newCard(t, s, at(t, "2027-02-06 00:00"))
	require.Equal(t, 1, back.Claimed(outcome(back.NextCharge(), charge.Sending, "", "", back.DueAt)).Behind.Cycle)
}
