package main

import (
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"

	"github.com/stagelock/seccomp/filter"
	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/lint"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/rule"
	"github.com/stagelock/seccomp/stage"
)

func newCheck() *command {
	return &command{
		name:     "check",
		synopsis: "[-arch A|all] [-go V] [-cgo] [-v] FILE…",
		brief:    "find the mistakes in policies, and prove their filters right",
		help: `
Each mistake is a line FILE:LINE:COL: message on stderr, all of them at once, and the exit code is 1. So are notes:
what a drop left and who holds it, what an architecture lacks; and warnings: what is probably not meant, such as a rule
without effect or a risky grant. They leave the exit code alone. Without any of them nothing is printed.

Every stage is compiled, and its filters are proved, for every call and all arguments, to do what the policy says: by
themselves, and stacked upon those of the stages before.`,
		action: new(check),
	}
}

// A check is the command `check`.
type check struct {
	target
	verbose bool
}

func (c *check) flags(fs *flag.FlagSet) {
	c.target.flags(fs)
	fs.Lookup("arch").Usage += ", and all for each of them"
	fs.BoolVar(&c.verbose, "v", false, "print for each stage how many calls are allowed, and how long its filter is")
}

// allArches is the -arch that stands for every one.
const allArches = "all"

func (c *check) run(s *streams, args []string) error {
	if len(args) == 0 {
		return shapef("no FILE is given; - is the standard input")
	}
	arches := kernel.Names()
	if c.archName != allArches {
		arch, err := c.arch()
		if err != nil {
			return err
		}
		arches = []string{arch.Name}
	}
	targets := make([]policy.Target, len(arches))
	for i, name := range arches {
		arch, _ := kernel.ByName(name)
		b, err := c.build(arch)
		if err != nil {
			return err
		}
		if i == 0 {
			noteRelease(s, b)
		}
		targets[i] = librarian(arch, b)
	}
	var failed error
	for _, file := range args {
		f, err := parseFile(s, file)
		if err != nil {
			s.tell(err)
			failed = errNo
			continue
		}
		if !c.file(s, f, targets) {
			failed = errNo
		}
	}
	return failed
}

// file checks one policy for all targets, and tells whether it is without mistakes.
func (c *check) file(s *streams, f *rule.File, targets []policy.Target) bool {
	var errs, notes findings
	for _, t := range targets {
		plan, err := c.planFor(f, t)
		if err == nil {
			var lengths []int
			if lengths, err = prove(plan); err == nil && c.verbose {
				report(s, plan, lengths)
			}
			for _, n := range append(slices.Clone(plan.Policy.Notes), plan.Notes...) {
				notes.add(note(n), t.Arch.Name)
			}
			for _, n := range lint.Check(plan) {
				notes.add(warning(n), t.Arch.Name)
			}
		}
		var list rule.Errors
		switch {
		case errors.As(err, &list):
			for _, e := range list {
				errs.add(e.Error(), t.Arch.Name)
			}
		case err != nil:
			errs.add(err.Error(), t.Arch.Name)
		}
	}
	notes.print(s, len(targets))
	errs.print(s, len(targets))
	return len(errs.lines) == 0
}

func (c *check) planFor(f *rule.File, t policy.Target) (*stage.Plan, error) {
	p, err := policy.Check(f, t)
	if p == nil {
		return nil, err
	}
	return stage.New(p, withStandIns(nil))
}

// prove compiles every stage and proves its filters right. It returns how many instructions each stage adds.
func prove(p *stage.Plan) (lengths []int, err error) {
	var stack []*filter.Program
	budget := filter.MaxBudget
	for k := range p.Stages {
		own := p.Filter(k-1, k)
		progs, err := filter.Compile(own, filter.Options{Budget: budget})
		if err == nil {
			err = filter.Verify(own, progs...)
		}
		if err == nil && k > 0 { // alone, where the stages before are skipped, and on top of theirs
			stack = append(stack, progs...)
			if err = filter.Verify(p.Stages[k].Table, stack...); err == nil {
				err = proveAlone(p, k)
			}
		} else {
			stack = progs
		}
		if err != nil {
			return nil, inStage(p, k, err)
		}
		n := 0
		for _, prog := range progs {
			n += len(prog.Insns)
			budget -= prog.Weight() + filter.ProgramCost
		}
		lengths = append(lengths, n)
	}
	return lengths, nil
}

// proveAlone proves the filters of a stage that is locked first.
func proveAlone(p *stage.Plan, k int) error {
	table := p.Filter(-1, k)
	progs, err := filter.Compile(table, filter.Options{})
	if err != nil {
		return err
	}
	return filter.Verify(table, progs...)
}

// inStage says of an error in which stage it is.
func inStage(p *stage.Plan, k int, err error) error {
	s := &p.Policy.Stages[k]
	return rule.Errors{{File: s.File, Pos: s.Pos, Msg: fmt.Sprintf("stage %s: %v", s.Name, err), Class: err}}
}

// report prints a line for each stage.
func report(s *streams, p *stage.Plan, lengths []int) {
	for k := range p.Stages {
		allowed, known := p.Stages[k].Counts()
		fmt.Fprintf(s.out, "%s: %s: stage %s: %d of %d calls allowed, %s, proved\n", p.Policy.Name, p.Policy.Arch.Name,
			p.Stages[k].Name, allowed, known, count(lengths[k], "instruction"))
	}
}

// count returns n with its unit.
func count(n int, unit string) string {
	if n == 1 {
		return "1 " + unit
	}
	return fmt.Sprintf("%d %ss", n, unit)
}

// findings are lines about a policy, each once, with the architectures that they are true of.
type findings struct {
	lines  []string
	arches map[string][]string
}

func (f *findings) add(line, arch string) {
	if f.arches == nil {
		f.arches = make(map[string][]string)
	}
	if _, known := f.arches[line]; !known {
		f.lines = append(f.lines, line)
	}
	if !slices.Contains(f.arches[line], arch) {
		f.arches[line] = append(f.arches[line], arch)
	}
}

// print prints the findings. One that is not true of all architectures says of which.
func (f *findings) print(s *streams, arches int) {
	for _, line := range f.lines {
		if on := f.arches[line]; len(on) < arches {
			line += " (" + strings.Join(on, ", ") + ")"
		}
		fmt.Fprintln(s.err, line)
	}
}
