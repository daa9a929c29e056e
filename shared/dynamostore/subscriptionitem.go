package dynamostore

import (
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"dinarfunctions/shared/calendar"
	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/hidden"
	"dinarfunctions/shared/subscription"
	"dinarfunctions/shared/unreadable"
)

// The attributes of a subscription, beside those of the same names that a charge has
// (item.go): amount, currency, description, init_trans_id, state, reason, created_at,
// updated_at, look_by; and those of common.go, of which due_at is Subscription.LookAt.
// All are texts, but those marked otherwise. The names are part of every stored
// subscription: they are added to, and never changed. Those marked "may be absent" are
// removed when they are empty.
const (
	attrToken          = "token"       // whole, and nowhere else
	attrEveryCount     = "every_count" // number
	attrEveryUnit      = "every_unit"
	attrStartsOn       = "starts_on" // a date
	attrChargeAt       = "charge_at" // a time of day
	attrTimeZone       = "time_zone"
	attrCycles         = "cycles"           // number, 0 for no end
	attrEndsOn         = "ends_on"          // a date; may be absent
	attrRetryAfterDays = "retry_after_days" // a list of numbers; may be absent

	attrCycle        = "cycle"         // number
	attrCycleAttempt = "cycle_attempt" // number
	attrCycleAt      = "cycle_at"      // a time; may be absent
	attrCycleIndex   = "cycle_index"   // number
	attrPassed       = "passed"        // number; may be absent
	attrPassedAt     = "passed_at"     // a time; may be absent
	attrBeforeAt     = "before_at"     // a time; may be absent
	attrPlannedAt    = "planned_at"    // a time, Subscription.DueAt; may be absent
	attrDeclinedAt   = "declined_at"   // a time; may be absent
	attrAskFirst     = "ask_first"     // "true"; may be absent
	attrMissed       = "missed"        // a word; may be absent
	attrWaiting      = "waiting"       // "true"; may be absent
	attrWaitingSince = "waiting_since" // a time; may be absent
	attrLast         = "last"          // a map, see setLast; may be absent
	attrChargedBack  = "chargebacks"   // a list of texts; may be absent
	attrPaidTwice    = "paid_twice"    // a list of numbers; may be absent
	attrPaid         = "paid"          // a list of texts, see cycleText; may be absent
	attrBehind       = "behind"        // a map, see setBehind; may be absent
	attrDiffered     = "differed"      // a list of texts; may be absent
)

const subscriptionPrefix = "subscription#"

// subscriptionKey is the key of the subscription with an id.
func subscriptionKey(id string) string { return subscriptionPrefix + id }

// setSubscription sets all that a subscription says, and signs it.
func (u *update) setSubscription(s subscription.Subscription) {
	terms, days := s.Terms, s.Terms.Calendar
	u.set(attrInitTransID, terms.InitTransID)
	u.set(attrToken, terms.Token.Reveal())
	u.set(attrAmount, terms.Amount.String())
	u.set(attrCurrency, terms.Amount.Currency())
	u.set(attrDescription, terms.Description)
	u.setNumber(attrEveryCount, int64(days.Every.Count))
	u.set(attrEveryUnit, string(days.Every.Unit))
	u.set(attrStartsOn, days.StartsOn.String())
	u.set(attrChargeAt, days.ChargeAt.String())
	u.set(attrTimeZone, days.TimeZone)
	u.setNumber(attrCycles, int64(terms.Cycles))
	u.set(attrEndsOn, terms.EndsOn.String())
	u.setNumbers(attrRetryAfterDays, terms.RetryAfterDays)

	u.set(attrState, string(s.State))
	u.set(attrReason, s.Reason)
	u.setNumber(attrCycle, int64(s.Cycle))
	u.setNumber(attrCycleAttempt, int64(s.Attempt))
	u.setTime(attrCycleAt, s.CycleAt)
	u.setNumber(attrCycleIndex, int64(s.Index))
	u.setCount(attrPassed, s.Passed)
	u.setTime(attrPassedAt, s.PassedAt)
	u.setTime(attrBeforeAt, s.BeforeAt)
	u.setTime(attrPlannedAt, s.DueAt)
	u.setTime(attrDeclinedAt, s.DeclinedAt)
	u.setFlag(attrAskFirst, s.AskFirst)
	u.set(attrMissed, string(s.Missed))
	u.setFlag(attrWaiting, s.Waiting)
	u.setTime(attrWaitingSince, s.WaitingSince)
	u.setLast(s.Last)
	u.setTexts(attrChargedBack, s.ChargedBack)
	u.setNumbers(attrPaidTwice, s.PaidTwice)
	u.setPaid(s.Paid)
	u.setBehind(s.Behind)
	u.setTexts(attrDiffered, s.Differed)
	u.dueAt(s.ID, s.LookAt)
	u.set(attrChange, s.Change)
	u.set(attrCreatedAt, timeText(s.CreatedAt))
	u.set(attrUpdatedAt, timeText(s.UpdatedAt))
	u.setNumber(attrRevision, s.Revision)
	u.sign(attrWrittenBy)
}

// setLast sets the last charge: a map of the charge's own attributes, with the cycle
// as two numbers; none for no charge.
func (u *update) setLast(last subscription.LastCharge) {
	if last == (subscription.LastCharge{}) {
		u.set(attrLast, "")
		return
	}
	of := newUpdate("")
	of.set(attrSubscriptionID, last.Of.Subscription)
	of.setNumber(attrCycle, int64(last.Of.Number))
	of.setNumber(attrCycleAttempt, int64(last.Of.Attempt))
	of.set(attrState, string(last.State))
	of.set(attrAmount, last.Amount.String())
	of.set(attrCurrency, last.Amount.Currency())
	of.set(attrReason, last.Reason)
	of.set(attrDeclineClass, string(last.DeclineClass))
	u.setMap(attrLast, of)
}

// setMap gives an attribute a map of what another update sets.
func (u *update) setMap(attribute string, of *update) {
	fields := map[string]types.AttributeValue{}
	for name, value := range of.values {
		fields[strings.TrimPrefix(name, ":")] = value
	}
	u.sets = append(u.sets, u.name(attribute)+" = "+u.value(attribute, &types.AttributeValueMemberM{Value: fields}))
}

// setPaid sets the charges that were ever settled. Their subscription is this one.
func (u *update) setPaid(paid []charge.Cycle) {
	var texts []string
	for _, of := range paid {
		texts = append(texts, cycleText(of))
	}
	u.setTexts(attrPaid, texts)
}

// setBehind sets the cycle that was left: a map of the subscription's own attributes;
// none for no cycle.
func (u *update) setBehind(left subscription.Behind) {
	if left == (subscription.Behind{}) {
		u.set(attrBehind, "")
		return
	}
	of := newUpdate("")
	of.setNumber(attrCycle, int64(left.Cycle))
	of.setNumber(attrCycleAttempt, int64(left.Attempt))
	of.setTime(attrCycleAt, left.CycleAt)
	of.setTime(attrBeforeAt, left.BeforeAt)
	of.setTime(attrDeclinedAt, left.DeclinedAt)
	u.setMap(attrBehind, of)
}

// readSubscription reads the item of an id. No item is ErrNotFound. An item with
// anything missing or garbled is an *unreadable.Error that names it, without its contents: there is
// a token in it. Attributes that a later version may have added are left alone.
func readSubscription(id string, item map[string]types.AttributeValue) (subscription.Subscription, error) {
	if len(item) == 0 {
		return subscription.Subscription{}, subscription.ErrNotFound
	}
	r := reader{item: item}
	if pk := r.text(attrKey); pk != "" && pk != subscriptionKey(id) {
		r.fault(attrKey, "is not this id's")
	}
	s := subscription.Subscription{
		ID: id,
		Terms: subscription.Terms{
			InitTransID:    r.text(attrInitTransID),
			Token:          hidden.New(r.text(attrToken)),
			Amount:         r.amount(),
			Description:    r.text(attrDescription),
			Calendar:       r.calendar(),
			Cycles:         r.count(attrCycles, 0),
			EndsOn:         r.optionalDate(attrEndsOn),
			RetryAfterDays: r.numbers(attrRetryAfterDays),
		},
		State:        subscription.State(r.text(attrState)),
		Reason:       r.optional(attrReason),
		Cycle:        r.count(attrCycle, 1),
		Attempt:      r.count(attrCycleAttempt, 0),
		CycleAt:      r.optionalTime(attrCycleAt),
		Index:        r.count(attrCycleIndex, -1),
		Passed:       r.optionalCount(attrPassed),
		PassedAt:     r.optionalTime(attrPassedAt),
		BeforeAt:     r.optionalTime(attrBeforeAt),
		DueAt:        r.optionalTime(attrPlannedAt),
		DeclinedAt:   r.optionalTime(attrDeclinedAt),
		AskFirst:     r.flag(attrAskFirst),
		Missed:       subscription.Missed(r.optional(attrMissed)),
		Waiting:      r.flag(attrWaiting),
		WaitingSince: r.optionalTime(attrWaitingSince),
		Last:         r.last(attrLast),
		ChargedBack:  r.texts(attrChargedBack),
		PaidTwice:    r.numbers(attrPaidTwice),
		Paid:         r.paid(attrPaid, id),
		Behind:       r.behind(attrBehind),
		Differed:     r.texts(attrDiffered),
		LookAt:       r.optionalTime(attrDueAt),
		Change:       r.optional(attrChange),
		CreatedAt:    r.time(attrCreatedAt),
		UpdatedAt:    r.time(attrUpdatedAt),
		Revision:     r.number(attrRevision),
	}
	if s.State != "" && !slices.Contains(subscription.States(), s.State) {
		r.fault(attrState, "is none that this version knows")
	}
	if s.Missed != "" && s.Missed != subscription.Skip && s.Missed != subscription.ChargeLatest {
		r.fault(attrMissed, "is none that this version knows")
	}
	if len(r.faults) > 0 {
		return subscription.Subscription{}, r.unreadable(unreadable.Subscription, id)
	}
	return s, nil
}

// count reads a number that is not below a least one.
func (r *reader) count(name string, least int64) int {
	n := r.number(name)
	if _, isNumber := r.item[name].(*types.AttributeValueMemberN); isNumber && n < least {
		r.fault(name, "is too small")
	}
	return int(n)
}

// setCount gives an attribute a number; zero removes it.
func (u *update) setCount(attribute string, n int) {
	if n == 0 {
		u.set(attribute, "")
		return
	}
	u.setNumber(attribute, int64(n))
}

// optionalCount reads a number from 1 on that may be absent, which is zero.
func (r *reader) optionalCount(name string) int {
	if _, there := r.item[name]; !there {
		return 0
	}
	return r.count(name, 1)
}

// date reads a date.
func (r *reader) date(name string) calendar.Date {
	text := r.text(name)
	day, err := calendar.ParseDate(text)
	if text != "" && err != nil {
		r.fault(name, "is not a date")
	}
	return day
}

// optionalDate reads a date that may be absent, which is the zero date.
func (r *reader) optionalDate(name string) calendar.Date {
	if _, there := r.item[name]; !there {
		return calendar.Date{}
	}
	return r.date(name)
}

// calendar reads a calendar, which can be used: the attributes that are there are
// checked as well.
func (r *reader) calendar() calendar.Calendar {
	before := len(r.faults)
	days := calendar.Calendar{
		Every:    calendar.Every{Count: r.count(attrEveryCount, 1), Unit: calendar.Unit(r.text(attrEveryUnit))},
		StartsOn: r.date(attrStartsOn),
		TimeZone: r.text(attrTimeZone),
	}
	text := r.text(attrChargeAt)
	var err error
	if days.ChargeAt, err = calendar.ParseClock(text); text != "" && err != nil {
		r.fault(attrChargeAt, "is not a time of day")
	}
	if len(r.faults) > before {
		return calendar.Calendar{}
	}
	for _, f := range days.Check() { // its messages repeat no value
		r.fault(strings.ReplaceAll(f.Field, ".", "_"), f.Message)
	}
	return days
}

// paid reads which charges of a subscription were ever settled; there may be none.
func (r *reader) paid(name, id string) []charge.Cycle {
	return list(r, name, "cycle and try", func(entry *reader) charge.Cycle {
		text := entry.text(name)
		number, attempt, _ := strings.Cut(text, "#")
		of := charge.Cycle{Subscription: id}
		of.Number, _ = strconv.Atoi(number)
		of.Attempt, _ = strconv.Atoi(attempt)
		if of.Number < 1 || of.Attempt < 0 || cycleText(of) != text {
			entry.fault(name, "is no cycle and try")
		}
		return of
	})
}

// behind reads the cycle that was left, which may be absent.
func (r *reader) behind(name string) subscription.Behind {
	value, there := r.item[name]
	if !there {
		return subscription.Behind{}
	}
	fields, isMap := value.(*types.AttributeValueMemberM)
	if !isMap {
		r.fault(name, "is no map")
		return subscription.Behind{}
	}
	of := reader{item: fields.Value}
	left := subscription.Behind{
		Cycle:      of.count(attrCycle, 1),
		Attempt:    of.count(attrCycleAttempt, 1),
		CycleAt:    of.time(attrCycleAt),
		BeforeAt:   of.optionalTime(attrBeforeAt),
		DeclinedAt: of.time(attrDeclinedAt),
	}
	if len(of.faults) > 0 {
		r.fault(name, "has a field that "+strings.Join(of.faults, " and "))
		return subscription.Behind{}
	}
	return left
}

// last reads the last charge, which may be absent.
func (r *reader) last(name string) subscription.LastCharge {
	value, there := r.item[name]
	if !there {
		return subscription.LastCharge{}
	}
	fields, isMap := value.(*types.AttributeValueMemberM)
	if !isMap {
		r.fault(name, "is no map")
		return subscription.LastCharge{}
	}
	of := reader{item: fields.Value}
	last := subscription.LastCharge{
		Of:           charge.Cycle{Subscription: of.text(attrSubscriptionID), Number: of.count(attrCycle, 1), Attempt: of.count(attrCycleAttempt, 0)},
		State:        of.state(attrState),
		Amount:       of.amount(),
		Reason:       of.optional(attrReason),
		DeclineClass: charge.DeclineClass(of.optional(attrDeclineClass)),
	}
	if len(of.faults) > 0 {
		r.fault(name, "has a field that "+strings.Join(of.faults, " and "))
		return subscription.LastCharge{}
	}
	return last
}
