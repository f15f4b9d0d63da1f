package main

import (
	"os"
	"os/signal"
	"strconv"

	"golang.org/x/sys/unix"
)

// goOn takes the supervisor into the background, when the program has ended and left somebody behind: it must not keep
// the terminal's session, a directory, or whoever reads what the command prints until its end.
func goOn(s *streams) {
	keep, rest := true, "and tells here what is refused to it"
	if info, err := os.Stderr.Stat(); err != nil || info.Mode()&(os.ModeNamedPipe|os.ModeSocket) != 0 {
		keep, rest = false, "but it does not tell what is refused to it, since whoever reads this would wait: stderr would have to be a file"
	}
	s.complain("what the program has left behind is still under the filter: process %d answers for it to its end, %s", os.Getpid(), rest)
	// It ends by itself. What ends it sooner, and by mistake, has those that are left fail at every execve.
	signal.Ignore(unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGTERM)
	unix.Setsid()
	unix.Chdir("/")
	if !keep {
		letGo(2)
	}
}

// letGo puts the null device in the place of descriptors, so that who writes or reads at the other end of a pipe notices
// when the program is done with it.
func letGo(fds ...int) {
	null, err := unix.Open(os.DevNull, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	for _, fd := range fds {
		unix.Dup3(null, fd, 0)
	}
	unix.Close(null)
}

// letGoOfAllButStderr lets go of what the caller has given the program: beside the standard descriptors that are all those
// that are not close-on-exec, as this process's own are.
func letGoOfAllButStderr() {
	letGo(0, 1)
	dir, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return
	}
	for _, entry := range dir {
		fd, err := strconv.Atoi(entry.Name())
		if err != nil || fd <= 2 {
			continue
		}
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err == nil && flags&unix.FD_CLOEXEC == 0 {
			unix.Close(fd)
		}
	}
}

// inheritable returns a copy of a descriptor that children have, too.
func inheritable(f *os.File) (fd int, err error) {
	const behindStandard = 3
	fd, err = unix.FcntlInt(f.Fd(), unix.F_DUPFD, behindStandard)
	return fd, os.NewSyscallError("fcntl", err)
}
