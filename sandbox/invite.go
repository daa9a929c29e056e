package main

import (
	"fmt"
	"io"
	"time"
)

// invite prints what can be tried next, ready to be pasted.
func (s *sandbox) invite(out io.Writer, n numbers) {
	now := s.clock.Now()
	fmt.Fprintf(out, `
4. Now you. The API is at %[1]s, until Ctrl-C. (On AWS it wants IAM's signature; here it does not.)
   Its clock is at %[7]s.

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

   a subscription, charged every month from today on; its charges; and what comes next:
     curl -s -X PUT %[1]s/subscriptions/%[8]s -H 'Content-Type: application/json' -d '{"recurring_init_trans_id": "%[3]s",
       "recurring_token": "%[4]s", "amount": "49.00", "currency": "SAR", "description": "membership", "every": {"count": 1, "unit": "month"}, "starts_on": "%[9]s"}'
     curl -s %[1]s/subscriptions/%[8]s/charges
     curl -s %[1]s/subscriptions/%[8]s/preview

   move the clock by a month, or to a day; everything that comes due on the way is done at its time:
     curl -s %[1]s/sandbox/clock -d '{"advance": "P1M"}'

   empty the card before the next month, and fill it again with "settled":
     curl -s -X PUT %[1]s/sandbox/dineropay/cards -d '{"token_contains": "%[4]s", "status": "declined", "reason": "Insufficient funds"}'

   do what is due now, instead of once a minute; and see the queue with its dead letters:
     curl -s -X POST %[1]s/sandbox/schedule
     curl -s %[1]s/sandbox/queue

   what the merchant's other systems are told, as it happens; it is printed below too:
     curl -sN %[1]s/sandbox/events

   what the functions logged: %[6]s
`, s.apiURL, n.of("lost"), cardInit, cardToken, n.of("mine"), s.logPath,
		now.Format("2 January 2006"), n.of("silver"), now.Format(time.DateOnly))
}
