//go:build linux

package main

import (
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// cBuilds are what testdata/c is built with: the C library settles what is called.
var cBuilds = []struct {
	build
	cc   string
	only string // the GOARCH of the machine, empty if any will do
}{
	{build: build{name: "c", env: []string{"CGO_ENABLED=1"}}, cc: "gcc"},
	{build: build{name: "c musl", env: []string{"CGO_ENABLED=1", "CC=musl-gcc"}}, cc: "musl-gcc"},
	{build: build{name: "c 386", env: []string{"CGO_ENABLED=1", "GOARCH=386", "CC=gcc -m32"}}, cc: "gcc -m32", only: "amd64"},
}

// hasCompiler tells whether there is a C compiler, and what its programs are linked with, and whether they run here.
func hasCompiler(t *testing.T, cc string) bool {
	t.Helper()
	exe := filepath.Join(t.TempDir(), "exe")
	words := append(strings.Fields(cc), "-x", "c", "-o", exe, "-")
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Stdin = strings.NewReader("#include <errno.h>\n#include <stdio.h>\nint main(void) { return puts(\"\") < 0 && errno; }\n")
	return cmd.Run() == nil && exec.Command(exe).Run() == nil
}

// TestThroughC is TestSameAsUnlocked for what a program does through C: threads that C starts, malloc on them, the C
// library's resolver and its users, files that it reads.
func TestThroughC(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: the pure build alone")
	}
	for _, b := range cBuilds {
		t.Run(b.name, func(t *testing.T) {
			if b.only != "" && runtime.GOARCH != b.only {
				t.Skipf("%s makes programs of %s", b.cc, runtime.GOARCH)
			}
			if !hasCompiler(t, b.cc) {
				t.Skipf("there is no %s, nothing to link with, or its programs don't run here", b.cc)
			}
			b.pkg, b.tags = "testdata/c", "netcgo"
			b.make(t)
			throughC(t, b.build, b.cc == "musl-gcc")
		})
	}
}

func throughC(t *testing.T, b build, musl bool) {
	for _, name := range []string{"threads", "heap", "guard", "files", "raise", "abort", "panic", "resolver", "user", "stranger"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			unlocked, text := b.run(t, name, "", nil)
			if died := unlocked.Exit != 0 || unlocked.Signal != 0; died != (name == "abort" || name == "panic") {
				t.Fatalf("unlocked: %+v\n%s", unlocked, text)
			}
			for _, deny := range []string{"errno", "kill"} {
				var more []string
				switch {
				case name == "raise" && musl:
					// By tkill, which no filter can hold to the own threads: a policy that means it says so.
					more = []string{"STRESS_RULES=sys_tkill: sig == SIGUSR1"}
				case deny == "kill" && !musl:
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
	if musl { // which has another malloc
		return
	}
	// What only C makes of the floor is missed.
	for call, name := range map[string]string{"mremap": "threads", "brk": "heap"} {
		t.Run("without "+call, func(t *testing.T) {
			t.Parallel()
			if got, _ := b.run(t, name, "kill", []string{"STRESS_RULES=sys_" + call + ": 0 including go"}); got.Signal != syscall.SIGSYS {
				t.Errorf("nobody misses %s: %+v", call, got)
			}
		})
	}
}
