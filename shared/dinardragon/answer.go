package dinardragon

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// wireAnswer is the body of a success and of a failure. Fields that are not
// documented are left alone.
type wireAnswer struct {
	Code     *int          `json:"code"`
	Error    *string       `json:"error"`
	Payments []wirePayment `json:"payments"`
}

type wirePayment struct {
	UniqueID *string `json:"uniqueid"`
	Status   *int    `json:"status"`
}

// read says what an answer means: the payments in it, or an *Error whose Text is
// not cleaned yet.
func read(httpStatus int, body []byte) ([]Payment, *Error) {
	fault := &Error{Kind: Unusable, HTTPStatus: httpStatus}
	answer, reason := decode(body)
	if answer.Code != nil {
		fault.Code = *answer.Code
	}
	if answer.Error != nil {
		fault.Text = *answer.Error
	}
	if success(httpStatus) && fault.Code >= 400 && fault.Code < 600 {
		// The provider refuses in the body alone (contract, Payouts): its code is then
		// what counts, as an HTTP status would.
		httpStatus = fault.Code
		fault.mayPass = passes(httpStatus)
	}

	switch {
	case httpStatus == http.StatusUnauthorized || httpStatus == http.StatusForbidden:
		fault.Kind = KeyRefused // whatever the body is: it may be a gateway's
		return nil, fault
	case httpStatus == http.StatusBadRequest && blamesKey(fault.Text):
		fault.Kind = KeyRefused
		return nil, fault
	case httpStatus == http.StatusTooManyRequests:
		fault.Kind, fault.Reason = Unreachable, "too many requests"
		return nil, fault
	case httpStatus >= 300 && httpStatus < 400:
		fault.Reason = "it is a redirect, which is not followed: check the provider's address"
		return nil, fault
	case reason != "":
		fault.Reason = reason
		return nil, fault
	case answer.Code != nil && fault.Code != httpStatus:
		fault.Reason = fmt.Sprintf("its code %d contradicts its HTTP status", fault.Code)
		return nil, fault
	case httpStatus >= 400 && httpStatus < 500 && strings.TrimSpace(fault.Text) != "":
		fault.Kind = Worded
		return nil, fault
	case fault.HTTPStatus != httpStatus:
		fault.Reason = fmt.Sprintf("its code %d contradicts its HTTP status", fault.Code)
		return nil, fault
	case !success(httpStatus):
		fault.Reason = "it is neither a documented success nor a documented failure"
		return nil, fault
	case fault.Text != "":
		fault.Reason = "it is a success with an error in it"
		return nil, fault
	}

	payments, reason := paymentsOf(answer.Payments)
	if reason != "" {
		fault.Reason = reason
		return nil, fault
	}
	return payments, nil
}

func success(status int) bool { return status == http.StatusOK || status == http.StatusCreated }

// passes tells whether an answer of this status may be another when it is asked for
// again at once.
func passes(status int) bool { return status == http.StatusTooManyRequests || status >= 500 }

// decode reads an answer strictly. The reason says why it could not be read; it
// quotes nothing of the answer, which may repeat the key.
func decode(body []byte) (answer wireAnswer, reason string) {
	err := json.Unmarshal(body, &answer)
	var syntactic *jsontext.SyntacticError
	var semantic *json.SemanticError
	switch {
	case err == nil && bytes.Equal(bytes.TrimSpace(body), []byte("null")):
		return wireAnswer{}, "it is not a JSON object"
	case err == nil:
		return answer, ""
	case len(bytes.TrimSpace(body)) == 0:
		return wireAnswer{}, "it is empty"
	case errors.Is(err, jsontext.ErrDuplicateName):
		return wireAnswer{}, "it is JSON with a name twice in one object"
	case errors.As(err, &syntactic):
		return wireAnswer{}, fmt.Sprintf("it is not JSON (byte %d)", syntactic.ByteOffset)
	case errors.As(err, &semantic) && semantic.JSONPointer != "":
		// The pointer is made of documented names and of positions: what is not
		// documented is skipped.
		return wireAnswer{}, fmt.Sprintf("its %s is not of the documented type", strings.TrimPrefix(string(semantic.JSONPointer), "/"))
	default:
		return wireAnswer{}, "it is not a JSON object"
	}
}

// paymentsOf takes a list of payments as a whole or not at all. A payment that
// is there twice with the same status is taken once.
func paymentsOf(wire []wirePayment) (payments []Payment, reason string) {
	if len(wire) == 0 {
		return nil, "it has no payments"
	}
	seen := make(map[string]int, len(wire))
	for i, w := range wire {
		switch {
		case w.UniqueID == nil || w.Status == nil:
			return nil, fmt.Sprintf("its payments/%d lacks uniqueid or status", i)
		case checkID("", *w.UniqueID) != nil:
			return nil, fmt.Sprintf("its payments/%d has a uniqueid that is empty, too long or not printable", i)
		}
		status, again := seen[*w.UniqueID]
		switch {
		case again && status != *w.Status:
			return nil, fmt.Sprintf("its payments/%d contradicts an earlier entry about the same payment", i)
		case again:
			continue
		}
		seen[*w.UniqueID] = *w.Status
		payments = append(payments, Payment{UniqueID: *w.UniqueID, Status: *w.Status, State: stateOf(*w.Status)})
	}
	return payments, ""
}

// blamesKey tells whether the provider's words are about the private key, as in
// "Missing API key in request headers."
func blamesKey(text string) bool {
	text = strings.ToLower(text)
	for _, words := range []string{"api key", "api-key", "apikey", "private key", "invalid key", "authorization header", "unauthori"} {
		if strings.Contains(text, words) {
			return true
		}
	}
	return false
}

const maxID = 128

// checkID applies our rule for ids. The error names the field.
func checkID(field, id string) *Error {
	if id == "" || len(id) > maxID || !isVisibleASCII(id) {
		return &Error{Kind: BadRequest, Field: field, Reason: fmt.Sprintf("has to be 1 to %d printable ASCII characters without blanks", maxID)}
	}
	return nil
}
