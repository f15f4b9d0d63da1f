//go:build linux

package main

import (
	"os/exec"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestThroughC is TestSameAsUnlocked for what a program does through C: threads that C starts, malloc on them, the C
// library's resolver and its users.
func TestThroughC(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: the pure build alone")
	}
	if _, err := exec.LookPath("gcc"); err != nil {
		t.Skip("cgo needs a C compiler")
	}
	b := build{name: "c", env: []string{"CGO_ENABLED=1"}, pkg: "testdata/c", tags: "netcgo"}
	b.make(t)
	for _, name := range []string{"threads", "raise", "abort", "panic", "resolver", "user", "stranger"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			unlocked, text := b.run(t, name, "", nil)
			if died := unlocked.Exit != 0 || unlocked.Signal != 0; died != (name == "abort" || name == "panic") {
				t.Fatalf("unlocked: %+v\n%s", unlocked, text)
			}
			for _, deny := range []string{"errno", "kill"} {
				var more []string
				if deny == "kill" {
					// nsswitch.conf may name modules to be loaded. Refused that with an errno the C library passes them over;
					// loaded, they call what they like.
					if name == "stranger" {
						continue
					}
					more = []string{"STRESS_MORE=, exec.dynamic"}
				}
				got, text := b.run(t, name, deny, more)
				if diff := cmp.Diff(unlocked, got); diff != "" {
					t.Errorf("deny %s (-unlocked +locked):\n%s\n%s", deny, diff, head(text, 60))
				}
			}
		})
	}
	// What only C makes of the floor is missed.
	for _, call := range []string{"mremap", "brk"} {
		t.Run("without "+call, func(t *testing.T) {
			t.Parallel()
			if got, _ := b.run(t, "threads", "kill", []string{"STRESS_RULES=sys_" + call + ": 0 including go"}); got.Signal != syscall.SIGSYS {
				t.Errorf("nobody misses %s: %+v", call, got)
			}
		})
	}
}
