package seccomptest

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/rule"
	"github.com/stagelock/seccomp/runtimeset"
	"github.com/stagelock/seccomp/stage"
)

// A PolicyTest asks what a policy says. It is pure: nothing is locked, and any architecture can be asked about on any
// machine.
//
//	p := seccomptest.Policy(t, policyText)
//	p.Stage("init").Allows("openat", "AT_FDCWD", 0, "O_RDONLY|O_CLOEXEC")
//	p.Stage("serve").Refuses("openat") // whatever its arguments
//	p.Arch("arm64").Stage("serve").Gets("errno EPERM", "socket", "AF_PACKET")
type PolicyTest struct {
	t    testing.TB
	text string
	plan *stage.Plan
}

// own are the values that only a process itself knows, as Policy takes them.
var own = stage.Env{"self.pid": 1000, "runtime.epollfd": 4, "runtime.eventfd": 5}

// Policy checks a policy for the GOARCH of the test, or for amd64 where that has no Linux. A mistake in the text ends
// the test. self.pid is 1000, runtime.epollfd 4 and runtime.eventfd 5.
func Policy(t testing.TB, text string) *PolicyTest {
	t.Helper()
	arch := runtime.GOARCH
	if _, ok := kernel.ByName(arch); !ok {
		arch = "amd64"
	}
	return (&PolicyTest{t: t, text: text}).Arch(arch)
}

// Arch returns the same policy for another GOARCH.
func (p *PolicyTest) Arch(goarch string) *PolicyTest {
	p.t.Helper()
	arch, ok := kernel.ByName(goarch)
	if !ok {
		p.t.Fatalf("unknown GOARCH %q", goarch)
	}
	build := runtimeset.Running()
	build.Arch = goarch
	plan, err := planned(p.text, arch, build)
	if err != nil {
		p.t.Fatalf("the policy for %s:\n%v", goarch, err)
	}
	return &PolicyTest{p.t, p.text, plan}
}

func planned(text string, arch *kernel.Arch, build runtimeset.Build) (*stage.Plan, error) {
	f, err := rule.Parse("seccomp.policy", text)
	if f == nil {
		return nil, err
	}
	checked, err := policy.Check(f, policy.Target{Arch: arch, Sets: runtimeset.For(build)})
	if checked == nil {
		return nil, err
	}
	return stage.New(checked, own)
}

// Stage returns a stage of the policy; without it the test ends.
func (p *PolicyTest) Stage(name string) *StageTest {
	p.t.Helper()
	k, ok := p.plan.Index(name)
	if !ok {
		p.t.Fatalf("the policy has no stage %q", name)
	}
	return &StageTest{p.t, &p.plan.Stages[k]}
}

// A StageTest asks what is left once a stage is locked. The arguments of a call are integers, negative ones included,
// and strings such as "AF_INET" or "PROT_READ|PROT_WRITE"; where some are given, missing ones are 0. Without any, what
// is asked about is the call whatever its arguments: all that there can be, not those that are 0.
type StageTest struct {
	t     testing.TB
	stage *stage.Stage
}

// Allows fails the test unless the call is allowed; without arguments, unless it is with all.
func (s *StageTest) Allows(call string, args ...any) {
	s.t.Helper()
	s.demand(policy.Action.Allows, "it allowed", call, args)
}

// Refuses fails the test if the call is allowed; without arguments, if it is with any.
func (s *StageTest) Refuses(call string, args ...any) {
	s.t.Helper()
	s.demand(func(a policy.Action) bool { return !a.Allows() }, "it refused", call, args)
}

// Gets fails the test unless the call gets the action, spelled as `stagelock eval` prints it: allow, errno EPERM, kill,
// trap, log.
func (s *StageTest) Gets(action, call string, args ...any) {
	s.t.Helper()
	arch := s.stage.Table.Arch
	s.demand(func(a policy.Action) bool { return a.Text(arch) == action }, action, call, args)
}

// demand fails the test unless what the call gets is right: with the arguments given, or without any, with all.
func (s *StageTest) demand(right func(policy.Action) bool, want, name string, args []any) {
	s.t.Helper()
	arch := s.stage.Table.Arch
	call, ok := arch.Call(name)
	if !ok {
		s.t.Fatalf("%s has no system call %q", arch.Name, name)
	}
	var regs [6]uint64
	var shown string
	if len(args) > 0 {
		regs, shown = s.registers(name, args)
	} else {
		regs = s.wrong(call.Nr, right)
		shown = written(call, regs)
		want += " whatever its arguments"
	}
	switch c := s.stage.Table.Eval(call.Nr, regs); {
	case right(c.Action):
	case c.Action.Allows():
		s.t.Errorf("stage %s: %s is allowed (%s), want %s", s.stage.Name, shown, said(c), want)
	default:
		s.t.Errorf("stage %s: %s gets %s (%s), want %s", s.stage.Name, shown, c.Action.Text(arch), said(c), want)
	}
}

// maxNodes bounds what it may take to look at all arguments of a call.
const maxNodes = 1 << 20

// wrong returns arguments with which what a call gets is not right, any if there are none.
func (s *StageTest) wrong(nr uint32, right func(policy.Action) bool) [6]uint64 {
	s.t.Helper()
	d, ok := s.stage.Table.Find(nr)
	if !ok {
		return [6]uint64{} // of such a number no argument is looked at
	}
	decider := policy.NewDecider(maxNodes)
	n := decider.Clauses(d.Clauses)
	in, _ := decider.Example(n, func(ret uint32) bool {
		a, ok := policy.ActionOf(ret)
		return !ok || !right(a)
	})
	if err := decider.Err(); err != nil {
		s.t.Fatalf("stage %s: %s whatever its arguments: %v", s.stage.Name, d.Name, err)
	}
	return in.Args
}

// written writes a call as C would, with the arguments that it has.
func written(call kernel.Call, regs [6]uint64) string {
	n := len(call.Args())
	for n < 6 && slices.ContainsFunc(regs[n:], func(r uint64) bool { return r != 0 }) {
		n++
	}
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("%#x", regs[i])
	}
	return call.Name + "(" + strings.Join(list, ", ") + ")"
}

// registers returns the values of arguments, and the call as the test says it.
func (s *StageTest) registers(name string, args []any) (regs [6]uint64, shown string) {
	s.t.Helper()
	if len(args) > 6 {
		s.t.Fatalf("%s: %d arguments, a call has six at most", name, len(args))
	}
	shown = name + "("
	for i, a := range args {
		if i > 0 {
			shown += ", "
		}
		shown += fmt.Sprint(a)
		v, err := policy.Register(fmt.Sprint(a), s.stage.Table.Arch, own)
		if err != nil {
			s.t.Fatalf("%s: argument %d: %v", name, i, err)
		}
		regs[i] = v
	}
	return regs, shown + ")"
}

// said tells where a verdict comes from.
func said(c *policy.Clause) string {
	if o := c.Origin; o != nil && o.Line > 0 {
		return fmt.Sprintf("%s:%d", o.File, o.Line)
	}
	return "no line of the policy"
}
