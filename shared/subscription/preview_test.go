package subscription_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/calendar"
	"dinarfunctions/shared/subscription"
)

// Contract, Subscriptions: "due_on and, beside next_charge_at, next_charge_on are the
// local dates; both are null or neither".
func TestLocalDates(t *testing.T) {
	t.Parallel()
	terms := monthly(t)
	clock, err := calendar.ParseClock("00:15")
	require.NoError(t, err)
	terms.Calendar.StartsOn, terms.Calendar.ChargeAt, terms.Calendar.TimeZone = day(t, "2027-08-01"), clock, "Asia/Baghdad"
	s := subscription.New("gold-42", terms, at(t, "2027-07-20 00:00"))
	require.Equal(t, at(t, "2027-07-31 21:15"), s.NextChargeAt())
	require.Equal(t, day(t, "2027-08-01"), s.NextChargeOn())
	var dates []string
	for _, p := range s.Preview(3, at(t, "2027-07-20 00:00")) {
		dates = append(dates, p.DueOn.String())
	}
	require.Equal(t, []string{"2027-08-01", "2027-09-01", "2027-10-01"}, dates)

	now := at(t, "2027-07-31 21:15")
	waiting := s
	waiting.Waiting = true
	paused, err := s.Pause(now)
	require.NoError(t, err)
	for _, none := range []subscription.Subscription{waiting, paused, s.Cancel(now), s.Hold("look", now)} {
		require.True(t, none.NextChargeAt().IsZero())
		require.True(t, none.NextChargeOn().IsZero())
	}
}
