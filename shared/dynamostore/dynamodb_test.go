package dynamostore_test

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"os"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/charge/chargetest"
	"dinarfunctions/shared/dynamostore"
	"dinarfunctions/shared/dynamostore/dynamostoretest"
)

// table is a new table of its own for a test.
type table struct{ endpoint, name string }

// needsDynamoDB skips a test where there is none, and returns where it is.
func needsDynamoDB(t *testing.T) (endpoint string) {
	t.Helper()
	endpoint = os.Getenv("AWS_ENDPOINT_URL_DYNAMODB")
	if endpoint == "" {
		t.Skip("needs DynamoDB: set AWS_ENDPOINT_URL_DYNAMODB, or run make test-aws")
	}
	return endpoint
}

// newTable is a new table of charges.
func newTable(t *testing.T) table {
	t.Helper()
	return makeTable(t, "charges-", dynamostoretest.Table)
}

// makeTable makes a table that a request describes, until the test ends. Its name is
// random behind a prefix.
func makeTable(t *testing.T, prefix string, request func(name string) *dynamodb.CreateTableInput) table {
	t.Helper()
	tb := table{needsDynamoDB(t), prefix + rand.Text()}
	api := client(tb.endpoint, http.DefaultTransport, 3)
	require.NoError(t, dynamostoretest.Make(t.Context(), api, request(tb.name)))
	t.Cleanup(func() {
		require.NoError(t, dynamostoretest.DeleteTable(context.WithoutCancel(t.Context()), api, tb.name))
	})
	return tb
}

// store is a store on the table whose calls go through a transport.
func (tb table) store(through http.RoundTripper, tries int) *dynamostore.Charges {
	return dynamostore.NewCharges(client(tb.endpoint, through, tries), tb.name)
}

// stands is the item under a key.
func (tb table) stands(t *testing.T, key string) map[string]types.AttributeValue {
	t.Helper()
	out, err := client(tb.endpoint, http.DefaultTransport, 1).GetItem(t.Context(), &dynamodb.GetItemInput{
		TableName: &tb.name, ConsistentRead: aws.Bool(true),
		Key: map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: key}},
	})
	require.NoError(t, err)
	return out.Item
}

// put makes an item past the store.
func (tb table) put(t *testing.T, item map[string]types.AttributeValue) {
	t.Helper()
	_, err := client(tb.endpoint, http.DefaultTransport, 3).PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &tb.name, Item: item})
	require.NoError(t, err)
}

// item is what stands under order-1, in DynamoDB's own JSON.
func (tb table) item(t *testing.T) string {
	t.Helper()
	return plainJSON(t, tb.stands(t, "charge#order-1"))
}

// plainJSON is an item in DynamoDB's own JSON.
func plainJSON(t *testing.T, item map[string]types.AttributeValue) string {
	t.Helper()
	return asJSON(t, plain(t, &types.AttributeValueMemberM{Value: item})["M"])
}

// plain is a value in DynamoDB's own JSON.
func plain(t *testing.T, value types.AttributeValue) attributes {
	t.Helper()
	switch v := value.(type) {
	case *types.AttributeValueMemberS:
		return attributes{"S": v.Value}
	case *types.AttributeValueMemberN:
		return attributes{"N": v.Value}
	case *types.AttributeValueMemberL:
		list := []any{}
		for _, one := range v.Value {
			list = append(list, plain(t, one))
		}
		return attributes{"L": list}
	case *types.AttributeValueMemberM:
		fields := attributes{}
		for name, one := range v.Value {
			fields[name] = plain(t, one)
		}
		return attributes{"M": fields}
	default:
		require.Failf(t, "an attribute of no known kind", "%T", value)
		return nil
	}
}

func TestStoreOnDynamoDB(t *testing.T) {
	t.Parallel()
	chargetest.Store(t, func(t *testing.T) charge.Store { return newTable(t).store(http.DefaultTransport, 3) })
}

func TestStoreOnDynamoDBWithLostAnswers(t *testing.T) {
	t.Parallel()
	chargetest.Store(t, func(t *testing.T) charge.Store {
		return newTable(t).store(everyThirdLost(t), 50)
	})
}

// everyThirdLost loses every third exchange, in turn before and after the table did the
// work. A test that ends without either has shown nothing.
func everyThirdLost(t *testing.T) http.RoundTripper {
	t.Helper()
	var calls, before, after atomic.Int64
	t.Cleanup(func() {
		require.NotZero(t, before.Load())
		require.NotZero(t, after.Load())
	})
	return transport(func(r *http.Request) (*http.Response, error) {
		switch calls.Add(1) % 6 {
		case 0:
			before.Add(1)
			return nil, errCut
		case 3:
			after.Add(1)
			return cut(http.DefaultTransport.RoundTrip(r))
		default:
			return http.DefaultTransport.RoundTrip(r)
		}
	})
}

var errCut = errors.New("the connection was cut")

// cut loses an answer that has come.
func cut(response *http.Response, err error) (*http.Response, error) {
	if err != nil {
		return nil, err
	}
	_, err = io.Copy(io.Discard, response.Body)
	return nil, errors.Join(errCut, err, response.Body.Close())
}

// cutFirst loses the first answers, and counts the calls.
func cutFirst(answers int64, calls *atomic.Int64) http.RoundTripper {
	return transport(func(r *http.Request) (*http.Response, error) {
		response, err := http.DefaultTransport.RoundTrip(r)
		if calls.Add(1) <= answers {
			return cut(response, err)
		}
		return response, err
	})
}

// cutFirstAnd loses the first answer, and does something before its repeat.
func cutFirstAnd(meanwhile func() error) http.RoundTripper {
	var calls atomic.Int64
	return transport(func(r *http.Request) (*http.Response, error) {
		response, err := http.DefaultTransport.RoundTrip(r)
		if calls.Add(1) > 1 {
			return response, err
		}
		response, err = cut(response, err)
		return response, errors.Join(err, meanwhile())
	})
}

func TestLostAnswersOnDynamoDB(t *testing.T) {
	t.Parallel()
	needsDynamoDB(t)
	first, unsent, second, last, want := twoAttempts(t)

	t.Run("a claim, and one over an earlier attempt", func(t *testing.T) {
		t.Parallel()
		tb := newTable(t)
		var calls atomic.Int64
		for _, c := range []charge.Charge{first, second} {
			standing, won, err := tb.store(cutFirst(calls.Load()+1, &calls), 3).Claim(t.Context(), c)
			require.NoError(t, err)
			require.True(t, won)
			require.Equal(t, c.Attempt, standing.Attempt)
			if c.Attempt == first.Attempt {
				require.Equal(t, first, standing)
				mustRecord(t, tb, unsent)
				continue
			}
			require.Len(t, standing.History, 3)
		}
	})

	t.Run("a record", func(t *testing.T) {
		t.Parallel()
		tb := newTable(t)
		mustClaim(t, tb, first)
		mustRecord(t, tb, unsent)
		mustClaim(t, tb, second)
		var calls atomic.Int64
		standing, applied, err := tb.store(cutFirst(1, &calls), 3).Record(t.Context(), last)
		require.NoError(t, err)
		require.True(t, applied)
		require.Equal(t, want, standing, "the change is in the history once")
		require.EqualValues(t, 2, calls.Load())
	})

	t.Run("all answers to a claim: an error, and it can be taken back", func(t *testing.T) {
		t.Parallel()
		tb := newTable(t)
		var calls atomic.Int64
		_, won, err := tb.store(cutFirst(3, &calls), 3).Claim(t.Context(), first)
		require.ErrorIs(t, err, errCut)
		require.False(t, won)
		require.EqualValues(t, 3, calls.Load())
		require.Equal(t, first, get(t, tb), "it stands all the same")
		mustRecord(t, tb, unsent)
		mustClaim(t, tb, second)
	})

	t.Run("all answers to a record: an error, and the same again finds itself", func(t *testing.T) {
		t.Parallel()
		tb := newTable(t)
		mustClaim(t, tb, first)
		var calls atomic.Int64
		_, applied, err := tb.store(cutFirst(3, &calls), 3).Record(t.Context(), unsent)
		require.ErrorIs(t, err, errCut)
		require.NotErrorIs(t, err, charge.ErrNotFound)
		require.False(t, applied)
		standing := mustRecord(t, tb, unsent)
		require.Len(t, standing.History, 2)
	})
}

// A copy of a claim's write may arrive when its attempt has long ended. It must
// not make the charge sending once more: nobody would send it.
func TestACopyOfAClaimThatWasHeldUp(t *testing.T) {
	t.Parallel()
	tb := newTable(t)
	first, unsent, _, _, _ := twoAttempts(t)
	var held *http.Request
	through := transport(func(r *http.Request) (*http.Response, error) {
		content, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		r.Body = refill(content)
		held = r.Clone(context.WithoutCancel(r.Context()))
		held.Body = refill(content)
		return http.DefaultTransport.RoundTrip(r)
	})
	_, won, err := tb.store(through, 1).Claim(t.Context(), first)
	require.NoError(t, err)
	require.True(t, won)
	want := mustRecord(t, tb, unsent)

	response, err := http.DefaultTransport.RoundTrip(held)
	require.NoError(t, err)
	answer, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Contains(t, string(answer), "ConditionalCheckFailedException")
	require.Equal(t, want, get(t, tb))
}

func TestWhatStandsInDynamoDB(t *testing.T) {
	t.Parallel()
	tb := newTable(t)
	first, unsent, second, last, want := twoAttempts(t)
	mustClaim(t, tb, first)
	mustRecord(t, tb, unsent)
	mustClaim(t, tb, second)
	require.Equal(t, want, mustRecord(t, tb, last))

	file, err := os.ReadFile("testdata/two-attempts-payments.json")
	require.NoError(t, err)
	item := tb.item(t)
	require.JSONEq(t, string(file), item)
	require.NotContains(t, item, "MARKED")
	require.NotContains(t, item, markedToken[:len(markedToken)-4])
	require.Contains(t, item, `"7002"`)
}

func TestAGarbledItemInDynamoDBIsLeftAlone(t *testing.T) {
	t.Parallel()
	tb := newTable(t)
	tb.put(t, map[string]types.AttributeValue{
		"pk":    &types.AttributeValueMemberS{Value: "charge#order-1"},
		"state": &types.AttributeValueMemberN{Value: "1"},
	})
	before := tb.item(t)
	for name, op := range ofACharge(t) {
		if name == "hint" { // a hint is kept, whatever stands there
			continue
		}
		err := op.do(t.Context(), tb.store(http.DefaultTransport, 3))
		require.ErrorContains(t, err, "cannot be read", name)
		require.NotErrorIs(t, err, charge.ErrNotFound, name)
	}
	require.JSONEq(t, before, tb.item(t))
}

func mustClaim(t *testing.T, tb table, c charge.Charge) {
	t.Helper()
	_, won, err := tb.store(http.DefaultTransport, 3).Claim(t.Context(), c)
	require.NoError(t, err)
	require.True(t, won)
}

func mustRecord(t *testing.T, tb table, change charge.Change) charge.Charge {
	t.Helper()
	standing, applied, err := tb.store(http.DefaultTransport, 3).Record(t.Context(), change)
	require.NoError(t, err)
	require.True(t, applied)
	return standing
}

func get(t *testing.T, tb table) charge.Charge {
	t.Helper()
	c, err := tb.store(http.DefaultTransport, 3).Get(t.Context(), "order-1")
	require.NoError(t, err)
	return c
}
