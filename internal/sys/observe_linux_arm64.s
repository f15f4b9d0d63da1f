//go:build !race

#include "textflag.h"

// func cloneObserver(flags, top uintptr) int
TEXT ·cloneObserver(SB), NOSPLIT, $0-24
	MOVD flags+0(FP), R0
	MOVD top+8(FP), R1
	MOVD ZR, R2
	MOVD ZR, R3
	MOVD ZR, R4
	MOVD $220, R8 // SYS_clone
	SVC
	CBZ  R0, child
	MOVD R0, ret+16(FP)
	RET

child:
	// Another process, on a stack of its own.
	MOVD ZR, R29
	MOVD ZR, R30
	CALL ·observe(SB)
	BRK

// The kernel calls it with the signal in R0, the siginfo_t in R1 and the ucontext in R2. What is clobbered here comes
// back by rt_sigreturn; the next handler needs its arguments, the link register and the stack as they were.
TEXT captureHandler<>(SB), NOSPLIT|TOPFRAME|NOFRAME, $0
	MOVD.W R30, -64(RSP)
	MOVD R0, 32(RSP)
	MOVD R1, 40(RSP)
	MOVD R2, 48(RSP)
	MOVD R1, 8(RSP)
	MOVD R2, 16(RSP)
	CALL ·keepRegisters(SB)
	CALL ·captureChain(SB)
	MOVD 8(RSP), R27
	MOVD 32(RSP), R0
	MOVD 40(RSP), R1
	MOVD 48(RSP), R2
	MOVD.P 64(RSP), R30
	B (R27)

// func captureHandlerPC() uintptr
TEXT ·captureHandlerPC(SB), NOSPLIT, $0-8
	MOVD $captureHandler<>(SB), R0
	MOVD R0, ret+0(FP)
	RET
