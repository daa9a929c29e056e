package dynamostore_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/charge"
)

func TestALookIsOneConditionalWrite(t *testing.T) {
	t.Parallel()
	c := claim(t, "attempt-1")
	next := start.Add(time.Hour)
	for name, tt := range map[string]struct {
		was, next time.Time
		condition string
		update    string
		values    map[string]string
	}{
		"moved on": {
			c.LookAt, next, "#look_at = :was", "SET #look_at = :look_at, #look_shard = :look_shard, #look_by = :look_by REMOVE #change",
			map[string]string{":was": nanos(c.LookAt), ":look_at": nanos(next), ":look_shard": "5"},
		},
		"ended": {
			c.LookAt, time.Time{}, "#look_at = :was", "SET #look_by = :look_by REMOVE #look_at, #look_shard, #change",
			map[string]string{":was": nanos(c.LookAt)},
		},
		"begun": {
			time.Time{}, next, "attribute_exists(#pk) AND attribute_not_exists(#look_at)",
			"SET #look_at = :look_at, #look_shard = :look_shard, #look_by = :look_by REMOVE #change",
			map[string]string{":look_at": nanos(next), ":look_shard": "5"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, written(stored(c)))
			moved, err := s.store().Look(t.Context(), "order-1", tt.was, tt.next)
			require.NoError(t, err)
			require.True(t, moved)
			sent := s.seen()[0]
			require.Equal(t, updateItem, sent.Operation)
			require.Equal(t, texts(map[string]string{"pk": "charge#order-1"}), sent.Body.Key)
			require.Equal(t, tt.condition, sent.Body.ConditionExpression)
			require.Equal(t, tt.update, sent.Body.UpdateExpression)
			require.NotEmpty(t, sent.Body.ExpressionAttributeValues[":look_by"])
			delete(sent.Body.ExpressionAttributeValues, ":look_by")
			require.Equal(t, texts(tt.values), sent.Body.ExpressionAttributeValues)
		})
	}
}

func TestAHintIsOneConditionalWrite(t *testing.T) {
	t.Parallel()
	c := claim(t, "attempt-1")
	hinted, noted := c.Hint(start)
	require.True(t, noted)
	s := serve(t, written(stored(hinted)), standing(stored(hinted)), standing(nil))
	got, noted, err := s.store().Hint(t.Context(), "order-1", start)
	require.NoError(t, err)
	require.True(t, noted)
	require.Equal(t, hinted, got)
	got, noted, err = s.store().Hint(t.Context(), "order-1", start.Add(time.Second))
	require.NoError(t, err)
	require.False(t, noted, "within ten seconds of another")
	require.Equal(t, hinted, got)
	_, _, err = s.store().Hint(t.Context(), "order-1", start)
	require.ErrorIs(t, err, charge.ErrNotFound)
	sent := s.seen()[0]
	require.Equal(t, "attribute_exists(#pk) AND (attribute_not_exists(#hinted_at) OR #hinted_at <= :hinted_before OR #hinted_at > :hinted_at)", sent.Body.ConditionExpression)
	require.Equal(t, "SET #hinted_at = :hinted_at, #look_at = :look_at, #look_shard = :look_shard, #look_by = :look_by REMOVE #change", sent.Body.UpdateExpression)
	delete(sent.Body.ExpressionAttributeValues, ":look_by")
	require.Equal(t, texts(map[string]string{
		":hinted_at": nanos(start), ":hinted_before": nanos(start.Add(-10 * time.Second)), ":look_at": nanos(start), ":look_shard": "5",
	}), sent.Body.ExpressionAttributeValues)
}

// Contract, "Callback": no answer of a call that is under way takes the early look away.
func TestAnAnswerThatMeetsAHintIsWrittenWithItsLook(t *testing.T) {
	t.Parallel()
	c := claim(t, "attempt-1")
	change := settled("attempt-1")
	change.Seen = c.LookAt
	hinted, _ := c.Hint(start.Add(time.Second))
	want, applied := hinted.Apply(change)
	require.True(t, applied)
	require.Equal(t, start.Add(time.Second), want.LookAt)
	s := serve(t, standing(stored(hinted)), written(stored(want)))
	got, applied, err := s.store().Record(t.Context(), change)
	require.NoError(t, err)
	require.True(t, applied)
	require.Equal(t, want, got)
	require.Equal(t, nanos(c.LookAt), s.seen()[0].Body.ExpressionAttributeValues[":seen"].(map[string]any)["S"])
	require.Contains(t, s.seen()[0].Body.UpdateExpression, "REMOVE")
	require.Equal(t, nanos(want.LookAt), s.seen()[1].Body.ExpressionAttributeValues[":look_at"].(map[string]any)["S"])
	require.Len(t, s.seen(), 2)

	// Hints without end: the change is not written, and that is said.
	s = serve(t, standing(stored(hinted)), standing(stored(hinted)), standing(stored(hinted)), standing(stored(hinted)), standing(stored(hinted)))
	_, _, err = s.store().Record(t.Context(), change)
	require.ErrorContains(t, err, "again and again")
}

func TestADisputeIsOneConditionalWrite(t *testing.T) {
	t.Parallel()
	before, applied := claim(t, "attempt-1").Apply(settled("attempt-1"))
	require.True(t, applied)
	after, noted := before.Dispute("declined", "", start.Add(time.Hour))
	require.True(t, noted)
	s := serve(t, written(stored(after)), standing(stored(after)), standing(nil), standing(stored(before)))
	got, noted, err := s.store().Dispute(t.Context(), "order-1", "declined", "", start.Add(time.Hour))
	require.NoError(t, err)
	require.True(t, noted)
	require.Equal(t, after, got)
	got, noted, err = s.store().Dispute(t.Context(), "order-1", "declined", "", start.Add(time.Hour))
	require.NoError(t, err)
	require.False(t, noted, "the same word by another call, also of the same moment")
	require.Equal(t, after, got)
	_, _, err = s.store().Dispute(t.Context(), "order-1", "declined", "", start)
	require.ErrorIs(t, err, charge.ErrNotFound)
	_, noted, err = s.store().Dispute(t.Context(), "order-1", "", "", start)
	require.NoError(t, err)
	require.False(t, noted)

	sent := s.seen()[0]
	require.Equal(t, "#state IN (:from_settled) AND (attribute_not_exists(#disputed) OR #disputed <> :disputed)", sent.Body.ConditionExpression)
	require.Equal(t, "SET #disputed = :disputed, #disputed_by = :disputed_by, #updated_at = :updated_at, #change = :change, #history = list_append(if_not_exists(#history, :none), :history)", sent.Body.UpdateExpression)
	require.Equal(t, map[string]any{"S": "disputed"}, sent.Body.ExpressionAttributeValues[":change"])
	require.Equal(t, "#state IN (:from_settled) AND attribute_exists(#disputed)", s.seen()[3].Body.ConditionExpression, "no word is no first word")
}

// The SDK repeats a write whose answer was lost, and is told that the condition
// failed. Whose id stands there decides: another call may have wanted the same.
func TestALookAndADisputeRecogniseThemselves(t *testing.T) {
	t.Parallel()
	c := claim(t, "attempt-1")
	for mark, do := range map[string]func(*server) (bool, error){
		"look_by": func(s *server) (bool, error) {
			return s.store().Look(t.Context(), "order-1", c.LookAt, start.Add(time.Hour))
		},
		"disputed_by": func(s *server) (bool, error) {
			_, noted, err := s.store().Dispute(t.Context(), "order-1", "declined", "", start)
			return noted, err
		},
	} {
		for name, tt := range map[string]struct{ own, want bool }{"its own": {true, true}, "another's": {false, false}} {
			t.Run(mark+", "+name, func(t *testing.T) {
				var item attributes
				s := serveEach(t, func(n int, call call) http.HandlerFunc {
					if n == 0 {
						item = stored(c)
						item[mark] = map[string]any{"S": "another-call"}
						if tt.own {
							item[mark] = call.Body.ExpressionAttributeValues[":"+mark]
						}
						return lost
					}
					return standing(item)
				})
				got, err := do(s)
				require.NoError(t, err)
				require.Equal(t, tt.want, got)
				require.Len(t, s.seen(), 2)
			})
		}
		// No two calls have the same id.
		ids := map[string]bool{}
		s := serve(t, standing(stored(c)), standing(stored(c)))
		for range 2 {
			done, err := do(s)
			require.NoError(t, err)
			require.False(t, done)
		}
		for _, sent := range s.seen() {
			ids[asJSON(t, sent.Body.ExpressionAttributeValues[":"+mark])] = true
		}
		require.Len(t, ids, 2)
	}
}

func TestTheSwitch(t *testing.T) {
	t.Parallel()
	full := func(mode string) attributes {
		return texts(map[string]string{"pk": "switch", "mode": mode, "note": "a drill", "set_at": nanos(start)})
	}
	s := serve(t, found(nil), found(full("stopped")), written(full("live")), written(full("live")))
	got, err := s.store().Switch(t.Context())
	require.NoError(t, err)
	require.Equal(t, charge.Switch{Mode: charge.Live}, got)
	got, err = s.store().Switch(t.Context())
	require.NoError(t, err)
	require.Equal(t, charge.Switch{Mode: charge.Stopped, Note: "a drill", SetAt: start}, got)
	require.NoError(t, s.store().SetSwitch(t.Context(), charge.Switch{Mode: charge.AskFirst, Note: "restored", SetAt: start}))
	require.NoError(t, s.store().SetSwitch(t.Context(), charge.Switch{Mode: charge.Live, SetAt: start}))

	for i, operation := range []string{getItem, getItem, updateItem, updateItem} {
		sent := s.seen()[i]
		require.Equal(t, operation, sent.Operation)
		require.Equal(t, operation == getItem, sent.Body.ConsistentRead)
		require.Equal(t, texts(map[string]string{"pk": "switch"}), sent.Body.Key)
		require.Empty(t, sent.Body.ConditionExpression)
	}
	require.Equal(t, "SET #mode = :mode, #note = :note, #set_at = :set_at", s.seen()[2].Body.UpdateExpression)
	require.Equal(t, texts(map[string]string{":mode": "ask_first", ":note": "restored", ":set_at": nanos(start)}), s.seen()[2].Body.ExpressionAttributeValues)
	require.Equal(t, "SET #mode = :mode, #set_at = :set_at REMOVE #note", s.seen()[3].Body.UpdateExpression)

	// What cannot be read may say that charging is stopped.
	for attribute, value := range map[string]any{
		"mode":   map[string]any{"S": "MARKED"},
		"note":   map[string]any{"N": "1"},
		"set_at": map[string]any{"S": "MARKED"},
	} {
		item := full("live")
		item[attribute] = value
		garbled := []attributes{item}
		if attribute != "note" {
			item := full("live")
			delete(item, attribute)
			garbled = append(garbled, item)
		}
		for _, item := range garbled {
			op := operations(t)["switch"]
			err := op.do(t.Context(), serve(t, found(item)).store())
			requireFailed(t, op, err)
			require.ErrorContains(t, err, attribute)
		}
	}
}

// Whatever comes, no switch is read that nobody can have set.
func FuzzStoredSwitch(f *testing.F) {
	f.Add(`{"S":"stopped"}`, `{"S":"2026-11-21T09:00:00.000000000Z"}`)
	f.Add(`{"S":"live"}`, `{"S":""}`)
	f.Add(`{"S":"Live"}`, `{"S":"2026-11-21T09:00:00Z"}`)
	f.Add(`{"NULL":true}`, `null`)
	f.Add(`{"S":"ask_first"}`, `{"N":"1"}`)
	f.Fuzz(func(t *testing.T, mode, setAt string) {
		answer := `{"Item":{"pk":{"S":"switch"},"mode":` + mode + `,"set_at":` + setAt + `}}`
		got, err := reading(answer).Switch(context.Background())
		if err != nil {
			require.Zero(t, got)
			return
		}
		require.Contains(t, charge.Modes(), got.Mode)
	})
}
