package filter_test

import (
	"os"
	"testing"

	"github.com/stagelock/seccomp/filter"
	"github.com/stagelock/seccomp/internal/bpf"
	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/rule"
	"github.com/stagelock/seccomp/stage"
)

// The goals of TestServerTargets again, all the way from the text: of testdata/server.policy as it is read, checked and
// planned, the program has at most 118 instructions; the allowed calls that no bitmap can hold, each alternative once,
// run 10.4 of them in the mean.
func TestServerPolicyTargets(t *testing.T) {
	text, err := os.ReadFile("testdata/server.policy")
	if err != nil {
		t.Fatal(err)
	}
	arch, _ := kernel.ByName("amd64")
	table := tableOf(t, arch, noSets{}, string(text))
	progs, err := filter.Compile(table, filter.Options{})
	if err != nil || len(progs) != 1 {
		t.Fatal(len(progs), err)
	}
	insns := progs[0].Insns
	m, err := bpf.NewMachine(insns)
	if err != nil {
		t.Fatal(err)
	}
	plain, checked, alternatives, sum := 0, 0, 0, 0
	for i := range table.Calls {
		d := &table.Calls[i]
		switch c := d.Clauses[0]; {
		case !c.Action.Allows():
			continue
		case c.If == policy.Const(true):
			plain++
			if !bpf.ConstantAllow(insns, arch.Audit, d.Nr) {
				t.Errorf("%s is allowed whatever its arguments, and the bitmap does not hold it", d.Name)
			}
			continue
		}
		checked++
		for _, args := range listed(t, d) {
			ret, executed := m.Run(&bpf.Data{Arch: arch.Audit, Nr: d.Nr, Args: args})
			if ret != (policy.Action{Kind: policy.Allow}).Ret() {
				t.Errorf("%s %#x: %#x", d.Name, args, ret)
			}
			alternatives++
			sum += executed
		}
	}
	mean := float64(sum) / float64(alternatives)
	t.Logf("%d instructions, mean %.2f", len(insns), mean)
	if plain != 70 || checked != 7 || alternatives != 23 {
		t.Errorf("%d plain calls and %d with %d alternatives, want 70 and 7 with 23", plain, checked, alternatives)
	}
	if len(insns) > 118 || mean > 10.4 {
		t.Errorf("%d instructions, mean %.2f: want at most 118 and 10.4", len(insns), mean)
	}
}

// listed returns arguments for every value that a decision lists.
func listed(t *testing.T, d *policy.Decision) (list [][6]uint64) {
	t.Helper()
	values, ok := d.Clauses[0].If.(policy.Or)
	if !ok {
		t.Fatalf("%s: a condition of type %T", d.Name, d.Clauses[0].If)
	}
	for _, c := range values {
		r, ok := c.(policy.Range)
		if !ok || r.Hi-r.Lo > 8 {
			t.Fatalf("%s: an alternative that is no value: %#v", d.Name, c)
		}
		for v := r.Lo; v <= r.Hi; v++ {
			var args [6]uint64
			args[r.Arg] = v
			list = append(list, args)
		}
	}
	return list
}

// From text to program, of the same policy: memory is asked for so often and no more, whatever the number of rules. The
// bounds are a third above what Go 1.26 on amd64 needs, with the race detector or without.
func TestServerPolicyAllocations(t *testing.T) {
	text, err := os.ReadFile("testdata/server.policy")
	if err != nil {
		t.Fatal(err)
	}
	arch, _ := kernel.ByName("amd64")
	var f *rule.File
	var p *policy.Policy
	var plan *stage.Plan
	for _, step := range []struct {
		name  string
		limit float64
		do    func() error
	}{
		{"parse", 28, func() (err error) { f, err = rule.Parse("server.policy", text); return err }},
		{"check", 49, func() (err error) {
			p, err = policy.Check(f, policy.Target{Arch: arch, Sets: noSets{}})
			return err
		}},
		{"plan", 20, func() (err error) { plan, err = stage.New(p, nil); return err }},
		{"compile", 4, func() error { _, err := filter.Compile(plan.Filter(-1, 0), filter.Options{}); return err }},
	} {
		n := testing.AllocsPerRun(20, func() {
			if err := step.do(); err != nil {
				t.Fatal(err)
			}
		})
		t.Logf("%s: %.0f allocations", step.name, n)
		if n > step.limit {
			t.Errorf("%s: %.0f allocations, want at most %.0f", step.name, n, step.limit)
		}
	}
}
