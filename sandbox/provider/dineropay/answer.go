package dineropay

import (
	"net/http"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/shopspring/decimal"

	"dinarfunctions/sandbox/provider/internal/jsonhttp"
)

// ErrorShape is how the provider words a refusal. Its page shows both.
type ErrorShape int

const (
	// List has the errors as an array under "errors".
	List ErrorShape = iota
	// Nested has a whole second error object under "errors", and the array in it.
	Nested
)

// requestInvalid is the code of an error in a request's field.
const requestInvalid = 100000

// providerError is one error in the provider's form: "field: text" mostly.
type providerError struct {
	Code    int    `json:"error_code"`
	Message string `json:"error_message"`
}

// refusal is the provider's error form.
type refusal struct {
	Code    int    `json:"error_code"`
	Message string `json:"error_message"`
	Errors  any    `json:"errors,omitzero"`
}

func fieldError(field, message string) providerError {
	return providerError{Code: requestInvalid, Message: field + ": " + message}
}

// refuseFields answers 400 with what is wrong.
func (s *Simulator) refuseFields(w http.ResponseWriter, faults ...providerError) {
	answer := refusal{Message: "Request data is invalid", Errors: faults}
	if s.errorShape == Nested {
		answer = refusal{Message: answer.Message, Errors: answer}
	}
	jsonhttp.Write(w, http.StatusBadRequest, answer)
}

// refuseRequest answers a request that breaks the protocol: 400, or for the key
// what the settings say.
func (s *Simulator) refuseRequest(w http.ResponseWriter, faults []providerError) {
	if s.Settings().KeyRefusedWith401 {
		for _, f := range faults {
			field, _, _ := strings.Cut(f.Message, ":")
			if words := map[string]string{"hash": "Invalid hash", "merchant_key": "Invalid merchant key"}[field]; words != "" {
				s.refuse(w, http.StatusUnauthorized, words)
				return
			}
		}
	}
	s.refuseFields(w, faults...)
}

// refuse answers in the error form with a text that blames no field.
func (s *Simulator) refuse(w http.ResponseWriter, status int, message string) {
	jsonhttp.Write(w, status, refusal{Message: message})
}

// spelling is one of the ways in which the provider writes the same answer.
type spelling int

const (
	// usual is "settled", "1.00", "2020-08-05 07:41:10".
	usual spelling = iota
	// other is "SETTLED", 1.00, "2020-08-05".
	other
)

type transactionAnswer struct {
	Status     string      `json:"status"`
	PaymentID  string      `json:"payment_id"`
	Reason     string      `json:"reason,omitzero"`
	Date       string      `json:"date"`
	ScheduleID string      `json:"schedule_id,omitzero"`
	Order      orderAnswer `json:"order"`

	// Of a status answer alone.
	SheduleID string    `json:"shedule_id,omitzero"` // the platform's spelling
	Token     string    `json:"recurring_token,omitzero"`
	Customer  *customer `json:"customer,omitzero"`
}

type orderAnswer struct {
	Number      string         `json:"number,omitzero"`
	Amount      jsontext.Value `json:"amount"`
	Currency    string         `json:"currency"`
	Description string         `json:"description"`
}

type customer struct {
	Name  string `json:"name"`
	Email string `json:"email"`
}

// chargeAnswer is the answer to a charge (DineroPay, recurring).
func chargeAnswer(t Transaction, s spelling) any {
	answer := newAnswer(t, s)
	answer.ScheduleID = t.ScheduleID
	return answer
}

// statusAnswer is the answer to a status request (platform's protocol).
func statusAnswer(t Transaction, s spelling) any {
	answer := newAnswer(t, s)
	answer.SheduleID = t.ScheduleID
	answer.Token = t.Token
	answer.Customer = &customer{Name: "Test Customer", Email: "customer@example.com"}
	return answer
}

func newAnswer(t Transaction, s spelling) transactionAnswer {
	amount := t.Order.Amount
	if sum, err := decimal.NewFromString(amount); err == nil {
		// "If you pass 1 it will be 1.00."
		amount = sum.StringFixed(decimals(t.Order.Currency))
	}
	answer := transactionAnswer{
		Status:    t.Status,
		PaymentID: t.PaymentID,
		Reason:    t.Reason,
		Date:      t.At.Format(dateForm),
		Order: orderAnswer{
			Number:      t.Order.Number,
			Amount:      jsonhttp.Encode(amount),
			Currency:    t.Order.Currency,
			Description: t.Order.Description,
		},
	}
	if s == other {
		answer.Status = strings.ToUpper(t.Status)
		answer.Date = t.At.Format("2006-01-02")
		answer.Order.Amount = jsontext.Value(amount)
		if t.Status == declined {
			answer.Status = "DECLINE"
		}
	}
	return answer
}
