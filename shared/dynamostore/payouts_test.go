package dynamostore_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/dynamostore"
	"dinarfunctions/shared/dynamostore/dynamostoretest"
	"dinarfunctions/shared/payout"
	"dinarfunctions/shared/payout/payouttest"
)

// newPayoutsTable is a new table of watched payouts of its own for a test.
func newPayoutsTable(t *testing.T) table {
	t.Helper()
	return makeTable(t, "payouts-", dynamostoretest.PayoutsTable)
}

func (tb table) payouts(through http.RoundTripper, tries int) *dynamostore.Payouts {
	return dynamostore.NewPayouts(client(tb.endpoint, through, tries), tb.name)
}

func TestPayoutsOnDynamoDB(t *testing.T) {
	t.Parallel()
	payouttest.Store(t, func(t *testing.T) payout.Store { return newPayoutsTable(t).payouts(http.DefaultTransport, 3) })
}

func TestPayoutsOnDynamoDBWithLostAnswers(t *testing.T) {
	t.Parallel()
	payouttest.Store(t, func(t *testing.T) payout.Store {
		return newPayoutsTable(t).payouts(everyThirdLost(t), 50)
	})
}

// What the stream's filter and its reader rely on: a change is there after a write
// that is one, and gone after every other; and many payments make no large item.
func TestAPayoutAsItStandsInDynamoDB(t *testing.T) {
	t.Parallel()
	tb := newPayoutsTable(t)
	store := tb.payouts(http.DefaultTransport, 3)
	p, created, err := store.Create(t.Context(), payout.New("1617fcccd1f3269c", "november", start))
	require.NoError(t, err)
	require.True(t, created)
	require.NotContains(t, tb.payout(t), "change")

	told := make([]payout.Told, 500)
	for i := range told {
		told[i] = payout.Told{UniqueID: fmt.Sprintf("%016x", i), Status: 1, State: payout.PaymentSuccessful}
	}
	p, written, err := store.Write(t.Context(), p.Looked(told, start.Add(time.Minute), time.Hour))
	require.NoError(t, err)
	require.True(t, written)
	item := tb.payout(t)
	require.Equal(t, &types.AttributeValueMemberS{Value: "payments completed"}, item["change"])
	require.Less(t, size(item), 50_000)
	read, err := store.Get(t.Context(), p.ID)
	require.NoError(t, err)
	require.Equal(t, p, read)
	t.Logf("a payout of 500 payments takes about %d bytes", size(item))

	_, moved, err := store.Look(t.Context(), p.ID, p.NextCheckAt, start.Add(time.Hour))
	require.NoError(t, err)
	require.True(t, moved)
	require.NotContains(t, tb.payout(t), "change")
}

// payout is what stands under 1617fcccd1f3269c.
func (tb table) payout(t *testing.T) map[string]types.AttributeValue {
	t.Helper()
	return tb.stands(t, "payout#1617fcccd1f3269c")
}

// size is about how much of an item's 400 KB is used: names and values, a byte for
// each element and three for each container.
func size(item map[string]types.AttributeValue) (bytes int) {
	for name, value := range item {
		bytes += len(name) + sizeOf(value)
	}
	return bytes
}

func sizeOf(value types.AttributeValue) int {
	switch v := value.(type) {
	case *types.AttributeValueMemberS:
		return len(v.Value)
	case *types.AttributeValueMemberN:
		return len(v.Value)/2 + 1
	case *types.AttributeValueMemberM:
		return 3 + size(v.Value) + len(v.Value)
	case *types.AttributeValueMemberL:
		sum := 3
		for _, element := range v.Value {
			sum += 1 + sizeOf(element)
		}
		return sum
	default:
		return 0
	}
}

func TestItemsThatAreNoPayouts(t *testing.T) {
	t.Parallel()
	text := func(s string) map[string]any { return map[string]any{"S": s} }
	for _, item := range []attributes{
		nil,
		{"pk": map[string]any{"N": "1"}},
		{"pk": text("charge#order-1")},
		{"pk": text("payout#")},
		{"pk": text("payout#a"), "state": text("processing")},
	} {
		_, err := serve(t, found(item)).payouts().Get(t.Context(), "a")
		require.Error(t, err)
	}
}

func TestAGarbledPayoutIsNoNewOne(t *testing.T) {
	t.Parallel()
	tb := newPayoutsTable(t)
	tb.put(t, map[string]types.AttributeValue{
		"pk":    &types.AttributeValueMemberS{Value: "payout#1617fcccd1f3269c"},
		"state": &types.AttributeValueMemberN{Value: "1"},
	})
	store := tb.payouts(http.DefaultTransport, 3)
	_, created, err := store.Create(t.Context(), payout.New("1617fcccd1f3269c", "", start))
	require.ErrorContains(t, err, "cannot be read")
	require.False(t, created)
	_, err = store.Get(t.Context(), "1617fcccd1f3269c")
	require.ErrorContains(t, err, "cannot be read")
	require.NotErrorIs(t, err, payout.ErrNotFound)
	require.NoError(t, store.Delete(t.Context(), "1617fcccd1f3269c"))
}
