package dynamostore

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"dinarfunctions/shared/payout"
	"dinarfunctions/shared/unreadable"
)

// PayoutsAPI is what the store of watched payouts needs of DynamoDB: GetItem,
// UpdateItem and DeleteItem on its table, Query on its indexes.
type PayoutsAPI interface {
	API
	DeleteItem(context.Context, *dynamodb.DeleteItemInput, ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error)
}

var _ PayoutsAPI = (*dynamodb.Client)(nil)

// Payouts is a payout.Store in a DynamoDB table of its own (PAYOUTS_TABLE). It is
// safe for concurrent use, by any number of processes.
//
// Keys:
//
//	item     pk (S)                 made by    read by
//	payout   payout#<payment_id>    payoutKey  Payouts.Get
//
// Indexes, spread over shards as a charge's are:
//
//	index    partition key   sort key   holds                          read by
//	due      due_shard       due_at     what is to be looked at        Payouts.Due
//	listed   list_shard      list_at    all payouts, with their state  Payouts.List
//
// Every write bears the random id of its call, by which a call whose answer was lost
// finds itself.
type Payouts struct {
	kept[payout.Payout]
	api PayoutsAPI
}

var _ payout.Store = (*Payouts)(nil)

// NewPayouts returns the store in a table, which must exist with those keys and
// indexes. It calls nothing.
func NewPayouts(api PayoutsAPI, name string) *Payouts {
	return &Payouts{kept[payout.Payout]{table{api, name}, payoutPrefix, unreadable.Payout, words(payout.States()), "payout", payout.ErrNotFound, readPayout}, api}
}

// Create implements payout.Store. It makes one call.
func (s *Payouts) Create(ctx context.Context, p payout.Payout) (standing payout.Payout, created bool, err error) {
	u := newUpdate(payoutKey(p.ID))
	u.setPayout(p)
	return s.create(ctx, u, p.ID, p.CreatedAt)
}

// Write implements payout.Store. It makes one call.
func (s *Payouts) Write(ctx context.Context, p payout.Payout) (standing payout.Payout, written bool, err error) {
	u := newUpdate(payoutKey(p.ID))
	u.condition = fmt.Sprintf("%s = %s", u.name(attrRevision), u.number("before", int(p.Revision-1)))
	u.setPayout(p)
	standing, written, err = s.update(ctx, u, p.ID)
	if err != nil {
		return payout.Payout{}, false, fmt.Errorf("write payout %s in DynamoDB table %s: %w", p.ID, s.name, err)
	}
	return standing, written, nil
}

// Look implements payout.Store. It makes one call.
func (s *Payouts) Look(ctx context.Context, id string, was, next time.Time) (standing payout.Payout, moved bool, err error) {
	u := newUpdate(payoutKey(id))
	u.condition = fmt.Sprintf("%s = %s", u.name(attrNextCheckAt), u.text("was", timeText(was)))
	u.due(id, next)
	u.tell("")
	u.sets = append(u.sets, fmt.Sprintf("%[1]s = %[1]s + %[2]s", u.name(attrRevision), u.number("one", 1)))
	u.sign(attrWrittenBy)
	standing, moved, err = s.update(ctx, u, id)
	switch {
	case errors.Is(err, payout.ErrNotFound):
		return payout.Payout{}, false, nil
	case err != nil:
		return payout.Payout{}, false, fmt.Errorf("claim the look at payout %s in DynamoDB table %s: %w", id, s.name, err)
	}
	return standing, moved, nil
}

// Delete implements payout.Store. It makes one call.
func (s *Payouts) Delete(ctx context.Context, id string) error {
	if _, err := s.api.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &s.name, Key: key(payoutKey(id))}); err != nil {
		return fmt.Errorf("delete payout %s in DynamoDB table %s: %w", id, s.name, err)
	}
	return nil
}

// Due implements payout.Store. See due.
func (s *Payouts) Due(ctx context.Context, now time.Time) iter.Seq2[payout.Due, error] {
	return due(ctx, s.table, s.looks(), now, func(id string, at time.Time) payout.Due { return payout.Due{ID: id, At: at} })
}

// List implements payout.Store. See kept.list.
func (s *Payouts) List(ctx context.Context, state payout.State, after payout.Place, limit int) ([]payout.Payout, *payout.Place, error) {
	payouts, more, err := s.list(ctx, string(state), place(after), limit, func(p payout.Payout) string { return string(p.State) })
	left, err := unreadable.Split(err)
	if err != nil {
		return nil, nil, fmt.Errorf("list payouts in DynamoDB table %s: %w", s.name, err)
	}
	return payouts, (*payout.Place)(more), unreadable.Left(left)
}
