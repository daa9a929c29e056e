package dynamostore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"dinarfunctions/shared/unreadable"
)

// kept is a table as the store of one kind of thing: what the stores of charges, of
// subscriptions and of watched payouts do alike. What creates, looks and lists is for a
// table with the indexes due and listed, so not for that of charges.
type kept[T any] struct {
	table
	prefix string // what the key of a thing begins with, before its id
	kind   unreadable.Kind
	states []string // all that this version knows
	word   string   // what errors call a thing, before its id
	absent error    // what read returns for no item

	// read reads the item of an id; with an error, it returns the zero T. The error is
	// absent or an *unreadable.Error.
	read func(id string, item map[string]types.AttributeValue) (T, error)
}

// Get implements Get of each store: it returns the thing under an id, strongly
// consistent, and wraps absent where there is none. It makes one call.
func (k kept[T]) Get(ctx context.Context, id string) (thing T, err error) {
	item, err := k.item(ctx, k.prefix+id)
	if err == nil {
		thing, err = k.read(id, item)
	}
	if err != nil {
		return thing, fmt.Errorf("read %s %s in DynamoDB table %s: %w", k.word, id, k.name, err)
	}
	return thing, nil
}

// update makes the call. It returns the thing that stands there afterwards, and
// whether the condition was met, or what stands there has the call's own mark; absent
// where the condition failed on nothing.
func (k kept[T]) update(ctx context.Context, u *update, id string) (standing T, met bool, err error) {
	item, met, err := k.write(ctx, u)
	if err != nil {
		return standing, false, err
	}
	standing, err = k.read(id, item)
	return standing, met && err == nil, err
}

// create makes the call of an update that sets a thing whole: where nothing stands under
// its id, and with its place in the list, which is for good.
func (k kept[T]) create(ctx context.Context, u *update, id string, at time.Time) (standing T, created bool, err error) {
	u.condition = fmt.Sprintf("attribute_not_exists(%s)", u.name(attrKey))
	u.set(attrListShard, shardOf(id))
	u.set(attrListAt, placeText(at, id))
	standing, created, err = k.update(ctx, u, id)
	if errors.Is(err, k.absent) { // then its condition holds
		err = errNoItem
	}
	if err != nil {
		return standing, false, fmt.Errorf("create %s %s in DynamoDB table %s: %w", k.word, id, k.name, err)
	}
	return standing, created, nil
}

// looks is the range of looks up to a time, listed that of all things from behind a
// place.
func (k kept[T]) looks() sharded {
	return sharded{k.prefix, k.kind, "due", attrDueShard, attrDueAt, "<="}
}

func (k kept[T]) listed() sharded {
	return sharded{k.prefix, k.kind, "listed", attrListShard, attrListAt, ">"}
}

// list fills a page with the things in a state, or all for "". The index says where to
// look; each thing is read itself, and left out where it is not in the state any more.
// stateOf is a thing's state, "" for the zero T. A page ends early where very many
// are in other states; more is where to go on, if the index goes on.
//
// What cannot be read takes its place in the page, and is named by an
// *unreadable.Some. One whose state this version does not know may be in any.
func (k kept[T]) list(ctx context.Context, state string, after place, limit int, stateOf func(T) string) (found []T, more *place, err error) {
	page := pageRows
	if state == "" {
		page = min(limit, pageRows)
	}
	var (
		batch  []row // not read yet
		last   *place
		seen   int
		broken []*unreadable.Error
	)
	readBatch := func() error {
		things, bad, err := k.readAll(ctx, batch)
		if err != nil {
			return err
		}
		for i, thing := range things {
			if bad[i] != nil {
				broken = append(broken, bad[i])
			} else if is := stateOf(thing); is != "" && (state == "" || is == state) {
				found = append(found, thing)
			}
		}
		batch = nil
		return nil
	}
	for r, err := range k.rows(ctx, k.listed(), placeText(after.CreatedAt, after.ID), page) {
		full := func() bool { return last != nil && (len(found)+len(broken) >= limit || seen >= maxListed) }
		if err == nil && (len(found)+len(broken)+len(batch) >= limit || seen >= maxListed) {
			err = readBatch()
		}
		if err != nil {
			return nil, nil, err
		}
		if full() {
			return found, last, unreadable.Left(broken)
		}
		seen++
		if at := r.place(); at != nil { // a page does not end behind what has no place
			last = at
		}
		if state == "" || r.state == state || !slices.Contains(k.states, r.state) {
			batch = append(batch, r)
		}
	}
	if err := readBatch(); err != nil {
		return nil, nil, err
	}
	return found, nil, unreadable.Left(broken)
}

// readAll reads the things of some rows, in their order. One that is absent is the
// zero T; for one that cannot be read, or whose row cannot be, bad says so.
func (k kept[T]) readAll(ctx context.Context, rows []row) (things []T, bad []*unreadable.Error, err error) {
	things, bad = make([]T, len(rows)), make([]*unreadable.Error, len(rows))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(readsAtOnce)
	for i, r := range rows {
		if r.broken != nil {
			bad[i] = r.broken
			continue
		}
		group.Go(func() error {
			thing, err := k.Get(ctx, r.id)
			bad[i] = unreadable.Of(err)
			if err != nil && bad[i] == nil && !errors.Is(err, k.absent) {
				return err
			}
			things[i] = thing
			return nil
		})
	}
	return things, bad, group.Wait()
}
