package trigger_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/trigger"
)

// batch is an event of SQS (Lambda developer guide, "Using Lambda with Amazon SQS").
func batch(ids ...string) map[string]any {
	var records []any
	for _, id := range ids {
		records = append(records, map[string]any{
			"messageId": id, "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a", "body": "body of " + id,
			"attributes": map[string]any{"ApproximateReceiveCount": "1", "SentTimestamp": "1545082649183",
				"SenderId": "AIDAIENQZJOLO23YVJ4VO", "ApproximateFirstReceiveTimestamp": "1545082649185"},
			"messageAttributes": map[string]any{}, "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
			"eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:eu-central-1:123456789012:due", "awsRegion": "eu-central-1",
		})
	}
	return map[string]any{"Records": records}
}

func TestABatchOfAQueue(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		failed []string
		want   string
	}{
		"all are handled":              {nil, `{"batchItemFailures":[]}`},
		"one has to come again":        {[]string{"m-2"}, `{"batchItemFailures":[{"itemIdentifier":"m-2"}]}`},
		"all have to":                  {[]string{"m-2", "m-1"}, `{"batchItemFailures":[{"itemIdentifier":"m-1"},{"itemIdentifier":"m-2"}]}`},
		"ids of others would fail all": {[]string{"", "m-3", "m-1"}, `{"batchItemFailures":[{"itemIdentifier":"m-1"}]}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFunction(t)
			f.Queue = func(_ context.Context, got []trigger.Message) []string {
				require.Equal(t, []trigger.Message{{ID: "m-1", Body: "body of m-1"}, {ID: "m-2", Body: "body of m-2"}}, got)
				return tt.failed
			}
			out, err := f.Invoke(t.Context(), encode(t, batch("m-1", "m-2")))
			require.NoError(t, err)
			require.JSONEq(t, tt.want, string(out))
			require.NotContains(t, f.log.String(), "body of")
			require.Contains(t, f.log.String(), `"messages":2`)
		})
	}
}

// A batch that cannot be handled as a whole fails as a whole: Lambda hands all of it
// back.
func TestABatchThatFailsAsAWhole(t *testing.T) {
	t.Parallel()
	mixed := batch("m-1", "m-2")
	mixed["Records"].([]any)[1].(map[string]any)["eventSource"] = "aws:dynamodb"
	for name, tt := range map[string]struct {
		event map[string]any
		queue func(context.Context, []trigger.Message) []string
	}{
		"a panic":              {batch("m-1"), func(context.Context, []trigger.Message) []string { panic("MARKED") }},
		"no handler":           {batch("m-1"), nil},
		"no records":           {map[string]any{"Records": []any{}}, func(context.Context, []trigger.Message) []string { return nil }},
		"records of two kinds": {mixed, func(context.Context, []trigger.Message) []string { return nil }},
		"a record without id":  {batch("m-1", ""), func(context.Context, []trigger.Message) []string { return nil }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFunction(t)
			f.Queue = tt.queue
			out, err := f.Invoke(t.Context(), encode(t, tt.event))
			require.Error(t, err)
			require.Nil(t, out)
			require.NotContains(t, f.log.String()+err.Error(), "MARKED")
		})
	}
}
