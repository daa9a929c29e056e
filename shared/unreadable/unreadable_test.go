package unreadable_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/unreadable"
)

var broken = &unreadable.Error{Kind: unreadable.Subscription, Key: "gold-42", What: "time_zone is none that is known"}

var errReach = errors.New("the store cannot be reached")

// The runbook that every error names is there.
func TestTheRunbook(t *testing.T) {
	t.Parallel()
	require.FileExists(t, filepath.Join("..", "..", unreadable.Runbook))
	page, err := os.ReadFile(filepath.Join("..", "..", unreadable.Runbook))
	require.NoError(t, err)
	for _, kind := range []unreadable.Kind{unreadable.Charge, unreadable.Subscription, unreadable.Payout} {
		require.Contains(t, string(page), "| `"+string(kind)+"` |", "it does not say how to find a %s", kind)
	}
}

func TestError(t *testing.T) {
	t.Parallel()
	require.EqualError(t, broken, "the stored subscription gold-42 cannot be read (time_zone is none that is known); "+
		"nothing is charged for it until the item is mended: see docs/runbooks/mend-an-item.md")
	require.EqualError(t, &unreadable.Error{Kind: unreadable.Switch, What: "mode is none"}, "the stored switch cannot be read (mode is none); "+
		"nothing is charged until it is set anew with PUT /charging: see docs/runbooks/mend-an-item.md")
}

// "Cannot be read" and "cannot be reached" are two things.
func TestWrap(t *testing.T) {
	t.Parallel()
	err := unreadable.Wrap(fmt.Errorf("read it in a table: %w", broken), errReach, "reading subscription gold-42")
	require.NotErrorIs(t, err, errReach)
	require.NotContains(t, err.Error(), "reached")
	require.Same(t, broken, unreadable.Of(err))

	down := errors.New("throttled")
	err = unreadable.Wrap(down, errReach, "reading subscription gold-42")
	require.ErrorIs(t, err, errReach)
	require.ErrorIs(t, err, down)
	require.Nil(t, unreadable.Of(err))
	require.Nil(t, unreadable.Of(nil))
}

func TestSplit(t *testing.T) {
	t.Parallel()
	require.NoError(t, unreadable.Left(nil))
	other := &unreadable.Error{Kind: unreadable.Charge, Key: "order-1"}
	err := unreadable.Left([]*unreadable.Error{broken, other, broken})
	require.Same(t, broken, unreadable.Of(err), "who does not take it apart is told of one")
	left, failed := unreadable.Split(fmt.Errorf("list: %w", err))
	require.NoError(t, failed)
	require.Equal(t, []string{"gold-42", "order-1"}, unreadable.Keys(left))
	require.Nil(t, unreadable.Keys(nil))

	// A single thing is no list without it.
	for _, err := range []error{broken, errReach} {
		left, failed = unreadable.Split(err)
		require.Empty(t, left)
		require.Equal(t, err, failed)
	}
}

func TestAlarm(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&out, nil))
	require.False(t, unreadable.Alarm(t.Context(), log, nil))
	require.False(t, unreadable.Alarm(t.Context(), log, errReach))
	require.Empty(t, out.String())
	require.True(t, unreadable.Alarm(t.Context(), log, fmt.Errorf("look: %w", broken)))
	require.Contains(t, out.String(), `"level":"ERROR"`)
	require.Contains(t, out.String(), `"alarm":"unreadable","kind":"subscription","key":"gold-42","what":"time_zone is none that is known"`)
}
