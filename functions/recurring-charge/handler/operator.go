package handler

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"

	"dinarfunctions/shared/api"
	"dinarfunctions/shared/charge"
)

const (
	defaultLimit = 50
	maxLimit     = 100
	maxNote      = 1024
)

// listView is a page of charges.
type listView struct {
	Charges    []view `json:"charges"`
	NextCursor string `json:"next_cursor,omitzero"`
}

func (h handler) list(r *http.Request) (api.Answer, error) {
	query := r.URL.Query()
	state, after, limit, err := listQuery(query)
	if err != nil {
		return api.Answer{}, err
	}
	charges, more, err := h.ledger.Open(r.Context(), state, after, limit)
	if err != nil {
		return api.Answer{}, problemOf(err)
	}
	page := listView{Charges: make([]view, len(charges))}
	for i, c := range charges {
		page.Charges[i] = viewOf(c)
	}
	if more != nil {
		if page.NextCursor, err = cursorOf(*more); err != nil {
			return api.Answer{}, err
		}
	}
	return api.Answer{Status: http.StatusOK, Body: page}, nil
}

// listQuery reads state, limit and cursor, and names all of them that are wrong.
func listQuery(query url.Values) (state charge.State, after charge.Place, limit int, err error) {
	var faults []api.FieldError
	state = charge.State(query.Get("state"))
	if state != "" && !state.Open() {
		faults = append(faults, api.FieldError{Field: "state", Message: "must be sending, pending or unknown: only charges whose outcome is to come are listed"})
	}
	limit = defaultLimit
	if text := query.Get("limit"); text != "" {
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > maxLimit {
			faults = append(faults, api.FieldError{Field: "limit", Message: fmt.Sprintf("must be a number from 1 to %d", maxLimit)})
		}
	}
	if text := query.Get("cursor"); text != "" {
		if after, err = readCursor(text); err != nil {
			faults = append(faults, api.FieldError{Field: "cursor", Message: "must be the next_cursor of an earlier answer"})
		}
	}
	if faults != nil {
		return "", charge.Place{}, 0, api.Invalid(faults...)
	}
	return state, after, limit, nil
}

// cursor is a place in the list as callers carry it. To them it is opaque.
type cursor struct {
	CreatedAt time.Time `json:"c"`
	Number    string    `json:"n"`
}

func cursorOf(p charge.Place) (string, error) {
	text, err := json.Marshal(cursor(p))
	return base64.RawURLEncoding.EncodeToString(text), err
}

func readCursor(text string) (charge.Place, error) {
	decoded, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return charge.Place{}, err
	}
	var c cursor
	if err := json.Unmarshal(decoded, &c, json.RejectUnknownMembers(true)); err != nil {
		return charge.Place{}, err
	}
	if c.CreatedAt.IsZero() {
		return charge.Place{}, errors.New("a cursor without a time")
	}
	return charge.Place(c), nil
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
	return api.Answer{Status: http.StatusOK, Body: viewOf(c)}, nil
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
	v := switchView{Mode: s.Mode, Note: orNull(s.Note)}
	if !s.SetAt.IsZero() {
		v.SetAt = orNull(utc(s.SetAt))
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
