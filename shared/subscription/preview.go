package subscription

import (
	"time"

	"dinarfunctions/shared/calendar"
	"dinarfunctions/shared/money"
)

// Planned is a charge that will be made.
type Planned struct {
	Cycle int
	DueAt time.Time
	// DueOn is the day of DueAt in the subscription's time zone: a quarter past midnight
	// in Baghdad is still the day before in UTC.
	DueOn  calendar.Date
	Amount money.Amount
}

// Preview is what will be charged when, if all goes well: at most count charges,
// from the next one on. A subscription that charges nothing by itself has none.
func (s Subscription) Preview(count int, now time.Time) []Planned {
	var planned []Planned
	for len(planned) < count && s.State.Chargeable() {
		if !s.Waiting {
			planned = append(planned, Planned{s.Cycle, s.DueAt, s.Terms.Calendar.LocalDate(s.DueAt), s.Terms.Amount})
		}
		s.Waiting = false
		if s.DueAt.After(now) {
			now = s.DueAt // it is over then at the earliest
		}
		s.goOn(now)
	}
	return planned
}

// NextChargeOn is the day in the subscription's time zone on which NextChargeAt
// falls; zero where that is.
func (s Subscription) NextChargeOn() calendar.Date {
	at := s.NextChargeAt()
	if at.IsZero() {
		return calendar.Date{}
	}
	return s.Terms.Calendar.LocalDate(at)
}
