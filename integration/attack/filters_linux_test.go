package attack

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/stagelock/seccomp"
	"github.com/stagelock/seccomp/internal/bpf"
	"github.com/stagelock/seccomp/internal/sys"
)

// Taking filters off, putting others in their place, or using them against the process.
var filters = []attack{
	refused("removing filters", func(s *scene) {
		s.lock()
		for mode := range uint64(3) {
			s.call(syscall.EPERM, "prctl", unix.PR_SET_SECCOMP, mode)
		}
		s.call(syscall.EPERM, "prctl", unix.PR_SET_NO_NEW_PRIVS, 0)
		s.call(syscall.EPERM, "seccomp", unix.SECCOMP_SET_MODE_STRICT)
		s.call(syscall.EPERM, "seccomp", unix.SECCOMP_SET_MODE_FILTER) // for this thread alone
		s.call(syscall.EPERM, "seccomp", unix.SECCOMP_SET_MODE_FILTER,
			unix.SECCOMP_FILTER_FLAG_TSYNC|unix.SECCOMP_FILTER_FLAG_NEW_LISTENER)
		s.call(syscall.EPERM, "seccomp", unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_NEW_LISTENER)
		s.call(syscall.EPERM, "prctl", unix.PR_SET_DUMPABLE, 1)
		s.call(syscall.EPERM, "bpf")
	}),
	refused("a filter on top that allows all", func(s *scene) {
		path := s.file()
		s.lock()
		s.further(bpf.Instruction{Op: bpf.Return, K: unix.SECCOMP_RET_ALLOW})
		s.Refused(syscall.EPERM, "open to write", func() error { return s.open(path, unix.O_WRONLY) })
		s.call(syscall.EPERM, "getppid")
	}),
	refused("filling up the kernel's budget, so that the next lock fails", func(s *scene) {
		path := s.file()
		s.lock()
		long := make([]bpf.Instruction, 4096)
		for i := range long {
			long[i] = bpf.Instruction{Op: bpf.LoadWord}
		}
		long[len(long)-1] = bpf.Instruction{Op: bpf.Return, K: unix.SECCOMP_RET_ALLOW}
		if s.stage == "serve" {
			s.Refused(syscall.EPERM, "the first of them", func() error { return s.further(long...) })
			return
		}
		n := 0
		for size := len(long); size > 0; size /= 8 {
			for s.further(long[len(long)-size:]...) == 0 {
				n++
			}
		}
		s.Logf("%d filters went in", n)
		err := seccomp.Stage("serve").Lock()
		if !errors.Is(err, seccomp.ErrTooLarge) {
			s.Errorf("the next Lock: %v, want ErrTooLarge", err)
		}
		if seccomp.Current().Err == nil || seccomp.Current().Stage != "init" {
			s.Errorf("Current doesn't tell: %+v", seccomp.Current())
		}
		s.Refused(syscall.EPERM, "what init refuses", func() error { return s.open(path, unix.O_WRONLY) })
	}),
	refused("a filter that answers the next lock with errno 0", func(s *scene) {
		s.lock()
		if errno := s.pretend(unix.SYS_SECCOMP); s.stage == "serve" {
			s.Refused(syscall.EPERM, "seccomp", func() error { return errno })
			return
		}
		s.unconvinced()
	}),
	refused("one that answers the reading back with errno 0", func(s *scene) {
		s.lock()
		if errno := s.pretend(unix.SYS_PREAD64); s.stage == "serve" {
			s.Refused(syscall.EPERM, "seccomp", func() error { return errno })
			return
		}
		s.unconvinced()
	}),
	// What it pretends to do is not done: that is no way around the stage, but the program may believe it.
	unrefusable("Filters on top", "a further filter by which a call seems to work", func(s *scene) {
		path := s.file()
		s.lock()
		if errno := s.pretend(unix.SYS_OPENAT); errno != 0 {
			s.Fatalf("%v", errno)
		}
		fd, err := unix.Openat(unix.AT_FDCWD, path, unix.O_RDONLY, 0)
		s.Allowed("open, which answers descriptor 0", func() error { return err })
		if fd != 0 {
			s.Errorf("it answered %d", fd)
		}
		// A refusal stays one, since between errnos the newest counts but it is still an errno: nothing was opened.
		s.call(syscall.EPERM, "getppid")
	}).in("init"),
}

// further tries to install one more filter on all threads.
func (s *scene) further(prog ...bpf.Instruction) (errno syscall.Errno) {
	insns := make([]sys.SockFilter, len(prog))
	for i, x := range prog {
		insns[i] = sys.SockFilter{Code: x.Op, Jt: x.Jt, Jf: x.Jf, K: x.K}
	}
	_, errno = sys.SetModeFilter(unix.SECCOMP_FILTER_FLAG_TSYNC, insns)
	return errno
}

// pretend installs a filter under which a call does nothing and says that it worked.
func (s *scene) pretend(nr uint32) syscall.Errno {
	return s.further(
		bpf.Instruction{Op: bpf.LoadWord, K: bpf.OffNr},
		bpf.Instruction{Op: bpf.JumpEq, K: nr, Jf: 1},
		bpf.Instruction{Op: bpf.Return, K: unix.SECCOMP_RET_ERRNO},
		bpf.Instruction{Op: bpf.Return, K: unix.SECCOMP_RET_ALLOW})
}

// unconvinced demands that the next Lock does not return nil.
func (s *scene) unconvinced() {
	err := seccomp.Stage("serve").Lock()
	if !errors.Is(err, seccomp.ErrUnverified) {
		s.Errorf("the next Lock: %v, want ErrUnverified", err)
	}
	if seccomp.Current().Err == nil {
		s.Errorf("Current has no error")
	}
	s.call(syscall.EPERM, "getppid")
}
