package payout

import (
	"slices"
	"strings"
	"time"
)

// Payout is a watched payout: what is known of it, and when it is looked at next.
// A Payout is a value: nothing in it is shared with the store.
type Payout struct {
	// ID is the provider's payment_id.
	ID string
	// Reference is the merchant's own words for it; may be empty.
	Reference string

	State State
	// Overdue: it has been processing for longer than it should, and that was told.
	Overdue bool
	// Payments are in the order in which the provider first told of them.
	Payments []Payment

	// CheckedAt is when the provider last told how it stands; zero for never.
	CheckedAt time.Time
	// NextCheckAt is when it is to be asked next; zero for never again.
	NextCheckAt time.Time
	// Checks is how often it was asked, without success too.
	Checks int
	// LastError says why the last look learnt nothing; empty where it did.
	LastError string

	// CreatedAt is when somebody first wanted it watched.
	CreatedAt time.Time
	// WatchedAt is when the present watch began: as CreatedAt, until a final
	// payout turns out not to be.
	WatchedAt time.Time
	// FinalAt is when it was seen to be final in the way that it is; zero while it
	// is processing.
	FinalAt time.Time

	// Revision counts the writes, from 1.
	Revision int64
	// UpdatedAt is the time of the last write that is more than a claimed look. It
	// rises with each of them, whatever the clock does.
	UpdatedAt time.Time
	// Change says what the last write changed, as words of Changes joined by a
	// blank; empty where that is nothing that anybody is told of.
	Change string
}

// Payment is one payment of a payout.
type Payment struct {
	UniqueID string
	// Status is the provider's own number.
	Status int
	State  PaymentState
	// ChangedAt is when its state was first seen. It is the payout's UpdatedAt in
	// the write that changed it, and in no other.
	ChangedAt time.Time
}

// The words of Payout.Change.
const (
	// ChangePayments: a payment became successful or failed. Which ones, ChangedAt
	// tells.
	ChangePayments = "payments"
	// ChangeCompleted: the payout became final.
	ChangeCompleted = "completed"
	// ChangeOverdue: the payout has been processing for too long. It is told once
	// in a watch.
	ChangeOverdue = "overdue"
	// ChangeAfterFinal: a payment that was final is told differently now, or
	// anything changed in a payout that was final.
	ChangeAfterFinal = "changed_after_final"
)

// Changes lists the words of Payout.Change, in the order in which they stand there.
func Changes() []string {
	return []string{ChangePayments, ChangeCompleted, ChangeOverdue, ChangeAfterFinal}
}

// Changed tells whether the last write changed something, by its word.
func (p Payout) Changed(word string) bool { return slices.Contains(strings.Fields(p.Change), word) }

// ChangedPayments are the payments whose state the last write changed, into
// whatever state.
func (p Payout) ChangedPayments() []Payment {
	var changed []Payment
	for _, one := range p.Payments {
		if one.ChangedAt.Equal(p.UpdatedAt) {
			changed = append(changed, one)
		}
	}
	return changed
}

// New is a payout that is watched from now on. Nothing is known of it yet.
func New(id, reference string, now time.Time) Payout {
	now = now.UTC()
	p := Payout{
		ID: id, Reference: reference, State: Processing,
		CreatedAt: now, WatchedAt: now, UpdatedAt: now, Revision: 1,
	}
	p.NextCheckAt = p.nextCheck(now)
	return p
}

// Told is what the provider says of one payment.
type Told struct {
	UniqueID string
	Status   int
	State    PaymentState
}

// MaxPayments is how many payments of one payout are kept. A record of DynamoDB has
// room for that many, with ids as long as they may be.
const MaxPayments = 2000

// next is the payout as the next write has it, before what the write says: it tells
// nothing, and its time is later than that of the write before.
func (p Payout) next(now time.Time) Payout {
	now = now.UTC()
	if !now.After(p.UpdatedAt) {
		now = p.UpdatedAt.Add(time.Nanosecond)
	}
	p.UpdatedAt = now
	p.Revision++
	p.Change = ""
	return p
}

// Claimed is the payout once somebody has claimed its look, which comes again at a
// time if he never writes what he learnt.
func (p Payout) Claimed(next time.Time) Payout {
	p.NextCheckAt = next.UTC()
	p.Revision++
	p.Change = ""
	return p
}

// Looked is the payout once the provider has told how it stands. A payment that the
// answer lacks stays as it was known. One whose state goes back from a final one
// follows the provider's word, which is told as ChangeAfterFinal.
func (p Payout) Looked(told []Told, now time.Time, overdueAfter time.Duration) Payout {
	was := p
	p = p.next(now)
	payments, changed := merge(was.Payments, told, p.UpdatedAt)
	if len(payments) > MaxPayments {
		return was.NotLooked("it has more payments than can be kept; ask about each by its uniqueid", now, overdueAfter)
	}
	p.Payments = payments
	p.State = stateOf(payments)
	p.CheckedAt = p.UpdatedAt
	p.Checks++
	p.LastError = ""

	switch {
	case p.State.Final() && (!was.State.Final() || changed.any):
		p.FinalAt = p.UpdatedAt
	case !p.State.Final() && was.State.Final(): // it is watched as if from the beginning
		p.FinalAt, p.WatchedAt, p.Overdue = time.Time{}, p.UpdatedAt, false
	}
	overdue := p.overdue(overdueAfter)
	p.Change = words(map[string]bool{
		ChangePayments:   changed.ended,
		ChangeCompleted:  p.State.Final() && !was.State.Final(),
		ChangeOverdue:    overdue && !p.Overdue,
		ChangeAfterFinal: changed.reopened || changed.any && was.State.Final(),
	})
	p.Overdue = overdue
	p.NextCheckAt = p.nextCheck(p.UpdatedAt)
	return p
}

// NotLooked is the payout once a look has learnt nothing: that costs it the reason
// in LastError, and a later look. Time has passed all the same, so it may be overdue.
func (p Payout) NotLooked(reason string, now time.Time, overdueAfter time.Duration) Payout {
	p = p.next(now)
	p.Checks++
	p.LastError = reason
	overdue := p.overdue(overdueAfter)
	p.Change = words(map[string]bool{ChangeOverdue: overdue && !p.Overdue})
	p.Overdue = overdue
	p.NextCheckAt = p.nextCheck(p.UpdatedAt)
	if p.NextCheckAt.IsZero() {
		p.NextCheckAt = p.makeUp(p.UpdatedAt)
	}
	return p
}

// At is the payout as everybody sees it at a time: it is overdue from the moment
// that it is, looked at or not.
func (p Payout) At(now time.Time, overdueAfter time.Duration) Payout {
	p.Overdue = p.Overdue || p.State == Processing && now.Sub(p.WatchedAt) > overdueAfter
	return p
}

// Wanted is a payout that somebody wants watched again, and whether that changes
// anything: a reference that is given takes the place of another.
func (p Payout) Wanted(reference string, now time.Time) (wanted Payout, changed bool) {
	if reference == "" || reference == p.Reference {
		return p, false
	}
	p = p.next(now)
	p.Reference = reference
	return p, true
}

// overdue tells whether the payout, as of its last write, has been processing for
// longer than a time. What was told once stays told while it is processing.
func (p Payout) overdue(after time.Duration) bool {
	return p.State == Processing && (p.Overdue || p.UpdatedAt.Sub(p.WatchedAt) > after)
}

// changes is what an answer changed in the payments.
type changes struct {
	any      bool // a state, or a payment that was not known
	ended    bool // one is successful or failed now
	reopened bool // one that was final is told differently now
}

// merge brings what is known and what is told together.
func merge(known []Payment, told []Told, at time.Time) (payments []Payment, changed changes) {
	payments = slices.Clone(known)
	place := make(map[string]int, len(payments))
	for i, p := range payments {
		place[p.UniqueID] = i
	}
	for _, t := range told {
		i, there := place[t.UniqueID]
		if !there {
			i = len(payments)
			place[t.UniqueID] = i
			payments = append(payments, Payment{UniqueID: t.UniqueID})
		}
		p := &payments[i]
		p.Status = t.Status
		if p.State == t.State {
			continue
		}
		changed.any = true
		changed.ended = changed.ended || t.State.Final()
		changed.reopened = changed.reopened || p.State.Final()
		p.State, p.ChangedAt = t.State, at
	}
	return payments, changed
}

// words joins the words that are true, in the order of Changes.
func words(said map[string]bool) string {
	var list []string
	for _, word := range Changes() {
		if said[word] {
			list = append(list, word)
		}
	}
	return strings.Join(list, " ")
}
