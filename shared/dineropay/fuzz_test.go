package dineropay

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"
	"golang.org/x/text/cases"
	"golang.org/x/text/language"

	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/hidden"
)

// Reading is total, and no answer settles a charge or frees its number that the
// contract's table does not let.
func FuzzReadCharge(f *testing.F) {
	all := answerCases()
	require.NotEmpty(f, all)
	for _, tt := range all {
		f.Add(tt.status, []byte(tt.body))
	}
	for _, r := range answerRows(f) {
		f.Add(r.HTTP, r.body(f))
	}
	order := theTerms(f).Order
	redact := newRedactor("", hidden.New("MARKED-secret"))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		a := readCharge(order, status, body)
		require.Equal(t, a, readCharge(order, status, body), "the same answer reads the same")
		requireFit(t, redact.answer(a))
		switch a.State {
		case charge.Settled, charge.Declined, charge.Pending, charge.Reversed:
			require.Equal(t, 200, status)
			require.True(t, isAbout(body, order.Number), "settled by an answer that names no such order")
			require.Contains(t, statuses, a.ProviderStatus)
		case charge.Rejected:
			require.Contains(t, []int{400, 404, 405}, status)
			require.False(t, carriesPayment(body), "freed by an answer with a payment_id")
			require.NotEmpty(t, a.Reason)
		case charge.Unsent:
			require.Contains(t, []int{401, 403, 429}, status)
			require.False(t, carriesPayment(body), "freed by an answer with a payment_id")
			require.NotEmpty(t, a.Reason)
		case charge.Unknown:
			require.NotEmpty(t, a.Reason)
		default:
			require.Fail(t, "an answer comes to no such state", "%q", a.State)
		}
		if a.KeyRefused {
			require.Contains(t, []int{400, 401, 403}, status)
		}
		if a.AskStatus {
			require.Contains(t, []charge.State{charge.Rejected, charge.Unknown}, a.State)
			require.Contains(t, []int{400, 404, 405}, status)
			require.False(t, a.KeyRefused, "a request that may have been processed is signed again")
		}
	})
}

// isAbout tells by another decoder whether an answer is one JSON object about an
// order number.
func isAbout(body []byte, number string) bool {
	d := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(body, []byte(byteOrderMark))))
	d.UseNumber()
	var v map[string]any
	if d.Decode(&v) != nil {
		return false
	}
	order, _ := v["order"].(map[string]any)
	return order["number"] == any(number) || order["number"] == any(json.Number(number))
}

// carriesPayment tells by another decoder whether an answer is one JSON object
// with a payment_id.
func carriesPayment(body []byte) bool {
	var v map[string]any
	return json.Unmarshal(bytes.TrimPrefix(body, []byte(byteOrderMark)), &v) == nil && v["payment_id"] != nil && v["payment_id"] != "" && v["payment_id"] != false &&
		fmt.Sprint(v["payment_id"]) != "[]" && fmt.Sprint(v["payment_id"]) != "map[]"
}

func FuzzReadStatus(f *testing.F) {
	all := statusCases(f)
	require.NotEmpty(f, all)
	for _, tt := range all {
		f.Add(tt.status, []byte(tt.body), tt.query.PaymentID)
	}
	for _, r := range answerRows(f) {
		f.Add(r.HTTP, r.body(f), "")
	}
	order := theTerms(f).Order
	f.Fuzz(func(t *testing.T, status int, body []byte, paymentID string) {
		q := charge.Query{Order: order, InitTransID: theInitTransID, PaymentID: paymentID}
		a := readStatus(q, status, body)
		require.Equal(t, a, readStatus(q, status, body), "the same answer reads the same")
		refused := keyRefused(status, body)
		switch a.Knowledge {
		case charge.Known:
			require.Equal(t, 200, status)
			require.True(t, isAbout(body, order.Number), "known by an answer that names no such order")
			require.Contains(t, []charge.State{charge.Settled, charge.Declined, charge.Pending, charge.Reversed}, a.Answer.State)
			require.False(t, strings.EqualFold(a.Answer.PaymentID, theInitTransID), "the card's first payment is not this charge")
			require.False(t, refused)
		case charge.NotKnown:
			require.Contains(t, []int{200, 400, 404}, status)
			require.NotEmpty(t, a.Reason)
			require.Zero(t, a.Answer)
			require.False(t, refused)
		case charge.NotAsked:
			require.NotEmpty(t, a.Reason)
			require.Zero(t, a.Answer)
		default:
			require.Fail(t, "no such knowledge", "%d", a.Knowledge)
		}
	})
}

// What passes has one signature and arrives as it is; what does not pass says
// why without a token.
func FuzzNewTerms(f *testing.F) {
	vectors, _ := signatures(f)
	require.NotEmpty(f, vectors)
	for _, v := range vectors {
		f.Add(v.InitTransID, v.Token, v.ScheduleID, v.Number, v.AskedAmount, v.Currency, v.Description)
	}
	f.Add("", "", "", "", "", "", "")
	f.Add("id", "to ken", "", "order_1", "1.001", "XXX", "ß")
	f.Add("id", "token", " ", "1", "0", "sar", "café")
	password := theCredentials().Password
	upper := cases.Upper(language.Und)
	f.Fuzz(func(t *testing.T, initTransID, token, schedule, number, amount, currency, description string) {
		r := Request{
			InitTransID: initTransID, Token: token, ScheduleID: schedule,
			Number: number, Amount: amount, Currency: currency, Description: description,
		}
		terms, err := NewTerms(r)
		if err != nil {
			var invalid *charge.InvalidError
			require.ErrorAs(t, err, &invalid)
			require.NotEmpty(t, invalid.Faults)
			require.Zero(t, terms)
			requireTokenDoesNotShow(t, r, err)
			return
		}
		require.Regexp(t, `\A[A-Za-z0-9-]{1,255}\z`, terms.Order.Number)
		require.Equal(t, number, terms.Order.Number)
		require.Equal(t, token, terms.Token.Reveal())
		require.Equal(t, description, terms.Order.Description)
		require.True(t, utf8.ValidString(description))
		require.False(t, strings.ContainsFunc(description, unicode.IsControl))
		decimals, known := decimalsOf(currency)
		require.True(t, known)
		_, after, _ := strings.Cut(terms.Order.Amount.String(), ".")
		require.Len(t, after, decimals)

		signed := initTransID + token + number + terms.Order.Amount.String() + description + password.Reveal()
		require.Equal(t, strings.Map(asciiUpper, signed), upper.String(signed), "two upper cases, two signatures")

		body, err := jsonv2.Marshal(orderRequest{number, terms.Order.Amount.String(), currency, description})
		require.NoError(t, err)
		var arrived orderRequest
		require.NoError(t, json.Unmarshal(body, &arrived), "another decoder reads it")
		require.Equal(t, description, arrived.Description)
	})
}

// requireTokenDoesNotShow checks that an error tells nothing of a token but what
// is wrong with it: with another token at fault in the same way it is the same.
func requireTokenDoesNotShow(t *testing.T, r Request, err error) {
	t.Helper()
	switch {
	case r.Token == "":
	case len(r.Token) > maxID:
		r.Token = strings.Repeat("x", maxID+1)
	case strings.ContainsFunc(r.Token, func(c rune) bool { return c <= ' ' || c > '~' }):
		r.Token = " "
	default:
		r.Token = "x"
	}
	_, other := NewTerms(r)
	require.EqualError(t, other, err.Error())
}

func FuzzParseCredentials(f *testing.F) {
	for _, seed := range []string{
		`{"merchant_key": "k-1", "merchant_password": "p-1"}`, `{"merchant_key":"k","merchant_password":"كلمة"}`,
		`{"merchant_key":"k","merchant_password":"pß"}`, `{"merchant_key":"k\n","merchant_password":"p\u00a0"}`,
		`{"merchant_key":1,"merchant_password":null}`, `{"merchant_key":"a","merchant_key":"b"}`, `{}`, `null`, `"k"`, ``,
	} {
		f.Add([]byte(seed))
	}
	// All that an error may say: nothing of the value is in it.
	errs := []string{`the value is not the JSON object {"merchant_key": "…", "merchant_password": "…"}`}
	for _, name := range []string{"merchant_key", "merchant_password"} {
		for _, value := range []string{"", " ", "ß"} {
			errs = append(errs, fmt.Sprintf("%s %v", name, checkCredential(value)))
		}
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		c, err := ParseCredentials(value)
		if err != nil {
			require.Contains(t, errs, err.Error())
			require.Zero(t, c)
			return
		}
		for _, text := range []string{c.MerchantKey.Reveal(), c.Password.Reveal()} {
			require.NotEmpty(t, text)
			require.Equal(t, strings.TrimSpace(text), text)
			require.False(t, strings.ContainsFunc(text, unicode.IsControl))
			require.Equal(t, strings.Map(asciiUpper, text), strings.ToUpper(text))
		}
		again, err := json.Marshal(map[string]string{
			"merchant_key": c.MerchantKey.Reveal(), "merchant_password": c.Password.Reveal(),
		})
		require.NoError(t, err)
		same, err := ParseCredentials(again)
		require.NoError(t, err)
		require.Equal(t, c, same)
	})
}

// What is read as a text or a number is what another decoder reads, which is as
// lenient with what is not UTF-8.
func FuzzReadText(f *testing.F) {
	for _, seed := range []string{`"1.00"`, `22`, `-0.5e-3`, `null`, `""`, `"\u0634\ud83c\udf81"`, `true`, `{}`, `[1]`, `01`, `"`, ``, "\"\xff\"", `"\ud800"`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		if bytes.HasPrefix(value, []byte(byteOrderMark)) {
			t.Skip()
		}
		d := newDecoder(value)
		got, known, err := readText(d)
		if err != nil || end(d) != nil {
			return
		}
		other := json.NewDecoder(bytes.NewReader(value))
		other.UseNumber()
		var theirs any
		require.NoError(t, other.Decode(&theirs))
		switch theirs := theirs.(type) {
		case nil:
			require.Empty(t, got)
			require.True(t, known)
		case string:
			require.Equal(t, theirs, got)
			require.True(t, known)
		case json.Number:
			require.EqualValues(t, theirs, got)
			require.True(t, known)
		default:
			require.Empty(t, got)
			require.False(t, known)
		}
	})
}

// An error form that is read and written again, its errors as one list, says the
// same.
func FuzzParseFailure(f *testing.F) {
	seeds := slices.DeleteFunc(answerCases(), func(tt answerCase) bool { return tt.status != 400 })
	require.NotEmpty(f, seeds)
	for _, tt := range seeds {
		f.Add([]byte(tt.body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := parseFailure(body)
		if err != nil {
			require.Zero(t, got)
			return
		}
		require.NotEmpty(t, got.faults)
		require.LessOrEqual(t, len(got.faults), maxErrors)
		if got.blamesKey() || got.names("order.number") {
			require.NotEmpty(t, got.messages())
		}
		if !got.isValidation() {
			return
		}
		// What is validation stays so when it is said again, and is not any more with
		// one error of another kind beside it.
		var list []map[string]string
		for _, fault := range got.faults {
			if !fault.heading {
				list = append(list, map[string]string{"error_code": fault.code, "error_message": fault.text()})
			}
		}
		for _, also := range []bool{false, true} {
			if also {
				list = append(list, map[string]string{"error_code": "100001", "error_message": "Acquirer timeout."})
			}
			again, err := json.Marshal(map[string]any{"errors": list})
			require.NoError(t, err)
			same, err := parseFailure(again)
			require.NoError(t, err, "%s", again)
			require.Equal(t, !also, same.isValidation() && !same.more, "%s", again)
		}
	})
}

// A secret that a mask cannot be mistaken for is in no text that was redacted.
func FuzzRedact(f *testing.F) {
	f.Add("secret-4711", "token-4711", `a secret-4711 of "SECRET-4711" token-47`, 20)
	f.Add("secret", "secret-word", "secret-word", 3)
	f.Add("9a2f-0242c0a87002", theInitTransID, theInitTransID, 255)
	f.Fuzz(func(t *testing.T, one, other, text string, most int) {
		if most < 0 || most > 1000 {
			t.Skip()
		}
		r := newRedactor("", hidden.New(one), hidden.New(other))
		got, id := r.text(text, most), r.id(text)
		require.LessOrEqual(t, utf8.RuneCountInString(got), most+1)
		require.Contains(t, []string{text, ""}, id, "an id is kept as it is or not at all")
		for _, secret := range r.secrets {
			if len(secret) > len("hidden") && !strings.ContainsAny(secret, "[]…") {
				require.NotContains(t, strings.Map(asciiUpper, got), strings.Map(asciiUpper, secret))
			}
			require.NotEqual(t, secret, id)
		}
	})
}
