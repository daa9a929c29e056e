package duequeue_test

import (
	"crypto/rand"
	"os"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/duequeue"
	"dinarfunctions/shared/subscription"
)

func TestSendAndReadOverSQS(t *testing.T) {
	t.Parallel()
	endpoint := os.Getenv("AWS_ENDPOINT_URL")
	if endpoint == "" {
		t.Skip("needs SQS: set AWS_ENDPOINT_URL, or run make test-aws")
	}
	api := client(endpoint)
	made, err := api.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("due-" + rand.Text())})
	require.NoError(t, err)
	want := messages(25)
	sent, err := duequeue.New(api, *made.QueueUrl).Send(t.Context(), want)
	require.NoError(t, err)
	require.Equal(t, len(want), sent)

	var got []subscription.Message
	for len(got) < len(want) {
		out, err := api.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: made.QueueUrl, MaxNumberOfMessages: 10})
		require.NoError(t, err)
		require.NotEmpty(t, out.Messages, "%d of %d messages are there", len(got), len(want))
		for _, message := range out.Messages {
			m, err := duequeue.Read(*message.Body)
			require.NoError(t, err)
			got = append(got, m)
		}
	}
	require.ElementsMatch(t, want, got)

	_, err = duequeue.New(api, *made.QueueUrl+"-other").Send(t.Context(), want)
	require.ErrorContains(t, err, "25 of 25 messages")
}
