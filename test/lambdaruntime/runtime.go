// Package lambdaruntime runs a built function as Lambda does: the real binary in
// a process of its own, fed by the Lambda Runtime API. Tests use it for what can
// only be seen from outside: start-up, settings, logs, and what happens when a
// process is killed or stopped in mid-charge.
package lambdaruntime

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dinarfunctions/test/logbuffer"
)

// Build builds the function in functions/<name> for this machine and returns the
// path of its bootstrap.
func Build(t testing.TB, name string) string {
	t.Helper()
	_, here, _, _ := runtime.Caller(0)
	top := filepath.Join(filepath.Dir(here), "..", "..")
	bootstrap := filepath.Join(t.TempDir(), "bootstrap")
	command := exec.CommandContext(t.Context(), "go", "build", "-tags", "lambda.norpc", "-o", bootstrap, "./functions/"+name) //nolint:gosec // the test's own words
	command.Dir = top
	out, err := command.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return bootstrap
}

// Instance is one running function, as Lambda keeps it: one invocation at a time.
type Instance struct {
	command *exec.Cmd
	server  *http.Server
	log     logbuffer.Buffer
	exited  chan struct{} // closed when the process is gone

	invocations chan invocation // to be fetched by the function
	mu          sync.Mutex
	pending     map[string]chan Result
	next        int
}

type invocation struct {
	id      string
	payload []byte
	within  time.Duration
}

// Result is what became of an invocation.
type Result struct {
	Payload []byte
	// Failed tells that the function answered with an error, whose text is the payload.
	Failed bool
	// Gone tells that the process ended without an answer.
	Gone bool
}

// Start starts a bootstrap with exactly these environment variables, and those
// that Lambda itself sets.
func Start(t testing.TB, bootstrap string, env map[string]string) *Instance {
	t.Helper()
	i := &Instance{invocations: make(chan invocation), pending: map[string]chan Result{}, exited: make(chan struct{})}
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	mux := http.NewServeMux()
	const api = "/2018-06-01/runtime/"
	mux.HandleFunc("GET "+api+"invocation/next", i.fetch)
	mux.HandleFunc("POST "+api+"invocation/{id}/response", i.answer(false))
	mux.HandleFunc("POST "+api+"invocation/{id}/error", i.answer(true))
	mux.HandleFunc("POST "+api+"init/error", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) })
	i.server = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = i.server.Serve(listener) }() // ends with Close

	all := map[string]string{
		"AWS_LAMBDA_RUNTIME_API":          listener.Addr().String(),
		"AWS_LAMBDA_FUNCTION_NAME":        "under-test",
		"AWS_LAMBDA_FUNCTION_VERSION":     "$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
		"AWS_REGION":                      "eu-central-1",
		"AWS_ACCESS_KEY_ID":               "emulated",
		"AWS_SECRET_ACCESS_KEY":           "emulated",
	}
	maps.Copy(all, env)
	i.command = exec.Command(bootstrap) //nolint:noctx // the test's own binary; Close ends it
	for _, name := range slices.Sorted(maps.Keys(all)) {
		i.command.Env = append(i.command.Env, name+"="+all[name])
	}
	i.command.Stdout, i.command.Stderr = &i.log, &i.log
	require.NoError(t, i.command.Start())
	go func() {
		_ = i.command.Wait()
		close(i.exited)
	}()
	t.Cleanup(i.Close)
	return i
}

// Invoke hands the function an event and waits for its answer, or for the end of
// its process. It may be called at any time: a function that is busy gets the event
// after those before it. within is the invocation's time-out, which Lambda would
// enforce; it counts from the moment at which the function fetches the event.
func (i *Instance) Invoke(ctx context.Context, payload []byte, within time.Duration) (Result, error) {
	i.mu.Lock()
	i.next++
	id := strconv.Itoa(i.next)
	done := make(chan Result, 1)
	i.pending[id] = done
	i.mu.Unlock()

	select {
	case i.invocations <- invocation{id, payload, within}:
	case <-i.exited:
		return Result{Gone: true}, nil
	case <-ctx.Done():
		return Result{}, fmt.Errorf("the function did not ask for an event: %w; its log: %s", ctx.Err(), i.Log())
	}
	select {
	case result := <-done:
		return result, nil
	case <-i.exited:
		return Result{Gone: true}, nil
	case <-ctx.Done():
		return Result{}, fmt.Errorf("the function did not answer: %w; its log: %s", ctx.Err(), i.Log())
	}
}

// Exited is closed when the process has ended.
func (i *Instance) Exited() <-chan struct{} { return i.exited }

// ExitCode is that of a process that has ended.
func (i *Instance) ExitCode() int { return i.command.ProcessState.ExitCode() }

// Kill ends the process at once, as SIGKILL does.
func (i *Instance) Kill() {
	_ = i.command.Process.Kill()
	<-i.exited
}

// Log is all that the process has written so far.
func (i *Instance) Log() string { return i.log.String() }

// Close ends the process and the Runtime API.
func (i *Instance) Close() {
	i.Kill()
	_ = i.server.Close()
}

// fetch gives the function the next event, as soon as there is one.
func (i *Instance) fetch(w http.ResponseWriter, r *http.Request) {
	select {
	case next := <-i.invocations:
		w.Header().Set("Lambda-Runtime-Aws-Request-Id", next.id)
		w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(next.within).UnixMilli(), 10))
		w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-central-1:123456789012:function:under-test")
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(next.payload)
	case <-r.Context().Done():
	}
}

func (i *Instance) answer(failed bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		payload, err := io.ReadAll(r.Body)
		if err != nil {
			return // the process died while it answered
		}
		i.mu.Lock()
		done := i.pending[r.PathValue("id")]
		delete(i.pending, r.PathValue("id"))
		i.mu.Unlock()
		if done != nil {
			done <- Result{Payload: payload, Failed: failed}
		}
		w.WriteHeader(http.StatusAccepted)
	}
}
