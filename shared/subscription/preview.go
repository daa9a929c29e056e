package subscription

import (
	"time"

	"dinarfunctions/shared/money"
)

// Planned is a charge that will be made.
type Planned struct {
	Cycle  int
	DueAt  time.Time
	Amount money.Amount
}

// Preview is what will be charged when, if all goes well: at most count charges,
// from the next one on. A subscription that charges nothing by itself has none.
func (s Subscription) Preview(count int, now time.Time) []Planned {
	var planned []Planned
	for len(planned) < count && s.State.Chargeable() {
		if !s.Waiting {
			planned = append(planned, Planned{s.Cycle, s.DueAt, s.Terms.Amount})
		}
		s.Waiting = false
		if s.DueAt.After(now) {
			now = s.DueAt // it is over then at the earliest
		}
		s.goOn(now)
	}
	return planned
}
