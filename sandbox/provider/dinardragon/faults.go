package dinardragon

import (
	"net/http"
	"slices"
	"strings"

	"dinarfunctions/sandbox/provider/internal/fault"
	"dinarfunctions/sandbox/provider/internal/jsonhttp"
)

// Fault names one way in which the next status request goes wrong. Faults says
// of each what it does.
type Fault string

// What can go wrong.
const (
	Timeout  Fault = "timeout"   // never answered
	Cut      Fault = "cut"       // connection closed
	HalfBody Fault = "half_body" // half of the answer
	NotJSON  Fault = "not_json"  // 200 as in the page's examples: with comments and a comma too many
	HTMLPage Fault = "html_page" // 200 with an HTML page
	TooLong  Fault = "too_long"  // 200 with two megabytes
	Slow     Fault = "slow"      // right answer after Options.SlowFor
	Redirect Fault = "redirect"  // 307 to the same address

	EmptyList          Fault = "empty_list"          // 200 without payments
	NoList             Fault = "no_list"             // 200 without a list of payments
	MissingPayment     Fault = "missing_payment"     // 200, the first payment is not in it
	RepeatedPayment    Fault = "repeated_payment"    // 200, the first payment twice, with two statuses
	RepeatedName       Fault = "repeated_name"       // 200, two lists of payments
	UndocumentedStatus Fault = "undocumented_status" // 200, the first payment with status 7
	StatusAsText       Fault = "status_as_text"      // 200, the statuses as texts
	CodeSaysRefused    Fault = "code_says_refused"   // HTTP 200 with code 403
	CodeSaysOK         Fault = "code_says_ok"        // HTTP 400 with code 200 and the payments

	HTTP400 Fault = "http_400"
	HTTP401 Fault = "http_401"
	HTTP403 Fault = "http_403"
	HTTP404 Fault = "http_404"
	HTTP429 Fault = "http_429" // with Retry-After 1
	HTTP500 Fault = "http_500"
	HTTP502 Fault = "http_502" // HTML
	HTTP503 Fault = "http_503" // HTML
)

// FaultInfo describes a fault. A status request moves no money, so none of them
// charges.
type FaultInfo = fault.Info[Fault]

// forStatus is the one kind of request that has faults.
const forStatus = "status"

// Faults lists every fault, in the order of their constants.
func Faults() []FaultInfo { return fault.Infos(behaviours()) }

// exchange is one status request that passed all checks.
type exchange struct {
	s        *Simulator
	w        http.ResponseWriter
	r        *http.Request
	payments []Payment // what is true; nil if the id is not known
}

// body is the true answer.
func (x exchange) body() []byte { return jsonhttp.Encode(told{http.StatusOK, x.payments}) }

func (x exchange) text(body string) { fault.Text(x.w, http.StatusOK, "application/json", body) }

type behaviour = fault.Behaviour[Fault, exchange]

func behaviours() []behaviour {
	var all []behaviour
	add := func(f Fault, tells bool, description string, play func(exchange)) {
		all = append(all, behaviour{
			Info:  FaultInfo{Fault: f, Description: description, Requests: []string{forStatus}},
			Tells: tells,
			Play:  play,
		})
	}
	const tells, silent = true, false

	add(Timeout, silent, "is never answered, until the caller gives up", func(x exchange) { fault.Hang(x.r) })
	add(Cut, silent, "is read, and the connection closed without an answer", func(exchange) { fault.Cut() })
	add(HalfBody, tells, "is cut after half of the answer", func(x exchange) { fault.Half(x.w, "application/json", x.body()) })
	add(NotJSON, tells, "is answered with 200 as in the examples of the provider's page, which are no JSON: with a comment and a comma too many",
		func(x exchange) { x.text(strings.TrimSuffix(string(x.body()), "}") + ", //OK\n}") })
	add(HTMLPage, silent, "is answered with 200 and an HTML page", page(http.StatusOK))
	add(TooLong, tells, "is answered with two megabytes of blanks after the answer",
		func(x exchange) { x.text(string(x.body()) + strings.Repeat(" ", 2<<20)) })
	add(Slow, tells, "is answered rightly, but late", func(x exchange) {
		if err := x.s.sleep(x.r.Context(), x.s.slowFor); err != nil {
			fault.Cut() // nobody is there any more
		}
		tell(x.w, x.payments)
	})
	add(Redirect, silent, "is answered with a redirect (307) to the same address; who follows it asks again",
		func(x exchange) { fault.Redirect(x.w, x.r) })

	add(EmptyList, silent, "is answered with 200 and no payments", func(x exchange) { tell(x.w, []Payment{}) })
	add(NoList, silent, "is answered with 200 and nothing but its code", func(x exchange) { x.text(`{"code":200}`) })
	add(MissingPayment, tells, "is answered without the first payment that it is about; with a stranger, if that was the only one", altered(func(p []Payment) []Payment {
		if len(p) == 1 {
			return []Payment{{newID(), Successful}}
		}
		return p[1:]
	}))
	add(RepeatedPayment, tells, "is answered with the first payment twice, as successful and as failed", altered(func(p []Payment) []Payment {
		return append(p, Payment{p[0].UniqueID, Successful}, Payment{p[0].UniqueID, Failed})[1:]
	}))
	add(RepeatedName, tells, "is answered with two lists of payments, the true one and an empty one",
		func(x exchange) { x.text(strings.TrimSuffix(string(x.body()), "}") + `,"payments":[]}`) })
	add(UndocumentedStatus, tells, "is answered with a status of the first payment that is not documented", altered(func(p []Payment) []Payment {
		p[0].Status = 7
		return p
	}))
	add(StatusAsText, tells, "is answered with texts where the statuses should be numbers", func(x exchange) {
		type texts struct {
			UniqueID string `json:"uniqueid"`
			Status   Status `json:"status,string"`
		}
		all := make([]texts, len(x.payments))
		for i, p := range x.payments {
			all[i] = texts(p)
		}
		jsonhttp.Write(x.w, http.StatusOK, struct {
			Code     int     `json:"code"`
			Payments []texts `json:"payments"`
		}{http.StatusOK, all})
	})
	add(CodeSaysRefused, silent, "is answered with HTTP 200 and a code that says 403",
		func(x exchange) { x.text(`{"code":403,"error":"Invalid API key."}`) })
	add(CodeSaysOK, tells, "is answered with HTTP 400 and a code that says 200, with the payments",
		func(x exchange) { jsonhttp.Write(x.w, http.StatusBadRequest, told{http.StatusOK, x.payments}) })

	add(HTTP400, silent, "is refused with 400", refused(http.StatusBadRequest, "Bad request."))
	add(HTTP401, silent, "is refused with 401", refused(http.StatusUnauthorized, "Unauthorized."))
	add(HTTP403, silent, "is refused with 403, as if the key was wrong", refused(http.StatusForbidden, "Invalid API key."))
	add(HTTP404, silent, "is refused with 404", refused(http.StatusNotFound, "Not found."))
	add(HTTP429, silent, "is refused with 429 and Retry-After", func(x exchange) {
		x.w.Header().Set("Retry-After", "1")
		refuse(x.w, http.StatusTooManyRequests, "Too many requests.")
	})
	add(HTTP500, silent, "is answered with 500", refused(http.StatusInternalServerError, "Internal server error."))
	add(HTTP502, silent, "is answered with 502 and an HTML page", page(http.StatusBadGateway))
	add(HTTP503, silent, "is answered with 503 and an HTML page", page(http.StatusServiceUnavailable))
	return all
}

// altered answers with a changed copy of what is true.
func altered(change func([]Payment) []Payment) func(exchange) {
	return func(x exchange) { tell(x.w, change(slices.Clone(x.payments))) }
}

func refused(status int, message string) func(exchange) {
	return func(x exchange) { refuse(x.w, status, message) }
}

func page(status int) func(exchange) {
	return func(x exchange) { fault.Page(x.w, status) }
}
