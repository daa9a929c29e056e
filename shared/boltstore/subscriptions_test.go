package boltstore_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"

	"dinarfunctions/shared/boltstore"
	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/charge/chargetest"
	"dinarfunctions/shared/subscription"
	"dinarfunctions/shared/subscription/subscriptiontest"
)

func TestSubscriptions(t *testing.T) {
	t.Parallel()
	subscriptiontest.Store(t, func(t *testing.T) (subscription.Store, charge.Store) {
		file := open(t, filepath.Join(t.TempDir(), "ledger.db"))
		return file.Subscriptions(), file.Charges()
	})
}

func TestUnsynced(t *testing.T) {
	t.Parallel()
	subscriptiontest.Store(t, func(t *testing.T) (subscription.Store, charge.Store) {
		file, err := boltstore.OpenUnsynced(filepath.Join(t.TempDir(), "ledger.db"))
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, file.Close()) })
		return file.Subscriptions(), file.Charges()
	})
}

func TestSubscriptionsSurviveARestart(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger.db")
	file, err := boltstore.Open(path)
	require.NoError(t, err)
	want, created, err := file.Subscriptions().Create(t.Context(), subscriptiontest.Full(t, "gold-42"))
	require.NoError(t, err)
	require.True(t, created)
	require.NoError(t, file.Close())

	got, err := open(t, path).Subscriptions().Get(t.Context(), "gold-42")
	require.NoError(t, err)
	require.Equal(t, want, got)
}

// A record that cannot be read is an error, never an id that is free, and the error
// does not repeat it: there is a token in it.
func TestAnUnreadableSubscription(t *testing.T) {
	t.Parallel()
	for name, record := range map[string]string{
		"no record":   `{"token":"MARKED`,
		"not of this": `{"token":1}`,
		"no amount":   `{"token":"MARKED","amount":"1"}`,
		"no calendar": `{"token":"MARKED","amount":"1.00","currency":"SAR","every_count":1}`,
		"no zone":     `{"token":"MARKED","amount":"1.00","currency":"SAR","every_count":1,"every_unit":"day","starts_on":"2026-12-31","charge_at":"09:00","time_zone":"MARKED"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "ledger.db")
			file, err := boltstore.Open(path)
			require.NoError(t, err)
			require.NoError(t, file.Close())
			put(t, path, "subscriptions", "gold-42", record)

			file = open(t, path)
			s := subscriptiontest.New(t, "gold-42")
			claim := subscriptiontest.Claim(t, s, "attempt-1", start)
			_, _, createErr := file.Subscriptions().Create(t.Context(), s)
			_, writeErr := file.Subscriptions().Write(t.Context(), s)
			_, _, claimErr := file.Subscriptions().Claim(t.Context(), s, claim)
			_, _, lookErr := file.Subscriptions().Look(t.Context(), s.ID, s.LookAt, start)
			_, getErr := file.Subscriptions().Get(t.Context(), s.ID)
			for _, err := range []error{createErr, writeErr, claimErr, lookErr, getErr} {
				require.ErrorContains(t, err, "gold-42 cannot be read")
				require.NotErrorIs(t, err, subscription.ErrNotFound)
				require.NotErrorIs(t, err, subscription.ErrChanged)
				require.NotContains(t, err.Error(), "MARKED")
			}
			_, err = file.Charges().Get(t.Context(), claim.Order.Number)
			require.ErrorIs(t, err, charge.ErrNotFound)
		})
	}
}

// A file from before there were indexes gets them when it is opened.
func TestAFileWithoutIndexes(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger.db")
	file, err := boltstore.Open(path)
	require.NoError(t, err)
	claim := charge.NewClaim(chargetest.Terms(t, "order-1"), "attempt-1", start, start)
	claim.For = charge.Cycle{Subscription: "order", Number: 1}
	_, _, err = file.Charges().Claim(t.Context(), claim)
	require.NoError(t, err)
	want, applied, err := file.Charges().Record(t.Context(), charge.Change{
		Number: "order-1", To: charge.Pending, Evidence: charge.ByStatus, At: start, PaymentID: "Payment-1", LookAt: start,
	})
	require.NoError(t, err)
	require.True(t, applied)
	require.NoError(t, file.Close())
	edit(t, path, func(tx *bbolt.Tx) error {
		for _, name := range []string{"looks", "open", "payments", "cycles", "subscriptions", "subscription_looks", "subscription_list"} {
			if err := tx.DeleteBucket([]byte(name)); err != nil {
				return err
			}
		}
		return nil
	})

	for range 2 { // and keeps them
		file, err = boltstore.Open(path)
		require.NoError(t, err)
		charges := file.Charges()
		for due, err := range charges.Due(t.Context(), start) {
			require.NoError(t, err)
			require.Equal(t, charge.Due{Number: "order-1", At: start}, due)
		}
		found, _, err := charges.Open(t.Context(), charge.OpenStates(), charge.Place{}, 10)
		require.NoError(t, err)
		require.Equal(t, []charge.Charge{want}, found)
		found, _, err = charges.OfSubscription(t.Context(), "order", charge.Cycle{}, 10)
		require.NoError(t, err)
		require.Equal(t, []charge.Charge{want}, found)
		for _, id := range []string{"Payment-1", "payment-1"} {
			owner, err := charges.PaymentOwner(t.Context(), id)
			require.NoError(t, err)
			require.Equal(t, "order-1", owner)
		}
		require.NoError(t, file.Close())
	}
}
