package calendar

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// A search goes to the interval that an instant is in and takes a step or two from
// there. From a bad guess it would find the same, after thousands of steps: a daily
// subscription that began years ago would cost seconds at each look.
func TestASearchTakesAFewSteps(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		unit := rapid.SampledFrom([]Unit{Day, Week, Month, Year}).Draw(t, "unit")
		c := Calendar{
			Every:    Every{Count: rapid.IntRange(1, min(14, units[unit].most)).Draw(t, "count"), Unit: unit},
			StartsOn: Date{year: rapid.IntRange(1990, 2040).Draw(t, "year"), month: 1, day: rapid.IntRange(1, 31).Draw(t, "day")},
			ChargeAt: Clock{plusOne: rapid.IntRange(1, 24*60).Draw(t, "minutes")},
			TimeZone: rapid.SampledFrom([]string{"UTC", "Asia/Baghdad", "America/New_York", "Pacific/Apia", "Pacific/Kiritimati"}).Draw(t, "zone"),
		}
		at := time.Unix(rapid.Int64Range(600_000_000, 4_000_000_000).Draw(t, "seconds"), 0)
		steps := 0
		c.mustOpen().first(at, func(found time.Time) bool {
			steps++
			return !found.Before(at)
		})
		require.LessOrEqual(t, steps, 4, "%+v at %s", c, at)
	})
}
