package sys

import (
	"runtime"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A Launch is an exec under filters that hold for the new program alone. Everything it takes is laid out in memory
// beforehand: between the first filter and the exec nothing else may be asked of the kernel by the thread, since the
// filters need not allow what the Go runtime lives on.
type Launch struct {
	progs    []sockFprog
	filters  [][]SockFilter
	flags    []uintptr
	path     *byte
	argv     []*byte
	envv     []*byte
	listener atomic.Int32  // of a filter with SECCOMP_FILTER_FLAG_NEW_LISTENER: the descriptor and 1
	failed   atomic.Uint64 // the errno, and above 32 bits which step it was of
}

// A LaunchFilter is a filter of a Launch, and the SECCOMP_FILTER_FLAG_* that it is installed with.
type LaunchFilter struct {
	Program []SockFilter
	Flags   uintptr
}

// NewLaunch lays out a launch. The error is EINVAL for a string with a NUL in it, or a filter that no struct
// sock_fprog can express.
func NewLaunch(filters []LaunchFilter, path string, argv, envv []string) (*Launch, error) {
	l := &Launch{}
	for _, f := range filters {
		if len(f.Program) == 0 || len(f.Program) > 1<<16-1 {
			return nil, syscall.EINVAL
		}
		l.progs = append(l.progs, sockFprog{Len: uint16(len(f.Program)), Filter: &f.Program[0]})
		l.filters = append(l.filters, f.Program)
		l.flags = append(l.flags, f.Flags)
	}
	var err error
	if l.path, err = unix.BytePtrFromString(path); err != nil {
		return nil, err
	}
	if l.argv, err = syscall.SlicePtrFromStrings(argv); err != nil {
		return nil, err
	}
	if l.envv, err = syscall.SlicePtrFromStrings(envv); err != nil {
		return nil, err
	}
	return l, nil
}

// Args returns the arguments that execve is called with.
func (l *Launch) Args() (args [3]uint64) {
	args[0] = uint64(uintptr(unsafe.Pointer(l.path)))
	args[1] = uint64(uintptr(unsafe.Pointer(&l.argv[0])))
	args[2] = uint64(uintptr(unsafe.Pointer(&l.envv[0])))
	return args
}

// Run installs the filters on the calling thread and execs. It does not return: where a step fails, Failed says so
// from then on, and the thread spins until the process ends.
//
// The caller has pinned its goroutine, given no_new_privs to the thread, and taken all signal handlers off, with
// ResetSignals: one that ran on the filtered thread could not even return where rt_sigreturn is refused. The
// goroutine keeps its P and can't be preempted, so nothing may stop the world from now on.
//
//go:nosplit
//go:norace
func (l *Launch) Run() {
	step := 0
	for ; step < len(l.progs); step++ {
		r, _, errno := syscall.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, l.flags[step],
			uintptr(unsafe.Pointer(&l.progs[step])))
		if errno != 0 {
			l.failed.Store(uint64(step)<<32 | uint64(errno))
			//lint:ignore SA5002 whatever else this thread did would be a call
			for {
			}
		}
		if l.flags[step]&unix.SECCOMP_FILTER_FLAG_NEW_LISTENER != 0 {
			l.listener.Store(int32(r) + 1)
		}
	}
	_, _, errno := syscall.RawSyscall(unix.SYS_EXECVE, uintptr(unsafe.Pointer(l.path)),
		uintptr(unsafe.Pointer(&l.argv[0])), uintptr(unsafe.Pointer(&l.envv[0])))
	l.failed.Store(uint64(step)<<32 | uint64(errno))
	//lint:ignore SA5002 as above
	for {
	}
}

// Listener returns the descriptor of the filter that has one; ok is false until that is installed.
func (l *Launch) Listener() (fd int, ok bool) {
	n := l.listener.Load()
	return int(n) - 1, n > 0
}

// Failed returns the step that failed: the index of a filter, or their number if it was the exec. The errno is 0 as
// long as none has.
func (l *Launch) Failed() (step int, errno syscall.Errno) {
	n := l.failed.Load()
	return int(n >> 32), syscall.Errno(uint32(n))
}

// ParentDeathSignal returns the signal that the calling thread gets when its parent dies (PR_GET_PDEATHSIG), 0 for none.
func ParentDeathSignal() uintptr {
	var signal int32
	if _, _, errno := unix.RawSyscall(unix.SYS_PRCTL, unix.PR_GET_PDEATHSIG, uintptr(unsafe.Pointer(&signal)), 0); errno != 0 {
		return 0
	}
	return uintptr(signal)
}

// ResetSignals sets every signal that has a handler to its default action, which is what an exec does, and returns
// the first error. The Go runtime goes on without its handlers as long as nothing faults and no goroutine needs to be
// preempted.
func ResetSignals() syscall.Errno {
	const last = 64 // _NSIG; mips has 128, of which Go leaves the upper half alone
	setSize := uintptr(8)
	handler := 0 // the place of sa_handler in struct sigaction, in words
	switch runtime.GOARCH {
	case "mips", "mipsle", "mips64", "mips64le":
		setSize, handler = 16, 1 // arch/mips/include/uapi/asm/signal.h: sa_flags, padded to a word, comes first
	}
	for sig := uintptr(1); sig <= last; sig++ {
		var now, def [16]uintptr // larger than any struct sigaction
		_, _, errno := syscall.RawSyscall6(unix.SYS_RT_SIGACTION, sig, 0, uintptr(unsafe.Pointer(&now)), setSize, 0, 0)
		if errno != 0 {
			return errno
		}
		const sigDfl, sigIgn = 0, 1
		if now[handler] == sigDfl || now[handler] == sigIgn {
			continue
		}
		if _, _, errno = syscall.RawSyscall6(unix.SYS_RT_SIGACTION, sig, uintptr(unsafe.Pointer(&def)), 0, setSize, 0, 0); errno != 0 {
			return errno
		}
	}
	return 0
}
