package dynamostore_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/dynamostore"
	"dinarfunctions/shared/unreadable"
)

const query = "DynamoDB_20120810.Query"

// pages are what an index holds: for each shard, the pages that it answers with.
type pages map[string][][]attributes

// answer answers a Query with its page.
func (p pages) answer(c call) http.HandlerFunc {
	shard := c.Body.ExpressionAttributeValues[":shard"].(map[string]any)["S"].(string)
	n := 0
	if from, there := c.Body.ExclusiveStartKey["page"]; there {
		n, _ = strconv.Atoi(from.(map[string]any)["N"].(string))
	}
	content := map[string]any{"Items": []attributes{}}
	if n < len(p[shard]) && p[shard][n] != nil {
		content["Items"] = p[shard][n]
	}
	if n+1 < len(p[shard]) {
		content["LastEvaluatedKey"] = attributes{"page": map[string]any{"N": strconv.Itoa(n + 1)}}
	}
	return answer(http.StatusOK, content)
}

// serveIndex answers queries with pages, and reads of charges from a list.
func serveIndex(t *testing.T, index pages, charges ...charge.Charge) *server {
	t.Helper()
	return serveEach(t, func(_ int, c call) http.HandlerFunc {
		if c.Operation == query {
			return index.answer(c)
		}
		for _, of := range charges {
			if asJSON(t, c.Body.Key) == asJSON(t, texts(map[string]string{"pk": "charge#" + of.Order.Number})) {
				return found(stored(of))
			}
		}
		return found(nil)
	})
}

func (s *server) queries() []call {
	return slices.DeleteFunc(slices.Clone(s.seen()), func(c call) bool { return c.Operation != query })
}

// due is a row of the index look, seconds after start.
func due(number string, seconds int) attributes {
	return texts(map[string]string{
		"pk": "charge#" + number, "look_shard": "of no matter", "look_at": nanos(start.Add(time.Duration(seconds) * time.Second)),
	})
}

func allDue(s *dynamostore.Charges) (numbers []string, failed error) {
	for d, err := range s.Due(context.Background(), start.Add(time.Hour)) {
		if err != nil {
			failed = err
			continue
		}
		numbers = append(numbers, d.Number)
	}
	return numbers, failed
}

func TestWhatIsDueIsMergedFromAllShards(t *testing.T) {
	t.Parallel()
	s := serveIndex(t, pages{
		"0": {{due("a", 1), due("d", 4)}, {}, {due("g", 7)}},
		"3": {{due("b", 2), due("e", 5)}},
		"7": {nil, {due("c", 3), due("f", 6)}},
	})
	var got []charge.Due
	for d, err := range s.store().Due(t.Context(), start.Add(time.Hour)) {
		require.NoError(t, err)
		got = append(got, d)
	}
	var want []charge.Due
	for i, number := range []string{"a", "b", "c", "d", "e", "f", "g"} {
		want = append(want, charge.Due{Number: number, At: start.Add(time.Duration(i+1) * time.Second)})
	}
	require.Equal(t, want, got)

	require.Len(t, s.queries(), 8+2+1)
	asked := map[string]int{}
	for _, sent := range s.queries() {
		require.Equal(t, tableName, sent.Body.TableName)
		require.Equal(t, "look", sent.Body.IndexName)
		require.Equal(t, "#shard = :shard AND #sort <= :bound", sent.Body.KeyConditionExpression)
		require.Equal(t, map[string]string{"#shard": "look_shard", "#sort": "look_at"}, sent.Body.ExpressionAttributeNames)
		require.Equal(t, map[string]any{"S": nanos(start.Add(time.Hour))}, sent.Body.ExpressionAttributeValues[":bound"])
		require.Equal(t, 100, sent.Body.Limit)
		require.False(t, sent.Body.ConsistentRead, "no index can")
		asked[sent.Body.ExpressionAttributeValues[":shard"].(map[string]any)["S"].(string)]++
	}
	require.Equal(t, map[string]int{"0": 3, "1": 1, "2": 1, "3": 1, "4": 1, "5": 1, "6": 1, "7": 2}, asked)
}

func TestNoMoreIsReadThanIsTaken(t *testing.T) {
	t.Parallel()
	s := serveIndex(t, pages{"0": {{due("a", 1), due("b", 2)}, {due("c", 3)}}, "1": {{due("d", 4)}, {due("e", 5)}}})
	taken := 0
	for _, err := range s.store().Due(t.Context(), start.Add(time.Hour)) {
		require.NoError(t, err)
		if taken++; taken == 2 {
			break
		}
	}
	require.Len(t, s.queries(), 8, "the first pages were enough")
}

// What one shard or one entry cannot give holds up nothing else.
func TestWhatIsDueThoughSomeCannotBeRead(t *testing.T) {
	t.Parallel()
	index := pages{"0": {{due("a", 1)}}, "1": {{due("b", 2)}, {due("d", 4)}}, "2": {{due("c", 3)}}}
	s := serveEach(t, func(_ int, c call) http.HandlerFunc {
		if asJSON(t, c.Body.ExpressionAttributeValues[":shard"]) == `{"S":"1"}` && len(c.Body.ExclusiveStartKey) > 0 {
			return refused(400, "AccessDeniedException")
		}
		return index.answer(c)
	})
	numbers, err := allDue(s.store())
	require.Equal(t, []string{"a", "b", "c"}, numbers)
	requireFailed(t, operations(t)["due"], err)
	require.ErrorContains(t, err, "AccessDeniedException")

	for name, garbled := range map[string]attributes{
		"no key":           {"look_at": due("x", 1)["look_at"]},
		"no charge's key":  {"pk": map[string]any{"S": "newer#x"}, "look_at": due("x", 1)["look_at"]},
		"no number":        {"pk": map[string]any{"S": "charge#"}, "look_at": due("x", 1)["look_at"]},
		"no time":          {"pk": due("x", 1)["pk"]},
		"garbage for time": {"pk": due("x", 1)["pk"], "look_at": map[string]any{"S": "2026"}},
	} {
		key := map[string]string{"no charge's key": "newer#x", "no number": "charge#", "garbage for time": "x"}[name]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			numbers, err := allDue(serveIndex(t, pages{"0": {{garbled, due("a", 1)}}, "4": {{due("b", 2)}}}).store())
			require.Equal(t, []string{"a", "b"}, numbers)
			requireFailed(t, operations(t)["due"], err)
			if key == "" { // not an entry that an index can have
				require.ErrorContains(t, err, "index entry")
				return
			}
			require.NotNil(t, unreadable.Of(err))
			require.Equal(t, unreadable.Charge, unreadable.Of(err).Kind)
			require.Equal(t, key, unreadable.Of(err).Key)
		})
	}
}

// A look that moves on while the index is read comes by a second time.
func TestWhatIsDueIsShownOnce(t *testing.T) {
	t.Parallel()
	numbers, err := allDue(serveIndex(t, pages{"0": {{due("a", 1), due("b", 2)}, {due("a", 3)}}}).store())
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b"}, numbers)
}

// openCharge is a charge that was made seconds after start, in a state.
func openCharge(t *testing.T, number string, seconds int, state charge.State) charge.Charge {
	t.Helper()
	c := claim(t, "attempt-1")
	c.Order.Number, c.State, c.CreatedAt = number, state, start.Add(time.Duration(seconds)*time.Second)
	return c
}

// rowOf is a charge's row in the index open.
func rowOf(c charge.Charge) attributes {
	return attributes{"pk": stored(c)["pk"], "open_shard": stored(c)["open_shard"], "open_at": stored(c)["open_at"]}
}

func placeOf(c charge.Charge) charge.Place {
	return charge.Place{CreatedAt: c.CreatedAt, Number: c.Order.Number}
}

func TestOpenReadsEachChargeItself(t *testing.T) {
	t.Parallel()
	a := openCharge(t, "a", 1, charge.Unknown)
	ended := openCharge(t, "b", 2, charge.Settled) // the index is a moment behind
	gone := openCharge(t, "gone", 3, charge.Unknown)
	c := openCharge(t, "c", 4, charge.Pending)
	d := openCharge(t, "d", 4, charge.Sending)
	e := openCharge(t, "e", 5, charge.Unknown)
	s := serveIndex(t, pages{"0": {{rowOf(a), rowOf(c)}, {rowOf(e)}}, "5": {{rowOf(ended), rowOf(gone), rowOf(d)}}}, a, ended, c, d, e)

	got, more, err := s.store().Open(t.Context(), charge.OpenStates(), charge.Place{}, 3)
	require.NoError(t, err)
	require.Equal(t, []charge.Charge{a, c, d}, got)
	require.Equal(t, placeOf(d), *more)
	for _, sent := range s.seen() {
		if sent.Operation == getItem {
			require.True(t, sent.Body.ConsistentRead)
			continue
		}
		require.Equal(t, "open", sent.Body.IndexName)
		require.Equal(t, "#shard = :shard AND #sort > :bound", sent.Body.KeyConditionExpression)
		require.Equal(t, map[string]string{"#shard": "open_shard", "#sort": "open_at"}, sent.Body.ExpressionAttributeNames)
		require.Equal(t, map[string]any{"S": "0001-01-01T00:00:00.000000000Z#"}, sent.Body.ExpressionAttributeValues[":bound"])
		require.Equal(t, 3, sent.Body.Limit)
	}

	got, more, err = s.store().Open(t.Context(), charge.OpenStates(), charge.Place{}, 10)
	require.NoError(t, err)
	require.Equal(t, []charge.Charge{a, c, d, e}, got)
	require.Nil(t, more)

	got, more, err = s.store().Open(t.Context(), []charge.State{charge.Pending}, charge.Place{}, 10)
	require.NoError(t, err)
	require.Equal(t, []charge.Charge{c}, got)
	require.Nil(t, more)

	s = serveIndex(t, pages{})
	got, more, err = s.store().Open(t.Context(), charge.OpenStates(), placeOf(a), 10)
	require.NoError(t, err)
	require.Empty(t, got)
	require.Nil(t, more)
	require.Equal(t, map[string]any{"S": nanos(a.CreatedAt) + "#a"}, s.seen()[0].Body.ExpressionAttributeValues[":bound"])
}

// A list in which nothing is wanted ends early, and goes on from there.
func TestOpenIsBounded(t *testing.T) {
	t.Parallel()
	var rows []attributes
	var all []charge.Charge
	for i := range 30 {
		c := openCharge(t, fmt.Sprintf("order-%02d", i), i, charge.Sending)
		rows, all = append(rows, rowOf(c)), append(all, c)
	}
	s := serveIndex(t, pages{"0": {rows}}, all...)
	got, more, err := s.store().Open(t.Context(), []charge.State{charge.Pending}, charge.Place{}, 2)
	require.NoError(t, err)
	require.Empty(t, got)
	require.Equal(t, placeOf(all[19]), *more)
	require.Len(t, s.seen(), 8+20)
}

// A list with a hole that it does not name would hide a charge from the operator.
func TestOpenFailsWhereSomethingCannotBeRead(t *testing.T) {
	t.Parallel()
	a := openCharge(t, "a", 1, charge.Unknown)
	for name, s := range map[string]*server{
		"a shard": serveEach(t, func(_ int, c call) http.HandlerFunc {
			if asJSON(t, c.Body.ExpressionAttributeValues[":shard"]) == `{"S":"7"}` {
				return refused(400, "AccessDeniedException")
			}
			return pages{"0": {{rowOf(a)}}}.answer(c)
		}),
		"a row": serveIndex(t, pages{"0": {{rowOf(a), {}}}}, a),
		"a charge": serveEach(t, func(_ int, c call) http.HandlerFunc {
			if c.Operation == query {
				return pages{"0": {{rowOf(a)}}}.answer(c)
			}
			return refused(400, "AccessDeniedException")
		}),
	} {
		_, more, err := s.store().Open(t.Context(), charge.OpenStates(), charge.Place{}, 1)
		requireFailed(t, operations(t)["open"], err)
		require.Nil(t, more, name)
	}
}

func TestPaymentOwner(t *testing.T) {
	t.Parallel()
	row := texts(map[string]string{"pk": "charge#order-1", "payment_id": "payment-1"})
	s := serve(t, answer(http.StatusOK, map[string]any{"Items": []attributes{row}}), answer(http.StatusOK, map[string]any{"Items": []attributes{}}))
	owner, err := s.store().PaymentOwner(t.Context(), "payment-1")
	require.NoError(t, err)
	require.Equal(t, "order-1", owner)
	sent := s.seen()[0]
	require.Equal(t, query, sent.Operation)
	require.Equal(t, "payment", sent.Body.IndexName)
	require.Equal(t, "#payment_id = :payment_id", sent.Body.KeyConditionExpression)
	require.Equal(t, texts(map[string]string{":payment_id": "payment-1"}), sent.Body.ExpressionAttributeValues)
	require.Equal(t, 1, sent.Body.Limit)

	for _, id := range []string{"payment-of-nobody", ""} {
		owner, err = s.store().PaymentOwner(t.Context(), id)
		require.NoError(t, err)
		require.Empty(t, owner)
	}
	require.Len(t, s.seen(), 2, "no payment_id needs no call")

	for _, item := range []attributes{{}, {"pk": row["pk"]}, {"pk": map[string]any{"S": "switch"}, "payment_id": row["payment_id"]}} {
		op := operations(t)["payment owner"]
		requireFailed(t, op, op.do(t.Context(), serve(t, answer(http.StatusOK, map[string]any{"Items": []attributes{item}})).store()))
	}
}

// Order numbers spread over all shards.
func TestTheShards(t *testing.T) {
	t.Parallel()
	count := map[string]int{}
	for i := range 800 {
		c := claim(t, "attempt-1")
		c.Order.Number = fmt.Sprintf("gold-42-%04d", i)
		count[shardOf(c.Order.Number)]++
	}
	require.ElementsMatch(t, []string{"0", "1", "2", "3", "4", "5", "6", "7"}, slices.Collect(maps.Keys(count)))
	for shard, n := range count {
		require.Greater(t, n, 50, "shard %s", shard)
	}
}

// Whatever an index answers: no panic, and no charge that was not in it.
func FuzzIndexEntry(f *testing.F) {
	f.Add(`{"S":"charge#order-1"}`, `{"S":"2026-11-21T09:00:00.000000000Z"}`)
	f.Add(`{"S":"charge#"}`, `{"S":""}`)
	f.Add(`{"S":"switch"}`, `{"S":"2026-11-21T09:00:00Z"}`)
	f.Add(`null`, `{"N":"1"}`)
	f.Fuzz(func(t *testing.T, pk, at string) {
		answer := `{"Items":[{"pk":` + pk + `,"look_at":` + at + `}]}`
		for d, err := range reading(answer).Due(context.Background(), start) {
			if err != nil {
				require.Zero(t, d)
				continue
			}
			require.NotEmpty(t, d.Number)
		}
	})
}
