package outcome

import (
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"dinarfunctions/shared/api"
	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/view"
)

// Source is who tells, on the bus.
const Source = "dinar-functions"

// version is that of the envelope. It rises when a field changes its meaning or goes.
const version = 1

// Event is one thing that others are told.
type Event struct {
	// ID names the change: see the package doc.
	ID string
	// DetailType is one of DetailTypes.
	DetailType string
	OccurredAt time.Time
	// Detail is the envelope of the contract, in JSON.
	Detail []byte
}

// envelope is an event's detail (contract, "Outcome events"). Of the things there is
// one.
type envelope struct {
	Version       int     `json:"version"`
	ID            string  `json:"id"`
	OccurredAt    string  `json:"occurred_at"`
	PreviousState *string `json:"previous_state"`
	Evidence      *string `json:"evidence"`

	Charge  any `json:"charge,omitzero"`
	Payment any `json:"payment,omitzero"`
	Payout  any `json:"payout,omitzero"`

	Subscription any `json:"subscription,omitzero"`
}

// Change is what one write changed. The zero Change changed nothing.
type Change struct{ events []Event }

// Events are what others are told of the change, in the order in which it happened.
func (c Change) Events() []Event { return c.events }

// UnknownWordError: a change is said in a word that this version has no event for.
type UnknownWordError struct{ Thing, Word string }

func (e *UnknownWordError) Error() string {
	return fmt.Sprintf("%s changed in a way that this version has no event for: %q", e.Thing, e.Word)
}

// chargeTypes are the events of charges, by the words of charge.Change.Word.
var chargeTypes = map[string]string{
	string(charge.Settled):  "Charge Settled",
	string(charge.Declined): "Charge Declined",
	string(charge.Pending):  "Charge Pending",
	string(charge.Unknown):  "Charge Unknown",
	string(charge.Rejected): "Charge Rejected",
	string(charge.Reversed): "Charge Reversed",
	charge.WordDisputed:     "Charge Disputed By Provider",
	charge.WordDiffers:      "Charge Differs",
}

// OfCharge is what a write said that it changed in a charge, in words joined by
// blanks. before is the charge as it stood; nil where nothing did.
func OfCharge(words string, before *charge.Charge, after charge.Charge) (Change, error) {
	t := telling{
		types: chargeTypes, thing: "charge/" + after.Order.Number, at: after.UpdatedAt,
		// Every change adds its line to the history, so that even a clock that stands
		// still leaves no two changes with one name.
		line: int64(len(after.History)),
	}
	shown := view.OfCharge(after)
	for word := range strings.FieldsSeq(words) {
		e := envelope{Evidence: api.OrNull(after.History[len(after.History)-1].Evidence), Charge: shown}
		if before != nil {
			e.PreviousState = api.OrNull(before.State)
		}
		t.tell(word, "", e)
	}
	return t.change()
}

// telling makes the events of one change.
type telling struct {
	types  map[string]string
	thing  string // the beginning of its ids
	at     time.Time
	line   int64 // tells changes of the same time apart
	events []Event
	err    error
}

// tell makes the event of a word; part is what of the thing it is about, empty for
// all of it.
func (t *telling) tell(word, part string, e envelope) {
	detailType, known := t.types[word]
	switch {
	case t.err != nil:
		return
	case !known:
		t.err = &UnknownWordError{Thing: t.thing, Word: word}
		return
	}
	e.Version = version
	e.ID = fmt.Sprintf("%s%s/%s/%d-%d", t.thing, part, word, t.at.UnixNano(), t.line)
	e.OccurredAt = api.Time(t.at)
	// As api does: a provider's text that is not UTF-8 is mended rather than not told.
	detail, err := json.Marshal(e, json.Deterministic(true), jsontext.AllowInvalidUTF8(true))
	if err != nil {
		t.err = fmt.Errorf("%s cannot be shown as JSON: %w", t.thing, err)
		return
	}
	t.events = append(t.events, Event{ID: e.ID, DetailType: detailType, OccurredAt: t.at, Detail: detail})
}

func (t *telling) change() (Change, error) {
	if t.err != nil {
		return Change{}, t.err
	}
	return Change{events: t.events}, nil
}
