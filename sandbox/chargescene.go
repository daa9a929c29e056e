package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	simdineropay "dinarfunctions/sandbox/provider/dineropay"
)

// step is one charge request of the scene. What it must come to stands with it,
// so that a scene that goes wrong says so instead of printing nonsense.
type step struct {
	what    string // for the reader
	order   string
	token   string
	amount  string
	fault   simdineropay.Fault // what goes wrong at the provider, if anything
	want    string             // HTTP status and state
	asked   int                // charge requests that the provider has had for this order by then
	charged int                // of those, the ones that took money
	note    string
	look    bool // a GET of the charge, instead of a POST
}

const (
	cardInit  = "dc66cdd8-d702-11ea-9a2f-0242c0a87002"
	cardToken = "9a2f-0242c0a87002" //nolint:gosec // the example of DineroPay's page
)

func steps(n numbers) []step {
	paid, declined, refused, lost := n.of("paid"), n.of("declined"), n.of("refused"), n.of("lost")
	return []step{
		{what: "a saved card is charged", order: paid, want: "200 settled", asked: 1, charged: 1},
		{what: "the same once more", order: paid, want: "200 settled", asked: 1, charged: 1,
			note: "same order number, same content: the first answer again"},
		{what: "another amount", order: paid, amount: "2.00", want: "409 conflict", asked: 1, charged: 1,
			note: "the number stands for something else already"},
		{what: "a stolen card", order: declined, token: "declined-stolen-card", want: "402 declined", asked: 1, charged: 0},
		{what: "a number it refuses", order: refused, fault: simdineropay.NumberRefused, want: "422 rejected", asked: 1, charged: 0},
		{what: "the answer gets lost", order: lost, fault: simdineropay.CutAfter, want: "202 unknown", asked: 1, charged: 1,
			note: "it may have been charged, and here it was; nobody on our side can know"},
		{what: "the same once more", order: lost, want: "202 unknown", asked: 1, charged: 1,
			note: "so it is not sent again"},
		{what: "what became of it?", order: lost, look: true, want: "200 settled", asked: 1, charged: 1,
			note: "GET /charges/" + lost + " asks the provider; the schedule does so too, by itself"},
	}
}

func (s *sandbox) playCharges(ctx context.Context, out io.Writer, n numbers) error {
	fmt.Fprint(out, "\n2. Charging a saved card, at most once       POST /charges\n\n")
	fmt.Fprintf(out, "   %-13s %-26s %-15s %s\n", "order number", "what is asked for", "answer", "provider was asked / took money")
	for _, step := range steps(n) {
		if step.fault != "" {
			if err := s.dineroPay.Script(step.fault); err != nil {
				return err
			}
		}
		var answer struct {
			State        string `json:"state"`
			Reason       string `json:"reason"`
			DeclineClass string `json:"decline_class"`
			Title        string `json:"title"`
		}
		method, path, body := http.MethodPost, "/charges", step.request()
		if step.look {
			method, path, body = http.MethodGet, "/charges/"+step.order, nil
		}
		status, _, err := s.call(ctx, method, path, body, &answer)
		if err != nil {
			return err
		}
		counts := s.dineroPay.Counts(step.order)
		state := answer.State
		if state == "" {
			state = strings.ToLower(answer.Title)
		}
		got := fmt.Sprintf("%d %s", status, state)
		fmt.Fprintf(out, "   %-13s %-26s %-15s %d / %d\n", step.order, step.what, got, counts.Charges, counts.Charged)
		note := step.note
		if note == "" {
			note = answer.Reason
		}
		if answer.DeclineClass != "" {
			note += " (" + answer.DeclineClass + " decline)"
		}
		if note != "" {
			fmt.Fprintf(out, "   %-13s   %s\n", "", note)
		}
		if got != step.want || counts.Charges != step.asked || counts.Charged != step.charged {
			return fmt.Errorf("%s, %s: wanted %s and %d / %d", step.order, step.what, step.want, step.asked, step.charged)
		}
	}
	return nil
}

// request is the body of POST /charges.
func (s step) request() map[string]any {
	or := func(value, otherwise string) string {
		if value == "" {
			return otherwise
		}
		return value
	}
	return map[string]any{
		"recurring_init_trans_id": cardInit,
		"recurring_token":         or(s.token, cardToken),
		"order": map[string]any{
			"number": s.order, "amount": or(s.amount, "1.00"), "currency": "SAR", "description": "gift",
		},
	}
}
