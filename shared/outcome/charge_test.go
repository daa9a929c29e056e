package outcome_test

import (
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/hidden"
	"dinarfunctions/shared/money"
	"dinarfunctions/shared/outcome"
	"dinarfunctions/test/eventschema"
)

// token is one that is easily found where it must not be.
const token = "MARKED-token-7002"

func claimed(t *testing.T) charge.Charge {
	t.Helper()
	amount, err := money.Parse("1.00", "SAR", 2)
	require.NoError(t, err)
	start := time.Date(2026, 11, 21, 9, 0, 0, 120e6, time.UTC)
	return charge.NewClaim(charge.Terms{
		Order:       charge.Order{Number: "gold-42-0007", Amount: amount, Description: "gift"},
		InitTransID: "dc66cdd8-d702-11ea-9a2f-0242c0a87002", Token: hidden.New(token),
	}, "attempt-1", start, start.Add(20*time.Second))
}

// toldOf are the events of a change, each held against its schema.
func toldOf(t *testing.T, change outcome.Change, err error) []outcome.Event {
	t.Helper()
	require.NoError(t, err)
	for _, e := range change.Events() {
		require.NoError(t, eventschema.Check(e.DetailType, e.Detail))
		require.NotContains(t, string(e.Detail), "MARKED")
		var detail struct {
			ID string `json:"id"`
		}
		require.NoError(t, json.Unmarshal(e.Detail, &detail))
		require.Equal(t, e.ID, detail.ID)
		requireOpen(t, e)
	}
	return change.Events()
}

// requireOpen: contract, "Outcome events": schemas allow fields that they do not know.
func requireOpen(t *testing.T, e outcome.Event) {
	t.Helper()
	var detail map[string]any
	require.NoError(t, json.Unmarshal(e.Detail, &detail))
	for _, value := range detail {
		if thing, is := value.(map[string]any); is {
			thing["of_a_later_version"] = 1
		}
	}
	detail["of_a_later_version"] = 1
	text, err := json.Marshal(detail)
	require.NoError(t, err)
	require.NoError(t, eventschema.Check(e.DetailType, text))
}

// detail is what an event tells.
type detail struct {
	Version       int            `json:"version"`
	OccurredAt    string         `json:"occurred_at"`
	PreviousState *string        `json:"previous_state"`
	Evidence      *string        `json:"evidence"`
	Charge        map[string]any `json:"charge"`
	Payout        map[string]any `json:"payout"`
	Payment       map[string]any `json:"payment"`
	Subscription  map[string]any `json:"subscription"`
}

func read(t *testing.T, e outcome.Event) detail {
	t.Helper()
	var d detail
	require.NoError(t, json.Unmarshal(e.Detail, &d))
	return d
}

func pointer(text string) *string { return &text }

func TestEveryWordOfAChargeIsTold(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		to       charge.State
		by       charge.Evidence
		expected string // detail type; empty: nobody is told
	}{
		{charge.Settled, charge.ByAnswer, "Charge Settled"},
		{charge.Declined, charge.ByStatus, "Charge Declined"},
		{charge.Pending, charge.ByAnswer, "Charge Pending"},
		{charge.Unknown, charge.BySchedule, "Charge Unknown"},
		{charge.Rejected, charge.ByAnswer, "Charge Rejected"},
		{charge.Reversed, charge.ByStatus, "Charge Reversed"},
		{charge.Unsent, charge.ByAnswer, ""},
	} {
		before := claimed(t)
		change := charge.Change{Number: before.Order.Number, To: c.to, Evidence: c.by, At: before.UpdatedAt.Add(time.Second)}
		after, applied := before.Apply(change)
		require.True(t, applied)
		what, err := outcome.OfCharge(change.Word(), &before, after)
		events := toldOf(t, what, err)
		if c.expected == "" {
			require.Empty(t, events, c.to)
			continue
		}
		require.Len(t, events, 1, c.to)
		require.Equal(t, c.expected, events[0].DetailType)
		require.Equal(t, change.At, events[0].OccurredAt)
		require.Equal(t, "charge/gold-42-0007/"+string(c.to)+"/1795251601120000000-2", events[0].ID)
		got := read(t, events[0])
		require.Equal(t, 1, got.Version)
		require.Equal(t, "2026-11-21T09:00:01.120Z", got.OccurredAt)
		require.Equal(t, pointer("sending"), got.PreviousState)
		require.Equal(t, pointer(string(c.by)), got.Evidence)
		require.Equal(t, string(c.to), got.Charge["state"])
		require.Equal(t, "7002", got.Charge["token"])
	}
}

func TestADisputeIsTold(t *testing.T) {
	t.Parallel()
	c := claimed(t)
	settled, _ := c.Apply(charge.Change{To: charge.Settled, Evidence: charge.ByAnswer, At: c.UpdatedAt})
	disputed, noted := settled.Dispute("declined", "", c.UpdatedAt)
	require.True(t, noted)
	change, err := outcome.OfCharge(charge.WordDisputed, &settled, disputed)
	events := toldOf(t, change, err)
	require.Len(t, events, 1)
	require.Equal(t, "Charge Disputed By Provider", events[0].DetailType)
	got := read(t, events[0])
	require.Equal(t, pointer("settled"), got.PreviousState)
	require.Equal(t, pointer("status"), got.Evidence)
	require.Equal(t, "settled", got.Charge["state"])
}

// Contract, "Charges": where a difference makes the charge settled it is the event Charge
// Differs, beside Charge Settled.
func TestASettledChargeThatDiffersIsTwoEvents(t *testing.T) {
	t.Parallel()
	before := claimed(t)
	change := charge.Change{To: charge.Settled, Evidence: charge.ByStatus, At: before.UpdatedAt.Add(time.Second), Differs: "the currency SAR instead of KWD"}
	after, applied := before.Apply(change)
	require.True(t, applied)
	what, err := outcome.OfCharge(change.Word(), &before, after)
	var types []string
	for _, e := range toldOf(t, what, err) {
		types = append(types, e.DetailType)
		require.Equal(t, "settled", read(t, e).Charge["state"])
	}
	require.Equal(t, []string{"Charge Settled", "Charge Differs"}, types)
}

// Contract, "Transitions": reversed to settled is Charge Settled with previous_state
// reversed, and reversed by another word is Charge Reversed again.
func TestTheEventsOfALaterWord(t *testing.T) {
	t.Parallel()
	c := claimed(t)
	for i, step := range []struct {
		to                  charge.State
		word, event, before string
	}{
		{charge.Settled, "settled", "Charge Settled", "sending"},
		{charge.Reversed, "refund", "Charge Reversed", "settled"},
		{charge.Reversed, "chargeback", "Charge Reversed", "reversed"},
		{charge.Settled, "settled", "Charge Settled", "reversed"},
	} {
		change := charge.Change{To: step.to, Evidence: charge.ByStatus, At: c.UpdatedAt.Add(time.Second), ProviderStatus: step.word}
		after, applied := c.Apply(change)
		require.True(t, applied, "step %d", i)
		what, err := outcome.OfCharge(change.Word(), &c, after)
		events := toldOf(t, what, err)
		require.Len(t, events, 1)
		require.Equal(t, step.event, events[0].DetailType)
		require.Equal(t, pointer(step.before), read(t, events[0]).PreviousState)
		c = after
	}
}

// Nothing stood there, or its image is missing: that is null, not a guess.
func TestNoPreviousState(t *testing.T) {
	t.Parallel()
	c, _ := claimed(t).Apply(charge.Change{To: charge.Unknown, Evidence: charge.ByAnswer, At: claimed(t).UpdatedAt})
	change, err := outcome.OfCharge("unknown", nil, c)
	events := toldOf(t, change, err)
	require.Nil(t, read(t, events[0]).PreviousState)
	require.Contains(t, string(events[0].Detail), `"previous_state":null`)
}

// Each change has its own id, also where the clock stands still; a repeat has the same.
func TestIDs(t *testing.T) {
	t.Parallel()
	before := claimed(t)
	seen := make(map[string]bool)
	for _, step := range []charge.Change{
		{To: charge.Unknown, Evidence: charge.BySchedule},
		{To: charge.Settled, Evidence: charge.ByOperator},
		{To: charge.Settled, Evidence: charge.ByStatus}, // the provider's word takes the person's place
		{To: charge.Reversed, Evidence: charge.ByStatus},
	} {
		step.At = before.UpdatedAt
		after, applied := before.Apply(step)
		require.True(t, applied)
		for range 2 {
			change, err := outcome.OfCharge(step.Word(), &before, after)
			events := toldOf(t, change, err)
			require.Len(t, events, 1)
			seen[events[0].ID] = true
			require.True(t, strings.HasPrefix(events[0].ID, "charge/gold-42-0007/"))
		}
		before = after
	}
	require.Len(t, seen, 4)
}

func TestAnUnknownWordIsAnError(t *testing.T) {
	t.Parallel()
	c := claimed(t)
	_, err := outcome.OfCharge("settled forgotten", nil, c)
	var unknown *outcome.UnknownWordError
	require.ErrorAs(t, err, &unknown)
	require.Equal(t, "forgotten", unknown.Word)

	change, err := outcome.OfCharge("", nil, c)
	require.NoError(t, err)
	require.Empty(t, change.Events())
}
