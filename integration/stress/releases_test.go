//go:build linux

package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

var releases = flag.Bool("releases", false, "run every case as each Go release builds it, and write docs/releases.md")

// toolchains are the Go releases that there are sets for, by their newest patch release.
var toolchains = []string{"1.21.13", "1.22.12", "1.23.12", "1.24.13", "1.25.14", "1.26.8"}

const releasesHead = `# Each Go release, under the floor

The stress of integration/stress, built by each Go release: netpoll started before and after the lock, the collector
under a memory limit and with GOGC=1, a hundred blocked threads, threads that end, ten thousand timers, preemption of
loops, memory given back, profiles and traces, every kind of crash, SIGSTOP and SIGCONT, children. Each case runs
unlocked, and under the floor and the sets it names, refusing by EPERM and by kill: the three must end alike.
` + "`go test ./integration/stress -run Releases -releases -timeout 1h`" + ` makes this table; toolchains come through
GOTOOLCHAIN. Go 1.21 and 1.22, which are too old for the module, get the filter that it compiles for them.

| | amd64 | 386 |
|---|---|---|
`

// TestReleases runs the stress as each Go release builds it. It takes minutes, and toolchains: it is asked for.
func TestReleases(t *testing.T) {
	if !*releases {
		t.Skip("with -releases alone: it needs the toolchains of all releases")
	}
	var b strings.Builder
	b.WriteString(releasesHead)
	for _, v := range toolchains {
		fmt.Fprintf(&b, "| Go %s |", v)
		for _, arch := range []string{"amd64", "386"} {
			build := releaseBuild(v, arch)
			n := 0
			ok := t.Run(build.name, func(t *testing.T) {
				build.make(t)
				n = build.sameAsUnlocked(t, func(stressCase) bool { return true })
			})
			if !ok {
				n = 0
			}
			fmt.Fprintf(&b, " %d cases alike |", n)
		}
		b.WriteString("\n")
	}
	if !t.Failed() {
		if err := os.WriteFile("../../docs/releases.md", []byte(b.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

func releaseBuild(v, arch string) build {
	b := build{name: v + " " + arch, env: []string{"CGO_ENABLED=0", "GOTOOLCHAIN=go" + v, "GOARCH=" + arch}}
	if minor := v[:strings.LastIndex(v, ".")]; minor == "1.21" || minor == "1.22" {
		b.older, b.arch = minor, arch
	}
	return b
}

// TestOlder has the cases as Go 1.21 takes them built by this toolchain, in a module of that go line, so that what
// TestReleases rests on is seen to be in order without that release.
func TestOlder(t *testing.T) {
	cmd := exec.Command("go", "vet", ".")
	cmd.Dir = olderModule(t, "1.21")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// Test386 runs a few cases as a 32-bit program, where the kernel has that ABI.
func Test386(t *testing.T) {
	b := build{name: "386", env: []string{"CGO_ENABLED=0", "GOARCH=386"}}
	if err := exec.Command(b.make(t), "hello").Run(); err != nil {
		t.Skip("this kernel runs no 32-bit programs: ", err)
	}
	some := map[string]bool{"collect": true, "threadexit": true, "sleep": true, "pollafter": true, "notify": true, "panic": true, "serve": true}
	b.sameAsUnlocked(t, func(c stressCase) bool { return some[c.name] })
}
