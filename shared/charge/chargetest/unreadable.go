package chargetest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/unreadable"
)

// Spoil gives an attribute of the stored charge under a number another value, past the
// store: a string as a text, an int as a number.
type Spoil func(t *testing.T, number, attribute string, value any)

// Unreadable is the part of the suite about charges that cannot be read (issue 11: "One
// item that cannot be read is not an outage"). open makes an empty store.
func Unreadable(t *testing.T, open func(t *testing.T) (charge.Store, Spoil)) {
	t.Helper()
	for name, wrong := range map[string]struct {
		attribute string
		value     any
	}{
		"of a newer version":         {"state", "MARKED-newer"},
		"a number typed for a text":  {"description", 1},
		"no amount":                  {"amount", "MARKED-one"},
		"a number typed for a state": {"state", 7},
	} {
		t.Run(name, func(t *testing.T) {
			store, spoil := open(t)
			var good []charge.Charge
			for i, number := range []string{"a", "b", "c", "d"} {
				c := claim(t, number, "attempt-1")
				c.For = charge.Cycle{Subscription: "gold-42", Number: i + 1}
				c.CreatedAt = start.Add(time.Duration(i) * time.Second)
				good = append(good, mustClaim(t, store, c))
			}
			spoil(t, "b", wrong.attribute, wrong.value)
			good = append(good[:1], good[2:]...)

			requireUnreadable := func(err error) {
				t.Helper()
				e := unreadable.Of(err)
				require.NotNil(t, e, "%v", err)
				require.Equal(t, unreadable.Charge, e.Kind)
				require.Equal(t, "b", e.Key)
				require.Contains(t, e.What, wrong.attribute)
				require.NotContains(t, err.Error(), "MARKED")
				require.NotErrorIs(t, err, charge.ErrNotFound)
			}
			ctx := t.Context()
			_, err := store.Get(ctx, "b")
			requireUnreadable(err)
			_, won, err := store.Claim(ctx, claim(t, "b", "attempt-2"))
			requireUnreadable(err)
			require.False(t, won, "nothing is charged under its number")

			for _, limit := range []int{1, 2, 3, 100} {
				var open, of []charge.Charge
				var openLeft, ofLeft []*unreadable.Error
				for after := new(charge.Place); after != nil; {
					page, more, err := store.Open(ctx, charge.OpenStates(), *after, limit)
					left, failed := unreadable.Split(err)
					require.NoError(t, failed)
					require.LessOrEqual(t, len(page)+len(left), limit)
					open, openLeft, after = append(open, page...), append(openLeft, left...), more
				}
				for after := new(charge.Cycle); after != nil; {
					page, more, err := store.OfSubscription(ctx, "gold-42", *after, limit)
					left, failed := unreadable.Split(err)
					require.NoError(t, failed)
					require.LessOrEqual(t, len(page)+len(left), limit)
					of, ofLeft, after = append(of, page...), append(ofLeft, left...), more
				}
				for _, left := range [][]*unreadable.Error{openLeft, ofLeft} {
					require.Len(t, left, 1, "it is named once, limit %d", limit)
					requireUnreadable(left[0])
				}
				require.Equal(t, good, open, "limit %d", limit)
				require.Equal(t, good, of, "limit %d", limit)
			}

			var due []string
			for d, err := range store.Due(ctx, start.AddDate(0, 0, 1)) {
				require.NoError(t, err)
				due = append(due, d.Number)
			}
			require.ElementsMatch(t, []string{"a", "b", "c", "d"}, due, "the others are due all the same")
		})
	}
}
