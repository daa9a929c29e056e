package dineropay

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReadText(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		value string
		want  string
		known bool
		fails bool
	}{
		{`"1.00"`, "1.00", true, false},
		{`""`, "", true, false},
		{`"null"`, "null", true, false},
		{`"\u0634\"\\"`, `ش"\`, true, false},
		{`22`, "22", true, false},
		{`-0.50`, "-0.50", true, false},
		{`1E+2`, "1E+2", true, false},
		{`null`, "", true, false},
		{`true`, "", false, false},
		{`{}`, "", false, false},
		{`["1.00"]`, "", false, false},
		{"\"a\xffb\"", "a\ufffdb", true, false},
		{`"a\ud800b"`, "a\ufffdb", true, false},
		{`"1.00`, "", false, true},
		{`[1`, "", false, true},
		{`nul`, "", false, true},
		{``, "", false, true},
	} {
		t.Run(tt.value, func(t *testing.T) {
			t.Parallel()
			text, known, err := readText(newDecoder([]byte(tt.value)))
			require.Equal(t, tt.fails, err != nil, "%v", err)
			if !tt.fails {
				require.Equal(t, tt.known, known)
				require.Equal(t, tt.want, text)
			}
		})
	}
}

// Contract, Charges: "Of an answer only status, payment_id, order.number,
// order.amount, order.currency, reason, date and the errors decide anything. A field
// nobody needs that has another type, a byte order mark, an invalid byte or half a
// surrogate inside a text, or a name repeated elsewhere does not make an answer
// unreadable; two different values for one of the deciding names do."
func TestDecidingNames(t *testing.T) {
	t.Parallel()
	want := transaction{
		Status: "declined", PaymentID: "p", Reason: "r", Date: "d",
		Order: transactionOrder{Number: "n", Amount: "1.00", Currency: "SAR"},
	}
	whole := `"status":"declined","payment_id":"p","reason":"r","date":"d","order":{"number":"n","amount":"1.00","currency":"SAR"}`
	for _, harmless := range []string{
		``, `,"x":1,"x":2`, `,"x":{"status":"settled"}`, `,"customer":[1,{"number":2}]`, ",\"x\":\"\xe9\",\"\xe9\":0", `,"x":"\ud83d"`,
		`,"STATUS":"settled"`, `,"x":1e999999999`, `,"description":false`, `,"errors":"no"`,
		// The same value twice is one value.
		`,"status":"declined"`, `,"payment_id":"p"`, `,"reason":"r"`, `,"date":"d"`, `,` + whole,
	} {
		got, err := parseTransaction([]byte(byteOrderMark + `{` + whole + harmless + `}`))
		require.NoError(t, err, harmless)
		require.Equal(t, want, got, harmless)
	}
	for _, other := range []string{`"x"`, `1`, `null`, `""`} {
		for _, name := range []string{"status", "payment_id", "reason", "date"} {
			_, err := parseTransaction(fmt.Appendf(nil, `{%s,%q:%s}`, whole, name, other))
			require.ErrorIs(t, err, errTwoValues, "%s %s", name, other)
		}
		for _, name := range []string{"number", "amount", "currency"} {
			_, err := parseTransaction([]byte(strings.Replace(`{`+whole+`}`, `"number":"n"`, `"number":"n","amount":"1.00","currency":"SAR",`+fmt.Sprintf(`%q:%s`, name, other), 1)))
			require.ErrorIs(t, err, errTwoValues, "%s %s", name, other)
		}
	}
	for _, order := range []string{`{"number":"n2","amount":"1.00","currency":"SAR"}`, `{"number":"n"}`, `{}`, `null`} {
		_, err := parseTransaction([]byte(`{` + whole + `,"order":` + order + `}`))
		require.ErrorIs(t, err, errTwoValues, order)
	}
	// A date or reason of another type is none; a deciding value of another type is
	// none that can be read.
	for _, other := range []string{`false`, `true`, `[]`, `{}`, `["x"]`, `{"status":"settled"}`} {
		for _, name := range []string{"reason", "date"} {
			got, err := parseTransaction(fmt.Appendf(nil, `{%q:%s,"status":"settled"}`, name, other))
			require.NoError(t, err, "%s %s", name, other)
			require.Equal(t, transaction{Status: "settled"}, got)
			_, err = parseTransaction(fmt.Appendf(nil, `{%s,%q:%s}`, whole, name, other))
			require.ErrorIs(t, err, errTwoValues, "%s %s", name, other)
		}
		for _, name := range []string{"status", "payment_id"} {
			_, err := parseTransaction(fmt.Appendf(nil, `{%q:%s}`, name, other))
			require.EqualError(t, err, fmt.Sprintf(`unexpected type at "/%s"`, name), other)
		}
		for _, name := range []string{"number", "amount", "currency"} {
			_, err := parseTransaction(fmt.Appendf(nil, `{"order":{%q:%s}}`, name, other))
			require.EqualError(t, err, fmt.Sprintf(`unexpected type at "/order/%s"`, name), other)
		}
	}
}

func TestMentionsPayment(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]bool{
		``:                                   false,
		`{}`:                                 false,
		`{"payment_id":null}`:                false,
		`{"payment_id":""}`:                  false,
		`{"payment_id":false}`:               false,
		`{"payment_id":[]}`:                  false,
		`{"payment_id":{ }}`:                 true, // not worth a doubt
		`{"payment_id":{}}`:                  false,
		`{"payment_id":"a"}`:                 true,
		`{"payment_id":0}`:                   true,
		`{"payment_id":true}`:                true,
		`{"payment_id":["a"]}`:               true,
		`{"payment_id":"","payment_id":"a"}`: true,
		`{"payment_id":null,"x":{"y":[{"payment_id":"a"}]}}`: true,
		`[{"payment_id":"a"}]`:                               true,
		`{"Payment_ID":"a"}`:                                 true,
		`{"new_payment_id":"a"}`:                             true,
		`{"payment\u005fid":"a"}`:                            true,
		`{"payment\u005fid":""}`:                             false,
		"\ufeff{\"payment_id\":\"a\"}":                       true,
		"{\"\xff\":1,\"payment_id\":\"a\"}":                  true,
		`{"error_message":"payment_id: a"}`:                  true,
		`["payment_id"]`:                                     true,
		`"payment_id"`:                                       true,
		`{"payment_id":""} payment_id=a`:                     true,
		`{"payment_id":"`:                                    true,
		`<p>PAYMENT_ID</p>`:                                  true,
		`<p>payment</p>`:                                     false,
		`{"payment":{"id":"a"}}`:                             false,
	} {
		require.Equal(t, want, mentionsPayment([]byte(body)), body)
	}
}

func TestTokensIn(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("t", maxID)
	for body, want := range map[string][]string{
		`{"recurring_token":"a"}`:                                    {"a"},
		`{"recurring_token":"a","x":1,"recurring_token":"b"}`:        {"a", "b"},
		`{"recurring_token":17}`:                                     {"17"},
		`{"recurring_token":null}`:                                   nil,
		`{"recurring_token":""}`:                                     nil,
		`{"recurring_token":{}}`:                                     nil,
		`{"recurring_token":"` + long + `"}`:                         {long},
		`{"recurring_token":"` + long + `t"}`:                        nil,
		`{` + strings.Repeat(`"recurring_token":"a",`, 9) + `"x":1}`: {"a", "a", "a", "a"},
		`[]`: nil,
		``:   nil,
	} {
		require.Equal(t, want, tokensIn([]byte(body)), body)
	}
}

// What a decoder found is told without the text that it found there.
func TestWhatCannotBeReadIsNotQuoted(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"status":`:                   "not JSON at byte 10",
		`<html>MARKED`:                 "not JSON at byte 0",
		`{"status":"MARKED`:            "not JSON at byte 17",
		`{"order":{"number":[1]}}`:     `unexpected type at "/order/number"`,
		`{"order":"MARKED"}`:           `unexpected type at "/order"`,
		`{"status":{"MARKED":"x"}}`:    `unexpected type at "/status"`,
		`"MARKED"`:                     `unexpected type at ""`,
		`{"status":"a","status":"b"}`:  "a name comes twice, with different values",
		`{"status":"a"} MARKED`:        "not JSON at byte 15",
		`{"status":"a"} {"MARKED":1}`:  "not JSON",
		``:                             "not JSON at byte 0",
		`{"status":"a","MARKED":nope}`: "not JSON at byte 24",
	} {
		_, err := parseTransaction([]byte(body))
		require.EqualError(t, err, want, body)
	}
}
