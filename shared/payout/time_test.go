package payout_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/payout"
)

// begun is how many questions begin at a time after the beginning of a sweep, with how
// much time.
type begun struct{ at, with time.Duration }

// hanging lets the provider take all the time that it is given for each question, and
// answer then. It notes when which question begins.
func (h *house) hanging() map[begun]int {
	began, seen := time.Now(), map[begun]int{}
	h.answer = func(ctx context.Context, id string) ([]payout.Told, error) {
		h.mu.Lock()
		end, _ := ctx.Deadline()
		seen[begun{time.Since(began), time.Until(end)}]++
		h.mu.Unlock()
		<-ctx.Done()
		return []payout.Told{{UniqueID: id + "-a", State: payout.PaymentProcessing}}, nil
	}
	return seen
}

// The first question is alone for two seconds, then there are eight; each has ten seconds,
// and none begins that has less than two before the four that are kept back to write.
func TestHowTheTimeOfASweepIsSpent(t *testing.T) {
	t.Parallel()
	for name, limit := range map[string]time.Duration{"29 seconds": 29 * time.Second, "no deadline": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := newHouse(t)
				h.watch(t, 40)
				ctx := t.Context()
				if limit > 0 {
					within, cancel := context.WithTimeout(ctx, limit)
					defer cancel()
					ctx = within
				}
				seen := h.hanging()
				swept, err := h.Sweep(ctx)
				require.NoError(t, err)
				require.Equal(t, payout.Swept{Asked: 24, Left: true}, swept)
				require.Equal(t, map[begun]int{
					{0, 10 * time.Second}: 1, {2 * time.Second, 10 * time.Second}: 7,
					{10 * time.Second, 10 * time.Second}: 1, {12 * time.Second, 10 * time.Second}: 7,
					{20 * time.Second, 5 * time.Second}: 1, {22 * time.Second, 3 * time.Second}: 7,
				}, seen)
			})
		})
	}
}

func TestTheShortestSweepThatAsks(t *testing.T) {
	t.Parallel()
	for limit, want := range map[time.Duration]map[begun]int{
		6 * time.Second: {}, 6*time.Second + 1: {{0, 2*time.Second + 1}: 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			h := newHouse(t)
			h.watch(t, 1)
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			seen := h.hanging()
			swept, err := h.Sweep(ctx)
			require.NoError(t, err)
			require.Equal(t, payout.Swept{Asked: len(want), Left: len(want) == 0}, swept)
			require.Equal(t, want, seen)
		})
	}
}

// inTurn lets questions end one after another, in the order in which they begin: what
// the one with a number comes to, from 1, say tells.
func (h *house) inTurn(say func(n int) error) {
	var mu sync.Mutex
	n := 0
	h.answer = func(ctx context.Context, id string) ([]payout.Told, error) {
		mu.Lock()
		n++
		mine := n
		mu.Unlock()
		select {
		case <-time.After(time.Second + time.Duration(mine)*time.Millisecond):
		case <-ctx.Done():
		}
		return []payout.Told{{UniqueID: id + "-a", State: payout.PaymentProcessing}}, say(mine)
	}
}

// Sixteen questions without an answer end a sweep; seven are under way then.
func TestHowManySilencesEndASweep(t *testing.T) {
	t.Parallel()
	silence := &payout.AskError{Why: payout.NoAnswer, Text: "Dinar Dragon cannot be reached"}
	refusal := &payout.AskError{Why: payout.Refused, Text: "Dinar Dragon refused the request"}
	for name, tt := range map[string]struct {
		heard map[int]error // what the questions that are answered come to
		want  payout.Swept
	}{
		"nobody is answered":        {nil, payout.Swept{Unanswered: 23, Left: true}},
		"the first is":              {map[int]error{1: nil}, payout.Swept{Asked: 1, Unanswered: 39}},
		"the first is refused":      {map[int]error{1: refusal}, payout.Swept{Unanswered: 40}},
		"one of each":               {map[int]error{1: refusal, 2: nil}, payout.Swept{Asked: 1, Unanswered: 39}},
		"the sixteenth is answered": {map[int]error{16: nil}, payout.Swept{Asked: 1, Unanswered: 39}},
		"the next is: too late":     {map[int]error{17: nil}, payout.Swept{Asked: 1, Unanswered: 22, Left: true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := newHouse(t)
				h.watch(t, 40)
				h.inTurn(func(n int) error {
					if err, heard := tt.heard[n]; heard {
						return err
					}
					return silence
				})
				require.Equal(t, tt.want, h.sweep(t))
			})
		})
	}
}

// A refusal that takes longer than the first question is waited for is met by eight, and
// is one alarm.
func TestASlowRefusalOfTheKeyIsOneAlarm(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		h.watch(t, 40)
		h.answer = func(context.Context, string) ([]payout.Told, error) {
			<-time.After(3 * time.Second)
			return nil, &payout.AskError{Why: payout.KeyRefused, Text: "Dinar Dragon refused the private key (HTTP 403)"}
		}
		require.Equal(t, payout.Swept{Unanswered: 8, KeyRefused: true, Left: true}, h.sweep(t))
		require.Equal(t, 1, strings.Count(h.log.String(), `"alarm":"key_refused"`))
		require.Equal(t, 7, strings.Count(h.log.String(), "a look at a payout learnt nothing"))
	})
}

// A look that is under way belongs to him who claimed it for two minutes.
func TestHowLongALookIsClaimed(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.watch(t, 1)
	var claimed payout.Payout
	h.answer = func(ctx context.Context, id string) (_ []payout.Told, err error) {
		claimed, err = h.Find(ctx, id)
		return nil, errors.Join(err, errors.New("nothing"))
	}
	require.Equal(t, payout.Swept{Unanswered: 1}, h.sweep(t))
	require.Equal(t, h.clock().Add(2*time.Minute), claimed.NextCheckAt)
}
