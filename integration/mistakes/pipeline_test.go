package mistakes

import (
	"testing"

	elastic "github.com/elastic/go-seccomp-bpf"
	netbpf "golang.org/x/net/bpf"

	"github.com/stagelock/seccomp/filter"
	"github.com/stagelock/seccomp/internal/bpf"
	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/rule"
	"github.com/stagelock/seccomp/runtimeset"
	"github.com/stagelock/seccomp/stage"
)

var amd64, _ = kernel.ByName("amd64")

// What programs return.
const (
	allow  = 0x7fff0000
	errno  = 0x00050000
	eperm  = errno | 1
	enosys = errno | 38
	kill   = 0x80000000
)

// A program is what a library made of a policy.
type program struct {
	t       testing.TB
	machine *bpf.Machine
}

// ours compiles a policy of one stage for amd64, as Lock does, but without the floor, which has rules of its own.
func ours(t testing.TB, text string) program {
	t.Helper()
	table, err := tableOf("on_next_syscall: 1\n" + text)
	if err != nil {
		t.Fatal(err)
	}
	progs, err := filter.Compile(table, filter.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(progs) != 1 {
		t.Fatalf("%d programs", len(progs))
	}
	return loaded(t, progs[0].Insns)
}

func tableOf(text string) (*policy.Table, error) {
	f, err := rule.Parse("test.policy", text)
	if err != nil {
		return nil, err
	}
	p, err := policy.Check(f, policy.Target{Arch: amd64, Sets: runtimeset.For(runtimeset.Build{Arch: "amd64"})})
	if err != nil {
		return nil, err
	}
	plan, err := stage.New(p, nil)
	if err != nil {
		return nil, err
	}
	return plan.Stages[0].Table, nil
}

// theirs assembles a policy with elastic/go-seccomp-bpf: a group of calls with conditions, then one of plain calls, both
// with the action; everything else is refused by EPERM, or allowed if that is what the action does. ok is false where
// the test doesn't run on amd64: that library's tables are those of the machine.
func theirs(t testing.TB, action elastic.Action, plain []string, calls ...elastic.NameWithConditions) (p program, ok bool) {
	t.Helper()
	if kernel.Native() != amd64 {
		return program{}, false
	}
	e := elastic.Policy{DefaultAction: elastic.ActionErrno, Syscalls: []elastic.SyscallGroup{
		{Action: action, NamesWithCondtions: calls}, {Action: action, Names: plain}}}
	if action != elastic.ActionAllow {
		e.DefaultAction = elastic.ActionAllow
	}
	asm, err := e.Assemble()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := netbpf.Assemble(asm)
	if err != nil {
		t.Fatal(err)
	}
	insns := make([]bpf.Instruction, len(raw))
	for i, r := range raw {
		insns[i] = bpf.Instruction{Op: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}
	}
	return loaded(t, insns), true
}

// condition is a call with one condition in elastic's terms.
func condition(name string, arg uint32, op elastic.Operation, value uint64) elastic.NameWithConditions {
	return elastic.NameWithConditions{Name: name,
		Conditions: []elastic.Condition{{Argument: arg, Operation: op, Value: value}}}
}

func loaded(t testing.TB, insns []bpf.Instruction) program {
	t.Helper()
	m, err := bpf.NewMachine(insns)
	if err != nil {
		t.Fatal(err)
	}
	return program{t, m}
}

// gives demands what a call gets.
func (p program) gives(want uint32, call string, args ...uint64) {
	p.t.Helper()
	c, ok := amd64.Call(call)
	if !ok {
		p.t.Fatalf("no call %q", call)
	}
	p.givesNr(want, amd64.Audit, c.Nr, args...)
}

func (p program) givesNr(want, arch, nr uint32, args ...uint64) {
	p.t.Helper()
	d := bpf.Data{Nr: nr, Arch: arch}
	copy(d.Args[:], args)
	if got, _ := p.machine.Run(&d); got != want {
		p.t.Errorf("arch %#x, nr %d %#x gets %#x, want %#x", arch, nr, args, got, want)
	}
}
