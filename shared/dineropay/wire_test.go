package dineropay

import (
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"
)

func TestFlexible(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		value string
		want  flexible
		fails bool
	}{
		{`"1.00"`, "1.00", false},
		{`""`, "", false},
		{`"null"`, "null", false},
		{`"\u0634\"\\"`, `ش"\`, false},
		{`22`, "22", false},
		{`-0.50`, "-0.50", false},
		{`1E+2`, "1E+2", false},
		{`null`, "", false},
		{`true`, "", true},
		{`{}`, "", true},
		{`["1.00"]`, "", true},
		{`"1.00`, "", true},
		{`01`, "", true},
		{"\"\xff\"", "", true},
		{`"\ud800"`, "", true},
		{``, "", true},
	} {
		t.Run(tt.value, func(t *testing.T) {
			t.Parallel()
			var got flexible
			err := json.Unmarshal([]byte(tt.value), &got)
			if tt.fails {
				require.Error(t, err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
		})
	}
}

func TestFailureBlames(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		message     string
		key, number bool
	}{
		{"hash: Hash is not valid.", true, false},
		{"HASH: no.", true, false},
		{" hash : no.", true, false},
		{"hash:", true, false},
		{"hash", true, false},
		{"Hash is not valid.", true, false},
		{"Invalid hash", true, false},
		{"merchant_key: no.", true, false},
		{"merchant_key is not valid", true, false},
		{"The merchant key is unknown.", true, false},
		{"Request refused: the merchant key is unknown", true, false},
		{"order.hash: no.", false, false},
		{"order.description: a hash is not allowed here", false, false},
		{"rehashed", false, false},
		{"order.number: no.", false, true},
		{"The value of order.number is in use.", false, true},
		{"The order number is in use.", false, false},
		{"", false, false},
	} {
		for _, f := range []failure{
			{Message: flexible(tt.message)},
			{Message: "Request data is invalid.", Errors: failures{{Message: "order.amount: no."}, {Message: flexible(tt.message)}}},
			{Errors: failures{{Errors: failures{{Message: flexible(tt.message)}}}}},
		} {
			require.Equal(t, tt.key, f.blamesKey(), "does %q blame the key?", tt.message)
			require.Equal(t, tt.number, f.names("order.number"), "does %q name the order number?", tt.message)
		}
	}
}

// What a decoder found is told without the text that it found there.
func TestPlainly(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"status":`:                   "not JSON at byte 10",
		`<html>MARKED`:                 "not JSON at byte 0",
		`{"status":"MARKED`:            "not JSON at byte 17",
		`{"order":{"number":[1]}}`:     `unexpected type at "/order/number"`,
		`{"order":"MARKED"}`:           `unexpected type at "/order"`,
		`{"status":{"MARKED":"x"}}`:    `unexpected type at "/status"`,
		`"MARKED"`:                     `unexpected type at ""`,
		`{"MARKED":1,"MARKED":2}`:      "a name comes twice",
		`{"status":"a","status":"b"}`:  "a name comes twice",
		`{"status":"a"} MARKED`:        "not JSON at byte 15",
		``:                             "not JSON at byte 0",
		"{\"status\":\"MARKED\xff\"}":  "not JSON at byte 17",
		`{"status":"a","MARKED":nope}`: "not JSON at byte 24",
	} {
		var got transaction
		err := json.Unmarshal([]byte(body), &got)
		require.Error(t, err, body)
		require.Equal(t, want, plainly(err).Error(), body)
	}
}
