// Package deadport keeps the address of a server that was closed, so that nobody answers
// there: without it, the next server of any test may get the same port.
package deadport

import (
	"net/netip"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// Keep takes an IPv4 address that nobody listens at, until the test ends. Connections to
// it are refused, because it is bound and does not listen.
func Keep(t testing.TB, address string) {
	t.Helper()
	at, err := netip.ParseAddrPort(address)
	require.NoError(t, err)
	socket, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	require.NoError(t, err)
	t.Cleanup(func() { _ = syscall.Close(socket) })
	// Connections of the closed server may still linger.
	require.NoError(t, syscall.SetsockoptInt(socket, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1))
	require.NoError(t, syscall.Bind(socket, &syscall.SockaddrInet4{Port: int(at.Port()), Addr: at.Addr().As4()}))
	// And now it is not shared: Go's servers would take it otherwise.
	require.NoError(t, syscall.SetsockoptInt(socket, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 0))
}
