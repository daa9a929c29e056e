package fault

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"dinarfunctions/sandbox/provider/internal/jsonhttp"
)

// Info describes a fault to whoever scripts it. F is the provider's own type of
// fault.
type Info[F ~string] struct {
	Fault       F      `json:"fault"`
	Description string `json:"description"`
	// Charges tells whether a charge request is carried out all the same: with a
	// card that settles, money is taken. What reads only never charges.
	Charges bool `json:"charges"`
	// Requests are the kinds of request it is for, in the provider's words.
	Requests []string `json:"requests"`
}

// Behaviour is a fault and what it does to a request X that passed all checks.
type Behaviour[F ~string, X any] struct {
	Info[F]
	// Tells: its answer is about a thing that was asked for, so there must be one.
	Tells bool
	Play  func(X)
}

// Infos are the descriptions of all behaviours, in their order.
func Infos[F ~string, X any](all []Behaviour[F, X]) []Info[F] {
	infos := make([]Info[F], len(all))
	for i, b := range all {
		infos[i] = b.Info
	}
	return infos
}

// Plan is which faults a provider has, and which of them the next requests of
// each kind will meet: first in, first out, one per request. It may be used by
// many goroutines.
type Plan[F ~string, X any] struct {
	all   []Behaviour[F, X]
	kinds []string

	mu   sync.Mutex
	next map[string][]Behaviour[F, X] // by kind
}

// NewPlan makes a plan in which nothing goes wrong yet.
func NewPlan[F ~string, X any](all []Behaviour[F, X], kinds ...string) *Plan[F, X] {
	return &Plan[F, X]{all: all, kinds: kinds, next: map[string][]Behaviour[F, X]{}}
}

// Script adds faults for the next requests of a kind, after those that are
// scripted already. It is an error, and nothing is scripted, if one of them is
// no fault of that kind.
func (p *Plan[F, X]) Script(kind string, faults ...F) error {
	return p.script(map[string][]F{kind: faults})
}

func (p *Plan[F, X]) script(faults map[string][]F) error {
	found := map[string][]Behaviour[F, X]{}
	for kind, names := range faults {
		if !slices.Contains(p.kinds, kind) {
			return fmt.Errorf("simulator: %q is no kind of request with faults: use one of %s", kind, strings.Join(p.kinds, ", "))
		}
		for _, name := range names {
			i := slices.IndexFunc(p.all, func(b Behaviour[F, X]) bool {
				return b.Fault == name && slices.Contains(b.Requests, kind)
			})
			if i < 0 {
				return fmt.Errorf("simulator: %q is no fault of a %s request: GET on this path lists them", name, kind)
			}
			found[kind] = append(found[kind], p.all[i])
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for kind, more := range found {
		p.next[kind] = append(p.next[kind], more...)
	}
	return nil
}

// Next takes the fault of the next request of a kind, if there is one.
func (p *Plan[F, X]) Next(kind string) (Behaviour[F, X], bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	left := p.next[kind]
	if len(left) == 0 {
		return Behaviour[F, X]{}, false
	}
	p.next[kind] = left[1:]
	return left[0], true
}

// left is what is still to come, by kind.
func (p *Plan[F, X]) left() map[string][]F {
	p.mu.Lock()
	defer p.mu.Unlock()
	left := map[string][]F{}
	for _, kind := range p.kinds {
		left[kind] = []F{}
		for _, b := range p.next[kind] {
			left[kind] = append(left[kind], b.Fault)
		}
	}
	return left
}

func (p *Plan[F, X]) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.next)
}

// Control adds the plan to a simulator's control API. Each answers what is
// scripted then:
//
//	GET    /sandbox/faults  also lists which faults there are
//	POST   /sandbox/faults  {"kind": ["fault", …], …}: script more
//	DELETE /sandbox/faults  forget what is scripted
func (p *Plan[F, X]) Control(mux *http.ServeMux) {
	const path = " /sandbox/faults"
	mux.HandleFunc(http.MethodGet+path, func(w http.ResponseWriter, _ *http.Request) {
		jsonhttp.Write(w, http.StatusOK, struct {
			Faults   []Info[F]      `json:"faults"`
			Scripted map[string][]F `json:"scripted"`
		}{Infos(p.all), p.left()})
	})
	mux.HandleFunc(http.MethodPost+path, func(w http.ResponseWriter, r *http.Request) {
		var faults map[string][]F
		err := jsonhttp.Read(r, &faults)
		if err == nil {
			err = p.script(faults)
		}
		if err != nil {
			jsonhttp.Refuse(w, r, err)
			return
		}
		jsonhttp.Write(w, http.StatusOK, p.left())
	})
	mux.HandleFunc(http.MethodDelete+path, func(w http.ResponseWriter, _ *http.Request) {
		p.clear()
		jsonhttp.Write(w, http.StatusOK, p.left())
	})
}
