package boltstore_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/boltstore"
	"dinarfunctions/shared/calendar"
	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/charge/chargetest"
	"dinarfunctions/shared/payout"
	"dinarfunctions/shared/subscription"
)

func TestTheClockSurvivesARestart(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger.db")
	file, err := boltstore.Open(path)
	require.NoError(t, err)
	ahead, err := file.ClockAhead(t.Context())
	require.NoError(t, err)
	require.Zero(t, ahead)
	want := 400*24*time.Hour + 5*time.Nanosecond
	require.NoError(t, file.SetClockAhead(want))
	require.NoError(t, file.Close())

	ahead, err = open(t, path).ClockAhead(t.Context())
	require.NoError(t, err)
	require.Equal(t, want, ahead)
}

// Each kind of thing tells its earliest look behind a time, and no other.
func TestNextLook(t *testing.T) {
	t.Parallel()
	file := open(t, filepath.Join(t.TempDir(), "ledger.db"))
	for name, kind := range map[string]struct {
		next func(context.Context, time.Time) (time.Time, bool, error)
		add  func(t *testing.T, id string, at time.Time)
	}{
		"charges": {file.Charges().NextLook, func(t *testing.T, id string, at time.Time) {
			claim := charge.NewClaim(chargetest.Terms(t, id), "attempt-1", start, at.Add(-charge.Grace))
			_, won, err := file.Charges().Claim(t.Context(), claim)
			require.NoError(t, err)
			require.True(t, won)
		}},
		"subscriptions": {file.Subscriptions().NextLook, func(t *testing.T, id string, at time.Time) {
			startsOn, err := calendar.ParseDate("2026-12-31")
			require.NoError(t, err)
			chargeAt, err := calendar.ParseClock("09:00")
			require.NoError(t, err)
			s := subscription.Subscription{ID: id, State: subscription.Active, LookAt: at, CreatedAt: start, Terms: subscription.Terms{
				Amount: chargetest.Terms(t, id).Order.Amount, Calendar: calendar.Calendar{
					Every: calendar.Every{Count: 1, Unit: calendar.Month}, StartsOn: startsOn, ChargeAt: chargeAt, TimeZone: "UTC",
				},
			}}
			_, created, err := file.Subscriptions().Create(t.Context(), s)
			require.NoError(t, err)
			require.True(t, created)
		}},
		"payouts": {file.Payouts().NextLook, func(t *testing.T, id string, at time.Time) {
			_, created, err := file.Payouts().Create(t.Context(), payout.Payout{ID: id, State: payout.Processing, NextCheckAt: at, CreatedAt: start})
			require.NoError(t, err)
			require.True(t, created)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, any, err := kind.next(t.Context(), time.Time{})
			require.NoError(t, err)
			require.False(t, any)
			first, second := start.Add(time.Hour), start.Add(2*time.Hour)
			kind.add(t, "b", second)
			kind.add(t, "a", first)
			kind.add(t, "c", first)
			for _, tt := range []struct {
				after, want time.Time
				any         bool
			}{
				{time.Time{}, first, true},
				{first.Add(-1), first, true},
				{first, second, true},
				{second.Add(-1), second, true},
				{second, time.Time{}, false},
			} {
				at, any, err := kind.next(t.Context(), tt.after)
				require.NoError(t, err)
				require.Equal(t, tt.any, any, tt.after)
				require.Equal(t, tt.want, at, tt.after)
			}
		})
	}
}
