package dynamostore

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/money"
	"dinarfunctions/shared/unreadable"
)

// The attributes of a charge. All are texts but history, a list of maps of
// texts. The names are part of every stored charge: they are added to, and
// never changed. Those marked "may be absent" are removed when they are empty.
const (
	attrKey            = "pk"
	attrAmount         = "amount" // major units, with the currency's decimals
	attrCurrency       = "currency"
	attrDescription    = "description"
	attrInitTransID    = "init_trans_id"
	attrScheduleID     = "schedule_id" // may be absent
	attrTokenEnd       = "token_end"   // may be absent
	attrFingerprint    = "fingerprint"
	attrAttempt        = "attempt"
	attrDeadline       = "deadline" // a time
	attrState          = "state"
	attrSaid           = "said"            // may be absent
	attrLookAt         = "look_at"         // a time; may be absent
	attrLookBy         = "look_by"         // random id of the call of Look that moved it last; may be absent
	attrDisputed       = "disputed"        // may be absent
	attrDisputedBy     = "disputed_by"     // random id of the call of Dispute that wrote it; may be absent
	attrPaymentID      = "payment_id"      // may be absent
	attrCascading      = "cascading"       // "true"; may be absent
	attrDiffers        = "differs"         // may be absent
	attrHintedAt       = "hinted_at"       // a time; may be absent
	attrReason         = "reason"          // may be absent
	attrDeclineClass   = "decline_class"   // may be absent
	attrProviderStatus = "provider_status" // may be absent
	attrProviderDate   = "provider_date"   // may be absent
	attrCreatedAt      = "created_at"      // a time
	attrUpdatedAt      = "updated_at"      // a time
	attrHistory        = "history"

	// The cycle of a subscription that it is for: see cycles.go.

	// A charge's places in the indexes: see index.go.
	attrLookShard = "look_shard" // there exactly while look_at is
	attrOpenShard = "open_shard" // there exactly while the state is open
	attrOpenAt    = "open_at"    // a place; never changed or removed

	// In an entry of the history, beside state, reason and payment_id (may be absent).
	attrAt       = "at"       // a time
	attrEvidence = "evidence" // absent from a claim
)

// timeFormat is RFC 3339 in UTC with all nine digits of a nanosecond: exact, and
// in the order of time when sorted as text.
const timeFormat = "2006-01-02T15:04:05.000000000Z"

func timeText(t time.Time) string { return t.UTC().Format(timeFormat) }

const chargePrefix = "charge#"

// chargeKey is the key of the charge under an order number.
func chargeKey(number string) string { return chargePrefix + number }

func key(pk string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{attrKey: &types.AttributeValueMemberS{Value: pk}}
}

func historyList(entries []charge.Entry) *types.AttributeValueMemberL {
	list := &types.AttributeValueMemberL{}
	for _, e := range entries {
		fields := map[string]types.AttributeValue{}
		for name, text := range map[string]string{
			attrState:     string(e.State),
			attrAt:        timeText(e.At),
			attrEvidence:  string(e.Evidence),
			attrReason:    e.Reason,
			attrPaymentID: e.PaymentID,
		} {
			if text != "" {
				fields[name] = &types.AttributeValueMemberS{Value: text}
			}
		}
		list.Value = append(list.Value, &types.AttributeValueMemberM{Value: fields})
	}
	return list
}

// readCharge reads the item of an order number. No item is ErrNotFound. An item
// with anything missing or garbled is an *unreadable.Error that names it, without its
// contents: read as less than it says, it might be charged again. Attributes
// that a later version may have added are left alone.
func readCharge(number string, item map[string]types.AttributeValue) (charge.Charge, error) {
	if len(item) == 0 {
		return charge.Charge{}, charge.ErrNotFound
	}
	r := reader{item: item}
	if pk := r.text(attrKey); pk != "" && pk != chargeKey(number) {
		r.fault(attrKey, "is not this order number's")
	}
	c := charge.Charge{
		Order:          charge.Order{Number: number, Amount: r.amount(), Description: r.text(attrDescription)},
		InitTransID:    r.text(attrInitTransID),
		ScheduleID:     r.optional(attrScheduleID),
		TokenEnd:       r.optional(attrTokenEnd),
		Fingerprint:    r.text(attrFingerprint),
		For:            r.cycle(),
		Attempt:        r.text(attrAttempt),
		Deadline:       r.time(attrDeadline),
		State:          r.state(attrState),
		Said:           charge.Evidence(r.optional(attrSaid)),
		LookAt:         r.optionalTime(attrLookAt),
		Disputed:       r.optional(attrDisputed),
		PaymentID:      r.optional(attrPaymentID),
		Cascading:      r.flag(attrCascading),
		Differs:        r.optional(attrDiffers),
		HintedAt:       r.optionalTime(attrHintedAt),
		Reason:         r.optional(attrReason),
		DeclineClass:   charge.DeclineClass(r.optional(attrDeclineClass)),
		ProviderStatus: r.optional(attrProviderStatus),
		ProviderDate:   r.optional(attrProviderDate),
		CreatedAt:      r.time(attrCreatedAt),
		UpdatedAt:      r.time(attrUpdatedAt),
		History:        r.history(attrHistory),
	}
	if len(r.faults) > 0 {
		return charge.Charge{}, r.unreadable(unreadable.Charge, number)
	}
	return c, nil
}

// reader reads attributes and collects what is wrong with them.
type reader struct {
	item   map[string]types.AttributeValue
	faults []string
}

func (r *reader) fault(name, what string) { r.faults = append(r.faults, name+" "+what) }

// unreadable is the error of the thing under a key, with all that is wrong with it.
func (r *reader) unreadable(kind unreadable.Kind, key string) *unreadable.Error {
	return &unreadable.Error{Kind: kind, Key: key, What: strings.Join(r.faults, "; ")}
}

// optional reads a text that may be absent.
func (r *reader) optional(name string) string {
	if _, there := r.item[name]; !there {
		return ""
	}
	return r.text(name)
}

func (r *reader) text(name string) string {
	s, isText := r.item[name].(*types.AttributeValueMemberS)
	if !isText || s.Value == "" {
		r.fault(name, "is missing or no text")
		return ""
	}
	return s.Value
}

func (r *reader) amount() money.Amount {
	text, currency := r.text(attrAmount), r.text(attrCurrency)
	amount, err := money.Stored(text, currency)
	if text != "" && err != nil {
		r.fault(attrAmount, "is not an amount")
	}
	return amount
}

// optionalTime reads a time that may be absent, which is the zero time.
func (r *reader) optionalTime(name string) time.Time {
	if _, there := r.item[name]; !there {
		return time.Time{}
	}
	return r.time(name)
}

func (r *reader) time(name string) time.Time {
	text := r.text(name)
	t, err := time.Parse(timeFormat, text)
	if text != "" && (err != nil || timeText(t) != text) {
		r.fault(name, "is not a time")
	}
	return t
}

func (r *reader) state(name string) charge.State {
	s := charge.State(r.text(name))
	if s != "" && !slices.Contains(charge.States(), s) {
		r.fault(name, "is no state that this version knows")
	}
	return s
}

func (r *reader) history(name string) []charge.Entry {
	list, err := entries(r.item[name])
	if err != nil {
		r.fault(name, err.Error())
	}
	return list
}

func entries(value types.AttributeValue) ([]charge.Entry, error) {
	list, isList := value.(*types.AttributeValueMemberL)
	if !isList || len(list.Value) == 0 {
		return nil, errors.New("is missing or no list")
	}
	history := make([]charge.Entry, 0, len(list.Value))
	for i, v := range list.Value {
		fields, isMap := v.(*types.AttributeValueMemberM)
		if !isMap {
			return nil, fmt.Errorf("has no map as entry %d", i)
		}
		r := reader{item: fields.Value}
		history = append(history, charge.Entry{
			State:     r.state(attrState),
			At:        r.time(attrAt),
			Evidence:  charge.Evidence(r.optional(attrEvidence)),
			Reason:    r.optional(attrReason),
			PaymentID: r.optional(attrPaymentID),
		})
		if len(r.faults) > 0 {
			return nil, fmt.Errorf("has entry %d, whose %s", i, strings.Join(r.faults, " and "))
		}
	}
	return history, nil
}
