package dineropay

import (
	"net/http"

	"dinarfunctions/sandbox/provider/internal/jsonhttp"
	"dinarfunctions/sandbox/routes"
)

const (
	// controlPrefix is where the control API is. The real provider has nothing there.
	controlPrefix = "/sandbox/"
	// shownAt is where the sandbox shows the control API, for texts that point there.
	shownAt = "/sandbox/dineropay/"
)

// newControl is the control API:
//
//	GET    /sandbox/faults        which faults there are, and which are scripted
//	POST   /sandbox/faults        {"charge": ["cut_after"], "status": ["http_500"]}: script more
//	DELETE /sandbox/faults        forget what is scripted
//	GET    /sandbox/cards         what the test cards do
//	PUT    /sandbox/cards         {"token_contains": "…", "status": "declined", "reason": "…"}: from now on
//	GET    /sandbox/transactions  all of them, oldest first; ?order_number=… for some
//	PUT    /sandbox/transactions/{payment_id}/status  {"status": "settled", "reason": ""}
//	POST   /sandbox/transactions/{payment_id}/failed-refund  {"reason": "…"}: a refund fails, the payment is settled
//	POST   /sandbox/transactions  {"order_number": "…", "status": "pending", "reason": ""}: after a decline, the next acquirer is tried
//	PUT    /sandbox/cascades/{order_number}  {"steps": [{"status": "pending"}, {"status": "declined", "after": "20s"}, {"next": true, "status": "settled"}]}: how its next charge goes
//	POST   /sandbox/cascades/{order_number}/next  makes the next step now
//	GET    /sandbox/settings      the switches in the platform's panel
//	PUT    /sandbox/settings      {"cascading_context": true, "key_refused_with_401": false}
//	GET    /sandbox/counts        of all requests; ?order_number=… for one order
//	POST   /sandbox/callbacks     {"order_number": "…"}: post a signed callback to the merchant, about the newest payment; {"payment_id": "…"} for a given one
//	GET    /sandbox/callbacks?order_number=…  the form of that callback, signed; or ?payment_id=…
//	PUT    /sandbox/credentials   {"merchant_key": "…", "merchant_password": "…"}: rotate
func (s *Simulator) newControl() http.Handler {
	mux := http.NewServeMux()
	s.faults.Control(mux)
	mux.HandleFunc("GET "+controlPrefix+"cards", func(w http.ResponseWriter, _ *http.Request) {
		jsonhttp.Write(w, http.StatusOK, s.allCards())
	})
	mux.HandleFunc("PUT "+controlPrefix+"cards", func(w http.ResponseWriter, r *http.Request) {
		var card Card
		jsonhttp.Change(w, r, &card, func() error { return s.SetCard(card) })
	})
	mux.HandleFunc("GET "+controlPrefix+"transactions", func(w http.ResponseWriter, r *http.Request) {
		number := r.URL.Query().Get("order_number")
		found := []Transaction{}
		for _, t := range s.Transactions() {
			if number == "" || t.Order.Number == number {
				found = append(found, t)
			}
		}
		jsonhttp.Write(w, http.StatusOK, found)
	})
	mux.HandleFunc("PUT "+controlPrefix+"transactions/{payment_id}/status", func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Status string `json:"status"`
			Reason string `json:"reason"`
		}
		jsonhttp.Change(w, r, &body, func() error {
			return s.SetStatus(r.PathValue("payment_id"), body.Status, body.Reason)
		})
	})
	mux.HandleFunc("POST "+controlPrefix+"transactions/{payment_id}/failed-refund", func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Reason string `json:"reason"`
		}
		jsonhttp.Change(w, r, &body, func() error { return s.FailRefund(r.PathValue("payment_id"), body.Reason) })
	})
	s.controlCascades(mux)
	mux.HandleFunc("GET "+controlPrefix+"settings", func(w http.ResponseWriter, _ *http.Request) {
		jsonhttp.Write(w, http.StatusOK, s.Settings())
	})
	mux.HandleFunc("PUT "+controlPrefix+"settings", func(w http.ResponseWriter, r *http.Request) {
		settings := s.Settings() // what the body leaves out stays
		jsonhttp.Change(w, r, &settings, func() error { s.Set(settings); return nil })
	})
	mux.HandleFunc("GET "+controlPrefix+"counts", func(w http.ResponseWriter, r *http.Request) {
		if number := r.URL.Query().Get("order_number"); number != "" {
			jsonhttp.Write(w, http.StatusOK, s.Counts(number))
			return
		}
		jsonhttp.Write(w, http.StatusOK, s.Totals())
	})
	mux.HandleFunc("POST "+controlPrefix+"callbacks", s.postCallback)
	mux.HandleFunc("GET "+controlPrefix+"callbacks", s.getCallback)
	mux.HandleFunc("PUT "+controlPrefix+"credentials", func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Key      string `json:"merchant_key"`
			Password string `json:"merchant_password"`
		}
		jsonhttp.Change(w, r, &body, func() error { return s.Rotate(body.Key, body.Password) })
	})
	return routes.Handler(mux)
}
