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
	"reversed settled":  "status",

	// With news alone: another payment of the order, another word for the reversal.
	"declined declined": "status",
	"reversed reversed": "status",

	// Beyond the contract: the provider has a charge that its own answer denied.
	"rejected settled":  "status",
	"rejected pending":  "status",
	"rejected reversed": "status",
	"unsent settled":    "status",
	"unsent pending":    "status",
	"unsent reversed":   "status",
}

// undone is what the provider's later word may do to a charge that is in its state
// by an operator's word alone, besides the above.
var undone = map[string]string{
	"settled settled":   "answer status",
	"settled declined":  "answer status",
	"settled pending":   "answer status",
	"declined declined": "answer status",
	"declined pending":  "answer status",
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
					overrides := said == charge.ByOperator && containsWord(undone[fmt.Sprintf("%s %s", from, to)], string(evidence))
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

// The reason why nobody is charged twice, as far as states go: into a state that
// may be sent only the attempt's own answer leads, and never from a charge that
// the provider knows; and out of one, besides a new claim, only the provider's word
// that it has the charge. No state leads to itself, but where the provider's word
// takes the place of a person's, or brings news.
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
				if from.Chargeable() {
					require.Equal(t, charge.ByStatus, evidence, name)
					require.False(t, to.Chargeable(), name)
				}
				require.NotEqual(t, charge.Sending, to, name)
				news := evidence == charge.ByStatus && (from == charge.Declined || from == charge.Reversed)
				require.Equal(t, news, charge.Allowed(from, evidence, from, evidence), name)
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
