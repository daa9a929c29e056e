// Package dynamostore keeps the ledger in a DynamoDB table (CHARGES_TABLE). It
// is what the functions run on; shared/boltstore is its sibling for one machine.
//
// Keys. The table has a partition key and no sort key. An item's kind is the
// part of its key before "#", a sign that no order number has, so that other
// kinds can come to stand in the same table:
//
//	item     pk (S)              made by      read by
//	charge   charge#<number>     chargeKey    Store.Get
//
// A charge's attributes are listed in item.go. It holds the last four characters
// of the token at most: a charge.Charge has no more.
//
// Every write is one UpdateItem with its condition inside, and nothing is read
// before it. A condition that fails brings back what stands there. Every read is
// strongly consistent; there is no index in any decision about money.
//
// The SDK sends a write again when its answer does not come, and is then told
// that the condition failed although its own first write is why. So both writes
// look at what stands there before they say that another was first: a claim
// looks for its attempt, a change for its line of history.
//
// How often and for how long a call is tried is up to the client that New is
// given (shared/awsconfig bounds both). A table that is throttled or cannot be
// reached is an error, never an absent charge; so is an item that cannot be read.
package dynamostore

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"dinarfunctions/shared/charge"
)

// API is what the store needs of DynamoDB; *dynamodb.Client has it. These two
// are all the rights that the store's function needs on the table.
type API interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
}

// Store is a charge.Store in a DynamoDB table. It is safe for concurrent use, by
// any number of processes.
type Store struct {
	api   API
	table string
}

var _ charge.Store = (*Store)(nil)

// New returns the store in a table, which must exist with the string partition
// key pk. It calls nothing.
func New(api API, table string) *Store { return &Store{api: api, table: table} }

// Claim implements charge.Store. It makes one call; two where the history of
// earlier attempts is so long that it has to be cut.
func (s *Store) Claim(ctx context.Context, claim charge.Charge) (standing charge.Charge, won bool, err error) {
	u := s.claimUpdate(claim)
	// One attempt claims a number once. Without its own id in the condition, a
	// copy of the write that was held up on its way could arrive when the attempt
	// has already ended rejected or unsent, and make it sending again, with
	// nobody to send it.
	u.condition = fmt.Sprintf("attribute_not_exists(%s) OR (%s AND %s <> %s AND size(%s) < %s)",
		u.name(attrKey), u.stateIn(chargeable()), u.name(attrAttempt), u.text(attrAttempt, claim.Attempt),
		u.name(attrHistory), u.number("max_history", charge.MaxHistory))
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
	u = s.claimUpdate(claim)
	u.condition = fmt.Sprintf("%s AND %s = %s",
		u.stateIn(chargeable()), u.name(attrAttempt), u.text("cut_attempt", standing.Attempt))
	u.replace(attrHistory, historyList(cut.History))
	return s.claim(ctx, u, claim)
}

// claimUpdate sets all that a claim says, the history excepted.
func (s *Store) claimUpdate(claim charge.Charge) *update {
	u := newUpdate(s.table, chargeKey(claim.Order.Number))
	u.set(attrAmount, claim.Order.Amount.String())
	u.set(attrCurrency, claim.Order.Amount.Currency())
	u.set(attrDescription, claim.Order.Description)
	u.set(attrInitTransID, claim.InitTransID)
	u.set(attrScheduleID, claim.ScheduleID)
	u.set(attrTokenEnd, claim.TokenEnd)
	u.set(attrFingerprint, claim.Fingerprint)
	u.set(attrAttempt, claim.Attempt)
	u.set(attrDeadline, timeText(claim.Deadline))
	u.set(attrState, string(claim.State))
	// The last attempt's outcome goes: a claim has none.
	u.set(attrPaymentID, claim.PaymentID)
	u.set(attrReason, claim.Reason)
	u.set(attrDeclineClass, string(claim.DeclineClass))
	u.set(attrProviderStatus, claim.ProviderStatus)
	u.set(attrProviderDate, claim.ProviderDate)
	u.setOnce(attrCreatedAt, timeText(claim.CreatedAt))
	u.set(attrUpdatedAt, timeText(claim.UpdatedAt))
	return u
}

// claim makes the call for a claim.
func (s *Store) claim(ctx context.Context, u *update, claim charge.Charge) (standing charge.Charge, won bool, err error) {
	number := claim.Order.Number
	standing, met, err := s.update(ctx, u, number)
	if errors.Is(err, charge.ErrNotFound) { // then its condition holds
		err = errNoItem
	}
	if err != nil {
		return charge.Charge{}, false, fmt.Errorf("claim order number %s in DynamoDB table %s: %w", number, s.table, err)
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
func (s *Store) Record(ctx context.Context, change charge.Change) (standing charge.Charge, applied bool, err error) {
	origins := charge.Origins(change.To, change.Evidence)
	if len(origins) == 0 {
		standing, err = s.Get(ctx, change.Number)
		return standing, false, err
	}
	u := newUpdate(s.table, chargeKey(change.Number))
	u.condition = fmt.Sprintf("attribute_exists(%s) AND %s", u.name(attrKey), u.stateIn(origins))
	if change.Attempt != "" {
		u.condition += fmt.Sprintf(" AND %s = %s", u.name(attrAttempt), u.text(attrAttempt, change.Attempt))
	}

	u.set(attrState, string(change.To))
	if change.PaymentID != "" { // one that is known stays known
		u.set(attrPaymentID, change.PaymentID)
	}
	u.set(attrReason, change.Reason)
	u.set(attrDeclineClass, string(change.DeclineClass))
	u.set(attrProviderStatus, change.ProviderStatus)
	u.set(attrProviderDate, change.ProviderDate)
	u.set(attrUpdatedAt, timeText(change.At))
	u.extend(attrHistory, historyList([]charge.Entry{change.Entry()}))

	standing, met, err := s.update(ctx, u, change.Number)
	if err != nil {
		return charge.Charge{}, false, fmt.Errorf("record %s for order number %s in DynamoDB table %s: %w", change.To, change.Number, s.table, err)
	}
	return standing, met || holds(standing.History, change.Entry()), nil
}

// holds tells whether a line of history is there: state, time to the
// nanosecond, evidence and reason. By that a change whose answer was lost finds
// itself, also where others have gone on from it.
func holds(history []charge.Entry, entry charge.Entry) bool {
	return slices.ContainsFunc(history, func(e charge.Entry) bool {
		same := e.At.Equal(entry.At)
		e.At = entry.At // equal times can differ in their zone
		return same && e == entry
	})
}

// Get implements charge.Store. It makes one call.
func (s *Store) Get(ctx context.Context, number string) (charge.Charge, error) {
	out, err := s.api.GetItem(ctx, &dynamodb.GetItemInput{
		TableName:      &s.table,
		Key:            key(chargeKey(number)),
		ConsistentRead: aws.Bool(true),
	})
	var c charge.Charge
	if err == nil {
		c, err = readCharge(number, out.Item)
	}
	if err != nil {
		return charge.Charge{}, fmt.Errorf("read order number %s in DynamoDB table %s: %w", number, s.table, err)
	}
	return c, nil
}

// errNoItem: an answer that cannot be, and must not be read as "nothing stands
// there".
var errNoItem = errors.New("DynamoDB's answer lacks the item that must stand there; what was written is not known")

// update makes the call. It returns the charge that stands there afterwards, and
// whether the condition was met; ErrNotFound where it failed on nothing.
func (s *Store) update(ctx context.Context, u *update, number string) (standing charge.Charge, met bool, err error) {
	out, err := s.api.UpdateItem(ctx, u.input())
	var failed *types.ConditionalCheckFailedException
	switch {
	case errors.As(err, &failed):
		standing, err = readCharge(number, failed.Item)
		return standing, false, err
	case err != nil:
		return charge.Charge{}, false, err
	case len(out.Attributes) == 0:
		return charge.Charge{}, false, errNoItem
	}
	standing, err = readCharge(number, out.Attributes)
	return standing, true, err
}
