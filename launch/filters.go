// Package launch starts programs under filters that begin at exec: the policy language's on_next_syscall.
//
//	filters, err := launch.Compile(plan.Stages[k].Table)
//	err = filters.Exec("/usr/bin/convert", []string{"convert", "in.png", "out.jpg"}, os.Environ())
//
// The filters are complete and in force at the first instruction of the new program, whatever it is: static or
// dynamic, in C or in Go. They hold for its threads and children, and stay through every further exec.
//
// # How a policy that refuses exec starts one
//
// A filter that refuses execve would refuse the very exec it was made for. So here what it refuses of execve is
// answered by user notification (seccomp_unotify(2)). One thread takes the filters and calls execve; a second thread
// of the process, which has no filters, holds the listener, sees that the call is that one, and lets the kernel go on
// with it. The exec itself ends that second thread and closes the listener, before the new program runs. From then on
// nobody can let a call through, and the kernel answers each with ENOSYS, for good. That is what a later execve gets
// in place of the policy's own refusal; execveat is refused as the policy says. A newer filter with a listener of its own
// would be asked instead, so the program gets EBUSY if it installs one, though the policy allows seccomp. No process stays
// behind, and it is the same process throughout.
//
// # Limits
//
// A refused exec needs Linux 5.5, and no filter in force that has a listener already, as an outer supervisor's does:
// there can be only one. A policy that allows execve needs Linux 4.14 and nothing else.
//
// no_new_privs is set, so set-user-ID bits, set-group-ID bits and file capabilities of the new program have no effect.
//
// The Go runtime keeps an ignored SIGHUP or SIGINT as it is, but not other signals: one that was ignored when the
// launching Go program was started has its default action in the new one.
package launch

import (
	"slices"
	"syscall"

	"github.com/stagelock/seccomp/filter"
	"github.com/stagelock/seccomp/internal/bpf"
	"github.com/stagelock/seccomp/policy"
)

// Filters are what a program is started under.
type Filters struct {
	programs   [][]bpf.Instruction // in the order in which they are installed
	gate       int                 // the one that answers execve by user notification; -1 if execve is allowed
	supervisor int                 // the socket to whom gets the listener, before the exec passes; 0: nobody
	death      syscall.Signal      // what the program gets when its parent dies; 0: what the process gets
}

// ebusy is EBUSY, which is 16 on every architecture that Linux has.
const ebusy = 16

// retUserNotif is SECCOMP_RET_USER_NOTIF of <linux/seccomp.h>.
const retUserNotif = 0x7fc00000

// Compile returns the filters that put a table in force at an exec. The error is filter's: a table that is too large.
func Compile(t *policy.Table) (*Filters, error) {
	execve, ok := t.Arch.Call("execve")
	if !ok {
		panic("launch: bug: no execve on " + t.Arch.Name)
	}
	var standIn policy.Action // for user notification, which the language has no action for
	for standIn = range filter.Unused(t) {
		break
	}
	gated, closed := gate(t, execve.Nr, standIn)
	compiled, err := filter.Compile(gated, filter.Options{})
	if err != nil {
		return nil, err
	}
	f := &Filters{gate: -1}
	if closed {
		for _, p := range compiled {
			p.Exchange(standIn, retUserNotif)
		}
	}
	// One that refuses seccomp itself comes last, or none could follow it. It is the one that decides about that call.
	seccomp, _ := t.Arch.Call("seccomp")
	slices.SortStableFunc(compiled, func(x, y *filter.Program) int {
		return order(x.First <= seccomp.Nr && seccomp.Nr <= x.Last) - order(y.First <= seccomp.Nr && seccomp.Nr <= y.Last)
	})
	for i, p := range compiled {
		f.programs = append(f.programs, p.Insns)
		if closed && p.First <= execve.Nr && execve.Nr <= p.Last {
			f.gate = i
		}
	}
	return f, nil
}

func order(last bool) int {
	if last {
		return 1
	}
	return 0
}

// Gated tells whether the policy refuses the exec that starts the program, so that only that one passes.
func (f *Filters) Gated() bool { return f.gate >= 0 }

// gate returns the table with what it refuses of a call turned into action, and without new listeners; closed tells whether
// there is such.
//
// The three arguments of execve are addresses, and none of those that a launch passes is 0.
func gate(t *policy.Table, nr uint32, action policy.Action) (gated *policy.Table, closed bool) {
	if t.Eval(nr, [6]uint64{1 << 20, 1 << 20, 1 << 20}).Action.Allows() {
		return t, false
	}
	copied, d := withOwn(t, nr)
	for i := range d.Clauses {
		if c := &d.Clauses[i]; !c.Action.Allows() {
			c.Action = action
		}
	}
	return withoutListeners(copied), true
}

// withoutListeners returns the table without the allowance to install a filter that has a listener. Of two filters that
// answer by user notification the newer one's listener is asked, and could let through what ours refuses for good. EBUSY
// is what the kernel says as long as ours has its listener.
func withoutListeners(t *policy.Table) *policy.Table {
	seccomp, ok := t.Arch.Call("seccomp")
	if !ok {
		panic("launch: bug: no seccomp on " + t.Arch.Name)
	}
	const setModeFilter, newListener = 1, 8 // SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER of <linux/seccomp.h>
	listens := policy.And{policy.Range{Arg: 0, Bits: 32, Lo: setModeFilter, Hi: setModeFilter},
		policy.Masked{Arg: 1, Bits: 32, Mask: newListener, Value: newListener}}
	copied, d := withOwn(t, seccomp.Nr)
	var clauses []policy.Clause
	for _, c := range d.Clauses {
		if c.Action.Allows() {
			refused := policy.Clause{If: listens, Action: policy.Action{Kind: policy.Errno, Errno: ebusy}, Origin: c.Origin}
			if c.If != nil {
				refused.If = policy.And{c.If, listens}
			}
			clauses = append(clauses, refused)
		}
		clauses = append(clauses, c)
	}
	d.Clauses = clauses
	return copied
}

// withOwn returns a copy of the table in which a call has a decision of its own, which may be changed.
func withOwn(t *policy.Table, nr uint32) (*policy.Table, *policy.Decision) {
	t = t.Whole()
	copied := *t
	copied.Calls = slices.Clone(t.Calls)
	d, ok := copied.Find(nr)
	if !ok {
		copied.Calls = append(copied.Calls, policy.Decision{Nr: nr, Clauses: []policy.Clause{t.Other}})
		slices.SortFunc(copied.Calls, func(x, y policy.Decision) int { return int(int64(x.Nr) - int64(y.Nr)) })
		d, _ = copied.Find(nr)
	}
	d.Clauses = slices.Clone(d.Clauses)
	return &copied, d
}
