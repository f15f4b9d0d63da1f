//go:build (amd64 || arm64 || riscv64 || loong64 || ppc64le || mips64le) && !race

package oracle

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/stagelock/seccomp/seccomptest"
)

// allReadings are of the calls that policies filter most: for each of their arguments that is a number a value, and
// others that the kernel answers otherwise.
func allReadings(c *seccomptest.C) (list []reading, remove func()) {
	mem := newPage(c)
	size := uintptr(os.Getpagesize())
	dir, err := os.MkdirTemp("", "readings")
	c.Must(err)
	c.Must(os.WriteFile(filepath.Join(dir, "file"), make([]byte, size), 0o600))
	c.Must(os.Chdir(dir))
	unix.Umask(0)
	file, err := unix.Open("file", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	c.Must(err)
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	c.Must(err)
	fd, sock := uintptr(file), uintptr(socket)
	shared, _, errno := unix.Syscall6(unix.SYS_MMAP, 0, size, unix.PROT_READ, unix.MAP_SHARED, fd, 0) // can't be made writable
	if errno != 0 {
		c.Fatalf("mmap: %v", errno)
	}
	pid, tid := uintptr(os.Getpid()), uintptr(unix.Gettid())
	one, zero := mem.put(c, 1, 0, 0, 0), mem.put(c, 0, 0, 0, 0, 0, 0, 0, 0)
	name, dot := mem.put(c, append([]byte(dir+"/new"), 0)...), mem.put(c, '.', 0)
	minus := func(n uint64) uint64 { return -n }
	unmapped := func(at uintptr) any {
		_, _, errno := unix.Syscall(unix.SYS_MUNMAP, at, size, 0)
		return errno
	}
	mode := func(made uintptr) any {
		var st unix.Stat_t
		err := unix.Fstat(int(made), &st)
		unix.Close(int(made))
		unix.Unlink(dir + "/new")
		return fmt.Sprint(st.Mode, err)
	}
	tiocgwinsz, _ := native.Const("TIOCGWINSZ")
	fioclex, _ := native.Const("FIOCLEX")
	const wake, requeue = 1, 4  // futex(2)
	const noSignal = 129        // mips has 128, others 64
	nobody := uint64(1)<<22 + 7 // more than any pid
	var strict syscall.Errno
	if native.Name == "ppc64le" { // whose kernel refuses the high bits of prot
		strict = unix.EINVAL
	}

	list = []reading{
		{call: "socket", args: [6]uintptr{unix.AF_UNIX, unix.SOCK_STREAM}, arg: 0, others: []uint64{unix.AF_INET, 0, minus(1), 46}, show: option(unix.SO_DOMAIN)},
		{call: "socket", args: [6]uintptr{unix.AF_INET, unix.SOCK_DGRAM}, arg: 1, others: []uint64{unix.SOCK_STREAM, 0, minus(1), 11}, show: option(unix.SO_TYPE)},
		{call: "socket", args: [6]uintptr{unix.AF_INET, unix.SOCK_STREAM, 0}, arg: 2, others: []uint64{unix.IPPROTO_UDP, minus(1)}, show: closed},
		{call: "mmap", args: [6]uintptr{0, size, unix.PROT_READ, unix.MAP_SHARED, fd, 0}, arg: 2, others: []uint64{unix.PROT_READ | unix.PROT_WRITE, unix.PROT_WRITE}, show: unmapped,
			rule: "(ARG & PROT_WRITE) == 0", refusal: strict},
		{call: "mmap", args: [6]uintptr{0, size, unix.PROT_READ, unix.MAP_SHARED, fd, 0}, arg: 3, others: []uint64{0, 0x10, minus(1) &^ 3}, show: unmapped,
			rule: "(ARG & 3) != 0 && !(ARG & MAP_FIXED)"},
		{call: "mmap", args: [6]uintptr{0, size, unix.PROT_READ, unix.MAP_SHARED, fd, 0}, arg: 4, others: []uint64{minus(1), 1 << 30, 1<<31 - 1}, show: unmapped},
		{call: "mmap", args: [6]uintptr{0, size, unix.PROT_READ, unix.MAP_SHARED, fd, 0}, arg: 5, others: []uint64{1, uint64(size), 1<<32 | 8, minus(1)}, show: unmapped,
			rule: fmt.Sprintf("(ARG & %#x) == 0", size-1)},
		{call: "mprotect", args: [6]uintptr{shared, size, unix.PROT_READ}, arg: 2, others: []uint64{unix.PROT_READ | unix.PROT_WRITE, unix.PROT_WRITE, minus(1), 1 << 20}},
		{call: "clone", args: [6]uintptr{0}, arg: 0, others: []uint64{unix.CLONE_THREAD}, answer: started, rule: "!(ARG & CLONE_THREAD)"},
		{call: "fcntl", args: [6]uintptr{fd, unix.F_GETFD}, arg: 0, others: []uint64{minus(1), 1 << 30}},
		{call: "fcntl", args: [6]uintptr{fd, unix.F_GETFD}, arg: 1, others: []uint64{unix.F_GETFL, minus(1), 1 << 30}},
		{call: "ioctl", args: [6]uintptr{fd, uintptr(fioclex)}, arg: 0, others: []uint64{minus(1), 1 << 30}},
		{call: "ioctl", args: [6]uintptr{fd, uintptr(fioclex)}, arg: 1, others: []uint64{0, minus(1), uint64(tiocgwinsz)}},
		{call: "prctl", args: [6]uintptr{unix.PR_GET_DUMPABLE}, arg: 0, others: []uint64{unix.PR_GET_KEEPCAPS, minus(1), 1 << 30}},
		{call: "prctl", args: [6]uintptr{unix.PR_CAPBSET_READ, 200}, arg: 1, others: []uint64{0, 1, 64, 1 << 32, 1<<32 | 1, 1 << 63, minus(1)}, rule: "ARG >= 64"},
		{call: "openat", args: [6]uintptr{uintptr(minus(100)), dot, unix.O_RDONLY}, arg: 0, others: []uint64{minus(101), minus(1), 1 << 30, uint64(fd)}, show: closed},
		{call: "openat", args: [6]uintptr{uintptr(minus(100)), dot, unix.O_RDONLY}, arg: 2, others: []uint64{unix.O_WRONLY, unix.O_RDWR, unix.O_CREAT | unix.O_EXCL}, show: closed,
			rule: "!(ARG & (O_ACCMODE|O_CREAT))"},
		{call: "openat", args: [6]uintptr{uintptr(minus(100)), name, unix.O_CREAT | unix.O_EXCL | unix.O_RDWR, 0o600}, arg: 3, others: []uint64{0o640, 0, 0o601}, show: mode,
			rule: "(ARG & 07777) == 0600"},
		{call: "futex", args: [6]uintptr{zero, wake, 1}, arg: 1, others: []uint64{requeue | 64, minus(1), 50}},
		{call: "futex", args: [6]uintptr{zero, requeue, 0, 0, zero + 4, 0}, arg: 5, others: []uint64{1, minus(1), 1 << 31}},
		{call: "madvise", args: [6]uintptr{mem.base, size, unix.MADV_NORMAL}, arg: 2, others: []uint64{1 << 20, minus(1), 1<<31 - 1}, rule: "ARG in {0..1000}"},
		{call: "madvise", args: [6]uintptr{mem.base, size, unix.MADV_NORMAL}, arg: 1, others: []uint64{1, 0, 1 << 47, 1 << 62, 1 << 63, minus(1)}, rule: fmt.Sprintf("ARG <= %d", size)},
		{call: "kill", args: [6]uintptr{pid, 0}, arg: 0, others: []uint64{nobody, minus(nobody)}},
		{call: "kill", args: [6]uintptr{pid, 0}, arg: 1, others: []uint64{noSignal, minus(1), 1 << 30}},
		{call: "tgkill", args: [6]uintptr{pid, tid, 0}, arg: 0, others: []uint64{nobody, minus(1), 0}},
		{call: "tgkill", args: [6]uintptr{pid, tid, 0}, arg: 1, others: []uint64{nobody, minus(1), 0}},
		{call: "tgkill", args: [6]uintptr{pid, tid, 0}, arg: 2, others: []uint64{noSignal, minus(1), 1 << 30}},
		{call: "setsockopt", args: [6]uintptr{sock, unix.SOL_SOCKET, unix.SO_REUSEADDR, one, 4}, arg: 1, others: []uint64{200, minus(1), 1 << 30}},
		{call: "setsockopt", args: [6]uintptr{sock, unix.SOL_SOCKET, unix.SO_REUSEADDR, one, 4}, arg: 2, others: []uint64{0, minus(1), 1 << 30}},
		{call: "setsockopt", args: [6]uintptr{sock, unix.SOL_SOCKET, unix.SO_REUSEADDR, one, 4}, arg: 4, others: []uint64{3, 0, minus(1)}, rule: "ARG >= 4"},
		{call: "prlimit64", args: [6]uintptr{0, unix.RLIMIT_NOFILE}, arg: 0, others: []uint64{nobody, minus(1), 1 << 30}},
		{call: "prlimit64", args: [6]uintptr{0, unix.RLIMIT_NOFILE}, arg: 1, others: []uint64{16, minus(1), 1 << 30}, rule: "ARG < 16"},
	}
	return list, func() { os.RemoveAll(dir) }
}
