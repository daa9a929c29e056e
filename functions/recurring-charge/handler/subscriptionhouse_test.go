package handler_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/subscription"
)

// queue stands in for SQS: a list of messages, of which those that failed come again.
type queue struct {
	mu       sync.Mutex
	messages []subscription.Message
	refuse   error // what Send fails with
}

var _ subscription.Queue = (*queue)(nil)

func (q *queue) Send(_ context.Context, messages []subscription.Message) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.refuse != nil {
		return 0, q.refuse
	}
	q.messages = append(q.messages, messages...)
	return len(messages), nil
}

// take empties the queue.
func (q *queue) take() []subscription.Message {
	q.mu.Lock()
	defer q.mu.Unlock()
	taken := q.messages
	q.messages = nil
	return taken
}

// first is when the first cycle of the tests' subscription is due.
var first = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

// terms are the body of a PUT, with other values for some fields; nil leaves one out.
func terms(change map[string]any) string {
	request := map[string]any{
		"recurring_init_trans_id": "dc66cdd8-d702-11ea-9a2f-0242c0a87002",
		"recurring_token":         "MARKED-token-7002",
		"amount":                  "10.00",
		"currency":                "SAR",
		"description":             "gold membership",
		"every":                   map[string]any{"count": 1, "unit": "month"},
		"starts_on":               "2026-11-22",
	}
	for field, value := range change {
		if request[field] = value; value == nil {
			delete(request, field)
		}
	}
	text, err := json.Marshal(request)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func message(id string, cycle, attempt int) subscription.Message {
	return subscription.Message{Subscription: id, Cycle: cycle, Attempt: attempt}
}

// card changes the card that is charged.
func card(name string) map[string]any {
	return map[string]any{"recurring_token": "MARKED-tok-" + name + "-7002"}
}

func (h *house) put(t *testing.T, id string, change map[string]any) map[string]any {
	t.Helper()
	status, s := h.request(t, http.MethodPut, "/subscriptions/"+id, terms(change))
	require.Contains(t, []int{http.StatusOK, http.StatusCreated}, status, "%v", s)
	return s
}

// sub is the subscription as its GET shows it.
func (h *house) sub(t *testing.T, id string) map[string]any {
	t.Helper()
	status, s := h.request(t, http.MethodGet, "/subscriptions/"+id, "")
	require.Equal(t, http.StatusOK, status, "%v", s)
	return s
}

// do asks for something by POST, which must be granted.
func (h *house) do(t *testing.T, id, what, body string) map[string]any {
	t.Helper()
	status, s := h.request(t, http.MethodPost, "/subscriptions/"+id+"/"+what, body)
	require.Equal(t, http.StatusOK, status, "%v", s)
	return s
}

func (h *house) cancel(t *testing.T, id string) {
	t.Helper()
	status, _ := h.request(t, http.MethodDelete, "/subscriptions/"+id, "")
	require.Equal(t, http.StatusNoContent, status)
}

func (h *house) mode(t *testing.T, mode string) {
	t.Helper()
	status, _ := h.request(t, http.MethodPut, "/charging", `{"mode": "`+mode+`"}`)
	require.Equal(t, http.StatusOK, status)
}

// at sets the clock.
func (h *house) at(now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = now
}

// deliver wakes the function as SQS does, and returns which messages have failed, by
// their place.
func (h *house) deliver(t *testing.T, messages ...subscription.Message) (failed []int) {
	t.Helper()
	bodies := make([]string, len(messages))
	for i, m := range messages {
		bodies[i] = fmt.Sprintf(`{"subscription": %q, "cycle": %d, "attempt": %d}`, m.Subscription, m.Cycle, m.Attempt)
	}
	return h.deliverTexts(t, bodies...)
}

func (h *house) deliverTexts(t *testing.T, bodies ...string) (failed []int) {
	t.Helper()
	records := make([]any, len(bodies))
	for i, body := range bodies {
		records[i] = map[string]any{
			"messageId": strconv.Itoa(i), "receiptHandle": "handle", "body": body,
			"attributes":        map[string]any{"ApproximateReceiveCount": "1", "SentTimestamp": "1795251600000"},
			"messageAttributes": map[string]any{}, "md5OfBody": "", "eventSource": "aws:sqs",
			"eventSourceARN": "arn:aws:sqs:eu-central-1:123456789012:due", "awsRegion": "eu-central-1",
		}
	}
	payload, err := json.Marshal(map[string]any{"Records": records})
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), h.timeout)
	defer cancel()
	out, err := h.function.Invoke(ctx, payload)
	require.NoError(t, err)
	var answer struct {
		Failures []struct {
			ID string `json:"itemIdentifier"`
		} `json:"batchItemFailures"`
	}
	require.NoError(t, json.Unmarshal(out, &answer))
	for _, f := range answer.Failures {
		place, err := strconv.Atoi(f.ID)
		require.NoError(t, err)
		failed = append(failed, place)
	}
	return failed
}

// work wakes the function by the schedule, and then by the queue with all that the
// schedule put there. It returns how many messages have failed.
func (h *house) work(t *testing.T) (failed int) {
	t.Helper()
	h.schedule(t)
	if messages := h.queue.take(); len(messages) > 0 {
		failed = len(h.deliver(t, messages...))
	}
	return failed
}

// charged is what the provider was sent, by order number.
func (h *house) charged(number string) int { return h.provider.Counts(number).Charges }

// paymentOf is the provider's newest transaction of an order.
func (h *house) paymentOf(t *testing.T, number string) string {
	t.Helper()
	found := ""
	for _, transaction := range h.provider.Transactions() {
		if transaction.Order.Number == number {
			found = transaction.PaymentID
		}
	}
	require.NotEmpty(t, found, "the provider has no transaction of %s", number)
	return found
}

func requireFields(t *testing.T, want, got map[string]any) {
	t.Helper()
	for field, value := range want {
		require.EqualValues(t, value, got[field], "%s of %v", field, got)
	}
}

// move takes a subscription over from another house, as it stands there.
func (h *house) move(t *testing.T, from *house, id string) {
	t.Helper()
	s, err := from.store.Subscriptions().Get(t.Context(), id)
	require.NoError(t, err)
	_, created, err := h.store.Subscriptions().Create(t.Context(), s)
	require.NoError(t, err)
	require.True(t, created)
}
