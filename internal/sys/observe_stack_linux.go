//go:build (amd64 || arm64) && !race

package sys

//lint:file-ignore U1000 what is here is reached from the assembly

import (
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A capture is how the observer learns what a thread's registers are, without rights over it: it sends the thread a
// SIGURG, whose handler leaves them here. The signal interrupts the call, which has not begun, and so is begun again
// when the handler has returned (SA_RESTART).
//
// SIGURG is what the Go runtime uses to preempt; it lets spurious ones pass. Where it has its default action, in the
// new program after an exec, it is ignored. A thread that has it blocked, as the runtime's have while they start a
// process, has no stack to tell.
type capture struct {
	wanted    atomic.Uint64 // the value that the signal carries; 0: none is
	done      atomic.Uint64 // the value of the one that was answered
	last      uint64        // begins with the time: a value that no other memory has in its place
	registers [2]registers  // by the value: a late answer does no harm to the next
}

type registers struct{ pc, sp, fp, lr uintptr }

// signalInfo is siginfo_t, of which these are the fields for rt_tgsigqueueinfo.
type signalInfo struct {
	signo, errno, code, _ int32
	pid, uid              int32
	value                 uint64
	_                     [96]byte
}

const siQueue = -1 // SI_QUEUE, <asm-generic/siginfo.h>

// takeSignal puts the handler before the one that is there, the Go runtime's.
func takeSignal() syscall.Errno {
	if observer.chain != 0 {
		return 0
	}
	var action kernelSigaction
	_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(unix.SIGURG), 0, uintptr(unsafe.Pointer(&action)), 8, 0, 0)
	const sigIgn = 1
	if errno != 0 || action.handler <= sigIgn {
		return errno // nobody's: then there are no stacks
	}
	observer.chain = action.handler
	action.handler = captureHandlerPC()
	_, _, errno = unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(unix.SIGURG), uintptr(unsafe.Pointer(&action)), 0, 8, 0, 0)
	return errno
}

// captureHandlerPC returns the address of the handler, which is assembly: it calls keepRegisters and goes on to the
// one that was there before.
func captureHandlerPC() uintptr

// captureChain returns that one.
//
//go:nosplit
//go:norace
func captureChain() uintptr { return observer.chain }

// keepRegisters runs on the signal stack of any thread, in the midst of anything.
//
//go:nosplit
//go:norace
func keepRegisters(info, context unsafe.Pointer) {
	i := (*signalInfo)(info)
	c := &observer.capture
	if i.code != siQueue || i.value == 0 || !c.wanted.CompareAndSwap(i.value, 0) {
		return
	}
	r := registersOf(context)
	c.registers[i.value%2] = r
	c.done.Store(i.value)
}

// captureStack asks the thread that makes the call for its registers.
//
//go:nosplit
//go:norace
func captureStack() bool {
	// What came to nothing some times in a row is mostly a thread that has the signal blocked, but can have been a busy
	// machine: it is tried now and then.
	const giveUp, again = 4, 16
	o, c := &observer.scratch, &observer.capture
	blind := &observer.blind[uint32(o.notice.Nr)%seenSize]
	if observer.chain == 0 {
		return false
	}
	if *blind >= giveUp && *blind%again != 0 {
		*blind++
		return false
	}
	c.last++
	want := c.last
	c.wanted.Store(want)
	if !sharesMemory() {
		c.wanted.Store(0)
		return false
	}
	o.info = signalInfo{signo: int32(unix.SIGURG), code: siQueue, pid: observer.pid, value: want}
	// ESRCH: the thread is another process's, a child. It has no stack that this program could name.
	_, _, errno := syscall.RawSyscall6(unix.SYS_RT_TGSIGQUEUEINFO, uintptr(observer.observed), uintptr(o.notice.Pid),
		uintptr(unix.SIGURG), uintptr(unsafe.Pointer(&o.info)), 0, 0)
	if errno != 0 {
		c.wanted.Store(0)
		return false
	}
	// The listener becomes readable when the call is begun again, or another thread's is: then this looks more often.
	const patience = 50 // times, or as many milliseconds/20 where nothing comes
	for range patience {
		if c.done.Load() == want {
			*blind = 0
			return true
		}
		o.poll.events = unix.POLLIN
		o.pause = timespec{nsec: 100_000}
		syscall.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&o.poll)), 1, uintptr(unsafe.Pointer(&o.pause)), 0, 0, 0)
		if o.poll.revents != 0 {
			syscall.RawSyscall(unix.SYS_SCHED_YIELD, 0, 0, 0)
		}
	}
	c.wanted.CompareAndSwap(want, 0)
	*blind++
	return false
}

// sharesMemory tells whether the thread that makes the call has this program's memory, as it no longer has after an exec:
// the new program could have a handler for SIGURG that interrupts its calls for good. What is read at the place of wanted
// is what was written just now, or it is another memory, if that may be read at all: one's own always may (mm_access,
// kernel/fork.c).
//
//go:nosplit
//go:norace
func sharesMemory() bool {
	o, c := &observer.scratch, &observer.capture
	const size = unsafe.Sizeof(c.wanted)
	o.local = iovec{uintptr(unsafe.Pointer(&o.pair)), size}
	o.remote = iovec{uintptr(unsafe.Pointer(&c.wanted)), size}
	n, _, errno := syscall.RawSyscall6(unix.SYS_PROCESS_VM_READV, uintptr(o.notice.Pid), uintptr(unsafe.Pointer(&o.local)), 1,
		uintptr(unsafe.Pointer(&o.remote)), 1, 0)
	return errno == 0 && n == size && uint64(o.pair[0]) == c.last
}

// walkStack follows the frame pointers, which Go keeps on these architectures. The thread waits for the answer to its
// call, so that its stack stays as it is.
//
//go:nosplit
//go:norace
func walkStack(x *Observed) {
	r := observer.capture.registers[observer.capture.last%2]
	x.Stack[0] = r.pc + 1 // as if it were an address to return to, like the others
	n := 1
	if caller := callerOf(r); caller != 0 {
		x.Stack[n] = caller
		n++
	}
	// A frame pointer points to where the caller's one is kept, and the address to return to lies above it.
	for fp := r.fp; n < ObservedFrames && fp%8 == 0 && peek(fp); n++ {
		next, ret := observer.scratch.pair[0], observer.scratch.pair[1]
		if ret == 0 {
			break
		}
		x.Stack[n] = ret
		if next <= fp { // stacks grow down: the outermost frame has 0
			n++
			break
		}
		fp = next
	}
	x.Frames = n
}

// readName reads a string from the memory of the thread that makes the call. Where it is another process's that may be
// refused.
//
//go:nosplit
//go:norace
func readName(x *Observed, addr uintptr) {
	o := &observer.scratch
	const page = 4096 // or more: what lies on one is there or not as a whole
	for got := uintptr(0); got < uintptr(len(x.Name)); {
		size := page - addr%page
		if left := uintptr(len(x.Name)) - got; size > left {
			size = left
		}
		o.local = iovec{uintptr(unsafe.Pointer(&x.Name)) + got, size}
		o.remote = iovec{addr, size}
		n, _, errno := syscall.RawSyscall6(unix.SYS_PROCESS_VM_READV, uintptr(o.notice.Pid), uintptr(unsafe.Pointer(&o.local)), 1,
			uintptr(unsafe.Pointer(&o.remote)), 1, 0)
		if errno != 0 || n != size {
			x.Name[got] = 0
			return
		}
		got += size
		addr += size
	}
}

// peek reads two words of memory that may not be there, into scratch.pair.
//
//go:nosplit
//go:norace
func peek(addr uintptr) bool {
	o := &observer.scratch
	const size = unsafe.Sizeof(o.pair)
	o.local = iovec{uintptr(unsafe.Pointer(&o.pair)), size}
	o.remote = iovec{addr, size}
	// Of its own memory a process may always read, and what isn't there is an errno and no fault.
	n, _, errno := syscall.RawSyscall6(unix.SYS_PROCESS_VM_READV, uintptr(observer.pid), uintptr(unsafe.Pointer(&o.local)), 1,
		uintptr(unsafe.Pointer(&o.remote)), 1, 0)
	return errno == 0 && n == size
}
