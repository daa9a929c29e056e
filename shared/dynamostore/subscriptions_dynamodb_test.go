package dynamostore_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/dynamostore"
	"dinarfunctions/shared/dynamostore/dynamostoretest"
	"dinarfunctions/shared/subscription"
	"dinarfunctions/shared/subscription/subscriptiontest"
)

// pair is a new table of charges and one of subscriptions for a test.
type pair struct{ charges, subscriptions table }

func newPair(t *testing.T) pair {
	t.Helper()
	return pair{newTable(t), makeTable(t, "subscriptions-", dynamostoretest.SubscriptionsTable)}
}

// stores are stores on the tables whose calls go through a transport.
func (p pair) stores(through http.RoundTripper, tries int) (*dynamostore.Subscriptions, *dynamostore.Charges) {
	charges := p.charges.store(through, tries)
	return dynamostore.NewSubscriptions(client(p.subscriptions.endpoint, through, tries), p.subscriptions.name, charges), charges
}

func (p pair) direct() (*dynamostore.Subscriptions, *dynamostore.Charges) {
	return p.stores(http.DefaultTransport, 3)
}

func TestSubscriptionsOnDynamoDB(t *testing.T) {
	t.Parallel()
	subscriptiontest.Store(t, func(t *testing.T) (subscription.Store, charge.Store) {
		return newPair(t).direct()
	})
}

func TestSubscriptionsOnDynamoDBWithLostAnswers(t *testing.T) {
	t.Parallel()
	subscriptiontest.Store(t, func(t *testing.T) (subscription.Store, charge.Store) {
		return newPair(t).stores(everyThirdLost(t), 50)
	})
}

// withoutToken takes the SDK's token from a transaction, so that a repeat of it is seen
// as another call: as after the ten minutes for which DynamoDB knows it.
func withoutToken(t *testing.T, through http.RoundTripper) http.RoundTripper {
	t.Helper()
	return transport(func(r *http.Request) (*http.Response, error) {
		content, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		if before, rest, there := strings.Cut(string(content), `"ClientRequestToken":"`); there {
			_, after, _ := strings.Cut(rest, `"`)
			content = []byte(before + `"ClientRequestToken":"` + rand.Text() + `"` + after)
		}
		r.Body, r.ContentLength = refill(content), int64(len(content))
		return through.RoundTrip(r)
	})
}

func TestLostAnswersToAClaimOnDynamoDB(t *testing.T) {
	t.Parallel()
	needsDynamoDB(t)
	for _, over := range []bool{false, true} {
		for name, known := range map[string]bool{"a repeat that DynamoDB knows": true, "a repeat that it does not know": false} {
			t.Run(fmt.Sprintf("%s, over an earlier attempt: %v", name, over), func(t *testing.T) {
				t.Parallel()
				p := newPair(t)
				store, charges := p.direct()
				s := create(t, store)
				if over {
					unsent(t, charges, subscriptiontest.Claim(t, s, "attempt-0", start))
				}
				claim := subscriptiontest.Claim(t, s, "attempt-1", start.Add(time.Minute))
				lossy := everyOtherCut()
				if !known {
					lossy = withoutToken(t, lossy)
				}
				through, _ := p.stores(lossy, 5)
				standing, won, err := through.Claim(t.Context(), s.Claimed(claim), claim)
				require.NoError(t, err)
				require.True(t, won)
				require.Equal(t, "attempt-1", standing.Attempt)
				requireClaimed(t, store, charges, standing)
			})
		}
	}

	// Another has written to the subscription since: the claim is in force all the same,
	// and it must be known who sends it.
	t.Run("the subscription went on meanwhile", func(t *testing.T) {
		t.Parallel()
		p := newPair(t)
		store, charges := p.direct()
		s := create(t, store)
		claim := subscriptiontest.Claim(t, s, "attempt-1", start)
		through, _ := p.stores(withoutToken(t, cutFirstAnd(func() error {
			claimed, err := store.Get(context.Background(), s.ID)
			if err == nil {
				_, err = store.Write(context.Background(), claimed.Cancel(start.Add(time.Second)))
			}
			return err
		})), 3)
		standing, won, err := through.Claim(t.Context(), s.Claimed(claim), claim)
		require.NoError(t, err)
		require.True(t, won)
		require.Equal(t, claim, standing)
		after, err := store.Get(t.Context(), s.ID)
		require.NoError(t, err)
		require.Equal(t, subscription.Cancelled, after.State)
		require.True(t, after.Waiting)
		require.Equal(t, claim, getCharge(t, charges, claim.Order.Number))
	})

	t.Run("all answers: an error, and it can be taken back", func(t *testing.T) {
		t.Parallel()
		p := newPair(t)
		store, charges := p.direct()
		s := create(t, store)
		claim := subscriptiontest.Claim(t, s, "attempt-1", start)
		var calls atomic.Int64
		through, _ := p.stores(cutFirst(3, &calls), 3)
		_, won, err := through.Claim(t.Context(), s.Claimed(claim), claim)
		require.ErrorIs(t, err, errCut)
		require.NotErrorIs(t, err, subscription.ErrChanged)
		require.False(t, won)
		requireClaimed(t, store, charges, claim)
		_, applied, err := charges.Record(t.Context(), charge.Change{
			Number: claim.Order.Number, Attempt: "attempt-1", To: charge.Unsent, Evidence: charge.ByAnswer, At: start.Add(time.Second),
		})
		require.NoError(t, err)
		require.True(t, applied)

		// What is taken over from it is claimed anew, under the same number.
		s, err = store.Get(t.Context(), s.ID)
		require.NoError(t, err)
		s, err = store.Write(t.Context(), s.After(getCharge(t, charges, claim.Order.Number), start.Add(time.Minute)))
		require.NoError(t, err)
		again := subscriptiontest.Claim(t, s, "attempt-2", start.Add(time.Hour))
		_, won, err = store.Claim(t.Context(), s.Claimed(again), again)
		require.NoError(t, err)
		require.True(t, won)
	})

	// The claim was taken back before it arrived.
	t.Run("a copy that was held up", func(t *testing.T) {
		t.Parallel()
		p := newPair(t)
		store, charges := p.direct()
		s := create(t, store)
		claim := subscriptiontest.Claim(t, s, "attempt-1", start)
		ended, applied := claim.Apply(charge.Change{
			Number: claim.Order.Number, Attempt: "attempt-1", To: charge.Unsent, Evidence: charge.ByAnswer, At: start.Add(time.Second),
		})
		require.True(t, applied)
		_, _, err := charges.Claim(t.Context(), ended)
		require.NoError(t, err)
		standing, won, err := store.Claim(t.Context(), s.Claimed(claim), claim)
		require.NoError(t, err)
		require.False(t, won)
		require.Equal(t, ended, standing)
		after, err := store.Get(t.Context(), s.ID)
		require.NoError(t, err)
		require.Equal(t, s, after)
	})

	t.Run("a write, a look and a creation", func(t *testing.T) {
		t.Parallel()
		p := newPair(t)
		store, _ := p.stores(everyOtherCut(), 5)
		s, created, err := store.Create(t.Context(), subscriptiontest.Full(t, "gold-42"))
		require.NoError(t, err)
		require.True(t, created)
		asked := s
		asked.Reason = "another"
		written, err := store.Write(t.Context(), asked)
		require.NoError(t, err)
		require.EqualValues(t, 2, written.Revision)
		_, moved, err := store.Look(t.Context(), s.ID, s.LookAt, start)
		require.NoError(t, err)
		require.True(t, moved)
	})

	// A look between a write and its repeat leaves the write's mark alone.
	t.Run("a write that was looked at meanwhile", func(t *testing.T) {
		t.Parallel()
		p := newPair(t)
		store, _ := p.direct()
		s := create(t, store)
		through, _ := p.stores(cutFirstAnd(func() error {
			_, _, err := store.Look(context.Background(), s.ID, s.LookAt, start)
			return err
		}), 3)
		asked := s
		asked.Reason = "another"
		written, err := through.Write(t.Context(), asked)
		require.NoError(t, err)
		require.EqualValues(t, 2, written.Revision)
		require.Equal(t, start, written.LookAt)
	})
}

// everyOtherCut loses the answer to every other exchange, the first one for one.
func everyOtherCut() http.RoundTripper {
	var calls atomic.Int64
	return transport(func(r *http.Request) (*http.Response, error) {
		response, err := http.DefaultTransport.RoundTrip(r)
		if calls.Add(1)%2 == 1 {
			return cut(response, err)
		}
		return response, err
	})
}

// Twenty transactions on the same items at the same time, and single writes among them.
func TestConcurrentTransactionsOnDynamoDB(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	store, charges := p.direct()
	s := create(t, store)
	var (
		wg   sync.WaitGroup
		won  atomic.Int64
		errs = make([]error, 30)
	)
	for i := range errs {
		wg.Go(func() {
			if i >= 20 {
				_, _, errs[i] = store.Look(t.Context(), s.ID, s.LookAt, s.LookAt)
				return
			}
			claim := subscriptiontest.Claim(t, s, fmt.Sprintf("racer-%d", i), start)
			_, mine, err := store.Claim(t.Context(), s.Claimed(claim), claim)
			if mine {
				won.Add(1)
			}
			if !errors.Is(err, subscription.ErrChanged) {
				errs[i] = err
			}
		})
	}
	wg.Wait()
	require.NoError(t, errors.Join(errs...))
	require.EqualValues(t, 1, won.Load())
	after, err := store.Get(t.Context(), s.ID)
	require.NoError(t, err)
	require.EqualValues(t, 2, after.Revision)
	require.Len(t, getCharge(t, charges, subscription.Number(s.NextCharge())).History, 1)
}

func TestWhatStandsInDynamoDBOfASubscription(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	store, _ := p.direct()
	full := subscriptiontest.Full(t, "gold-42")
	_, _, err := store.Create(t.Context(), full)
	require.NoError(t, err)
	item := p.subscriptions.stands(t, "subscription#gold-42")
	delete(item, "written_by") // random
	file, err := os.ReadFile("testdata/subscription-paid.json")
	require.NoError(t, err)
	require.JSONEq(t, string(file), plainJSON(t, item))
}

func create(t *testing.T, store *dynamostore.Subscriptions) subscription.Subscription {
	t.Helper()
	s, created, err := store.Create(t.Context(), subscriptiontest.New(t, "gold-42"))
	require.NoError(t, err)
	require.True(t, created)
	return s
}

// unsent makes a charge that charged nothing.
func unsent(t *testing.T, charges *dynamostore.Charges, claim charge.Charge) {
	t.Helper()
	_, won, err := charges.Claim(t.Context(), claim)
	require.NoError(t, err)
	require.True(t, won)
	_, applied, err := charges.Record(t.Context(), charge.Change{
		Number: claim.Order.Number, Attempt: claim.Attempt, To: charge.Unsent, Evidence: charge.ByAnswer, At: claim.CreatedAt,
	})
	require.NoError(t, err)
	require.True(t, applied)
}

func getCharge(t *testing.T, charges *dynamostore.Charges, number string) charge.Charge {
	t.Helper()
	c, err := charges.Get(t.Context(), number)
	require.NoError(t, err)
	return c
}

// requireClaimed: the charge stands as told, and the subscription was written once.
func requireClaimed(t *testing.T, store *dynamostore.Subscriptions, charges *dynamostore.Charges, want charge.Charge) {
	t.Helper()
	require.Equal(t, want, getCharge(t, charges, want.Order.Number))
	s, err := store.Get(t.Context(), want.For.Subscription)
	require.NoError(t, err)
	require.EqualValues(t, 2, s.Revision)
	require.True(t, s.Waiting)
}
