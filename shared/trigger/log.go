package trigger

import (
	"context"
	"io"
	"log/slog"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"dinarfunctions/shared/version"
)

// NewLogger returns the logger of a function: one JSON object per line, with
// the names of Lambda's own lines (timestamp, level, message, requestId), the
// version, and the function's name where Lambda gives one. The request id
// comes from the context, so the methods that take one are the ones to call.
//
// The logger of aws-lambda-go writes to standard output only, and as text
// unless a variable says otherwise; this one is the same everywhere.
func NewLogger(w io.Writer) *slog.Logger {
	lines := slog.NewJSONHandler(w, &slog.HandlerOptions{ReplaceAttr: lambdacontext.ReplaceAttr})
	log := slog.New(withRequestID{lines}).With("version", version.String())
	if lambdacontext.FunctionName != "" {
		log = log.With("function", lambdacontext.FunctionName)
	}
	return log
}

// withRequestID adds the request id of the invocation that a line belongs to.
type withRequestID struct{ next slog.Handler }

var _ slog.Handler = withRequestID{}

func (h withRequestID) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

func (h withRequestID) Handle(ctx context.Context, record slog.Record) error {
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		record.AddAttrs(slog.String("requestId", lc.AwsRequestID))
	}
	return h.next.Handle(ctx, record)
}

func (h withRequestID) WithAttrs(attrs []slog.Attr) slog.Handler {
	return withRequestID{h.next.WithAttrs(attrs)}
}

func (h withRequestID) WithGroup(name string) slog.Handler {
	return withRequestID{h.next.WithGroup(name)}
}
