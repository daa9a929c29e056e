// Package boltstore keeps the ledger in one file on this machine, with bbolt.
//
// It is for the sandbox and for tests. It passes the same suite as the store on
// DynamoDB (charge/chargetest), and no Lambda function links it: a function's
// disk is gone when the function is.
package boltstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/money"
)

// charges is the bucket of charges: the key is the order number, the value a
// record as JSON.
var charges = []byte("charges")

// Store is a charge.Store in a file. It is safe for concurrent use in one
// process; a second process cannot open the file.
type Store struct{ db *bbolt.DB }

var _ charge.Store = (*Store)(nil)

// Open opens the store in the file at path, or creates it there. The error says
// whether the file is in use by another process or is no store.
func Open(path string) (*Store, error) {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: time.Second})
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, fmt.Errorf("the store %s is in use by another process; end that one, or name another file", path)
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrVersionMismatch), errors.Is(err, bolterrors.ErrChecksum):
		return nil, fmt.Errorf("the file %s is not a readable store (%w); move it away, or name another file", path, err)
	case err != nil:
		return nil, fmt.Errorf("open the store %s: %w", path, err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucketIfNotExists(charges)
		return err
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("prepare the store %s: %w", path, err), db.Close())
	}
	return &Store{db: db}, nil
}

// Close ends all work with the file.
func (s *Store) Close() error { return s.db.Close() }

// Claim implements charge.Store.
func (s *Store) Claim(ctx context.Context, claim charge.Charge) (standing charge.Charge, won bool, err error) {
	err = s.update(ctx, claim.Order.Number, func(found *charge.Charge) (charge.Charge, bool, error) {
		standing, won = charge.Claim(found, claim)
		return standing, won, nil
	})
	return standing, won, err
}

// Record implements charge.Store.
func (s *Store) Record(ctx context.Context, change charge.Change) (standing charge.Charge, applied bool, err error) {
	err = s.update(ctx, change.Number, func(found *charge.Charge) (charge.Charge, bool, error) {
		if found == nil {
			return charge.Charge{}, false, charge.ErrNotFound
		}
		standing, applied = found.Apply(change)
		return standing, applied, nil
	})
	return standing, applied, err
}

// Get implements charge.Store.
func (s *Store) Get(ctx context.Context, number string) (c charge.Charge, err error) {
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
func (s *Store) update(ctx context.Context, number string, decide func(*charge.Charge) (charge.Charge, bool, error)) error {
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
		return tx.Bucket(charges).Put([]byte(number), value)
	})
}

func get(tx *bbolt.Tx, number string) (*charge.Charge, error) {
	value := tx.Bucket(charges).Get([]byte(number))
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
