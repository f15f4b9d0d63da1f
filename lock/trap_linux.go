package lock

import (
	"golang.org/x/sys/unix"

	"github.com/stagelock/seccomp/internal/sys"
)

// SayTraps puts a handler before the Go runtime's own one for SIGSYS that says which call was trapped; another text
// takes the place of the one before. It is called before the filters are installed that trap, and changes nothing on
// architectures other than amd64 and arm64.
//
// The line is the last one of the process, below the runtime's traceback, if t.Below says that the filters let that be:
// on amd64, from Linux 5.11, and where the thread has a signal stack of the size that Go's have. With GOTRACEBACK=crash
// it stands between the tracebacks of the goroutines and those of the other threads. Elsewhere it stands above.
//
// Limits. A thread that has SIGSYS blocked at the call, as the runtime's are while they start a thread or a child, is
// killed by the kernel without a word. So is one whose filters trap write(2) too, or that has a filter from elsewhere which
// kills for prctl(PR_SET_SYSCALL_USER_DISPATCH). Another thread that calls os.Exit while the traceback is printed cuts
// off that and the line. One line is said in the life of a process: trapped calls end it.
func SayTraps(t *TrapText) error {
	if errno := sys.SayTraps(t); errno != 0 {
		return &Error{Class: ErrRefused, Op: "rt_sigaction(SIGSYS)", Errno: unix.Errno(errno)}
	}
	return nil
}

// TrapNeeds lists what t.Below says of the filters of the process pid: they allow all of it.
func TrapNeeds(pid uint64) []TrapNeed {
	const dispatchOff, dispatchOn = 0, 1
	return []TrapNeed{
		{unix.SYS_PRCTL, [6]uint64{unix.PR_SET_SYSCALL_USER_DISPATCH, dispatchOn}},
		{unix.SYS_PRCTL, [6]uint64{unix.PR_SET_SYSCALL_USER_DISPATCH, dispatchOff}},
		{unix.SYS_RT_SIGPROCMASK, [6]uint64{unix.SIG_UNBLOCK, 1, 0, 8}},
		{unix.SYS_RT_SIGRETURN, [6]uint64{}},
		{unix.SYS_WRITE, [6]uint64{2, 1, 1}},
		{unix.SYS_FUTEX, [6]uint64{}},
		{unix.SYS_NANOSLEEP, [6]uint64{}},
		{unix.SYS_SCHED_YIELD, [6]uint64{}},
		{unix.SYS_GETPID, [6]uint64{}},
		{unix.SYS_GETTID, [6]uint64{}},
		{unix.SYS_TGKILL, [6]uint64{pid, pid, uint64(unix.SIGURG)}},
	}
}
