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
	trapText  atomic.Pointer[TrapText]
	trapSaid  atomic.Bool // the first thread that is trapped says so; it ends the process
	trapChain uintptr     // the handler that was there before
	trapLine  [1024]byte
)

// kernelSigaction is struct sigaction as rt_sigaction takes it on these architectures.
type kernelSigaction struct {
	handler, flags, restorer uintptr
	mask                     uint64
}

// SayTraps has a line written to the standard error for the first call that a filter traps (SECCOMP_RET_TRAP), before
// the Go runtime's own handler of SIGSYS prints its traceback and ends the process. A later call changes the texts.
//
// Where somebody else has SIGSYS, or it has no handler, that stays as it is.
func SayTraps(text *TrapText) syscall.Errno {
	before := trapText.Swap(text)
	if before != nil {
		return 0
	}
	var action kernelSigaction
	_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(unix.SIGSYS), 0, uintptr(unsafe.Pointer(&action)), 8, 0, 0)
	const sigIgn = 1
	if errno != 0 || action.handler <= sigIgn {
		return errno
	}
	trapChain = action.handler
	action.handler = trapHandlerPC()
	_, _, errno = unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(unix.SIGSYS), uintptr(unsafe.Pointer(&action)), 0, 8, 0, 0)
	return errno
}

// trapHandlerPC returns the address of the handler, which is assembly: the kernel calls it as C does. It calls sayTrap
// and goes on to trapChain.
func trapHandlerPC() uintptr

// sayTrap writes the line. It runs on the signal stack of any thread, C's included, in the midst of anything: it calls
// nothing of the runtime, allocates nothing, and asks nothing of the kernel but write(2).
//
//go:nosplit
//go:norace
func sayTrap(info, context unsafe.Pointer) {
	// siginfo_t of SIGSYS, <asm-generic/siginfo.h>; "si_errno is set to the SECCOMP_RET_DATA portion" (seccomp(2)).
	rule := *(*int32)(unsafe.Add(info, 4))
	code := *(*int32)(unsafe.Add(info, 8))
	nr := *(*int32)(unsafe.Add(info, 24))
	const sysSeccomp = 1
	text := trapText.Load()
	if code != sysSeccomp || text == nil || !trapSaid.CompareAndSwap(false, true) {
		return
	}
	n := say(0, "stagelock: ")
	args := uint8(6)
	if uint(nr) < uint(len(text.Calls)) && text.Calls[nr].Name != "" {
		n = say(n, text.Calls[nr].Name)
		args = text.Calls[nr].Args
	} else {
		n = sayHex(say(n, "system call "), uint64(nr))
	}
	n = say(n, "(")
	for i := uint8(0); i < args && i < 6; i++ {
		if i > 0 {
			n = say(n, ", ")
		}
		n = sayHex(n, *(*uint64)(unsafe.Add(context, trapArgs[i])))
	}
	n = say(n, ") was refused")
	if uint(rule) < uint(len(text.Rules)) {
		n = say(say(n, " by "), text.Rules[rule])
	}
	n = say(n, "\n")
	syscall.RawSyscall(unix.SYS_WRITE, 2, uintptr(unsafe.Pointer(&trapLine)), uintptr(n))
}

// say puts text at n in the line and returns where it ends. What is too much is left out.
//
//go:nosplit
//go:norace
func say(n int, text string) int {
	for i := 0; i < len(text) && n < len(trapLine); i++ {
		trapLine[n] = text[i]
		n++
	}
	return n
}

//go:nosplit
//go:norace
func sayHex(n int, x uint64) int {
	n = say(n, "0x")
	shift := 60
	for shift > 0 && x>>shift == 0 {
		shift -= 4
	}
	for ; shift >= 0 && n < len(trapLine); shift -= 4 {
		trapLine[n] = "0123456789abcdef"[x>>shift&15]
		n++
	}
	return n
}
