package handler

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"dinarfunctions/shared/api"
	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/subscription"
	"dinarfunctions/shared/unreadable"
	"dinarfunctions/shared/view"
)

// Biller is what the function needs of *subscription.Biller. Its errors are those
// that problemOf knows.
type Biller interface {
	// Put makes a subscription or changes one, and tells whether it made it.
	Put(ctx context.Context, id string, terms subscription.Terms) (s subscription.Subscription, created bool, err error)
	// Find returns a subscription with its last charge.
	Find(ctx context.Context, id string) (subscription.Subscription, error)
	// List lists subscriptions in a state, or all for "".
	List(ctx context.Context, state subscription.State, after subscription.Place, limit int) ([]subscription.Subscription, *subscription.Place, error)
	// Charges lists the charges of a subscription by cycle and try.
	Charges(ctx context.Context, id string, after charge.Cycle, limit int) ([]charge.Charge, *charge.Cycle, error)
	// Preview is what will be charged when.
	Preview(ctx context.Context, id string, count int) ([]subscription.Planned, error)
	// Pause, Resume and Cancel are what a person asks for.
	Pause(ctx context.Context, id string) (subscription.Subscription, error)
	Resume(ctx context.Context, id string, missed subscription.Missed) (subscription.Subscription, error)
	Cancel(ctx context.Context, id string) error
	// QueueDue puts what is due on the queue.
	QueueDue(ctx context.Context) (subscription.Queued, error)
	// Look does what a message asks for. Where it fails, it has done what HandBack does.
	Look(ctx context.Context, m subscription.Message) error
	// HandBack moves the next look on, for a message that comes again.
	HandBack(ctx context.Context, m subscription.Message)
}

var _ Biller = (*subscription.Biller)(nil)

func (h handler) putSubscription(r *http.Request) (api.Answer, error) {
	id, err := api.PathSubscriptionID(r, "id")
	if err != nil {
		return api.Answer{}, err
	}
	var body subscriptionRequest
	if err := api.Decode(r, &body); err != nil {
		return api.Answer{}, err
	}
	terms, err := body.terms(id)
	if err != nil {
		return api.Answer{}, err
	}
	s, created, err := h.biller.Put(r.Context(), id, terms)
	if err != nil {
		return api.Answer{}, problemOf(err)
	}
	h.log.InfoContext(r.Context(), "a subscription was put", "subscription", id, "created", created, "state", string(s.State))
	status := http.StatusOK
	if created {
		status = http.StatusCreated
	}
	return api.Answer{Status: status, Body: view.OfSubscription(s)}, nil
}

func (h handler) getSubscription(r *http.Request) (api.Answer, error) {
	id, err := api.PathSubscriptionID(r, "id")
	if err != nil {
		return api.Answer{}, err
	}
	return subscriptionAnswer(h.biller.Find(r.Context(), id))
}

func (h handler) cancelSubscription(r *http.Request) (api.Answer, error) {
	id, err := api.PathSubscriptionID(r, "id")
	if err != nil {
		return api.Answer{}, err
	}
	if err := h.biller.Cancel(r.Context(), id); err != nil {
		return api.Answer{}, problemOf(err)
	}
	h.log.InfoContext(r.Context(), "a subscription was cancelled", "subscription", id)
	return api.Answer{Status: http.StatusNoContent}, nil
}

func (h handler) pauseSubscription(r *http.Request) (api.Answer, error) {
	id, err := api.PathSubscriptionID(r, "id")
	if err != nil {
		return api.Answer{}, err
	}
	if err := api.DecodeOptional(r, &struct{}{}); err != nil {
		return api.Answer{}, err
	}
	s, err := h.biller.Pause(r.Context(), id)
	if err == nil {
		h.log.InfoContext(r.Context(), "a subscription was paused", "subscription", id)
	}
	return subscriptionAnswer(s, err)
}

func (h handler) resumeSubscription(r *http.Request) (api.Answer, error) {
	id, err := api.PathSubscriptionID(r, "id")
	if err != nil {
		return api.Answer{}, err
	}
	var body struct {
		Missed *subscription.Missed `json:"missed"`
	}
	if err := api.DecodeOptional(r, &body); err != nil {
		return api.Answer{}, err
	}
	var missed subscription.Missed
	if body.Missed != nil {
		missed = *body.Missed
		if missed != subscription.Skip && missed != subscription.ChargeLatest {
			return api.Answer{}, api.Invalid(api.FieldError{Field: "missed", Message: `must be "skip" or "charge_latest"`})
		}
	}
	s, err := h.biller.Resume(r.Context(), id, missed)
	if err == nil {
		h.log.InfoContext(r.Context(), "a subscription was resumed", "subscription", id, "missed", string(missed), "state", string(s.State))
	}
	return subscriptionAnswer(s, err)
}

// subscriptionAnswer shows a subscription, or what went wrong.
func subscriptionAnswer(s subscription.Subscription, err error) (api.Answer, error) {
	if err != nil {
		return api.Answer{}, problemOf(err)
	}
	return api.Answer{Status: http.StatusOK, Body: view.OfSubscription(s)}, nil
}

// subscriptionsView is a page of subscriptions. Unreadable are the ids of those that
// belong into it and cannot be read.
type subscriptionsView struct {
	Subscriptions []view.Subscription `json:"subscriptions"`
	Unreadable    []string            `json:"unreadable,omitempty"`
	NextCursor    string              `json:"next_cursor,omitzero"`
}

func (h handler) listSubscriptions(r *http.Request) (api.Answer, error) {
	query, err := api.Query(r, "state", "limit", "cursor")
	if err != nil {
		return api.Answer{}, err
	}
	var faults []api.FieldError
	state := subscription.State(query.Get("state"))
	if state != "" && !slices.Contains(subscription.States(), state) {
		faults = append(faults, api.FieldError{Field: "state", Message: fmt.Sprintf("must be one of %v, or left out", subscription.States())})
	}
	of := api.ByTime("/subscriptions", string(state))
	asked, err := api.ReadPage(query, of, faults)
	if err != nil {
		return api.Answer{}, err
	}
	found, more, err := h.biller.List(r.Context(), state, subscription.Place(asked.After), asked.Limit)
	left, err := unreadable.Split(err)
	if err != nil {
		return api.Answer{}, problemOf(err)
	}
	page := subscriptionsView{Subscriptions: make([]view.Subscription, len(found)), Unreadable: unreadable.Keys(left)}
	for i, s := range found {
		page.Subscriptions[i] = view.OfSubscription(s)
	}
	if more != nil {
		page.NextCursor = of.Cursor(api.Place(*more))
	}
	return api.Answer{Status: http.StatusOK, Body: page}, nil
}

func (h handler) listSubscriptionCharges(r *http.Request) (api.Answer, error) {
	id, err := api.PathSubscriptionID(r, "id")
	if err != nil {
		return api.Answer{}, err
	}
	query, err := api.Query(r, "limit", "cursor")
	if err != nil {
		return api.Answer{}, err
	}
	of := chargesOf(id)
	asked, err := api.ReadPage(query, of, nil)
	if err != nil {
		return api.Answer{}, err
	}
	var after charge.Cycle
	if at := asked.After; at.Cycle != 0 {
		after = charge.Cycle{Subscription: id, Number: at.Cycle, Attempt: at.Attempt}
	}
	charges, more, err := h.biller.Charges(r.Context(), id, after, asked.Limit)
	left, err := unreadable.Split(err)
	if err != nil {
		return api.Answer{}, problemOf(err)
	}
	page := listOf(charges, left)
	if more != nil {
		page.NextCursor = of.Cursor(cyclePlace{Cycle: more.Number, Attempt: more.Attempt})
	}
	return api.Answer{Status: http.StatusOK, Body: page}, nil
}

// cyclePlace is a place in the list of a subscription's charges, which is in the order of
// cycles and their tries.
type cyclePlace struct {
	Cycle   int `json:"c"`
	Attempt int `json:"t"`
}

// chargesOf is the list of a subscription's charges. The bounds of a place are those of
// the stores' keys.
func chargesOf(id string) api.List[cyclePlace] {
	return api.Ordered("/subscriptions/"+id+"/charges", func(at cyclePlace) bool {
		return at.Cycle >= 1 && at.Cycle <= maxCycle && at.Attempt >= 0 && at.Attempt <= maxTry
	})
}

const (
	maxCycle = 999_999_999
	maxTry   = 999_999
)

const (
	defaultPreview = 12
	maxPreview     = 100
)

// previewView is what will be charged when.
type previewView struct {
	Cycles []plannedView `json:"cycles"`
}

type plannedView struct {
	Cycle    int    `json:"cycle"`
	DueAt    string `json:"due_at"`
	DueOn    string `json:"due_on"` // the day of it in the subscription's time zone
	Amount   string `json:"amount"`
	Currency string `json:"currency"`
}

func (h handler) previewSubscription(r *http.Request) (api.Answer, error) {
	id, err := api.PathSubscriptionID(r, "id")
	if err != nil {
		return api.Answer{}, err
	}
	query, err := api.Query(r, "count")
	if err != nil {
		return api.Answer{}, err
	}
	count := defaultPreview
	if text := query.Get("count"); text != "" {
		if count, err = strconv.Atoi(text); err != nil || count < 1 || count > maxPreview {
			return api.Answer{}, api.Invalid(api.FieldError{Field: "count", Message: fmt.Sprintf("must be a number from 1 to %d", maxPreview)})
		}
	}
	planned, err := h.biller.Preview(r.Context(), id, count)
	if err != nil {
		return api.Answer{}, problemOf(err)
	}
	shown := previewView{Cycles: make([]plannedView, len(planned))}
	for i, p := range planned {
		shown.Cycles[i] = plannedView{Cycle: p.Cycle, DueAt: api.Time(p.DueAt), DueOn: p.DueOn.String(), Amount: p.Amount.String(), Currency: p.Amount.Currency()}
	}
	return api.Answer{Status: http.StatusOK, Body: shown}, nil
}
