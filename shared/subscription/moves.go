package subscription

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"dinarfunctions/shared/calendar"
	"dinarfunctions/shared/charge"
)

const (
	// heldAfter is how long an outcome is awaited before an operator must look.
	heldAfter = 14 * 24 * time.Hour
	// lateAfter is how late a charge may be before the provider is asked about its
	// order number first.
	lateAfter = time.Hour
	// tooLate is how late it may be at most; half an interval if that is less.
	tooLate = 72 * time.Hour
	// beforeNext is how long before the next cycle nothing is tried again.
	beforeNext = 24 * time.Hour
	// QueueAgain is when what was put on the queue is due again, should the message
	// get lost.
	QueueAgain = 15 * time.Minute
)

// New is a subscription as it is made. Its first cycle is the first instant of its
// calendar that is not before now.
func New(id string, terms Terms, now time.Time) Subscription {
	s := Subscription{ID: id, Terms: terms, State: Active, CreatedAt: now, UpdatedAt: now}
	s.plan(1, terms.Calendar.NotBefore(now), time.Time{})
	return s
}

// plan sets the next charge to the first one of a cycle. before is the planned time
// of the cycle before. After the last cycle the subscription is finished.
func (s *Subscription) plan(cycle int, on calendar.Occurrence, before time.Time) {
	s.Cycle, s.Attempt = cycle, 0
	s.CycleAt, s.Index, s.BeforeAt = on.At, on.Index, before
	s.Passed, s.PassedAt = 0, time.Time{}
	s.DueAt, s.LookAt = on.At, on.At
	s.DeclinedAt, s.AskFirst, s.Missed = time.Time{}, false, ""
	s.Behind = Behind{}
	if s.over(cycle, on.Date) {
		s.finish()
	}
}

// over tells whether a cycle on a day is beyond the last one.
func (s Subscription) over(cycle int, day calendar.Date) bool {
	return s.Terms.Cycles > 0 && cycle > s.Terms.Cycles || s.ended(day)
}

// ended tells whether a day is beyond the last one that may be charged.
func (s Subscription) ended(day calendar.Date) bool {
	return !s.Terms.EndsOn.IsZero() && day.After(s.Terms.EndsOn)
}

func (s *Subscription) finish() {
	s.State, s.Reason = Finished, ""
	s.LookAt, s.AskFirst, s.Missed = time.Time{}, false, ""
	s.changed(BecameFinished)
}

// next is the cycle after this one, by its number and its place in the calendar. skip
// leaves out what is not after now; the numbers count on.
func (s Subscription) next(now time.Time, skip bool) (cycle int, on calendar.Occurrence) {
	days := s.Terms.Calendar
	on = days.At(s.Index + 1)
	if skip {
		if after := days.After(now); after.Index > on.Index {
			on = after
		}
	}
	return s.numberAt(on), on
}

// numberAt is the number of a later cycle by its place in the calendar.
func (s Subscription) numberAt(on calendar.Occurrence) int {
	return s.Cycle + s.Passed + on.Index - s.Index
}

// firstAfter is the first instant of a calendar that is after now and at least half
// an interval after the last cycle, of which there may be none (zero).
func firstAfter(days calendar.Calendar, now, last time.Time) calendar.Occurrence {
	on := days.After(now)
	for !last.IsZero() && on.At.Before(last.Add(interval(days, on.Index)/2)) {
		on = days.At(on.Index + 1)
	}
	return on
}

// interval is how long after a date of a calendar the next one is.
func interval(days calendar.Calendar, index int) time.Duration {
	return days.At(index + 1).At.Sub(days.At(index).At)
}

// goOn goes on to what comes after this cycle: the next one, or what a person said of
// those that were missed meanwhile.
func (s *Subscription) goOn(now time.Time) {
	cycle, on, missed := s.lastMissed(now)
	if !missed || s.Missed != ChargeLatest {
		s.advance(now, s.Missed != "")
		return
	}
	s.plan(cycle, on, s.CycleAt)
	if s.State != Finished {
		s.tryNow(now)
	}
}

// lastMissed is the last of the cycles after this one whose time has come already, if
// there is one. Beyond the last cycle there is none to be missed.
func (s Subscription) lastMissed(now time.Time) (cycle int, on calendar.Occurrence, missed bool) {
	days := s.Terms.Calendar
	later, passed := 0, s.Passed
	if on, begun := days.LastNotAfter(now); begun {
		later = on.Index - s.Index
	}
	if last := s.Terms.Cycles; last > 0 {
		later, passed = min(later, last-s.Cycle-passed), min(passed, last-s.Cycle)
	}
	if later > 0 {
		on = days.At(s.Index + later)
		return s.numberAt(on), on, true
	}
	// Those of an earlier calendar.
	cycle = s.Cycle + passed
	return cycle, calendar.Occurrence{Index: s.Index, Date: days.LocalDate(s.PassedAt), At: s.PassedAt}, cycle > s.Cycle
}

// advance goes on to the next cycle.
func (s *Subscription) advance(now time.Time, skip bool) {
	before := s.CycleAt
	cycle, on := s.next(now, skip)
	s.plan(cycle, on, before)
}

// leave goes on to the next cycle without the next try of this one, for which there is
// no room. It stays past due, and a new card may still pay it.
func (s *Subscription) leave(now time.Time) {
	left := Behind{s.Cycle, s.Attempt, s.CycleAt, s.BeforeAt, s.DeclinedAt}
	s.goOn(now)
	if s.State.Chargeable() {
		s.Behind = left
	}
}

// goBack takes up the declined cycle that was left: its next try is the next charge.
// The cycle that was planned comes after it, with the number and at the time that it
// had. goBack reports whether there is one to go back to: nothing was charged since,
// and nobody has asked for another charge.
func (s *Subscription) goBack() bool {
	days, left := s.Terms.Calendar, s.Behind
	notPaid := s.Last.State == charge.Declined || s.Last.State.Chargeable()
	if left.Cycle == 0 || s.Attempt > 0 || s.Last.Of.Number != left.Cycle || !notPaid ||
		s.Missed != "" || s.Passed > 0 || s.Index < 0 || !days.At(s.Index).At.Equal(s.CycleAt) {
		return false
	}
	// Those between the two were missed, and keep their numbers.
	if s.Passed = s.Cycle - left.Cycle - 1; s.Passed > 0 {
		s.PassedAt = left.CycleAt
		if s.Index > 0 {
			s.PassedAt = days.At(s.Index - 1).At
		}
	}
	s.Index--
	s.Cycle, s.Attempt = left.Cycle, left.Attempt
	s.CycleAt, s.BeforeAt, s.DeclinedAt = left.CycleAt, left.BeforeAt, left.DeclinedAt
	return true
}

// fresh tells whether the cycle has not been tried yet, so that its time may still
// be changed.
func (s Subscription) fresh() bool {
	return s.Attempt == 0 && !s.Waiting && (s.Last.Of.Number != s.Cycle || s.Last.State.Chargeable())
}

// ---- What became of a cycle's charge --------------------------------------------

// fate is what a charge's end means for its subscription.
type fate int

const (
	paid fate = iota + 1
	declined
	open
	refused
	denied
	chargedBack
)

// fates is the contract's table "what became of a cycle's charge".
var fates = map[charge.State]fate{
	charge.Settled:  paid,
	charge.Declined: declined,
	charge.Sending:  open,
	charge.Pending:  open,
	charge.Unknown:  open,
	charge.Rejected: refused,
	charge.Unsent:   denied,
	charge.Reversed: paid, // and refunded: the cycle is over
}

func fateOf(c charge.Charge) fate {
	if c.ChargedBack() {
		return chargedBack
	}
	return fates[c.State]
}

// keepPaid is how many paid charges a subscription remembers. A chargeback takes one
// away, and the one before it is asked about from then on.
const keepPaid = 3

// remember keeps which charges were ever settled. One that was charged back is among
// them until the subscription was held for it, which it cannot be while it is paused.
func (s *Subscription) remember(c charge.Charge) {
	if c.State == charge.Settled && slices.Contains(s.ChargedBack, c.Order.Number) {
		// A dispute that was won. Another one holds it again.
		s.ChargedBack = without(s.ChargedBack, c.Order.Number)
	}
	what := fateOf(c)
	if what != paid && what != chargedBack || slices.Contains(s.ChargedBack, c.Order.Number) {
		return
	}
	known := append(without(s.Paid, c.For), c.For)
	slices.SortFunc(known, func(a, b charge.Cycle) int {
		return cmp.Or(cmp.Compare(a.Number, b.Number), cmp.Compare(a.Attempt, b.Attempt))
	})
	s.Paid = known[max(0, len(known)-keepPaid):]
}

// without is a list without a value; nil for an empty one.
func without[T comparable](list []T, value T) []T {
	var left []T
	for _, v := range list {
		if v != value {
			left = append(left, v)
		}
	}
	return left
}

// LastPaid is the last charge that was ever settled and is not known as charged back;
// the zero Cycle where there is none.
func (s Subscription) LastPaid() charge.Cycle {
	switch {
	case len(s.Paid) > 0:
		return s.Paid[len(s.Paid)-1]
	case s.Last.State == charge.Settled: // written by a version that did not remember
		return s.Last.Of
	default:
		return charge.Cycle{}
	}
}

// Claimed is the subscription as a claim of its next charge leaves it: waiting. It
// is looked at again when the claim's invocation must have ended.
func (s Subscription) Claimed(claim charge.Charge) Subscription {
	s.Change = ""
	s.Waiting, s.WaitingSince = true, claim.CreatedAt
	s.Last = lastOf(claim)
	s.LookAt = claim.LookAt
	if s.Behind.Cycle != s.Cycle {
		s.Behind = Behind{} // what was left is over
	}
	s.UpdatedAt = claim.CreatedAt
	return s
}

func lastOf(c charge.Charge) LastCharge {
	return LastCharge{Of: c.For, State: c.State, Amount: c.Order.Amount, Reason: c.Reason, DeclineClass: c.DeclineClass}
}

// After is the subscription once it has taken over what stands in the ledger for
// the charge that it waits for. Outcomes that arrive when it is not charging any
// more change what is known of the charge, and not the state.
func (s Subscription) After(c charge.Charge, now time.Time) Subscription {
	s.Change = ""
	s.UpdatedAt = now
	s.Last = lastOf(c)
	s.remember(c)
	what := fateOf(c)
	s.Waiting = what == open
	if what == declined {
		s.Attempt = c.For.Attempt + 1 // of the next try, should there be one
		if s.DeclinedAt.IsZero() {
			s.DeclinedAt = c.UpdatedAt
		}
	}
	if !s.State.Chargeable() {
		return s
	}
	switch what {
	case paid:
		s.paid(c, now)
	case declined:
		s.declined(c, now)
	case open:
		s.wait(now)
	case refused:
		s.hold("the provider refused the charge " + c.Order.Number + ": " + c.Reason)
	case denied:
		s.LookAt = now.Add(QueueAgain) // should the message get lost
		s.keepRoom(now)                // other terms may have been put meanwhile
	case chargedBack:
		s.chargedBack(c)
	}
	return s
}

func (s *Subscription) paid(c charge.Charge, now time.Time) {
	if s.State == PastDue {
		s.changed(BecameRecovered)
	}
	s.State, s.Reason = Active, ""
	if !s.differs(c) {
		s.goOn(now)
	}
}

// differs holds the subscription for a charge of which another amount or currency was
// settled than asked for, once. The cycle is paid: /resume goes on with the next one.
func (s *Subscription) differs(c charge.Charge) bool {
	if c.State != charge.Settled || c.Differs == "" || slices.Contains(s.Differed, c.Order.Number) {
		return false
	}
	s.Differed = append(slices.Clone(s.Differed), c.Order.Number)
	s.hold(fmt.Sprintf("the provider settled the charge %s otherwise than it was asked for: %s", c.Order.Number, c.Differs))
	return true
}

func (s *Subscription) wait(now time.Time) {
	if now.Sub(s.WaitingSince) >= heldAfter {
		s.hold(fmt.Sprintf("the outcome of the charge %s has been open for 14 days", Number(s.NextCharge())))
		return
	}
	s.LookAt = charge.NextLook(s.WaitingSince, now)
}

func (s *Subscription) hold(reason string) {
	s.State, s.Reason, s.LookAt = Held, reason, time.Time{}
	s.changed(BecameHeld)
}

func (s *Subscription) chargedBack(c charge.Charge) {
	s.ChargedBack = append(slices.Clone(s.ChargedBack), c.Order.Number)
	s.Paid = without(s.Paid, c.For)
	s.hold("the charge " + c.Order.Number + " was charged back")
}

// declined plans the next try. A hard decline has none. A soft one is tried again
// on its days, where there is room before the next cycle; without room the next
// cycle is charged. A try that a person or a new card asked for takes none of the days
// away.
func (s *Subscription) declined(c charge.Charge, now time.Time) {
	if c.DeclineClass == charge.Hard {
		s.unpaid()
		return
	}
	days := s.Terms.Calendar
	if cycle, _, missed := s.lastMissed(now); missed && s.Missed == ChargeLatest && !s.over(cycle, days.LocalDate(now)) {
		// A person wants the last of the missed ones charged, and this is one of them.
		s.pastDue()
		s.goOn(now)
		return
	}
	left := s.Behind.Cycle == s.Cycle // it had no room before, and the next cycle is planned
	for _, after := range s.Terms.RetryAfterDays {
		at := days.AddDays(s.DeclinedAt, after)
		// Its day is over, or it was the day of this try, and our clock is behind.
		if !at.After(now) || !at.After(s.DueAt) {
			continue
		}
		left = true
		if s.over(s.Cycle, days.LocalDate(at)) || !s.room(at, now) {
			break
		}
		s.pastDue()
		s.DueAt, s.LookAt, s.AskFirst = at, at, false
		return
	}
	if _, more := s.coming(now); left && more {
		s.pastDue()
		s.leave(now)
		return
	}
	s.unpaid()
}

// room tells whether there is room for a try at a time: it is not within a day of the
// next cycle.
func (s Subscription) room(at, now time.Time) bool {
	next, more := s.coming(now)
	return !more || !at.After(next.Add(-beforeNext))
}

// coming is when the next cycle comes that is not skipped, if there is one.
func (s Subscription) coming(now time.Time) (at time.Time, more bool) {
	cycle, next := s.next(now, s.Missed != "")
	return next.At, !s.over(cycle, next.Date)
}

func (s *Subscription) pastDue() {
	if s.State != PastDue {
		s.State = PastDue
		s.changed(BecamePastDue)
	}
}

func (s *Subscription) unpaid() {
	s.State, s.LookAt = Unpaid, time.Time{}
	s.changed(BecameUnpaid)
}

// Later is the subscription once it has heard of a charge that it does not wait
// for: an outcome that came late, of an earlier try or cycle. twice tells that
// another try of the same cycle is paid too: that is noted, and the subscription goes
// on as after one.
func (s Subscription) Later(c charge.Charge, twice bool, now time.Time) Subscription {
	s.Change = ""
	s.UpdatedAt = now
	if c.State == charge.Settled && s.State == Unpaid && !s.Waiting && c.For.Number == s.Behind.Cycle {
		s.goBack()
	}
	if c.For == s.Last.Of {
		s.Last = lastOf(c)
	}
	s.remember(c)
	if twice {
		s.paidTwice(c.For.Number)
	}
	switch {
	case c.ChargedBack() && (s.State.Chargeable() || s.State == Unpaid) && !slices.Contains(s.ChargedBack, c.Order.Number):
		s.chargedBack(c)
	case c.State == charge.Settled && c.For.Number == s.Cycle && !s.Waiting && s.Attempt > 0 && (s.State == PastDue || s.State == Unpaid):
		// What was declined has been paid after all.
		s.Last = lastOf(c)
		if s.State == Unpaid {
			s.Missed = cmp.Or(s.Missed, Skip)
		}
		s.State = PastDue
		s.paid(c, now)
	case c.State == charge.Settled && c.For.Number == s.Last.Of.Number && !s.Waiting && s.Attempt == 0 && s.State == PastDue:
		// It was left for want of room; the next cycle is planned already.
		s.Last = lastOf(c)
		s.State, s.Behind = Active, Behind{}
		s.changed(BecameRecovered)
		s.differs(c)
	case s.State.Chargeable() || s.State == Unpaid:
		s.differs(c)
	}
	return s
}

// paidTwice notes that two tries of a cycle are paid, once.
func (s *Subscription) paidTwice(cycle int) {
	if !slices.Contains(s.PaidTwice, cycle) {
		s.PaidTwice = append(slices.Clone(s.PaidTwice), cycle)
		s.changed(WasPaidTwice)
	}
}

// ---- May it be charged now? -----------------------------------------------------

// Verdict says what a look at a subscription is followed by.
type Verdict int

const (
	// Nothing: there is nothing to do now.
	Nothing Verdict = iota + 1
	// TakeOver: it waits for a charge, whose outcome may be there.
	TakeOver
	// ChargeIt: its next charge is due.
	ChargeIt
	// AskFirst: it is due, and the provider is asked about the order number first.
	AskFirst
	// TooLate: it is due for so long that an operator must look.
	TooLate
	// Over: it is due, and planned beyond the last cycle or the last day that may be
	// charged; or it is a try of a declined cycle that missed the last day.
	Over
	// NoRoom: a try is due, too late to be made before the next cycle.
	NoRoom
)

// Judge says what a look at a subscription is followed by, at a time:
//
//	state                waiting   due                                      verdict
//	any that has not ended  yes    -                                        take over
//	active, past_due        no     not yet                                  nothing
//	active, past_due        no     up to an hour ago                        charge it
//	active, past_due        no     up to 72 hours or half an interval ago   ask first
//	active, past_due        no     longer ago                               too late
//	active, past_due        no     more than an hour ago, on the last day,  too late;
//	                               which is over                            a declined cycle: over
//	active, past_due        no     for a time beyond the last cycle or day  over
//	past_due                no     a planned try, and it is within a day    no room
//	                               of the next cycle by now
//	all others              -      -                                        nothing
func (s Subscription) Judge(now time.Time) Verdict {
	late := now.Sub(s.DueAt)
	// What was due in the last hour of the last day may be charged up to an hour late.
	missed := s.ended(s.Terms.Calendar.LocalDate(now)) && late > lateAfter
	switch {
	case s.Waiting && !s.State.Ended():
		return TakeOver
	case !s.State.Chargeable() || late < 0:
		return Nothing
	case s.beyondEnd() || missed && s.Attempt > 0:
		return Over
	case s.planned() && !s.room(now, now):
		return NoRoom
	case missed || late > min(tooLate, s.interval()/2):
		return TooLate
	case late > lateAfter || s.AskFirst:
		return AskFirst
	default:
		return ChargeIt
	}
}

// interval is how long after this cycle the next one is.
func (s Subscription) interval() time.Duration {
	on := s.Terms.Calendar.NotBefore(s.CycleAt)
	return interval(s.Terms.Calendar, on.Index)
}

// Late is the subscription that is too late to be charged by itself.
func (s Subscription) Late(now time.Time) Subscription {
	s.Change = ""
	s.UpdatedAt = now
	reason := fmt.Sprintf("the charge %s was due at %s, too long ago to be made without a person's word",
		Number(s.NextCharge()), s.DueAt.UTC().Format(time.RFC3339))
	if s.ended(s.Terms.Calendar.LocalDate(now)) {
		reason += fmt.Sprintf("; nothing may be charged after its last day, %s", s.Terms.EndsOn)
	}
	s.hold(reason)
	return s
}

// GiveUp is the subscription without the try that was planned: the next cycle comes.
func (s Subscription) GiveUp(now time.Time) Subscription {
	s.Change = ""
	s.UpdatedAt = now
	s.leave(now)
	return s
}

// planned tells whether the next charge is a try after a decline that nobody asked for.
func (s Subscription) planned() bool { return s.Attempt > 0 && !s.AskFirst }

// Over is the subscription that came to its last cycle or day before its next charge
// could be made.
func (s Subscription) Over(now time.Time) Subscription {
	s.Change = ""
	s.UpdatedAt = now
	s.end()
	return s
}

// end ends a subscription that has no charge to make any more: a cycle that was declined
// stays unpaid.
func (s *Subscription) end() {
	if s.Attempt > 0 || s.State == PastDue {
		s.unpaid()
	} else {
		s.finish()
	}
}

// beyondEnd tells whether the charge that is planned is beyond the last cycle or the
// last day.
func (s Subscription) beyondEnd() bool {
	return s.over(s.Cycle, s.Terms.Calendar.LocalDate(s.DueAt))
}

// Hold is the subscription that an operator must look at, and why.
func (s Subscription) Hold(reason string, now time.Time) Subscription {
	s.Change = ""
	s.UpdatedAt = now
	s.hold(reason)
	return s
}

// ---- What a person asks for -----------------------------------------------------

// Missed says what becomes of the cycles that were missed. The zero Missed leaves it
// to the state.
type Missed string

const (
	// Skip leaves them out.
	Skip Missed = "skip"
	// ChargeLatest charges the last of them.
	ChargeLatest Missed = "charge_latest"
)

// StateError: the subscription's state forbids what was asked for.
type StateError struct {
	ID    string
	State State
}

func (e *StateError) Error() string {
	return fmt.Sprintf("subscription %s is %s, which is for good; make a new one under another id", e.ID, e.State)
}

// MissedError: what becomes of missed cycles has to be said.
type MissedError struct {
	ID    string
	State State
}

func (e *MissedError) Error() string {
	return fmt.Sprintf("subscription %s is %s: say what becomes of the cycle that stopped it and of those missed since", e.ID, e.State)
}

// With is the subscription with other terms, in force from the next claim on. A new
// card for one that is unpaid or past due tries the declined cycle at once. It is a *StateError where
// the subscription has ended. Terms that are the same change nothing.
func (s Subscription) With(terms Terms, now time.Time) (Subscription, error) {
	if s.State.Ended() {
		return s, &StateError{s.ID, s.State}
	}
	if s.Terms.Equal(terms) {
		return s, nil
	}
	was := s
	s.Terms, s.Change, s.UpdatedAt = terms, "", now
	other := terms.Calendar != was.Terms.Calendar
	newCard := terms.Token.Reveal() != was.Terms.Token.Reveal() || terms.InitTransID != was.Terms.InitTransID
	if other {
		s.moveFrom(was, now)
	}
	switch {
	case s.Waiting:
	case s.State == Unpaid && newCard:
		s.goBack()
		s.tryNow(now)
		s.chargeAgain()
	case s.State == PastDue && newCard && s.tryCard(now):
	case !s.State.Chargeable(): // /resume sees to it
	case s.beyondEnd():
		s.end()
	default:
		s.keepRoom(now)
	}
	return s, nil
}

// moveFrom finds the subscription's place in its new calendar, from what it was before.
// A cycle whose time is still to come gets another time. Otherwise that is for the
// cycle after it; those that were missed before keep their numbers. In either case it
// is the first instant after now that is at least half an interval after the cycle
// before.
func (s *Subscription) moveFrom(was Subscription, now time.Time) {
	days := s.Terms.Calendar
	planned := s.DueAt.Equal(s.CycleAt) && s.Missed == "" // and not asked for by a person
	if s.fresh() && (s.CycleAt.After(now) || s.State.Chargeable() && planned) {
		on := firstAfter(days, now, s.BeforeAt)
		if s.BeforeAt.IsZero() {
			on = days.NotBefore(now)
		}
		s.CycleAt, s.Index, s.DueAt = on.At, on.Index, on.At
		if s.State.Chargeable() {
			s.LookAt = on.At
		}
		return
	}
	last := s.CycleAt
	if cycle, on, missed := was.lastMissed(now); missed && (s.Missed != "" || !s.State.Chargeable()) {
		s.Passed, s.PassedAt = cycle-s.Cycle, on.At
		last = on.At
	}
	s.Index = firstAfter(days, now, last).Index - 1
}

// keepRoom gives up a planned try for which other terms have left no room before the
// next cycle. One that a person asked for is made.
func (s *Subscription) keepRoom(now time.Time) {
	if s.planned() && !s.room(s.DueAt, now) {
		s.leave(now)
	}
}

// tryCard plans the next try of the declined cycle for now, with the provider asked
// about the order number first: a new card waits neither for a planned day nor for room
// before the next cycle, which comes on its day all the same. It reports whether there
// is a cycle to try.
func (s *Subscription) tryCard(now time.Time) bool {
	try := *s
	if try.Attempt == 0 && !try.goBack() || try.over(try.Cycle, try.Terms.Calendar.LocalDate(now)) {
		return false
	}
	try.DueAt, try.LookAt, try.AskFirst = now, now, true
	*s = try
	return true
}

// tryNow plans this charge for now, with the provider asked about the order number
// first. Once it is paid, what was missed meanwhile is skipped.
func (s *Subscription) tryNow(now time.Time) {
	if s.over(s.Cycle, s.Terms.Calendar.LocalDate(now)) {
		s.finish()
		return
	}
	s.DueAt, s.LookAt = now, now
	s.AskFirst, s.Missed = true, Skip
}

// Pause is the subscription paused. One that is paused is left as it is. It is a
// *StateError where the subscription has ended.
func (s Subscription) Pause(now time.Time) (Subscription, error) {
	switch {
	case s.State.Ended():
		return s, &StateError{s.ID, s.State}
	case s.State == Paused:
		return s, nil
	}
	s.State, s.Reason, s.LookAt = Paused, "", time.Time{}
	s.Change, s.UpdatedAt = "", now
	return s, nil
}

// Cancel is the subscription cancelled. One that has ended is left as it is.
func (s Subscription) Cancel(now time.Time) Subscription {
	if s.State.Ended() {
		return s
	}
	s.State, s.Reason, s.LookAt = Cancelled, "", time.Time{}
	s.Change, s.UpdatedAt = BecameCancelled, now
	return s
}

// Resume is the subscription charging again. One that is charging is left as it is.
// It is a *StateError where the subscription has ended, and a *MissedError where
// missed has to be said.
//
//	from            what stands there                   skip              charge_latest
//	paused          not due yet                         goes on (*)       goes on (*)
//	held            a cycle not due or tried yet        goes on (*)       goes on (*)
//	any             its outcome is open                 waited for, and then what its end leads to:
//	                                                    next cycle        the last one missed
//	any             a later cycle was missed            next cycle        the last one missed
//	any             this cycle: not charged, declined   next cycle        its number, or the next -rN
//	any             this cycle: paid, or charged back   next cycle        next cycle
//
// (*) or ends, where other terms have been put meanwhile; a try for which they have left
// no room is given up.
func (s Subscription) Resume(missed Missed, now time.Time) (Subscription, error) {
	switch {
	case s.State.Ended():
		return s, &StateError{s.ID, s.State}
	case s.State.Chargeable():
		return s, nil
	case missed == "" && s.State != Paused:
		return s, &MissedError{s.ID, s.State}
	}
	from := s.State
	missed = cmp.Or(missed, Skip)
	s.Change, s.Reason, s.UpdatedAt = "", "", now
	_, _, later := s.lastMissed(now)
	tried := s.Last.Of.Number == s.Cycle
	over := tried && (s.Last.State == charge.Settled || s.Last.State == charge.Reversed)
	switch {
	case s.Waiting:
		s.chargeAgain()
		s.LookAt, s.Missed = now, missed
		s.WaitingSince = now
	case (from == Paused || !tried) && s.DueAt.After(now) && !over && !later:
		if s.beyondEnd() { // by a PUT meanwhile
			s.end()
			break
		}
		s.chargeAgain()
		s.LookAt = s.DueAt
		s.keepRoom(now)
	case missed == ChargeLatest && !over && !later:
		s.tryNow(now)
		s.chargeAgain()
	default:
		s.State, s.Missed = Active, missed
		s.goOn(now)
	}
	return s, nil
}

// chargeAgain gives it back the state in which it charges: a cycle that was declined is
// still past due.
func (s *Subscription) chargeAgain() {
	switch {
	case s.State.Ended(): // there was nothing left to charge
	case s.Attempt > 0 || s.Last.State == charge.Declined:
		s.pastDue()
	default:
		s.State = Active
	}
}
