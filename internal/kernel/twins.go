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
	if through, _, ok := a.Multiplexer(name); ok {
		add(through.Name)
	}
	return twins
}

// multiplexed are the calls that some architectures also have behind one number, by the value of its first argument:
// include/uapi/linux/net.h and ipc.h, counted from 1.
var multiplexed = [...]struct {
	through string
	names   [25]string
}{
	{"socketcall", [25]string{1: "socket", "bind", "connect", "listen", "accept", "getsockname", "getpeername", "socketpair",
		"send", "recv", "sendto", "recvfrom", "shutdown", "setsockopt", "getsockopt", "sendmsg", "recvmsg", "accept4",
		"recvmmsg", "sendmmsg"}},
	{"ipc", [25]string{1: "semop", "semget", "semctl", "semtimedop", 11: "msgsnd", "msgrcv", "msgget", "msgctl", 21: "shmat",
		"shmdt", "shmget", "shmctl"}},
}

// Multiplexer returns the call of a, socketcall or ipc, that does what the call of a name does where its first argument
// is sub. The name need not be one of a's own.
func (a *Arch) Multiplexer(name string) (through Call, sub uint64, ok bool) {
	for i := range multiplexed {
		if sub := slices.Index(multiplexed[i].names[:], name); sub > 0 {
			through, ok = a.Call(multiplexed[i].through)
			return through, uint64(sub), ok
		}
	}
	return Call{}, 0, false
}

// Multiplexed calls yield with each name for which Multiplexer returns the call, and its sub.
func (a *Arch) Multiplexed(through string, yield func(name string, sub uint64)) {
	for i := range multiplexed {
		if _, ok := a.Call(through); !ok || multiplexed[i].through != through {
			continue
		}
		for sub, name := range multiplexed[i].names {
			if name != "" {
				yield(name, uint64(sub))
			}
		}
	}
}
