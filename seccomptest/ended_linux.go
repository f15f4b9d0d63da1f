package seccomptest

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/stagelock/seccomp/proc"
)

// A lockedness is whether a child ended with more filters than it was started under.
type lockedness int

const (
	unseen lockedness = iota // /proc does not tell
	isLocked
	isUnlocked
)

// ended waits for a child's end, leaves it to be collected, and looks whether it was locked. The child itself makes no
// call for that, which its policy could refuse: of a process that has ended, too, the kernel shows mode and filters.
func ended(pid int) lockedness {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if err == nil {
			break
		}
		if err != unix.EINTR {
			return unseen
		}
	}
	if self, err := os.Readlink("/proc/self"); err != nil || self != strconv.Itoa(os.Getpid()) {
		return unseen // it is of another pid namespace, where the child has another id
	}
	ours, ok := stateOf(os.Getpid())
	theirs, ok2 := stateOf(pid)
	switch {
	case !ok || !ok2 || theirs.Mode == proc.Unknown:
		return unseen
	case theirs.Mode == proc.Disabled:
		return isUnlocked
	case ours.Mode == proc.Disabled || theirs.Filters > ours.Filters:
		return isLocked
	case theirs.Filters < 0: // before Linux 5.9
		return unseen
	}
	return isUnlocked
}

// stateOf returns the state of a process's first thread.
func stateOf(pid int) (proc.State, bool) {
	threads, _ := proc.FS{}.Threads(pid)
	for _, s := range threads {
		if s.Tid == pid {
			return s, true
		}
	}
	return proc.State{}, false
}
