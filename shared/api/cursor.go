package api

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/go-json-experiment/json"
)

// List is a list with its filter. P is the type of its places, one that JSON can hold. A
// cursor belongs to its list and filter (contract, HTTP API): in another list it would
// skip what comes before it there.
type List[P any] struct {
	name  string
	valid func(P) bool
}

// ByTime is a list in the order of time and then of id. path is where the API serves it,
// state its filter, "" for none.
func ByTime(path, state string) List[Place] {
	name := path
	if state != "" {
		name += "?" + url.Values{"state": {state}}.Encode()
	}
	return List[Place]{name, func(p Place) bool { return !p.CreatedAt.IsZero() && len(p.ID) <= maxPlaceID }}
}

// Ordered is a list in an order of its own. valid reports which places a caller may ask
// for.
func Ordered[P any](path string, valid func(P) bool) List[P] { return List[P]{path, valid} }

// Place is a place in a list, which is in the order of time and then of id.
type Place struct {
	CreatedAt time.Time `json:"c"`
	ID        string    `json:"n"`
}

const (
	// maxPlaceID is more than any id has. A store that is asked for a longer one refuses
	// the key, and that would look as if it could not be reached.
	maxPlaceID = 512
	// maxCursor is more than any cursor has.
	maxCursor = 4096
)

// cursor is what a cursor says. To callers it is opaque.
type cursor[P any] struct {
	List  string `json:"l"`
	Place *P     `json:"p"`
}

// errOtherList: a cursor is that of another list or filter.
var errOtherList = errors.New("a cursor of another list or filter")

// Cursor is a place as callers carry it.
func (l List[P]) Cursor(at P) string {
	text, err := json.Marshal(cursor[P]{l.name, &at})
	if err != nil { // a time beyond the year 9999
		panic(fmt.Errorf("encode a cursor: %w", err))
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

func (l List[P]) read(text string) (P, error) {
	var none P
	if len(text) > maxCursor {
		return none, errors.New("a cursor that is too long")
	}
	decoded, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return none, err
	}
	// Whose it is comes first: places of other lists are of other types.
	var of struct {
		List string `json:"l"`
	}
	if err := json.Unmarshal(decoded, &of); err != nil {
		return none, err
	}
	if of.List == "" {
		return none, errors.New("a cursor of no list")
	}
	if of.List != l.name {
		return none, errOtherList
	}
	var c cursor[P]
	if err := json.Unmarshal(decoded, &c, json.RejectUnknownMembers(true)); err != nil {
		return none, err
	}
	if c.Place == nil || !l.valid(*c.Place) {
		return none, errors.New("a cursor to no place")
	}
	return *c.Place, nil
}
