package dynamostore_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/dynamostore"
	"dinarfunctions/shared/hidden"
	"dinarfunctions/shared/subscription"
	"dinarfunctions/shared/subscription/subscriptiontest"
	"dinarfunctions/shared/unreadable"
)

const (
	transaction       = "DynamoDB_20120810.TransactWriteItems"
	subscriptionsName = "subscriptions-of-the-test"
)

// subscriptions is a store on the server, whose client tries three times.
func (s *server) subscriptions() *dynamostore.Subscriptions {
	api := client(s.URL, s.Client().Transport, 3)
	return dynamostore.NewSubscriptions(api, subscriptionsName, dynamostore.NewCharges(api, tableName))
}

// storedGold is the subscription of testdata as it stands in the table.
func storedGold(t testing.TB) attributes {
	t.Helper()
	return storedIn(t, "subscription-paid.json")
}

// storedIn is the subscription of a file of testdata.
func storedIn(t testing.TB, name string) attributes {
	t.Helper()
	file, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	var item attributes
	require.NoError(t, json.Unmarshal(file, &item))
	return item
}

func gold(t testing.TB) subscription.Subscription {
	t.Helper()
	return subscriptiontest.Full(t, "gold-42")
}

// What was ever stored stays readable. The file is never rewritten: what replaces it in
// a later version stands beside it.
func TestAStoredSubscriptionStaysReadable(t *testing.T) {
	t.Parallel()
	item := storedGold(t)
	item["of_a_later_version"] = map[string]any{"N": "5"}
	got, err := serve(t, found(item)).subscriptions().Get(t.Context(), "gold-42")
	require.NoError(t, err)
	require.Equal(t, gold(t), got)

	// Written by a version that did not know the last three attributes yet.
	got, err = serve(t, found(storedIn(t, "subscription.json"))).subscriptions().Get(t.Context(), "gold-42")
	require.NoError(t, err)
	before := gold(t)
	before.Paid, before.Behind, before.Differed = nil, subscription.Behind{}, nil
	require.Equal(t, before, got)
}

func TestAWriteOfASubscriptionIsOneConditionalWrite(t *testing.T) {
	t.Parallel()
	s := serve(t, written(storedGold(t)), written(storedGold(t)), written(storedGold(t)))
	store := s.subscriptions()
	asked := gold(t)
	_, err := store.Write(t.Context(), asked)
	require.NoError(t, err)
	_, _, err = store.Create(t.Context(), asked)
	require.NoError(t, err)
	asked.Change = ""
	_, err = store.Write(t.Context(), asked)
	require.NoError(t, err)

	for i, condition := range []string{"#revision = :was", "attribute_not_exists(#pk)", "#revision = :was"} {
		sent := s.seen()[i]
		require.Equal(t, updateItem, sent.Operation)
		require.Equal(t, subscriptionsName, sent.Body.TableName)
		require.Equal(t, condition, sent.Body.ConditionExpression)
		require.Equal(t, "ALL_OLD", sent.Body.ReturnValuesOnConditionCheckFailure)
		require.Equal(t, i == 1, strings.Contains(sent.Body.UpdateExpression, "list_at"), "the place in the list is for good")
		require.Less(t, len(sent.Body.UpdateExpression), 4096, "DynamoDB's limit")
	}
	require.Contains(t, s.seen()[0].Body.UpdateExpression, "#change = :change")
	sets, removes, _ := strings.Cut(s.seen()[2].Body.UpdateExpression, " REMOVE ")
	require.NotContains(t, sets, "#change", "a write that changes nothing for others is none of the stream's")
	require.Equal(t, "#change", removes)

	// What it writes is what is stored.
	sent := s.seen()[1].Body
	item := attributes{"pk": sent.Key["pk"]}
	for name, value := range sent.ExpressionAttributeValues {
		item[name[1:]] = value
	}
	delete(item, "written_by")
	require.JSONEq(t, asJSON(t, storedGold(t)), asJSON(t, item))
}

func TestALookAtASubscription(t *testing.T) {
	t.Parallel()
	s := serve(t, written(storedGold(t)), written(storedGold(t)), written(storedGold(t)))
	store := s.subscriptions()
	for _, step := range []struct{ was, next time.Time }{{start, start.Add(time.Hour)}, {start, time.Time{}}, {time.Time{}, start}} {
		_, moved, err := store.Look(t.Context(), "gold-42", step.was, step.next)
		require.NoError(t, err)
		require.True(t, moved)
	}
	for i, want := range []struct{ condition, update string }{
		{"#due_at = :was", "SET #due_at = :due_at, #due_shard = :due_shard, #look_by = :look_by REMOVE #change"},
		{"#due_at = :was", "SET #look_by = :look_by REMOVE #due_at, #due_shard, #change"},
		{"attribute_exists(#pk) AND attribute_not_exists(#due_at)", "SET #due_at = :due_at, #due_shard = :due_shard, #look_by = :look_by REMOVE #change"},
	} {
		require.Equal(t, want.condition, s.seen()[i].Body.ConditionExpression)
		require.Equal(t, want.update, s.seen()[i].Body.UpdateExpression)
	}
}

func TestAClaimOfASubscriptionIsOneTransaction(t *testing.T) {
	t.Parallel()
	before := subscriptiontest.New(t, "gold-42")
	before.Revision = 3
	before.Terms.Token = hidden.New(markedToken)
	claim := subscriptiontest.Claim(t, before, "attempt-1", start)
	s := serve(t, lost, answer(http.StatusOK, nil))
	standing, won, err := s.subscriptions().Claim(t.Context(), before.Claimed(claim), claim)
	require.NoError(t, err)
	require.True(t, won)
	require.Equal(t, claim, standing)

	require.Len(t, s.seen(), 2)
	sent := s.seen()[0]
	require.Equal(t, transaction, sent.Operation)
	require.Equal(t, s.seen()[0].Raw, s.seen()[1].Raw, "a repeat is the same to DynamoDB")
	require.NotEmpty(t, sent.Body.ClientRequestToken)
	require.Len(t, sent.Body.TransactItems, 2)
	first, second := sent.Body.TransactItems[0].Update, sent.Body.TransactItems[1].Update
	require.Equal(t, subscriptionsName, first.TableName)
	require.Equal(t, texts(map[string]string{"pk": "subscription#gold-42"}), first.Key)
	require.Equal(t, "#revision = :was", first.ConditionExpression)
	require.Equal(t, map[string]any{"N": "3"}, first.ExpressionAttributeValues[":was"])
	require.Equal(t, map[string]any{"N": "4"}, first.ExpressionAttributeValues[":revision"])
	require.Equal(t, map[string]any{"S": "true"}, first.ExpressionAttributeValues[":waiting"])
	require.Equal(t, tableName, second.TableName)
	require.Equal(t, texts(map[string]string{"pk": "charge#gold-42-0001"}), second.Key)
	require.Equal(t, "attribute_not_exists(#pk)", second.ConditionExpression)
	require.Equal(t, map[string]any{"S": "gold-42"}, second.ExpressionAttributeValues[":subscription_id"])
	require.Equal(t, map[string]any{"S": "000000001#000000"}, second.ExpressionAttributeValues[":cycle_try"])
	for _, part := range []body{first, second} {
		require.Equal(t, "ALL_OLD", part.ReturnValuesOnConditionCheckFailure)
	}
	require.Contains(t, asJSON(t, first), markedToken)
	require.NotContains(t, asJSON(t, second), markedToken, "the ledger keeps its last four characters")
}

// reason is why a write of a transaction was not made.
func reason(code string, item attributes) map[string]any {
	r := map[string]any{"Code": code, "Message": "no"}
	if item != nil {
		r["Item"] = item
	}
	return r
}

func cancelled(reasons ...map[string]any) http.HandlerFunc {
	return answer(http.StatusBadRequest, map[string]any{
		"__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException", "Message": "cancelled", "CancellationReasons": reasons,
	})
}

func TestWhatACancelledClaimSays(t *testing.T) {
	t.Parallel()
	before := subscriptiontest.New(t, "gold-42")
	before.Revision = 3
	mine := subscriptiontest.Claim(t, before, "attempt-1", start.Add(time.Hour))
	other := subscriptiontest.Claim(t, before, "attempt-2", start)
	in := func(c charge.Charge, state charge.State) charge.Charge {
		c.State = state
		return c
	}
	met := reason("None", nil)
	changed := reason("ConditionalCheckFailed", storedGold(t))
	stands := func(c charge.Charge) map[string]any { return reason("ConditionalCheckFailed", storedCycle(c)) }
	busy, conflict := reason("ThrottlingError", nil), reason("TransactionConflict", nil)
	var over charge.Charge
	for name, tt := range map[string]struct {
		answers  []http.HandlerFunc
		standing charge.Charge
		won      bool
		err      error
	}{
		"changed":                            {[]http.HandlerFunc{cancelled(changed, met)}, over, false, subscription.ErrChanged},
		"gone":                               {[]http.HandlerFunc{cancelled(reason("ConditionalCheckFailed", nil), met)}, over, false, subscription.ErrChanged},
		"changed, another's stands":          {[]http.HandlerFunc{cancelled(changed, stands(other))}, over, false, subscription.ErrChanged},
		"changed, in conflict":               {[]http.HandlerFunc{cancelled(changed, conflict)}, over, false, subscription.ErrChanged},
		"another's stands":                   {[]http.HandlerFunc{cancelled(met, stands(in(other, charge.Settled)))}, in(other, charge.Settled), false, nil},
		"another's stands, in conflict":      {[]http.HandlerFunc{cancelled(conflict, stands(other))}, other, false, nil},
		"its own, both written":              {[]http.HandlerFunc{cancelled(changed, stands(mine))}, mine, true, nil},
		"its own, ended meanwhile":           {[]http.HandlerFunc{cancelled(changed, stands(in(mine, charge.Unknown)))}, in(mine, charge.Unknown), false, nil},
		"its own, taken back before":         {[]http.HandlerFunc{cancelled(met, stands(in(mine, charge.Unsent)))}, in(mine, charge.Unsent), false, nil},
		"conflicts that pass":                {[]http.HandlerFunc{cancelled(conflict, met), cancelled(met, conflict), cancelled(busy, met), answer(200, nil)}, mine, true, nil},
		"a conflict, then changed":           {[]http.HandlerFunc{cancelled(conflict, met), cancelled(changed, met)}, over, false, subscription.ErrChanged},
		"over another cycle's, free or not":  {[]http.HandlerFunc{cancelled(met, stands(foreign(in(other, charge.Unsent))))}, foreign(in(other, charge.Unsent)), false, nil},
		"over an earlier, then changed":      {[]http.HandlerFunc{cancelled(met, stands(in(other, charge.Unsent))), cancelled(changed, met)}, over, false, subscription.ErrChanged},
		"over an earlier, then another's":    {[]http.HandlerFunc{cancelled(met, stands(in(other, charge.Unsent))), cancelled(met, stands(other))}, other, false, nil},
		"over an earlier that is from later": {[]http.HandlerFunc{cancelled(met, stands(later(in(other, charge.Unsent))))}, later(in(other, charge.Unsent)), false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, tt.answers...)
			standing, won, err := s.subscriptions().Claim(t.Context(), before.Claimed(mine), mine)
			require.ErrorIs(t, err, tt.err)
			require.Equal(t, tt.won, won)
			require.Equal(t, tt.standing, standing)
			require.Len(t, s.seen(), len(tt.answers))
		})
	}

	// What a claim is written over is in its condition.
	earlier := in(other, charge.Unsent)
	s := serve(t, cancelled(met, stands(earlier)), answer(200, nil))
	standing, won, err := s.subscriptions().Claim(t.Context(), before.Claimed(mine), mine)
	require.NoError(t, err)
	require.True(t, won)
	want, _ := charge.Claim(&earlier, mine)
	require.Equal(t, want, standing)
	part := s.seen()[1].Body.TransactItems[1].Update
	require.Equal(t, "#state IN (:from_rejected, :from_unsent) AND #attempt = :over_attempt AND #updated_at = :over_updated_at AND (attribute_not_exists(#hinted_at) OR attribute_not_exists(#look_at) OR #look_at > :claimed_at)", part.ConditionExpression)
	require.Equal(t, map[string]any{"S": "attempt-2"}, part.ExpressionAttributeValues[":over_attempt"])
	require.Equal(t, map[string]any{"S": nanos(earlier.UpdatedAt)}, part.ExpressionAttributeValues[":over_updated_at"])

	// DynamoDB may name one of two conditions that fail.
	s = serveEach(t, func(n int, c call) http.HandlerFunc {
		switch {
		case n == 0:
			marked := maps.Clone(storedGold(t))
			marked["written_by"] = c.Body.TransactItems[0].Update.ExpressionAttributeValues[":written_by"]
			return cancelled(reason("ConditionalCheckFailed", marked), met)
		case c.Operation == getItem:
			return found(storedCycle(mine))
		default:
			return nil
		}
	})
	standing, won, err = s.subscriptions().Claim(t.Context(), before.Claimed(mine), mine)
	require.NoError(t, err)
	require.True(t, won)
	require.Equal(t, mine, standing)
}

func foreign(c charge.Charge) charge.Charge {
	c.For.Number++
	return c
}

func later(c charge.Charge) charge.Charge {
	c.UpdatedAt = start.Add(2 * time.Hour)
	return c
}

// storedCycle is a cycle's charge as it stands in the table.
func storedCycle(c charge.Charge) attributes {
	item := stored(c)
	maps.Copy(item, texts(map[string]string{
		"subscription_id": c.For.Subscription, "cycle_try": fmt.Sprintf("%09d#%06d", c.For.Number, c.For.Attempt),
	}))
	return item
}

func TestAClaimThatCannotBeMade(t *testing.T) {
	t.Parallel()
	before := subscriptiontest.New(t, "gold-42")
	before.Terms.Token = hidden.New(markedToken)
	claim := subscriptiontest.Claim(t, before, "attempt-1", start)
	conflict := cancelled(reason("None", nil), reason("TransactionConflict", nil))
	failed := func(item attributes) map[string]any { return reason("ConditionalCheckFailed", item) }
	for name, answers := range map[string][]http.HandlerFunc{
		"conflicts without end":      slices.Repeat([]http.HandlerFunc{conflict}, 6),
		"no answer":                  {lost, lost, lost},
		"no right":                   {refused(400, "AccessDeniedException")},
		"a size":                     {cancelled(reason("ValidationError", nil), reason("None", nil))},
		"no reason":                  {cancelled()},
		"one reason":                 {cancelled(failed(nil))},
		"an unreadable charge":       {cancelled(failed(nil), failed(attributes{"pk": map[string]any{"S": "MARKED"}}))},
		"a charge that is not there": {cancelled(failed(nil), failed(nil))},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, answers...)
			_, won, err := s.subscriptions().Claim(t.Context(), before.Claimed(claim), claim)
			require.Error(t, err)
			require.False(t, won)
			require.NotErrorIs(t, err, subscription.ErrChanged)
			require.NotErrorIs(t, err, charge.ErrNotFound)
			require.ErrorContains(t, err, "gold-42-0001")
			require.ErrorContains(t, err, tableName)
			require.ErrorContains(t, err, subscriptionsName)
			require.NotContains(t, err.Error(), "MARKED")
			require.NotContains(t, err.Error(), markedToken)
			require.Len(t, s.seen(), len(answers))
		})
	}

	// A pause between two tries ends with its context.
	ctx, cancel := context.WithCancel(t.Context())
	s := serveEach(t, func(int, call) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			conflict(w, r)
			cancel()
		}
	})
	_, _, err := s.subscriptions().Claim(ctx, before.Claimed(claim), claim)
	require.ErrorIs(t, err, context.Canceled)
}

// A single write that meets a transaction is made again.
func TestAWriteThatMeetsATransaction(t *testing.T) {
	t.Parallel()
	conflict := refused(400, "TransactionConflictException")
	s := serve(t, conflict, conflict, written(storedGold(t)))
	_, err := s.subscriptions().Write(t.Context(), gold(t))
	require.NoError(t, err)
	c := claim(t, "attempt-1")
	s = serve(t, conflict, written(stored(c)))
	_, _, err = s.store().Record(t.Context(), settled("attempt-1"))
	require.NoError(t, err)

	s = serve(t, slices.Repeat([]http.HandlerFunc{conflict}, 6)...)
	_, err = s.subscriptions().Write(t.Context(), gold(t))
	require.ErrorContains(t, err, "TransactionConflictException")
	require.NotErrorIs(t, err, subscription.ErrChanged)
	require.Len(t, s.seen(), 6)
}

// A subscription that cannot be read is an error that names what is wrong with it, and
// shows none of it.
func TestAnUnreadableSubscription(t *testing.T) {
	t.Parallel()
	optional := []string{
		"ends_on", "retry_after_days", "reason", "cycle_at", "before_at", "passed", "passed_at", "planned_at", "declined_at", "ask_first", "missed",
		"waiting", "waiting_since", "last", "chargebacks", "paid_twice", "paid", "behind", "differed", "due_at", "change",
	}
	indexed := []string{"due_shard", "list_at", "list_shard"}
	marked := map[string]any{"S": "MARKED"}
	cases := map[string]attributes{}
	for attribute := range storedGold(t) {
		if slices.Contains(indexed, attribute) {
			continue
		}
		for name, value := range map[string]any{"null": map[string]any{"NULL": true}, "empty": map[string]any{"S": ""}} {
			item := storedGold(t)
			item[attribute] = value
			cases[attribute+" "+name] = item
		}
		if !slices.Contains(optional, attribute) {
			item := storedGold(t)
			delete(item, attribute)
			cases[attribute+" missing"] = item
		}
	}
	free := []string{"token", "init_trans_id", "currency", "description", "reason", "change"}
	for attribute := range storedGold(t) {
		if !slices.Contains(indexed, attribute) && !slices.Contains(free, attribute) {
			item := storedGold(t)
			item[attribute] = marked
			cases[attribute+" garbage"] = item
		}
	}
	number := func(text string) map[string]any { return map[string]any{"N": text} }
	for name, value := range map[string]any{
		"cycle -1": number("-1"), "cycle 1.5": number("1.5"), "cycle_attempt -1": number("-1"), "cycle_index -2": number("-2"), "cycles -1": number("-1"),
		"every_count 0": number("0"), "every_count 1000": number("1000"), "revision 1e3": number("1e3"), "passed 0": number("0"),
		"ends_on never": map[string]any{"S": "2026-02-30"}, "charge_at 24": map[string]any{"S": "24:00"},
		"retry_after_days none": map[string]any{"L": []any{}}, "retry_after_days texts": map[string]any{"L": []any{marked}},
		"paid_twice half":  map[string]any{"L": []any{number("1"), map[string]any{"NULL": true}}},
		"chargebacks half": map[string]any{"L": []any{marked, number("1")}}, "missed never": marked,
		"last empty":    map[string]any{"M": map[string]any{}},
		"behind empty":  map[string]any{"M": map[string]any{}},
		"paid half":     map[string]any{"L": []any{map[string]any{"S": "000000001#000000"}, marked}},
		"paid number":   map[string]any{"L": []any{number("1")}},
		"differed half": map[string]any{"L": []any{marked, number("1")}},
		"waiting false": map[string]any{"S": "false"},
	} {
		attribute, _, _ := strings.Cut(name, " ")
		item := storedGold(t)
		item[attribute] = value
		cases[name] = item
	}
	for field := range storedGold(t)["last"].(map[string]any)["M"].(map[string]any) {
		item := storedGold(t)
		item["last"].(map[string]any)["M"].(map[string]any)[field] = map[string]any{"NULL": true}
		cases["last "+field] = item
	}

	for field := range storedGold(t)["behind"].(map[string]any)["M"].(map[string]any) {
		item := storedGold(t)
		item["behind"].(map[string]any)["M"].(map[string]any)[field] = map[string]any{"NULL": true}
		cases["behind "+field] = item
	}

	for name, item := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			attribute, _, _ := strings.Cut(name, " ")
			s := gold(t)
			for _, answer := range []http.HandlerFunc{standing(item), written(item)} {
				_, _, createErr := serve(t, answer).subscriptions().Create(t.Context(), s)
				_, writeErr := serve(t, answer).subscriptions().Write(t.Context(), s)
				_, _, lookErr := serve(t, answer).subscriptions().Look(t.Context(), s.ID, s.LookAt, start)
				_, getErr := serve(t, found(item)).subscriptions().Get(t.Context(), s.ID)
				for _, err := range []error{createErr, writeErr, lookErr, getErr} {
					require.ErrorContains(t, err, "cannot be read")
					require.ErrorContains(t, err, attribute)
					require.ErrorContains(t, err, "gold-42")
					require.ErrorContains(t, err, subscriptionsName)
					require.NotErrorIs(t, err, subscription.ErrNotFound)
					require.NotErrorIs(t, err, subscription.ErrChanged)
					require.NotContains(t, err.Error(), "MARKED")
					require.NotContains(t, err.Error(), gold(t).Terms.Token.Reveal())
				}
			}
		})
	}
}

// An answer without the item that must be in it is no answer.
func TestAWriteOfASubscriptionAnsweredWithoutAnItem(t *testing.T) {
	t.Parallel()
	s := gold(t)
	_, _, createErr := serve(t, written(nil)).subscriptions().Create(t.Context(), s)
	_, _, standingErr := serve(t, standing(nil)).subscriptions().Create(t.Context(), s)
	_, writeErr := serve(t, written(nil)).subscriptions().Write(t.Context(), s)
	_, _, lookErr := serve(t, written(nil)).subscriptions().Look(t.Context(), s.ID, s.LookAt, start)
	for _, err := range []error{createErr, standingErr, writeErr, lookErr} {
		require.ErrorContains(t, err, "lacks the item")
		require.NotErrorIs(t, err, subscription.ErrChanged)
		require.NotErrorIs(t, err, subscription.ErrNotFound)
	}
}

// Half of a cycle is no cycle, and not none.
func TestTheCycleOfACharge(t *testing.T) {
	t.Parallel()
	c := claim(t, "attempt-1")
	c.For = charge.Cycle{Subscription: "gold-42", Number: 7, Attempt: 3}
	item := storedCycle(c)
	require.Equal(t, map[string]any{"S": "000000007#000003"}, item["cycle_try"])
	got, err := serve(t, found(item)).store().Get(t.Context(), "order-1")
	require.NoError(t, err)
	require.Equal(t, c, got)

	s := serve(t, written(item))
	_, _, err = s.store().Claim(t.Context(), c)
	require.NoError(t, err)
	require.True(t, strings.Contains(s.seen()[0].Body.ConditionExpression,
		" AND #subscription_id = :subscription_id AND #cycle_try = :cycle_try AND "), s.seen()[0].Body.ConditionExpression)

	for name, value := range map[string]any{
		"missing": nil, "a number": map[string]any{"N": "7"}, "empty": map[string]any{"S": ""}, "garbage": map[string]any{"S": "MARKED"},
		"short": map[string]any{"S": "7#3"}, "no try": map[string]any{"S": "000000007"}, "no cycle": map[string]any{"S": "000000000#000003"},
		"a sign": map[string]any{"S": "+00000007#000003"}, "more": map[string]any{"S": "000000007#000003#1"},
	} {
		item := storedCycle(c)
		if item["cycle_try"] = value; value == nil {
			delete(item, "cycle_try")
		}
		_, err := serve(t, found(item)).store().Get(t.Context(), "order-1")
		require.ErrorContains(t, err, "cycle_try", name)
		require.NotContains(t, err.Error(), "MARKED")
	}
	item = storedCycle(c)
	delete(item, "subscription_id")
	_, err = serve(t, found(item)).store().Get(t.Context(), "order-1")
	require.ErrorContains(t, err, "subscription_id")
}

func TestTheChargesOfASubscriptionAreOneQuery(t *testing.T) {
	t.Parallel()
	c := claim(t, "attempt-1")
	c.For = charge.Cycle{Subscription: "gold-42", Number: 7}
	row := texts(map[string]string{"pk": "charge#order-1", "subscription_id": "gold-42", "cycle_try": "000000007#000000"})
	page := map[string]any{"Items": []attributes{row}, "LastEvaluatedKey": row}
	s := serve(t, answer(200, page), found(storedCycle(c)))
	got, more, err := s.store().OfSubscription(t.Context(), "gold-42", charge.Cycle{Subscription: "gold-42", Number: 6, Attempt: 2}, 1)
	require.NoError(t, err)
	require.Equal(t, []charge.Charge{c}, got)
	require.Equal(t, c.For, *more)
	sent := s.seen()[0]
	require.Equal(t, query, sent.Operation)
	require.Equal(t, "subscription", sent.Body.IndexName)
	require.Equal(t, "#id = :id AND #try > :after", sent.Body.KeyConditionExpression)
	require.Equal(t, texts(map[string]string{":id": "gold-42", ":after": "000000006#000002"}), sent.Body.ExpressionAttributeValues)
	require.Equal(t, 1, sent.Body.Limit)

	// A list with a hole that it does not name would hide a charge.
	for name, answers := range map[string][]http.HandlerFunc{
		"no index":              {refused(400, "ValidationException")},
		"an unreadable row":     {answer(200, map[string]any{"Items": []attributes{{}}})},
		"a charge out of reach": {answer(200, page), refused(400, "AccessDeniedException")},
	} {
		_, _, err := serve(t, answers...).store().OfSubscription(t.Context(), "gold-42", charge.Cycle{}, 10)
		require.ErrorContains(t, err, "subscription gold-42", name)
		require.NotErrorIs(t, err, charge.ErrNotFound)
	}

	// One item that cannot be read is not an outage: the list names it by its key.
	for name, item := range map[string]attributes{
		"an unreadable charge":    {"pk": row["pk"]},
		"a charge of another":     stored(claim(t, "attempt-1")),
		"a charge that is absent": nil,
	} {
		got, more, err := serve(t, answer(200, page), found(item)).store().OfSubscription(t.Context(), "gold-42", charge.Cycle{}, 10)
		left, failed := unreadable.Split(err)
		require.NoError(t, failed, name)
		require.Equal(t, []string{"order-1"}, unreadable.Keys(left), name)
		require.Empty(t, got, name)
		require.Equal(t, c.For, *more, "the list goes on behind it")
	}
}

// Whatever an attribute has become: no panic, nothing half read, an item that is there
// is never taken for an absent one, and what is read can be used.
func FuzzStoredSubscription(f *testing.F) {
	file, err := os.ReadFile("testdata/subscription-paid.json")
	require.NoError(f, err)
	var item map[string]jsontext.Value
	require.NoError(f, json.Unmarshal(file, &item))
	for name, value := range item {
		f.Add(name, string(value))
	}
	for _, value := range []string{`null`, `{}`, `{"S":""}`, `{"N":"-1"}`, `{"N":"99999999999999999999"}`, `{"N":"x"}`, `{"L":[null]}`, `{"L":[{"N":"1"}]}`, `{"M":{}}`, `{"M":null}`} {
		for _, name := range []string{"cycle", "every_count", "retry_after_days", "last", "starts_on", "time_zone", "waiting"} {
			f.Add(name, value)
		}
	}
	f.Add("time_zone", `{"S":"Local"}`)
	f.Add("starts_on", `{"S":"0000-01-01"}`)
	f.Fuzz(func(t *testing.T, name, value string) {
		if !utf8.ValidString(name) || !jsontext.Value(value).IsValid() {
			t.Skip("what is no JSON is the SDK's to refuse")
		}
		garbled := maps.Clone(item)
		garbled[name] = jsontext.Value(value)
		answer := `{"Item":` + asJSON(t, garbled) + `}`
		api := client("http://table.invalid", transport(func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: refill([]byte(answer)), Request: r}, nil
		}), 1)
		s, err := dynamostore.NewSubscriptions(api, subscriptionsName, dynamostore.NewCharges(api, tableName)).Get(context.Background(), "gold-42")
		if err != nil {
			require.NotErrorIs(t, err, subscription.ErrNotFound)
			require.Zero(t, s)
			return
		}
		require.Equal(t, "gold-42", s.ID)
		require.Contains(t, subscription.States(), s.State)
		require.Empty(t, s.Terms.Calendar.Check())
		require.False(t, s.Terms.Token.IsZero())
		require.GreaterOrEqual(t, s.Cycle, 1)
		s.Judge(start)
	})
}
