package dineropay

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"dinarfunctions/sandbox/provider/internal/fault"
	"dinarfunctions/sandbox/provider/internal/jsonhttp"
)

// Fault names one way in which the next request goes wrong. Faults says of each
// what it does and whether it takes money.
type Fault string

// What can go wrong. "Charged" means that the request is carried out: with a
// card that settles, money is taken.
const (
	Timeout              Fault = "timeout"                   // charged, never answered
	TimeoutBefore        Fault = "timeout_before"            // not charged, never answered
	CutBefore            Fault = "cut_before"                // not charged, connection closed
	CutAfter             Fault = "cut_after"                 // charged, connection closed
	HalfBody             Fault = "half_body"                 // charged, half of the answer
	NotJSON              Fault = "not_json"                  // charged, 200 with broken JSON
	HTMLPage             Fault = "html_page"                 // not charged, 200 with an HTML page
	TooLong              Fault = "too_long"                  // charged, 200 with two megabytes
	Slow                 Fault = "slow"                      // charged, right answer after Options.SlowFor
	Redirect             Fault = "redirect"                  // not charged; who follows it asks again
	OtherSpelling        Fault = "other_spelling"            // charged, right answer in the provider's other spelling
	UndocumentedStatus   Fault = "undocumented_status"       // charged, a status nobody knows
	OtherOrder           Fault = "other_order"               // charged, answer about another order number
	OtherAmount          Fault = "other_amount"              // charged, answer with another amount
	OtherCurrency        Fault = "other_currency"            // charged, answer with another currency
	OtherPayment         Fault = "other_payment"             // status: another payment_id
	NoOrderNumber        Fault = "no_order_number"           // charged, answer without order number
	RepeatedName         Fault = "repeated_name"             // charged, answer with two statuses
	ChargedOtherCurrency Fault = "charged_in_other_currency" // charged, and confirmed for good, in another currency
	OddFields            Fault = "odd_fields"                // charged, right answer in which fields nobody needs are odd
	OddBytes             Fault = "odd_bytes"                 // charged, right answer with odd bytes where they decide nothing
	TokenInReason        Fault = "token_in_reason"           // charged, the reason repeats the token
	HugeToken            Fault = "huge_token"                // status: a token of a megabyte

	HashRefused        Fault = "hash_refused"         // not charged, 400 that blames hash
	MerchantKeyRefused Fault = "merchant_key_refused" // not charged, 400 that blames merchant_key
	NumberRefused      Fault = "order_number_refused" // not charged, 400 that blames order.number
	ErrorsAsMap        Fault = "errors_as_map"        // not charged, 400 that blames hash in a map
	ErrorsAsText       Fault = "errors_as_text"       // not charged, 400 that blames order.amount in a text
	NotKnown           Fault = "not_known"            // status: denies that there is such a transaction

	ProcessingError        Fault = "processing_error"         // not charged, 400 that blames nothing
	ProcessingErrorCharged Fault = "processing_error_charged" // charged, 400 that blames nothing
	AcquirerTimeoutCharged Fault = "acquirer_timeout_charged" // charged, 400 with a code of its own

	HTTP401        Fault = "http_401"         // not charged
	HTTP403        Fault = "http_403"         // not charged
	HTTP404        Fault = "http_404"         // not charged
	HTTP404Charged Fault = "http_404_charged" // charged, the transaction in the answer
	HTTP405Charged Fault = "http_405_charged" // charged, the transaction in the answer
	HTTP429        Fault = "http_429"         // not charged, Retry-After 1
	HTTP429Charged Fault = "http_429_charged" // charged, payment_id in the answer
	HTTP500        Fault = "http_500"         // not charged
	HTTP500Charged Fault = "http_500_charged" // charged
	HTTP502        Fault = "http_502"         // not charged, HTML
	HTTP502Charged Fault = "http_502_charged" // charged, HTML
	HTTP503        Fault = "http_503"         // not charged, HTML
	HTTP503Charged Fault = "http_503_charged" // charged, HTML
)

// FaultInfo describes a fault. Its Requests are "charge", "status" or both.
type FaultInfo = fault.Info[Fault]

const (
	forCharge = "charge"
	forStatus = "status"
)

// Faults lists every fault, in the order of their constants.
func Faults() []FaultInfo { return fault.Infos(behaviours()) }

type behaviour = fault.Behaviour[Fault, exchange]

func behaviours() []behaviour {
	var all []behaviour
	add := func(f Fault, charges, tells bool, requests []string, description string, play func(exchange)) {
		all = append(all, behaviour{
			Info:  FaultInfo{Fault: f, Description: description, Charges: charges, Requests: requests},
			Tells: tells,
			Play:  play,
		})
	}
	const charged, notCharged, tells, silent = true, false, true, false
	both, charge, status := []string{forCharge, forStatus}, []string{forCharge}, []string{forStatus}

	add(Timeout, charged, silent, both, "is carried out and never answered, until the caller gives up", hang)
	add(TimeoutBefore, notCharged, silent, charge, "is read, dropped and never answered, until the caller gives up", hang)
	add(CutBefore, notCharged, silent, both, "is read and dropped, and the connection closed without an answer", cut)
	add(CutAfter, charged, silent, charge, "is carried out, and the connection closed without an answer", cut)
	add(HalfBody, charged, tells, both, "is carried out, and the connection closed after half of the answer",
		func(x exchange) { fault.Half(x.w, "application/json", x.body()) })
	add(NotJSON, charged, tells, both, "is carried out and answered with 200 and JSON that lacks its end",
		func(x exchange) {
			body := x.body()
			fault.Text(x.w, http.StatusOK, "application/json", string(body[:len(body)-1]))
		})
	add(HTMLPage, notCharged, silent, both, "is dropped and answered with 200 and an HTML page", page(http.StatusOK))
	add(TooLong, charged, tells, both, "is carried out and answered with two megabytes of blanks after the answer",
		func(x exchange) {
			fault.Text(x.w, http.StatusOK, "application/json", string(append(x.body(), slices.Repeat([]byte(" "), 2<<20)...)))
		})
	add(Slow, charged, tells, both, "is carried out and answered rightly, but late", slow)
	add(Redirect, notCharged, silent, both, "is dropped and answered with a redirect (307) to the same address; who follows it asks again",
		func(x exchange) { fault.Redirect(x.w, x.r) })

	add(OtherSpelling, charged, tells, both, "is carried out and answered rightly in the provider's other spelling: capitals, the amount as a number, the date alone",
		func(x exchange) { jsonhttp.Write(x.w, http.StatusOK, x.render(x.transaction, other)) })
	add(UndocumentedStatus, charged, tells, both, "is carried out and answered with a status that is not documented",
		altered(func(t *Transaction) { t.Status = "on_hold" }))
	add(OtherOrder, charged, tells, both, "is carried out and answered with another order number",
		altered(func(t *Transaction) { t.Order.Number = "another-order" }))
	add(OtherAmount, charged, tells, both, "is carried out and answered with another amount",
		altered(func(t *Transaction) { t.Order.Amount = "987654" }))
	add(OtherCurrency, charged, tells, both, "is carried out and answered with another currency",
		altered(func(t *Transaction) { t.Order.Currency = "XTS" }))
	add(OtherPayment, notCharged, tells, status, "is answered with another payment_id",
		altered(func(t *Transaction) { t.PaymentID = newUUID() }))
	add(NoOrderNumber, charged, tells, both, "is carried out and answered without an order number",
		altered(func(t *Transaction) { t.Order.Number = "" }))
	add(RepeatedName, charged, tells, both, "is carried out and answered with two statuses, the true one and \"declined\"",
		func(x exchange) {
			body := x.body()
			fault.Text(x.w, http.StatusOK, "application/json", string(body[:len(body)-1])+`,"status":"declined"}`)
		})

	add(ChargedOtherCurrency, charged, tells, charge, "is carried out in another currency, and answered so; the status request says it too",
		func(x exchange) {
			_ = x.s.change(x.transaction.PaymentID, func(t *Transaction) error {
				t.Order.Currency = "XTS"
				x.transaction = *t
				return nil
			})
			x.answer(x.transaction)
		})
	add(OddFields, charged, tells, both, "is carried out and answered rightly, but reason is false, date is an object, and a name that nobody knows comes twice", oddFields)
	add(OddBytes, charged, tells, both, "is carried out and answered rightly, but with a byte order mark in front, reason {}, and an invalid byte and half a surrogate in the description", oddBytes)
	add(TokenInReason, charged, tells, both, "is carried out and answered with a reason that repeats the whole token, without recurring_token beside it",
		func(x exchange) {
			t := x.transaction
			t.Reason, t.Token = "Recurring token "+t.Token+" was revoked", ""
			x.answer(t)
		})
	add(HugeToken, notCharged, tells, status, "is answered rightly, but recurring_token is a million characters long",
		altered(func(t *Transaction) { t.Token = strings.Repeat("a", 1_000_000) }))

	add(HashRefused, notCharged, silent, both, "is refused with a 400 that blames the hash", refused("hash", "Hash is not valid."))
	add(MerchantKeyRefused, notCharged, silent, both, "is refused with a 400 that blames the merchant key", refused("merchant_key", "Merchant key is not valid."))
	add(NumberRefused, notCharged, silent, charge, "is refused with a 400 that blames the order number", refused("order.number", "This value is already used."))
	add(ErrorsAsMap, notCharged, silent, both, "is refused with a 400 that blames the hash, the errors as a map of field to texts",
		refusedWith(map[string][]string{"hash": {"Hash is not valid."}}))
	add(ErrorsAsText, notCharged, silent, charge, "is refused with a 400 that blames the amount, the errors as one text",
		refusedWith("order.amount: This value should be greater than 0."))
	add(NotKnown, notCharged, silent, status, "is answered as if there was no such transaction", refused("payment_id", "Transaction is not found."))

	processingError := answered(http.StatusBadRequest, refusal{Message: "Request processing error.", Errors: []providerError{}})
	add(ProcessingError, notCharged, silent, both, "is dropped and answered with a 400 that blames nothing: \"Request processing error.\"", processingError)
	add(ProcessingErrorCharged, charged, silent, charge, "is carried out and answered with a 400 that blames nothing: \"Request processing error.\"", processingError)
	add(AcquirerTimeoutCharged, charged, silent, charge, "is carried out and answered with a 400 of code 100001: \"Acquirer timeout.\"",
		answered(http.StatusBadRequest, refusal{Code: 100001, Message: "Acquirer timeout."}))

	add(HTTP401, notCharged, silent, both, "is refused with 401", failed(http.StatusUnauthorized))
	add(HTTP403, notCharged, silent, both, "is refused with 403", failed(http.StatusForbidden))
	add(HTTP404, notCharged, silent, both, "is refused with 404", failed(http.StatusNotFound))
	add(HTTP404Charged, charged, tells, charge, "is carried out and answered with 404 and the whole transaction", told(http.StatusNotFound))
	add(HTTP405Charged, charged, tells, charge, "is carried out and answered with 405 and the whole transaction", told(http.StatusMethodNotAllowed))
	add(HTTP429, notCharged, silent, both, "is refused with 429 and Retry-After", func(x exchange) {
		x.w.Header().Set("Retry-After", "1")
		failed(http.StatusTooManyRequests)(x)
	})
	add(HTTP429Charged, charged, tells, charge, "is carried out and answered with 429 and a payment_id",
		told(http.StatusTooManyRequests))
	add(HTTP500, notCharged, silent, both, "is dropped and answered with 500", failed(http.StatusInternalServerError))
	add(HTTP500Charged, charged, silent, charge, "is carried out and answered with 500", failed(http.StatusInternalServerError))
	add(HTTP502, notCharged, silent, both, "is dropped and answered with 502 and an HTML page", page(http.StatusBadGateway))
	add(HTTP502Charged, charged, silent, charge, "is carried out and answered with 502 and an HTML page", page(http.StatusBadGateway))
	add(HTTP503, notCharged, silent, both, "is dropped and answered with 503 and an HTML page", page(http.StatusServiceUnavailable))
	add(HTTP503Charged, charged, silent, charge, "is carried out and answered with 503 and an HTML page", page(http.StatusServiceUnavailable))
	return all
}

func hang(x exchange) { fault.Hang(x.r) }

func cut(exchange) { fault.Cut() }

func page(status int) func(exchange) {
	return func(x exchange) { fault.Page(x.w, status) }
}

func slow(x exchange) {
	if err := x.s.sleep(x.r.Context(), x.s.slowFor); err != nil {
		fault.Cut() // nobody is there any more
	}
	x.answer(x.transaction)
}

// altered answers with a changed copy of what is true.
func altered(change func(*Transaction)) func(exchange) {
	return func(x exchange) {
		t := x.transaction
		change(&t)
		x.answer(t)
	}
}

// told answers with what is true, and an HTTP status that says something else.
func told(status int) func(exchange) {
	return func(x exchange) { jsonhttp.Write(x.w, status, x.render(x.transaction, usual)) }
}

// answered answers with anything at all.
func answered(status int, body any) func(exchange) {
	return func(x exchange) { jsonhttp.Write(x.w, status, body) }
}

// refusedWith answers 400 with the errors in a form of their own.
func refusedWith(errors any) func(exchange) {
	return answered(http.StatusBadRequest, refusal{Message: "Request data is invalid", Errors: errors})
}

// oddFields changes what decides nothing.
func oddFields(x exchange) {
	t := x.transaction
	t.Reason = ""
	body := string(jsonhttp.Encode(x.render(t, usual)))
	date := fmt.Sprintf(`"date":%q`, t.At.Format(dateForm))
	body = strings.Replace(body, date, fmt.Sprintf(`"date":{%s,"timezone_type":3,"timezone":"UTC"}`, date), 1)
	fault.Text(x.w, http.StatusOK, "application/json",
		strings.TrimSuffix(body, "}")+`,"reason":false,"acquirer":"first","acquirer":"second"}`)
}

// oddBytes puts bytes where they decide nothing that no JSON text should have.
func oddBytes(x exchange) {
	t := x.transaction
	const mark = "MARK"
	t.Reason, t.Order.Description = "", mark
	body := string(jsonhttp.Encode(x.render(t, usual)))
	body = strings.Replace(body, mark, "caf\xe9 \\ud83d", 1)
	fault.Text(x.w, http.StatusOK, "application/json", "\ufeff"+strings.TrimSuffix(body, "}")+`,"reason":{}}`)
}

func refused(field, message string) func(exchange) {
	return func(x exchange) { x.s.refuseFields(x.w, fieldError(field, message)) }
}

func failed(status int) func(exchange) {
	return func(x exchange) { x.s.refuse(x.w, status, http.StatusText(status)+".") }
}
