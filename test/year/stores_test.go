package year_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/boltstore"
)

// quick is how many subscriptions a run has if nobody says otherwise.
const quick = 150

func TestAYearInAFile(t *testing.T) {
	t.Parallel()
	file, err := boltstore.OpenUnsynced(filepath.Join(t.TempDir(), "ledger.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, file.Close()) })
	many := *subscriptions
	if many == 0 {
		many = quick
	}
	run(t, many, file.Subscriptions(), file.Charges())
}
