package clock

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// Work does what is due now, as the schedule and the queue do.
type Work func(ctx context.Context) error

// Mover moves a clock from due time to due time. One thing is done at a time: a
// move, or the work that is due now.
type Mover struct {
	Clock *Clock
	// Next is the earliest time after another at which something is due, if any.
	Next func(ctx context.Context, after time.Time) (at time.Time, any bool, err error)
	// Due names what is due now, whatever has kept it from being done.
	Due func(ctx context.Context) ([]string, error)

	mu sync.Mutex
}

// The bounds of a move. What stays due is tried again at the same time first, since
// one thing may make another due; then as the schedule would, but ever more rarely.
const (
	rounds    = 5
	firstWait = time.Minute
	lastWait  = 24 * time.Hour
	maxSteps  = 20_000
)

// ErrBackwards: the clock was to be moved to a time that has passed.
var ErrBackwards = errors.New("the clock only moves forward")

// StuckError: a move was given up, because there was too much to do on the way. The
// clock has come to At.
type StuckError struct {
	At   time.Time
	Left []string
}

func (e *StuckError) Error() string {
	left := "nothing is due at this moment"
	if len(e.Left) > 0 {
		left = "still due: " + strings.Join(e.Left, ", ")
	}
	return fmt.Sprintf("the clock has come to %s after %d steps and stays there; %s. Ask again to go on", e.At.Format(time.RFC3339), maxSteps, left)
}

// Now does what is due now, and leaves the clock where it is.
func (m *Mover) Now(ctx context.Context, work Work) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return work(ctx)
}

// To moves the clock to a time, which target makes from the time it is, and works at
// each time on the way at which something comes due. It returns what is due and could
// not be done. Its error wraps ErrBackwards, or is a *StuckError, or that of work or
// of a function of the Mover; the clock stays where it has come to.
func (m *Mover) To(ctx context.Context, target func(now time.Time) time.Time, work Work) (left []string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	began := m.Clock.Now()
	end := target(began)
	if end.Before(began) {
		return nil, fmt.Errorf("%w: it is %s already", ErrBackwards, began.Format(time.RFC3339))
	}
	wait := firstWait
	for range maxSteps {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("the clock has come to %s: %w", m.Clock.Now().Format(time.RFC3339), err)
		}
		if left, err = m.settle(ctx, work); err != nil {
			return left, err
		}
		now := m.Clock.Now()
		if !now.Before(end) {
			return left, nil
		}
		next, any, err := m.Next(ctx, now)
		if err != nil {
			return left, err
		}
		if !any || next.After(end) {
			next = end
		}
		if len(left) == 0 {
			wait = firstWait
		} else {
			if again := now.Add(wait); again.Before(next) {
				next = again
			}
			wait = min(2*wait, lastWait)
		}
		if err := m.Clock.Reach(next); err != nil {
			return left, err
		}
	}
	return left, &StuckError{At: m.Clock.Now(), Left: left}
}

// settle works until nothing is due any more, or nothing helps.
func (m *Mover) settle(ctx context.Context, work Work) (left []string, err error) {
	for range rounds {
		if err := work(ctx); err != nil {
			return left, err
		}
		if left, err = m.Due(ctx); err != nil || len(left) == 0 {
			return left, err
		}
	}
	return left, nil
}
