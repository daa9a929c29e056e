package dynamostore

import (
	"cmp"
	"context"
	"fmt"
	"hash/fnv"
	"iter"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/unreadable"
)

// shards is over how many partitions the charges of an index are spread. A
// throttled index throttles its table, and one partition takes only so many
// writes. There may be more of them one day; never fewer, because what stands in
// the others would not be found again.
const shards = 8

// shardOf is the shard of an order number: "0" to "7".
func shardOf(number string) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(number)) // it never fails
	return strconv.Itoa(int(h.Sum32() % shards))
}

// place is a place in an index of things in the order of time and then of id.
type place struct {
	CreatedAt time.Time
	ID        string
}

// placeText is a place as it stands in an index: sorted as text, it is in the
// order of time and then of id.
func placeText(at time.Time, id string) string { return timeText(at) + "#" + id }

// How much is read at a time.
const (
	// pageRows is the most rows that one call reads of one shard.
	pageRows = 100
	// maxBatches is how many batches of rows one Open goes through, each as large
	// as the page that it fills.
	maxBatches = 10
	// maxListed is how many rows of the index listed one list goes through.
	maxListed = 5000
	// readsAtOnce is how many things of a list are read at the same time.
	readsAtOnce = 8
)

// sharded is one of the indexes that are spread over shards, of things of a kind whose
// keys begin with a prefix. A range of it is what compares with a bound as the operator
// says.
type sharded struct {
	prefix                      string
	kind                        unreadable.Kind
	name, shard, sort, operator string
}

// looks is the range of looks up to a time, openRows that of open charges from behind a
// place.
func (s *Charges) looks() sharded {
	return sharded{s.prefix, s.kind, "look", attrLookShard, attrLookAt, "<="}
}

func (s *Charges) openRows() sharded {
	return sharded{s.prefix, s.kind, "open", attrOpenShard, attrOpenAt, ">"}
}

const paymentIndex = "payment"

// words are states as texts.
func words[S ~string](states []S) []string {
	all := make([]string, len(states))
	for i, s := range states {
		all[i] = string(s)
	}
	return all
}

// row is what an index has of a thing: its id, a charge's is its order number, its
// text to sort by, and its state where the index has that and it is a text. broken says
// what is wrong with an entry that is not as this version writes it.
type row struct {
	id, sort, state string
	broken          *unreadable.Error
}

func compareRows(a, b row) int {
	return cmp.Or(cmp.Compare(a.sort, b.sort), cmp.Compare(a.id, b.id))
}

// readRow reads a row of an index of things of a kind whose keys begin with a prefix. It
// fails where the row has no keys, which no index has.
func readRow(item map[string]types.AttributeValue, kind unreadable.Kind, prefix, sort string) (row, error) {
	r := reader{item: item}
	pk, text := r.text(attrKey), r.text(sort)
	if len(r.faults) > 0 {
		return row{}, fmt.Errorf("an index entry cannot be read (%s)", strings.Join(r.faults, "; "))
	}
	id, ok := strings.CutPrefix(pk, prefix)
	if !ok || id == "" {
		r.fault(attrKey, "does not begin with "+prefix)
		return row{id: pk, sort: text, broken: r.unreadable(kind, pk)}, nil
	}
	state, _ := item[attrState].(*types.AttributeValueMemberS)
	if state == nil {
		return row{id: id, sort: text}, nil
	}
	return row{id: id, sort: text, state: state.Value}, nil
}

// Due implements charge.Store. The oldest come first, so that no shard has to wait
// for another. See due.
func (s *Charges) Due(ctx context.Context, now time.Time) iter.Seq2[charge.Due, error] {
	return due(ctx, s.table, s.looks(), now, func(id string, at time.Time) charge.Due { return charge.Due{Number: id, At: at} })
}

// due goes through the looks of an index up to a time, the oldest first, each id once.
// An entry that cannot be read is an *unreadable.Error in its place, once, and the
// others follow. A shard that cannot be read holds up no other: the first such error
// comes last.
func due[D any](ctx context.Context, t table, looks sharded, now time.Time, dueOf func(id string, at time.Time) D) iter.Seq2[D, error] {
	return func(yield func(D, error) bool) {
		var (
			none   D
			failed error
		)
		seen := map[string]bool{} // the index may move one on while it is read
		for r, err := range t.rows(ctx, looks, timeText(now), pageRows) {
			if err != nil {
				failed = cmp.Or(failed, err)
				continue
			}
			if seen[r.id] {
				continue
			}
			seen[r.id] = true
			at, bad := looks.time(r)
			if bad != nil {
				if !yield(none, fmt.Errorf("read what is due in DynamoDB table %s: %w", t.name, bad)) {
					return
				}
				continue
			}
			if !yield(dueOf(r.id, at), nil) {
				return
			}
		}
		if failed != nil {
			yield(none, fmt.Errorf("read what is due in DynamoDB table %s: %w", t.name, failed))
		}
	}
}

// time is the time at which a row of looks stands.
func (ix sharded) time(r row) (time.Time, *unreadable.Error) {
	if r.broken != nil {
		return time.Time{}, r.broken
	}
	at, err := time.Parse(timeFormat, r.sort)
	if err != nil || timeText(at) != r.sort {
		return time.Time{}, &unreadable.Error{Kind: ix.kind, Key: r.id, What: ix.sort + " is no time"}
	}
	return at, nil
}

// placed marks a row as broken whose text to sort by is not the place of its id.
func (ix sharded) placed(r row) row {
	if at := r.place(); r.broken == nil && (at == nil || at.ID != r.id) {
		r.broken = &unreadable.Error{Kind: ix.kind, Key: r.id, What: ix.sort + " is no place of it"}
	}
	return r
}

// place is the place at which a row stands, nil where its text to sort by is none. It is
// the index's and not the thing's, so that a list goes on behind what it has gone
// through, whatever stands there.
func (r row) place() *place {
	created, id, _ := strings.Cut(r.sort, "#")
	at, err := time.Parse(timeFormat, created)
	if err != nil || placeText(at, id) != r.sort || at.IsZero() {
		return nil
	}
	return &place{at, id}
}

// Open implements charge.Store. The index says where to look; each charge is read
// itself, and left out where it is in none of the states any more. A page with
// very many of those ends early. What cannot be read takes its place in the page, since
// it may be in any state.
func (s *Charges) Open(ctx context.Context, states []charge.State, after charge.Place, limit int) ([]charge.Charge, *charge.Place, error) {
	charges, more, err := s.open(ctx, states, after, limit)
	left, err := unreadable.Split(err)
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("list open charges in DynamoDB table %s: %w", s.name, err)
	case more == nil:
		return charges, nil, unreadable.Left(left)
	}
	return charges, &charge.Place{CreatedAt: more.CreatedAt, Number: more.ID}, unreadable.Left(left)
}

func (s *Charges) open(ctx context.Context, states []charge.State, after charge.Place, limit int) (charges []charge.Charge, more *place, err error) {
	next, stop := iter.Pull2(s.rows(ctx, s.openRows(), placeText(after.CreatedAt, after.Number), min(limit, pageRows)))
	defer stop()
	var broken []*unreadable.Error
	for batches := 1; ; batches++ {
		batch, err := take(next, limit)
		if err != nil {
			return nil, nil, err
		}
		found, bad, err := s.readAll(ctx, batch)
		if err != nil {
			return nil, nil, err
		}
		for i, c := range found {
			if at := batch[i].place(); at != nil { // a page does not end behind what has no place
				more = at
			}
			switch {
			case bad[i] != nil:
				broken = append(broken, bad[i])
			case slices.Contains(states, c.State):
				charges = append(charges, c)
			}
			if more != nil && len(charges)+len(broken) >= limit {
				return charges, more, unreadable.Left(broken)
			}
		}
		if len(batch) < limit {
			return charges, nil, unreadable.Left(broken)
		}
		if more != nil && batches >= maxBatches {
			return charges, more, unreadable.Left(broken)
		}
	}
}

// take takes as many rows as there are, up to a number.
func take(next func() (row, error, bool), most int) (batch []row, err error) {
	for len(batch) < most {
		r, err, ok := next()
		if err != nil {
			return nil, err
		}
		if !ok {
			break
		}
		batch = append(batch, r)
	}
	return batch, nil
}

// PaymentOwner implements charge.Store. It makes one call. Upper and lower case
// make two payment_ids.
func (s *Charges) PaymentOwner(ctx context.Context, paymentID string) (number string, err error) {
	if paymentID == "" { // no key of an index
		return "", nil
	}
	out, err := s.api.Query(ctx, &dynamodb.QueryInput{
		TableName:                 &s.name,
		IndexName:                 aws.String(paymentIndex),
		KeyConditionExpression:    aws.String("#payment_id = :payment_id"),
		ExpressionAttributeNames:  map[string]string{"#payment_id": attrPaymentID},
		ExpressionAttributeValues: map[string]types.AttributeValue{":payment_id": &types.AttributeValueMemberS{Value: paymentID}},
		Limit:                     aws.Int32(1),
	})
	var owner row
	if err == nil && len(out.Items) > 0 {
		owner, err = readRow(out.Items[0], s.kind, s.prefix, attrPaymentID)
	}
	if err == nil && owner.broken != nil {
		err = owner.broken
	}
	if err != nil {
		return "", fmt.Errorf("look up payment_id %s in DynamoDB table %s: %w", paymentID, s.name, err)
	}
	return owner.id, nil
}

// rows goes through a range of an index in its order, over all shards, and reads
// from them only what is needed to go on. A shard that cannot be read yields one
// error and no more rows.
func (t table) rows(ctx context.Context, ix sharded, bound string, page int) iter.Seq2[row, error] {
	return func(yield func(row, error) bool) {
		all := make([]*shardRows, shards)
		var wg sync.WaitGroup
		for i := range all {
			all[i] = &shardRows{table: t, sharded: ix, number: strconv.Itoa(i), bound: bound, page: page}
			wg.Go(func() { all[i].fill(ctx) })
		}
		wg.Wait()
		for {
			var first *shardRows
			for _, shard := range all {
				shard.fill(ctx)
				if err := shard.err; err != nil {
					shard.err = nil
					if !yield(row{}, err) {
						return
					}
				}
				if len(shard.read) > 0 && (first == nil || compareRows(shard.read[0], first.read[0]) < 0) {
					first = shard
				}
			}
			if first == nil {
				return
			}
			r := first.read[0]
			first.read = first.read[1:]
			if !yield(r, nil) {
				return
			}
		}
	}
}

// shardRows is how far a range of one shard has been read.
type shardRows struct {
	table   table
	sharded sharded
	number  string
	bound   string
	page    int

	read  []row // and not gone through yet
	err   error // not told yet
	from  map[string]types.AttributeValue
	ended bool
}

// fill sees to it that there is a row, unless there is none any more.
func (r *shardRows) fill(ctx context.Context) {
	for len(r.read) == 0 && !r.ended {
		out, err := r.table.api.Query(ctx, &dynamodb.QueryInput{
			TableName:                &r.table.name,
			IndexName:                &r.sharded.name,
			KeyConditionExpression:   aws.String("#shard = :shard AND #sort " + r.sharded.operator + " :bound"),
			ExpressionAttributeNames: map[string]string{"#shard": r.sharded.shard, "#sort": r.sharded.sort},
			ExpressionAttributeValues: map[string]types.AttributeValue{
				":shard": &types.AttributeValueMemberS{Value: r.number},
				":bound": &types.AttributeValueMemberS{Value: r.bound},
			},
			Limit:             aws.Int32(int32(r.page)), //nolint:gosec // at most pageRows
			ExclusiveStartKey: r.from,
		})
		if err != nil {
			r.err, r.ended = err, true
			return
		}
		for _, item := range out.Items {
			next, err := readRow(item, r.sharded.kind, r.sharded.prefix, r.sharded.sort)
			if err != nil {
				r.err = cmp.Or(r.err, err)
				continue
			}
			if r.sharded.operator == ">" { // of places
				next = r.sharded.placed(next)
			}
			r.read = append(r.read, next)
		}
		r.from, r.ended = out.LastEvaluatedKey, len(out.LastEvaluatedKey) == 0
	}
}
