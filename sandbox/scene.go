package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"

	simdinardragon "dinarfunctions/sandbox/provider/dinardragon"
	simdineropay "dinarfunctions/sandbox/provider/dineropay"
)

// numbers are the order numbers of one run of the scene. The ledger remembers
// earlier runs, and a number that was used is used for good.
type numbers struct{ run int }

func (n numbers) of(what string) string { return fmt.Sprintf("%s-%d", what, n.run) }

// step is one charge request of the scene. What it must come to stands with it,
// so that a scene that goes wrong says so instead of printing nonsense.
type step struct {
	what    string // for the reader
	order   string
	initID  string
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
		{what: "a card nobody saved", order: refused, initID: "no-such-transaction", want: "422 rejected", asked: 1, charged: 0},
		{what: "the answer gets lost", order: lost, fault: simdineropay.CutAfter, want: "202 unknown", asked: 1, charged: 1,
			note: "it may have been charged, and here it was; nobody on our side can know"},
		{what: "the same once more", order: lost, want: "202 unknown", asked: 1, charged: 1,
			note: "so it is not sent again"},
		{what: "what became of it?", order: lost, look: true, want: "200 settled", asked: 1, charged: 1,
			note: "GET /charges/" + lost + " asks the provider; the schedule does so too, by itself"},
	}
}

// play plays the first scene and prints it. It is an error if anything comes out
// otherwise than the scene tells.
func (s *sandbox) play(ctx context.Context, out io.Writer) (numbers, error) {
	n, err := s.unused(ctx)
	if err != nil {
		return n, err
	}
	fmt.Fprintln(out, "Dinar Functions, in a sandbox: simulated providers, the functions' own handlers,")
	fmt.Fprintf(out, "a ledger in %s. No account, no network, no money.\n", s.storePath)
	if n.run > 1 {
		fmt.Fprintf(out, "The ledger remembers %d earlier scene(s), so this one has new order numbers.\n", n.run-1)
	}
	if err := s.playPayout(ctx, out); err != nil {
		return n, err
	}
	if err := s.playCharges(ctx, out, n); err != nil {
		return n, err
	}
	return n, nil
}

// unused finds the first run whose order numbers are free.
func (s *sandbox) unused(ctx context.Context) (numbers, error) {
	for n := (numbers{run: 1}); ; n.run++ {
		status, _, err := s.call(ctx, http.MethodGet, "/charges/"+n.of("paid"), nil, nil)
		if err != nil || status == http.StatusNotFound {
			return n, err
		}
		if status != http.StatusOK {
			return n, fmt.Errorf("GET /charges/%s answered HTTP %d", n.of("paid"), status)
		}
	}
}

// payout is one of three payments in three states.
var payout = simdinardragon.Payout{
	PaymentID: "1617fcccd1f3269c",
	Payments: []simdinardragon.Payment{
		{UniqueID: "df9a31ea528a3977", Status: simdinardragon.Successful},
		{UniqueID: "0b54c2e9a1d8f36e", Status: simdinardragon.Processing},
		{UniqueID: "c7718d02be49a5f3", Status: simdinardragon.Failed},
	},
}

func (s *sandbox) playPayout(ctx context.Context, out io.Writer) error {
	if err := s.dinarDragon.Put(payout); err != nil {
		return err
	}
	request := map[string]any{"payment_id": payout.PaymentID}
	var answer struct {
		Payments []struct {
			ID    string `json:"uniqueid"`
			State string `json:"state"`
		} `json:"payments"`
		Final bool `json:"final"`
	}
	status, _, err := s.call(ctx, http.MethodPost, "/payouts/status", request, &answer)
	if err != nil {
		return err
	}
	var states []string
	for _, p := range answer.Payments {
		states = append(states, p.State)
	}
	if got := fmt.Sprint(status, states, answer.Final); got != "200 [successful processing failed] false" {
		return fmt.Errorf("POST /payouts/status answered %s", got)
	}
	fmt.Fprintf(out, "\n1. What became of a payout?                  POST /payouts/status {\"payment_id\": %q}\n\n", payout.PaymentID)
	means := map[string]string{
		"successful": "the money has arrived",
		"processing": "on its way, within 15 minutes",
		"failed":     "refunded to the dashboard balance",
	}
	for _, p := range answer.Payments {
		fmt.Fprintf(out, "   %-18s %-12s %s\n", p.ID, p.State, means[p.State])
	}
	fmt.Fprint(out, "\n   final: false, so it is worth asking again.\n")
	return nil
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
		"recurring_init_trans_id": or(s.initID, cardInit),
		"recurring_token":         or(s.token, cardToken),
		"order": map[string]any{
			"number": s.order, "amount": or(s.amount, "1.00"), "currency": "SAR", "description": "gift",
		},
	}
}

// call asks the sandbox's own API, over HTTP like anybody else. into may be nil.
func (s *sandbox) call(ctx context.Context, method, path string, body, into any) (status int, text []byte, err error) {
	var payload []byte
	if body != nil {
		if payload, err = json.Marshal(body); err != nil {
			return 0, nil, err
		}
	}
	r, err := http.NewRequestWithContext(ctx, method, s.apiURL+path, bytes.NewReader(payload))
	if err != nil {
		return 0, nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = response.Body.Close() }()
	if text, err = io.ReadAll(response.Body); err != nil {
		return 0, nil, err
	}
	if into != nil {
		if err := json.Unmarshal(text, into); err != nil {
			return 0, nil, fmt.Errorf("%s %s answered HTTP %d with what is not JSON: %w", method, path, response.StatusCode, err)
		}
	}
	return response.StatusCode, text, nil
}

// invite prints what can be tried next, ready to be pasted.
func (s *sandbox) invite(out io.Writer, n numbers) {
	fmt.Fprintf(out, `
3. Now you. The API is at %[1]s, until Ctrl-C. (On AWS it wants IAM's signature; here it does not.)

   the charge whose answer was lost, and its history:
     curl -s %[1]s/charges/%[2]s

   a new charge; say it twice:
     curl -s %[1]s/charges -H 'Content-Type: application/json' -d '{"recurring_init_trans_id": "%[3]s",
       "recurring_token": "%[4]s", "order": {"number": "%[5]s", "amount": "1.00", "currency": "SAR", "description": "gift"}}'

   let the provider fail at the next charge (GET shows all faults, /cards what tokens do, /counts what it was asked):
     curl -s %[1]s/sandbox/dineropay/faults -d '{"charge": ["http_500_charged"]}'
     curl -s %[1]s/sandbox/dineropay/counts?order_number=%[5]s

   stop all charging, and go on (any other mode: live):
     curl -s -X PUT %[1]s/charging -H 'Content-Type: application/json' -d '{"mode": "stopped", "note": "trying it"}'
     curl -s -X PUT %[1]s/charging -H 'Content-Type: application/json' -d '{"mode": "live"}'

   wake the schedule now, instead of once a minute:
     curl -s -X POST %[1]s/sandbox/schedule

   what the functions logged: %[6]s
`, s.apiURL, n.of("lost"), cardInit, cardToken, n.of("mine"), s.logPath)
}
