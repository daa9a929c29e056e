package subscriptiontest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/subscription"
	"dinarfunctions/shared/unreadable"
)

// Spoil gives an attribute of the stored subscription with an id another value, past
// the store: a string as a text, an int as a number.
type Spoil func(t *testing.T, id, attribute string, value any)

// Unreadable is the part of the suite about subscriptions that cannot be read (issue 11:
// "One item that cannot be read is not an outage"). open makes an empty store.
func Unreadable(t *testing.T, open func(t *testing.T) (subscription.Store, Spoil)) {
	t.Helper()
	for name, wrong := range map[string]struct {
		attribute string
		value     any
		anywhere  bool // it may be in any state
	}{
		"of a newer version":         {"state", "MARKED-newer", true},
		"a number typed for a state": {"state", 7, true},
		"a vanished time zone":       {"time_zone", "MARKED/Nowhere", false},
		"a number typed for a token": {"token", 7002, false},
		"no date":                    {"starts_on", "MARKED-today", false},
	} {
		t.Run(name, func(t *testing.T) {
			store, spoil := open(t)
			ctx := t.Context()
			var broken subscription.Subscription
			var good []subscription.Subscription
			var last time.Time
			for i, id := range []string{"a", "b", "c", "d"} {
				s := New(t, id)
				s.CreatedAt = s.CreatedAt.Add(time.Duration(i) * time.Second)
				made, created, err := store.Create(ctx, s)
				require.NoError(t, err)
				require.True(t, created)
				last = made.LookAt
				if id == "b" {
					broken = made
				} else {
					good = append(good, made)
				}
			}
			spoil(t, "b", wrong.attribute, wrong.value)

			requireUnreadable := func(err error) {
				t.Helper()
				e := unreadable.Of(err)
				require.NotNil(t, e, "%v", err)
				require.Equal(t, unreadable.Subscription, e.Kind)
				require.Equal(t, "b", e.Key)
				require.Contains(t, e.What, wrong.attribute)
				require.NotContains(t, err.Error(), "MARKED")
				require.NotContains(t, err.Error(), "7002", "a token is not told")
				require.NotErrorIs(t, err, subscription.ErrNotFound)
			}
			_, err := store.Get(ctx, "b")
			requireUnreadable(err)
			_, created, err := store.Create(ctx, New(t, "b"))
			requireUnreadable(err)
			require.False(t, created, "its id is not free")

			for _, state := range []subscription.State{"", subscription.Active, subscription.Held} {
				for _, limit := range []int{1, 2, 3, 100} {
					var found []subscription.Subscription
					var left []*unreadable.Error
					for after := new(subscription.Place); after != nil; {
						page, more, err := store.List(ctx, state, *after, limit)
						some, failed := unreadable.Split(err)
						require.NoError(t, failed)
						require.LessOrEqual(t, len(page)+len(some), limit)
						found, left, after = append(found, page...), append(left, some...), more
					}
					if state == subscription.Held {
						require.Empty(t, found)
					} else {
						require.Equal(t, good, found, "limit %d", limit)
					}
					if state == subscription.Held && !wrong.anywhere {
						require.Empty(t, left, "it says that it is in another state")
						continue
					}
					require.Len(t, left, 1, "it is named once: state %q, limit %d", state, limit)
					requireUnreadable(left[0])
				}
			}

			var due []string
			for d, err := range store.Due(ctx, last) {
				require.NoError(t, err)
				due = append(due, d.ID)
			}
			require.ElementsMatch(t, []string{"a", "b", "c", "d"}, due, "the others are due all the same")
			_, moved, err := store.Look(ctx, "b", broken.LookAt, broken.LookAt.Add(time.Hour))
			requireUnreadable(err)
			require.False(t, moved, "there is nothing to queue")
		})
	}
}
