package boltstore_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/boltstore"
	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/charge/chargetest"
)

func TestStore(t *testing.T) {
	t.Parallel()
	chargetest.Store(t, func(t *testing.T) charge.Store { return open(t, filepath.Join(t.TempDir(), "ledger.db")).Charges() })
}

func TestStoreSurvivesARestart(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger.db")
	store, err := boltstore.Open(path)
	require.NoError(t, err)
	claim := charge.NewClaim(chargetest.Terms(t, "order-1"), "attempt-1", start, start)
	_, won, err := store.Charges().Claim(t.Context(), claim)
	require.NoError(t, err)
	require.True(t, won)
	require.NoError(t, store.Close())

	found, err := open(t, path).Charges().Get(t.Context(), "order-1")
	require.NoError(t, err)
	require.Equal(t, claim, found)
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger.db")
	open(t, path)
	_, err := boltstore.Open(path)
	require.ErrorContains(t, err, "in use by another process")

	path = filepath.Join(t.TempDir(), "noise.db")
	require.NoError(t, os.WriteFile(path, make([]byte, 1<<16), 0o600))
	_, err = boltstore.Open(path)
	require.ErrorContains(t, err, "not a readable store")

	_, err = boltstore.Open(filepath.Join(t.TempDir(), "no", "such", "folder", "ledger.db"))
	require.ErrorContains(t, err, "no such file")
}

// A record that cannot be read is an error, never a number that is free to charge.
func TestAnUnreadableRecordIsNotFree(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger.db")
	store, err := boltstore.Open(path)
	require.NoError(t, err)
	require.NoError(t, store.Close())
	spoil(t, path, "order-1")

	store = open(t, path)
	_, won, err := store.Charges().Claim(t.Context(), charge.NewClaim(chargetest.Terms(t, "order-1"), "attempt-1", start, start))
	require.ErrorContains(t, err, "order-1")
	require.False(t, won)
	_, err = store.Charges().Get(t.Context(), "order-1")
	require.ErrorContains(t, err, "cannot be read")
}
