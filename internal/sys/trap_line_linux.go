//go:build (amd64 || arm64) && !race

package sys

//lint:file-ignore U1000 what is here is reached from the assembly

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

var (
	trapLine [1024]byte
	trapLen  int
)

// writeTrap writes the line.
//
//go:nosplit
//go:norace
func writeTrap() {
	syscall.RawSyscall6(unix.SYS_WRITE, 2, uintptr(unsafe.Pointer(&trapLine)), uintptr(trapLen), 0, 0, 0)
}

// formTrap puts the line together.
//
//go:nosplit
//go:norace
func formTrap(text *TrapText, info, context unsafe.Pointer) {
	// siginfo_t of SIGSYS, <asm-generic/siginfo.h>; "si_errno is set to the SECCOMP_RET_DATA portion" (seccomp(2)).
	rule := *(*int32)(unsafe.Add(info, 4))
	nr := *(*int32)(unsafe.Add(info, 24))
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
	trapLen = say(n, "\n")
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
