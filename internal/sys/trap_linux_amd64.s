//go:build !race

#include "textflag.h"

// The kernel calls it with the signal in DI, the siginfo_t in SI and the ucontext in DX. What is clobbered here comes
// back by rt_sigreturn; the next handler needs its arguments, and the stack as it was.
TEXT trapHandler<>(SB), NOSPLIT|TOPFRAME|NOFRAME, $0
	NOP  SP // vet has no opinion on the stack from here on
	ADJSP $40
	MOVQ DI, 16(SP)
	MOVQ SI, 24(SP)
	MOVQ DX, 32(SP)
	MOVQ SI, 0(SP)
	MOVQ DX, 8(SP)
	CALL ·sayTrap(SB)
	MOVQ 16(SP), DI
	MOVQ 24(SP), SI
	MOVQ 32(SP), DX
	ADJSP $-40
	MOVQ ·trapChain(SB), AX
	JMP  AX

// func trapHandlerPC() uintptr
TEXT ·trapHandlerPC(SB), NOSPLIT, $0-8
	MOVQ $trapHandler<>(SB), AX
	MOVQ AX, ret+0(FP)
	RET
