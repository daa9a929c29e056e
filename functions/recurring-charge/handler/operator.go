package handler

import (
	"fmt"
	"net/http"

	"dinarfunctions/shared/api"
	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/unreadable"
	"dinarfunctions/shared/view"
)

const maxNote = 1024

// listView is a page of charges. Unreadable are the order numbers of those that belong
// into it and cannot be read.
type listView struct {
	Charges    []view.Charge `json:"charges"`
	Unreadable []string      `json:"unreadable,omitempty"`
	NextCursor string        `json:"next_cursor,omitzero"`
}

// listOf is a page of charges, without its cursor.
func listOf(charges []charge.Charge, left []*unreadable.Error) listView {
	page := listView{Charges: make([]view.Charge, len(charges)), Unreadable: unreadable.Keys(left)}
	for i, c := range charges {
		page.Charges[i] = view.OfCharge(c)
	}
	return page
}

func (h handler) list(r *http.Request) (api.Answer, error) {
	query, err := api.Query(r, "state", "limit", "cursor")
	if err != nil {
		return api.Answer{}, err
	}
	var faults []api.FieldError
	state := charge.State(query.Get("state"))
	if state != "" && !state.Open() {
		faults = append(faults, api.FieldError{Field: "state", Message: "must be sending, pending or unknown: only charges whose outcome is to come are listed"})
	}
	of := api.ByTime("/charges", string(state))
	asked, err := api.ReadPage(query, of, faults)
	if err != nil {
		return api.Answer{}, err
	}
	charges, more, err := h.ledger.Open(r.Context(), state, charge.Place{CreatedAt: asked.After.CreatedAt, Number: asked.After.ID}, asked.Limit)
	left, err := unreadable.Split(err)
	if err != nil {
		return api.Answer{}, problemOf(err)
	}
	page := listOf(charges, left)
	if more != nil {
		page.NextCursor = of.Cursor(api.Place{CreatedAt: more.CreatedAt, ID: more.Number})
	}
	return api.Answer{Status: http.StatusOK, Body: page}, nil
}

func (h handler) resolve(r *http.Request) (api.Answer, error) {
	number, err := api.PathID(r, "number")
	if err != nil {
		return api.Answer{}, err
	}
	var body struct {
		Outcome string `json:"outcome"`
		Note    string `json:"note"`
	}
	if err := api.Decode(r, &body); err != nil {
		return api.Answer{}, err
	}
	to, known := map[string]charge.State{"settled": charge.Settled, "not_charged": charge.Declined}[body.Outcome]
	var faults []api.FieldError
	if !known {
		faults = append(faults, api.FieldError{Field: "outcome", Message: `must be "settled" or "not_charged"`})
	}
	if fault := checkNote(body.Note, true); fault != nil {
		faults = append(faults, *fault)
	}
	if faults != nil {
		return api.Answer{}, api.Invalid(faults...)
	}
	c, err := h.ledger.Resolve(r.Context(), number, to, body.Note)
	if err != nil {
		return api.Answer{}, problemOf(err)
	}
	h.log.WarnContext(r.Context(), "an operator's word on a charge", "order_number", number, "state", string(c.State))
	return api.Answer{Status: http.StatusOK, Body: view.OfCharge(c)}, nil
}

// checkNote: whoever looks at the ledger a year later wants to know why.
func checkNote(note string, required bool) *api.FieldError {
	switch n := len([]rune(note)); {
	case n == 0 && required:
		return &api.FieldError{Field: "note", Message: "is required: say how you know"}
	case n > maxNote:
		return &api.FieldError{Field: "note", Message: fmt.Sprintf("must have at most %d characters", maxNote)}
	}
	return nil
}

type switchView struct {
	Mode  charge.Mode `json:"mode"`
	Note  *string     `json:"note"`
	SetAt *string     `json:"set_at"`
}

func switchViewOf(s charge.Switch) switchView {
	v := switchView{Mode: s.Mode, Note: api.OrNull(s.Note)}
	if !s.SetAt.IsZero() {
		v.SetAt = api.OrNull(api.Time(s.SetAt))
	}
	return v
}

func (h handler) getSwitch(r *http.Request) (api.Answer, error) {
	s, err := h.ledger.Switch(r.Context())
	if err != nil {
		return api.Answer{}, problemOf(err)
	}
	return api.Answer{Status: http.StatusOK, Body: switchViewOf(s)}, nil
}

func (h handler) putSwitch(r *http.Request) (api.Answer, error) {
	var body struct {
		Mode string `json:"mode"`
		Note string `json:"note"`
	}
	if err := api.Decode(r, &body); err != nil {
		return api.Answer{}, err
	}
	var faults []api.FieldError
	switch charge.Mode(body.Mode) {
	case charge.Live, charge.AskFirst, charge.Stopped:
	default:
		faults = append(faults, api.FieldError{Field: "mode", Message: `must be "live", "ask_first" or "stopped"`})
	}
	if fault := checkNote(body.Note, false); fault != nil {
		faults = append(faults, *fault)
	}
	if faults != nil {
		return api.Answer{}, api.Invalid(faults...)
	}
	s, err := h.ledger.SetSwitch(r.Context(), charge.Mode(body.Mode), body.Note)
	if err != nil {
		return api.Answer{}, problemOf(err)
	}
	return api.Answer{Status: http.StatusOK, Body: switchViewOf(s)}, nil
}
