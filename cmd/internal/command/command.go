// Package command is the main of every command that an operator runs.
package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// ErrUsage is what a command returns for a wrong command line, once it has said on
// standard error what is wrong with it.
var ErrUsage = errors.New("wrong usage")

// Main runs a command until it returns or somebody interrupts it, with the process's
// arguments. It ends the process with 2 for ErrUsage, and with 1 for any other error,
// which it prints behind the command's name.
func Main(name string, run func(ctx context.Context, args []string) error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	switch {
	case err == nil:
	case errors.Is(err, ErrUsage):
		os.Exit(2)
	default:
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
}
