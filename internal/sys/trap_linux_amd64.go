//go:build !race

package sys

//lint:file-ignore U1000 what is here is reached from the assembly

// trapArgs is where a call's arguments lie in a ucontext: rdi, rsi, rdx, r10, r8, r9
// (arch/x86/include/uapi/asm/sigcontext.h, struct sigcontext_64, behind 40 bytes of ucontext).
var trapArgs = [6]uintptr{40 + 8*8, 40 + 9*8, 40 + 12*8, 40 + 2*8, 40 + 0*8, 40 + 1*8}
