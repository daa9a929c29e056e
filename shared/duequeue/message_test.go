package duequeue_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/duequeue"
	"dinarfunctions/shared/subscription"
)

// marked stands for what must come back in no error.
const marked = "MARKED-2c81"

// gold is the message of the contract and of events/.
func gold() subscription.Message { return subscription.Message{Subscription: "gold-42", Cycle: 7} }

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	for body, says := range map[string]string{
		"": "not one JSON object", "null": "lacks a subscription", "7": "not one JSON object",
		marked: "not one JSON object", `"` + marked + `"`: "not one JSON object", "[]": "not one JSON object",
		"{}":                                  "lacks a subscription",
		`{"subscription": "a", "cycle": 1}`:   "lacks an attempt",
		`{"subscription": "a", "attempt": 1}`: "lacks a cycle",
		`{"cycle": 1, "attempt": 0}`:          "lacks a subscription",
		`{"subscription": null, "cycle": 1, "attempt": 0}`:                         "lacks a subscription",
		`{"subscription": "a", "cycle": null, "attempt": 0}`:                       "lacks a cycle",
		`{"Subscription": "a", "cycle": 1, "attempt": 0}`:                          "has a field that",
		`{"subscription": "a", "cycle": 1, "attempt": 0, "` + marked + `": 1}`:     "has a field that",
		`{"subscription": "a", "cycle": 1, "attempt": 0, "attempt": 1}`:            "a field twice",
		`{"subscription": "", "cycle": 1, "attempt": 0}`:                           "subscription is empty",
		`{"subscription": "a", "cycle": 0, "attempt": 0}`:                          "cycle is less than 1",
		`{"subscription": "a", "cycle": -1, "attempt": 0}`:                         "cycle is less than 1",
		`{"subscription": "a", "cycle": 1, "attempt": -1}`:                         "attempt is less than 0",
		`{"subscription": "a", "cycle": "1", "attempt": 0}`:                        "cycle is of a wrong type",
		`{"subscription": "a", "cycle": 1.5, "attempt": 0}`:                        "cycle is of a wrong type",
		`{"subscription": "a", "cycle": 99999999999999999999, "attempt": 0}`:       "cycle is of a wrong type",
		`{"subscription": ["` + marked + `"], "cycle": 1, "attempt": 0}`:           "subscription is of a wrong type",
		`{"subscription": "a", "cycle": {"` + marked + `": 1}, "attempt": 0}`:      "cycle is of a wrong type",
		`{"subscription": "a", "cycle": 1, "attempt": 0} ` + marked:                "not one JSON object",
		`{"subscription": "a", "cycle": 1, "attempt": 0}{}`:                        "not one JSON object",
		`{"subscription": "a", "cycle": 1, "attempt": `:                            "not one JSON object",
		"{\"subscription\": \"" + marked + "\xff\", \"cycle\": 1, \"attempt\": 0}": "not one JSON object",
	} {
		m, err := duequeue.Read(body)
		require.ErrorContains(t, err, says, body)
		require.NotContains(t, err.Error(), marked, body)
		require.Zero(t, m, body)
	}
}

func TestReadTakes(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]subscription.Message{
		`{"subscription": "gold-42", "cycle": 7, "attempt": 0}`:     gold(),
		` {"attempt":2,"cycle":10000,"subscription":"GOLD"}` + "\n": {Subscription: "GOLD", Cycle: 10000, Attempt: 2},
		`{"subscription": "\u0061", "cycle": 1, "attempt": 0}`:      {Subscription: "a", Cycle: 1},
	} {
		m, err := duequeue.Read(body)
		require.NoError(t, err, body)
		require.Equal(t, want, m, body)
	}
}

// What was read is written as it was read; whatever comes, there is no panic.
func FuzzRead(f *testing.F) {
	for _, body := range []string{
		`{"subscription": "gold-42", "cycle": 7, "attempt": 0}`, "", "{}", `{"subscription":"a","cycle":1,"attempt":-0}`, `{"subscription":"","cycle":1e0,"attempt":0}`,
		`{"subscription":"é\u0000","cycle":1,"attempt":0}`, `{"subscription":"a","cycle":1,"attempt":0,"attempt":0}`,
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		m, err := duequeue.Read(body)
		if err != nil {
			require.Zero(t, m)
			require.Less(t, len(err.Error()), 100, "it repeats the body")
			return
		}
		require.NotEmpty(t, m.Subscription)
		require.Positive(t, m.Cycle)
		require.GreaterOrEqual(t, m.Attempt, 0)
		text := sentBody(t, m)
		require.True(t, strings.HasPrefix(text, `{"subscription":"`))
		again, err := duequeue.Read(text)
		require.NoError(t, err)
		require.Equal(t, m, again)
	})
}
