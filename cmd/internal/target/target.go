// Package target tells where an environment of samconfig.toml is deployed to, for
// the commands that an operator runs.
package target

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/config"
)

// Target is where an environment is deployed to.
type Target struct {
	Stack   string
	Region  string // empty: AWS's own settings tell
	Profile string // empty: AWS's own settings tell
}

// Options make the SDK's configuration of it.
func (t Target) Options() []func(*config.LoadOptions) error {
	var options []func(*config.LoadOptions) error
	if t.Region != "" {
		options = append(options, config.WithRegion(t.Region))
	}
	if t.Profile != "" {
		options = append(options, config.WithSharedConfigProfile(t.Profile))
	}
	return options
}

// Read reads what samconfig.toml says of an environment: the simple texts
// of its one section. What is written there in TOML's other ways is not found,
// and a missing stack name is an error.
func Read(file, env string) (Target, error) {
	if env == "" {
		return Target{}, fmt.Errorf("no environment: give -env with one of those in %s", file)
	}
	text, err := os.Open(file) //nolint:gosec // the operator names it
	if err != nil {
		return Target{}, fmt.Errorf("which stack is meant: %w", err)
	}
	defer text.Close()
	section := "[" + env + ".deploy.parameters]"
	values := make(map[string]string)
	here := false
	lines := bufio.NewScanner(text)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if strings.HasPrefix(line, "[") {
			here = line == section
			continue
		}
		name, quoted, ok := strings.Cut(line, "=")
		if !here || !ok {
			continue
		}
		// TOML's basic strings are Go's, as far as names of stacks go.
		if value, err := strconv.Unquote(strings.TrimSpace(quoted)); err == nil {
			values[strings.TrimSpace(name)] = value
		}
	}
	if err := lines.Err(); err != nil {
		return Target{}, fmt.Errorf("%s: %w", file, err)
	}
	t := Target{Stack: values["stack_name"], Region: values["region"], Profile: values["profile"]}
	if t.Stack == "" {
		return Target{}, fmt.Errorf("%s has no stack_name in %s", file, section)
	}
	return t, nil
}
