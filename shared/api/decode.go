package api

import (
	"bytes"
	"encoding"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"reflect"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// MaxBody is the size in bytes of the largest request body that is read
// (contract, HTTP API).
const MaxBody = 64 << 10

// Decode reads the request's JSON object into the struct that into points to.
// It is as strict as the contract, HTTP API: each error is a [*Problem] that
// names the field or the position, and never quotes a value.
//
//   - 415: the Content-Type is not application/json in UTF-8, or the body is
//     compressed.
//   - 413: the body is larger than [MaxBody].
//   - 400: not JSON, not an object, text after it, a name that the struct does
//     not know (names are case-sensitive), a name that comes twice.
//   - 422: a value of another JSON type than the field's. A null is one:
//     whoever has no value leaves the field out.
//
// Which fields are required, and which values are acceptable, is for the
// caller to check.
func Decode(r *http.Request, into any) error {
	if err := checkContentType(r.Header); err != nil {
		return err
	}
	body, err := ReadLimited(r, MaxBody)
	if err != nil {
		return err
	}
	if err := checkSyntax(body); err != nil {
		return err
	}
	err = json.Unmarshal(body, into, json.RejectUnknownMembers(true))
	fault, ok := errors.AsType[*json.SemanticError](err)
	switch {
	case err == nil:
		return nil
	case !ok || fault.JSONPointer == "":
		// The body is an object, so the caller cannot be to blame for its top:
		// into is no pointer to a struct.
		return fmt.Errorf("decode a request body into %T: %w", into, err)
	case errors.Is(fault.Err, json.ErrUnknownName):
		return badRequest("The body has a field that is not known here.",
			FieldError{fieldPath(fault.JSONPointer), "is not a known field"})
	}
	return Invalid(FieldError{fieldPath(fault.JSONPointer), expected(fault)})
}

// DecodeOptional is [Decode] for a body that may be left out: an empty one, of
// whatever Content-Type, leaves into as it is.
func DecodeOptional(r *http.Request, into any) error {
	body, err := ReadLimited(r, MaxBody)
	if err != nil || len(body) == 0 {
		return err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return Decode(r, into)
}

// ReadLimited reads the whole request body, which may be of any type. A body
// of more than limit bytes is a 413 [*Problem], one that cannot be read to its
// end a 400.
func ReadLimited(r *http.Request, limit int64) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	if err != nil {
		return nil, &Problem{
			Status: http.StatusBadRequest,
			Detail: "The body could not be read to its end. Send the request again.",
			Cause:  err,
		}
	}
	if int64(len(body)) > limit {
		return nil, &Problem{
			Status: http.StatusRequestEntityTooLarge,
			Detail: fmt.Sprintf("The body is larger than %d bytes.", limit),
		}
	}
	return body, nil
}

func checkContentType(header http.Header) error {
	media, params, err := mime.ParseMediaType(header.Get("Content-Type"))
	charset, named := params["charset"]
	if err != nil || media != "application/json" || named && !strings.EqualFold(charset, "utf-8") {
		return &Problem{
			Status: http.StatusUnsupportedMediaType,
			Detail: "Send the body as JSON in UTF-8, with the header Content-Type: application/json.",
		}
	}
	if coding := header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		return &Problem{
			Status: http.StatusUnsupportedMediaType,
			Detail: "Send the body as it is, without Content-Encoding.",
		}
	}
	return nil
}

// checkSyntax reads the body to its end before anything in it is believed, so
// that a fault at its end counts before the meaning of its beginning.
func checkSyntax(body []byte) error {
	if len(bytes.TrimLeft(body, " \t\r\n")) == 0 {
		return badRequest("The body is empty; a JSON object is expected.")
	}
	dec := jsontext.NewDecoder(bytes.NewBuffer(body))
	if dec.PeekKind() != jsontext.KindBeginObject {
		if _, err := dec.ReadValue(); err != nil {
			return malformed(err)
		}
		return badRequest("The body is JSON, but not an object.")
	}
	var null jsontext.Pointer
	for started := false; !started || dec.StackDepth() > 0; started = true {
		token, err := dec.ReadToken()
		if err != nil {
			return malformed(err)
		}
		if token.Kind() == jsontext.KindNull && null == "" {
			null = dec.StackPointer()
		}
	}
	if at := dec.InputOffset(); len(bytes.TrimLeft(body[at:], " \t\r\n")) > 0 {
		return badRequest(fmt.Sprintf("There is text after the JSON object, which ends at byte %d.", at))
	}
	if null != "" {
		return Invalid(FieldError{fieldPath(null), "must not be null; leave the field out instead"})
	}
	return nil
}

func malformed(err error) error {
	fault, ok := errors.AsType[*jsontext.SyntacticError](err)
	switch {
	case ok && errors.Is(err, jsontext.ErrDuplicateName):
		return badRequest("The body has a field more than once.",
			FieldError{fieldPath(fault.JSONPointer), "must not come more than once"})
	case !ok || errors.Is(err, io.ErrUnexpectedEOF):
		return badRequest("The body is not JSON: it ends too early.")
	}
	return badRequest(fmt.Sprintf("The body is not JSON: there is a mistake near byte %d.", fault.ByteOffset))
}

func badRequest(detail string, fields ...FieldError) *Problem {
	return &Problem{Status: http.StatusBadRequest, Detail: detail, Errors: fields}
}

// fieldPath turns a JSON pointer into names joined by dots. The last name may
// be any text at all, up to the whole body, so names are cut.
func fieldPath(pointer jsontext.Pointer) string {
	const longest = 40
	var names []string
	for name := range pointer.Tokens() {
		if runes := []rune(name); len(runes) > longest {
			name = string(runes[:longest]) + "…"
		}
		names = append(names, name)
	}
	return strings.Join(names, ".")
}

// expected says which JSON type a field wants, in the words of someone who
// writes JSON and has never seen the Go type.
func expected(fault *json.SemanticError) string {
	if fault.GoType == nil {
		return "has a value that is not acceptable"
	}
	if reflect.PointerTo(fault.GoType).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
		return "must be a string in the documented form"
	}
	switch fault.GoType.Kind() {
	case reflect.String:
		return "must be a string"
	case reflect.Bool:
		return "must be true or false"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if fault.JSONKind == jsontext.KindNumber {
			return "must be a whole number within the documented range"
		}
		return "must be a whole number"
	case reflect.Struct, reflect.Map:
		return "must be an object"
	case reflect.Slice, reflect.Array:
		return "must be a list"
	default:
		return "has a value that is not acceptable"
	}
}
