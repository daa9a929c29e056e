package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"

	"dinarfunctions/cmd/internal/command"
	"dinarfunctions/cmd/internal/stack/stacktest"
)

func sample(t *testing.T) []byte {
	t.Helper()
	payload, err := os.ReadFile("../../events/outcome-events-stream-charges.json")
	require.NoError(t, err)
	return payload
}

// discarded is an object as Lambda writes it.
func discarded(t *testing.T, payload any) []byte {
	t.Helper()
	text, err := json.Marshal(map[string]any{
		"requestContext":     map[string]any{"requestId": "316aa6d0-8154-xmpl-9af7-85d5f4a6bc81", "condition": "RetryAttemptsExhausted", "approximateInvokeCount": 31},
		"responseContext":    map[string]any{"statusCode": 200, "executedVersion": "$LATEST", "functionError": nil},
		"version":            "1.0",
		"timestamp":          "2026-11-21T09:00:13.717Z",
		"DDBStreamBatchInfo": map[string]any{"shardId": "shardId-00000001573689847184-864758bb", "batchSize": 2},
		"payload":            payload,
	})
	require.NoError(t, err)
	return text
}

func TestReadBatch(t *testing.T) {
	t.Parallel()
	var asObject any
	require.NoError(t, json.Unmarshal(sample(t), &asObject))
	for name, payload := range map[string]any{"a text": string(sample(t)), "an object": asObject} {
		batch, records, err := readBatch(bytes.NewReader(discarded(t, payload)))
		require.NoError(t, err, name)
		require.Equal(t, 2, records, name)
		require.JSONEq(t, string(sample(t)), string(batch), name)
	}
	for name, text := range map[string]string{
		"nothing": ``, "no JSON": `MARKED`, "no object": `[]`, "no payload": `{"version": "1.0"}`, "no event": `{"payload": "MARKED"}`,
		"no records": `{"payload": "{\"Records\": []}"}`, "null": `{"payload": null}`, "a number": `{"payload": 5}`,
	} {
		_, _, err := readBatch(strings.NewReader(text))
		require.Error(t, err, name)
		require.NotContains(t, err.Error(), "MARKED", name)
	}
}

func TestAllTold(t *testing.T) {
	t.Parallel()
	require.NoError(t, allTold([]byte(`{"batchItemFailures":[]}`)))
	require.ErrorContains(t, allTold([]byte(`{"batchItemFailures":[{"itemIdentifier":"111"}]}`)), "from sequence number 111 on")
	require.Error(t, allTold([]byte(`oops`)))
}

func TestUsage(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		nil, {"-env", "test", "-stack", "x"}, {"-bucket", "b"}, {"-bus", "b"}, {"-stack", "x", "-bucket", "b", "-bus", "b"}, {"-stack", "x", "more"}, {"-what"},
	} {
		err := program{stdout: &bytes.Buffer{}, stderr: &bytes.Buffer{}}.run(t.Context(), args)
		require.ErrorIs(t, err, command.ErrUsage, args)
	}
}

func TestBucketAndBusAreFoundInTheStack(t *testing.T) {
	t.Parallel()
	cloudFormation := httptest.NewServer(stacktest.Stacks{"dinar-functions-test": {
		{LogicalID: "Untold", PhysicalID: "the-bucket", Type: "AWS::S3::Bucket"},
		{LogicalID: "Events", PhysicalID: "the-bus", Type: "AWS::Events::EventBus"},
	}})
	t.Cleanup(cloudFormation.Close)
	api := stackAPI(t, cloudFormation.URL)
	o := options{}
	o.target.Stack = "dinar-functions-test"
	o, err := find(t.Context(), api, o)
	require.NoError(t, err)
	require.Equal(t, "the-bucket", o.bucket)
	require.Equal(t, "the-bus", o.bus)
	o.target.Stack = "another"
	_, err = find(t.Context(), api, o)
	require.Error(t, err)
}

// What was told is deleted; what was not stays, and is told by the next run once it
// can be.
func TestRetellOnS3(t *testing.T) {
	t.Parallel()
	if os.Getenv("AWS_ENDPOINT_URL") == "" {
		t.Skip("needs S3: set AWS_ENDPOINT_URL, or run make test-aws")
	}
	cfg, err := config.LoadDefaultConfig(t.Context())
	require.NoError(t, err)
	objects := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
	name := "untold-" + strings.ToLower(rand.Text())
	_, err = objects.CreateBucket(t.Context(), &s3.CreateBucketInput{
		Bucket: &name, CreateBucketConfiguration: &s3types.CreateBucketConfiguration{LocationConstraint: s3types.BucketLocationConstraint(cfg.Region)},
	})
	require.NoError(t, err)
	put := func(key string, content []byte) {
		_, err := objects.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &name, Key: &key, Body: bytes.NewReader(content)})
		require.NoError(t, err)
	}
	left := func() (keys []string) {
		got, err := objects.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &name})
		require.NoError(t, err)
		for _, o := range got.Contents {
			keys = append(keys, aws.ToString(o.Key))
		}
		return keys
	}
	const prefix = "aws/lambda/esm/shardId-1/2026/11/21/2026-11-21T"
	put(prefix+"09.00.00-a", discarded(t, string(sample(t))))
	put(prefix+"09.00.01-b", discarded(t, strings.Replace(string(sample(t)), `"change": {"S": "settled"}`, `"change": {"S": "forgotten"}`, 1)))
	put(prefix+"09.00.02-c", []byte("MARKED"))

	run := func() (string, error) {
		var out, log bytes.Buffer
		err := program{stdout: &out, stderr: &log, config: config.LoadDefaultConfig}.run(t.Context(), []string{"-bucket", name, "-bus", name})
		require.NotContains(t, out.String()+log.String(), "MARKED")
		return out.String(), err
	}
	_, err = eventbridge.NewFromConfig(cfg).CreateEventBus(t.Context(), &eventbridge.CreateEventBusInput{Name: &name})
	require.NoError(t, err)
	out, err := run()
	require.ErrorIs(t, err, errKept)
	require.Equal(t, []string{prefix + "09.00.01-b", prefix + "09.00.02-c"}, left())
	require.Contains(t, out, "told  "+prefix+"09.00.00-a  2 records")
	require.Contains(t, out, "1 objects told and deleted, 2 kept")

	put(prefix+"09.00.01-b", discarded(t, string(sample(t)))) // mended
	_, err = objects.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: &name, Key: aws.String(prefix + "09.00.02-c")})
	require.NoError(t, err)
	out, err = run()
	require.NoError(t, err)
	require.Empty(t, left())
	require.Contains(t, out, "1 objects told and deleted, 0 kept")
	out, err = run()
	require.NoError(t, err)
	require.Equal(t, "0 objects told and deleted, 0 kept\n", out)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	put(prefix+"09.00.03-d", discarded(t, string(sample(t))))
	require.Error(t, program{stdout: &bytes.Buffer{}, stderr: &bytes.Buffer{}, config: config.LoadDefaultConfig}.run(ctx, []string{"-bucket", name, "-bus", name}))
	require.Len(t, left(), 1)
}
