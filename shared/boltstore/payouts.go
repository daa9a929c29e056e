package boltstore

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"go.etcd.io/bbolt"

	"dinarfunctions/shared/outcome"
	"dinarfunctions/shared/payout"
	"dinarfunctions/shared/unreadable"
)

// In payoutsBucket the key is the payment_id and the value a payoutRecord as JSON.
// payoutsDueBucket is the index of those that are to be looked at again, by the time of
// the next look.
var (
	payoutsBucket    = []byte("payouts")
	payoutsDueBucket = []byte("payouts_due")
)

// payoutEntries are a payout's places in the indexes; nil for none.
func payoutEntries(p *payout.Payout) []entry {
	if p == nil || p.NextCheckAt.IsZero() {
		return nil
	}
	return []entry{{payoutsDueBucket, timeKey(p.NextCheckAt, p.ID)}}
}

// Payouts is a payout.Store in a file.
type Payouts struct{ db *bbolt.DB }

var _ payout.Store = (*Payouts)(nil)

// Payouts is the store of watched payouts.
func (f *File) Payouts() *Payouts { return &Payouts{db: f.db} }

// Create implements payout.Store.
func (s *Payouts) Create(ctx context.Context, p payout.Payout) (standing payout.Payout, created bool, err error) {
	err = s.update(ctx, p.ID, func(found *payout.Payout) (*payout.Payout, error) {
		if found != nil {
			standing, created = *found, false
			return nil, nil
		}
		standing, created = p, true
		return &p, nil
	})
	return standing, created && err == nil, err
}

// Write implements payout.Store.
func (s *Payouts) Write(ctx context.Context, p payout.Payout) (standing payout.Payout, written bool, err error) {
	err = s.update(ctx, p.ID, func(found *payout.Payout) (*payout.Payout, error) {
		switch {
		case found == nil:
			return nil, payout.ErrNotFound
		case found.Revision != p.Revision-1:
			standing, written = *found, false
			return nil, nil
		}
		standing, written = p, true
		return &p, nil
	})
	return standing, written && err == nil, err
}

// Look implements payout.Store.
func (s *Payouts) Look(ctx context.Context, id string, was, next time.Time) (standing payout.Payout, moved bool, err error) {
	err = s.update(ctx, id, func(found *payout.Payout) (*payout.Payout, error) {
		standing, moved = payout.Payout{}, false
		switch {
		case found == nil:
			return nil, nil
		case !found.NextCheckAt.Equal(was):
			standing = *found
			return nil, nil
		}
		standing, moved = found.Claimed(next), true
		return &standing, nil
	})
	return standing, moved && err == nil, err
}

// Due implements payout.Store.
func (s *Payouts) Due(ctx context.Context, now time.Time) iter.Seq2[payout.Due, error] {
	return dueUntil(ctx, s.db, payoutsDueBucket, now, func(id string, at time.Time) payout.Due { return payout.Due{ID: id, At: at} })
}

// List implements payout.Store. It reads all payouts, which on one machine is soon
// done.
func (s *Payouts) List(ctx context.Context, state payout.State, after payout.Place, limit int) (found []payout.Payout, more *payout.Place, err error) {
	var all []listedPayout
	err = s.view(ctx, func(tx *bbolt.Tx) error {
		return tx.Bucket(payoutsBucket).ForEach(func(id, _ []byte) error {
			p, err := getPayout(tx, string(id))
			one := listedPayout{err: unreadable.Of(err)}
			switch {
			case one.err != nil && inAnother(tx, payoutsBucket, string(id), state, payout.States()):
				return nil
			case one.err != nil:
				one.at = placeOfUnreadable(tx, string(id))
			case err != nil:
				return err
			case state != "" && p.State != state:
				return nil
			default:
				one.payout, one.at = *p, p.Place()
			}
			if comparePayouts(one.at, after) > 0 {
				all = append(all, one)
			}
			return nil
		})
	})
	if err != nil {
		return nil, nil, err
	}
	slices.SortFunc(all, func(a, b listedPayout) int { return comparePayouts(a.at, b.at) })
	if len(all) > limit {
		all = all[:limit]
		more = &all[limit-1].at
	}
	var left []*unreadable.Error
	for _, one := range all {
		if one.err != nil {
			left = append(left, one.err)
			continue
		}
		found = append(found, one.payout)
	}
	return found, more, unreadable.Left(left)
}

// listedPayout is a payout and its place in the list, or one that cannot be read.
type listedPayout struct {
	payout payout.Payout
	err    *unreadable.Error
	at     payout.Place
}

// placeOfUnreadable is where a payout that cannot be read stands in the list: by the time
// of its creation, if that can be read, and otherwise before all others.
func placeOfUnreadable(tx *bbolt.Tx, id string) payout.Place {
	var r struct {
		CreatedAt time.Time `json:"created_at"`
	}
	if err := json.Unmarshal(tx.Bucket(payoutsBucket).Get([]byte(id)), &r); err != nil || r.CreatedAt.IsZero() {
		r.CreatedAt = time.Unix(0, 0).UTC()
	}
	return payout.Place{CreatedAt: r.CreatedAt, ID: id}
}

func comparePayouts(a, b payout.Place) int {
	return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
}

// Get implements payout.Store.
func (s *Payouts) Get(ctx context.Context, id string) (p payout.Payout, err error) {
	err = s.view(ctx, func(tx *bbolt.Tx) error {
		found, err := getPayout(tx, id)
		if err == nil && found == nil {
			err = payout.ErrNotFound
		}
		if err == nil {
			p = *found
		}
		return err
	})
	return p, err
}

// Delete implements payout.Store. One that cannot be read is taken away too, and the
// look that is left of it finds nothing.
func (s *Payouts) Delete(ctx context.Context, id string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.db.Update(func(tx *bbolt.Tx) error {
		if found, err := getPayout(tx, id); err == nil && found != nil {
			if err := move(tx, id, payoutEntries(found), nil); err != nil {
				return err
			}
		}
		return tx.Bucket(payoutsBucket).Delete([]byte(id))
	})
}

func (s *Payouts) view(ctx context.Context, read func(*bbolt.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.db.View(read)
}

// update reads, decides and writes within one transaction; bbolt has one writer at
// a time. What decide returns is written, nil is not.
func (s *Payouts) update(ctx context.Context, id string, decide func(*payout.Payout) (*payout.Payout, error)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.db.Update(func(tx *bbolt.Tx) error {
		found, err := getPayout(tx, id)
		if err != nil {
			return err
		}
		p, err := decide(found)
		if err != nil || p == nil {
			return err
		}
		value, err := json.Marshal(payoutRecordOf(*p))
		if err != nil {
			return fmt.Errorf("write payout %s: %w", id, err)
		}
		if err := move(tx, id, payoutEntries(found), payoutEntries(p)); err != nil {
			return err
		}
		change, err := outcome.OfPayout(p.Change, found, *p)
		if err := tell(tx, change, err); err != nil {
			return err
		}
		return tx.Bucket(payoutsBucket).Put([]byte(id), value)
	})
}

func getPayout(tx *bbolt.Tx, id string) (*payout.Payout, error) {
	value := tx.Bucket(payoutsBucket).Get([]byte(id))
	if value == nil {
		return nil, nil
	}
	var r payoutRecord
	if err := json.Unmarshal(value, &r); err != nil {
		return nil, garbled(unreadable.Payout, id, err)
	}
	if !slices.Contains(payout.States(), payout.State(r.State)) {
		return nil, &unreadable.Error{Kind: unreadable.Payout, Key: id, What: "state is none that this version knows"}
	}
	p := r.payout()
	return &p, nil
}

// payoutRecord is a payout as it is stored. Its names are this store's own.
type payoutRecord struct {
	ID          string          `json:"id"`
	Reference   string          `json:"reference,omitempty"`
	State       string          `json:"state"`
	Overdue     bool            `json:"overdue,omitzero"`
	Payments    []paymentRecord `json:"payments,omitempty"`
	CheckedAt   time.Time       `json:"checked_at,omitzero"`
	NextCheckAt time.Time       `json:"next_check_at,omitzero"`
	Checks      int             `json:"checks"`
	LastError   string          `json:"last_error,omitempty"`
	CreatedAt   time.Time       `json:"created_at"`
	WatchedAt   time.Time       `json:"watched_at"`
	FinalAt     time.Time       `json:"final_at,omitzero"`
	Revision    int64           `json:"revision"`
	UpdatedAt   time.Time       `json:"updated_at"`
	Change      string          `json:"change,omitempty"`
}

type paymentRecord struct {
	UniqueID  string    `json:"id"`
	Status    int       `json:"status"`
	State     string    `json:"state"`
	ChangedAt time.Time `json:"changed_at"`
}

func payoutRecordOf(p payout.Payout) payoutRecord {
	r := payoutRecord{
		ID:          p.ID,
		Reference:   p.Reference,
		State:       string(p.State),
		Overdue:     p.Overdue,
		CheckedAt:   p.CheckedAt.UTC(),
		NextCheckAt: p.NextCheckAt.UTC(),
		Checks:      p.Checks,
		LastError:   p.LastError,
		CreatedAt:   p.CreatedAt.UTC(),
		WatchedAt:   p.WatchedAt.UTC(),
		FinalAt:     p.FinalAt.UTC(),
		Revision:    p.Revision,
		UpdatedAt:   p.UpdatedAt.UTC(),
		Change:      p.Change,
	}
	for _, one := range p.Payments {
		r.Payments = append(r.Payments, paymentRecord{one.UniqueID, one.Status, string(one.State), one.ChangedAt.UTC()})
	}
	return r
}

func (r payoutRecord) payout() payout.Payout {
	p := payout.Payout{
		ID:          r.ID,
		Reference:   r.Reference,
		State:       payout.State(r.State),
		Overdue:     r.Overdue,
		CheckedAt:   r.CheckedAt,
		NextCheckAt: r.NextCheckAt,
		Checks:      r.Checks,
		LastError:   r.LastError,
		CreatedAt:   r.CreatedAt,
		WatchedAt:   r.WatchedAt,
		FinalAt:     r.FinalAt,
		Revision:    r.Revision,
		UpdatedAt:   r.UpdatedAt,
		Change:      r.Change,
	}
	for _, one := range r.Payments {
		p.Payments = append(p.Payments, payout.Payment{
			UniqueID: one.UniqueID, Status: one.Status, State: payout.PaymentState(one.State), ChangedAt: one.ChangedAt,
		})
	}
	return p
}
