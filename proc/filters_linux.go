package proc

import (
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/stagelock/seccomp/internal/sys"
)

// Filters fetches the filters of every thread of a process of this machine. Each thread is stopped for as long as that
// takes, some tens of microseconds, one after the other; nothing else about it changes, and nothing is left behind: should
// the caller die in between, the kernel lets the thread go on.
//
// A sleep that is interrupted by that goes on by restart_syscall. On amd64 that is seen to where the thread's filters
// refuse this call (the sleep begins anew); elsewhere, or if the caller is killed just then, such a thread fares as it
// does after SIGSTOP and SIGCONT.
//
// "PTRACE_SECCOMP_GET_FILTER: the caller must have CAP_SYS_ADMIN, and not be in seccomp mode" (ptrace(2), and
// kernel/seccomp.c, seccomp_get_filter); without that the error matches ErrPrivilege, and nothing is stopped. Threads
// that end meanwhile are left out. Threads that could not be looked at are named by an *Error, beside the stacks of the
// others.
func Filters(pid int) ([]Stack, error) {
	if err := privileged(); err != nil {
		return nil, &Error{Pid: pid, Err: err}
	}
	tids, err := ThreadIDs(FS{}.Tasks(pid))
	if err != nil {
		return nil, &Error{Pid: pid, Err: err}
	}
	var list []Stack
	unseen := Error{Pid: pid}
	for _, tid := range tids {
		filters, err := onThread(func() ([]InForce, error) { return fetch(tid) })
		switch {
		case err == nil:
			list = append(list, Stack{[]int{tid}, filters})
		case gone(err):
		default:
			unseen.Unseen = append(unseen.Unseen, tid)
			if unseen.Err == nil {
				unseen.Err = err
			}
		}
	}
	switch {
	case unseen.Err != nil:
		return group(list), &unseen
	case len(list) == 0:
		return nil, &Error{Pid: pid, Err: fs.ErrNotExist}
	}
	return group(list), nil
}

// privileged says what the caller lacks, before anything is stopped in vain.
func privileged() error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err == nil && data[0].Effective&(1<<unix.CAP_SYS_ADMIN) == 0 {
		return fmt.Errorf("%w: this one lacks CAP_SYS_ADMIN", ErrPrivilege)
	}
	if states, err := (FS{}).Threads(os.Getpid()); err == nil && states[0].Mode != Disabled && states[0].Mode != Unknown {
		return fmt.Errorf("%w that are under no seccomp filter: this one is under %d itself", ErrPrivilege, states[0].Filters)
	}
	return nil
}

// onThread runs f on a thread of its own: the tracer of a thread is one thread, not its process. If f fails the thread
// ends, and with that the kernel detaches from a tracee that f could not detach from.
func onThread(f func() ([]InForce, error)) (filters []InForce, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		filters, err = f()
		if err == nil {
			runtime.UnlockOSThread()
		}
	}()
	<-done
	return filters, err
}

// How long a thread may take to stop, and for how much of that it is asked again and again whether it has. What counts is
// the time asked for: on a machine that stood still meanwhile, or is busy, it is longer, for the thread as for the caller.
const (
	patience = 2 * time.Second
	spin     = 100 * time.Microsecond
)

// fetch stops a thread, fetches its filters and lets it go on.
func fetch(tid int) (filters []InForce, err error) {
	if err := unix.PtraceSeize(tid); err != nil {
		return nil, seizing(tid, err)
	}
	// Seized, it runs on; the calling thread is now its tracer.
	if err := unix.PtraceInterrupt(tid); err != nil {
		return nil, err
	}
	stopped, err := wait(tid)
	if err != nil {
		return nil, err
	}
	defer func() {
		letRestart(tid, filters)
		// "If the tracee is in signal-delivery-stop, the signal is delivered on detach" if it is named (ptrace(2)).
		errno := sys.PtraceDetach(tid, stopped)
		if err == nil && errno != 0 && errno != unix.ESRCH {
			err = errno
		}
	}()
	for i := 0; ; i++ {
		n, errno := sys.PtraceSeccompFilter(tid, i, nil)
		switch errno {
		case 0:
		case unix.ENOENT: // "filter_off exceeds the number of filters"
			return filters, nil
		case unix.EINVAL: // in strict mode, or in none
			return nil, nil
		case unix.EACCES:
			return nil, fmt.Errorf("%w: CAP_SYS_ADMIN in the first user namespace, and no filter of one's own", ErrPrivilege)
		case unix.EIO:
			return nil, fmt.Errorf("%w, and by kernels built with CONFIG_CHECKPOINT_RESTORE", ErrPrivilege)
		default:
			return nil, errno
		}
		f := InForce{Program: make([]Instruction, n)}
		if _, errno := sys.PtraceSeccompFilter(tid, i, f.Program); errno != 0 {
			return nil, errno
		}
		if flags, errno := sys.PtraceSeccompFlags(tid, i); errno == 0 {
			f.Log = flags&unix.SECCOMP_FILTER_FLAG_LOG != 0
		}
		filters = append(filters, f)
	}
}

// wait waits until a thread has stopped, and returns the signal that it stopped for, 0 being none.
func wait(tid int) (syscall.Signal, error) {
	pause, paused, begin := 10*time.Microsecond, time.Duration(0), time.Now()
	for {
		var status unix.WaitStatus
		got, err := unix.Wait4(tid, &status, unix.WALL|unix.WNOHANG, nil)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return 0, err
		case got == tid && (status.Exited() || status.Signaled()):
			return 0, unix.ESRCH
		case got == tid && status.Stopped():
			if status>>16 != 0 { // an event, PTRACE_EVENT_STOP, and no signal to deliver
				return 0, nil
			}
			return status.StopSignal(), nil
		case time.Since(begin) < spin: // to sleep now would be to leave it stopped for as long
			continue
		case paused >= patience:
			return 0, fmt.Errorf("%w within %v", ErrNotStopped, patience)
		}
		time.Sleep(pause)
		paused += pause
		pause = min(2*pause, time.Millisecond)
	}
}

// seizing says why a thread could not be seized.
func seizing(tid int, err error) error {
	if err != unix.EPERM {
		return err
	}
	status, _ := os.ReadFile("/proc/" + strconv.Itoa(tid) + "/status")
	if s, err := Parse(status); err != nil || s.Exiting() {
		return unix.ESRCH
	}
	if tracer := tracerPid(status); tracer > 0 {
		// The field names the thread.
		if status, err := os.ReadFile("/proc/" + strconv.Itoa(tracer) + "/status"); err == nil {
			if s, err := Parse(status); err == nil {
				tracer = s.Tgid
			}
		}
		return fmt.Errorf("%w by process %d", ErrTraced, tracer)
	}
	return fmt.Errorf("%w: PTRACE_SEIZE needs CAP_SYS_PTRACE over the process, or is refused by a security module", ErrPrivilege)
}
