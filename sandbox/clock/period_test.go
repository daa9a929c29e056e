package clock_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dinarfunctions/sandbox/clock"
)

func TestPeriods(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ from, period, to string }{
		{"2027-01-31T09:00:00Z", "P1M", "2027-02-28T09:00:00Z"},
		{"2027-01-31T09:00:00Z", "P13M", "2028-02-29T09:00:00Z"},
		{"2028-02-29T09:00:00Z", "P1Y", "2029-02-28T09:00:00Z"},
		{"2026-12-31T23:59:59Z", "P1D", "2027-01-01T23:59:59Z"},
		{"2026-12-31T23:59:59Z", "PT1S", "2027-01-01T00:00:00Z"},
		{"2026-11-28T00:00:00Z", "P1W", "2026-12-05T00:00:00Z"},
		{"2026-11-28T00:00:00Z", "P1Y2M3W4DT5H6M7S", "2028-02-22T05:06:07Z"},
		{"2026-11-28T00:00:00Z", "P0D", "2026-11-28T00:00:00Z"},
		{"2027-01-31T12:00:00+03:00", "P1M", "2027-02-28T09:00:00Z"},
	} {
		t.Run(tt.from+" "+tt.period, func(t *testing.T) {
			t.Parallel()
			period, err := clock.ParsePeriod(tt.period)
			require.NoError(t, err)
			from, err := time.Parse(time.RFC3339, tt.from)
			require.NoError(t, err)
			require.Equal(t, tt.to, period.After(from).Format(time.RFC3339))
		})
	}
}

func TestWhatIsNoPeriod(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "P", "PT", "P1MT", "1M", "p1m", "P1.5M", "P-1M", "-P1M", "P1D1M", "P1H", "PT1D", "P1M ", "P100001D",
		"P99999999999999999999Y", "month", "PP1M",
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			_, err := clock.ParsePeriod(text)
			require.ErrorContains(t, err, "such as P1M")
		})
	}
}
