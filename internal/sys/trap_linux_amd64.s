//go:build !race

#include "textflag.h"

// The kernel calls it with the signal in DI, the siginfo_t in SI and the ucontext in DX. What is clobbered here comes
// back by rt_sigreturn; the next handler needs its arguments, and the stack as it was.
TEXT trapHandler<>(SB), NOSPLIT|TOPFRAME|NOFRAME, $0
	NOP  SP // vet has no opinion on the stack from here on
	ADJSP $48
	MOVQ DI, 24(SP)
	MOVQ SI, 32(SP)
	MOVQ DX, 40(SP)
	MOVQ SI, 0(SP)
	MOVQ DX, 8(SP)
	CALL ·onTrap(SB)
	MOVBLZX 16(SP), AX
	MOVQ 24(SP), DI
	MOVQ 32(SP), SI
	MOVQ 40(SP), DX
	ADJSP $-48
	TESTB AX, AX
	JNE  done
	MOVQ ·trapChain(SB), AX
	JMP  AX
done:
	JMP  trapReturn<>(SB)

// A handler's RET goes to code like this, which is not ours alone.
TEXT trapReturn<>(SB), NOSPLIT|TOPFRAME|NOFRAME, $0
	NOP  SP
	ADDQ $8, SP
	MOVL $15, AX // rt_sigreturn
	SYSCALL
	INT  $3

// func trapReturnPC() uintptr
TEXT ·trapReturnPC(SB), NOSPLIT, $0-8
	MOVQ $trapReturn<>(SB), AX
	MOVQ AX, ret+0(FP)
	RET

// func trapHandlerPC() uintptr
TEXT ·trapHandlerPC(SB), NOSPLIT, $0-8
	MOVQ $trapHandler<>(SB), AX
	MOVQ AX, ret+0(FP)
	RET
