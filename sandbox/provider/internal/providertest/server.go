// Package providertest runs a simulator behind a real HTTP server, for the
// simulators' own tests.
package providertest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"
)

// Server is a simulator behind a server, with a client that follows no redirects.
type Server struct {
	URL    string
	Client *http.Client

	arrived chan struct{} // a request has been read to its end
	ended   chan struct{} // its handler has returned
}

// Start serves a simulator until the test ends.
func Start(t *testing.T, simulator http.Handler) *Server {
	t.Helper()
	s := &Server{arrived: make(chan struct{}, 1000), ended: make(chan struct{}, 1000)}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() { s.ended <- struct{}{} }()
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		s.arrived <- struct{}{}
		simulator.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	s.URL = server.URL
	s.Client = server.Client()
	s.Client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return s
}

// Reply is what came back.
type Reply struct {
	Status int
	Header http.Header
	Body   string
}

// Request makes a request with JSON headers. A body that is not a text is written
// as JSON; nil is none.
func (s *Server) Request(ctx context.Context, method, path string, body any) (*http.Request, error) {
	content, ok := body.(string)
	if !ok && body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		content = string(encoded)
	}
	r, err := http.NewRequestWithContext(ctx, method, s.URL+path, strings.NewReader(content))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json")
	return r, nil
}

// Do sends a request and waits until the server is done with it too, so that what
// it counted can be read. With an error, the reply holds what came until then.
func (s *Server) Do(r *http.Request) (Reply, error) {
	defer func() { <-s.arrived; <-s.ended }()
	response, err := s.Client.Do(r) //nolint:gosec // the test's own server
	if err != nil {
		return Reply{}, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	return Reply{response.StatusCode, response.Header, string(body)}, err
}

// Abandon sends a request, gives up as soon as the server has read it, and waits
// until the server is done with it.
func (s *Server) Abandon(t *testing.T, r *http.Request) {
	t.Helper()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	var err error
	var wait sync.WaitGroup
	wait.Go(func() {
		var response *http.Response
		if response, err = s.Client.Do(r.WithContext(ctx)); err == nil { //nolint:gosec // the test's own server
			_ = response.Body.Close()
		}
	})
	<-s.arrived
	cancel()
	wait.Wait()
	require.ErrorIs(t, err, context.Canceled)
	<-s.ended
}

// IsCut tells whether an error is that of a connection that was closed early.
func IsCut(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}
