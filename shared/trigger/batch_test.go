package trigger_test

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/trigger"
)

// queue is a batch of messages with these ids, as Lambda writes it.
func queue(ids ...string) map[string]any {
	records := []any{}
	for _, id := range ids {
		records = append(records, map[string]any{
			"messageId": id, "receiptHandle": "AQEB" + id, "body": `{"note": "` + marked + `"}`,
			"attributes": map[string]any{
				"ApproximateReceiveCount": "3", "SentTimestamp": "1795400484000",
				"SenderId": "AROAEXAMPLE:RecurringCharge", "ApproximateFirstReceiveTimestamp": "1795400484001",
			},
			"messageAttributes": map[string]any{}, "md5OfBody": "d41d8cd98f00b204e9800998ecf8427e",
			"eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:eu-central-1:123456789012:due", "awsRegion": "eu-central-1",
		})
	}
	return map[string]any{"Records": records}
}

// stream is a batch of a DynamoDB stream with these sequence numbers.
func stream(numbers ...string) map[string]any {
	records := []any{}
	for _, number := range numbers {
		records = append(records, map[string]any{
			"eventID": "e" + number, "eventName": "MODIFY", "eventVersion": "1.1",
			"eventSource": "aws:dynamodb", "awsRegion": "eu-central-1",
			"eventSourceARN": "arn:aws:dynamodb:eu-central-1:123456789012:table/charges/stream/2026-11-21T02:21:24.000",
			"dynamodb": map[string]any{
				"ApproximateCreationDateTime": 1795400484, "SequenceNumber": number, "SizeBytes": 120, "StreamViewType": "NEW_AND_OLD_IMAGES",
				"Keys": map[string]any{"pk": map[string]any{"S": "charge#" + marked}},
				"NewImage": map[string]any{
					"pk": map[string]any{"S": "charge#" + marked}, "attempts": map[string]any{"N": "2"},
					"history": map[string]any{"L": []any{map[string]any{"M": map[string]any{"state": map[string]any{"S": "sending"}}}}},
				},
			},
		})
	}
	return map[string]any{"Records": records}
}

// decodeFailures are the ids of a partial batch response, which has nothing else.
func decodeFailures(t testing.TB, text []byte) []string {
	t.Helper()
	var answer struct {
		Failures []struct {
			ID *string `json:"itemIdentifier"`
		} `json:"batchItemFailures"`
	}
	require.NoError(t, json.Unmarshal(text, &answer, json.RejectUnknownMembers(true)), "%s", text)
	require.NotNil(t, answer.Failures, "null: %s", text)
	ids := []string{}
	for _, failure := range answer.Failures {
		require.NotNil(t, failure.ID, "%s", text)
		ids = append(ids, *failure.ID)
	}
	return ids
}

// lastLine is what the log says of the last invocation.
func (f *function) lastLine(t *testing.T) map[string]any {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(f.log.String()), "\n")
	var fields map[string]any
	require.NoError(t, json.Unmarshal([]byte(lines[len(lines)-1]), &fields))
	return fields
}

func TestMessagesAreWhatWasSent(t *testing.T) {
	f := newFunction(t)
	var got []trigger.Message
	f.Queue = func(_ context.Context, messages []trigger.Message) []string { got = messages; return nil }
	event := queue("id-1", "id-2")
	records := event["Records"].([]any)
	records[0].(map[string]any)["body"] = "{\"a\": \"é\"}"
	delete(records[1].(map[string]any), "attributes")
	_, err := f.Invoke(t.Context(), encode(t, event))
	require.NoError(t, err)
	require.Equal(t, []trigger.Message{
		{ID: "id-1", Body: `{"a": "é"}`, Receives: 3},
		{ID: "id-2", Body: `{"note": "` + marked + `"}`},
	}, got)
}

func TestFailedMessagesComeAgain(t *testing.T) {
	for _, test := range []struct {
		name   string
		failed []string
		want   []string
	}{
		{"none", nil, []string{}},
		{"none, said otherwise", []string{}, []string{}},
		{"one", []string{"b"}, []string{"b"}},
		{"all, in another order and twice", []string{"c", "b", "a", "b"}, []string{"a", "b", "c"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFunction(t)
			f.Queue = func(context.Context, []trigger.Message) []string { return test.failed }
			text, err := f.Invoke(t.Context(), encode(t, queue("a", "b", "c")))
			require.NoError(t, err)
			require.Equal(t, test.want, decodeFailures(t, text))
			line := f.lastLine(t)
			require.Equal(t, []any{"queue", 3.0, float64(len(test.want))}, []any{line["trigger"], line["records"], line["failed"]})
			require.NotContains(t, f.log.String(), marked)
		})
	}
}

func TestAMessageThatIsInABatchTwiceFailsOnce(t *testing.T) {
	f := newFunction(t)
	f.Queue = func(context.Context, []trigger.Message) []string { return []string{"a"} }
	text, err := f.Invoke(t.Context(), encode(t, queue("a", "b", "a")))
	require.NoError(t, err)
	require.Equal(t, []string{"a"}, decodeFailures(t, text))
}

func TestTheFirstFailedRecordComesAgain(t *testing.T) {
	for _, test := range []struct {
		name   string
		first  string
		want   []string
		failed float64
	}{
		{"none", "", []string{}, 0},
		{"all", "111", []string{"111"}, 3},
		{"the last", "333", []string{"333"}, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFunction(t)
			var got []events.DynamoDBEventRecord
			f.Stream = func(_ context.Context, records []events.DynamoDBEventRecord) string { got = records; return test.first }
			text, err := f.Invoke(t.Context(), encode(t, stream("111", "222", "333")))
			require.NoError(t, err)
			require.Equal(t, test.want, decodeFailures(t, text))
			require.Len(t, got, 3)
			image := got[1].Change.NewImage
			require.Equal(t, "222", got[1].Change.SequenceNumber)
			require.Equal(t, "2", image["attempts"].Number())
			require.Equal(t, "sending", image["history"].List()[0].Map()["state"].String())
			line := f.lastLine(t)
			require.Equal(t, []any{"stream", 3.0, test.failed}, []any{line["trigger"], line["records"], line["failed"]})
			require.NotContains(t, f.log.String(), marked)
		})
	}
}

// What cannot be told apart is not taken for done: the invocation fails, and Lambda
// brings all of the batch again.
func TestBatchesThatComeAgainAsAWhole(t *testing.T) {
	noID, noNumber := queue("a", ""), stream("1", "")
	wrong, wrongImage := queue("a"), stream("1")
	wrong["Records"].([]any)[0].(map[string]any)["body"] = []string{marked}
	change(wrongImage["Records"].([]any)[0].(map[string]any), marked, "dynamodb", "NewImage", "attempts")
	for _, test := range []struct {
		name   string
		event  any
		failed string // what the handler says
		says   string
		called int
	}{
		{"a message without an id", noID, "", "without an id", 0},
		{"a record without a sequence number", noNumber, "", "without a sequence number", 0},
		{"a message that cannot be read", wrong, "", "/Records/0/body", 0},
		{"a record that cannot be read", wrongImage, "", "/Records/0/dynamodb/NewImage/attempts", 0},
		{"a message of another batch", queue("a", "b"), marked, "not in the batch", 1},
		{"a record of another batch", stream("1", "2"), marked, "not in the batch", 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFunction(t)
			called := 0
			f.Queue = func(context.Context, []trigger.Message) []string { called++; return []string{"a", test.failed} }
			f.Stream = func(context.Context, []events.DynamoDBEventRecord) string { called++; return test.failed }
			text, err := f.Invoke(t.Context(), encode(t, test.event))
			require.Nil(t, text)
			require.ErrorContains(t, err, test.says)
			require.Equal(t, test.called, called)
			require.NotContains(t, f.log.String()+err.Error(), marked)
			require.Equal(t, "ERROR", f.lastLine(t)["level"])
		})
	}
	t.Run("a message without a name failed", func(t *testing.T) {
		f := newFunction(t)
		f.Queue = func(context.Context, []trigger.Message) []string { return []string{""} }
		_, err := f.Invoke(t.Context(), encode(t, queue("a")))
		require.ErrorContains(t, err, "not in the batch")
	})
}
