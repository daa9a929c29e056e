package outcome_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/outcome"
	"dinarfunctions/shared/payout"
)

// A payout's life, as the code that writes it makes it, and what is told of each step.
func TestWhatIsToldOfAPayout(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	const overdueAfter = 30 * time.Minute
	told := func(states ...payout.PaymentState) []payout.Told {
		var all []payout.Told
		for i, s := range states {
			all = append(all, payout.Told{UniqueID: string(rune('a' + i)), Status: 7, State: s})
		}
		return all
	}
	const (
		processing = payout.PaymentProcessing
		successful = payout.PaymentSuccessful
		failed     = payout.PaymentFailed
	)
	steps := []struct {
		after    time.Duration
		told     []payout.Told
		expected []string // detail type, and the state before
	}{
		{time.Minute, told(processing, processing, processing), nil},
		{2 * time.Minute, told(successful, processing, processing), []string{"Payout Payment Successful processing"}},
		{31 * time.Minute, told(successful, processing, processing), []string{"Payout Overdue processing"}},
		{32 * time.Minute, told(successful, failed, processing, successful), []string{"Payout Payment Failed processing", "Payout Payment Successful -"}},
		{33 * time.Minute, told(successful, failed, failed), []string{"Payout Payment Failed processing", "Payout Completed processing"}},
		{24 * time.Hour, told(failed, failed, failed), []string{"Payout Payment Failed successful", "Payout Changed After Final partly_failed"}},
		{25 * time.Hour, told(failed, failed, payout.PaymentUnrecognised), []string{"Payout Changed After Final partly_failed"}},
	}
	before := payout.New("df9a31ea528a3977", "salaries", start)
	seen := make(map[string]bool)
	for _, step := range steps {
		after := before.Looked(step.told, start.Add(step.after), overdueAfter)
		var got []string
		change, err := outcome.OfPayout(after.Change, &before, after)
		for _, e := range toldOf(t, change, err) {
			require.False(t, seen[e.ID], "%s is told twice", e.ID)
			seen[e.ID] = true
			d := read(t, e)
			previous := "-"
			if d.PreviousState != nil {
				previous = *d.PreviousState
			}
			got = append(got, e.DetailType+" "+previous)
			require.Equal(t, "df9a31ea528a3977", d.Payout["payment_id"])
			require.Equal(t, after.UpdatedAt, e.OccurredAt)
			if d.Payment == nil {
				require.Len(t, d.Payout["payments"], len(after.Payments))
				continue
			}
			require.NotContains(t, d.Payout, "payments", "one payment, and not the list")
			require.Contains(t, e.DetailType, map[any]string{"successful": "Successful", "failed": "Failed"}[d.Payment["state"]])
		}
		require.Equal(t, step.expected, got, "after %s", step.after)
		before = after
	}
}

func TestOverdueIsByTheClock(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	before := payout.New("df9a31ea528a3977", "", start)
	after := before.NotLooked("HTTP 503", start.Add(time.Hour), 30*time.Minute)
	change, err := outcome.OfPayout(after.Change, nil, after)
	events := toldOf(t, change, err)
	require.Len(t, events, 1)
	got := read(t, events[0])
	require.Equal(t, pointer("schedule"), got.Evidence)
	require.Nil(t, got.PreviousState)

	_, err = outcome.OfPayout("settled", &before, after)
	require.ErrorContains(t, err, "payout/df9a31ea528a3977")
}
