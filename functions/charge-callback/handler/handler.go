// Package handler takes DineroPay's callbacks. A callback is a hint and no more:
// one that is signed makes the ledger ask the provider about the charge, and that
// answer counts (contract, "Callback").
//
// It is not part of package main so that the sandbox and the tests start the
// very handlers that Lambda starts.
package handler

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"dinarfunctions/shared/api"
	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/dineropay"
	"dinarfunctions/shared/secrets"
	"dinarfunctions/shared/trigger"
)

// Ledger is what a callback needs of *charge.Ledger.
type Ledger interface {
	// Hint has the provider asked about a charge, now or soon. It wraps
	// charge.ErrNotFound or charge.ErrStore.
	Hint(ctx context.Context, number, paymentID string) error
}

// Verifier is what a callback needs of *dineropay.CallbackVerifier.
type Verifier interface {
	// Verify returns nil for a callback that the provider signed,
	// dineropay.ErrNotSigned for another, and wraps a *secrets.Error where the
	// password cannot be had.
	Verify(ctx context.Context, callback dineropay.Callback) error
}

var (
	_ Ledger   = (*charge.Ledger)(nil)
	_ Verifier = (*dineropay.CallbackVerifier)(nil)
)

// New returns the function. Its one route is public:
//
//	POST /callbacks/dineropay   the provider's word on a charge
func New(ledger Ledger, verifier Verifier, log *slog.Logger) trigger.Handlers {
	h := handler{ledger, verifier, log}
	mux := api.NewMux(log)
	mux.Handle("POST /callbacks/dineropay", h.post)
	return trigger.Handlers{HTTP: mux, Log: log}
}

type handler struct {
	ledger   Ledger
	verifier Verifier
	log      *slog.Logger
}

// answerWithin is how long a callback takes at most. The platform blocks a URL that is
// slow, for all merchants behind it (contract, "Callback").
const answerWithin = 2800 * time.Millisecond

// retryAfter is when the provider may send a callback again that could not be taken.
const retryAfter = 30 * time.Second

// taken is the answer that the provider expects.
var taken = api.Answer{Status: http.StatusOK, Text: "OK"}

// post takes one callback. Nothing of it is logged but the order number, and that
// only if it has the form of one and the signature is good.
func (h handler) post(r *http.Request) (api.Answer, error) {
	body, err := api.ReadLimited(r, api.MaxBody)
	if err != nil {
		return api.Answer{}, err
	}
	callback, err := dineropay.ParseCallback(body, r.Header.Get("Content-Type"))
	if err != nil {
		h.log.WarnContext(r.Context(), "a callback cannot be read", "count", "callback_unreadable", "error", err.Error())
		return api.Answer{}, problemOf(err)
	}
	ctx, cancel := context.WithTimeout(r.Context(), answerWithin)
	defer cancel()
	if err := h.verifier.Verify(ctx, callback); err != nil {
		if errors.Is(err, dineropay.ErrNotSigned) {
			h.log.WarnContext(ctx, "a callback with a bad signature was turned away", "count", "callback_bad_signature")
		}
		return api.Answer{}, problemOf(err)
	}
	if callback.Number == "" {
		h.unknown(ctx, "(not of the form of an order number)")
		return taken, nil
	}
	switch err := h.ledger.Hint(ctx, callback.Number, callback.PaymentID); {
	case errors.Is(err, charge.ErrNotFound):
		h.unknown(ctx, callback.Number)
		return taken, nil
	case err != nil:
		return api.Answer{}, problemOf(err)
	}
	h.log.InfoContext(ctx, "callback taken", "order_number", callback.Number)
	return taken, nil
}

// unknown notes a callback about an order that is not ours: the provider has one
// callback URL per merchant, so the shop's own sales arrive here too.
func (h handler) unknown(ctx context.Context, number string) {
	h.log.InfoContext(ctx, "a callback is about an order that the ledger does not know", "count", "callback_unknown_order", "order_number", number)
}

// problemOf translates errors into problem documents (contract, "Callback"). What
// is not in the table is a fault of ours, and a 500.
func problemOf(err error) error {
	var (
		form   *dineropay.FormError
		secret *secrets.Error
	)
	switch {
	case errors.Is(err, dineropay.ErrNotForm):
		return &api.Problem{
			Status: http.StatusUnsupportedMediaType,
			Detail: "Send the callback with the header Content-Type: application/x-www-form-urlencoded.",
			Cause:  err,
		}
	case errors.As(err, &form):
		told := &api.Problem{Status: http.StatusBadRequest, Detail: form.Problem, Cause: err}
		for _, f := range form.Faults {
			told.Errors = append(told.Errors, api.FieldError{Field: f.Field, Message: f.Message})
		}
		return told
	case errors.Is(err, dineropay.ErrNotSigned):
		return &api.Problem{
			Status: http.StatusUnauthorized,
			Detail: "The hash is not the signature of these values with the merchant's password. Nothing was changed.",
			Cause:  err,
		}
	case errors.As(err, &secret):
		told := &api.Problem{Status: http.StatusServiceUnavailable, Detail: "Nothing was changed: " + secret.Public() + ".", Cause: err}
		if errors.Is(secret, secrets.ErrUnavailable) { // for the rest an operator is needed
			told.RetryAfter = retryAfter
		}
		return told
	case errors.Is(err, charge.ErrStore):
		return &api.Problem{
			Status:     http.StatusServiceUnavailable,
			Detail:     "The ledger cannot be reached now. Send the callback again.",
			RetryAfter: retryAfter,
			Cause:      err,
		}
	default:
		return err
	}
}
