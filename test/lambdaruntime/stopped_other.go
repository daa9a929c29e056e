//go:build unix && !linux

package lambdaruntime

import "time"

// stopped gives the process a moment to stop: only Linux is asked whether it has.
func (i *Instance) stopped() error {
	time.Sleep(100 * time.Millisecond)
	return nil
}
