package dynamostore_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/dynamostore"
	"dinarfunctions/shared/payout"
	"dinarfunctions/shared/subscription"
	"dinarfunctions/shared/subscription/subscriptiontest"
)

const payoutsName = "payouts-of-the-test"

// payouts is a store on the server, whose client tries three times.
func (s *server) payouts() *dynamostore.Payouts {
	return dynamostore.NewPayouts(client(s.URL, s.Client().Transport, 3), payoutsName)
}

// keeper is a store of things that are due and listed, whichever things they are.
type keeper struct {
	word   string // what errors call a thing, and its key begins with
	table  string
	is     string // a state
	was    string // another
	create func(t *testing.T, s *server, id, state string) error
	list   func(s *server, state string, limit int) (ids []string, more *subscription.Place, err error)
	due    func(s *server) (ids []string, failed error)
}

func forEachKeeper(t *testing.T, test func(*testing.T, keeper)) {
	t.Helper()
	for _, k := range []keeper{
		{
			"subscription", subscriptionsName, string(subscription.Held), string(subscription.Active),
			func(t *testing.T, s *server, id, state string) error {
				t.Helper()
				one := subscriptiontest.New(t, id)
				one.State = subscription.State(state)
				_, _, err := s.subscriptions().Create(context.Background(), one)
				return err
			},
			func(s *server, state string, limit int) (ids []string, more *subscription.Place, err error) {
				found, more, err := s.subscriptions().List(context.Background(), subscription.State(state), subscription.Place{}, limit)
				for _, one := range found {
					ids = append(ids, one.ID)
				}
				return ids, more, err
			},
			func(s *server) (ids []string, failed error) {
				for due, err := range s.subscriptions().Due(context.Background(), start) {
					if err != nil {
						failed = err
						continue
					}
					ids = append(ids, due.ID)
				}
				return ids, failed
			},
		},
		{
			"payout", payoutsName, string(payout.Failed), string(payout.Processing),
			func(t *testing.T, s *server, id, state string) error {
				t.Helper()
				one := payout.New(id, "november", start)
				one.State = payout.State(state)
				_, _, err := s.payouts().Create(context.Background(), one)
				return err
			},
			func(s *server, state string, limit int) (ids []string, more *subscription.Place, err error) {
				found, place, err := s.payouts().List(context.Background(), payout.State(state), payout.Place{}, limit)
				for _, one := range found {
					ids = append(ids, one.ID)
				}
				return ids, (*subscription.Place)(place), err
			},
			func(s *server) (ids []string, failed error) {
				for due, err := range s.payouts().Due(context.Background(), start) {
					if err != nil {
						failed = err
						continue
					}
					ids = append(ids, due.ID)
				}
				return ids, failed
			},
		},
	} {
		t.Run(k.word, func(t *testing.T) {
			t.Parallel()
			test(t, k)
		})
	}
}

// item is a thing as it stands in the table: what its creation writes.
func (k keeper) item(t *testing.T, id, state string) attributes {
	t.Helper()
	s := serve(t, written(nil))
	require.ErrorContains(t, k.create(t, s, id, state), "create "+k.word+" "+id+" in DynamoDB table "+k.table+": ")
	sent := s.seen()[0].Body
	item := attributes{"pk": sent.Key["pk"]}
	for name, value := range sent.ExpressionAttributeValues {
		item[name[1:]] = value
	}
	return item
}

// listed is a row of the index of all, in a state as the index has it.
func (k keeper) listed(id, state string) attributes {
	return texts(map[string]string{"pk": k.word + "#" + id, "state": state, "list_at": nanos(start) + "#" + id})
}

// serve answers queries of an index with pages, and reads with items.
func (k keeper) serve(t *testing.T, index string, rows pages, items ...attributes) *server {
	t.Helper()
	return serveEach(t, func(_ int, c call) http.HandlerFunc {
		if c.Body.TableName != k.table || c.Operation == query && c.Body.IndexName != index {
			return nil
		}
		if c.Operation == query {
			return rows.answer(c)
		}
		for _, item := range items {
			if asJSON(t, c.Body.Key["pk"]) == asJSON(t, item["pk"]) {
				return found(item)
			}
		}
		return found(nil)
	})
}

// A list of what hardly anything is in ends early, and goes on from there.
func TestAListIsBounded(t *testing.T) {
	t.Parallel()
	forEachKeeper(t, func(t *testing.T, k keeper) {
		var rows []attributes
		for i := range 5100 {
			rows = append(rows, k.listed(fmt.Sprintf("gold-%04d", i), k.was))
		}
		s := k.serve(t, "listed", pages{"0": {rows}})
		ids, more, err := k.list(s, k.is, 10)
		require.NoError(t, err)
		require.Empty(t, ids)
		require.Equal(t, &subscription.Place{CreatedAt: start, ID: "gold-4999"}, more)
		require.Len(t, s.seen(), 8, "nothing is read that is in another state")

		ids, more, err = k.list(k.serve(t, "listed", pages{"0": {rows[:5000]}}), k.is, 10)
		require.NoError(t, err)
		require.Empty(t, ids)
		require.Nil(t, more)
	})
}

// The index is a moment behind: what has left its state since, or is gone, is left out,
// and others fill the page in its place.
func TestAPageIsFilled(t *testing.T) {
	t.Parallel()
	forEachKeeper(t, func(t *testing.T, k keeper) {
		rows := []attributes{
			k.listed("a", k.is), k.listed("b", k.is), k.listed("c", k.is), k.listed("d", k.was),
			k.listed("e", k.is), k.listed("f", k.is), k.listed("g", k.is),
		}
		items := []attributes{
			k.item(t, "a", k.is), k.item(t, "b", k.was), k.item(t, "d", k.was), // c is gone
			k.item(t, "e", k.is), k.item(t, "f", k.is), k.item(t, "g", k.is),
		}
		for _, tt := range []struct {
			rows  int
			state string
			limit int
			want  []string
			more  string
			reads int
		}{
			{7, k.is, 3, []string{"a", "e", "f"}, "f", 5},
			{6, k.is, 3, []string{"a", "e", "f"}, "", 5},
			{7, k.is, 10, []string{"a", "e", "f", "g"}, "", 6},
			{7, k.was, 3, []string{"d"}, "", 1},
			{7, "", 3, []string{"a", "b", "d"}, "d", 4},
			{4, "", 3, []string{"a", "b", "d"}, "", 4},
			{3, "", 1, []string{"a"}, "a", 1},
			{0, "", 3, nil, "", 0},
		} {
			name := fmt.Sprintf("%d rows, %q, limit %d", tt.rows, tt.state, tt.limit)
			s := k.serve(t, "listed", pages{"3": {rows[:tt.rows]}}, items...)
			ids, more, err := k.list(s, tt.state, tt.limit)
			require.NoError(t, err, name)
			require.Equal(t, tt.want, ids, name)
			if tt.more == "" {
				require.Nil(t, more, name)
			} else {
				require.Equal(t, &subscription.Place{CreatedAt: start, ID: tt.more}, more, name)
			}
			require.Len(t, s.seen(), len(s.queries())+tt.reads, name)
			page := 100 // most may be in other states
			if tt.state == "" {
				page = tt.limit
			}
			for _, sent := range s.queries() {
				require.Equal(t, page, sent.Body.Limit, name)
				require.Equal(t, "#shard = :shard AND #sort > :bound", sent.Body.KeyConditionExpression)
				require.Equal(t, map[string]string{"#shard": "list_shard", "#sort": "list_at"}, sent.Body.ExpressionAttributeNames)
			}
		}
	})
}

// A list with a hole that it does not name would hide something.
func TestAListFailsWhereSomethingCannotBeRead(t *testing.T) {
	t.Parallel()
	forEachKeeper(t, func(t *testing.T, k keeper) {
		a, b := k.listed("a", k.is), k.listed("b", k.is)
		of := k.item(t, "a", k.is)
		for says, s := range map[string]*server{
			"AccessDeniedException": serveEach(t, func(_ int, c call) http.HandlerFunc {
				if asJSON(t, c.Body.ExpressionAttributeValues[":shard"]) == `{"S":"7"}` {
					return refused(400, "AccessDeniedException")
				}
				return pages{"0": {{a}}}.answer(c)
			}),
			"an index entry": k.serve(t, "listed", pages{"0": {{{}, a}}}, of),
			k.word + " a in DynamoDB table": serveEach(t, func(_ int, c call) http.HandlerFunc {
				if c.Operation == query {
					return pages{"0": {{a, b}}}.answer(c)
				}
				return refused(400, "AccessDeniedException")
			}),
		} {
			ids, more, err := k.list(s, k.is, 1)
			require.ErrorContains(t, err, "list "+k.word+"s in DynamoDB table "+k.table+": ")
			require.ErrorContains(t, err, says)
			require.NotContains(t, err.Error(), "MARKED")
			require.Empty(t, ids, says)
			require.Nil(t, more, says)
		}
	})
}

// What one entry cannot give holds up no other, and one that is moved on while the
// index is read is not shown again.
func TestWhatIsDueOfEachKind(t *testing.T) {
	t.Parallel()
	forEachKeeper(t, func(t *testing.T, k keeper) {
		dueRow := func(id string, at string) attributes {
			return texts(map[string]string{"pk": k.word + "#" + id, "due_at": at})
		}
		a, c := dueRow("a", nanos(start)), dueRow("c", nanos(start.Add(time.Second)))
		s := k.serve(t, "due", pages{"0": {{a, dueRow("a", nanos(start.Add(time.Minute)))}}, "5": {{c}}})
		ids, failed := k.due(s)
		require.NoError(t, failed)
		require.Equal(t, []string{"a", "c"}, ids)
		for _, sent := range s.queries() {
			require.Equal(t, "#shard = :shard AND #sort <= :bound", sent.Body.KeyConditionExpression)
			require.Equal(t, map[string]string{"#shard": "due_shard", "#sort": "due_at"}, sent.Body.ExpressionAttributeNames)
		}

		for says, garbled := range map[string]attributes{
			"an index entry": {},
			"the stored " + k.word + " b cannot be read (due_at is no time)": dueRow("b", "2026"),
		} {
			ids, failed := k.due(k.serve(t, "due", pages{"0": {{a, garbled}}, "5": {{garbled, c}}}))
			require.Equal(t, []string{"a", "c"}, ids)
			require.ErrorContains(t, failed, "read what is due in DynamoDB table "+k.table+": "+says)
		}
	})
}
