//go:build (amd64 || arm64 || riscv64 || loong64 || ppc64le || mips64le) && !race

// Not under the race detector: what is mapped and unmapped here by hand is not its own to shadow.

package kernel

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// A probe is a system call that does no harm, with arguments for which it has a result that shows what was read. Its
// arguments are then tried with bits set that the tables say the kernel ignores: the result must stay; and, where they
// say that it looks at the whole register, with high bits set: the result must change.
type probe struct {
	call string
	args [6]uintptr
	look []int // the arguments to try
	show func(r uintptr) any
}

// The high bits to try, each way in which a sign or a stray bit gets there.
var high = []uint64{1 << 32, 1 << 62, 1 << 63, 0xffffffff << 32}

func TestWidths(t *testing.T) {
	mem := newArena(t)
	page := uintptr(os.Getpagesize())
	file := mem.file(t)
	fd := file.Fd()
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(socket)
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pipe[0])
	defer unix.Close(pipe[1])
	pid := uintptr(os.Getpid())
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	tid := uintptr(unix.Gettid())
	minus := func(n uintptr) uintptr { return -n }

	closeIt := func(r uintptr) any { return unix.Close(int(r)) }
	unmap := func(r uintptr) any {
		_, _, e := unix.Syscall(unix.SYS_MUNMAP, r, page, 0)
		return e
	}
	mode := func(uintptr) any {
		st, err := file.Stat()
		if err != nil {
			t.Fatal(err)
		}
		return st.Mode()
	}
	word := mem.put(t, 1, 0, 0, 0)                // the int 1
	zero := mem.put(t, 0, 0, 0, 0, 0, 0, 0, 0)    // a futex
	dot := mem.put(t, '.', 0)                     // a path
	iov := mem.vec(t, mem.put(t, 'x'), 1)         // a byte
	from := mem.vec(t, mem.put(t, 'y'), 1)        // another
	iovPage := mem.vec(t, mem.base, uint64(page)) // this memory
	const futexWake, futexCmpRequeue = 1, 4
	fioclex, ok := Native().Const("FIOCLEX")
	if !ok {
		t.Fatal("no FIOCLEX")
	}
	probes := []probe{
		{"socket", [6]uintptr{unix.AF_UNIX, unix.SOCK_STREAM, 0}, []int{0, 1, 2}, closeIt},
		{"mmap", [6]uintptr{0, page, unix.PROT_READ, unix.MAP_PRIVATE, fd, 0}, []int{1, 2, 3, 4, 5}, unmap},
		{"mmap", [6]uintptr{0, page, unix.PROT_READ, unix.MAP_PRIVATE | unix.MAP_ANON, minus(1), 0}, []int{2, 3, 4}, unmap},
		{"mprotect", [6]uintptr{mem.base, page, unix.PROT_READ | unix.PROT_WRITE}, []int{0, 1, 2}, nil},
		{"pkey_mprotect", [6]uintptr{mem.base, page, unix.PROT_READ | unix.PROT_WRITE, minus(1)}, []int{0, 1, 2, 3}, nil},
		{"madvise", [6]uintptr{mem.base, page, unix.MADV_NORMAL}, []int{0, 1, 2}, nil},
		{"mremap", [6]uintptr{mem.base, page, page, 0, 0}, []int{0, 3}, nil},
		{"fcntl", [6]uintptr{fd, unix.F_GETFD}, []int{0, 1}, nil},
		{"fcntl", [6]uintptr{minus(1), unix.F_GETFD}, []int{0}, nil},
		{"ioctl", [6]uintptr{fd, uintptr(fioclex), 0}, []int{0, 1}, nil},
		{"prctl", [6]uintptr{unix.PR_GET_DUMPABLE}, []int{0}, nil},
		{"prctl", [6]uintptr{unix.PR_CAPBSET_READ, unix.CAP_CHOWN}, []int{0, 1}, nil},
		{"openat", [6]uintptr{minus(100), dot, unix.O_RDONLY | unix.O_CLOEXEC, 0}, []int{0, 2, 3}, closeIt},
		{"fchmod", [6]uintptr{fd, 0o640}, []int{0, 1}, mode},
		{"futex", [6]uintptr{zero, futexWake, 1, 0, 0, 0}, []int{1, 2, 5}, nil},
		{"futex", [6]uintptr{zero, futexCmpRequeue, 0, 0, zero + 4, 0}, []int{1, 2, 5}, nil},
		{"kill", [6]uintptr{pid, 0}, []int{0, 1}, nil},
		{"tgkill", [6]uintptr{pid, tid, 0}, []int{0, 1, 2}, nil},
		{"setsockopt", [6]uintptr{uintptr(socket), unix.SOL_SOCKET, unix.SO_REUSEADDR, word, 4}, []int{0, 1, 2, 4}, nil},
		{"prlimit64", [6]uintptr{0, unix.RLIMIT_NOFILE, 0, 0}, []int{0, 1}, nil},
		{"unshare", [6]uintptr{0}, []int{0}, nil},
		{"rt_sigprocmask", [6]uintptr{0, 0, 0, 8}, []int{0, 3}, nil},
		{"readv", [6]uintptr{fd, iov, 0}, []int{0, 2}, nil},
		{"writev", [6]uintptr{uintptr(pipe[1]), iov, 1}, []int{0, 2}, nil},
		{"preadv", [6]uintptr{fd, iov, 1, 0, 0}, []int{0, 2}, nil},
		{"pwritev", [6]uintptr{fd, iov, 1, 0, 0}, []int{0, 2}, nil},
		{"preadv2", [6]uintptr{fd, iov, 1, 0, 0, 0}, []int{0, 2, 5}, nil},
		{"pwritev2", [6]uintptr{fd, iov, 1, 0, 0, 0}, []int{0, 2, 5}, nil},
		{"vmsplice", [6]uintptr{uintptr(pipe[1]), iov, 1, 0}, []int{0, 2, 3}, nil},
		{"process_vm_readv", [6]uintptr{pid, iov, 1, from, 1, 0}, []int{0, 2, 4, 5}, nil},
		{"process_vm_writev", [6]uintptr{pid, iov, 1, from, 1, 0}, []int{0, 2, 4, 5}, nil},
		{"mbind", [6]uintptr{mem.base, page, 0, 0, 0, 0}, []int{2, 5}, nil},
		{"kcmp", [6]uintptr{pid, pid, 0, fd, fd}, []int{0, 1, 2, 3}, nil},
		{"kcmp", [6]uintptr{pid, pid, 0, 1 << 30, fd}, []int{3}, nil}, // EBADF
		// A thread may not trace its own process: EPERM, where for another pid it is ESRCH.
		{"ptrace", [6]uintptr{unix.PTRACE_SEIZE, pid, 0, 0}, []int{1}, nil},
		{"ptrace", [6]uintptr{unix.PTRACE_SEIZE, 1<<31 - 1, 0, 0}, []int{1}, nil},
	}
	if pidfd, err := unix.PidfdOpen(int(pid), 0); err == nil {
		defer unix.Close(pidfd)
		probes = append(probes, probe{"process_madvise", [6]uintptr{uintptr(pidfd), iovPage, 1, unix.MADV_COLD, 0},
			[]int{0, 2, 3, 4}, nil})
	}
	filtered, err := unix.PrctlRetInt(unix.PR_GET_SECCOMP, 0, 0, 0, 0)
	confined := err != nil || filtered != 0
	tried, lacks := make(map[string]bool), make(map[string]bool)
	for _, p := range probes {
		c, ok := Native().Call(p.call)
		if !ok {
			t.Errorf("no call %s", p.call)
			continue
		}
		want := p.result(c.Nr, p.args)
		switch {
		case want == errno(unix.ENOSYS):
			t.Logf("%s: not in this kernel", p.call)
			lacks[p.call] = true
			continue
		case want == errno(unix.EPERM) && confined:
			t.Logf("%s: a filter is in force already, as a container's is, and refuses it", p.call)
			lacks[p.call] = true
			continue
		}
		for _, i := range p.look {
			arg := c.Args()[i]
			tried[c.Name+" "+arg.Name] = true
			// Some kernels read all bits of these, and refuse those that they don't know. There a policy that looks at 32
			// bits allows no more than the kernel does: mm/mempolicy.c, kernel_mbind; arch/powerpc, arch_validate_prot.
			if c.Name == "mbind" && arg.Name == "mode" && before(t, 5, 14) ||
				c.Name == "mmap" && arg.Name == "prot" && runtime.GOARCH == "ppc64le" {
				continue
			}
			changed := 0
			for _, bits := range append(high, 1<<16, 0xffff<<16) {
				if arg.Type.Bits > 16 && bits < 1<<32 {
					continue
				}
				args := p.args
				args[i] ^= uintptr(bits)
				if got := p.result(c.Nr, args); got != want {
					changed++
					if arg.Type.Bits < 64 {
						t.Errorf("%s %v: with %s %#x it gives %v, not %v: bits are read that the tables say are ignored",
							c.Name, p.args, arg.Name, args[i], got, want)
					}
				}
			}
			if arg.Type.Bits == 64 && changed == 0 {
				t.Errorf("%s %v: high bits of %s change nothing: is it really 64 bits wide?", c.Name, p.args, arg.Name)
			}
		}
	}
	// What gen/narrow.go says must have been tried; for clone see TestCloneFlags.
	for _, n := range []string{"mmap prot", "mmap flags", "mmap fd", "readv fd", "readv vlen", "vmsplice nr_segs", "ptrace pid",
		"mbind mode", "kcmp idx1", "process_vm_readv liovcnt"} {
		if call, _, _ := strings.Cut(n, " "); !tried[n] && !lacks[call] {
			t.Errorf("%s was not tried", n)
		}
	}
}

type errno unix.Errno

// result makes the call.
func (p probe) result(nr uint32, args [6]uintptr) any {
	r, _, e := unix.Syscall6(uintptr(nr), args[0], args[1], args[2], args[3], args[4], args[5])
	if e != 0 {
		return errno(e)
	}
	if p.show != nil {
		return fmt.Sprint(p.show(r))
	}
	return r
}

// An arena is memory outside Go's heap whose addresses may be handed to the kernel as numbers.
type arena struct {
	base, next uintptr
	pipe       [2]int
}

func newArena(t *testing.T) *arena {
	size := uintptr(os.Getpagesize())
	base, _, e := unix.Syscall6(unix.SYS_MMAP, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON, ^uintptr(0), 0)
	if e != 0 {
		t.Fatal(e)
	}
	m := &arena{base: base, next: base}
	if err := unix.Pipe2(m.pipe[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		unix.Close(m.pipe[0])
		unix.Close(m.pipe[1])
		unix.Syscall(unix.SYS_MUNMAP, base, size, 0)
	})
	return m
}

// put has the kernel write the bytes into the arena, since Go may not, and returns where.
func (m *arena) put(t *testing.T, b ...byte) uintptr {
	t.Helper()
	if _, err := unix.Write(m.pipe[1], b); err != nil {
		t.Fatal(err)
	}
	at := m.next
	if n, _, e := unix.Syscall(unix.SYS_READ, uintptr(m.pipe[0]), at, uintptr(len(b))); e != 0 || int(n) != len(b) {
		t.Fatal(n, e)
	}
	m.next += uintptr(len(b)+15) &^ 15
	return at
}

// vec puts a struct iovec.
func (m *arena) vec(t *testing.T, base uintptr, n uint64) uintptr {
	b := binary.NativeEndian.AppendUint64(nil, uint64(base))
	return m.put(t, binary.NativeEndian.AppendUint64(b, n)...)
}

func (m *arena) file(t *testing.T) *os.File {
	f, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	if err := f.Truncate(int64(os.Getpagesize())); err != nil {
		t.Fatal(err)
	}
	return f
}

// TestCloneFlags: clone looks at 32 bits of its flags. (A child made by os/exec; 1<<33 means clone3 there.)
func TestCloneFlags(t *testing.T) {
	run := func(flags uintptr) error {
		cmd := exec.Command("/bin/true")
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: flags}
		return cmd.Run()
	}
	if err := run(0); err != nil {
		t.Fatal(err)
	}
	for _, bits := range []uintptr{1 << 32, 1 << 40, 1 << 62, 1 << 63} {
		if err := run(bits); err != nil {
			t.Errorf("%#x: %v", bits, err)
		}
		if err := run(unix.CLONE_THREAD | bits); !errors.Is(err, unix.EINVAL) { // without CLONE_SIGHAND
			t.Errorf("%#x: %v", unix.CLONE_THREAD|bits, err)
		}
	}
}

// TestMountFlags: mount refuses high bits in its flags, and so they stay 64 bits wide here. It runs on a thread with a
// mount namespace of its own, which ends with the test.
func TestMountFlags(t *testing.T) {
	skip := make(chan string, 1)
	go func() {
		defer close(skip)
		runtime.LockOSThread() // never unlocked: the thread dies with the goroutine
		if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
			skip <- "a mount namespace of one's own: " + err.Error()
			return
		}
		if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
			t.Error(err)
		}
		for _, bits := range high {
			if err := unix.Mount("", "/", "", uintptr(unix.MS_REC|unix.MS_PRIVATE|bits), ""); err != unix.EINVAL {
				t.Errorf("%#x: %v", bits, err)
			}
		}
	}()
	if why, ok := <-skip; ok {
		t.Skip(why)
	}
	c, _ := Native().Call("mount")
	if got := c.Args()[3]; got.Name != "flags" || got.Type.Bits != 64 {
		t.Error(got)
	}
}

// before tells whether the running kernel is older than a release.
func before(t *testing.T, major, minor int) bool {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		t.Fatal(err)
	}
	var has [2]int
	if _, err := fmt.Sscanf(unix.ByteSliceToString(u.Release[:]), "%d.%d", &has[0], &has[1]); err != nil {
		t.Fatal(err)
	}
	return has[0] < major || has[0] == major && has[1] < minor
}
