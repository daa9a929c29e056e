package handler_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"

	simulator "dinarfunctions/sandbox/provider/dineropay"
	"dinarfunctions/sandbox/provider/sqs"
	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/duequeue"
)

// outage is a time in which the provider cannot do its part, minute by minute: the
// schedule, and a queue that does what SQS does with what is handed back.
type outage struct {
	*house
	sqs  *sqs.Queue
	time time.Duration // that an invocation by the queue has

	looks                map[string][]int // by subscription, in each hour
	mostLive             map[string]int
	statuses, sent, dead []int // in each hour
}

func (h *house) outage(t *testing.T) *outage {
	t.Helper()
	o := &outage{house: h, time: longest, looks: map[string][]int{}, mostLive: map[string]int{}}
	o.sqs = sqs.New(sqs.Options{Now: h.clock})
	return o
}

// hours lets time pass.
func (o *outage) hours(t *testing.T, count int) {
	t.Helper()
	for range count {
		before, dead := o.provider.Totals(), len(o.sqs.State().DeadLetters)
		hour := map[string]int{}
		for range 60 {
			o.minute(t, hour)
			o.advance(time.Minute)
		}
		for id := range o.mostLive {
			o.looks[id] = append(o.looks[id], hour[id])
		}
		after := o.provider.Totals()
		o.statuses = append(o.statuses, after.Statuses-before.Statuses)
		o.sent = append(o.sent, after.Charges-before.Charges)
		o.dead = append(o.dead, len(o.sqs.State().DeadLetters)-dead)
	}
}

func (o *outage) minute(t *testing.T, looks map[string]int) {
	t.Helper()
	o.schedule(t)
	for _, m := range o.queue.take() {
		o.sqs.Put(fmt.Sprintf(`{"subscription": %q, "cycle": %d, "attempt": %d}`, m.Subscription, m.Cycle, m.Attempt))
	}
	live := map[string]int{}
	state := o.sqs.State()
	for _, m := range slices.Concat(state.Waiting, state.InFlight) {
		read, err := duequeue.Read(m.Body)
		require.NoError(t, err)
		live[read.Subscription]++
	}
	for id, n := range live {
		o.mostLive[id] = max(o.mostLive[id], n)
	}
	for {
		taken := o.sqs.Deliver(t.Context(), func(ctx context.Context, event []byte) ([]byte, error) {
			var batch events.SQSEvent
			require.NoError(t, json.Unmarshal(event, &batch))
			for _, record := range batch.Records {
				read, err := duequeue.Read(record.Body)
				require.NoError(t, err)
				looks[read.Subscription]++
			}
			ctx, cancel := context.WithTimeout(ctx, o.time)
			defer cancel()
			return o.function.Invoke(ctx, event)
		})
		if taken.Messages == 0 {
			return
		}
	}
}

// requireFew holds an outage against the contract, Subscriptions: the next look moves on
// with every such try, whatever the cause, so that one subscription never has more than
// two live messages.
func (o *outage) requireFew(t *testing.T) {
	t.Helper()
	t.Logf("in each hour: status requests %v, charge requests %v, dead letters %v", o.statuses, o.sent, o.dead)
	require.NotEmpty(t, o.looks)
	for id, hours := range o.looks {
		t.Logf("%s: looks in each hour %v, at most %d live messages", id, hours, o.mostLive[id])
		require.LessOrEqual(t, o.mostLive[id], 2)
		require.NotZero(t, hours[len(hours)-1], "it is still tried")
		for _, looks := range hours {
			require.LessOrEqual(t, looks, 20)
		}
	}
}

// One subscription whose number must be asked about first, with a provider that answers
// every status request with 500, for six hours. The charge goes out once it is back.
func TestAnOutageWhereTheProviderIsAskedFirst(t *testing.T) {
	t.Parallel()
	h := due(t, nil)
	h.mode(t, "ask_first")
	require.NoError(t, h.provider.ScriptStatus(slices.Repeat([]simulator.Fault{simulator.HTTP500}, 5000)...))
	o := h.outage(t)
	o.hours(t, 6)
	o.requireFew(t)
	require.Zero(t, h.provider.Totals().Charges)
}

// Ten subscriptions and a key that is refused.
func TestAnOutageByARefusedKey(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for i := range 10 {
		h.put(t, fmt.Sprintf("gold-%d", i), nil)
	}
	h.at(first)
	require.NoError(t, h.provider.Rotate("MARKED-merchant-key-2", "MARKED-Password-2"))
	o := h.outage(t)
	o.hours(t, 6)
	require.Len(t, o.looks, 10)
	o.requireFew(t)

	h.keys.rotate("MARKED-merchant-key-2", "MARKED-Password-2")
	o.hours(t, 1)
	for i := range 10 {
		require.Equal(t, 1, h.provider.Counts(fmt.Sprintf("gold-%d-0001", i)).Charged, "charged within the hour")
	}
}

// A next try whose earlier ones cannot be asked about.
func TestAnOutageWhereEarlierTriesCannotBeAskedAbout(t *testing.T) {
	t.Parallel()
	h := due(t, card("declined-limit"))
	require.Zero(t, h.work(t))
	h.at(first.AddDate(0, 0, 1))
	require.NoError(t, h.provider.ScriptStatus(slices.Repeat([]simulator.Fault{simulator.HTTP500}, 5000)...))
	o := h.outage(t)
	o.hours(t, 6)
	o.requireFew(t)
	require.Zero(t, h.charged("gold-42-0001-r1"))
}

// A declined try that the provider calls pending.
func TestAnOutageWhereADeclinedTryIsPendingAgain(t *testing.T) {
	t.Parallel()
	h := due(t, card("declined-limit"))
	require.Zero(t, h.work(t))
	h.at(first.AddDate(0, 0, 1))
	require.NoError(t, h.provider.SetStatus(h.paymentOf(t, "gold-42-0001"), "pending", ""))
	o := h.outage(t)
	o.hours(t, 6)
	o.requireFew(t)
	require.Zero(t, h.charged("gold-42-0001-r1"))
}

// Nothing was processed: 429 for six hours.
func TestAnOutageThatTurnsEverythingAway(t *testing.T) {
	t.Parallel()
	h := due(t, nil)
	require.NoError(t, h.provider.Script(slices.Repeat([]simulator.Fault{simulator.HTTP429}, 5000)...))
	o := h.outage(t)
	o.hours(t, 6)
	o.requireFew(t)
	require.Zero(t, h.provider.Counts("gold-42-0001").Charged)
}

// An invocation that has no time for a charge hands everything back untried.
func TestAnOutageOfTime(t *testing.T) {
	t.Parallel()
	h := due(t, nil)
	o := h.outage(t)
	o.time = charge.MinCall + charge.WriteTime + time.Second/2 // less what the answer takes
	o.hours(t, 6)
	o.requireFew(t)
	require.Zero(t, h.provider.Totals().Charges)
}
