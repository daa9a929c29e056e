package duequeue_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/awsconfig"
	"dinarfunctions/shared/duequeue"
	"dinarfunctions/shared/subscription"
)

// calls is an SQS that answers each call as told; without an answer it takes all.
type calls struct {
	t       *testing.T
	answers []func(in *sqs.SendMessageBatchInput) (*sqs.SendMessageBatchOutput, error)
	got     [][]string
}

func (c *calls) SendMessageBatch(_ context.Context, in *sqs.SendMessageBatchInput, _ ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error) {
	require.Equal(c.t, "the-queue", *in.QueueUrl)
	var bodies []string
	ids := map[string]bool{}
	for _, e := range in.Entries {
		bodies = append(bodies, *e.MessageBody)
		ids[*e.Id] = true
	}
	require.Len(c.t, ids, len(in.Entries), "ids of a batch are unique")
	n := len(c.got)
	c.got = append(c.got, bodies)
	if n < len(c.answers) && c.answers[n] != nil {
		return c.answers[n](in)
	}
	return taken(in.Entries...), nil
}

func taken(entries ...types.SendMessageBatchRequestEntry) *sqs.SendMessageBatchOutput {
	out := &sqs.SendMessageBatchOutput{}
	for _, e := range entries {
		out.Successful = append(out.Successful, types.SendMessageBatchResultEntry{Id: e.Id})
	}
	return out
}

func messages(n int) []subscription.Message {
	var all []subscription.Message
	for i := range n {
		all = append(all, subscription.Message{Subscription: fmt.Sprintf("gold-%d", i), Cycle: 7, Attempt: i % 2})
	}
	return all
}

func TestSend(t *testing.T) {
	t.Parallel()
	api := &calls{t: t}
	sent, err := duequeue.New(api, "the-queue").Send(t.Context(), messages(23))
	require.NoError(t, err)
	require.Equal(t, 23, sent)
	require.Equal(t, []int{10, 10, 3}, []int{len(api.got[0]), len(api.got[1]), len(api.got[2])})
	require.JSONEq(t, `{"subscription": "gold-22", "cycle": 7, "attempt": 0}`, api.got[2][2])

	sent, err = duequeue.New(api, "the-queue").Send(t.Context(), nil)
	require.NoError(t, err)
	require.Zero(t, sent)
}

func TestSendWhatIsRefused(t *testing.T) {
	t.Parallel()
	refuse := func(sender bool, which ...int) func(*sqs.SendMessageBatchInput) (*sqs.SendMessageBatchOutput, error) {
		return func(in *sqs.SendMessageBatchInput) (*sqs.SendMessageBatchOutput, error) {
			out := &sqs.SendMessageBatchOutput{}
			for i, e := range in.Entries {
				refused := false
				for _, w := range which {
					refused = refused || w == i
				}
				if refused {
					out.Failed = append(out.Failed, types.BatchResultErrorEntry{Id: e.Id, Code: aws.String("ServiceUnavailable"), SenderFault: sender})
				} else {
					out.Successful = append(out.Successful, types.SendMessageBatchResultEntry{Id: e.Id})
				}
			}
			return out, nil
		}
	}
	down := func(*sqs.SendMessageBatchInput) (*sqs.SendMessageBatchOutput, error) {
		return nil, errors.New("SQS cannot be reached")
	}
	for name, tt := range map[string]struct {
		answers []func(*sqs.SendMessageBatchInput) (*sqs.SendMessageBatchOutput, error)
		sent    int
		calls   []int // messages of each call
		fault   string
	}{
		"some, once": {[]func(*sqs.SendMessageBatchInput) (*sqs.SendMessageBatchOutput, error){refuse(false, 1, 3)}, 12, []int{10, 2, 2}, ""},
		"one, each time": {[]func(*sqs.SendMessageBatchInput) (*sqs.SendMessageBatchOutput, error){refuse(false, 9), refuse(false, 0), refuse(false, 0)},
			11, []int{10, 1, 1, 2}, "1 of 12 messages"},
		"by our own fault": {[]func(*sqs.SendMessageBatchInput) (*sqs.SendMessageBatchOutput, error){refuse(true, 0)}, 11, []int{10, 2}, "ServiceUnavailable"},
		"a whole call":     {[]func(*sqs.SendMessageBatchInput) (*sqs.SendMessageBatchOutput, error){down}, 2, []int{10, 2}, "10 of 12 messages"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api := &calls{t: t, answers: tt.answers}
			sent, err := duequeue.New(api, "the-queue").Send(t.Context(), messages(12))
			require.Equal(t, tt.sent, sent)
			var counts []int
			for _, call := range api.got {
				counts = append(counts, len(call))
			}
			require.Equal(t, tt.calls, counts)
			if tt.fault == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, tt.fault)
			}
		})
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	m, err := duequeue.Read(`{"subscription": "gold-42", "cycle": 7, "attempt": 0}`)
	require.NoError(t, err)
	require.Equal(t, subscription.Message{Subscription: "gold-42", Cycle: 7}, m)
	for _, text := range []string{
		``, `{}`, `null`, `[]`, `{"subscription": "MARKED", "cycle": 7}`, `{"subscription": "MARKED", "attempt": 0}`,
		`{"subscription": "MARKED", "cycle": 0, "attempt": 0}`, `{"subscription": "MARKED", "cycle": 1, "attempt": -1}`,
		`{"subscription": "", "cycle": 1, "attempt": 0}`, `{"subscription": "MARKED", "cycle": 1.5, "attempt": 0}`,
		`{"subscription": "MARKED", "cycle": 1, "attempt": 0, "more": 1}`, `{"subscription": "MARKED", "cycle": 1, "attempt": 0} x`,
		`{"subscription": "MARKED", "cycle": 1, "cycle": 2, "attempt": 0}`,
	} {
		_, err := duequeue.Read(text)
		require.ErrorIs(t, err, duequeue.ErrUnreadable, text)
		require.NotContains(t, err.Error(), "MARKED")
	}
}

// What is sent is read as it was; what is refused has no message.
func FuzzRead(f *testing.F) {
	f.Add(`{"subscription": "gold-42", "cycle": 7, "attempt": 0}`)
	f.Add(`{"subscription": "", "cycle": 1e3}`)
	f.Fuzz(func(t *testing.T, text string) {
		m, err := duequeue.Read(text)
		if err != nil {
			require.Zero(t, m)
			return
		}
		api := &calls{t: t}
		sent, err := duequeue.New(api, "the-queue").Send(t.Context(), []subscription.Message{m})
		require.NoError(t, err)
		require.Equal(t, 1, sent)
		again, err := duequeue.Read(api.got[0][0])
		require.NoError(t, err)
		require.Equal(t, m, again)
	})
}

func TestSendToSQS(t *testing.T) {
	t.Parallel()
	if os.Getenv("AWS_ENDPOINT_URL") == "" {
		t.Skip("needs SQS: set AWS_ENDPOINT_URL, or run make test-aws")
	}
	cfg, err := awsconfig.Load(t.Context())
	require.NoError(t, err)
	api := sqs.NewFromConfig(cfg)
	made, err := api.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("due-of-the-test")})
	require.NoError(t, err)
	sent, err := duequeue.New(api, *made.QueueUrl).Send(t.Context(), messages(12))
	require.NoError(t, err)
	require.Equal(t, 12, sent)
	got := map[subscription.Message]bool{}
	for len(got) < 12 {
		out, err := api.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: made.QueueUrl, MaxNumberOfMessages: 10})
		require.NoError(t, err)
		require.NotEmpty(t, out.Messages)
		for _, m := range out.Messages {
			read, err := duequeue.Read(*m.Body)
			require.NoError(t, err)
			got[read] = true
		}
	}
	for _, m := range messages(12) {
		require.True(t, got[m])
	}
}
