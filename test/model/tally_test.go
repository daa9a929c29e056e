package model_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// tally counts what the scenarios met.
type tally struct {
	mu     sync.Mutex
	counts map[string]map[string]int // by group, then by name
}

func newTally() *tally { return &tally{counts: map[string]map[string]int{}} }

func (c *tally) add(group, name string) { c.addMany(group, name, 1) }

func (c *tally) addMany(group, name string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.counts[group] == nil {
		c.counts[group] = map[string]int{}
	}
	c.counts[group][name] += n
}

func (c *tally) of(group, name string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.counts[group][name]
}

// String is a table of all that was counted.
func (c *tally) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var b strings.Builder
	for _, group := range slices.Sorted(maps.Keys(c.counts)) {
		fmt.Fprintf(&b, "\n%s\n", group)
		for _, name := range slices.Sorted(maps.Keys(c.counts[group])) {
			fmt.Fprintf(&b, "%8d  %s\n", c.counts[group][name], name)
		}
	}
	return b.String()
}
