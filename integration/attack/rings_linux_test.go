package attack

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/stagelock/seccomp"
	"github.com/stagelock/seccomp/internal/testchild"
)

// Calls that the kernel makes in the process's place.
var rings = []attack{
	refused("io_uring", func(s *scene) {
		s.lock()
		s.call(syscall.EPERM, "io_uring_setup", 1)
		s.call(syscall.EPERM, "io_uring_setup", 1|1<<32)
		s.call(syscall.EPERM, "io_uring_enter", 0)
		s.call(syscall.EPERM, "io_uring_register", 0)
	}),
	// A ring whose queue a thread of the kernel polls needs no call at all.
	unrefusable("io_uring", "a ring that was set up before", func(s *scene) {
		path := filepath.Join(os.Getenv("DIR"), "made by the ring")
		r := newRing(s)
		s.lock()
		s.Refused(syscall.EPERM, "make a file", func() error { return s.open(path, unix.O_CREAT|unix.O_WRONLY) })
		s.Allowed("make it through the ring", func() error { return r.create(path) })
		s.call(syscall.EPERM, "io_uring_enter", 0)
	}),
}

// A ring is an io_uring with IORING_SETUP_SQPOLL, of 8 entries (io_uring_setup(2)).
type ring struct {
	shared, entries              []byte // the queues' heads and tails; what is submitted
	tail, array, cqTail, results uint32 // where these lie in shared
	barrier                      atomic.Int32
}

const (
	ringSqpoll    = 1 << 1
	ringSingleMap = 1 << 0
	ringWakeup    = 1 << 1
	ringOpOpenat  = 18
	ringOffSqes   = 0x10000000
)

func newRing(s *scene) *ring {
	setup, ok := native.Call("io_uring_setup")
	if !ok {
		s.Skipf("no io_uring on %s", native.Name)
	}
	p := make([]byte, 120) // struct io_uring_params
	word := func(at int) uint32 { return binary.NativeEndian.Uint32(p[at:]) }
	binary.NativeEndian.PutUint32(p[8:], ringSqpoll)
	binary.NativeEndian.PutUint32(p[16:], 20_000) // ms without work until it sleeps
	fd, _, errno := unix.RawSyscall(uintptr(setup.Nr), 8, address(p), 0)
	if errno != 0 {
		s.Skipf("io_uring with a polling thread is not to be had: %v", errno)
	}
	if word(20)&ringSingleMap == 0 {
		s.Skipf("io_uring before Linux 5.4")
	}
	r := &ring{tail: word(40 + 4), array: word(40 + 24), cqTail: word(80 + 4), results: word(80 + 20)}
	size := max(int(r.array)+4*int(word(0)), int(r.results)+16*int(word(4)))
	var err error
	r.shared, err = unix.Mmap(int(fd), 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_POPULATE)
	s.Must(err)
	r.entries, err = unix.Mmap(int(fd), ringOffSqes, 64*int(word(0)), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_POPULATE)
	s.Must(err)
	// The thread sleeps until the first work comes, and after any for as long as was said.
	enter, _ := native.Call("io_uring_enter")
	r.submit(1) // entry 0 is zero: IORING_OP_NOP
	s.Must(raw(uint64(enter.Nr), uint64(fd), 1, 0, ringWakeup))
	_, err = r.result(1)
	s.Must(err)
	return r
}

// submit hands entry 0 over, as the nth work.
func (r *ring) submit(n uint32) {
	binary.NativeEndian.PutUint32(r.shared[r.array+4*(n-1):], 0)
	r.barrier.Add(1) // what is above is seen before the tail
	binary.NativeEndian.PutUint32(r.shared[r.tail:], n)
}

// result waits for what came of the nth work.
func (r *ring) result(n uint32) (int32, error) {
	for limit := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		r.barrier.Add(1)
		if binary.NativeEndian.Uint32(r.shared[r.cqTail:]) == n {
			return int32(binary.NativeEndian.Uint32(r.shared[r.results+16*(n-1)+8:])), nil
		}
		if time.Now().After(limit) {
			return 0, errors.New("the ring did nothing")
		}
	}
}

// create has the ring make a file, by writing to memory alone.
func (r *ring) create(path string) error {
	name := append([]byte(path), 0)
	e := r.entries[:64] // struct io_uring_sqe
	e[0] = ringOpOpenat
	cwd := int32(unix.AT_FDCWD)
	binary.NativeEndian.PutUint32(e[4:], uint32(cwd))
	binary.NativeEndian.PutUint64(e[16:], uint64(address(name)))
	binary.NativeEndian.PutUint32(e[24:], 0o600)
	binary.NativeEndian.PutUint32(e[28:], unix.O_CREAT|unix.O_WRONLY|unix.O_CLOEXEC)
	r.submit(2)
	got, err := r.result(2)
	runtime.KeepAlive(name)
	if got < 0 {
		return syscall.Errno(-got)
	}
	return err
}

// address is where a slice lies; it has to be kept alive as long as the kernel reads it.
func address(b []byte) uintptr { return reflect.ValueOf(b).Pointer() }

// uprobeLimit is what the threat model calls the numbers that the kernel asks no filter about.
const uprobeLimit = "uprobe and uretprobe"

// TestUprobeNumbers makes the two calls that amd64 kernels are known to let past filters. A kernel that does ends the
// program for it; one that doesn't refuses them as the policy says.
func TestUprobeNumbers(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("they are amd64's")
	}
	model, err := os.ReadFile("../../docs/threat-model.md")
	if err == nil && !strings.Contains(string(model), "\n- **"+uprobeLimit+".**") {
		t.Errorf("the threat model does not say %q", uprobeLimit)
	}
	for _, stage := range stages {
		for _, nr := range []int{335, 336} {
			t.Run(fmt.Sprintf("%s/%d", stage, nr), func(t *testing.T) {
				cmd := exec.Command("/proc/self/exe")
				cmd.Env = append(os.Environ(), envDescend+"=number", envStage+"="+stage, "NR="+strconv.Itoa(nr))
				out, err := cmd.CombinedOutput()
				var exit *exec.ExitError
				if !errors.As(err, &exit) {
					t.Fatalf("%v\n%s", err, out)
				}
				switch {
				case exit.ExitCode() == int(unix.EPERM):
					t.Log("refused")
				case exit.ExitCode() == int(unix.ENXIO), exit.ExitCode() == int(unix.EPROTO):
					// uprobe's answers where there is no trampoline: kernel/events/uprobes.c
					t.Log("the kernel asked no filter, and did nothing")
				case exit.ExitCode() == 2 && strings.Contains(string(out), "SIGILL: illegal instruction"):
					t.Log("the kernel asked no filter, and ended the program")
				default:
					t.Errorf("%v\n%s", err, out)
				}
			})
		}
	}
}

// number locks, makes a call that may be the end, and exits with its errno.
func number() {
	testchild.Enter()
	text, err := os.ReadFile(policyFile)
	if err == nil {
		err = seccomp.Declare(policyFile, string(text))
	}
	if err == nil {
		err = seccomp.Stage(os.Getenv(envStage)).Lock()
	}
	nr, _ := strconv.Atoi(os.Getenv("NR"))
	if err != nil || raw(unix.SYS_GETPPID) != unix.EPERM {
		fmt.Fprintln(os.Stderr, "not locked:", err)
		os.Exit(99)
	}
	errno, _ := raw(uint64(nr)).(syscall.Errno)
	os.Exit(int(errno))
}
