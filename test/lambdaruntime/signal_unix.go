//go:build unix

package lambdaruntime

import "syscall"

// Stop takes the processor away from the process, as Lambda does when it freezes a
// function. Its connections stay as they are. A stopped process can be killed.
func (i *Instance) Stop() error { return i.command.Process.Signal(syscall.SIGSTOP) }

// Continue gives a stopped process the processor back.
func (i *Instance) Continue() error { return i.command.Process.Signal(syscall.SIGCONT) }
