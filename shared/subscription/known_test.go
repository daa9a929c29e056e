package subscription_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/calendar"
	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/subscription"
)

// What is learnt of the last charge is kept with it, and what is learnt of another is not.
func TestWhichChargeIsTheLast(t *testing.T) {
	t.Parallel()
	s := gold(t)
	first := s.NextCharge()
	s = charged(t, s, outcome(first, charge.Settled, "settled", "", s.DueAt), s.DueAt)
	later := s.DueAt.Add(-time.Hour)
	refund := outcome(first, charge.Reversed, "refund", "", later)
	after := s.Later(refund, false, later)
	require.Equal(t, charge.Reversed, after.Last.State)

	s = charged(t, after, outcome(after.NextCharge(), charge.Settled, "", "", after.DueAt), after.DueAt)
	after = s.Later(refund, false, s.DueAt.Add(-time.Hour))
	require.Equal(t, s.Last, after.Last, "the refund of an earlier cycle is not of the last charge")
}

// The paid charges are those that were paid: no declined one, and none that is known as
// charged back.
func TestWhichChargesAreRememberedAsPaid(t *testing.T) {
	t.Parallel()
	s := gold(t)
	first := s.NextCharge()
	declined := charged(t, s, outcome(first, charge.Declined, "Insufficient funds", charge.Soft, s.DueAt), s.DueAt)
	require.Empty(t, declined.Paid)

	s = charged(t, s, outcome(first, charge.Settled, "settled", "", s.DueAt), s.DueAt)
	require.Equal(t, []charge.Cycle{first}, s.Paid)
	back := outcome(first, charge.Reversed, "chargeback", "", s.DueAt)
	held := s.Later(back, false, s.DueAt)
	require.Equal(t, subscription.Held, held.State)
	again := held.Later(back, false, s.DueAt.Add(time.Hour))
	require.Equal(t, held.Paid, again.Paid)
	require.Equal(t, held.State, again.State)
}

// A cycle whose charge is open keeps its own time under another calendar.
func TestAnotherCalendarWhileTheFirstChargeIsOpen(t *testing.T) {
	t.Parallel()
	s := gold(t)
	due := s.DueAt
	open := s.Claimed(outcome(s.NextCharge(), charge.Sending, "", "", due))
	terms := open.Terms
	noon, err := calendar.ParseClock("12:00")
	require.NoError(t, err)
	terms.Calendar.ChargeAt = noon
	after, err := open.With(terms, due.Add(time.Second))
	require.NoError(t, err)
	require.Equal(t, due, after.CycleAt)
	require.True(t, after.Waiting)
}
