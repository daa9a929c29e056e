package outcome

import (
	"maps"
	"slices"
)

// DetailTypes lists every detail type that there is, in alphabetical order. Each has
// its schema in events/schemas.
func DetailTypes() []string {
	var all []string
	for _, types := range []map[string]string{chargeTypes, subscriptionTypes, payoutTypes} {
		all = slices.AppendSeq(all, maps.Values(types))
	}
	slices.Sort(all)
	return all
}
