package filter_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stagelock/seccomp/filter"
	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/stage"
)

// Stages on every architecture: what is installed stage by stage amounts to each stage's table, so does what a process
// installs that begins with that stage, and that is nowhere milder than the stage before: a stage is within it.
func TestStacksOfStages(t *testing.T) {
	for _, file := range []string{"../runtimeset/default.policy", "../examples/webserver/seccomp.policy"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range kernel.Names() {
			t.Run(filepath.Base(filepath.Dir(file))+"/"+name, func(t *testing.T) {
				arch, _ := kernel.ByName(name)
				plan, err := stage.New(checked(t, arch, string(text)), stage.Env{"self.pid": 77})
				if err != nil {
					t.Fatal(err)
				}
				stacks(t, plan)
			})
		}
	}
}

func stacks(t *testing.T, plan *stage.Plan) {
	compile := func(table *policy.Table) []*filter.Program {
		progs, err := filter.Compile(table, filter.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return progs
	}
	var stack []*filter.Program
	for k := range plan.Stages {
		before := stack
		stack = append(stack, compile(plan.Filter(k-1, k))...)
		alone := compile(plan.Filter(-1, k))
		if err := filter.Verify(plan.Stages[k].Table, stack...); err != nil {
			t.Errorf("stage %d on those before: %v", k, err)
		}
		if err := filter.Verify(plan.Stages[k].Table, alone...); err != nil {
			t.Errorf("stage %d alone: %v", k, err)
		}
		if k == 0 {
			continue
		}
		if !within(t, alone, before) {
			t.Errorf("stage %d is not within the one before", k)
		}
		if within(t, before, alone) { // or the stage takes nothing, and this test shows nothing
			t.Errorf("stage %d is the same as the one before", k)
		}
	}
}

// within tells whether programs let no call be made that others refuse, and refuse none more mildly.
func within(t *testing.T, progs, others []*filter.Program) bool {
	t.Helper()
	d := policy.NewDecider(1 << 22)
	a, err := filter.Effect(d, progs...)
	if err != nil {
		t.Fatal(err)
	}
	b, err := filter.Effect(d, others...)
	if err != nil {
		t.Fatal(err)
	}
	milder := d.Combine(a, b, func(x, y uint32) uint32 {
		p, _ := policy.ActionOf(x)
		q, _ := policy.ActionOf(y)
		if p.Kind > q.Kind {
			return 1
		}
		return 0
	})
	_, found := d.Example(milder, func(x uint32) bool { return x == 1 })
	if err := d.Err(); err != nil {
		t.Fatal(err)
	}
	return !found
}
