package dynamostore_test

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go/logging"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"dinarfunctions/shared/awsconfig"
	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/dynamostore"
	"dinarfunctions/shared/money"
)

const (
	getItem    = "DynamoDB_20120810.GetItem"
	updateItem = "DynamoDB_20120810.UpdateItem"
)

func TestAClaimIsOneConditionalWrite(t *testing.T) {
	t.Parallel()
	c := claim(t, "attempt-1")
	s := serve(t, written(stored(c)))
	got, won, err := s.store().Claim(t.Context(), c)
	require.NoError(t, err)
	require.True(t, won)
	require.Equal(t, c, got)

	require.Len(t, s.seen(), 1)
	sent := s.seen()[0]
	require.Equal(t, updateItem, sent.Operation)
	require.Equal(t, tableName, sent.Body.TableName)
	require.Equal(t, texts(map[string]string{"pk": "charge#order-1"}), sent.Body.Key)
	require.Equal(t, "attribute_not_exists(#pk) OR (#state IN (:from_rejected, :from_unsent) AND #attempt <> :attempt AND #updated_at <= :created_at AND size(#history) < :max_history AND attribute_not_exists(#subscription_id) AND attribute_not_exists(#cycle_try) AND (attribute_not_exists(#hinted_at) OR attribute_not_exists(#look_at) OR #look_at > :claimed_at))", sent.Body.ConditionExpression)
	require.Equal(t, "ALL_NEW", sent.Body.ReturnValues)
	require.Equal(t, "ALL_OLD", sent.Body.ReturnValuesOnConditionCheckFailure)
	require.Contains(t, sent.Body.UpdateExpression, "#created_at = if_not_exists(#created_at, :created_at)")
	require.Contains(t, sent.Body.UpdateExpression, "#history = list_append(if_not_exists(#history, :none), :history)")
	require.Contains(t, sent.Body.UpdateExpression, "REMOVE #said, #disputed, #differs, #cascading, #hinted_at, #payment_id, #reason, #decline_class, #provider_status, #provider_date, #change")
	require.Contains(t, sent.Body.UpdateExpression, "#open_at = if_not_exists(#open_at, :open_at)")
	require.NotContains(t, sent.Raw, markedToken)

	// What it writes is what is stored: each value under its attribute's name.
	item := attributes{"pk": sent.Body.Key["pk"]}
	for name, value := range sent.Body.ExpressionAttributeValues {
		item[name[1:]] = value
	}
	for _, condition := range []string{"from_rejected", "from_unsent", "none", "max_history", "claimed_at"} {
		delete(item, condition)
	}
	require.JSONEq(t, asJSON(t, stored(c)), asJSON(t, item))
}

func TestARecordIsOneConditionalWrite(t *testing.T) {
	t.Parallel()
	before := claim(t, "attempt-1")
	change := settled("attempt-1")
	after, applied := before.Apply(change)
	require.True(t, applied)
	ofAnyAttempt := change
	ofAnyAttempt.Attempt, ofAnyAttempt.PaymentID = "", ""

	s := serve(t, written(stored(after)), written(stored(after)))
	for _, c := range []charge.Change{change, ofAnyAttempt} {
		got, applied, err := s.store().Record(t.Context(), c)
		require.NoError(t, err)
		require.True(t, applied)
		require.Equal(t, after, got)
	}

	require.Len(t, s.seen(), 2)
	for i, condition := range []string{
		"attribute_exists(#pk) AND (#state IN (:from_sending, :from_unknown, :from_pending, :from_declined) OR (#state = :from_settled AND #said = :said_operator)) AND (attribute_not_exists(#look_at) OR #look_at = :seen) AND #attempt = :attempt",
		"attribute_exists(#pk) AND (#state IN (:from_sending, :from_unknown, :from_pending, :from_declined) OR (#state = :from_settled AND #said = :said_operator)) AND (attribute_not_exists(#look_at) OR #look_at = :seen)",
	} {
		sent := s.seen()[i]
		require.Equal(t, updateItem, sent.Operation)
		require.Equal(t, condition, sent.Body.ConditionExpression)
		require.Equal(t, "ALL_NEW", sent.Body.ReturnValues)
		require.Equal(t, "ALL_OLD", sent.Body.ReturnValuesOnConditionCheckFailure)
		require.Contains(t, sent.Body.UpdateExpression, "REMOVE #reason, #decline_class, #differs, #cascading, #open_shard, #look_at, #look_shard")
		require.Equal(t, map[string]any{"S": "answer"}, sent.Body.ExpressionAttributeValues[":said"])
	}
	require.Contains(t, s.seen()[0].Body.UpdateExpression, "#payment_id = :payment_id")
	require.NotContains(t, s.seen()[1].Body.UpdateExpression, "payment_id", "one that is known is not removed")
}

func TestEveryChangeHasItsOriginsAsCondition(t *testing.T) {
	t.Parallel()
	for _, to := range charge.States() {
		for _, by := range charge.AllEvidence() {
			nothing := standing(nil)
			if len(charge.Origins(to, by)) == 0 {
				nothing = found(nil)
			}
			s := serve(t, nothing)
			_, _, err := s.store().Record(t.Context(), charge.Change{Number: "order-1", To: to, Evidence: by, At: start})
			require.ErrorIs(t, err, charge.ErrNotFound)
			sent := s.seen()[0]
			var in, or []string
			for _, o := range charge.Origins(to, by) {
				if o.State == charge.Reversed && to == charge.Settled {
					continue // such a change needs a look of its own: see TestALateSettledIsLookedAtOnceMore
				}
				require.Equal(t, map[string]any{"S": string(o.State)}, sent.Body.ExpressionAttributeValues[":from_"+string(o.State)])
				switch {
				case o.If == charge.NewPayment:
					or = append(or, fmt.Sprintf(" OR (#state = :from_%s AND (attribute_exists(#cascading)))", o.State))
					continue
				case o.If == charge.NewWord:
					or = append(or, fmt.Sprintf(" OR (#state = :from_%s AND (attribute_exists(#provider_status)))", o.State))
					continue
				case o.Said == "":
					in = append(in, ":from_"+string(o.State))
					continue
				}
				or = append(or, fmt.Sprintf(" OR (#state = :from_%s AND #said = :said_%s)", o.State, o.Said))
				require.Equal(t, map[string]any{"S": string(o.Said)}, sent.Body.ExpressionAttributeValues[":said_"+string(o.Said)])
			}
			if len(in) == 0 {
				require.Empty(t, or)
				require.Equal(t, getItem, sent.Operation, "%s by %s must not write", to, by)
				require.True(t, sent.Body.ConsistentRead)
				continue
			}
			look := "(attribute_not_exists(#look_at))"
			if to == charge.Reversed && by == charge.ByStatus { // which is looked at once more
				look = "(attribute_not_exists(#look_at) OR #look_at >= :look_at)"
			}
			require.Equal(t, "attribute_exists(#pk) AND (#state IN ("+strings.Join(in, ", ")+")"+strings.Join(or, "")+") AND "+look,
				sent.Body.ConditionExpression, "%s by %s", to, by)
		}
	}
}

// What enters or leaves reversed is looked at once more. Whether it leaves, only the item
// says: the first write takes all other origins, and the second one this.
func TestALateSettledIsLookedAtOnceMore(t *testing.T) {
	t.Parallel()
	reversed, _ := claim(t, "attempt-1").Apply(charge.Change{Number: "order-1", To: charge.Reversed, Evidence: charge.ByStatus, At: start, ProviderStatus: "refund"})
	change := charge.Change{Number: "order-1", To: charge.Settled, Evidence: charge.ByStatus, At: start.Add(time.Hour), ProviderStatus: "settled"}
	want, applied := reversed.Apply(change)
	require.True(t, applied)
	require.Equal(t, change.At, start.Add(time.Hour))
	s := serve(t, standing(stored(reversed)), written(stored(want)))
	got, applied, err := s.store().Record(t.Context(), change)
	require.NoError(t, err)
	require.True(t, applied)
	require.Equal(t, want, got)
	require.Len(t, s.seen(), 2)
	require.NotContains(t, s.seen()[0].Body.ConditionExpression, "reversed")
	require.Contains(t, s.seen()[1].Body.ConditionExpression, ":from_reversed")

	// A reversal needs the look whatever it comes from: one write.
	settled := settledBy(claim(t, "attempt-1"), func(*charge.Change) {})
	back := charge.Change{Number: "order-1", To: charge.Reversed, Evidence: charge.ByStatus, At: start.Add(time.Hour), Seen: settled.LookAt}
	want, _ = settled.Apply(back)
	require.Equal(t, back.At, want.LookAt)
	s = serve(t, written(stored(want)))
	_, applied, err = s.store().Record(t.Context(), back)
	require.NoError(t, err)
	require.True(t, applied)
	require.Equal(t, nanos(back.At), s.seen()[0].Body.ExpressionAttributeValues[":look_at"].(map[string]any)["S"])
}

// Every write says what it changes that others are told of, nothing included: what
// it left behind would be told again.
func TestEveryWriteSaysWhatItChanges(t *testing.T) {
	t.Parallel()
	for _, to := range charge.States() {
		change := charge.Change{Number: "order-1", To: to, Evidence: charge.ByAnswer, At: start}
		if len(charge.Origins(to, charge.ByAnswer)) == 0 {
			continue
		}
		s := serve(t, written(stored(claim(t, "attempt-1"))))
		_, _, err := s.store().Record(t.Context(), change)
		require.NoError(t, err)
		sets, removes, _ := strings.Cut(s.seen()[0].Body.UpdateExpression, " REMOVE ")
		if to == charge.Unsent {
			require.Contains(t, removes, "#change", to)
			continue
		}
		require.Contains(t, sets, "#change = :change", to)
		require.Equal(t, map[string]any{"S": string(to)}, s.seen()[0].Body.ExpressionAttributeValues[":change"])
	}
	for name, op := range ofACharge(t) {
		if name == "get" {
			continue
		}
		s := serve(t, written(stored(claim(t, "attempt-1"))))
		_ = op.do(t.Context(), s.store()) // what it makes of the answer is not asked here
		require.Regexp(t, "(SET|,) #change = :change|(REMOVE|,) #change(,|$)", s.seen()[0].Body.UpdateExpression, name)
	}
}

// Each outcome puts the charge into the indexes or takes it out.
func TestARecordKeepsTheIndexes(t *testing.T) {
	t.Parallel()
	for _, to := range charge.States() {
		for _, look := range []time.Time{{}, start.Add(time.Minute)} {
			if len(charge.Origins(to, charge.ByAnswer)) == 0 {
				continue
			}
			change := charge.Change{Number: "order-1", To: to, Evidence: charge.ByAnswer, At: start, LookAt: look}
			c := claim(t, "attempt-1")
			s := serve(t, written(stored(c)))
			_, _, err := s.store().Record(t.Context(), change)
			require.NoError(t, err)
			sets, removes, _ := strings.Cut(s.seen()[0].Body.UpdateExpression, " REMOVE ")
			values := s.seen()[0].Body.ExpressionAttributeValues
			c.State, c.LookAt = to, look
			for _, attribute := range []string{"open_shard", "look_at", "look_shard"} {
				if want, there := stored(c)[attribute]; there {
					require.Contains(t, sets, "#"+attribute+" = :"+attribute)
					require.Equal(t, want, values[":"+attribute])
				} else {
					require.Contains(t, removes, "#"+attribute)
				}
			}
			require.NotContains(t, sets+removes, "open_at", "the place is for good")
		}
	}
}

func TestAGetIsOneConsistentRead(t *testing.T) {
	t.Parallel()
	c := claim(t, "attempt-1")
	s := serve(t, found(stored(c)))
	got, err := s.store().Get(t.Context(), "order-1")
	require.NoError(t, err)
	require.Equal(t, c, got)

	require.Len(t, s.seen(), 1)
	sent := s.seen()[0]
	require.Equal(t, getItem, sent.Operation)
	require.True(t, sent.Body.ConsistentRead)
	require.Empty(t, sent.Body.ProjectionExpression)
	require.Equal(t, tableName, sent.Body.TableName)
	require.Equal(t, texts(map[string]string{"pk": "charge#order-1"}), sent.Body.Key)
}

func TestNothingStandsThere(t *testing.T) {
	t.Parallel()
	_, err := serve(t, found(nil)).store().Get(t.Context(), "order-1")
	require.ErrorIs(t, err, charge.ErrNotFound)
	require.ErrorContains(t, err, "order-1")
	_, applied, err := serve(t, standing(nil)).store().Record(t.Context(), settled("attempt-1"))
	require.ErrorIs(t, err, charge.ErrNotFound)
	require.False(t, applied)
}

// The SDK repeats a write whose answer was lost, and is told that the condition
// failed. Whose claim stands there decides.
func TestAClaimRecognisesItself(t *testing.T) {
	t.Parallel()
	own := claim(t, "attempt-1")
	in := func(state charge.State) attributes {
		c := own
		c.State = state
		return stored(c)
	}
	for name, tt := range map[string]struct {
		answers []http.HandlerFunc
		stands  charge.State
		attempt string
		won     bool
	}{
		"its own, the answer lost":            {[]http.HandlerFunc{lost, standing(in(charge.Sending))}, charge.Sending, "attempt-1", true},
		"its own, two answers lost":           {[]http.HandlerFunc{lost, lost, standing(in(charge.Sending))}, charge.Sending, "attempt-1", true},
		"its own, a copy was faster":          {[]http.HandlerFunc{standing(in(charge.Sending))}, charge.Sending, "attempt-1", true},
		"its own, answered 500 though done":   {[]http.HandlerFunc{refused(500, "InternalServerError"), standing(in(charge.Sending))}, charge.Sending, "attempt-1", true},
		"another's":                           {[]http.HandlerFunc{lost, standing(stored(claim(t, "attempt-2")))}, charge.Sending, "attempt-2", false},
		"its own, settled by a status":        {[]http.HandlerFunc{lost, standing(in(charge.Settled))}, charge.Settled, "attempt-1", false},
		"its own, given up by the schedule":   {[]http.HandlerFunc{lost, standing(in(charge.Unknown))}, charge.Unknown, "attempt-1", false},
		"its own, ended before a late copy":   {[]http.HandlerFunc{standing(in(charge.Unsent))}, charge.Unsent, "attempt-1", false},
		"its own, refused before a late copy": {[]http.HandlerFunc{standing(in(charge.Rejected))}, charge.Rejected, "attempt-1", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, tt.answers...)
			got, won, err := s.store().Claim(t.Context(), own)
			require.NoError(t, err)
			require.Equal(t, tt.won, won)
			require.Equal(t, tt.stands, got.State)
			require.Equal(t, tt.attempt, got.Attempt)
			require.Len(t, s.seen(), len(tt.answers))
		})
	}
}

func TestAChangeRecognisesItself(t *testing.T) {
	t.Parallel()
	before := claim(t, "attempt-1")
	change := settled("attempt-1")
	after, _ := before.Apply(change)
	reversed, applied := after.Apply(charge.Change{Number: "order-1", To: charge.Reversed, Evidence: charge.ByStatus, At: start.Add(time.Hour)})
	require.True(t, applied)
	change.At = change.At.In(time.FixedZone("AST", 3*60*60)) // the same instant

	for name, tt := range map[string]struct {
		stands  charge.Charge
		applied bool
	}{
		"its own":                    {after, true},
		"its own, and another's":     {reversed, true},
		"another's, at another time": {settledBy(before, func(c *charge.Change) { c.At = start.Add(3*time.Second + 1) }), false},
		"another's, other evidence":  {settledBy(before, func(c *charge.Change) { c.Evidence = charge.ByStatus }), false},
		"another's, other reason":    {settledBy(before, func(c *charge.Change) { c.Reason = "why" }), false},
		"another attempt":            {claim(t, "attempt-2"), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, lost, standing(stored(tt.stands)))
			got, applied, err := s.store().Record(t.Context(), change)
			require.NoError(t, err)
			require.Equal(t, tt.applied, applied)
			require.Equal(t, tt.stands, got)
			require.Len(t, s.seen(), 2)
		})
	}
}

func settledBy(before charge.Charge, vary func(*charge.Change)) charge.Charge {
	change := settled("attempt-1")
	vary(&change)
	after, _ := before.Apply(change)
	return after
}

func TestWhenEveryAnswerIsLost(t *testing.T) {
	t.Parallel()
	for name, op := range operations(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, slices.Repeat([]http.HandlerFunc{lost}, 3*op.calls)...)
			requireFailed(t, op, op.do(t.Context(), s.store()))
			require.Len(t, s.seen(), 3*op.calls)
		})
	}
}

// operation is something that the store does, as one that ought to succeed.
type operation struct {
	do    func(context.Context, *dynamostore.Charges) error
	names string // what its errors must name
	calls int    // how many calls it makes at once
}

// ofACharge are all operations on the item of order-1.
func ofACharge(t *testing.T) map[string]operation {
	t.Helper()
	c := claim(t, "attempt-1")
	did := func(what bool, err error) error {
		if what {
			return fmt.Errorf("did it, %w", err)
		}
		return err
	}
	on := func(do func(context.Context, *dynamostore.Charges) error) operation {
		return operation{do, "order-1", 1}
	}
	return map[string]operation{
		"claim": on(func(ctx context.Context, s *dynamostore.Charges) error {
			_, won, err := s.Claim(ctx, c)
			return did(won, err)
		}),
		"record": on(func(ctx context.Context, s *dynamostore.Charges) error {
			_, applied, err := s.Record(ctx, settled("attempt-1"))
			return did(applied, err)
		}),
		"dispute": on(func(ctx context.Context, s *dynamostore.Charges) error {
			_, noted, err := s.Dispute(ctx, "order-1", "declined", "", start)
			return did(noted, err)
		}),
		"look": on(func(ctx context.Context, s *dynamostore.Charges) error {
			moved, err := s.Look(ctx, "order-1", start, start.Add(time.Hour))
			return did(moved, err)
		}),
		"hint": on(func(ctx context.Context, s *dynamostore.Charges) error {
			_, noted, err := s.Hint(ctx, "order-1", start)
			return did(noted, err)
		}),
		"get": on(func(ctx context.Context, s *dynamostore.Charges) error {
			_, err := s.Get(ctx, "order-1")
			return err
		}),
	}
}

// operations are all that the store does.
func operations(t *testing.T) map[string]operation {
	t.Helper()
	all := ofACharge(t)
	maps.Copy(all, map[string]operation{
		"due": {func(ctx context.Context, s *dynamostore.Charges) error {
			for due, err := range s.Due(ctx, start) {
				if err == nil {
					return fmt.Errorf("did it: %v", due)
				}
				return err
			}
			return nil
		}, "due", 8},
		"open": {func(ctx context.Context, s *dynamostore.Charges) error {
			_, _, err := s.Open(ctx, charge.OpenStates(), charge.Place{}, 10)
			return err
		}, "open charges", 8},
		"payment owner": {func(ctx context.Context, s *dynamostore.Charges) error {
			_, err := s.PaymentOwner(ctx, "payment-1")
			return err
		}, "payment-1", 1},
		"switch": {func(ctx context.Context, s *dynamostore.Charges) error {
			_, err := s.Switch(ctx)
			return err
		}, "switch", 1},
		"set switch": {func(ctx context.Context, s *dynamostore.Charges) error {
			return s.SetSwitch(ctx, charge.Switch{Mode: charge.Stopped, SetAt: start})
		}, "switch to stopped", 1},
	})
	return all
}

// requireFailed: the store could not be used, and says so about the right thing;
// it must not look like an absent charge, nor like something done.
func requireFailed(t *testing.T, op operation, err error) {
	t.Helper()
	require.Error(t, err)
	require.NotErrorIs(t, err, charge.ErrNotFound)
	require.NotContains(t, err.Error(), "did it")
	require.ErrorContains(t, err, op.names)
	require.ErrorContains(t, err, tableName)
	require.NotContains(t, err.Error(), "MARKED")
}

// The function's own configuration, against a table that will not work now.
func TestATableThatIsNotAvailable(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "none")
	for name, value := range map[string]string{
		"AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "MARKED-aws", "AWS_SESSION_TOKEN": "MARKED-session",
		"AWS_CONFIG_FILE": empty, "AWS_SHARED_CREDENTIALS_FILE": empty, "AWS_PROFILE": "",
	} {
		t.Setenv(name, value)
	}
	cfg, err := awsconfig.Load(t.Context())
	require.NoError(t, err)
	cfg.Logger = logging.Nop{} // see client
	connect := func(endpoint string) *dynamostore.Charges {
		return dynamostore.NewCharges(dynamodb.NewFromConfig(cfg, func(o *dynamodb.Options) { o.BaseEndpoint = &endpoint }), tableName)
	}
	within := func(t *testing.T) context.Context {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		t.Cleanup(cancel)
		return ctx
	}
	for name, op := range operations(t) {
		for kind, tt := range map[string]struct{ status, tries int }{
			"ProvisionedThroughputExceededException": {400, 3},
			"ThrottlingException":                    {400, 3},
			"InternalServerError":                    {500, 3},
			"ResourceNotFoundException":              {400, 1},
			"AccessDeniedException":                  {400, 1},
			"ValidationException":                    {400, 1},
		} {
			t.Run(name+" "+kind, func(t *testing.T) {
				t.Parallel()
				s := serve(t, slices.Repeat([]http.HandlerFunc{refused(tt.status, kind)}, tt.tries*op.calls)...)
				ctx := within(t)
				err := op.do(ctx, connect(s.URL))
				requireFailed(t, op, err)
				require.ErrorContains(t, err, kind)
				require.NoError(t, ctx.Err(), "it ends by itself")
				require.Len(t, s.seen(), tt.tries*op.calls)
			})
		}
		t.Run(name+" connection refused", func(t *testing.T) {
			t.Parallel()
			ctx := within(t)
			// A port that no other test's server can be given meanwhile.
			requireFailed(t, op, op.do(ctx, connect("http://127.0.0.1:1")))
			require.NoError(t, ctx.Err(), "it ends by itself")
		})
	}
}

func TestACallEndsWithItsContext(t *testing.T) {
	t.Parallel()
	for name, op := range operations(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				cancel()
				<-r.Context().Done()
			}))
			t.Cleanup(s.Close)
			err := op.do(ctx, dynamostore.NewCharges(client(s.URL, s.Client().Transport, 3), tableName))
			requireFailed(t, op, err)
			require.ErrorIs(t, err, context.Canceled)
		})
	}
}

// A record that cannot be read is an error, never a number that is free to charge.
func TestAnUnreadableItemIsNotFree(t *testing.T) {
	t.Parallel()
	full := func() attributes {
		c := claim(t, "attempt-2")
		c, applied := c.Apply(charge.Change{
			Number: "order-1", To: charge.Declined, Evidence: charge.ByAnswer, At: start, PaymentID: "payment-1", Reason: "lost card",
			DeclineClass: charge.Hard, ProviderStatus: "declined", ProviderDate: "2026-11-21", LookAt: start.Add(time.Hour),
		})
		require.True(t, applied)
		c.Disputed = "settled"
		return stored(c)
	}
	type garbled struct {
		item  attributes
		names string
	}
	cases := map[string]garbled{}
	garble := func(name, attribute string, value any) {
		item := full()
		item[attribute] = value
		cases[attribute+" "+name] = garbled{item, attribute}
	}
	// What only the indexes read has no part in a charge.
	indexed := []string{"look_shard", "open_shard", "open_at"}
	optional := []string{"said", "look_at", "disputed", "schedule_id", "token_end", "payment_id", "reason", "decline_class", "provider_status", "provider_date"}
	for attribute := range full() {
		if slices.Contains(indexed, attribute) {
			continue
		}
		if !slices.Contains(optional, attribute) {
			item := full()
			delete(item, attribute)
			cases[attribute+" missing"] = garbled{item, attribute}
		}
		garble("a number", attribute, map[string]any{"N": "1"})
		garble("null", attribute, map[string]any{"NULL": true})
		garble("empty", attribute, map[string]any{"S": ""})
	}
	marked := map[string]any{"S": "MARKED-garbage"}
	for _, attribute := range []string{"pk", "amount", "deadline", "state", "look_at", "created_at", "updated_at", "history"} {
		garble("garbage", attribute, marked)
	}
	garble("of another number", "pk", map[string]any{"S": "charge#order-10"})
	garble("not RFC 3339 in UTC", "deadline", map[string]any{"S": "2026-11-21T12:00:00.123456789+03:00"})
	garble("with a comma", "deadline", map[string]any{"S": "2026-11-21T12:00:00,123456789Z"})
	garble("empty list", "history", map[string]any{"L": []any{}})
	garble("of texts", "history", map[string]any{"L": []any{marked}})
	garble("without a state", "history", map[string]any{"L": []any{map[string]any{"M": map[string]any{"at": map[string]any{"S": nanos(start)}}}}})
	garble("with an unknown state", "history", map[string]any{"L": []any{map[string]any{"M": map[string]any{"at": map[string]any{"S": nanos(start)}, "state": marked}}}})
	garble("without a time", "history", map[string]any{"L": []any{map[string]any{"M": map[string]any{"state": map[string]any{"S": "sending"}}}}})
	cases["all but the key missing"] = garbled{attributes{"pk": full()["pk"]}, "state"}

	for name, tt := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for name, op := range ofACharge(t) {
				// The condition failed, or the write went through.
				answers := []http.HandlerFunc{standing(tt.item), written(tt.item)}
				if name == "get" {
					answers = []http.HandlerFunc{found(tt.item)}
				}
				for _, answer := range answers {
					err := op.do(t.Context(), serve(t, answer).store())
					requireFailed(t, op, err)
					require.ErrorContains(t, err, "cannot be read")
					require.ErrorContains(t, err, tt.names)
				}
			}
		})
	}
}

func TestWhatALaterVersionAddsIsLeftAlone(t *testing.T) {
	t.Parallel()
	c := claim(t, "attempt-1")
	item := stored(c)
	item["of_a_later_version"] = map[string]any{"N": "5"}
	got, err := serve(t, found(item)).store().Get(t.Context(), "order-1")
	require.NoError(t, err)
	require.Equal(t, c, got)
}

// twoAttempts is the charge that the files in testdata hold.
func twoAttempts(t testing.TB) (first charge.Charge, unsent charge.Change, second charge.Charge, last charge.Change, stands charge.Charge) {
	t.Helper()
	first = claim(t, "attempt-1")
	unsent = charge.Change{Number: "order-1", Attempt: "attempt-1", To: charge.Unsent, Evidence: charge.ByAnswer, At: start.Add(time.Second), Reason: "HTTP 429"}
	second = claim(t, "attempt-2")
	second.Deadline, second.CreatedAt, second.UpdatedAt = start.Add(22*time.Second), start.Add(2*time.Second), start.Add(2*time.Second)
	second.History[0].At = start.Add(2 * time.Second)
	last = settled("attempt-2")

	stands, applied := first.Apply(unsent)
	require.True(t, applied)
	stands, applied = charge.Claim(&stands, second)
	require.True(t, applied)
	stands, applied = stands.Apply(last)
	require.True(t, applied)
	return first, unsent, second, last, stands
}

// What was ever stored stays readable. These files are never rewritten: what
// replaces one in a later version stands beside it.
func TestAStoredChargeStaysReadable(t *testing.T) {
	t.Parallel()
	_, _, _, _, latest := twoAttempts(t)
	told := latest // before a line of the history named its payment
	told.History = slices.Clone(latest.History)
	for i := range told.History {
		told.History[i].PaymentID = ""
	}
	first := told
	first.Said = ""
	for name, want := range map[string]charge.Charge{
		"two-attempts.json":          first, // before there were looks and indexes
		"two-attempts-indexed.json":  told,  // before it was told what changes
		"two-attempts-told.json":     told,
		"two-attempts-payments.json": latest,
	} {
		file, err := os.ReadFile(filepath.Join("testdata", name))
		require.NoError(t, err)
		var item attributes
		require.NoError(t, json.Unmarshal(file, &item))
		got, err := serve(t, found(item)).store().Get(t.Context(), "order-1")
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	file, err := os.ReadFile("testdata/two-attempts-payments.json")
	require.NoError(t, err)
	item := stored(latest)
	item["change"] = map[string]any{"S": "settled"}
	require.JSONEq(t, string(file), asJSON(t, item))
}

func TestReadingGivesBackWhatIsStored(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := anyCharge(t)
		got, err := read(t.Context(), want.Order.Number, `{"Item":`+asJSON(t, stored(want))+`}`)
		require.NoError(t, err)
		require.Equal(t, want, got)
	})
}

func anyCharge(t *rapid.T) charge.Charge {
	text := rapid.StringOfN(rapid.Rune(), 1, 40, -1)
	maybe := rapid.StringOfN(rapid.Rune(), 0, 40, -1)
	at := rapid.Custom(func(t *rapid.T) time.Time {
		return time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "seconds"), rapid.Int64Range(0, 999999999).Draw(t, "nanoseconds")).UTC()
	})
	amount, err := money.Parse(rapid.StringMatching(`[1-9][0-9]{0,5}(\.[0-9]{1,3})?`).Draw(t, "amount"), "JOD", 3)
	require.NoError(t, err)
	c := charge.Charge{
		Order: charge.Order{
			Number: rapid.StringMatching(`[a-zA-Z0-9-]{1,255}`).Draw(t, "number"), Amount: amount, Description: text.Draw(t, "description"),
		},
		InitTransID: text.Draw(t, "init"), ScheduleID: maybe.Draw(t, "schedule"), TokenEnd: maybe.Draw(t, "token end"),
		Fingerprint: text.Draw(t, "fingerprint"), Attempt: text.Draw(t, "attempt"), Deadline: at.Draw(t, "deadline"),
		State: rapid.SampledFrom(charge.States()).Draw(t, "state"), PaymentID: maybe.Draw(t, "payment"), Reason: maybe.Draw(t, "reason"),
		DeclineClass: charge.DeclineClass(maybe.Draw(t, "class")), ProviderStatus: maybe.Draw(t, "status"), ProviderDate: maybe.Draw(t, "date"),
		CreatedAt: at.Draw(t, "created"), UpdatedAt: at.Draw(t, "updated"),
		Said: charge.Evidence(maybe.Draw(t, "said")), Disputed: maybe.Draw(t, "disputed"),
	}
	if rapid.Bool().Draw(t, "to be asked about") {
		c.LookAt = at.Draw(t, "look")
	}
	for range rapid.IntRange(1, 4).Draw(t, "entries") {
		c.History = append(c.History, charge.Entry{
			State: rapid.SampledFrom(charge.States()).Draw(t, "then"), At: at.Draw(t, "at"),
			Evidence: charge.Evidence(maybe.Draw(t, "evidence")), Reason: maybe.Draw(t, "why"),
		})
	}
	return c
}

// read reads what DynamoDB answers to a GetItem.
func read(ctx context.Context, number, answer string) (charge.Charge, error) {
	return reading(answer).Get(ctx, number)
}

// reading is a store on a table that has one answer to everything.
func reading(answer string) *dynamostore.Charges {
	return dynamostore.NewCharges(client("http://table.invalid", transport(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: refill([]byte(answer)), Request: r}, nil
	}), 1), tableName)
}

// An answer without the item that must be in it is no answer.
func TestAWriteAnsweredWithoutAnItem(t *testing.T) {
	t.Parallel()
	for name, op := range ofACharge(t) {
		if name == "get" {
			continue
		}
		for _, answer := range []http.HandlerFunc{written(nil), written(attributes{}), answer(http.StatusOK, nil)} {
			requireFailed(t, op, op.do(t.Context(), serve(t, answer).store()))
		}
	}
	claims := ofACharge(t)["claim"]
	requireFailed(t, claims, claims.do(t.Context(), serve(t, standing(nil)).store()))
}

// An answer that ends too early is an error, wherever it ends.
func TestHalfAnAnswer(t *testing.T) {
	t.Parallel()
	whole := `{"Item":` + asJSON(t, stored(claim(t, "attempt-1"))) + `}`
	for end := 1; end < len(whole); end++ {
		_, err := read(t.Context(), "order-1", whole[:end])
		require.Error(t, err, "%s", whole[:end])
		require.NotErrorIs(t, err, charge.ErrNotFound, "%s", whole[:end])
	}
}

// Whatever an attribute has become: no panic, nothing half read, and an item that
// is there is never taken for an absent one.
func FuzzStoredItem(f *testing.F) {
	file, err := os.ReadFile("testdata/two-attempts-payments.json")
	require.NoError(f, err)
	var item map[string]jsontext.Value
	require.NoError(f, json.Unmarshal(file, &item))
	require.NotEmpty(f, item)
	for name, value := range item {
		f.Add(name, string(value))
	}
	for _, value := range []string{
		`null`, `{}`, `{"S":""}`, `{"S":null}`, `{"N":"1"}`, `{"B":"AA=="}`, `{"NULL":true}`, `{"SS":["sending"]}`,
		`{"S":"a","N":"1"}`, `{"L":[]}`, `{"L":[{"M":{}}]}`, `{"L":[null]}`, `{"L":[{"L":[{"L":[]}]}]}`,
	} {
		f.Add("history", value)
		f.Add("state", value)
	}
	f.Add("pk", `{"S":"charge#order-2"}`)
	f.Add("amount", `{"S":"0.00"}`)
	f.Add("deadline", `{"S":"2026-02-30T09:00:22.120000000Z"}`)
	f.Add("look_at", `{"S":"2026-11-21T09:00:22.120000000Z"}`)
	f.Add("look_at", `{"S":"soon"}`)
	f.Add("disputed", `{"S":"declined"}`)
	f.Add("open_at", `{"N":"1"}`)
	f.Add("of a later version", `{"BOOL":true}`)

	f.Fuzz(func(t *testing.T, name, value string) {
		if !utf8.ValidString(name) || !jsontext.Value(value).IsValid() {
			t.Skip("what is no JSON is the SDK's to refuse")
		}
		garbled := maps.Clone(item)
		garbled[name] = jsontext.Value(value)
		c, err := read(t.Context(), "order-1", `{"Item":`+asJSON(t, garbled)+`}`)
		if err != nil {
			require.NotErrorIs(t, err, charge.ErrNotFound)
			require.Zero(t, c)
			return
		}
		require.Equal(t, "order-1", c.Order.Number)
		require.Contains(t, charge.States(), c.State)
		require.NotEmpty(t, c.History)
		again, err := read(t.Context(), "order-1", `{"Item":`+asJSON(t, stored(c))+`}`)
		require.NoError(t, err)
		require.Equal(t, c, again)
	})
}
