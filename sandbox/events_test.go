package main

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dinarfunctions/test/eventschema"
)

// heard is an event as it comes over the stream.
type heard struct{ id, event, data string }

// hear reads the stream's first events, from behind one on.
func (h *house) hear(after string, many int) (all []heard) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), time.Minute)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, h.apiURL+"/sandbox/events", nil)
	require.NoError(h.t, err)
	if after != "" {
		r.Header.Set("Last-Event-ID", after)
	}
	response, err := http.DefaultClient.Do(r)
	require.NoError(h.t, err)
	defer func() { _ = response.Body.Close() }()
	require.Equal(h.t, "text/event-stream", response.Header.Get("Content-Type"))
	var e heard
	for lines := bufio.NewScanner(response.Body); len(all) < many && lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), ": ")
		switch name {
		case "id":
			e.id = value
		case "event":
			e.event = value
		case "data":
			e.data = value
			all = append(all, e)
		}
	}
	require.Len(h.t, all, many)
	return all
}

// Three months: what happens is told in its order, as on the bus, and from behind any
// event on.
func TestEventsAreToldAsTheyHappen(t *testing.T) {
	t.Parallel()
	h := newHouse(t, t.TempDir())
	h.subscribe("gold")
	for range 3 {
		h.afterDue("gold", time.Minute)
	}
	h.ask(http.StatusNoContent, http.MethodDelete, "/subscriptions/gold", nil, nil)
	all := h.hear("", 4)
	var types []string
	for i, e := range all {
		require.NoError(t, eventschema.Check(e.event, []byte(e.data)))
		require.NotContains(t, e.data, "recurring_token")
		require.NotEmpty(t, summary([]byte(e.data)))
		types = append(types, e.event)
		if i > 0 {
			require.Equal(t, all[i:], h.hear(all[i-1].id, len(all)-i))
		}
	}
	require.Equal(t, []string{"Charge Settled", "Charge Settled", "Charge Settled", "Subscription Cancelled"}, types)
}
