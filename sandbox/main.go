// Command sandbox runs the whole bundle on this machine, for trial: simulated
// providers, the HTTP API with the functions' own handlers behind it, and a
// ledger in a file. It needs no account and no network, and no money moves.
//
//	make run                 plays a first scene over a new ledger, prints it, and stays up;
//	                         over a ledger that has something, it goes on with that
//	make run ARGS=-scene     plays another scene first, over whatever ledger
//	make run ARGS=-once      plays a scene, and ends
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout)
	switch {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "sandbox:", err)
		os.Exit(1)
	}
}

// run starts the sandbox, plays the scene where there is reason to and, without -once,
// serves until ctx ends.
func run(ctx context.Context, args []string, out io.Writer) (err error) {
	flags := flag.NewFlagSet("sandbox", flag.ContinueOnError)
	once := flags.Bool("once", false, "play a scene, and end")
	scene := flags.Bool("scene", false, "play a scene although the ledger is not new; it moves the clock by up to a year")
	address := flags.String("addr", "127.0.0.1:8080", "loopback address and port of the HTTP API; port 0 takes any free one")
	folder := flags.String("data", ".sandbox", "folder of the ledger and of the functions' log")
	if err := flags.Parse(args); err != nil {
		return flag.ErrHelp
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("%q means nothing here; options begin with a dash: make run ARGS=-once", flags.Arg(0))
	}
	if err := os.MkdirAll(*folder, 0o700); err != nil {
		return fmt.Errorf("make the folder for the ledger: %w; name another one with -data", err)
	}
	if *once {
		*address = "127.0.0.1:0" // nobody else will call it
	}
	s, err := start(ctx, *address, filepath.Join(*folder, "ledger.db"), filepath.Join(*folder, "functions.log"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()

	has, err := s.contents(ctx)
	if err != nil {
		return err
	}
	if *once || *scene || has == (contents{}) {
		if err := s.play(ctx, out); err != nil {
			return fmt.Errorf("the scene: %w; the functions' log is in %s", err, s.logPath)
		}
	} else {
		s.recall(out, has)
	}
	if *once {
		return nil
	}
	if err := s.invite(ctx, out); err != nil {
		return err
	}
	s.printEvents(ctx, out)
	<-ctx.Done()
	fmt.Fprintf(out, "\nEnded. The ledger stays in %s.\n", s.storePath)
	return nil
}
