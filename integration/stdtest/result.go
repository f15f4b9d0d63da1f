//go:build linux

package main

import (
	"fmt"
	"slices"
	"strings"
)

// A result is how a package's tests ended, by their names, subtests among them: PASS, FAIL or SKIP.
type result struct {
	group    *group
	Package  string
	Unlocked map[string]string
	Locked   map[string]string
	Output   string // of the locked run
}

// A difference is a test that ended in another way under the stage.
type difference struct {
	test             string
	unlocked, locked string // empty: it was not run
}

func (d difference) String() string {
	word := func(s string) string {
		if s == "" {
			return "not run"
		}
		return strings.ToLower(s)
	}
	return fmt.Sprintf("%s: %s, locked %s", d.test, word(d.unlocked), word(d.locked))
}

// differences are those of r, in order. The end of the whole run counts only where no test explains it.
func (r *result) differences() (list []difference) {
	names := make(map[string]bool)
	for name := range r.Unlocked {
		names[name] = true
	}
	for name := range r.Locked {
		names[name] = true
	}
	for name := range names {
		if r.Unlocked[name] != r.Locked[name] && name != wholeRun {
			list = append(list, difference{name, r.Unlocked[name], r.Locked[name]})
		}
	}
	if len(list) == 0 && r.Unlocked[wholeRun] != r.Locked[wholeRun] && !r.anyFails() {
		list = append(list, difference{wholeRun, r.Unlocked[wholeRun], r.Locked[wholeRun]})
	}
	slices.SortFunc(list, func(a, b difference) int { return strings.Compare(a.test, b.test) })
	return list
}

// anyFails tells whether a test failed in both ways, or once: then the run as a whole did too.
func (r *result) anyFails() bool {
	for name, end := range r.Unlocked {
		if end == "FAIL" && name != wholeRun {
			return true
		}
	}
	return false
}

// count returns how many tests ended so.
func count(ends map[string]string, end string) (n int) {
	for name, e := range ends {
		if e == end && name != wholeRun {
			n++
		}
	}
	return n
}

func (r *result) String() string {
	kind := ""
	if r.group.cgo {
		kind = " (cgo)"
	}
	return fmt.Sprintf("%s%s: passed %d, locked %d; skipped %d, %d; failed %d, %d", r.Package, kind,
		count(r.Unlocked, "PASS"), count(r.Locked, "PASS"), count(r.Unlocked, "SKIP"), count(r.Locked, "SKIP"),
		count(r.Unlocked, "FAIL"), count(r.Locked, "FAIL"))
}
