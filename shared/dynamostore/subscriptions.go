package dynamostore

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/subscription"
	"dinarfunctions/shared/unreadable"
)

// SubscriptionsAPI is what the store of subscriptions needs of DynamoDB. The rights are
// those of API, on both tables: a transaction of updates needs UpdateItem and no more.
type SubscriptionsAPI interface {
	API
	TransactWriteItems(context.Context, *dynamodb.TransactWriteItemsInput, ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error)
}

var _ SubscriptionsAPI = (*dynamodb.Client)(nil)

// Subscriptions is a subscription.Store in a DynamoDB table, whose claims are written
// to the table of a Charges. It is safe for concurrent use, by any number of processes.
type Subscriptions struct {
	kept[subscription.Subscription]
	api     SubscriptionsAPI
	charges *Charges
}

var _ subscription.Store = (*Subscriptions)(nil)

// NewSubscriptions returns the store in a table, which must exist with the keys and
// indexes of the package doc. It calls nothing.
func NewSubscriptions(api SubscriptionsAPI, name string, charges *Charges) *Subscriptions {
	return &Subscriptions{
		kept[subscription.Subscription]{table{api, name}, subscriptionPrefix, unreadable.Subscription, words(subscription.States()), "subscription", subscription.ErrNotFound, readSubscription},
		api, charges,
	}
}

// Create implements subscription.Store. It makes one call.
func (s *Subscriptions) Create(ctx context.Context, asked subscription.Subscription) (standing subscription.Subscription, created bool, err error) {
	asked.Revision = 1
	u := newUpdate(subscriptionKey(asked.ID))
	u.setSubscription(asked)
	return s.create(ctx, u, asked.ID, asked.CreatedAt)
}

// Write implements subscription.Store. It makes one call.
func (s *Subscriptions) Write(ctx context.Context, asked subscription.Subscription) (subscription.Subscription, error) {
	standing, written, err := s.update(ctx, replacing(asked), asked.ID)
	if errors.Is(err, subscription.ErrNotFound) || err == nil && !written {
		err = subscription.ErrChanged
	}
	if err != nil {
		return subscription.Subscription{}, fmt.Errorf("write subscription %s in DynamoDB table %s: %w", asked.ID, s.name, err)
	}
	return standing, nil
}

// Claim implements subscription.Store. It makes one transaction; two where a charge
// that charged nothing stands under the number, because a transaction does not say what
// it wrote: what the claim is written over has to be known.
func (s *Subscriptions) Claim(ctx context.Context, asked subscription.Subscription, claim charge.Charge) (standing charge.Charge, won bool, err error) {
	standing, won, err = s.claim(ctx, asked, s.charges.firstClaim(claim), claim)
	if err == nil && !won {
		if over, may := charge.Claim(&standing, claim); may && over.Attempt != standing.Attempt {
			standing, won, err = s.claim(ctx, asked, s.charges.claimOver(standing, over), over)
		}
	}
	if err != nil {
		return charge.Charge{}, false, fmt.Errorf("claim order number %s of subscription %s in DynamoDB tables %s and %s: %w",
			claim.Order.Number, asked.ID, s.name, s.charges.name, err)
	}
	return standing, won, nil
}

// claim writes the subscription, and the claim as it comes to stand there.
func (s *Subscriptions) claim(ctx context.Context, asked subscription.Subscription, u *update, claim charge.Charge) (standing charge.Charge, won bool, err error) {
	first := replacing(asked)
	failed, err := s.both(ctx, first, s.table, u, s.charges.table)
	switch {
	case err != nil:
		return charge.Charge{}, false, err
	case failed == nil:
		return claim, true, nil
	}
	changed, stands := failed[0], failed[1]
	if changed != nil && stands == nil && first.wrote(changed.item) {
		// It is this very write, and the charge is part of it.
		item, err := s.charges.item(ctx, chargeKey(claim.Order.Number))
		if err != nil {
			return charge.Charge{}, false, err
		}
		stands = &refusal{item}
	}
	if stands == nil {
		return charge.Charge{}, false, subscription.ErrChanged
	}
	standing, err = readCharge(claim.Order.Number, stands.item)
	if errors.Is(err, charge.ErrNotFound) { // no claim fails on nothing
		err = errNoItem
	}
	switch {
	case err != nil:
		return charge.Charge{}, false, err
	case changed == nil:
		return standing, false, nil
	case standing.Attempt == claim.Attempt:
		// An earlier try of this call wrote both: the charge tells, also where another
		// has written to the subscription since. See Charges.Claim for the rest.
		return standing, standing.State == charge.Sending, nil
	default:
		return charge.Charge{}, false, subscription.ErrChanged
	}
}

// refusal is one write of a transaction whose condition failed, and on what.
type refusal struct {
	item map[string]types.AttributeValue
}

// both makes two writes in one transaction. Where a condition fails, neither is made
// and failed says which of them it was; it is nil where both are made. The SDK gives the
// call a token, by which DynamoDB makes it once however often it comes, for ten minutes;
// after that the conditions see to it.
func (s *Subscriptions) both(ctx context.Context, first *update, in table, second *update, and table) (failed []*refusal, err error) {
	_, err = despiteConflicts(ctx, passing, func() (*dynamodb.TransactWriteItemsOutput, error) {
		return s.api.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
			{Update: first.part(in.name)}, {Update: second.part(and.name)},
		}})
	})
	var cancelled *types.TransactionCanceledException
	if !errors.As(err, &cancelled) || !slices.ContainsFunc(cancelled.CancellationReasons, conditional) {
		return nil, err
	}
	if len(cancelled.CancellationReasons) != 2 {
		return nil, fmt.Errorf("DynamoDB gives %d reasons for 2 writes: %w", len(cancelled.CancellationReasons), err)
	}
	failed = make([]*refusal, 2)
	for i, reason := range cancelled.CancellationReasons {
		if conditional(reason) {
			failed[i] = &refusal{reason.Item}
		}
	}
	return failed, nil
}

// conditional tells whether a write of a transaction failed by its condition.
func conditional(reason types.CancellationReason) bool {
	return aws.ToString(reason.Code) == "ConditionalCheckFailed"
}

// passing tells whether a transaction was cancelled by nothing that lasts: another
// write at the same time, or too many at once. A condition that failed beside it counts
// for more.
func passing(err error) bool {
	var cancelled *types.TransactionCanceledException
	if !errors.As(err, &cancelled) || slices.ContainsFunc(cancelled.CancellationReasons, conditional) {
		return false
	}
	return slices.ContainsFunc(cancelled.CancellationReasons, func(reason types.CancellationReason) bool {
		return slices.Contains([]string{"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}, aws.ToString(reason.Code))
	})
}

// Look implements subscription.Store. It makes one call. Its mark is not that of the
// writes: a write whose answer was lost finds its own also after a look.
func (s *Subscriptions) Look(ctx context.Context, id string, was, next time.Time) (standing subscription.Subscription, moved bool, err error) {
	u := newUpdate(subscriptionKey(id))
	if was.IsZero() {
		u.condition = fmt.Sprintf("attribute_exists(%s) AND attribute_not_exists(%s)", u.name(attrKey), u.name(attrDueAt))
	} else {
		u.condition = fmt.Sprintf("%s = %s", u.name(attrDueAt), u.text("was", timeText(was)))
	}
	u.dueAt(id, next)
	u.set(attrChange, "") // it is no change, and wakes nobody who waits for one
	u.sign(attrLookBy)
	standing, moved, err = s.update(ctx, u, id)
	switch {
	case errors.Is(err, subscription.ErrNotFound):
		return subscription.Subscription{}, false, nil
	case err != nil:
		return subscription.Subscription{}, false, fmt.Errorf("move the look at subscription %s in DynamoDB table %s: %w", id, s.name, err)
	}
	return standing, moved, nil
}

// Due implements subscription.Store. See due.
func (s *Subscriptions) Due(ctx context.Context, now time.Time) iter.Seq2[subscription.Due, error] {
	return due(ctx, s.table, s.looks(), now, func(id string, at time.Time) subscription.Due { return subscription.Due{ID: id, At: at} })
}

// List implements subscription.Store. See kept.list.
func (s *Subscriptions) List(ctx context.Context, state subscription.State, after subscription.Place, limit int) ([]subscription.Subscription, *subscription.Place, error) {
	found, more, err := s.list(ctx, string(state), place(after), limit, func(one subscription.Subscription) string { return string(one.State) })
	left, err := unreadable.Split(err)
	if err != nil {
		return nil, nil, fmt.Errorf("list subscriptions in DynamoDB table %s: %w", s.name, err)
	}
	return found, (*subscription.Place)(more), unreadable.Left(left)
}

// replacing writes a subscription at its next revision over the one that it was made
// from. Its place in the list stays.
func replacing(asked subscription.Subscription) *update {
	u := newUpdate(subscriptionKey(asked.ID))
	u.condition = fmt.Sprintf("%s = %s", u.name(attrRevision), u.number("was", int(asked.Revision)))
	asked.Revision++
	u.setSubscription(asked)
	return u
}
