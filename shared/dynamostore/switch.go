package dynamostore

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/unreadable"
)

// switchKey is the key of the operator's switch.
const switchKey = "switch"

// The attributes of the switch, all texts.
const (
	attrMode  = "mode"
	attrNote  = "note" // may be absent
	attrSetAt = "set_at"
)

// Switch implements charge.Store. It makes one call, strongly consistent. A switch
// that cannot be read is an *unreadable.Error: it may say that charging is stopped.
func (s *Charges) Switch(ctx context.Context) (charge.Switch, error) {
	item, err := s.item(ctx, switchKey)
	var set charge.Switch
	if err == nil {
		set, err = readSwitch(item)
	}
	if err != nil {
		return charge.Switch{}, fmt.Errorf("read the operator's switch in DynamoDB table %s: %w", s.name, err)
	}
	return set, nil
}

func readSwitch(item map[string]types.AttributeValue) (charge.Switch, error) {
	if len(item) == 0 {
		return charge.Switch{Mode: charge.Live}, nil
	}
	r := reader{item: item}
	set := charge.Switch{Mode: charge.Mode(r.text(attrMode)), Note: r.optional(attrNote), SetAt: r.time(attrSetAt)}
	if set.Mode != "" && !slices.Contains(charge.Modes(), set.Mode) {
		r.fault(attrMode, "is none that this version knows")
	}
	if len(r.faults) > 0 {
		return charge.Switch{}, r.unreadable(unreadable.Switch, "")
	}
	return set, nil
}

// SetSwitch implements charge.Store. It makes one call. The last word counts, and
// no condition or clock stands between an operator and a stop.
func (s *Charges) SetSwitch(ctx context.Context, set charge.Switch) error {
	u := newUpdate(switchKey)
	u.set(attrMode, string(set.Mode))
	u.set(attrNote, set.Note)
	u.set(attrSetAt, timeText(set.SetAt))
	if _, err := s.api.UpdateItem(ctx, u.input(s.name)); err != nil {
		return fmt.Errorf("set the operator's switch to %s in DynamoDB table %s: %w", set.Mode, s.name, err)
	}
	return nil
}
