package handler_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"

	simulator "dinarfunctions/sandbox/provider/dineropay"
)

// spoil gives a member of a stored record another value, and starts the function anew.
func (h *house) spoil(t *testing.T, bucket, key, member string, value any) {
	t.Helper()
	require.NoError(t, h.store.Close())
	db, err := bbolt.Open(h.path, 0o600, nil)
	require.NoError(t, err)
	require.NoError(t, db.Update(func(tx *bbolt.Tx) error {
		record := map[string]any{}
		if err := json.Unmarshal(tx.Bucket([]byte(bucket)).Get([]byte(key)), &record); err != nil {
			return err
		}
		record[member] = value
		text, err := json.Marshal(record)
		if err != nil {
			return err
		}
		return tx.Bucket([]byte(bucket)).Put([]byte(key), text)
	}))
	require.NoError(t, db.Close())
	h.function = h.start(t)
}

// alarms counts the lines that raise the alarm of an unreadable thing, each at the
// level of errors.
func (h *house) alarms(t *testing.T, kind, key string) (count int) {
	t.Helper()
	for line := range strings.Lines(h.log.String()) {
		var said map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &said))
		if said["alarm"] == "unreadable" && said["kind"] == kind && said["key"] == key {
			require.Equal(t, "ERROR", said["level"])
			count++
		}
	}
	return count
}

// pages reads a list page by page: the names of its things, and what it calls unreadable.
func (h *house) pages(t *testing.T, path, things string, name func(map[string]any) string) (got, unreadable []string) {
	t.Helper()
	for next := ""; ; {
		status, page := h.request(t, http.MethodGet, path+next, "")
		require.Equal(t, http.StatusOK, status, "%v", page)
		for _, thing := range page[things].([]any) {
			got = append(got, name(thing.(map[string]any)))
		}
		if left, there := page["unreadable"]; there {
			require.NotEmpty(t, left, "it is there only where there are some")
			for _, key := range left.([]any) {
				unreadable = append(unreadable, key.(string))
			}
		}
		cursor, more := page["next_cursor"].(string)
		if !more {
			return got, unreadable
		}
		next = "&cursor=" + cursor
	}
}

func numberOf(c map[string]any) string         { return c["order"].(map[string]any)["number"].(string) }
func subscriptionIDOf(s map[string]any) string { return s["id"].(string) }

// requireUnreadable: the item itself is a 500 that says what is wrong with it and which
// runbook helps, and does not ask to come again.
func (h *house) requireUnreadable(t *testing.T, method, path, body, key, what string) {
	t.Helper()
	status, problem := h.request(t, method, path, body)
	require.Equal(t, http.StatusInternalServerError, status, "%s %s: %v", method, path, problem)
	require.Contains(t, problem["detail"], key+" cannot be read ("+what)
	require.Contains(t, problem["detail"], "docs/runbooks/mend-an-item.md")
	require.NotContains(t, problem["detail"], "reached")
	require.NotContains(t, h.lastHeader, "Retry-After")
}

// Issue 11: "One item that cannot be read is not an outage. […] the list shows the others
// and names the broken one by its key, the item itself is a 500 that says what is wrong
// with it, sweeps go on with the others and raise an alarm."
func TestAnUnreadableChargeIsNoOutage(t *testing.T) {
	t.Parallel()
	for name, wrong := range map[string]struct {
		member string
		value  any
	}{
		"of a newer version":        {"state", "MARKED-newer"},
		"a number typed for a text": {"description", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			for _, number := range []string{"order-1", "order-2", "order-3"} {
				h.lost(t, number, simulator.HTTP500)
				h.advance(time.Second)
			}
			h.spoil(t, "charges", "order-2", wrong.member, wrong.value)
			for _, query := range []string{"limit=1", "limit=2", "limit=3", "limit=50", "limit=1&state=unknown"} {
				got, unreadable := h.pages(t, "/charges?"+query, "charges", numberOf)
				require.Equal(t, []string{"order-1", "order-3"}, got, query)
				require.Equal(t, []string{"order-2"}, unreadable, query)
			}

			charged := h.charged("order-2")
			h.requireUnreadable(t, http.MethodGet, "/charges/order-2", "", "order-2", "")
			h.requireUnreadable(t, http.MethodPost, "/charges", body("order-2", nil), "order-2", "")
			h.requireUnreadable(t, http.MethodPut, "/charges/order-2/resolution", `{"outcome": "settled", "note": "seen"}`, "order-2", "")
			require.Equal(t, charged, h.charged("order-2"), "nothing is charged under its number")

			h.advance(time.Minute)
			h.schedule(t) // it does not fail for one of them
			require.Equal(t, 1, h.alarms(t, "charge", "order-2"), "it is met once in a sweep")
			require.Contains(t, h.log.String(), `"metric":"sweep","asked":2`)
			h.schedule(t)
			require.Equal(t, 2, h.alarms(t, "charge", "order-2"), "and in the next")
		})
	}
}

func TestAnUnreadableSubscriptionIsNoOutage(t *testing.T) {
	t.Parallel()
	for name, wrong := range map[string]struct {
		member string
		value  any
	}{
		"of a newer version":         {"state", "MARKED-newer"},
		"a vanished time zone":       {"time_zone", "MARKED/Nowhere"},
		"a number typed for a token": {"token", 7002},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			for _, id := range []string{"gold-1", "gold-2", "gold-3"} {
				h.put(t, id, nil)
				h.advance(time.Second)
			}
			h.spoil(t, "subscriptions", "gold-2", wrong.member, wrong.value)
			for _, limit := range []int{1, 2, 3, 50} {
				got, unreadable := h.pages(t, fmt.Sprintf("/subscriptions?limit=%d", limit), "subscriptions", subscriptionIDOf)
				require.Equal(t, []string{"gold-1", "gold-3"}, got)
				require.Equal(t, []string{"gold-2"}, unreadable)
			}
			for _, asked := range []struct{ method, path, body string }{
				{http.MethodGet, "", ""}, {http.MethodPut, "", terms(nil)}, {http.MethodDelete, "", ""},
				{http.MethodPost, "/pause", ""}, {http.MethodPost, "/resume", ""}, {http.MethodGet, "/preview", ""},
			} {
				h.requireUnreadable(t, asked.method, "/subscriptions/gold-2"+asked.path, asked.body, "gold-2", "")
			}
			status, page := h.request(t, http.MethodGet, "/subscriptions/gold-2/charges", "")
			require.Equal(t, http.StatusOK, status, "its charges are others")
			require.Empty(t, page["charges"])

			h.at(first)
			h.schedule(t)
			require.Equal(t, 1, h.alarms(t, "subscription", "gold-2"))
			messages := h.queue.take()
			require.ElementsMatch(t, []any{message("gold-1", 1, 0), message("gold-3", 1, 0)}, []any{messages[0], messages[1]})
			require.Len(t, messages, 2)

			// A message from before fails alone, with an alarm, and ends in the dead letters.
			require.Equal(t, []int{0}, h.deliver(t, message("gold-2", 1, 0), messages[0], messages[1]))
			require.Equal(t, 2, h.alarms(t, "subscription", "gold-2"))
			require.Equal(t, 1, h.charged("gold-1-0001"))
			require.Equal(t, 1, h.charged("gold-3-0001"))
			require.Zero(t, h.charged("gold-2-0001"))
		})
	}
}

// The charges of a subscription, of which one cannot be read: the others are shown, the
// subscription with what it knows of its last, and the next cycle waits with an alarm.
func TestAnUnreadableChargeOfASubscription(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.put(t, "gold-42", nil)
	for month := range 3 {
		h.at(first.AddDate(0, month, 0))
		require.Zero(t, h.work(t))
	}
	h.spoil(t, "charges", "gold-42-0003", "state", "MARKED-newer")
	for _, limit := range []int{1, 2, 3} {
		got, unreadable := h.pages(t, fmt.Sprintf("/subscriptions/gold-42/charges?limit=%d", limit), "charges", numberOf)
		require.Equal(t, []string{"gold-42-0001", "gold-42-0002"}, got)
		require.Equal(t, []string{"gold-42-0003"}, unreadable)
	}
	require.Equal(t, "active", h.sub(t, "gold-42")["state"])
	require.Equal(t, 1, h.alarms(t, "charge", "gold-42-0003"))

	h.at(first.AddDate(0, 3, 0))
	h.schedule(t)
	require.Equal(t, []int{0}, h.deliver(t, h.queue.take()...))
	require.Equal(t, 2, h.alarms(t, "charge", "gold-42-0003"))
	require.Zero(t, h.charged("gold-42-0004"), "the charge before may have been charged back")
}

// A switch that cannot be read may say that charging is stopped.
func TestAnUnreadableSwitch(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.mode(t, "stopped")
	h.spoil(t, "control", "switch", "mode", "MARKED-newer")
	h.requireUnreadable(t, http.MethodGet, "/charging", "", "switch", "")
	h.requireUnreadable(t, http.MethodPost, "/charges", body("order-1", nil), "switch", "")
	require.Zero(t, h.charged("order-1"))
	require.Error(t, h.wake(t))
	require.Equal(t, 1, h.alarms(t, "switch", ""))
	h.mode(t, "live")
	status, _ := h.post(t, body("order-1", nil))
	require.Equal(t, http.StatusOK, status)
}

// Contract, HTTP API: "A cursor belongs to its list and filter: anywhere else it is 400."
func TestACursorElsewhere(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, number := range []string{"order-1", "order-2"} {
		h.lost(t, number, simulator.HTTP500)
	}
	for _, id := range []string{"gold-1", "gold-2"} {
		h.put(t, id, nil)
	}
	h.at(first)
	require.Zero(t, h.work(t))
	h.at(first.AddDate(0, 1, 0))
	require.Zero(t, h.work(t))

	lists := []string{
		"/charges?limit=1", "/charges?limit=1&state=unknown", "/charges?limit=1&state=pending",
		"/subscriptions?limit=1", "/subscriptions?limit=1&state=active", "/subscriptions?limit=1&state=held",
		"/subscriptions/gold-1/charges?limit=1", "/subscriptions/gold-2/charges?limit=1",
	}
	cursors := 0
	for i, from := range lists {
		_, page := h.request(t, http.MethodGet, from, "")
		cursor, any := page["next_cursor"].(string)
		if !any {
			continue
		}
		cursors++
		for j, to := range lists {
			status, answer := h.request(t, http.MethodGet, to+"&cursor="+cursor, "")
			if i == j {
				require.Equal(t, http.StatusOK, status, "%v", answer)
				continue
			}
			require.Equal(t, http.StatusBadRequest, status, "the cursor of %s at %s", from, to)
			require.Equal(t, []string{"cursor"}, fieldsOf(answer))
		}
	}
	require.GreaterOrEqual(t, cursors, 4)
}
