package dinardragon

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"testing"

	"github.com/cenkalti/backoff/v5"
	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/secrets"
)

// Contract, HTTP API: "No answer and no log line ever holds a private key", in an
// escaped form neither.
func TestNoFormOfAKeyIsShown(t *testing.T) {
	t.Parallel()
	quoted := func(s string) string { q := fmt.Sprintf("%q", s); return q[1 : len(q)-1] }
	inJSON := func(s string) string {
		encoded, _ := json.Marshal(s)
		return string(encoded[1 : len(encoded)-1])
	}
	hexed := func(s string) string {
		var out strings.Builder
		for i := range len(s) {
			fmt.Fprintf(&out, `\u%04x`, s[i])
		}
		return out.String()
	}
	shapes := map[string]func(string) string{
		"as it is":       func(s string) string { return s },
		"quoted":         quoted,
		"quoted twice":   func(s string) string { return quoted(quoted(s)) },
		"in JSON":        inJSON,
		"JSON, quoted":   func(s string) string { return quoted(inJSON(s)) },
		"all escaped":    hexed,
		"escaped, again": func(s string) string { return quoted(hexed(s)) },
		"in a path":      url.PathEscape,
		"in a query":     url.QueryEscape,
		"path, quoted":   func(s string) string { return quoted(url.PathEscape(s)) },
		"query in query": func(s string) string { return url.QueryEscape(url.QueryEscape(s)) },
	}
	for _, key := range []string{`MARK"ED\key`, `"MARKED\`, `\MARKED"`, `MARKED%41\"x`, `MARK\\ED\u0041`, `<MARKED>&'`, `MARKED/+=`, "MARKED"} {
		for name, shape := range shapes {
			for _, around := range []string{"the key %s is wrong", "%s", `"%s"`, "%[1]s%[1]s", `\%s\`} {
				got := clean(fmt.Sprintf(around, shape(key)), []secrets.Text{secrets.NewText("other"), secrets.NewText(key)})
				require.Contains(t, got, "[hidden]", "%s %s %s", key, name, around)
				require.NotContains(t, got, "MARK", "%s %s %s", key, name, around)
				require.NotContains(t, got, "ED", "%s %s %s", key, name, around)
			}
		}
	}
}

// A text that is too long to be read whole shows no first half of a key either.
func TestNoHalfOfAKeyIsShown(t *testing.T) {
	t.Parallel()
	key := secrets.NewText(`MARKED"` + strings.Repeat("k", 60))
	for before := maxWork - 200; before < maxWork+1; before++ {
		text := strings.Repeat(" ", before) + key.Reveal() + strings.Repeat("x", 1<<20)
		got := clean(text, []secrets.Text{key})
		require.NotContains(t, got, "M", before)
		require.True(t, strings.HasSuffix(got, "…"))
	}
	require.Equal(t, "…", clean(strings.Repeat("x", maxWork+1), []secrets.Text{secrets.NewText(strings.Repeat("y", maxWork))}))
}

// Contract, Payouts: an answer may be as long as the client reads, and hostile.
func TestAHostileAnswerDoesNoHarm(t *testing.T) {
	t.Parallel()
	key := secrets.NewText(strings.Repeat(`\`, 60) + `"`)
	for name, unit := range map[string]string{
		"backslashes": `\\`, "quotes": `\"`, "brackets": "[", "escapes": `\u005c`, "percents": "%5c", "keys": strings.ReplaceAll(key.Reveal(), `\`, `\\`),
	} {
		for _, form := range []string{`{"code":400,"error":"%s"}`, `{"code":403,"error":"%s"}`, `{"%s":1}`, `{"code":200,"payments":[%s]}`} {
			body := fmt.Sprintf(form, strings.Repeat(unit, (1<<20)/len(unit)))
			payments, fault := read(200, []byte(body))
			require.Nil(t, payments, name)
			fault.clean([]secrets.Text{key})
			require.LessOrEqual(t, len([]rune(fault.Text)), maxText)
			require.Less(t, len(fault.Error()), 4*maxText)
		}
	}
}

type oneKey string

func (k oneKey) Get(context.Context) (secrets.Text, error) { return secrets.NewText(string(k)), nil }
func (k oneKey) Refresh(context.Context) (secrets.Text, error) {
	return secrets.NewText(string(k)), nil
}

// A broken status line is quoted by net/http in its error, with whatever is in it.
func TestAStatusLineThatRepeatsTheKey(t *testing.T) {
	t.Parallel()
	const key = `MARK"ED\key`
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 4096))
			_, _ = io.WriteString(conn, "HTTP/1.1 "+key+" no\r\n\r\n")
			_ = conn.Close()
		}
	}()
	client := New(&url.URL{Scheme: "http", Host: listener.Addr().String()}, oneKey(key),
		Options{Backoff: func() backoff.BackOff { return &backoff.ZeroBackOff{} }})
	_, err = client.PayoutStatus(t.Context(), "payout-1")
	require.Error(t, err)
	require.ErrorContains(t, err, "[hidden]")
	for _, part := range []string{"MARK", "ED"} {
		require.NotContains(t, fmt.Sprintf("%v %+v %#v", err, err, err), part)
	}
}
