package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"golang.org/x/term"

	"dinarfunctions/shared/hidden"
)

var errInterrupted = errors.New("interrupted")

// terminal asks on a terminal.
type terminal struct {
	fd  int       // where answers come from
	out io.Writer // where questions go, not standard output, which may be a file
}

var _ prompter = (*terminal)(nil)

func (t *terminal) say(line string) error {
	_, err := fmt.Fprintln(t.out, line)
	return err
}

func (t *terminal) ask(ctx context.Context, label string) (hidden.Text, error) {
	if ctx.Err() != nil {
		return hidden.Text{}, errInterrupted
	}
	// A terminal keeps its state beyond the program: whoever interrupts must not
	// be left in a shell that does not show what is typed.
	before, err := term.GetState(t.fd)
	if err != nil {
		return hidden.Text{}, fmt.Errorf("read the terminal's state: %w", err)
	}
	if _, err := fmt.Fprint(t.out, label+": "); err != nil {
		return hidden.Text{}, err
	}
	type answer struct {
		line []byte
		err  error
	}
	answers := make(chan answer, 1)
	go func() { // ends with the program if nobody types
		line, err := term.ReadPassword(t.fd)
		answers <- answer{line, err}
	}()
	select {
	case a := <-answers:
		_, _ = fmt.Fprintln(t.out) // the Enter that was not shown
		if a.err != nil {
			return hidden.Text{}, fmt.Errorf("read from the terminal: %w", a.err)
		}
		return hidden.New(string(a.line)), nil
	case <-ctx.Done():
		_, _ = fmt.Fprintln(t.out)
		if err := term.Restore(t.fd, before); err != nil {
			return hidden.Text{}, fmt.Errorf("interrupted, and the terminal's state cannot be restored (run: stty sane): %w", err)
		}
		return hidden.Text{}, errInterrupted
	}
}
