package subscription_test

import (
	"cmp"
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
	claims, cards, backs, twice := 0, 0, 0, 0
	for n := range uint64(walks) {
		w := &walk{t: t, dice: rand.New(rand.NewPCG(n, 11)), now: at(t, "2027-01-01 00:00"), claimed: map[charge.Cycle]charge.State{}}
		w.s = subscription.New("gold-42", w.terms(), w.now)
		for range steps {
			before := w.s
			w.story = append(w.story, fmt.Sprintf("%s %s: %s", w.now.Format("01-02 15:04"), w.step(), w.shown()))
			w.holds(n, before)
		}
		claims, cards, backs, twice = claims+len(w.claimed), cards+w.cards, backs+w.backs, twice+w.twice
	}
	t.Logf("%d walks of %d steps, %d claims, %d new cards while past due, %d of them back to the cycle before, %d cycles paid twice",
		walks, steps, claims, cards, backs, twice)
	require.NotZero(t, cards)
	require.NotZero(t, backs)
	require.NotZero(t, twice)
}

type walk struct {
	t       *testing.T
	dice    *rand.Rand
	now     time.Time
	s       subscription.Subscription
	claimed map[charge.Cycle]charge.State // what became of each
	story   []string

	cards, backs, twice int
}

func (w *walk) shown() string {
	s := w.s
	return fmt.Sprintf("%s %s due %s waiting %t missed %q passed %d change %q of %d until %s", s.State, subscription.Number(s.NextCharge()),
		s.DueAt.Format("01-02 15:04"), s.Waiting, s.Missed, s.Passed, s.Change, s.Terms.Cycles, s.Terms.EndsOn)
}

// terms are any terms.
func (w *walk) terms() subscription.Terms {
	terms := monthly(w.t)
	if w.s.ID != "" {
		terms.Token = w.s.Terms.Token
	}
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
	switch w.dice.IntN(15) {
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
		newCard := w.dice.IntN(4) == 0
		if newCard {
			terms.Token = hidden.New(fmt.Sprintf("MARKED-token-%d", w.dice.IntN(1e6)))
		}
		if moved, err = s.With(terms, w.now); err == nil && newCard {
			w.tried(moved)
		}
	case 0: // a new card, and nothing else
		what = "card"
		terms := s.Terms
		terms.Token = hidden.New(fmt.Sprintf("MARKED-token-%d", w.dice.IntN(1e6)))
		if moved, err = s.With(terms, w.now); err == nil {
			w.tried(moved)
			w.sameAfter(moved)
		}
	case 14:
		what, moved = "a later word", w.later()
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
		for attempt := range s.Attempt { // the earlier tries are asked about
			try := charge.Cycle{Subscription: s.ID, Number: s.Cycle, Attempt: attempt}
			switch state := w.claimed[try]; state {
			case charge.Declined, "":
			case charge.Settled:
				return s.Later(outcome(try, state, "settled", "", w.now), w.paidBeside(try), w.now)
			default:
				return s.Hold("an earlier try is not declined", w.now)
			}
		}
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
	if s.Attempt > 0 && !s.AskFirst { // it was planned, and nobody asked for it
		next := w.next()
		w.require(next.IsZero() || !w.now.After(next.Add(-24*time.Hour)), "%v is claimed within 24 hours of the next cycle", of)
	}
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

// next is the first time after the next charge at which another cycle comes; zero for none.
func (w *walk) next() time.Time {
	s := w.s
	for _, p := range s.Preview(2, w.now) {
		if p.Cycle > s.Cycle {
			return p.DueAt
		}
	}
	return time.Time{}
}

// tried holds a new card against the contract: while it is past due and no charge is
// open, the declined cycle is tried at once under its next number.
func (w *walk) tried(moved subscription.Subscription) {
	s, days := w.s, moved.Terms.Calendar
	if s.State != subscription.PastDue || s.Waiting || s.Attempt == 0 || !moved.Terms.EndsOn.IsZero() && days.LocalDate(w.now).After(moved.Terms.EndsOn) ||
		moved.Terms.Cycles > 0 && s.Cycle > moved.Terms.Cycles {
		return
	}
	of := moved.NextCharge()
	w.require(of == s.NextCharge(), "a new card tries %v, and %v was declined", of, s.NextCharge())
	w.require(moved.DueAt.Equal(w.now) && moved.AskFirst, "a new card waits until %s", moved.DueAt)
}

// sameAfter holds a new card alone against what comes after the declined cycle: the same
// cycles as without it, at the same times.
func (w *walk) sameAfter(moved subscription.Subscription) {
	s := w.s
	if s.State != subscription.PastDue || s.Waiting {
		return
	}
	w.cards++
	if moved.Cycle < s.Cycle {
		w.backs++
	}
	after := func(s subscription.Subscription) (list []string) {
		for _, p := range s.Preview(5, w.now) {
			if p.Cycle > moved.Cycle && len(list) < 3 {
				list = append(list, fmt.Sprintf("%d at %s", p.Cycle, p.DueAt))
			}
		}
		return list
	}
	w.require(slices.Equal(after(s), after(moved)), "after a new card comes %v, and not %v", after(moved), after(s))
}

// later is what the provider says later of a charge that is not awaited.
func (w *walk) later() subscription.Subscription {
	s := w.s
	var known []charge.Cycle
	for of, state := range w.claimed {
		if !state.Open() && !state.Chargeable() && (!s.Waiting || of != s.NextCharge()) {
			known = append(known, of)
		}
	}
	if len(known) == 0 {
		return s
	}
	slices.SortFunc(known, func(a, b charge.Cycle) int { return cmp.Or(a.Number-b.Number, a.Attempt-b.Attempt) })
	of := known[w.dice.IntN(len(known))]
	c := outcome(of, charge.Settled, "settled", "", w.now)
	if w.claimed[of] != charge.Declined && w.dice.IntN(2) == 0 {
		c = outcome(of, charge.Reversed, []string{"refund", "chargeback"}[w.dice.IntN(2)], "", w.now)
	}
	w.claimed[of] = c.State
	twice := c.State == charge.Settled && w.paidBeside(of)
	after := s.Later(c, twice, w.now)
	if twice {
		w.twice++
		w.require(slices.Contains(after.PaidTwice, of.Number), "%v is paid twice, and that is not told", of)
	}
	if c.State == charge.Settled && !s.Waiting && s.Attempt > 0 && of.Number == s.Cycle && (s.State == subscription.PastDue || s.State == subscription.Unpaid) {
		w.require(after.Cycle > s.Cycle, "%v is paid, and it does not go on", of)
	}
	return after
}

// paidBeside reports whether another try of a cycle is paid.
func (w *walk) paidBeside(of charge.Cycle) bool {
	for other, state := range w.claimed {
		if other != of && other.Number == of.Number && state == charge.Settled {
			return true
		}
	}
	return false
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
	after := s.After(c, w.now)
	for attempt := range of.Attempt { // one that was paid while this one was open
		try := charge.Cycle{Subscription: s.ID, Number: of.Number, Attempt: attempt}
		if c.State == charge.Declined && w.claimed[try] == charge.Settled {
			return after.Later(outcome(try, charge.Settled, "settled", "", w.now), false, w.now)
		}
	}
	return after
}

// holds holds a step against what has to hold after each.
func (w *walk) holds(number uint64, before subscription.Subscription) {
	w.t.Helper()
	s := w.s
	w.require(s.State.Chargeable() == !s.LookAt.IsZero(), "it is in the due index only if something may happen by itself")
	back := before.Attempt == 0 && !before.Waiting && before.Behind.Cycle == s.Cycle && before.Behind.Attempt == s.Attempt
	w.require(s.Cycle > before.Cycle || s.Cycle == before.Cycle && s.Attempt >= before.Attempt || back, "it went back from %d/%d", before.Cycle, before.Attempt)
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
		// A new card goes back to the declined cycle also where the next one has come.
		due := i == 1 && s.Attempt > 0 && s.AskFirst && !p.DueAt.After(w.now)
		w.require(i == 0 || p.DueAt.After(last) || due, "the preview goes back to %s", p.DueAt)
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
