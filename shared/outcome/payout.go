package outcome

import (
	"slices"
	"strings"

	"dinarfunctions/shared/api"
	"dinarfunctions/shared/payout"
	"dinarfunctions/shared/view"
)

// payoutTypes are the events of payouts, by the words of payout.Payout.Change; of
// payout.ChangePayments there is one for each payment, by the state that it came to.
var payoutTypes = map[string]string{
	string(payout.PaymentSuccessful): "Payout Payment Successful",
	string(payout.PaymentFailed):     "Payout Payment Failed",
	payout.ChangeCompleted:           "Payout Completed",
	payout.ChangeOverdue:             "Payout Overdue",
	payout.ChangeAfterFinal:          "Payout Changed After Final",
}

// OfPayout is what a write said that it changed in a payout, as OfCharge. A payment
// that became successful or failed is told with its payout, which is then shown
// without its list: of 500 payments each event would hold all.
func OfPayout(words string, before *payout.Payout, after payout.Payout) (Change, error) {
	t := telling{types: payoutTypes, thing: "payout/" + after.ID, at: after.UpdatedAt, line: after.Revision}
	shown := view.OfPayout(after)
	for word := range strings.FieldsSeq(words) {
		if word == payout.ChangePayments {
			t.payments(before, after)
			continue
		}
		e := envelope{Evidence: api.OrNull(evidenceOf(word)), Payout: shown}
		if before != nil {
			e.PreviousState = api.OrNull(before.State)
		}
		t.tell(word, "", e)
	}
	return t.change()
}

// evidenceOf is how a change of a payout was learnt: by what the provider says of its
// status, or because time has passed without.
func evidenceOf(word string) string {
	if word == payout.ChangeOverdue {
		return "schedule"
	}
	return "status"
}

// withoutList is a payout as its GET shows it, but for its payments.
type withoutList struct {
	view.Payout

	Payments *struct{} `json:"payments,omitzero"` // in the place of the list
}

// payments tells each payment that the write brought to its end. The state before is
// the payment's, null where the payment was not known.
func (t *telling) payments(before *payout.Payout, after payout.Payout) {
	for _, one := range after.ChangedPayments() {
		if !one.State.Final() {
			continue
		}
		e := envelope{Evidence: api.OrNull("status"), Payment: view.OfPayment(one), Payout: withoutList{Payout: view.OfPayout(after)}}
		if before != nil {
			i := slices.IndexFunc(before.Payments, func(p payout.Payment) bool { return p.UniqueID == one.UniqueID })
			if i >= 0 {
				e.PreviousState = api.OrNull(before.Payments[i].State)
			}
		}
		t.tell(string(one.State), "/payment/"+one.UniqueID, e)
	}
}
