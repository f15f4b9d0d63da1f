package main

import (
	"flag"

	"github.com/stagelock/seccomp/diff"
	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/rule"
	"github.com/stagelock/seccomp/stage"
)

func newDiff() *command {
	return &command{
		name:     "diff",
		synopsis: "[-stage S] [-arch A|all] [-go V] [-cgo] [-env NAME=N,…] [-q] OLD NEW",
		brief:    "tell what a change of a policy gives and takes",
		help: `
OLD and NEW are policies. For each stage, and each call that gets something else than before, the arguments that it
gets it for are printed as a condition of the language, with what it got and gets, and the lines that say so:

    gives     it is made, and was refused
    takes     it is refused, and was made
    refuses   it is refused otherwise than before
    logs      it is made, and begins or ceases to be logged

The exit code is 1 if anything is given, 0 if the policies are equal or NEW is narrower. What they come to is compared,
not how they are written: without a difference nothing is printed.

A stage that only one of them has is compared with the nearest before it that both have, which is what is in force
in the other while the one is in it.`,
		action: new(diffCommand),
	}
}

// A diffCommand is the command `diff`.
type diffCommand struct {
	target
	envFlag
	stage string
	quiet bool
}

func (c *diffCommand) flags(fs *flag.FlagSet) {
	c.target.flags(fs)
	fs.Lookup("arch").Usage += ", and all for each of them"
	c.envFlag.flag(fs)
	fs.StringVar(&c.stage, "stage", "", "compare the stage `S`; without it all")
	fs.BoolVar(&c.quiet, "q", false, "print nothing: the exit code tells whether anything is wider")
}

func (c *diffCommand) run(s *streams, args []string) error {
	switch {
	case len(args) < 2:
		return shapef("OLD and NEW are wanted: two policies")
	case len(args) > 2:
		return shapef("there is more than OLD and NEW: %s", args[2])
	case args[0] == stdinName && args[1] == stdinName:
		return wordf("only one of OLD and NEW can be the standard input")
	}
	arches, err := c.arches()
	if err != nil {
		return err
	}
	var files [2]*rule.File
	var failed error
	for i, name := range args {
		if files[i], err = parseFile(s, name); err != nil {
			s.tell(err)
			failed = errNo
		}
	}
	if failed != nil {
		return failed
	}
	r := differences{arches: len(arches)}
	for i, arch := range arches {
		b, err := c.build(arch)
		if err != nil {
			return err
		}
		if i == 0 {
			noteRelease(s, b)
		}
		old, new, err := c.plans(s, files, librarian(arch, b))
		if err != nil {
			return err
		}
		list, err := diff.Plans(old, new)
		if err != nil {
			return err
		}
		if list, err = c.chosen(list, new); err != nil {
			return err
		}
		r.add(list, old, new)
	}
	if !c.quiet {
		r.print(s)
	}
	if r.wider {
		return errNo
	}
	return nil
}

// plans works out the stages of both policies for one architecture; of both it tells all mistakes.
func (c *diffCommand) plans(s *streams, files [2]*rule.File, t policy.Target) (old, new *stage.Plan, err error) {
	var plans [2]*stage.Plan
	for i, f := range files {
		p, mistakes := policy.Check(f, t)
		if p != nil {
			plans[i], mistakes = stage.New(p, withStandIns(c.env))
		}
		if mistakes != nil {
			s.tell(mistakes)
			err = errNo
		}
	}
	if err != nil && c.archName == allArches {
		s.complain("that is so on %s", t.Arch.Name)
	}
	return plans[0], plans[1], err
}

// chosen returns the stages that -stage asks for.
func (c *diffCommand) chosen(list []diff.Stage, new *stage.Plan) ([]diff.Stage, error) {
	if c.stage == "" {
		return list, nil
	}
	for i := range list {
		if list[i].Name == c.stage {
			return list[i : i+1], nil
		}
	}
	_, err := stageOf(new, c.stage)
	return nil, err
}

// arches returns the architectures that -arch names.
func (t *target) arches() ([]*kernel.Arch, error) {
	if t.archName != allArches {
		arch, err := t.arch()
		return []*kernel.Arch{arch}, err
	}
	var list []*kernel.Arch
	for _, name := range kernel.Names() {
		arch, _ := kernel.ByName(name)
		list = append(list, arch)
	}
	return list, nil
}
