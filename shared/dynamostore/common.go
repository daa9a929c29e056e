package dynamostore

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/cenkalti/backoff/v5"
)

// attrChange is what the last write changed that others are told of: words joined by a
// blank. It is absent where the write changed nothing of that kind: the filter of the
// stream knows a change by it. See update.tell.
const attrChange = "change"

// The attributes that each kind of thing which is written as a whole has.
const (
	attrDueShard  = "due_shard"  // there exactly while due_at is
	attrDueAt     = "due_at"     // a time: when it is to be looked at next; may be absent
	attrListShard = "list_shard" // never changed or removed
	attrListAt    = "list_at"    // a place; never changed or removed
	attrRevision  = "revision"   // number
	attrWrittenBy = "written_by" // random id of the call that wrote it last
)

// setNumber gives an attribute a number.
func (u *update) setNumber(attribute string, value int64) {
	u.sets = append(u.sets, u.name(attribute)+" = "+
		u.value(attribute, &types.AttributeValueMemberN{Value: strconv.FormatInt(value, 10)}))
}

// setTime gives an attribute a time; the zero time removes it.
func (u *update) setTime(attribute string, at time.Time) {
	if at.IsZero() {
		u.set(attribute, "")
		return
	}
	u.set(attribute, timeText(at))
}

// dueAt says when the thing with an id is to be looked at next (zero for never), and
// puts it at that place in the index or takes it out.
func (u *update) dueAt(id string, at time.Time) {
	u.setTime(attrDueAt, at)
	if at.IsZero() {
		u.set(attrDueShard, "")
		return
	}
	u.set(attrDueShard, shardOf(id))
}

// setFlag gives an attribute a true, or removes it.
func (u *update) setFlag(attribute string, is bool) { u.set(attribute, flagText(is)) }

// flagText is a true, or nothing.
func flagText(is bool) string {
	if is {
		return "true"
	}
	return ""
}

// setNumbers gives an attribute a list of numbers; an empty one removes it.
func (u *update) setNumbers(attribute string, numbers []int) {
	setList(u, attribute, numbers, func(n int) types.AttributeValue {
		return &types.AttributeValueMemberN{Value: strconv.Itoa(n)}
	})
}

// setTexts gives an attribute a list of texts; an empty one removes it.
func (u *update) setTexts(attribute string, texts []string) {
	setList(u, attribute, texts, func(text string) types.AttributeValue {
		return &types.AttributeValueMemberS{Value: text}
	})
}

func setList[T any](u *update, attribute string, values []T, stored func(T) types.AttributeValue) {
	if len(values) == 0 {
		u.set(attribute, "")
		return
	}
	list := &types.AttributeValueMemberL{}
	for _, v := range values {
		list.Value = append(list.Value, stored(v))
	}
	u.replace(attribute, list)
}

// number reads a whole number.
func (r *reader) number(name string) int64 {
	n, isNumber := r.item[name].(*types.AttributeValueMemberN)
	if !isNumber {
		r.fault(name, "is missing or no number")
		return 0
	}
	value, err := strconv.ParseInt(n.Value, 10, 64)
	if err != nil {
		r.fault(name, "is no whole number")
	}
	return value
}

// flag reads what is true or absent.
func (r *reader) flag(name string) bool {
	text := r.optional(name)
	if text != "" && text != "true" {
		r.fault(name, "is neither true nor absent")
	}
	return text == "true"
}

// numbers reads a list of whole numbers that may be absent, but not empty.
func (r *reader) numbers(name string) []int {
	return list(r, name, "whole number", func(entry *reader) int { return int(entry.number(name)) })
}

// texts reads a list of texts that may be absent, but not empty.
func (r *reader) texts(name string) []string {
	return list(r, name, "text", func(entry *reader) string { return entry.text(name) })
}

// list reads a list that may be absent, but not empty; read reads an entry, which has
// the list's name.
func list[T any](r *reader, name, what string, read func(entry *reader) T) []T {
	value, there := r.item[name]
	if !there {
		return nil
	}
	stored, isList := value.(*types.AttributeValueMemberL)
	if !isList || len(stored.Value) == 0 {
		r.fault(name, "is no list")
		return nil
	}
	values := make([]T, len(stored.Value))
	for i, v := range stored.Value {
		entry := &reader{item: map[string]types.AttributeValue{name: v}}
		values[i] = read(entry)
		if len(entry.faults) > 0 {
			r.fault(name, "has an entry that is no "+what)
			return nil
		}
	}
	return values
}

// conflictTries is how often a write is made that meets a transaction on the same
// item, which the SDK does not try again. With the pauses between them, that is a
// second at most.
const conflictTries = 6

// despiteConflicts makes a write, and makes it again where busy says that its error is
// a passing one. Nothing was written then.
func despiteConflicts[T any](ctx context.Context, busy func(error) bool, write func() (T, error)) (T, error) {
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval = 20 * time.Millisecond
	pause.MaxInterval = 300 * time.Millisecond
	for try := 1; ; try++ {
		result, err := write()
		if err == nil || !busy(err) || try == conflictTries {
			return result, err
		}
		select {
		case <-time.After(pause.NextBackOff()):
		case <-ctx.Done():
			return result, errors.Join(err, context.Cause(ctx))
		}
	}
}

// inTransaction tells whether a single write met a transaction on its item.
func inTransaction(err error) bool {
	var conflict *types.TransactionConflictException
	return errors.As(err, &conflict)
}
