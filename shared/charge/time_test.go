package charge_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/charge"
)

// timed is a store that notes how much time each write is given.
type timed struct {
	charge.Store
	claims, records []time.Duration
	noClaim         error
}

func left(ctx context.Context) time.Duration {
	end, _ := ctx.Deadline()
	return time.Until(end)
}

func (s *timed) Claim(ctx context.Context, c charge.Charge) (charge.Charge, bool, error) {
	s.claims = append(s.claims, left(ctx))
	if s.noClaim != nil {
		err := s.noClaim
		s.noClaim = nil
		return charge.Charge{}, false, err
	}
	return s.Store.Claim(ctx, c)
}

func (s *timed) Record(ctx context.Context, c charge.Change) (charge.Charge, bool, error) {
	s.records = append(s.records, left(ctx))
	return s.Store.Record(ctx, c)
}

// An invocation of 29 seconds, on the test's own clock: half a second is for the answer,
// four seconds are kept back to write, and a claim that was not confirmed is taken back
// within those.
func TestHowTheTimeOfAnInvocationIsSpent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, settled())
		store := &timed{Store: h.store.Store}
		h.useStore(store)
		_, err := h.Charge(t.Context(), h.terms)
		require.NoError(t, err)
		require.Equal(t, []time.Duration{24500 * time.Millisecond}, store.claims, "four seconds are left to take it back")
		require.Equal(t, []time.Duration{20 * time.Second}, h.bank.deadlines)
		require.Equal(t, []time.Duration{28500 * time.Millisecond}, store.records, "all but the answer")

		*store = timed{Store: h.store.Store, noClaim: errors.New("no answer")}
		h.terms.Order.Number = "order-2"
		_, err = h.Charge(t.Context(), h.terms)
		require.ErrorIs(t, err, charge.ErrStore)
		require.Equal(t, []time.Duration{3500 * time.Millisecond}, store.records, "within the time that the claim left")
		require.Equal(t, []time.Duration{24500 * time.Millisecond, 3500 * time.Millisecond}, store.claims)
		require.Equal(t, 1, h.bank.charges)
	})
}

// A short invocation has less for the provider, and the same for writing.
func TestAShortInvocation(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ invocation, provider time.Duration }{
		{6 * time.Second, 2 * time.Second}, {12 * time.Second, 8 * time.Second}, {24 * time.Second, 20 * time.Second}, {time.Hour, 20 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			h := newHouse(t, settled())
			ctx, cancel := context.WithTimeout(t.Context(), tt.invocation)
			defer cancel()
			_, err := h.Charge(ctx, h.terms)
			require.NoError(t, err)
			require.Equal(t, []time.Duration{tt.provider}, h.bank.deadlines)
		})
	}
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, settled())
		ctx, cancel := context.WithTimeout(t.Context(), 6*time.Second-1)
		defer cancel()
		_, err := h.Charge(ctx, h.terms)
		require.ErrorIs(t, err, charge.ErrNoTime)
		require.Zero(t, h.bank.charges)
	})
}

// Contract, "Callback": many within ten seconds are one status request.
func TestAHintIsNotedOnceInTenSeconds(t *testing.T) {
	t.Parallel()
	c, noted := charge.Charge{LookAt: noon.Add(time.Hour)}.Hint(noon)
	require.True(t, noted)
	require.Equal(t, noon, c.HintedAt)
	require.Equal(t, noon, c.LookAt)
	for after, want := range map[time.Duration]bool{
		0: false, 1: false, 10*time.Second - 1: false, 10 * time.Second: true, time.Hour: true,
		-1: true, // of a clock that is behind
	} {
		got, noted := c.Hint(noon.Add(after))
		require.Equal(t, want, noted, after)
		if !want {
			require.Equal(t, c, got)
			continue
		}
		require.Equal(t, noon.Add(after), got.HintedAt)
		require.Equal(t, noon.Add(after), got.LookAt)
	}
}

// A change keeps an early look that was put there since it was learnt, and no other.
func TestWhichLookAChangeLeaves(t *testing.T) {
	t.Parallel()
	seen, early, later, never := noon.Add(time.Minute), noon, noon.Add(time.Hour), time.Time{}
	for _, tt := range []struct{ stands, change, want time.Time }{
		{seen, later, later}, {seen, never, never}, {seen, early, early},
		{early, later, early}, {early, never, early}, {early, early, early}, {early, early.Add(-1), early.Add(-1)},
		{later.Add(1), later, later}, {later, later, later}, {later.Add(-1), later, later.Add(-1)},
		{never, later, later}, {never, never, never},
	} {
		c := charge.Charge{State: charge.Pending, LookAt: tt.stands}
		after, applied := c.Apply(charge.Change{To: charge.Settled, Evidence: charge.ByStatus, Seen: seen, LookAt: tt.change})
		require.True(t, applied)
		require.Equal(t, tt.want, after.LookAt, "%v", tt)
	}
}
