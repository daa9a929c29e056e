// Package dynamostoretest makes tables for tests of what stands on dynamostore.
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
// dynamostore's package doc. The one in template.yaml has the same.
func Table(name string) *dynamodb.CreateTableInput {
	keys := func(hash string, sort ...string) []types.KeySchemaElement {
		schema := []types.KeySchemaElement{{AttributeName: &hash, KeyType: types.KeyTypeHash}}
		for _, attribute := range sort {
			schema = append(schema, types.KeySchemaElement{AttributeName: aws.String(attribute), KeyType: types.KeyTypeRange})
		}
		return schema
	}
	index := func(name string, schema []types.KeySchemaElement) types.GlobalSecondaryIndex {
		return types.GlobalSecondaryIndex{
			IndexName: &name, KeySchema: schema,
			Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly},
		}
	}
	table := &dynamodb.CreateTableInput{
		TableName:   &name,
		BillingMode: types.BillingModePayPerRequest,
		KeySchema:   keys("pk"),
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{
			index("look", keys("look_shard", "look_at")),
			index("open", keys("open_shard", "open_at")),
			index("payment", keys("payment_id")),
			index("subscription", keys("subscription_id", "cycle_try")),
		},
	}
	for _, attribute := range []string{"pk", "look_shard", "look_at", "open_shard", "open_at", "payment_id", "subscription_id", "cycle_try"} {
		table.AttributeDefinitions = append(table.AttributeDefinitions,
			types.AttributeDefinition{AttributeName: aws.String(attribute), AttributeType: types.ScalarAttributeTypeS})
	}
	return table
}

// SubscriptionsTable is the request that makes a table of subscriptions. The one in
// template.yaml has the same.
func SubscriptionsTable(name string) *dynamodb.CreateTableInput {
	index := func(name, shard, sort string, projection *types.Projection) types.GlobalSecondaryIndex {
		return types.GlobalSecondaryIndex{
			IndexName: &name,
			KeySchema: []types.KeySchemaElement{
				{AttributeName: &shard, KeyType: types.KeyTypeHash},
				{AttributeName: &sort, KeyType: types.KeyTypeRange},
			},
			Projection: projection,
		}
	}
	table := &dynamodb.CreateTableInput{
		TableName:   &name,
		BillingMode: types.BillingModePayPerRequest,
		KeySchema:   []types.KeySchemaElement{{AttributeName: aws.String("pk"), KeyType: types.KeyTypeHash}},
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{
			index("due", "due_shard", "due_at", &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly}),
			index("listed", "list_shard", "list_at", &types.Projection{
				ProjectionType: types.ProjectionTypeInclude, NonKeyAttributes: []string{"state"},
			}),
		},
	}
	for _, attribute := range []string{"pk", "due_shard", "due_at", "list_shard", "list_at"} {
		table.AttributeDefinitions = append(table.AttributeDefinitions,
			types.AttributeDefinition{AttributeName: aws.String(attribute), AttributeType: types.ScalarAttributeTypeS})
	}
	return table
}

// PayoutsTable is the request that makes a table of watched payouts. The one in
// template.yaml has the same.
func PayoutsTable(name string) *dynamodb.CreateTableInput {
	index := func(name, shard, sort string, projection *types.Projection) types.GlobalSecondaryIndex {
		return types.GlobalSecondaryIndex{
			IndexName: &name,
			KeySchema: []types.KeySchemaElement{
				{AttributeName: &shard, KeyType: types.KeyTypeHash},
				{AttributeName: &sort, KeyType: types.KeyTypeRange},
			},
			Projection: projection,
		}
	}
	table := &dynamodb.CreateTableInput{
		TableName:   &name,
		BillingMode: types.BillingModePayPerRequest,
		KeySchema:   []types.KeySchemaElement{{AttributeName: aws.String("pk"), KeyType: types.KeyTypeHash}},
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{
			index("due", "due_shard", "due_at", &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly}),
			index("listed", "list_shard", "list_at", &types.Projection{
				ProjectionType: types.ProjectionTypeInclude, NonKeyAttributes: []string{"state"},
			}),
		},
		StreamSpecification: &types.StreamSpecification{
			StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewTypeNewAndOldImages,
		},
	}
	for _, attribute := range []string{"pk", "due_shard", "due_at", "list_shard", "list_at"} {
		table.AttributeDefinitions = append(table.AttributeDefinitions,
			types.AttributeDefinition{AttributeName: aws.String(attribute), AttributeType: types.ScalarAttributeTypeS})
	}
	return table
}

// CreateTable makes a table of charges in an emulator, where it can be used at once.
func CreateTable(ctx context.Context, api *dynamodb.Client, name string) error {
	return Make(ctx, api, Table(name))
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
