package outcome

import (
	"strings"

	"dinarfunctions/shared/api"
	"dinarfunctions/shared/subscription"
	"dinarfunctions/shared/view"
)

// subscriptionTypes are the events of subscriptions, by the words of
// subscription.Subscription.Change.
var subscriptionTypes = map[string]string{
	subscription.BecamePastDue:   "Subscription Past Due",
	subscription.BecameUnpaid:    "Subscription Unpaid",
	subscription.BecameRecovered: "Subscription Recovered",
	subscription.BecameHeld:      "Subscription Held",
	subscription.BecameCancelled: "Subscription Cancelled",
	subscription.BecameFinished:  "Subscription Finished",
	subscription.WasPaidTwice:    "Subscription Paid Twice",
}

// OfSubscription is what a write said that it changed in a subscription, as OfCharge.
// There is no evidence in it: that is a charge's, which has an event of its own.
func OfSubscription(words string, before *subscription.Subscription, after subscription.Subscription) (Change, error) {
	t := telling{types: subscriptionTypes, thing: "subscription/" + after.ID, at: after.UpdatedAt, line: after.Revision}
	shown := view.OfSubscription(after)
	for word := range strings.FieldsSeq(words) {
		e := envelope{Subscription: shown}
		if before != nil {
			e.PreviousState = api.OrNull(before.State)
		}
		t.tell(word, "", e)
	}
	return t.change()
}
