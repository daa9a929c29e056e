package api

import (
	"fmt"
	"net/http"
	"time"
)

// FieldError says what is wrong with one field of a request.
type FieldError struct {
	// Field is the path from the body's top, joined by dots: "order.amount",
	// "retry_after_days.0".
	Field string `json:"field"`
	// Message continues the field's name: "must be a string".
	Message string `json:"message"`
}

// Problem is an error that the caller may see, as RFC 9457 problem document
// (contract, HTTP API). Its type is always about:blank and therefore left out.
type Problem struct {
	// Title is the short name of the kind of problem; without one it is the
	// status code's own ("Not Found").
	Title string `json:"title"`
	// Status is the HTTP status code, 400 to 599.
	Status int `json:"status"`
	// Detail says what happened, to which thing, and what to do next.
	Detail string `json:"detail,omitempty"`
	// Errors names the fields that are to blame, if any.
	Errors []FieldError `json:"errors,omitempty"`
	// RetryAfter becomes a Retry-After header, in seconds rounded up; zero
	// where trying again cannot help.
	RetryAfter time.Duration `json:"-"`
	// Cause is what led here. It is for the log only and never sent.
	Cause error `json:"-"`
}

var (
	_ error        = (*Problem)(nil)
	_ http.Handler = (*Problem)(nil)
)

// Error returns status, detail, fields and cause on one line, for logs.
func (p *Problem) Error() string {
	text := fmt.Sprintf("%d %s", p.Status, p.title())
	if p.Detail != "" {
		text += ": " + p.Detail
	}
	for _, e := range p.Errors {
		text += fmt.Sprintf("; %s: %s", e.Field, e.Message)
	}
	if p.Cause != nil {
		text += ": " + p.Cause.Error()
	}
	return text
}

// Unwrap returns the cause.
func (p *Problem) Unwrap() error { return p.Cause }

func (p *Problem) title() string {
	if p.Title != "" {
		return p.Title
	}
	return http.StatusText(p.Status)
}

// ServeHTTP writes the problem document, so that a Problem can stand wherever
// a handler can.
func (p *Problem) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	shown := *p
	shown.Title = p.title()
	body, err := encode(shown)
	if err != nil { // texts and numbers alone cannot fail to encode
		panic(fmt.Errorf("encode the problem document of status %d: %w", p.Status, err))
	}
	write(w, r, reply{p.Status, "application/problem+json", body, p.RetryAfter})
}

// Invalid is the 422 of a request whose fields are not acceptable (contract,
// HTTP API), with one entry for each of them.
func Invalid(fields ...FieldError) *Problem {
	return &Problem{
		Status: http.StatusUnprocessableEntity,
		Detail: "The request has values that are not acceptable; errors says which.",
		Errors: fields,
	}
}

// Internal is the 500 of everything that no caller can mend and none should
// see the inside of.
func Internal(cause error) *Problem {
	return &Problem{
		Status: http.StatusInternalServerError,
		Detail: "Something went wrong inside this function. Its log says what, under this request's id.",
		Cause:  cause,
	}
}
