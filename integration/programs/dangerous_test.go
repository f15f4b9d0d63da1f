package main

import (
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/rule"
	"github.com/stagelock/seccomp/runtimeset"
	"github.com/stagelock/seccomp/stage"
)

// TestOpenFindsAll holds the count of dangerous calls to a policy that allows every call: all of them are open there.
func TestOpenFindsAll(t *testing.T) {
	tree, err := rule.Parse("all.policy", "stage serve\n use all\n")
	if err != nil {
		t.Fatal(err)
	}
	arch := kernel.Native()
	checked, err := policy.Check(tree, policy.Target{Arch: arch, Sets: runtimeset.For(runtimeset.Running())})
	if err != nil {
		t.Fatal(err)
	}
	plan, err := stage.New(checked, stage.Env{"self.pid": 1000, "runtime.epollfd": 4, "runtime.eventfd": 5})
	if err != nil {
		t.Fatal(err)
	}
	if found, want := len(open(&plan.Stages[0])), known(arch); found != want || want < 70 {
		t.Errorf("%d dangerous calls are open, want all %d", found, want)
	}
	if found := len(able(&plan.Stages[0])); found != len(abilities) {
		t.Errorf("able to do %d things, want all %d", found, len(abilities))
	}
}

// TestTableIsTold holds the table in docs/programs.md, which says of what build it is, to the policies.
func TestTableIsTold(t *testing.T) {
	if runtime.GOARCH != "amd64" || !strings.HasPrefix(runtime.Version(), "go1.26") {
		t.Skipf("the table is of Go 1.26 on amd64, this is %s on %s", runtime.Version(), runtime.GOARCH)
	}
	text, err := os.ReadFile("../../docs/programs.md")
	if err != nil {
		t.Fatal(err)
	}
	var made strings.Builder
	if err := table(&made, programs()); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "\n\n"+made.String()+"\n") {
		t.Errorf("docs/programs.md does not have what `go run .` prints:\n%s", made.String())
	}
}
