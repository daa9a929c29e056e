package main

import (
	"fmt"
	"io"
)

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
