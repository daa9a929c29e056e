// Package handler is what the function PayoutStatus does (contract, Payouts): it
// asks how payouts stand, at once for whoever wants to know, and again and again
// for those that are watched; the rules of that are in shared/payout. It moves no
// money.
//
// It stands apart from the command, so that the sandbox and the tests make it
// with the same constructor as Lambda does.
package handler

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"dinarfunctions/shared/api"
	"dinarfunctions/shared/dinardragon"
	"dinarfunctions/shared/trigger"
)

// Provider tells how payouts stand. It tries again by itself where that helps,
// within the context's deadline. Errors are a *dinardragon.Error, or wrap a
// *secrets.Error if there is no key to ask with.
type Provider interface {
	// PaymentStatus returns the payment with this id, and no other.
	PaymentStatus(context.Context, dinardragon.PaymentID) (dinardragon.Payment, error)
	// PayoutStatus returns all payments of a payout, at least one.
	PayoutStatus(context.Context, dinardragon.PayoutID) ([]dinardragon.Payment, error)
}

var _ Provider = (*dinardragon.Client)(nil)

// answerTime is what remains of an invocation, once the provider has been given
// up, to tell the caller so.
const answerTime = 3 * time.Second

// New returns the function: what it does for each kind of event that wakes it. The
// schedule asks about the watched payouts that are due. Its part of the HTTP API is
// (contract, "Payouts"):
//
//	POST   /payouts/status        how a payout or a payment stands now
//	PUT    /payouts/{payment_id}  watches a payout
//	GET    /payouts/{payment_id}  what is known of a watched payout
//	GET    /payouts               the watched payouts
//	DELETE /payouts/{payment_id}  watches it no more
func New(provider Provider, watcher Watcher, log *slog.Logger) trigger.Handlers {
	h := handler{provider, watcher, log}
	status := api.NewMux(log)
	status.Handle("POST "+statusPath, h.status)
	others := api.NewMux(log)
	others.Handle("PUT /payouts/{payment_id}", h.watch)
	others.Handle("GET /payouts/{payment_id}", h.find)
	others.Handle("DELETE /payouts/{payment_id}", h.forget)
	others.Handle("GET /payouts", h.list)
	return trigger.Handlers{
		HTTP: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == statusPath { // status is no payment_id: its other methods are none
				status.ServeHTTP(w, r)
				return
			}
			others.ServeHTTP(w, r)
		}),
		Schedule: h.sweep,
		Log:      log,
	}
}

const statusPath = "/payouts/status"

type handler struct {
	provider Provider
	watcher  Watcher
	log      *slog.Logger
}

type statusRequest struct {
	UniqueID  *string `json:"uniqueid"`
	PaymentID *string `json:"payment_id"`
}

type statusAnswer struct {
	Payments []payment `json:"payments"`
	Final    bool      `json:"final"`
}

type payment struct {
	UniqueID string `json:"uniqueid"`
	Status   int    `json:"status"`
	State    string `json:"state"`
}

func (h handler) status(r *http.Request) (api.Answer, error) {
	var asked statusRequest
	if err := api.Decode(r, &asked); err != nil {
		return api.Answer{}, err
	}
	if (asked.UniqueID == nil) == (asked.PaymentID == nil) {
		const rule = "exactly one of uniqueid and payment_id has to be there"
		return api.Answer{}, api.Invalid(
			api.FieldError{Field: "uniqueid", Message: rule},
			api.FieldError{Field: "payment_id", Message: rule},
		)
	}
	ctx := r.Context()
	if end, limited := ctx.Deadline(); limited {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, end.Add(-answerTime))
		defer cancel()
	}
	payments, err := h.ask(ctx, asked)
	if err != nil {
		if fault, ok := errors.AsType[*dinardragon.Error](err); ok && fault.Kind == dinardragon.KeyRefused {
			h.log.ErrorContext(ctx, "Dinar Dragon refuses the private key; see the runbook on refused keys", "alarm", "key_refused", "error", err.Error())
		}
		return api.Answer{}, problemOf(err)
	}
	return api.Answer{Status: http.StatusOK, Body: shown(payments)}, nil
}

func (h handler) ask(ctx context.Context, asked statusRequest) ([]dinardragon.Payment, error) {
	if asked.PaymentID != nil {
		return h.provider.PayoutStatus(ctx, dinardragon.PayoutID(*asked.PaymentID))
	}
	one, err := h.provider.PaymentStatus(ctx, dinardragon.PaymentID(*asked.UniqueID))
	return []dinardragon.Payment{one}, err
}

func shown(payments []dinardragon.Payment) statusAnswer {
	answer := statusAnswer{Final: true}
	for _, p := range payments {
		answer.Payments = append(answer.Payments, payment{p.UniqueID, p.Status, p.State.String()})
		answer.Final = answer.Final && p.State.Final()
	}
	return answer
}
