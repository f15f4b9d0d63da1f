//go:build !race

package sys

//lint:file-ignore U1000 what is here is reached from the assembly

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The Go runtime ends the process in its handler, right behind the traceback. To come after that, the thread has the
// kernel send it SIGSYS for each of its calls from then on ("Syscall User Dispatch", prctl(2), from Linux 5.11): those
// that print the traceback are made for it, and before any other one the line is written.
//
// It is one thread's affair, in a process that ends: nothing else changes, neither before nor for other threads.

// trapGate is the selector: the thread's calls go to the kernel, or are dispatched.
var trapGate byte

// SYSCALL_DISPATCH_FILTER_ALLOW and _BLOCK, PR_SYS_DISPATCH_OFF and _ON, <linux/prctl.h>.
const (
	gateOpen = 0
	gateShut = 1

	dispatchOff = 0
	dispatchOn  = 1
)

// dispatch has the thread's calls dispatched. It tells whether it could.
//
//go:nosplit
//go:norace
func dispatch(context unsafe.Pointer) bool {
	// The frames of further signals come on top of this one. uc_stack is the signal stack, <asm-generic/ucontext.h>.
	stack := *(*uintptr)(unsafe.Add(context, 16))
	size := *(*uintptr)(unsafe.Add(context, 32))
	used := stack + size - uintptr(context)
	const traceback = 16 << 10 // with two frames it was seen to take 9.4 KB, AVX-512 included
	if used > size || size < 2*used+traceback {
		return false
	}
	trapGate = gateOpen
	// How onDispatch returns is no call that it is asked about.
	const codeSize = 16 // it has less, and no other function has any of it
	if prctlDispatch(dispatchOn, trapReturnPC(), codeSize, uintptr(unsafe.Pointer(&trapGate))) != 0 {
		return false
	}
	trapState.Store(trappedUnsaid)
	// The handlers of the runtime run with all signals blocked. "If we unblock the signal, we always reset it to SIG_DFL":
	// kernel/signal.c, force_sig_info_to_task.
	sigsys := uint64(1) << (unix.SIGSYS - 1)
	const sigUnblock = 1
	syscall.RawSyscall6(unix.SYS_RT_SIGPROCMASK, sigUnblock, uintptr(unsafe.Pointer(&sigsys)), 0, 8, 0, 0)
	trapGate = gateShut
	return true
}

// trapReturnPC returns the address of the code by which the handler returns.
func trapReturnPC() uintptr

//go:nosplit
//go:norace
func prctlDispatch(mode, offset, size, selector uintptr) syscall.Errno {
	_, _, errno := syscall.RawSyscall6(unix.SYS_PRCTL, unix.PR_SET_SYSCALL_USER_DISPATCH, mode, offset, size, selector, 0)
	return errno
}

// onDispatch is asked about each call of the thread.
//
//go:nosplit
//go:norace
func onDispatch(nr uint32, context unsafe.Pointer) (done bool) {
	trapGate = gateOpen
	switch nr {
	// What the runtime calls from the beginning of a crash to the end of the traceback, and its waiting for others. Of
	// GOTRACEBACK=crash the first kill(2) is not here: from then on other threads print theirs, and may end the process.
	case unix.SYS_WRITE, unix.SYS_FUTEX, unix.SYS_NANOSLEEP, unix.SYS_SCHED_YIELD, unix.SYS_GETPID, unix.SYS_GETTID, unix.SYS_TGKILL:
		makeCall(nr, context)
		trapGate = gateShut
		return true
	case unix.SYS_RT_SIGRETURN:
		// The runtime ignores SIGSYS for a moment, while os looks what the kernel can do: the program goes on.
		trapState.Store(notTrapped)
	default:
		writeTrap()
		trapState.Store(trappedEnding)
	}
	prctlDispatch(dispatchOff, 0, 0, 0)
	const syscallInstruction = 2 // bytes; the call is made again, its number is in place
	(*trapRegisters)(unsafe.Add(context, atTrapRegisters)).rip -= syscallInstruction
	return true
}

// makeCall makes a call for the thread.
//
//go:nosplit
//go:norace
func makeCall(nr uint32, context unsafe.Pointer) {
	r := (*trapRegisters)(unsafe.Add(context, atTrapRegisters))
	result, _, errno := syscall.RawSyscall6(uintptr(nr), r.rdi, r.rsi, r.rdx, r.r10, r.r8, r.r9)
	if errno != 0 {
		result = -uintptr(errno)
	}
	r.rax = result
}
