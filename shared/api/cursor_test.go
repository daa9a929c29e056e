package api_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/api"
)

var place = api.Place{CreatedAt: time.Date(2026, 11, 21, 9, 0, 0, 123456789, time.UTC), ID: "order-1"}

// turn is a place in a list that has an order of its own.
type turn struct {
	Number int `json:"n"`
}

func turns(path string) api.List[turn] {
	return api.Ordered(path, func(t turn) bool { return t.Number > 0 })
}

// lists are a cursor of each of some lists, and what reads a cursor there.
func lists() map[string]struct {
	cursor string
	read   func(query url.Values) (at any, err error)
} {
	type list = struct {
		cursor string
		read   func(query url.Values) (at any, err error)
	}
	all := map[string]list{}
	for _, of := range [][2]string{
		{"/charges", ""}, {"/charges", "pending"}, {"/charges", "unknown"},
		{"/subscriptions", ""}, {"/subscriptions", "held"}, {"/payouts", ""}, {"/payouts", "failed"},
	} {
		l := api.ByTime(of[0], of[1])
		all[of[0]+" "+of[1]] = list{l.Cursor(place), func(query url.Values) (any, error) {
			page, err := api.ReadPage(query, l, nil)
			return page.After, err
		}}
	}
	for _, id := range []string{"gold-42", "gold"} {
		l := turns("/subscriptions/" + id + "/charges")
		all[id] = list{l.Cursor(turn{7}), func(query url.Values) (any, error) {
			page, err := api.ReadPage(query, l, nil)
			return page.After, err
		}}
	}
	return all
}

// Contract, HTTP API: "A cursor belongs to its list and filter: anywhere else it is 400."
func TestACursorBelongsToItsListAndFilter(t *testing.T) {
	t.Parallel()
	for from, of := range lists() {
		for to, in := range lists() {
			at, err := in.read(url.Values{"cursor": {of.cursor}})
			if from == to {
				require.NoError(t, err, from)
				if strings.HasPrefix(from, "/") {
					require.Equal(t, place, at)
				} else {
					require.Equal(t, turn{7}, at)
				}
				continue
			}
			var problem *api.Problem
			require.ErrorAs(t, err, &problem, "%s in %s", from, to)
			require.Equal(t, http.StatusBadRequest, problem.Status, "%s in %s", from, to)
			require.Equal(t, "cursor", problem.Errors[0].Field)
		}
	}
}

// What is no cursor at all is a value that is not acceptable, as a limit is.
func TestReadPage(t *testing.T) {
	t.Parallel()
	charges := api.ByTime("/charges", "")
	raw := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	for name, tt := range map[string]struct {
		query  url.Values
		fields []string
	}{
		"nothing":         {url.Values{}, nil},
		"a limit":         {url.Values{"limit": {"100"}}, nil},
		"a low limit":     {url.Values{"limit": {"0"}}, []string{"limit"}},
		"a high limit":    {url.Values{"limit": {"101"}}, []string{"limit"}},
		"no limit":        {url.Values{"limit": {"x"}}, []string{"limit"}},
		"no base64":       {url.Values{"cursor": {"%%"}}, []string{"cursor"}},
		"no JSON":         {url.Values{"cursor": {raw("{")}}, []string{"cursor"}},
		"no list":         {url.Values{"cursor": {raw("{}")}}, []string{"cursor"}},
		"null":            {url.Values{"cursor": {raw("null")}}, []string{"cursor"}},
		"no place":        {url.Values{"cursor": {raw(`{"l":"/charges"}`)}}, []string{"cursor"}},
		"a null place":    {url.Values{"cursor": {raw(`{"l":"/charges","p":null}`)}}, []string{"cursor"}},
		"no time":         {url.Values{"cursor": {raw(`{"l":"/charges","p":{"n":"a"}}`)}}, []string{"cursor"}},
		"another place":   {url.Values{"cursor": {raw(`{"l":"/charges","p":{"c":7,"t":0}}`)}}, []string{"cursor"}},
		"an unknown name": {url.Values{"cursor": {raw(`{"l":"/charges","p":{"c":"2026-11-21T09:00:00Z","n":"a"},"x":1}`)}}, []string{"cursor"}},
		// DynamoDB refuses a key of more than 1 KB: that would come out as 503.
		"an endless id": {url.Values{"cursor": {charges.Cursor(api.Place{CreatedAt: place.CreatedAt, ID: strings.Repeat("a", 1025)})}}, []string{"cursor"}},
		"endless":       {url.Values{"cursor": {strings.Repeat("a", 1<<16)}}, []string{"cursor"}},
		"both":          {url.Values{"cursor": {"x"}, "limit": {"x"}}, []string{"limit", "cursor"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := api.ReadPage(tt.query, charges, nil)
			if tt.fields == nil {
				require.NoError(t, err)
				return
			}
			var problem *api.Problem
			require.ErrorAs(t, err, &problem)
			require.Equal(t, http.StatusUnprocessableEntity, problem.Status)
			var blamed []string
			for _, e := range problem.Errors {
				blamed = append(blamed, e.Field)
			}
			require.Equal(t, tt.fields, blamed)
		})
	}
}

// Whatever a cursor is: no panic, a place that a store can be asked for, or a problem
// that is the caller's; and what is read comes back as the same place.
func FuzzCursor(f *testing.F) {
	for _, of := range lists() {
		f.Add(of.cursor)
	}
	f.Add("e30")
	f.Add(base64.RawURLEncoding.EncodeToString([]byte(`{"l":"/charges","p":{"c":"9999-12-31T23:59:59.999999999Z","n":"\u0000"}}`)))
	charges := api.ByTime("/charges", "")
	f.Fuzz(func(t *testing.T, text string) {
		page, err := api.ReadPage(url.Values{"cursor": {text}}, charges, nil)
		if err != nil {
			var problem *api.Problem
			require.ErrorAs(t, err, &problem)
			require.Contains(t, []int{http.StatusBadRequest, http.StatusUnprocessableEntity}, problem.Status)
			return
		}
		if text == "" {
			require.Zero(t, page.After)
			return
		}
		require.False(t, page.After.CreatedAt.IsZero())
		require.Less(t, len(page.After.ID), 1000)
		again, err := api.ReadPage(url.Values{"cursor": {charges.Cursor(page.After)}}, charges, nil)
		require.NoError(t, err)
		require.Equal(t, page.After.ID, again.After.ID)
		require.True(t, page.After.CreatedAt.Equal(again.After.CreatedAt))
	})
}
