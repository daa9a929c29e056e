package dinardragon

import (
	"context"
	"errors"
	"fmt"

	"dinarfunctions/shared/payout"
	"dinarfunctions/shared/secrets"
)

var _ payout.Provider = (*Client)(nil)

// Payout implements payout.Provider: PayoutStatus in the terms of those who watch.
func (c *Client) Payout(ctx context.Context, id string) ([]payout.Told, error) {
	payments, err := c.PayoutStatus(ctx, PayoutID(id))
	if err != nil {
		return nil, askError(err)
	}
	told := make([]payout.Told, len(payments))
	for i, p := range payments {
		told[i] = payout.Told{UniqueID: p.UniqueID, Status: p.Status, State: payout.PaymentState(p.State.String())}
	}
	return told, nil
}

// whys says what a Kind is to those who watch.
var whys = map[Kind]payout.Why{
	BadRequest:  payout.Refused,
	Worded:      payout.Refused,
	KeyRefused:  payout.KeyRefused,
	Unreachable: payout.NoAnswer,
	TimedOut:    payout.NoAnswer,
	Unusable:    payout.NoAnswer,
}

func askError(err error) error {
	// A refused key may hold the error of reading a newer one, so this comes first.
	if fault, ok := errors.AsType[*Error](err); ok {
		told := &payout.AskError{Why: whys[fault.Kind], Text: fault.Error(), Err: fault.Err}
		if fault.Kind == KeyRefused { // its reason may tell of the secret
			told.Text, told.Err = fmt.Sprintf("Dinar Dragon refused the private key (%s)", fault.status()), fault
		}
		return told
	}
	if fault, ok := errors.AsType[*secrets.Error](err); ok {
		return &payout.AskError{Why: payout.NoKey, Text: "Dinar Dragon was not asked: " + fault.Public(), Err: err}
	}
	return &payout.AskError{Why: payout.NoAnswer, Text: "Dinar Dragon could not be asked", Err: err}
}
