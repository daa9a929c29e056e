package boltstore_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"

	"dinarfunctions/shared/boltstore"
	"dinarfunctions/shared/payout"
	"dinarfunctions/shared/payout/payouttest"
)

func TestPayouts(t *testing.T) {
	t.Parallel()
	payouttest.Store(t, func(t *testing.T) payout.Store { return open(t, filepath.Join(t.TempDir(), "ledger.db")).Payouts() })
}

func TestPayoutsSurviveARestart(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger.db")
	file, err := boltstore.Open(path)
	require.NoError(t, err)
	p := payout.New("payout-1", "november", start)
	_, created, err := file.Payouts().Create(t.Context(), p)
	require.NoError(t, err)
	require.True(t, created)
	require.NoError(t, file.Close())

	store := open(t, path).Payouts()
	found, err := store.Get(t.Context(), "payout-1")
	require.NoError(t, err)
	require.Equal(t, p, found)
	for due, err := range store.Due(t.Context(), p.NextCheckAt) {
		require.NoError(t, err)
		require.Equal(t, payout.Due{ID: "payout-1", At: p.NextCheckAt}, due)
	}
}

func TestAnUnreadablePayoutIsAnError(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger.db")
	file, err := boltstore.Open(path)
	require.NoError(t, err)
	require.NoError(t, file.Close())
	db, err := bbolt.Open(path, 0o600, nil)
	require.NoError(t, err)
	require.NoError(t, db.Update(func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte("payouts")).Put([]byte("payout-1"), []byte(`{"state":`))
	}))
	require.NoError(t, db.Close())

	store := open(t, path).Payouts()
	_, created, err := store.Create(t.Context(), payout.New("payout-1", "", start))
	require.ErrorContains(t, err, "payout-1 cannot be read")
	require.False(t, created)
	require.NoError(t, store.Delete(t.Context(), "payout-1"))
	_, created, err = store.Create(t.Context(), payout.New("payout-1", "", start))
	require.NoError(t, err)
	require.True(t, created)
}
