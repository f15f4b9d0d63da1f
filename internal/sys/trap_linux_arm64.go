//go:build !race

package sys

//lint:file-ignore U1000 what is here is reached from the assembly

import "unsafe"

// trapArgs is where a call's arguments lie in a ucontext: x0 to x5, behind 176 bytes of ucontext and the fault address
// (arch/arm64/include/uapi/asm/sigcontext.h). The kernel puts x0 back before it traps (syscall_rollback).
var trapArgs = [6]uintptr{184 + 0*8, 184 + 1*8, 184 + 2*8, 184 + 3*8, 184 + 4*8, 184 + 5*8}

// The line stands above the traceback: there is no Syscall User Dispatch on this architecture, at least up to Linux 7.2.
//
//go:nosplit
//go:norace
func dispatch(unsafe.Pointer) bool { return false }

//go:nosplit
//go:norace
func onDispatch(uint32, unsafe.Pointer) (done bool) { return false }
