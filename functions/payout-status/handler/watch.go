package handler

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"dinarfunctions/shared/api"
	"dinarfunctions/shared/payout"
	"dinarfunctions/shared/unreadable"
	"dinarfunctions/shared/view"
)

// Watcher is what the function needs of *payout.Watcher. Its errors are those that
// problemOf knows.
type Watcher interface {
	// Watch begins to watch a payout, and tells whether it was not watched before.
	Watch(ctx context.Context, id, reference string) (p payout.Payout, created bool, err error)
	// Find returns a watched payout as it is known.
	Find(ctx context.Context, id string) (payout.Payout, error)
	// List lists watched payouts in a state, or all for the empty one.
	List(ctx context.Context, state payout.State, after payout.Place, limit int) ([]payout.Payout, *payout.Place, error)
	// Forget ends a watch, if there is one.
	Forget(ctx context.Context, id string) error
	// Sweep asks about what is due.
	Sweep(ctx context.Context) (payout.Swept, error)
}

var _ Watcher = (*payout.Watcher)(nil)

// maxReference is how many characters the merchant's own words for a payout may have.
const maxReference = 255

// sweep is what the schedule wakes the function for.
func (h handler) sweep(ctx context.Context) error {
	swept, err := h.watcher.Sweep(ctx)
	h.log.InfoContext(ctx, "watched payouts were asked about", "metric", "payout_sweep", "asked", swept.Asked, "completed", swept.Completed,
		"unanswered", swept.Unanswered, "failed", swept.Failed, "key_refused", swept.KeyRefused, "left", swept.Left,
		"unreadable", swept.Unreadable)
	return err
}

func (h handler) watch(r *http.Request) (api.Answer, error) {
	id, err := api.PathPayoutID(r, "payment_id")
	if err != nil {
		return api.Answer{}, err
	}
	var body struct {
		Reference string `json:"reference"`
	}
	if r.ContentLength != 0 { // without a body there is no reference
		if err := api.Decode(r, &body); err != nil {
			return api.Answer{}, err
		}
	}
	if len([]rune(body.Reference)) > maxReference {
		return api.Answer{}, api.Invalid(api.FieldError{Field: "reference", Message: fmt.Sprintf("must have at most %d characters", maxReference)})
	}
	p, created, err := h.watcher.Watch(r.Context(), id, body.Reference)
	if err != nil {
		return api.Answer{}, problemOf(err)
	}
	answer := api.Answer{Status: http.StatusOK, Body: view.OfPayout(p)}
	if created {
		answer.Status = http.StatusCreated
		h.log.InfoContext(r.Context(), "a payout is watched", "payment_id", id)
	}
	return answer, nil
}

func (h handler) find(r *http.Request) (api.Answer, error) {
	id, err := api.PathPayoutID(r, "payment_id")
	if err != nil {
		return api.Answer{}, err
	}
	p, err := h.watcher.Find(r.Context(), id)
	if err != nil {
		return api.Answer{}, problemOf(err)
	}
	return api.Answer{Status: http.StatusOK, Body: view.OfPayout(p)}, nil
}

func (h handler) forget(r *http.Request) (api.Answer, error) {
	id, err := api.PathPayoutID(r, "payment_id")
	if err != nil {
		return api.Answer{}, err
	}
	if err := h.watcher.Forget(r.Context(), id); err != nil {
		return api.Answer{}, problemOf(err)
	}
	h.log.InfoContext(r.Context(), "a payout is not watched any more", "payment_id", id)
	return api.Answer{Status: http.StatusNoContent}, nil
}

// listView is a page of watched payouts. Unreadable are the ids of those that belong into
// it and cannot be read.
type listView struct {
	Payouts    []view.Payout `json:"payouts"`
	Unreadable []string      `json:"unreadable,omitempty"`
	NextCursor string        `json:"next_cursor,omitzero"`
}

func (h handler) list(r *http.Request) (api.Answer, error) {
	query, err := api.Query(r, "state", "limit", "cursor")
	if err != nil {
		return api.Answer{}, err
	}
	var faults []api.FieldError
	state := payout.State(query.Get("state"))
	if state != "" && !slices.Contains(payout.States(), state) {
		words := make([]string, 0, len(payout.States()))
		for _, s := range payout.States() {
			words = append(words, string(s))
		}
		faults = append(faults, api.FieldError{Field: "state", Message: "must be one of " + strings.Join(words, ", ")})
	}
	of := api.ByTime("/payouts", string(state))
	asked, err := api.ReadPage(query, of, faults)
	if err != nil {
		return api.Answer{}, err
	}
	payouts, more, err := h.watcher.List(r.Context(), state, payout.Place{CreatedAt: asked.After.CreatedAt, ID: asked.After.ID}, asked.Limit)
	left, err := unreadable.Split(err)
	if err != nil {
		return api.Answer{}, problemOf(err)
	}
	if fit := fitting(payouts); fit < len(payouts) {
		place := payouts[fit-1].Place()
		payouts, more = payouts[:fit], &place
	}
	page := listView{Payouts: make([]view.Payout, len(payouts)), Unreadable: unreadable.Keys(left)}
	for i, p := range payouts {
		page.Payouts[i] = view.OfPayout(p)
	}
	if more != nil {
		page.NextCursor = of.Cursor(api.Place{CreatedAt: more.CreatedAt, ID: more.ID})
	}
	return api.Answer{Status: http.StatusOK, Body: page}, nil
}

// maxPayments is how many payments a page of payouts has at most. With the longest ids
// that is some 4 MB; Lambda takes 6 MB of an answer.
const maxPayments = 15_000

// fitting is how many of some payouts fit into a page: those with the longest lists
// make it a short one, of at least one payout.
func fitting(payouts []payout.Payout) int {
	payments := 0
	for i, p := range payouts {
		if payments += len(p.Payments); payments > maxPayments && i > 0 {
			return i
		}
	}
	return len(payouts)
}
