package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/go-json-experiment/json"
)

// numbers are the order numbers of one run of the scene. The ledger remembers
// earlier runs, and a number that was used is used for good.
type numbers struct{ run int }

func (n numbers) of(what string) string { return fmt.Sprintf("%s-%d", what, n.run) }

// play plays the first scene and prints it. It is an error if anything comes out
// otherwise than the scene tells.
func (s *sandbox) play(ctx context.Context, out io.Writer) (numbers, error) {
	n, err := s.unused(ctx)
	if err != nil {
		return n, err
	}
	fmt.Fprintln(out, "Dinar Functions, in a sandbox: simulated providers, the functions' own handlers,")
	fmt.Fprintf(out, "a ledger in %s. No account, no network, no money.\n", s.storePath)
	if n.run > 1 {
		fmt.Fprintf(out, "The ledger remembers %d earlier scene(s), so this one has new order numbers. They moved\n", n.run-1)
		fmt.Fprintf(out, "its clock, which does not go back: it is %s.\n", s.clock.Now().Format("2 January 2006"))
	}
	if err := s.playPayout(ctx, out, n); err != nil {
		return n, err
	}
	if err := s.playCharges(ctx, out, n); err != nil {
		return n, err
	}
	return n, s.playSubscription(ctx, out, n)
}

// unused finds the first run whose order numbers are free.
func (s *sandbox) unused(ctx context.Context) (numbers, error) {
	for n := (numbers{run: 1}); ; n.run++ {
		status, _, err := s.call(ctx, http.MethodGet, "/charges/"+n.of("paid"), nil, nil)
		if err != nil || status == http.StatusNotFound {
			return n, err
		}
		if status != http.StatusOK {
			return n, fmt.Errorf("GET /charges/%s answered HTTP %d", n.of("paid"), status)
		}
	}
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
