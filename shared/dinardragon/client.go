package dinardragon

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/go-json-experiment/json"

	"dinarfunctions/shared/secrets"
)

const (
	// maxAnswer is enough for some forty thousand payments. Lambda takes 6 MB of an
	// answer, and ours says more of each payment than the provider's.
	maxAnswer = 3 << 20
	// A call makes at most three tries, so that they and their pauses fit the 29
	// seconds of a function, and one that hangs leaves time for the others.
	maxTries        = 3
	defaultTryLimit = 7 * time.Second
	connectLimit    = 3 * time.Second
)

// Options of a Client. The zero Options are usable.
type Options struct {
	// TLS is for servers with a certificate of their own, in tests.
	TLS *tls.Config
	// Backoff makes the pauses between the tries of one call; nil: exponential
	// from 200 ms, with jitter.
	Backoff func() backoff.BackOff
	// TryLimit bounds one try; 0: 7 seconds. The caller's deadline bounds them
	// all.
	TryLimit time.Duration
}

// Client asks Dinar Dragon. It may be used by many goroutines.
type Client struct {
	url       string
	key       Key
	transport *http.Transport
	backoff   func() backoff.BackOff
	tryLimit  time.Duration
}

// New makes a client of the provider at base, such as https://dinardragon.com. A
// path in base is kept.
func New(base *url.URL, key Key, o Options) *Client {
	c := &Client{
		url:       base.JoinPath("status").String(),
		key:       key,
		transport: newTransport(o.TLS),
		backoff:   o.Backoff,
		tryLimit:  o.TryLimit,
	}
	if c.backoff == nil {
		c.backoff = func() backoff.BackOff {
			b := backoff.NewExponentialBackOff()
			b.InitialInterval = 200 * time.Millisecond
			b.Multiplier = 2
			return b
		}
	}
	if c.tryLimit <= 0 {
		c.tryLimit = defaultTryLimit
	}
	return c
}

// newTransport makes what the Client sends with: a transport by itself, because
// an http.Client would follow redirects, and without a proxy. Either would take
// the key to another host.
func newTransport(config *tls.Config) *http.Transport {
	if config == nil {
		config = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Transport{
		DialContext:            (&net.Dialer{Timeout: connectLimit}).DialContext,
		TLSHandshakeTimeout:    connectLimit,
		TLSClientConfig:        config.Clone(),
		Protocols:              protocols,
		DisableCompression:     true,
		MaxResponseHeaderBytes: 64 << 10,
		// Counted by the wall clock: a connection that Lambda froze for longer
		// than that is not used again.
		IdleConnTimeout: 30 * time.Second,
		// As many as ask side by side when watched payouts are looked at.
		MaxIdleConnsPerHost: 8,
	}
}

// PaymentStatus asks for one payment of a payout (Dinar Dragon, step 3:
// uniqueid). The error is an *Error, or wraps a *secrets.Error if there is no
// key.
func (c *Client) PaymentStatus(ctx context.Context, id PaymentID) (Payment, error) {
	payments, httpStatus, err := c.ask(ctx, "uniqueid", string(id))
	if err != nil {
		return Payment{}, err
	}
	for _, p := range payments {
		if p.UniqueID == string(id) {
			return p, nil
		}
	}
	return Payment{}, &Error{Kind: Unusable, HTTPStatus: httpStatus, Reason: "it is not about the payment that was asked for"}
}

// PayoutStatus asks for all payments of a payout (Dinar Dragon, step 3:
// payment_id), in the provider's order, each once. Without an error there is at
// least one. The error is an *Error, or wraps a *secrets.Error if there is no
// key.
func (c *Client) PayoutStatus(ctx context.Context, id PayoutID) ([]Payment, error) {
	payments, _, err := c.ask(ctx, "payment_id", string(id))
	return payments, err
}

// ask asks with the key in use and, if that is refused, once with a key that was
// read anew.
func (c *Client) ask(ctx context.Context, field, id string) (payments []Payment, httpStatus int, err error) {
	if err := checkID(field, id); err != nil {
		return nil, 0, err
	}
	body, err := json.Marshal(map[string]string{field: id})
	if err != nil {
		return nil, 0, fmt.Errorf("encode a request to Dinar Dragon: %w", err)
	}
	key, err := c.key.Get(ctx)
	if err != nil {
		return nil, 0, fmt.Errorf("private key for Dinar Dragon: %w", err)
	}
	payments, httpStatus, err = c.try(ctx, body, key)
	var refused *Error
	if !errors.As(err, &refused) || refused.Kind != KeyRefused {
		return payments, httpStatus, err
	}
	fresh, err := c.key.Refresh(ctx)
	if err != nil {
		refused.Reason, refused.Err = "and no newer one could be read: "+err.Error(), err
		return nil, 0, refused
	}
	return c.try(ctx, body, fresh, key)
}

// try asks until an answer counts, at most maxTries times. The refused keys are
// not sent, but they stay secret.
func (c *Client) try(ctx context.Context, body []byte, key secrets.Text, refused ...secrets.Text) (payments []Payment, httpStatus int, err error) {
	if key.IsZero() {
		return nil, 0, &Error{Kind: KeyRefused, Reason: "it is empty, and nothing was sent"}
	}
	var fault *Error
	_, err = backoff.Retry(ctx, func() (struct{}, error) {
		payments, httpStatus, fault = c.once(ctx, body, key)
		if fault == nil {
			return struct{}{}, nil
		}
		fault.clean(append(refused, key))
		if !fault.mayPass {
			return struct{}{}, backoff.Permanent(fault)
		}
		return struct{}{}, fault
	}, backoff.WithBackOff(c.backoff()), backoff.WithMaxTries(maxTries), backoff.WithMaxElapsedTime(0))
	if err != nil {
		// Not err: where the deadline cut a pause short, that would say nothing
		// about the provider.
		return nil, 0, fault
	}
	return payments, httpStatus, nil
}

// once sends one request and reads its answer. The error is not cleaned yet.
func (c *Client) once(ctx context.Context, body []byte, key secrets.Text) ([]Payment, int, *Error) {
	ctx, cancel := context.WithTimeout(ctx, c.tryLimit)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return nil, 0, &Error{Kind: Unreachable, Reason: "its address makes no request: " + err.Error()}
	}
	request.Header.Set("Authorization", key.Reveal())
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "dinar-functions")

	response, err := c.transport.RoundTrip(request)
	if err != nil {
		fault := &Error{Kind: Unreachable, Reason: c.url + ": " + err.Error(), mayPass: true}
		if ctx.Err() != nil {
			fault.Kind, fault.Err = TimedOut, ctx.Err()
		}
		return nil, 0, fault
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	payments, fault := read(response.StatusCode, answer)
	switch {
	case fault != nil && (fault.Kind == KeyRefused || fault.Kind == Unreachable):
		// The status says it all, also where the body is broken.
	case err != nil && ctx.Err() != nil:
		fault = &Error{Kind: TimedOut, HTTPStatus: response.StatusCode, Reason: "its answer had only begun", Err: ctx.Err(), mayPass: true}
	case err != nil:
		fault = &Error{Kind: Unusable, HTTPStatus: response.StatusCode, Reason: fmt.Sprintf("it broke off after %d bytes", len(answer)), mayPass: true}
	case len(answer) > maxAnswer:
		fault = &Error{Kind: Unusable, HTTPStatus: response.StatusCode, Reason: fmt.Sprintf("it has more than %d MiB", maxAnswer>>20)}
	}
	if fault == nil {
		return payments, response.StatusCode, nil
	}
	fault.mayPass = fault.mayPass || passes(response.StatusCode)
	return nil, 0, fault
}
