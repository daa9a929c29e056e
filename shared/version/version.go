// Package version tells which build is running, for log lines and for the
// User-Agent of outgoing calls.
package version

// version is set by the linker and by nothing else:
//
//	go build -ldflags "-X dinarfunctions/shared/version.version=v1.2.3"
//
// The linker ignores a name that it cannot find, so a test builds a binary
// with this flag and looks for the value.
var version = "dev"

// String returns the version that was stamped at link time, "dev" without one.
func String() string { return version }
