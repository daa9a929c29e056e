package main

import (
	"context"
	"log/slog"
	"time"
)

// withSandboxTime adds the sandbox's time to each line of the functions' log. The lines'
// own timestamp is the machine's, which is months behind once the clock was moved.
type withSandboxTime struct {
	slog.Handler
	now func() time.Time
}

// Handle implements slog.Handler.
func (h withSandboxTime) Handle(ctx context.Context, record slog.Record) error {
	record.AddAttrs(slog.Time("sandbox_time", h.now()))
	return h.Handler.Handle(ctx, record)
}

// WithAttrs implements slog.Handler.
func (h withSandboxTime) WithAttrs(attrs []slog.Attr) slog.Handler {
	return withSandboxTime{h.Handler.WithAttrs(attrs), h.now}
}

// WithGroup implements slog.Handler.
func (h withSandboxTime) WithGroup(name string) slog.Handler {
	return withSandboxTime{h.Handler.WithGroup(name), h.now}
}
