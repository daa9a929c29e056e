package handler

import (
	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"dinarfunctions/shared/dynamostore"
)

// image turns an item as Lambda has it into the store's. A type that no version of
// the store has written becomes a null, which no reader takes for a value.
func image(item map[string]events.DynamoDBAttributeValue) dynamostore.Image {
	out := make(dynamostore.Image, len(item))
	for name, value := range item {
		out[name] = attribute(value)
	}
	return out
}

func attribute(v events.DynamoDBAttributeValue) types.AttributeValue {
	switch v.DataType() {
	case events.DataTypeString:
		return &types.AttributeValueMemberS{Value: v.String()}
	case events.DataTypeNumber:
		return &types.AttributeValueMemberN{Value: v.Number()}
	case events.DataTypeBoolean:
		return &types.AttributeValueMemberBOOL{Value: v.Boolean()}
	case events.DataTypeList:
		list := make([]types.AttributeValue, len(v.List()))
		for i, inner := range v.List() {
			list[i] = attribute(inner)
		}
		return &types.AttributeValueMemberL{Value: list}
	case events.DataTypeMap:
		return &types.AttributeValueMemberM{Value: image(v.Map())}
	case events.DataTypeStringSet:
		return &types.AttributeValueMemberSS{Value: v.StringSet()}
	case events.DataTypeNumberSet:
		return &types.AttributeValueMemberNS{Value: v.NumberSet()}
	case events.DataTypeBinary:
		return &types.AttributeValueMemberB{Value: v.Binary()}
	case events.DataTypeNull, events.DataTypeBinarySet:
	}
	return &types.AttributeValueMemberNULL{Value: true}
}
