package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"

	"github.com/go-json-experiment/json"

	"dinarfunctions/sandbox/routes"
	"dinarfunctions/shared/charge"
)

// storeFault is a way in which the ledger's store fails, for those who want to
// see what becomes of a charge then.
type storeFault string

const (
	// throttled: refused, nothing is written.
	throttled storeFault = "throttled"
	// answerLost: written, but the answer does not come.
	answerLost storeFault = "answer_lost"
)

// faultyStore is the sandbox's store with faults to come: of claims, and of
// outcomes.
type faultyStore struct {
	charge.Store

	mu     sync.Mutex
	claim  []storeFault
	record []storeFault
}

var errStoreFault = errors.New("the store fails, as it was told to")

// next takes the first fault of a list.
func (f *faultyStore) next(list *[]storeFault) storeFault {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(*list) == 0 {
		return ""
	}
	first := (*list)[0]
	*list = (*list)[1:]
	return first
}

// Claim implements charge.Store.
func (f *faultyStore) Claim(ctx context.Context, c charge.Charge) (charge.Charge, bool, error) {
	fault := f.next(&f.claim)
	if fault == throttled {
		return charge.Charge{}, false, errStoreFault
	}
	standing, won, err := f.Store.Claim(ctx, c)
	if fault == answerLost {
		return charge.Charge{}, false, errStoreFault
	}
	return standing, won, err
}

// Record implements charge.Store.
func (f *faultyStore) Record(ctx context.Context, c charge.Change) (charge.Charge, bool, error) {
	fault := f.next(&f.record)
	if fault == throttled {
		return charge.Charge{}, false, errStoreFault
	}
	standing, applied, err := f.Store.Record(ctx, c)
	if fault == answerLost {
		return charge.Charge{}, false, errStoreFault
	}
	return standing, applied, err
}

// ServeHTTP scripts faults: POST /sandbox/ledger/faults {"claim": ["throttled"],
// "record": ["answer_lost"]}, one for each of the next writes of its kind.
func (f *faultyStore) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Claim  []storeFault `json:"claim"`
		Record []storeFault `json:"record"`
	}
	err := json.UnmarshalRead(http.MaxBytesReader(w, r.Body, 64<<10), &body, json.RejectUnknownMembers(true))
	for _, fault := range slices.Concat(body.Claim, body.Record) {
		if fault != throttled && fault != answerLost {
			err = fmt.Errorf("%q is no fault of the ledger: use %s or %s", fault, throttled, answerLost)
		}
	}
	if err != nil {
		routes.Refuse(w, r, http.StatusBadRequest, err)
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.claim = append(f.claim, body.Claim...)
	f.record = append(f.record, body.Record...)
	w.WriteHeader(http.StatusNoContent)
}
