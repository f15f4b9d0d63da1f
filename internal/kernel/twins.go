package kernel

import (
	"slices"
	"strings"
)

// Twins returns the calls of a that do what the call of a name does, by another number: with wider types, as mmap2,
// ftruncate64, chown32 and futex_time64 on 32-bit architectures, or for many calls at once, as socketcall and ipc. The
// name need not be one of a's own.
func (a *Arch) Twins(name string) []string {
	var twins []string
	add := func(other string) {
		if _, ok := a.Call(other); ok && other != name && !slices.Contains(twins, other) {
			twins = append(twins, other)
		}
	}
	base := name
	for _, wider := range [...]string{"_time64", "64", "32"} {
		if short, ok := strings.CutSuffix(name, wider); ok && KnownCall(short) {
			base = short
			break
		}
	}
	for _, wider := range [...]string{"", "_time64", "64", "32"} {
		add(base + wider)
	}
	for _, pair := range [...][2]string{{"mmap", "mmap2"}, {"lseek", "_llseek"}, {"newfstatat", "fstatat64"},
		{"sync_file_range", "sync_file_range2"}, {"fadvise64", "fadvise64_64"}, {"fadvise64", "arm_fadvise64_64"}} {
		switch name {
		case pair[0]:
			add(pair[1])
		case pair[1]:
			add(pair[0])
		}
	}
	switch name {
	case "socket", "bind", "connect", "listen", "accept", "accept4", "getsockname", "getpeername", "socketpair", "send",
		"sendto", "recv", "recvfrom", "shutdown", "setsockopt", "getsockopt", "sendmsg", "recvmsg", "sendmmsg", "recvmmsg":
		add("socketcall") // include/uapi/linux/net.h
	case "semop", "semget", "semctl", "semtimedop", "msgsnd", "msgrcv", "msgget", "msgctl", "shmat", "shmdt", "shmget",
		"shmctl":
		add("ipc") // include/uapi/linux/ipc.h
	}
	return twins
}
