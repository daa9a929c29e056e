package handler_test

import (
	"context"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"
)

func TestTheSamplesAreTold(t *testing.T) {
	t.Parallel()
	for sample, want := range map[string][]string{
		"charges": {
			"Charge Unknown charge/order-1234/unknown/1795251603120000000-2",
			"Charge Settled charge/order-1234/settled/1795251631120000000-3",
		},
		"payouts": {
			"Payout Overdue payout/df9a31ea528a3977/overdue/1795253460120000000-3",
			"Payout Payment Successful payout/df9a31ea528a3977/payment/5b1f0c86d2e74a93/successful/1795253520120000000-4",
			"Payout Payment Failed payout/df9a31ea528a3977/payment/aa00000000000001/failed/1795253520120000000-4",
			"Payout Completed payout/df9a31ea528a3977/completed/1795253520120000000-4",
		},
		"subscriptions": {
			"Subscription Past Due subscription/gold-42/past_due/1796018413520000000-5",
			"Subscription Held subscription/silver-7/held/1796281200120000000-4",
		},
	} {
		t.Run(sample, func(t *testing.T) {
			t.Parallel()
			payload, err := os.ReadFile("../../../events/outcome-events-stream-" + sample + ".json")
			require.NoError(t, err)
			b := &bus{}
			f, _ := start(t, b)
			for range 2 { // Lambda may bring it twice
				answer, err := f.Invoke(t.Context(), payload)
				require.NoError(t, err)
				require.JSONEq(t, `{"batchItemFailures": []}`, string(answer))
			}
			calls, _ := b.seen()
			require.Len(t, calls, 2)
			require.Equal(t, calls[0], calls[1])
			var told []string
			for _, p := range calls[0] {
				told = append(told, p.DetailType+" "+p.id(t))
				var detail struct {
					OccurredAt time.Time `json:"occurred_at"`
				}
				require.NoError(t, json.Unmarshal([]byte(p.Detail), &detail))
				require.InDelta(t, detail.OccurredAt.Unix(), p.Time, 1)
			}
			require.Equal(t, want, told)
		})
	}
}

// A write that is no change, and one that deletes, tell nothing, should the filter
// ever let them through.
func TestNoChangeTellsNothing(t *testing.T) {
	t.Parallel()
	all := records(t, 3)
	delete(all[0].Change.NewImage, "change")
	all[1].Change.NewImage = nil
	b := &bus{}
	f, _ := start(t, b)
	require.Empty(t, f.Stream(t.Context(), all))
	require.Empty(t, f.Stream(t.Context(), all[:2]))
	calls, taken := b.seen()
	require.Len(t, taken, 1)
	require.Len(t, calls, 1, "nothing to tell is no call")
}

func TestPackedByCount(t *testing.T) {
	t.Parallel()
	b := &bus{}
	f, _ := start(t, b)
	require.Empty(t, f.Stream(t.Context(), records(t, 23)))
	var sizes []int
	calls, taken := b.seen()
	for _, call := range calls {
		sizes = append(sizes, len(call))
	}
	require.ElementsMatch(t, []int{10, 10, 3}, sizes)
	told := map[string]bool{}
	for _, p := range taken {
		told[p.id(t)] = true
	}
	require.Len(t, told, 23, "each once")
}

func TestPackedByBytes(t *testing.T) {
	t.Parallel()
	all := records(t, 5)
	for i := range all { // each a bit more than a third of what a call takes
		all[i].Change.NewImage["description"] = events.NewStringAttribute(strings.Repeat("x", 90<<10))
	}
	all[4].Change.NewImage["description"] = events.NewStringAttribute(strings.Repeat("x", 300<<10))
	b := &bus{}
	f, _ := start(t, b)
	require.Empty(t, f.Stream(t.Context(), all))
	var sizes []int
	calls, _ := b.seen()
	for _, call := range calls {
		sizes = append(sizes, len(call))
	}
	require.ElementsMatch(t, []int{2, 2, 1}, sizes, "one that is too large goes alone")
}

func TestWhatEventBridgeDoes(t *testing.T) {
	t.Parallel()
	second := func(p put) bool { return strings.Contains(p.Detail, "charge/order-1/") }
	for name, tt := range map[string]struct {
		bus    *bus
		failed string // the sequence number; empty: all told
		taken  int
		calls  int
		log    string
	}{
		"one entry is throttled once": {
			bus: &bus{refuse: func(p put, call int) string {
				if second(p) && call == 1 {
					return "ThrottlingException"
				}
				return ""
			}},
			taken: 12, calls: 3,
		},
		"one entry is refused for good": {
			bus: &bus{refuse: func(p put, _ int) string {
				if second(p) {
					return "MalformedDetail"
				}
				return ""
			}},
			failed: number(1), taken: 11, calls: 5, log: "MalformedDetail",
		},
		"all entries of the second call fail": {
			bus: &bus{refuse: func(_ put, call int) string {
				if call > 1 {
					return "InternalFailure"
				}
				return ""
			}},
			failed: number(10), taken: 10, calls: 5, log: "InternalFailure",
		},
		"throttled as a whole, and then not": {
			bus: &bus{answer: func(w http.ResponseWriter, call int) bool {
				return call < 3 && fault(w, http.StatusBadRequest, "ThrottlingException")
			}},
			taken: 12, calls: 4,
		},
		"throttled for good": {
			bus: &bus{answer: func(w http.ResponseWriter, _ int) bool {
				return fault(w, http.StatusBadRequest, "ThrottlingException")
			}},
			failed: number(0), calls: 3, log: "ThrottlingException",
		},
		"5xx for good": {
			bus: &bus{answer: func(w http.ResponseWriter, _ int) bool {
				return fault(w, http.StatusInternalServerError, "InternalException")
			}},
			failed: number(0), calls: 3, log: "InternalException",
		},
		"no right": {
			bus: &bus{answer: func(w http.ResponseWriter, _ int) bool {
				return fault(w, http.StatusBadRequest, "AccessDeniedException")
			}},
			failed: number(0), calls: 1, log: "AccessDeniedException",
		},
		"the first call is refused as too large": {
			bus: &bus{answer: func(w http.ResponseWriter, call int) bool {
				return call == 1 && fault(w, http.StatusBadRequest, "ValidationException")
			}},
			failed: number(0), taken: 2, calls: 2, log: "ValidationException",
		},
		"an answer about nothing": {
			bus: &bus{answer: func(w http.ResponseWriter, _ int) bool {
				_, _ = w.Write([]byte(`{}`))
				return true
			}},
			failed: number(0), calls: 1, log: "the answer is about 0",
		},
		"not JSON": {
			bus: &bus{answer: func(w http.ResponseWriter, _ int) bool {
				_, _ = w.Write([]byte(`MARKED oops`))
				return true
			}},
			failed: number(0), calls: 1,
		},
		"cut": {
			bus:    &bus{answer: func(http.ResponseWriter, int) bool { panic(http.ErrAbortHandler) }},
			failed: number(0), calls: 3,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, log := start(t, tt.bus)
			require.Equal(t, tt.failed, f.Stream(t.Context(), records(t, 12)))
			calls, taken := tt.bus.seen()
			require.Len(t, taken, tt.taken)
			require.Len(t, calls, tt.calls)
			require.Equal(t, tt.failed != "", strings.Contains(log.String(), `"alarm":"untold"`), log)
			require.Contains(t, log.String(), tt.log)
		})
	}
}

// Whatever a record has become: it is named, its contents are not, and what stands
// before and behind it is told.
func TestARecordThatCannotBeRead(t *testing.T) {
	t.Parallel()
	text := events.NewStringAttribute
	for name, garble := range map[string]func(r *events.DynamoDBEventRecord){
		"no history":              func(r *events.DynamoDBEventRecord) { delete(r.Change.NewImage, "history") },
		"a state of no version":   func(r *events.DynamoDBEventRecord) { r.Change.NewImage["state"] = text("MARKED") },
		"a state that is no text": func(r *events.DynamoDBEventRecord) { r.Change.NewImage["state"] = events.NewNumberAttribute("1") },
		"garbled before":          func(r *events.DynamoDBEventRecord) { delete(r.Change.OldImage, "amount") },
		"an unknown word":         func(r *events.DynamoDBEventRecord) { r.Change.NewImage["change"] = text("forgotten") },
		"a word that is no text":  func(r *events.DynamoDBEventRecord) { r.Change.NewImage["change"] = events.NewNullAttribute() },
		"an unknown kind":         func(r *events.DynamoDBEventRecord) { r.Change.NewImage["pk"] = text("coupon#1") },
		"the operator's switch":   func(r *events.DynamoDBEventRecord) { r.Change.NewImage["pk"] = text("switch") },
		"no key":                  func(r *events.DynamoDBEventRecord) { delete(r.Change.NewImage, "pk") },
		"binary": func(r *events.DynamoDBEventRecord) {
			r.Change.NewImage["reason"] = events.NewBinarySetAttribute([][]byte{{1}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := records(t, 4)
			garble(&all[1])
			b := &bus{}
			f, log := start(t, b)
			require.Equal(t, number(1), f.Stream(t.Context(), all))
			_, taken := b.seen()
			require.Len(t, taken, 3)
			require.Contains(t, log.String(), `"alarm":"untold","sequence_number":"`+number(1)+`"`)

			all[1].Change.SequenceNumber = ""
			require.NotEmpty(t, f.Stream(t.Context(), all), "without its number the whole batch has failed")
		})
	}
}

// The first record that was not told counts, whyever it was not.
func TestTheFirstThatFailedCounts(t *testing.T) {
	t.Parallel()
	all := records(t, 4)
	delete(all[2].Change.NewImage, "history")
	b := &bus{refuse: func(p put, _ int) string {
		if strings.Contains(p.Detail, "charge/order-1/") {
			return "InternalFailure"
		}
		return ""
	}}
	f, _ := start(t, b)
	require.Equal(t, number(1), f.Stream(t.Context(), all))
	_, taken := b.seen()
	require.Len(t, taken, 2)
}

// An invocation that has no time left says what was not told, and does not die of it.
func TestNoTimeLeft(t *testing.T) {
	t.Parallel()
	b := &bus{}
	f, _ := start(t, b)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	require.Equal(t, number(0), f.Stream(ctx, records(t, 2)))
	calls, _ := b.seen()
	require.Empty(t, calls)
}
