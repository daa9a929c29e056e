// Package secrets reads values from AWS Secrets Manager, parses them and keeps
// them for a bounded time.
//
// Make one Secret per value with New when the function starts, and call Get
// wherever the value is needed. Call Refresh once after a provider refused the
// value: it may have been changed a moment ago.
//
//   - A value is used for Options.TTL. Then it is read again, by one caller for
//     all who wait, and no lock is held meanwhile.
//   - While Secrets Manager is unavailable, the last value is served for at most
//     an hour past its TTL, each failure is logged, and it is asked again only
//     after half a minute.
//   - What Secrets Manager does answer counts at once: no value, no such secret
//     and a value that makes no sense end the use of the old one, so that a
//     function that has been running for days says the same as a new one, while
//     whoever changed the secret is still looking.
//   - Without a value to serve, every Get asks: what an operator has just set
//     works with the next call.
//
// No error and no log line holds any part of a value. What callers do with a
// value they were given is their responsibility; Text helps them.
package secrets

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/sync/singleflight"
)

const (
	defaultTTL = 5 * time.Minute
	// staleLimit is for how long past its TTL a value is served while Secrets
	// Manager is unavailable.
	staleLimit = time.Hour
	// staleRetry is how long a stale value is served before Secrets Manager is
	// asked again, counted from the failure and not from the end of the TTL: a
	// function that was idle for a day has to wait like any other.
	staleRetry = 30 * time.Second
	// fetchLimit bounds one read, the SDK's own retries included. It is far less
	// than the 29 seconds of a function, so that time to answer remains.
	fetchLimit = 5 * time.Second
)

// API is the part of *secretsmanager.Client that a Secret uses.
type API interface {
	GetSecretValue(context.Context, *secretsmanager.GetSecretValueInput, ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error)
}

var _ API = (*secretsmanager.Client)(nil)

// Options of a Secret. The zero Options are usable.
type Options struct {
	TTL time.Duration    // how long a value is used before it is read again; 0: 5 minutes
	Now func() time.Time // nil: the wall clock
	Log *slog.Logger     // told of each failure while a stale value is served; nil: slog.Default()
}

// Secret is one Secrets Manager value, parsed and cached. It may be used by
// many goroutines. What Get and Refresh return is shared by all callers: do not
// change what it points to.
type Secret[T any] struct {
	api   API
	id    string
	parse func([]byte) (T, error)
	ttl   time.Duration
	now   func() time.Time
	log   *slog.Logger

	flight singleflight.Group

	mu     sync.Mutex // guards what follows, never held while asking
	begun  uint64     // how many reads have begun so far
	cached *cached[T] // nil: no value to serve
}

// Format writes the secret's id, whatever the verb: fmt would else go into the
// struct and come to the value.
func (s *Secret[T]) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "secret %q", s.id) }

// cached is a value and how long it may be served. A Secret keeps it behind a
// pointer: fmt prints the address where it finds a Secret in an unexported
// field, whose Format it cannot call.
type cached[T any] struct {
	value  T
	readAt time.Time
	askAt  time.Time // from then on Secrets Manager is asked first
	endsAt time.Time // from then on it is not served at all
}

// reading is what one read of the secret brought.
type reading[T any] struct {
	number uint64 // 1 for the Secret's first read; 0: nothing was read
	value  T
	err    error // always an *Error
}

// New makes a Secret of the Secrets Manager value with this ARN or name. It
// reads nothing yet.
//
// parse turns the value into what the caller works with; Fields does most of
// that. Its errors become part of ErrMalformed's text: they name the field, best
// as a *FieldError, and quote nothing. A JSON decoder's errors do quote what
// they could not read, so those are not passed on.
func New[T any](api API, id string, parse func([]byte) (T, error), o Options) *Secret[T] {
	s := &Secret[T]{api: api, id: id, parse: parse, ttl: o.TTL, now: o.Now, log: o.Log}
	if s.ttl <= 0 {
		s.ttl = defaultTTL
	}
	if s.now == nil {
		// Without the monotonic clock, which need not advance while Lambda has
		// the function frozen.
		s.now = func() time.Time { return time.Now().Round(0) }
	}
	if s.log == nil {
		s.log = slog.Default()
	}
	return s
}

// Get returns the value: from the cache within its TTL, else from Secrets
// Manager. See the package comment for what is served when that fails. Every
// error is an *Error; a caller whose ctx ends before the answer gets
// ErrUnavailable with the cause of ctx.
func (s *Secret[T]) Get(ctx context.Context) (T, error) {
	if value, ok := s.fromCache(); ok {
		return value, nil
	}
	read := s.join(ctx, func(ctx context.Context) reading[T] {
		// Another read may have ended since the look above.
		if value, ok := s.fromCache(); ok {
			return reading[T]{value: value}
		}
		return s.read(ctx)
	})
	if read.err != nil {
		if value, ok := s.fromCache(); ok {
			return value, nil
		}
	}
	return read.value, read.err
}

// Refresh reads the value anew and returns it. It is for the moment after a
// provider refused the value, so it never answers from the cache, and it is an
// error if the value cannot be had now. Every error is an *Error, as for Get.
func (s *Secret[T]) Refresh(ctx context.Context) (T, error) {
	s.mu.Lock()
	begun := s.begun
	s.mu.Unlock()
	for {
		// A read that was under way already may have seen the value that was
		// refused, so only one that began after this call counts.
		read := s.join(ctx, s.read)
		gaveUp := read.number == 0 && read.err != nil
		if read.number > begun || gaveUp {
			return read.value, read.err
		}
	}
}

func (s *Secret[T]) fromCache() (T, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cached == nil || !s.now().Before(s.cached.askAt) {
		var none T
		return none, false
	}
	return s.cached.value, true
}

// join waits for the read that is under way, or begins one, no longer than ctx
// allows.
func (s *Secret[T]) join(ctx context.Context, read func(context.Context) reading[T]) reading[T] {
	gaveUp := func() reading[T] {
		return reading[T]{err: &Error{ID: s.id, Kind: ErrUnavailable, Cause: context.Cause(ctx)}}
	}
	if ctx.Err() != nil {
		return gaveUp()
	}
	// The read outlives a caller who gives up: others may wait for it.
	lasting := context.WithoutCancel(ctx)
	results := s.flight.DoChan("", func() (any, error) { return read(lasting), nil })
	select {
	case result := <-results:
		return result.Val.(reading[T])
	case <-ctx.Done():
		return gaveUp()
	}
}

// read asks Secrets Manager and keeps what it learns. One runs at a time.
func (s *Secret[T]) read(ctx context.Context) reading[T] {
	s.mu.Lock()
	s.begun++
	number := s.begun
	s.mu.Unlock()
	// The value is as old as its request: Lambda may have frozen the function
	// between that and the answer.
	began := s.now()
	value, err := s.ask(ctx)
	if kept := s.keep(value, err, began); kept != nil {
		s.log.WarnContext(ctx, "secret could not be read again; the value read before is used",
			"secret", s.id, "error", err.Error(), "read_at", kept.readAt.UTC(), "used_until", kept.endsAt.UTC())
	}
	return reading[T]{number: number, value: value, err: err}
}

// keep puts the outcome of a read into the cache. It returns the earlier value
// if that stays in use although the read failed.
func (s *Secret[T]) keep(value T, err error, began time.Time) *cached[T] {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	switch {
	case err == nil:
		askAt := began.Add(s.ttl)
		s.cached = &cached[T]{value: value, readAt: began, askAt: askAt, endsAt: askAt.Add(staleLimit)}
		return nil
	case errors.Is(err, ErrUnavailable) && s.cached != nil && now.Before(s.cached.endsAt):
		kept := *s.cached
		if again := now.Add(staleRetry); again.After(kept.askAt) {
			kept.askAt = again
		}
		if kept.askAt.After(kept.endsAt) {
			kept.askAt = kept.endsAt
		}
		s.cached = &kept
		return &kept
	default:
		s.cached = nil
		return nil
	}
}

// ask reads and parses the value. The error is an *Error.
func (s *Secret[T]) ask(ctx context.Context) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchLimit)
	defer cancel()
	var none T
	answer, err := s.api.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &s.id})
	if err != nil {
		return none, refusal(s.id, err)
	}
	raw := answer.SecretBinary
	if answer.SecretString != nil {
		raw = []byte(*answer.SecretString)
	}
	if len(raw) == 0 {
		return none, &Error{ID: s.id, Kind: ErrNoValue}
	}
	value, err := s.parse(raw)
	if err == nil {
		return value, nil
	}
	var syntactic *jsontext.SyntacticError
	var semantic *json.SemanticError
	if errors.As(err, &syntactic) || errors.As(err, &semantic) {
		err = &FieldError{Problem: "is not JSON of the form that is expected"}
	}
	return none, &Error{ID: s.id, Kind: ErrMalformed, Cause: err}
}
