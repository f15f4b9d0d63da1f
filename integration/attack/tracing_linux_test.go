package attack

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// Getting at the process, or out of it, as a debugger does.
var tracing = []attack{
	deadly("ptrace, which the policy says kills", func(*scene) {}, func() error { return raw(unix.SYS_PTRACE) }),
	deadly("ptrace of itself", func(*scene) {}, func() error { return raw(unix.SYS_PTRACE, unix.PTRACE_SEIZE, uint64(os.Getpid())) }),
	deadly("ptrace with high bits", func(*scene) {}, func() error { return raw(unix.SYS_PTRACE, 1<<63|unix.PTRACE_TRACEME) }),
	refused("other calls into a process", func(s *scene) {
		s.lock()
		pid := uint64(os.Getpid())
		for _, name := range []string{"process_vm_readv", "process_vm_writev", "kcmp", "pidfd_getfd", "perf_event_open",
			"setns", "unshare", "get_robust_list", "process_mrelease", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "tkill"} {
			s.call(syscall.EPERM, name, pid, pid, 1)
		}
		s.call(syscall.ENOSYS, "pidfd_open", pid)
		s.call(syscall.ENOSYS, "pidfd_send_signal", 0, 9)
	}),
	// Up to Linux 4.7 the filter was asked before the tracer: who could trace a child could have any call made there.
	refused("a tracer that changes the number after the filter", func(s *scene) {
		if runtime.GOARCH != "amd64" {
			s.Skipf("the registers are read on amd64 alone")
		}
		s.traceable()
		s.lockText("use all\nsys_getppid: 0\n") // ptrace is allowed
		s.Refused(syscall.EPERM, "getppid in place of getpgrp", func() error { return rewritten(s, 0) })
	}),
	refused("a locked tracer, that suspends the filters", func(s *scene) {
		s.traceable()
		s.lockText("use all\nsys_getppid: 0\n")
		err := rewritten(s, unix.PTRACE_O_SUSPEND_SECCOMP)
		if err == unix.EINVAL {
			s.Skipf("the kernel has no CONFIG_CHECKPOINT_RESTORE")
		}
		s.Refused(syscall.EPERM, "suspend them", func() error { return err })
	}),
	// A child that is locked as its parent is can't trace it.
	refused("ptrace of itself, by a child", func(s *scene) {
		s.lockText("use all\nsys_ptrace: 0 else errno(ENOTTY)\n") // not an errno by which the kernel refuses a tracer
		s.Refused(syscall.ENOTTY, "ptrace in the child", func() error { return child("trace") })
	}),
	// One that was there before can. It does not get a call made that the stage refuses.
	refused("a tracer from before the lock, that changes the number after the filter", func(s *scene) {
		if runtime.GOARCH != "amd64" {
			s.Skipf("the registers are read on amd64 alone")
		}
		defer runtime.UnlockOSThread()
		ended := s.tracedBy("tracer")
		s.Refused(syscall.EPERM, "getppid in place of getpid", func() error {
			for {
				raw(unix.SYS_GETPID)
				select {
				case err := <-ended:
					return err
				default:
				}
			}
		})
	}),
	// But where the kernel lets it, it has the filters not asked at all (PTRACE_O_SUSPEND_SECCOMP, for checkpoints).
	unrefusable("Tracers with rights", "a tracer from before the lock, that suspends the filters", func(s *scene) {
		defer runtime.UnlockOSThread()
		ended := s.tracedBy("suspender")
		var err, without error
		for err = unix.EPERM; err != nil && without == nil; {
			err = raw(unix.SYS_GETPPID)
			select {
			case without = <-ended:
			default:
			}
		}
		if without == unix.EPERM || without == unix.EINVAL {
			s.Skipf("the tracer may not: it takes CAP_SYS_ADMIN, no filter of its own, and CONFIG_CHECKPOINT_RESTORE")
		}
		s.Allowed("getppid, which the stage refuses", func() error { return errors.Join(err, without) })
	}),
}

// traceable skips where nobody may trace: a process that isn't there is no answer of a filter's.
func (s *scene) traceable() {
	if err := raw(unix.SYS_PTRACE, unix.PTRACE_PEEKDATA); confined() && err != unix.ESRCH {
		s.Skipf("a filter is in force already, which refuses ptrace: %v", err)
	}
}

// tracedBy locks the scene, and then has a child that was there before trace this thread, to which the caller stays locked.
// It returns what the child says when it ends.
func (s *scene) tracedBy(what string) <-chan error {
	s.traceable()
	if err := unix.Prctl(unix.PR_SET_PTRACER, ^uintptr(0), 0, 0, 0); err != unix.EINVAL { // a kernel without Yama
		s.Must(err)
	}
	runtime.LockOSThread()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), envDescend+"="+what, "TID="+strconv.Itoa(unix.Gettid()))
	begin, err := cmd.StdinPipe()
	s.Must(err)
	said, err := cmd.StdoutPipe()
	s.Must(err)
	s.Must(cmd.Start())
	s.lock()
	ended := make(chan error, 1)
	go func() {
		text, err := io.ReadAll(said) // to wait for a child is more than the stage allows
		errno, nan := strconv.Atoi(string(text))
		if err = errors.Join(err, nan); err == nil {
			err = syscall.Errno(errno)
		}
		ended <- err
	}()
	s.Must(begin.Close())
	return ended
}

// rewritten traces a child of its own, puts another number in the place of a call's that the child makes, and returns
// what the child gets.
func rewritten(s *scene, options int) error {
	runtime.LockOSThread() // a tracer is a thread
	defer runtime.UnlockOSThread()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), envDescend+"=traced")
	cmd.SysProcAttr = &syscall.SysProcAttr{Ptrace: true}
	s.Must(cmd.Start())
	defer func() {
		cmd.Process.Kill()
		cmd.Wait()
	}()
	if err := stopped(cmd.Process.Pid, unix.SIGTRAP); err != nil {
		return err
	}
	return replaced(cmd.Process.Pid, getpgrp, unix.PTRACE_O_EXITKILL|options)
}

// stopped waits until a tracee has stopped for a signal, which it does not get. Those that come before, such as the
// runtime's own, it gets: the signal would come after them, and stop all threads for good if it were passed on then.
func stopped(pid int, by unix.Signal) error {
	var status unix.WaitStatus
	for {
		if _, err := unix.Wait4(pid, &status, unix.WALL, nil); err != nil {
			return err
		}
		switch {
		case !status.Stopped():
			return fmt.Errorf("the tracee ended: %#x", status)
		case status.StopSignal() == by:
			return nil
		}
		if err := unix.PtraceCont(pid, int(status.StopSignal())); err != nil {
			return err
		}
	}
}

// replaced puts getppid in the place of the next call that a stopped tracee makes by a number, and returns what the tracee
// gets.
func replaced(pid int, from uint64, options int) error {
	if err := unix.PtraceSetOptions(pid, unix.PTRACE_O_TRACESYSGOOD|options); err != nil {
		return err
	}
	var status unix.WaitStatus
	changed := false
	for signal := 0; ; {
		if err := unix.PtraceSyscall(pid, signal); err != nil {
			return err
		}
		signal = 0
		if _, err := unix.Wait4(pid, &status, unix.WALL, nil); err != nil {
			return err
		}
		switch {
		case status.Exited() || status.Signaled():
			return fmt.Errorf("the tracee ended: %#x", status)
		case status.StopSignal() != unix.SIGTRAP|0x80:
			signal = int(status.StopSignal())
			continue
		}
		if changed {
			return result(pid)
		}
		var err error
		if changed, err = replaceNumber(pid, from, unix.SYS_GETPPID); err != nil {
			return err
		}
	}
}

// trace tries to become the parent's tracer.
func trace() error { return raw(unix.SYS_PTRACE, unix.PTRACE_SEIZE, uint64(os.Getppid())) }

// tracer is what a child does that is not locked: once its parent is, it traces it, and prints the errno that came of it.
func tracer(then func(tid int) error) {
	var errno syscall.Errno
	if err := traceParent(then); !errors.As(err, &errno) {
		fmt.Fprintln(os.Stderr, "tracer:", err)
		os.Exit(1)
	}
	fmt.Print(int(errno))
	os.Exit(0)
}

// rewriting has the parent make another call than the one that it makes.
func rewriting(tid int) error { return replaced(tid, unix.SYS_GETPID, 0) }

// suspending has no filter asked about what the parent calls, as long as it is traced.
func suspending(tid int) error {
	if err := unix.PtraceSetOptions(tid, unix.PTRACE_O_SUSPEND_SECCOMP); err != nil {
		return err
	}
	var status unix.WaitStatus
	for signal := 0; ; signal = int(status.StopSignal()) {
		if err := unix.PtraceCont(tid, signal); err != nil {
			return err
		}
		if _, err := unix.Wait4(tid, &status, unix.WALL, nil); err != nil || status.Exited() || status.Signaled() {
			return err
		}
	}
}

func traceParent(then func(tid int) error) error {
	runtime.LockOSThread()
	tid, err := strconv.Atoi(os.Getenv("TID"))
	if err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	if err := unix.PtraceAttach(tid); err != nil {
		return err
	}
	if err := stopped(tid, unix.SIGSTOP); err != nil {
		return err
	}
	return then(tid)
}

// traced is what the child does: the same call for ever, from its main thread, on which the runtime starts programs.
func traced() {
	for {
		raw(getpgrp)
	}
}
