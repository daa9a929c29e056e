package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	simdinardragon "dinarfunctions/sandbox/provider/dinardragon"
)

// payoutOf is a payout of three payments in three states. The ledger remembers the
// payouts of earlier runs, so each run has its own.
func payoutOf(n numbers) simdinardragon.Payout {
	id := func(beginning string, end int) string { return fmt.Sprintf("%s%04x", beginning, (end+n.run-1)%0x10000) }
	return simdinardragon.Payout{
		PaymentID: id("1617fcccd1f3", 0x269c),
		Payments: []simdinardragon.Payment{
			{UniqueID: id("df9a31ea528a", 0x3977), Status: simdinardragon.Successful},
			{UniqueID: id("0b54c2e9a1d8", 0xf36e), Status: simdinardragon.Processing},
			{UniqueID: id("c7718d02be49", 0xa5f3), Status: simdinardragon.Failed},
		},
	}
}

func (s *sandbox) playPayout(ctx context.Context, out io.Writer, n numbers) error {
	payout := payoutOf(n)
	if err := s.dinarDragon.Put(payout); err != nil {
		return err
	}
	request := map[string]any{"payment_id": payout.PaymentID}
	var answer struct {
		Payments []struct {
			ID    string `json:"uniqueid"`
			State string `json:"state"`
		} `json:"payments"`
		Final bool `json:"final"`
	}
	status, _, err := s.call(ctx, http.MethodPost, "/payouts/status", request, &answer)
	if err != nil {
		return err
	}
	var states []string
	for _, p := range answer.Payments {
		states = append(states, p.State)
	}
	if got := fmt.Sprint(status, states, answer.Final); got != "200 [successful processing failed] false" {
		return fmt.Errorf("POST /payouts/status answered %s", got)
	}
	fmt.Fprintf(out, "\n1. What became of a payout?                  POST /payouts/status {\"payment_id\": %q}\n\n", payout.PaymentID)
	means := map[string]string{
		"successful": "the money has arrived",
		"processing": "on its way, within 15 minutes",
		"failed":     "refunded to the dashboard balance",
	}
	for _, p := range answer.Payments {
		fmt.Fprintf(out, "   %-18s %-12s %s\n", p.ID, p.State, means[p.State])
	}
	fmt.Fprintf(out, "\n   final: false, so it is watched until it is.   PUT /payouts/%s\n\n", payout.PaymentID)
	return s.playWatch(ctx, out, payout)
}

// playWatch watches a payout until it is final. Minutes pass on the sandbox's clock.
func (s *sandbox) playWatch(ctx context.Context, out io.Writer, payout simdinardragon.Payout) error {
	const pace = 5 // minutes
	late := payout.Payments[1].UniqueID
	for i, want := range []string{"201 processing, looked at 0 times", "200 processing, looked at 3 times", "200 partly_failed, looked at 4 times"} {
		method, note := http.MethodGet, ""
		switch i {
		case 0:
			method = http.MethodPut
		case 2:
			if err := s.dinarDragon.SetStatus(late, simdinardragon.Successful); err != nil {
				return err
			}
			note = ": " + late + " has arrived"
		}
		if i > 0 {
			if _, err := s.move(ctx, func(now time.Time) time.Time { return now.Add(pace * time.Minute) }); err != nil {
				return err
			}
		}
		var watched struct {
			State  string `json:"state"`
			Checks int    `json:"checks"`
		}
		status, _, err := s.call(ctx, method, "/payouts/"+payout.PaymentID, nil, &watched)
		if err != nil {
			return err
		}
		got := fmt.Sprintf("%d %s, looked at %d times", status, watched.State, watched.Checks)
		if got != want {
			return fmt.Errorf("/payouts/%s after %d minutes: wanted %s, got %s", payout.PaymentID, i*pace, want, got)
		}
		fmt.Fprintf(out, "   after %2d minutes   %-15s looked at %d times%s\n", i*pace, watched.State, watched.Checks, note)
	}
	return nil
}
