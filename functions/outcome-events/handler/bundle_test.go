package handler_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"

	"dinarfunctions/functions/outcome-events/handler"
	"dinarfunctions/shared/eventbus"
	"dinarfunctions/shared/trigger"
	"dinarfunctions/test/eventschema"
	"dinarfunctions/test/logbuffer"
)

// put is an entry of a call of PutEvents, as EventBridge gets it.
type put struct {
	Source       string
	DetailType   string
	EventBusName string
	Time         float64
	Detail       string
}

func (p put) id(t *testing.T) string {
	t.Helper()
	var detail struct {
		ID string `json:"id"`
	}
	require.NoError(t, json.Unmarshal([]byte(p.Detail), &detail))
	return detail.ID
}

// bus is an EventBridge that answers as it is told to, and takes all otherwise.
type bus struct {
	mu sync.Mutex
	// answer has the say on a call, by its number from 1; true: it has answered.
	answer func(w http.ResponseWriter, call int) bool
	// refuse has the say on an entry; empty: it is taken.
	refuse func(p put, call int) (code string)
	calls  [][]put
	taken  []put
}

func (b *bus) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var in struct{ Entries []put }
	if r.Header.Get("X-Amz-Target") != "AWSEvents.PutEvents" || json.UnmarshalRead(r.Body, &in) != nil {
		w.WriteHeader(http.StatusTeapot)
		return
	}
	b.calls = append(b.calls, in.Entries)
	call := len(b.calls)
	if b.answer != nil && b.answer(w, call) {
		return
	}
	results, failed := []map[string]string{}, 0
	for i, p := range in.Entries {
		if b.refuse != nil {
			if code := b.refuse(p, call); code != "" {
				failed++
				results = append(results, map[string]string{"ErrorCode": code, "ErrorMessage": "no"})
				continue
			}
		}
		b.taken = append(b.taken, p)
		results = append(results, map[string]string{"EventId": fmt.Sprintf("%d-%d", call, i)})
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	_ = json.MarshalWrite(w, map[string]any{"FailedEntryCount": failed, "Entries": results})
}

// seen is what was called and what was taken so far.
func (b *bus) seen() (calls [][]put, taken []put) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.calls), slices.Clone(b.taken)
}

func fault(w http.ResponseWriter, status int, code string) bool {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.WriteHeader(status)
	_ = json.MarshalWrite(w, map[string]string{"__type": code, "message": "no"})
	return true
}

// start is the function in front of a bus, with the SDK's real client.
func start(t *testing.T, b *bus) (trigger.Handlers, *logbuffer.Buffer) {
	t.Helper()
	server := httptest.NewServer(b)
	t.Cleanup(server.Close)
	api := eventbridge.New(eventbridge.Options{
		BaseEndpoint: &server.URL, Region: "eu-central-1",
		Credentials: credentials.NewStaticCredentialsProvider("emulated", "emulated", ""),
		Retryer: retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts = 3
			o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return time.Millisecond, nil })
		}),
	})
	log := new(logbuffer.Buffer)
	t.Cleanup(func() {
		require.NotContains(t, log.String(), "MARKED")
		_, taken := b.seen()
		for _, p := range taken {
			require.NoError(t, eventschema.Check(p.DetailType, []byte(p.Detail)))
			require.NotContains(t, p.Detail, "MARKED")
			require.Equal(t, "dinar-functions", p.Source)
			require.Equal(t, "outcomes", p.EventBusName)
		}
	})
	return handler.New(eventbus.New(api, "outcomes"), trigger.NewLogger(log)), log
}

// records are stream records of charges that settled: the last one of the sample,
// again and again under other numbers.
func records(t *testing.T, n int) []events.DynamoDBEventRecord {
	t.Helper()
	payload, err := os.ReadFile("../../../events/outcome-events-stream-charges.json")
	require.NoError(t, err)
	all := make([]events.DynamoDBEventRecord, n)
	for i := range all {
		var sample events.DynamoDBEvent
		require.NoError(t, json.Unmarshal(payload, &sample))
		r := sample.Records[len(sample.Records)-1]
		r.Change.SequenceNumber = number(i)
		for _, image := range []map[string]events.DynamoDBAttributeValue{r.Change.OldImage, r.Change.NewImage} {
			image["pk"] = events.NewStringAttribute(fmt.Sprintf("charge#order-%d", i))
		}
		all[i] = r
	}
	return all
}

func number(i int) string { return fmt.Sprintf("11%d", i) }
