#include "textflag.h"

// func enter80(nr, a1, a2, a3 uint32) int32
//
// ABI0 leaves every register but the stack pointer to the callee, so those that the kernel clears (R8 to R11) are free.
TEXT ·enter80(SB), NOSPLIT, $0-20
	MOVL nr+0(FP), AX
	MOVL a1+4(FP), BX
	MOVL a2+8(FP), CX
	MOVL a3+12(FP), DX
	INT  $0x80
	MOVL AX, ret+16(FP)
	RET
