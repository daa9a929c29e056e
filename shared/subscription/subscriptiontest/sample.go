package subscriptiontest

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

// Start is the time at which the suite's subscriptions are made.
var Start = time.Date(2026, 11, 21, 9, 0, 0, 123456789, time.UTC)

// Terms are valid terms that say all that terms can say.
func Terms(t testing.TB) subscription.Terms {
	t.Helper()
	amount, err := money.Parse("9.50", "SAR", 2)
	require.NoError(t, err)
	return subscription.Terms{
		InitTransID: "dc66cdd8-d702-11ea-9a2f-0242c0a87002",
		Token:       hidden.New("9a2f-0242c0a87002"),
		Amount:      amount,
		Description: "gold هدية",
		Calendar: calendar.Calendar{
			Every:    calendar.Every{Count: 1, Unit: calendar.Month},
			StartsOn: date(t, "2026-12-31"),
			ChargeAt: clock(t, "09:00"),
			TimeZone: "Asia/Baghdad",
		},
		Cycles:         24,
		EndsOn:         date(t, "2029-12-31"),
		RetryAfterDays: []int{1, 3, 5, 7},
	}
}

// New is a subscription as it is made.
func New(t testing.TB, id string) subscription.Subscription {
	t.Helper()
	return subscription.New(id, Terms(t), Start)
}

// Full is a subscription no part of which is zero. There is none like it: it only has
// to come back as it was.
func Full(t testing.TB, id string) subscription.Subscription {
	t.Helper()
	terms := Terms(t)
	charged, err := money.Parse("9.000", "JOD", 3)
	require.NoError(t, err)
	at := func(hours int) time.Time { return Start.Add(time.Duration(hours)*time.Hour + time.Duration(hours)) }
	return subscription.Subscription{
		ID:           id,
		Terms:        terms,
		State:        subscription.Held,
		Reason:       "an operator must look",
		Cycle:        7,
		Attempt:      2,
		CycleAt:      at(1),
		Index:        6,
		Passed:       3,
		PassedAt:     at(9),
		BeforeAt:     at(2),
		DueAt:        at(3),
		DeclinedAt:   at(4),
		AskFirst:     true,
		Missed:       subscription.ChargeLatest,
		Waiting:      true,
		WaitingSince: at(5),
		Last: subscription.LastCharge{
			Of:           charge.Cycle{Subscription: id, Number: 6, Attempt: 1},
			State:        charge.Declined,
			Amount:       charged,
			Reason:       "Insufficient funds",
			DeclineClass: charge.Soft,
		},
		ChargedBack: []string{id + "-0001", id + "-0005"},
		PaidTwice:   []int{3, 4},
		Paid:        []charge.Cycle{{Subscription: id, Number: 2, Attempt: 4}, {Subscription: id, Number: 6}},
		Behind:      subscription.Behind{Cycle: 6, Attempt: 3, CycleAt: at(10), BeforeAt: at(11), DeclinedAt: at(12)},
		Differed:    []string{id + "-0002-r4"},
		LookAt:      at(6),
		Change:      "paid_twice held",
		CreatedAt:   at(7),
		UpdatedAt:   at(8),
		Revision:    1,
	}
}

// Claim is a claim of the next charge of a subscription by an attempt.
func Claim(t testing.TB, s subscription.Subscription, attempt string, at time.Time) charge.Charge {
	t.Helper()
	of := s.NextCharge()
	claim := charge.NewClaim(charge.Terms{
		Order:       charge.Order{Number: subscription.Number(of), Amount: s.Terms.Amount, Description: s.Terms.Description},
		InitTransID: s.Terms.InitTransID,
		Token:       s.Terms.Token,
	}, attempt, at, at.Add(20*time.Second))
	claim.For = of
	return claim
}

func date(t testing.TB, text string) calendar.Date {
	t.Helper()
	d, err := calendar.ParseDate(text)
	require.NoError(t, err)
	return d
}

func clock(t testing.TB, text string) calendar.Clock {
	t.Helper()
	c, err := calendar.ParseClock(text)
	require.NoError(t, err)
	return c
}
