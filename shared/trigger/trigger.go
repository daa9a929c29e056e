package trigger

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"dinarfunctions/shared/api"
)

// Handlers is what a function does for each kind of event; nil where it has
// nothing to do with that kind. It is a [lambda.Handler].
type Handlers struct {
	// HTTP answers requests to the HTTP API. An error of its own cannot reach
	// API Gateway: it answers in HTTP.
	HTTP http.Handler
	// Schedule does what is due. Its error fails the invocation.
	Schedule func(context.Context) error
	// Queue handles a batch of SQS messages, and returns the ids of those that have
	// to come again. Its event source has to have ReportBatchItemFailures.
	Queue func(ctx context.Context, messages []Message) (failed []string)
	// Stream handles a batch of a DynamoDB stream in its order, and returns the
	// sequence number of the first record that was not handled, "" if all were. That
	// one and all after it come again. Its event source has to have
	// ReportBatchItemFailures.
	Stream func(ctx context.Context, records []events.DynamoDBEventRecord) (firstFailed string)
	// Log gets one line for each invocation; see [NewLogger].
	Log *slog.Logger
}

var _ lambda.Handler = Handlers{}

// markers are the fields that tell events apart, and nothing else of them.
type markers struct {
	Version        string `json:"version"`
	RequestContext struct {
		HTTP jsontext.Value `json:"http"`
	} `json:"requestContext"`
	Source     string `json:"source"`
	DetailType string `json:"detail-type"`
	Records    []struct {
		EventSource string `json:"eventSource"`
	} `json:"Records"`
}

// recordSource is the source of all records, empty if they have not the same one.
func (m markers) recordSource() string {
	if len(m.Records) == 0 {
		return ""
	}
	source := m.Records[0].EventSource
	for _, r := range m.Records {
		if r.EventSource != source {
			return ""
		}
	}
	return source
}

// kind is the kind of an event. It has a name in logs.
type kind string

const (
	kindHTTP     kind = "http"
	kindSchedule kind = "schedule"
	kindQueue    kind = "queue"
	kindStream   kind = "stream"
)

// kindOf tells what an event is. The order is fixed, so that an event which
// has the marks of two kinds is always taken for the same one. Each new kind
// gets its case here, its handler in Handlers, and its case in dispatch.
func kindOf(payload []byte) (kind, error) {
	var event markers
	if err := json.Unmarshal(payload, &event); err == nil {
		switch {
		case event.Version == "2.0" && event.RequestContext.HTTP != nil:
			return kindHTTP, nil
		case event.DetailType == "Scheduled Event" &&
			(event.Source == "aws.events" || event.Source == "aws.scheduler"):
			return kindSchedule, nil
		case event.recordSource() == "aws:sqs":
			return kindQueue, nil
		case event.recordSource() == "aws:dynamodb":
			return kindStream, nil
		}
	}
	return "", fmt.Errorf("event of no known shape: %s", arrived(payload))
}

// Invoke handles one event. The answer is the one that API Gateway expects for
// HTTP, the partial batch response that Lambda expects for a queue or a stream, and
// null for what nobody waits for.
func (h Handlers) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	start := time.Now()
	answer, told, err := h.dispatch(ctx, payload)
	level := slog.LevelInfo
	if err != nil {
		level = slog.LevelError
		told = append(told, slog.Any("error", err))
	}
	told = append(told, slog.Int64("duration_ms", time.Since(start).Milliseconds()))
	h.Log.LogAttrs(ctx, level, "invocation ended", told...)
	return answer, err
}

// dispatch also returns what the log is to tell of the event.
func (h Handlers) dispatch(ctx context.Context, payload []byte) ([]byte, []slog.Attr, error) {
	kind, err := kindOf(payload)
	if err != nil {
		return nil, nil, err
	}
	told := []slog.Attr{slog.String("trigger", string(kind))}
	switch {
	case kind == kindHTTP && h.HTTP != nil:
		answer, more, err := h.serveHTTP(ctx, payload)
		return answer, append(told, more...), err
	case kind == kindSchedule && h.Schedule != nil:
		var err error
		if !h.guard(ctx, func() { err = h.Schedule(ctx) }) {
			err = errPanicked(kindSchedule)
		}
		if err != nil {
			return nil, told, err
		}
		return []byte("null"), told, nil
	case kind == kindQueue && h.Queue != nil:
		answer, more, err := h.serveQueue(ctx, payload)
		return answer, append(told, more...), err
	case kind == kindStream && h.Stream != nil:
		answer, more, err := h.serveStream(ctx, payload)
		return answer, append(told, more...), err
	}
	return nil, told, fmt.Errorf("this function has no handler for events of kind %s: %s", kind, arrived(payload))
}

// guard runs do and tells whether it ended without a panic. Lambda's own
// answer to a panic is to end the process and to print the value.
func (h Handlers) guard(ctx context.Context, do func()) (ended bool) {
	defer func() {
		if v := recover(); v != nil {
			api.LogPanic(ctx, h.Log, v)
		}
	}()
	do()
	return true
}

// arrived describes an event by the names of its topmost fields, the first
// few. Values stay out: this text ends in a log.
func arrived(payload []byte) string {
	const (
		most    = 20
		longest = 40
	)
	dec := jsontext.NewDecoder(bytes.NewBuffer(payload))
	if token, err := dec.ReadToken(); err != nil || token.Kind() != jsontext.KindBeginObject {
		return "it is not a JSON object"
	}
	var names []string
	for dec.PeekKind() == jsontext.KindString {
		name, err := dec.ReadToken()
		if err != nil {
			break
		}
		if len(names) == most {
			names = append(names, "…")
			break
		}
		names = append(names, fmt.Sprintf("%.*q", longest, name.String()))
		if err := dec.SkipValue(); err != nil {
			names = append(names, "then broken JSON")
			break
		}
	}
	if len(names) == 0 {
		return "it has no fields"
	}
	return "its fields are " + strings.Join(names, ", ")
}
