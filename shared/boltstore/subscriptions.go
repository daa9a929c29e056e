package boltstore

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"go.etcd.io/bbolt"

	"dinarfunctions/shared/calendar"
	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/hidden"
	"dinarfunctions/shared/money"
	"dinarfunctions/shared/outcome"
	"dinarfunctions/shared/subscription"
	"dinarfunctions/shared/unreadable"
)

// In subscriptionsBucket the key is the id and the value a subscriptionRecord as JSON.
var subscriptionsBucket = []byte("subscriptions")

// The indexes of subscriptions, whose values are ids.
var (
	dueBucket    = []byte("subscription_looks") // by the time of the next look
	listedBucket = []byte("subscription_list")  // by the time at which they were made
)

func subscriptionIndexes() [][]byte { return [][]byte{dueBucket, listedBucket} }

// subscriptionEntries are a subscription's places in the indexes; nil for none.
func subscriptionEntries(s *subscription.Subscription) (entries []entry) {
	if s == nil {
		return nil
	}
	if !s.LookAt.IsZero() {
		entries = append(entries, entry{dueBucket, timeKey(s.LookAt, s.ID)})
	}
	return append(entries, entry{listedBucket, timeKey(s.CreatedAt, s.ID)})
}

// Subscriptions is a subscription.Store in a file, whose claims are written to the
// charges of the same file.
type Subscriptions struct{ db *bbolt.DB }

var _ subscription.Store = (*Subscriptions)(nil)

// Create implements subscription.Store.
func (s *Subscriptions) Create(ctx context.Context, asked subscription.Subscription) (standing subscription.Subscription, created bool, err error) {
	err = s.update(ctx, func(tx *bbolt.Tx) error {
		found, err := getSubscription(tx, asked.ID)
		if err != nil {
			return err
		}
		if found != nil {
			standing = *found
			return nil
		}
		asked.Revision = 1
		standing, err = putSubscription(tx, nil, asked)
		created = err == nil
		return err
	})
	return standing, created, err
}

// Write implements subscription.Store.
func (s *Subscriptions) Write(ctx context.Context, asked subscription.Subscription) (written subscription.Subscription, err error) {
	err = s.update(ctx, func(tx *bbolt.Tx) error {
		written, err = replaceSubscription(tx, asked)
		return err
	})
	return written, err
}

// Claim implements subscription.Store.
func (s *Subscriptions) Claim(ctx context.Context, asked subscription.Subscription, claim charge.Charge) (standing charge.Charge, won bool, err error) {
	err = s.update(ctx, func(tx *bbolt.Tx) error {
		// An error takes both back.
		if _, err := replaceSubscription(tx, asked); err != nil {
			return err
		}
		_, err := updateCharge(tx, claim.Order.Number, "", func(found *charge.Charge) (charge.Charge, bool, error) {
			standing, won = charge.Claim(found, claim)
			return standing, won, nil
		})
		if err == nil && !won {
			err = errNotWon
		}
		return err
	})
	if errors.Is(err, errNotWon) {
		err = nil
	}
	if err != nil {
		return charge.Charge{}, false, err
	}
	return standing, won, nil
}

// errNotWon takes a transaction back.
var errNotWon = errors.New("the charge was not claimed")

// Look implements subscription.Store.
func (s *Subscriptions) Look(ctx context.Context, id string, was, next time.Time) (standing subscription.Subscription, moved bool, err error) {
	err = s.update(ctx, func(tx *bbolt.Tx) error {
		found, err := getSubscription(tx, id)
		switch {
		case err != nil:
			return err
		case found == nil:
			return nil
		case !found.LookAt.Equal(was):
			standing = *found
			return nil
		}
		after := *found
		after.LookAt, after.Change = next, ""
		standing, err = putSubscription(tx, found, after)
		moved = err == nil
		return err
	})
	return standing, moved, err
}

// Due implements subscription.Store.
func (s *Subscriptions) Due(ctx context.Context, now time.Time) iter.Seq2[subscription.Due, error] {
	return dueUntil(ctx, s.db, dueBucket, now, func(id string, at time.Time) subscription.Due { return subscription.Due{ID: id, At: at} })
}

// List implements subscription.Store.
func (s *Subscriptions) List(ctx context.Context, state subscription.State, after subscription.Place, limit int) (found []subscription.Subscription, more *subscription.Place, err error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	var left []*unreadable.Error
	err = s.db.View(func(tx *bbolt.Tx) error {
		return list(tx, listedBucket, timeKey(after.CreatedAt, after.ID), &left, limit,
			func(id string, full bool) (bool, error) {
				s, err := getSubscription(tx, id)
				switch {
				case err != nil && inAnother(tx, subscriptionsBucket, id, state, subscription.States()):
					return false, nil
				case err != nil:
					return false, err
				case s == nil:
					return false, &unreadable.Error{Kind: unreadable.Subscription, Key: id, What: "an index names it, and it is not there"}
				case state != "" && s.State != state:
					return false, nil
				}
				if !full {
					found = append(found, *s)
				}
				return true, nil
			},
			func(last []byte) error {
				at, err := timeOf(last)
				more = &subscription.Place{CreatedAt: at, ID: idOf(last)}
				return err
			})
	})
	if err != nil {
		return nil, nil, err
	}
	return found, more, unreadable.Left(left)
}

// Get implements subscription.Store.
func (s *Subscriptions) Get(ctx context.Context, id string) (found subscription.Subscription, err error) {
	if err := ctx.Err(); err != nil {
		return subscription.Subscription{}, err
	}
	err = s.db.View(func(tx *bbolt.Tx) error {
		standing, err := getSubscription(tx, id)
		if err == nil && standing == nil {
			err = fmt.Errorf("subscription %s: %w", id, subscription.ErrNotFound)
		}
		if err == nil {
			found = *standing
		}
		return err
	})
	return found, err
}

// update is one transaction; bbolt has one writer at a time.
func (s *Subscriptions) update(ctx context.Context, do func(*bbolt.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.db.Update(do)
}

// replaceSubscription writes a subscription at its next revision over the one that it
// was made from. It wraps ErrChanged.
func replaceSubscription(tx *bbolt.Tx, asked subscription.Subscription) (subscription.Subscription, error) {
	found, err := getSubscription(tx, asked.ID)
	if err != nil {
		return subscription.Subscription{}, err
	}
	if found == nil || found.Revision != asked.Revision {
		return subscription.Subscription{}, fmt.Errorf("subscription %s: %w", asked.ID, subscription.ErrChanged)
	}
	asked.Revision++
	return putSubscription(tx, found, asked)
}

// putSubscription writes a subscription over the one before it (nil for none), and
// returns it as it will be read.
func putSubscription(tx *bbolt.Tx, before *subscription.Subscription, s subscription.Subscription) (subscription.Subscription, error) {
	r := toSubscriptionRecord(s)
	value, err := json.Marshal(r)
	if err != nil {
		return subscription.Subscription{}, fmt.Errorf("write subscription %s: %w", s.ID, err)
	}
	if err := move(tx, s.ID, subscriptionEntries(before), subscriptionEntries(&s)); err != nil {
		return subscription.Subscription{}, err
	}
	if err := tx.Bucket(subscriptionsBucket).Put([]byte(s.ID), value); err != nil {
		return subscription.Subscription{}, err
	}
	change, err := outcome.OfSubscription(s.Change, before, s)
	if err := tell(tx, change, err); err != nil {
		return subscription.Subscription{}, err
	}
	return r.subscription()
}

// getSubscription reads a subscription, nil where there is none. Its error does not
// repeat what stands there: that has a token in it.
func getSubscription(tx *bbolt.Tx, id string) (*subscription.Subscription, error) {
	value := tx.Bucket(subscriptionsBucket).Get([]byte(id))
	if value == nil {
		return nil, nil
	}
	var r subscriptionRecord
	if err := json.Unmarshal(value, &r); err != nil {
		return nil, garbled(unreadable.Subscription, id, err)
	}
	s, err := r.subscription()
	if err != nil {
		return nil, &unreadable.Error{Kind: unreadable.Subscription, Key: id, What: err.Error()}
	}
	return &s, nil
}

// subscriptionRecord is a subscription as it is stored. Its names are this store's own.
type subscriptionRecord struct {
	ID             string `json:"id"`
	InitTransID    string `json:"init_trans_id"`
	Token          string `json:"token"` // whole: it has to be sent
	Amount         string `json:"amount"`
	Currency       string `json:"currency"`
	Description    string `json:"description"`
	EveryCount     int    `json:"every_count"`
	EveryUnit      string `json:"every_unit"`
	StartsOn       string `json:"starts_on"`
	ChargeAt       string `json:"charge_at"`
	TimeZone       string `json:"time_zone"`
	Cycles         int    `json:"cycles,omitzero"`
	EndsOn         string `json:"ends_on,omitempty"`
	RetryAfterDays []int  `json:"retry_after_days,omitempty"`

	State        string      `json:"state"`
	Reason       string      `json:"reason,omitempty"`
	Cycle        int         `json:"cycle"`
	Attempt      int         `json:"attempt"`
	CycleAt      time.Time   `json:"cycle_at,omitzero"`
	Index        int         `json:"index"`
	Passed       int         `json:"passed,omitzero"`
	PassedAt     time.Time   `json:"passed_at,omitzero"`
	BeforeAt     time.Time   `json:"before_at,omitzero"`
	DueAt        time.Time   `json:"due_at,omitzero"`
	DeclinedAt   time.Time   `json:"declined_at,omitzero"`
	AskFirst     bool        `json:"ask_first,omitzero"`
	Missed       string      `json:"missed,omitempty"`
	Waiting      bool        `json:"waiting,omitzero"`
	WaitingSince time.Time   `json:"waiting_since,omitzero"`
	Last         *lastRecord `json:"last,omitempty"`
	ChargedBack  []string    `json:"chargebacks,omitempty"`
	PaidTwice    []int       `json:"paid_twice,omitempty"`
	Paid         []tryRecord `json:"paid,omitempty"`
	Behind       behind      `json:"behind,omitzero"`
	Differed     []string    `json:"differed,omitempty"`
	LookAt       time.Time   `json:"look_at,omitzero"`
	Change       string      `json:"change,omitempty"`
	CreatedAt    time.Time   `json:"created_at"`
	UpdatedAt    time.Time   `json:"updated_at"`
	Revision     int64       `json:"revision"`
}

// tryRecord is a cycle and try of the subscription.
type tryRecord struct {
	Cycle   int `json:"cycle"`
	Attempt int `json:"attempt,omitzero"`
}

// behind is a declined cycle that was left.
type behind struct {
	Cycle      int       `json:"cycle"`
	Attempt    int       `json:"attempt"`
	CycleAt    time.Time `json:"cycle_at,omitzero"`
	BeforeAt   time.Time `json:"before_at,omitzero"`
	DeclinedAt time.Time `json:"declined_at,omitzero"`
}

// lastRecord is the last charge of a subscription that has one.
type lastRecord struct {
	SubscriptionID string `json:"subscription_id"`
	Cycle          int    `json:"cycle"`
	Attempt        int    `json:"attempt"`
	State          string `json:"state"`
	Amount         string `json:"amount"`
	Currency       string `json:"currency"`
	Reason         string `json:"reason,omitempty"`
	DeclineClass   string `json:"decline_class,omitempty"`
}

func toSubscriptionRecord(s subscription.Subscription) subscriptionRecord {
	days := s.Terms.Calendar
	r := subscriptionRecord{
		ID:             s.ID,
		InitTransID:    s.Terms.InitTransID,
		Token:          s.Terms.Token.Reveal(),
		Amount:         s.Terms.Amount.String(),
		Currency:       s.Terms.Amount.Currency(),
		Description:    s.Terms.Description,
		EveryCount:     days.Every.Count,
		EveryUnit:      string(days.Every.Unit),
		StartsOn:       days.StartsOn.String(),
		ChargeAt:       days.ChargeAt.String(),
		TimeZone:       days.TimeZone,
		Cycles:         s.Terms.Cycles,
		EndsOn:         s.Terms.EndsOn.String(),
		RetryAfterDays: s.Terms.RetryAfterDays,
		State:          string(s.State),
		Reason:         s.Reason,
		Cycle:          s.Cycle,
		Attempt:        s.Attempt,
		CycleAt:        s.CycleAt.UTC(),
		Index:          s.Index,
		Passed:         s.Passed,
		PassedAt:       s.PassedAt.UTC(),
		BeforeAt:       s.BeforeAt.UTC(),
		DueAt:          s.DueAt.UTC(),
		DeclinedAt:     s.DeclinedAt.UTC(),
		AskFirst:       s.AskFirst,
		Missed:         string(s.Missed),
		Waiting:        s.Waiting,
		WaitingSince:   s.WaitingSince.UTC(),
		ChargedBack:    s.ChargedBack,
		PaidTwice:      s.PaidTwice,
		Differed:       s.Differed,
		LookAt:         s.LookAt.UTC(),
		Change:         s.Change,
		CreatedAt:      s.CreatedAt.UTC(),
		UpdatedAt:      s.UpdatedAt.UTC(),
		Revision:       s.Revision,
	}
	for _, of := range s.Paid {
		r.Paid = append(r.Paid, tryRecord{Cycle: of.Number, Attempt: of.Attempt})
	}
	if left := s.Behind; left != (subscription.Behind{}) {
		r.Behind = behind{
			Cycle: left.Cycle, Attempt: left.Attempt,
			CycleAt: left.CycleAt.UTC(), BeforeAt: left.BeforeAt.UTC(), DeclinedAt: left.DeclinedAt.UTC(),
		}
	}
	if last := s.Last; last != (subscription.LastCharge{}) {
		r.Last = &lastRecord{
			SubscriptionID: last.Of.Subscription,
			Cycle:          last.Of.Number,
			Attempt:        last.Of.Attempt,
			State:          string(last.State),
			Amount:         last.Amount.String(),
			Currency:       last.Amount.Currency(),
			Reason:         last.Reason,
			DeclineClass:   string(last.DeclineClass),
		}
	}
	return r
}

// subscription reads a record back. Its error names what is wrong, without its value.
func (r subscriptionRecord) subscription() (subscription.Subscription, error) {
	var none subscription.Subscription
	missed := subscription.Missed(r.Missed)
	switch {
	case !slices.Contains(subscription.States(), subscription.State(r.State)):
		return none, errors.New("state is none that this version knows")
	case missed != "" && missed != subscription.Skip && missed != subscription.ChargeLatest:
		return none, errors.New("missed is none that this version knows")
	case r.Last != nil && !slices.Contains(charge.States(), charge.State(r.Last.State)):
		return none, errors.New("last.state is no state that this version knows")
	}
	amount, err := money.Stored(r.Amount, r.Currency)
	if err != nil {
		return none, errors.New("amount is not an amount")
	}
	days := calendar.Calendar{Every: calendar.Every{Count: r.EveryCount, Unit: calendar.Unit(r.EveryUnit)}, TimeZone: r.TimeZone}
	if days.StartsOn, err = calendar.ParseDate(r.StartsOn); err != nil {
		return none, errors.New("starts_on is not a date")
	}
	if days.ChargeAt, err = calendar.ParseClock(r.ChargeAt); err != nil {
		return none, errors.New("charge_at is not a time of day")
	}
	if faults := days.Check(); len(faults) > 0 {
		return none, fmt.Errorf("%s %s", faults[0].Field, faults[0].Message)
	}
	var endsOn calendar.Date
	if r.EndsOn != "" {
		if endsOn, err = calendar.ParseDate(r.EndsOn); err != nil {
			return none, errors.New("ends_on is not a date")
		}
	}
	s := subscription.Subscription{
		ID: r.ID,
		Terms: subscription.Terms{
			InitTransID:    r.InitTransID,
			Token:          hidden.New(r.Token),
			Amount:         amount,
			Description:    r.Description,
			Calendar:       days,
			Cycles:         r.Cycles,
			EndsOn:         endsOn,
			RetryAfterDays: some(r.RetryAfterDays),
		},
		State:        subscription.State(r.State),
		Reason:       r.Reason,
		Cycle:        r.Cycle,
		Attempt:      r.Attempt,
		CycleAt:      r.CycleAt,
		Index:        r.Index,
		Passed:       r.Passed,
		PassedAt:     r.PassedAt,
		BeforeAt:     r.BeforeAt,
		DueAt:        r.DueAt,
		DeclinedAt:   r.DeclinedAt,
		AskFirst:     r.AskFirst,
		Missed:       subscription.Missed(r.Missed),
		Waiting:      r.Waiting,
		WaitingSince: r.WaitingSince,
		ChargedBack:  some(r.ChargedBack),
		PaidTwice:    some(r.PaidTwice),
		Behind:       subscription.Behind(r.Behind),
		Differed:     some(r.Differed),
		LookAt:       r.LookAt,
		Change:       r.Change,
		CreatedAt:    r.CreatedAt,
		UpdatedAt:    r.UpdatedAt,
		Revision:     r.Revision,
	}
	for _, of := range r.Paid {
		s.Paid = append(s.Paid, charge.Cycle{Subscription: r.ID, Number: of.Cycle, Attempt: of.Attempt})
	}
	if last := r.Last; last != nil {
		charged, err := money.Stored(last.Amount, last.Currency)
		if err != nil {
			return none, errors.New("last.amount is not an amount")
		}
		s.Last = subscription.LastCharge{
			Of:           charge.Cycle{Subscription: last.SubscriptionID, Number: last.Cycle, Attempt: last.Attempt},
			State:        charge.State(last.State),
			Amount:       charged,
			Reason:       last.Reason,
			DeclineClass: charge.DeclineClass(last.DeclineClass),
		}
	}
	return s, nil
}

// some is a copy of a list, nil for an empty one.
func some[T any](list []T) []T { return append([]T(nil), list...) }
