// Package view is how charges, subscriptions and payouts look from outside: in the
// answers of the HTTP API and in outcome events, which show a thing as its GET does.
package view

import (
	"dinarfunctions/shared/api"
	"dinarfunctions/shared/charge"
)

// Charge is a charge as the HTTP API shows it (contract, "Charges"). Every field is
// always there; null is nothing.
type Charge struct {
	Order          Order        `json:"order"`
	State          charge.State `json:"state"`
	PaymentID      *string      `json:"payment_id"`
	Reason         *string      `json:"reason"`
	DeclineClass   *string      `json:"decline_class"`
	ProviderStatus *string      `json:"provider_status"`
	ProviderDate   *string      `json:"provider_date"`
	ScheduleID     *string      `json:"schedule_id"`
	Token          *string      `json:"token"`
	Subscription   *Cycle       `json:"subscription"`
	CreatedAt      string       `json:"created_at"`
	UpdatedAt      string       `json:"updated_at"`
	History        []Entry      `json:"history"`
}

// Order is what is charged for.
type Order struct {
	Number      string `json:"number"`
	Amount      string `json:"amount"`
	Currency    string `json:"currency"`
	Description string `json:"description"`
}

// Cycle is the cycle of a subscription that a charge is for, and which try of it.
type Cycle struct {
	ID      string `json:"id"`
	Cycle   int    `json:"cycle"`
	Attempt int    `json:"attempt"`
}

// Entry is a line of a charge's history.
type Entry struct {
	State    charge.State `json:"state"`
	At       string       `json:"at"`
	Evidence *string      `json:"evidence"`
	Reason   *string      `json:"reason"`
	// PaymentID is the payment that the line is about.
	PaymentID *string `json:"payment_id"`
}

// OfCharge shows a charge.
func OfCharge(c charge.Charge) Charge {
	v := Charge{
		Order: Order{
			Number:      c.Order.Number,
			Amount:      c.Order.Amount.String(),
			Currency:    c.Order.Amount.Currency(),
			Description: c.Order.Description,
		},
		State:          c.State,
		PaymentID:      api.OrNull(c.PaymentID),
		Reason:         api.OrNull(c.Reason),
		DeclineClass:   api.OrNull(c.DeclineClass),
		ProviderStatus: api.OrNull(c.ProviderStatus),
		ProviderDate:   api.OrNull(c.ProviderDate),
		ScheduleID:     api.OrNull(c.ScheduleID),
		Token:          api.OrNull(c.TokenEnd),
		Subscription:   cycleOf(c.For),
		CreatedAt:      api.Time(c.CreatedAt),
		UpdatedAt:      api.Time(c.UpdatedAt),
		History:        make([]Entry, len(c.History)),
	}
	for i, e := range c.History {
		v.History[i] = Entry{State: e.State, At: api.Time(e.At), Evidence: api.OrNull(e.Evidence), Reason: api.OrNull(e.Reason), PaymentID: api.OrNull(e.PaymentID)}
	}
	return v
}

// cycleOf is null for a charge that a caller asked for.
func cycleOf(of charge.Cycle) *Cycle {
	if of == (charge.Cycle{}) {
		return nil
	}
	return &Cycle{ID: of.Subscription, Cycle: of.Number, Attempt: of.Attempt}
}
