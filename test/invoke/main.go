// Command invoke runs the samples of events/ through `sam local invoke` and holds
// each answer against what it should be. `make invoke` (scripts/invoke) builds the
// functions, starts the emulators and runs it.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/go-json-experiment/json"

	"dinarfunctions/test/internal/sample"
	"dinarfunctions/test/internal/stack"
)

// invocationLimit is for one call of SAM, which needs three to five seconds and
// more the first time.
const invocationLimit = 3 * time.Minute

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "invoke:", err)
		os.Exit(1)
	}
}

// invoker calls functions in Docker.
type invoker struct {
	build        string // the folder that SAM built into
	listen       string // the address at which functions reach this machine
	addHost      string // for --add-host; empty: Docker knows the name by itself
	architecture string
}

func run(ctx context.Context, args []string, out io.Writer) error {
	var i invoker
	flags := flag.NewFlagSet("invoke", flag.ContinueOnError)
	flags.StringVar(&i.build, "build", ".aws-sam/invoke/build", "the `folder` that sam build wrote")
	flags.StringVar(&i.listen, "listen", "127.0.0.1", "the `address` at which containers reach this machine")
	flags.StringVar(&i.addHost, "add-host", "", "what sam is told of it, as `name:address`")
	flags.StringVar(&i.architecture, "architecture", "", "arm64 or x86_64, as built")
	if err := flags.Parse(args); err != nil {
		return err
	}
	samples, err := chosen(flags.Args())
	if err != nil {
		return err
	}
	failed := 0
	for _, s := range samples {
		began := time.Now()
		answer, err := i.try(ctx, s)
		if ctx.Err() != nil {
			return errors.New("interrupted")
		}
		if err != nil {
			failed++
			fmt.Fprintf(out, "FAIL  %-16s %s\n%v\n", s.Function, s.File, err)
			continue
		}
		status := "-"
		if s.Status != 0 {
			status = strconv.Itoa(s.Status)
		}
		fmt.Fprintf(out, "ok    %-16s %-36s %3s  %s\n", s.Function, s.File, status, time.Since(began).Round(100*time.Millisecond))
		if len(flags.Args()) > 0 {
			fmt.Fprintf(out, "%s\n", answer)
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d events were not answered as they should be", failed, len(samples))
	}
	return nil
}

// chosen are the samples of the given files; all of them if none is given.
func chosen(files []string) ([]sample.Sample, error) {
	all := sample.All()
	if len(files) == 0 {
		return all, nil
	}
	var samples []sample.Sample
	for _, file := range files {
		i := slices.IndexFunc(all, func(s sample.Sample) bool { return s.File == filepath.Base(file) })
		if i < 0 {
			return nil, fmt.Errorf("nothing is known of how %s should be answered; see package sample", file)
		}
		samples = append(samples, all[i])
	}
	return samples, nil
}

// try invokes a sample in a stack of its own. It returns the function's answer.
func (i invoker) try(ctx context.Context, s sample.Sample) (answer []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, invocationLimit)
	defer cancel()
	st, err := stack.Start(ctx, "template.yaml", stack.Options{Listen: i.listen, Host: "host.docker.internal"})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	if err := st.SetSecrets(ctx); err != nil {
		return nil, err
	}
	if s.Prepare != nil {
		if err := s.Prepare(ctx, st); err != nil {
			return nil, fmt.Errorf("prepare: %w", err)
		}
	}
	answer, log, err := i.invoke(ctx, st, s)
	if err != nil {
		return nil, err
	}
	if stack.ShowsSecrets(string(answer) + log) {
		return nil, errors.New("a secret stands in the answer or in the log")
	}
	if err := s.Check(answer); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, log)
	}
	if s.Verify != nil {
		return answer, s.Verify(ctx, st)
	}
	return answer, nil
}

// invoke calls SAM. It returns what the function answered, and SAM's log with as
// much of the function's in it as SAM caught before it ended the container.
func (i invoker) invoke(ctx context.Context, st *stack.Stack, s sample.Sample) (answer []byte, log string, err error) {
	f, err := st.Function(s.Function)
	if err != nil {
		return nil, "", err
	}
	env, err := st.Environment(f)
	if err != nil {
		return nil, "", err
	}
	variables, err := json.Marshal(map[string]map[string]string{s.Function: env})
	if err != nil {
		return nil, "", err
	}
	folder, err := os.MkdirTemp("", "invoke-")
	if err != nil {
		return nil, "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	file := filepath.Join(folder, "variables.json")
	if err := os.WriteFile(file, variables, 0o600); err != nil {
		return nil, "", err
	}

	args := []string{
		"local", "invoke", s.Function,
		"--template", filepath.Join(i.build, "template.yaml"),
		"--event", filepath.Join("events", s.File),
		"--env-vars", file,
		"--parameter-overrides", "Architecture=" + i.architecture,
		"--region", "eu-central-1",
		"--skip-pull-image",
	}
	if i.addHost != "" {
		args = append(args, "--add-host", i.addHost)
	}
	sam := exec.CommandContext(ctx, ".tools/venv/bin/sam", args...) //nolint:gosec // words of this repository
	// SAM removes its container when it is interrupted, not when it is killed.
	sam.Cancel = func() error { return sam.Process.Signal(os.Interrupt) }
	sam.WaitDelay = 30 * time.Second
	sam.Env = environment()
	var stdout, stderr bytes.Buffer
	sam.Stdout, sam.Stderr = &stdout, &stderr
	if err := sam.Run(); err != nil {
		return nil, "", fmt.Errorf("sam %s: %w\n%s%s", strings.Join(args, " "), err, &stderr, &stdout)
	}
	return bytes.TrimSpace(stdout.Bytes()), stderr.String(), nil
}

// environment is SAM's. A variable that the template names too would override the
// template's, so that nothing of the caller's is handed on but the way to Docker.
func environment() []string {
	env := []string{
		"SAM_CLI_TELEMETRY=0",
		"AWS_ACCESS_KEY_ID=emulated", "AWS_SECRET_ACCESS_KEY=emulated",
		"AWS_CONFIG_FILE=" + os.DevNull, "AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull,
	}
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_CERT_PATH", "DOCKER_TLS_VERIFY"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}
