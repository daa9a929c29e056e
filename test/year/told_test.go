package year_test

import (
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/boltstore"
	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/subscription"
	"dinarfunctions/test/eventschema"
)

// requireTold rebuilds from the events of the year alone what became of each charge and
// of each subscription, and holds it against the stores: nothing went untold, nothing
// was told twice, and the last that was told is how it is.
func requireTold(t *testing.T, y *year, file *boltstore.File) {
	t.Helper()
	charges, subscriptions := map[string]string{}, map[string]string{}
	ids := map[string]bool{}
	checked := map[string]int{}
	for after := uint64(0); ; {
		events, err := file.Events(t.Context(), after, 1000)
		require.NoError(t, err)
		if len(events) == 0 {
			break
		}
		for _, e := range events {
			after = e.Number
			require.False(t, ids[e.ID], "%s is told twice", e.ID)
			ids[e.ID] = true
			if checked[e.DetailType]++; checked[e.DetailType] <= 20 { // the rest are alike
				require.NoError(t, eventschema.Check(e.DetailType, e.Detail))
			}
			var d struct {
				Charge struct {
					Order struct {
						Number string `json:"number"`
					} `json:"order"`
					State string `json:"state"`
				} `json:"charge"`
				Subscription struct {
					ID    string `json:"id"`
					State string `json:"state"`
				} `json:"subscription"`
			}
			require.NoError(t, json.Unmarshal(e.Detail, &d))
			if d.Charge.Order.Number != "" {
				charges[d.Charge.Order.Number] = d.Charge.State
			} else {
				subscriptions[d.Subscription.ID] = d.Subscription.State
			}
		}
	}
	for number := range y.bank.sent {
		c, err := file.Charges().Get(t.Context(), number)
		require.NoError(t, err)
		if c.State != charge.Sending && c.State != charge.Unsent { // of which nobody is told
			require.Equal(t, string(c.State), charges[number], number)
		}
	}
	for id, state := range y.store.told {
		require.Equal(t, string(state), subscriptions[id], id)
	}
	for _, id := range y.ids {
		s, err := file.Subscriptions().Get(t.Context(), id)
		require.NoError(t, err)
		// What a person did to it, others are not told of: that it is paused, or resumed.
		if s.State != subscription.Active && s.State != subscription.Paused {
			require.Equal(t, string(s.State), subscriptions[id], id)
		}
	}
	require.NotEmpty(t, ids)
	t.Logf("%d events, each with an id of its own, tell the last state of %d charges and %d subscriptions", len(ids), len(charges), len(subscriptions))
}
