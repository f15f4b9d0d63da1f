//go:build !race

package sys

import "unsafe"

// registersOf takes registers from a ucontext: rbp, rsp, rip (arch/x86/include/uapi/asm/sigcontext.h, struct
// sigcontext_64, behind 40 bytes of ucontext).
//
//go:nosplit
//go:norace
func registersOf(context unsafe.Pointer) registers {
	return registers{
		fp: *(*uintptr)(unsafe.Add(context, 40+8*10)),
		sp: *(*uintptr)(unsafe.Add(context, 40+8*15)),
		pc: *(*uintptr)(unsafe.Add(context, 40+8*16)),
	}
}

// callerOf returns the address that the function returns to in which a call is made. In Go that is assembly without a
// frame.
//
//go:nosplit
//go:norace
func callerOf(r registers) uintptr {
	if !peek(r.sp) {
		return 0
	}
	return observer.scratch.pair[0]
}
