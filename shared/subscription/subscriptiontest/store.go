// Package subscriptiontest is the suite that every subscription.Store passes.
package subscriptiontest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/subscription"
)

// rounds is how often the suite repeats its races.
const rounds = 10

// Store runs the suite over an empty store of subscriptions and the store of charges
// that its claims are written to, which open makes. They serve all subtests, each with
// ids of its own.
func Store(t *testing.T, open func(t *testing.T) (subscription.Store, charge.Store)) {
	t.Helper()
	store, charges := open(t)
	h := house{store, charges}
	for _, part := range []struct {
		name string
		test func(*testing.T, house)
	}{
		{"under a new id there is none", testAbsent},
		{"every field comes back as it was", testEveryField},
		{"what is empty comes back empty", testEmptyFields},
		{"under an id one is made", testCreate},
		{"of many who make one, one does", testCreateRace},
		{"a write has the revision that was read as its condition", testWrite},
		{"of many writes one is made", testWriteRace},
		{"a claim writes both", testClaim},
		{"a claim of a subscription that was changed writes neither", testClaimChanged},
		{"a claim over a charge that stands writes neither", testClaimStands},
		{"a claim over a charge that charged nothing", testClaimOver},
		{"a claim over a charge of another cycle, or of none", testClaimForeign},
		{"a long history is cut in a claim too", testClaimHistory},
		{"of 50 concurrent claims one wins", testClaimRace},
		{"a claim and a cancellation at the same time", testClaimOrCancel},
		{"a look is moved by one", testLook},
		{"a look leaves the revision alone", testLookAndWrite},
		{"what is due is shown, oldest first", testDue},
		{"what has no look is never due", testSparse},
		{"subscriptions are listed, page by page", testList},
		{"a context that has ended writes nothing", testEnded},
	} {
		t.Run(part.name, func(t *testing.T) { part.test(t, h) })
	}
}

// house is what the suite works in.
type house struct {
	subscription.Store
	charges charge.Store
}

func testAbsent(t *testing.T, h house) {
	_, err := h.Get(t.Context(), "absent")
	require.ErrorIs(t, err, subscription.ErrNotFound)
	s := New(t, "absent")
	for _, revision := range []int64{0, 1} {
		s.Revision = revision
		_, err = h.Write(t.Context(), s)
		require.ErrorIs(t, err, subscription.ErrChanged)
		h.requireOvertaken(t, s, Claim(t, s, "attempt-1", Start))
	}
	standing, moved, err := h.Look(t.Context(), "absent", s.LookAt, Start)
	require.NoError(t, err)
	require.False(t, moved)
	require.Zero(t, standing)
	_, err = h.Get(t.Context(), "absent")
	require.ErrorIs(t, err, subscription.ErrNotFound, "a refused write makes nothing")
	_, err = h.charges.Get(t.Context(), "absent-0001")
	require.ErrorIs(t, err, charge.ErrNotFound)
}

func testEveryField(t *testing.T, h house) {
	full := Full(t, "full")
	requireNoZero(t, reflect.ValueOf(full), "Subscription")
	standing := h.mustCreate(t, full)
	require.Equal(t, full, standing)
	require.Equal(t, full.Terms.Token.Reveal(), standing.Terms.Token.Reveal(), "whole: it has to be charged")
	h.requireStored(t, full)

	// The same by a write, over one that has none of it.
	written := h.mustCreate(t, bare(t, "filled"))
	full.ID, full.Revision = "filled", written.Revision
	full.Last.Of.Subscription = "filled"
	full.Paid = Full(t, "filled").Paid
	written, err := h.Write(t.Context(), full)
	require.NoError(t, err)
	full.Revision++
	require.Equal(t, full, written)
	h.requireStored(t, full)

	// And by a claim.
	claimed := h.mustCreate(t, bare(t, "claimed"))
	claim := Claim(t, claimed, "attempt-1", Start)
	full.ID, full.Revision = "claimed", claimed.Revision
	full.Paid = Full(t, "claimed").Paid
	h.mustClaim(t, full, claim)
	full.Revision++
	h.requireStored(t, full)
}

// requireNoZero sees to it that the sample forgets no field, of now or of later.
func requireNoZero(t *testing.T, v reflect.Value, name string) {
	t.Helper()
	require.False(t, v.IsZero(), "the sample leaves %s empty", name)
	if v.Kind() != reflect.Struct {
		return
	}
	for i := range v.NumField() {
		if field := v.Type().Field(i); field.IsExported() {
			requireNoZero(t, v.Field(i), name+"."+field.Name)
		}
	}
}

// bare is a subscription with as little as one can have.
func bare(t *testing.T, id string) subscription.Subscription {
	t.Helper()
	terms := Terms(t)
	terms.Cycles, terms.RetryAfterDays = 0, nil
	terms.EndsOn = subscription.Terms{}.EndsOn
	return subscription.Subscription{
		ID: id, Terms: terms, State: subscription.Cancelled, Cycle: 1, CycleAt: Start, DueAt: Start,
		CreatedAt: Start, UpdatedAt: Start, Revision: 1,
	}
}

func testEmptyFields(t *testing.T, h house) {
	want := bare(t, "bare")
	h.mustCreate(t, want)
	h.requireStored(t, want)

	full := Full(t, "emptied")
	h.mustCreate(t, full)
	want = bare(t, "emptied")
	written, err := h.Write(t.Context(), want)
	require.NoError(t, err)
	want.Revision++
	require.Equal(t, want, written)
	h.requireStored(t, want)

	// A calendar that has been another since.
	want.Index = -1
	_, err = h.Write(t.Context(), want)
	require.NoError(t, err)
	want.Revision++
	h.requireStored(t, want)

	// A list without anything is none.
	none := bare(t, "no-lists")
	none.Terms.RetryAfterDays, none.PaidTwice = []int{}, []int{}
	none.Paid, none.Differed = []charge.Cycle{}, []string{}
	h.mustCreate(t, none)
	h.requireStored(t, bare(t, "no-lists"))
}

func testCreate(t *testing.T, h house) {
	asked := New(t, "made")
	require.Zero(t, asked.Revision)
	first := h.mustCreate(t, asked)
	asked.Revision = 1
	require.Equal(t, asked, first)

	other := New(t, "made")
	other.Terms.Description = "another"
	for _, again := range []subscription.Subscription{other, asked} {
		standing, created, err := h.Create(t.Context(), again)
		require.NoError(t, err)
		require.False(t, created)
		require.Equal(t, first, standing)
	}
	h.requireStored(t, first)
}

func testCreateRace(t *testing.T, h house) {
	for round := range rounds {
		id := fmt.Sprintf("made-at-once-%d", round)
		var mu sync.Mutex
		var made []subscription.Subscription
		var told []subscription.Subscription
		race(t, 20, func(i int) error {
			asked := New(t, id)
			asked.Terms.Description = fmt.Sprintf("racer %d", i)
			standing, created, err := h.Create(t.Context(), asked)
			mu.Lock()
			defer mu.Unlock()
			if told = append(told, standing); created {
				made = append(made, standing)
			}
			return err
		})
		require.Len(t, made, 1, "round %d", round)
		for _, standing := range told {
			require.Equal(t, made[0], standing)
		}
	}
}

func testWrite(t *testing.T, h house) {
	first := h.mustCreate(t, New(t, "written"))
	asked, err := first.Pause(Start.Add(time.Hour))
	require.NoError(t, err)
	second, err := h.Write(t.Context(), asked)
	require.NoError(t, err)
	asked.Revision = 2
	require.Equal(t, asked, second)
	h.requireStored(t, second)

	for _, stale := range []int64{0, 1, 3} {
		late := first.Cancel(Start.Add(2 * time.Hour))
		late.Revision = stale
		_, err = h.Write(t.Context(), late)
		require.ErrorIs(t, err, subscription.ErrChanged, "at revision %d", stale)
		h.requireStored(t, second)
	}
	third, err := h.Write(t.Context(), second.Cancel(Start.Add(2*time.Hour)))
	require.NoError(t, err)
	require.EqualValues(t, 3, third.Revision)
	require.Equal(t, subscription.BecameCancelled, third.Change)
	h.requireStored(t, third)
}

func testWriteRace(t *testing.T, h house) {
	for round := range rounds {
		before := h.mustCreate(t, New(t, fmt.Sprintf("written-at-once-%d", round)))
		var mu sync.Mutex
		var won []subscription.Subscription
		race(t, 20, func(i int) error {
			asked := before
			asked.Reason = fmt.Sprintf("racer %d", i)
			written, err := h.Write(t.Context(), asked)
			if errors.Is(err, subscription.ErrChanged) {
				return nil
			}
			mu.Lock()
			defer mu.Unlock()
			won = append(won, written)
			return err
		})
		require.Len(t, won, 1, "round %d", round)
		require.EqualValues(t, 2, won[0].Revision)
		h.requireStored(t, won[0])
	}
}

func testClaim(t *testing.T, h house) {
	s := h.mustCreate(t, New(t, "claims"))
	claim := Claim(t, s, "attempt-1", Start)
	standing := h.mustClaim(t, s.Claimed(claim), claim)
	require.Equal(t, claim, standing)
	h.requireCharge(t, claim)
	after := s.Claimed(claim)
	after.Revision = 2
	h.requireStored(t, after)
	require.True(t, after.Waiting)

	found, more, err := h.charges.OfSubscription(t.Context(), "claims", charge.Cycle{}, 10)
	require.NoError(t, err)
	require.Nil(t, more)
	require.Equal(t, []charge.Charge{claim}, found)
}

func testClaimChanged(t *testing.T, h house) {
	s := h.mustCreate(t, New(t, "claims-late"))
	cancelled, err := h.Write(t.Context(), s.Cancel(Start.Add(time.Minute)))
	require.NoError(t, err)
	h.requireOvertaken(t, s, Claim(t, s, "attempt-1", Start))
	h.requireStored(t, cancelled)
	_, err = h.charges.Get(t.Context(), "claims-late-0001")
	require.ErrorIs(t, err, charge.ErrNotFound, "nothing is claimed of what was cancelled")

	// Nor of a later revision than there is.
	ahead := cancelled
	ahead.Revision++
	h.requireOvertaken(t, ahead, Claim(t, s, "attempt-1", Start))
	h.requireStored(t, cancelled)

	// That it was changed is told also where a charge stands, whose other claim won.
	s = h.mustCreate(t, New(t, "claims-second"))
	first := Claim(t, s, "attempt-1", Start)
	h.mustClaim(t, s.Claimed(first), first)
	h.requireOvertaken(t, s, Claim(t, s, "attempt-2", Start))
	h.requireCharge(t, first)
}

func testClaimStands(t *testing.T, h house) {
	for _, state := range charge.States() {
		if state.Chargeable() {
			continue
		}
		t.Run(string(state), func(t *testing.T) {
			s := h.mustCreate(t, New(t, "stands-"+string(state)))
			before := h.bring(t, Claim(t, s, "attempt-1", Start), state)
			h.requireNotWon(t, s, Claim(t, s, "attempt-2", Start.Add(time.Hour)), before)
		})
	}
}

func testClaimOver(t *testing.T, h house) {
	for _, state := range []charge.State{charge.Rejected, charge.Unsent} {
		t.Run(string(state), func(t *testing.T) {
			s := h.mustCreate(t, New(t, "over-"+string(state)))
			before := h.bring(t, Claim(t, s, "attempt-1", Start), state)

			// A copy of the claim that stands, and one from before the last write.
			h.requireNotWon(t, s, Claim(t, s, "attempt-1", Start.Add(time.Hour)), before)
			h.requireNotWon(t, s, Claim(t, s, "attempt-0", before.UpdatedAt.Add(-time.Nanosecond)), before)

			claim := Claim(t, s, "attempt-2", Start.Add(time.Hour))
			want, may := charge.Claim(&before, claim)
			require.True(t, may)
			require.Equal(t, want, h.mustClaim(t, s.Claimed(claim), claim))
			h.requireCharge(t, want)
			after := s.Claimed(claim)
			after.Revision++
			h.requireStored(t, after)
			require.Len(t, want.History, 3)
			require.Empty(t, want.PaymentID, "the last attempt's outcome goes")

			// It writes its outcome under its own attempt.
			standing, applied, err := h.charges.Record(t.Context(), charge.Change{
				Number: claim.Order.Number, Attempt: "attempt-2", To: charge.Settled, Evidence: charge.ByAnswer, At: Start.Add(2 * time.Hour),
			})
			require.NoError(t, err)
			require.True(t, applied)
			require.Len(t, standing.History, 4)
		})
	}
}

func testClaimForeign(t *testing.T, h house) {
	for name, of := range map[string]charge.Cycle{
		"none":          {},
		"another-cycle": {Subscription: "foreign-another-cycle", Number: 2},
		"another-try":   {Subscription: "foreign-another-try", Number: 1, Attempt: 1},
		"another":       {Subscription: "another", Number: 1},
	} {
		for _, state := range charge.States() {
			t.Run(name+" "+string(state), func(t *testing.T) {
				id := "foreign-" + name + "-" + string(state)
				s := h.mustCreate(t, New(t, id))
				foreign := Claim(t, s, "attempt-1", Start)
				foreign.For = of
				before := h.bring(t, foreign, state)
				h.requireNotWon(t, s, Claim(t, s, "attempt-2", Start.Add(time.Hour)), before)
			})
		}
	}
}

func testClaimHistory(t *testing.T, h house) {
	s := h.mustCreate(t, New(t, "hammered"))
	at := Start
	var want charge.Charge
	for i := range charge.MaxHistory/2 + 3 {
		claim := Claim(t, s, fmt.Sprintf("attempt-%d", i), at)
		expected := claim
		if i > 0 {
			var may bool
			expected, may = charge.Claim(&want, claim)
			require.True(t, may)
		}
		require.Equal(t, expected, h.mustClaim(t, s.Claimed(claim), claim))
		at = at.Add(time.Minute)
		var applied bool
		var err error
		want, applied, err = h.charges.Record(t.Context(), charge.Change{
			Number: claim.Order.Number, Attempt: claim.Attempt, To: charge.Unsent, Evidence: charge.ByAnswer, At: at, Reason: "HTTP 429",
		})
		require.NoError(t, err)
		require.True(t, applied)
		s.Revision++
	}
	require.LessOrEqual(t, len(want.History), charge.MaxHistory+1)
	h.requireCharge(t, want)
}

func testClaimRace(t *testing.T, h house) {
	for round := range rounds {
		for _, over := range []bool{false, true} {
			s := h.mustCreate(t, New(t, fmt.Sprintf("race-%d-%v", round, over)))
			if over {
				h.bring(t, Claim(t, s, "attempt-0", Start), charge.Unsent)
			}
			var mu sync.Mutex
			var winners []charge.Charge
			var losers []charge.Charge
			race(t, 50, func(i int) error {
				claim := Claim(t, s, fmt.Sprintf("racer-%d", i), Start.Add(time.Hour))
				standing, won, err := h.Claim(t.Context(), s.Claimed(claim), claim)
				mu.Lock()
				defer mu.Unlock()
				switch {
				case errors.Is(err, subscription.ErrChanged):
				case err != nil:
					return err
				case won:
					winners = append(winners, standing)
				default:
					losers = append(losers, standing)
				}
				return nil
			})
			require.Len(t, winners, 1, "round %d", round)
			for _, standing := range losers {
				require.Equal(t, winners[0].Attempt, standing.Attempt, "a loser is told of the winner")
			}
			h.requireCharge(t, winners[0])
			after, err := h.Get(t.Context(), s.ID)
			require.NoError(t, err)
			require.EqualValues(t, 2, after.Revision)
			require.True(t, after.Waiting)
		}
	}
}

// Once a cancellation has answered, nothing is claimed; before it, everything is.
func testClaimOrCancel(t *testing.T, h house) {
	for round := range rounds {
		s := h.mustCreate(t, New(t, fmt.Sprintf("claim-or-cancel-%d", round)))
		claim := Claim(t, s, "attempt-1", Start)
		var claimed, cancelled bool
		race(t, 2, func(i int) error {
			var err error
			if i == 0 {
				_, claimed, err = h.Claim(t.Context(), s.Claimed(claim), claim)
			} else {
				_, err = h.Write(t.Context(), s.Cancel(Start.Add(time.Minute)))
				cancelled = err == nil
			}
			if errors.Is(err, subscription.ErrChanged) {
				return nil
			}
			return err
		})
		require.NotEqual(t, claimed, cancelled, "one of them, round %d", round)
		standing, err := h.Get(t.Context(), s.ID)
		require.NoError(t, err)
		require.Equal(t, claimed, standing.Waiting)
		_, err = h.charges.Get(t.Context(), claim.Order.Number)
		require.Equal(t, cancelled, errors.Is(err, charge.ErrNotFound))
	}
}

func testLook(t *testing.T, h house) {
	s := h.mustCreate(t, New(t, "look"))
	next := Start.Add(time.Hour)
	var mu sync.Mutex
	winners := 0
	race(t, 20, func(int) error {
		standing, moved, err := h.Look(t.Context(), "look", s.LookAt, next)
		mu.Lock()
		defer mu.Unlock()
		if err == nil && moved {
			winners++
		}
		if err == nil && (standing.ID != "look" || !standing.LookAt.Equal(next)) {
			return fmt.Errorf("told of %s at %s", standing.ID, standing.LookAt)
		}
		return err
	})
	require.Equal(t, 1, winners)
	s.LookAt = next
	h.requireStored(t, s)

	// Also to never and back, and never where it is not what it was.
	for _, step := range []struct{ was, next time.Time }{{next, time.Time{}}, {time.Time{}, next}} {
		standing, moved, err := h.Look(t.Context(), "look", step.was, step.next)
		require.NoError(t, err)
		require.True(t, moved)
		s.LookAt = step.next
		require.Equal(t, s, standing)
		h.requireStored(t, s)
		standing, moved, err = h.Look(t.Context(), "look", step.was, Start)
		require.NoError(t, err)
		require.False(t, moved)
		require.Equal(t, s, standing)
		h.requireStored(t, s)
	}
}

func testLookAndWrite(t *testing.T, h house) {
	full := Full(t, "look-and-write")
	full.Revision = 0
	s := h.mustCreate(t, full)
	standing, moved, err := h.Look(t.Context(), s.ID, s.LookAt, Start.Add(48*time.Hour))
	require.NoError(t, err)
	require.True(t, moved)
	want := s
	want.LookAt = Start.Add(48 * time.Hour)
	want.Change = "" // a look is no change
	require.Equal(t, want, standing)
	h.requireStored(t, want)

	asked := s.Cancel(Start.Add(time.Hour)) // from what was read before the look
	written, err := h.Write(t.Context(), asked)
	require.NoError(t, err)
	require.Equal(t, s.Revision+1, written.Revision)
	require.Zero(t, written.LookAt)
	h.requireStored(t, written)
}

func testDue(t *testing.T, h house) {
	// Far before all others, so that those are not due.
	past := Start.AddDate(-1, 0, 0)
	const all, many = 260, 250 // more than anybody reads at a time
	var want []subscription.Due
	subscriptions := make([]subscription.Subscription, all)
	race(t, all, func(i int) error {
		s := New(t, fmt.Sprintf("due-%03d", i))
		s.LookAt = past.Add(time.Duration(i) * time.Second)
		var err error
		subscriptions[i], _, err = h.Create(t.Context(), s)
		return err
	})
	for _, s := range subscriptions[:many] {
		want = append(want, subscription.Due{ID: s.ID, At: s.LookAt})
	}
	now := want[many-1].At
	require.Equal(t, want, h.due(t, now), "also the last instant; not the one after")

	taken := 0
	for _, err := range h.Due(t.Context(), now) {
		require.NoError(t, err)
		if taken++; taken == 3 {
			break
		}
	}
	require.Equal(t, 3, taken)

	// Each once, also where its look is moved on while one goes through them.
	seen := map[string]bool{}
	for due, err := range h.Due(t.Context(), now) {
		require.NoError(t, err)
		require.False(t, seen[due.ID], due.ID)
		seen[due.ID] = true
		_, moved, err := h.Look(t.Context(), due.ID, due.At, now.Add(-time.Nanosecond))
		require.NoError(t, err)
		require.True(t, moved)
	}
	require.Len(t, seen, many)
	for id := range seen {
		_, moved, err := h.Look(t.Context(), id, now.Add(-time.Nanosecond), time.Time{})
		require.NoError(t, err)
		require.True(t, moved)
	}
	require.Empty(t, h.due(t, now))
}

func testSparse(t *testing.T, h house) {
	past := Start.AddDate(-2, 0, 0)
	s := New(t, "sparse")
	s.LookAt = past
	s = h.mustCreate(t, s)
	require.Equal(t, []subscription.Due{{ID: "sparse", At: past}}, h.due(t, past))
	s, err := h.Write(t.Context(), s.Cancel(Start))
	require.NoError(t, err)
	require.Zero(t, s.LookAt)
	require.Empty(t, h.due(t, past))
	s.LookAt = past
	s, err = h.Write(t.Context(), s)
	require.NoError(t, err)
	require.Len(t, h.due(t, past), 1)
	claim := Claim(t, s, "attempt-1", Start)
	h.mustClaim(t, s.Claimed(claim), claim)
	require.Empty(t, h.due(t, past), "a claim moves the look")
}

func testList(t *testing.T, h house) {
	// Far after all others, so that the list can begin behind those.
	future := Start.AddDate(1, 0, 0)
	var want, held []string
	for i := range 30 {
		s := Full(t, fmt.Sprintf("list-%02d", i))
		s.CreatedAt = future.Add(time.Duration(i/2) * time.Second) // two at a time
		s.State = subscription.States()[i%len(subscription.States())]
		h.mustCreate(t, s)
		want = append(want, s.ID)
		if s.State == subscription.Held {
			held = append(held, s.ID)
		}
	}
	behind := subscription.Place{CreatedAt: future.Add(-time.Second)}
	for _, limit := range []int{1, 4, 100} {
		require.Equal(t, want, h.list(t, "", behind, limit), "limit %d", limit)
		require.Equal(t, held, h.list(t, subscription.Held, behind, limit), "limit %d", limit)
	}

	// Who leaves a state leaves its list, and keeps the place in the whole one.
	s, err := h.Get(t.Context(), held[0])
	require.NoError(t, err)
	_, err = h.Write(t.Context(), s.Cancel(Start))
	require.NoError(t, err)
	require.Equal(t, held[1:], h.list(t, subscription.Held, behind, 4))
	require.Equal(t, want, h.list(t, "", behind, 4))

	found, _, err := h.List(t.Context(), "", subscription.Place{}, 5)
	require.NoError(t, err)
	require.NotEmpty(t, found)
	require.True(t, found[0].CreatedAt.Before(future), "the zero Place is the beginning")
}

func testEnded(t *testing.T, h house) {
	s := h.mustCreate(t, New(t, "ended"))
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, created, err := h.Create(ended, New(t, "ended-new"))
	require.Error(t, err)
	require.False(t, created)
	_, err = h.Get(t.Context(), "ended-new")
	require.ErrorIs(t, err, subscription.ErrNotFound)
	_, err = h.Write(ended, s.Cancel(Start))
	require.Error(t, err)
	require.NotErrorIs(t, err, subscription.ErrChanged)
	claim := Claim(t, s, "attempt-1", Start)
	_, won, err := h.Claim(ended, s.Claimed(claim), claim)
	require.Error(t, err)
	require.NotErrorIs(t, err, subscription.ErrChanged)
	require.False(t, won)
	_, moved, err := h.Look(ended, "ended", s.LookAt, Start)
	require.Error(t, err)
	require.False(t, moved)
	h.requireStored(t, s)
	_, err = h.charges.Get(t.Context(), claim.Order.Number)
	require.ErrorIs(t, err, charge.ErrNotFound)
}

// race lets some do the same at the same time.
func race(t *testing.T, racers int, do func(i int) error) {
	t.Helper()
	var wg sync.WaitGroup
	gate := make(chan struct{})
	errs := make([]error, racers)
	for i := range racers {
		wg.Go(func() {
			<-gate
			errs[i] = do(i)
		})
	}
	close(gate)
	wg.Wait()
	require.NoError(t, errors.Join(errs...))
}

func (h house) mustCreate(t *testing.T, s subscription.Subscription) subscription.Subscription {
	t.Helper()
	standing, created, err := h.Create(t.Context(), s)
	require.NoError(t, err)
	require.True(t, created)
	require.EqualValues(t, 1, standing.Revision)
	return standing
}

func (h house) mustClaim(t *testing.T, s subscription.Subscription, claim charge.Charge) charge.Charge {
	t.Helper()
	standing, won, err := h.Claim(t.Context(), s, claim)
	require.NoError(t, err)
	require.True(t, won)
	return standing
}

func (h house) requireOvertaken(t *testing.T, s subscription.Subscription, claim charge.Charge) {
	t.Helper()
	_, won, err := h.Claim(t.Context(), s.Claimed(claim), claim)
	require.ErrorIs(t, err, subscription.ErrChanged)
	require.False(t, won)
}

// requireNotWon: the claim is told what stands, and neither is written.
func (h house) requireNotWon(t *testing.T, s subscription.Subscription, claim, stands charge.Charge) {
	t.Helper()
	standing, won, err := h.Claim(t.Context(), s.Claimed(claim), claim)
	require.NoError(t, err)
	require.False(t, won)
	require.Equal(t, stands, standing)
	h.requireCharge(t, stands)
	h.requireStored(t, s)
}

// bring makes a charge that is no part of a claim, and brings it into a state.
func (h house) bring(t *testing.T, claim charge.Charge, state charge.State) charge.Charge {
	t.Helper()
	c, won, err := h.charges.Claim(t.Context(), claim)
	require.NoError(t, err)
	require.True(t, won)
	if state == charge.Sending {
		return c
	}
	c, applied, err := h.charges.Record(t.Context(), charge.Change{
		Number: claim.Order.Number, Attempt: claim.Attempt, To: state, Evidence: charge.ByAnswer, At: Start.Add(time.Second),
		PaymentID: "payment-1", Reason: "reason", ProviderStatus: "word", ProviderDate: "2026-11-21",
	})
	require.NoError(t, err)
	require.True(t, applied)
	return c
}

func (h house) due(t *testing.T, now time.Time) (all []subscription.Due) {
	t.Helper()
	for due, err := range h.Due(t.Context(), now) {
		require.NoError(t, err)
		all = append(all, due)
	}
	return all
}

func (h house) list(t *testing.T, state subscription.State, after subscription.Place, limit int) (ids []string) {
	t.Helper()
	for more := &after; more != nil; {
		var found []subscription.Subscription
		var err error
		found, more, err = h.List(t.Context(), state, *more, limit)
		require.NoError(t, err)
		require.LessOrEqual(t, len(found), limit)
		for _, s := range found {
			if state != "" {
				require.Equal(t, state, s.State)
			}
			ids = append(ids, s.ID)
		}
	}
	return ids
}

func (h house) requireStored(t *testing.T, want subscription.Subscription) {
	t.Helper()
	got, err := h.Get(t.Context(), want.ID)
	require.NoError(t, err)
	require.Equal(t, want, got)
}

func (h house) requireCharge(t *testing.T, want charge.Charge) {
	t.Helper()
	got, err := h.charges.Get(t.Context(), want.Order.Number)
	require.NoError(t, err)
	require.Equal(t, want, got)
}
