package payout_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/boltstore"
	"dinarfunctions/shared/payout"
	"dinarfunctions/test/logbuffer"
)

// house is a watcher over the embedded store, with a provider and a clock that the
// test moves.
type house struct {
	*payout.Watcher
	store *store
	log   *logbuffer.Buffer

	mu    sync.Mutex
	now   time.Time
	asked map[string]int
	// answer is what the provider says; nil: every payout has one payment under way.
	answer func(ctx context.Context, id string) ([]payout.Told, error)
}

func newHouse(t *testing.T) *house {
	t.Helper()
	file, err := boltstore.Open(filepath.Join(t.TempDir(), "ledger.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, file.Close()) })
	h := &house{store: &store{Store: file.Payouts()}, log: &logbuffer.Buffer{}, now: start, asked: map[string]int{}}
	h.Watcher = payout.NewWatcher(h.store, h, overdueAfter, h.clock, slog.New(slog.NewJSONHandler(h.log, nil)))
	return h
}

func (h *house) clock() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *house) advance(by time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(by)
}

func (h *house) Payout(ctx context.Context, id string) ([]payout.Told, error) {
	h.mu.Lock()
	h.asked[id]++
	answer := h.answer
	h.mu.Unlock()
	if answer == nil {
		return []payout.Told{{UniqueID: id + "-a", Status: 0, State: payout.PaymentProcessing}}, nil
	}
	return answer(ctx, id)
}

func (h *house) questions() (all int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, n := range h.asked {
		all += n
	}
	return all
}

// watch begins to watch so many payouts, and lets the first look come.
func (h *house) watch(t *testing.T, n int) {
	t.Helper()
	for i := range n {
		_, created, err := h.Watch(t.Context(), fmt.Sprintf("payout-%03d", i), "")
		require.NoError(t, err)
		require.True(t, created)
	}
	h.advance(time.Minute + 10*time.Second)
}

func (h *house) sweep(t *testing.T) payout.Swept {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 29*time.Second)
	defer cancel()
	swept, err := h.Sweep(ctx)
	require.NoError(t, err)
	return swept
}

func (h *house) find(t *testing.T, id string) payout.Payout {
	t.Helper()
	p, err := h.Find(t.Context(), id)
	require.NoError(t, err)
	return p
}

// store is a store that something happens to before it is used.
type store struct {
	payout.Store
	beforeWrite func(payout.Payout)
	broken      error
	fails       func() error // what a write fails with; nil: as broken says
}

func (s *store) Write(ctx context.Context, p payout.Payout) (payout.Payout, bool, error) {
	if s.beforeWrite != nil {
		s.beforeWrite(p)
	}
	if s.fails != nil {
		if err := s.fails(); err != nil {
			return payout.Payout{}, false, err
		}
	}
	if s.broken != nil {
		return payout.Payout{}, false, s.broken
	}
	return s.Store.Write(ctx, p)
}

func (s *store) Get(ctx context.Context, id string) (payout.Payout, error) {
	if s.broken != nil {
		return payout.Payout{}, s.broken
	}
	return s.Store.Get(ctx, id)
}

func (s *store) Due(ctx context.Context, now time.Time) iter.Seq2[payout.Due, error] {
	if s.broken != nil {
		return func(yield func(payout.Due, error) bool) { yield(payout.Due{}, s.broken) }
	}
	return s.Store.Due(ctx, now)
}

func TestWatch(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	p, created, err := h.Watch(t.Context(), "payout-1", "november")
	require.NoError(t, err)
	require.True(t, created)
	require.Equal(t, payout.New("payout-1", "november", start), p)
	h.advance(time.Second)
	for _, reference := range []string{"", "november", "december", ""} {
		want := "november"
		if reference == "december" || p.Reference == "december" {
			want = "december"
		}
		p, created, err = h.Watch(t.Context(), "payout-1", reference)
		require.NoError(t, err)
		require.False(t, created)
		require.Equal(t, want, p.Reference)
		require.Equal(t, p, h.find(t, "payout-1"))
	}
	require.EqualValues(t, 2, p.Revision, "nothing is written where nothing changes")
	require.NoError(t, h.Forget(t.Context(), "payout-1"))
	require.NoError(t, h.Forget(t.Context(), "payout-1"))
	_, err = h.Find(t.Context(), "payout-1")
	require.ErrorIs(t, err, payout.ErrNotFound)
	require.Zero(t, h.questions(), "nobody is asked")
}

func TestASweepAsksOnceForEachThatIsDue(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	require.Equal(t, payout.Swept{}, h.sweep(t))
	h.watch(t, 40)
	require.Equal(t, payout.Swept{Asked: 40}, h.sweep(t))
	require.Equal(t, payout.Swept{}, h.sweep(t), "nothing is due any more")
	require.Equal(t, 40, h.questions())
	h.answer = func(_ context.Context, id string) ([]payout.Told, error) {
		return []payout.Told{{UniqueID: id + "-a", Status: 1, State: payout.PaymentSuccessful}}, nil
	}
	h.advance(time.Minute)
	require.Equal(t, payout.Swept{Asked: 40, Completed: 40}, h.sweep(t))
	for _, wait := range []time.Duration{24*time.Hour + 6*time.Minute, 48 * time.Hour, 4 * 24 * time.Hour, 23 * 24 * time.Hour} {
		h.advance(wait)
		require.Equal(t, payout.Swept{Asked: 40}, h.sweep(t))
	}
	h.advance(10000 * time.Hour)
	require.Equal(t, payout.Swept{}, h.sweep(t), "final, and looked at four times more")
}

func TestTwoSweepsAtTheSameTimeDoubleNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.watch(t, 60)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() { h.sweep(t) })
	}
	wg.Wait()
	require.Len(t, h.asked, 60)
	for id, n := range h.asked {
		require.Equal(t, 1, n, id)
		require.Equal(t, 1, h.find(t, id).Checks)
	}
}

func TestARefusedKeyEndsTheSweep(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.watch(t, 100)
	h.answer = func(context.Context, string) ([]payout.Told, error) {
		return nil, &payout.AskError{Why: payout.KeyRefused, Text: "Dinar Dragon refused the private key (HTTP 403)", Err: errors.New("more")}
	}
	require.Equal(t, payout.Swept{Unanswered: 1, KeyRefused: true, Left: true}, h.sweep(t))
	require.Equal(t, 1, h.questions())
	require.Equal(t, 1, strings.Count(h.log.String(), `"alarm":"key_refused"`))
	refused := 0
	for id := range h.asked {
		p := h.find(t, id)
		require.Equal(t, "Dinar Dragon refused the private key (HTTP 403)", p.LastError)
		refused++
	}
	require.Equal(t, 1, refused)
	// Once it is mended, everything else is still due.
	h.answer = nil
	require.Equal(t, payout.Swept{Asked: 99}, h.sweep(t))
}

func TestNoKeyEndsTheSweepToo(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.watch(t, 100)
	h.answer = func(context.Context, string) ([]payout.Told, error) {
		return nil, &payout.AskError{Why: payout.NoKey, Text: "Dinar Dragon was not asked"}
	}
	swept, err := h.Sweep(t.Context())
	require.ErrorIs(t, err, payout.ErrNoKey, "somebody has to hear of it")
	require.Equal(t, payout.Swept{Unanswered: 1, Left: true}, swept)
	require.NotContains(t, h.log.String(), "key_refused")
}

// Where nothing can be written, the sweep has done nothing, and says so; one payout of
// many that fails is only logged.
func TestASweepThatCanWriteNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.watch(t, 3)
	failing := 1
	h.store.fails = func() error { // of several looks at the same time
		h.mu.Lock()
		defer h.mu.Unlock()
		if failing--; failing >= 0 {
			return errors.New("throttled")
		}
		return nil
	}
	swept := h.sweep(t)
	require.Equal(t, 1, swept.Failed)

	h.advance(time.Hour)
	failing = 3
	_, err := h.Sweep(t.Context())
	require.ErrorIs(t, err, payout.ErrStore)
	require.ErrorContains(t, err, "none of 3 payouts")
}

func TestAProviderThatIsDownIsLeftAlone(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.watch(t, 100)
	h.answer = func(context.Context, string) ([]payout.Told, error) {
		return nil, &payout.AskError{Why: payout.NoAnswer, Text: "Dinar Dragon cannot be reached"}
	}
	swept := h.sweep(t)
	require.True(t, swept.Left)
	require.GreaterOrEqual(t, swept.Unanswered, 16)
	require.LessOrEqual(t, swept.Unanswered, 24, "those that were under way")
	// The next goes on with others, and no look is lost.
	before := h.questions()
	h.sweep(t)
	require.Greater(t, len(h.asked), before)
	h.answer = nil
	h.advance(2 * time.Minute)
	require.Equal(t, payout.Swept{Asked: 100}, h.sweep(t))
}

func TestOneAnswerAmongManyFailuresKeepsTheSweepGoing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.watch(t, 50)
	var mu sync.Mutex
	n := 0
	h.answer = func(context.Context, string) ([]payout.Told, error) {
		mu.Lock()
		defer mu.Unlock()
		if n++; n == 1 { // words of its own are an answer
			return nil, &payout.AskError{Why: payout.Refused, Text: "Dinar Dragon refused the request"}
		}
		return nil, errors.New("MARKED, of no kind")
	}
	require.Equal(t, payout.Swept{Unanswered: 50}, h.sweep(t))
	for id := range h.asked {
		require.NotContains(t, h.find(t, id).LastError, "MARKED")
	}
}

// The process is ended while questions are under way: every look comes again.
func TestASweepThatIsKilledLosesNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.watch(t, 30)
	ctx, kill := context.WithCancel(t.Context())
	var mu sync.Mutex
	n := 0
	h.answer = func(ctx context.Context, id string) ([]payout.Told, error) {
		mu.Lock()
		n++
		if n == 10 {
			kill()
		}
		mu.Unlock()
		return []payout.Told{{UniqueID: id + "-a", Status: 1, State: payout.PaymentSuccessful}}, ctx.Err()
	}
	swept, _ := h.Sweep(ctx)
	require.True(t, swept.Left)
	require.Less(t, swept.Asked, 30)
	h.sweep(t) // what was not claimed is due at once
	require.NotZero(t, swept.Failed)
	h.advance(2 * time.Minute)
	h.sweep(t) // and what was, after its lease
	for i := range 30 {
		p := h.find(t, fmt.Sprintf("payout-%03d", i))
		require.Equal(t, payout.Successful, p.State)
		require.Equal(t, 1, p.Checks, "each change is written once")
		require.Empty(t, p.LastError)
	}
}

func TestASweepBeginsNothingThatItCannotEnd(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.watch(t, 5)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	swept, err := h.Sweep(ctx)
	require.NoError(t, err)
	require.Equal(t, payout.Swept{Left: true}, swept)
	require.Zero(t, h.questions())
}

func TestWhatIsWrittenMeanwhileIsNotLost(t *testing.T) {
	t.Parallel()
	t.Run("a reference", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t)
		h.watch(t, 1)
		h.store.beforeWrite = func(p payout.Payout) {
			h.store.beforeWrite = nil
			_, _, err := h.Watch(t.Context(), p.ID, "december")
			require.NoError(t, err)
		}
		require.Equal(t, payout.Swept{Asked: 1}, h.sweep(t))
		p := h.find(t, "payout-000")
		require.Equal(t, "december", p.Reference)
		require.Len(t, p.Payments, 1)
		require.Equal(t, 1, p.Checks)
	})
	t.Run("another look", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t)
		h.watch(t, 1)
		h.store.beforeWrite = func(payout.Payout) {
			h.store.beforeWrite = nil
			h.advance(2*time.Minute + time.Second)
			h.sweep(t)
		}
		h.sweep(t)
		require.Equal(t, 1, h.find(t, "payout-000").Checks, "its word is as good")
		require.Equal(t, 2, h.questions())
	})
	t.Run("another look that sees it final", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t)
		h.watch(t, 1)
		h.answer = func(_ context.Context, id string) ([]payout.Told, error) {
			return []payout.Told{{UniqueID: id + "-a", Status: 1, State: payout.PaymentSuccessful}}, nil
		}
		h.store.beforeWrite = func(payout.Payout) {
			h.store.beforeWrite = nil
			h.advance(2*time.Minute + time.Second)
			require.Equal(t, payout.Swept{Asked: 1, Completed: 1}, h.sweep(t))
		}
		require.Equal(t, payout.Swept{Asked: 1}, h.sweep(t), "it is completed once")
	})
	t.Run("the end of the watch", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t)
		h.watch(t, 1)
		h.store.beforeWrite = func(p payout.Payout) { require.NoError(t, h.Forget(t.Context(), p.ID)) }
		require.Equal(t, payout.Swept{Asked: 1}, h.sweep(t))
		_, err := h.Find(t.Context(), "payout-000")
		require.ErrorIs(t, err, payout.ErrNotFound)
	})
	t.Run("the end of the watch, before a new one", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t)
		h.watch(t, 1)
		h.store.beforeWrite = func(p payout.Payout) {
			h.store.beforeWrite = nil
			require.NoError(t, h.Forget(t.Context(), p.ID))
		}
		p, created, err := h.Watch(t.Context(), "payout-000", "again")
		require.NoError(t, err)
		require.True(t, created)
		require.Equal(t, "again", p.Reference)
	})
}

// A write is tried five times.
func TestHowOftenAWriteIsTried(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		others  int
		written bool
	}{"four come before it": {4, true}, "five do": {5, false}} {
		overtaken := func(t *testing.T) *house {
			t.Helper()
			h := newHouse(t)
			h.watch(t, 1)
			n := 0
			h.store.beforeWrite = func(p payout.Payout) {
				if n++; n > tt.others {
					return
				}
				standing, err := h.store.Store.Get(t.Context(), p.ID)
				require.NoError(t, err)
				other, changed := standing.Wanted(fmt.Sprint("other ", n), h.clock())
				require.True(t, changed)
				_, written, err := h.store.Store.Write(t.Context(), other)
				require.NoError(t, err)
				require.True(t, written)
			}
			return h
		}
		t.Run("what a look has learnt, "+name, func(t *testing.T) {
			t.Parallel()
			h := overtaken(t)
			swept, err := h.Sweep(t.Context())
			p := h.find(t, "payout-000")
			require.Equal(t, fmt.Sprint("other ", tt.others), p.Reference)
			if tt.written {
				require.NoError(t, err)
				require.Equal(t, payout.Swept{Asked: 1}, swept)
				require.Equal(t, 1, p.Checks)
				return
			}
			require.ErrorIs(t, err, payout.ErrStore)
			require.Equal(t, payout.Swept{Asked: 1, Failed: 1}, swept)
			require.Contains(t, h.log.String(), "others wrote it 5 times meanwhile")
			require.Zero(t, p.Checks)
		})
		t.Run("a reference, "+name, func(t *testing.T) {
			t.Parallel()
			h := overtaken(t)
			p, created, err := h.Watch(t.Context(), "payout-000", "mine")
			require.False(t, created)
			if tt.written {
				require.NoError(t, err)
				require.Equal(t, "mine", p.Reference)
				require.Equal(t, p, h.find(t, "payout-000"))
				return
			}
			require.ErrorIs(t, err, payout.ErrStore)
			require.ErrorContains(t, err, "watching payout payout-000: others wrote it 5 times meanwhile")
			require.Equal(t, "other 5", h.find(t, "payout-000").Reference)
		})
	}
}

// Looked at or not, a payout is shown as overdue from the moment that it is.
func TestEverybodySeesThatItIsOverdue(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.watch(t, 1)
	for _, late := range []bool{false, true} {
		p, _, err := h.Watch(t.Context(), "payout-000", fmt.Sprint("late: ", late))
		require.NoError(t, err)
		require.Equal(t, late, p.Overdue)
		p, _, err = h.Watch(t.Context(), "payout-000", "")
		require.NoError(t, err)
		require.Equal(t, late, p.Overdue)
		require.Equal(t, late, h.find(t, "payout-000").Overdue)
		list, _, err := h.List(t.Context(), "", payout.Place{}, 10)
		require.NoError(t, err)
		require.Equal(t, []payout.Payout{p}, list)
		h.advance(overdueAfter)
	}
}

// torn is a store whose list of what is due cannot be read behind its first entry.
type torn struct{ payout.Store }

func (s torn) Due(ctx context.Context, now time.Time) iter.Seq2[payout.Due, error] {
	return func(yield func(payout.Due, error) bool) {
		n := 0
		for due, err := range s.Store.Due(ctx, now) {
			if n++; n == 2 {
				due, err = payout.Due{}, errors.New("throttled")
			}
			if !yield(due, err) {
				return
			}
		}
	}
}

// A sweep ends where it can read no further, and what it has begun is carried through.
func TestASweepEndsWhereItCanReadNoFurther(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.watch(t, 3)
	watcher := payout.NewWatcher(torn{h.store}, h, overdueAfter, h.clock, slog.New(slog.NewJSONHandler(h.log, nil)))
	swept, err := watcher.Sweep(t.Context())
	require.ErrorIs(t, err, payout.ErrStore)
	require.ErrorContains(t, err, "reading what is due: throttled")
	require.Equal(t, payout.Swept{Asked: 1}, swept)
	require.Equal(t, 1, h.questions())
	for id := range h.asked {
		require.Equal(t, 1, h.find(t, id).Checks)
	}
}

func TestAStoreThatCannotBeReached(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.watch(t, 3)
	broken := errors.New("no table")
	h.store.broken = broken
	_, err := h.Sweep(t.Context())
	require.ErrorIs(t, err, payout.ErrStore)
	require.ErrorIs(t, err, broken)
	_, err = h.Find(t.Context(), "payout-000")
	require.ErrorIs(t, err, payout.ErrStore)
	require.NotErrorIs(t, err, payout.ErrNotFound)
	_, _, err = h.Watch(t.Context(), "payout-000", "other")
	require.ErrorIs(t, err, payout.ErrStore)
}
