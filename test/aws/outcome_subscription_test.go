package aws_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/hidden"
	"dinarfunctions/shared/subscription"
	"dinarfunctions/shared/subscription/subscriptiontest"
)

// From the writes of subscriptions over their table's stream to the queue behind the
// bus: each change is told once, with the state before it and no token.
func TestEveryChangeOfASubscriptionIsTold(t *testing.T) {
	t.Parallel()
	s := start(t, true)
	ledger, store := s.Ledger(), s.Subscriptions()
	terms := subscriptiontest.Terms(t)
	terms.Token = hidden.New(cardToken)
	sub, created, err := store.Create(t.Context(), subscription.New("gold-42", terms, in(0)))
	require.NoError(t, err)
	require.True(t, created)

	write := func(next subscription.Subscription) {
		t.Helper()
		var err error
		sub, err = store.Write(t.Context(), next)
		require.NoError(t, err)
	}
	charged := func(state charge.State, class charge.DeclineClass) {
		t.Helper()
		now := sub.DueAt
		of := sub.NextCharge()
		claim := charge.NewClaim(charge.Terms{
			Order:       charge.Order{Number: subscription.Number(of), Amount: terms.Amount, Description: terms.Description},
			InitTransID: terms.InitTransID, Token: terms.Token,
		}, "attempt-"+subscription.Number(of), now, now.Add(20*time.Second))
		claim.For = of
		waiting := sub.Claimed(claim)
		_, won, err := store.Claim(t.Context(), waiting, claim) // nobody is told
		require.NoError(t, err)
		require.True(t, won)
		waiting.Revision++
		c, applied, err := ledger.Record(t.Context(), charge.Change{
			Number: claim.Order.Number, Attempt: claim.Attempt, To: state, Evidence: charge.ByAnswer, At: now.Add(time.Second), DeclineClass: class,
		})
		require.NoError(t, err)
		require.True(t, applied)
		write(waiting.After(c, now.Add(2*time.Second)))
	}
	charged(charge.Declined, charge.Soft) // past_due
	require.Equal(t, subscription.BecamePastDue, sub.Change)
	standing, moved, err := store.Look(t.Context(), sub.ID, sub.LookAt, sub.LookAt.Add(time.Minute)) // nobody is told
	require.NoError(t, err)
	require.True(t, moved)
	sub = standing
	charged(charge.Settled, "")           // recovered
	charged(charge.Declined, charge.Hard) // unpaid
	resumed, err := sub.Resume(subscription.Skip, sub.UpdatedAt.Add(time.Minute))
	require.NoError(t, err)
	write(resumed)                                                           // nobody is told
	write(sub.Hold("an operator must look", sub.UpdatedAt.Add(time.Minute))) // held
	write(sub.Cancel(sub.UpdatedAt.Add(time.Minute)))                        // cancelled

	records := streamOf(t, s, "Subscriptions")
	f := run(t, s, "OutcomeEvents", nil)
	require.Empty(t, tell(t, f, records, 3))
	told := heard(t, s)
	require.Len(t, told, 5, "one event for each change: %v", told)
	for i, word := range []string{"cancelled", "held", "past_due", "recovered", "unpaid"} {
		require.Contains(t, told[i], "subscription/gold-42/"+word+"/")
	}
	require.Empty(t, tell(t, f, records, 10))
	require.Equal(t, told, heard(t, s), "a repeat has the same ids")
}
