package sys

import (
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// sockFprog is struct sock_fprog of <linux/filter.h>; the compiler pads it as C does.
type sockFprog struct {
	Len    uint16
	Filter *SockFilter
}

// SetModeFilter calls seccomp(SECCOMP_SET_MODE_FILTER, flags, prog) for the calling thread: the caller has pinned
// its goroutine. It returns what the kernel returned, since with SECCOMP_FILTER_FLAG_TSYNC a positive value is an
// answer of its own: the id of a thread that could not be synchronised, and no filter installed (seccomp(2)).
//
// A program of more than 65,535 instructions, which struct sock_fprog cannot even express, answers EINVAL, as the
// kernel does for anything above 4,096.
func SetModeFilter(flags uintptr, prog []SockFilter) (tid int, errno syscall.Errno) {
	if len(prog) == 0 || len(prog) > 1<<16-1 {
		return 0, syscall.EINVAL
	}
	fprog := &sockFprog{Len: uint16(len(prog)), Filter: &prog[0]}
	// Syscall and not RawSyscall: building the filter's bitmap takes the kernel tens of microseconds, for which the
	// scheduler may want the processor.
	r, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(fprog)))
	runtime.KeepAlive(fprog)
	runtime.KeepAlive(prog)
	if errno != 0 {
		return 0, errno
	}
	return int(r), 0
}

// ActionAvailable asks seccomp(SECCOMP_GET_ACTION_AVAIL) whether the kernel knows a filter's return action, a
// SECCOMP_RET_* value. It answers 0, or EOPNOTSUPP for an action it does not know, or EINVAL where it does not know
// the question (before Linux 4.14).
func ActionAvailable(action uint32) syscall.Errno {
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_GET_ACTION_AVAIL, 0, uintptr(unsafe.Pointer(&action)))
	return errno
}

// FlagsAvailable tells whether the kernel knows SECCOMP_FILTER_FLAG_* values, and this process may use them. It asks for a
// filter at address 0: "EFAULT: args was not a valid address" comes after "EINVAL: flags are invalid" (seccomp(2)).
func FlagsAvailable(flags uintptr) bool {
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, 0)
	return errno == unix.EFAULT
}
