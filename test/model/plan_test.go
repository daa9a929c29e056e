package model_test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"

	"dinarfunctions/shared/charge"
)

// plan is what goes wrong in one invocation. An invocation's calls to the outside,
// to the store and to the provider, are counted from 1; 0 means never. It is found
// in the invocation's context, so that invocations at the same time have each its
// own.
type plan struct {
	spec

	mu       sync.Mutex
	started  time.Time
	calls    int             // to the outside
	storing  int             // of them to the store
	dead     bool            // the function was killed
	broken   bool            // the store is gone for the rest of the invocation
	asked    int             // status requests
	answered []charge.Answer // what the client made of the charge requests
}

// spec is what a plan is drawn as.
type spec struct {
	DieAt    int        // the function is killed at this call …
	DieAfter bool       // … when the other side has done it, or before it begins
	Store    storeFault // the store fails …
	StoreAt  int        // … at this call of it
	Lost     lost       // the provider does not answer
	PauseAt  int        // the function is frozen at this call …
	AfterIt  bool       // … after it or before it …
	While    []step     // … while this happens
}

// storeFault is how the store fails.
type storeFault string

const (
	throttled       storeFault = "throttled, nothing written"
	answerLost      storeFault = "answer lost after the write"
	writtenLate     storeFault = "answer lost, written much later"
	unavailable     storeFault = "unavailable from here on"
	lostUnavailable storeFault = "answer lost after the write, then unavailable"
)

func storeFaults() []storeFault {
	return []storeFault{throttled, answerLost, writtenLate, unavailable, lostUnavailable}
}

// lost is a provider that does not answer in time.
type lost string

const (
	lostAnswer  lost = "time-out, carried out"
	lostRequest lost = "time-out, not carried out"
)

type planKey struct{}

func planOf(ctx context.Context) *plan { return ctx.Value(planKey{}).(*plan) }

// begin counts a call to the outside. A function that was killed makes no more.
func (p *plan) begin() (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dead {
		runtime.Goexit()
	}
	p.calls++
	return p.calls
}

func (p *plan) isDead() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dead
}

// call makes one call to the outside, with what the plan says around it. The end
// of the goroutine is the end of the function: none of its later lines is run, and
// nothing of it is answered.
func (h *house) call(ctx context.Context, name string, do func()) {
	p := planOf(ctx)
	n := p.begin()
	around := func(after bool) {
		when := "before"
		if after {
			when = "after"
		}
		if n == p.PauseAt && after == p.AfterIt {
			h.tally.add("frozen", when+" "+name)
			for _, s := range p.While {
				h.do(s)
			}
		}
		if n == p.DieAt && after == p.DieAfter {
			h.tally.add("killed", when+" "+name)
			p.mu.Lock()
			p.dead = true
			p.mu.Unlock()
			runtime.Goexit()
		}
	}
	around(false)
	do()
	around(true)
}

// GoString is how a plan is printed with a sequence that failed.
func (s spec) GoString() string {
	text := ""
	when := map[bool]string{false: "before", true: "after"}
	if s.DieAt > 0 {
		text += fmt.Sprintf(", killed %s call %d", when[s.DieAfter], s.DieAt)
	}
	if s.StoreAt > 0 {
		text += fmt.Sprintf(", store call %d %s", s.StoreAt, s.Store)
	}
	if s.Lost != "" {
		text += ", provider: " + string(s.Lost)
	}
	if s.PauseAt > 0 {
		text += fmt.Sprintf(", %s call %d: %#v", when[s.AfterIt], s.PauseAt, s.While)
	}
	return text
}
