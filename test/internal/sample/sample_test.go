package sample_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"dinarfunctions/test/internal/sample"
)

func TestEveryFileHasItsAnswer(t *testing.T) {
	t.Parallel()
	onDisk, err := filepath.Glob("../../../events/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, onDisk)
	for i, file := range onDisk {
		onDisk[i] = filepath.Base(file)
	}
	var described []string
	for _, s := range sample.All() {
		described = append(described, s.File)
	}
	require.ElementsMatch(t, onDisk, described)
}

func TestCheck(t *testing.T) {
	t.Parallel()
	s := sample.Sample{Status: 200, Body: `{"a": {"b": "c"}, "list": [{"n": 1}, {}]}`}
	cases := []struct{ name, answer, fault string }{
		{"as wanted", `{"statusCode": 200, "body": "{\"a\": {\"b\": \"c\", \"more\": 1}, \"list\": [{\"n\": 1}, {\"n\": 2}]}"}`, ""},
		{"another status", `{"statusCode": 503, "body": "{}"}`, "status 503"},
		{"another value", `{"statusCode": 200, "body": "{\"a\": {\"b\": \"d\"}, \"list\": [{\"n\": 1}, {}]}"}`, "body.a.b is d, but should be c"},
		{"a longer list", `{"statusCode": 200, "body": "{\"a\": {\"b\": \"c\"}, \"list\": [{\"n\": 1}, {}, {}]}"}`, "body.list is not a list of 2"},
		{"no object", `{"statusCode": 200, "body": "{\"a\": 1, \"list\": []}"}`, "body.a is no object"},
		{"no JSON within", `{"statusCode": 200, "body": "oops"}`, "the body"},
		{"no answer", `null`, "status 0"},
		{"a failure", `{"errorMessage": "x"}`, "status 0"},
		{"no JSON", ``, "not one for API Gateway"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			err := s.Check([]byte(c.answer))
			if c.fault == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.fault)
		})
	}
}

func TestCheckOfOtherAnswers(t *testing.T) {
	t.Parallel()
	text := sample.Sample{Status: 200, Text: "OK"}
	require.NoError(t, text.Check([]byte(`{"statusCode": 200, "body": "OK"}`)))
	require.ErrorContains(t, text.Check([]byte(`{"statusCode": 200, "body": "KO"}`)), `"KO"`)
	require.ErrorContains(t, text.Check([]byte(`{"statusCode": 401, "body": "OK"}`)), "status 401")

	schedule := sample.Sample{}
	require.NoError(t, schedule.Check([]byte(`null`)))
	require.ErrorContains(t, schedule.Check([]byte(`{"statusCode": 200}`)), "null")
	require.ErrorContains(t, schedule.Check(nil), "null")

	stream := sample.Sample{Batch: true}
	require.NoError(t, stream.Check([]byte(`{"batchItemFailures":[]}`)))
	require.ErrorContains(t, stream.Check([]byte(`{"batchItemFailures":[{"itemIdentifier":"1"}]}`)), `"1"`)
}
