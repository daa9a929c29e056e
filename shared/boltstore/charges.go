package boltstore

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"go.etcd.io/bbolt"

	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/money"
	"dinarfunctions/shared/outcome"
	"dinarfunctions/shared/unreadable"
)

// In chargesBucket the key is the order number and the value a record as JSON;
// controlBucket has the operator's switch under switchKey.
var (
	chargesBucket = []byte("charges")
	controlBucket = []byte("control")

	switchKey = []byte("switch")
)

// The indexes of charges, whose values are order numbers.
var (
	looksBucket    = []byte("looks")    // by the time of the next look
	openBucket     = []byte("open")     // open charges, by the time at which they were made
	paymentsBucket = []byte("payments") // by payment_id
	cyclesBucket   = []byte("cycles")   // by subscription, cycle and try
)

func chargeIndexes() [][]byte { return [][]byte{looksBucket, openBucket, paymentsBucket, cyclesBucket} }

// chargeEntries are a charge's places in the indexes; nil for no charge.
func chargeEntries(c *charge.Charge) (entries []entry) {
	if c == nil {
		return nil
	}
	number := c.Order.Number
	if !c.LookAt.IsZero() {
		entries = append(entries, entry{looksBucket, timeKey(c.LookAt, number)})
	}
	if c.State.Open() {
		entries = append(entries, entry{openBucket, timeKey(c.CreatedAt, number)})
	}
	if c.PaymentID != "" {
		entries = append(entries, entry{paymentsBucket, paymentKey(c.PaymentID) + number})
	}
	if c.For != (charge.Cycle{}) {
		entries = append(entries, entry{cyclesBucket, cycleKey(c.For)})
	}
	return entries
}

// paymentKey is what the keys of a payment_id begin with: the same in upper and lower
// case.
func paymentKey(id string) string { return strings.ToLower(id) + "\x00" }

// cycleKey is in the order of cycles and then of tries, of which an int has as many
// as fit here. No id has "#" in it.
func cycleKey(of charge.Cycle) string {
	return fmt.Sprintf("%s#%019d#%019d", of.Subscription, of.Number, of.Attempt)
}

// cycleOf reads a cycleKey of a subscription.
func cycleOf(subscription, key string) (charge.Cycle, error) {
	of := charge.Cycle{Subscription: subscription}
	_, err := fmt.Sscanf(strings.TrimPrefix(key, subscription+"#"), "%d#%d", &of.Number, &of.Attempt)
	if err != nil || cycleKey(of) != key {
		return charge.Cycle{}, fmt.Errorf("an index entry of subscription %s cannot be read", subscription)
	}
	return of, nil
}

// Charges is a charge.Store in a file.
type Charges struct{ db *bbolt.DB }

var _ charge.Store = (*Charges)(nil)

// Claim implements charge.Store.
func (s *Charges) Claim(ctx context.Context, claim charge.Charge) (standing charge.Charge, won bool, err error) {
	err = s.update(ctx, claim.Order.Number, "", func(found *charge.Charge) (charge.Charge, bool, error) {
		standing, won = charge.Claim(found, claim)
		return standing, won, nil
	})
	return standing, won, err
}

// Record implements charge.Store.
func (s *Charges) Record(ctx context.Context, change charge.Change) (standing charge.Charge, applied bool, err error) {
	err = s.update(ctx, change.Number, change.Word(), func(found *charge.Charge) (charge.Charge, bool, error) {
		if found == nil {
			return charge.Charge{}, false, charge.ErrNotFound
		}
		standing, applied = found.Apply(change)
		return standing, applied, nil
	})
	return standing, applied, err
}

// Dispute implements charge.Store.
func (s *Charges) Dispute(ctx context.Context, number, word, paymentID string, at time.Time) (standing charge.Charge, noted bool, err error) {
	err = s.update(ctx, number, charge.WordDisputed, func(found *charge.Charge) (charge.Charge, bool, error) {
		if found == nil {
			return charge.Charge{}, false, charge.ErrNotFound
		}
		standing, noted = found.Dispute(word, paymentID, at)
		return standing, noted, nil
	})
	return standing, noted, err
}

// Look implements charge.Store.
func (s *Charges) Look(ctx context.Context, number string, was, next time.Time) (moved bool, err error) {
	err = s.update(ctx, number, "", func(found *charge.Charge) (charge.Charge, bool, error) {
		if found == nil || !found.LookAt.Equal(was) {
			return charge.Charge{}, false, nil
		}
		moved = true
		found.LookAt = next
		return *found, true, nil
	})
	return moved, err
}

// Hint implements charge.Store.
func (s *Charges) Hint(ctx context.Context, number string, at time.Time) (standing charge.Charge, noted bool, err error) {
	err = s.update(ctx, number, "", func(found *charge.Charge) (charge.Charge, bool, error) {
		if found == nil {
			return charge.Charge{}, false, charge.ErrNotFound
		}
		standing, noted = found.Hint(at)
		return standing, noted, nil
	})
	return standing, noted, err
}

// Due implements charge.Store. The oldest come first.
func (s *Charges) Due(ctx context.Context, now time.Time) iter.Seq2[charge.Due, error] {
	return dueUntil(ctx, s.db, looksBucket, now, func(id string, at time.Time) charge.Due { return charge.Due{Number: id, At: at} })
}

// Open implements charge.Store.
func (s *Charges) Open(ctx context.Context, states []charge.State, after charge.Place, limit int) (found []charge.Charge, more *charge.Place, err error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	var left []*unreadable.Error
	err = s.db.View(func(tx *bbolt.Tx) error {
		return list(tx, openBucket, timeKey(after.CreatedAt, after.Number), &left, limit,
			func(number string, full bool) (bool, error) {
				c, err := indexed(tx, number)
				if err != nil || !slices.Contains(states, c.State) {
					return false, err
				}
				if !full {
					found = append(found, c)
				}
				return true, nil
			},
			func(last []byte) error {
				at, err := timeOf(last)
				more = &charge.Place{CreatedAt: at, Number: idOf(last)}
				return err
			})
	})
	if err != nil {
		return nil, nil, err
	}
	return found, more, unreadable.Left(left)
}

// OfSubscription implements charge.Store.
func (s *Charges) OfSubscription(ctx context.Context, id string, after charge.Cycle, limit int) (found []charge.Charge, more *charge.Cycle, err error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	after.Subscription = id
	var left []*unreadable.Error
	err = s.db.View(func(tx *bbolt.Tx) error {
		var last charge.Cycle
		for key, number := range from(tx, cyclesBucket, cycleKey(after)+"\x00") {
			if !strings.HasPrefix(string(key), id+"#") {
				return nil
			}
			if len(found)+len(left) >= limit {
				more = &last
				return nil
			}
			if last, err = cycleOf(id, string(key)); err != nil {
				return err
			}
			c, err := indexed(tx, number)
			switch e := unreadable.Of(err); {
			case e != nil:
				left = append(left, e)
			case err != nil:
				return err
			default:
				found = append(found, c)
			}
		}
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	return found, more, unreadable.Left(left)
}

// PaymentOwner implements charge.Store. Upper and lower case are the same to it.
func (s *Charges) PaymentOwner(ctx context.Context, paymentID string) (number string, err error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	err = s.db.View(func(tx *bbolt.Tx) error {
		for key, owner := range from(tx, paymentsBucket, paymentKey(paymentID)) {
			if strings.HasPrefix(string(key), paymentKey(paymentID)) {
				number = owner
			}
			break
		}
		return nil
	})
	return number, err
}

// indexed reads a charge that an index names, so that it must be there.
func indexed(tx *bbolt.Tx, number string) (charge.Charge, error) {
	c, err := getCharge(tx, number)
	if err == nil && c == nil {
		err = &unreadable.Error{Kind: unreadable.Charge, Key: number, What: "an index names it, and it is not there"}
	}
	if err != nil {
		return charge.Charge{}, err
	}
	return *c, nil
}

// Switch implements charge.Store.
func (s *Charges) Switch(ctx context.Context) (charge.Switch, error) {
	set := charge.Switch{Mode: charge.Live}
	if err := ctx.Err(); err != nil {
		return charge.Switch{}, err
	}
	err := s.db.View(func(tx *bbolt.Tx) error {
		value := tx.Bucket(controlBucket).Get(switchKey)
		if value == nil {
			return nil
		}
		var r switchRecord
		if err := json.Unmarshal(value, &r); err != nil {
			return &unreadable.Error{Kind: unreadable.Switch, What: "it is no record of this version"}
		}
		if !slices.Contains(charge.Modes(), charge.Mode(r.Mode)) {
			return &unreadable.Error{Kind: unreadable.Switch, What: "its mode is none that this version knows"}
		}
		set = charge.Switch{Mode: charge.Mode(r.Mode), Note: r.Note, SetAt: r.SetAt}
		return nil
	})
	return set, err
}

// SetSwitch implements charge.Store.
func (s *Charges) SetSwitch(ctx context.Context, set charge.Switch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	value, err := json.Marshal(switchRecord{Mode: string(set.Mode), Note: set.Note, SetAt: set.SetAt.UTC()})
	if err != nil {
		return err
	}
	return s.db.Update(func(tx *bbolt.Tx) error { return tx.Bucket(controlBucket).Put(switchKey, value) })
}

type switchRecord struct {
	Mode  string    `json:"mode"`
	Note  string    `json:"note,omitempty"`
	SetAt time.Time `json:"set_at"`
}

// Get implements charge.Store.
func (s *Charges) Get(ctx context.Context, number string) (c charge.Charge, err error) {
	if err := ctx.Err(); err != nil {
		return charge.Charge{}, err
	}
	err = s.db.View(func(tx *bbolt.Tx) error {
		found, err := getCharge(tx, number)
		if err == nil && found == nil {
			err = charge.ErrNotFound
		}
		if err == nil {
			c = *found
		}
		return err
	})
	return c, err
}

// update reads, decides and writes within one transaction; bbolt has one writer
// at a time.
func (s *Charges) update(ctx context.Context, number, words string, decide func(*charge.Charge) (charge.Charge, bool, error)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.db.Update(func(tx *bbolt.Tx) error {
		_, err := updateCharge(tx, number, words, decide)
		return err
	})
}

// updateCharge is update within a transaction. It tells whether there was something to
// write.
func updateCharge(tx *bbolt.Tx, number, words string, decide func(*charge.Charge) (charge.Charge, bool, error)) (written bool, err error) {
	found, err := getCharge(tx, number)
	if err != nil {
		return false, err
	}
	before := chargeEntries(found)
	c, write, err := decide(found)
	if err != nil || !write {
		return false, err
	}
	value, err := json.Marshal(toRecord(c))
	if err != nil {
		return false, fmt.Errorf("write charge %s: %w", number, err)
	}
	if err := move(tx, number, before, chargeEntries(&c)); err != nil {
		return false, err
	}
	change, err := outcome.OfCharge(words, found, c)
	if err := tell(tx, change, err); err != nil {
		return false, err
	}
	return true, tx.Bucket(chargesBucket).Put([]byte(number), value)
}

func getCharge(tx *bbolt.Tx, number string) (*charge.Charge, error) {
	value := tx.Bucket(chargesBucket).Get([]byte(number))
	if value == nil {
		return nil, nil
	}
	var r record
	if err := json.Unmarshal(value, &r); err != nil {
		return nil, garbled(unreadable.Charge, number, err)
	}
	c, err := r.charge()
	if err != nil {
		return nil, &unreadable.Error{Kind: unreadable.Charge, Key: number, What: err.Error()}
	}
	return &c, nil
}

// record is a charge as it is stored. Its names are this store's own.
type record struct {
	Number         string    `json:"number"`
	Amount         string    `json:"amount"`
	Currency       string    `json:"currency"`
	Description    string    `json:"description"`
	InitTransID    string    `json:"init_trans_id"`
	ScheduleID     string    `json:"schedule_id,omitempty"`
	TokenEnd       string    `json:"token_end,omitempty"`
	Fingerprint    string    `json:"fingerprint"`
	SubscriptionID string    `json:"subscription_id,omitempty"`
	Cycle          int       `json:"cycle,omitzero"`
	CycleAttempt   int       `json:"cycle_attempt,omitzero"`
	Attempt        string    `json:"attempt"`
	Deadline       time.Time `json:"deadline"`
	State          string    `json:"state"`
	Said           string    `json:"said,omitempty"`
	LookAt         time.Time `json:"look_at,omitzero"`
	Disputed       string    `json:"disputed,omitempty"`
	PaymentID      string    `json:"payment_id,omitempty"`
	Cascading      bool      `json:"cascading,omitzero"`
	Differs        string    `json:"differs,omitempty"`
	HintedAt       time.Time `json:"hinted_at,omitzero"`
	Reason         string    `json:"reason,omitempty"`
	DeclineClass   string    `json:"decline_class,omitempty"`
	ProviderStatus string    `json:"provider_status,omitempty"`
	ProviderDate   string    `json:"provider_date,omitempty"`
	CreatedAt      time.Time `json:"created_at"`
	UpdatedAt      time.Time `json:"updated_at"`
	History        []line    `json:"history"`
}

// line is a line of a charge's history.
type line struct {
	State    string    `json:"state"`
	At       time.Time `json:"at"`
	Evidence string    `json:"evidence,omitempty"`
	Reason   string    `json:"reason,omitempty"`
	Payment  string    `json:"payment_id,omitempty"`
}

func toRecord(c charge.Charge) record {
	r := record{
		Number:         c.Order.Number,
		Amount:         c.Order.Amount.String(),
		Currency:       c.Order.Amount.Currency(),
		Description:    c.Order.Description,
		InitTransID:    c.InitTransID,
		ScheduleID:     c.ScheduleID,
		TokenEnd:       c.TokenEnd,
		Fingerprint:    c.Fingerprint,
		SubscriptionID: c.For.Subscription,
		Cycle:          c.For.Number,
		CycleAttempt:   c.For.Attempt,
		Attempt:        c.Attempt,
		Deadline:       c.Deadline.UTC(),
		State:          string(c.State),
		Said:           string(c.Said),
		LookAt:         c.LookAt.UTC(),
		Disputed:       c.Disputed,
		PaymentID:      c.PaymentID,
		Cascading:      c.Cascading,
		Differs:        c.Differs,
		HintedAt:       c.HintedAt.UTC(),
		Reason:         c.Reason,
		DeclineClass:   string(c.DeclineClass),
		ProviderStatus: c.ProviderStatus,
		ProviderDate:   c.ProviderDate,
		CreatedAt:      c.CreatedAt.UTC(),
		UpdatedAt:      c.UpdatedAt.UTC(),
	}
	for _, e := range c.History {
		r.History = append(r.History, line{string(e.State), e.At.UTC(), string(e.Evidence), e.Reason, e.PaymentID})
	}
	return r
}

// charge reads a record back. Its error names what is wrong, without its value.
func (r record) charge() (charge.Charge, error) {
	if !slices.Contains(charge.States(), charge.State(r.State)) {
		return charge.Charge{}, errors.New("state is no state that this version knows")
	}
	amount, err := money.Stored(r.Amount, r.Currency)
	if err != nil {
		return charge.Charge{}, errors.New("amount is not an amount")
	}
	c := charge.Charge{
		Order:          charge.Order{Number: r.Number, Amount: amount, Description: r.Description},
		InitTransID:    r.InitTransID,
		ScheduleID:     r.ScheduleID,
		TokenEnd:       r.TokenEnd,
		Fingerprint:    r.Fingerprint,
		For:            charge.Cycle{Subscription: r.SubscriptionID, Number: r.Cycle, Attempt: r.CycleAttempt},
		Attempt:        r.Attempt,
		Deadline:       r.Deadline,
		State:          charge.State(r.State),
		Said:           charge.Evidence(r.Said),
		LookAt:         r.LookAt,
		Disputed:       r.Disputed,
		PaymentID:      r.PaymentID,
		Cascading:      r.Cascading,
		Differs:        r.Differs,
		HintedAt:       r.HintedAt,
		Reason:         r.Reason,
		DeclineClass:   charge.DeclineClass(r.DeclineClass),
		ProviderStatus: r.ProviderStatus,
		ProviderDate:   r.ProviderDate,
		CreatedAt:      r.CreatedAt,
		UpdatedAt:      r.UpdatedAt,
	}
	for i, e := range r.History {
		if !slices.Contains(charge.States(), charge.State(e.State)) {
			return charge.Charge{}, fmt.Errorf("history has entry %d, whose state is no state that this version knows", i)
		}
		c.History = append(c.History, charge.Entry{State: charge.State(e.State), At: e.At, Evidence: charge.Evidence(e.Evidence), Reason: e.Reason, PaymentID: e.Payment})
	}
	return c, nil
}
