package handler_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"dinarfunctions/functions/recurring-charge/handler"
	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/subscription"
	"dinarfunctions/shared/trigger"
	"dinarfunctions/test/logbuffer"
)

// looker is a Biller whose looks a test says, and which keeps the order of things.
type looker struct {
	handler.Biller
	look func(ctx context.Context, m subscription.Message) error

	mu            sync.Mutex
	begun         []subscription.Message
	atOnce, most  int
	bySub, second map[string]int
	back          []subscription.Message
}

func (l *looker) HandBack(_ context.Context, m subscription.Message) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.back = append(l.back, m)
}

func (l *looker) Look(ctx context.Context, m subscription.Message) error {
	l.mu.Lock()
	l.begun = append(l.begun, m)
	l.atOnce++
	l.most = max(l.most, l.atOnce)
	if l.bySub[m.Subscription]++; l.bySub[m.Subscription] > 1 {
		l.second[m.Subscription]++
	}
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.atOnce--
		l.bySub[m.Subscription]--
	}()
	return l.look(ctx, m)
}

func batchOf(t *testing.T, look func(context.Context, subscription.Message) error) (*looker, trigger.Handlers, *logbuffer.Buffer) {
	t.Helper()
	log := &logbuffer.Buffer{}
	l := &looker{look: look, bySub: map[string]int{}, second: map[string]int{}}
	return l, handler.New(nil, l, slog.New(slog.NewJSONHandler(log, nil))), log
}

// messagesFor has a message for each subscription, by number.
func messagesFor(subscriptions ...int) (messages []trigger.Message) {
	for place, n := range subscriptions {
		messages = append(messages, trigger.Message{
			ID:   fmt.Sprint(place),
			Body: fmt.Sprintf(`{"subscription": "gold-%d", "cycle": %d, "attempt": 0}`, n, place+1),
		})
	}
	return messages
}

func TestABatchFailsMessageByMessage(t *testing.T) {
	t.Parallel()
	_, h, log := batchOf(t, func(_ context.Context, m subscription.Message) error {
		switch m.Subscription {
		case "gold-2":
			return errors.New("turned away")
		case "gold-4":
			panic("MARKED-panic")
		}
		return nil
	})
	require.Equal(t, []string{"1", "3"}, h.Queue(t.Context(), messagesFor(1, 2, 3, 4, 5)))
	require.Contains(t, log.String(), `"msg":"panic"`)
	require.NotContains(t, log.String(), "MARKED")
	require.Empty(t, h.Queue(t.Context(), nil))

	_, h, _ = batchOf(t, func(context.Context, subscription.Message) error { panic("the first one, too") })
	require.Equal(t, []string{"0", "1"}, h.Queue(t.Context(), messagesFor(1, 2)))
}

func TestTheMessagesOfOneSubscriptionGoOneAfterTheOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, h, _ := batchOf(t, func(context.Context, subscription.Message) error {
			time.Sleep(time.Second) // the bubble's time
			return nil
		})
		require.Empty(t, h.Queue(t.Context(), messagesFor(1, 2, 1, 3, 2, 4, 5, 6, 1)))
		require.Empty(t, l.second, "two of one subscription at the same time")
		require.Equal(t, 4, l.most)
		var ofOne []int
		for _, m := range l.begun {
			if m.Subscription == "gold-1" {
				ofOne = append(ofOne, m.Cycle)
			}
		}
		require.Equal(t, []int{1, 3, 9}, ofOne, "in the order of the batch")
	})
}

func TestTheFirstMessageGoesAheadAlone(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		first time.Duration
		most  int
	}{{time.Second, 4}, {10 * time.Second, 5}} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			l, h, _ := batchOf(t, func(_ context.Context, m subscription.Message) error {
				if m.Subscription == "gold-1" {
					time.Sleep(tt.first)
					return nil
				}
				require.GreaterOrEqual(t, time.Since(start), min(tt.first, 3*time.Second))
				time.Sleep(time.Second)
				return nil
			})
			require.Empty(t, h.Queue(t.Context(), messagesFor(1, 2, 3, 4, 5, 6, 7, 8, 9, 10)))
			require.Equal(t, tt.most, l.most, "a slow first one keeps nobody waiting for long")
		})
	}
}

// A refusal that comes when others are under way lets them end, and begins no more.
func TestWhatWasNotBegunIsHandedBackUntried(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, h, _ := batchOf(t, func(_ context.Context, m subscription.Message) error {
			if m.Subscription == "gold-3" {
				time.Sleep(time.Second / 2)
				return errors.Join(errors.New("and more"), fmt.Errorf("%w: order number", subscription.ErrKeyRefused))
			}
			time.Sleep(time.Second)
			return nil
		})
		require.Equal(t, []string{"2", "5", "6", "7"}, h.Queue(t.Context(), messagesFor(1, 2, 3, 4, 5, 6, 7, 2)))
		require.Len(t, l.begun, 5)
		require.ElementsMatch(t, []subscription.Message{message("gold-6", 6, 0), message("gold-7", 7, 0), message("gold-2", 8, 0)}, l.back,
			"the next look at each is moved on")
	})
}

func TestAMessageIsBegunWithTimeEnough(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), charge.MaxInvocation)
		defer cancel()
		end, _ := ctx.Deadline()
		l, h, _ := batchOf(t, func(ctx context.Context, _ subscription.Message) error {
			own, ok := ctx.Deadline()
			require.True(t, ok)
			require.Equal(t, time.Second, end.Sub(own), "the answer needs time as well")
			require.GreaterOrEqual(t, time.Until(own), charge.MinCall+charge.WriteTime)
			time.Sleep(9 * time.Second)
			return nil
		})
		failed := h.Queue(ctx, messagesFor(1, 1, 1, 1, 1))
		require.Equal(t, []string{"3", "4"}, failed)
		require.Len(t, l.begun, 3)
		require.Equal(t, []subscription.Message{message("gold-1", 4, 0), message("gold-1", 5, 0)}, l.back)
		require.NoError(t, ctx.Err())
	})
}

func TestAnInvocationWithoutAnEnd(t *testing.T) {
	t.Parallel()
	_, h, _ := batchOf(t, func(ctx context.Context, _ subscription.Message) error {
		_, ok := ctx.Deadline()
		require.True(t, ok)
		return nil
	})
	require.Empty(t, h.Queue(context.Background(), messagesFor(1, 2)))
}

// sweeper and queuer are the halves of the schedule, each of which may do badly.
type sweeper struct {
	handler.Ledger
	do   func() error
	done bool
}

func (s *sweeper) Sweep(context.Context) (charge.Swept, error) {
	s.done = true
	return charge.Swept{Asked: 1}, s.do()
}

type queuer struct {
	handler.Biller
	do   func() error
	done bool
}

func (q *queuer) QueueDue(context.Context) (subscription.Queued, error) {
	q.done = true
	return subscription.Queued{Sent: 2, Unsent: 3, Failed: 4, Left: true}, q.do()
}

func TestNeitherHalfOfTheScheduleFailsTheOther(t *testing.T) {
	t.Parallel()
	fine := func() error { return nil }
	bad := func() error { return errors.New("not now") }
	panics := func() error { panic("MARKED") }
	for _, tt := range []struct {
		sweep, queue func() error
		says         string
	}{
		{fine, fine, ""}, {bad, fine, "not now"}, {fine, bad, "not now"},
		{panics, fine, "open charges panicked"}, {fine, panics, "what is due panicked"}, {panics, bad, "not now"},
	} {
		log := &logbuffer.Buffer{}
		sweep, queue := &sweeper{do: tt.sweep}, &queuer{do: tt.queue}
		err := handler.New(sweep, queue, slog.New(slog.NewJSONHandler(log, nil))).Schedule(t.Context())
		require.True(t, sweep.done)
		require.True(t, queue.done)
		require.NotContains(t, log.String(), "MARKED")
		if tt.says == "" {
			require.NoError(t, err)
			require.Contains(t, log.String(), `"metric":"queued","sent":2,"unsent":3,"failed":4,"stopped":false,"left":true`)
			require.Contains(t, log.String(), `"metric":"sweep","asked":1`)
		} else {
			require.ErrorContains(t, err, tt.says)
		}
	}
}

// The file is closed under the function: nothing can be read or written.
func TestAStoreThatCannotBeReached(t *testing.T) {
	t.Parallel()
	h := due(t, nil)
	require.NoError(t, h.store.Close())
	for _, tt := range []struct{ method, path, body string }{
		{"PUT", "/gold-42", terms(nil)}, {"GET", "/gold-42", ""}, {"DELETE", "/gold-42", ""}, {"GET", "", ""},
		{"GET", "/gold-42/charges", ""}, {"GET", "/gold-42/preview", ""}, {"POST", "/gold-42/pause", ""}, {"POST", "/gold-42/resume", ""},
	} {
		status, problem := h.request(t, tt.method, "/subscriptions"+tt.path, tt.body)
		require.Equal(t, http.StatusServiceUnavailable, status, "%s %s", tt.method, tt.path)
		require.NotEmpty(t, h.lastHeader["Retry-After"])
		require.NotContains(t, strings.ToLower(problem["detail"].(string)), "bolt")
	}
	require.Equal(t, []int{0, 1}, h.deliver(t, message("gold-42", 1, 0), message("gold-42", 1, 1)))
	require.Zero(t, h.provider.Totals().Charges)
}
