// Package dynamostoretest makes tables for tests of what stands on dynamostore. They
// have no streams: nobody reads them, and with each stream that it ever made DynamoDB
// Local gets slower, for a thousand of them tenfold. test/internal/stack makes tables
// as the template says, streams included.
package dynamostoretest

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Table is the request that makes a table of charges with the keys and indexes of
// dynamostore's package doc. The one in template.yaml has the same, and a stream.
func Table(name string) *dynamodb.CreateTableInput {
	return table(name,
		index("look", "look_shard", "look_at"),
		index("open", "open_shard", "open_at"),
		index("payment", "payment_id"),
		index("subscription", "subscription_id", "cycle_try"))
}

// SubscriptionsTable is the request that makes a table of subscriptions. The one in
// template.yaml has the same, and a stream.
func SubscriptionsTable(name string) *dynamodb.CreateTableInput { return dueAndListed(name) }

// PayoutsTable is the request that makes a table of watched payouts. The one in
// template.yaml has the same, and a stream.
func PayoutsTable(name string) *dynamodb.CreateTableInput { return dueAndListed(name) }

// dueAndListed makes a table of things that are due and listed by their state.
func dueAndListed(name string) *dynamodb.CreateTableInput {
	listed := index("listed", "list_shard", "list_at")
	listed.Projection = &types.Projection{ProjectionType: types.ProjectionTypeInclude, NonKeyAttributes: []string{"state"}}
	return table(name, index("due", "due_shard", "due_at"), listed)
}

func table(name string, indexes ...types.GlobalSecondaryIndex) *dynamodb.CreateTableInput {
	made := &dynamodb.CreateTableInput{
		TableName:              &name,
		BillingMode:            types.BillingModePayPerRequest,
		KeySchema:              keys("pk"),
		GlobalSecondaryIndexes: indexes,
	}
	attributes := []string{"pk"}
	for _, i := range indexes {
		for _, k := range i.KeySchema {
			attributes = append(attributes, *k.AttributeName)
		}
	}
	for _, attribute := range attributes {
		made.AttributeDefinitions = append(made.AttributeDefinitions,
			types.AttributeDefinition{AttributeName: aws.String(attribute), AttributeType: types.ScalarAttributeTypeS})
	}
	return made
}

// index is one of keys alone.
func index(name, hash string, sort ...string) types.GlobalSecondaryIndex {
	return types.GlobalSecondaryIndex{
		IndexName: &name, KeySchema: keys(hash, sort...),
		Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly},
	}
}

func keys(hash string, sort ...string) []types.KeySchemaElement {
	schema := []types.KeySchemaElement{{AttributeName: &hash, KeyType: types.KeyTypeHash}}
	for _, attribute := range sort {
		schema = append(schema, types.KeySchemaElement{AttributeName: aws.String(attribute), KeyType: types.KeyTypeRange})
	}
	return schema
}

// Make makes a table in an emulator. The SDK sends a request again whose answer
// was lost, and is then told that the table is there: so it is.
func Make(ctx context.Context, api *dynamodb.Client, table *dynamodb.CreateTableInput) error {
	_, err := api.CreateTable(ctx, table)
	var there *types.ResourceInUseException
	if err != nil && !errors.As(err, &there) {
		return fmt.Errorf("create DynamoDB table %s: %w", *table.TableName, err)
	}
	return nil
}

// DeleteTable takes a table away from an emulator. One that is gone is no error,
// for the same reason.
func DeleteTable(ctx context.Context, api *dynamodb.Client, name string) error {
	_, err := api.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: &name})
	var gone *types.ResourceNotFoundException
	if err != nil && !errors.As(err, &gone) {
		return fmt.Errorf("delete DynamoDB table %s: %w", name, err)
	}
	return nil
}
