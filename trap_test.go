package seccomp

import (
	"strings"
	"testing"

	"github.com/stagelock/seccomp/filter"
	"github.com/stagelock/seccomp/internal/bpf"
	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/refusal"
	"github.com/stagelock/seccomp/rule"
	"github.com/stagelock/seccomp/stage"
)

// Each trap carries the number of its rule, and nothing else of the filter changes.
func TestTrapsAreNumbered(t *testing.T) {
	f, err := rule.Parse("p", "stage init\n  use all\n  sys_getpgid: pid == 1 else trap\n  sys_getsid: pid == 2 else trap if pid == 3\n"+
		"stage serve\n  deny trap\n  sys_getuid: 0\n  sys_getgid: 0 else kill\n")
	if err != nil {
		t.Fatal(err)
	}
	checked, err := check(f)
	if err != nil {
		t.Fatal(err)
	}
	p, err := stage.New(checked, nil)
	if err != nil {
		t.Fatal(err)
	}
	arch := kernel.Native()
	var all traps
	for k := range p.Stages {
		table := p.Filter(k-1, k)
		programs, err := all.compile(table)
		if err != nil {
			t.Fatal(err)
		}
		plain, err := filter.Compile(table, filter.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if len(programs) != 1 || len(plain) != 1 {
			t.Fatalf("%d and %d programs", len(programs), len(plain))
		}
		for _, c := range arch.Calls() {
			for pid := range uint64(6) {
				args := [6]uint64{pid}
				got, want := answer(t, programs[0], c.Nr, args), answer(t, plain[0], c.Nr, args)
				if clause := table.Eval(c.Nr, args); clause.Action.Kind == policy.Trap {
					n := got & 0xffff
					if want != retTrap || got&^0xffff != retTrap || n == 0 || int(n) >= len(all.rules) ||
						all.rules[n] != refusal.Whose(clause.Origin) {
						t.Errorf("%s(%d): %#x, without numbers %#x", c.Name, pid, got, want)
					}
				} else if got != want {
					t.Errorf("%s(%d): %#x, without numbers %#x", c.Name, pid, got, want)
				}
			}
		}
	}
	if got := strings.Join(all.rules[1:], "; "); !strings.Contains(got, "stage init, p:3:3") || !strings.Contains(got, "stage init, p:4:3") ||
		!strings.Contains(got, "stage serve, p:7:3") {
		t.Errorf("rules: %s", got)
	}
	text := all.text(arch)
	getsid, _ := arch.Call("getsid")
	if c := text.Calls[getsid.Nr]; c.Name != "getsid" || c.Args != 1 {
		t.Errorf("getsid is %+v", c)
	}
}

func TestNoTrapsNoText(t *testing.T) {
	f, err := rule.Parse("p", "use all\nsys_getsid: 0\n")
	if err != nil {
		t.Fatal(err)
	}
	checked, err := check(f)
	if err != nil {
		t.Fatal(err)
	}
	p, err := stage.New(checked, nil)
	if err != nil {
		t.Fatal(err)
	}
	var all traps
	if _, err := all.compile(p.Stages[0].Table); err != nil || all.text(kernel.Native()) != nil {
		t.Errorf("%v, %v", err, all.text(kernel.Native()))
	}
}

// What the last line takes is in the floor of every stage of a policy that traps somewhere, and of no other.
func TestTrapsKeepDispatch(t *testing.T) {
	arch := kernel.Native()
	if arch.Name != "amd64" {
		t.Skip("there is no Syscall User Dispatch on " + arch.Name)
	}
	prctl, _ := arch.Call("prctl")
	dispatch, _ := arch.Const("PR_SET_SYSCALL_USER_DISPATCH")
	for text, want := range map[string]bool{
		"stage init\n  use log\nstage serve\n  sys_getsid: 0\n":                        false,
		"stage init\n  use log\nstage serve\n  sys_getsid: 0 else trap\n":              true,
		"stage init\n  use log\nstage serve\n  deny trap\n  sys_getsid: 0\n":           true,
		"deny trap\nstage init\n  use log\nstage serve\n  sys_getsid: 0\n":             true,
		"deny trap\nstage init\n  use log\n  sys_prctl: 0 including go\nstage serve\n": false,
	} {
		f, err := rule.Parse("p", text)
		if err != nil {
			t.Fatal(err)
		}
		checked, err := check(f)
		if err != nil {
			t.Fatal(err)
		}
		p, err := stage.New(checked, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range p.Stages {
			if got := s.Table.Eval(prctl.Nr, [6]uint64{uint64(dispatch), 1}).Action.Allows(); got != want {
				t.Errorf("%q, stage %s: %t", text, s.Name, got)
			}
		}
	}
}

func answer(t *testing.T, p *filter.Program, nr uint32, args [6]uint64) uint32 {
	t.Helper()
	m, err := bpf.NewMachine(p.Insns)
	if err != nil {
		t.Fatal(err)
	}
	ret, _ := m.Run(&bpf.Data{Nr: nr, Arch: p.Arch.Audit, BigEndian: p.Arch.BigEndian, Args: args})
	return ret
}
