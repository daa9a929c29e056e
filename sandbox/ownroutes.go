package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"

	"dinarfunctions/sandbox/routes"
)

// ownRoute is a route of the sandbox itself, and what it does. Those of the simulated
// providers are served by them, so they have no handler here.
type ownRoute struct {
	methods string
	path    string // below /sandbox/
	does    string
	serve   http.Handler
}

func (s *sandbox) ownRoutes(ledgerFaults http.Handler) []ownRoute {
	return []ownRoute{
		{"GET", "clock", "what time it is in the sandbox", http.HandlerFunc(s.getClock)},
		{"POST", "clock", `{"advance": "P1M"} or {"to": "2028-07-01"}; does what comes due on the way`, http.HandlerFunc(s.postClock)},
		{"POST", "schedule", "does what is due now, without waiting for the next minute", http.HandlerFunc(s.postSchedule)},
		{"GET", "queue", "the messages that wait or are in flight, and the dead letters", http.HandlerFunc(s.getQueue)},
		{"POST", "queue/redrive", "puts the dead letters back", http.HandlerFunc(s.postRedrive)},
		{"GET", "events", "what other systems are told, as it happens; behind Last-Event-ID, if there is one", http.HandlerFunc(s.getEvents)},
		{"POST", "ledger/faults", `{"claim": ["throttled"], "record": ["answer_lost"]}: how the next writes fail`, ledgerFaults},

		{"GET, POST, DELETE", "dineropay/faults", `{"charge": ["cut_after"], "status": ["http_500"]}; GET lists all faults`, nil},
		{"GET, PUT", "dineropay/cards", `{"token_contains": "…", "status": "declined", "reason": "…"}; GET lists the test cards`, nil},
		{"GET, POST", "dineropay/transactions", `what it has; ?order_number=… of one order; POST {"order_number": "…", "status": "pending"}: the next acquirer is tried`, nil},
		{"PUT", "dineropay/transactions/{payment_id}/status", `{"status": "settled"}`, nil},
		{"POST", "dineropay/transactions/{payment_id}/failed-refund", `{"reason": "…"}: a refund fails`, nil},
		{"PUT", "dineropay/cascades/{order_number}", `{"steps": [{"status": "declined"}, {"next": true, "status": "settled", "after": "20s"}]}: how its next charge goes`, nil},
		{"POST", "dineropay/cascades/{order_number}/next", "makes the next step of a cascade happen now", nil},
		{"GET, PUT", "dineropay/settings", `{"cascading_context": true, "key_refused_with_401": false}: the switches in its panel`, nil},
		{"GET", "dineropay/counts", "what it was asked, and how often it took money; ?order_number=… for one order", nil},
		{"GET, POST", "dineropay/callbacks", `{"order_number": "…"} or {"payment_id": "…"}: posts a callback; GET ?order_number=… shows its form`, nil},
		{"PUT", "dineropay/credentials", `{"merchant_key": "…", "merchant_password": "…"}`, nil},

		{"GET, POST, DELETE", "dinardragon/faults", `{"status": ["http_500"]}; GET lists all faults`, nil},
		{"GET", "dinardragon/accounts", "what the test accounts do", nil},
		{"GET", "dinardragon/payouts", "what it has", nil},
		{"PUT", "dinardragon/payouts/{payment_id}", `{"payments": [{"uniqueid": "…", "status": 0}]}: makes a payout`, nil},
		{"PUT", "dinardragon/payments/{uniqueid}", `{"status": 1}: 0 under way, 1 arrived, 2 failed`, nil},
		{"GET", "dinardragon/counts", "what it was asked", nil},
		{"PUT", "dinardragon/credentials", `{"private_key": "…"}`, nil},
	}
}

// serveOwn serves everything below /sandbox/. GET /sandbox/ lists it.
func (s *sandbox) serveOwn(ledgerFaults http.Handler) http.Handler {
	mux := http.NewServeMux()
	var list strings.Builder
	list.WriteString("The sandbox's own routes, below /sandbox/. What each does to a charge: docs/faults.md\n\n")
	for _, route := range s.ownRoutes(ledgerFaults) {
		fmt.Fprintf(&list, "%-17s %-55s %s\n", route.methods, route.path, route.does)
		if route.serve != nil {
			mux.Handle(route.methods+" /sandbox/"+route.path, route.serve)
		}
	}
	show := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, list.String()) // the caller may be gone
	}
	mux.HandleFunc("GET /sandbox", show)
	mux.HandleFunc("GET /sandbox/{$}", show)
	mux.Handle("/sandbox/dineropay/", control("/sandbox/dineropay", s.dineroPay))
	mux.Handle("/sandbox/dinardragon/", control("/sandbox/dinardragon", s.dinarDragon))
	return routes.Handler(mux)
}
