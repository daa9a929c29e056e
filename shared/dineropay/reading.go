package dineropay

import (
	"fmt"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"dinarfunctions/shared/charge"
)

// statuses is what the provider's words for a transaction's status mean. What
// is not here is undocumented, and nothing is concluded from it.
var statuses = map[string]charge.State{
	"settled":    charge.Settled,
	"declined":   charge.Declined,
	"decline":    charge.Declined,
	"pending":    charge.Pending,
	"prepare":    charge.Pending,
	"3ds":        charge.Pending,
	"redirect":   charge.Pending,
	"refund":     charge.Reversed,
	"reversal":   charge.Reversed,
	"void":       charge.Reversed,
	"chargeback": charge.Reversed,
}

// readCharge reads the whole answer to a charge request by the contract's table
// "How a charge's own answer is read". It is total: every status and every body
// comes to something, and what is not in the table may have charged.
//
//	200, documented status, about this order                      that status
//	200 about another order, amount, currency                     unknown
//	400 whose every error is the validation of a field            rejected
//	404, 405 that name no payment                                 rejected
//	one of these that blames the order number                     rejected, ask the status
//	any other 400; a 400, 404, 405 that names a payment           unknown, ask the status
//	401, 403, 429 without a payment_id                            unsent
//	everything else                                               unknown
func readCharge(order charge.Order, status int, body []byte) charge.Answer {
	switch status {
	case http.StatusOK:
		return readTransaction(order, body)
	case http.StatusBadRequest, http.StatusNotFound, http.StatusMethodNotAllowed:
		return readRefusal(status, body)
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests:
		if namesPayment(body) {
			return unknown(fmt.Sprintf("HTTP %d with a payment_id", status))
		}
		f, _ := parseFailure(body)
		return charge.Answer{
			State:      charge.Unsent,
			KeyRefused: status != http.StatusTooManyRequests,
			Reason:     reason(status, f),
		}
	default:
		return unknown(fmt.Sprintf("HTTP %d says nothing certain about the charge", status))
	}
}

// readRefusal reads a 400, 404 or 405. The provider's page heads its 400 "Invalid
// data submitted or request processing error", so a 400 alone does not say that
// nothing was charged. Only a refusal that is nothing but the validation of the
// request's fields does.
func readRefusal(status int, body []byte) charge.Answer {
	f, err := parseFailure(body)
	switch {
	case namesPayment(body):
		return unclear(fmt.Sprintf("HTTP %d, but the answer names a payment", status))
	case status != http.StatusBadRequest:
		return rejected(status, f, body)
	case err != nil:
		return unclear("HTTP 400, but the answer is " + err.Error())
	case !f.isValidation():
		return unclear("HTTP 400 without a clear refusal: " + reason(status, f))
	default:
		return rejected(status, f, body)
	}
}

func readTransaction(order charge.Order, body []byte) charge.Answer {
	t, err := parseTransaction(body)
	if err != nil {
		return unknown("HTTP 200, but the answer cannot be read: " + err.Error())
	}
	if t.Order.Number == "" {
		return unknown("HTTP 200, but the answer names no order number")
	}
	if diff := difference(order, t); diff != "" {
		return unknown("HTTP 200, but the answer is about " + diff)
	}
	a, ok := t.answer()
	if !ok {
		// The payment_id is kept: it is about this order, and is what to ask about.
		a.State = charge.Unknown
		a.Reason = fmt.Sprintf("HTTP 200, but status %q is not documented", a.ProviderStatus)
	}
	return a
}

// answer is the provider's word on a transaction, if its status is documented.
func (t transaction) answer() (charge.Answer, bool) {
	word := strings.ToLower(strings.TrimSpace(t.Status))
	state, ok := statuses[word]
	a := charge.Answer{
		State:          state,
		PaymentID:      strings.TrimSpace(t.PaymentID),
		ProviderStatus: clean(word),
		ProviderDate:   clean(t.Date),
	}
	if state != charge.Settled {
		a.Reason = clean(t.Reason)
	}
	return a, ok
}

// difference says in what an answer is not about the order, or "". Numbers are
// compared exactly, amounts as numbers, currencies without case; an amount or
// currency that is missing is no difference.
func difference(order charge.Order, t transaction) string {
	if t.Order.Number != order.Number {
		return fmt.Sprintf("order number %q", clean(t.Order.Number))
	}
	return moneyDifference(order, t)
}

func moneyDifference(order charge.Order, t transaction) string {
	if text := t.Order.Amount; text != "" {
		if same, err := order.Amount.EqualsNumber(text); err != nil || !same {
			return fmt.Sprintf("the amount %q instead of %s", clean(text), order.Amount)
		}
	}
	if text := t.Order.Currency; text != "" && !strings.EqualFold(text, order.Amount.Currency()) {
		return fmt.Sprintf("the currency %q instead of %s", clean(text), order.Amount.Currency())
	}
	return ""
}

// rejected reads a clear refusal. One that blames the order number is told apart
// even if it blames more: perhaps a charge stands under that number.
func rejected(status int, f failure, body []byte) charge.Answer {
	a := charge.Answer{State: charge.Rejected, Reason: reason(status, f)}
	switch {
	case namesOrderNumber(f, body):
		a.AskStatus = true
	case status != http.StatusBadRequest:
	case f.blamesKey():
		a.KeyRefused = true
	}
	return a
}

// namesPayment reports whether a refusal may be about a payment that exists: it
// carries a payment_id, or is a transaction itself.
func namesPayment(body []byte) bool {
	if mentionsPayment(body) {
		return true
	}
	t, err := parseTransaction(body)
	_, documented := t.answer()
	return err == nil && documented && t.Order.Number != ""
}

// readStatus reads the whole answer to a status request about a charge.
func readStatus(q charge.Query, status int, body []byte) charge.StatusAnswer {
	switch status {
	case http.StatusOK:
		return readStatusTransaction(q, body)
	case http.StatusBadRequest, http.StatusNotFound:
		f, err := parseFailure(body)
		t, unreadable := parseTransaction(body)
		_, documented := t.answer()
		switch {
		case unreadable == nil && documented && (t.Order.Number == q.Order.Number || t.Order.Number == ""):
			// "Not known" would free the number of a charge that is known.
			return notAsked(fmt.Sprintf("HTTP %d, but the answer is a payment of this order", status))
		case err != nil && (status == http.StatusBadRequest || !isObject(body)):
			// Status errors are undocumented. A 404 may have another form, but a page
			// of a server in front of the provider is not the provider's word.
			return notAsked(fmt.Sprintf("HTTP %d: %v", status, err))
		case f.blamesKey(), doubt.Match(body):
			// "Not known" lets a charge go. So it must not be "not now".
			return notAsked(reason(status, f))
		}
		return charge.StatusAnswer{Knowledge: charge.NotKnown, Reason: reason(status, f)}
	default:
		return notAsked(fmt.Sprintf("HTTP %d", status))
	}
}

func readStatusTransaction(q charge.Query, body []byte) charge.StatusAnswer {
	t, err := parseTransaction(body)
	if err != nil {
		return notAsked("HTTP 200, but the answer cannot be read: " + err.Error())
	}
	a, documented := t.answer()
	switch {
	case t.Order.Number != q.Order.Number:
		return notAsked(fmt.Sprintf("the answer is about order number %q", clean(t.Order.Number)))
	case a.PaymentID != "" && strings.EqualFold(a.PaymentID, q.InitTransID):
		// The newest transaction under this number is the one that saved the card.
		return charge.StatusAnswer{Knowledge: charge.NotKnown, Reason: "only the card's first payment stands under this number"}
	case !documented:
		return notAsked(fmt.Sprintf("status %q is not documented", clean(t.Status)))
	}
	a.Differs = moneyDifference(q.Order, t)
	return charge.StatusAnswer{Knowledge: charge.Known, Answer: a}
}

func unknown(why string) charge.Answer { return charge.Answer{State: charge.Unknown, Reason: why} }

// unclear is an answer after which the provider is asked what it knows.
func unclear(why string) charge.Answer {
	return charge.Answer{State: charge.Unknown, AskStatus: true, Reason: why}
}

func notAsked(why string) charge.StatusAnswer {
	return charge.StatusAnswer{Knowledge: charge.NotAsked, Reason: why}
}

// reason is what a refusal says, for a person.
func reason(status int, f failure) string {
	texts := strings.Join(f.messages(), "; ")
	if texts == "" {
		return fmt.Sprintf("HTTP %d", status)
	}
	return clean(texts)
}

// clean makes the provider's text fit to be kept and shown: no control
// characters, no invalid UTF-8. redactor makes it short.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.TrimSpace(text))
}
