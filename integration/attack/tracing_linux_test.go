package attack

import (
	"os"
	"os/exec"
	"runtime"
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
		s.lockText("use all\nsys_getppid: 0\n") // ptrace is allowed
		s.Refused(syscall.EPERM, "getppid in place of getpgrp", func() error { return rewritten(s) })
	}),
}

// rewritten traces a child of its own, puts another number in the place of a call's that the child makes, and returns
// what the child gets.
func rewritten(s *scene) error {
	runtime.LockOSThread() // a tracer is a thread
	defer runtime.UnlockOSThread()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), envDescend+"=traced")
	cmd.SysProcAttr = &syscall.SysProcAttr{Ptrace: true}
	s.Must(cmd.Start())
	pid := cmd.Process.Pid
	defer func() {
		cmd.Process.Kill()
		cmd.Wait()
	}()
	var status unix.WaitStatus
	if _, err := unix.Wait4(pid, &status, 0, nil); err != nil {
		return err
	}
	s.Must(unix.PtraceSetOptions(pid, unix.PTRACE_O_TRACESYSGOOD|unix.PTRACE_O_EXITKILL))
	changed := false
	for signal := 0; ; {
		if err := unix.PtraceSyscall(pid, signal); err != nil {
			return err
		}
		signal = 0
		if _, err := unix.Wait4(pid, &status, 0, nil); err != nil {
			return err
		}
		switch {
		case status.Exited() || status.Signaled():
			s.Fatalf("the child ended: %#x", status)
		case status.StopSignal() != unix.SIGTRAP|0x80:
			signal = int(status.StopSignal())
			continue
		}
		if changed {
			return result(pid)
		}
		var err error
		if changed, err = replaceNumber(pid, getpgrp, unix.SYS_GETPPID); err != nil {
			return err
		}
	}
}

// traced is what the child does: the same call for ever, from its main thread, on which the runtime starts programs.
func traced() {
	for {
		raw(getpgrp)
	}
}
