package boltstore_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

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

// A look was once kept without the id as its value.
func TestALookOfAnOlderFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger.db")
	file, err := boltstore.Open(path)
	require.NoError(t, err)
	p, _, err := file.Payouts().Create(t.Context(), payout.New("payout-1", "november", start))
	require.NoError(t, err)
	require.NoError(t, file.Close())
	put(t, path, "payouts_due", p.NextCheckAt.Format("2006-01-02T15:04:05.000000000Z")+"#payout-1", "")

	store := open(t, path).Payouts()
	all := func() (found []payout.Due) {
		for due, err := range store.Due(t.Context(), p.NextCheckAt) {
			require.NoError(t, err)
			found = append(found, due)
		}
		return found
	}
	require.Equal(t, []payout.Due{{ID: "payout-1", At: p.NextCheckAt}}, all())
	_, moved, err := store.Look(t.Context(), "payout-1", p.NextCheckAt, p.NextCheckAt.Add(time.Hour))
	require.NoError(t, err)
	require.True(t, moved)
	require.Empty(t, all())
}

func TestAnUnreadablePayoutIsAnError(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger.db")
	file, err := boltstore.Open(path)
	require.NoError(t, err)
	require.NoError(t, file.Close())
	put(t, path, "payouts", "payout-1", `{"state":`)

	store := open(t, path).Payouts()
	_, created, err := store.Create(t.Context(), payout.New("payout-1", "", start))
	require.ErrorContains(t, err, "payout-1 cannot be read")
	require.False(t, created)
	require.NoError(t, store.Delete(t.Context(), "payout-1"))
	_, created, err = store.Create(t.Context(), payout.New("payout-1", "", start))
	require.NoError(t, err)
	require.True(t, created)
}
