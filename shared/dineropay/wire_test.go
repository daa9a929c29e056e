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
		message, field string
		blames, names  bool
	}{
		{"hash: Hash is not valid.", "hash", true, true},
		{"HASH: no.", "hash", true, true},
		{" hash : no.", "hash", true, true},
		{"hash:", "hash", true, true},
		{"hash", "hash", false, true},
		{"Hash is not valid.", "hash", false, true},
		{"order.hash: no.", "hash", false, true},
		{"request: hash: no.", "hash", false, true},
		{"order.number: no.", "hash", false, false},
		{"order.number: no.", "order.number", true, true},
		{"order.number: no.", "number", false, true},
		{"The value of order.number is in use.", "order.number", false, true},
		{"The order number is in use.", "order.number", false, false},
		{"", "hash", false, false},
	} {
		for _, f := range []failure{
			{Message: flexible(tt.message)},
			{Message: "Request data is invalid.", Errors: failures{{Message: "order.amount: no."}, {Message: flexible(tt.message)}}},
			{Errors: failures{{Errors: failures{{Message: flexible(tt.message)}}}}},
		} {
			require.Equal(t, tt.blames, f.blames(tt.field), "does %q blame %s?", tt.message, tt.field)
			require.Equal(t, tt.names, f.names(tt.field), "does %q name %s?", tt.message, tt.field)
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
