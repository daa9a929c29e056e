package dynamostore

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"dinarfunctions/shared/payout"
	"dinarfunctions/shared/unreadable"
)

// The attributes of a watched payout, beside those of the same names that a charge
// has (item.go): state, created_at, updated_at. All are texts, those marked "number"
// excepted. The names are part of every stored payout: they are added to, and never
// changed. Those marked "may be absent" are removed when they are empty.
const (
	attrReference   = "reference"     // may be absent
	attrOverdue     = "overdue"       // "true"; may be absent
	attrPayments    = "payments"      // a list of maps, see below
	attrCheckedAt   = "checked_at"    // a time; may be absent
	attrNextCheckAt = "next_check_at" // a time; may be absent
	attrChecks      = "checks"        // number
	attrLastError   = "last_error"    // may be absent
	attrWatchedAt   = "watched_at"    // a time
	attrFinalAt     = "final_at"      // a time; may be absent
	// Its due_at is next_check_at once more.

	// In a payment: the names are short, because a payout may have 2,000 of them and
	// an item at most 400 KB.
	attrUniqueID      = "i"
	attrStatus        = "n" // number
	attrPaymentState  = "s"
	attrPaymentChange = "c" // a time
)

const payoutPrefix = "payout#"

// payoutKey is the key of the watched payout with a payment_id.
func payoutKey(id string) string { return payoutPrefix + id }

// due says when a payout is to be looked at next (zero for never), and puts it at
// that place in the index or takes it out.
func (u *update) due(id string, at time.Time) {
	u.setTime(attrNextCheckAt, at)
	u.dueAt(id, at)
}

// setPayout sets all of a payout, and its place in the index of looks.
func (u *update) setPayout(p payout.Payout) {
	u.set(attrReference, p.Reference)
	u.set(attrState, string(p.State))
	u.setFlag(attrOverdue, p.Overdue)
	u.replace(attrPayments, paymentList(p.Payments))
	u.setTime(attrCheckedAt, p.CheckedAt)
	u.setNumber(attrChecks, int64(p.Checks))
	u.set(attrLastError, p.LastError)
	u.set(attrCreatedAt, timeText(p.CreatedAt))
	u.set(attrWatchedAt, timeText(p.WatchedAt))
	u.setTime(attrFinalAt, p.FinalAt)
	u.setNumber(attrRevision, p.Revision)
	u.set(attrUpdatedAt, timeText(p.UpdatedAt))
	u.tell(p.Change)
	u.due(p.ID, p.NextCheckAt)
	u.sign(attrWrittenBy)
}

func paymentList(payments []payout.Payment) *types.AttributeValueMemberL {
	list := &types.AttributeValueMemberL{Value: make([]types.AttributeValue, len(payments))}
	for i, p := range payments {
		list.Value[i] = &types.AttributeValueMemberM{Value: map[string]types.AttributeValue{
			attrUniqueID:      &types.AttributeValueMemberS{Value: p.UniqueID},
			attrStatus:        &types.AttributeValueMemberN{Value: strconv.Itoa(p.Status)},
			attrPaymentState:  &types.AttributeValueMemberS{Value: string(p.State)},
			attrPaymentChange: &types.AttributeValueMemberS{Value: timeText(p.ChangedAt)},
		}}
	}
	return list
}

// readPayout reads the item of a payment_id. No item is ErrNotFound. An item with
// anything missing or garbled is an *unreadable.Error that names it, without its contents.
// Attributes that a later version may have added are left alone.
func readPayout(id string, item map[string]types.AttributeValue) (payout.Payout, error) {
	if len(item) == 0 {
		return payout.Payout{}, payout.ErrNotFound
	}
	r := reader{item: item}
	if pk := r.text(attrKey); pk != "" && pk != payoutKey(id) {
		r.fault(attrKey, "is not this payment_id's")
	}
	p := payout.Payout{
		ID:          id,
		Reference:   r.optional(attrReference),
		State:       payout.State(r.text(attrState)),
		Overdue:     r.optional(attrOverdue) == "true",
		Payments:    r.payments(attrPayments),
		CheckedAt:   r.optionalTime(attrCheckedAt),
		NextCheckAt: r.optionalTime(attrNextCheckAt),
		Checks:      int(r.number(attrChecks)),
		LastError:   r.optional(attrLastError),
		CreatedAt:   r.time(attrCreatedAt),
		WatchedAt:   r.time(attrWatchedAt),
		FinalAt:     r.optionalTime(attrFinalAt),
		Revision:    r.number(attrRevision),
		UpdatedAt:   r.time(attrUpdatedAt),
		Change:      r.optional(attrChange),
	}
	if p.State != "" && !slices.Contains(payout.States(), p.State) {
		r.fault(attrState, "is none that this version knows")
	}
	if len(r.faults) > 0 {
		return payout.Payout{}, r.unreadable(unreadable.Payout, id)
	}
	return p, nil
}

func (r *reader) payments(name string) []payout.Payment {
	list, err := payments(r.item[name])
	if err != nil {
		r.fault(name, err.Error())
	}
	return list
}

func payments(value types.AttributeValue) ([]payout.Payment, error) {
	list, isList := value.(*types.AttributeValueMemberL)
	if !isList {
		return nil, errors.New("is missing or no list")
	}
	var read []payout.Payment
	for i, v := range list.Value {
		fields, isMap := v.(*types.AttributeValueMemberM)
		if !isMap {
			return nil, fmt.Errorf("has no map as payment %d", i)
		}
		r := reader{item: fields.Value}
		read = append(read, payout.Payment{
			UniqueID:  r.text(attrUniqueID),
			Status:    int(r.number(attrStatus)),
			State:     payout.PaymentState(r.text(attrPaymentState)),
			ChangedAt: r.time(attrPaymentChange),
		})
		if len(r.faults) > 0 {
			return nil, fmt.Errorf("has payment %d, whose %s", i, strings.Join(r.faults, " and "))
		}
	}
	return read, nil
}
