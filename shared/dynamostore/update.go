package dynamostore

import (
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"dinarfunctions/shared/charge"
)

// update builds one UpdateItem. Attribute a goes by #a and its value by :a
// throughout, because many plain names (state, currency, …) are or may become
// DynamoDB's reserved words.
type update struct {
	pk            string
	condition     string
	sets, removes []string
	names         map[string]string
	values        map[string]types.AttributeValue
	mark          mark
}

// mark is an attribute that holds the random id of the one call that wrote it.
type mark struct{ attribute, id string }

func newUpdate(pk string) *update {
	return &update{pk: pk, names: map[string]string{}, values: map[string]types.AttributeValue{}}
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

// from is the condition that the charge is where a change may begin.
func (u *update) from(origins []charge.Origin, change charge.Change) string {
	var states []charge.State
	var clauses []string
	for _, o := range origins {
		if o.Said == "" && o.If == "" {
			states = append(states, o.State)
			continue
		}
		is := []string{u.name(attrState) + " = " + u.text("from_"+string(o.State), string(o.State))}
		if o.Said != "" {
			is = append(is, u.name(attrSaid)+" = "+u.text("said_"+string(o.Said), string(o.Said)))
		}
		if o.If != "" {
			is = append(is, u.brings(o.If, change))
		}
		clauses = append(clauses, "("+strings.Join(is, " AND ")+")")
	}
	if len(states) > 0 {
		clauses = append([]string{u.stateIn(states)}, clauses...)
	}
	return "(" + strings.Join(clauses, " OR ") + ")"
}

// brings is the condition that a change brings news to the charge.
func (u *update) brings(news charge.News, change charge.Change) string {
	differs := func(attribute, text string) string {
		name := u.name(attribute)
		if text == "" {
			return fmt.Sprintf("attribute_exists(%s)", name)
		}
		return fmt.Sprintf("attribute_not_exists(%[1]s) OR %[1]s <> %[2]s", name, u.text(attribute, text))
	}
	if news == charge.NewWord {
		return "(" + differs(attrProviderStatus, change.ProviderStatus) + ")"
	}
	clause := differs(attrCascading, flagText(change.Cascading))
	if change.PaymentID != "" {
		clause += " OR " + differs(attrPaymentID, change.PaymentID)
	}
	return "(" + clause + ")"
}

// sign writes a random id of this one call into an attribute. By it the call finds
// itself when the SDK has made it twice.
func (u *update) sign(attribute string) {
	u.mark = mark{attribute, rand.Text()}
	u.set(attribute, u.mark.id)
}

// wrote tells whether an item has this call's mark.
func (u *update) wrote(item map[string]types.AttributeValue) bool {
	text, isText := item[u.mark.attribute].(*types.AttributeValueMemberS)
	return isText && text.Value == u.mark.id
}

// tell says what this write changes that others are told of: words joined by one
// blank, or "" for nothing. Every write to a thing says it, nothing included: the
// stream wakes OutcomeEvents for items that have the attribute, so one that is left
// behind would be told again by the next write.
func (u *update) tell(words string) { u.set(attrChange, words) }

// look says when the charge under a number is to be asked about next (zero for
// never), and puts it at that place in the index or takes it out.
func (u *update) look(number string, at time.Time) {
	if at.IsZero() {
		u.set(attrLookAt, "")
		u.set(attrLookShard, "")
		return
	}
	u.set(attrLookAt, timeText(at))
	u.set(attrLookShard, shardOf(number))
}

// list puts the charge under a number into the index of open charges, or takes it
// out, as its state says.
func (u *update) list(number string, state charge.State) {
	if state.Open() {
		u.set(attrOpenShard, shardOf(number))
	} else {
		u.set(attrOpenShard, "")
	}
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

// expression is all that is set and removed.
func (u *update) expression() string {
	expression := "SET " + strings.Join(u.sets, ", ")
	if len(u.removes) > 0 {
		expression += " REMOVE " + strings.Join(u.removes, ", ")
	}
	return expression
}

// part is the update as a part of a transaction, which has a condition.
func (u *update) part(table string) *types.Update {
	return &types.Update{
		TableName:                           &table,
		Key:                                 key(u.pk),
		ConditionExpression:                 &u.condition,
		UpdateExpression:                    aws.String(u.expression()),
		ExpressionAttributeNames:            u.names,
		ExpressionAttributeValues:           u.values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
}

func (u *update) input(table string) *dynamodb.UpdateItemInput {
	input := &dynamodb.UpdateItemInput{
		TableName:                           &table,
		Key:                                 key(u.pk),
		UpdateExpression:                    aws.String(u.expression()),
		ExpressionAttributeNames:            u.names,
		ExpressionAttributeValues:           u.values,
		ReturnValues:                        types.ReturnValueAllNew,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
	if u.condition != "" {
		input.ConditionExpression = &u.condition
	}
	return input
}
