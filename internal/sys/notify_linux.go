package sys

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A Notification is struct seccomp_notif of <linux/seccomp.h>: a call that waits for the answer of whoever holds the
// listener (seccomp_unotify(2)).
type Notification struct {
	ID    uint64
	Pid   uint32 // the id of the thread, in the receiver's pid namespace; 0 if it can't be named there
	Flags uint32
	Nr    int32
	Arch  uint32
	IP    uint64 // the instruction pointer
	Args  [6]uint64
}

// notifResponse is struct seccomp_notif_resp.
type notifResponse struct {
	id    uint64
	val   int64
	err   int32
	flags uint32
}

// TellsLastUser returns 0 if the kernel tells the holder of a listener, by POLLHUP, when the last task that has the filter
// has gone: since Linux 5.9. The sign is close_range(2), which is as old; the errno is that call's.
func TellsLastUser() syscall.Errno {
	const none = 1<<32 - 2
	_, _, errno := unix.RawSyscall(unix.SYS_CLOSE_RANGE, none, none, 0)
	return errno
}

// ReceiveNotification waits for a call. EINTR is a signal; ENOENT a caller that died meanwhile: both are for trying
// again.
func ReceiveNotification(listener int) (n Notification, errno syscall.Errno) {
	// "The structure … must be zeroed out before the call" (seccomp_unotify(2)).
	_, _, errno = unix.Syscall(unix.SYS_IOCTL, uintptr(listener), unix.SECCOMP_IOCTL_NOTIF_RECV, uintptr(unsafe.Pointer(&n)))
	return n, errno
}

// RefuseNotification has the call fail with an errno. ENOENT is a caller that died meanwhile.
func RefuseNotification(listener int, id uint64, with syscall.Errno) syscall.Errno {
	return respond(listener, &notifResponse{id: id, err: -int32(with)})
}

// ContinueNotification has the kernel make the call. EINVAL is a kernel that can't (before Linux 5.5); ENOENT a
// caller that died meanwhile.
func ContinueNotification(listener int, id uint64) syscall.Errno {
	return respond(listener, &notifResponse{id: id, flags: unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE})
}

// NotificationValid tells whether the call still waits for its answer: what was read of its thread until now is of that
// thread, and of no later one with the same id.
func NotificationValid(listener int, id uint64) bool {
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(listener), unix.SECCOMP_IOCTL_NOTIF_ID_VALID, uintptr(unsafe.Pointer(&id)))
	return errno == 0
}

func respond(listener int, r *notifResponse) syscall.Errno {
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(listener), unix.SECCOMP_IOCTL_NOTIF_SEND, uintptr(unsafe.Pointer(r)))
	return errno
}
