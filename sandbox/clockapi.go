package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/go-json-experiment/json"

	"dinarfunctions/sandbox/clock"
	"dinarfunctions/sandbox/routes"
)

// moved is the answer to a move of the clock: what was done on the way. Charges are
// the requests that DineroPay had, Charged those that took money, and PayoutLooks
// the questions that Dinar Dragon had. StillDue could not be done at all; what could not be
// sent waits on the Queue, and comes again by itself unless it is a dead letter.
type moved struct {
	From time.Time `json:"from"`
	Now  time.Time `json:"now"`
	done
	Charges     int      `json:"charges"`
	Charged     int      `json:"charged"`
	PayoutLooks int      `json:"payout_looks"`
	StillDue    []string `json:"still_due"`
	Queue       queued   `json:"queue"`
}

// queued is how many messages are on the queue; GET /sandbox/queue shows them.
type queued struct {
	Waiting     int `json:"waiting"`
	InFlight    int `json:"in_flight"`
	DeadLetters int `json:"dead_letters"`
}

func (s *sandbox) getClock(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]time.Time{"now": s.clock.Now()})
}

func (s *sandbox) postSchedule(w http.ResponseWriter, r *http.Request) {
	var did done
	err := s.mover.Now(context.WithoutCancel(r.Context()), s.worker.work(&did))
	if err != nil || did.FailedWakes > 0 {
		routes.Refuse(w, r, http.StatusInternalServerError, errors.New("a function failed; its log says why"))
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *sandbox) getQueue(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, s.worker.queue.State())
}

func (s *sandbox) postRedrive(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]int{"redriven": s.worker.queue.Redrive()})
}

// postClock moves the clock by a period, or to a day or a time.
func (s *sandbox) postClock(w http.ResponseWriter, r *http.Request) {
	target, err := readTarget(w, r)
	if err != nil {
		routes.Refuse(w, r, http.StatusBadRequest, err)
		return
	}
	answer, err := s.move(r.Context(), target)
	switch {
	case errors.Is(err, clock.ErrBackwards):
		routes.Refuse(w, r, http.StatusConflict, err)
	case err != nil:
		routes.Refuse(w, r, http.StatusInternalServerError, err)
	default:
		writeJSON(w, http.StatusOK, answer)
	}
}

// move moves the clock and tells what was done on the way.
func (s *sandbox) move(ctx context.Context, target func(time.Time) time.Time) (moved, error) {
	answer := moved{From: s.clock.Now()}
	charges, looks := s.dineroPay.Totals(), s.dinarDragon.Counts()
	work := s.worker.work(&answer.done)
	left, err := s.mover.To(ctx, target, func(ctx context.Context) error {
		return work(context.WithoutCancel(ctx)) // who hangs up ends the move, and nothing half way
	})
	if err != nil {
		return answer, err
	}
	answer.Now = s.clock.Now()
	answer.Charges = s.dineroPay.Totals().Charges - charges.Charges
	answer.Charged = s.dineroPay.Totals().Charged - charges.Charged
	answer.PayoutLooks = s.dinarDragon.Counts().Statuses - looks.Statuses
	answer.StillDue = append([]string{}, left...)
	on := s.worker.queue.State()
	answer.Queue = queued{len(on.Waiting), len(on.InFlight), len(on.DeadLetters)}
	return answer, nil
}

// readTarget reads where the clock is to be moved.
func readTarget(w http.ResponseWriter, r *http.Request) (func(now time.Time) time.Time, error) {
	var body struct {
		Advance string `json:"advance"`
		To      string `json:"to"`
	}
	err := json.UnmarshalRead(http.MaxBytesReader(w, r.Body, 64<<10), &body, json.RejectUnknownMembers(true))
	if err != nil || (body.Advance == "") == (body.To == "") {
		return nil, errors.New(`the clock is moved by {"advance": "P1M"}, or {"to": "2027-01-31"}, which is that day's beginning in UTC, or {"to": "2027-01-31T09:00:00Z"}`)
	}
	if body.Advance != "" {
		period, err := clock.ParsePeriod(body.Advance)
		if err != nil {
			return nil, fmt.Errorf("advance: %w", err)
		}
		return period.After, nil
	}
	for _, form := range []string{time.DateOnly, time.RFC3339} {
		if to, err := time.Parse(form, body.To); err == nil {
			return func(time.Time) time.Time { return to }, nil
		}
	}
	return nil, fmt.Errorf("to: %q is neither a day such as 2027-01-31 nor a time such as 2027-01-31T09:00:00Z", body.To)
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.MarshalWrite(w, value) // the caller may be gone
}
