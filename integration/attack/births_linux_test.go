package attack

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/stagelock/seccomp/internal/sys/cthread"
)

// Calls from where a filter might not be: threads, signal handlers, children, new programs.
var births = []attack{
	refused("threads that are born while it is locked", func(s *scene) {
		locked := make(chan struct{})
		var stop atomic.Bool
		var born, escaped atomic.Int64
		var all sync.WaitGroup
		storm := func() { // threads, one after the other, each of which ends with its goroutine
			for !stop.Load() && born.Load() < 300 {
				all.Add(1)
				up := make(chan struct{})
				go func() {
					defer all.Done()
					runtime.LockOSThread()
					born.Add(1)
					close(up)
					<-locked
					if raw(unix.SYS_GETPPID) != unix.EPERM {
						escaped.Add(1)
					}
				}()
				<-up
			}
			all.Done()
		}
		all.Add(2)
		go storm()
		go storm()
		for born.Load() < 10 {
			time.Sleep(time.Millisecond)
		}
		before := born.Load()
		s.lock()
		during := born.Load() - before
		stop.Store(true)
		close(locked)
		all.Wait()
		s.Refused(syscall.EPERM, "getppid, on each of them", func() error {
			if n := escaped.Load(); n > 0 {
				s.Errorf("%d of %d threads got through", n, born.Load())
			}
			return raw(unix.SYS_GETPPID)
		})
		s.Logf("%d threads, %d of them born during the lock", born.Load(), during)
	}),
	refused("a thread that C made", func(s *scene) {
		if !cthread.Supported {
			s.Skipf("the program was built without cgo")
		}
		s.Must(cthread.Start())
		s.Allowed("getppid on it before", func() error { return cthread.Call(unix.SYS_GETPPID) })
		s.lock()
		s.Refused(syscall.EPERM, "getppid", func() error { return cthread.Call(unix.SYS_GETPPID) })
		s.Refused(syscall.EPERM, "execve", func() error { return cthread.Call(unix.SYS_EXECVE) })
		s.Must(cthread.Start())
		s.Refused(syscall.EPERM, "getppid on one made since", func() error { return cthread.Call(unix.SYS_GETPPID) })
	}),
	refused("a signal handler", func(s *scene) {
		if !cthread.Supported {
			s.Skipf("the program was built without cgo")
		}
		s.Must(cthread.Handle())
		s.lock()
		s.Refused(syscall.EPERM, "getppid", func() error { return cthread.CallInHandler(unix.SYS_GETPPID) })
		s.Refused(syscall.EPERM, "execve", func() error { return cthread.CallInHandler(unix.SYS_EXECVE) })
	}),
	refused("fork, vfork, clone and exec", func(s *scene) {
		s.lock()
		s.call(syscall.EPERM, "fork")
		s.call(syscall.EPERM, "vfork")
		s.call(syscall.EPERM, "execve")
		s.call(syscall.EPERM, "execveat")
		s.call(syscall.ENOSYS, "clone3")
		flags := 0 // clone's first argument, but for s390x
		if runtime.GOARCH == "s390x" {
			flags = 1
		}
		const thread = unix.CLONE_VM | unix.CLONE_FS | unix.CLONE_FILES | unix.CLONE_SIGHAND | unix.CLONE_THREAD | unix.CLONE_SYSVSEM
		for _, f := range []uint64{0, uint64(unix.SIGCHLD), unix.CLONE_VFORK | unix.CLONE_VM, unix.CLONE_PARENT, unix.CLONE_NEWUSER,
			unix.CLONE_NEWPID, unix.CLONE_NEWNS | uint64(unix.SIGCHLD), thread | unix.CLONE_PTRACE, thread | unix.CLONE_UNTRACED,
			thread | unix.CLONE_NEWNET, thread &^ unix.CLONE_SIGHAND} {
			args := []uint64{0, 0, 0}
			args[flags] = f
			s.call(syscall.EPERM, "clone", args...)
		}
		s.Refused(syscall.EPERM, "os/exec", func() error { return exec.Command("/proc/self/exe").Run() })
	}),
	// Where a stage leaves exec, filters outlive it, and the vfork before it.
	refused("a child, through vfork and exec", func(s *scene) {
		s.lockText("use all\nsys_getppid: 0\n")
		s.Refused(syscall.EPERM, "getppid in the child", func() error { return child("") })
		s.Refused(syscall.EPERM, "getppid in a child's child", func() error { return child("twice") })
	}),
	refused("a new program in the process's place", func(s *scene) {
		s.lockText("use all\nsys_getppid: 0\n")
		s.Refused(syscall.EPERM, "getppid in a shell's place", func() error {
			return child("replace")
		})
	}),
}

// envDescend tells this program, started again, that it is a locked process's child, and what to do first.
const envDescend = "STAGELOCK_ATTACK_CHILD"

// child starts this program and returns what getppid gave it.
func child(first string) error {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), envDescend+"="+first)
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Exited() {
		return syscall.Errno(exit.ExitCode())
	}
	return err
}

// descend is what such a child does: it tries what its parent is refused, and exits with the errno.
func descend() {
	first, ok := os.LookupEnv(envDescend)
	if !ok {
		return
	}
	switch first {
	case "number":
		number()
	case "traced":
		traced()
	}
	err := raw(unix.SYS_GETPPID)
	switch first {
	case "twice":
		err = child("")
	case "replace":
		os.Setenv(envDescend, "")
		err = syscall.Exec("/proc/self/exe", []string{"attack"}, os.Environ())
	}
	code := 0
	if errno, ok := err.(syscall.Errno); ok {
		code = int(errno)
	} else if err != nil {
		code = 255
	}
	os.Exit(code)
}
