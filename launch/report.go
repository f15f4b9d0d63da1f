package launch

import (
	"os/exec"
	"sync"

	"github.com/stagelock/seccomp/filter"
	"github.com/stagelock/seccomp/internal/bpf"
	"github.com/stagelock/seccomp/policy"
)

// A Reported is a program whose refusals are told while it runs. The process that started it answers every call that
// the policy refuses with an errno, by user notification, with that very errno. What the policy kills, traps or logs
// for is the kernel's to do, and is not told, but for an execve: that one is told, and fails with ENOSYS.
//
// It needs Linux 5.5, amounts to one filter, and costs each refused call a trip to another process. What the program
// leaves behind when it ends is answered, and told, as well, for as long as anybody has the filter; before Linux 5.9, which
// first tells when that is, only until Wait returns. If the supervising process ends, refused calls fail with ENOSYS, and
// so does every execve: nothing is let through.
type Reported struct {
	Cmd *exec.Cmd // what may be set are its descriptors but for ExtraFiles, environment, directory and attributes

	tableFor func(pid int) (*policy.Table, error)
	table    *policy.Table

	stop, done chan struct{}

	mu       sync.Mutex
	listener int // -1 once it is closed
}

// A Refusal is a call that was refused.
type Refusal struct {
	Thread int // 0 where it can't be named in the supervisor's pid namespace
	Nr     uint32
	Args   [6]uint64
	By     *policy.Clause

	// Waiting tells whether the call still waits for its answer, as it does while it is told. What was read of the
	// thread until then, from /proc, is of that thread, and not of a later one with the same id.
	Waiting func() bool
}

// reporter is what marker is for a program that is reported: the first argument is the descriptor by which the filter comes,
// and to which the listener goes before the exec passes.
const reporter = "stagelock-report"

// Report prepares a program for running under a table. The table is asked for when the program's pid is known, since a
// policy may compare with it (self.pid). As for Command, main must begin with Main.
func Report(table func(pid int) (*policy.Table, error), name string, arg ...string) (*Reported, error) {
	path, err := LookPath(name)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Args = append([]string{reporter, "", path, name}, arg...)
	return &Reported{Cmd: cmd, tableFor: table}, nil
}

// compileReported compiles a table with user notification for every errno, and for every execve: the first one waits
// for the listener to be with the supervisor.
func compileReported(t *policy.Table) ([]bpf.Instruction, error) {
	var standIn policy.Action
	for standIn = range filter.Unused(t) {
		break
	}
	execve, _ := t.Arch.Call("execve")
	t = t.Whole()
	told := *t
	tell := func(c policy.Clause, always bool) policy.Clause {
		if always || c.Action.Kind == policy.Errno {
			c.Action = standIn
		}
		return c
	}
	told.Other, told.Foreign = tell(t.Other, false), tell(t.Foreign, false)
	told.Calls = make([]policy.Decision, len(t.Calls))
	for i, d := range t.Calls {
		told.Calls[i] = d
		told.Calls[i].Clauses = make([]policy.Clause, len(d.Clauses))
		for j, c := range d.Clauses {
			told.Calls[i].Clauses[j] = tell(c, d.Nr == execve.Nr)
		}
	}
	programs, err := filter.Compile(withoutListeners(&told), filter.Options{})
	if err != nil {
		return nil, err
	}
	if len(programs) > 1 { // only one can have the listener
		return nil, &Error{Class: ErrTooLarge, Hint: "refusals are told of a policy that fits into one filter"}
	}
	programs[0].Exchange(standIn, retUserNotif)
	return programs[0].Insns, nil
}
