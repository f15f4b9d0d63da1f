package main

import (
	"debug/buildinfo"
	"errors"
	"flag"
	"os"

	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/launch"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/runtimeset"
	"github.com/stagelock/seccomp/stage"
)

func newRun() *command {
	return &command{
		name:     "run",
		synopsis: "-policy FILE [-stage S] [-report] [-suggest] [-go V] [-cgo] [--] COMMAND [ARG…]",
		brief:    "start a program under a policy",
		help: `
The stage's filter is in force from the first instruction of the program on, for all its threads and children, and
stagelock becomes that program: it keeps pid, terminal and descriptors, and nothing stays behind. Where the policy
refuses execve, the exec that starts the program is the only one that passes; any later one fails with ENOSYS.

Without on_next_syscall in the policy, what the Go runtime needs is allowed too, as it is to a program that locks
itself; with it that takes ` + "`use go`" + `. What a program needs to start is in exec.static and exec.dynamic.
Which Go release that is about is read from the program, or said by -go and -cgo. no_new_privs is set: set-user-ID
programs run, but without the rights of their owner.

With -report stagelock stays, and a second process of it, the supervisor, is the program's parent: it tells every call
that is refused with an errno; the program sees that errno. A call that kills or traps is the kernel's affair and not
told, but for an execve: that one is told and fails with ENOSYS. Of each call and rule the first five are told one by
one, and all are counted; of a Go program with the stack of the goroutine. Names of files are as they were when they
were read: the program could have changed them since. Signals are passed on to the program.

Stagelock ends when the program does. Where that has left something behind that runs under the filter, such as a daemon,
the supervisor goes on for it in the background, and ends with it. It goes on telling what is refused where stderr is a
file or a terminal; a pipe it lets go of, so that whoever reads it does not wait for a daemon. Before Linux 5.9 it can't
know when that ends, and ends with the program. Without a supervisor, also if it is killed, whatever has the filter goes
on, and what is refused to it, and every execve, fails with ENOSYS.

The exit code is the program's, or 125 if stagelock failed, 126 if the program can't be run, 127 if it isn't there.`,
		action:   new(runner),
		launches: true,
	}
}

// A runner is the command `run`.
type runner struct {
	target
	set     *flag.FlagSet
	policy  string
	stage   string
	report  bool
	suggest bool
}

func (c *runner) flags(fs *flag.FlagSet) {
	c.set = fs
	fs.StringVar(&c.policy, "policy", "", "the policy `FILE`")
	fs.StringVar(&c.stage, "stage", "", "the stage `S`; without it the last one")
	fs.BoolVar(&c.report, "report", false, "stay, and tell on stderr what is refused: the call, its arguments,\nthe thread, the stage and the policy's line")
	fs.BoolVar(&c.suggest, "suggest", false, "-report, and the rules in the end that would have allowed it")
	c.buildFlags(fs)
}

func (c *runner) run(s *streams, args []string) error {
	switch {
	case c.policy == "":
		return shapef("-policy FILE is missing")
	case len(args) == 0:
		return shapef("the COMMAND is missing")
	}
	if c.report || c.suggest {
		return launching(c.reported(s, args))
	}
	return launching(c.become(s, args))
}

// launching gives an error of a launch its exit code.
func launching(err error) error {
	var usage *usageError
	var exit *exitError
	if err == nil || errors.As(err, &usage) || errors.As(err, &exit) {
		return err
	}
	return &exitError{launch.ExitCode(err), err}
}

// become has this process become the program.
func (c *runner) become(s *streams, args []string) error {
	path, err := launch.LookPath(args[0])
	if err != nil {
		return err
	}
	tables, err := c.tables(s, path)
	if err != nil {
		return err
	}
	table, err := tables(os.Getpid()) // which stays
	if err != nil {
		return err
	}
	filters, err := launch.Compile(table)
	if err != nil {
		return err
	}
	return filters.Exec(path, args, os.Environ())
}

// tables returns what the stage leaves to the program, as a function of its pid.
func (c *runner) tables(s *streams, path string) (func(pid int) (*policy.Table, error), error) {
	arch := kernel.Native()
	if arch == nil {
		return nil, &launch.Error{Class: launch.ErrNotSupported}
	}
	b, err := c.build(arch)
	if err != nil {
		return nil, err
	}
	said := false
	c.set.Visit(func(f *flag.Flag) { said = said || f.Name == "go" || f.Name == "cgo" })
	if !said {
		if info, err := buildinfo.ReadFile(path); err == nil {
			b = runtimeset.FromBuildInfo(info)
			b.Arch = arch.Name
		}
	}
	f, err := parseFile(s, c.policy)
	if err != nil {
		return nil, err
	}
	p, err := policy.Check(f, librarian(arch, b))
	if p == nil {
		return nil, err
	}
	if !p.NoFloor {
		noteRelease(s, b)
	}
	return func(pid int) (*policy.Table, error) {
		t, err := c.table(p, pid)
		if err == nil && !p.NoFloor && !starts(t) {
			s.complain("note: the policy has what a Go program needs at any moment, but not what any program needs to start: " +
				"`use exec.static`, or exec.dynamic if it is linked dynamically")
		}
		return t, err
	}, nil
}

// starts tells whether a table lets a program start, by what is made then and by no program that locks itself later.
func starts(t *policy.Table) bool {
	const archSetFS, cloexec = 0x1002, 0x80000 // ARCH_SET_FS of <asm/prctl.h>, EPOLL_CLOEXEC
	for name, arg := range map[string]uint64{"arch_prctl": archSetFS, "epoll_create1": cloexec} {
		if c, ok := t.Arch.Call(name); ok && !t.Eval(c.Nr, [6]uint64{arg}).Action.Allows() {
			return false
		}
	}
	return true
}

// table returns what the stage leaves to a process.
func (c *runner) table(p *policy.Policy, pid int) (*policy.Table, error) {
	plan, err := stage.New(p, stage.Env{"self.pid": uint64(pid)})
	if err != nil {
		return nil, err
	}
	k, err := stageOf(plan, c.stage)
	if err != nil {
		return nil, err
	}
	t := plan.Stages[k].Table
	if names := missing(t); len(names) > 0 {
		return nil, wordf("the policy compares with what only the program itself knows: it has to lock itself")
	}
	return t, nil
}
