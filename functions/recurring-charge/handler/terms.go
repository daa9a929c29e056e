package handler

import (
	"errors"
	"fmt"
	"strings"

	"dinarfunctions/shared/api"
	"dinarfunctions/shared/calendar"
	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/dineropay"
	"dinarfunctions/shared/subscription"
)

// What a subscription has that leaves them out.
const (
	defaultChargeAt = "09:00"
	defaultTimeZone = "UTC"
)

func defaultRetries() []int { return []int{1, 3, 5, 7} }

const (
	maxRetries  = 4
	maxRetryDay = 28
)

// subscriptionRequest is the body of PUT /subscriptions/{id}. Pointers tell what was
// left out from what is empty.
type subscriptionRequest struct {
	InitTransID string  `json:"recurring_init_trans_id"`
	Token       string  `json:"recurring_token"`
	ScheduleID  *string `json:"schedule_id"` // known, and refused
	Amount      string  `json:"amount"`
	Currency    string  `json:"currency"`
	Description string  `json:"description"`
	Every       struct {
		Count int    `json:"count"`
		Unit  string `json:"unit"`
	} `json:"every"`
	StartsOn       string  `json:"starts_on"`
	ChargeAt       *string `json:"charge_at"`
	TimeZone       *string `json:"time_zone"`
	Cycles         *int    `json:"cycles"`
	EndsOn         *string `json:"ends_on"`
	RetryAfterDays []int   `json:"retry_after_days"`
}

// terms checks a request for a subscription, all of it at once. Its error is a 422
// that names every field at fault.
func (r subscriptionRequest) terms(id string) (subscription.Terms, error) {
	terms := subscription.Terms{RetryAfterDays: r.RetryAfterDays}
	var faults []api.FieldError
	fault := func(field, message string) { faults = append(faults, api.FieldError{Field: field, Message: message}) }

	// Every charge of it will be asked for like this one.
	first, err := dineropay.NewTerms(dineropay.Request{
		InitTransID: r.InitTransID,
		Token:       r.Token,
		Number:      subscription.Number(charge.Cycle{Subscription: id, Number: 1}),
		Amount:      r.Amount,
		Currency:    r.Currency,
		Description: r.Description,
	})
	if invalid, ok := errors.AsType[*charge.InvalidError](err); ok {
		for _, f := range invalid.Faults {
			fault(strings.TrimPrefix(f.Field, "order."), f.Message)
		}
	} else if err != nil {
		return terms, err
	}
	terms.InitTransID, terms.Token = first.InitTransID, first.Token
	terms.Amount, terms.Description = first.Order.Amount, first.Order.Description

	if r.ScheduleID != nil {
		fault("schedule_id", "is not taken here: the platform charges a token with a schedule by itself, and both would charge")
	}
	terms.Calendar = r.calendar()
	for _, f := range terms.Calendar.Check() {
		fault(f.Field, f.Message)
	}
	if r.Cycles != nil {
		if terms.Cycles = *r.Cycles; terms.Cycles < 1 {
			fault("cycles", "must be at least 1; leave it out for no end")
		}
	}
	if r.EndsOn != nil {
		terms.EndsOn, err = calendar.ParseDate(*r.EndsOn)
		switch {
		case err != nil:
			fault("ends_on", err.Error())
		case terms.EndsOn.Before(terms.Calendar.StartsOn):
			fault("ends_on", "must not be before starts_on")
		}
	}
	if r.RetryAfterDays == nil {
		terms.RetryAfterDays = defaultRetries()
	} else if message := checkRetries(r.RetryAfterDays); message != "" {
		fault("retry_after_days", message)
	}
	if faults != nil {
		return subscription.Terms{}, api.Invalid(faults...)
	}
	return terms, nil
}

// calendar is the calendar that is asked for. What cannot be read stays zero, which
// Calendar.Check finds fault with.
func (r subscriptionRequest) calendar() calendar.Calendar {
	startsOn, _ := calendar.ParseDate(r.StartsOn)
	chargeAt, _ := calendar.ParseClock(given(r.ChargeAt, defaultChargeAt))
	return calendar.Calendar{
		Every:    calendar.Every{Count: r.Every.Count, Unit: calendar.Unit(r.Every.Unit)},
		StartsOn: startsOn,
		ChargeAt: chargeAt,
		TimeZone: given(r.TimeZone, defaultTimeZone),
	}
}

func given(text *string, otherwise string) string {
	if text == nil {
		return otherwise
	}
	return *text
}

func checkRetries(days []int) string {
	if len(days) > maxRetries {
		return fmt.Sprintf("must have at most %d days", maxRetries)
	}
	before := 0
	for _, day := range days {
		if day <= before || day > maxRetryDay {
			return fmt.Sprintf("must be rising whole days from 1 to %d after the first decline", maxRetryDay)
		}
		before = day
	}
	return ""
}
