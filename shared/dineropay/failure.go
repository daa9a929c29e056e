package dineropay

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// validationCode is the provider's code for "a field of the request is not valid".
// Then nothing was charged (DineroPay, recurring).
const validationCode = "100000"

// How much of an answer's errors is read. A real one has a handful.
const (
	maxErrors = 100
	maxField  = 255
)

// fault is one error of the provider's error form.
type fault struct {
	code string
	// field is the name under which it stands in a map of fields; empty elsewhere.
	field   string
	message string
	// heading: other errors stand below it.
	heading bool
	// bare: a text without an error object around it, and so without room for a code.
	bare bool
}

// text is the error as one text, "field: text" where there is a field.
func (f fault) text() string {
	switch {
	case f.field == "":
		return f.message
	case f.message == "":
		return f.field
	default:
		return f.field + ": " + f.message
	}
}

// subject is the name in front of a text of the form "name: text"; empty where there
// is none.
func (f fault) subject() string {
	name, _, found := strings.Cut(f.text(), ":")
	if name = strings.TrimSpace(name); !found || len(name) > maxField || strings.Contains(name, " ") {
		return ""
	}
	return strings.ToLower(name)
}

// requestFields are the fields of a charge request, but those in order.
var requestFields = []string{"merchant_key", "recurring_init_trans_id", "recurring_token", "schedule_id", "hash"}

// namesField reports whether the error is about a field of the request. "Timeout:
// no answer" has the same form, and is not.
func (f fault) namesField() bool {
	first, _, inner := strings.Cut(strings.ReplaceAll(f.subject(), "[", "."), ".")
	// Of the order as a whole something else may be said than that it is not valid.
	return slices.Contains(requestFields, first) || first == "order" && (inner || !doubt.MatchString(f.text()))
}

// keyWords are sentences about the hash or the merchant key and nothing else.
var keyWords = regexp.MustCompile(`(?i)(^\W*|: )(the )?((invalid|wrong|incorrect|bad|missing|unknown) (hash|merchant[ _]key)|(hash|merchant[ _]key) (is |was )?(not (valid|found|correct)|invalid|wrong|incorrect|missing|unknown)|(hash|merchant[ _]key)\W*$)`)

// doubt are words after which nobody can be sure that nothing was processed.
var doubt = regexp.MustCompile(`(?i)process|acquir|time[d -]*out|unavailable|too many|already|duplicate|in progress|later`)

// blamesKey reports whether the error is about the hash or the merchant key: as
// "hash: …" or "merchant_key: …", or in a sentence without a field's name before it.
func (f fault) blamesKey() bool {
	if name := f.subject(); name != "" {
		return name == "hash" || name == "merchant_key"
	}
	plain := f.code == "" || f.code == "0" || f.code == validationCode
	return plain && keyWords.MatchString(f.text()) && !doubt.MatchString(f.text())
}

// isValidation reports whether the error says for certain that the request was
// turned away before anything was charged.
//
// A heading stands for the errors below it and says nothing itself, unless it has
// another code than these or leaves a doubt.
func (f fault) isValidation() bool {
	if f.heading {
		return (f.code == "" || f.code == "0" || f.code == validationCode) && !doubt.MatchString(f.message)
	}
	return f.code == validationCode || f.namesField() || f.blamesKey()
}

// failure is the provider's error form: its errors, outermost first.
type failure struct {
	faults []fault
	// more: there are more errors than are read.
	more bool
}

// messages are all texts of a failure, outermost first.
func (f failure) messages() []string {
	var all []string
	for _, fault := range f.faults {
		if text := fault.text(); text != "" {
			all = append(all, text)
		}
	}
	return all
}

// blamesKey reports whether one of the errors is about the hash or the merchant key.
func (f failure) blamesKey() bool { return slices.ContainsFunc(f.faults, fault.blamesKey) }

// names reports whether one of the errors mentions a field at all.
func (f failure) names(field string) bool {
	return slices.ContainsFunc(f.messages(), func(message string) bool {
		return strings.Contains(strings.ToLower(message), field)
	})
}

// isValidation reports whether every error is the validation of a field of the
// request. One that is not makes all of it uncertain, and so does one that was not
// read.
func (f failure) isValidation() bool {
	return !f.more && len(f.faults) > 0 &&
		!slices.ContainsFunc(f.faults, func(one fault) bool { return !one.isValidation() })
}

// errNotFailure: an answer has neither code nor message nor errors.
var errNotFailure = errors.New("not the provider's error form")

// parseFailure reads the provider's error form, and refuses what is not one. Its
// error quotes nothing of it.
func parseFailure(body []byte) (failure, error) {
	d := newDecoder(body)
	if d.PeekKind() != '{' {
		return failure{}, errNotFailure
	}
	r := faultReader{d: d}
	faults, err := r.object("", true)
	if err == nil {
		err = end(d)
	}
	if err != nil {
		return failure{}, fmt.Errorf("%w: %w", errNotFailure, plainly(err))
	}
	if len(faults) == 0 {
		return failure{}, errNotFailure
	}
	return failure{faults, r.more}, nil
}

// faultReader reads errors in every form in which the provider may write them: an
// object with code and message and more errors in it, a list, a map of fields to
// texts, a text. The provider's page nests an object where it promises a list.
type faultReader struct {
	d    *jsontext.Decoder
	kept int
	more bool
}

// any reads the errors of the value that comes next, which stands under the name of
// a field, or under none.
func (r *faultReader) any(field string) ([]fault, error) {
	if r.kept >= maxErrors {
		r.more = true
		return nil, r.d.SkipValue()
	}
	switch r.d.PeekKind() {
	case 'n', 'f':
		return nil, r.d.SkipValue()
	case '{':
		return r.object(field, false)
	case '[':
		return r.list(field)
	case 't':
		r.kept++
		return []fault{{field: field, bare: true}}, r.d.SkipValue()
	default:
		text, _, err := readText(r.d)
		if err != nil || strings.TrimSpace(text) == "" {
			return nil, err
		}
		r.kept++
		return []fault{{field: field, message: text, bare: true}}, nil
	}
}

func (r *faultReader) list(field string) ([]fault, error) {
	if _, err := r.d.ReadToken(); err != nil {
		return nil, err
	}
	var all []fault
	for r.d.PeekKind() != ']' {
		some, err := r.any(field)
		if err != nil {
			return nil, err
		}
		all = together(all, some)
	}
	_, err := r.d.ReadToken()
	return all, err
}

// object reads an error object, or a map of fields: an object is that where it has
// neither code nor message nor errors. The answer as a whole is never one.
func (r *faultReader) object(field string, whole bool) ([]fault, error) {
	var code, message value
	var inner, fields []fault
	var isForm, listed bool
	err := members(r.d, func(name string) error {
		switch name {
		case "error_code":
			isForm = true
			return code.readLoosely(r.d)
		case "error_message":
			isForm = true
			if kind := r.d.PeekKind(); kind != '[' && kind != '{' {
				return message.readLoosely(r.d)
			}
			some, err := r.any(field)
			inner = together(inner, some)
			return err
		case "errors":
			isForm = true
			some, err := r.any(field)
			if err == nil && listed && !slices.Equal(inner, some) {
				err = errTwoValues
			}
			if !listed {
				inner = together(inner, some)
			}
			listed = true
			return err
		}
		if whole || isForm {
			return r.d.SkipValue()
		}
		some, err := r.any(join(field, name))
		fields = together(fields, some)
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case !isForm:
		return fields, nil
	}
	own := fault{code: strings.TrimSpace(code.text), field: field, message: strings.TrimSpace(message.text), heading: len(inner) > 0}
	if own.code == "" && own.message == "" {
		return inner, nil
	}
	if own.code == validationCode {
		lend(own.code, inner)
	}
	if r.kept >= maxErrors {
		r.more = true
		return inner, nil
	}
	r.kept++
	return append([]fault{own}, inner...), nil
}

// together is one list after another. If one of them is empty it copies nothing, because
// errors may nest ten thousand deep.
func together(one, other []fault) []fault {
	if one == nil {
		return other
	}
	return append(one, other...)
}

// lend gives an error's code to the texts below it, which have no room for one: they
// are its words. Not so where one of them leaves a doubt, or names a field: then the
// others may be about something else.
func lend(code string, to []fault) {
	if slices.ContainsFunc(to, func(f fault) bool { return !f.bare || f.field == "" && f.namesField() || doubt.MatchString(f.message) }) {
		return
	}
	for i := range to {
		to[i].code = code
	}
}

// join is the name of a field within a field. One that is longer than any is cut.
func join(outer, name string) string {
	if outer != "" {
		name = outer + "." + name
	}
	return name[:min(len(name), maxField)]
}

// namesOrderNumber reports whether a refusal mentions the order number, in whatever
// form it is.
func namesOrderNumber(f failure, body []byte) bool {
	const field = "order.number"
	return f.names(field) || bytes.Contains(bytes.ToLower(body), []byte(field))
}
