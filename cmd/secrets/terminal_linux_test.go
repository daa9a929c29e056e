package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// openTerminal makes a terminal: what is typed goes into keyboard, and what the
// terminal shows comes out of it.
func openTerminal(t *testing.T) (keyboard, terminal *os.File) {
	t.Helper()
	keyboard, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no terminals here: %v", err)
	}
	t.Cleanup(func() { _ = keyboard.Close() })
	require.NoError(t, unix.IoctlSetPointerInt(int(keyboard.Fd()), unix.TIOCSPTLCK, 0))
	number, err := unix.IoctlGetInt(int(keyboard.Fd()), unix.TIOCGPTN)
	require.NoError(t, err)
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	require.NoError(t, err)
	t.Cleanup(func() { _ = terminal.Close() })
	return keyboard, terminal
}

func shows(t *testing.T, terminal *os.File) bool {
	t.Helper()
	state, err := unix.IoctlGetTermios(int(terminal.Fd()), unix.TCGETS)
	require.NoError(t, err)
	return state.Lflag&unix.ECHO != 0
}

// session is the command on a terminal of its own.
type session struct {
	command            *exec.Cmd
	keyboard, terminal *os.File
	stdout, stderr     bytes.Buffer
}

func startSession(t *testing.T, a *account, args ...string) *session {
	t.Helper()
	s := &session{command: process(t, a.serve(t), args...)}
	s.keyboard, s.terminal = openTerminal(t)
	s.command.Stdin, s.command.Stdout, s.command.Stderr = s.terminal, &s.stdout, &s.stderr
	// Its own, so that Ctrl-C is for it alone.
	s.command.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 0}
	require.True(t, shows(t, s.terminal))
	require.NoError(t, s.command.Start())
	return s
}

// typeIn waits for a question, which is when the terminal stops to show what is
// typed, and answers it.
func (s *session) typeIn(t *testing.T, text string) {
	t.Helper()
	require.Eventually(t, func() bool { return !shows(t, s.terminal) }, time.Minute, time.Millisecond, "no question")
	_, err := io.WriteString(s.keyboard, text)
	require.NoError(t, err)
}

// end waits for the command, and returns what the terminal showed.
func (s *session) end(t *testing.T) string {
	t.Helper()
	_ = s.command.Wait()
	require.True(t, shows(t, s.terminal), "the terminal shows again what is typed")
	// The terminal is closed everywhere then, and its output ends.
	require.NoError(t, s.terminal.Close())
	shown, _ := io.ReadAll(s.keyboard)
	return string(shown)
}

func TestOnATerminal(t *testing.T) {
	t.Parallel()
	a := newAccount("dinar-functions")
	s := startSession(t, a, "-only", "dinardragon")
	s.typeIn(t, key+"\n")
	shown := s.end(t)
	require.Zero(t, s.command.ProcessState.ExitCode(), s.stderr.String())
	require.Equal(t, map[string]string{dragonARN: dragonValue}, a.values)
	require.Contains(t, s.stderr.String(), "private_key: ")
	require.Contains(t, s.stdout.String(), dragonARN)
	require.NotContains(t, shown+s.stdout.String()+s.stderr.String(), marked)
}

func TestInterruptedOnATerminal(t *testing.T) {
	t.Parallel()
	for name, typed := range map[string]string{"at once": "\x03", "in the middle": marked + "\x03"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAccount("dinar-functions")
			s := startSession(t, a)
			s.typeIn(t, typed)
			shown := s.end(t)
			require.Equal(t, 1, s.command.ProcessState.ExitCode())
			require.Contains(t, s.stderr.String(), "nothing was set")
			require.Empty(t, a.values)
			require.Empty(t, s.stdout.String())
			require.NotContains(t, strings.TrimSpace(shown)+s.stderr.String(), marked)
		})
	}
}
