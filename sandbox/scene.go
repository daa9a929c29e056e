package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/go-json-experiment/json"

	"dinarfunctions/shared/charge"
)

// numbers are the order numbers of one run of the scene. The ledger remembers
// earlier runs, and a number that was used is used for good.
type numbers struct{ run int }

func (n numbers) of(what string) string { return fmt.Sprintf("%s-%d", what, n.run) }

// ofScene are the names by which a scene is known to have begun.
func ofScene(n numbers) []string { return []string{payoutOf(n).PaymentID, n.of("paid"), n.of("gold")} }

// greet says what this is.
func greet(out io.Writer, storePath string) {
	fmt.Fprintln(out, "Dinar Functions, in a sandbox: simulated providers, the functions' own handlers,")
	fmt.Fprintf(out, "a ledger in %s. No account, no network, no money.\n", storePath)
}

// play plays a scene and prints it. It is an error if anything comes out otherwise than
// the scene tells.
func (s *sandbox) play(ctx context.Context, out io.Writer) error {
	n, err := s.firstFree(ctx, ofScene)
	if err != nil {
		return err
	}
	set, err := s.store.Charges().Switch(ctx)
	if err != nil {
		return err
	}
	if set.Mode == charge.Stopped {
		return errors.New("charging is stopped in this ledger, so there is none: start without -once and -scene and set it to live, or take an empty ledger with -data")
	}
	greet(out, s.storePath)
	if n.run > 1 {
		fmt.Fprintf(out, "The ledger remembers %d earlier scene(s), so this one has new order numbers. They moved\n", n.run-1)
		fmt.Fprintf(out, "its clock, which does not go back: it is %s.\n", s.clock.Now().Format("2 January 2006"))
	}
	if err := s.playPayout(ctx, out, n); err != nil {
		return err
	}
	if err := s.playCharges(ctx, out, n); err != nil {
		return err
	}
	return s.playSubscription(ctx, out, n)
}

// call asks the sandbox's own API, over HTTP like anybody else. into may be nil.
func (s *sandbox) call(ctx context.Context, method, path string, body, into any) (status int, text []byte, err error) {
	var payload []byte
	if body != nil {
		if payload, err = json.Marshal(body); err != nil {
			return 0, nil, err
		}
	}
	r, err := http.NewRequestWithContext(ctx, method, s.apiURL+path, bytes.NewReader(payload))
	if err != nil {
		return 0, nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = response.Body.Close() }()
	if text, err = io.ReadAll(response.Body); err != nil {
		return 0, nil, err
	}
	if into != nil {
		if err := json.Unmarshal(text, into); err != nil {
			return 0, nil, fmt.Errorf("%s %s answered HTTP %d with what is not JSON: %w", method, path, response.StatusCode, err)
		}
	}
	return response.StatusCode, text, nil
}
