//go:build (amd64 || arm64) && !race

package sys

//lint:file-ignore U1000 what is here is reached from the assembly

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// An observation is what the observer works with for one call.
type observation struct {
	poll   pollFd
	pause  timespec
	notice Notification
	answer notifResponse
	local  iovec
	remote iovec
	pair   [2]uintptr
	info   signalInfo
}

type pollFd struct {
	fd              int32
	events, revents int16
}

type timespec struct{ sec, nsec int64 }

type iovec struct{ base, size uintptr }

// A call is one that a thread makes, to be known again.
type call struct {
	thread uint32
	nr     int32
	args   uint64 // all of them, mixed
}

// observe is what the observer does. Errors have no way out of here: each has a meaning, or ends it.
//
//go:nosplit
//go:norace
func observe() {
	o := &observer.scratch
	for observer.listener.Load() == listenerComes {
		o.pause = timespec{nsec: 50_000}
		syscall.RawSyscall6(unix.SYS_PPOLL, 0, 0, uintptr(unsafe.Pointer(&o.pause)), 0, 0, 0)
	}
	listener := observer.listener.Load() - 1
	if listener < 0 {
		exit()
	}
	// The descriptors become its own, and then there is only one left: the sockets and pipes of this program, and its
	// standard ones, must close when the program closes them.
	if listener > 0 {
		syscall.RawSyscall(unix.SYS_CLOSE_RANGE, 0, uintptr(listener-1), unix.CLOSE_RANGE_UNSHARE)
	}
	syscall.RawSyscall(unix.SYS_CLOSE_RANGE, uintptr(listener+1), 1<<32-1, unix.CLOSE_RANGE_UNSHARE)
	o.poll.fd = listener
	// Since Linux 6.6 a call may be answered on the processor it comes from, which takes a third of the time.
	syscall.RawSyscall(unix.SYS_IOCTL, uintptr(listener), unix.SECCOMP_IOCTL_NOTIF_SET_FLAGS, unix.SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP)
	observer.ready.Store(true)
	for {
		o.poll.events = unix.POLLIN
		_, _, errno := syscall.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&o.poll)), 1, 0, 0, 0, 0)
		if errno != 0 {
			continue
		}
		if o.poll.revents&unix.POLLIN == 0 {
			exit() // "POLLHUP: the last task using the filter has exited" (seccomp_unotify(2))
		}
		o.notice = Notification{}
		_, _, errno = syscall.RawSyscall(unix.SYS_IOCTL, uintptr(listener), unix.SECCOMP_IOCTL_NOTIF_RECV, uintptr(unsafe.Pointer(&o.notice)))
		if errno != 0 {
			continue // ENOENT: the caller was interrupted, or died
		}
		known := comesAgain()
		if !known && judgeRefuses() {
			writeDown()
			known = true
		}
		o.answer = notifResponse{id: o.notice.ID, flags: unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE}
		_, _, errno = syscall.RawSyscall(unix.SYS_IOCTL, uintptr(listener), unix.SECCOMP_IOCTL_NOTIF_SEND, uintptr(unsafe.Pointer(&o.answer)))
		if errno == unix.ENOENT && known {
			noteAgain() // a signal came, and the call will be made once more
		}
	}
}

//go:nosplit
//go:norace
func exit() {
	for {
		syscall.RawSyscall(unix.SYS_EXIT_GROUP, 0, 0, 0)
	}
}

// comesAgain tells whether the call was written down already, and then interrupted.
//
//go:nosplit
//go:norace
func comesAgain() bool {
	n := &observer.scratch.notice
	c := &observer.again[n.Pid%againSize]
	if c.thread != n.Pid || c.nr != n.Nr || c.args != mixed(n) {
		return false
	}
	*c = call{}
	return true
}

//go:nosplit
//go:norace
func noteAgain() {
	n := &observer.scratch.notice
	observer.again[n.Pid%againSize] = call{n.Pid, n.Nr, mixed(n)}
}

//go:nosplit
//go:norace
func mixed(n *Notification) uint64 {
	h := n.IP
	for i := range len(n.Args) {
		h = (h ^ n.Args[i]) * 0x100000001b3 // FNV
	}
	return h
}

// judgeRefuses tells whether the stage that the program is in would refuse the call.
//
//go:nosplit
//go:norace
func judgeRefuses() bool {
	n := observer.judge.Load()
	if n == 0 {
		return false
	}
	j := &observer.judges[n-1]
	for i := 0; i < j.count; i++ {
		switch runFilter(j.programs[i]) & unix.SECCOMP_RET_ACTION_FULL {
		case unix.SECCOMP_RET_ALLOW, unix.SECCOMP_RET_LOG:
		default:
			return true
		}
	}
	return false
}

// runFilter runs a program on the call. What package filter compiles has no other instructions than these.
//
//go:nosplit
//go:norace
func runFilter(p []SockFilter) uint32 {
	// A struct seccomp_data is what a notification has from the number on.
	data := unsafe.Pointer(&observer.scratch.notice.Nr)
	const size = 64
	var a uint32
	for pc := uint(0); pc < uint(len(p)); pc++ {
		i := p[pc]
		var is bool
		switch i.Code {
		case unix.BPF_LD | unix.BPF_W | unix.BPF_ABS:
			if i.K > size-4 {
				return unix.SECCOMP_RET_KILL_PROCESS
			}
			a = *(*uint32)(unsafe.Add(data, i.K))
			continue
		case unix.BPF_ALU | unix.BPF_AND | unix.BPF_K:
			a &= i.K
			continue
		case unix.BPF_RET | unix.BPF_K:
			return i.K
		case unix.BPF_JMP | unix.BPF_JA:
			pc += uint(i.K)
			continue
		case unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K:
			is = a == i.K
		case unix.BPF_JMP | unix.BPF_JGT | unix.BPF_K:
			is = a > i.K
		case unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K:
			is = a >= i.K
		case unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K:
			is = a&i.K != 0
		default:
			return unix.SECCOMP_RET_KILL_PROCESS
		}
		if is {
			pc += uint(i.Jt)
		} else {
			pc += uint(i.Jf)
		}
	}
	return unix.SECCOMP_RET_KILL_PROCESS
}

// writeDown puts the call into the ring, with the stack if that is to be had and worth some microseconds: of the first
// calls of a number each, and later of ever fewer. Those have a part of the ring to themselves, so that a flood of one
// call does not push out others.
//
//go:nosplit
//go:norace
func writeDown() {
	const first, reserved = 64, ringSize / 2
	n := &observer.scratch.notice
	count := &observer.count[uint32(n.Nr)%seenSize]
	if *count < 1<<31 {
		*count++
	}
	of := *count
	seldom := of <= first || of&(of-1) == 0
	head := observer.head.Load()
	used := head - observer.tail.Load()
	if used >= ringSize || !seldom && used >= ringSize-reserved {
		observer.skipped[uint32(n.Nr)%seenSize].Add(1)
		return
	}
	x := &observer.ring[head%ringSize]
	x.Judge = observer.judge.Load() - 1
	x.Thread, x.Nr, x.Arch, x.Args, x.Frames = n.Pid, uint32(n.Nr), n.Arch, n.Args, 0
	x.Name[0] = 0
	if arg := observer.named[x.Nr%seenSize]; seldom && arg > 0 {
		readName(x, uintptr(n.Args[arg-1]))
	}
	if seldom && captureStack() {
		walkStack(x)
	}
	observer.head.Store(head + 1)
	if observer.waiting.Load() != 0 {
		const futexWakePrivate = 1 | 128
		syscall.RawSyscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(&observer.head)), futexWakePrivate, 1, 0, 0, 0)
	}
}
