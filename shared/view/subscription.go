package view

import (
	"dinarfunctions/shared/api"
	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/subscription"
)

// Subscription is a subscription as the HTTP API shows it (contract,
// "Subscriptions"). Every field is always there; null is nothing.
type Subscription struct {
	ID             string             `json:"id"`
	InitTransID    string             `json:"recurring_init_trans_id"`
	Token          *string            `json:"token"` // its last four characters
	Amount         string             `json:"amount"`
	Currency       string             `json:"currency"`
	Description    string             `json:"description"`
	Every          Every              `json:"every"`
	StartsOn       string             `json:"starts_on"`
	ChargeAt       string             `json:"charge_at"`
	TimeZone       string             `json:"time_zone"`
	Cycles         *int               `json:"cycles"`
	EndsOn         *string            `json:"ends_on"`
	RetryAfterDays []int              `json:"retry_after_days"`
	State          subscription.State `json:"state"`
	Reason         *string            `json:"reason"`
	Cycle          int                `json:"cycle"`
	Attempt        int                `json:"attempt"`
	NextChargeAt   *string            `json:"next_charge_at"`
	NextChargeOn   *string            `json:"next_charge_on"` // the day of it in TimeZone
	LastCharge     *LastCharge        `json:"last_charge"`
	CreatedAt      string             `json:"created_at"`
	UpdatedAt      string             `json:"updated_at"`
}

// Every is the interval of a calendar.
type Every struct {
	Count int    `json:"count"`
	Unit  string `json:"unit"`
}

// LastCharge is what is known of the latest charge of a subscription. All of it is
// under the order number.
type LastCharge struct {
	Order        LastOrder    `json:"order"`
	State        charge.State `json:"state"`
	Reason       *string      `json:"reason"`
	DeclineClass *string      `json:"decline_class"`
	Subscription *Cycle       `json:"subscription"`
}

// LastOrder is what a latest charge was for.
type LastOrder struct {
	Number   string `json:"number"`
	Amount   string `json:"amount"`
	Currency string `json:"currency"`
}

// OfSubscription shows a subscription.
func OfSubscription(s subscription.Subscription) Subscription {
	calendar := s.Terms.Calendar
	v := Subscription{
		ID:             s.ID,
		InitTransID:    s.Terms.InitTransID,
		Token:          api.OrNull(charge.TokenEnd(s.Terms.Token)),
		Amount:         s.Terms.Amount.String(),
		Currency:       s.Terms.Amount.Currency(),
		Description:    s.Terms.Description,
		Every:          Every{Count: calendar.Every.Count, Unit: string(calendar.Every.Unit)},
		StartsOn:       calendar.StartsOn.String(),
		ChargeAt:       calendar.ChargeAt.String(),
		TimeZone:       calendar.TimeZone,
		EndsOn:         api.OrNull(s.Terms.EndsOn.String()),
		RetryAfterDays: append([]int{}, s.Terms.RetryAfterDays...),
		State:          s.State,
		Reason:         api.OrNull(s.Reason),
		Cycle:          s.Cycle,
		Attempt:        s.Attempt,
		NextChargeAt:   api.TimeOrNull(s.NextChargeAt()),
		NextChargeOn:   api.OrNull(s.NextChargeOn().String()),
		CreatedAt:      api.Time(s.CreatedAt),
		UpdatedAt:      api.Time(s.UpdatedAt),
	}
	if s.Terms.Cycles > 0 {
		v.Cycles = &s.Terms.Cycles
	}
	if last := s.Last; last.Of != (charge.Cycle{}) {
		v.LastCharge = &LastCharge{
			Order: LastOrder{
				Number:   subscription.Number(last.Of),
				Amount:   last.Amount.String(),
				Currency: last.Amount.Currency(),
			},
			State:        last.State,
			Reason:       api.OrNull(last.Reason),
			DeclineClass: api.OrNull(last.DeclineClass),
			Subscription: cycleOf(last.Of),
		}
	}
	return v
}
