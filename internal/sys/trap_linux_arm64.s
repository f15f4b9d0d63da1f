//go:build !race

#include "textflag.h"

// The kernel calls it with the signal in R0, the siginfo_t in R1 and the ucontext in R2. What is clobbered here comes
// back by rt_sigreturn; the next handler needs its arguments, the link register and the stack as they were. onTrap
// never has the last word here.
TEXT trapHandler<>(SB), NOSPLIT|TOPFRAME|NOFRAME, $0
	MOVD.W R30, -64(RSP)
	MOVD R0, 32(RSP)
	MOVD R1, 40(RSP)
	MOVD R2, 48(RSP)
	MOVD R1, 8(RSP)
	MOVD R2, 16(RSP)
	CALL ·onTrap(SB)
	MOVD 32(RSP), R0
	MOVD 40(RSP), R1
	MOVD 48(RSP), R2
	MOVD.P 64(RSP), R30
	MOVD ·trapChain(SB), R27
	B (R27)

// func trapHandlerPC() uintptr
TEXT ·trapHandlerPC(SB), NOSPLIT, $0-8
	MOVD $trapHandler<>(SB), R0
	MOVD R0, ret+0(FP)
	RET
