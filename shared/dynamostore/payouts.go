package dynamostore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/payout"
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
	table
	api PayoutsAPI
}

var _ payout.Store = (*Payouts)(nil)

// NewPayouts returns the store in a table, which must exist with those keys and
// indexes. It calls nothing.
func NewPayouts(api PayoutsAPI, name string) *Payouts { return &Payouts{table{api, name}, api} }

func duePayouts() sharded    { return sharded{payoutPrefix, "due", attrDueShard, attrDueAt, "<="} }
func listedPayouts() sharded { return sharded{payoutPrefix, "listed", attrListShard, attrListAt, ">"} }

// Create implements payout.Store. It makes one call.
func (s *Payouts) Create(ctx context.Context, p payout.Payout) (standing payout.Payout, created bool, err error) {
	u := newUpdate(payoutKey(p.ID))
	u.condition = fmt.Sprintf("attribute_not_exists(%s)", u.name(attrKey))
	u.setPayout(p)
	u.set(attrListShard, shardOf(p.ID))
	u.set(attrListAt, placeText(charge.Place{CreatedAt: p.CreatedAt, Number: p.ID}))
	standing, created, err = s.update(ctx, u, p.ID)
	if errors.Is(err, payout.ErrNotFound) { // then its condition holds
		err = errNoItem
	}
	if err != nil {
		return payout.Payout{}, false, fmt.Errorf("create payout %s in DynamoDB table %s: %w", p.ID, s.name, err)
	}
	return standing, created, nil
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

// Get implements payout.Store. It makes one call.
func (s *Payouts) Get(ctx context.Context, id string) (payout.Payout, error) {
	item, err := s.item(ctx, payoutKey(id))
	var p payout.Payout
	if err == nil {
		p, err = readPayout(id, item)
	}
	if err != nil {
		return payout.Payout{}, fmt.Errorf("read payout %s in DynamoDB table %s: %w", id, s.name, err)
	}
	return p, nil
}

// Delete implements payout.Store. It makes one call.
func (s *Payouts) Delete(ctx context.Context, id string) error {
	if _, err := s.api.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &s.name, Key: key(payoutKey(id))}); err != nil {
		return fmt.Errorf("delete payout %s in DynamoDB table %s: %w", id, s.name, err)
	}
	return nil
}

// Due implements payout.Store. What cannot be read holds nothing up: the first error
// comes last.
func (s *Payouts) Due(ctx context.Context, now time.Time) iter.Seq2[payout.Due, error] {
	return func(yield func(payout.Due, error) bool) {
		var failed error
		seen := map[string]bool{} // the index may move a payout on while it is read
		for r, err := range s.rows(ctx, duePayouts(), timeText(now), pageRows) {
			var at time.Time
			if err == nil {
				if at, err = time.Parse(timeFormat, r.sort); err != nil {
					err = fmt.Errorf("the index entry of payout %s cannot be read (%s is no time)", r.id, attrDueAt)
				}
			}
			if err != nil {
				failed = cmp.Or(failed, err)
				continue
			}
			if seen[r.id] {
				continue
			}
			seen[r.id] = true
			if !yield(payout.Due{ID: r.id, At: at}, nil) {
				return
			}
		}
		if failed != nil {
			yield(payout.Due{}, fmt.Errorf("read what is due in DynamoDB table %s: %w", s.name, failed))
		}
	}
}

// List implements payout.Store. The index says which payouts are in the state; each
// is read itself, and left out where it is in another by now.
func (s *Payouts) List(ctx context.Context, state payout.State, after payout.Place, limit int) (payouts []payout.Payout, more *payout.Place, err error) {
	payouts, more, err = s.list(ctx, state, after, limit)
	if err != nil {
		return nil, nil, fmt.Errorf("list payouts in DynamoDB table %s: %w", s.name, err)
	}
	return payouts, more, nil
}

func (s *Payouts) list(ctx context.Context, state payout.State, after payout.Place, limit int) (payouts []payout.Payout, more *payout.Place, err error) {
	page := min(limit, pageRows)
	if state != "" { // most may be in others
		page = 1000
	}
	var (
		found []row
		last  row
		bound = placeText(charge.Place{CreatedAt: after.CreatedAt, Number: after.ID})
		ended = true
		seen  int
	)
	for r, err := range s.rows(ctx, listedPayouts(), bound, page) {
		if err != nil {
			return nil, nil, err
		}
		if len(found) == limit || seen == maxListed {
			ended = false
			break
		}
		seen++
		last = r
		if state == "" || r.state == string(state) {
			found = append(found, r)
		}
	}
	read, err := readAll(ctx, found, payout.ErrNotFound, s.Get)
	if err != nil {
		return nil, nil, err
	}
	for _, p := range read {
		if p.ID != "" && (state == "" || p.State == state) {
			payouts = append(payouts, p)
		}
	}
	if ended {
		return payouts, nil, nil
	}
	place, err := last.place()
	if err != nil {
		return nil, nil, err
	}
	return payouts, &payout.Place{CreatedAt: place.CreatedAt, ID: place.Number}, nil
}

// update makes the call. It returns the payout that stands there afterwards, and
// whether the condition was met, or what stands there has the call's own mark;
// ErrNotFound where the condition failed on nothing.
func (s *Payouts) update(ctx context.Context, u *update, id string) (standing payout.Payout, met bool, err error) {
	item, met, err := s.write(ctx, u)
	if err != nil {
		return payout.Payout{}, false, err
	}
	standing, err = readPayout(id, item)
	return standing, met && err == nil, err
}
