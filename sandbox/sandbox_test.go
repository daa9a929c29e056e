package main

import (
	"bytes"
	"context"
	"flag"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the scene into README.md")

// sceneInReadme is the README's block between two comments.
var sceneInReadme = regexp.MustCompile("(?s)(<!-- scene -->\n```\n)(.*?)(```\n<!-- /scene -->)")

// What the README shows is what a newcomer sees, word for word.
func TestTheReadmeShowsTheScene(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-once", "-data", data}, &out))
	scene := strings.ReplaceAll(out.String(), data, ".sandbox")

	readme := filepath.Join("..", "README.md")
	text, err := os.ReadFile(readme)
	require.NoError(t, err)
	if *update {
		text = sceneInReadme.ReplaceAllFunc(text, func(block []byte) []byte {
			parts := sceneInReadme.FindSubmatch(block)
			return bytes.Join([][]byte{parts[1], []byte(scene), parts[3]}, nil)
		})
		require.NoError(t, os.WriteFile(readme, text, 0o600))
	}
	shown := sceneInReadme.FindSubmatch(text)
	require.NotNil(t, shown, "README.md has no scene")
	require.Equal(t, scene, string(shown[2]), "write it anew: go test ./sandbox -run Readme -update")

	log, err := os.ReadFile(filepath.Join(data, "functions.log"))
	require.NoError(t, err)
	require.Contains(t, string(log), `"order_number":"paid-1"`)
	for _, secret := range []string{merchantKey, merchantPassword, privateKey, cardToken} {
		require.NotContains(t, string(log), secret)
		require.NotContains(t, out.String(), secret)
	}
}

func TestTheLedgerSurvivesARestart(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	require.NoError(t, run(t.Context(), []string{"-once", "-data", data}, io.Discard))
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-once", "-data", data}, &out))
	require.Contains(t, out.String(), "remembers 1 earlier scene")
	require.Contains(t, out.String(), "paid-2")
	require.NotContains(t, out.String(), "paid-1")
}

// It stays up, its own curl lines work, and Ctrl-C ends it without an error.
func TestItStaysUpUntilItIsEnded(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	reader, writer := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, []string{"-addr", "127.0.0.1:0", "-data", t.TempDir()}, writer)
		_ = writer.Close()
	}()
	var out strings.Builder
	buffer := make([]byte, 1024)
	for !strings.Contains(out.String(), "what the functions logged") {
		n, err := reader.Read(buffer)
		require.NoError(t, err)
		out.Write(buffer[:n])
	}
	go func() { _, _ = io.Copy(io.Discard, reader) }()

	commands := regexp.MustCompile(`(?s)curl -s (?:-X (\w+) )?(http://[^ \n]+)([^\n]*?(?:-d '(.*?)')?)\n`).FindAllStringSubmatch(out.String(), -1)
	require.Len(t, commands, 13)
	for _, command := range commands {
		method, body := http.MethodGet, command[4]
		if body != "" {
			method = http.MethodPost
		}
		if command[1] != "" {
			method = command[1]
		}
		r, err := http.NewRequestWithContext(ctx, method, command[2], strings.NewReader(body))
		require.NoError(t, err)
		r.Header.Set("Content-Type", "application/json")
		response, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		text, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Less(t, response.StatusCode, 300, "%s: %s", command[0], text)
	}
	cancel()
	require.NoError(t, <-ended)
}

func TestItSaysWhatIsInTheWay(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, taken.Close()) })
	unreadable := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(unreadable, "ledger.db"), make([]byte, 1<<16), 0o600))
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))

	for name, tt := range map[string]struct {
		args []string
		says string
	}{
		"port in use":      {[]string{"-addr", taken.Addr().String(), "-data", t.TempDir()}, "is in use; end the program that has it, or take another: make run ARGS="},
		"not loopback":     {[]string{"-addr", "0.0.0.0:0", "-data", t.TempDir()}, "not a loopback address"},
		"no address":       {[]string{"-addr", "8080", "-data", t.TempDir()}, "such as 127.0.0.1:8080"},
		"unreadable store": {[]string{"-once", "-data", unreadable}, "not a readable store"},
		"folder is a file": {[]string{"-once", "-data", file}, "name another one with -data"},
		"no such flag":     {[]string{"-ones"}, "help requested"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.ErrorContains(t, run(t.Context(), tt.args, io.Discard), tt.says)
		})
	}
}
