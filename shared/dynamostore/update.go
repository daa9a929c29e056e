package dynamostore

import (
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"dinarfunctions/shared/charge"
)

// update builds one UpdateItem. Attribute a goes by #a and its value by :a
// throughout, because many plain names (state, currency, …) are or may become
// DynamoDB's reserved words.
type update struct {
	table, pk     string
	condition     string
	sets, removes []string
	names         map[string]string
	values        map[string]types.AttributeValue
}

func newUpdate(table, pk string) *update {
	return &update{table: table, pk: pk, names: map[string]string{}, values: map[string]types.AttributeValue{}}
}

// name returns an attribute's placeholder.
func (u *update) name(attribute string) string {
	u.names["#"+attribute] = attribute
	return "#" + attribute
}

// value returns a value's placeholder.
func (u *update) value(name string, v types.AttributeValue) string {
	u.values[":"+name] = v
	return ":" + name
}

func (u *update) text(name, value string) string {
	return u.value(name, &types.AttributeValueMemberS{Value: value})
}

func (u *update) number(name string, value int) string {
	return u.value(name, &types.AttributeValueMemberN{Value: strconv.Itoa(value)})
}

// stateIn is the condition that the state is one of some.
func (u *update) stateIn(states []charge.State) string {
	in := make([]string, len(states))
	for i, s := range states {
		in[i] = u.text("from_"+string(s), string(s))
	}
	return u.name(attrState) + " IN (" + strings.Join(in, ", ") + ")"
}

// set gives an attribute a text. An empty one is removed: an absent attribute
// stays out of indexes, an empty one is refused by them.
func (u *update) set(attribute, text string) {
	if text == "" {
		u.removes = append(u.removes, u.name(attribute))
		return
	}
	u.sets = append(u.sets, u.name(attribute)+" = "+u.text(attribute, text))
}

// setOnce gives an attribute a text unless it has one.
func (u *update) setOnce(attribute, text string) {
	name := u.name(attribute)
	u.sets = append(u.sets, name+" = if_not_exists("+name+", "+u.text(attribute, text)+")")
}

// extend appends to a list, which is made if it is not there.
func (u *update) extend(attribute string, list *types.AttributeValueMemberL) {
	name, none := u.name(attribute), u.value("none", &types.AttributeValueMemberL{Value: []types.AttributeValue{}})
	u.sets = append(u.sets, name+" = list_append(if_not_exists("+name+", "+none+"), "+u.value(attribute, list)+")")
}

// replace gives an attribute a list instead of the one that it has.
func (u *update) replace(attribute string, list *types.AttributeValueMemberL) {
	u.sets = append(u.sets, u.name(attribute)+" = "+u.value(attribute, list))
}

func (u *update) input() *dynamodb.UpdateItemInput {
	expression := "SET " + strings.Join(u.sets, ", ")
	if len(u.removes) > 0 {
		expression += " REMOVE " + strings.Join(u.removes, ", ")
	}
	return &dynamodb.UpdateItemInput{
		TableName:                           &u.table,
		Key:                                 key(u.pk),
		ConditionExpression:                 &u.condition,
		UpdateExpression:                    &expression,
		ExpressionAttributeNames:            u.names,
		ExpressionAttributeValues:           u.values,
		ReturnValues:                        types.ReturnValueAllNew,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
}
