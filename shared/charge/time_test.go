package charge_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/charge/chargetest"
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

// hanging is a provider that takes as long for a status request as it is given, up to
// most, and tells nothing then. It notes how many requests begin when.
type hanging struct {
	*bank
	began time.Time
	most  time.Duration
	seen  map[time.Duration]int
	with  map[time.Duration]int
}

func (p *hanging) Status(ctx context.Context, _ charge.Query) charge.StatusAnswer {
	p.mu.Lock()
	p.seen[time.Since(p.began)]++
	p.with[left(ctx)]++
	p.mu.Unlock()
	select {
	case <-time.After(p.most):
	case <-ctx.Done():
	}
	return charge.StatusAnswer{Knowledge: charge.NotKnown}
}

// A sweep of 29 seconds asks about eight charges at a time, and begins with none that has
// less than two seconds before the four that are kept back to write.
func TestHowTheTimeOfASweepIsSpent(t *testing.T) {
	t.Parallel()
	for most, want := range map[time.Duration]struct{ began, with map[time.Duration]int }{
		8 * time.Second: { // those that begin at 24 seconds would have one
			map[time.Duration]int{0: 8, 8 * time.Second: 8, 16 * time.Second: 8},
			map[time.Duration]int{25 * time.Second: 8, 17 * time.Second: 8, 9 * time.Second: 8},
		},
		23 * time.Second: { // exactly two are enough
			map[time.Duration]int{0: 8, 23 * time.Second: 8},
			map[time.Duration]int{25 * time.Second: 8, 2 * time.Second: 8},
		},
		23*time.Second + 1: {map[time.Duration]int{0: 8}, map[time.Duration]int{25 * time.Second: 8}},
	} {
		synctest.Test(t, func(t *testing.T) {
			h := newHouse(t, answer(charge.Unknown))
			for n := range 40 {
				_, err := h.Charge(t.Context(), chargetest.Terms(t, fmt.Sprintf("order-%d", n)))
				require.NoError(t, err)
			}
			h.advance(time.Minute)
			provider := &hanging{bank: h.bank, began: time.Now(), most: most, seen: map[time.Duration]int{}, with: map[time.Duration]int{}}
			base := h.clock()
			clock := func() time.Time { return base.Add(time.Since(provider.began)) }
			ledger := charge.NewLedger(h.store, provider, clock, slog.New(slog.NewJSONHandler(h.log, nil)))
			ctx, cancel := context.WithTimeout(t.Context(), 29*time.Second)
			defer cancel()
			swept, err := ledger.Sweep(ctx)
			require.NoError(t, err)
			asked := 0
			for _, n := range want.began {
				asked += n
			}
			require.Equal(t, charge.Swept{Asked: asked, Left: true}, swept)
			require.Equal(t, want.began, provider.seen)
			require.Equal(t, want.with, provider.with)
		})
	}
}

// inTurn is a provider whose answers end one after another, in the order in which they
// are asked for: those with a number in heard, from 1, tell something.
type inTurn struct {
	*bank
	heard map[int]bool
	n     int
}

func (p *inTurn) Status(ctx context.Context, _ charge.Query) charge.StatusAnswer {
	p.mu.Lock()
	p.n++
	mine := p.n
	p.mu.Unlock()
	select {
	case <-time.After(time.Second + time.Duration(mine)*time.Millisecond):
	case <-ctx.Done():
	}
	if p.heard[mine] {
		return charge.StatusAnswer{Knowledge: charge.NotKnown}
	}
	return charge.StatusAnswer{Knowledge: charge.NotAsked, Reason: "no answer"}
}

// Sixteen questions without an answer end a sweep; seven are under way then, and one had
// been waiting for its turn. One answer
// before that keeps it going.
func TestHowManySilencesEndASweep(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		heard map[int]bool
		want  charge.Swept
	}{
		"nobody is answered":        {nil, charge.Swept{Unanswered: 24, Left: true}},
		"the first is":              {map[int]bool{1: true}, charge.Swept{Asked: 1, Unanswered: 39}},
		"the sixteenth is":          {map[int]bool{16: true}, charge.Swept{Asked: 1, Unanswered: 39}},
		"the seventeenth: too late": {map[int]bool{17: true}, charge.Swept{Asked: 1, Unanswered: 23, Left: true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := newHouse(t, answer(charge.Unknown))
				for n := range 40 {
					_, err := h.Charge(t.Context(), chargetest.Terms(t, fmt.Sprintf("order-%d", n)))
					require.NoError(t, err)
				}
				h.advance(time.Minute)
				ledger := charge.NewLedger(h.store, &inTurn{bank: h.bank, heard: tt.heard}, h.clock, slog.New(slog.NewJSONHandler(h.log, nil)))
				swept, err := ledger.Sweep(t.Context())
				require.NoError(t, err)
				require.Equal(t, tt.want, swept)
			})
		})
	}
}

// A person is told of a charge that has been unknown for more than a quarter of an hour.
func TestAnUnknownChargeIsAnAlarmAfterAQuarterOfAnHour(t *testing.T) {
	t.Parallel()
	for after, want := range map[time.Duration]int{15 * time.Minute: 0, 15*time.Minute + 1: 1} {
		h := newHouse(t, answer(charge.Unknown))
		_, err := h.Charge(t.Context(), h.terms)
		require.NoError(t, err)
		h.bank.status = charge.StatusAnswer{Knowledge: charge.NotKnown}
		h.advance(after)
		swept, err := h.Sweep(t.Context())
		require.NoError(t, err)
		require.Equal(t, charge.Swept{Asked: 1, Unknown: want}, swept, "after %v", after)
		require.Equal(t, want, strings.Count(h.log.String(), `"alarm":"unknown"`))
	}
}
