package payout_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/payout"
)

const overdueAfter = 30 * time.Minute

var start = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

// says is what the provider tells: of payment a, b, c, … its status, or "-" where it
// leaves the payment out.
func says(statuses string) []payout.Told {
	var told []payout.Told
	for i, c := range statuses {
		status := int(c - '0')
		if c == '-' {
			continue
		}
		told = append(told, payout.Told{UniqueID: "abcdefgh"[i : i+1], Status: status, State: stateOf(status)})
	}
	return told
}

func stateOf(status int) payout.PaymentState {
	return payout.PaymentStates()[min(max(status, 0), 3)]
}

func TestOneLook(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, before, says string // what was told by the look before, and by this one
		state              payout.State
		change             string
		changed            string // which payments
	}{
		{"nothing known, all under way", "", "00", payout.Processing, "", "ab"},
		{"nothing changes", "01", "01", payout.Processing, "", ""},
		{"one arrives", "00", "01", payout.Processing, "payments", "b"},
		{"the last arrives", "01", "11", payout.Successful, "payments completed", "a"},
		{"the last fails", "02", "22", payout.Failed, "payments completed", "a"},
		{"some fail", "00", "12", payout.PartlyFailed, "payments completed", "ab"},
		{"an undocumented number is not final", "00", "17", payout.Processing, "payments", "ab"},
		{"an undocumented number alone", "00", "07", payout.Processing, "", "b"},
		{"another undocumented number is the same state", "08", "07", payout.Processing, "", ""},
		{"a payment that is missing stays as it was", "01", "0", payout.Processing, "", ""},
		{"a payment that is missing, and the rest ends", "01", "1", payout.Successful, "payments completed", "a"},
		{"a payment that was not told of before", "11", "110", payout.Processing, "changed_after_final", "c"},
		{"one not told of before, and already there", "11", "111", payout.Successful, "payments changed_after_final", "c"},
		{"one goes back while others are under way", "01", "00", payout.Processing, "changed_after_final", "b"},
		{"one turns around while others are under way", "01", "02", payout.Processing, "payments changed_after_final", "b"},
		{"one goes back after the end", "11", "01", payout.Processing, "changed_after_final", "a"},
		{"one turns around after the end", "11", "12", payout.PartlyFailed, "payments changed_after_final", "b"},
		{"the end turns around", "1", "2", payout.Failed, "payments changed_after_final", "a"},
		{"the end becomes undocumented", "1", "9", payout.Processing, "changed_after_final", "a"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			before := payout.New("payout-1", "", start)
			if tt.before != "" {
				before = before.Looked(says(tt.before), start.Add(time.Minute), overdueAfter)
			}
			now := start.Add(2 * time.Minute)
			after := before.Looked(says(tt.says), now, overdueAfter)
			require.Equal(t, tt.state, after.State)
			require.Equal(t, tt.change, after.Change)
			changed := ""
			for _, p := range after.ChangedPayments() {
				changed += p.UniqueID
			}
			require.Equal(t, tt.changed, changed)
			require.Equal(t, now, after.CheckedAt)
			require.Equal(t, before.Checks+1, after.Checks)
			require.Equal(t, before.Revision+1, after.Revision)
			require.Equal(t, after.State.Final(), !after.FinalAt.IsZero())
			require.True(t, after.NextCheckAt.After(now))
		})
	}
}

func TestALookThatLearntNothingCostsNothingElse(t *testing.T) {
	t.Parallel()
	before := payout.New("payout-1", "november", start).Looked(says("01"), start.Add(time.Minute), overdueAfter)
	now := start.Add(2 * time.Minute)
	after := before.NotLooked("the provider cannot be reached", now, overdueAfter)
	require.Equal(t, "the provider cannot be reached", after.LastError)
	require.True(t, after.NextCheckAt.After(now))
	require.Empty(t, after.Change)
	require.Empty(t, after.ChangedPayments())

	want := before
	want.LastError, want.NextCheckAt, want.Checks = after.LastError, after.NextCheckAt, before.Checks+1
	want.Revision, want.UpdatedAt, want.Change = before.Revision+1, now, ""
	require.Equal(t, want, after)
	require.Empty(t, after.Looked(says("01"), now, overdueAfter).LastError, "the next look takes it away")
}

func TestOverdueIsToldOnce(t *testing.T) {
	t.Parallel()
	p := payout.New("payout-1", "", start)
	p = p.Looked(says("0"), start.Add(overdueAfter), overdueAfter)
	require.False(t, p.Overdue, "not longer than that yet")
	require.True(t, p.At(start.Add(overdueAfter+1), overdueAfter).Overdue, "everybody sees it at once")
	late := start.Add(overdueAfter + time.Second)

	for name, look := range map[string]func(payout.Payout, time.Time) payout.Payout{
		"by an answer":    func(p payout.Payout, now time.Time) payout.Payout { return p.Looked(says("0"), now, overdueAfter) },
		"by time, unseen": func(p payout.Payout, now time.Time) payout.Payout { return p.NotLooked("why", now, overdueAfter) },
	} {
		q := look(p, late)
		require.True(t, q.Overdue, name)
		require.Equal(t, "overdue", q.Change, name)
		q = look(q, late.Add(time.Hour))
		require.True(t, q.Overdue, name)
		require.Empty(t, q.Change, name)
		require.True(t, q.Looked(says("0"), late, 100*time.Hour).Overdue, "what was told stays told")
		q = q.Looked(says("1"), late.Add(2*time.Hour), overdueAfter)
		require.False(t, q.Overdue, name)
		require.Equal(t, "payments completed", q.Change)
		q = q.Looked(says("0"), late.Add(26*time.Hour), overdueAfter)
		require.False(t, q.Overdue, "it has been processing since now")
		q = q.Looked(says("0"), late.Add(27*time.Hour), overdueAfter)
		require.Equal(t, "overdue", q.Change, "a new watch, told anew")
	}
}

func TestAFinalPayoutIsWatchedAgainWhenItIsNotAnyMore(t *testing.T) {
	t.Parallel()
	final := payout.New("payout-1", "", start).Looked(says("1"), start.Add(time.Minute), overdueAfter)
	require.Equal(t, final.UpdatedAt, final.FinalAt)
	at := final.NextCheckAt
	again := final.Looked(says("0"), at, overdueAfter)
	require.Equal(t, at, again.WatchedAt)
	require.Equal(t, start, again.CreatedAt)
	requireLook(t, again, at.Add(time.Minute), time.Minute)
	end := again.Looked(says("2"), again.NextCheckAt, overdueAfter)
	require.Equal(t, "payments completed", end.Change)
	requireLook(t, end, end.FinalAt.Add(24*time.Hour), 24*time.Hour)
}

func TestMorePaymentsThanCanBeKept(t *testing.T) {
	t.Parallel()
	told := make([]payout.Told, payout.MaxPayments+1)
	for i := range told {
		told[i] = payout.Told{UniqueID: fmt.Sprint(i), Status: 1, State: payout.PaymentSuccessful}
	}
	before := payout.New("payout-1", "", start).Looked(says("0"), start.Add(time.Minute), overdueAfter)
	after := before.Looked(told, start.Add(2*time.Minute), overdueAfter)
	require.Contains(t, after.LastError, "more payments than can be kept")
	require.Equal(t, before.Payments, after.Payments)
	require.Equal(t, before.Revision+1, after.Revision)
}

func TestWantedAgain(t *testing.T) {
	t.Parallel()
	p := payout.New("payout-1", "november", start)
	now := start.Add(time.Hour)
	for reference, want := range map[string]string{"": "november", "november": "november", "december": "december"} {
		again, changed := p.Wanted(reference, now)
		require.Equal(t, want, again.Reference)
		require.Equal(t, want != p.Reference, changed)
		require.Equal(t, p.NextCheckAt, again.NextCheckAt)
	}
	// An earlier version ended a watch after 30 days.
	ended := p.Looked(says("0"), start.AddDate(0, 2, 0), overdueAfter)
	ended.NextCheckAt = time.Time{}
	again, changed := ended.Wanted("", now.AddDate(0, 3, 0))
	require.True(t, changed)
	requireLook(t, again, again.WatchedAt.Add(time.Minute), time.Minute)
	require.False(t, again.Overdue)
	final := p.Looked(says("1"), start.Add(time.Minute), overdueAfter)
	final.NextCheckAt = time.Time{}
	_, changed = final.Wanted("", now)
	require.False(t, changed, "there is nothing to wait for")
}

// Random histories: whatever is told, or not, and whenever.
func TestAnyHistory(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 1))
		now := start
		p := payout.New(fmt.Sprint("payout-", seed), "", now)
		for range 60 {
			now = now.Add([]time.Duration{0, time.Minute, time.Hour, -time.Second, 30 * time.Hour}[random.IntN(5)])
			before := p
			known := map[string]payout.Payment{}
			for _, one := range p.Payments {
				known[one.UniqueID] = one
			}
			told := map[string]payout.Told{}
			switch random.IntN(4) {
			case 0:
				p = p.NotLooked("why", now, overdueAfter)
				require.Equal(t, before.Payments, p.Payments)
				require.Equal(t, before.State, p.State)
			case 1:
				p = p.Claimed(now.Add(time.Minute))
				require.Equal(t, before.UpdatedAt, p.UpdatedAt)
				require.Empty(t, p.Change)
				continue
			default:
				statuses := ""
				for range 1 + random.IntN(5) {
					statuses += string("-0112224"[random.IntN(8)])
				}
				for _, one := range says(statuses) {
					told[one.UniqueID] = one
				}
				p = p.Looked(says(statuses), now, overdueAfter)
			}
			require.Equal(t, before.Revision+1, p.Revision)
			require.True(t, p.UpdatedAt.After(before.UpdatedAt), "each write has a time of its own")

			// No payment is lost; what is told is taken, what is not stays.
			ended := false
			for _, one := range p.Payments {
				was, wasKnown := known[one.UniqueID]
				delete(known, one.UniqueID)
				say, isTold := told[one.UniqueID]
				require.True(t, wasKnown || isTold)
				if !isTold {
					require.Equal(t, was, one)
					continue
				}
				require.Equal(t, say.State, one.State)
				require.Equal(t, one.ChangedAt.Equal(p.UpdatedAt), !wasKnown || was.State != one.State, "exactly what changed can be told by its time")
				ended = ended || one.ChangedAt.Equal(p.UpdatedAt) && one.State.Final()
			}
			require.Empty(t, known)
			require.Equal(t, ended, p.Changed(payout.ChangePayments))
			require.Equal(t, !before.State.Final() && p.State.Final(), p.Changed(payout.ChangeCompleted))
			require.False(t, p.Overdue && p.State.Final())
			if p.Changed(payout.ChangeOverdue) {
				require.False(t, before.Overdue)
				require.True(t, p.Overdue)
			}
			if before.State != p.State && before.State.Final() {
				require.True(t, p.Changed(payout.ChangeAfterFinal))
			}
			require.Equal(t, p.State.Final(), p.State != payout.Processing)
			for _, word := range strings.Fields(p.Change) {
				require.True(t, slices.Contains(payout.Changes(), word))
			}
			if !p.NextCheckAt.IsZero() {
				require.True(t, p.NextCheckAt.After(p.UpdatedAt))
			}
		}
	}
}
