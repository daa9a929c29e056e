// Package jsonhttp reads and writes the JSON bodies of the simulated providers
// and of their control APIs.
//
// It reads strictly: one JSON value, exact names, each once, none that the
// simulator does not know. A real provider may forgive more; what the bundle
// sends should need no forgiveness.
package jsonhttp

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"dinarfunctions/sandbox/routes"
)

// maxBody is the largest request body in bytes that is read.
const maxBody = 64 << 10

// Error says why a body could not be read. It quotes no value from it.
type Error struct {
	Field   string // names joined by dots, "order.amount"; empty: the whole body
	Problem string
}

// Error names the field and the problem.
func (e *Error) Error() string {
	if e.Field == "" {
		return e.Problem
	}
	return e.Field + ": " + e.Problem
}

// Read decodes a request's body into what into points to. Every error is an
// *Error.
func Read(r *http.Request, into any) error { return ReadUpTo(r, maxBody, into) }

// ReadUpTo is Read for bodies of another size, in bytes.
func ReadUpTo(r *http.Request, size int64, into any) error {
	body, err := io.ReadAll(io.LimitReader(r.Body, size+1))
	switch {
	case err != nil:
		return &Error{Problem: "The body could not be read to its end."}
	case int64(len(body)) > size:
		return &Error{Problem: fmt.Sprintf("The body is larger than %d bytes.", size)}
	}
	err = json.Unmarshal(body, into, json.RejectUnknownMembers(true))
	if err == nil {
		return nil
	}
	var syntax *jsontext.SyntacticError
	var semantic *json.SemanticError
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName) && errors.As(err, &syntax):
		return &Error{Field: path(syntax.JSONPointer), Problem: "This field comes twice."}
	case errors.Is(err, json.ErrUnknownName) && errors.As(err, &semantic):
		return &Error{Field: path(semantic.JSONPointer), Problem: "This field was not expected."}
	case errors.As(err, &semantic):
		return &Error{Field: path(semantic.JSONPointer), Problem: "This value is of the wrong JSON type."}
	default:
		return &Error{Problem: "The body is not JSON."}
	}
}

// path turns a JSON pointer into names joined by dots. A name that is too long
// to be one of ours is cut.
func path(pointer jsontext.Pointer) string {
	const longest = 64
	var names []string
	for name := range pointer.Tokens() {
		if runes := []rune(name); len(runes) > longest {
			name = string(runes[:longest]) + "…"
		}
		names = append(names, name)
	}
	return strings.Join(names, ".")
}

// Encode returns a value as JSON text. The simulators encode only their own
// types, so a failure is a mistake in them.
func Encode(value any) []byte {
	body, err := json.Marshal(value, json.Deterministic(true))
	if err != nil {
		panic("simulator: encode an answer: " + err.Error())
	}
	return body
}

// Write answers with a status and a value as JSON.
func Write(w http.ResponseWriter, status int, value any) {
	body := Encode(value)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// Refuse answers a control call with 400 and a problem document that says why. The
// provider's own refusals have the provider's shape, not this one.
func Refuse(w http.ResponseWriter, r *http.Request, err error) {
	routes.Refuse(w, r, http.StatusBadRequest, err)
}

// Change answers a control call that changes something: it decodes the body into
// what into points to, does the change, and answers 204 or what was wrong.
func Change(w http.ResponseWriter, r *http.Request, into any, change func() error) {
	err := Read(r, into)
	if err == nil {
		err = change()
	}
	if err != nil {
		Refuse(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
