package attack

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/stagelock/seccomp/lock"
)

// Putting another file in the place of a descriptor that a rule names.
var descriptors = []attack{
	refused("dup3 over descriptor 2 and over the runtime's eventfd", func(s *scene) {
		var session lock.Session
		rt, err := session.Prepare()
		s.Must(err)
		f, err := os.OpenFile(s.file(), os.O_RDWR, 0)
		s.Must(err)
		s.lock()
		fd := uint64(f.Fd())
		for _, to := range []int{2, rt.EventFD, rt.EpollFD} {
			s.call(syscall.EPERM, "dup3", fd, uint64(to), 0)
			s.call(syscall.EPERM, "dup3", fd, uint64(to), unix.O_CLOEXEC)
			s.call(syscall.EPERM, "dup2", fd, uint64(to))
		}
		s.call(syscall.EPERM, "dup", fd)
		s.call(syscall.EPERM, "fcntl", fd, unix.F_DUPFD, 2)
		s.call(syscall.EPERM, "pidfd_getfd", fd, 2)
	}),
	// close and a call that gives the lowest free number do what dup3 can't, where a stage has both.
	unrefusable("What is open", "another file under number 2, by closing it first", func(s *scene) {
		f, err := os.OpenFile(s.file(), os.O_RDWR, 0)
		s.Must(err)
		s.lock()
		s.Allowed("close descriptor 2", func() error { return unix.Close(2) })
		s.Allowed("put a file that is open under its number", func() error {
			fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 2)
			if err == nil && fd != 2 {
				s.Errorf("it got %d", fd)
			}
			return err
		})
		s.call(syscall.EPERM, "dup3", uint64(f.Fd()), 2)
	}),
	// A descriptor handed over by a process outside is as good as one opened inside.
	unrefusable("Helpers outside", "a descriptor from a process that is not locked", func(s *scene) {
		pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		s.Must(err)
		f, err := os.OpenFile(s.file(), os.O_RDWR, 0)
		s.Must(err)
		s.Must(unix.Sendmsg(pair[1], []byte{0}, unix.UnixRights(int(f.Fd())), nil, 0)) // as a helper would
		s.Must(f.Close())
		s.lock()
		oob := make([]byte, unix.CmsgSpace(4))
		s.Allowed("receive it", func() error {
			_, _, _, _, err := unix.Recvmsg(pair[0], make([]byte, 1), oob, 0)
			return err
		})
		messages, err := unix.ParseSocketControlMessage(oob)
		s.Must(err)
		fds, err := unix.ParseUnixRights(&messages[0])
		s.Must(err)
		s.Allowed("write through it", func() error { _, err := unix.Pwrite(fds[0], []byte("t"), 0); return err })
	}),
}
