package payouttest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/payout"
	"dinarfunctions/shared/unreadable"
)

// Spoil gives an attribute of the stored payout with an id another value, past the
// store: a string as a text, an int as a number.
type Spoil func(t *testing.T, id, attribute string, value any)

// Unreadable is the part of the suite about payouts that cannot be read (issue 11: "One
// item that cannot be read is not an outage"). open makes an empty store.
func Unreadable(t *testing.T, open func(t *testing.T) (payout.Store, Spoil)) {
	t.Helper()
	for name, wrong := range map[string]struct {
		attribute string
		value     any
		anywhere  bool // it may be in any state
	}{
		"of a newer version":        {"state", "MARKED-newer", true},
		"a number typed for a text": {"last_error", 7, false},
		"a text typed for a number": {"checks", "MARKED-many", false},
	} {
		t.Run(name, func(t *testing.T) {
			store, spoil := open(t)
			ctx := t.Context()
			var good []payout.Payout
			for i, id := range []string{"a", "b", "c", "d"} {
				p := mustCreate(t, store, payout.New(id, "", start.Add(time.Duration(i)*time.Second)))
				if id != "b" {
					good = append(good, p)
				}
			}
			spoil(t, "b", wrong.attribute, wrong.value)

			requireUnreadable := func(err error) {
				t.Helper()
				e := unreadable.Of(err)
				require.NotNil(t, e, "%v", err)
				require.Equal(t, unreadable.Payout, e.Kind)
				require.Equal(t, "b", e.Key)
				require.Contains(t, e.What, wrong.attribute)
				require.NotContains(t, err.Error(), "MARKED")
				require.NotErrorIs(t, err, payout.ErrNotFound)
			}
			_, err := store.Get(ctx, "b")
			requireUnreadable(err)
			_, created, err := store.Create(ctx, payout.New("b", "", start))
			requireUnreadable(err)
			require.False(t, created)

			for _, state := range []payout.State{"", payout.Processing, payout.Failed} {
				for _, limit := range []int{1, 2, 3, 100} {
					var found []payout.Payout
					var left []*unreadable.Error
					for after := new(payout.Place); after != nil; {
						page, more, err := store.List(ctx, state, *after, limit)
						some, failed := unreadable.Split(err)
						require.NoError(t, failed)
						require.LessOrEqual(t, len(page)+len(some), limit)
						found, left, after = append(found, page...), append(left, some...), more
					}
					if state == payout.Failed {
						require.Empty(t, found)
					} else {
						require.Equal(t, good, found, "limit %d", limit)
					}
					if state == payout.Failed && !wrong.anywhere {
						require.Empty(t, left, "it says that it is in another state")
						continue
					}
					require.Len(t, left, 1, "it is named once: state %q, limit %d", state, limit)
					requireUnreadable(left[0])
				}
			}

			var due []string
			for d, err := range store.Due(ctx, start.AddDate(0, 0, 1)) {
				require.NoError(t, err)
				due = append(due, d.ID)
			}
			require.ElementsMatch(t, []string{"a", "b", "c", "d"}, due, "the others are due all the same")
			require.NoError(t, store.Delete(ctx, "b"))
			_, created, err = store.Create(ctx, payout.New("b", "", start))
			require.NoError(t, err)
			require.True(t, created, "to watch it anew, it is taken away")
		})
	}
}
