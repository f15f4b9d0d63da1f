package sys

import (
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// seccompMetadata is struct seccomp_metadata of <linux/ptrace.h>.
type seccompMetadata struct {
	FilterOff uint64 // in
	Flags     uint64 // out
}

// PtraceSeccompFilter asks PTRACE_SECCOMP_GET_FILTER for the filter at an index of a stopped tracee, the oldest being 0.
// It stores what prog has room for only if that is all of it: it is called with nil first, for the number of
// instructions. ENOENT means that there is no such filter.
func PtraceSeccompFilter(tid, index int, prog []SockFilter) (n int, errno syscall.Errno) {
	var p unsafe.Pointer
	if len(prog) > 0 {
		p = unsafe.Pointer(&prog[0])
	}
	r, _, errno := unix.Syscall6(unix.SYS_PTRACE, unix.PTRACE_SECCOMP_GET_FILTER, uintptr(tid), uintptr(index), uintptr(p), 0, 0)
	runtime.KeepAlive(prog)
	if errno != 0 {
		return 0, errno
	}
	return int(r), 0
}

// PtraceSeccompFlags asks PTRACE_SECCOMP_GET_METADATA (Linux 4.16) for the flags that a filter was installed with, of
// which the kernel keeps SECCOMP_FILTER_FLAG_LOG.
func PtraceSeccompFlags(tid, index int) (flags uint64, errno syscall.Errno) {
	m := &seccompMetadata{FilterOff: uint64(index)}
	_, _, errno = unix.Syscall6(unix.SYS_PTRACE, unix.PTRACE_SECCOMP_GET_METADATA, uintptr(tid), unsafe.Sizeof(*m),
		uintptr(unsafe.Pointer(m)), 0, 0)
	return m.Flags, errno
}

// PtraceDetach detaches from a stopped tracee and delivers a signal to it, 0 being none.
func PtraceDetach(tid int, signal syscall.Signal) syscall.Errno {
	_, _, errno := unix.Syscall6(unix.SYS_PTRACE, unix.PTRACE_DETACH, uintptr(tid), 0, uintptr(signal), 0, 0)
	return errno
}
