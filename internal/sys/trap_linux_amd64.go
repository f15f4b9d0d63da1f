//go:build !race

package sys

//lint:file-ignore U1000 what is here is reached from the assembly

import "unsafe"

// trapRegisters is the beginning of struct sigcontext_64, arch/x86/include/uapi/asm/sigcontext.h.
type trapRegisters struct {
	r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip uintptr
}

// atTrapRegisters is where they lie in a ucontext.
const atTrapRegisters = 40

// trapArgs is where a call's arguments lie in a ucontext.
var trapArgs = [6]uintptr{
	atTrapRegisters + unsafe.Offsetof(trapRegisters{}.rdi), atTrapRegisters + unsafe.Offsetof(trapRegisters{}.rsi),
	atTrapRegisters + unsafe.Offsetof(trapRegisters{}.rdx), atTrapRegisters + unsafe.Offsetof(trapRegisters{}.r10),
	atTrapRegisters + unsafe.Offsetof(trapRegisters{}.r8), atTrapRegisters + unsafe.Offsetof(trapRegisters{}.r9),
}
