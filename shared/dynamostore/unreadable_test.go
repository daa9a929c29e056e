package dynamostore_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/subscription"
	"dinarfunctions/shared/unreadable"
)

// number is an attribute of DynamoDB's JSON: a number where a text belongs.
var number = map[string]any{"N": "1"}

// One item that cannot be read is not an outage: a list shows the others, names it by
// its key, and counts it in its page.
func TestAListNamesWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	forEachKeeper(t, func(t *testing.T, k keeper) {
		newer := k.item(t, "b", k.is)
		newer["state"] = map[string]any{"S": "MARKED-newer"}
		typed := k.item(t, "d", k.was)
		typed["created_at"] = number
		noState := k.listed("e", k.is)
		noState["state"] = number
		garbled := k.item(t, "e", k.is)
		garbled["state"] = number
		foreign := texts(map[string]string{"pk": "newer#f", "state": k.is, "list_at": nanos(start) + "#f"})
		noPlace := texts(map[string]string{"pk": k.word + "#g", "state": k.is, "list_at": "MARKED"})
		rows := []attributes{
			k.listed("a", k.is), k.listed("b", "MARKED-newer"), k.listed("c", k.is), k.listed("d", k.was), noState, foreign, noPlace,
		}
		items := []attributes{k.item(t, "a", k.is), newer, k.item(t, "c", k.is), typed, garbled, k.item(t, "g", k.is)}
		for _, tt := range []struct {
			state string
			limit int
			want  []string
			left  []string
			more  string
		}{
			{"", 1, []string{"a"}, nil, "a"},
			{"", 2, []string{"a"}, []string{"b"}, "b"},
			{"", 3, []string{"a", "c"}, []string{"b"}, "c"},
			{"", 100, []string{"a", "c"}, []string{"b", "d", "e", "newer#f", "g"}, ""},
			{k.is, 100, []string{"a", "c"}, []string{"b", "e", "newer#f", "g"}, ""},
			{k.was, 100, nil, []string{"b", "d", "e", "newer#f"}, ""},
		} {
			name := fmt.Sprintf("%q, limit %d", tt.state, tt.limit)
			ids, more, err := k.list(k.serve(t, "listed", pages{"0": {rows}}, items...), tt.state, tt.limit)
			left, failed := unreadable.Split(err)
			require.NoError(t, failed, name)
			require.Equal(t, tt.want, ids, name)
			require.Equal(t, tt.left, unreadable.Keys(left), name)
			for _, e := range left {
				require.Equal(t, unreadable.Kind(k.word), e.Kind)
				require.NotContains(t, e.Error(), "MARKED")
			}
			if tt.more == "" {
				require.Nil(t, more, name)
			} else {
				require.Equal(t, &subscription.Place{CreatedAt: start, ID: tt.more}, more, name)
			}
		}
	})
}

// A page does not end behind an entry without a place: nobody could go on from there.
func TestAPageEndsAtAPlace(t *testing.T) {
	t.Parallel()
	forEachKeeper(t, func(t *testing.T, k keeper) {
		noPlace := texts(map[string]string{"pk": k.word + "#0", "state": k.is, "list_at": "0"})
		rows := pages{"0": {{noPlace, k.listed("a", k.is), k.listed("b", k.is)}}}
		ids, more, err := k.list(k.serve(t, "listed", rows, k.item(t, "a", k.is), k.item(t, "b", k.is)), "", 1)
		left, failed := unreadable.Split(err)
		require.NoError(t, failed)
		require.Equal(t, []string{"0"}, unreadable.Keys(left))
		require.Equal(t, []string{"a"}, ids)
		require.Equal(t, &subscription.Place{CreatedAt: start, ID: "a"}, more)
	})
}

// One item that cannot be read is not an outage: the list of open charges names it.
func TestOpenNamesWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	a, b, c := openCharge(t, "a", 1, charge.Unknown), openCharge(t, "b", 2, charge.Pending), openCharge(t, "c", 3, charge.Unknown)
	noPlace := rowOf(openCharge(t, "d", 4, charge.Unknown))
	noPlace["open_at"] = map[string]any{"S": "MARKED"}
	newer := stored(b)
	newer["state"] = map[string]any{"S": "MARKED-newer"}
	open := func() *server {
		return serveEach(t, func(_ int, asked call) http.HandlerFunc {
			if asked.Operation == query {
				return pages{"0": {{rowOf(a), rowOf(b), rowOf(c), noPlace}}}.answer(asked)
			}
			for _, item := range []attributes{stored(a), newer, stored(c)} {
				if asJSON(t, asked.Body.Key["pk"]) == asJSON(t, item["pk"]) {
					return found(item)
				}
			}
			return found(nil)
		})
	}
	for _, tt := range []struct {
		limit int
		want  []charge.Charge
		left  []string
		more  *charge.Charge
	}{
		{1, []charge.Charge{a}, nil, &a},
		{2, []charge.Charge{a}, []string{"b"}, &b},
		{3, []charge.Charge{a, c}, []string{"b"}, &c},
		{10, []charge.Charge{a, c}, []string{"b", "d"}, nil},
	} {
		got, more, err := open().store().Open(t.Context(), charge.OpenStates(), charge.Place{}, tt.limit)
		left, failed := unreadable.Split(err)
		require.NoError(t, failed)
		require.Equal(t, tt.want, got)
		require.Equal(t, tt.left, unreadable.Keys(left))
		require.NotContains(t, fmt.Sprint(err), "MARKED")
		if tt.more == nil {
			require.Nil(t, more)
		} else {
			require.Equal(t, placeOf(*tt.more), *more)
		}
	}
}

// An entry that cannot be read is shown once, in its place, and the others follow.
func TestWhatIsDueGoesOnBehindAnUnreadableEntry(t *testing.T) {
	t.Parallel()
	garbled := due("b", 0)
	garbled["look_at"] = map[string]any{"S": "2026-11-21T09:00:01.5Z"}
	s := serveIndex(t, pages{"0": {{due("a", 1), garbled, garbled}, {due("c", 2)}}})
	var seen []string
	for d, err := range s.store().Due(t.Context(), start.AddDate(0, 0, 1)) {
		if e := unreadable.Of(err); e != nil {
			require.Equal(t, unreadable.Charge, e.Kind)
			seen = append(seen, "not "+e.Key)
			continue
		}
		require.NoError(t, err)
		seen = append(seen, d.Number)
	}
	require.ElementsMatch(t, []string{"a", "not b", "c"}, seen)
}
