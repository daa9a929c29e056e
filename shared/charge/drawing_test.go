package charge_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/charge"
)

// The drawing in the docs shows exactly the table in code, and the new claims
// that Decide allows.
func TestTheDrawingIsTheTable(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "charge-states.md"))
	require.NoError(t, err)
	drawn := map[string]bool{}
	for _, arrow := range regexp.MustCompile(`(?m)^ {4}(\S+) --> (\w+)`).FindAllStringSubmatch(string(text), -1) {
		drawn[arrow[1]+" to "+arrow[2]] = true
	}
	want := map[string]bool{"[*] to sending": true}
	for _, from := range charge.States() {
		if from.Chargeable() {
			want[string(from)+" to sending"] = true
		}
		for _, to := range charge.States() {
			for _, by := range charge.AllEvidence() {
				if charge.Allowed(from, charge.ByOperator, to, by) {
					want[string(from)+" to "+string(to)] = true
				}
			}
		}
	}
	require.Equal(t, want, drawn)
}
