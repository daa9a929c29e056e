package aws_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/duequeue"
	"dinarfunctions/shared/subscription"
)

// What the function sends to the URL that the template gives it stands on the
// template's queue, and what is not taken away comes to its dead-letter queue.
func TestTheDueQueue(t *testing.T) {
	t.Parallel()
	s := start(t, false)
	f, err := s.Function("RecurringCharge")
	require.NoError(t, err)
	env, err := s.Environment(f)
	require.NoError(t, err)
	url := env["DUE_QUEUE_URL"]
	require.Equal(t, s.Ref("DueQueue"), url)

	want := subscription.Message{Subscription: "gold-42", Cycle: 7}
	sent, err := duequeue.New(s.SQS, url).Send(t.Context(), []subscription.Message{want})
	require.NoError(t, err)
	require.Equal(t, 1, sent)

	// Handed back at once, again and again.
	queue := s.Template.Resources["DueQueue"].Properties
	times := queue.Map("RedrivePolicy").Number("maxReceiveCount")
	receive := func() []types.Message {
		got, err := s.SQS.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url, VisibilityTimeout: 0, MaxNumberOfMessages: 10})
		require.NoError(t, err)
		for _, m := range got.Messages {
			_, err := s.SQS.ChangeMessageVisibility(t.Context(), &sqs.ChangeMessageVisibilityInput{
				QueueUrl: &url, ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: 0,
			})
			require.NoError(t, err)
		}
		return got.Messages
	}
	for i := range times {
		got := receive()
		require.Len(t, got, 1, "time %d", i+1)
		read, err := duequeue.Read(aws.ToString(got[0].Body))
		require.NoError(t, err)
		require.Equal(t, want, read)
	}
	require.Empty(t, receive())
	dead, err := s.Receive(t.Context(), "DeadLetters")
	require.NoError(t, err)
	require.Len(t, dead, 1)
	read, err := duequeue.Read(dead[0])
	require.NoError(t, err)
	require.Equal(t, want, read)
}
