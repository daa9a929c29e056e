// Package handler translates what wakes RecurringCharge into the ledger's terms,
// and the ledger's answers into the contract's. There are no rules about money
// here; those are in shared/charge and shared/dineropay.
//
// It is not part of package main so that the sandbox and the tests start the
// very handlers that Lambda starts.
package handler

import (
	"context"
	"log/slog"
	"net/http"

	"dinarfunctions/shared/api"
	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/dineropay"
	"dinarfunctions/shared/trigger"
)

// Ledger is what the routes need of *charge.Ledger. Its errors are those that
// problemOf knows.
type Ledger interface {
	// Charge charges once, or answers with the charge that stands there.
	Charge(ctx context.Context, terms charge.Terms) (charge.Charge, error)
	// Find returns the charge under an order number.
	Find(ctx context.Context, number string) (charge.Charge, error)
}

var _ Ledger = (*charge.Ledger)(nil)

// New returns the function: what it does for each kind of event that wakes it.
// Its part of the HTTP API is (contract, "Charges"):
//
//	POST /charges            charges a saved token, once per order number
//	GET  /charges/{number}   the charge
func New(ledger Ledger, log *slog.Logger) trigger.Handlers {
	h := handler{ledger, log}
	mux := api.NewMux(log)
	mux.Handle("POST /charges", h.post)
	mux.Handle("GET /charges/{number}", h.get)
	return trigger.Handlers{HTTP: mux, Log: log}
}

type handler struct {
	ledger Ledger
	log    *slog.Logger
}

// chargeRequest is the body of POST /charges, named as the provider names it.
type chargeRequest struct {
	InitTransID string `json:"recurring_init_trans_id"`
	Token       string `json:"recurring_token"`
	ScheduleID  string `json:"schedule_id"`
	Order       struct {
		Number      string `json:"number"`
		Amount      string `json:"amount"`
		Currency    string `json:"currency"`
		Description string `json:"description"`
	} `json:"order"`
}

func (h handler) post(r *http.Request) (api.Answer, error) {
	var body chargeRequest
	if err := api.Decode(r, &body); err != nil {
		return api.Answer{}, err
	}
	terms, err := dineropay.NewTerms(dineropay.Request{
		InitTransID: body.InitTransID,
		Token:       body.Token,
		ScheduleID:  body.ScheduleID,
		Number:      body.Order.Number,
		Amount:      body.Order.Amount,
		Currency:    body.Order.Currency,
		Description: body.Order.Description,
	})
	if err != nil {
		return api.Answer{}, problemOf(err)
	}
	c, err := h.ledger.Charge(r.Context(), terms)
	if err != nil {
		h.log.InfoContext(r.Context(), "no charge was begun", "order_number", terms.Order.Number, "error", err.Error())
		return api.Answer{}, problemOf(err)
	}
	h.log.InfoContext(r.Context(), "charge", "order_number", c.Order.Number, "state", c.State, "payment_id", c.PaymentID)
	answer := api.Answer{Status: statusOf[c.State], Body: viewOf(c)}
	if c.State == charge.Unsent {
		answer.RetryAfter = retryAfter
	}
	return answer, nil
}

func (h handler) get(r *http.Request) (api.Answer, error) {
	number, err := api.PathID(r, "number")
	if err != nil {
		return api.Answer{}, err
	}
	c, err := h.ledger.Find(r.Context(), number)
	if err != nil {
		return api.Answer{}, problemOf(err)
	}
	return api.Answer{Status: http.StatusOK, Body: viewOf(c)}, nil
}
