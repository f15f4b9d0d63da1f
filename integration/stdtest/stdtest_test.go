//go:build linux

package main

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/rule"
	"github.com/stagelock/seccomp/runtimeset"
)

func TestTestsEnd(t *testing.T) {
	const script = `printf '=== RUN   TestA\n\026=== RUN   TestA/x\n    \026--- PASS: TestA/x (0.00s)\n\026--- FAIL: TestA (0.01s)\n'
printf 'said without a newline\026--- PASS: TestLost (0.00s)\n\026--- SKIP: TestB (0.00s)\n--- PASS: ExampleC (0.00s)\nFAIL\n'; exit 1`
	got, _ := tests([]string{"sh", "-c", script})
	want := map[string]string{"TestA/x": "PASS", "TestA": "FAIL", "TestLost": "PASS", "TestB": "SKIP", "ExampleC": "PASS", wholeRun: "FAIL"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got, _ := tests([]string{"sh", "-c", "kill -SYS $$"}); !strings.Contains(got[wholeRun], "bad system call") {
		t.Errorf("a run that was killed ended with %q", got[wholeRun])
	}
}

func TestVerdict(t *testing.T) {
	g := &group{name: "g"}
	r := &result{group: g, Package: "p",
		Unlocked: map[string]string{"TestA": "PASS", "TestA/x": "PASS", "TestB": "PASS", "TestC": "SKIP", wholeRun: "PASS"},
		Locked:   map[string]string{"TestA": "FAIL", "TestA/x": "FAIL", "TestB": "PASS", "TestC": "SKIP", wholeRun: "FAIL"}}
	for text, want := range map[string]string{
		"p TestA: it makes a node":                        "",
		"p TestA: it makes a node\np TestB: gone":         "p TestB is no difference any more",
		"p TestA/x: half of it":                           "p TestA: pass, locked fail: nothing",
		"p(cgo) TestA: it is about another build":         "p TestA: pass, locked fail: nothing",
		"q TestA: it is about another package\n# p TestA": "p TestA/x: pass, locked fail: nothing",
	} {
		list, err := parseDifferences(text)
		if err != nil {
			t.Fatal(err)
		}
		err = list.verdict([]*result{r}, false)
		if err == nil && want != "" || err != nil && (want == "" || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	crashed := &result{group: g, Package: "p", Unlocked: map[string]string{"TestB": "PASS", wholeRun: "PASS"},
		Locked: map[string]string{"TestB": "PASS", wholeRun: "exit status 2"}}
	if err := explanations(nil).verdict([]*result{crashed}, false); err == nil {
		t.Error("a run that crashed behind its last test is no difference")
	}
	for _, bad := range []string{"p TestA", "p: reason", "p TestA TestB: reason", "p TestA: "} {
		if _, err := parseDifferences(bad); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

// TestAgain: what failed by chance passes when it is run again, be it a test or the run as a whole. A crash is none.
func TestAgain(t *testing.T) {
	passes := []string{"sh", "-c", `printf -- '--- PASS: TestA (0.00s)\n'`}
	fails := append(passes[:2:2], passes[2]+"; [ -z \"$STAGED\" ]")
	for _, tt := range []struct {
		test, whole string
		command     []string
		differs     bool
	}{
		{"FAIL", "FAIL", passes, false},
		{"PASS", "FAIL", passes, false},
		{"PASS", "exit status 2", passes, true},
		{"PASS", "FAIL", fails, true},
	} {
		r := &result{Package: "p", Unlocked: map[string]string{"TestA": "PASS", wholeRun: "PASS"},
			Locked: map[string]string{"TestA": tt.test, wholeRun: tt.whole}}
		r.again(tt.command, []string{"env", "STAGED=1"})
		if d := r.differences(); (len(d) > 0) != tt.differs {
			t.Errorf("%v: %v", tt, d)
		}
	}
}

// TestGroups: each policy is one, and docs/std-tests.md is about these groups and these explanations.
func TestGroups(t *testing.T) {
	groups, err := readGroups(os.DirFS("groups"))
	if err != nil {
		t.Fatal(err)
	}
	arch, _ := kernel.ByName("amd64")
	paper, err := os.ReadFile("../../docs/std-tests.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range groups {
		text, err := os.ReadFile("groups/" + g.name + ".policy")
		if err != nil {
			t.Fatal(err)
		}
		f, err := rule.Parse(g.name, string(text))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := policy.Check(f, policy.Target{Arch: arch, Sets: runtimeset.For(runtimeset.Build{Arch: "amd64", Cgo: g.cgo})}); err != nil {
			t.Error(err)
		}
		if row := "| " + g.name + " | " + strings.Join(g.sets, ", ") + " |"; !strings.Contains(string(paper), row) {
			t.Errorf("docs/std-tests.md was made before groups/%s.policy changed: run go run ./integration/stdtest", g.name)
		}
	}
	text, err := os.ReadFile("differences.txt")
	if err != nil {
		t.Fatal(err)
	}
	list, err := parseDifferences(string(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		if !strings.Contains(string(paper), e.reason) {
			t.Errorf("docs/std-tests.md doesn't have the reason of %s %s: run go run ./integration/stdtest", e.pkg, e.test)
		}
	}
	if i := slices.IndexFunc(groups, func(g *group) bool { return g.fast }); i < 0 {
		t.Error("no group is fast")
	}
}
