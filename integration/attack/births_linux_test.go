package attack

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/stagelock/seccomp/internal/sys/cthread"
)

// Calls from where a filter might not be: threads, signal handlers, children, new programs.
var births = []attack{
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
		s.Allowed("getppid before", func() error { return cthread.CallInHandler(unix.SYS_GETPPID) })
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
	// A program for another architecture enters the kernel another way from its first call on.
	refused("a 32-bit program in the process's place", func(s *scene) {
		if runtime.GOARCH != "amd64" {
			s.Skipf("programs for i386 run on amd64")
		}
		path := filepath.Join(os.Getenv("DIR"), "i386")
		s.Must(os.WriteFile(path, foreignProgram, 0o700))
		var exit *exec.ExitError
		if err := exec.Command(path).Run(); !errors.As(err, &exit) || exit.ExitCode() != foreignExit {
			s.Skipf("the kernel runs no 32-bit programs: %v", err)
		}
		s.lockText("use all\nsys_getppid: 0\n")
		err := exec.Command(path).Run()
		if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != unix.SIGSYS {
			s.Errorf("it ended by %v, want SIGSYS", err)
		}
		s.call(syscall.EPERM, "getppid")
	}),
}

// foreignProgram is a program for i386, as ELF has it (elf(5)): it exits with foreignExit.
var foreignProgram = slices.Concat(
	[]byte("\x7fELF\x01\x01\x01"), make([]byte, 9), // 32 bits, little-endian
	[]byte{2, 0, 3, 0, 1, 0, 0, 0, 84, 0x80, 4, 8, 52, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 52, 0, 32, 0, 1, 0, 0, 0, 0, 0, 0, 0}, // runs at 0x8048054
	[]byte{1, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 4, 8, 0, 0x80, 4, 8, 96, 0, 0, 0, 96, 0, 0, 0, 5, 0, 0, 0, 0, 16, 0, 0},           // loads all of it
	[]byte{0xb8, 1, 0, 0, 0, 0xbb, foreignExit, 0, 0, 0, 0xcd, 0x80})                                                          // mov $1, %eax; mov $foreignExit, %ebx; int $0x80

const foreignExit = 42

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
	case "tracer":
		tracer(rewriting)
	case "suspender":
		tracer(suspending)
	}
	err := raw(unix.SYS_GETPPID)
	switch first {
	case "int80":
		err = int80(20) // getpid
	case "twice":
		err = child("")
	case "trace":
		err = trace()
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
