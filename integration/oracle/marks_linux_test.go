//go:build !race

// The race detector makes calls of its own on the thread that measures.

package oracle

import (
	"fmt"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/stagelock/seccomp/internal/bpf"
	"github.com/stagelock/seccomp/internal/sys"
	"github.com/stagelock/seccomp/policy"
)

// The errnos that stand for what an installed program must not really return.
const (
	markAllow = 4090 + iota
	markLog
	markTrap
	markKill
	markErrno = 1 << 11 // or'ed to the policy's errno, where it has to be told from ENOSYS
)

// A marks says what a program returns in place of what it was compiled to return, and what is seen of that.
type marks interface {
	// of returns the value that stands for an action.
	of(a policy.Action) uint32
	// fits tells whether an errno is what a call gets for which the policy has the action a.
	fits(a policy.Action, errno syscall.Errno) bool
}

// distinct gives each action an errno of its own. It is for one program: of several errnos the kernel takes the
// newest, whatever they stand for.
type distinct struct{}

func (distinct) of(a policy.Action) uint32 {
	return unix.SECCOMP_RET_ERRNO | map[policy.Kind]uint32{
		policy.Allow: markAllow, policy.Log: markLog, policy.Trap: markTrap, policy.Kill: markKill,
		policy.Errno: uint32(a.Errno),
	}[a.Kind]
}

func (d distinct) fits(a policy.Action, errno syscall.Errno) bool {
	return uint32(errno) == d.of(a)&unix.SECCOMP_RET_DATA
}

// A threshold keeps the kernel's own order between two classes: actions that are as strict as it or stricter give an
// errno, milder ones SECCOMP_RET_TRACE, which is next in order and by which, "if there is no tracer present, the
// system call is not executed and returns … ENOSYS" (seccomp(2)). Of several programs the strictest action is known
// once every threshold has been tried.
type threshold policy.Kind

func (k threshold) of(a policy.Action) uint32 {
	switch {
	case a.Kind > policy.Kind(k):
		return unix.SECCOMP_RET_TRACE
	case a.Kind == policy.Errno:
		return unix.SECCOMP_RET_ERRNO | markErrno | uint32(a.Errno)
	}
	return distinct{}.of(a)
}

func (k threshold) fits(a policy.Action, errno syscall.Errno) bool {
	switch {
	case a.Kind > policy.Kind(k):
		return errno == syscall.ENOSYS
	case a.Kind == policy.Errno && policy.Kind(k) == policy.Errno: // between two errnos the newest
		return errno == syscall.Errno(markErrno|a.Errno)
	}
	return errno >= markErrno
}

// Calls that the measuring thread makes itself: see pass.
const (
	installFlags = unix.SECCOMP_FILTER_FLAG_SPEC_ALLOW // by which it installs what follows the first program
	futexWait    = 128                                 // FUTEX_WAIT_PRIVATE: the runtime's, between goroutines
	futexWake    = 129
)

// marked returns a program with what its returns stand for in their place, and before it what lets the measuring
// thread through.
func marked(prog []bpf.Instruction, m marks) ([]sys.SockFilter, error) {
	out := pass()
	for _, i := range prog {
		if i.IsReturn() {
			a, ok := policy.ActionOf(i.K)
			if i.Op != bpf.Return || !ok {
				return nil, fmt.Errorf("a return of %#x", i.K)
			}
			if a.Kind == policy.Errno && a.Errno >= 1000 {
				return nil, fmt.Errorf("errno %d stands for something else here", a.Errno)
			}
			i.K = m.of(a)
		}
		out = append(out, sys.SockFilter{Code: i.Op, Jt: i.Jt, Jf: i.Jf, K: i.K})
	}
	return out, nil
}

// pass lets through what the measuring thread may have to do: install the next program, and wait for or wake another
// thread.
func pass() []sys.SockFilter {
	word := func(arg int) sys.SockFilter {
		return sys.SockFilter{Code: bpf.LoadWord, K: bpf.ArgOffset(arg, false, native.BigEndian)}
	}
	return []sys.SockFilter{
		{Code: bpf.LoadWord, K: bpf.OffNr},
		{Code: bpf.JumpEq, K: unix.SYS_SECCOMP, Jf: 4},
		word(0),
		{Code: bpf.JumpEq, K: unix.SECCOMP_SET_MODE_FILTER, Jf: 7},
		word(1),
		{Code: bpf.JumpEq, K: installFlags, Jt: 4, Jf: 5},
		{Code: bpf.JumpEq, K: unix.SYS_FUTEX, Jf: 4},
		word(1),
		{Code: bpf.JumpGt, K: futexWake, Jt: 2},
		{Code: bpf.JumpGe, K: futexWait, Jf: 1},
		{Code: bpf.Return, K: unix.SECCOMP_RET_ALLOW},
	}
}

// passed tells whether an input doesn't come to the program, so that it must not be measured: pass lets it through, or
// the kernel does.
func passed(in *input) bool {
	if exempt(uint32(in.nr)) {
		return true
	}
	switch uint32(in.nr) {
	case unix.SYS_SECCOMP:
		return uint32(in.args[0]) == unix.SECCOMP_SET_MODE_FILTER && uint32(in.args[1]) == installFlags
	case unix.SYS_FUTEX:
		return uint32(in.args[1]) == futexWait || uint32(in.args[1]) == futexWake
	}
	return false
}

// exempt tells whether the kernel asks no filter about a call. On amd64 those are uretprobe (335) and uprobe (336), which
// the trampolines of user-space probes make in programs that know nothing of them: "passthrough … without filtering"
// (seccomp_uprobe_exception of kernel/seccomp.c, Linux 6.13 and 6.18). Made from anywhere else they end in SIGILL.
func exempt(nr uint32) bool { return runtime.GOARCH == "amd64" && (nr == 335 || nr == 336) }
