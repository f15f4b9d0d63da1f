package seccomp

import (
	"errors"
	"fmt"
	"runtime"

	"github.com/stagelock/seccomp/filter"
	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/lock"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/rule"
	"github.com/stagelock/seccomp/runtimeset"
)

// compose returns the policy of a process: the declared one, if any, with what was said in code put in as stages of
// its own. What was said about a stage of the policy comes right behind that stage, and narrows it.
func compose(declared *rule.File, handles []*Handle) (*rule.File, error) {
	f := &rule.File{}
	if declared == nil {
		for i, h := range handles {
			stmts, err := h.statements(i > 0)
			if err != nil {
				return nil, err
			}
			f.Stmts = append(append(f.Stmts, stageOf(h, h.name)), stmts...)
		}
		return f, nil
	}
	f.Name = declared.Name
	behind, said := make(map[string][]rule.Stmt), make(map[string]int)
	for _, h := range handles {
		stmts, err := h.statements(true)
		if err != nil {
			return nil, err
		}
		said[h.name]++
		behind[h.name] = append(append(behind[h.name], stageOf(h, inCode(h.name, said[h.name]))), stmts...)
	}
	current, named := "init", false
	for _, s := range declared.Stmts {
		if s, ok := s.(*rule.Stage); ok {
			if named {
				f.Stmts = append(f.Stmts, behind[current]...)
			}
			current, named = s.Name.Text, true
		}
		f.Stmts = append(f.Stmts, s)
	}
	if !named && len(behind[current]) > 0 { // what follows must not become part of the first stage
		at := declared.Stmts[0].Start()
		f.Stmts = append([]rule.Stmt{&rule.Stage{Pos: at, Name: rule.Name{Pos: at, Text: current}}}, f.Stmts...)
	}
	f.Stmts = append(f.Stmts, behind[current]...)
	return f, nil
}

// stageOf begins the stage that a handle says.
func stageOf(h *Handle, name string) *rule.Stage {
	at := rule.Pos{Line: 1, Col: 1}
	return &rule.Stage{Pos: at, Name: rule.Name{Pos: at, Text: name}, File: h.String()}
}

// inCode names the stage by which the nth handle narrows a stage of the policy. No policy text can have a stage of that
// name.
func inCode(name string, n int) string {
	if n == 1 {
		return name + " in code"
	}
	return fmt.Sprintf("%s in code, %d", name, n)
}

// errArch means that the tables don't know the architecture that the program runs on.
var errArch = errors.New("the system calls of " + runtime.GOARCH + " are unknown")

// check gives a policy its meaning for this program.
func check(f *rule.File) (*policy.Policy, error) {
	arch := kernel.Native()
	if arch == nil {
		return nil, errArch
	}
	p, err := policy.Check(f, policy.Target{Arch: arch, Sets: runtimeset.Bare(runtimeset.Running())})
	if err != nil {
		return nil, err
	}
	if p.Deferred {
		return nil, ErrDeferred
	}
	return p, nil
}

// instructions returns a program as package lock takes it.
func instructions(p *filter.Program) []lock.Instruction {
	insns := make([]lock.Instruction, len(p.Insns))
	for i, x := range p.Insns {
		insns[i] = lock.Instruction{Code: x.Op, Jt: x.Jt, Jf: x.Jf, K: x.K}
	}
	return insns
}
