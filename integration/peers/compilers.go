package main

import (
	"errors"

	elastic "github.com/elastic/go-seccomp-bpf"
	netbpf "golang.org/x/net/bpf"
	gvisor "gvisor.dev/gvisor/pkg/seccomp"

	"github.com/stagelock/seccomp/filter"
	"github.com/stagelock/seccomp/internal/bpf"
)

// A compiler makes a program of the shared policy, all of its work included. The error of one that is missing says
// what it needs.
type compiler struct {
	name    string
	compile func(*shared) ([]bpf.Instruction, error)
}

var compilers = []compiler{
	{"stagelock", compileOurs},
	{"elastic 1.6.0", compileElastic},
	{"libseccomp", func(s *shared) ([]bpf.Instruction, error) { return compileLibseccomp(s, 1) }},
	{"libseccomp, tree", func(s *shared) ([]bpf.Instruction, error) { return compileLibseccomp(s, 2) }},
	{"gVisor 2026-09", compileGVisor},
}

// errNoLibseccomp is the error where libseccomp is not linked.
var errNoLibseccomp = errors.New("not linked: go run -tags libseccomp . needs libseccomp-dev and a C compiler")

// compileOurs begins with the text of the policy: parse, check, plan, compile.
func compileOurs(s *shared) ([]bpf.Instruction, error) {
	plan, err := planned(s.text)
	if err != nil {
		return nil, err
	}
	progs, err := filter.Compile(plan.Filter(-1, 0), filter.Options{})
	if err != nil {
		return nil, err
	}
	if len(progs) != 1 {
		return nil, errors.New("more than one program")
	}
	return progs[0].Insns, nil
}

func compileElastic(s *shared) ([]bpf.Instruction, error) { return elasticProgram(elasticPolicy(s)) }

// elasticPolicy returns the shared policy as elastic's package is told it.
func elasticPolicy(s *shared) elastic.Policy {
	group := elastic.SyscallGroup{Action: elastic.ActionAllow}
	for _, c := range s.calls {
		if c.plain {
			group.Names = append(group.Names, c.name)
			continue
		}
		for _, v := range c.values {
			group.NamesWithCondtions = append(group.NamesWithCondtions, elastic.NameWithConditions{Name: c.name,
				Conditions: []elastic.Condition{{Argument: uint32(c.arg), Operation: elastic.Equal, Value: v}}})
		}
	}
	return elastic.Policy{DefaultAction: elastic.ActionErrno, Syscalls: []elastic.SyscallGroup{group}}
}

func elasticProgram(p elastic.Policy) ([]bpf.Instruction, error) {
	asm, err := p.Assemble()
	if err != nil {
		return nil, err
	}
	raw, err := netbpf.Assemble(asm)
	if err != nil {
		return nil, err
	}
	prog := make([]bpf.Instruction, len(raw))
	for i, r := range raw {
		prog[i] = bpf.Instruction{Op: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}
	}
	return prog, nil
}

func compileGVisor(s *shared) ([]bpf.Instruction, error) { return buildGVisor(gvisorRules(s)) }

// gvisorRules returns the shared policy as gVisor's package is told it.
func gvisorRules(s *shared) gvisor.SyscallRules {
	rules := gvisor.NewSyscallRules()
	for _, c := range s.calls {
		if c.plain {
			rules.Set(uintptr(c.nr), gvisor.MatchAll{})
			continue
		}
		var or gvisor.Or
		for _, v := range c.values {
			var match gvisor.PerArg
			for i := range match {
				match[i] = gvisor.AnyValue{}
			}
			match[c.arg] = gvisor.EqualTo(v)
			or = append(or, match)
		}
		rules.Set(uintptr(c.nr), or)
	}
	return rules
}

// gvisorOptions refuse all that no rule allows by EPERM.
var gvisorOptions = gvisor.ProgramOptions{DefaultAction: gvisor.ReturnError.Code(1), BadArchAction: gvisor.KillProcess}

// buildGVisor makes a program that allows by rules, and refuses all else by EPERM.
func buildGVisor(rules gvisor.SyscallRules) ([]bpf.Instruction, error) {
	p := gvisor.Program{
		RuleSets: []gvisor.RuleSet{{Rules: rules, Action: gvisor.Allow}},
		Options:  gvisorOptions,
	}
	insns, _, err := p.Build()
	if err != nil {
		return nil, err
	}
	prog := make([]bpf.Instruction, len(insns))
	for i, x := range insns {
		prog[i] = bpf.Instruction{Op: x.OpCode, Jt: x.JumpIfTrue, Jf: x.JumpIfFalse, K: x.K}
	}
	return prog, nil
}

// compileStages compiles a policy of several stages, each program to follow the one before.
func compileStages(text string) (progs [][]bpf.Instruction, err error) {
	plan, err := planned(text)
	if err != nil {
		return nil, err
	}
	for to := range plan.Stages {
		list, err := filter.Compile(plan.Filter(to-1, to), filter.Options{})
		if err != nil {
			return nil, err
		}
		for _, p := range list {
			progs = append(progs, p.Insns)
		}
	}
	return progs, nil
}
