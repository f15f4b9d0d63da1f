//go:build linux

package main

import (
	"fmt"
	"os/exec"
	"strings"
)

const head = `# The standard library's own tests, locked

Go's tests of its standard library run twice: as they are, and under a stage that has the areas of that package alone,
from the first instruction of the test binary on. ` + "`go run ./integration/stdtest`" + ` makes this table; it fails where a test
ends in another way and [differences.txt](../integration/stdtest/differences.txt) does not say why that is meant to be.
Tests count with their subtests, run with -short. What fails or is skipped unlocked does so for want of a network, a
right or a program on that machine, which is the same for both.

`

// table is docs/std-tests.md.
func table(groups []*group, results []*result, expected explanations) string {
	var b strings.Builder
	b.WriteString(head)
	version, _ := exec.Command("go", "env", "GOVERSION", "GOARCH").Output()
	fmt.Fprintf(&b, "Of %s:\n\n", strings.Join(strings.Fields(string(version)), ", "))
	b.WriteString("| package | areas | passed | passed, locked | differ | why |\n|---|---|--:|--:|--:|---|\n")
	var unlocked, locked, differ int
	for _, r := range results {
		var why []string
		for _, d := range r.differences() {
			reason := expected.find(r, d.test).String()
			if len(why) == 0 || why[len(why)-1] != reason {
				why = append(why, reason)
			}
		}
		pkg := "`" + r.Package + "`"
		if r.group.cgo {
			pkg += " with cgo"
		}
		fmt.Fprintf(&b, "| %s | %s | %d | %d | %d | %s |\n", pkg, r.group.name, count(r.Unlocked, "PASS"), count(r.Locked, "PASS"),
			len(r.differences()), strings.Join(why, "; "))
		unlocked += count(r.Unlocked, "PASS")
		locked += count(r.Locked, "PASS")
		differ += len(r.differences())
	}
	fmt.Fprintf(&b, "| %d packages | | %d | %d | %d | |\n\n", len(results), unlocked, locked, differ)
	b.WriteString("The areas are the files of [groups](../integration/stdtest/groups), which use\n\n")
	b.WriteString("| areas | sets, beside `go` |\n|---|---|\n")
	for _, g := range groups {
		fmt.Fprintf(&b, "| %s | %s |\n", g.name, strings.Join(g.sets, ", "))
	}
	return b.String()
}
