package dynamostore

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// table is one DynamoDB table: what all stores do with theirs.
type table struct {
	api  API
	name string
}

// item reads an item, strongly consistent; none is empty.
func (t table) item(ctx context.Context, pk string) (map[string]types.AttributeValue, error) {
	out, err := t.api.GetItem(ctx, &dynamodb.GetItemInput{TableName: &t.name, Key: key(pk), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return nil, err
	}
	return out.Item, nil
}

// errNoItem: an answer that cannot be, and must not be read as "nothing stands
// there".
var errNoItem = errors.New("DynamoDB's answer lacks the item that must stand there; what was written is not known")

// write makes the call. It returns the item that stands there afterwards, and
// whether the condition was met, or what stands there has the call's own mark. An
// empty item is what the condition failed on, if it failed on nothing.
func (t table) write(ctx context.Context, u *update) (item map[string]types.AttributeValue, met bool, err error) {
	out, err := despiteConflicts(ctx, inTransaction, func() (*dynamodb.UpdateItemOutput, error) {
		return t.api.UpdateItem(ctx, u.input(t.name))
	})
	var failed *types.ConditionalCheckFailedException
	switch {
	case errors.As(err, &failed):
		return failed.Item, u.wrote(failed.Item), nil
	case err != nil:
		return nil, false, err
	case len(out.Attributes) == 0:
		return nil, false, errNoItem
	}
	return out.Attributes, true, nil
}
