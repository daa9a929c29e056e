package duequeue_test

import (
	"context"
	"crypto/md5" //nolint:gosec // the protocol's check of what arrived
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/duequeue"
	"dinarfunctions/shared/subscription"
)

const queueURL = "https://sqs.eu-central-1.amazonaws.com/123456789012/due"

// request and answer are SendMessageBatch's, in SQS's names.
type request struct {
	QueueURL string  `json:"QueueUrl"`
	Entries  []entry `json:"Entries"`
}

type entry struct {
	ID   string `json:"Id"`
	Body string `json:"MessageBody"`
}

type answer struct {
	Successful []taken
	Failed     []fault
}

type taken struct {
	ID        string `json:"Id"`
	MessageID string `json:"MessageId"`
	MD5       string `json:"MD5OfMessageBody"`
}

type fault struct {
	ID          string `json:"Id"`
	Code        string
	Message     string
	SenderFault bool
}

// take takes an entry.
func (a *answer) take(e entry) {
	sum := md5.Sum([]byte(e.Body))
	a.Successful = append(a.Successful, taken{e.ID, "m-" + e.ID, hex.EncodeToString(sum[:])})
}

// simulator is SQS with a queue, and with faults for each call.
type simulator struct {
	*httptest.Server
	mu     sync.Mutex
	calls  []request
	bodies []string // what is on the queue
}

// seen are the calls, and came what they put on the queue.
func (s *simulator) seen() (calls []request, came []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls, s.bodies
}

// reply answers a call, counted from 0.
type reply func(s *simulator, n int, r request, w http.ResponseWriter)

func serve(t testing.TB, respond reply) *simulator {
	t.Helper()
	s := &simulator{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var got request
		err := json.UnmarshalRead(r.Body, &got, json.RejectUnknownMembers(true))
		if err != nil || r.Header.Get("X-Amz-Target") != "AmazonSQS.SendMessageBatch" || got.QueueURL != queueURL {
			t.Errorf("not a batch for the queue: %v, %+v", err, got)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		n := len(s.calls)
		s.calls = append(s.calls, got)
		respond(s, n, got, w)
	}))
	t.Cleanup(s.Close)
	return s
}

// accept puts everything on the queue.
func accept(s *simulator, _ int, r request, w http.ResponseWriter) {
	var a answer
	for _, e := range r.Entries {
		s.bodies = append(s.bodies, e.Body)
		a.take(e)
	}
	write(w, a)
}

func write(w http.ResponseWriter, a answer) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	_ = json.MarshalWrite(w, a)
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.WriteHeader(status)
	_ = json.MarshalWrite(w, map[string]string{"__type": "com.amazonaws.sqs#" + code, "message": "no"})
}

// lose puts everything on the queue, and the answer does not come.
func lose(s *simulator, _ int, r request, _ http.ResponseWriter) {
	for _, e := range r.Entries {
		s.bodies = append(s.bodies, e.Body)
	}
	panic(http.ErrAbortHandler)
}

// queueOf is the queue behind a simulator, through the real client.
func queueOf(s *simulator) (*duequeue.Queue, *[]time.Duration) {
	q := duequeue.New(client(s.URL), queueURL)
	waited := new([]time.Duration)
	q.NoWaits(waited)
	return q, waited
}

// client is the real SDK client, with three tries and no waits.
func client(endpoint string) *sqs.Client {
	return sqs.New(sqs.Options{
		Region: "eu-central-1", BaseEndpoint: &endpoint,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "id", SecretAccessKey: "MARKED-aws"}, nil
		}),
		Retryer: retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts = 3
			o.RateLimiter = ratelimit.None
			o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
		}),
	})
}

func messages(n int) (all []subscription.Message) {
	for i := range n {
		all = append(all, subscription.Message{Subscription: fmt.Sprintf("gold-%d", i), Cycle: i + 1, Attempt: i % 3})
	}
	return all
}

// sentBody is a message as Send writes it.
func sentBody(t testing.TB, m subscription.Message) string {
	t.Helper()
	var body string
	keep := apiFunc(func(in *sqs.SendMessageBatchInput) (*sqs.SendMessageBatchOutput, error) {
		body = *in.Entries[0].MessageBody
		return &sqs.SendMessageBatchOutput{Successful: []types.SendMessageBatchResultEntry{{Id: in.Entries[0].Id}}}, nil
	})
	sent, err := duequeue.New(keep, queueURL).Send(t.Context(), []subscription.Message{m})
	require.NoError(t, err)
	require.Equal(t, 1, sent)
	return body
}

type apiFunc func(*sqs.SendMessageBatchInput) (*sqs.SendMessageBatchOutput, error)

func (f apiFunc) SendMessageBatch(_ context.Context, in *sqs.SendMessageBatchInput, _ ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error) {
	return f(in)
}

func TestSend(t *testing.T) {
	t.Parallel()
	s := serve(t, accept)
	q, waited := queueOf(s)
	want := append(messages(23), messages(2)...) // the first two come twice
	sent, err := q.Send(t.Context(), want)
	require.NoError(t, err)
	require.Equal(t, 25, sent)
	require.Empty(t, *waited)

	calls, bodies := s.seen()
	require.Len(t, calls, 3, "ten messages a request")
	require.Equal(t, `{"subscription":"gold-0","cycle":1,"attempt":0}`, bodies[0])
	var got []subscription.Message
	for _, body := range bodies {
		m, err := duequeue.Read(body)
		require.NoError(t, err)
		got = append(got, m)
	}
	require.Equal(t, want, got)
	for _, call := range calls {
		ids := make(map[string]bool)
		for _, e := range call.Entries {
			ids[e.ID] = true
		}
		require.Len(t, ids, len(call.Entries), "ids are distinct within a batch")
	}

	sent, err = q.Send(t.Context(), nil)
	require.NoError(t, err)
	require.Zero(t, sent)
	calls, _ = s.seen()
	require.Len(t, calls, 3, "nothing to send, nobody to call")
}

// No message of ours is so long; the limit is SQS's all the same.
func TestBatchesArePackedByBytes(t *testing.T) {
	t.Parallel()
	s := serve(t, accept)
	q, _ := queueOf(s)
	frame := len(sentBody(t, subscription.Message{Cycle: 1}))
	of := func(bytes int) subscription.Message {
		return subscription.Message{Subscription: strings.Repeat("x", bytes-frame), Cycle: 1}
	}
	const half = duequeue.MaxBytes / 2
	sent, err := q.Send(t.Context(), []subscription.Message{of(half), of(half), of(half), of(half + 1), of(100)})
	require.NoError(t, err)
	require.Equal(t, 5, sent)
	var sizes []int
	calls, _ := s.seen()
	for _, call := range calls {
		size := 0
		for _, e := range call.Entries {
			size += len(e.Body)
		}
		sizes = append(sizes, size)
	}
	require.Equal(t, []int{2 * half, half, half + 1 + 100}, sizes)
}

func TestWhatSQSCouldNotTakeIsSentAgain(t *testing.T) {
	t.Parallel()
	s := serve(t, func(s *simulator, n int, r request, w http.ResponseWriter) {
		var a answer
		for i, e := range r.Entries {
			if n == 0 && i%2 == 0 { // 0, 2, 4
				a.Failed = append(a.Failed, fault{e.ID, "InternalError", "no", false})
			} else if n == 0 && i == 1 || n == 1 && i == 0 { // 1, then 0: neither here nor there
				continue
			} else {
				s.bodies = append(s.bodies, e.Body)
				a.take(e)
			}
		}
		write(w, a)
	})
	q, waited := queueOf(s)
	sent, err := q.Send(t.Context(), messages(5))
	require.NoError(t, err)
	require.Equal(t, 5, sent)
	calls, bodies := s.seen()
	var ids [][]string
	for _, call := range calls {
		var of []string
		for _, e := range call.Entries {
			of = append(of, e.ID)
		}
		ids = append(ids, of)
	}
	require.Equal(t, [][]string{{"0", "1", "2", "3", "4"}, {"0", "1", "2", "4"}, {"0"}}, ids)
	require.Equal(t, []time.Duration{duequeue.FirstWait, 2 * duequeue.FirstWait}, *waited)
	require.Len(t, bodies, 5)
}

func TestWhatStaysBehindIsCounted(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		respond     reply
		sent, calls int
		says        []string
	}{
		"refused for its content, and the rest goes": {func(s *simulator, n int, r request, w http.ResponseWriter) {
			var a answer
			for i, e := range r.Entries {
				if n == 0 && i == 3 {
					a.Failed = append(a.Failed, fault{e.ID, "InvalidMessageContents", marked, true})
				} else {
					a.take(e)
				}
			}
			write(w, a)
		}, 24, 3, []string{"1 of 25 messages", "InvalidMessageContents"}},
		"not taken again and again": {func(_ *simulator, _ int, r request, w http.ResponseWriter) {
			var a answer
			for _, e := range r.Entries {
				if e.ID == "12" {
					a.Failed = append(a.Failed, fault{e.ID, "InternalError", marked, false})
				} else {
					a.take(e)
				}
			}
			write(w, a)
		}, 24, 3 + duequeue.Rounds - 1, []string{"1 of 25 messages", "InternalError"}},
		"throttled to the end": {func(s *simulator, n int, r request, w http.ResponseWriter) {
			if n == 0 {
				accept(s, n, r, w)
				return
			}
			refuse(w, 400, "RequestThrottled")
		}, 10, 1 + 3, []string{"15 of 25 messages", "RequestThrottled"}},
		"not allowed": {func(_ *simulator, _ int, _ request, w http.ResponseWriter) { refuse(w, 403, "AccessDenied") },
			0, 1, []string{"25 of 25 messages", "AccessDenied"}},
		"no such queue": {func(_ *simulator, _ int, _ request, w http.ResponseWriter) { refuse(w, 400, "QueueDoesNotExist") },
			0, 1, []string{"25 of 25 messages", "QueueDoesNotExist"}},
		"every answer lost": {lose, 0, 3, []string{"25 of 25 messages"}},
		"another message arrived": {func(_ *simulator, _ int, r request, w http.ResponseWriter) {
			var a answer
			for _, e := range r.Entries {
				a.take(entry{e.ID, e.Body + " "})
			}
			write(w, a)
		}, 0, 1, []string{"25 of 25 messages", "checksum"}},
		"an answer about other messages": {func(_ *simulator, _ int, _ request, w http.ResponseWriter) {
			var a answer
			a.take(entry{"other", "{}"})
			write(w, a)
		}, 0, 3 * duequeue.Rounds, []string{"25 of 25 messages", "did not say"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, test.respond)
			q, _ := queueOf(s)
			sent, err := q.Send(t.Context(), messages(25))
			for _, text := range test.says {
				require.ErrorContains(t, err, text)
			}
			require.Equal(t, test.sent, sent)
			calls, _ := s.seen()
			require.Len(t, calls, test.calls)
			require.NotContains(t, err.Error(), "MARKED")
		})
	}
}

func TestThrottlingAndLostAnswersPass(t *testing.T) {
	t.Parallel()
	s := serve(t, func(s *simulator, n int, r request, w http.ResponseWriter) {
		switch n {
		case 0:
			refuse(w, 400, "RequestThrottled")
		case 1:
			lose(s, n, r, w)
		default:
			accept(s, n, r, w)
		}
	})
	q, _ := queueOf(s)
	sent, err := q.Send(t.Context(), messages(2))
	require.NoError(t, err)
	require.Equal(t, 2, sent)
	_, bodies := s.seen()
	require.Len(t, bodies, 4, "twice on the queue, which is harmless")
}

func TestSendEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s := serve(t, func(_ *simulator, _ int, r request, w http.ResponseWriter) {
		a := answer{Failed: []fault{{r.Entries[0].ID, "InternalError", "no", false}}}
		for _, e := range r.Entries[1:] {
			a.take(e)
		}
		write(w, a)
		cancel()
	})
	q := duequeue.New(apiThat{client(s.URL)}, queueURL) // it waits as it does in a function
	sent, err := q.Send(ctx, messages(25))
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorContains(t, err, "16 of 25 messages")
	require.Equal(t, 9, sent)

	sent, err = q.Send(ctx, messages(1))
	require.ErrorIs(t, err, context.Canceled)
	require.Zero(t, sent)
	calls, _ := s.seen()
	require.Len(t, calls, 1)
}

// apiThat lets a call that is under way come to its end, whatever its context does.
type apiThat struct{ *sqs.Client }

func (a apiThat) SendMessageBatch(ctx context.Context, in *sqs.SendMessageBatchInput, o ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return a.Client.SendMessageBatch(context.WithoutCancel(ctx), in, o...)
}
