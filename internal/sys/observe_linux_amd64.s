//go:build !race

#include "textflag.h"

// func cloneObserver(flags, top uintptr) int
TEXT ·cloneObserver(SB), NOSPLIT, $0-24
	MOVQ flags+0(FP), DI
	MOVQ top+8(FP), SI
	XORL DX, DX
	XORL R10, R10
	XORL R8, R8
	MOVL $56, AX // SYS_clone
	SYSCALL
	CMPQ AX, $0
	JEQ  child
	MOVQ AX, ret+16(FP)
	RET

child:
	// Another process, on a stack of its own.
	XORL BP, BP
	CALL ·observe(SB)
	INT  $3

// The kernel calls it with the signal in DI, the siginfo_t in SI and the ucontext in DX. What is clobbered here comes
// back by rt_sigreturn; the next handler needs its arguments, and the stack as it was.
TEXT captureHandler<>(SB), NOSPLIT|TOPFRAME|NOFRAME, $0
	NOP  SP // vet has no opinion on the stack from here on
	ADJSP $40
	MOVQ DI, 16(SP)
	MOVQ SI, 24(SP)
	MOVQ DX, 32(SP)
	MOVQ SI, 0(SP)
	MOVQ DX, 8(SP)
	CALL ·keepRegisters(SB)
	CALL ·captureChain(SB)
	MOVQ 0(SP), AX
	MOVQ 16(SP), DI
	MOVQ 24(SP), SI
	MOVQ 32(SP), DX
	ADJSP $-40
	JMP  AX

// func captureHandlerPC() uintptr
TEXT ·captureHandlerPC(SB), NOSPLIT, $0-8
	MOVQ $captureHandler<>(SB), AX
	MOVQ AX, ret+0(FP)
	RET
