package dineropay

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/charge"
)

// The provider's page spells the path with a Cyrillic letter that looks the same.
func TestDefaultRecurringPathIsASCII(t *testing.T) {
	t.Parallel()
	require.Equal(t, "/api/v1/payment/recurring", DefaultRecurringPath)
	for _, path := range []string{DefaultRecurringPath, statusPath} {
		for i := range len(path) {
			require.Less(t, path[i], byte(0x80), "byte %d of %s", i, path)
		}
	}
}

func TestPaths(t *testing.T) {
	t.Parallel()
	path := func(text string) *url.URL {
		u, err := url.Parse(text)
		require.NoError(t, err)
		return u
	}
	for _, tt := range []struct {
		name, base     string
		recurring      *url.URL
		charge, status string
	}{
		{"default", "", nil, "/api/v1/payment/recurring", "/api/v1/payment/status"},
		{"base with a slash", "/", nil, "/api/v1/payment/recurring", "/api/v1/payment/status"},
		{"base path", "/gateway/v2", nil, "/gateway/v2/api/v1/payment/recurring", "/gateway/v2/api/v1/payment/status"},
		{"base path with a slash", "/gateway/", nil, "/gateway/api/v1/payment/recurring", "/gateway/api/v1/payment/status"},
		{"base path with an escape", "/a%2Fb", nil, "/a%2Fb/api/v1/payment/recurring", "/a%2Fb/api/v1/payment/status"},
		{"another path", "", path("/v2/charge"), "/v2/charge", "/api/v1/payment/status"},
		{"another path with a slash", "", path("/v2/charge/"), "/v2/charge/", "/api/v1/payment/status"},
		{"the provider's Cyrillic path", "", path("/api/v1/payment/re\u0441urring"), "/api/v1/payment/re%D1%81urring", "/api/v1/payment/status"},
		{"the same, escaped already", "", path("/api/v1/payment/re%D1%81urring"), "/api/v1/payment/re%D1%81urring", "/api/v1/payment/status"},
		{"the same, below a base path", "/gateway", path("/re\u0441urring"), "/gateway/re%D1%81urring", "/gateway/api/v1/payment/status"},
		{"a blank and a question mark", "", path("/a%20b%3Fc"), "/a%20b%3Fc", "/api/v1/payment/status"},
		{"a percent sign", "", path("/a%2541"), "/a%2541", "/api/v1/payment/status"},
		{"another host is ignored", "", path("https://elsewhere.example/v2/charge"), "/v2/charge", "/api/v1/payment/status"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := newProvider(t, reply(http.StatusNotFound, ""))
			c := newClient(t, p.URL+tt.base, theKeys(), Options{RecurringPath: tt.recurring})
			c.Charge(t.Context(), theTerms(t))
			c.Status(t.Context(), charge.Query{Order: theTerms(t).Order})
			require.Len(t, p.received(), 2)
			require.Equal(t, tt.charge, p.received()[0].uri)
			require.Equal(t, tt.status, p.received()[1].uri)
		})
	}
}

// DineroPay, recurring: the very bytes.
func TestChargeRequestBytes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		change func(*Request)
		body   string
	}{
		{"without a schedule", func(*Request) {},
			`{"merchant_key":"c0a1e6d2-merchant","recurring_init_trans_id":"dc66cdd8-d702-11ea-9a2f-0242c0a87002",` +
				`"recurring_token":"9a2f-0242c0a87002","hash":"9ae2a0f0dc2563d27fae12ac2a2c907d3b272d42",` +
				`"order":{"number":"order-1234","amount":"1.00","currency":"SAR","description":"gift"}}`},
		{"with a schedule", func(r *Request) { r.ScheduleID = "57fddecf-17b9-4d38-9320-a670f0c29ec0" },
			`{"merchant_key":"c0a1e6d2-merchant","recurring_init_trans_id":"dc66cdd8-d702-11ea-9a2f-0242c0a87002",` +
				`"recurring_token":"9a2f-0242c0a87002","schedule_id":"57fddecf-17b9-4d38-9320-a670f0c29ec0",` +
				`"hash":"9ae2a0f0dc2563d27fae12ac2a2c907d3b272d42",` +
				`"order":{"number":"order-1234","amount":"1.00","currency":"SAR","description":"gift"}}`},
		{"an amount with fewer decimals", func(r *Request) { r.Amount = "1" },
			`{"merchant_key":"c0a1e6d2-merchant","recurring_init_trans_id":"dc66cdd8-d702-11ea-9a2f-0242c0a87002",` +
				`"recurring_token":"9a2f-0242c0a87002","hash":"9ae2a0f0dc2563d27fae12ac2a2c907d3b272d42",` +
				`"order":{"number":"order-1234","amount":"1.00","currency":"SAR","description":"gift"}}`},
		{"text that is not ASCII goes out as it is", func(r *Request) { r.Description = `هدية <b>&"\` },
			`{"merchant_key":"c0a1e6d2-merchant","recurring_init_trans_id":"dc66cdd8-d702-11ea-9a2f-0242c0a87002",` +
				`"recurring_token":"9a2f-0242c0a87002","hash":"242f79bb72b9c9af3ac9ec33b77d9c9f9d5e5b25",` +
				`"order":{"number":"order-1234","amount":"1.00","currency":"SAR","description":"هدية <b>&\"\\"}}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := theRequest()
			tt.change(&r)
			p := newProvider(t, reply(http.StatusOK, about("settled", theOrder)))
			got := p.client(t, theKeys()).Charge(t.Context(), termsOf(t, r))
			require.Equal(t, settled, got)
			require.Len(t, p.received(), 1)
			requireRequest(t, p.received()[0], DefaultRecurringPath, tt.body)
		})
	}
}

// requireRequest checks a request to the last byte. No header in it may make
// net/http send a POST again by itself, or hold a key.
func requireRequest(t testing.TB, got received, uri, body string) {
	t.Helper()
	require.Equal(t, http.MethodPost, got.method)
	require.Equal(t, uri, got.uri)
	require.Equal(t, body, got.body)
	require.Equal(t, "application/json", got.header.Get("Content-Type"))
	require.Equal(t, "application/json", got.header.Get("Accept"))
	require.Equal(t, strconv.Itoa(len(body)), got.header.Get("Content-Length"))
	got.header.Del("Connection") // a charge has one, a status request none
	require.Equal(t, []string{"Accept", "Content-Length", "Content-Type", "User-Agent"},
		slices.Sorted(maps.Keys(got.header)))
}

// A kept connection may be dead after Lambda has thawed the function.
func TestEachChargeHasItsOwnConnection(t *testing.T) {
	t.Parallel()
	var opened atomic.Int32
	p := newUnstartedProvider(reply(http.StatusOK, about("settled", theOrder)))
	p.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	p.Start()
	t.Cleanup(p.Close)
	c := p.client(t, theKeys())
	for range 3 {
		require.Equal(t, charge.Settled, c.Charge(t.Context(), theTerms(t)).State)
	}
	require.EqualValues(t, 3, opened.Load())
	require.Len(t, p.received(), 3)
	for _, r := range p.received() {
		require.Equal(t, "close", r.header.Get("Connection"))
	}
}

func TestAClientServesManyCallersAtOnce(t *testing.T) {
	t.Parallel()
	const callers = 20
	p := newProvider(t, nil)
	p.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, number, _ := strings.Cut(string(body), `"number":"`)
		number, _, _ = strings.Cut(number, `"`)
		reply(http.StatusOK, about("settled", fmt.Sprintf(`{"number":%q}`, number)))(w, r)
	})
	c := p.client(t, theKeys())
	var all sync.WaitGroup
	states := make([]charge.State, callers)
	for i := range callers {
		all.Go(func() {
			r := theRequest()
			r.Number = fmt.Sprintf("order-%d", i)
			terms, err := NewTerms(r)
			if err == nil {
				states[i] = c.Charge(t.Context(), terms).State
			}
		})
	}
	all.Wait()
	require.Equal(t, slices.Repeat([]charge.State{charge.Settled}, callers), states)
}

// The request arrived, and what came back is no whole answer: it may have been
// charged. No such end makes the client send it again.
func TestAnAnswerThatIsNotWholeIsUnknown(t *testing.T) {
	t.Parallel()
	whole := about("settled", theOrder)
	padded := func(length int) string {
		rest := fmt.Sprintf(`{"status":"settled","payment_id":%q,"date":%q,"order":%s,"x":""}`, thePaymentID, theDate, theOrder)
		return strings.TrimSuffix(rest, `"}`) + strings.Repeat("x", length-len(rest)) + `"}`
	}
	for _, tt := range []struct {
		name   string
		answer http.HandlerFunc
		want   charge.Answer
		reason string
	}{
		{"cut after the request was read", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, isUnknown, "no whole answer"},
		{"reset after the request was read", reset, isUnknown, "no whole answer"},
		{"half a status line", raw(t, "HTTP/1.1 2"), isUnknown, "no whole answer"},
		{"half a header", raw(t, "HTTP/1.1 200 OK\r\nContent-Le"), isUnknown, "no whole answer"},
		{"header without a body", raw(t, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"), isUnknown, "cut"},
		{"half a body", raw(t, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"+whole[:40]), isUnknown, "cut"},
		{"one byte less than announced", raw(t, fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(whole)+1, whole)), isUnknown, "cut"},
		{"one chunk without the last", raw(t, fmt.Sprintf("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", len(whole), whole)), isUnknown, "cut"},
		{"half a body of unknown length", raw(t, "HTTP/1.1 200 OK\r\n\r\n"+whole[:40]), isUnknown, "cannot be read"},
		{"half a refusal", raw(t, "HTTP/1.1 401 Unauthorized\r\nContent-Length: 100\r\n\r\n{}"), isUnknown, "cut"},
		{"half a rejection", raw(t, "HTTP/1.1 404 Not Found\r\nContent-Length: 100\r\n\r\n{}"), isUnknown, "cut"},
		{"half an error form", raw(t, "HTTP/1.1 400 Bad Request\r\nContent-Length: 100\r\n\r\n{\"error_code\":1}"), isUnknown, "cut"},
		{"not HTTP", raw(t, "SSH-2.0-OpenSSH_9.6\r\n"), isUnknown, "no whole answer"},
		{"a header that never ends", raw(t, "HTTP/1.1 200 OK\r\nX: "+strings.Repeat("x", 1<<17)), isUnknown, "no whole answer"},
		{"two lengths", raw(t, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}"), isUnknown, "no whole answer"},
		{"compressed without being asked", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			reply(http.StatusOK, "\x1f\x8b\x08")(w, r)
		}, isUnknown, "cannot be read"},
		{"one byte longer than any", reply(http.StatusOK, padded(maxAnswer+1)), isUnknown, "longer than"},
		{"a rejection longer than any", reply(http.StatusNotFound, strings.Repeat("x", maxAnswer+1)), isUnknown, "longer than"},
		{"as long as any", reply(http.StatusOK, padded(maxAnswer)), settled, ""},
		{"of unknown length but whole", raw(t, "HTTP/1.1 200 OK\r\n\r\n"+whole), settled, ""},
		{"after an early hint", raw(t, "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"+whole), settled, ""},
		{"as HTTP/1.0", raw(t, "HTTP/1.0 200 OK\r\n\r\n"+whole), settled, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := newProvider(t, tt.answer)
			got := p.client(t, theKeys()).Charge(t.Context(), theTerms(t))
			p.Close()
			require.Len(t, p.received(), 1, "one charge request and no more")
			require.Contains(t, got.Reason, tt.reason)
			got.Reason = ""
			require.Equal(t, tt.want, got)
		})
	}
}

// reset ends the connection in the hard way.
func reset(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

func TestADeadlineThatPassesWhileTheProviderWorksIsUnknown(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]func(http.ResponseWriter){
		"before the answer": func(http.ResponseWriter) {},
		"within the answer": func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, `{"status":"settled",`)
			_ = http.NewResponseController(w).Flush()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := newDeadline()
			p := newProvider(t, func(w http.ResponseWriter, r *http.Request) {
				begin(w)
				ctx.pass()
				<-r.Context().Done() // until the client is gone
			})
			got := p.client(t, theKeys()).Charge(ctx, theTerms(t))
			p.Close()
			require.Len(t, p.received(), 1)
			require.Equal(t, charge.Unknown, got.State, got.Reason)
			require.False(t, got.KeyRefused)
		})
	}
}

// A redirect would take the body, and so the token, to wherever it says.
func TestARedirectIsNeverFollowed(t *testing.T) {
	t.Parallel()
	for _, status := range []int{300, 301, 302, 303, 307, 308} {
		for _, where := range []string{"elsewhere", "the same server", "a relative path", "nowhere", "no address"} {
			t.Run(fmt.Sprintf("%d to %s", status, where), func(t *testing.T) {
				t.Parallel()
				elsewhere := newProvider(t, reply(http.StatusOK, about("settled", theOrder)))
				p := newProvider(t, func(w http.ResponseWriter, r *http.Request) {
					switch where {
					case "elsewhere":
						w.Header().Set("Location", elsewhere.URL+r.URL.Path)
					case "the same server":
						w.Header().Set("Location", "http://"+r.Host+"/again")
					case "a relative path":
						w.Header().Set("Location", "again")
					case "no address":
						w.Header().Set("Location", "http://%zz/")
					}
					reply(status, about("settled", theOrder))(w, r)
				})
				c := p.client(t, theKeys())

				got := c.Charge(t.Context(), theTerms(t))
				require.Equal(t, charge.Unknown, got.State, got.Reason)
				p.CloseClientConnections()
				require.Len(t, p.received(), 1, "one charge request and no more")

				asked := c.Status(t.Context(), charge.Query{Order: theTerms(t).Order})
				require.Equal(t, charge.NotAsked, asked.Knowledge, asked.Reason)
				for _, r := range p.received() {
					require.NotContains(t, r.uri, "again")
				}
				require.Empty(t, elsewhere.received(), "nothing goes where a redirect points")
			})
		}
	}
}

// No connection came about, so no byte of the request can have left.
func TestWithoutAConnectionNothingIsSent(t *testing.T) {
	t.Parallel()
	settle := reply(http.StatusOK, about("settled", theOrder))

	t.Run("DNS failure", func(t *testing.T) {
		t.Parallel()
		// No name may hold two points in a row, so no resolver is asked.
		got := newClient(t, "http://no..such..host", theKeys(), Options{}).Charge(t.Context(), theTerms(t))
		requireUnsent(t, got)
	})
	t.Run("connection refused", func(t *testing.T) {
		t.Parallel()
		closed := httptest.NewServer(settle)
		closed.Close()
		got := newClient(t, closed.URL, theKeys(), Options{}).Charge(t.Context(), theTerms(t))
		requireUnsent(t, got)
	})
	t.Run("no TLS there", func(t *testing.T) {
		t.Parallel()
		p := newProvider(t, settle)
		got := newClient(t, "https"+strings.TrimPrefix(p.URL, "http"), theKeys(), Options{}).Charge(t.Context(), theTerms(t))
		requireUnsent(t, got)
		require.Empty(t, p.received())
	})
	t.Run("untrusted certificate", func(t *testing.T) {
		t.Parallel()
		p := newTLSProvider(t, settle, nil)
		got := newClient(t, p.URL, theKeys(), Options{}).Charge(t.Context(), theTerms(t))
		requireUnsent(t, got)
		require.Empty(t, p.received())
	})
	t.Run("certificate of another host", func(t *testing.T) {
		t.Parallel()
		p := newTLSProvider(t, settle, nil)
		trusting := trust(p)
		trusting.ServerName = "checkout.dineropay.com"
		got := newClient(t, p.URL, theKeys(), Options{TLS: trusting}).Charge(t.Context(), theTerms(t))
		requireUnsent(t, got)
		require.Empty(t, p.received())
	})
	t.Run("a TLS that is too old", func(t *testing.T) {
		t.Parallel()
		p := newTLSProvider(t, settle, &tls.Config{MaxVersion: tls.VersionTLS11})
		got := newClient(t, p.URL, theKeys(), Options{TLS: trust(p)}).Charge(t.Context(), theTerms(t))
		requireUnsent(t, got)
		require.Empty(t, p.received())
	})
	t.Run("cut within the TLS handshake", func(t *testing.T) {
		t.Parallel()
		l := listen(t, func(conn net.Conn) { readSome(conn) })
		got := newClient(t, "https://"+l.address(), theKeys(), Options{}).Charge(t.Context(), theTerms(t))
		requireUnsent(t, got)
		require.Equal(t, 1, l.connections(t))
	})
	t.Run("deadline within the TLS handshake", func(t *testing.T) {
		t.Parallel()
		ctx := newDeadline()
		l := listen(t, func(conn net.Conn) {
			readSome(conn)
			ctx.pass()
			_, _ = io.Copy(io.Discard, conn) // until the client is gone
		})
		got := newClient(t, "https://"+l.address(), theKeys(), Options{}).Charge(ctx, theTerms(t))
		requireUnsent(t, got)
		require.Equal(t, 1, l.connections(t))
	})
	t.Run("deadline before the call", func(t *testing.T) {
		t.Parallel()
		ctx := newDeadline()
		ctx.pass()
		p := newProvider(t, settle)
		requireUnsent(t, p.client(t, theKeys()).Charge(ctx, theTerms(t)))
		p.Close()
		require.Empty(t, p.received())
	})
	t.Run("cancelled before the call", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		p := newProvider(t, settle)
		requireUnsent(t, p.client(t, theKeys()).Charge(ctx, theTerms(t)))
		p.Close()
		require.Empty(t, p.received())
	})
	t.Run("no keys", func(t *testing.T) {
		t.Parallel()
		p := newProvider(t, settle)
		k := &keys{getErr: errors.New("secret arn:x has no value yet")}
		got := p.client(t, k).Charge(t.Context(), theTerms(t))
		requireUnsent(t, got)
		require.Contains(t, got.Reason, "secret arn:x has no value yet")
		p.Close()
		require.Empty(t, p.received())
	})
	t.Run("text that JSON cannot carry", func(t *testing.T) {
		t.Parallel()
		terms := theTerms(t)
		terms.Order.Description = "gi\xfft" // NewTerms lets no such text through
		p := newProvider(t, settle)
		requireUnsent(t, p.client(t, theKeys()).Charge(t.Context(), terms))
		p.Close()
		require.Empty(t, p.received())
	})
}

func requireUnsent(t testing.TB, a charge.Answer) {
	t.Helper()
	require.Equal(t, charge.Unsent, a.State, a.Reason)
	require.NotEmpty(t, a.Reason)
	a.Reason = ""
	require.Equal(t, isUnsent, a, "a connection that fails is no refused key")
}

// A process that is frozen between connecting and writing, and goes on after its
// deadline, sends nothing any more. The clock jumps where the freeze would be: the
// connection stands, TLS included, and not a byte of the request is written.
func TestNothingIsWrittenAfterTheDeadline(t *testing.T) {
	t.Parallel()
	settle := reply(http.StatusOK, about("settled", theOrder))
	for _, tt := range []struct {
		name   string
		frozen time.Duration // after the deadline, where positive
		want   charge.State
		sent   int
	}{
		{"in time", -time.Second, charge.Settled, 1},
		{"at the very end", 0, charge.Settled, 1},
		{"a moment late", 1, charge.Unknown, 0},
		{"an hour late", time.Hour, charge.Unknown, 0},
	} {
		for _, secure := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, TLS %t", tt.name, secure), func(t *testing.T) {
				t.Parallel()
				p := newUnstartedProvider(settle)
				t.Cleanup(p.Close)
				var o Options
				if secure {
					p.StartTLS()
					o.TLS = trust(p)
				} else {
					p.Start()
				}
				c := newClient(t, p.URL, theKeys(), o)
				end := time.Now().Add(time.Hour)
				var frozen atomic.Bool
				c.now = func() time.Time {
					if frozen.Load() {
						return end.Add(tt.frozen)
					}
					return end.Add(-time.Minute)
				}
				ctx, cancel := context.WithDeadline(t.Context(), end)
				defer cancel()
				ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
					GotConn: func(httptrace.GotConnInfo) { frozen.Store(true) },
				})
				got := c.Charge(ctx, theTerms(t))
				require.True(t, frozen.Load(), "the connection stood")
				require.Equal(t, tt.want, got.State, got.Reason)
				p.Close() // everything that was sent has come in
				require.Len(t, p.received(), tt.sent)
			})
		}
	}
}

// The limit is on every byte, not on the first.
func TestALimitedConnection(t *testing.T) {
	t.Parallel()
	ours, theirs := net.Pipe()
	defer func() { _ = theirs.Close() }()
	until := time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	clock := until
	conn := limitedConn{ours, writeLimit{until, func() time.Time { return clock }}}
	read := make(chan string)
	go func() {
		all, _ := io.ReadAll(theirs)
		read <- string(all)
	}()
	n, err := conn.Write([]byte("in time"))
	require.NoError(t, err)
	require.Equal(t, len("in time"), n)
	clock = until.Add(1)
	n, err = conn.Write([]byte("late"))
	require.ErrorIs(t, err, errTooLate)
	require.Zero(t, n)
	require.NoError(t, conn.Close())
	require.Equal(t, "in time", <-read)
}

// From the moment a connection stands the request may have left, read or not.
func TestAConnectionThatClosesIsUnknown(t *testing.T) {
	t.Parallel()
	t.Run("at once", func(t *testing.T) {
		t.Parallel()
		l := listen(t, func(net.Conn) {})
		got := newClient(t, "http://"+l.address(), theKeys(), Options{}).Charge(t.Context(), theTerms(t))
		require.Equal(t, charge.Unknown, got.State, got.Reason)
		require.Equal(t, 1, l.connections(t), "no second one after it")
	})
	t.Run("within the request", func(t *testing.T) {
		t.Parallel()
		l := listen(t, func(conn net.Conn) { readSome(conn) })
		got := newClient(t, "http://"+l.address(), theKeys(), Options{}).Charge(t.Context(), theTerms(t))
		require.Equal(t, charge.Unknown, got.State, got.Reason)
		require.Equal(t, 1, l.connections(t), "no second one after it")
	})
	t.Run("at once after the TLS handshake", func(t *testing.T) {
		t.Parallel()
		p := newTLSProvider(t, reply(http.StatusOK, ""), nil) // lends its certificate
		l := listen(t, func(conn net.Conn) {
			_ = tls.Server(conn, p.TLS).HandshakeContext(context.Background())
		})
		got := newClient(t, "https://"+l.address(), theKeys(), Options{TLS: trust(p)}).Charge(t.Context(), theTerms(t))
		require.Equal(t, charge.Unknown, got.State, got.Reason)
		require.Equal(t, 1, l.connections(t), "no second one after it")
	})
}

func TestOverTLS(t *testing.T) {
	t.Parallel()
	p := newTLSProvider(t, reply(http.StatusOK, about("settled", theOrder)), nil)
	c := newClient(t, p.URL, theKeys(), Options{TLS: trust(p)})
	require.Equal(t, settled, c.Charge(t.Context(), theTerms(t)))
	require.Equal(t, settled, c.Charge(t.Context(), theTerms(t)), "with a resumed session")
	require.Equal(t, charge.Known, c.Status(t.Context(), charge.Query{Order: theTerms(t).Order}).Knowledge)
	require.Len(t, p.received(), 3)
}

func TestReadyAndRefreshKeyPassOnWhatTheKeysSay(t *testing.T) {
	t.Parallel()
	p := newProvider(t, reply(http.StatusOK, ""))
	noValue := errors.New("no value yet")

	k := theKeys()
	c := p.client(t, k)
	require.NoError(t, c.Ready(t.Context()))
	require.NoError(t, c.RefreshKey(t.Context()))
	require.Equal(t, 1, k.refreshes())

	c = p.client(t, &keys{getErr: noValue, freshErr: noValue})
	require.ErrorIs(t, c.Ready(t.Context()), noValue)
	require.ErrorIs(t, c.RefreshKey(t.Context()), noValue)

	p.Close()
	require.Empty(t, p.received(), "neither asks the provider")
}

// Charge signs with what the keys hold now, and leaves it to its caller to have
// them read anew.
func TestChargeDoesNotRefreshByItself(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden} {
		k := &keys{now: theCredentials(), next: credentials("fresh-key", "fresh-password")}
		p := newProvider(t, reply(status, `{"error_code":100000,"error_message":"hash: Hash is not valid."}`))
		c := p.client(t, k)
		require.True(t, c.Charge(t.Context(), theTerms(t)).KeyRefused)
		require.Zero(t, k.refreshes())
		require.Len(t, p.received(), 1)

		require.NoError(t, c.RefreshKey(t.Context()))
		c.Charge(t.Context(), theTerms(t))
		require.Len(t, p.received(), 2)
		require.Contains(t, p.received()[1].body, `"merchant_key":"fresh-key"`)
		require.NotContains(t, p.received()[1].body, theChargeHash)
	}
}

func newTLSProvider(t testing.TB, answer http.HandlerFunc, config *tls.Config) *provider {
	t.Helper()
	p := newUnstartedProvider(answer)
	p.TLS = config
	p.StartTLS()
	t.Cleanup(p.Close)
	return p
}

// trust is a client's TLS configuration that trusts a test server.
func trust(p *provider) *tls.Config {
	roots := x509.NewCertPool()
	roots.AddCert(p.Certificate())
	return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}
}

// listener is a server below HTTP, which counts the connections it accepts.
type listener struct {
	net.Listener
	accepted chan struct{}
}

// listen accepts connections, serves them one after the other, and closes each.
func listen(t testing.TB, serve func(net.Conn)) *listener {
	t.Helper()
	inner, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	l := &listener{Listener: inner, accepted: make(chan struct{}, 100)}
	go func() {
		defer close(l.accepted)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			l.accepted <- struct{}{}
			serve(conn)
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func (l *listener) address() string { return l.Addr().String() }

// connections ends the listener and says how many connections were made before.
// Connections are accepted in the order they are made, so one of our own, seen
// by the listener, comes after all of them.
func (l *listener) connections(t testing.TB) int {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", l.address())
	require.NoError(t, err)
	tcp, ok := conn.(*net.TCPConn)
	require.True(t, ok)
	_ = tcp.CloseWrite()
	_, _ = io.Copy(io.Discard, conn) // until the listener has closed it
	_ = conn.Close()
	require.NoError(t, l.Close())
	count := -1
	for range l.accepted {
		count++
	}
	return count
}

// readSome reads a little of what comes in.
func readSome(conn net.Conn) { _, _ = bufio.NewReaderSize(conn, 16).Peek(1) }

// The client's log stays empty where nothing is wrong with the keys.
func TestChargeLogsNothing(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	p := newProvider(t, reply(http.StatusInternalServerError, ""))
	newClient(t, p.URL, theKeys(), Options{Log: slog.New(slog.NewTextHandler(&log, nil))}).Charge(t.Context(), theTerms(t))
	require.Empty(t, log.String())
}
