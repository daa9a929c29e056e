package subscription_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/calendar"
	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/hidden"
	"dinarfunctions/shared/subscription"
)

// Whatever happens to a subscription, in whatever order, what the contract promises of
// it holds after each step. A walk is repeated by its number.
func TestWhateverHappens(t *testing.T) {
	t.Parallel()
	const walks, steps = 4000, 40
	claims := 0
	for n := range uint64(walks) {
		w := &walk{t: t, dice: rand.New(rand.NewPCG(n, 11)), now: at(t, "2027-01-01 00:00"), claimed: map[charge.Cycle]charge.State{}}
		w.s = subscription.New("gold-42", w.terms(), w.now)
		for range steps {
			before := w.s
			w.story = append(w.story, fmt.Sprintf("%s %s: %s", w.now.Format("01-02 15:04"), w.step(), w.shown()))
			w.holds(n, before)
		}
		claims += len(w.claimed)
	}
	t.Logf("%d walks of %d steps, %d claims", walks, steps, claims)
}

type walk struct {
	t       *testing.T
	dice    *rand.Rand
	now     time.Time
	s       subscription.Subscription
	claimed map[charge.Cycle]charge.State // what became of each
	story   []string
}

func (w *walk) shown() string {
	s := w.s
	return fmt.Sprintf("%s %s due %s waiting %t missed %q passed %d change %q of %d until %s", s.State, subscription.Number(s.NextCharge()),
		s.DueAt.Format("01-02 15:04"), s.Waiting, s.Missed, s.Passed, s.Change, s.Terms.Cycles, s.Terms.EndsOn)
}

// terms are any terms.
func (w *walk) terms() subscription.Terms {
	terms := monthly(w.t)
	days := &terms.Calendar
	days.Every = calendar.Every{Count: 1 + w.dice.IntN(3), Unit: []calendar.Unit{calendar.Day, calendar.Week, calendar.Month}[w.dice.IntN(3)]}
	days.StartsOn = days.LocalDate(w.now.AddDate(0, 0, w.dice.IntN(60)-20))
	clock, err := calendar.ParseClock(fmt.Sprintf("%02d:30", w.dice.IntN(24)))
	require.NoError(w.t, err)
	days.ChargeAt = clock
	if w.dice.IntN(3) == 0 {
		terms.Cycles = max(w.s.Cycle-1, 0) + w.dice.IntN(4)
	}
	if w.dice.IntN(4) == 0 {
		terms.EndsOn = days.LocalDate(w.now.AddDate(0, 0, w.dice.IntN(60)-5))
	}
	terms.RetryAfterDays = [][]int{{1, 3, 5, 7}, {1}, {14, 20}, nil}[w.dice.IntN(4)]
	return terms
}

// step lets something happen, and says what.
func (w *walk) step() string {
	s, moved := w.s, w.s
	var err error
	what := ""
	switch w.dice.IntN(14) {
	case 9, 10, 11, 12, 13: // a look at it, when it is due or later
		if s.LookAt.After(w.now) && w.dice.IntN(4) > 0 {
			w.now = s.LookAt
		}
		w.now = w.now.Add([]time.Duration{0, 0, 0, time.Minute, time.Minute, 2 * time.Hour, 40 * time.Hour, 80 * time.Hour}[w.dice.IntN(8)])
		what, moved = "look", w.look()
	case 3, 2, 1:
		what, moved = "its outcome", w.outcome()
	case 4:
		what = "put"
		terms := w.terms()
		if w.dice.IntN(3) == 0 {
			terms.Calendar = s.Terms.Calendar
		}
		if w.dice.IntN(4) == 0 {
			terms.Token = hidden.New(fmt.Sprintf("MARKED-token-%d", w.dice.IntN(1e6)))
		}
		moved, err = s.With(terms, w.now)
	case 5:
		what = "pause"
		moved, err = s.Pause(w.now)
	case 6:
		missed := []subscription.Missed{"", subscription.Skip, subscription.ChargeLatest}[w.dice.IntN(3)]
		what = "resume " + string(missed)
		moved, err = s.Resume(missed, w.now)
	case 7:
		what = "time passes"
		w.now = w.now.Add(time.Duration(w.dice.IntN(40*24)) * time.Hour)
	default:
		if w.dice.IntN(10) == 0 {
			what, moved = "cancel", s.Cancel(w.now)
		}
	}
	if err == nil {
		w.s = moved
	}
	return what
}

// look is what the Biller does for a message.
func (w *walk) look() subscription.Subscription {
	s := w.s
	switch verdict := s.Judge(w.now); verdict {
	case subscription.ChargeIt, subscription.AskFirst:
		w.mayClaim(verdict)
		of := s.NextCharge()
		w.claimed[of] = charge.Sending
		claim := outcome(of, charge.Sending, "", "", w.now)
		claim.LookAt = w.now.Add(time.Minute)
		return s.Claimed(claim)
	case subscription.TooLate:
		return s.Late(w.now)
	case subscription.Over:
		return s.Over(w.now)
	case subscription.NoRoom:
		return s.GiveUp(w.now)
	case subscription.TakeOver, subscription.Nothing:
	}
	return s
}

// mayClaim holds a claim against the contract.
func (w *walk) mayClaim(verdict subscription.Verdict) {
	s := w.s
	days := s.Terms.Calendar
	of := s.NextCharge()
	before, was := w.claimed[of]
	w.require(!was || before == charge.Rejected || before == charge.Unsent, "%v is claimed again, and was %s", of, before)
	for earlier, state := range w.claimed {
		w.require(!state.Open(), "%v is claimed while %v is %s", of, earlier, state)
		w.require(earlier.Number <= of.Number, "%v is claimed after %v", of, earlier)
		w.require(earlier.Number != of.Number || state != charge.Settled && state != charge.Reversed, "%v is claimed, and %v is %s", of, earlier, state)
	}
	w.require(s.Terms.Cycles == 0 || s.Cycle <= s.Terms.Cycles, "%v of %d cycles is claimed", of, s.Terms.Cycles)
	for _, when := range []time.Time{s.DueAt, w.now.Add(-time.Hour)} {
		w.require(s.Terms.EndsOn.IsZero() || !days.LocalDate(when).After(s.Terms.EndsOn), "%v is claimed after the last day %s", of, s.Terms.EndsOn)
	}
	late := w.now.Sub(s.DueAt)
	w.require(late >= 0 && late <= 72*time.Hour, "%v is claimed %s late", of, late)
	w.require(late <= time.Hour || verdict == subscription.AskFirst, "%v is late and the provider is not asked first", of)
}

// outcome lets the charge that is awaited end in some way, if there is one.
func (w *walk) outcome() subscription.Subscription {
	s := w.s
	if !s.Waiting {
		return s
	}
	of := s.NextCharge()
	all := ends(of, w.now)
	delete(all, string(charge.Sending))
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	c := all[append(names, "declined_soft", "declined_soft", "settled")[w.dice.IntN(len(names)+3)]]
	w.claimed[of] = c.State
	return s.After(c, w.now)
}

// holds holds a step against what has to hold after each.
func (w *walk) holds(number uint64, before subscription.Subscription) {
	w.t.Helper()
	s := w.s
	w.require(s.State.Chargeable() == !s.LookAt.IsZero(), "it is in the due index only if something may happen by itself")
	w.require(s.Cycle > before.Cycle || s.Cycle == before.Cycle && s.Attempt >= before.Attempt, "it went back from %d/%d", before.Cycle, before.Attempt)
	if told := map[subscription.State]string{
		subscription.PastDue: "past_due", subscription.Unpaid: "unpaid", subscription.Held: "held",
		subscription.Cancelled: "cancelled", subscription.Finished: "finished",
	}[s.State]; s.State != before.State && told != "" {
		w.require(slices.Contains(strings.Fields(s.Change), told), "it became %s, and that is not told", s.State)
	}
	if before.State.Ended() {
		w.require(s.State == before.State, "it came back from %s", before.State)
	}
	// A planned try has a day's room before the next cycle, and the preview rises.
	var last time.Time
	for i, p := range s.Preview(3, w.now) {
		if i > 0 && !s.Waiting && s.Attempt > 0 && !s.AskFirst && i == 1 && s.DueAt.After(w.now) {
			w.require(p.DueAt.Sub(s.DueAt) >= 24*time.Hour, "the try at %s has no room before %s", s.DueAt, p.DueAt)
		}
		w.require(i == 0 || p.DueAt.After(last), "the preview goes back to %s", p.DueAt)
		last = p.DueAt
	}
	if w.t.Failed() {
		w.t.Fatalf("walk %d", number)
	}
}

func (w *walk) require(holds bool, format string, args ...any) {
	w.t.Helper()
	require.True(w.t, holds, fmt.Sprintf(format, args...)+"\n"+strings.Join(w.story, "\n"))
}
