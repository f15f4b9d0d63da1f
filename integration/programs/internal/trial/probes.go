package trial

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Done is the result of a probe that worked. Every other result is an errno's name.
const Done = "done"

// A scene is what the probes play with. It is set before the first lock.
type scene struct {
	dir    string   // a temporary directory
	self   string   // this program
	file   *os.File // open, with something in it
	parent int      // another process of this user
	peer   string   // the address of a server
}

func (s *scene) path() string { return filepath.Join(s.dir, "probe") }

// tryAll tries every probe.
func (s *scene) tryAll() map[string]string {
	results := make(map[string]string, len(probes))
	for _, p := range probes {
		results[p.name] = result(p.try(s))
	}
	return results
}

// A probe is something that an intruder would try. It is tried for real, in the program's own process, but in such a way
// that nothing comes of it where it is allowed.
type probe struct {
	name string
	try  func(*scene) error
}

// Names lists the probes.
func Names() (names []string) {
	for _, p := range probes {
		names = append(names, p.name)
	}
	return names
}

var probes = []probe{
	{"open a file", func(s *scene) error { return closed(os.Open(s.self)) }},
	{"create a file", func(s *scene) error { return closed(os.Create(s.path())) }},
	{"remove a file", func(s *scene) error {
		if err := os.Remove(s.path()); !os.IsNotExist(err) {
			return err
		}
		return nil
	}},
	{"change a file's mode", func(s *scene) error { return os.Chmod(s.dir, 0o700) }},
	{"listen on a new socket", func(*scene) error { return closed(net.Listen("tcp", "127.0.0.1:0")) }},
	{"connect to a server", func(s *scene) error { return closed(net.Dial("tcp", s.peer)) }},
	{"a netlink socket", func(*scene) error { return socket(unix.AF_NETLINK, unix.SOCK_RAW) }},
	{"a packet socket", func(*scene) error { return socket(unix.AF_PACKET, unix.SOCK_RAW) }},
	{"map a file", func(s *scene) error { return mapped(int(s.file.Fd()), unix.PROT_READ, unix.MAP_PRIVATE) }},
	{"adjtimex", func(*scene) error {
		_, err := unix.Adjtimex(&unix.Timex{}) // with no modes it only reads; what it points to no filter sees
		return err
	}},
	{"run a program", func(*scene) error { return exec.Command("/bin/true").Run() }},
	{"map memory that can be executed", func(*scene) error {
		return mapped(-1, unix.PROT_READ|unix.PROT_EXEC, unix.MAP_PRIVATE|unix.MAP_ANON)
	}},
	{"make memory executable", func(*scene) error { return raw(unix.SYS_MPROTECT, 1, 4096, unix.PROT_READ|unix.PROT_EXEC) }},
	{"signal another process", func(s *scene) error { return unix.Kill(s.parent, 0) }},
	{"ptrace", func(*scene) error { return raw(unix.SYS_PTRACE, unix.PTRACE_PEEKDATA) }},
	{"read another process's memory", func(*scene) error { return raw(unix.SYS_PROCESS_VM_READV, 0, 0, 0, 0, 0, 1) }},
	{"become another user", func(*scene) error { return raw(unix.SYS_SETUID, uintptr(unix.Getuid())) }},
	{"change the root directory", func(s *scene) error { return unix.Chroot(s.path()) }},
	{"mount", func(s *scene) error { return unix.Mount("none", s.path(), "none", 0, "") }},
	{"enter a new namespace", func(*scene) error { return raw(unix.SYS_UNSHARE, 1) }},
	{"load a kernel module", func(*scene) error { return raw(unix.SYS_FINIT_MODULE, ^uintptr(0)) }},
	{"bpf", func(*scene) error { return raw(unix.SYS_BPF, 9999) }},
	{"perf_event_open", func(*scene) error { return raw(unix.SYS_PERF_EVENT_OPEN) }},
	{"io_uring", func(*scene) error { return raw(unix.SYS_IO_URING_SETUP) }},
	{"userfaultfd", func(*scene) error { return raw(unix.SYS_USERFAULTFD, ^uintptr(0)) }},
	{"keyctl", func(*scene) error { return raw(unix.SYS_KEYCTL, 9999) }},
	{"one more filter", func(*scene) error {
		return raw(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC)
	}},
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

func socket(family, kind int) error {
	fd, err := unix.Socket(family, kind|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	return unix.Close(fd)
}

func mapped(fd, prot, flags int) error {
	b, err := unix.Mmap(fd, 0, 4096, prot, flags)
	if err != nil {
		return err
	}
	return unix.Munmap(b)
}
