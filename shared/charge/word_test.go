package charge_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/charge"
)

// A charge that is under way, or was never sent, is nobody else's business.
func TestWord(t *testing.T) {
	t.Parallel()
	for _, to := range charge.States() {
		want := string(to)
		if to == charge.Sending || to == charge.Unsent {
			want = ""
		}
		require.Equal(t, want, charge.Change{To: to}.Word())
	}
	require.Empty(t, charge.Change{}.Word())
}
