package dineropay

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/charge"
)

// answerCase is one row of the contract's table "How a charge's own answer is
// read": an answer to the charge of the first vector, and what it comes to.
type answerCase struct {
	name   string
	status int
	body   string
	want   charge.Answer // but for the reason
	// reason is in the answer's reason; if it is empty, so is the answer's.
	reason string
}

// The answers that the whole of the table comes to.
var (
	isUnknown  = charge.Answer{State: charge.Unknown}
	isUnclear  = charge.Answer{State: charge.Unknown, AskStatus: true}
	isRejected = charge.Answer{State: charge.Rejected}
	isUnsent   = charge.Answer{State: charge.Unsent}
	keyUnsent  = charge.Answer{State: charge.Unsent, KeyRefused: true}
	blamesKey  = charge.Answer{State: charge.Rejected, KeyRefused: true}
	blamesNo   = charge.Answer{State: charge.Rejected, AskStatus: true}
)

const (
	theDate  = "2020-08-05 07:41:10"
	theOrder = `{"number":"order-1234","amount":"1.00","currency":"SAR","description":"gift"}`
)

// about is an answer with HTTP status 200 about some order.
func about(status, order string) string {
	return fmt.Sprintf(`{"status":%q,"payment_id":%q,"date":%q,"order":%s}`, status, thePaymentID, theDate, order)
}

// said is the answer that takes over the provider's word.
func said(state charge.State, word string) charge.Answer {
	return charge.Answer{State: state, PaymentID: thePaymentID, ProviderStatus: word, ProviderDate: theDate}
}

var settled = said(charge.Settled, "settled")

// documented is the meaning of every status word that the provider documents.
// It is written down a second time here: the code's own table is under test.
var documented = []struct {
	word  string
	state charge.State
}{
	{"settled", charge.Settled},
	{"declined", charge.Declined},
	{"decline", charge.Declined},
	{"pending", charge.Pending},
	{"prepare", charge.Pending},
	{"3ds", charge.Pending},
	{"redirect", charge.Pending},
	{"refund", charge.Reversed},
	{"reversal", charge.Reversed},
	{"void", charge.Reversed},
	{"chargeback", charge.Reversed},
}

func answerCases() []answerCase {
	var all []answerCase
	for _, group := range [][]answerCase{
		statusWords(), orderCases(), amountCases(), formCases(),
		badRequests(), refusals(), otherStatuses(),
	} {
		all = append(all, group...)
	}
	return all
}

func statusWords() []answerCase {
	var all []answerCase
	for _, s := range documented {
		for _, word := range []string{s.word, strings.ToUpper(s.word), strings.ToUpper(s.word[:1]) + s.word[1:]} {
			all = append(all, answerCase{"status " + word, 200, about(word, theOrder), said(s.state, s.word), ""})
		}
	}
	for _, word := range []string{"", "success", "settle", "settled!", "refunded", "3DS2", "accepted", "null", "معلق"} {
		all = append(all, answerCase{
			"undocumented status " + word, 200, about(word, theOrder),
			said(charge.Unknown, strings.ToLower(word)), "not documented",
		})
	}
	return append(all, []answerCase{
		{"no status", 200, `{"payment_id":"aaff66d8-4c62-11eb-b6a6-0242c0a87002","order":` + theOrder + `}`,
			charge.Answer{State: charge.Unknown, PaymentID: thePaymentID}, "not documented"},
		{"status null", 200, `{"status":null,"order":` + theOrder + `}`, isUnknown, "not documented"},
		{"status a number", 200, `{"status":1,"order":` + theOrder + `}`,
			charge.Answer{State: charge.Unknown, ProviderStatus: "1"}, "not documented"},
		{"status an object", 200, `{"status":{"settled":true},"order":` + theOrder + `}`, isUnknown, "cannot be read"},
		{"status true", 200, `{"status":true,"order":` + theOrder + `}`, isUnknown, "cannot be read"},
		{"a declined one says why", 200, `{"status":"declined","reason":"Insufficient funds","order":` + theOrder + `}`,
			charge.Answer{State: charge.Declined, ProviderStatus: "declined"}, "Insufficient funds"},
		{"a pending one says why", 200, `{"status":"pending","reason":"Waiting for the bank","order":` + theOrder + `}`,
			charge.Answer{State: charge.Pending, ProviderStatus: "pending"}, "Waiting for the bank"},
		{"a settled one has no reason", 200, `{"status":"settled","reason":"Approved","order":` + theOrder + `}`,
			charge.Answer{State: charge.Settled, ProviderStatus: "settled"}, ""},
		{"reason null", 200, `{"status":"declined","reason":null,"order":` + theOrder + `}`,
			charge.Answer{State: charge.Declined, ProviderStatus: "declined"}, ""},
		{"reason in Arabic, over two lines", 200, `{"status":"declined","reason":"الرصيد\nغير كاف","order":` + theOrder + `}`,
			charge.Answer{State: charge.Declined, ProviderStatus: "declined"}, "الرصيد غير كاف"},
		{"date without a time", 200, `{"status":"settled","date":"2020-08-05","order":` + theOrder + `}`,
			charge.Answer{State: charge.Settled, ProviderStatus: "settled", ProviderDate: "2020-08-05"}, ""},
		{"all that the platform adds", 200, `{"status":"SETTLED","payment_id":"aaff66d8-4c62-11eb-b6a6-0242c0a87002",` +
			`"date":"2020-08-05 07:41:10","schedule_id":"s","shedule_id ":"s","descriptor":"d","customer":{"name":"n","email":"e"},` +
			`"recurring_token":"x","order":` + theOrder + `}`, settled, ""},
	}...)
}

func orderCases() []answerCase {
	return []answerCase{
		{"another order number", 200, about("settled", `{"number":"order-1235","amount":"1.00","currency":"SAR"}`), isUnknown, "order-1235"},
		{"the order number in another case", 200, about("settled", `{"number":"Order-1234","amount":"1.00","currency":"SAR"}`), isUnknown, "Order-1234"},
		{"the order number with a blank", 200, about("settled", `{"number":"order-1234 ","amount":"1.00","currency":"SAR"}`), isUnknown, "order-1234"},
		{"another order number, declined", 200, about("declined", `{"number":"order-1235","amount":"1.00","currency":"SAR"}`), isUnknown, "order-1235"},
		{"no order number", 200, about("settled", `{"amount":"1.00","currency":"SAR"}`), isUnknown, "no order number"},
		{"order number empty", 200, about("settled", `{"number":"","amount":"1.00","currency":"SAR"}`), isUnknown, "no order number"},
		{"order number null", 200, about("settled", `{"number":null,"amount":"1.00","currency":"SAR"}`), isUnknown, "no order number"},
		{"order number an array", 200, about("settled", `{"number":["order-1234"]}`), isUnknown, "cannot be read"},
		{"no order", 200, `{"status":"settled"}`, isUnknown, "no order number"},
		{"no order, declined", 200, `{"status":"declined","reason":"Do not honor"}`, isUnknown, "no order number"},
		{"order null", 200, about("settled", `null`), isUnknown, "no order number"},
		{"order an array", 200, about("settled", `[]`), isUnknown, "cannot be read"},
		{"order a text", 200, about("settled", `"order-1234"`), isUnknown, "cannot be read"},
		{"order number outside the order", 200, `{"status":"settled","number":"order-1234"}`, isUnknown, "no order number"},
		{"the order number alone", 200, about("settled", `{"number":"order-1234"}`), settled, ""},
	}
}

func amountCases() []answerCase {
	var all []answerCase
	for _, amount := range []string{`"1.00"`, `"1"`, `"1.0"`, `"1.000"`, `"01.00"`, `1`, `1.0`, `1.00`, `1e0`, `10E-1`, `null`, `""`} {
		all = append(all, answerCase{
			"the amount as " + amount, 200,
			about("settled", `{"number":"order-1234","currency":"SAR","amount":`+amount+`}`), settled, "",
		})
	}
	for _, amount := range []string{
		`"1.01"`, `"0.99"`, `"100"`, `100`, `1.001`, `"1.0000000000000000000001"`, `-1`, `"-1.00"`, `0`, `1e2`, `1e99`,
		`"1,00"`, `"1.00 SAR"`, `" 1.00"`, `"one"`, `"١"`, `"NaN"`, `"0x1"`, `"1e999999999"`,
	} {
		all = append(all, answerCase{
			"another amount, " + amount, 200,
			about("settled", `{"number":"order-1234","currency":"SAR","amount":`+amount+`}`), isUnknown, "instead of 1.00",
		})
	}
	for _, amount := range []string{`true`, `["1.00"]`, `{"value":"1.00"}`} {
		all = append(all, answerCase{
			"an amount that is none, " + amount, 200,
			about("settled", `{"number":"order-1234","currency":"SAR","amount":`+amount+`}`), isUnknown, "cannot be read",
		})
	}
	for _, currency := range []string{`"SAR"`, `"sar"`, `"Sar"`, `""`, `null`} {
		all = append(all, answerCase{
			"the currency as " + currency, 200,
			about("settled", `{"number":"order-1234","amount":"1.00","currency":`+currency+`}`), settled, "",
		})
	}
	for _, currency := range []string{`"USD"`, `"SAR "`, `"SR"`, `682`, `"ريال"`} {
		all = append(all, answerCase{
			"another currency, " + currency, 200,
			about("settled", `{"number":"order-1234","amount":"1.00","currency":`+currency+`}`), isUnknown, "instead of SAR",
		})
	}
	return append(all, []answerCase{
		{"no amount and no currency", 200, about("settled", `{"number":"order-1234","description":"gift"}`), settled, ""},
		{"another amount, declined", 200, about("declined", `{"number":"order-1234","amount":"2.00"}`), isUnknown, "instead of 1.00"},
		{"another description is no difference", 200, about("settled", `{"number":"order-1234","description":"a gift"}`), settled, ""},
	}...)
}

// formCases are answers with HTTP status 200 that are not the provider's form.
func formCases() []answerCase {
	whole := about("settled", theOrder)
	return []answerCase{
		{"empty", 200, ``, isUnknown, "cannot be read"},
		{"blanks", 200, " \r\n", isUnknown, "cannot be read"},
		{"a page", 200, `<html><body>settled</body></html>`, isUnknown, "cannot be read"},
		{"a text", 200, `"settled"`, isUnknown, "cannot be read"},
		{"null", 200, `null`, isUnknown, "no order number"},
		{"an array", 200, `[` + whole + `]`, isUnknown, "cannot be read"},
		{"an empty object", 200, `{}`, isUnknown, "no order number"},
		{"half of it", 200, whole[:len(whole)/2], isUnknown, "cannot be read"},
		{"all but the last byte", 200, whole[:len(whole)-1], isUnknown, "cannot be read"},
		{"twice", 200, whole + whole, isUnknown, "cannot be read"},
		{"text after it", 200, whole + " OK", isUnknown, "cannot be read"},
		{"a blank line after it", 200, whole + "\r\n", settled, ""},
		{"a byte order mark before it", 200, "\ufeff" + whole, settled, ""},
		{"not UTF-8", 200, strings.Replace(whole, "gift", "gi\xfft", 1), settled, ""},
		{"half a surrogate pair", 200, strings.Replace(whole, "gift", `\ud800`, 1), settled, ""},
		{"a comment", 200, "// settled\n" + whole, isUnknown, "cannot be read"},
		{"a trailing comma", 200, whole[:len(whole)-1] + ",}", isUnknown, "cannot be read"},
		{"a status that comes twice", 200, `{"status":"declined","status":"settled","order":` + theOrder + `}`, isUnknown, "twice"},
		{"an order that comes twice", 200, `{"status":"settled","order":{"number":"order-9"},"order":` + theOrder + `}`, isUnknown, "twice"},
		{"an order number that comes twice", 200, about("settled", `{"number":"order-9","number":"order-1234"}`), isUnknown, "twice"},
		{"an unknown name that comes twice", 200, `{"x":1,"x":2,"status":"settled","order":` + theOrder + `}`,
			charge.Answer{State: charge.Settled, ProviderStatus: "settled"}, ""},
		{"Status with a capital", 200, `{"Status":"settled","order":` + theOrder + `}`, isUnknown, "not documented"},
		{"Status with a capital beside it", 200, `{"Status":"settled","status":"declined","order":` + theOrder + `}`,
			charge.Answer{State: charge.Declined, ProviderStatus: "declined"}, ""},
		{"Order with a capital", 200, `{"status":"settled","Order":` + theOrder + `}`, isUnknown, "no order number"},
		{"Number with a capital", 200, about("settled", `{"Number":"order-1234"}`), isUnknown, "no order number"},
		{"names with escapes", 200, `{"st\u0061tus":"settled","order":` + theOrder + `}`,
			charge.Answer{State: charge.Settled, ProviderStatus: "settled"}, ""},
		{"the error form", 200, `{"error_code":100000,"error_message":"Request data is invalid."}`, isUnknown, "no order number"},
		{"payment_id a number", 200, `{"status":"settled","payment_id":17,"order":` + theOrder + `}`,
			charge.Answer{State: charge.Settled, ProviderStatus: "settled", PaymentID: "17"}, ""},
		{"payment_id null", 200, `{"status":"settled","payment_id":null,"order":` + theOrder + `}`,
			charge.Answer{State: charge.Settled, ProviderStatus: "settled"}, ""},
		{"payment_id an object", 200, `{"status":"settled","payment_id":{},"order":` + theOrder + `}`, isUnknown, "cannot be read"},
		{"payment_id over two lines", 200, `{"status":"settled","payment_id":"a\nb","order":` + theOrder + `}`,
			charge.Answer{State: charge.Settled, ProviderStatus: "settled"}, ""},
		{"payment_id longer than any", 200, `{"status":"settled","payment_id":"` + strings.Repeat("7", 256) + `","order":` + theOrder + `}`,
			charge.Answer{State: charge.Settled, ProviderStatus: "settled"}, ""},
		{"payment_id that ends like the token, as in the provider's examples", 200,
			`{"status":"settled","payment_id":"dc66cdd8-d702-11ea-9a2f-0242c0a87002","order":` + theOrder + `}`,
			charge.Answer{State: charge.Settled, ProviderStatus: "settled", PaymentID: "dc66cdd8-d702-11ea-9a2f-0242c0a87002"}, ""},
	}
}

func badRequests() []answerCase {
	return []answerCase{
		{"a list of errors", 400,
			`{"error_code":100000,"error_message":"Request data is invalid.","errors":[{"error_code":100000,"error_message":"order.amount: This value should be greater than 0."}]}`,
			isRejected, "Request data is invalid.; order.amount: This value should be greater than 0."},
		{"a nested error, as in the provider's schema", 400,
			`{"error_code":100000,"error_message":"Request data is invalid.","errors":{"error_code":100000,"error_message":"order.amount: This value should be greater than 0."}}`,
			isRejected, "Request data is invalid.; order.amount: This value should be greater than 0."},
		{"errors within errors", 400,
			`{"error_code":1,"error_message":"a","errors":[{"error_message":"b","errors":{"error_message":"c"}},{"error_message":"d"}]}`,
			isUnclear, "a; b; c; d"},
		{"only error_message", 400, `{"error_message":"Card is not valid."}`, isUnclear, "Card is not valid."},
		{"only error_code", 400, `{"error_code":100000}`, isRejected, "HTTP 400"},
		{"error_code a text", 400, `{"error_code":"100000","error_message":"no"}`, isRejected, "no"},
		{"only errors", 400, `{"errors":[{"error_message":"order.currency: no."}]}`, isRejected, "order.currency: no."},
		{"errors null", 400, `{"error_code":1,"error_message":"no","errors":null}`, isUnclear, "no"},
		{"no errors in the list", 400, `{"error_code":1,"error_message":"no","errors":[]}`, isUnclear, "no"},
		{"names beyond the form", 400, `{"result":"ERROR","error_code":1,"error_message":"no"}`, isUnclear, "no"},

		{"blames the hash", 400, `{"error_code":100000,"error_message":"Request data is invalid.","errors":[{"error_code":100000,"error_message":"hash: Hash is not valid."}]}`,
			blamesKey, "hash: Hash is not valid."},
		{"blames the hash, nested", 400, `{"error_code":100000,"error_message":"Request data is invalid.","errors":{"error_code":100000,"error_message":"hash: Hash is not valid."}}`,
			blamesKey, "hash: Hash is not valid."},
		{"blames the hash at once", 400, `{"error_code":100000,"error_message":"Hash: Hash is not valid."}`, blamesKey, "Hash is not valid."},
		{"blames the merchant key", 400, `{"error_code":100000,"errors":[{"error_message":"merchant_key: This value is not valid."}]}`, blamesKey, "merchant_key"},
		{"blames the merchant key and more", 400, `{"errors":[{"error_message":"order.amount: no."},{"error_message":"merchant_key : no."}]}`, blamesKey, "order.amount"},
		{"speaks of a hash without blaming it", 400, `{"error_code":1,"error_message":"order.description: no hash marks."}`, isRejected, "hash marks"},
		{"blames the order number", 400, `{"error_code":100000,"errors":[{"error_message":"order.number: This value is already used."}]}`, blamesNo, "already used"},
		{"blames the order number in capitals", 400, `{"error_code":100000,"error_message":"ORDER.NUMBER: no."}`, blamesNo, "no."},
		{"names the order number in a sentence", 400, `{"error_code":100000,"error_message":"The order.number is already used."}`, blamesNo, "already used"},
		{"blames the order number and the hash", 400, `{"errors":[{"error_message":"hash: no."},{"error_message":"order.number: no."}]}`, blamesNo, "hash: no.; order.number: no."},

		{"empty", 400, ``, isUnclear, "HTTP 400"},
		{"an empty object", 400, `{}`, isUnclear, "HTTP 400"},
		{"an empty error", 400, `{"error_code":null,"error_message":"","errors":[{}]}`, isUnclear, "HTTP 400"},
		{"null", 400, `null`, isUnclear, "HTTP 400"},
		{"an array", 400, `[{"error_code":1,"error_message":"no"}]`, isUnclear, "HTTP 400"},
		{"another error form", 400, `{"error":"invalid request"}`, isUnclear, "HTTP 400"},
		{"names in another case", 400, `{"Error_Code":1,"Error_Message":"no"}`, isUnclear, "HTTP 400"},
		{"errors a text", 400, `{"error_code":1,"error_message":"no","errors":"order.amount"}`, isUnclear, "no; order.amount"},
		{"error_message an array", 400, `{"error_code":1,"error_message":["no"]}`, isUnclear, "no"},
		{"error_code that comes twice", 400, `{"error_code":1,"error_code":2,"error_message":"no"}`, isUnclear, "twice"},
		{"a transaction", 400, about("declined", theOrder), isUnclear, "HTTP 400"},
		{"a page", 400, `<html>Bad Request</html>`, isUnclear, "HTTP 400"},
		{"half of it", 400, `{"error_code":100000,"error_mess`, isUnclear, "HTTP 400"},
		{"text after it", 400, `{"error_code":1,"error_message":"no"} hash: no`, isUnclear, "HTTP 400"},
	}
}

// refusals are the answers that say by their HTTP status alone that nothing was
// processed.
func refusals() []answerCase {
	const withPayment = `{"payment_id":"aaff66d8-4c62-11eb-b6a6-0242c0a87002","status":"settled","order":` + theOrder + `}`
	var all []answerCase
	for status, refused := range map[int]charge.Answer{401: keyUnsent, 403: keyUnsent, 429: isUnsent} {
		code := fmt.Sprintf("HTTP %d", status)
		all = append(all, []answerCase{
			{"empty", status, ``, refused, code},
			{"an empty object", status, `{}`, refused, code},
			{"the error form", status, `{"error_code":204007,"error_message":"Access denied."}`, refused, "Access denied."},
			{"the error form, blaming the key", status, `{"error_code":1,"error_message":"merchant_key: no."}`, refused, "merchant_key: no."},
			{"a page", status, `<html>nginx</html>`, refused, code},
			{"half of it", status, `{"error_code":2040`, refused, code},
			{"payment_id null", status, `{"payment_id":null,"error_message":"no"}`, refused, "no"},
			{"payment_id empty", status, `{"payment_id":"","error_message":"no"}`, refused, "no"},
			{"with a payment_id", status, withPayment, isUnknown, "payment_id"},
			{"with a payment_id that is a number", status, `{"payment_id":17}`, isUnknown, "payment_id"},
			{"with a payment_id that is an object", status, `{"payment_id":{"id":1}}`, isUnknown, "payment_id"},
			{"with a payment_id, nested", status, `{"transaction":` + withPayment + `}`, isUnknown, "payment_id"},
			{"with a payment_id, in an array", status, `[` + withPayment + `]`, isUnknown, "payment_id"},
			{"with a payment_id in another case", status, `{"Payment_ID":"aaff66d8"}`, isUnknown, "payment_id"},
			{"with a payment_id that comes twice", status, `{"payment_id":"","payment_id":"aaff66d8"}`, isUnknown, "payment_id"},
			{"with a payment_id, half of it", status, withPayment[:30], isUnknown, "payment_id"},
			{"with a payment_id in a page", status, `<p>payment_id=aaff66d8</p>`, isUnknown, "payment_id"},
		}...)
	}
	for _, status := range []int{404, 405} {
		code := fmt.Sprintf("HTTP %d", status)
		all = append(all, []answerCase{
			{"empty", status, ``, isRejected, code},
			{"a page", status, `<html>not here</html>`, isRejected, code},
			{"half of it", status, `{"error_code":2040`, isRejected, code},
			{"another form", status, `{"detail":"Not Found"}`, isRejected, code},
			{"a transaction", status, about("settled", theOrder), isUnclear, "names a payment"},
			{"the error form", status, `{"error_code":1,"error_message":"No route."}`, isRejected, "No route."},
			{"the error form, blaming the hash", status, `{"error_code":1,"error_message":"hash: no."}`, isRejected, "hash: no."},
			{"the error form, blaming the order number", status, `{"error_code":1,"error_message":"order.number: no."}`, blamesNo, "order.number: no."},
		}...)
	}
	return all
}

// otherStatuses say nothing certain, whatever their body says.
func otherStatuses() []answerCase {
	var all []answerCase
	for _, status := range []int{
		201, 202, 203, 206, 299, 300, 301, 302, 303, 304, 305, 307, 308, 402, 406, 408, 409, 410, 411, 412, 413, 414,
		415, 418, 421, 422, 423, 425, 426, 428, 431, 451, 499, 500, 501, 502, 503, 504, 505, 508, 511, 520, 599, 999,
	} {
		code := fmt.Sprintf("HTTP %d", status)
		all = append(all, answerCase{"empty", status, ``, isUnknown, code})
		if status == http.StatusNotModified {
			continue // has no body
		}
		all = append(all, []answerCase{
			{"a settled transaction", status, about("settled", theOrder), isUnknown, code},
			{"a declined transaction", status, about("declined", theOrder), isUnknown, code},
			{"the error form", status, `{"error_code":100000,"error_message":"hash: Hash is not valid."}`, isUnknown, code},
		}...)
	}
	return append(all, answerCase{"empty", 204, ``, isUnknown, "HTTP 204"})
}

// Every answer goes over a real connection to a real client.
func TestChargeReadsItsAnswer(t *testing.T) {
	t.Parallel()
	for _, tt := range answerCases() {
		t.Run(fmt.Sprintf("%d %s", tt.status, tt.name), func(t *testing.T) {
			t.Parallel()
			p := newProvider(t, reply(tt.status, tt.body))
			got := p.client(t, theKeys()).Charge(t.Context(), theTerms(t))
			p.Close() // everything that was sent has come in
			require.Len(t, p.received(), 1, "one charge request and no more")

			if tt.reason == "" {
				require.Empty(t, got.Reason, "answer %s", tt.body)
			} else {
				require.Contains(t, got.Reason, tt.reason, "answer %s", tt.body)
			}
			got.Reason = ""
			require.Equal(t, tt.want, got, "answer %s", tt.body)
		})
	}
}

// The contract compares amounts as numbers, whatever the currency's decimals.
func TestAmountsAreComparedAsNumbers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		amount, currency, answered string
		want                       charge.State
	}{
		{"22", "SAR", `22`, charge.Settled},
		{"22", "SAR", `"22.00"`, charge.Settled},
		{"22", "SAR", `2200`, charge.Unknown},
		{"1.25", "KWD", `"1.250"`, charge.Settled},
		{"1.25", "KWD", `1.25`, charge.Settled},
		{"1.25", "KWD", `1250`, charge.Unknown},
		{"50000", "VND", `"50000"`, charge.Settled},
		{"50000", "VND", `"50000.00"`, charge.Settled},
		{"50000", "VND", `5e4`, charge.Settled},
		{"50000", "VND", `"500"`, charge.Unknown},
		{"100", "JPY", `100`, charge.Settled},
		{"100", "JPY", `"10000"`, charge.Unknown},
		{"0.1", "SAR", `0.1`, charge.Settled},
		{"0.1", "SAR", `0.1000000000000000055511151231257827`, charge.Unknown},
		{"999999999999.99", "SAR", `999999999999.99`, charge.Settled},
		{"999999999999.99", "SAR", `999999999999.999`, charge.Unknown},
	} {
		t.Run(tt.amount+" "+tt.currency+" as "+tt.answered, func(t *testing.T) {
			t.Parallel()
			r := theRequest()
			r.Amount, r.Currency = tt.amount, tt.currency
			order := fmt.Sprintf(`{"number":%q,"currency":%q,"amount":%s}`, r.Number, r.Currency, tt.answered)
			p := newProvider(t, reply(http.StatusOK, about("settled", order)))
			got := p.client(t, theKeys()).Charge(t.Context(), termsOf(t, r))
			require.Equal(t, tt.want, got.State, got.Reason)
		})
	}
}

// What the provider says is kept, but neither control characters nor any length.
func TestTheProvidersTextIsMadeFit(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", 5000)
	for name, body := range map[string]string{
		"reason":       `{"status":"declined","reason":"` + long + `","order":` + theOrder + `}`,
		"date":         `{"status":"settled","date":"` + long + `","order":` + theOrder + `}`,
		"status":       about(long, theOrder),
		"order number": about("settled", `{"number":"`+long+`"}`),
		"amount":       about("settled", `{"number":"order-1234","amount":"`+long+`"}`),
		"currency":     about("settled", `{"number":"order-1234","currency":"`+long+`"}`),
		"controls":     `{"status":"declined\u0000","reason":"\u001b[31m\r\n\u0085","date":"\u0007","order":` + theOrder + `}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProvider(t, reply(http.StatusOK, body))
			a := p.client(t, theKeys()).Charge(t.Context(), theTerms(t))
			requireFit(t, a)
		})
	}
}

// Neither the stack nor the time of the function ends in an answer that nests.
func TestAnAnswerThatNestsWithoutEnd(t *testing.T) {
	t.Parallel()
	order := theTerms(t).Order
	nested := func(levels int) []byte {
		return []byte(strings.Repeat(`{"error_message":"no","errors":`, levels) + `null` + strings.Repeat(`}`, levels))
	}
	a := readCharge(order, http.StatusBadRequest, nested(1000))
	require.Equal(t, charge.Unknown, a.State)
	require.True(t, a.AskStatus)
	require.LessOrEqual(t, strings.Count(a.Reason, "no"), maxErrors)

	const tooDeep = 10_001 // jsontext's own bound is 10,000
	require.Equal(t, charge.Unknown, readCharge(order, http.StatusBadRequest, nested(tooDeep)).State)
	deep := []byte(strings.Repeat(`{"order":`, tooDeep) + `{}` + strings.Repeat(`}`, tooDeep))
	require.Equal(t, charge.Unknown, readCharge(order, http.StatusOK, deep).State)
}

// requireFit checks what holds for the texts of every answer.
func requireFit(t testing.TB, a charge.Answer) {
	t.Helper()
	for text, most := range map[*string]int{
		&a.PaymentID: maxID, &a.Reason: maxReason + 1, &a.ProviderStatus: maxWord + 1, &a.ProviderDate: maxWord + 1,
	} {
		require.LessOrEqual(t, len([]rune(*text)), most)
		require.NotRegexp(t, `\p{Cc}`, *text)
	}
}
