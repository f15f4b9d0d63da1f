package lock_test

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/stagelock/seccomp/lock"
	"github.com/stagelock/seccomp/proc"
	"github.com/stagelock/seccomp/seccomptest"
)

// The runtime's descriptors are found among others of the same kind, whichever came first.
var prepare = seccomptest.Case("prepare", func(c *seccomptest.C) {
	ep, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC) // not the runtime's
	c.Must(err)
	ev, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	c.Must(err)
	c.Must(unix.EpollCtl(ep, unix.EPOLL_CTL_ADD, ev, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(ev)}))

	var s lock.Session
	rt, err := s.Prepare()
	c.Must(err)
	want(c, "found", rt.Pid == os.Getpid() && rt.EpollFD >= 0 && rt.EpollFD != ep && rt.EventFD >= 0 && rt.EventFD != ev, rt)
	for fd, kind := range map[int]string{rt.EpollFD: "anon_inode:[eventpoll]", rt.EventFD: "anon_inode:[eventfd]"} {
		link, err := os.Readlink(filepath.Join("/proc/self/fd", strconv.Itoa(fd)))
		want(c, "descriptor "+strconv.Itoa(fd), err == nil && link == kind, link)
	}

	// An eventfd of the program that the runtime polls, too.
	f := os.NewFile(uintptr(ev), "eventfd")
	again, err := s.Prepare()
	c.Must(err)
	want(c, "found again", again == rt, again)
	f.Close()

	// And that is it: waking the poller with all calls refused that could make another one.
	_, err = s.Install(one("init", refuse(unix.EPERM, unix.SYS_EPOLL_CREATE1, unix.SYS_EVENTFD2, unix.SYS_PIPE2)))
	c.Must(err)
	c.Allowed("timers", func() error { threads(3); return openNull() })

})

func TestPrepare(t *testing.T) { prepare.Run(t) }

var prepareHidden = seccomptest.Case("prepare without /proc", func(c *seccomptest.C) {
	c.Unlocked()
	s := lock.Session{Proc: proc.FS{Root: "/nonexistent"}}
	rt, err := s.Prepare()
	c.Must(err)
	want(c, "unknown", rt == lock.Runtime{Pid: os.Getpid(), EpollFD: -1, EventFD: -1}, rt)
})

func TestPrepareWithoutProc(t *testing.T) { prepareHidden.Run(t) }
