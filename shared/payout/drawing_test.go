package payout_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/payout"
)

// The drawing in the docs shows exactly the transitions that answers of the provider
// lead to, and its words are those of the code.
func TestTheDrawingIsTheCode(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "payout-states.md"))
	require.NoError(t, err)
	drawn := map[string]bool{}
	for _, arrow := range regexp.MustCompile(`(?m)^ {4}(\S+) --> (\w+)`).FindAllStringSubmatch(string(text), -1) {
		drawn[arrow[1]+" to "+arrow[2]] = true
	}
	want := map[string]bool{"[*] to " + string(payout.New("id", "", start).State): true}
	answers := []string{}
	for _, a := range "-0123" {
		for _, b := range "-0123" {
			answers = append(answers, string(a)+string(b))
		}
	}
	for _, first := range answers {
		for _, second := range answers {
			before := payout.New("id", "", start).Looked(says(first), start.Add(time.Minute), overdueAfter)
			after := before.Looked(says(second), start.Add(time.Hour), overdueAfter)
			if before.State != after.State {
				want[string(before.State)+" to "+string(after.State)] = true
			}
		}
	}
	require.Equal(t, want, drawn)
	for _, word := range payout.Changes() {
		require.Contains(t, string(text), "| `"+word+"` |")
	}
	for _, state := range payout.PaymentStates() {
		require.Contains(t, string(text), "`"+string(state)+"`")
	}
}
