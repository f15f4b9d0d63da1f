package lock

import (
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/stagelock/seccomp/internal/sys"
)

// Observe puts one filter in force on all threads that refuses nothing: what it answers by user notification
// (SECCOMP_RET_USER_NOTIF) is let through, at once, by a small process that Observe starts, and told to NextObserved if
// a judge would have refused it. All else is as with Install, of which it is the one stage; the stage has one filter,
// and is the last.
//
// That process shares this one's memory, has no filter, no descriptor but the listener, and all signals blocked. It
// ends when nobody has the filter any more: it goes on for the children that outlive this process, and for what this
// process becomes by an exec. While it lives after an exec, the memory of before stays.
//
// no_new_privs is set only where the kernel asks for it (without CAP_SYS_ADMIN), and a note says so.
//
// Limits. It needs Linux 5.9 on amd64 or arm64, a program that is not built with the race detector, and no filter in
// force that has a listener. If the process that lets calls through is killed, they fail with ENOSYS.
func (s *Session) Observe(stage Stage) (Receipt, error) {
	if len(stage.Filters) != 1 || !stage.Last {
		return Receipt{Stage: stage.Name, Before: -1, Inherited: -1}, &Error{Class: ErrInvalid, Stage: stage.Name,
			Detail: "what is observed is one filter, and the last stage"}
	}
	if errno := sys.StartObserver(); errno != 0 {
		return Receipt{Stage: stage.Name, Before: -1, Inherited: -1}, cantObserve(stage.Name, errno)
	}
	stage.observe = stage.putObserved
	r, err := s.Install(stage)
	if len(r.Instructions) == 0 {
		sys.StopObserver()
	}
	return r, err
}

func cantObserve(stage string, errno syscall.Errno) error {
	e := &Error{Class: ErrNotSupported, Stage: stage, Op: "observe", Errno: errno}
	switch errno {
	case unix.ENOTSUP:
		e.Errno, e.Hint = 0, "what observes runs on amd64 and arm64, and not under the race detector"
	case unix.ENOSYS:
		e.Hint = "observing needs Linux 5.9"
	case unix.EALREADY:
		e.Class, e.Errno, e.Detail = ErrLast, 0, "the process is observed already"
	default:
		e.Class, e.Hint = ErrRefused, "observing takes one more process, and close_range"
	}
	return e
}

// putObserved installs the one filter of an observed stage.
func (s Stage) putObserved(r *Receipt) *Error {
	errno := sys.InstallObserved(s.Filters[0])
	if errno == unix.EACCES {
		// "The caller did not have the CAP_SYS_ADMIN capability in its user namespace, or had not set no_new_privs"
		if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err == nil {
			r.Notes = append(r.Notes, "no_new_privs is set, without which only CAP_SYS_ADMIN may observe: set-user-ID programs "+
				"that this process starts don't get the rights of their owner")
			errno = sys.InstallObserved(s.Filters[0])
		}
	}
	if errno == 0 {
		return nil
	}
	e := refusal(errno)
	if errno == unix.EBUSY { // "there is already a filter with a listener in force" (seccomp(2))
		e = &Error{Class: ErrRefused, Hint: "a supervisor has a listener already, and there can be only one"}
	}
	e.Op, e.Errno = "seccomp", errno
	return e
}

// Judge says what is refused from now on in an observed process: what one of some filters does not allow. It returns
// the number of the judge, counted from 0; -1 if there can be no more of them, or none that large.
func (s *Session) Judge(filters [][]Instruction) int { return sys.JudgeObserved(filters) }

// NameObserved has the string told, as Name, that an argument of a call points to, the first one being 0. It is as it was
// when the call was seen; the program could change it until the kernel reads it.
func (s *Session) NameObserved(nr uint32, arg int) { sys.NameObserved(nr, arg) }

// NextObserved waits for the next call that would have been refused. Of a flood of them not each is told by itself: More
// counts. Its Stack has the places the call was made from, the innermost first, as runtime.CallersFrames takes them,
// where they could be seen: not of children, not of threads that have SIGURG blocked, and of the many calls of one number
// only now and then. It is for one goroutine, and asks nothing of the kernel but futex.
func (s *Session) NextObserved(o *Observed) { sys.NextObserved(o) }
