//go:build unix

package lambdaruntime

import "syscall"

// Stop takes the processor away from the process, as Lambda does when it freezes a
// function. Its connections stay as they are. A stopped process can be killed. It
// returns when the process has stopped: a signal takes a while to reach all threads.
func (i *Instance) Stop() error {
	if err := i.command.Process.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	return i.stopped()
}

// Continue gives a stopped process the processor back.
func (i *Instance) Continue() error { return i.command.Process.Signal(syscall.SIGCONT) }
