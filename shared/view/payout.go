package view

import (
	"dinarfunctions/shared/api"
	"dinarfunctions/shared/payout"
)

// Payout is a watched payout as the HTTP API shows it (contract, "Payouts"). Every
// field is always there; null is nothing.
type Payout struct {
	PaymentID   string       `json:"payment_id"`
	Reference   *string      `json:"reference"`
	State       payout.State `json:"state"`
	Overdue     bool         `json:"overdue"`
	Payments    []Payment    `json:"payments"`
	CheckedAt   *string      `json:"checked_at"`
	NextCheckAt *string      `json:"next_check_at"`
	Checks      int          `json:"checks"`
	CreatedAt   string       `json:"created_at"`
	LastError   *string      `json:"last_error"`
}

// Payment is one payment of a payout.
type Payment struct {
	UniqueID  string              `json:"uniqueid"`
	Status    int                 `json:"status"`
	State     payout.PaymentState `json:"state"`
	ChangedAt string              `json:"changed_at"`
}

// OfPayout shows a watched payout.
func OfPayout(p payout.Payout) Payout {
	v := Payout{
		PaymentID:   p.ID,
		Reference:   api.OrNull(p.Reference),
		State:       p.State,
		Overdue:     p.Overdue,
		Payments:    make([]Payment, len(p.Payments)),
		CheckedAt:   api.TimeOrNull(p.CheckedAt),
		NextCheckAt: api.TimeOrNull(p.NextCheckAt),
		Checks:      p.Checks,
		CreatedAt:   api.Time(p.CreatedAt),
		LastError:   api.OrNull(p.LastError),
	}
	for i, one := range p.Payments {
		v.Payments[i] = OfPayment(one)
	}
	return v
}

// OfPayment shows one payment of a payout.
func OfPayment(p payout.Payment) Payment {
	return Payment{UniqueID: p.UniqueID, Status: p.Status, State: p.State, ChangedAt: api.Time(p.ChangedAt)}
}
