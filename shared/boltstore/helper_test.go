package boltstore_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"

	"dinarfunctions/shared/boltstore"
)

var start = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

func open(t *testing.T, path string) *boltstore.File {
	t.Helper()
	store, err := boltstore.Open(path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	return store
}

func spoil(t *testing.T, path, number string) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, nil)
	require.NoError(t, err)
	require.NoError(t, db.Update(func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte("charges")).Put([]byte(number), []byte(`{"state":`))
	}))
	require.NoError(t, db.Close())
}
