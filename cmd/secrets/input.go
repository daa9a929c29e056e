package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"dinarfunctions/cmd/internal/stack"
	"dinarfunctions/shared/hidden"
)

// inputLimit is how much is read from standard input, in bytes: as much as Secrets
// Manager keeps in one secret.
const inputLimit = 64 << 10

// prompter asks a person.
type prompter interface {
	// ask prints the label and reads one line without showing it. It returns an
	// error if ctx ends first.
	ask(ctx context.Context, label string) (hidden.Text, error)
	// say prints a line between the questions.
	say(line string) error
}

// ask has each selected secret's value typed. An empty answer leaves that secret
// out. Nobody is asked to type a value twice: such values are pasted, and the same
// paste twice proves nothing.
func (p program) ask(ctx context.Context, o options, stacks stack.API) (entries []entry, err error) {
	// Before the first question, so that nobody types what cannot be kept.
	ids := map[string]string{}
	for _, s := range o.selected() {
		if ids[s.name], err = o.find(ctx, stacks, s); err != nil {
			return nil, err
		}
	}
	for _, s := range o.selected() {
		if err := p.prompt.say(fmt.Sprintf("%s, secret %s. What you type is not shown; Enter alone leaves it as it is.", s.title, ids[s.name])); err != nil {
			return nil, err
		}
		fields, err := p.askFields(ctx, s)
		if err != nil {
			return nil, err
		}
		if fields == nil {
			if err := p.prompt.say(s.title + ": left as it is."); err != nil {
				return nil, err
			}
			continue
		}
		value, err := s.compose(fields)
		if err != nil {
			return nil, err
		}
		entries = append(entries, entry{secret: s, id: ids[s.name], value: value})
	}
	return entries, nil
}

// askFields returns nil if an answer is empty.
func (p program) askFields(ctx context.Context, s secret) (map[string]hidden.Text, error) {
	fields := make(map[string]hidden.Text, len(s.fields))
	for _, name := range s.fields {
		text, err := p.prompt.ask(ctx, name)
		if err != nil {
			return nil, fmt.Errorf("ask for %s's %s: %w", s.title, name, err)
		}
		if text.IsZero() {
			return nil, nil
		}
		fields[name] = text
	}
	return fields, nil
}

// read takes the values from standard input.
func (p program) read(ctx context.Context, o options, stacks stack.API) (entries []entry, err error) {
	raw, err := io.ReadAll(io.LimitReader(p.stdin, inputLimit+1))
	if err != nil {
		return nil, fmt.Errorf("read standard input: %w", err)
	}
	fields, err := decode(raw)
	if err != nil {
		return nil, fmt.Errorf("standard input %w", err)
	}
	for _, s := range bundle() {
		own := make(map[string]hidden.Text, len(s.fields))
		for _, name := range s.fields {
			if text, ok := fields[name]; ok {
				own[name] = text
			}
		}
		if len(own) == 0 {
			continue
		}
		if o.only != "" && o.only != s.name {
			return nil, fmt.Errorf("standard input has a field of %s, and -only is %s", s.title, o.only)
		}
		value, err := s.compose(own)
		if err != nil {
			return nil, err
		}
		entries = append(entries, entry{secret: s, value: value})
	}
	for i, e := range entries {
		if entries[i].id, err = o.find(ctx, stacks, e.secret); err != nil {
			return nil, err
		}
	}
	return entries, ctx.Err()
}

// decode reads a JSON object with at least one of the bundle's fields, each a text
// and there once, and no other field. Its errors complete a sentence and hold
// nothing of what was read, not even an unknown name: that may be a value in the
// wrong place.
func decode(raw []byte) (map[string]hidden.Text, error) {
	const wanted = `{"private_key": "…", "merchant_key": "…", "merchant_password": "…"}, with the fields of one secret or of both`
	if len(raw) > inputLimit {
		return nil, fmt.Errorf("is larger than %d KiB", inputLimit>>10)
	}
	var members map[string]jsontext.Value
	// null is an object to the decoder, and its errors quote names and values.
	if err := json.Unmarshal(raw, &members); err != nil || members == nil {
		return nil, errors.New("is not one JSON object with each name once: give " + wanted)
	}
	var known []string
	for _, s := range bundle() {
		known = append(known, s.fields...)
	}
	fields := make(map[string]hidden.Text, len(members))
	for name, member := range members {
		if !slices.Contains(known, name) {
			return nil, errors.New("has a field that no secret has: give " + wanted)
		}
		var text string
		if member.Kind() != jsontext.KindString || json.Unmarshal(member, &text) != nil {
			return nil, fmt.Errorf("has %s, which is not a text", name)
		}
		fields[name] = hidden.New(text)
	}
	if len(fields) == 0 {
		return nil, errors.New("has no field: give " + wanted)
	}
	return fields, nil
}
