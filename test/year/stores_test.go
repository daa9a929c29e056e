package year_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/boltstore"
)

// quick is how many subscriptions a run has if nobody says otherwise.
const quick = 100

func TestAYearInAFile(t *testing.T) {
	t.Parallel()
	file, err := boltstore.OpenUnsynced(filepath.Join(t.TempDir(), "ledger.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, file.Close()) })
	requireTold(t, run(t, pace{365, time.Hour}, many(quick), file.Subscriptions(), file.Charges()), file)
}

// many is how many subscriptions were asked for, or else so many.
func many(otherwise int) int {
	if *subscriptions > 0 {
		return *subscriptions
	}
	return otherwise
}
