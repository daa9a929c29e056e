package main

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"

	simdineropay "dinarfunctions/sandbox/provider/dineropay"
	simsqs "dinarfunctions/sandbox/provider/sqs"
	"dinarfunctions/test/deadport"
)

// house is a sandbox of a test's own, over HTTP.
type house struct {
	*sandbox
	t *testing.T
}

func newHouse(t *testing.T, data string) *house {
	t.Helper()
	s, err := start(t.Context(), "127.0.0.1:0", filepath.Join(data, "ledger.db"), filepath.Join(data, "functions.log"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.close()) })
	return &house{s, t}
}

// ask wants a status, and reads the answer's JSON, if into is not nil.
func (h *house) ask(want int, method, path string, body, into any) string {
	h.t.Helper()
	status, text, err := h.call(h.t.Context(), method, path, body, nil)
	require.NoError(h.t, err)
	require.Equal(h.t, want, status, "%s %s: %s", method, path, text)
	if into != nil {
		require.NoError(h.t, json.Unmarshal(text, into))
	}
	return string(text)
}

// subscribe makes a monthly subscription from the clock's day on.
func (h *house) subscribe(id string) {
	h.t.Helper()
	h.ask(http.StatusCreated, http.MethodPut, "/subscriptions/"+id, map[string]any{
		"recurring_init_trans_id": cardInit, "recurring_token": cardToken,
		"amount": "49.00", "currency": "SAR", "description": "membership",
		"every": map[string]any{"count": 1, "unit": "month"}, "starts_on": h.clock.Now().Format(time.DateOnly),
	}, nil)
}

func (h *house) advance(period string) (answer moved) {
	h.t.Helper()
	h.ask(http.StatusOK, http.MethodPost, "/sandbox/clock", map[string]string{"advance": period}, &answer)
	return answer
}

// afterDue moves the clock to some time after a subscription's next charge.
func (h *house) afterDue(id string, after time.Duration) (answer moved) {
	h.t.Helper()
	var s struct {
		NextChargeAt time.Time `json:"next_charge_at"`
	}
	h.ask(http.StatusOK, http.MethodGet, "/subscriptions/"+id, nil, &s)
	h.ask(http.StatusOK, http.MethodPost, "/sandbox/clock", map[string]time.Time{"to": s.NextChargeAt.Add(after)}, &answer)
	return answer
}

func (h *house) stateOf(path string) string {
	h.t.Helper()
	var thing struct {
		State string `json:"state"`
	}
	h.ask(http.StatusOK, http.MethodGet, path, nil, &thing)
	return thing.State
}

func TestAYearOfASubscription(t *testing.T) {
	t.Parallel()
	h := newHouse(t, t.TempDir())
	began := h.clock.Now()
	h.subscribe("gold-42")
	var preview struct {
		Cycles []struct {
			DueAt time.Time `json:"due_at"`
		} `json:"cycles"`
	}
	h.ask(http.StatusOK, http.MethodGet, "/subscriptions/gold-42/preview?count=12", nil, &preview)

	answer := h.advance("P1Y")
	require.Equal(t, []int{12, 12, 12, 0, 0}, []int{answer.Charges, answer.Charged, answer.Messages, answer.FailedMessages, answer.FailedWakes})
	require.Empty(t, answer.StillDue)
	require.WithinDuration(t, began.AddDate(0, 0, 365), answer.Now, 36*time.Hour)

	var charges struct {
		Charges []struct {
			State     string    `json:"state"`
			CreatedAt time.Time `json:"created_at"`
		} `json:"charges"`
	}
	h.ask(http.StatusOK, http.MethodGet, "/subscriptions/gold-42/charges", nil, &charges)
	require.Len(t, charges.Charges, 12)
	for i, c := range charges.Charges {
		require.Equal(t, "settled", c.State)
		require.WithinDuration(t, preview.Cycles[i].DueAt, c.CreatedAt, time.Minute)
		asked := 1 // before the next cycle: it may have been charged back
		if i == len(charges.Charges)-1 {
			asked = 0
		}
		require.Equal(t, simdineropay.Counts{Charges: 1, Charged: 1, Statuses: asked}, h.dineroPay.Counts(fmt.Sprintf("gold-42-%04d", i+1)))
	}
}

// The provider turns charges away for a while: the message comes again, until one goes.
func TestAMoveWhileTheProviderTurnsChargesAway(t *testing.T) {
	t.Parallel()
	h := newHouse(t, t.TempDir())
	h.subscribe("gold-42")
	require.NoError(t, h.dineroPay.Script(simdineropay.HTTP429, simdineropay.HTTP429, simdineropay.HTTP429))
	answer := h.afterDue("gold-42", time.Hour)
	require.Equal(t, []int{4, 1, 3}, []int{answer.Charges, answer.Charged, answer.FailedMessages})
	require.Equal(t, "settled", h.stateOf("/charges/gold-42-0001"))
	require.Equal(t, "active", h.stateOf("/subscriptions/gold-42"))
}

// The provider cannot be reached for hours: nothing is charged, it is tried again and
// again, and messages that came too often are dead letters, as on AWS after three hours.
func TestAMoveWhileTheProviderIsDown(t *testing.T) {
	t.Parallel()
	h := newHouse(t, t.TempDir())
	h.subscribe("gold-42")
	require.NoError(t, h.servers[0].Close()) // DineroPay's
	deadport.Keep(t, h.servers[0].Addr)
	answer := h.afterDue("gold-42", 4*time.Hour)
	require.Zero(t, answer.Charges)
	require.Greater(t, answer.FailedMessages, 10)
	require.Empty(t, answer.StillDue)
	require.Equal(t, "unsent", h.stateOf("/charges/gold-42-0001"))
	require.Equal(t, "active", h.stateOf("/subscriptions/gold-42"))
	require.NotEmpty(t, h.worker.queue.State().DeadLetters)
	require.Equal(t, len(h.worker.queue.State().DeadLetters), answer.Queue.DeadLetters)
}

// What could not be sent is not due at this moment, since its message will come again:
// the answer says that it waits.
func TestWhatWaitsOnTheQueueIsTold(t *testing.T) {
	t.Parallel()
	h := newHouse(t, t.TempDir())
	h.subscribe("gold-42")
	require.NoError(t, h.servers[0].Close()) // DineroPay's
	deadport.Keep(t, h.servers[0].Addr)
	answer := h.afterDue("gold-42", 10*time.Minute)
	require.Empty(t, answer.StillDue)
	require.Equal(t, queued{InFlight: 1}, answer.Queue)
	require.Equal(t, "unsent", h.stateOf("/charges/gold-42-0001"))
}

func TestWhatStaysDueIsTold(t *testing.T) {
	t.Parallel()
	h := newHouse(t, t.TempDir())
	h.subscribe("gold-42")
	h.ask(http.StatusOK, http.MethodPut, "/charging", map[string]string{"mode": "stopped", "note": "trying it"}, nil)
	answer := h.advance("P32D")
	require.Equal(t, []string{"subscriptions/gold-42"}, answer.StillDue)
	require.Zero(t, answer.Charges)
	h.ask(http.StatusNoContent, http.MethodPost, "/sandbox/schedule", nil, nil)
}

func TestAMessageThatCannotBeReadEndsAsADeadLetter(t *testing.T) {
	t.Parallel()
	h := newHouse(t, t.TempDir())
	h.worker.queue.Put("poison")
	h.ask(http.StatusNoContent, http.MethodPost, "/sandbox/schedule", nil, nil)
	var state simsqs.State
	h.ask(http.StatusOK, http.MethodGet, "/sandbox/queue", nil, &state)
	require.Len(t, state.InFlight, 1)

	answer := h.advance("PT4H")
	require.Equal(t, simsqs.DefaultMaxReceives-1, answer.Messages)
	require.Equal(t, answer.Messages, answer.FailedMessages)
	h.ask(http.StatusOK, http.MethodGet, "/sandbox/queue", nil, &state)
	require.Empty(t, state.InFlight)
	require.Len(t, state.DeadLetters, 1)
	require.Equal(t, "poison", state.DeadLetters[0].Body)

	require.JSONEq(t, `{"redriven": 1}`, h.ask(http.StatusOK, http.MethodPost, "/sandbox/queue/redrive", nil, nil))
	h.ask(http.StatusOK, http.MethodGet, "/sandbox/queue", nil, &state)
	require.Len(t, state.Waiting, 1)
}

func TestTheClockOnlyMovesForward(t *testing.T) {
	t.Parallel()
	h := newHouse(t, t.TempDir())
	for name, tt := range map[string]struct {
		status int
		body   any
		says   string
	}{
		"to the past":   {http.StatusConflict, map[string]string{"to": "2020-01-31"}, "only moves forward"},
		"no such day":   {http.StatusBadRequest, map[string]string{"to": "2027-02-30"}, "2027-02-30"},
		"no period":     {http.StatusBadRequest, map[string]string{"advance": "1 month"}, "P1M"},
		"both":          {http.StatusBadRequest, map[string]string{"advance": "P1M", "to": "2099-01-31"}, "or"},
		"neither":       {http.StatusBadRequest, map[string]string{}, "or"},
		"unknown field": {http.StatusBadRequest, map[string]string{"by": "P1M"}, "or"},
	} {
		require.Contains(t, h.ask(tt.status, http.MethodPost, "/sandbox/clock", tt.body, nil), tt.says, name)
	}
	require.Zero(t, h.clock.Ahead())
	var shown struct {
		Now time.Time `json:"now"`
	}
	h.ask(http.StatusOK, http.MethodGet, "/sandbox/clock", nil, &shown)
	require.WithinDuration(t, time.Now(), shown.Now, time.Minute)

	h.ask(http.StatusOK, http.MethodPost, "/sandbox/clock", map[string]string{"to": shown.Now.AddDate(0, 0, 2).Format(time.DateOnly)}, nil)
	require.True(t, strings.HasPrefix(h.clock.Now().Format(time.RFC3339), shown.Now.AddDate(0, 0, 2).Format(time.DateOnly)))
}

func TestTheClockGoesOnAfterARestart(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	first, err := start(t.Context(), "127.0.0.1:0", filepath.Join(data, "ledger.db"), filepath.Join(data, "functions.log"))
	require.NoError(t, err)
	_, err = first.move(t.Context(), func(now time.Time) time.Time { return now.AddDate(1, 0, 0) })
	require.NoError(t, err)
	ahead, now := first.clock.Ahead(), first.clock.Now()
	require.NoError(t, first.close())

	second := newHouse(t, data)
	require.Equal(t, ahead, second.clock.Ahead())
	require.False(t, second.clock.Now().Before(now))
}
