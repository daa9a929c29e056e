package handler_test

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	simulator "dinarfunctions/sandbox/provider/dineropay"
	"dinarfunctions/shared/subscription"
)

// due is a house with a subscription whose first cycle is due.
func due(t *testing.T, change map[string]any) *house {
	t.Helper()
	h := newHouse(t)
	h.put(t, "gold-42", change)
	h.at(first)
	return h
}

// The contract's table, "what became of a cycle's charge", through the function.
func TestWhatBecameOfACyclesCharge(t *testing.T) {
	t.Parallel()
	refused := []simulator.Fault{simulator.HashRefused, simulator.HashRefused}
	for _, tt := range []struct {
		name   string
		card   string
		faults []simulator.Fault
		failed int // messages
		want   map[string]any
		last   string
	}{
		{"settled", "fine", nil, 0, map[string]any{"state": "active", "cycle": 2, "attempt": 0, "next_charge_at": "2026-12-22T09:00:00.000Z"}, "settled"},
		{"declined, soft", "declined-limit", nil, 0, map[string]any{"state": "past_due", "cycle": 1, "attempt": 1, "next_charge_at": "2026-11-23T09:00:00.000Z"}, "declined"},
		{"declined, unclassified", "declined", nil, 0, map[string]any{"state": "past_due", "cycle": 1, "attempt": 1, "next_charge_at": "2026-11-23T09:00:00.000Z"}, "declined"},
		{"declined, hard", "declined-stolen", nil, 0, map[string]any{"state": "unpaid", "cycle": 1, "attempt": 1, "next_charge_at": nil}, "declined"},
		{"pending", "pending", nil, 0, map[string]any{"state": "active", "cycle": 1, "attempt": 0, "next_charge_at": nil}, "pending"},
		{"unknown", "fine", []simulator.Fault{simulator.CutBefore}, 0, map[string]any{"state": "active", "cycle": 1, "attempt": 0, "next_charge_at": nil}, "unknown"},
		{"rejected", "fine", []simulator.Fault{simulator.HTTP404}, 0, map[string]any{"state": "held", "cycle": 1, "attempt": 0, "next_charge_at": nil}, "rejected"},
		{"unsent", "fine", []simulator.Fault{simulator.HTTP429}, 1, map[string]any{"state": "active", "cycle": 1, "attempt": 0, "next_charge_at": "2026-11-22T09:00:00.000Z"}, "unsent"},
		{"key refused", "fine", refused, 1, map[string]any{"state": "active", "cycle": 1, "attempt": 0, "next_charge_at": "2026-11-22T09:00:00.000Z"}, "unsent"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := due(t, card(tt.card))
			require.NoError(t, h.provider.Script(tt.faults...))
			require.Equal(t, tt.failed, h.work(t))
			s := h.sub(t, "gold-42")
			requireFields(t, tt.want, s)
			require.Equal(t, tt.last, s["last_charge"].(map[string]any)["state"])
			if s["state"] == "held" {
				require.Contains(t, s["reason"], "gold-42-0001")
				require.Contains(t, h.log.String(), `"alarm":"subscription_held"`)
			}

			// Messages that come again, late, or about what is not yet, change nothing.
			sent := h.provider.Totals().Charges
			if tt.failed == 0 {
				require.Empty(t, h.deliver(t, message("gold-42", 1, 0), message("gold-42", 1, 1), message("gold-42", 2, 0), message("gold-42", 1, 0)))
				requireFields(t, tt.want, h.sub(t, "gold-42"))
				require.Equal(t, sent, h.provider.Totals().Charges)
			} else {
				require.Empty(t, h.deliver(t, message("gold-42", 1, 0)), "it goes through now")
				requireFields(t, map[string]any{"cycle": 2, "state": "active"}, h.sub(t, "gold-42"))
				require.Equal(t, 1, h.provider.Counts("gold-42-0001").Charged)
			}
		})
	}
}

func TestOpenOutcomesAreTakenOver(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]map[string]any{
		"settled":    {"state": "active", "cycle": 2},
		"declined":   {"state": "past_due", "cycle": 1, "attempt": 1},
		"void":       {"state": "active", "cycle": 2},
		"chargeback": {"state": "held", "cycle": 1},
	} {
		t.Run(word, func(t *testing.T) {
			t.Parallel()
			h := due(t, card("pending"))
			h.work(t)
			h.advance(5 * time.Minute)
			h.work(t)
			requireFields(t, map[string]any{"state": "active", "cycle": 1, "next_charge_at": nil}, h.sub(t, "gold-42"))
			require.NoError(t, h.provider.SetStatus(h.paymentOf(t, "gold-42-0001"), word, "Insufficient funds"))
			h.advance(time.Hour)
			h.work(t)
			requireFields(t, want, h.sub(t, "gold-42"))
			require.Equal(t, 1, h.provider.Totals().Charges)
		})
	}
}

func TestAnOutcomeThatIsOpenForTooLongIsHeld(t *testing.T) {
	t.Parallel()
	h := due(t, card("pending"))
	h.work(t)
	for range 13 {
		h.advance(24 * time.Hour)
		h.work(t)
	}
	requireFields(t, map[string]any{"state": "active"}, h.sub(t, "gold-42"))
	for range 2 {
		h.advance(24 * time.Hour)
		h.work(t)
	}
	requireFields(t, map[string]any{"state": "held"}, h.sub(t, "gold-42"))
	s := h.do(t, "gold-42", "resume", `{"missed": "charge_latest"}`)
	requireFields(t, map[string]any{"state": "active", "cycle": 1, "next_charge_at": nil}, s)
	h.work(t)
	require.Equal(t, 1, h.provider.Totals().Charges, "one whose charge is open is waited for")
	require.NoError(t, h.provider.SetStatus(h.paymentOf(t, "gold-42-0001"), "settled", ""))
	h.advance(24 * time.Hour)
	h.work(t)
	requireFields(t, map[string]any{"state": "active", "cycle": 2}, h.sub(t, "gold-42"))
}

func TestAChargebackHolds(t *testing.T) {
	t.Parallel()
	h := due(t, nil)
	h.work(t)
	require.NoError(t, h.provider.SetStatus(h.paymentOf(t, "gold-42-0001"), "chargeback", ""))
	require.NoError(t, h.ledger.Hint(t.Context(), "gold-42-0001", ""), "as a callback does")
	h.work(t)
	s := h.sub(t, "gold-42")
	requireFields(t, map[string]any{"state": "held", "cycle": 2}, s)
	require.Contains(t, s["reason"], "charged back")
	requireFields(t, map[string]any{"state": "active", "cycle": 2}, h.do(t, "gold-42", "resume", `{"missed": "charge_latest"}`))
	h.advance(time.Hour)
	h.work(t)
	requireFields(t, map[string]any{"state": "active", "cycle": 2}, h.sub(t, "gold-42"))
	require.Equal(t, 1, h.provider.Totals().Charges)
	h.at(first.AddDate(0, 1, 0))
	h.work(t)
	requireFields(t, map[string]any{"state": "active", "cycle": 3}, h.sub(t, "gold-42"))
}

// What was learnt from a status request is told to the subscription once, and the
// provider is not asked about it for ever.
func TestASettledChargeIsNotAskedAboutAgain(t *testing.T) {
	t.Parallel()
	h := due(t, nil)
	require.NoError(t, h.provider.Script(simulator.CutAfter))
	h.work(t)
	h.advance(time.Minute)
	h.work(t)
	h.advance(time.Minute)
	h.work(t)
	requireFields(t, map[string]any{"state": "active", "cycle": 2}, h.sub(t, "gold-42"))
	h.advance(10 * time.Minute)
	h.work(t)
	asked := h.provider.Totals().Statuses
	for range 10 {
		h.advance(time.Hour)
		h.work(t)
	}
	require.Equal(t, asked, h.provider.Totals().Statuses)
}

func TestDeclinesAreTriedOnTheirDaysAndThenUnpaid(t *testing.T) {
	t.Parallel()
	h := due(t, card("declined-insufficient"))
	var tried []string
	for day := range 40 {
		h.at(first.AddDate(0, 0, day))
		before := h.provider.Totals().Charges
		require.Zero(t, h.work(t))
		if h.provider.Totals().Charges > before {
			tried = append(tried, fmt.Sprint(day))
		}
	}
	require.Equal(t, "0 1 3 5 7", strings.Join(tried, " "))
	requireFields(t, map[string]any{"state": "unpaid", "cycle": 1, "attempt": 5, "next_charge_at": nil}, h.sub(t, "gold-42"))

	// The customer brings another card: tried at once, and what was missed is skipped.
	s := h.put(t, "gold-42", nil)
	requireFields(t, map[string]any{"state": "past_due", "cycle": 1, "attempt": 5}, s)
	h.work(t)
	require.Equal(t, 1, h.charged("gold-42-0001-r5"))
	requireFields(t, map[string]any{"state": "active", "cycle": 3, "attempt": 0, "next_charge_at": "2027-01-22T09:00:00.000Z"}, h.sub(t, "gold-42"))
}

func TestNoTriesAtAll(t *testing.T) {
	t.Parallel()
	h := due(t, map[string]any{"recurring_token": "MARKED-tok-declined-limit", "retry_after_days": []int{}})
	h.work(t)
	requireFields(t, map[string]any{"state": "unpaid", "attempt": 1}, h.sub(t, "gold-42"))
}

func TestADeclineWithoutRoomForATry(t *testing.T) {
	t.Parallel()
	daily := map[string]any{"count": 1, "unit": "day"}
	h := due(t, map[string]any{"recurring_token": "MARKED-tok-declined-limit", "every": daily})
	h.work(t)
	requireFields(t, map[string]any{"state": "past_due", "cycle": 2, "attempt": 0, "next_charge_at": "2026-11-23T09:00:00.000Z"}, h.sub(t, "gold-42"))
	h.advance(24 * time.Hour)
	h.work(t)
	requireFields(t, map[string]any{"state": "past_due", "cycle": 3}, h.sub(t, "gold-42"))
	require.Zero(t, h.charged("gold-42-0001-r1"))

	// A new card goes back to the cycle that was declined last, and the next one comes on
	// its day.
	h.put(t, "gold-42", map[string]any{"every": daily})
	h.work(t)
	require.Equal(t, 1, h.charged("gold-42-0002-r1"))
	requireFields(t, map[string]any{"state": "active", "cycle": 3, "next_charge_at": "2026-11-24T09:00:00.000Z"}, h.sub(t, "gold-42"))
	h.advance(24 * time.Hour)
	h.work(t)
	requireFields(t, map[string]any{"state": "active", "cycle": 4}, h.sub(t, "gold-42"))
	require.Zero(t, h.charged("gold-42-0001-r1"))
}

// Contract, Subscriptions: a PUT with a new token while it is past due and no charge is
// open tries the declined cycle at once. The customer's new card does not wait for a
// planned day, nor for room before the next cycle, and with no try left the declined cycle
// is tried with it once more.
func TestANewCardWhilePastDueTriesAtOnce(t *testing.T) {
	t.Parallel()
	week := map[string]any{"count": 1, "unit": "week"}
	with := func(card string, change map[string]any) map[string]any {
		all := map[string]any{"recurring_token": "MARKED-tok-" + card + "-7002"}
		maps.Copy(all, change)
		return all
	}
	for _, tt := range []struct {
		name, number, next string
		terms              map[string]any
		days               float64 // after the first charge
	}{
		{"a planned day is waited for", "gold-42-0001-r1", "2026-12-22T09:00:00.000Z", map[string]any{"retry_after_days": []int{7}}, 2},
		{"no room before the next cycle", "gold-42-0001-r4", "2026-11-29T09:00:00.000Z", map[string]any{"every": week}, 5.5},
		{"no room, a minute before the next cycle", "gold-42-0001-r4", "2026-11-29T09:00:00.000Z", map[string]any{"every": week}, 7 - 1./24/60},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := due(t, with("declined-limit", tt.terms))
			until := first.Add(time.Duration(tt.days * 24 * float64(time.Hour)))
			for now := first; now.Before(until); now = now.Add(12 * time.Hour) {
				h.at(now)
				require.Zero(t, h.work(t))
			}
			h.at(until)
			s := h.put(t, "gold-42", with("fine", tt.terms))
			requireFields(t, map[string]any{"state": "past_due", "cycle": 1}, s)
			require.Zero(t, h.work(t))
			require.Equal(t, 1, h.charged(tt.number))
			requireFields(t, map[string]any{"state": "active", "cycle": 2, "attempt": 0, "next_charge_at": tt.next}, h.sub(t, "gold-42"))

			// And then each cycle once, on its day.
			next, err := time.Parse(time.RFC3339, tt.next)
			require.NoError(t, err)
			for range 3 {
				h.at(next)
				require.Zero(t, h.work(t))
				h.advance(time.Minute)
				require.Zero(t, h.work(t))
			}
			require.Equal(t, 1, h.charged("gold-42-0002"))
			requireFields(t, map[string]any{"state": "active", "cycle": 3}, h.sub(t, "gold-42"))
		})
	}
}

// While a charge is open a new card waits for its outcome.
func TestANewCardWhileAChargeIsOpen(t *testing.T) {
	t.Parallel()
	h := due(t, card("declined-limit"))
	h.work(t)
	h.put(t, "gold-42", card("pending"))
	h.work(t)
	require.Equal(t, 1, h.charged("gold-42-0001-r1"))
	s := h.put(t, "gold-42", card("fine"))
	requireFields(t, map[string]any{"state": "past_due", "cycle": 1, "attempt": 1, "next_charge_at": nil}, s)
	h.advance(time.Minute)
	h.work(t)
	require.Equal(t, 2, h.provider.Totals().Charges)
}

// Contract, Subscriptions: before a cycle is charged, the last cycle that was ever settled
// is asked about. A chargeback that nobody called back about holds the subscription before
// more is taken. A refund does not hold.
func TestAChargebackThatNobodyCalledBackAbout(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]string{"chargeback": "held", "refund": "active", "void": "active"} {
		t.Run(word, func(t *testing.T) {
			t.Parallel()
			h := due(t, nil)
			h.work(t)
			require.NoError(t, h.provider.SetStatus(h.paymentOf(t, "gold-42-0001"), word, ""))
			h.at(first.AddDate(0, 1, 0))
			require.Zero(t, h.work(t))
			s := h.sub(t, "gold-42")
			requireFields(t, map[string]any{"state": want}, s)
			if want == "active" {
				require.Equal(t, 1, h.charged("gold-42-0002"))
				return
			}
			require.Zero(t, h.charged("gold-42-0002"))
			require.Contains(t, s["reason"], "gold-42-0001 was charged back")
			require.Contains(t, h.log.String(), `"alarm":"subscription_held"`)

			// It holds once.
			h.do(t, "gold-42", "resume", `{"missed": "charge_latest"}`)
			require.Zero(t, h.work(t))
			require.Equal(t, 1, h.charged("gold-42-0002"))
			requireFields(t, map[string]any{"state": "active", "cycle": 3}, h.sub(t, "gold-42"))
		})
	}
}

// Also where a later cycle was declined or skipped since, and where that cannot be asked
// the cycle goes on.
func TestTheLastPaidCycleIsAskedAbout(t *testing.T) {
	t.Parallel()
	paidThenDeclined := func(t *testing.T) *house {
		h := due(t, map[string]any{"retry_after_days": []int{}})
		h.work(t)
		h.put(t, "gold-42", map[string]any{"recurring_token": "MARKED-tok-declined-limit", "retry_after_days": []int{}})
		h.at(first.AddDate(0, 1, 0))
		h.work(t)
		requireFields(t, map[string]any{"state": "unpaid", "cycle": 2}, h.sub(t, "gold-42"))
		h.do(t, "gold-42", "resume", `{"missed": "skip"}`)
		h.put(t, "gold-42", nil)
		h.at(first.AddDate(0, 2, 0))
		return h
	}
	t.Run("charged back", func(t *testing.T) {
		t.Parallel()
		h := paidThenDeclined(t)
		require.NoError(t, h.provider.SetStatus(h.paymentOf(t, "gold-42-0001"), "chargeback", ""))
		require.Zero(t, h.work(t))
		requireFields(t, map[string]any{"state": "held", "cycle": 3}, h.sub(t, "gold-42"))
		require.Zero(t, h.charged("gold-42-0003"))
	})
	t.Run("cannot be asked about", func(t *testing.T) {
		t.Parallel()
		h := paidThenDeclined(t)
		require.NoError(t, h.provider.ScriptStatus(slices.Repeat([]simulator.Fault{simulator.HTTP500}, 10)...))
		require.Zero(t, h.work(t))
		require.Equal(t, 1, h.charged("gold-42-0003"))
	})
}

// Contract, Subscriptions: a last cycle that could not be charged on its last day is held
// with the reason, never finished without a word. What is due in the last hour of ends_on
// may be charged up to an hour late, past midnight.
func TestTheLastCycleOnItsLastDay(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		at      string
		late    time.Duration
		state   string
		charged int
	}{
		{"23:30", 50 * time.Minute, "finished", 1},
		{"23:30", 70 * time.Minute, "held", 0},
		{"09:00", 14 * time.Hour, "finished", 1},
		{"09:00", 16 * time.Hour, "held", 0},
		{"09:00", 90 * time.Hour, "held", 0},
	} {
		t.Run(fmt.Sprint(tt.at, " ", tt.late), func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			h.put(t, "gold-42", map[string]any{"charge_at": tt.at, "ends_on": "2026-11-22"})
			planned, err := time.Parse("2006-01-02 15:04", "2026-11-22 "+tt.at)
			require.NoError(t, err)
			h.at(planned.Add(tt.late))
			require.Zero(t, h.work(t))
			require.Equal(t, tt.charged, h.charged("gold-42-0001"))
			s := h.sub(t, "gold-42")
			requireFields(t, map[string]any{"state": tt.state}, s)
			if tt.state != "held" {
				return
			}
			require.Contains(t, s["reason"], "nothing may be charged after its last day, 2026-11-22")
			require.Contains(t, h.log.String(), `"alarm":"subscription_held"`)
			// charge_latest charges nothing after ends_on, and it is finished then.
			requireFields(t, map[string]any{"state": "finished"}, h.do(t, "gold-42", "resume", `{"missed": "charge_latest"}`))
			require.Zero(t, h.work(t))
			require.Zero(t, h.provider.Totals().Charges)
		})
	}
	t.Run("with a later last day it is charged after all", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t)
		h.put(t, "gold-42", map[string]any{"ends_on": "2026-11-22"})
		h.at(first.Add(16 * time.Hour))
		require.Zero(t, h.work(t))
		h.put(t, "gold-42", map[string]any{"ends_on": "2026-11-23"})
		h.do(t, "gold-42", "resume", `{"missed": "charge_latest"}`)
		require.Zero(t, h.work(t))
		require.Equal(t, 1, h.charged("gold-42-0001"))
		requireFields(t, map[string]any{"state": "finished"}, h.sub(t, "gold-42"))
	})
}

// Contract, Subscriptions: two tries of a cycle that both turn out settled are told as
// paid twice, and the subscription goes on. Both are settled before it hears of either.
func TestBothTriesPaidBeforeItHearsOfEither(t *testing.T) {
	t.Parallel()
	for state, days := range map[string][]int{"unpaid": {1}, "past_due": {1, 20}} {
		t.Run(state, func(t *testing.T) {
			t.Parallel()
			h := due(t, map[string]any{"recurring_token": "MARKED-tok-declined-insufficient", "retry_after_days": days})
			h.work(t)
			h.at(first.AddDate(0, 0, 1))
			h.work(t)
			require.Equal(t, 1, h.charged("gold-42-0001-r1"))
			requireFields(t, map[string]any{"state": state, "cycle": 1, "attempt": 2}, h.sub(t, "gold-42"))
			for _, number := range []string{"gold-42-0001", "gold-42-0001-r1"} {
				require.NoError(t, h.provider.SetStatus(h.paymentOf(t, number), "settled", ""))
				require.NoError(t, h.ledger.Hint(t.Context(), number, ""), "as a callback does")
			}
			for range 3 {
				h.advance(time.Minute)
				require.Zero(t, h.work(t))
			}
			requireFields(t, map[string]any{"state": "active", "cycle": 2, "next_charge_at": "2026-12-22T09:00:00.000Z"}, h.sub(t, "gold-42"))
			require.Equal(t, 1, strings.Count(h.log.String(), `"alarm":"paid_twice"`))
			require.Contains(t, h.log.String(), `"change":"recovered"`)
			h.at(first.AddDate(0, 1, 0))
			require.Zero(t, h.work(t))
			require.Equal(t, 1, h.charged("gold-42-0002"))
		})
	}
}

func TestLateness(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		late       time.Duration
		statuses   int
		state      string
		charges    int
		everyCount int
		unit       string
	}{
		{0, 0, "active", 1, 1, "month"},
		{time.Hour, 0, "active", 1, 1, "month"},
		{2 * time.Hour, 1, "active", 1, 1, "month"},
		{72 * time.Hour, 1, "active", 1, 1, "month"},
		{72*time.Hour + time.Second, 0, "held", 0, 1, "month"},
		{96 * time.Hour, 0, "held", 0, 1, "month"},
		{12 * time.Hour, 1, "active", 1, 1, "day"},
		{13 * time.Hour, 0, "held", 0, 1, "day"},
	} {
		t.Run(fmt.Sprint(tt.late, tt.unit), func(t *testing.T) {
			t.Parallel()
			h := due(t, map[string]any{"every": map[string]any{"count": tt.everyCount, "unit": tt.unit}})
			h.advance(tt.late)
			require.Zero(t, h.work(t))
			require.Equal(t, tt.statuses, h.provider.Counts("gold-42-0001").Statuses)
			require.Equal(t, tt.charges, h.charged("gold-42-0001"))
			requireFields(t, map[string]any{"state": tt.state}, h.sub(t, "gold-42"))
		})
	}
}

// The ledger was restored from a backup: the provider has charged what is late here.
func TestALateChargeThatTheProviderHas(t *testing.T) {
	t.Parallel()
	h := due(t, nil)
	other := h.withEmptyLedger(t)
	_, c := other.post(t, strings.Replace(body("gold-42-0001", nil), `"1.00"`, `"10.00"`, 1))
	require.Equal(t, "settled", c["state"])
	h.advance(2 * time.Hour)
	require.Zero(t, h.work(t))
	require.Equal(t, 1, h.charged("gold-42-0001"))
	requireFields(t, map[string]any{"state": "active", "cycle": 2}, h.sub(t, "gold-42"))

	// And where it cannot be asked, it is not charged.
	h.schedule(t)
	h.at(first.AddDate(0, 1, 0).Add(2 * time.Hour))
	// Its question about the cycle before may fail; the one about its own number counts.
	require.NoError(t, h.provider.ScriptStatus(slices.Repeat([]simulator.Fault{simulator.HTTP500}, 10)...))
	require.Equal(t, 1, h.work(t))
	require.Zero(t, h.charged("gold-42-0002"))
	requireFields(t, map[string]any{"state": "active", "cycle": 2}, h.sub(t, "gold-42"))
}

func TestANumberThatStandsForSomethingElse(t *testing.T) {
	t.Parallel()
	h := due(t, nil)
	_, _ = h.post(t, body("gold-42-0001", nil))
	h.work(t)
	s := h.sub(t, "gold-42")
	requireFields(t, map[string]any{"state": "held", "cycle": 1}, s)
	require.Contains(t, s["reason"], "another charge")
	require.Equal(t, 1, h.charged("gold-42-0001"))
	requireFields(t, map[string]any{"state": "active", "cycle": 2}, h.do(t, "gold-42", "resume", `{"missed": "skip"}`))
}

func TestStoppedChargesNothingAndLosesNothing(t *testing.T) {
	t.Parallel()
	h := due(t, nil)
	h.mode(t, "stopped")
	h.schedule(t)
	require.Empty(t, h.queue.take(), "nothing is queued")
	require.Contains(t, h.log.String(), `"metric":"queued","sent":0,"unsent":0,"failed":0,"stopped":true`)
	require.Empty(t, h.deliver(t, message("gold-42", 1, 0)), "and messages are taken and dropped")
	require.Zero(t, h.provider.Totals().Charges)
	requireFields(t, map[string]any{"state": "active", "cycle": 1}, h.sub(t, "gold-42"))
	h.mode(t, "live")
	h.advance(time.Minute)
	h.work(t)
	requireFields(t, map[string]any{"cycle": 2}, h.sub(t, "gold-42"))
}

func TestAskFirstAsks(t *testing.T) {
	t.Parallel()
	h := due(t, nil)
	h.mode(t, "ask_first")
	h.work(t)
	require.Equal(t, 1, h.provider.Counts("gold-42-0001").Statuses)
	require.Equal(t, 1, h.charged("gold-42-0001"))
}

func TestPauseAndCancelBetweenMessageAndCharge(t *testing.T) {
	t.Parallel()
	for _, what := range []string{"paused", "cancelled"} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			h := due(t, nil)
			h.schedule(t)
			messages := h.queue.take()
			require.Len(t, messages, 1)
			if what == "paused" {
				h.do(t, "gold-42", "pause", "")
			} else {
				h.cancel(t, "gold-42")
			}
			require.Empty(t, h.deliver(t, messages...))
			require.Zero(t, h.provider.Totals().Charges)
			requireFields(t, map[string]any{"state": what, "last_charge": nil}, h.sub(t, "gold-42"))
		})
	}
}

// An outcome that arrives when nothing is charged any more changes what is known of
// the charge, and not the state.
func TestOutcomesAfterPauseAndCancel(t *testing.T) {
	t.Parallel()
	for _, what := range []string{"paused", "cancelled"} {
		for _, word := range []string{"settled", "declined"} {
			t.Run(what+" "+word, func(t *testing.T) {
				t.Parallel()
				h := due(t, card("pending"))
				h.work(t)
				if what == "paused" {
					h.do(t, "gold-42", "pause", "")
				} else {
					h.cancel(t, "gold-42")
				}
				require.NoError(t, h.provider.SetStatus(h.paymentOf(t, "gold-42-0001"), word, ""))
				h.advance(time.Minute)
				h.work(t)
				s := h.sub(t, "gold-42")
				requireFields(t, map[string]any{"state": what, "next_charge_at": nil}, s)
				require.Equal(t, word, s["last_charge"].(map[string]any)["state"])
			})
		}
	}
}

func TestResume(t *testing.T) {
	t.Parallel()
	monthsLater := func(h *house) { h.at(first.AddDate(0, 2, 5)) }
	for _, tt := range []struct {
		name, card string
		stop       func(t *testing.T, h *house)
		body       string
		later      func(h *house)
		refused    bool   // 422 without a say
		number     string // what is charged at once; "" for nothing
		want       map[string]any
	}{
		{"paused, not due yet", "fine", pause, "", nil, false, "", map[string]any{"state": "active", "cycle": 1}},
		{"paused, missed, skip by default", "fine", pause, "", monthsLater, false, "", map[string]any{"state": "active", "cycle": 4}},
		{"paused, missed, the latest", "fine", pause, "charge_latest", monthsLater, false, "gold-42-0003", map[string]any{"state": "active", "cycle": 4}},
		{"held for lateness, skip", "fine", late, "skip", nil, true, "", map[string]any{"state": "active", "cycle": 2}},
		{"held for lateness, the latest", "fine", late, "charge_latest", nil, true, "gold-42-0001", map[string]any{"state": "active", "cycle": 2}},
		{"held for lateness, the latest of three", "fine", late, "charge_latest", monthsLater, true, "gold-42-0003", map[string]any{"state": "active", "cycle": 4}},
		{"rejected, skip", "fine", rejected, "skip", nil, true, "", map[string]any{"state": "active", "cycle": 2}},
		{"rejected, the same number", "fine", rejected, "charge_latest", nil, true, "gold-42-0001", map[string]any{"state": "active", "cycle": 2}},
		{"unpaid, skip", "declined-stolen", nil, "skip", nil, true, "", map[string]any{"state": "active", "cycle": 2, "attempt": 0}},
		{"unpaid, the same card again", "declined-stolen", nil, "charge_latest", nil, true, "gold-42-0001-r1", map[string]any{"state": "unpaid", "cycle": 1, "attempt": 2}},
		{"unpaid, the latest", "declined-stolen", nil, "charge_latest", monthsLater, true, "gold-42-0003", map[string]any{"state": "unpaid", "cycle": 3, "attempt": 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			h.put(t, "gold-42", card(tt.card))
			if tt.stop != nil {
				tt.stop(t, h)
			} else {
				h.at(first)
				h.work(t)
			}
			if tt.later != nil {
				tt.later(h)
				h.work(t)
			}
			stopped := h.sub(t, "gold-42")
			if tt.refused {
				status, problem := h.request(t, http.MethodPost, "/subscriptions/gold-42/resume", "")
				require.Equal(t, http.StatusUnprocessableEntity, status)
				require.Equal(t, []string{"missed"}, fieldsOf(problem))
				require.Equal(t, stopped, h.sub(t, "gold-42"))
			}
			before := h.provider.Totals().Charges
			say := ""
			if tt.body != "" {
				say = `{"missed": "` + tt.body + `"}`
			}
			resumed := h.do(t, "gold-42", "resume", say)
			require.Nil(t, resumed["reason"])
			require.Equal(t, resumed, h.do(t, "gold-42", "resume", say), "once more changes nothing")
			h.work(t)
			requireFields(t, tt.want, h.sub(t, "gold-42"))
			if tt.number == "" {
				require.Equal(t, before, h.provider.Totals().Charges)
			} else {
				require.Equal(t, before+1, h.provider.Totals().Charges)
				require.LessOrEqual(t, 1, h.provider.Counts(tt.number).Statuses, "the provider is asked first")
			}
		})
	}
}

func pause(t *testing.T, h *house) { h.do(t, "gold-42", "pause", "") }

func late(t *testing.T, h *house) {
	h.at(first.Add(96 * time.Hour))
	h.work(t)
}

func rejected(t *testing.T, h *house) {
	h.at(first)
	require.NoError(t, h.provider.Script(simulator.HTTP404))
	h.work(t)
}

// The last of the missed cycles is never one beyond the subscription's end.
func TestTheLatestOfTheLastCycles(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		card   string
		cycles int
		stop   bool // paused once the first cycle is over
		number string
	}{
		{"paused", "fine", 3, true, "gold-42-0003"},
		{"unpaid", "declined-stolen", 1, false, "gold-42-0001-r1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := due(t, map[string]any{"recurring_token": "MARKED-tok-" + tt.card, "cycles": tt.cycles})
			h.work(t)
			if tt.stop {
				pause(t, h)
			}
			h.at(first.AddDate(0, 5, 5))
			h.do(t, "gold-42", "resume", `{"missed": "charge_latest"}`)
			h.work(t)
			require.Equal(t, 1, h.charged(tt.number))
			require.Equal(t, 2, h.provider.Totals().Charges)
		})
	}
}

// The table of charges was restored to a time before the claim.
func TestALedgerThatLostTheCharge(t *testing.T) {
	t.Parallel()
	for missed, want := range map[string]int{"skip": 0, "charge_latest": 1} {
		t.Run(missed, func(t *testing.T) {
			t.Parallel()
			h := due(t, nil)
			require.NoError(t, h.provider.Script(simulator.CutBefore))
			h.work(t)
			other := h.withEmptyLedger(t)
			other.move(t, h, "gold-42")
			other.advance(time.Minute)
			other.work(t)
			s := other.sub(t, "gold-42")
			requireFields(t, map[string]any{"state": "held"}, s)
			require.Contains(t, s["reason"], "lost")
			other.do(t, "gold-42", "resume", `{"missed": "`+missed+`"}`)
			before := h.charged("gold-42-0001")
			other.work(t)
			requireFields(t, map[string]any{"state": "active", "cycle": 2}, other.sub(t, "gold-42"))
			require.Equal(t, before+want, h.charged("gold-42-0001"))
		})
	}
}

// The customer paid after all, while the next try was under way.
func TestTwoTriesPaid(t *testing.T) {
	t.Parallel()
	for _, order := range []string{"the first after the second", "the first while the second is open", "both before the subscription hears of either"} {
		t.Run(order, func(t *testing.T) {
			t.Parallel()
			h := due(t, card("declined-insufficient"))
			h.work(t)
			h.put(t, "gold-42", card("pending"))
			h.advance(24 * time.Hour)
			h.work(t)
			require.Equal(t, 1, h.charged("gold-42-0001-r1"))
			settle := func(number string) {
				require.NoError(t, h.provider.SetStatus(h.paymentOf(t, number), "settled", ""))
				require.NoError(t, h.ledger.Hint(t.Context(), number, ""), "as a callback does")
				h.advance(time.Minute)
				h.work(t)
				h.advance(time.Minute)
				h.work(t)
			}
			switch order {
			case "the first after the second":
				settle("gold-42-0001-r1")
				requireFields(t, map[string]any{"state": "active", "cycle": 2}, h.sub(t, "gold-42"))
				require.NotContains(t, h.log.String(), `"alarm":"paid_twice"`)
				settle("gold-42-0001")
			case "the first while the second is open":
				settle("gold-42-0001")
				require.NotContains(t, h.log.String(), `"alarm":"paid_twice"`)
				settle("gold-42-0001-r1")
			case "both before the subscription hears of either":
				for _, number := range []string{"gold-42-0001", "gold-42-0001-r1"} {
					require.NoError(t, h.provider.SetStatus(h.paymentOf(t, number), "settled", ""))
					require.NoError(t, h.ledger.Hint(t.Context(), number, ""))
				}
				h.deliver(t, message("gold-42", 1, 1))
			}
			require.Equal(t, 1, strings.Count(h.log.String(), `"alarm":"paid_twice"`), "without anybody having to look")
			requireFields(t, map[string]any{"state": "active", "cycle": 2}, h.sub(t, "gold-42"))
			require.Equal(t, 1, strings.Count(h.log.String(), `"alarm":"paid_twice"`), "once")
		})
	}
}

// Before a next try goes, the earlier ones are asked about.
func TestAnEarlierTryThatSettledMeanwhile(t *testing.T) {
	t.Parallel()
	h := due(t, card("declined-insufficient"))
	h.work(t)
	require.NoError(t, h.provider.SetStatus(h.paymentOf(t, "gold-42-0001"), "settled", ""))
	h.advance(24 * time.Hour)
	h.work(t)
	require.Zero(t, h.charged("gold-42-0001-r1"))
	requireFields(t, map[string]any{"state": "active", "cycle": 2}, h.sub(t, "gold-42"))
	require.NotContains(t, h.log.String(), "paid_twice")
}

func TestDuplicatesAtTheSameTime(t *testing.T) {
	t.Parallel()
	h := due(t, nil)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			h.deliver(t, message("gold-42", 1, 0), message("gold-42", 1, 0), message("gold-42", 2, 0))
			h.schedule(t)
		})
	}
	wg.Wait()
	require.Equal(t, 1, h.charged("gold-42-0001"))
	h.advance(time.Minute)
	h.work(t)
	requireFields(t, map[string]any{"state": "active", "cycle": 2}, h.sub(t, "gold-42"))
	require.Equal(t, 1, h.provider.Totals().Charges)
}

func TestTheScheduleIsRepeatable(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for i := range 250 {
		h.put(t, fmt.Sprintf("gold-%d", i), nil)
	}
	h.at(first)
	h.schedule(t)
	h.schedule(t)
	h.advance(time.Minute)
	h.schedule(t)
	require.Len(t, h.queue.take(), 250)
	// The messages got lost: they come again after a quarter of an hour.
	h.advance(13 * time.Minute)
	h.schedule(t)
	require.Empty(t, h.queue.take())
	h.advance(time.Minute)
	h.schedule(t)
	require.Len(t, h.queue.take(), 250)
}

// The schedule fails, so that somebody hears of it, and asks about open charges all the
// same.
func TestAQueueThatTakesNothingKeepsNothingElseUp(t *testing.T) {
	t.Parallel()
	h := due(t, nil)
	h.lost(t, "order-1", simulator.CutAfter)
	h.queue.refuse = errors.New("the queue is not there")
	h.advance(time.Minute)
	require.ErrorContains(t, h.wake(t), "nothing of what is due could be put on the queue: of 1 subscriptions, 0 could not be read or written, and 1 not be sent")
	require.Equal(t, 1, h.provider.Counts("order-1").Statuses)
	require.Contains(t, h.log.String(), `"metric":"queued","sent":0,"unsent":1`)
	require.Contains(t, h.log.String(), `"metric":"sweep","asked":1`)
	h.queue.refuse = nil
	h.advance(15 * time.Minute)
	h.work(t)
	requireFields(t, map[string]any{"cycle": 2}, h.sub(t, "gold-42"))
}

func TestARefusedKeyEndsTheBatch(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	var messages []subscription.Message
	for i := range 10 {
		id := fmt.Sprintf("gold-%d", i)
		h.put(t, id, nil)
		messages = append(messages, message(id, 1, 0))
	}
	h.at(first)
	require.NoError(t, h.provider.Rotate("MARKED-merchant-key-2", "MARKED-Password-2"))
	require.Len(t, h.deliver(t, messages...), 10)
	require.Equal(t, 2, h.provider.Totals().Charges, "one charge, signed once more; the others are not tried")
	require.Contains(t, h.log.String(), `"alarm":"key_refused"`)
	require.Contains(t, h.log.String(), `"untried":9,"key_refused":true`)
	h.keys.rotate("MARKED-merchant-key-2", "MARKED-Password-2")
	require.Empty(t, h.deliver(t, messages...))
	for i := range 10 {
		requireFields(t, map[string]any{"cycle": 2}, h.sub(t, fmt.Sprintf("gold-%d", i)))
	}
}

// What is late asks first, and the question is refused as the charge would be.
func TestARefusedKeyEndsTheBatchAlsoWhereItAsksFirst(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	var messages []subscription.Message
	for i := range 10 {
		id := fmt.Sprintf("gold-%d", i)
		h.put(t, id, nil)
		messages = append(messages, message(id, 1, 0))
	}
	h.at(first.Add(2 * time.Hour))
	require.NoError(t, h.provider.Rotate("MARKED-merchant-key-2", "MARKED-Password-2"))
	require.Len(t, h.deliver(t, messages...), 10)
	require.Equal(t, 2, h.provider.Totals().Statuses, "one question, signed once more")
	require.Zero(t, h.provider.Totals().Charges)
	require.Contains(t, h.log.String(), `"alarm":"key_refused"`)
	h.keys.rotate("MARKED-merchant-key-2", "MARKED-Password-2")
	require.Empty(t, h.deliver(t, messages...))
	require.Equal(t, 10, h.provider.Totals().Charges)
}

func TestAMessageThatCannotBeRead(t *testing.T) {
	t.Parallel()
	h := due(t, nil)
	good := `{"subscription": "gold-42", "cycle": 1, "attempt": 0}`
	require.Equal(t, []int{0, 2}, h.deliverTexts(t, "MARKED poison", good, `{"subscription": 7}`, good))
	require.Contains(t, h.log.String(), `"message_id":"2"`)
	requireFields(t, map[string]any{"cycle": 2}, h.sub(t, "gold-42"))
	require.Equal(t, 1, h.charged("gold-42-0001"))
}
