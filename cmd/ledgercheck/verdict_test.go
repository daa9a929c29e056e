package main

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestJudge(t *testing.T) {
	t.Parallel()
	var (
		used     = &ledger{name: "own"}
		empty    = &ledger{name: "own", empty: true}
		retained = ledger{name: "retained"}
		hollow   = ledger{name: "hollow", empty: true}
		anothers = ledger{name: "anothers", owner: "test"}
	)
	for name, c := range map[string]struct {
		own    *ledger
		others []ledger
		want   verdict
	}{
		"first deployment":                      {nil, nil, goOn},
		"second deployment, nothing charged":    {empty, nil, goOn},
		"in use":                                {used, nil, goOn},
		"made again":                            {nil, []ledger{retained}, stop},
		"made again and deployed already":       {empty, []ledger{retained}, stop},
		"made again and charged already":        {used, []ledger{retained}, mention},
		"an empty one was retained":             {nil, []ledger{hollow}, goOn},
		"another stack's":                       {nil, []ledger{anothers}, goOn},
		"another stack's, beside an empty own":  {empty, []ledger{anothers, hollow}, goOn},
		"one of them was left behind":           {empty, []ledger{anothers, hollow, retained}, stop},
		"one of them was left behind, own used": {used, []ledger{anothers, hollow, retained}, mention},
	} {
		require.Equal(t, c.want, findings{own: c.own, others: c.others}.judge(), name)
		require.Equal(t, c.want, findings{ownSubscriptions: c.own, otherSubscriptions: c.others}.judge(), "subscriptions: %s", name)
		both := findings{own: used, ownSubscriptions: c.own, others: []ledger{retained}, otherSubscriptions: c.others}
		require.Equal(t, max(c.want, mention), both.judge(), "the graver one counts: %s", name)
	}
}

var update = flag.Bool("update", false, "write the golden files anew")

// What an operator reads is kept as files, so that a person sees it change.
func TestWrite(t *testing.T) {
	t.Parallel()
	var (
		retained = ledger{
			name: "dinar-functions-live-Charges-1EXAMPLE", items: 12345, madeBy: "dinar-functions-live",
			created: time.Date(2026, 1, 31, 23, 59, 0, 0, time.UTC),
		}
		untold = ledger{name: "restored-ledger", created: time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)}
		hollow = ledger{name: "dinar-functions-live-Charges-2EXAMPLE", empty: true}
		tests  = ledger{name: "dinar-functions-test-Charges-3EXAMPLE", owner: "dinar-functions-test"}
		own    = ledger{name: "dinar-functions-live-Charges-4EXAMPLE"}
	)
	empty := own
	empty.empty = true
	subscribed := retained
	subscribed.name = "dinar-functions-live-Subscriptions-1EXAMPLE"
	noneIn := ledger{name: "dinar-functions-live-Subscriptions-4EXAMPLE", empty: true}
	for name, f := range map[string]findings{
		"first":                   {},
		"in-use":                  {own: &own, others: []ledger{hollow, tests}},
		"no-stack":                {others: []ledger{retained, hollow, tests, untold}},
		"own-empty":               {own: &empty, others: []ledger{retained}},
		"own-used":                {own: &own, others: []ledger{retained}},
		"subscriptions-no-table":  {own: &own, otherSubscriptions: []ledger{subscribed, hollow}},
		"subscriptions-own-empty": {own: &own, ownSubscriptions: &noneIn, otherSubscriptions: []ledger{subscribed}},
		"subscriptions-own-used":  {own: &own, ownSubscriptions: &own, otherSubscriptions: []ledger{subscribed}},
		"both":                    {others: []ledger{retained}, otherSubscriptions: []ledger{subscribed}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f.stack, f.region = "dinar-functions-live", "eu-central-1"
			var out bytes.Buffer
			require.NoError(t, f.write(&out))

			file := filepath.Join("testdata", name+".golden")
			if *update {
				require.NoError(t, os.WriteFile(file, out.Bytes(), 0o600))
			}
			want, err := os.ReadFile(file)
			require.NoError(t, err, "-update makes it")
			require.Equal(t, string(want), out.String())
		})
	}
}

func TestNothingToDoIsOneLine(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, findings{stack: "s", region: "r"}.write(&out))
	require.Equal(t, 1, strings.Count(out.String(), "\n"))
}

func TestTheRunbookIsThere(t *testing.T) {
	t.Parallel()
	_, err := os.Stat(filepath.Join("..", "..", filepath.FromSlash(runbook)))
	require.NoError(t, err)
}

func TestWhatCannotBePrintedIsAnError(t *testing.T) {
	t.Parallel()
	require.Error(t, findings{}.write(brokenPipe{}))
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }
