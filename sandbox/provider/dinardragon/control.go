package dinardragon

import (
	"net/http"

	"dinarfunctions/sandbox/provider/internal/jsonhttp"
	"dinarfunctions/sandbox/routes"
)

const (
	// controlPrefix is where the control API is. The real provider has nothing there.
	controlPrefix = "/sandbox/"
	// shownAt is where the sandbox shows the control API, for texts that point there.
	shownAt = "/sandbox/dinardragon/"
)

// newControl is the control API:
//
//	GET, POST, DELETE /sandbox/faults        {"status": ["http_500", …]}
//	GET    /sandbox/accounts                 what the test accounts do
//	GET    /sandbox/payouts                  all of them as they are now, oldest first
//	PUT    /sandbox/payouts/{payment_id}     {"payments": [{"uniqueid": "…", "status": 0}, …]}
//	PUT    /sandbox/payments/{uniqueid}      {"status": 1}
//	GET    /sandbox/counts                   of all status requests
//	PUT    /sandbox/credentials              {"private_key": "…"}: rotate
func (s *Simulator) newControl() http.Handler {
	mux := http.NewServeMux()
	s.faults.Control(mux)
	mux.HandleFunc("GET "+controlPrefix+"accounts", func(w http.ResponseWriter, _ *http.Request) {
		jsonhttp.Write(w, http.StatusOK, Accounts())
	})
	mux.HandleFunc("GET "+controlPrefix+"payouts", func(w http.ResponseWriter, _ *http.Request) {
		jsonhttp.Write(w, http.StatusOK, s.Payouts())
	})
	mux.HandleFunc("PUT "+controlPrefix+"payouts/{payment_id}", func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Payments []Payment `json:"payments"`
		}
		jsonhttp.Change(w, r, &body, func() error {
			return s.Put(Payout{PaymentID: r.PathValue("payment_id"), Payments: body.Payments})
		})
	})
	mux.HandleFunc("PUT "+controlPrefix+"payments/{uniqueid}", func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Status Status `json:"status"`
		}
		jsonhttp.Change(w, r, &body, func() error { return s.SetStatus(r.PathValue("uniqueid"), body.Status) })
	})
	mux.HandleFunc("GET "+controlPrefix+"counts", func(w http.ResponseWriter, _ *http.Request) {
		jsonhttp.Write(w, http.StatusOK, s.Counts())
	})
	mux.HandleFunc("PUT "+controlPrefix+"credentials", func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Key string `json:"private_key"`
		}
		jsonhttp.Change(w, r, &body, func() error { return s.Rotate(body.Key) })
	})
	return routes.Handler(mux)
}
