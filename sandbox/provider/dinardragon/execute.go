package dinardragon

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/shopspring/decimal"

	"dinarfunctions/sandbox/provider/internal/jsonhttp"
)

// authcodeLife is how long the first step stands (Dinar Dragon, /get-authcode).
const authcodeLife = 15 * time.Minute

// Account says what becomes of money that is sent to it.
type Account struct {
	Number string `json:"acc_contains"` // an account number with this in it, whatever its case
	Status Status `json:"status"`       // what a payment to it becomes when it would arrive
	Note   string `json:"note"`
}

// Accounts lists the bank accounts at which money does not simply arrive. The
// first entry whose Number is contained in an account's number counts; at every
// other account it arrives.
func Accounts() []Account {
	return []Account{
		{"failed", Failed, "the bank refuses it: refunded to the dashboard balance"},
		{"stuck", Processing, "it stays under way; PUT " + shownAt + "payments/{uniqueid} changes it"},
	}
}

// maxAmount is how many characters an amount may have.
const maxAmount = 30

const notPositive = " must be a number greater than 0."

// draft is a payout that was asked for and not yet executed.
type draft struct {
	accounts []account
	total    decimal.Decimal
	expires  time.Time
}

// account is one payment as /get-authcode takes it.
type account struct {
	Number    string         `json:"acc"`
	Amount    jsontext.Value `json:"amount"` // a number, or a text that holds one
	Bank      string         `json:"bank"`
	Country   string         `json:"country"`
	Recipient string         `json:"recipientname"`
}

// getAuthcode is the first step: what is to be paid.
func (s *Simulator) getAuthcode(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Amount   jsontext.Value `json:"amount"`
		Accounts []account      `json:"accounts"`
	}
	if refused := s.admit(r, &body); refused != nil {
		refused.answer(w)
		return
	}
	if _, ok := positive(body.Amount); !ok {
		refuse(w, http.StatusBadRequest, "amount"+notPositive)
		return
	}
	if len(body.Accounts) == 0 {
		refuse(w, http.StatusBadRequest, "accounts must hold at least one account.")
		return
	}
	d := draft{accounts: body.Accounts, expires: s.now().Add(authcodeLife)}
	for i, a := range body.Accounts {
		amount, ok := positive(a.Amount)
		switch {
		case !ok:
			refuse(w, http.StatusBadRequest, fmt.Sprintf("accounts.%d.amount%s", i, notPositive))
			return
		case a.Number == "" || a.Bank == "" || a.Country == "" || a.Recipient == "":
			refuse(w, http.StatusBadRequest, fmt.Sprintf("accounts.%d needs acc, bank, country and recipientname.", i))
			return
		}
		d.total = d.total.Add(amount)
	}
	code := newID()
	s.count(func() { s.drafts[code] = d })
	jsonhttp.Write(w, http.StatusOK, struct {
		Code     int            `json:"code"`
		Charge   jsontext.Value `json:"charge_in_usd"`
		Authcode string         `json:"authcode"`
	}{http.StatusOK, dollars(d.total), code})
}

// executed is one payment as /execute tells it.
type executed struct {
	Number    string         `json:"accNo"`
	Amount    jsontext.Value `json:"amount"`
	Bank      string         `json:"bank"`
	Country   string         `json:"country"`
	Recipient string         `json:"recipientname"`
	Date      string         `json:"date"`
	Time      string         `json:"time"`
	Email     string         `json:"email"`
	UniqueID  string         `json:"uniqueid"`
}

// execute is the second step: it pays. An authcode is good once.
func (s *Simulator) execute(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Authcode string `json:"authcode"`
	}
	if refused := s.admit(r, &body); refused != nil {
		refused.answer(w)
		return
	}
	now := s.now().UTC()
	made := payout{id: newID()}
	var accounts []executed
	var d draft
	var known bool
	s.count(func() {
		if d, known = s.drafts[body.Authcode]; !known || !now.Before(d.expires) {
			known = false
			return
		}
		delete(s.drafts, body.Authcode)
		for _, a := range d.accounts {
			one := payment{id: newID(), arrives: now.Add(s.arrivesAfter), becoming: becomes(a.Number)}
			made.payments = append(made.payments, one)
			accounts = append(accounts, executed{
				Number: a.Number, Amount: a.Amount, Bank: a.Bank, Country: a.Country, Recipient: a.Recipient,
				Date: now.Format("2006-01-02"), Time: now.Format("15:04"),
				Email: "merchant@example.com", UniqueID: one.id,
			})
		}
		s.payouts = append(s.payouts, made)
	})
	if !known {
		refuse(w, http.StatusBadRequest, "Invalid or expired authcode.")
		return
	}
	jsonhttp.Write(w, http.StatusOK, struct {
		Code      int            `json:"code"`
		Accounts  []executed     `json:"accounts"`
		Charge    jsontext.Value `json:"charge_in_usd"`
		PaymentID string         `json:"payment_id"`
		Message   string         `json:"message"`
	}{http.StatusOK, accounts, dollars(d.total), made.id, "Payout is being processed."})
}

// becomes is what money sent to an account becomes.
func becomes(number string) Status {
	number = strings.ToLower(number)
	for _, a := range Accounts() {
		if strings.Contains(number, a.Number) {
			return a.Status
		}
	}
	return Successful
}

// positive reads an amount: a number above zero, written as one or as a text.
func positive(value jsontext.Value) (decimal.Decimal, bool) {
	text := string(value)
	if value.Kind() == jsontext.KindString {
		if err := json.Unmarshal(value, &text); err != nil {
			return decimal.Decimal{}, false
		}
	}
	// An exponent could make a few characters a number of any size.
	if len(text) > maxAmount || strings.ContainsAny(text, "eE") {
		return decimal.Decimal{}, false
	}
	amount, err := decimal.NewFromString(text)
	return amount, err == nil && amount.IsPositive()
}

// dollars writes a sum as a JSON number of two decimals.
func dollars(sum decimal.Decimal) jsontext.Value { return jsontext.Value(sum.StringFixed(2)) }

// newID makes an id like the provider's: 16 lower-case hex digits.
func newID() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}
