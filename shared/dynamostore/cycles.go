package dynamostore

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/unreadable"
)

// A charge's cycle: both attributes are there, or neither, and they are never changed.
// They are the keys of the index of a subscription's charges.
const (
	attrSubscriptionID = "subscription_id"
	attrCycleTry       = "cycle_try" // see cycleText
)

const cyclesIndex = "subscription"

// cycleText is a cycle and try as they stand in an index: sorted as text, they are in
// the order of cycles and then of tries. Daily cycles take 2.7 million years to
// overflow it, and a million tries of one cycle were a million declines.
func cycleText(of charge.Cycle) string { return fmt.Sprintf("%09d#%06d", of.Number, of.Attempt) }

// setCycle says which cycle a charge is for, if it is for one. It goes with a condition
// by which nothing else stands there.
func (u *update) setCycle(of charge.Cycle) {
	if of != (charge.Cycle{}) {
		u.set(attrSubscriptionID, of.Subscription)
		u.set(attrCycleTry, cycleText(of))
	}
}

// sameCycle is the condition that what stands there is for this cycle, or for none as
// this is.
func (u *update) sameCycle(of charge.Cycle) string {
	id, try := u.name(attrSubscriptionID), u.name(attrCycleTry)
	if of == (charge.Cycle{}) {
		return fmt.Sprintf("attribute_not_exists(%s) AND attribute_not_exists(%s)", id, try)
	}
	return fmt.Sprintf("%s = %s AND %s = %s", id, u.text(attrSubscriptionID, of.Subscription), try, u.text(attrCycleTry, cycleText(of)))
}

// cycle reads which cycle a charge is for. Half of it is a fault: read as none, a
// caller's own request might be answered with a subscription's charge.
func (r *reader) cycle() charge.Cycle {
	_, hasID := r.item[attrSubscriptionID]
	_, hasTry := r.item[attrCycleTry]
	if !hasID && !hasTry {
		return charge.Cycle{}
	}
	text := r.text(attrCycleTry)
	of, ok := cycleOf(r.text(attrSubscriptionID), text)
	if text != "" && !ok {
		r.fault(attrCycleTry, "is no cycle and try")
	}
	return of
}

// cycleOf reads what cycleText writes; ok reports whether it is that.
func cycleOf(subscription, text string) (of charge.Cycle, ok bool) {
	number, attempt, _ := strings.Cut(text, "#")
	of.Subscription = subscription
	of.Number, _ = strconv.Atoi(number)
	of.Attempt, _ = strconv.Atoi(attempt)
	return of, of.Number >= 1 && of.Attempt >= 0 && cycleText(of) == text
}

// OfSubscription implements charge.Store. The index says where to look; each charge is
// read itself, so a page may hold one that the index has not heard of yet in its new
// state, and misses one that it has not heard of at all.
func (s *Charges) OfSubscription(ctx context.Context, id string, after charge.Cycle, limit int) (charges []charge.Charge, more *charge.Cycle, err error) {
	charges, more, err = s.ofSubscription(ctx, id, after, limit)
	left, err := unreadable.Split(err)
	if err != nil {
		return nil, nil, fmt.Errorf("list the charges of subscription %s in DynamoDB table %s: %w", id, s.name, err)
	}
	return charges, more, unreadable.Left(left)
}

func (s *Charges) ofSubscription(ctx context.Context, id string, after charge.Cycle, limit int) (charges []charge.Charge, more *charge.Cycle, err error) {
	limit = min(limit, pageRows)
	var broken []*unreadable.Error
	// One query fills a page, unless nothing in it has a place to go on behind.
	for from := map[string]types.AttributeValue(nil); ; {
		out, err := s.api.Query(ctx, &dynamodb.QueryInput{
			TableName:                &s.name,
			IndexName:                aws.String(cyclesIndex),
			KeyConditionExpression:   aws.String("#id = :id AND #try > :after"),
			ExpressionAttributeNames: map[string]string{"#id": attrSubscriptionID, "#try": attrCycleTry},
			ExpressionAttributeValues: map[string]types.AttributeValue{
				":id":    &types.AttributeValueMemberS{Value: id},
				":after": &types.AttributeValueMemberS{Value: cycleText(after)},
			},
			Limit:             aws.Int32(int32(limit)), //nolint:gosec // at most pageRows
			ExclusiveStartKey: from,
		})
		if err != nil {
			return nil, nil, err
		}
		var rows []row
		for _, item := range out.Items {
			r, err := readRow(item, s.kind, s.prefix, attrCycleTry)
			if err != nil {
				return nil, nil, err
			}
			of, ok := cycleOf(id, r.sort)
			if ok {
				more = &of
			} else if r.broken == nil {
				r.broken = &unreadable.Error{Kind: s.kind, Key: r.id, What: attrCycleTry + " is no cycle and try"}
			}
			rows = append(rows, r)
		}
		found, bad, err := s.readAll(ctx, rows)
		if err != nil {
			return nil, nil, err
		}
		for i, c := range found {
			switch {
			case bad[i] != nil:
				broken = append(broken, bad[i])
			case c.For.Subscription != id || cycleText(c.For) != rows[i].sort:
				broken = append(broken, &unreadable.Error{Kind: s.kind, Key: rows[i].id, What: "its index entry is not that of its charge"})
			default:
				charges = append(charges, c)
			}
		}
		if from = out.LastEvaluatedKey; len(from) == 0 {
			return charges, nil, unreadable.Left(broken)
		}
		if more != nil {
			return charges, more, unreadable.Left(broken)
		}
	}
}
