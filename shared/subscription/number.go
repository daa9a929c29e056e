package subscription

import (
	"fmt"

	"dinarfunctions/shared/charge"
)

// Number is the order number of a try of a cycle: gold-42-0007, and its second try
// after a decline gold-42-0007-r2. See contract, "Subscriptions".
func Number(of charge.Cycle) string {
	number := fmt.Sprintf("%s-%04d", of.Subscription, of.Number)
	if of.Attempt > 0 {
		number += fmt.Sprintf("-r%d", of.Attempt)
	}
	return number
}

// tries lists the charges of a cycle that were made before one of its tries, the
// first one first.
func tries(of charge.Cycle) []charge.Cycle {
	var before []charge.Cycle
	for attempt := range of.Attempt {
		before = append(before, charge.Cycle{Subscription: of.Subscription, Number: of.Number, Attempt: attempt})
	}
	return before
}
