// Package dynamostore keeps the ledger in a DynamoDB table (CHARGES_TABLE),
// subscriptions in another (SUBSCRIPTIONS_TABLE), and watched payouts in a third
// (PAYOUTS_TABLE), in the same ways: see Payouts. It is what the functions run on;
// shared/boltstore is its sibling for one machine.
//
// Keys. Each table has a partition key and no sort key. An item's kind is the
// part of its key before "#", a sign that no order number or id has, so that other
// kinds can come to stand in the same table:
//
//	item           pk (S)              made by           read by             token
//	charge         charge#<number>     chargeKey         Charges.Get         its last four characters
//	switch         switch              switchKey         Charges.Switch      none
//	subscription   subscription#<id>   subscriptionKey   Subscriptions.Get   whole: it has to be charged
//
// Indexes, all KEYS_ONLY but listed, which also has the state; with texts as keys:
//
//	index          partition key     sort key    holds                       read by
//	look           look_shard        look_at     what is to be asked about   Charges.Due
//	open           open_shard        open_at     open charges                Charges.Open
//	payment        payment_id                    what has a payment_id       Charges.PaymentOwner
//	subscription   subscription_id   cycle_try   charges of a subscription   Charges.OfSubscription
//	due            due_shard         due_at      what is to be looked at     Subscriptions.Due
//	listed         list_shard        list_at     all subscriptions           Subscriptions.List
//
// The attributes are listed in item.go and subscriptionitem.go. No index, error or
// stream filter has the token in it; the stream's images do, and so does the bucket that
// keeps what could not be told of them: who may read those may read the table.
//
// Every write but one is one UpdateItem with its condition inside, and nothing is read
// before it (the switch, which the last word sets, has no condition). The one is the
// claim of a subscription's cycle: a transaction of two such updates. A condition
// that fails brings back what stands there. No decision about money rests on an
// index, which may be a moment behind: Due gives numbers, whose look is claimed by
// a condition; Open reads each charge itself, as Get does, strongly consistent.
//
// The SDK sends a write again when its answer does not come, and is then told
// that the condition failed although its own first write is why. So every write
// looks at what stands there before it says that another was first: a claim
// looks for its attempt, a change for its line of history, a look, a dispute and the
// write of a subscription for the random id of their call. (A transaction has the SDK's
// ClientRequestToken besides, by which DynamoDB itself knows a repeat for ten minutes.)
//
// A write that meets a transaction on its item is refused by DynamoDB, and not tried
// again by the SDK. The store does that a few times.
//
// How often and for how long a call is tried is up to the client that New is
// given (shared/awsconfig bounds both). A table that is throttled or cannot be
// reached is an error, never an absent charge. An item that cannot be read is an
// *unreadable.Error: lists go on without it and name it, and so does what is due.
package dynamostore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/unreadable"
)

// API is what the store needs of DynamoDB; *dynamodb.Client has it. These are all
// the rights that the store's function needs: GetItem and UpdateItem on the
// table, Query on its indexes.
type API interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
}

// Charges is a charge.Store in a DynamoDB table. It is safe for concurrent use, by
// any number of processes.
type Charges struct{ kept[charge.Charge] }

var _ charge.Store = (*Charges)(nil)

// NewCharges returns the store in a table, which must exist with the keys and
// indexes of the package doc. It calls nothing.
func NewCharges(api API, name string) *Charges {
	return &Charges{kept[charge.Charge]{table{api, name}, chargePrefix, unreadable.Charge, words(charge.States()), "order number", charge.ErrNotFound, readCharge}}
}

// Claim implements charge.Store. It makes one call; two where the history of
// earlier attempts is so long that it has to be cut.
func (s *Charges) Claim(ctx context.Context, claim charge.Charge) (standing charge.Charge, won bool, err error) {
	u := s.claimUpdate(claim)
	// One attempt claims a number once. Without its own id in the condition, a
	// copy of the write that was held up on its way could arrive when the attempt
	// has already ended rejected or unsent, and make it sending again, with
	// nobody to send it. Neither may it when other attempts came and went meanwhile.
	u.condition = fmt.Sprintf("attribute_not_exists(%s) OR (%s AND %s <> %s AND %s <= %s AND size(%s) < %s AND %s AND %s)",
		u.name(attrKey), u.stateIn(chargeable()), u.name(attrAttempt), u.text(attrAttempt, claim.Attempt),
		u.name(attrUpdatedAt), u.text(attrCreatedAt, timeText(claim.CreatedAt)),
		u.name(attrHistory), u.number("max_history", charge.MaxHistory),
		u.sameCycle(claim.For), u.notHinted(claim.CreatedAt))
	u.extend(attrHistory, historyList(claim.History))

	standing, won, err = s.claim(ctx, u, claim)
	if err != nil || won || len(standing.History) < charge.MaxHistory {
		return standing, won, err
	}
	cut, may := charge.Claim(&standing, claim)
	if !may {
		return standing, false, nil
	}
	// What was cut is written whole, so it must still be what was cut.
	return s.claim(ctx, s.claimOver(standing, cut), claim)
}

// firstClaim is the claim of a number under which nothing stands.
func (s *Charges) firstClaim(claim charge.Charge) *update {
	u := s.claimUpdate(claim)
	u.condition = fmt.Sprintf("attribute_not_exists(%s)", u.name(attrKey))
	u.replace(attrHistory, historyList(claim.History))
	return u
}

// claimOver is a claim as it comes to stand on what stands there, and only there: its
// history is written whole.
func (s *Charges) claimOver(standing, claim charge.Charge) *update {
	u := s.claimUpdate(claim)
	u.condition = u.still(standing) + " AND " + u.notHinted(claim.UpdatedAt)
	u.replace(attrHistory, historyList(claim.History))
	return u
}

// notHinted is the condition that no hint's early look is due at the time of a claim.
func (u *update) notHinted(at time.Time) string {
	return fmt.Sprintf("(attribute_not_exists(%s) OR attribute_not_exists(%s) OR %s > %s)",
		u.name(attrHintedAt), u.name(attrLookAt), u.name(attrLookAt), u.text("claimed_at", timeText(at)))
}

// still is the condition that a charge which charged nothing stands there as it was
// read. Its cycle is that of its attempt.
func (u *update) still(standing charge.Charge) string {
	return fmt.Sprintf("%s AND %s = %s AND %s = %s", u.stateIn(chargeable()),
		u.name(attrAttempt), u.text("over_attempt", standing.Attempt),
		u.name(attrUpdatedAt), u.text("over_updated_at", timeText(standing.UpdatedAt)))
}

// claimUpdate sets all that a claim says, the history excepted.
func (s *Charges) claimUpdate(claim charge.Charge) *update {
	u := newUpdate(chargeKey(claim.Order.Number))
	u.set(attrAmount, claim.Order.Amount.String())
	u.set(attrCurrency, claim.Order.Amount.Currency())
	u.set(attrDescription, claim.Order.Description)
	u.set(attrInitTransID, claim.InitTransID)
	u.set(attrScheduleID, claim.ScheduleID)
	u.set(attrTokenEnd, claim.TokenEnd)
	u.set(attrFingerprint, claim.Fingerprint)
	u.setCycle(claim.For)
	u.set(attrAttempt, claim.Attempt)
	u.set(attrDeadline, timeText(claim.Deadline))
	u.set(attrState, string(claim.State))
	u.list(claim.Order.Number, claim.State)
	u.look(claim.Order.Number, claim.LookAt)
	// The last attempt's outcome goes: a claim has none.
	u.set(attrSaid, string(claim.Said))
	u.set(attrDisputed, claim.Disputed)
	u.set(attrDiffers, claim.Differs)
	u.setFlag(attrCascading, claim.Cascading)
	u.setTime(attrHintedAt, claim.HintedAt)
	u.set(attrPaymentID, claim.PaymentID)
	u.set(attrReason, claim.Reason)
	u.set(attrDeclineClass, string(claim.DeclineClass))
	u.set(attrProviderStatus, claim.ProviderStatus)
	u.set(attrProviderDate, claim.ProviderDate)
	// The first attempt's time stays, and the place that is made of it. A charge
	// out of the index keeps its place for a later claim, which does not know it.
	u.setOnce(attrCreatedAt, timeText(claim.CreatedAt))
	u.setOnce(attrOpenAt, placeText(claim.CreatedAt, claim.Order.Number))
	u.set(attrUpdatedAt, timeText(claim.UpdatedAt))
	u.tell("")
	return u
}

// claim makes the call for a claim.
func (s *Charges) claim(ctx context.Context, u *update, claim charge.Charge) (standing charge.Charge, won bool, err error) {
	number := claim.Order.Number
	standing, met, err := s.update(ctx, u, number)
	if errors.Is(err, charge.ErrNotFound) { // then its condition holds
		err = errNoItem
	}
	if err != nil {
		return charge.Charge{}, false, fmt.Errorf("claim order number %s in DynamoDB table %s: %w", number, s.name, err)
	}
	// An own claim that has gone on to another state was learnt about by somebody
	// else meanwhile. What stands there counts, and nothing is sent for it.
	own := standing.Attempt == claim.Attempt && standing.State == charge.Sending
	return standing, met || own, nil
}

// chargeable lists the states over which a claim is written.
func chargeable() []charge.State {
	return slices.DeleteFunc(charge.States(), func(s charge.State) bool { return !s.Chargeable() })
}

// Record implements charge.Store. It makes one call. A change that no state
// allows is answered with Get.
func (s *Charges) Record(ctx context.Context, change charge.Change) (standing charge.Charge, applied bool, err error) {
	origins := charge.Origins(change.To, change.Evidence)
	if len(origins) == 0 {
		standing, err = s.Get(ctx, change.Number)
		return standing, false, err
	}
	// First without what needs a look of its own: see charge.Change.Confirmed.
	change = change.Confirmed("")
	from := slices.DeleteFunc(slices.Clone(origins), func(o charge.Origin) bool {
		return !change.Confirmed(o.State).LookAt.Equal(change.LookAt)
	})
	for range recordTries {
		standing, applied, err = s.record(ctx, change, from)
		if err != nil || applied {
			return standing, applied, err
		}
		after, may := standing.Apply(change)
		if !may {
			return standing, false, nil
		}
		// It needs a look, or an early one was put there since the change was learnt: once
		// more, with that.
		change.LookAt, change.Seen, from = after.LookAt, standing.LookAt, origins
	}
	return charge.Charge{}, false, fmt.Errorf("record %s for order number %s in DynamoDB table %s: its early look was moved by others again and again",
		change.To, change.Number, s.name)
}

// recordTries is how often a change is written anew with another look, such as one that
// a hint put there meanwhile.
const recordTries = 5

// record makes the call of Record, if the look that stands there is the one that the
// change was learnt under, or may give way to the change's own.
func (s *Charges) record(ctx context.Context, change charge.Change, origins []charge.Origin) (standing charge.Charge, applied bool, err error) {
	u := newUpdate(chargeKey(change.Number))
	u.condition = fmt.Sprintf("attribute_exists(%s) AND %s AND %s", u.name(attrKey), u.from(origins, change), u.noEarlierLook(change))
	if change.Attempt != "" {
		u.condition += fmt.Sprintf(" AND %s = %s", u.name(attrAttempt), u.text(attrAttempt, change.Attempt))
	}

	u.set(attrState, string(change.To))
	u.set(attrSaid, string(change.Evidence))
	if change.PaymentID != "" { // one that is known stays known
		u.set(attrPaymentID, change.PaymentID)
	}
	u.set(attrReason, change.Reason)
	u.set(attrDeclineClass, string(change.DeclineClass))
	u.set(attrProviderStatus, change.ProviderStatus)
	u.set(attrProviderDate, change.ProviderDate)
	u.set(attrDiffers, change.Differs)
	u.setFlag(attrCascading, change.Cascading)
	u.list(change.Number, change.To)
	u.look(change.Number, change.LookAt)
	u.set(attrUpdatedAt, timeText(change.At))
	u.tell(change.Word())
	u.extend(attrHistory, historyList([]charge.Entry{change.Entry()}))

	standing, met, err := s.update(ctx, u, change.Number)
	if err != nil {
		return charge.Charge{}, false, fmt.Errorf("record %s for order number %s in DynamoDB table %s: %w", change.To, change.Number, s.name, err)
	}
	return standing, met || holds(standing.History, change.Entry()), nil
}

// noEarlierLook is the condition that no look stands there which the change would take
// away: see charge.Change.Seen.
func (u *update) noEarlierLook(change charge.Change) string {
	look := u.name(attrLookAt)
	clauses := []string{fmt.Sprintf("attribute_not_exists(%s)", look)}
	if !change.Seen.IsZero() {
		clauses = append(clauses, fmt.Sprintf("%s = %s", look, u.text("seen", timeText(change.Seen))))
	}
	if !change.LookAt.IsZero() {
		clauses = append(clauses, fmt.Sprintf("%s >= %s", look, u.text(attrLookAt, timeText(change.LookAt))))
	}
	return "(" + strings.Join(clauses, " OR ") + ")"
}

// holds reports whether a line of history is there. By that a change whose answer was
// lost finds itself, also where others have gone on from it.
func holds(history []charge.Entry, entry charge.Entry) bool {
	return slices.ContainsFunc(history, entry.Equal)
}

// Dispute implements charge.Store. It makes one call. Two callers may bring the
// same word at the same time, so a call whose answer was lost knows itself by an id
// and not by its line of history: an alarm is raised once, and not never.
func (s *Charges) Dispute(ctx context.Context, number, word, paymentID string, at time.Time) (standing charge.Charge, noted bool, err error) {
	u := newUpdate(chargeKey(number))
	u.condition = u.stateIn([]charge.State{charge.Settled})
	if word == "" {
		u.condition += fmt.Sprintf(" AND attribute_exists(%s)", u.name(attrDisputed))
	} else {
		u.condition += fmt.Sprintf(" AND (attribute_not_exists(%[1]s) OR %[1]s <> %[2]s)", u.name(attrDisputed), u.text(attrDisputed, word))
	}
	u.set(attrDisputed, word)
	u.sign(attrDisputedBy)
	u.set(attrUpdatedAt, timeText(at))
	u.tell(charge.WordDisputed)
	u.extend(attrHistory, historyList([]charge.Entry{charge.DisputeEntry(word, paymentID, at)}))

	standing, noted, err = s.update(ctx, u, number)
	if err != nil {
		return charge.Charge{}, false, fmt.Errorf("note the provider's word on order number %s in DynamoDB table %s: %w", number, s.name, err)
	}
	return standing, noted, nil
}

// Look implements charge.Store. It makes one call. Callers may want the same next
// time, so a call whose answer was lost knows itself by an id: exactly one of them
// is told that it moved the look.
func (s *Charges) Look(ctx context.Context, number string, was, next time.Time) (moved bool, err error) {
	u := newUpdate(chargeKey(number))
	if was.IsZero() {
		u.condition = fmt.Sprintf("attribute_exists(%s) AND attribute_not_exists(%s)", u.name(attrKey), u.name(attrLookAt))
	} else {
		u.condition = fmt.Sprintf("%s = %s", u.name(attrLookAt), u.text("was", timeText(was)))
	}
	u.look(number, next)
	u.tell("")
	u.sign(attrLookBy)
	_, moved, err = s.update(ctx, u, number)
	switch {
	case errors.Is(err, charge.ErrNotFound):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("move the look at order number %s in DynamoDB table %s: %w", number, s.name, err)
	}
	return moved, nil
}

// Hint implements charge.Store. It makes one call.
func (s *Charges) Hint(ctx context.Context, number string, at time.Time) (standing charge.Charge, noted bool, err error) {
	u := newUpdate(chargeKey(number))
	hinted := u.name(attrHintedAt)
	u.condition = fmt.Sprintf("attribute_exists(%s) AND (attribute_not_exists(%s) OR %s <= %s OR %s > %s)", u.name(attrKey), hinted,
		hinted, u.text("hinted_before", timeText(at.Add(-charge.HintEvery))), hinted, u.text(attrHintedAt, timeText(at)))
	u.setTime(attrHintedAt, at)
	u.look(number, at)
	u.sign(attrLookBy)
	u.tell("")
	standing, noted, err = s.update(ctx, u, number)
	if err != nil {
		return charge.Charge{}, false, fmt.Errorf("note a hint about order number %s in DynamoDB table %s: %w", number, s.name, err)
	}
	return standing, noted, nil
}
