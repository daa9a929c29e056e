// Package sample says what each file in events/ has to be answered with.
package sample

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"dinarfunctions/sandbox/provider/dinardragon"
	simulator "dinarfunctions/sandbox/provider/dineropay"
	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/dineropay"
	"dinarfunctions/shared/payout"
	"dinarfunctions/test/eventschema"
	"dinarfunctions/test/internal/stack"
)

// Sample is one file of events/ and what it has to bring about in a Stack that
// is its own.
type Sample struct {
	File     string // in events/
	Function string // logical id
	// Prepare makes what the event is about; nil if there is nothing.
	Prepare func(context.Context, *stack.Stack) error
	// Status and Body are those of the HTTP answer. A body is JSON, of whose fields
	// the named ones count, or a plain text. Without a status the event is none of
	// HTTP, and the answer is null, or a batch's.
	Status int
	Body   string
	Text   string
	// Batch says that the event is a batch, whose answer names what has to come again:
	// these identifiers, none of them if all is done.
	Batch  bool
	Failed []string
	// Verify looks at what happened behind the answer; nil if nothing did.
	Verify func(context.Context, *stack.Stack) error
}

// All returns the samples.
func All() []Sample {
	return []Sample{{
		File:     "payout-status-http.json",
		Function: "PayoutStatus",
		Prepare:  threePayments,
		Status:   200,
		Body: `{"payments": [
			{"uniqueid": "5b1f0c86d2e74a93", "status": 1, "state": "successful"},
			{"uniqueid": "aa00000000000001", "status": 2, "state": "failed"},
			{"uniqueid": "aa00000000000002", "status": 0, "state": "processing"}
		], "final": false}`,
	}, {
		File:     "payout-status-http-uniqueid.json",
		Function: "PayoutStatus",
		Prepare:  threePayments,
		Status:   200,
		Body:     `{"payments": [{"uniqueid": "5b1f0c86d2e74a93", "status": 1, "state": "successful"}], "final": true}`,
	}, {
		File:     "payout-status-http-put.json",
		Function: "PayoutStatus",
		Status:   201,
		Body:     `{"payment_id": "df9a31ea528a3977", "reference": "salaries, November", "state": "processing", "payments": [], "checks": 0}`,
		Verify: func(ctx context.Context, s *stack.Stack) error {
			_, err := s.Payouts().Get(ctx, "df9a31ea528a3977")
			return err
		},
	}, {
		File:     "payout-status-schedule.json",
		Function: "PayoutStatus",
		Prepare: func(ctx context.Context, s *stack.Stack) error {
			if err := threePayments(ctx, s); err != nil {
				return err
			}
			// Watched for so long that its first look is due.
			_, _, err := s.Payouts().Create(ctx, payout.New("df9a31ea528a3977", "", time.Now().Add(-2*time.Minute)))
			return err
		},
		Verify: lookedAtOnce,
	}, {
		File:     "recurring-charge-http.json",
		Function: "RecurringCharge",
		Status:   200,
		Body: `{"order": {"number": "order-1234", "amount": "1.00", "currency": "SAR", "description": "gift"},
			"state": "settled", "token": "7002", "history": [{"state": "sending"}, {"state": "settled", "evidence": "answer"}]}`,
		Verify: chargedOnce,
	}, {
		File:     "recurring-charge-http-get.json",
		Function: "RecurringCharge",
		Prepare: func(ctx context.Context, s *stack.Stack) error {
			_, err := s.Charge(ctx, gift())
			return err
		},
		Status: 200,
		Body: `{"order": {"number": "order-1234", "amount": "1.00", "currency": "SAR", "description": "gift"},
			"state": "settled", "token": "7002"}`,
		Verify: chargedOnce,
	}, {
		File:     "recurring-charge-http-subscription.json",
		Function: "RecurringCharge",
		Status:   201,
		Body: `{"id": "gold-42", "token": "7002", "amount": "49.00", "currency": "SAR", "every": {"count": 1, "unit": "month"},
			"starts_on": "2026-12-31", "charge_at": "09:00", "time_zone": "Asia/Baghdad", "retry_after_days": [1, 3, 5, 7],
			"state": "active", "cycle": 1, "attempt": 0, "last_charge": null}`,
		Verify: chargedNothing,
	}, {
		File:     "recurring-charge-schedule.json",
		Function: "RecurringCharge",
		Prepare: func(ctx context.Context, s *stack.Stack) error {
			return errors.Join(lost(ctx, s), hint(ctx, s))
		},
		Verify: foundOut,
	}, {
		// Messages about a subscription that is not there are done.
		File:     "recurring-charge-queue.json",
		Function: "RecurringCharge",
		Batch:    true,
		Verify:   nobodyCharged,
	}, {
		// The second one cannot be read, and comes back alone.
		File:     "recurring-charge-queue-poisoned.json",
		Function: "RecurringCharge",
		Batch:    true,
		Failed:   []string{"c9a1bd0e-3f62-4d0c-9d53-0f1c7a64b8e2"},
		Verify:   nobodyCharged,
	}, {
		File:     "charge-callback-http.json",
		Function: "ChargeCallback",
		Prepare:  lost,
		Status:   200,
		Text:     "OK",
		Verify:   foundOut,
	}, {
		File:     "outcome-events-stream-charges.json",
		Function: "OutcomeEvents",
		Batch:    true,
		Verify:   heard("Charge Unknown", "Charge Settled"),
	}, {
		File:     "outcome-events-stream-payouts.json",
		Function: "OutcomeEvents",
		Batch:    true,
		Verify:   heard("Payout Overdue", "Payout Payment Successful", "Payout Payment Failed", "Payout Completed"),
	}, {
		File:     "outcome-events-stream-subscriptions.json",
		Function: "OutcomeEvents",
		Batch:    true,
		Verify:   heard("Subscription Past Due", "Subscription Held"),
	}}
}

// heard: these are the events that came to the queue behind the bus, each as its
// schema says.
func heard(detailTypes ...string) func(context.Context, *stack.Stack) error {
	return func(ctx context.Context, s *stack.Stack) error {
		all, err := s.Heard(ctx)
		if err != nil {
			return err
		}
		var got []string
		for _, e := range all {
			got = append(got, e.DetailType)
			if err := eventschema.Check(e.DetailType, e.Detail); err != nil {
				return err
			}
		}
		slices.Sort(got)
		want := slices.Sorted(slices.Values(detailTypes))
		if !slices.Equal(got, want) {
			return fmt.Errorf("the queue behind the bus got %q, but should have %q", got, want)
		}
		return nil
	}
}

// gift is the charge of the samples.
func gift() dineropay.Request {
	return dineropay.Request{ //nolint:gosec // a made-up token
		InitTransID: "dc66cdd8-d702-11ea-9a2f-0242c0a87002", Token: "9a2f-0242c0a87002",
		Number: "order-1234", Amount: "1.00", Currency: "SAR", Description: "gift",
	}
}

// hint makes the gift's charge due to be asked about, as a callback does.
func hint(ctx context.Context, s *stack.Stack) error {
	_, _, err := s.Ledger().Hint(ctx, gift().Number, time.Now())
	return err
}

// lost charges, and the provider's answer does not arrive.
func lost(ctx context.Context, s *stack.Stack) error {
	if err := s.DineroPay.Script(simulator.CutAfter); err != nil {
		return err
	}
	c, err := s.Charge(ctx, gift())
	if err == nil && c.State != charge.Unknown {
		err = fmt.Errorf("the charge is %s, although its answer was cut", c.State)
	}
	return err
}

// foundOut: the provider was asked what became of the lost charge, and not to
// charge once more; what it said stands in the ledger.
func foundOut(ctx context.Context, s *stack.Stack) error {
	if err := chargedOnce(ctx, s); err != nil {
		return err
	}
	if asked := s.DineroPay.Counts(gift().Number).Statuses; asked != 1 {
		return fmt.Errorf("DineroPay was asked %d times what became of the charge, but should be once", asked)
	}
	c, err := s.Ledger().Get(ctx, gift().Number)
	if err == nil && (c.State != charge.Settled || c.Said != charge.ByStatus) {
		err = fmt.Errorf("the ledger says %s by %q, but should say settled by the status request", c.State, c.Said)
	}
	return err
}

// threePayments makes the payout of the samples: one of each state.
func threePayments(_ context.Context, s *stack.Stack) error {
	return s.DinarDragon.Put(dinardragon.Payout{PaymentID: "df9a31ea528a3977", Payments: []dinardragon.Payment{
		{UniqueID: "5b1f0c86d2e74a93", Status: dinardragon.Successful},
		{UniqueID: "aa00000000000001", Status: dinardragon.Failed},
		{UniqueID: "aa00000000000002", Status: dinardragon.Processing},
	}})
}

// lookedAtOnce: the provider was asked about the watched payout once, and what it said
// is kept.
func lookedAtOnce(ctx context.Context, s *stack.Stack) error {
	p, err := s.Payouts().Get(ctx, "df9a31ea528a3977")
	if err == nil && (len(p.Payments) != 3 || p.State != payout.Processing || p.Checks != 1) {
		err = fmt.Errorf("the watched payout is %s with %d payments after %d looks, but should be processing with 3 after 1", p.State, len(p.Payments), p.Checks)
	}
	if asked := s.DinarDragon.Asked("df9a31ea528a3977"); err == nil && asked != 1 {
		err = fmt.Errorf("asked Dinar Dragon %d times, but it should be once", asked)
	}
	return err
}

// chargedNothing: what is put down today is charged on its day.
func chargedNothing(_ context.Context, s *stack.Stack) error {
	if got := s.DineroPay.Totals().Charges; got != 0 {
		return fmt.Errorf("DineroPay was asked to charge %d times, but nothing was due", got)
	}
	return nil
}

func chargedOnce(_ context.Context, s *stack.Stack) error {
	if got := s.DineroPay.Counts(gift().Number); got.Charges != 1 || got.Charged != 1 {
		return fmt.Errorf("DineroPay was asked to charge %d times and charged %d times, but both should be once", got.Charges, got.Charged)
	}
	return nil
}

// nobodyCharged: DineroPay was not asked to charge the cycle that the messages name.
func nobodyCharged(_ context.Context, s *stack.Stack) error {
	if got := s.DineroPay.Counts("gold-42-0007"); got.Charges != 0 {
		return fmt.Errorf("DineroPay was asked to charge %d times, but should not be", got.Charges)
	}
	return nil
}

// Check holds a function's answer against the sample.
func (s Sample) Check(payload []byte) error {
	if s.Batch {
		return s.checkBatch(payload)
	}
	if s.Status == 0 {
		if string(payload) != "null" {
			return fmt.Errorf("the answer should be null, but is %s", payload)
		}
		return nil
	}
	// API Gateway's payload format 2.0.
	var answer struct {
		Status  int               `json:"statusCode"`
		Headers map[string]string `json:"headers"`
		Body    string            `json:"body"`
		Base64  bool              `json:"isBase64Encoded"`
	}
	if err := json.Unmarshal(payload, &answer); err != nil {
		return fmt.Errorf("the answer is not one for API Gateway: %w: %s", err, payload)
	}
	if answer.Status != s.Status || answer.Base64 {
		return fmt.Errorf("status %d (base64: %t), but %d should have come: %s", answer.Status, answer.Base64, s.Status, answer.Body)
	}
	if s.Text != "" {
		if answer.Body != s.Text {
			return fmt.Errorf("the body is %q, but should be %q", answer.Body, s.Text)
		}
		return nil
	}
	var want, got any
	if err := errors.Join(json.Unmarshal([]byte(s.Body), &want), json.Unmarshal([]byte(answer.Body), &got)); err != nil {
		return fmt.Errorf("the body: %w: %s", err, answer.Body)
	}
	if err := contains("body", got, want); err != nil {
		return fmt.Errorf("%w: %s", err, answer.Body)
	}
	return nil
}

// checkBatch holds a partial batch response against the sample.
func (s Sample) checkBatch(payload []byte) error {
	var answer struct {
		Failures []struct {
			Identifier string `json:"itemIdentifier"`
		} `json:"batchItemFailures"`
	}
	if err := json.Unmarshal(payload, &answer, json.RejectUnknownMembers(true)); err != nil {
		return fmt.Errorf("the answer is no partial batch response: %w: %s", err, payload)
	}
	if answer.Failures == nil {
		return fmt.Errorf("the answer does not say what failed: %s", payload)
	}
	var failed []string
	for _, failure := range answer.Failures {
		failed = append(failed, failure.Identifier)
	}
	if !slices.Equal(failed, s.Failed) {
		return fmt.Errorf("the answer names %q, but should name %q", failed, s.Failed)
	}
	return nil
}

// contains tells whether got has all that want names. Lists have to be as long.
func contains(at string, got, want any) error {
	switch want := want.(type) {
	case map[string]any:
		object, ok := got.(map[string]any)
		if !ok {
			return fmt.Errorf("%s is no object", at)
		}
		for _, name := range slices.Sorted(maps.Keys(want)) {
			if err := contains(at+"."+name, object[name], want[name]); err != nil {
				return err
			}
		}
	case []any:
		list, ok := got.([]any)
		if !ok || len(list) != len(want) {
			return fmt.Errorf("%s is not a list of %d", at, len(want))
		}
		for i := range want {
			if err := contains(fmt.Sprintf("%s[%d]", at, i), list[i], want[i]); err != nil {
				return err
			}
		}
	default:
		if !reflect.DeepEqual(got, want) {
			return fmt.Errorf("%s is %v, but should be %v", at, got, want)
		}
	}
	return nil
}
