package charge_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/charge"
)

// allowed is the contract's paragraph "Transitions", written down a second time:
// by whom a charge may be moved from where to where. Everything else is forbidden.
var allowed = map[string]string{
	"sending settled":  "answer status",
	"sending declined": "answer status",
	"sending pending":  "answer status",
	"sending reversed": "answer status",
	"sending unknown":  "answer schedule",
	"sending rejected": "answer",
	"sending unsent":   "answer",

	"unknown settled":  "answer status operator",
	"unknown declined": "answer status operator",
	"unknown pending":  "answer status",
	"unknown reversed": "answer status",
	"unknown rejected": "answer",
	"unknown unsent":   "answer",

	"pending settled":  "answer status operator",
	"pending declined": "answer status operator",
	"pending reversed": "answer status",

	"declined settled":  "answer status",
	"declined reversed": "answer status",
	"settled reversed":  "answer status",
}

func TestEveryTransition(t *testing.T) {
	t.Parallel()
	require.Len(t, charge.States(), 8)
	require.Len(t, charge.AllEvidence(), 4)
	seen := 0
	for _, from := range charge.States() {
		for _, to := range charge.States() {
			by := allowed[fmt.Sprintf("%s %s", from, to)]
			for _, evidence := range charge.AllEvidence() {
				want := containsWord(by, string(evidence))
				for _, said := range append(charge.AllEvidence(), "") {
					// The provider's later word overrides a person's.
					overrides := from == charge.Settled && said == charge.ByOperator && to == charge.Declined &&
						(evidence == charge.ByAnswer || evidence == charge.ByStatus)
					require.Equal(t, want || overrides, charge.Allowed(from, said, to, evidence), "%s by %s to %s by %s", from, said, to, evidence)
				}
				if want {
					seen++
				}
			}
		}
	}
	words := 0
	for _, by := range allowed {
		words += len(split(by))
	}
	require.Equal(t, words, seen, "a row of the test's table was never reached: a state or an evidence is misspelled")
}

// The reason why nobody is charged twice, as far as states go: from a state that
// may be sent, nothing but a new claim leads on; and into one, only the
// attempt's own answer leads, and never from a charge that the provider knows.
func TestNoWayBackToAChargeThatMayHaveLeft(t *testing.T) {
	t.Parallel()
	for _, from := range charge.States() {
		for _, to := range charge.States() {
			for _, evidence := range charge.AllEvidence() {
				said := charge.ByOperator // the word that may be undone most
				if !charge.Allowed(from, said, to, evidence) {
					continue
				}
				name := fmt.Sprintf("%s to %s by %s", from, to, evidence)
				require.False(t, from.Chargeable(), name)
				require.NotEqual(t, charge.Sending, to, name)
				require.NotEqual(t, from, to, name)
				if to.Chargeable() {
					require.Equal(t, charge.ByAnswer, evidence, name)
					require.Contains(t, []charge.State{charge.Sending, charge.Unknown}, from, name)
				}
			}
		}
	}
	require.True(t, charge.State("").Chargeable())
	for _, s := range charge.States() {
		require.Equal(t, s == charge.Rejected || s == charge.Unsent, s.Chargeable(), s)
	}
}
