package api

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	defaultLimit = 50
	maxLimit     = 100
)

// Page is what a caller wants of a list (contract, HTTP API).
type Page[P any] struct {
	// Limit is how many things a page has at most.
	Limit int
	// After is where an earlier page ended; zero for the beginning.
	After P
}

// Query reads the query string of a request, of known parameters only, each once: as
// with a body's fields, what is misspelt would ask for something else. Its error is a
// *Problem.
func Query(r *http.Request, known ...string) (url.Values, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, &Problem{Status: http.StatusBadRequest, Detail: "The query string is not well escaped, so it cannot be read."}
	}
	var faults []FieldError
	for _, name := range slices.Sorted(maps.Keys(query)) {
		switch {
		case !slices.Contains(known, name):
			faults = append(faults, FieldError{Field: name, Message: "is none of the parameters here: " + strings.Join(known, ", ")})
		case len(query[name]) > 1:
			faults = append(faults, FieldError{Field: name, Message: "is there more than once"})
		}
	}
	if faults != nil {
		return nil, &Problem{Status: http.StatusBadRequest, Detail: "The query string has parameters that cannot be taken.", Errors: faults}
	}
	return query, nil
}

// ReadPage reads limit and cursor of a query for a list. What is wrong with them is
// added to what else was found to be: a caller hears of all of it at once. Its error is a
// *Problem: 400 where the cursor is that of another list or filter, which is told first,
// and otherwise 422.
func ReadPage[P any](query url.Values, of List[P], faults []FieldError) (Page[P], error) {
	page := Page[P]{Limit: defaultLimit}
	if text := query.Get("limit"); text != "" {
		limit, err := strconv.Atoi(text)
		if err != nil || limit < 1 || limit > maxLimit {
			faults = append(faults, FieldError{Field: "limit", Message: fmt.Sprintf("must be a number from 1 to %d", maxLimit)})
		}
		page.Limit = limit
	}
	if text := query.Get("cursor"); text != "" {
		after, err := of.read(text)
		if errors.Is(err, errOtherList) {
			return page, &Problem{
				Status: http.StatusBadRequest,
				Detail: "The cursor belongs to another list or filter. Go on with it where it came from, or leave it out to begin anew.",
				Errors: []FieldError{{Field: "cursor", Message: "belongs to another list or filter"}},
			}
		}
		if err != nil {
			faults = append(faults, FieldError{Field: "cursor", Message: "must be the next_cursor of an earlier answer"})
		}
		page.After = after
	}
	if faults != nil {
		return page, Invalid(faults...)
	}
	return page, nil
}

// OrNull is a text as JSON shows it: null where there is none.
func OrNull[T ~string](text T) *string {
	if text == "" {
		return nil
	}
	s := string(text)
	return &s
}

// Time writes a time as RFC 3339 with milliseconds, in UTC.
func Time(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z07:00") }

// TimeOrNull is Time, or null for the zero time.
func TimeOrNull(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	return OrNull(Time(t))
}
