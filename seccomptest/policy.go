package seccomptest

import (
	"fmt"
	"runtime"
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
//	p.Stage("serve").Refuses("openat")
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
	if err != nil {
		return nil, err
	}
	checked, err := policy.Check(f, policy.Target{Arch: arch, Sets: runtimeset.For(build)})
	if err != nil {
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
// and strings such as "AF_INET" or "PROT_READ|PROT_WRITE"; missing ones are 0.
type StageTest struct {
	t     testing.TB
	stage *stage.Stage
}

// Allows fails the test unless the call is allowed.
func (s *StageTest) Allows(call string, args ...any) {
	s.t.Helper()
	if c, shown := s.eval(call, args); !c.Action.Allows() {
		s.t.Errorf("stage %s: %s gets %s (%s), want it allowed", s.stage.Name, shown, s.text(c), said(c))
	}
}

// Refuses fails the test if the call is allowed.
func (s *StageTest) Refuses(call string, args ...any) {
	s.t.Helper()
	if c, shown := s.eval(call, args); c.Action.Allows() {
		s.t.Errorf("stage %s: %s is allowed (%s), want it refused", s.stage.Name, shown, said(c))
	}
}

// Gets fails the test unless the call gets the action, spelled as `stagelock eval` prints it: allow, errno EPERM, kill,
// trap, log.
func (s *StageTest) Gets(action, call string, args ...any) {
	s.t.Helper()
	if c, shown := s.eval(call, args); s.text(c) != action {
		s.t.Errorf("stage %s: %s gets %s (%s), want %s", s.stage.Name, shown, s.text(c), said(c), action)
	}
}

func (s *StageTest) text(c *policy.Clause) string { return c.Action.Text(s.stage.Table.Arch) }

func (s *StageTest) eval(name string, args []any) (c *policy.Clause, shown string) {
	s.t.Helper()
	arch := s.stage.Table.Arch
	call, ok := arch.Call(name)
	if !ok {
		s.t.Fatalf("%s has no system call %q", arch.Name, name)
	}
	if len(args) > 6 {
		s.t.Fatalf("%s: %d arguments, a call has six at most", name, len(args))
	}
	var regs [6]uint64
	shown = name + "("
	for i, a := range args {
		if i > 0 {
			shown += ", "
		}
		shown += fmt.Sprint(a)
		v, err := policy.Register(fmt.Sprint(a), arch, own)
		if err != nil {
			s.t.Fatalf("%s: argument %d: %v", name, i, err)
		}
		regs[i] = v
	}
	return s.stage.Table.Eval(call.Nr, regs), shown + ")"
}

// said tells where a verdict comes from.
func said(c *policy.Clause) string {
	if o := c.Origin; o != nil && o.Line > 0 {
		return fmt.Sprintf("%s:%d", o.File, o.Line)
	}
	return "no line of the policy"
}
