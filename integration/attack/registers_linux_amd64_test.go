package attack

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// getpgrp's number: a call that nobody else makes.
const getpgrp = unix.SYS_GETPGRP

// replaceNumber puts another number in the place of the one that a tracee is about to call, if it is that one.
func replaceNumber(pid int, from, to uint64) (done bool, err error) {
	var regs unix.PtraceRegs
	if err := unix.PtraceGetRegs(pid, &regs); err != nil || regs.Orig_rax != from {
		return false, err
	}
	regs.Orig_rax = to
	return true, unix.PtraceSetRegs(pid, &regs)
}

// result returns what a tracee's call gave.
func result(pid int) error {
	var regs unix.PtraceRegs
	if err := unix.PtraceGetRegs(pid, &regs); err != nil {
		return err
	}
	if r := int64(regs.Rax); r < 0 {
		return syscall.Errno(-r)
	}
	return nil
}
