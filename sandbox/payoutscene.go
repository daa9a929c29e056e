package main

import (
	"context"
	"fmt"
	"io"
	"net/http"

	simdinardragon "dinarfunctions/sandbox/provider/dinardragon"
)

// payout is one of three payments in three states.
var payout = simdinardragon.Payout{
	PaymentID: "1617fcccd1f3269c",
	Payments: []simdinardragon.Payment{
		{UniqueID: "df9a31ea528a3977", Status: simdinardragon.Successful},
		{UniqueID: "0b54c2e9a1d8f36e", Status: simdinardragon.Processing},
		{UniqueID: "c7718d02be49a5f3", Status: simdinardragon.Failed},
	},
}

func (s *sandbox) playPayout(ctx context.Context, out io.Writer) error {
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
	fmt.Fprint(out, "\n   final: false, so it is worth asking again.\n")
	return nil
}
