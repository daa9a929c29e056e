package secrets

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// FieldError says what is wrong with a secret's value without quoting any of
// it.
type FieldError struct {
	Field   string // the field's name as the contract spells it; empty: the whole value
	Problem string // e.g. "is missing"; never a part of the value
}

// Error names the field and the problem.
func (e *FieldError) Error() string {
	if e.Field == "" {
		return "the value " + e.Problem
	}
	return fmt.Sprintf("field %q %s", e.Field, e.Problem)
}

// Fields reads the named text fields out of a secret's JSON object, such as
// {"private_key": "…"} (contract, Settings). Each has to be there and to hold
// text without line breaks, control characters or white space at its ends,
// which a copied value often has and no provider's key does. Other fields are
// left alone: an operator may keep notes beside the key. Every error is a
// *FieldError.
func Fields(value []byte, names ...string) (map[string]Text, error) {
	// The JSON library's errors quote names and values, so none of them is
	// passed on.
	var members map[string]jsontext.Value
	if err := json.Unmarshal(value, &members); err != nil || members == nil {
		return nil, &FieldError{Problem: "is not a JSON object with each name once"}
	}
	texts := make(map[string]Text, len(names))
	for _, name := range names {
		member, ok := members[name]
		if !ok {
			return nil, &FieldError{Field: name, Problem: "is missing"}
		}
		var text string
		if member.Kind() != jsontext.KindString || json.Unmarshal(member, &text) != nil {
			return nil, &FieldError{Field: name, Problem: "is not a text"}
		}
		switch {
		case strings.TrimSpace(text) == "":
			return nil, &FieldError{Field: name, Problem: "is empty"}
		case strings.TrimSpace(text) != text:
			return nil, &FieldError{Field: name, Problem: "begins or ends with white space"}
		case strings.ContainsFunc(text, unicode.IsControl):
			return nil, &FieldError{Field: name, Problem: "has a line break or another control character in it"}
		}
		texts[name] = NewText(text)
	}
	return texts, nil
}
