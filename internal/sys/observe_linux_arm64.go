//go:build !race

package sys

import "unsafe"

// registersOf takes registers from a ucontext: x29, x30, sp, pc, behind 176 bytes of ucontext and the fault address
// (arch/arm64/include/uapi/asm/sigcontext.h).
//
//go:nosplit
//go:norace
func registersOf(context unsafe.Pointer) registers {
	return registers{
		fp: *(*uintptr)(unsafe.Add(context, 184+8*29)),
		lr: *(*uintptr)(unsafe.Add(context, 184+8*30)),
		sp: *(*uintptr)(unsafe.Add(context, 184+8*31)),
		pc: *(*uintptr)(unsafe.Add(context, 184+8*32)),
	}
}

// callerOf returns the address that the function returns to in which a call is made. In Go that is assembly without a
// frame, so the link register still has it.
//
//go:nosplit
//go:norace
func callerOf(r registers) uintptr { return r.lr }
