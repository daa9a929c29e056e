package dineropay

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/go-json-experiment/json"

	"dinarfunctions/shared/charge"
	"dinarfunctions/shared/hidden"
)

// DefaultRecurringPath is where a charge is sent. The provider's page spells it
// with a Cyrillic letter; the platform's protocol and everyone who calls it use
// this ASCII path (docs/decisions/0004-the-ascii-path.md).
const DefaultRecurringPath = "/api/v1/payment/recurring"

const statusPath = "/api/v1/payment/status"

const (
	// maxAnswer bounds an answer. A real one has less than a kilobyte.
	maxAnswer      = 1 << 20
	connectTimeout = 5 * time.Second
	// oneStatusTry keeps one hung status request from using up the time for all.
	oneStatusTry   = 5 * time.Second
	maxStatusTries = 3
)

// Options are what a Client needs besides the provider's address and the keys.
type Options struct {
	// RecurringPath is the path of a charge; DefaultRecurringPath if nil. Its
	// host is ignored.
	RecurringPath *url.URL
	// TLS is for servers with a certificate of their own, in tests; nil otherwise.
	TLS *tls.Config
	// Backoff makes the pauses between tries of a status request; nil for an
	// exponential one with jitter. A charge is never tried twice.
	Backoff func() backoff.BackOff
	// Log takes the alarm of a refused key; nil for slog's default.
	Log *slog.Logger
}

// Client speaks to DineroPay. It implements charge.Provider and is safe for
// concurrent use.
type Client struct {
	chargeURL string
	statusURL string
	keys      Keys
	charges   *http.Client
	statuses  *http.Client
	backoff   func() backoff.BackOff
	log       *slog.Logger
	now       func() time.Time // what lastWrite is held against
}

var _ charge.Provider = (*Client)(nil)

// New returns a client of the provider at base, such as
// https://checkout.dineropay.com.
func New(base *url.URL, keys Keys, o Options) *Client {
	path := o.RecurringPath
	if path == nil {
		path = &url.URL{Path: DefaultRecurringPath}
	}
	if o.Backoff == nil {
		o.Backoff = func() backoff.BackOff {
			b := backoff.NewExponentialBackOff()
			b.InitialInterval = 200 * time.Millisecond
			return b
		}
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	// The path is taken as a path whatever its letters: JoinPath escapes it.
	return &Client{
		chargeURL: base.JoinPath(path.EscapedPath()).String(),
		statusURL: base.JoinPath(statusPath).String(),
		keys:      keys,
		charges:   httpClient(o.TLS, true),
		statuses:  httpClient(o.TLS, false),
		backoff:   o.Backoff,
		log:       o.Log,
		now:       time.Now,
	}
}

// httpClient follows no redirect (it would send the body, and so the token, to
// wherever it is told), uses no proxy and speaks HTTP/1.1 alone, whose rules on
// sending again are known.
//
// A charge always goes over a connection of its own. Lambda freezes a function
// between invocations, and a kept connection that died meanwhile takes the
// request and gives no answer: the charge would be unknown although nobody
// charged anything. Resumed TLS sessions make new connections cheap.
func httpClient(config *tls.Config, newConnections bool) *http.Client {
	if config == nil {
		config = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	config = config.Clone()
	config.ClientSessionCache = tls.NewLRUClientSessionCache(4)
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Client{
		Transport: &http.Transport{
			DialContext:            dial,
			TLSHandshakeTimeout:    connectTimeout,
			TLSClientConfig:        config,
			Protocols:              protocols,
			DisableKeepAlives:      newConnections,
			DisableCompression:     true,
			MaxResponseHeaderBytes: 64 << 10,
			IdleConnTimeout:        30 * time.Second,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// lastWrite is a context's key. The value, a writeLimit, says until when bytes may be
// written.
type lastWrite struct{}

// writeLimit is a time after which nothing is written, and the clock that tells it.
type writeLimit struct {
	until time.Time
	now   func() time.Time
}

// dial connects to the provider. Nothing is written after the time that the
// context names, by the wall clock: a process that was stopped between connecting
// and writing, and goes on minutes later, must not charge then.
func dial(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := (&net.Dialer{Timeout: connectTimeout}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if limit, limited := ctx.Value(lastWrite{}).(writeLimit); limited {
		return limitedConn{c, limit}, nil
	}
	return c, nil
}

// limitedConn is a connection that takes no bytes after a time.
type limitedConn struct {
	net.Conn
	limit writeLimit
}

var errTooLate = errors.New("the time for this request is over")

func (c limitedConn) Write(p []byte) (int, error) {
	if c.limit.now().Round(0).After(c.limit.until) {
		return 0, errTooLate
	}
	return c.Conn.Write(p)
}

// Ready reports whether the credentials can be had. It sends nothing to the
// provider. Its error is that of Keys.Get.
func (c *Client) Ready(ctx context.Context) error {
	_, err := c.keys.Get(ctx)
	return err
}

// RefreshKey reads the credentials anew, after the provider refused them.
func (c *Client) RefreshKey(ctx context.Context) error {
	_, err := c.keys.Refresh(ctx)
	return err
}

// Charge sends one charge request (DineroPay, recurring) and reads its answer by
// the contract's table. It never sends a second one, whatever happens. If no
// connection came about, no byte can have left and the charge is Unsent; from
// then on everything that is not a clear answer is Unknown.
func (c *Client) Charge(ctx context.Context, t charge.Terms) charge.Answer {
	keys, err := c.keys.Get(ctx)
	if err != nil {
		return unsent("the merchant's keys cannot be had: " + err.Error())
	}
	hash := signCharge(t, keys.Password)
	body, err := json.Marshal(chargeRequest{
		MerchantKey: keys.MerchantKey.Reveal(),
		InitTransID: t.InitTransID,
		Token:       t.Token.Reveal(),
		ScheduleID:  t.ScheduleID,
		Hash:        hash,
		Order: orderRequest{
			Number:      t.Order.Number,
			Amount:      t.Order.Amount.String(),
			Currency:    t.Order.Amount.Currency(),
			Description: t.Order.Description,
		},
	})
	if err != nil {
		return unsent("the request cannot be written")
	}
	if end, limited := ctx.Deadline(); limited {
		ctx = context.WithValue(ctx, lastWrite{}, writeLimit{end.Round(0), c.now})
	}
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		// The connection stands, TLS included, and the request is about to be written.
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	})
	status, answer, err := post(ctx, c.charges, c.chargeURL, body)
	redact := newRedactor(charge.TokenEnd(t.Token), t.Token, keys.MerchantKey, keys.Password, hidden.New(hash))
	switch {
	case err != nil && !connected.Load():
		return redact.answer(unsent("no connection to the provider: " + cause(err)))
	case err != nil:
		return redact.answer(unknown("the request may have been read, but no whole answer came: " + cause(err)))
	default:
		return redact.answer(readCharge(t.Order, status, answer))
	}
}

// Status asks what became of a charge, by its payment_id where there is one and
// by its order number otherwise. It moves no money, so it is asked again when no
// usable answer came, within the context's time. Credentials that are refused
// are read anew, once, and it is asked with those. A query with Once is made once with
// each of the two.
func (c *Client) Status(ctx context.Context, q charge.Query) charge.StatusAnswer {
	keys, err := c.keys.Get(ctx)
	if err != nil {
		return notAsked("the merchant's keys cannot be had: " + err.Error())
	}
	answer, refused := c.askStatus(ctx, q, keys)
	if !refused {
		return answer
	}
	if keys, err = c.keys.Refresh(ctx); err != nil {
		return notAsked(answer.Reason + "; fresh keys cannot be had: " + err.Error())
	}
	answer, refused = c.askStatus(ctx, q, keys)
	if refused {
		c.log.ErrorContext(ctx, "the provider refuses the merchant's key or signature",
			"alarm", "key_refused", "order_number", q.Order.Number, "reason", answer.Reason)
		answer.KeyRefused = true
	}
	return answer
}

// askStatus asks with given credentials, and reports whether it was those that
// were refused.
func (c *Client) askStatus(ctx context.Context, q charge.Query, keys Credentials) (answer charge.StatusAnswer, refused bool) {
	request := statusRequest{MerchantKey: keys.MerchantKey.Reveal(), PaymentID: q.PaymentID}
	id := q.PaymentID
	if id == "" {
		request.OrderID = q.Order.Number
		id = q.Order.Number
	}
	request.Hash = signStatus(id, keys.Password)
	body, err := json.Marshal(request)
	if err != nil {
		return notAsked("the request cannot be written"), false
	}
	var said []string // the tokens that the answer itself shows
	tries := uint(maxStatusTries)
	if q.Once {
		tries = 1
	}

	again := errors.New("ask again")
	// Whatever Retry ends with, answer holds what the last try came to.
	_, _ = backoff.Retry(ctx, func() (struct{}, error) {
		try, cancel := context.WithTimeout(ctx, oneStatusTry)
		defer cancel()
		status, text, err := post(try, c.statuses, c.statusURL, body)
		if err != nil {
			answer = notAsked("no answer to the status request: " + cause(err))
			return struct{}{}, again
		}
		answer, refused, said = readStatus(q, status, text), keyRefused(status, text), tokensIn(text)
		if status == http.StatusTooManyRequests || status >= http.StatusInternalServerError {
			return struct{}{}, again
		}
		return struct{}{}, nil
	}, backoff.WithBackOff(c.backoff()), backoff.WithMaxTries(tries), backoff.WithMaxElapsedTime(0))
	secrets := []hidden.Text{keys.MerchantKey, keys.Password, hidden.New(request.Hash), q.Token}
	for _, token := range said {
		secrets = append(secrets, hidden.New(token))
	}
	redact := newRedactor(cmp.Or(q.TokenEnd, charge.TokenEnd(q.Token)), secrets...)
	answer.Reason = redact.text(answer.Reason, maxReason)
	answer.Answer = redact.answer(answer.Answer)
	return answer, refused
}

// keyRefused reports whether an answer to a status request refuses the merchant's
// key or signature.
func keyRefused(status int, body []byte) bool {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return true
	case http.StatusBadRequest, http.StatusNotFound:
		f, err := parseFailure(body)
		return err == nil && f.blamesKey()
	default:
		return false
	}
}

// post sends one request and reads its whole answer. An error means that there
// was none.
func post(ctx context.Context, client *http.Client, target string, body []byte) (status int, answer []byte, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	// Without GetBody net/http cannot send the body a second time by itself.
	request.GetBody = nil
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "application/json")
	response, err := client.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err = io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err != nil {
		return 0, nil, fmt.Errorf("HTTP %d, but the answer was cut: %w", response.StatusCode, err)
	}
	if len(answer) > maxAnswer {
		return 0, nil, fmt.Errorf("HTTP %d, but the answer is longer than %d bytes", response.StatusCode, maxAnswer)
	}
	return response.StatusCode, answer, nil
}

// cause is an HTTP error without the URL around it, which every reader knows.
func cause(err error) string {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		if wrapped.Timeout() {
			return "it took too long"
		}
		err = wrapped.Err
	}
	return err.Error()
}

func unsent(why string) charge.Answer { return charge.Answer{State: charge.Unsent, Reason: why} }
