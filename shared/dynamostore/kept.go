package dynamostore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"
)

// kept is a table as the store of one kind of thing: what the stores of charges, of
// subscriptions and of watched payouts do alike. What creates, looks and lists is for a
// table with the indexes due and listed, so not for that of charges.
type kept[T any] struct {
	table
	prefix string // what the key of a thing begins with, before its id
	word   string // what errors call a thing, before its id
	absent error  // what read returns for no item

	// read reads the item of an id; with an error, it returns the zero T.
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
	return sharded{k.prefix, k.word, "due", attrDueShard, attrDueAt, "<="}
}

func (k kept[T]) listed() sharded {
	return sharded{k.prefix, k.word, "listed", attrListShard, attrListAt, ">"}
}

// list fills a page with the things in a state, or all for "". The index says where to
// look; each thing is read itself, and left out where it is not in the state any more.
// stateOf tells a thing's state, "" for the zero T. A page ends early where very many
// are in other states; more is where to go on, if the index goes on.
func (k kept[T]) list(ctx context.Context, state string, after place, limit int, stateOf func(T) string) (found []T, more *place, err error) {
	page := pageRows
	if state == "" {
		page = min(limit, pageRows)
	}
	var (
		batch []row // not read yet
		last  row
		seen  int
	)
	readBatch := func() error {
		things, err := k.readAll(ctx, batch)
		batch = nil
		for _, thing := range things {
			if is := stateOf(thing); is != "" && (state == "" || is == state) {
				found = append(found, thing)
			}
		}
		return err
	}
	for r, err := range k.rows(ctx, k.listed(), placeText(after.CreatedAt, after.ID), page) {
		if err == nil && (len(found)+len(batch) == limit || seen == maxListed) {
			err = readBatch()
		}
		if err != nil {
			return nil, nil, err
		}
		if len(found) == limit || seen == maxListed {
			more, err = k.listed().place(last)
			return found, more, err
		}
		seen++
		last = r
		if state == "" || r.state == state {
			batch = append(batch, r)
		}
	}
	if err := readBatch(); err != nil {
		return nil, nil, err
	}
	return found, nil, nil
}

// readAll reads the things of some rows, in their order. One that is absent is the
// zero T.
func (k kept[T]) readAll(ctx context.Context, rows []row) ([]T, error) {
	things := make([]T, len(rows))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(readsAtOnce)
	for i, r := range rows {
		group.Go(func() error {
			thing, err := k.Get(ctx, r.id)
			if err != nil && !errors.Is(err, k.absent) {
				return err
			}
			things[i] = thing
			return nil
		})
	}
	return things, group.Wait()
}
