package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	simdineropay "dinarfunctions/sandbox/provider/dineropay"
)

// cycle is one step of the scene of a subscription: the clock is moved to a day's
// end, and this is the charge that was made on the way. What it must come to stands
// with it.
type cycle struct {
	day     time.Time
	order   string
	empty   bool   // the card has no money on it that day
	want    string // the charge's state and the subscription's
	asked   int    // charge requests that the provider had under this number
	charged int    // of those, the ones that took money
	note    string
}

// saver is the card of the scene, which is empty once.
const saver = "saver-0242c0a87002"

// cycles are three months from a 31 March on: days that are the same in every year.
func cycles(id string, year int) []cycle {
	day := func(month time.Month, day int) time.Time { return time.Date(year, month, day, 0, 0, 0, 0, time.UTC) }
	return []cycle{
		{day: day(time.March, 31), order: id + "-0001", want: "settled, active", asked: 1, charged: 1},
		{day: day(time.April, 30), order: id + "-0002", empty: true, want: "declined, past_due", asked: 1, charged: 0,
			note: "the shorter month's last day; the card is empty, so it is tried again after a day"},
		{day: day(time.May, 1), order: id + "-0002-r1", want: "settled, active", asked: 1, charged: 1,
			note: "the same cycle, under a number of its own"},
		{day: day(time.May, 31), order: id + "-0003", want: "settled, active", asked: 1, charged: 1,
			note: "and back to the 31st"},
	}
}

// firstOf is the year of the first 31 March that is still to come.
func firstOf(now time.Time) int {
	if now.Before(time.Date(now.Year(), time.March, 31, 0, 0, 0, 0, time.UTC)) {
		return now.Year()
	}
	return now.Year() + 1
}

func (s *sandbox) playSubscription(ctx context.Context, out io.Writer, n numbers) error {
	id := n.of("gold")
	plan := cycles(id, firstOf(s.clock.Now()))
	status, text, err := s.call(ctx, http.MethodPut, "/subscriptions/"+id, map[string]any{
		"recurring_init_trans_id": cardInit, "recurring_token": saver,
		"amount": "49.00", "currency": "SAR", "description": "membership",
		"every": map[string]any{"count": 1, "unit": "month"}, "starts_on": plan[0].day.Format(time.DateOnly),
	}, nil)
	if err != nil {
		return err
	}
	if status != http.StatusCreated {
		return fmt.Errorf("PUT /subscriptions/%s answered HTTP %d: %s", id, status, text)
	}
	fmt.Fprintf(out, "\n3. Three months of a subscription            PUT /subscriptions/%s, POST /sandbox/clock\n\n", id)
	fmt.Fprint(out, "   49.00 SAR every month from 31 March on, tried again 1, 3, 5 and 7 days after a decline\n\n")
	fmt.Fprintf(out, "   %-7s %-15s %-9s %-13s %s\n", "date", "order number", "charge", "subscription", "provider was asked / took money")
	for _, c := range plan {
		if err := s.playCycle(ctx, out, id, c); err != nil {
			return err
		}
	}
	return s.playPreview(ctx, out, id)
}

func (s *sandbox) playCycle(ctx context.Context, out io.Writer, id string, c cycle) error {
	card := simdineropay.Card{Token: saver, Status: "settled"}
	if c.empty {
		card.Status, card.Reason = "declined", "Insufficient funds"
	}
	if err := s.dineroPay.SetCard(card); err != nil {
		return err
	}
	if _, err := s.move(ctx, func(time.Time) time.Time { return c.day.AddDate(0, 0, 1) }); err != nil {
		return err
	}
	var charge struct {
		State     string    `json:"state"`
		CreatedAt time.Time `json:"created_at"`
	}
	var subscription struct {
		State string `json:"state"`
	}
	if _, _, err := s.call(ctx, http.MethodGet, "/charges/"+c.order, nil, &charge); err != nil {
		return err
	}
	if _, _, err := s.call(ctx, http.MethodGet, "/subscriptions/"+id, nil, &subscription); err != nil {
		return err
	}
	counts := s.dineroPay.Counts(c.order)
	fmt.Fprintf(out, "   %-7s %-15s %-9s %-13s %d / %d\n",
		charge.CreatedAt.Format("2 Jan"), c.order, charge.State, subscription.State, counts.Charges, counts.Charged)
	if c.note != "" {
		fmt.Fprintf(out, "   %-7s   %s\n", "", c.note)
	}
	got := charge.State + ", " + subscription.State
	if on := charge.CreatedAt.Format(time.DateOnly); got != c.want || on != c.day.Format(time.DateOnly) || counts.Charges != c.asked || counts.Charged != c.charged {
		return fmt.Errorf("%s on %s: wanted %s and %d / %d, got %s and %d / %d on %s",
			c.order, c.day.Format(time.DateOnly), c.want, c.asked, c.charged, got, counts.Charges, counts.Charged, on)
	}
	return nil
}

func (s *sandbox) playPreview(ctx context.Context, out io.Writer, id string) error {
	path := "/subscriptions/" + id + "/preview?count=3"
	var preview struct {
		Cycles []struct {
			Cycle int       `json:"cycle"`
			DueAt time.Time `json:"due_at"`
		} `json:"cycles"`
	}
	if _, _, err := s.call(ctx, http.MethodGet, path, nil, &preview); err != nil {
		return err
	}
	var days []string
	for _, c := range preview.Cycles {
		days = append(days, c.DueAt.Format("2 Jan"))
	}
	got := strings.Join(days, ", ")
	if want := "30 Jun, 31 Jul, 31 Aug"; got != want {
		return fmt.Errorf("GET %s: wanted %s, got %s", path, want, got)
	}
	fmt.Fprintf(out, "\n   and then: %s   GET %s\n", got, path)
	return nil
}
