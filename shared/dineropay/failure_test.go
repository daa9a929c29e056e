package dineropay

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

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
		// Words about something else, after which the request must not be sent again.
		{"Acquirer error: transaction hash already used", false, false},
		{"Request processing error: merchant key lookup timed out after capture", false, false},
		{"Duplicate request hash, order is being processed", false, false},
		{"The hash of the transaction is 5a1", false, false},
		{"order.hash: no.", false, false},
		{"order.description: a hash is not allowed here", false, false},
		{"rehashed", false, false},
		{"order.number: no.", false, true},
		{"The value of order.number is in use.", false, true},
		{"The order number is in use.", false, false},
		{"", false, false},
	} {
		for _, f := range []failure{
			{faults: []fault{{message: tt.message}}},
			{faults: []fault{{message: "Request data is invalid.", heading: true}, {message: "order.amount: no."}, {message: tt.message}}},
		} {
			require.Equal(t, tt.key, f.blamesKey(), "does %q blame the key?", tt.message)
			require.Equal(t, tt.number, f.names("order.number"), "does %q name the order number?", tt.message)
		}
	}
}

// Contract, Charges: an error is "the validation of a request's field (code 100000,
// or `field: text`)".
func TestOneErrorIsValidation(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		fault fault
		want  bool
	}{
		{fault{code: "100000"}, true},
		{fault{code: "100000", message: "Acquirer timeout."}, true},
		{fault{code: "100001", message: "Acquirer timeout."}, false},
		{fault{code: "0", message: "Request processing error."}, false},
		{fault{message: "Request processing error."}, false},
		{fault{message: "Request data is invalid."}, false},
		{fault{code: "1", message: "order.amount: no."}, true},
		{fault{message: "ORDER.AMOUNT : no."}, true},
		{fault{message: "order[amount]: no."}, true},
		{fault{field: "order.amount", message: "no."}, true},
		{fault{field: "order", message: "no."}, true},
		{fault{field: "order", message: "This order is being processed."}, false},
		{fault{message: "order: could not be processed in time"}, false},
		{fault{heading: true, code: "0", message: "Acquirer timeout."}, false},
		{fault{code: "100001", message: "Invalid hash"}, false},
		{fault{message: "schedule_id: no."}, true},
		{fault{message: "recurring_token: no."}, true},
		{fault{message: "recurring_init_trans_id: no."}, true},
		{fault{message: "hash: no."}, true},
		{fault{message: "merchant_key: no."}, true},
		{fault{message: "Invalid hash"}, true}, // blames the key
		{fault{message: "timeout: no answer"}, false},
		{fault{message: "order error: no answer"}, false},
		{fault{message: "orders.amount: no."}, false},
		{fault{field: "acquirer", message: "no answer"}, false},
		{fault{}, false},
		// A heading says nothing itself, unless it is of another kind.
		{fault{heading: true, message: "Request data is invalid."}, true},
		{fault{heading: true, code: "0", message: "Request data is invalid"}, true},
		{fault{heading: true, code: "100000", message: "no"}, true},
		{fault{heading: true, code: "100001", message: "Request data is invalid."}, false},
		{fault{heading: true, code: "0", message: "Request processing error."}, false},
	} {
		require.Equal(t, tt.want, tt.fault.isValidation(), "%+v", tt.fault)
	}
}

// Contract, Charges: "400 in the provider's error form in which every error is the
// validation of a request's field". Whatever the form of errors, all are read.
func TestEveryFormOfErrorsIsRead(t *testing.T) {
	t.Parallel()
	const (
		validation = `"error_code":100000,"error_message":"Request data is invalid."`
		processing = `"error_code":0,"error_message":"Request processing error."`
		amount     = `{"error_code":100000,"error_message":"order.amount: no."}`
	)
	for _, tt := range []struct {
		body       string
		validation bool
		messages   string
	}{
		{`{` + validation + `}`, true, "Request data is invalid."},
		{`{` + processing + `}`, false, "Request processing error."},
		{`{"error_code":100001,"error_message":"Acquirer timeout."}`, false, "Acquirer timeout."},
	} {
		requireFailure(t, tt.body, tt.validation, tt.messages)
		// Without a list of errors the outer code and message are the error.
		for _, none := range []string{`null`, `[]`, `{}`, `""`, `" "`, `false`, `[null,"",false,{}]`, `{"x":[]}`} {
			requireFailure(t, strings.TrimSuffix(tt.body, "}")+`,"errors":`+none+`}`, tt.validation, tt.messages)
			requireFailure(t, `{"errors":`+none+`,`+strings.TrimPrefix(tt.body, "{"), tt.validation, tt.messages)
		}
	}
	for _, tt := range []struct {
		errors     string
		validation bool // below a heading of the validation code
		uncoded    bool // below none
		messages   string
	}{
		{`[` + amount + `]`, true, true, "order.amount: no."},
		{amount, true, true, "order.amount: no."},
		{`{` + validation + `,"errors":[` + amount + `]}`, true, true, "Request data is invalid.; order.amount: no."},
		{`[[` + amount + `]]`, true, true, "order.amount: no."},
		{`"order.amount: no."`, true, true, "order.amount: no."},
		{`["order.amount: no.","order.currency: no."]`, true, true, "order.amount: no.; order.currency: no."},
		{`{"order.amount":"no."}`, true, true, "order.amount: no."},
		{`{"order.amount":["no.","not so."]}`, true, true, "order.amount: no.; order.amount: not so."},
		{`{"order":{"amount":["no."]}}`, true, true, "order.amount: no."},
		{`{"hash":["Hash is not valid."]}`, true, true, "hash: Hash is not valid."},
		{`{"hash":true}`, true, true, "hash"},
		{`{"hash":{"error_message":"no."}}`, true, true, "hash: no."},
		{`[{"error_message":"order.amount: no."}]`, true, true, "order.amount: no."},
		{`[{"error_message":["order.amount: no."]}]`, true, true, "order.amount: no."},
		{`[{"error_message":"order.amount: no.","status":"error","x":["timeout"]}]`, true, true, "order.amount: no."},
		{`[{"error_code":100000}]`, true, true, ""},

		// Texts have no room for a code: they are the words of the error above.
		{`"text"`, true, false, "text"},
		{`["text"]`, true, false, "text"},
		{`{"cancel_url":["no."]}`, true, false, "cancel_url: no."},
		{`{"order.amount":["no."],"cancel_url":["no."]}`, true, false, "order.amount: no.; cancel_url: no."},

		// One error of another kind, and nothing is certain.
		{`["order.amount: no.","Acquirer timeout."]`, false, false, "order.amount: no.; Acquirer timeout."},
		{`[` + amount + `,{` + processing + `}]`, false, false, "order.amount: no.; Request processing error."},
		{`[{` + processing + `},` + amount + `]`, false, false, "Request processing error.; order.amount: no."},
		{`[` + amount + `,"Acquirer timeout."]`, false, false, "order.amount: no.; Acquirer timeout."},
		{`[` + amount + `,{"error_message":"Acquirer timeout."}]`, false, false, "order.amount: no.; Acquirer timeout."},
		{`{` + processing + `,"errors":[` + amount + `]}`, false, false, "Request processing error.; order.amount: no."},
		{`[` + amount + `,17]`, false, false, "order.amount: no.; 17"},
		{`[{"error_message":"Acquirer timeout."}]`, false, false, "Acquirer timeout."},
	} {
		requireFailure(t, `{`+validation+`,"errors":`+tt.errors+`}`, tt.validation, join2("Request data is invalid.", tt.messages))
		requireFailure(t, `{"errors":`+tt.errors+`,`+validation+`}`, tt.validation, join2("Request data is invalid.", tt.messages))
		requireFailure(t, `{"errors":`+tt.errors+`}`, tt.uncoded, tt.messages)
		requireFailure(t, `{`+processing+`,"errors":`+tt.errors+`}`, false, join2("Request processing error.", tt.messages))
	}
	for _, body := range []string{
		``, `null`, `[]`, `"text"`, `{}`, `{"errors":[]}`, `{"error":"no"}`, `{"hash":["no"]}`, `{"Error_Code":1}`, `{"error_code":null,"error_message":"","errors":[{}]}`,
		`{"error_code":1,"error_message":"no"`, `{"error_code":1} x`, `[{"error_code":1}]`, `{"error_code":1,"errors":[}`,
		// Of two values nobody knows which is true.
		`{"error_code":1,"error_code":100000}`, `{"error_message":"a","error_message":"b"}`, `{"errors":["hash: a"],"errors":["hash: b"]}`, `{"errors":["hash: a"],"errors":[]}`,
	} {
		f, err := parseFailure([]byte(body))
		require.ErrorIs(t, err, errNotFailure, body)
		require.Zero(t, f, body)
	}
	requireFailure(t, `{"error_code":1,"error_code":1,"errors":["hash: a"],"errors":["hash: a"]}`, false, "hash: a")
	requireFailure(t, "\ufeff{\"x\":\"\xe9\",\"x\":2,\"error_code\":100000,\"error_message\":\"\\ud83d\"}", true, "\ufffd")
}

func join2(heading, messages string) string {
	if messages == "" {
		return heading
	}
	return heading + "; " + messages
}

func requireFailure(t *testing.T, body string, validation bool, messages string) {
	t.Helper()
	f, err := parseFailure([]byte(body))
	require.NoError(t, err, body)
	require.Equal(t, messages, strings.Join(f.messages(), "; "), body)
	require.Equal(t, validation, f.isValidation(), body)
}

// More errors than are read are not taken for validation.
func TestOnlySoManyErrorsAreRead(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]bool{maxErrors: true, maxErrors + 1: false} {
		list := strings.TrimSuffix(strings.Repeat(`"hash: no.",`, n), ",")
		f, err := parseFailure([]byte(`{"errors":[` + list + `]}`))
		require.NoError(t, err)
		require.Len(t, f.faults, maxErrors)
		require.Equal(t, want, f.isValidation())

		nested := strings.Repeat(`{"error_code":100000,"errors":`, n) + `null` + strings.Repeat(`}`, n)
		f, err = parseFailure([]byte(nested))
		require.NoError(t, err)
		require.Len(t, f.faults, maxErrors)
		require.Equal(t, want, f.isValidation())
	}
	long := strings.Repeat("n", 2*maxID)
	f, err := parseFailure([]byte(`{"errors":{"` + long + `":{"` + long + `":"no"}}}`))
	require.NoError(t, err)
	require.Len(t, f.faults[0].field, maxField)
}
