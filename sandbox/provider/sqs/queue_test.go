package sqs_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"

	"dinarfunctions/sandbox/provider/sqs"
)

// bench is a queue on a clock that stands still until it is moved.
type bench struct {
	*sqs.Queue
	now time.Time
	got []events.SQSEvent
}

func newBench(o sqs.Options) *bench {
	b := &bench{now: time.Date(2027, 1, 31, 9, 0, 0, 0, time.UTC)}
	o.Now = func() time.Time { return b.now }
	b.Queue = sqs.New(o)
	return b
}

// deliver hands a batch to a function that answers so.
func (b *bench) deliver(t *testing.T, answer string, err error) sqs.Delivered {
	t.Helper()
	return b.Deliver(t.Context(), func(_ context.Context, text []byte) ([]byte, error) {
		var event events.SQSEvent
		require.NoError(t, json.Unmarshal(text, &event))
		b.got = append(b.got, event)
		return []byte(answer), err
	})
}

const none = `{"batchItemFailures": []}`

func TestABatchIsDelivered(t *testing.T) {
	t.Parallel()
	b := newBench(sqs.Options{Batch: 2})
	for i := range 3 {
		b.Put(fmt.Sprint("message ", i))
	}
	require.Equal(t, sqs.Delivered{Messages: 2}, b.deliver(t, none, nil))
	require.Equal(t, sqs.Delivered{Messages: 1}, b.deliver(t, none, nil))
	require.Equal(t, sqs.Delivered{}, b.deliver(t, none, nil))
	require.Len(t, b.got, 2)
	require.Equal(t, "message 0", b.got[0].Records[0].Body)
	require.Equal(t, "aws:sqs", b.got[0].Records[0].EventSource)
	require.Equal(t, "1", b.got[0].Records[0].Attributes["ApproximateReceiveCount"])
	require.Equal(t, "message 2", b.got[1].Records[0].Body)
	require.Equal(t, sqs.State{Waiting: []sqs.Message{}, InFlight: []sqs.Message{}, DeadLetters: []sqs.Message{}}, b.State())
}

func TestWhatComesAgain(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		answer string // FIRST is the id of the first message
		err    error
		failed int
	}{
		"none failed":             {none, nil, 0},
		"null":                    {"null", nil, 0},
		"no answer":               {"", nil, 0},
		"one failed":              {`{"batchItemFailures": [{"itemIdentifier": "FIRST"}]}`, nil, 1},
		"the function failed":     {"", errors.New("broken"), 2},
		"an answer of no meaning": {"done", nil, 2},
		"a message of another":    {`{"batchItemFailures": [{"itemIdentifier": "FIRST-other"}]}`, nil, 2},
		"a message of no name":    {`{"batchItemFailures": [{"itemIdentifier": ""}]}`, nil, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(sqs.Options{})
			first := b.Put("first")
			b.Put("second")
			answer := strings.ReplaceAll(tt.answer, "FIRST", first)
			require.Equal(t, sqs.Delivered{Messages: 2, Failed: tt.failed}, b.deliver(t, answer, tt.err))
			require.Len(t, b.State().InFlight, tt.failed)
			require.Empty(t, b.State().Waiting)
			if tt.failed == 1 {
				require.Equal(t, first, b.State().InFlight[0].ID)
			}
		})
	}
}

func TestAMessageThatFailsAgainAndAgainIsADeadLetter(t *testing.T) {
	t.Parallel()
	b := newBench(sqs.Options{MaxReceives: 3, Visibility: time.Minute})
	id := b.Put("poison")
	for range 3 {
		require.Equal(t, sqs.Delivered{Messages: 1, Failed: 1}, b.deliver(t, "", errors.New("broken")))
		require.Equal(t, sqs.Delivered{}, b.deliver(t, none, nil), "it is not seen")
		at, any := b.NextVisible(b.now)
		require.True(t, any)
		require.Equal(t, b.now.Add(time.Minute), at)
		b.now = at
	}
	require.Equal(t, sqs.Delivered{}, b.deliver(t, none, nil))
	state := b.State()
	require.Empty(t, state.Waiting)
	require.Equal(t, []sqs.Message{{ID: id, Body: "poison", SentAt: b.now.Add(-3 * time.Minute), Receives: 3}}, state.DeadLetters)
	_, any := b.NextVisible(b.now)
	require.False(t, any)

	require.Equal(t, 1, b.Redrive())
	require.Equal(t, sqs.Delivered{Messages: 1}, b.deliver(t, none, nil))
	require.Empty(t, b.State().DeadLetters)
}
