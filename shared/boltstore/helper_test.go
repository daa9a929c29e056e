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
	put(t, path, "charges", number, `{"state":`)
}

// put writes a record past the store.
func put(t *testing.T, path, bucket, key, value string) {
	t.Helper()
	edit(t, path, func(tx *bbolt.Tx) error { return tx.Bucket([]byte(bucket)).Put([]byte(key), []byte(value)) })
}

// edit changes a file past the store.
func edit(t *testing.T, path string, change func(*bbolt.Tx) error) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, nil)
	require.NoError(t, err)
	require.NoError(t, db.Update(change))
	require.NoError(t, db.Close())
}
