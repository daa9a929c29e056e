package lambdaruntime_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dinarfunctions/test/lambdaruntime"
)

// A function without settings does not start, and one line of its log names them all.
func TestWithoutSettingsAFunctionDoesNotStart(t *testing.T) {
	t.Parallel()
	for name, settings := range map[string][]string{
		"payout-status":    {"DINARDRAGON_URL", "DINARDRAGON_SECRET_ID", "SECRET_TTL", "PAYOUT_OVERDUE_AFTER", "PAYOUTS_TABLE"},
		"recurring-charge": {"DINEROPAY_URL", "DINEROPAY_RECURRING_PATH", "DINEROPAY_SECRET_ID", "SECRET_TTL", "CHARGES_TABLE"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			function := lambdaruntime.Start(t, lambdaruntime.Build(t, name), nil)
			<-function.Exited()
			require.Equal(t, 1, function.ExitCode())
			for _, setting := range settings {
				require.Regexp(t, `"message":"the function cannot start".*`+setting+` is not set.*\n$`, function.Log())
			}
		})
	}
}

func TestAnEventOfNoKnownShapeIsAnError(t *testing.T) {
	t.Parallel()
	function := lambdaruntime.Start(t, lambdaruntime.Build(t, "recurring-charge"), map[string]string{
		"DINEROPAY_URL": "http://127.0.0.1:1", "DINEROPAY_RECURRING_PATH": "/api/v1/payment/recurring",
		"DINEROPAY_SECRET_ID": "secret", "SECRET_TTL": "5m", "CHARGES_TABLE": "charges",
		"SUBSCRIPTIONS_TABLE": "subscriptions", "DUE_QUEUE_URL": "http://127.0.0.1:1/due",
	})
	result, err := function.Invoke(t.Context(), []byte(`{"surprise": "MARKED"}`), time.Minute)
	require.NoError(t, err)
	require.True(t, result.Failed)
	require.Contains(t, string(result.Payload), `surprise`)
	require.NotContains(t, string(result.Payload), `MARKED`)

	// It goes on with the next one: the ledger is out of reach, and nothing is sent.
	event, err := os.ReadFile(filepath.Join("..", "..", "events", "recurring-charge-http-get.json"))
	require.NoError(t, err)
	result, err = function.Invoke(t.Context(), event, 100*time.Millisecond)
	require.NoError(t, err)
	require.False(t, result.Failed)
	require.Contains(t, string(result.Payload), `"statusCode":503`)
}
