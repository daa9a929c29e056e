package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"

	"dinarfunctions/sandbox/routes"
	"dinarfunctions/shared/boltstore"
)

// eventsEvery is how often the outbox is looked into for those who listen.
const eventsEvery = 200 * time.Millisecond

// follow hands on each outcome event from behind a number on, as they happen, until ctx
// ends or somebody does not take one. They are the events that OutcomeEvents puts on the
// bus, made by the same code.
func follow(ctx context.Context, file *boltstore.File, after uint64, take func(boltstore.Told) error) error {
	ticker := time.NewTicker(eventsEvery)
	defer ticker.Stop()
	for {
		told, err := file.Events(ctx, after, 100)
		if err != nil {
			return err
		}
		for _, e := range told {
			if err := take(e); err != nil {
				return err
			}
			after = e.Number
		}
		if len(told) > 0 {
			continue
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}

// getEvents streams the events as server-sent events, all of them or those behind
// Last-Event-ID (WHATWG HTML, "Server-sent events").
func (s *sandbox) getEvents(w http.ResponseWriter, r *http.Request) {
	var after uint64
	if last := r.Header.Get("Last-Event-ID"); last != "" {
		var err error
		if after, err = strconv.ParseUint(last, 10, 64); err != nil {
			routes.Refuse(w, r, http.StatusBadRequest, errors.New("Last-Event-ID must be the id of an event of this stream"))
			return
		}
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	flush := http.NewResponseController(w)
	_ = flush.Flush() // the headers, for those who wait for them
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	stop := context.AfterFunc(s.ending, cancel)
	defer stop()
	_ = follow(ctx, s.store, after, func(e boltstore.Told) error {
		if _, err := fmt.Fprintf(w, "id: %d\nevent: %s\ndata: %s\n\n", e.Number, e.DetailType, e.Detail); err != nil {
			return err
		}
		return flush.Flush()
	})
}

// printEvents prints the events that happen from now on, one line each, until ctx ends.
func (s *sandbox) printEvents(ctx context.Context, out io.Writer) {
	var before uint64
	for {
		told, err := s.store.Events(ctx, before, 1000)
		if err != nil || len(told) == 0 {
			break
		}
		before = told[len(told)-1].Number
	}
	_ = follow(ctx, s.store, before, func(e boltstore.Told) error {
		_, err := fmt.Fprintf(out, "   event  %-28s %s\n", e.DetailType, summary(e.Detail))
		return err
	})
}

// summary is what a reader wants to know of an event: which thing, and why.
func summary(detail []byte) string {
	var d struct {
		Charge struct {
			Order struct {
				Number   string `json:"number"`
				Amount   string `json:"amount"`
				Currency string `json:"currency"`
			} `json:"order"`
			Reason *string `json:"reason"`
		} `json:"charge"`
		Subscription struct {
			ID     string  `json:"id"`
			Reason *string `json:"reason"`
		} `json:"subscription"`
		Payment struct {
			UniqueID string `json:"uniqueid"`
		} `json:"payment"`
		Payout struct {
			PaymentID string `json:"payment_id"`
			State     string `json:"state"`
		} `json:"payout"`
	}
	if err := json.Unmarshal(detail, &d); err != nil {
		return ""
	}
	text, reason := "", d.Charge.Reason
	switch {
	case d.Charge.Order.Number != "":
		text = fmt.Sprintf("%s, %s %s", d.Charge.Order.Number, d.Charge.Order.Amount, d.Charge.Order.Currency)
	case d.Subscription.ID != "":
		text, reason = d.Subscription.ID, d.Subscription.Reason
	case d.Payment.UniqueID != "":
		text = fmt.Sprintf("%s of payout %s", d.Payment.UniqueID, d.Payout.PaymentID)
	default:
		text = fmt.Sprintf("%s is %s", d.Payout.PaymentID, d.Payout.State)
	}
	if reason != nil {
		text += ": " + *reason
	}
	return text
}
