// Package handler translates what wakes RecurringCharge into the terms of the ledger
// and of subscriptions, and their answers into the contract's. There are no rules
// about money here; those are in shared/charge, shared/subscription and
// shared/dineropay.
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
	"dinarfunctions/shared/view"
)

// Ledger is what the function needs of *charge.Ledger. Its errors are those that
// problemOf knows.
type Ledger interface {
	// Charge charges once, or answers with the charge that stands there.
	Charge(ctx context.Context, terms charge.Terms) (charge.Charge, error)
	// Find returns the charge under an order number, and asks the provider about
	// one whose outcome is to come.
	Find(ctx context.Context, number string) (charge.Charge, error)
	// Open lists charges whose outcome is to come.
	Open(ctx context.Context, state charge.State, after charge.Place, limit int) ([]charge.Charge, *charge.Place, error)
	// Resolve takes an operator's word on a charge.
	Resolve(ctx context.Context, number string, to charge.State, note string) (charge.Charge, error)
	// Switch and SetSwitch are the operator's switch.
	Switch(ctx context.Context) (charge.Switch, error)
	SetSwitch(ctx context.Context, mode charge.Mode, note string) (charge.Switch, error)
	// Sweep asks about what is due.
	Sweep(ctx context.Context) (charge.Swept, error)
}

var _ Ledger = (*charge.Ledger)(nil)

// New returns the function: what it does for each kind of event that wakes it.
// The schedule puts what is due on the queue and asks about open charges; the queue
// charges. Its part of the HTTP API is (contract, "Charges" and "Subscriptions"):
//
//	POST   /charges                      charges a saved token, once per order number
//	GET    /charges                      the charges whose outcome is to come
//	GET    /charges/{number}             the charge
//	PUT    /charges/{number}/resolution  an operator's word on it
//	GET    /charging, PUT /charging      the operator's switch
//	PUT    /subscriptions/{id}           makes a subscription, or changes it
//	GET    /subscriptions                the subscriptions, or those in one state
//	GET    /subscriptions/{id}           the subscription
//	DELETE /subscriptions/{id}           cancels it
//	GET    /subscriptions/{id}/charges   its charges
//	GET    /subscriptions/{id}/preview   what it will charge when
//	POST   /subscriptions/{id}/pause     stops it for now
//	POST   /subscriptions/{id}/resume    lets it charge again
func New(ledger Ledger, biller Biller, log *slog.Logger) trigger.Handlers {
	h := handler{ledger, biller, log}
	mux := api.NewMux(log)
	mux.Handle("POST /charges", h.post)
	mux.Handle("GET /charges", h.list)
	mux.Handle("GET /charges/{number}", h.get)
	mux.Handle("PUT /charges/{number}/resolution", h.resolve)
	mux.Handle("GET /charging", h.getSwitch)
	mux.Handle("PUT /charging", h.putSwitch)
	mux.Handle("PUT /subscriptions/{id}", h.putSubscription)
	mux.Handle("GET /subscriptions", h.listSubscriptions)
	mux.Handle("GET /subscriptions/{id}", h.getSubscription)
	mux.Handle("DELETE /subscriptions/{id}", h.cancelSubscription)
	mux.Handle("GET /subscriptions/{id}/charges", h.listSubscriptionCharges)
	mux.Handle("GET /subscriptions/{id}/preview", h.previewSubscription)
	mux.Handle("POST /subscriptions/{id}/pause", h.pauseSubscription)
	mux.Handle("POST /subscriptions/{id}/resume", h.resumeSubscription)
	return trigger.Handlers{HTTP: mux, Schedule: h.schedule, Queue: h.queue, Log: log}
}

type handler struct {
	ledger Ledger
	biller Biller
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
	answer := api.Answer{Status: statusOf[c.State], Body: view.OfCharge(c)}
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
	return api.Answer{Status: http.StatusOK, Body: view.OfCharge(c)}, nil
}
