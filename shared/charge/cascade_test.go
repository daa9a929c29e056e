package charge_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/charge"
)

// books is what the provider knows of one order: its payments, the newest last.
type books struct {
	payments []charge.Answer
	// unknownByOrder: a status request by order number finds nothing.
	unknownByOrder bool
}

// of is a payment in a state, as the status request shows it.
func payment(id string, state charge.State, word string) charge.Answer {
	a := charge.Answer{State: state, PaymentID: id, ProviderStatus: word}
	if state == charge.Declined {
		a.Reason = "Insufficient funds"
	}
	return a
}

// answers lets the bank answer from its books.
func (h *house) answers(b *books) {
	h.bank.asked = func(q charge.Query) charge.StatusAnswer {
		if q.PaymentID == "" && len(b.payments) > 0 && !b.unknownByOrder {
			return charge.StatusAnswer{Knowledge: charge.Known, Answer: b.payments[len(b.payments)-1]}
		}
		for _, p := range b.payments {
			if q.PaymentID != "" && strings.EqualFold(p.PaymentID, q.PaymentID) {
				return charge.StatusAnswer{Knowledge: charge.Known, Answer: p}
			}
		}
		return charge.StatusAnswer{Knowledge: charge.NotKnown}
	}
}

// sweepUntil lets the schedule run every minute for a while.
func (h *house) sweepFor(t *testing.T, d time.Duration) {
	t.Helper()
	for range int(d / time.Minute) {
		h.advance(time.Minute)
		_, err := h.Sweep(t.Context())
		require.NoError(t, err)
	}
}

func (h *house) standing(t *testing.T) charge.Charge {
	t.Helper()
	c, err := h.store.Store.Get(t.Context(), "order-1")
	require.NoError(t, err)
	return c
}

// payments lists the payments that the history names.
func payments(c charge.Charge) (ids []string) {
	for _, e := range c.History {
		if e.PaymentID != "" && (len(ids) == 0 || ids[len(ids)-1] != e.PaymentID) {
			ids = append(ids, e.PaymentID)
		}
	}
	return ids
}

// Contract, "One order, several payments": the status request goes by order number, an
// answer counts whatever its payment, payment_id is the newest, and earlier ones stay in
// the history. Field cases C1 to C3.
func TestACascadeEndsAsItsLastPayment(t *testing.T) {
	t.Parallel()
	p1, p2 := "payment-1", "payment-2"
	for name, tt := range map[string]struct {
		own  charge.Answer
		then []charge.Answer // the payments of the order, some time after
		want charge.State
		ids  []string
	}{
		"pending, declined, then settled elsewhere": {
			payment(p1, charge.Pending, "pending"),
			[]charge.Answer{payment(p1, charge.Declined, "declined"), payment(p2, charge.Settled, "settled")}, charge.Settled, []string{p1, p2},
		},
		"an answer that was lost": {
			charge.Answer{State: charge.Unknown, Reason: "cut"},
			[]charge.Answer{payment(p1, charge.Declined, "declined"), payment(p2, charge.Settled, "settled")}, charge.Settled, []string{p2},
		},
		"declined at once, then settled elsewhere": {
			payment(p1, charge.Declined, "declined"),
			[]charge.Answer{payment(p1, charge.Declined, "declined"), payment(p2, charge.Settled, "settled")}, charge.Settled, []string{p1, p2},
		},
		"declined everywhere": {
			payment(p1, charge.Pending, "pending"),
			[]charge.Answer{payment(p1, charge.Declined, "declined"), payment(p2, charge.Declined, "declined")}, charge.Declined, []string{p1, p2},
		},
	} {
		for _, hinted := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				h := newHouse(t, tt.own)
				h.answers(&books{payments: tt.then})
				_, err := h.Charge(t.Context(), h.terms)
				require.NoError(t, err)
				h.advance(time.Minute)
				if hinted {
					require.NoError(t, h.Hint(t.Context(), "order-1", p2))
				} else {
					h.sweepFor(t, 30*time.Minute)
				}
				c := h.standing(t)
				require.Equal(t, tt.want, c.State)
				require.Equal(t, p2, c.PaymentID)
				require.Equal(t, tt.ids, payments(c))
				require.Equal(t, 1, h.bank.charges)
				for _, q := range h.bank.queries {
					require.Empty(t, q.PaymentID, "it is asked by order number")
				}
				again, err := h.Charge(t.Context(), h.terms)
				require.NoError(t, err)
				require.Equal(t, tt.want, again.State)
			})
		}
	}
}

// Contract, "One order, several payments": a decline is asked about again 15 minutes and
// 24 hours after it was learnt.
func TestADeclineIsAskedAboutTwiceMore(t *testing.T) {
	t.Parallel()
	h := newHouse(t, payment("payment-1", charge.Declined, "declined"))
	b := &books{payments: []charge.Answer{payment("payment-1", charge.Declined, "declined")}}
	h.answers(b)
	_, err := h.Charge(t.Context(), h.terms)
	require.NoError(t, err)
	var asked []time.Duration
	for minutes := 1; minutes <= 14*24*60; minutes++ {
		h.sweepFor(t, time.Minute)
		for len(asked) < len(h.bank.queries) {
			asked = append(asked, time.Duration(minutes)*time.Minute)
		}
	}
	require.Equal(t, []time.Duration{15 * time.Minute, 24 * time.Hour}, asked)

	late := newHouse(t, payment("payment-1", charge.Declined, "declined"))
	late.answers(b)
	_, err = late.Charge(t.Context(), late.terms)
	require.NoError(t, err)
	late.sweepFor(t, time.Hour)
	b.payments = append(b.payments, payment("payment-2", charge.Settled, "settled"))
	late.sweepFor(t, 24*time.Hour)
	require.Equal(t, charge.Settled, late.standing(t).State, "settled hours later, it is found a day after the decline")
}

// Contract, "One order, several payments": while the newest payment of a declined order is
// pending, the charge stays declined and is asked about as an open one.
func TestADeclinedChargeWithANewerPendingPayment(t *testing.T) {
	t.Parallel()
	h := newHouse(t, payment("payment-1", charge.Declined, "declined"))
	b := &books{payments: []charge.Answer{payment("payment-1", charge.Declined, "declined"), payment("payment-2", charge.Pending, "3ds")}}
	h.answers(b)
	_, err := h.Charge(t.Context(), h.terms)
	require.NoError(t, err)
	h.sweepFor(t, 16*time.Minute)
	c := h.standing(t)
	require.Equal(t, charge.Declined, c.State)
	require.True(t, c.Cascading)
	require.Equal(t, "payment-2", c.PaymentID)
	require.Equal(t, charge.Soft, c.DeclineClass, "of the decline")
	require.Equal(t, "Insufficient funds; a newer payment of the order is pending", c.Reason)
	require.Equal(t, noon.Add(time.Hour), c.LookAt.UTC(), "as an open one, from the call on")

	_, err = h.Find(t.Context(), "order-1")
	require.NoError(t, err)
	require.Len(t, h.bank.queries, 2, "who reads it has it asked about")
	require.Len(t, h.standing(t).History, 3, "the same once more is no news")

	b.payments = append(b.payments[:1], payment("payment-2", charge.Settled, "settled"))
	h.sweepFor(t, 50*time.Minute)
	c = h.standing(t)
	require.Equal(t, charge.Settled, c.State)
	require.False(t, c.Cascading)
	require.Zero(t, c.LookAt)
	require.Equal(t, 1, h.bank.charges)
}

// Contract, "One order, several payments": by payment_id only where the order number is not known there, or where a hint names a
// payment that is not known here. Of an earlier payment only "settled" counts.
func TestWhenAPaymentIsAskedAbout(t *testing.T) {
	t.Parallel()
	ask := func(t *testing.T, own charge.Answer, b *books, hinted string) (charge.Charge, []string) {
		h := newHouse(t, own)
		h.answers(b)
		_, err := h.Charge(t.Context(), h.terms)
		require.NoError(t, err)
		h.advance(time.Minute)
		require.NoError(t, h.Hint(t.Context(), "order-1", hinted))
		var by []string
		for _, q := range h.bank.queries {
			by = append(by, q.PaymentID)
			require.True(t, q.Once)
			require.Equal(t, "7002", q.TokenEnd)
		}
		return h.standing(t), by
	}
	pending := payment("payment-1", charge.Pending, "pending")
	lost := charge.Answer{State: charge.Unknown, Reason: "cut"}
	settled2 := payment("payment-2", charge.Settled, "settled")

	c, by := ask(t, pending, &books{payments: []charge.Answer{settled2}}, "payment-2")
	require.Equal(t, charge.Settled, c.State)
	require.Equal(t, []string{""}, by)

	c, by = ask(t, pending, &books{payments: []charge.Answer{pending}}, "payment-1")
	require.Equal(t, charge.Pending, c.State)
	require.Equal(t, []string{""}, by, "a payment that is known is not asked about")

	c, by = ask(t, payment("payment-1", charge.Pending, "pending"),
		&books{unknownByOrder: true, payments: []charge.Answer{payment("payment-1", charge.Declined, "declined")}}, "")
	require.Equal(t, charge.Declined, c.State)
	require.Equal(t, []string{"", "payment-1"}, by, "the order number is not known there")

	c, by = ask(t, lost, &books{unknownByOrder: true, payments: []charge.Answer{settled2}}, "payment-2")
	require.Equal(t, charge.Settled, c.State)
	require.Equal(t, []string{"", "payment-2"}, by)

	// Behind the newest payment of the order there is one that was settled.
	c, by = ask(t, lost, &books{payments: []charge.Answer{settled2, payment("payment-3", charge.Declined, "declined")}}, "payment-2")
	require.Equal(t, charge.Settled, c.State)
	require.Equal(t, []string{"", "payment-2"}, by)

	// The platform can turn a declined payment to settled later, also one that is known.
	c, by = ask(t, payment("payment-1", charge.Declined, "declined"),
		&books{payments: []charge.Answer{payment("payment-1", charge.Settled, "settled"), payment("payment-2", charge.Declined, "declined")}}, "payment-1")
	require.Equal(t, charge.Settled, c.State)
	require.Equal(t, []string{"", "payment-1"}, by)

	// And one that was declined, which says nothing of the newest.
	c, by = ask(t, lost, &books{payments: []charge.Answer{payment("payment-1", charge.Declined, "declined"), payment("payment-2", charge.Pending, "pending")}}, "payment-1")
	require.Equal(t, charge.Pending, c.State)
	require.Equal(t, "payment-2", c.PaymentID)
	require.Equal(t, []string{"", "payment-1"}, by)
}

// Contract, "Charges": an answer that is no clear refusal is followed by one status
// request, and what that knows counts; if it knows nothing or cannot be had: unknown.
func TestAnAnswerThatIsNoClearRefusal(t *testing.T) {
	t.Parallel()
	unclear := charge.Answer{State: charge.Unknown, AskStatus: true, Reason: "Request processing error."}
	for _, tt := range []struct {
		name     string
		status   charge.StatusAnswer
		want     charge.State
		evidence charge.Evidence
	}{
		{"settled there", charge.StatusAnswer{Knowledge: charge.Known, Answer: payment("payment-1", charge.Settled, "settled")}, charge.Settled, charge.ByStatus},
		{"declined there", charge.StatusAnswer{Knowledge: charge.Known, Answer: payment("payment-1", charge.Declined, "declined")}, charge.Declined, charge.ByStatus},
		{"not known there", charge.StatusAnswer{Knowledge: charge.NotKnown}, charge.Unknown, charge.ByAnswer},
		{"cannot be asked", charge.StatusAnswer{Knowledge: charge.NotAsked, Reason: "down"}, charge.Unknown, charge.ByAnswer},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, unclear)
			h.bank.status = tt.status
			c, err := h.Charge(t.Context(), h.terms)
			require.NoError(t, err)
			require.Equal(t, tt.want, c.State)
			require.Equal(t, tt.evidence, c.Said)
			require.Len(t, h.bank.queries, 1)
			_, err = h.Charge(t.Context(), h.terms)
			require.NoError(t, err)
			require.Equal(t, 1, h.bank.charges, "it is never sent again")
		})
	}
}

// Contract, "Transitions": the provider's later word moves what is reversed, and each
// step is a line of history and an event. Field cases C13, C14.
func TestTheProvidersLaterWord(t *testing.T) {
	t.Parallel()
	h := newHouse(t, payment("payment-1", charge.Settled, "settled"))
	b := &books{}
	h.answers(b)
	_, err := h.Charge(t.Context(), h.terms)
	require.NoError(t, err)
	for i, step := range []struct {
		state   charge.State
		word    string
		changes bool
		back    bool
	}{
		{charge.Reversed, "refund", true, false}, {charge.Reversed, "refund", false, false}, {charge.Reversed, "chargeback", true, true},
		{charge.Reversed, "chargeback", false, true}, {charge.Settled, "settled", true, false}, {charge.Reversed, "chargeback", true, true},
		{charge.Reversed, "void", true, false}, {charge.Declined, "declined", false, false}, {charge.Pending, "pending", false, false},
		{charge.Settled, "settled", true, false},
	} {
		before := h.standing(t)
		b.payments = []charge.Answer{payment("payment-1", step.state, step.word)}
		h.advance(time.Hour)
		require.NoError(t, h.Hint(t.Context(), "order-1", "payment-1"))
		c := h.standing(t)
		require.Equal(t, step.changes, len(c.History) == len(before.History)+1, "step %d", i)
		require.Equal(t, step.back, c.ChargedBack(), "step %d", i)
		if !step.changes {
			require.Zero(t, c.LookAt, "step %d", i)
		} else {
			require.Equal(t, h.now, c.LookAt.UTC(), "asked once more: an answer that was overtaken has not the last word")
			require.Equal(t, step.state, c.State)
			require.Equal(t, step.word, c.ProviderStatus)
			require.Equal(t, charge.ByStatus, c.History[len(c.History)-1].Evidence)
		}
	}
	require.NotContains(t, h.log.String(), `"alarm"`)
}

// An answer that was asked for earlier and is written later must not have the last word.
func TestAnAnswerThatWasOvertaken(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		late, now charge.Answer
		before    []charge.Answer
	}{
		"settled, after a chargeback": {
			payment("payment-1", charge.Settled, "settled"), payment("payment-1", charge.Reversed, "chargeback"),
			[]charge.Answer{payment("payment-1", charge.Reversed, "chargeback")},
		},
		"a refund, after it failed": {
			payment("payment-1", charge.Reversed, "refund"), payment("payment-1", charge.Settled, "settled"),
			[]charge.Answer{payment("payment-1", charge.Settled, "settled")},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, answer(charge.Unknown))
			b := &books{payments: tt.before}
			h.answers(b)
			_, err := h.Charge(t.Context(), h.terms)
			require.NoError(t, err)
			h.sweepFor(t, 5*time.Minute)
			before := h.standing(t)
			require.Equal(t, tt.now.State, before.State)
			late := charge.Change{Number: "order-1", To: tt.late.State, Evidence: charge.ByStatus, At: h.now, PaymentID: "payment-1", ProviderStatus: tt.late.ProviderStatus}
			_, applied, err := h.store.Store.Record(t.Context(), late)
			require.NoError(t, err)
			require.True(t, applied)
			h.sweepFor(t, 2*time.Minute)
			require.Equal(t, tt.now.State, h.standing(t).State)
			asked := len(h.bank.queries)
			h.sweepFor(t, time.Hour)
			require.Equal(t, asked, len(h.bank.queries), "and it comes to rest")
		})
	}
}

// Contract, "Callback": no answer of a call that is under way takes the early look away.
// Field case C12.
func TestAHintDuringTheCallIsAskedAboutAfterIt(t *testing.T) {
	t.Parallel()
	for _, own := range []charge.Answer{
		payment("payment-1", charge.Settled, "settled"), payment("payment-1", charge.Declined, "declined"), refused(),
		payment("payment-1", charge.Pending, "pending"), answer(charge.Unknown), answer(charge.Unsent),
	} {
		t.Run(string(own.State), func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, own)
			h.answers(&books{payments: []charge.Answer{payment("payment-2", charge.Settled, "settled")}})
			hinted := time.Duration(0)
			h.bank.during = func() {
				h.advance(time.Second)
				hinted = time.Second
				if err := h.Hint(context.Background(), "order-1", ""); err != nil {
					panic(err)
				}
				if _, err := h.Sweep(context.Background()); err != nil {
					panic(err)
				}
			}
			_, err := h.Charge(t.Context(), h.terms)
			require.NoError(t, err)
			require.Empty(t, h.bank.queries, "not while the call is at it")
			require.Equal(t, noon.Add(hinted), h.standing(t).LookAt.UTC())
			h.sweepFor(t, time.Minute)
			require.Len(t, h.bank.queries, 1)
			require.Equal(t, charge.Settled, h.standing(t).State)
		})
	}
}

// A hint that comes while the provider is being asked is not lost with that answer.
func TestAHintDuringAStatusRequest(t *testing.T) {
	t.Parallel()
	h := newHouse(t, payment("payment-1", charge.Pending, "pending"))
	_, err := h.Charge(t.Context(), h.terms)
	require.NoError(t, err)
	h.advance(time.Minute)
	first := true
	h.bank.asked = func(charge.Query) charge.StatusAnswer {
		if !first {
			return charge.StatusAnswer{Knowledge: charge.Known, Answer: payment("payment-1", charge.Settled, "settled")}
		}
		first = false
		h.advance(time.Second)
		if err := h.Hint(context.Background(), "order-1", "payment-1"); err != nil {
			panic(err)
		}
		return charge.StatusAnswer{Knowledge: charge.Known, Answer: payment("payment-1", charge.Declined, "declined")}
	}
	require.NoError(t, h.Hint(t.Context(), "order-1", "payment-1"))
	require.Equal(t, charge.Declined, h.standing(t).State)
	require.Len(t, h.bank.queries, 1)
	h.sweepFor(t, time.Minute)
	require.Equal(t, charge.Settled, h.standing(t).State)
}

// Contract, "Charges": a difference in amount or currency is noted and the status counts;
// where that makes the charge settled it is an alarm and an event. Field case C16.
func TestASettledChargeThatDiffers(t *testing.T) {
	t.Parallel()
	differs := payment("payment-1", charge.Settled, "settled")
	differs.Differs = `the currency "SAR" instead of KWD`
	for name, own := range map[string]charge.Answer{
		"learnt by the schedule": answer(charge.Unknown),
		"learnt at once":         {State: charge.Unknown, AskStatus: true, Reason: "Acquirer timeout."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, own)
			h.answers(&books{payments: []charge.Answer{differs}})
			_, err := h.Charge(t.Context(), h.terms)
			require.NoError(t, err)
			h.sweepFor(t, 5*time.Minute)
			c := h.standing(t)
			require.Equal(t, charge.Settled, c.State)
			require.Equal(t, differs.Differs, c.Differs)
			require.Contains(t, c.Reason, differs.Differs)
			require.Equal(t, 1, strings.Count(h.log.String(), `"alarm":"differs"`))
		})
	}
	change := charge.Change{To: charge.Settled, Differs: differs.Differs}
	require.Equal(t, "settled differs", change.Word())
}

// Contract, "How a charge's own answer is read": a refused key has the secret read anew at
// once, so that the next charge signs with what is stored now. Field case C9.
func TestARefusedKeyIsReadAnew(t *testing.T) {
	t.Parallel()
	h := newHouse(t, charge.Answer{State: charge.Unsent, KeyRefused: true, Reason: "Invalid hash"})
	c, err := h.Charge(t.Context(), h.terms)
	require.NoError(t, err)
	require.Equal(t, charge.Unsent, c.State)
	require.Equal(t, 1, h.bank.refreshes)
	require.Equal(t, 1, h.bank.charges)
	require.Contains(t, h.log.String(), `"alarm":"key_refused"`)

	twice := newHouse(t, blamesKey())
	_, err = twice.Charge(t.Context(), twice.terms)
	require.NoError(t, err)
	require.Equal(t, 1, twice.bank.refreshes, "values that were just read are not read again")
}

// Contract, "Charges": the switch is in force within 10 seconds, also where the claim took
// longer. Field case C22.
func TestTheSwitchIsLookedAtBetweenClaimAndSend(t *testing.T) {
	t.Parallel()
	h := newHouse(t, settled())
	h.store.claim = func() (bool, error) {
		h.advance(charge.ModeFor)
		return false, h.store.SetSwitch(context.Background(), charge.Switch{Mode: charge.Stopped, SetAt: noon})
	}
	c, err := h.Charge(t.Context(), h.terms)
	require.NoError(t, err)
	require.Equal(t, charge.Unsent, c.State)
	require.Equal(t, "charging is stopped", c.Reason)
	require.Zero(t, h.bank.charges)
}

// A late own answer that overrides an operator is an alarm, as a status would be. Field
// case C21.
func TestALateOwnAnswerThatOverridesAnOperator(t *testing.T) {
	t.Parallel()
	h := newHouse(t, settled())
	h.bank.during = func() {
		h.advance(10 * time.Minute)
		if _, err := h.Resolve(context.Background(), "order-1", charge.Declined, "not in the panel"); err != nil {
			panic(err)
		}
	}
	c, err := h.Charge(t.Context(), h.terms)
	require.NoError(t, err)
	require.Equal(t, charge.Settled, c.State)
	require.Contains(t, h.log.String(), `"alarm":"operator_overridden"`)
}

// A late own decline is against a settled charge only where it is about the payment that
// was settled: the first step of a cascade is none.
func TestALateOwnDeclineOfAnEarlierPayment(t *testing.T) {
	t.Parallel()
	for id, disputed := range map[string]string{"payment-1": "", "payment-2": "declined", "": "declined"} {
		h := newHouse(t, payment(id, charge.Declined, "declined"))
		h.bank.during = func() {
			change := charge.Change{Number: "order-1", To: charge.Settled, Evidence: charge.ByStatus, At: noon, PaymentID: "payment-2"}
			if _, applied, err := h.store.Store.Record(context.Background(), change); err != nil || !applied {
				panic("not applied")
			}
		}
		c, err := h.Charge(t.Context(), h.terms)
		require.NoError(t, err)
		require.Equal(t, charge.Settled, c.State)
		require.Equal(t, disputed, c.Disputed, id)
	}
}

// The provider took money for one order twice: a person has to know.
func TestASecondSettledPaymentOfAnOrder(t *testing.T) {
	t.Parallel()
	h := newHouse(t, payment("payment-1", charge.Settled, "settled"))
	h.answers(&books{payments: []charge.Answer{payment("payment-2", charge.Settled, "settled")}})
	_, err := h.Charge(t.Context(), h.terms)
	require.NoError(t, err)
	for range 2 {
		h.advance(time.Minute)
		require.NoError(t, h.Hint(t.Context(), "order-1", "payment-2"))
	}
	c := h.standing(t)
	require.Equal(t, charge.Settled, c.State)
	require.Equal(t, "settled as another payment too: payment-2", c.Disputed)
	require.Len(t, c.History, 3)
	require.Equal(t, 1, strings.Count(h.log.String(), `"alarm":"disputed"`))
}

// Contract, "Charges": pending for three days raises an alarm at each look, at most once a
// day. Field case C17.
func TestAChargeThatIsPendingForDays(t *testing.T) {
	t.Parallel()
	h := newHouse(t, payment("payment-1", charge.Pending, "pending"))
	h.answers(&books{payments: []charge.Answer{payment("payment-1", charge.Pending, "pending")}})
	_, err := h.Charge(t.Context(), h.terms)
	require.NoError(t, err)
	alarms := func() int { return strings.Count(h.log.String(), `"alarm":"pending"`) }
	h.sweepFor(t, 3*24*time.Hour-time.Minute)
	require.Zero(t, alarms())
	for days := 1; days <= 12; days++ {
		for range 12 { // hints, each of which has it looked at once more
			require.NoError(t, h.Hint(t.Context(), "order-1", "payment-1"))
			h.sweepFor(t, 2*time.Hour)
		}
		require.Equal(t, days, alarms())
	}
	h.sweepFor(t, 7*24*time.Hour)
	require.Equal(t, 13, alarms(), "then weekly, as it is looked at")
}

// A later outcome of a subscription's charge stays due until the schedule has taken it to
// the subscription, also where another callback comes in between.
func TestASecondHintDoesNotHideAnOutcomeFromItsSubscription(t *testing.T) {
	t.Parallel()
	for _, pause := range []time.Duration{0, 5 * time.Second, 20 * time.Second, 50 * time.Second} {
		h := newHouse(t, payment("payment-1", charge.Declined, "declined"))
		told := []charge.State{}
		h.Follow(func(_ context.Context, c charge.Charge) error { told = append(told, c.State); return nil })
		b := &books{payments: []charge.Answer{payment("payment-1", charge.Declined, "declined")}}
		h.answers(b)
		_, _, err := h.ChargeCycle(t.Context(), charge.CycleRequest{
			Terms: h.terms, Of: charge.Cycle{Subscription: "gold-42", Number: 1}, Claim: h.store.Claim,
		})
		require.NoError(t, err)
		h.advance(time.Hour)
		b.payments[0] = payment("payment-1", charge.Settled, "settled")
		require.NoError(t, h.Hint(t.Context(), "order-1", "payment-1"))
		h.advance(pause)
		require.NoError(t, h.Hint(t.Context(), "order-1", "payment-1"))
		h.sweepFor(t, 5*time.Minute)
		require.Contains(t, told, charge.Settled, "a pause of %s", pause)
		require.Zero(t, h.standing(t).LookAt)
	}
}

// Somebody hints that something happened to a number whose answer said that nothing was
// charged. Before it is sent again the provider is asked.
func TestAHintedNumberIsAskedAboutBeforeItIsSentAgain(t *testing.T) {
	t.Parallel()
	known := charge.StatusAnswer{Knowledge: charge.Known, Answer: payment("payment-1", charge.Settled, "settled")}
	for _, tt := range []struct {
		name    string
		status  charge.StatusAnswer // when the number is asked for again
		want    charge.State
		charges int
	}{
		{"the provider has it", known, charge.Settled, 1},
		{"the provider does not know it", charge.StatusAnswer{Knowledge: charge.NotKnown}, charge.Settled, 2},
		{"the provider cannot be asked", charge.StatusAnswer{Knowledge: charge.NotAsked, Reason: "down"}, "", 1},
	} {
		for _, during := range []bool{false, true} {
			t.Run(tt.name, func(t *testing.T) {
				t.Parallel()
				h := newHouse(t, answer(charge.Unsent), settled())
				hint := func() {
					if err := h.Hint(context.Background(), "order-1", "payment-1"); err != nil {
						panic(err)
					}
				}
				h.bank.status = charge.StatusAnswer{Knowledge: charge.NotAsked, Reason: "it took too long"}
				if during {
					h.bank.during = hint
				}
				_, err := h.Charge(t.Context(), h.terms)
				require.NoError(t, err)
				h.bank.during = nil
				h.advance(time.Second)
				if !during {
					hint()
				}
				h.advance(20 * time.Second)
				h.bank.status = tt.status
				c, err := h.Charge(t.Context(), h.terms)
				if tt.want == "" {
					require.ErrorIs(t, err, charge.ErrAskFirst)
				} else {
					require.NoError(t, err)
					require.Equal(t, tt.want, c.State)
				}
				require.Equal(t, tt.charges, h.bank.charges)
			})
		}
	}
}

// What is given back of another payment of the order is not the charge that was settled.
func TestARefundOfAnotherPayment(t *testing.T) {
	t.Parallel()
	h := newHouse(t, payment("payment-1", charge.Settled, "settled"))
	h.answers(&books{payments: []charge.Answer{payment("payment-1", charge.Settled, "settled"), payment("payment-2", charge.Reversed, "refund")}})
	_, err := h.Charge(t.Context(), h.terms)
	require.NoError(t, err)
	h.advance(time.Minute)
	require.NoError(t, h.Hint(t.Context(), "order-1", "payment-2"))
	c := h.standing(t)
	require.Equal(t, charge.Settled, c.State)
	require.Equal(t, "payment-1", c.PaymentID)
}

// A provider that shows two declined payments by turns does not make the history grow.
func TestPaymentsThatAreShownByTurns(t *testing.T) {
	t.Parallel()
	h := newHouse(t, payment("payment-1", charge.Declined, "declined"))
	n := 0
	h.bank.asked = func(charge.Query) charge.StatusAnswer {
		n++
		id := []string{"payment-1", "payment-2"}[n%2]
		return charge.StatusAnswer{Knowledge: charge.Known, Answer: payment(id, charge.Declined, "declined")}
	}
	_, err := h.Charge(t.Context(), h.terms)
	require.NoError(t, err)
	for range 50 {
		h.advance(time.Minute)
		require.NoError(t, h.Hint(t.Context(), "order-1", ""))
	}
	require.LessOrEqual(t, len(h.standing(t).History), 4)
}

// Declined, with a newest payment that stays pending: a person has to know.
func TestACascadeThatDoesNotEnd(t *testing.T) {
	t.Parallel()
	h := newHouse(t, payment("payment-1", charge.Declined, "declined"))
	h.answers(&books{payments: []charge.Answer{payment("payment-2", charge.Pending, "pending")}})
	_, err := h.Charge(t.Context(), h.terms)
	require.NoError(t, err)
	h.sweepFor(t, 5*24*time.Hour)
	require.Equal(t, 3, strings.Count(h.log.String(), `"alarm":"pending"`))
}

// A late own answer that settles another payment than the one that is settled already.
func TestALateOwnSettledOfAnotherPayment(t *testing.T) {
	t.Parallel()
	h := newHouse(t, payment("payment-1", charge.Settled, "settled"))
	h.bank.during = func() {
		change := charge.Change{Number: "order-1", To: charge.Settled, Evidence: charge.ByStatus, At: noon, PaymentID: "payment-2"}
		if _, applied, err := h.store.Store.Record(context.Background(), change); err != nil || !applied {
			panic("not applied")
		}
	}
	c, err := h.Charge(t.Context(), h.terms)
	require.NoError(t, err)
	require.Equal(t, "settled as another payment too: payment-1", c.Disputed)
	require.Contains(t, h.log.String(), `"alarm":"disputed"`)
}

// worded is a store that notes what events are published of each change.
type worded struct {
	charge.Store
	words []string
}

func (s *worded) Record(ctx context.Context, c charge.Change) (charge.Charge, bool, error) {
	s.words = append(s.words, c.Word())
	return s.Store.Record(ctx, c)
}

// A further payment of a declined order is a line of its history and no event, until one
// of them is settled.
func TestWhichStepsOfACascadeAreEvents(t *testing.T) {
	t.Parallel()
	h := newHouse(t, payment("payment-1", charge.Declined, "declined"))
	store := &worded{Store: h.store.Store}
	h.useStore(store)
	b := &books{}
	h.answers(b)
	_, err := h.Charge(t.Context(), h.terms)
	require.NoError(t, err)
	for _, newest := range []charge.Answer{
		payment("payment-2", charge.Pending, "pending"), payment("payment-2", charge.Declined, "declined"),
		payment("payment-3", charge.Declined, "declined"), payment("payment-3", charge.Settled, "settled"),
		payment("payment-3", charge.Reversed, "refund"), payment("payment-3", charge.Reversed, "chargeback"),
	} {
		b.payments = []charge.Answer{newest}
		h.advance(time.Minute)
		require.NoError(t, h.Hint(t.Context(), "order-1", ""))
	}
	require.Equal(t, []string{"declined", "", "", "", "settled", "reversed", "reversed"}, store.words)
	require.Equal(t, []string{"payment-1", "payment-2", "payment-3"}, payments(h.standing(t)))
}
