#include "textflag.h"

// func long64(nr uint32) int32
//
// Selector 0x33 is the kernel's 64-bit code segment of a process, 0x23 the 32-bit one (arch/x86/include/asm/segment.h).
// A far return goes there with the stack as it is. The SYSCALL clears R11 and CX, which no 32-bit code minds: Go's
// ABI0 leaves all registers to the callee.
TEXT ·long64(SB), NOSPLIT, $0-8
	MOVL nr+0(FP), AX
	XORL BX, BX
	BYTE $0x6A; BYTE $0x33                                   // push $0x33
	BYTE $0xE8; BYTE $0x00; BYTE $0x00; BYTE $0x00; BYTE $0x00 // call the next instruction, which pushes its address
	BYTE $0x83; BYTE $0x04; BYTE $0x24; BYTE $0x05           // addl $5, (%esp): that of what follows the far return
	BYTE $0xCB                                               // lret
	// 64-bit from here.
	BYTE $0x0F; BYTE $0x05                                   // syscall
	BYTE $0xE8; BYTE $0x00; BYTE $0x00; BYTE $0x00; BYTE $0x00 // call the next instruction
	BYTE $0xC7; BYTE $0x44; BYTE $0x24; BYTE $0x04; BYTE $0x23; BYTE $0x00; BYTE $0x00; BYTE $0x00 // movl $0x23, 4(%rsp)
	BYTE $0x83; BYTE $0x04; BYTE $0x24; BYTE $0x0D           // addl $13, (%rsp)
	BYTE $0xCB                                               // lret
	// 32-bit again.
	MOVL AX, ret+4(FP)
	RET
