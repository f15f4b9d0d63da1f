package filter

import (
	"fmt"

	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
)

// What a program may return that package policy has no Action for: <linux/seccomp.h>.
const (
	retKillThread = 0x00000000
	retTrap       = 0x00030000
	retErrno      = 0x00050000
	retNotify     = 0x7fc00000
	retTrace      = 0x7ff00000
	retLog        = 0x7ffc0000
	retAllow      = 0x7fff0000
	retKill       = 0x80000000
	retData       = 0x0000ffff
	maxErrno      = 4095
)

// canonical returns what a return value comes to. The kernel looks at the data of some actions only: "data =
// min_t(int, data, MAX_ERRNO)" for errno, si_errno for trap, the message for trace (__seccomp_filter of
// kernel/seccomp.c, 6.18). An action that it doesn't know kills the process.
func canonical(ret uint32) uint32 {
	switch ret & actionFull {
	case retErrno:
		return retErrno | min(ret&retData, maxErrno)
	case retTrap, retTrace:
		return ret
	case retNotify, retLog, retAllow, retKillThread:
		return ret & actionFull
	}
	if ret == retComputed {
		return ret
	}
	return retKill
}

// nearest returns the action that stands for a canonical return value in the policy language: itself, or one that
// lets no more happen; exact tells which. Without its tracer or listener the kernel answers ENOSYS for both.
func nearest(ret uint32, arch *kernel.Arch) (a policy.Action, exact bool) {
	switch a, ok := policy.ActionOf(ret); {
	case ret == retErrno: // it succeeds without having been made
		return policy.Action{Kind: policy.Errno, Errno: 1}, false
	case ok:
		return a, true
	}
	switch ret & actionFull {
	case retTrap:
		return policy.Action{Kind: policy.Trap}, false
	case retTrace, retNotify:
		errno, _ := arch.Errno("ENOSYS")
		return policy.Action{Kind: policy.Errno, Errno: max(errno, 1)}, false
	}
	return policy.Action{}, false
}

// retText puts a canonical return value into words, as the language would if it could.
func retText(ret uint32, arch *kernel.Arch) string {
	data := ret & retData
	switch {
	case ret == retKillThread:
		return "kill_thread"
	case ret == retComputed:
		return "a computed result"
	case ret == retErrno:
		return "errno(0) (success, the call not made)"
	case ret&actionFull == retNotify:
		return "user_notif"
	case ret&actionFull == retTrace:
		return fmt.Sprintf("trace(%d)", data)
	case ret&actionFull == retTrap && data != 0:
		return fmt.Sprintf("trap with the data %d", data)
	}
	a, _ := policy.ActionOf(ret)
	if name, ok := arch.ErrnoName(a.Errno); ok && a.Kind == policy.Errno {
		return "errno(" + name + ")"
	} else if a.Kind == policy.Errno {
		return fmt.Sprintf("errno(%d)", a.Errno)
	}
	return a.Text(arch)
}
