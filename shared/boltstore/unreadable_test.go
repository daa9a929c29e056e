package boltstore_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/boltstore"
	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/charge/chargetest"
	"dinarfunctions/shared/payout"
	"dinarfunctions/shared/payout/payouttest"
	"dinarfunctions/shared/subscription"
	"dinarfunctions/shared/subscription/subscriptiontest"
	"dinarfunctions/shared/unreadable"
)

// spoiled is a new file, and what spoils the records of one of its buckets.
func spoiled(t *testing.T, bucket string) (*boltstore.File, func(t *testing.T, key, attribute string, value any)) {
	t.Helper()
	file := open(t, filepath.Join(t.TempDir(), "ledger.db"))
	return file, func(t *testing.T, key, attribute string, value any) {
		t.Helper()
		require.NoError(t, file.Spoil(bucket, key, attribute, value))
	}
}

func TestUnreadableCharges(t *testing.T) {
	t.Parallel()
	chargetest.Unreadable(t, func(t *testing.T) (charge.Store, chargetest.Spoil) {
		file, spoil := spoiled(t, "charges")
		return file.Charges(), spoil
	})
}

func TestUnreadableSubscriptions(t *testing.T) {
	t.Parallel()
	subscriptiontest.Unreadable(t, func(t *testing.T) (subscription.Store, subscriptiontest.Spoil) {
		file, spoil := spoiled(t, "subscriptions")
		return file.Subscriptions(), spoil
	})
}

func TestUnreadablePayouts(t *testing.T) {
	t.Parallel()
	payouttest.Unreadable(t, func(t *testing.T) (payout.Store, payouttest.Spoil) {
		file, spoil := spoiled(t, "payouts")
		return file.Payouts(), spoil
	})
}

// A switch that cannot be read may say that charging is stopped.
func TestAnUnreadableSwitch(t *testing.T) {
	t.Parallel()
	file, spoil := spoiled(t, "control")
	require.NoError(t, file.Charges().SetSwitch(t.Context(), charge.Switch{Mode: charge.Stopped, SetAt: start}))
	spoil(t, "switch", "mode", "MARKED-newer")
	_, err := file.Charges().Switch(t.Context())
	require.NotNil(t, unreadable.Of(err))
	require.Equal(t, unreadable.Switch, unreadable.Of(err).Kind)
	require.NotContains(t, err.Error(), "MARKED")
}
