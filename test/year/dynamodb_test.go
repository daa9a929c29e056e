package year_test

import (
	"crypto/rand"
	"os"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/awsconfig"
	"dinarfunctions/shared/dynamostore"
	"dinarfunctions/shared/dynamostore/dynamostoretest"
)

// TestMonthsOnDynamoDB is the same on the tables that the functions have: for three
// months, since each time that the schedule wakes costs dozens of calls.
func TestMonthsOnDynamoDB(t *testing.T) {
	if os.Getenv("AWS_ENDPOINT_URL_DYNAMODB") == "" {
		t.Skip("needs DynamoDB: set AWS_ENDPOINT_URL_DYNAMODB, or run make test-aws")
	}
	cfg, err := awsconfig.Load(t.Context())
	require.NoError(t, err)
	api := dynamodb.NewFromConfig(cfg)
	charges, subscriptions := "charges-"+rand.Text(), "subscriptions-"+rand.Text()
	require.NoError(t, dynamostoretest.Make(t.Context(), api, dynamostoretest.Table(charges)))
	require.NoError(t, dynamostoretest.Make(t.Context(), api, dynamostoretest.SubscriptionsTable(subscriptions)))
	ledger := dynamostore.NewCharges(api, charges)
	run(t, pace{90, 3 * time.Hour}, many(20), dynamostore.NewSubscriptions(api, subscriptions, ledger), ledger)
}
