package aws_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	streamtypes "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/awsconfig"
	"dinarfunctions/test/internal/stack"
)

// record is one of a stream, as Lambda hands it to a function.
type record map[string]any

func (r record) sequenceNumber() string {
	return r["dynamodb"].(map[string]any)["SequenceNumber"].(string)
}

// isChange is the filter of the template's event sources.
func (r record) isChange() bool {
	after, _ := r["dynamodb"].(map[string]any)["NewImage"].(map[string]any)
	_, there := after["change"]
	return there
}

// streamOf reads all that the stream of one of the stack's tables has, shard by
// shard, each in its order.
func streamOf(t *testing.T, s *stack.Stack, table string) []record {
	t.Helper()
	cfg, err := awsconfig.Load(t.Context())
	require.NoError(t, err)
	streams := dynamodbstreams.NewFromConfig(cfg)
	about, err := s.DynamoDB.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: aws.String(s.Ref(table))})
	require.NoError(t, err)
	stream := about.Table.LatestStreamArn
	require.NotNil(t, stream, "%s has no stream", table)
	description, err := streams.DescribeStream(t.Context(), &dynamodbstreams.DescribeStreamInput{StreamArn: stream})
	require.NoError(t, err)
	var all []record
	for _, shard := range description.StreamDescription.Shards {
		at, err := streams.GetShardIterator(t.Context(), &dynamodbstreams.GetShardIteratorInput{
			StreamArn: stream, ShardId: shard.ShardId, ShardIteratorType: streamtypes.ShardIteratorTypeTrimHorizon,
		})
		require.NoError(t, err)
		for next, empty := at.ShardIterator, 0; next != nil && empty < 2; {
			got, err := streams.GetRecords(t.Context(), &dynamodbstreams.GetRecordsInput{ShardIterator: next})
			require.NoError(t, err)
			if len(got.Records) == 0 {
				empty++ // an open shard has no last page
			}
			for _, r := range got.Records {
				all = append(all, asLambda(r, aws.ToString(stream)))
			}
			next = got.NextShardIterator
		}
	}
	return all
}

// asLambda is a record as Lambda writes it (Lambda developer guide, "Using AWS Lambda
// with Amazon DynamoDB").
func asLambda(r streamtypes.Record, stream string) record {
	change := map[string]any{
		"ApproximateCreationDateTime": float64(r.Dynamodb.ApproximateCreationDateTime.Unix()),
		"Keys":                        image(r.Dynamodb.Keys),
		"SequenceNumber":              aws.ToString(r.Dynamodb.SequenceNumber),
		"SizeBytes":                   aws.ToInt64(r.Dynamodb.SizeBytes),
		"StreamViewType":              string(r.Dynamodb.StreamViewType),
	}
	if r.Dynamodb.OldImage != nil {
		change["OldImage"] = image(r.Dynamodb.OldImage)
	}
	if r.Dynamodb.NewImage != nil {
		change["NewImage"] = image(r.Dynamodb.NewImage)
	}
	return record{
		"eventID": aws.ToString(r.EventID), "eventVersion": "1.1", "eventName": string(r.EventName),
		"eventSource": "aws:dynamodb", "awsRegion": "eu-central-1", "eventSourceARN": stream, "dynamodb": change,
	}
}

func image(item map[string]streamtypes.AttributeValue) map[string]any {
	out := make(map[string]any, len(item))
	for name, value := range item {
		out[name] = attribute(value)
	}
	return out
}

func attribute(value streamtypes.AttributeValue) map[string]any {
	switch v := value.(type) {
	case *streamtypes.AttributeValueMemberS:
		return map[string]any{"S": v.Value}
	case *streamtypes.AttributeValueMemberN:
		return map[string]any{"N": v.Value}
	case *streamtypes.AttributeValueMemberBOOL:
		return map[string]any{"BOOL": v.Value}
	case *streamtypes.AttributeValueMemberM:
		return map[string]any{"M": image(v.Value)}
	case *streamtypes.AttributeValueMemberL:
		list := make([]any, len(v.Value))
		for i, inner := range v.Value {
			list[i] = attribute(inner)
		}
		return map[string]any{"L": list}
	default:
		panic(fmt.Sprintf("no store writes a %T", value))
	}
}

func batch(t *testing.T, records []record) []byte {
	t.Helper()
	payload, err := json.Marshal(map[string]any{"Records": records}, json.Deterministic(true))
	require.NoError(t, err)
	return payload
}

// failures are the sequence numbers that a function answered with.
func failures(t *testing.T, payload []byte) []string {
	t.Helper()
	var answer struct {
		Failures []struct {
			Number string `json:"itemIdentifier"`
		} `json:"batchItemFailures"`
	}
	require.NoError(t, json.Unmarshal(payload, &answer), "%s", payload)
	numbers := []string{}
	for _, f := range answer.Failures {
		numbers = append(numbers, f.Number)
	}
	return numbers
}

// tell does as Lambda does with a shard: it hands the function the changes in batches,
// and comes again from the first that it names on. It ends with what is left when the
// function dies, or when nothing gets on any more.
func tell(t *testing.T, f function, records []record, size int) (left []record) {
	t.Helper()
	left = slices.DeleteFunc(slices.Clone(records), func(r record) bool { return !r.isChange() })
	for tries := 0; len(left) > 0 && tries < 3; {
		next := left[:min(size, len(left))]
		result, err := f.Invoke(t.Context(), batch(t, next), f.timeout)
		require.NoError(t, err)
		if result.Gone {
			return left
		}
		require.False(t, result.Failed, "%s\n%s", result.Payload, f.Log())
		failed := failures(t, result.Payload)
		if len(failed) == 0 {
			left, tries = left[len(next):], 0
			continue
		}
		at := slices.IndexFunc(left, func(r record) bool { return r.sequenceNumber() == failed[0] })
		require.GreaterOrEqual(t, at, 0, "%s is none of the batch", failed[0])
		left = left[at:]
		tries++
	}
	return left
}

// in is a time that a stream's tests count from, so that ids are the same in every run.
func in(d time.Duration) time.Time { return time.Date(2026, 11, 21, 9, 0, 0, 120e6, time.UTC).Add(d) }
