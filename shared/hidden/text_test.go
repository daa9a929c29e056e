package hidden_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"

	jsonexp "github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/hidden"
)

func TestTextIsNeverPrinted(t *testing.T) {
	t.Parallel()
	const marked = "MARKED-secret-4711"
	text := hidden.New(marked)
	inside := struct {
		Name   string
		Secret hidden.Text
		Many   []hidden.Text
		Ptr    *hidden.Text
		inner  hidden.Text // fmt cannot call its methods
		deep   struct{ many []hidden.Text }
	}{"name", text, []hidden.Text{text}, &text, text, struct{ many []hidden.Text }{[]hidden.Text{text}}}

	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%10s", "%08b"} {
		fmt.Fprintf(&out, verb, text)
		fmt.Fprintf(&out, verb, &text)
		fmt.Fprintf(&out, verb, inside)
		fmt.Fprintf(&out, verb, &inside)
	}
	fmt.Fprint(&out, text, inside)
	fmt.Fprint(&out, fmt.Errorf("wrapped: %w", fmt.Errorf("%v", text)))
	for _, handler := range []slog.Handler{slog.NewJSONHandler(&out, nil), slog.NewTextHandler(&out, nil)} {
		slog.New(handler).Info("log", "text", text, "inside", inside, "ptr", &text)
	}
	for _, marshal := range []func(any) ([]byte, error){json.Marshal, func(v any) ([]byte, error) { return jsonexp.Marshal(v) }} {
		encoded, err := marshal(inside)
		require.NoError(t, err)
		out.Write(encoded)
		encoded, err = marshal(map[string]any{"text": text, "ptr": &text})
		require.NoError(t, err)
		out.Write(encoded)
	}

	require.NotContains(t, out.String(), marked)
	require.NotContains(t, out.String(), fmt.Sprintf("%x", marked))
	require.Contains(t, out.String(), "[hidden]")
	require.Equal(t, marked, text.Reveal())
	require.False(t, text.IsZero())
	require.True(t, hidden.Text{}.IsZero())
	require.True(t, hidden.New("").IsZero())
	require.Empty(t, hidden.Text{}.Reveal())
}
