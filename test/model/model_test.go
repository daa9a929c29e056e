package model_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"dinarfunctions/shared/boltstore"
	"dinarfunctions/shared/charge"
)

const (
	defaultScenarios = 1000
	// lanes is how many scenarios run side by side. They mostly wait for the disk.
	lanes = 8
	// actions is how long a scenario is on average.
	actions = "15"
)

func TestMain(m *testing.M) {
	flag.Parse()
	given := map[string]bool{}
	flag.Visit(func(f *flag.Flag) { given[f.Name] = true })
	scenarios := defaultScenarios
	if text := os.Getenv("MODEL_SCENARIOS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			fmt.Fprintf(os.Stderr, "MODEL_SCENARIOS is %q, but has to be a number of scenarios\n", text)
			os.Exit(2)
		}
		scenarios = n
	}
	for name, value := range map[string]string{
		"rapid.checks": strconv.Itoa((scenarios + lanes - 1) / lanes), // in each lane
		"rapid.steps":  actions,
	} {
		if !given[name] {
			if err := flag.Set(name, value); err != nil {
				panic(err)
			}
		}
	}
	os.Exit(m.Run())
}

func TestLedgerAndProviderAgree(t *testing.T) {
	t.Parallel()
	scenarios(t, func(t *rapid.T, dir string) (charge.Store, func() []boltstore.Told) {
		file, err := boltstore.Open(filepath.Join(dir, "ledger.db"))
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, file.Close()) })
		return file.Charges(), func() []boltstore.Told {
			events, err := file.Events(context.Background(), 0, 10_000)
			require.NoError(t, err)
			return events
		}
	})
}

// scenarios runs all scenarios over a store, each with an empty one, and prints
// what they met. Where the store comes with what others were told, that alone has to
// say how each charge ended.
func scenarios(t *testing.T, open func(t *rapid.T, dir string) (charge.Store, func() []boltstore.Told)) {
	t.Helper()
	counts := newTally()
	t.Run("lanes", func(t *testing.T) {
		for lane := range lanes {
			t.Run(strconv.Itoa(lane), func(t *testing.T) {
				t.Parallel()
				rapid.Check(t, func(rt *rapid.T) {
					dir, err := os.MkdirTemp(t.TempDir(), "")
					require.NoError(rt, err)
					store, told := open(rt, dir)
					h := newHouse(rt, store, counts)
					scenario(rt, h)
					if told != nil {
						h.requireTold(rt, told())
					}
				})
			})
		}
	})
	t.Logf("what the scenarios met:\n%s", counts)
	if !t.Failed() {
		requireAllMet(t, counts)
	}
}

func scenario(t *rapid.T, h *house) {
	every := map[string]func(*rapid.T){"": h.check}
	for _, kind := range []what{
		post, together, get, list, sweep, callback, resolve, turn, wait, chargeFault, statusFault, changes, turnsRound, reversal, plans, cascades,
		rotate, rotateOne, arrives,
	} {
		every[string(kind)] = func(t *rapid.T) { h.do(draw(t, kind, 0)) }
	}
	// What charges comes up more often than the rest.
	every["POST, again"] = every[string(post)]
	every["POST, and again"] = every[string(post)]
	every["fault, and POST"] = func(t *rapid.T) {
		h.do(draw(t, chargeFault, 0))
		h.do(draw(t, post, 0))
	}
	every["fault, and callback"] = func(t *rapid.T) {
		h.do(draw(t, statusFault, 0))
		h.do(draw(t, callback, 0))
	}
	every["cascade, and POST"] = func(t *rapid.T) {
		planned := draw(t, plans, 0)
		h.do(planned)
		s := draw(t, post, 0)
		s.Number, s.Content = planned.Number, contentOf(t, planned.Number)
		h.do(s)
	}
	t.Repeat(every)
	h.end(t)
}

// requireAllMet: scenarios that met no faults would prove nothing.
func requireAllMet(t *testing.T, counts *tally) {
	t.Helper()
	run := counts.of("totals", "scenarios")
	require.Positive(t, run)
	require.Zero(t, counts.of("totals", "double charges"))
	require.Zero(t, counts.of("totals", "orders settled at the provider and declined here"))
	if run < defaultScenarios {
		return
	}
	for _, kind := range []string{kindCharge, kindStatus} {
		for _, fault := range faultsOf(kind) {
			require.Positive(t, counts.of("provider, "+kind, fault), "no %s request met %s", kind, fault)
		}
	}
	for _, set := range []string{"cascading context: true", "cascading context: false", "a wrong key is a 401: true"} {
		require.Positive(t, counts.of("panel", set), set)
	}
	for _, words := range reversals {
		require.Positive(t, counts.of("taken back", words), "no payment became %s", words)
	}
	for _, about := range []string{aboutNewest, aboutOlder, repeated} {
		require.Positive(t, counts.of("callback", about+", after the call"), about)
	}
	for _, callback := range []string{aboutNewest + ", during the call", repeated + ", during the call", "a hint without a payment, before the call"} {
		require.Positive(t, counts.of("callback", callback), callback)
	}
	for _, name := range []string{"orders with several payments", "orders that a later payment settled"} {
		require.Positive(t, counts.of("totals", name), name)
	}
	for _, when := range []string{"before a charge request", "after a charge request", "after the store's claim", "before the store's record"} {
		require.Positive(t, counts.of("killed", when), "no function was killed %s", when)
	}
	for _, fault := range storeFaults() {
		for _, call := range []string{"claim", "record"} {
			require.Positive(t, counts.of("store", fmt.Sprintf("%s (%s)", fault, call)), "no %s was %s", call, fault)
		}
	}
}
