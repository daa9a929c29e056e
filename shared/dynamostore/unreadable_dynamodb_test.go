package dynamostore_test

import (
	"net/http"
	"strconv"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/charge/chargetest"
	"dinarfunctions/shared/payout"
	"dinarfunctions/shared/payout/payouttest"
	"dinarfunctions/shared/subscription"
	"dinarfunctions/shared/subscription/subscriptiontest"
)

// spoil gives an attribute of an item another value, past the store.
func (tb table) spoil(prefix string) func(t *testing.T, key, attribute string, value any) {
	return func(t *testing.T, key, attribute string, value any) {
		t.Helper()
		var typed types.AttributeValue
		switch value := value.(type) {
		case string:
			typed = &types.AttributeValueMemberS{Value: value}
		case int:
			typed = &types.AttributeValueMemberN{Value: strconv.Itoa(value)}
		default:
			require.FailNow(t, "a value of no type that is stored")
		}
		_, err := client(tb.endpoint, http.DefaultTransport, 3).UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
			TableName: &tb.name, Key: map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: prefix + key}},
			UpdateExpression: aws.String("SET #a = :v"), ConditionExpression: aws.String("attribute_exists(pk)"),
			ExpressionAttributeNames:  map[string]string{"#a": attribute},
			ExpressionAttributeValues: map[string]types.AttributeValue{":v": typed},
		})
		require.NoError(t, err)
	}
}

func TestUnreadableChargesOnDynamoDB(t *testing.T) {
	t.Parallel()
	chargetest.Unreadable(t, func(t *testing.T) (charge.Store, chargetest.Spoil) {
		tb := newTable(t)
		return tb.store(http.DefaultTransport, 3), tb.spoil("charge#")
	})
}

func TestUnreadableSubscriptionsOnDynamoDB(t *testing.T) {
	t.Parallel()
	subscriptiontest.Unreadable(t, func(t *testing.T) (subscription.Store, subscriptiontest.Spoil) {
		pair := newPair(t)
		store, _ := pair.direct()
		return store, pair.subscriptions.spoil("subscription#")
	})
}

func TestUnreadablePayoutsOnDynamoDB(t *testing.T) {
	t.Parallel()
	payouttest.Unreadable(t, func(t *testing.T) (payout.Store, payouttest.Spoil) {
		tb := newPayoutsTable(t)
		return tb.payouts(http.DefaultTransport, 3), tb.spoil("payout#")
	})
}
