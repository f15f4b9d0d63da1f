package main

import (
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/stage"
)

func newEval() *command {
	return &command{
		name:     "eval",
		synopsis: "[-stage S] [-arch A] [-go V] [-cgo] [-env NAME=N,…] FILE NAME [ARG…]",
		brief:    "tell what a system call gets in a stage",
		help: `
One line is printed: allow | errno EPERM | kill | trap | log. Each of them is an answer: the exit code is 0.

NAME is a call, as openat, or a number, as nr(500). An ARG is a number (-1, 0x1f, 0o17) or a constant expression
(AF_INET, PROT_READ|PROT_WRITE); missing ones are 0. Where the answer hangs on what only the process itself knows,
such as its pid, -env has to say it.`,
		action: new(eval),
	}
}

// An eval is the command `eval`.
type eval struct {
	target
	envFlag
	stage string
}

func (c *eval) flags(fs *flag.FlagSet) {
	c.target.flags(fs)
	c.envFlag.flag(fs)
	fs.StringVar(&c.stage, "stage", "", "in the stage `S`; without it in the last one")
}

func (c *eval) run(s *streams, args []string) error {
	switch {
	case len(args) == 0:
		return shapef("FILE and NAME are missing")
	case len(args) == 1:
		return shapef("the NAME of a call is missing, as openat")
	}
	arch, err := c.arch()
	if err != nil {
		return err
	}
	nr, call, err := findCall(arch, args[1])
	if err != nil {
		return err
	}
	regs, err := c.registers(arch, call, args[2:])
	if err != nil {
		return err
	}
	p, err := c.policy(s, args[0])
	if p == nil {
		return err
	}
	action, err := c.verdict(p, nr, regs)
	if err != nil {
		return err
	}
	fmt.Fprintln(s.out, action.Text(arch))
	return nil
}

// registers returns the arguments as the kernel gets them.
func (c *eval) registers(arch *kernel.Arch, call *kernel.Call, args []string) (regs [6]uint64, err error) {
	takes, names := len(regs), ""
	if call != nil && call.Known() {
		var list []string
		for _, a := range call.Args() {
			list = append(list, a.Name)
		}
		takes, names = len(list), ": "+strings.Join(list, ", ")
	}
	switch {
	case len(args) > takes && takes == 0:
		return regs, shapef("%s takes no arguments", call.Name)
	case len(args) > takes:
		return regs, shapef("there are %s: a call takes %d at most%s", count(len(args), "ARG"), takes, names)
	}
	for i, a := range args {
		if regs[i], err = argument(arch, c.env, a); err != nil {
			return regs, err
		}
	}
	return regs, nil
}

// verdict returns what the call gets. A value of the process that was not given matters only where it makes a
// difference, and it can make one only by being equal to an argument or not: so each of these cases is tried.
func (c *eval) verdict(p *policy.Policy, nr uint32, regs [6]uint64) (policy.Action, error) {
	answer := func(env stage.Env) (policy.Action, *stage.Stage, error) {
		plan, err := stage.New(p, env)
		if err != nil {
			return policy.Action{}, nil, err
		}
		k, err := stageOf(plan, c.stage)
		if err != nil {
			return policy.Action{}, nil, err
		}
		return plan.Stages[k].Table.Eval(nr, regs).Action, &plan.Stages[k], nil
	}
	first, st, err := answer(withStandIns(c.env))
	if err != nil {
		return first, err
	}
	var open []string
	for _, name := range st.Symbols(nr) {
		if _, given := c.env[name]; !given {
			open = append(open, name)
		}
	}
	env := withStandIns(c.env)
	var try func(names []string) error
	try = func(names []string) error {
		if len(names) == 0 {
			again, _, err := answer(env)
			if again != first || err != nil {
				err = wordf("the answer hangs on %s: %s", strings.Join(open, " and "), sayEnv(open))
			}
			return err
		}
		saved := maps.Clone(env)
		defer func() { env = saved }()
		for _, v := range candidates(regs) {
			env[names[0]] = v
			if err := try(names[1:]); err != nil {
				return err
			}
		}
		return try(names[1:])
	}
	if len(open) > 0 {
		err = try(open)
	}
	return first, err
}

// candidates returns the values of a process that some argument is equal to: pids and descriptors, of 31 bits.
func candidates(regs [6]uint64) []uint64 {
	var list []uint64
	for _, x := range regs {
		if x &= 1<<32 - 1; x < 1<<31 && !slices.Contains(list, x) {
			list = append(list, x)
		}
	}
	return list
}
