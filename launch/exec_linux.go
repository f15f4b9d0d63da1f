package launch

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/stagelock/seccomp/internal/bpf"
	"github.com/stagelock/seccomp/internal/sys"
)

// Exec makes the process another program, as execve(2) does, under the filters. It keeps its pid, descriptors that
// are not close-on-exec, terminal, directory and signal mask.
//
// It returns only an error that was found before anything was changed. An exec that fails later leaves a process
// without signal handlers, one thread of which has the filters: that is good for nothing, so Exec says the error on
// stderr and exits with ExitCode.
//
// It is for a process that does nothing else: goroutines that still run may not make the garbage collector run by
// hand, or read its statistics, and are gone with the exec.
func (f *Filters) Exec(path string, argv, envv []string) error {
	if err := runnable(path); err != nil {
		return err
	}
	if err := f.supported(); err != nil {
		return err
	}
	if f.supervisor != 0 {
		unix.CloseOnExec(f.supervisor)
	}
	l, err := sys.NewLaunch(f.install(), path, argv, envv)
	if err != nil {
		return &Error{Class: ErrNotStarted, Path: path, Errno: syscall.EINVAL, Hint: "there is a NUL in an argument"}
	}
	// The Go runtime raised the soft limit of open files for itself, and package syscall takes that back before an
	// exec, also before one that fails. On the filtered thread that could be refused.
	syscall.Exec("", nil, nil)
	// The thread with the filters keeps its P to the end, and can't be preempted: another one is needed, and nothing
	// may stop the world. Being told a number, the runtime does not look for a better one any more (Go 1.25).
	runtime.GOMAXPROCS(max(2, runtime.GOMAXPROCS(0)))
	endCollecting()

	parent := os.Getppid()

	tid := make(chan int)
	failed := make(chan error)
	start := make(chan struct{})
	go func() {
		runtime.LockOSThread() // for good: the thread ends with the goroutine if it ends
		err := noNewPrivs()
		if err != nil {
			failed <- err
			return
		}
		if f.death != 0 {
			unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(f.death), 0, 0, 0)
			if os.Getppid() != parent { // it died before
				unix.Kill(os.Getpid(), f.death)
			}
		}
		tid <- unix.Gettid()
		<-start
		l.Run()
	}()
	select {
	case err := <-failed:
		return err
	case id := <-tid:
		if errno := sys.ResetSignals(); errno != 0 {
			abort(&Error{Class: ErrRefused, Op: "rt_sigaction", Errno: errno})
		}
		close(start)
		abort(f.attend(l, path, id))
	}
	panic("launch: bug: abort returned")
}

// endCollecting turns the garbage collector off, and brings a cycle that may be under way to its end. That takes
// milliseconds, so it is done only where there may be one: the first begins when what is allocated comes near to NextGC.
func endCollecting() {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(math.MaxInt64) // by which it collects all the same (GOMEMLIMIT)
	if m.NumGC > 0 || m.TotalAlloc > m.NextGC/2 {
		runtime.GC()
	}
}

// abort ends a process that can't go on.
func abort(err error) {
	fmt.Fprintf(os.Stderr, "stagelock: %v\n", err)
	os.Exit(ExitCode(err))
}

// noNewPrivs sets no_new_privs on this thread, without which an unprivileged process may not install filters.
func noNewPrivs() error {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		if set, gerr := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0); gerr != nil || set != 1 {
			errno, _ := err.(syscall.Errno)
			return &Error{Class: ErrRefused, Op: "prctl(PR_SET_NO_NEW_PRIVS)", Errno: errno,
				Hint: "allow prctl in the profile that stagelock is started under"}
		}
	}
	return nil
}

// parentDeathSignal returns what the process is to get when its parent dies (SysProcAttr.Pdeathsig). That is a thread's
// own: it was set for the main one, on which main begins, and is lost to the one that execs unless it is set again.
func parentDeathSignal() syscall.Signal { return syscall.Signal(sys.ParentDeathSignal()) }

// supported asks whether the kernel has what the filters answer with.
func (f *Filters) supported() error {
	action, since := uint32(unix.SECCOMP_RET_KILL_PROCESS), "4.14"
	if f.Gated() {
		action, since = retUserNotif, "5.5"
	}
	switch errno := sys.ActionAvailable(action); errno {
	case 0:
		return nil
	case unix.EINVAL, unix.EOPNOTSUPP:
		return tooOld(errno, since)
	default:
		return &Error{Class: ErrRefused, Op: "seccomp(SECCOMP_GET_ACTION_AVAIL)", Errno: errno,
			Hint: "allow seccomp in the profile that stagelock is started under"}
	}
}

func tooOld(errno syscall.Errno, since string) error {
	e := &Error{Class: ErrNotSupported, Op: "seccomp", Errno: errno, Hint: "this needs Linux " + since}
	if since == "5.5" {
		e.Hint += ", or a policy that allows execve"
	}
	return e
}

// uninterrupted has a call that the supervisor has received wait for the answer whatever signals come, but for one that
// kills: "non-fatal signals" (seccomp_unotify(2), since Linux 5.19). Before, a handler without SA_RESTART made the call fail
// with EINTR, and any handler made it come once more.
const uninterrupted = unix.SECCOMP_FILTER_FLAG_NEW_LISTENER | unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV

// install returns the filters as they are installed.
func (f *Filters) install() []sys.LaunchFilter {
	list := make([]sys.LaunchFilter, len(f.programs))
	for i, p := range f.programs {
		list[i].Program = raw(p)
		if i == f.gate {
			list[i].Flags = unix.SECCOMP_FILTER_FLAG_NEW_LISTENER
			if f.supervisor != 0 && sys.FlagsAvailable(uninterrupted) {
				list[i].Flags = uninterrupted
			}
		}
	}
	return list
}

func raw(p []bpf.Instruction) []sys.SockFilter {
	insns := make([]sys.SockFilter, len(p))
	for i, x := range p {
		insns[i] = sys.SockFilter{Code: x.Op, Jt: x.Jt, Jf: x.Jf, K: x.K}
	}
	return insns
}

// attend lets the one exec through, and ends with it. It returns if something failed.
func (f *Filters) attend(l *sys.Launch, path string, tid int) error {
	// The runtime's own timers are not finer than a millisecond where nothing else runs.
	const pause = 20 // microseconds
	answered := false
	for {
		if step, errno := l.Failed(); errno != 0 {
			return f.failure(step, errno, path)
		}
		if fd, ok := l.Listener(); ok && !answered {
			if err := f.answer(fd, l, tid); err != nil {
				return err
			}
			answered = true
		}
		unix.Nanosleep(&unix.Timespec{Nsec: pause * 1000}, nil)
	}
}

// answer has the exec answered: by the supervisor, which gets the listener, or here.
func (f *Filters) answer(listener int, l *sys.Launch, tid int) error {
	if f.supervisor == 0 {
		return admit(listener, l, tid)
	}
	if err := send(f.supervisor, listener); err != nil {
		return &Error{Class: ErrRefused, Op: "sendmsg", Errno: err.(syscall.Errno)}
	}
	return nil
}

// admit waits for the exec and lets the kernel go on with it.
//
// The kernel reads path and arguments from memory after the answer, so whoever writes there could have it start
// another program (seccomp_unotify(2)); here that is this process itself.
func admit(listener int, l *sys.Launch, tid int) error {
	for {
		n, errno := sys.ReceiveNotification(listener)
		switch errno {
		case unix.EINTR, unix.ENOENT:
			continue
		case 0:
		default:
			return &Error{Class: ErrRefused, Op: "ioctl(SECCOMP_IOCTL_NOTIF_RECV)", Errno: errno}
		}
		// There is one thread with the filter, and it makes one call. All else is refused for good.
		if int(n.Pid) != tid || n.Nr != unix.SYS_EXECVE || [3]uint64(n.Args[:3]) != l.Args() {
			sys.RefuseNotification(listener, n.ID, unix.ENOSYS)
			return &Error{Class: ErrRefused, Op: "execve", Hint: fmt.Sprintf("call %d of thread %d came in its place", n.Nr, n.Pid)}
		}
		switch errno := sys.ContinueNotification(listener, n.ID); errno {
		case 0:
			return nil
		case unix.EINVAL: // "SECCOMP_USER_NOTIF_FLAG_CONTINUE (since Linux 5.5)"
			return tooOld(errno, "5.5")
		default:
			return &Error{Class: ErrRefused, Op: "ioctl(SECCOMP_IOCTL_NOTIF_SEND)", Errno: errno}
		}
	}
}

// failure says what a failed step means.
func (f *Filters) failure(step int, errno syscall.Errno, path string) error {
	if step == len(f.programs) {
		e := &Error{Class: ErrNotStarted, Path: path, Errno: errno}
		switch errno {
		case unix.ENOENT: // it was there before
			e.Hint = "the interpreter that its first line or its ELF header names is missing"
		case unix.ENOEXEC:
			e.Hint = "a script needs a first line such as #!/bin/sh"
		}
		return e
	}
	e := &Error{Class: ErrRefused, Op: "seccomp", Errno: errno,
		Hint: "allow seccomp in the profile that stagelock is started under"}
	switch errno {
	case unix.EBUSY: // "there is already a filter with a listener in force" (seccomp(2))
		e.Class = ErrListener
		e.Hint = "a supervisor holds it, or this program was launched by a policy that refuses execve: launch outside of that, " +
			"or allow execve in the policy"
	case unix.EINVAL:
		e.Class, e.Hint = ErrNotSupported, "this needs Linux 5.5, or a policy that allows execve"
		if step != f.gate {
			e.Hint = "the kernel does not take the filter"
		}
	case unix.ENOMEM:
		e.Class, e.Hint = ErrTooLarge, "filters in force count too"
	}
	return e
}
