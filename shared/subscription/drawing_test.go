package subscription_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/calendar"
	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/hidden"
	"dinarfunctions/shared/money"
	"dinarfunctions/shared/subscription"
)

// moment is a subscription at a time.
type moment struct {
	s   subscription.Subscription
	now time.Time
}

// key tells moments apart as far as states depend on it.
func (m moment) key() string {
	return fmt.Sprint(m.s.State, m.s.Waiting, min(m.s.Attempt, 2), min(m.s.Cycle, 3), m.s.Last.State, m.s.Last.Of == m.s.NextCharge(),
		m.s.Last.Of.Number == m.s.Cycle, m.s.DueAt.After(m.now), m.s.Judge(m.now), m.s.Missed, m.s.Terms.Token.Reveal(), m.s.Terms.EndsOn.IsZero())
}

// outcome is a charge in a state.
func outcome(of charge.Cycle, state charge.State, word string, class charge.DeclineClass, at time.Time) charge.Charge {
	return charge.Charge{
		Order: charge.Order{Number: subscription.Number(of)}, For: of, State: state, Said: charge.ByAnswer,
		ProviderStatus: word, DeclineClass: class, CreatedAt: at, UpdatedAt: at,
	}
}

// ends are the ways in which a charge may stand, by their names in the drawing.
func ends(of charge.Cycle, at time.Time) map[string]charge.Charge {
	all := map[string]charge.Charge{
		"declined_soft":         outcome(of, charge.Declined, "declined", charge.Soft, at),
		"declined_unclassified": outcome(of, charge.Declined, "declined", charge.Unclassified, at),
		"declined_hard":         outcome(of, charge.Declined, "declined", charge.Hard, at),
		"refunded":              outcome(of, charge.Reversed, "refund", "", at),
		"chargeback":            outcome(of, charge.Reversed, "chargeback", "", at),
	}
	for _, state := range charge.States() {
		if state != charge.Declined && state != charge.Reversed {
			all[string(state)] = outcome(of, state, "", "", at)
		}
	}
	return all
}

// steps are what can happen to a subscription now, and then.
func (m moment) steps(t *testing.T) []moment {
	t.Helper()
	s, now := m.s, m.now
	var to []moment
	add := func(s subscription.Subscription) { to = append(to, moment{s, now}) }
	switch s.Judge(now) {
	case subscription.ChargeIt, subscription.AskFirst:
		add(s.Claimed(outcome(s.NextCharge(), charge.Sending, "", "", now)))
	case subscription.TooLate:
		add(s.Late(now))
	case subscription.Over:
		add(s.Over(now))
	case subscription.NoRoom:
		add(s.GiveUp(now))
	case subscription.Nothing, subscription.TakeOver:
	}
	if s.State.Chargeable() {
		add(s.Hold("the number stands for another charge", now))
	}
	if s.Waiting {
		for _, c := range ends(s.NextCharge(), now) {
			add(s.After(c, now))
		}
	} else if s.Last.Of != (charge.Cycle{}) {
		for _, c := range ends(s.Last.Of, now) {
			if charge.Allowed(s.Last.State, charge.ByAnswer, c.State, charge.ByStatus) {
				add(s.Later(c, false, now))
			}
		}
	}
	add(s.Cancel(now))
	if paused, err := s.Pause(now); err == nil {
		add(paused)
	}
	for _, missed := range []subscription.Missed{"", subscription.Skip, subscription.ChargeLatest} {
		if resumed, err := s.Resume(missed, now); err == nil {
			add(resumed)
		}
	}
	for _, change := range []func(*subscription.Terms){
		func(t *subscription.Terms) { t.Token = hidden.New("another token") },
		func(t *subscription.Terms) { t.EndsOn = t.Calendar.LocalDate(now) },
	} {
		other := s.Terms
		change(&other)
		if put, err := s.With(other, now); err == nil {
			add(put)
		}
	}
	for _, later := range []time.Time{s.DueAt, s.DueAt.Add(100 * time.Hour), s.WaitingSince.Add(15 * 24 * time.Hour)} {
		if later.After(now) {
			to = append(to, moment{s, later})
		}
	}
	return to
}

func drawn(t *testing.T, heading string) map[string]bool {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "subscription-states.md"))
	require.NoError(t, err)
	block := regexp.MustCompile("(?s)## " + heading + "\n.*?```mermaid\n(.*?)```").FindSubmatch(text)
	require.NotNil(t, block, heading)
	found := map[string]bool{}
	for _, arrow := range regexp.MustCompile(`(?m)^ {4}(\S+?)(?:\[.*\])? --> (\w+)`).FindAllSubmatch(block[1], -1) {
		found[string(arrow[1])+" to "+string(arrow[2])] = true
	}
	return found
}

func drawnTerms(t *testing.T, cycles int) subscription.Terms {
	t.Helper()
	day, err := calendar.ParseDate("2026-11-22")
	require.NoError(t, err)
	clock, err := calendar.ParseClock("09:00")
	require.NoError(t, err)
	amount, err := money.Parse("10.00", "SAR", 2)
	require.NoError(t, err)
	return subscription.Terms{
		InitTransID: "dc66cdd8-d702-11ea-9a2f-0242c0a87002", Token: hidden.New("token"), Amount: amount, Description: "gold",
		Calendar: calendar.Calendar{Every: calendar.Every{Count: 1, Unit: calendar.Month}, StartsOn: day, ChargeAt: clock, TimeZone: "UTC"},
		Cycles:   cycles, RetryAfterDays: []int{1},
	}
}

// The drawing of states in the docs shows exactly the changes that the moves make,
// from whatever can come about.
func TestTheDrawingIsWhatTheMovesDo(t *testing.T) {
	t.Parallel()
	begin := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	seen, changes := map[string]bool{}, map[string]bool{"[*] to active": true}
	var next []moment
	for _, cycles := range []int{0, 2} {
		next = append(next, moment{subscription.New("gold-42", drawnTerms(t, cycles), begin), begin})
	}
	for range 12 {
		var found []moment
		for _, from := range next {
			for _, to := range from.steps(t) {
				if from.s.State != to.s.State {
					changes[string(from.s.State)+" to "+string(to.s.State)] = true
				}
				if key := fmt.Sprint(to.s.Terms.Cycles, to.key()); !seen[key] {
					seen[key] = true
					found = append(found, to)
				}
			}
		}
		next = found
	}
	require.Equal(t, drawn(t, "States"), changes)
}

// The drawing of a cycle says what the subscription becomes, however the charge of a
// cycle with a try left stands, and does not end any other way.
func TestTheDrawingOfACycle(t *testing.T) {
	t.Parallel()
	s := subscription.New("gold-42", drawnTerms(t, 0), time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC))
	now := s.DueAt
	s = s.Claimed(outcome(s.NextCharge(), charge.Sending, "", "", now))
	want := map[string]bool{}
	for name, c := range ends(s.NextCharge(), now) {
		after := s.After(c, now)
		to := string(after.State)
		switch {
		case after.Waiting:
			to = "waits"
		case after.State == subscription.Active && after.Cycle == s.Cycle:
			to = "due"
		case after.State == subscription.Active:
			to = "next"
		}
		want[name+" to "+to] = true
	}
	require.Equal(t, want, drawn(t, "A cycle"))
}
