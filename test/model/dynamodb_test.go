package model_test

import (
	"context"
	"crypto/rand"
	"net/http"
	"os"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go/logging"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"dinarfunctions/shared/boltstore"
	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/dynamostore"
	"dinarfunctions/shared/dynamostore/dynamostoretest"
)

func TestLedgerAndProviderAgreeOnDynamoDB(t *testing.T) {
	t.Parallel()
	endpoint := os.Getenv("AWS_ENDPOINT_URL_DYNAMODB")
	if endpoint == "" {
		t.Skip("needs DynamoDB: set AWS_ENDPOINT_URL_DYNAMODB, or run make test-aws")
	}
	connections := &http.Transport{MaxIdleConnsPerHost: 100}
	t.Cleanup(connections.CloseIdleConnections)
	api := dynamodb.New(dynamodb.Options{
		Region:       "eu-central-1",
		BaseEndpoint: &endpoint,
		HTTPClient:   &http.Client{Transport: connections},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "id", SecretAccessKey: "none"}, nil
		}),
		// The SDK warns of every answer without a checksum, which only the real
		// DynamoDB always sends.
		Logger: logging.Nop{},
	})
	scenarios(t, func(t *rapid.T, _ string) (charge.Store, func() []boltstore.Told) {
		name := "charges-" + rand.Text()
		require.NoError(t, dynamostoretest.Make(context.Background(), api, dynamostoretest.Table(name)))
		t.Cleanup(func() {
			require.NoError(t, dynamostoretest.DeleteTable(context.Background(), api, name))
		})
		return dynamostore.NewCharges(api, name), nil
	})
}
