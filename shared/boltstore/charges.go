package boltstore

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"go.etcd.io/bbolt"

	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/money"
)

// In chargesBucket the key is the order number and the value a record as JSON;
// controlBucket has the operator's switch under switchKey.
var (
	chargesBucket = []byte("charges")
	controlBucket = []byte("control")

	switchKey = []byte("switch")
)

// Charges is a charge.Store in a file.
type Charges struct{ db *bbolt.DB }

var _ charge.Store = (*Charges)(nil)

// Claim implements charge.Store.
func (s *Charges) Claim(ctx context.Context, claim charge.Charge) (standing charge.Charge, won bool, err error) {
	err = s.update(ctx, claim.Order.Number, func(found *charge.Charge) (charge.Charge, bool, error) {
		standing, won = charge.Claim(found, claim)
		return standing, won, nil
	})
	return standing, won, err
}

// Record implements charge.Store.
func (s *Charges) Record(ctx context.Context, change charge.Change) (standing charge.Charge, applied bool, err error) {
	err = s.update(ctx, change.Number, func(found *charge.Charge) (charge.Charge, bool, error) {
		if found == nil {
			return charge.Charge{}, false, charge.ErrNotFound
		}
		standing, applied = found.Apply(change)
		return standing, applied, nil
	})
	return standing, applied, err
}

// Dispute implements charge.Store.
func (s *Charges) Dispute(ctx context.Context, number, word string, at time.Time) (standing charge.Charge, noted bool, err error) {
	err = s.update(ctx, number, func(found *charge.Charge) (charge.Charge, bool, error) {
		if found == nil {
			return charge.Charge{}, false, charge.ErrNotFound
		}
		standing, noted = found.Dispute(word, at)
		return standing, noted, nil
	})
	return standing, noted, err
}

// Look implements charge.Store.
func (s *Charges) Look(ctx context.Context, number string, was, next time.Time) (moved bool, err error) {
	err = s.update(ctx, number, func(found *charge.Charge) (charge.Charge, bool, error) {
		if found == nil || !found.LookAt.Equal(was) {
			return charge.Charge{}, false, nil
		}
		moved = true
		found.LookAt = next
		return *found, true, nil
	})
	return moved, err
}

// LookNow implements charge.Store.
func (s *Charges) LookNow(ctx context.Context, number string, at time.Time) error {
	return s.update(ctx, number, func(found *charge.Charge) (charge.Charge, bool, error) {
		switch {
		case found == nil:
			return charge.Charge{}, false, charge.ErrNotFound
		case !found.LookAt.IsZero() && found.LookAt.Before(at):
			return charge.Charge{}, false, nil
		}
		found.LookAt = at
		return *found, true, nil
	})
}

// Due implements charge.Store. It reads the whole file, which on one machine is
// soon done.
func (s *Charges) Due(ctx context.Context, now time.Time) iter.Seq2[charge.Due, error] {
	return func(yield func(charge.Due, error) bool) {
		var due []charge.Due
		err := s.each(ctx, func(c charge.Charge) {
			if !c.LookAt.IsZero() && !c.LookAt.After(now) {
				due = append(due, charge.Due{Number: c.Order.Number, At: c.LookAt})
			}
		})
		if err != nil {
			yield(charge.Due{}, err)
			return
		}
		slices.SortFunc(due, func(a, b charge.Due) int { return a.At.Compare(b.At) })
		for _, d := range due {
			if !yield(d, nil) {
				return
			}
		}
	}
}

// Open implements charge.Store.
func (s *Charges) Open(ctx context.Context, states []charge.State, after charge.Place, limit int) (found []charge.Charge, more *charge.Place, err error) {
	err = s.each(ctx, func(c charge.Charge) {
		if slices.Contains(states, c.State) && comparePlaces(placeOf(c), after) > 0 {
			found = append(found, c)
		}
	})
	if err != nil {
		return nil, nil, err
	}
	slices.SortFunc(found, func(a, b charge.Charge) int { return comparePlaces(placeOf(a), placeOf(b)) })
	if len(found) > limit {
		found = found[:limit]
		last := placeOf(found[limit-1])
		more = &last
	}
	return found, more, nil
}

func placeOf(c charge.Charge) charge.Place {
	return charge.Place{CreatedAt: c.CreatedAt, Number: c.Order.Number}
}

func comparePlaces(a, b charge.Place) int {
	return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.Number, b.Number))
}

// PaymentOwner implements charge.Store.
func (s *Charges) PaymentOwner(ctx context.Context, paymentID string) (number string, err error) {
	err = s.each(ctx, func(c charge.Charge) {
		if strings.EqualFold(c.PaymentID, paymentID) {
			number = c.Order.Number
		}
	})
	return number, err
}

// each shows every charge to see.
func (s *Charges) each(ctx context.Context, see func(charge.Charge)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.db.View(func(tx *bbolt.Tx) error {
		return tx.Bucket(chargesBucket).ForEach(func(number, _ []byte) error {
			c, err := get(tx, string(number))
			if err == nil {
				see(*c)
			}
			return err
		})
	})
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
			return fmt.Errorf("the stored switch cannot be read: %w", err)
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
		found, err := get(tx, number)
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
func (s *Charges) update(ctx context.Context, number string, decide func(*charge.Charge) (charge.Charge, bool, error)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.db.Update(func(tx *bbolt.Tx) error {
		found, err := get(tx, number)
		if err != nil {
			return err
		}
		c, write, err := decide(found)
		if err != nil || !write {
			return err
		}
		value, err := json.Marshal(toRecord(c))
		if err != nil {
			return fmt.Errorf("write charge %s: %w", number, err)
		}
		return tx.Bucket(chargesBucket).Put([]byte(number), value)
	})
}

func get(tx *bbolt.Tx, number string) (*charge.Charge, error) {
	value := tx.Bucket(chargesBucket).Get([]byte(number))
	if value == nil {
		return nil, nil
	}
	var r record
	if err := json.Unmarshal(value, &r); err != nil {
		return nil, fmt.Errorf("the stored charge %s cannot be read: %w", number, err)
	}
	c, err := r.charge()
	if err != nil {
		return nil, fmt.Errorf("the stored charge %s cannot be read: %w", number, err)
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
	Attempt        string    `json:"attempt"`
	Deadline       time.Time `json:"deadline"`
	State          string    `json:"state"`
	Said           string    `json:"said,omitempty"`
	LookAt         time.Time `json:"look_at,omitzero"`
	Disputed       string    `json:"disputed,omitempty"`
	PaymentID      string    `json:"payment_id,omitempty"`
	Reason         string    `json:"reason,omitempty"`
	DeclineClass   string    `json:"decline_class,omitempty"`
	ProviderStatus string    `json:"provider_status,omitempty"`
	ProviderDate   string    `json:"provider_date,omitempty"`
	CreatedAt      time.Time `json:"created_at"`
	UpdatedAt      time.Time `json:"updated_at"`
	History        []entry   `json:"history"`
}

type entry struct {
	State    string    `json:"state"`
	At       time.Time `json:"at"`
	Evidence string    `json:"evidence,omitempty"`
	Reason   string    `json:"reason,omitempty"`
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
		Attempt:        c.Attempt,
		Deadline:       c.Deadline.UTC(),
		State:          string(c.State),
		Said:           string(c.Said),
		LookAt:         c.LookAt.UTC(),
		Disputed:       c.Disputed,
		PaymentID:      c.PaymentID,
		Reason:         c.Reason,
		DeclineClass:   string(c.DeclineClass),
		ProviderStatus: c.ProviderStatus,
		ProviderDate:   c.ProviderDate,
		CreatedAt:      c.CreatedAt.UTC(),
		UpdatedAt:      c.UpdatedAt.UTC(),
	}
	for _, e := range c.History {
		r.History = append(r.History, entry{string(e.State), e.At.UTC(), string(e.Evidence), e.Reason})
	}
	return r
}

func (r record) charge() (charge.Charge, error) {
	amount, err := money.Stored(r.Amount, r.Currency)
	if err != nil {
		return charge.Charge{}, err
	}
	c := charge.Charge{
		Order:          charge.Order{Number: r.Number, Amount: amount, Description: r.Description},
		InitTransID:    r.InitTransID,
		ScheduleID:     r.ScheduleID,
		TokenEnd:       r.TokenEnd,
		Fingerprint:    r.Fingerprint,
		Attempt:        r.Attempt,
		Deadline:       r.Deadline,
		State:          charge.State(r.State),
		Said:           charge.Evidence(r.Said),
		LookAt:         r.LookAt,
		Disputed:       r.Disputed,
		PaymentID:      r.PaymentID,
		Reason:         r.Reason,
		DeclineClass:   charge.DeclineClass(r.DeclineClass),
		ProviderStatus: r.ProviderStatus,
		ProviderDate:   r.ProviderDate,
		CreatedAt:      r.CreatedAt,
		UpdatedAt:      r.UpdatedAt,
	}
	for _, e := range r.History {
		c.History = append(c.History, charge.Entry{State: charge.State(e.State), At: e.At, Evidence: charge.Evidence(e.Evidence), Reason: e.Reason})
	}
	return c, nil
}
