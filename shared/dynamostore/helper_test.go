package dynamostore_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go/logging"
	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/charge/chargetest"
	"dinarfunctions/shared/dynamostore"
	"dinarfunctions/shared/hidden"
)

const (
	tableName   = "charges-of-the-test"
	markedToken = "MARKED-whole-token-7002"
)

var start = time.Date(2026, 11, 21, 9, 0, 0, 120000000, time.UTC)

// claim is a claim for order-1 by an attempt, with a token that must not be found again.
func claim(t testing.TB, attempt string) charge.Charge {
	t.Helper()
	terms := chargetest.Terms(t, "order-1")
	terms.Token = hidden.New(markedToken)
	return charge.NewClaim(terms, attempt, start, start.Add(20*time.Second))
}

// settled is the outcome of an attempt.
func settled(attempt string) charge.Change {
	return charge.Change{
		Number: "order-1", Attempt: attempt, To: charge.Settled, Evidence: charge.ByAnswer, At: start.Add(3 * time.Second),
		PaymentID: "payment-1", ProviderStatus: "settled", ProviderDate: "2026-11-21 09:00:03",
		Seen: start.Add(25 * time.Second), // the claim's own look
	}
}

// client is the real SDK client, with as many tries as told and no waits.
func client(endpoint string, transport http.RoundTripper, tries int) *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		Region:       "eu-central-1",
		BaseEndpoint: &endpoint,
		HTTPClient:   &http.Client{Transport: transport},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "id", SecretAccessKey: "MARKED-aws"}, nil
		}),
		Retryer: retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts = tries
			o.RateLimiter = ratelimit.None
			o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
		}),
		// The SDK warns of every answer without a checksum, which only the real
		// DynamoDB always sends.
		Logger: logging.Nop{},
	})
}

// server answers the calls of a test one after the other, and keeps what came.
type server struct {
	*httptest.Server
	mu    sync.Mutex
	calls []call
}

type call struct {
	Operation string
	Raw       string
	Body      body
}

// body is what a call says, in DynamoDB's names.
type body struct {
	TableName                           string
	Key                                 attributes
	ConsistentRead                      bool
	ProjectionExpression                string
	IndexName                           string
	KeyConditionExpression              string
	Limit                               int
	ExclusiveStartKey                   attributes
	ConditionExpression                 string
	UpdateExpression                    string
	ExpressionAttributeNames            map[string]string
	ExpressionAttributeValues           attributes
	ReturnValues                        string
	ReturnValuesOnConditionCheckFailure string

	ClientRequestToken string
	TransactItems      []struct{ Update body }
}

// attributes are DynamoDB's JSON for attributes: {"state": {"S": "settled"}}.
type attributes map[string]any

func serve(t *testing.T, answers ...http.HandlerFunc) *server {
	t.Helper()
	return serveEach(t, func(n int, _ call) http.HandlerFunc {
		if n < len(answers) {
			return answers[n]
		}
		return nil
	})
}

// serveEach answers each call, counted from 0, as told; nil is a call too many.
func serveEach(t *testing.T, respond func(n int, c call) http.HandlerFunc) *server {
	t.Helper()
	s := &server{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, cut := io.ReadAll(r.Body)
		if cut != nil { // the client gave the call up: nobody waits for an answer
			panic(http.ErrAbortHandler)
		}
		c := call{Operation: r.Header.Get("X-Amz-Target"), Raw: string(raw)}
		bad := json.Unmarshal(raw, &c.Body, json.RejectUnknownMembers(true))
		// respond runs under the lock: what it keeps for the next call, which may come
		// over another connection, is seen there.
		s.mu.Lock()
		n := len(s.calls)
		s.calls = append(s.calls, c)
		handle := respond(n, c)
		s.mu.Unlock()
		if handle == nil || bad != nil {
			t.Errorf("call %d is one too many or unreadable (%v): %s", n+1, bad, raw)
			http.Error(w, "no answer for this", http.StatusBadRequest)
			return
		}
		handle(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *server) seen() []call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

// store is a store on the server, whose client tries three times.
func (s *server) store() *dynamostore.Charges {
	return dynamostore.NewCharges(client(s.URL, s.Client().Transport, 3), tableName)
}

func answer(status int, content map[string]any) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		w.WriteHeader(status)
		_ = json.MarshalWrite(w, content)
	}
}

func found(item attributes) http.HandlerFunc {
	return answer(http.StatusOK, map[string]any{"Item": item})
}

func written(item attributes) http.HandlerFunc {
	return answer(http.StatusOK, map[string]any{"Attributes": item})
}

func refused(status int, kind string) http.HandlerFunc {
	return answer(status, map[string]any{"__type": "com.amazonaws.dynamodb.v20120810#" + kind, "message": "no"})
}

// standing is a failed condition with what stands there; nil for nothing.
func standing(item attributes) http.HandlerFunc {
	content := map[string]any{"__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException", "message": "The conditional request failed"}
	if item != nil {
		content["Item"] = item
	}
	return answer(http.StatusBadRequest, content)
}

// lost is an answer that never comes.
func lost(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// stored is a charge as it stands in the table, said a second time here, so
// that the store's own words are held against something.
func stored(c charge.Charge) attributes {
	item := texts(map[string]string{
		"pk":              "charge#" + c.Order.Number,
		"amount":          c.Order.Amount.String(),
		"currency":        c.Order.Amount.Currency(),
		"description":     c.Order.Description,
		"init_trans_id":   c.InitTransID,
		"schedule_id":     c.ScheduleID,
		"token_end":       c.TokenEnd,
		"fingerprint":     c.Fingerprint,
		"attempt":         c.Attempt,
		"deadline":        nanos(c.Deadline),
		"state":           string(c.State),
		"said":            string(c.Said),
		"disputed":        c.Disputed,
		"open_at":         nanos(c.CreatedAt) + "#" + c.Order.Number,
		"payment_id":      c.PaymentID,
		"differs":         c.Differs,
		"reason":          c.Reason,
		"decline_class":   string(c.DeclineClass),
		"provider_status": c.ProviderStatus,
		"provider_date":   c.ProviderDate,
		"created_at":      nanos(c.CreatedAt),
		"updated_at":      nanos(c.UpdatedAt),
	})
	shard := map[string]any{"S": shardOf(c.Order.Number)}
	if !c.LookAt.IsZero() {
		item["look_at"], item["look_shard"] = map[string]any{"S": nanos(c.LookAt)}, shard
	}
	if !c.HintedAt.IsZero() {
		item["hinted_at"] = map[string]any{"S": nanos(c.HintedAt)}
	}
	if c.Cascading {
		item["cascading"] = map[string]any{"S": "true"}
	}
	if c.State == charge.Sending || c.State == charge.Pending || c.State == charge.Unknown {
		item["open_shard"] = shard
	}
	var history []any
	for _, e := range c.History {
		history = append(history, map[string]any{"M": texts(map[string]string{
			"state": string(e.State), "at": nanos(e.At), "evidence": string(e.Evidence), "reason": e.Reason,
			"payment_id": e.PaymentID,
		})})
	}
	item["history"] = map[string]any{"L": history}
	return item
}

// shardOf is FNV-1a of 32 bits, modulo 8.
func shardOf(number string) string {
	hash := uint32(2166136261)
	for _, b := range []byte(number) {
		hash = (hash ^ uint32(b)) * 16777619
	}
	return strconv.Itoa(int(hash % 8))
}

func texts(of map[string]string) attributes {
	item := attributes{}
	for name, text := range of {
		if text != "" {
			item[name] = map[string]any{"S": text}
		}
	}
	return item
}

func nanos(t time.Time) string {
	t = t.UTC()
	return fmt.Sprintf("%s.%09dZ", t.Format("2006-01-02T15:04:05"), t.Nanosecond())
}

// transport is an http.RoundTripper from a function.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// refill replaces a body that was read.
func refill(content []byte) io.ReadCloser { return io.NopCloser(bytes.NewReader(content)) }

func asJSON(t require.TestingT, v any) string {
	text, err := json.Marshal(v, json.Deterministic(true))
	require.NoError(t, err)
	return string(text)
}
