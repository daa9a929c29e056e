package fault_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dinarfunctions/sandbox/provider/internal/fault"
)

type name string

func plan() *fault.Plan[name, *[]name] {
	behaviour := func(f name, requests ...string) fault.Behaviour[name, *[]name] {
		return fault.Behaviour[name, *[]name]{
			Info: fault.Info[name]{Fault: f, Description: "is " + string(f), Requests: requests},
			Play: func(played *[]name) { *played = append(*played, f) },
		}
	}
	return fault.NewPlan([]fault.Behaviour[name, *[]name]{
		behaviour("broken", "read", "write"),
		behaviour("late", "read"),
	}, "read", "write")
}

func play(p *fault.Plan[name, *[]name], kind string) (played []name) {
	for b, ok := p.Next(kind); ok; b, ok = p.Next(kind) {
		b.Play(&played)
	}
	return played
}

func TestEachKindHasItsOwnOrder(t *testing.T) {
	t.Parallel()
	p := plan()
	require.NoError(t, p.Script("read", "late", "broken"))
	require.NoError(t, p.Script("write", "broken"))
	require.NoError(t, p.Script("read", "late"))
	require.NoError(t, p.Script("read"))
	require.Equal(t, []name{"late", "broken", "late"}, play(p, "read"))
	require.Equal(t, []name{"broken"}, play(p, "write"))
	require.Empty(t, play(p, "write"))
}

func TestAllOrNothingIsScripted(t *testing.T) {
	t.Parallel()
	p := plan()
	require.ErrorContains(t, p.Script("read", "broken", "lost"), `"lost" is no fault of a read request`)
	require.ErrorContains(t, p.Script("write", "late"), `"late" is no fault of a write request`)
	require.ErrorContains(t, p.Script("delete", "broken"), "use one of read, write")
	require.Empty(t, play(p, "read"))
	require.Empty(t, play(p, "write"))
}

func TestControl(t *testing.T) {
	t.Parallel()
	p := plan()
	mux := http.NewServeMux()
	p.Control(mux)
	call := func(method, body string) (int, string) {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, "/sandbox/faults", strings.NewReader(body)))
		return w.Code, w.Body.String()
	}
	status, body := call(http.MethodPost, `{"read": ["late", "broken"], "write": ["broken"]}`)
	require.Equal(t, http.StatusOK, status)
	require.JSONEq(t, `{"read": ["late", "broken"], "write": ["broken"]}`, body)

	status, _ = call(http.MethodPost, `{"read": ["late"], "write": ["late"]}`)
	require.Equal(t, http.StatusBadRequest, status)

	_, body = call(http.MethodGet, "")
	require.JSONEq(t, `{
		"faults": [
			{"fault": "broken", "description": "is broken", "charges": false, "requests": ["read", "write"]},
			{"fault": "late", "description": "is late", "charges": false, "requests": ["read"]}
		],
		"scripted": {"read": ["late", "broken"], "write": ["broken"]}
	}`, body)

	_, body = call(http.MethodDelete, "")
	require.JSONEq(t, `{"read": [], "write": []}`, body)
	require.Empty(t, play(p, "read"))
}

func TestEachFaultIsTakenOnce(t *testing.T) {
	t.Parallel()
	p := plan()
	const faults, takers = 100, 10
	var taken atomic.Int64
	var wait sync.WaitGroup
	errs := make(chan error, faults)
	for range faults {
		wait.Go(func() { errs <- p.Script("read", "late") })
	}
	wait.Wait()
	close(errs)
	for err := range errs {
		require.NoError(t, err)
	}
	for range takers {
		wait.Go(func() { taken.Add(int64(len(play(p, "read")))) })
	}
	wait.Wait()
	require.EqualValues(t, faults, taken.Load())
}

func TestSleepEndsWithItsContext(t *testing.T) {
	t.Parallel()
	require.NoError(t, fault.Sleep(t.Context(), time.Nanosecond))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, fault.Sleep(ctx, time.Hour), context.Canceled)
}
