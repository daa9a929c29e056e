package lambdaruntime

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// stopped waits until the process has stopped.
func (i *Instance) stopped() error {
	for {
		err := unix.Waitid(unix.P_PID, i.command.Process.Pid, nil, unix.WSTOPPED, nil)
		switch {
		case err == nil:
			return nil
		case !errors.Is(err, unix.EINTR):
			return fmt.Errorf("wait for the process to stop: %w", err)
		}
	}
}
