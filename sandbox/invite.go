package main

import (
	"context"
	"io"
	"strings"
	"time"
)

// ofGuest are the names that the invitation offers for things of one's own.
func ofGuest(n numbers) []string {
	return []string{n.of("mine"), n.of("lost-mine"), n.of("silver"), n.of("payout")}
}

// invite prints what can be tried next, ready to be pasted: as much as fits on one
// screen. A test runs it line by line.
func (s *sandbox) invite(ctx context.Context, out io.Writer) error {
	n, err := s.firstFree(ctx, ofGuest)
	if err != nil {
		return err
	}
	now := s.clock.Now()
	_, err = strings.NewReplacer(
		"API_URL", s.apiURL, "CARD_INIT", cardInit, "CARD_TOKEN", cardToken, "LOG", s.logPath,
		"MINE", n.of("mine"), "LOST", n.of("lost-mine"), "SILVER", n.of("silver"), "PAYOUT", n.of("payout"),
		"NOW", now.Format("2 January 2006"), "TODAY", now.Format(time.DateOnly), "IN_A_YEAR", now.AddDate(1, 0, 0).Format(time.DateOnly),
	).WriteString(out, invitation)
	return err
}

// invitation has names in capitals for what differs.
const invitation = `
4. Now you. The API is at API_URL, until Ctrl-C; its clock is at NOW. (On AWS it wants
   IAM's signature; here it does not.) Paste this first, into bash or zsh; "| jq" behind a call makes its answer readable:
     API=API_URL; call() { curl -s -H 'Content-Type: application/json' "$@"; echo; }
     charge() { call $API/charges -d '{"recurring_init_trans_id": "CARD_INIT", "recurring_token": "CARD_TOKEN",
       "order": {"number": "'$1'", "amount": "1.00", "currency": "SAR", "description": "gift"}}'; }
   a charge, asked for twice; and its history:
     charge MINE; charge MINE
     call $API/charges/MINE
   one that the provider fails at; all whose outcome is open; a person's word on it; how often the provider was asked:
     call $API/sandbox/dineropay/faults -d '{"charge": ["cut_before"]}'; charge LOST
     call $API/charges
     call -X PUT $API/charges/LOST/resolution -d '{"outcome": "not_charged", "note": "not in the panel"}'
     call "$API/sandbox/dineropay/counts?order_number=LOST"
   a subscription, charged at 09:00 UTC every month, first today, or in a month if it is past 09:00; and what comes next:
     call -X PUT $API/subscriptions/SILVER -d '{"recurring_init_trans_id": "CARD_INIT", "recurring_token": "silver-card",
       "amount": "49.00", "currency": "SAR", "description": "membership", "every": {"count": 1, "unit": "month"}, "starts_on": "TODAY"}'
     call "$API/subscriptions/SILVER/preview?count=3"
   move the clock; what comes due on the way is done at its time. Then its card is empty ("settled" fills it again):
     call $API/sandbox/clock -d '{"advance": "P1M"}'
     call -X PUT $API/sandbox/dineropay/cards -d '{"token_contains": "silver", "status": "declined", "reason": "Insufficient funds"}'
     call $API/sandbox/clock -d '{"to": "IN_A_YEAR"}'
   what became of the subscription; and to pause it, go on, and end it:
     call $API/subscriptions/SILVER; call $API/subscriptions/SILVER/charges
     call -X POST $API/subscriptions/SILVER/pause; call -X POST $API/subscriptions/SILVER/resume
     call -X DELETE $API/subscriptions/SILVER
   a payout that is under way; it is watched, and arrives:
     call -X PUT $API/sandbox/dinardragon/payouts/PAYOUT -d '{"payments": [{"uniqueid": "PAYOUT-a", "status": 0}]}'
     call -X PUT $API/payouts/PAYOUT; call -X PUT $API/sandbox/dinardragon/payments/PAYOUT-a -d '{"status": 1}'
     call $API/sandbox/clock -d '{"advance": "PT5M"}'; call $API/payouts/PAYOUT
   stop all charging, and go on:
     call -X PUT $API/charging -d '{"mode": "stopped", "note": "trying it"}'; call -X PUT $API/charging -d '{"mode": "live"}'
   do what is due now, instead of once a minute; the queue; and what other systems are told, which is printed below too:
     call -X POST $API/sandbox/schedule; call $API/sandbox/queue
     curl -sN $API/sandbox/events
   all that the sandbox can do: call $API/sandbox/    what can go wrong: docs/faults.md    the functions' log: LOG
`
