package main

import (
	"fmt"
	"slices"
	"sync"

	"github.com/stagelock/seccomp/launch"
	"github.com/stagelock/seccomp/refusal"
)

// Refusals are what a report has been told.
type refusals struct {
	mu sync.Mutex
	refusal.Log
	looker
	s         *streams
	concluded int // of how many refusals the last conclusion was
	total     int
}

// toldEach is how many refusals of one call by one rule are told one by one.
const toldEach = 5

// add takes a refusal.
func (l *refusals) add(r launch.Refusal) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.total++
	x := l.Add(r.Nr, r.Args, r.By)
	if x.Count <= toldEach {
		seen := l.look(l.Arch, r)
		l.s.complain("thread %d: %s: %s, %s", r.Thread, refusal.Call(l.Arch, r.Nr, r.Args, seen.names), r.By.Action.Text(l.Arch),
			refusal.Whose(r.By.Origin))
		for _, line := range seen.lines() {
			fmt.Fprintln(l.s.err, line)
		}
	}
	if x.Count == toldEach {
		l.s.complain("further refusals of %s by this rule are counted only", l.Name(x))
	}
}

// conclude counts, and says what would have allowed what was refused, if there was something since the last time.
func (l *refusals) conclude(suggest bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.total == l.concluded {
		return
	}
	l.concluded = l.total
	for _, x := range slices.SortedStableFunc(slices.Values(l.Seen), func(x, y *refusal.Entry) int { return y.Count - x.Count }) {
		if x.Count > toldEach {
			l.s.complain("%s was refused %d times by %s", l.Name(x), x.Count, refusal.Whose(x.By.Origin))
		}
	}
	if !suggest {
		return
	}
	// They are as narrow as what was seen.
	l.s.complain("these rules would have allowed it; a rule of the policy about the same call goes:")
	var said []uint32
	for _, x := range l.Seen {
		if !slices.Contains(said, x.Nr) {
			fmt.Fprintln(l.s.err, l.Allowing(x.Nr))
			said = append(said, x.Nr)
		}
	}
}
