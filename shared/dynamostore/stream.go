package dynamostore

import (
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"dinarfunctions/shared/outcome"
)

// Image is an item as a stream of one of the tables shows it, before or after a
// write. It is empty where there was none.
type Image = map[string]types.AttributeValue

// changeReaders read what was changed in an item, by what its key begins with.
var changeReaders = map[string]changeReader{
	chargePrefix: changeOf(readCharge, outcome.OfCharge),
	payoutPrefix: changeOf(readPayout, outcome.OfPayout),

	subscriptionPrefix: changeOf(readSubscription, outcome.OfSubscription),
}

type changeReader func(words, name string, before, after Image) (outcome.Change, error)

// changeOf reads both images as Get would.
func changeOf[T any](read func(string, Image) (T, error), of func(string, *T, T) (outcome.Change, error)) changeReader {
	return func(words, name string, before, after Image) (outcome.Change, error) {
		is, err := read(name, after)
		if err != nil {
			return outcome.Change{}, err
		}
		if len(before) == 0 {
			return of(words, nil, is)
		}
		was, err := read(name, before)
		if err != nil {
			return outcome.Change{}, fmt.Errorf("as it was before: %w", err)
		}
		return of(words, &was, is)
	}
}

// ReadChange reads what a write changed that others are told of, from the item's two
// images. tells is whether it changed anything of that kind: a write that says no
// change tells nothing, and neither does one that deletes. An item that cannot be
// read is an error that names it, without its contents.
func ReadChange(before, after Image) (change outcome.Change, tells bool, err error) {
	if _, there := after[attrChange]; !there {
		return outcome.Change{}, false, nil
	}
	r := reader{item: after}
	pk, words := r.text(attrKey), r.text(attrChange)
	if len(r.faults) > 0 {
		return outcome.Change{}, false, fmt.Errorf("the changed item cannot be read (%s)", strings.Join(r.faults, "; "))
	}
	kind, name, _ := strings.Cut(pk, "#")
	read, known := changeReaders[kind+"#"] // as chargePrefix is written
	if !known {
		return outcome.Change{}, false, fmt.Errorf("the changed item %s is of a kind that this version does not know", pk)
	}
	change, err = read(words, name, before, after)
	if err != nil {
		return outcome.Change{}, false, fmt.Errorf("the change of %s: %w", pk, err)
	}
	return change, true, nil
}
