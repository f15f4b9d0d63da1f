//go:build linux

package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var releases = flag.String("releases", "", "run every case as those builds are that match the `regexp`, as in '1.26.11 amd64 cgo', and write docs/releases.md")

// toolchains are the Go releases that there are sets for, by their newest patch release.
var toolchains = []string{"1.21.13", "1.22.12", "1.23.12", "1.24.13", "1.25.14", "1.26.8", "1.27.4"}

// columns are the ways to build for which there is a column.
var columns = []struct {
	title, arch string
	cgo         bool
}{{"amd64", "amd64", false}, {"amd64, cgo", "amd64", true}, {"386", "386", false}}

const releasesPaper = "../../docs/releases.md"

const releasesHead = `# Each Go release, under the floor

The stress of integration/stress, built by each Go release: netpoll started before and after the lock, the collector
under a memory limit and with GOGC=1, a hundred blocked threads, threads that end, ten thousand timers, preemption of
loops, memory given back, profiles and traces, every kind of crash, SIGSTOP and SIGCONT, children. Each case runs
unlocked, and under the floor and the sets it names, refusing by EPERM and by kill: the three must end alike.
` + "`go test ./integration/stress -run Releases -releases . -timeout 3h`" + ` makes this table, or the cells of the builds that
match; toolchains come through GOTOOLCHAIN. Go 1.21 and 1.22, which are too old for the module, get the filter that it compiles
for them. With cgo, whose threads are the C library's, there are fewer cases: the runtime looks for no deadlocks there, and no
program is static.
`

// TestReleases runs the stress as each Go release builds it. It takes an hour, and toolchains: it is asked for.
func TestReleases(t *testing.T) {
	if *releases == "" {
		t.Skip("with -releases alone: it needs the toolchains of all releases")
	}
	wanted, err := regexp.Compile(*releases)
	if err != nil {
		t.Fatal(err)
	}
	cells := releaseCells(t)
	for _, v := range toolchains {
		for _, c := range columns {
			build := releaseBuild(v, c.arch, c.cgo)
			if !wanted.MatchString(build.name) {
				continue
			}
			n := 0
			delete(cells, build.name)
			if t.Run(build.name, func(t *testing.T) {
				build.make(t)
				n = build.sameAsUnlocked(t, func(stressCase) bool { return true })
			}) {
				cells[build.name] = fmt.Sprintf("%d cases alike", n)
			}
			// Each time: what was run stays, whatever ends the test.
			if err := os.WriteFile(releasesPaper, []byte(releaseTable(cells)), 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// releaseTable is docs/releases.md: what came out for each build.
func releaseTable(cells map[string]string) string {
	var b strings.Builder
	b.WriteString(releasesHead + "\n|")
	for _, c := range columns {
		b.WriteString(" | " + c.title)
	}
	b.WriteString(" |\n|---" + strings.Repeat("|---", len(columns)) + "|\n")
	for _, v := range toolchains {
		fmt.Fprintf(&b, "| Go %s |", v)
		for _, c := range columns {
			cell := cells[releaseBuild(v, c.arch, c.cgo).name]
			if cell == "" {
				cell = "not run"
			}
			fmt.Fprintf(&b, " %s |", cell)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// releaseCells reads what docs/releases.md says of the builds that it is about.
func releaseCells(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile(releasesPaper)
	if err != nil {
		t.Fatal(err)
	}
	cells := make(map[string]string)
	for _, line := range strings.Split(string(text), "\n") {
		row, ok := strings.CutPrefix(line, "| Go ")
		if !ok {
			continue
		}
		words := strings.Split(strings.TrimSuffix(row, " |"), " | ")
		for i, word := range words[1:] {
			if word != "not run" && i < len(columns) {
				cells[releaseBuild(words[0], columns[i].arch, columns[i].cgo).name] = word
			}
		}
	}
	return cells
}

// TestReleasesPaper: docs/releases.md has the releases and the builds of today, whatever came out for them.
func TestReleasesPaper(t *testing.T) {
	want, err := os.ReadFile(releasesPaper)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), releaseTable(releaseCells(t))); diff != "" {
		t.Errorf("docs/releases.md (-is +should be; -releases writes it):\n%s", diff)
	}
}

func releaseBuild(v, arch string, cgo bool) build {
	b := build{name: v + " " + arch, env: []string{"CGO_ENABLED=0", "GOTOOLCHAIN=go" + v, "GOARCH=" + arch}, cgo: cgo}
	if cgo {
		b.name, b.env[0] = b.name+" cgo", "CGO_ENABLED=1"
	}
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
