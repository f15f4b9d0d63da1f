//go:build (amd64 || arm64) && !race

package sys

// Not under the race detector, which puts calls of its own into the handler.

//lint:file-ignore U1000 what is here is reached from the assembly

import (
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

var (
	trapText     unsafe.Pointer // *TrapText; an atomic.Pointer's methods want more stack where nothing is inlined
	trapState    atomic.Uint32  // how far the first thread is that was trapped: it ends the process
	trapChain    uintptr        // the handler that was there before
	trapRuntimes bool           // trapChain is the Go runtime's
	trapPid      uintptr        // the process that all this is of
)

// The values of trapState.
const (
	notTrapped    = iota
	trappedNow    // somebody is at it
	trappedSaid   // the line is written
	trappedUnsaid // the line is for the end, the thread's calls are dispatched until then
	trappedEnding // it is written, and the thread about to end the process
)

// kernelSigaction is struct sigaction as rt_sigaction takes it on these architectures.
type kernelSigaction struct {
	handler, flags, restorer uintptr
	mask                     uint64
}

// SayTraps has a line written to the standard error for the first call that a filter traps (SECCOMP_RET_TRAP): after
// the traceback that the Go runtime's own handler of SIGSYS prints, where text allows it and the system can do that, or
// else before it. A later call changes the texts.
//
// A handler of somebody else's, such as C's, is called as ever, behind the line. Where SIGSYS has none, that stays as it is.
func SayTraps(text *TrapText) syscall.Errno {
	before := atomic.SwapPointer(&trapText, unsafe.Pointer(text))
	if before != nil {
		return 0
	}
	var action, preempt kernelSigaction
	errno := sigaction(unix.SIGSYS, nil, &action)
	const sigIgn, saSiginfo = 1, 4
	if errno != 0 || action.handler <= sigIgn {
		return errno
	}
	trapChain = action.handler
	trapPid = uintptr(unix.Getpid())
	// The runtime has one handler for all signals, and SIGURG is the one that nobody else takes.
	trapRuntimes = sigaction(unix.SIGURG, nil, &preempt) == 0 && preempt.handler == action.handler
	action.handler = trapHandlerPC()
	action.flags |= saSiginfo // C's handler may do without
	return sigaction(unix.SIGSYS, &action, nil)
}

// sigaction sets an action, or gets one: the Go runtime's is not to know.
func sigaction(sig unix.Signal, set, get *kernelSigaction) syscall.Errno {
	_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig), uintptr(unsafe.Pointer(set)),
		uintptr(unsafe.Pointer(get)), 8, 0, 0)
	return errno
}

// trapHandlerPC returns the address of the handler, which is assembly: the kernel calls it as C does. It calls onTrap
// and goes on to trapChain, or where onTrap says so back to where the signal came.
func trapHandlerPC() uintptr

// The codes of SIGSYS, <asm-generic/siginfo.h>.
const (
	sysSeccomp      = 1
	sysUserDispatch = 2
)

// onTrap runs on the signal stack of any thread, C's included, in the midst of anything: it calls nothing of the
// runtime and allocates nothing. It tells whether that was all: then the thread goes on as the context says.
//
//go:nosplit
//go:norace
func onTrap(info, context unsafe.Pointer) (done bool) {
	text := (*TrapText)(atomic.LoadPointer(&trapText))
	switch code := *(*int32)(unsafe.Add(info, 8)); {
	case text == nil:
		return false
	case code == sysUserDispatch && trapState.Load() == trappedUnsaid:
		return onDispatch(*(*uint32)(unsafe.Add(info, 24)), context)
	case code != sysSeccomp:
		// Somebody's kill(2), while the process ends: the runtime's handler, upon the one that is ending it, would not
		// have the stack for a second traceback.
		state := trapState.Load()
		return state == trappedUnsaid || state == trappedEnding
	}
	for !trapState.CompareAndSwap(notTrapped, trappedNow) {
		if state := trapState.Load(); state == trappedSaid || state == trappedEnding {
			return false
		}
		// A child that C has made by fork has none of the threads that it could wait for.
		if pid, _, _ := syscall.RawSyscall6(unix.SYS_GETPID, 0, 0, 0, 0, 0, 0); pid != trapPid {
			return false
		}
		// The traceback that ends the process has to be that of the thread which has the last word.
		pause := [2]int64{0, 1e6}
		syscall.RawSyscall6(unix.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&pause)), 0, 0, 0, 0, 0)
	}
	formTrap(text, info, context)
	if text.Below && trapRuntimes && dispatch(context) {
		return false
	}
	writeTrap()
	trapState.Store(trappedSaid)
	return false
}
