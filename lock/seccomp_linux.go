package lock

import (
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/stagelock/seccomp/internal/sys"
)

// supported asks whether the kernel can do what the filters rest on. It is asked once, before the first filter, which
// need not allow the question.
//
// "SECCOMP_GET_ACTION_AVAIL (since Linux 4.14)"; so is SECCOMP_RET_KILL_PROCESS, and a kernel before takes it for
// SECCOMP_RET_KILL_THREAD, which leaves a Go process half dead.
func supported() *Error {
	errno := sys.ActionAvailable(unix.SECCOMP_RET_KILL_PROCESS)
	e := &Error{Op: "seccomp(SECCOMP_GET_ACTION_AVAIL)", Errno: errno}
	switch errno {
	case 0:
		return nil
	case unix.EINVAL, unix.EOPNOTSUPP:
		e.Class = ErrNotSupported
		e.Hint = "this needs Linux 4.14; an emulation of Linux, such as gVisor, may not offer it either"
	default:
		// "ENOSYS" is a kernel without CONFIG_SECCOMP as well as a filter that hides the call: the mode tells them
		// apart. "PR_GET_SECCOMP: … EINVAL if the kernel was not configured with CONFIG_SECCOMP" (prctl(2)).
		mode, err := unix.PrctlRetInt(unix.PR_GET_SECCOMP, 0, 0, 0, 0)
		if errno == unix.ENOSYS && (err == unix.EINVAL || err == nil && mode == 0) {
			e.Class = ErrNotSupported
			e.Hint = "the kernel was built without seccomp filters"
			break
		}
		e.Class = ErrRefused
		e.Hint = "allow seccomp in the profile that the process is started under (Docker's default profile does)"
	}
	return e
}

// noNewPrivs sets no_new_privs on this thread. TSYNC carries it to all others ("the thread's no_new_privs"), and it
// is inherited, so once filters are in force every thread has it.
func (s *Session) noNewPrivs() *Error {
	if s.installed > 0 {
		return nil
	}
	err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
	if err == nil {
		return nil
	}
	// Where it is set already, nobody needs to be asked.
	if set, gerr := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0); gerr == nil && set == 1 {
		return nil
	}
	tid := unix.Gettid()
	for _, t := range s.threads.list {
		if t.tid == tid && t.state.NoNewPrivs {
			return nil
		}
	}
	e := &Error{Class: ErrRefused, Op: "prctl(PR_SET_NO_NEW_PRIVS)",
		Hint: "allow prctl in the profile that the process is started under, or start it with no_new_privs set"}
	e.Errno = errnoOf(err)
	return e
}

// apply installs the filters: all on all threads, or none on any but this one, which then ends.
//
// Only the last is installed with TSYNC. The others are this thread's alone until then: TSYNC gives each thread the
// calling one's whole list ("synchronize all other threads of the calling process to the same seccomp filter tree",
// seccomp(2)). So a stage of several filters is never in force by half.
func (s Stage) apply() *Error {
	last := len(s.Filters) - 1
	for i, f := range s.Filters {
		var flags uintptr
		if i == last {
			flags = unix.SECCOMP_FILTER_FLAG_TSYNC
		}
		tid, errno := sys.SetModeFilter(flags, f)
		// "On error, if SECCOMP_FILTER_FLAG_TSYNC was used, the return value is the ID of the thread that caused the
		// synchronization failure." (seccomp(2)) It is no errno, and nothing has been installed.
		if tid > 0 {
			return &Error{Class: ErrDiverged, Op: "seccomp", Thread: tid,
				Hint: "install no filter on single threads, or end them before locking"}
		}
		if errno != 0 {
			e := refusal(errno)
			e.Op = "seccomp"
			e.Errno = errno
			if last > 0 {
				e.Detail = fmt.Sprintf("filter %d of %d", i+1, last+1)
			}
			return e
		}
	}
	return nil
}

// refusal says what an errno of seccomp(2) means to somebody whose filters have passed Stage.check. The quotes are
// from the manual page.
func refusal(errno syscall.Errno) *Error {
	switch errno {
	case unix.ENOMEM:
		// "The total length of all filter programs attached to the calling thread would exceed MAX_INSNS_PER_PATH
		// (32768) instructions", or "out of memory".
		return &Error{Class: ErrTooLarge, Hint: "filters the process was started under count too; or memory is short"}
	case unix.EINVAL:
		// "the filter program … was not valid or the length of the filter program was zero or exceeded BPF_MAXINSNS
		// (4096) instructions"
		return &Error{Class: ErrInvalid, Hint: "an instruction is unknown to seccomp or a jump leaves the program"}
	case unix.EFAULT:
		return &Error{Class: ErrInvalid}
	case unix.ESRCH:
		// "Another thread caused a failure during thread sync, but its ID could not be determined."
		return &Error{Class: ErrDiverged, Hint: "the thread can't be named in this pid namespace"}
	case unix.EACCES:
		// "The caller did not have the CAP_SYS_ADMIN capability in its user namespace, or had not set no_new_privs":
		// it had, so this is not the kernel's own answer.
		return &Error{Class: ErrRefused, Hint: "something between this process and the kernel denies seccomp"}
	case unix.ENOSYS, unix.EPERM:
		return &Error{Class: ErrRefused,
			Hint: "the kernel itself never answers so here: allow seccomp in the profile or stage in force"}
	}
	return &Error{Class: ErrRefused, Hint: "an answer that seccomp(2) does not document"}
}
