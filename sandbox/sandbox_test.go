package main

import (
	"bytes"
	"context"
	"flag"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
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
	last := regexp.MustCompile(`"sandbox_time":"(\d{4}-\d\d-\d\d)`).FindAllStringSubmatch(string(log), -1)
	require.Len(t, last, bytes.Count(log, []byte("\n")), "each line says what time it was in the sandbox")
	require.Regexp(t, `-06-01$`, last[len(last)-1][1], "the scene's end")
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

// terminal is a sandbox that stays up, and what it has printed so far.
type terminal struct {
	t       *testing.T
	printed strings.Builder
	reader  *io.PipeReader
	end     context.CancelFunc
	ended   chan error
}

// stayUp starts a sandbox and waits until it has printed its invitation.
func stayUp(t *testing.T, args ...string) *terminal {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	reader, writer := io.Pipe()
	term := &terminal{t: t, reader: reader, end: cancel, ended: make(chan error, 1)}
	go func() {
		err := run(ctx, append([]string{"-addr", "127.0.0.1:0"}, args...), writer)
		_ = writer.CloseWithError(err)
		term.ended <- err
	}()
	buffer := make([]byte, 1024)
	for !strings.Contains(term.printed.String(), "the functions' log: ") {
		n, err := reader.Read(buffer)
		require.NoError(t, err)
		term.printed.Write(buffer[:n])
	}
	go func() { _, _ = io.Copy(io.Discard, reader) }()
	t.Cleanup(cancel)
	return term
}

// interrupt ends it as Ctrl-C does.
func (term *terminal) interrupt() {
	term.t.Helper()
	term.end()
	require.NoError(term.t, <-term.ended)
}

// It stays up, every line of its invitation works as it stands, and Ctrl-C ends it
// without an error.
func TestItStaysUpUntilItIsEnded(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"bash", "curl"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("the invitation's lines need %s, which this machine lacks", program)
		}
	}
	term := stayUp(t, "-data", t.TempDir())
	_, invited, found := strings.Cut(term.printed.String(), "\n4. Now you.")
	require.True(t, found)
	require.Less(t, strings.Count(invited, "\n"), 45, "one screen")

	var script strings.Builder
	script.WriteString("set -e\n")
	for line := range strings.Lines(invited) {
		if strings.HasPrefix(line, "     ") && !strings.Contains(line, "/sandbox/events") { // which does not end
			script.WriteString(strings.Replace(line, `"$@"; echo;`, `--fail-with-body "$@"; echo;`, 1))
		}
	}
	require.Contains(t, script.String(), "--fail-with-body")
	said, err := exec.CommandContext(t.Context(), "bash", "-c", script.String()).CombinedOutput()
	require.NoError(t, err, "%s", said)
	for _, part := range []string{`"state":"unknown"`, `"decline_class":"operator"`, `"state":"paused"`, `"dead_letters":0`, `"state":"successful"`} {
		require.Contains(t, string(said), part)
	}
	term.interrupt()
}

// A restart over a ledger that has something changes nothing there: what was charging
// when the sandbox was killed can be looked at, and the clock goes on where it was.
func TestARestartPlaysNoSceneByItself(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	require.NoError(t, run(t.Context(), []string{"-once", "-data", data}, io.Discard))
	again := stayUp(t, "-data", data)
	again.interrupt()
	require.Contains(t, again.printed.String(), "It goes on with what it has: ")
	require.Contains(t, again.printed.String(), "1 subscription(s), 1 watched")
	require.Contains(t, again.printed.String(), "its clock is at 1 June ")
	require.Contains(t, again.printed.String(), "charge mine-1;")
	require.NotContains(t, again.printed.String(), "What became of a payout?")

	asked := stayUp(t, "-data", data, "-scene")
	asked.interrupt()
	require.Contains(t, asked.printed.String(), "paid-2")
}

// A scene that was ended half way is no reason to fail at the next.
func TestASceneAfterOneThatWasEndedHalfWay(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	s, err := start(t.Context(), "127.0.0.1:0", filepath.Join(data, "ledger.db"), filepath.Join(data, "functions.log"))
	require.NoError(t, err)
	require.NoError(t, s.playPayout(t.Context(), io.Discard, numbers{run: 1}))
	require.NoError(t, s.close())
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-once", "-data", data}, &out))
	require.Contains(t, out.String(), "paid-2")
}

func TestThereIsNoSceneWhileChargingIsStopped(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	h := newHouse(t, data)
	h.ask(http.StatusOK, http.MethodPut, "/charging", map[string]string{"mode": "stopped", "note": "trying it"}, nil)
	var out bytes.Buffer
	require.ErrorContains(t, h.play(t.Context(), &out), "charging is stopped in this ledger")
	require.Empty(t, out.String())
}

// GET /sandbox/ lists what there is, and what it lists is there.
func TestTheListOfRoutes(t *testing.T) {
	t.Parallel()
	h := newHouse(t, t.TempDir())
	list := h.ask(http.StatusOK, http.MethodGet, "/sandbox/", nil, nil)
	require.Equal(t, list, h.ask(http.StatusOK, http.MethodGet, "/sandbox", nil, nil))
	for _, route := range h.ownRoutes(http.NotFoundHandler()) {
		require.Contains(t, list, " "+route.path+" ")
		if route.path == "events" {
			continue // it streams
		}
		for method := range strings.SplitSeq(route.methods, ", ") {
			status, text, err := h.call(t.Context(), method, "/sandbox/"+route.path, nil, nil)
			require.NoError(t, err)
			require.NotContains(t, []int{http.StatusNotFound, http.StatusMethodNotAllowed}, status, "%s %s: %s", method, route.path, text)
		}
	}
	require.Contains(t, h.ask(http.StatusNotFound, http.MethodGet, "/sandbox/nothing", nil, nil), `"title":"Not Found"`)
	require.Contains(t, h.ask(http.StatusMethodNotAllowed, http.MethodDelete, "/sandbox/clock", nil, nil), `"status":405`)
}

func TestItSaysWhatIsInTheWay(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, taken.Close()) })
	unreadable := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(unreadable, "ledger.db"), make([]byte, 1<<16), 0o600))
	inUse := t.TempDir()
	newHouse(t, inUse)
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
		"no flag":          {[]string{"once"}, "ARGS=-once"},
		"ledger in use":    {[]string{"-once", "-data", inUse}, "end that one, or take another store (-data names another folder)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.ErrorContains(t, run(t.Context(), tt.args, io.Discard), tt.says)
		})
	}
}
