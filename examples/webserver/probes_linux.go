package main

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"golang.org/x/sys/unix"

	"github.com/stagelock/seccomp/internal/sys/foreign"
)

// A probe is something that an intruder would try. It is tried for real, in the server's own process, but in such a
// way that nothing comes of it where it is allowed: with arguments that the kernel finds fault with only after the
// filter has let the call pass.
type probe struct {
	name string
	want [3]want // before any lock, after init, after serve
	try  func(*scene) error
}

// A want says which results a probe may have.
type want string

const (
	done    want = "done"    // the call did what it should
	reached want = "reached" // the filter let it pass; the kernel itself may have found fault with it
	refused want = "EPERM"
	absent  want = "ENOSYS" // as if the kernel didn't have it: there are programs that then go another way
	killed  want = "SIGSYS" // the process died of it
	either  want = "either" // it is the kernel's own matter whether this user may
)

// The points of the server's way at which probes are tried, in the order of probe.want.
var points = [3]string{"before", "init", "serve"}

// What most probes want. The last is for what the kernel, or a container's filter, may refuse by itself.
var (
	atStart = [3]want{done, done, refused}
	never   = [3]want{done, refused, refused}
	lost    = [3]want{reached, refused, refused}
	outside = [3]want{either, refused, refused}
)

// mappings are what no filter can refuse on s390x as long as the runtime may map memory: there mmap's arguments lie in
// memory.
func mappings() [3]want {
	if runtime.GOARCH == "s390x" {
		return [3]want{done, done, done}
	}
	return never
}

// A scene is what the probes play with. It is set before the first lock.
type scene struct {
	dir    string   // a temporary directory
	self   string   // this program
	file   *os.File // open, with something in it
	parent int      // another process of this user
	peer   string   // the address of a server
}

func (s *scene) path() string { return filepath.Join(s.dir, "probe") }

// probes are tried one after the other in a server that lives on.
func probes() []probe {
	return []probe{
		{"read a file that is open", [3]want{done, done, done}, func(s *scene) error {
			_, err := s.file.ReadAt(make([]byte, 8), 0)
			return err
		}},
		{"open a file", atStart, func(s *scene) error { return closed(os.Open(s.file.Name())) }},
		{"list a directory", atStart, func(s *scene) error { _, err := os.ReadDir(s.dir); return err }},
		{"create a file", never, func(s *scene) error { return closed(os.Create(s.path())) }},
		{"truncate a file, opening it to read", never, func(s *scene) error {
			return closed(os.OpenFile(s.path(), os.O_RDONLY|os.O_TRUNC, 0))
		}},
		{"change a file's mode", never, func(s *scene) error { return os.Chmod(s.file.Name(), 0o600) }},
		{"rename a file", never, func(s *scene) error { return os.Rename(s.path(), s.path()) }},
		{"remove a file", never, func(s *scene) error { return os.Remove(s.path()) }},
		{"run a program", never, func(s *scene) error {
			cmd := exec.Command(s.self)
			cmd.Env = append(os.Environ(), selftestEnv+"={\"Exit\":true}")
			return cmd.Run()
		}},
		{"make a process", lost, func(*scene) error { return raw(unix.SYS_CLONE, unix.CLONE_SIGHAND) }},
		{"make a process by clone3", [3]want{either, absent, absent}, func(*scene) error {
			return raw(unix.SYS_CLONE3, 0, 0)
		}},
		{"listen on a new socket", atStart, func(*scene) error { return closed(net.Listen("tcp", "127.0.0.1:0")) }},
		{"connect to a server", never, func(s *scene) error { return closed(net.Dial("tcp", s.peer)) }},
		{"a netlink socket", never, func(*scene) error { return socket(unix.AF_NETLINK) }},
		{"a Unix socket", never, func(*scene) error { return socket(unix.AF_UNIX) }},
		{"one with high bits set in the family", never, func(*scene) error { return socket(unix.AF_UNIX | 1<<32) }},
		{"map memory that can be executed", mappings(), func(*scene) error {
			return mapped(-1, unix.PROT_READ|unix.PROT_EXEC, unix.MAP_PRIVATE|unix.MAP_ANON)
		}},
		{"make a file in memory", lost, func(*scene) error { return raw(unix.SYS_MEMFD_CREATE, 0, ^uintptr(0)) }},
		{"map a file", mappings(), func(s *scene) error { return mapped(int(s.file.Fd()), unix.PROT_READ, unix.MAP_PRIVATE) }},
		{"make memory executable", lost, func(*scene) error {
			return raw(unix.SYS_MPROTECT, 1, 4096, unix.PROT_READ|unix.PROT_EXEC)
		}},
		{"signal another process", never, func(s *scene) error { return unix.Kill(s.parent, 0) }},
		{"read another process's memory", outside, func(*scene) error {
			return raw(unix.SYS_PROCESS_VM_READV, 0, 0, 0, 0, 0, 1)
		}},
		{"take over another process's file", outside, func(*scene) error { return raw(unix.SYS_PIDFD_GETFD, ^uintptr(0)) }},
		{"become another user", lost, func(*scene) error { return raw(unix.SYS_SETUID, uintptr(unix.Getuid())) }},
		{"change the root directory", outside, func(s *scene) error { return unix.Chroot(s.path()) }},
		{"mount", outside, func(s *scene) error { return unix.Mount("none", s.path(), "none", 0, "") }},
		{"enter a new namespace", outside, func(*scene) error { return raw(unix.SYS_UNSHARE, 1) }},
		{"load a kernel module", outside, func(*scene) error { return raw(unix.SYS_FINIT_MODULE, ^uintptr(0)) }},
		{"bpf", outside, func(*scene) error { return raw(unix.SYS_BPF, 9999) }},
		{"perf_event_open", outside, func(*scene) error { return raw(unix.SYS_PERF_EVENT_OPEN) }},
		{"io_uring", outside, func(*scene) error { return raw(unix.SYS_IO_URING_SETUP) }},
		{"userfaultfd", outside, func(*scene) error { return raw(unix.SYS_USERFAULTFD, ^uintptr(0)) }},
		{"keyctl", outside, func(*scene) error { return raw(unix.SYS_KEYCTL, 9999) }},
		{"a call that no kernel has", [3]want{either, absent, absent}, func(*scene) error { return raw(9999) }},
		{"one more filter", [3]want{reached, reached, refused}, func(*scene) error {
			return raw(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC)
		}},
	}
}

// lastProbes are each tried in a server of its own, since the server is to die of them.
func lastProbes() []probe {
	deadly := [3]want{either, killed, killed}
	list := []probe{
		{"ptrace, which the policy says kills", deadly, func(*scene) error {
			return raw(unix.SYS_PTRACE, unix.PTRACE_PEEKDATA)
		}},
	}
	if runtime.GOARCH == "amd64" {
		list = append(list,
			probe{"the 32-bit entry (int 0x80)", deadly, func(*scene) error {
				_, err := foreign.Int80(20, 0, 0, 0) // getpid
				return err
			}},
			probe{"an x32 number", deadly, func(*scene) error { return raw(1<<30 | unix.SYS_GETPID) }})
	}
	return list
}

// raw makes a call with the arguments given, the others 0.
func raw(nr uintptr, args ...uintptr) error {
	var a [6]uintptr
	copy(a[:], args)
	if _, _, errno := unix.RawSyscall6(nr, a[0], a[1], a[2], a[3], a[4], a[5]); errno != 0 {
		return errno
	}
	return nil
}

func closed[T interface{ Close() error }](x T, err error) error {
	if err != nil {
		return err
	}
	return x.Close()
}

func socket(family uint64) error {
	fd, _, errno := unix.Syscall(unix.SYS_SOCKET, uintptr(family), unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if errno != 0 {
		return errno
	}
	return unix.Close(int(fd))
}

func mapped(fd, prot, flags int) error {
	b, err := unix.Mmap(fd, 0, 4096, prot, flags)
	if err != nil {
		return err
	}
	return unix.Munmap(b)
}
