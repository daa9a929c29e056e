package year_test

import (
	"crypto/rand"
	"os"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/awsconfig"
	"dinarfunctions/shared/dynamostore"
	"dinarfunctions/shared/dynamostore/dynamostoretest"
)

// TestAYearOnDynamoDB is the same year on the tables that the functions have.
func TestAYearOnDynamoDB(t *testing.T) {
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
	run(t, many(10), dynamostore.NewSubscriptions(api, subscriptions, ledger), ledger)
}
