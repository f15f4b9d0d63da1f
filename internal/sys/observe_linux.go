//go:build (amd64 || arm64) && !race

package sys

// Not under the race detector, which puts calls of its own into what runs outside of the Go runtime here.

import (
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The observer is a process of its own that shares this one's memory and nothing else. It has no filter, since it is
// made before, and is no thread of this process, so that TSYNC does not reach it. It holds the listener of a filter
// that answers by user notification, has the kernel go on with every call, at once, and writes down those that would
// have been refused. It runs no Go but what is in this package, marked nosplit: no stack that grows, no allocation, no
// pointer that is stored, no runtime.
//
// It lives for as long as anybody has the filter: this process, what it becomes by an exec, its children.
var observer struct {
	begun    atomic.Bool
	pid      int32 // the observer's
	observed int32 // this process's
	listener atomic.Int32
	ready    atomic.Bool // the observer has the listener for itself
	judges   [maxJudges]judge
	judge    atomic.Uint32 // how many there are; the last counts

	// What was written down, from tail to head. The observer alone moves head, Next alone moves tail.
	head, tail atomic.Uint32
	waiting    atomic.Uint32 // Next sleeps
	ring       [ringSize]Observed

	capture capture
	chain   uintptr                 // the handler of SIGURG that was there before
	scratch observation             // what the observer works with, which its stack has no room for
	count   [seenSize]uint32        // refusals by number, as far as that is counted
	skipped [seenSize]atomic.Uint32 // those of them that were not written down, and not told of yet
	again   [againSize]call
	named   [seenSize]uint8 // which argument points to a string, by number, counted from 1
	blind   [seenSize]uint8 // captures in a row that came to nothing or weren't tried, by number
}

const (
	maxJudges = 64
	ringSize  = 256 // a power of two
	seenSize  = 512 // calls, by number; the numbers of other ABIs fall together with these
	againSize = 64
	stackSize = 64 << 10 // of the observer
)

// A judge is a list of programs that say what is refused: whatever one of them does not allow.
type judge struct {
	programs [8][]SockFilter
	count    int
}

// States of the listener before there is one.
const (
	listenerComes = 0
	listenerNever = -1
)

// StartObserver starts the observer. It is called before the filter is installed, and once, but again after
// StopObserver.
//
// ENOTSUP means that this program can't be observed: see observe_other.go. ENOSYS is a kernel before 5.9.
func StartObserver() syscall.Errno {
	if errno := TellsLastUser(); errno != 0 { // it needs close_range, too
		return errno
	}
	if !observer.begun.CompareAndSwap(false, true) {
		return unix.EALREADY
	}
	stack, _, errno := unix.RawSyscall6(unix.SYS_MMAP, 0, stackSize, unix.PROT_READ|unix.PROT_WRITE,
		unix.MAP_PRIVATE|unix.MAP_ANONYMOUS, ^uintptr(0), 0)
	if errno != 0 {
		observer.begun.Store(false)
		return errno
	}
	observer.observed = int32(unix.Getpid())
	observer.listener.Store(listenerComes)
	observer.ready.Store(false)
	observer.capture.last = uint64(time.Now().UnixNano())
	if errno = takeSignal(); errno != 0 {
		observer.begun.Store(false)
		return errno
	}
	// It starts with all signals blocked, and stays so.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	all, before := ^uint64(0), uint64(0)
	unix.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(&all)), uintptr(unsafe.Pointer(&before)), 8, 0, 0)
	// Descriptors are shared until the listener is there. Without an exit signal the observer is no child that an
	// ordinary wait(2) sees.
	pid := cloneObserver(unix.CLONE_VM|unix.CLONE_FILES, stack+stackSize)
	unix.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(&before)), 0, 8, 0, 0)
	if pid < 0 {
		observer.begun.Store(false)
		return syscall.Errno(-pid)
	}
	observer.pid = int32(pid)
	return 0
}

// cloneObserver makes a process by clone(2), on a stack that begins below top, and returns its pid, or an errno below
// 0. The process calls observe.
func cloneObserver(flags, top uintptr) int

// StopObserver ends an observer that was not given a listener.
func StopObserver() {
	observer.listener.Store(listenerNever)
	for {
		_, err := unix.Wait4(int(observer.pid), nil, unix.WALL, nil)
		if err != unix.EINTR {
			break
		}
	}
	observer.begun.Store(false)
}

// InstallObserved is SetModeFilter for all threads and a filter with a listener, which goes to the observer. Where a
// thread has other filters the errno is ESRCH; EBUSY means that there is a listener already.
func InstallObserved(prog []SockFilter) syscall.Errno {
	if len(prog) == 0 || len(prog) > 1<<16-1 {
		return syscall.EINVAL
	}
	fprog := &sockFprog{Len: uint16(len(prog)), Filter: &prog[0]}
	// "SECCOMP_FILTER_FLAG_TSYNC_ESRCH (since Linux 5.7)": without it, a descriptor and the id of a thread could not be
	// told apart. RawSyscall, and the listener given away at once: from here to there nobody answers, so nothing may be
	// asked of the kernel.
	const flags = unix.SECCOMP_FILTER_FLAG_TSYNC | unix.SECCOMP_FILTER_FLAG_TSYNC_ESRCH | unix.SECCOMP_FILTER_FLAG_NEW_LISTENER
	fd, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(fprog)))
	runtime.KeepAlive(fprog)
	runtime.KeepAlive(prog)
	if errno != 0 {
		return errno
	}
	observer.listener.Store(int32(fd) + 1)
	for !observer.ready.Load() {
		time.Sleep(50 * time.Microsecond)
	}
	unix.Close(int(fd))
	return 0
}

// JudgeObserved says what is refused from now on: what one of some programs does not allow. Classic BPF of the kinds
// that package filter compiles is understood. It returns the number of the judge; -1 if there can be no more.
func JudgeObserved(programs [][]SockFilter) int {
	n := observer.judge.Load()
	if n == maxJudges || len(programs) > len(observer.judges[0].programs) {
		return -1
	}
	j := &observer.judges[n]
	j.count = copy(j.programs[:], programs)
	observer.judge.Store(n + 1)
	return int(n)
}

// NameObserved has the string told that an argument of a call points to, the first one being 0.
func NameObserved(nr uint32, arg int) { observer.named[nr%seenSize] = uint8(arg + 1) }

// NextObserved waits for a call that would have been refused. It is for one goroutine, which takes a thread for itself
// while it waits, and asks nothing of the kernel but futex.
func NextObserved(o *Observed) {
	for observer.tail.Load() == observer.head.Load() {
		head := observer.head.Load()
		observer.waiting.Store(1)
		if observer.tail.Load() == head {
			const futexWaitPrivate = 0 | 128
			unix.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(&observer.head)), futexWaitPrivate, uintptr(head), 0, 0, 0)
		}
		observer.waiting.Store(0)
	}
	tail := observer.tail.Load()
	*o = observer.ring[tail%ringSize]
	observer.tail.Store(tail + 1)
	o.More = observer.skipped[o.Nr%seenSize].Swap(0)
}
