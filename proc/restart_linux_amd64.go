package proc

import (
	"golang.org/x/sys/unix"

	"github.com/stagelock/seccomp/internal/bpf"
)

// What the kernel keeps in a thread's return value while a call that was interrupted is to go on (<linux/errno.h>).
const (
	restartNoIntr = -513 // ERESTARTNOINTR: the call is made again
	restartBlock  = -516 // ERESTART_RESTARTBLOCK: restart_syscall is made, which knows how much of a sleep is left
)

// compatSegment is the code segment of 32-bit code, __USER32_CS (arch/x86/include/asm/segment.h).
const compatSegment = 0x23

// letRestart sees to it that a stopped thread survives having been stopped. A sleep goes on by restart_syscall, which
// the thread's filters may refuse, and kill it for. Then the sleep begins anew instead.
func letRestart(tid int, filters []InForce) {
	var regs unix.PtraceRegs
	if len(filters) == 0 || unix.PtraceGetRegs(tid, &regs) != nil || int64(regs.Rax) != restartBlock {
		return
	}
	call := bpf.Data{Nr: unix.SYS_RESTART_SYSCALL, Arch: unix.AUDIT_ARCH_X86_64, IP: regs.Rip}
	if regs.Cs == compatSegment {
		call.Nr, call.Arch = 0, unix.AUDIT_ARCH_I386
	}
	for _, f := range filters {
		program := make([]bpf.Instruction, len(f.Program))
		for i, x := range f.Program {
			program[i] = bpf.Instruction{Op: x.Code, Jt: x.Jt, Jf: x.Jf, K: x.K}
		}
		m, err := bpf.NewMachine(program)
		if err == nil {
			ret, _ := m.Run(&call)
			if action := ret & unix.SECCOMP_RET_ACTION_FULL; action == unix.SECCOMP_RET_ALLOW || action == unix.SECCOMP_RET_LOG {
				continue
			}
		}
		again := int64(restartNoIntr)
		regs.Rax = uint64(again)
		unix.PtraceSetRegs(tid, &regs) // if that fails, it would have failed for a reason that also ended the thread
		return
	}
}
