package outcome_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/calendar"
	"dinarfunctions/shared/hidden"
	"dinarfunctions/shared/money"
	"dinarfunctions/shared/outcome"
	"dinarfunctions/shared/subscription"
)

func TestEveryWordOfASubscriptionIsTold(t *testing.T) {
	t.Parallel()
	amount, err := money.Parse("25.00", "SAR", 2)
	require.NoError(t, err)
	start := time.Date(2026, 11, 21, 9, 0, 0, 120e6, time.UTC)
	day, err := calendar.ParseDate("2026-12-31")
	require.NoError(t, err)
	clock, err := calendar.ParseClock("00:15")
	require.NoError(t, err)
	days := calendar.Calendar{Every: calendar.Every{Count: 1, Unit: calendar.Month}, StartsOn: day, ChargeAt: clock, TimeZone: "Asia/Baghdad"}
	before := subscription.New("gold-42", subscription.Terms{
		InitTransID: "dc66cdd8-d702-11ea-9a2f-0242c0a87002", Token: hidden.New(token),
		Amount: amount, Description: "gold", Calendar: days, RetryAfterDays: []int{1, 3},
	}, start)
	for _, c := range []struct {
		words    string
		state    subscription.State
		expected []string
	}{
		{"past_due", subscription.PastDue, []string{"Subscription Past Due"}},
		{"unpaid", subscription.Unpaid, []string{"Subscription Unpaid"}},
		{"recovered", subscription.Active, []string{"Subscription Recovered"}},
		{"held", subscription.Held, []string{"Subscription Held"}},
		{"cancelled", subscription.Cancelled, []string{"Subscription Cancelled"}},
		{"finished", subscription.Finished, []string{"Subscription Finished"}},
		{"paid_twice", subscription.Paused, []string{"Subscription Paid Twice"}},
		{"recovered finished", subscription.Finished, []string{"Subscription Recovered", "Subscription Finished"}},
		{"", subscription.Active, nil},
	} {
		after := before
		after.State, after.UpdatedAt, after.Revision = c.state, start.Add(time.Second), 2
		change, err := outcome.OfSubscription(c.words, &before, after)
		var got []string
		for _, e := range toldOf(t, change, err) {
			got = append(got, e.DetailType)
			d := read(t, e)
			require.Equal(t, pointer("active"), d.PreviousState)
			require.Nil(t, d.Evidence)
			require.Equal(t, string(c.state), d.Subscription["state"])
			require.Equal(t, "7002", d.Subscription["token"])
			// Contract, Subscriptions: "both are null or neither".
			if c.state.Chargeable() {
				require.Equal(t, "2026-12-30T21:15:00.000Z", d.Subscription["next_charge_at"])
				require.Equal(t, "2026-12-31", d.Subscription["next_charge_on"], "the day in Baghdad")
			} else {
				require.Nil(t, d.Subscription["next_charge_at"])
				require.Contains(t, d.Subscription, "next_charge_on")
				require.Nil(t, d.Subscription["next_charge_on"])
			}
			require.Contains(t, e.ID, "subscription/gold-42/")
			require.Contains(t, e.ID, "/1795251601120000000-2")
		}
		require.Equal(t, c.expected, got, c.words)
	}
	_, err = outcome.OfSubscription("settled", nil, before)
	require.ErrorContains(t, err, "subscription/gold-42")
}
