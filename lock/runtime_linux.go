package lock

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/stagelock/seccomp/internal/digits"
	"github.com/stagelock/seccomp/internal/sys"
)

// Prepare brings the Go runtime into a known state, so that a stage can leave less open to it, and tells by what
// numbers the kernel knows it. It changes nothing that the runtime would not do by itself sooner or later:
//
//   - the network poller is started. The runtime does that at the first timer or pollable descriptor, with
//     epoll_create1, eventfd2 and epoll_ctl (runtime/netpoll_epoll.go, netpollinit);
//   - the template thread is started, from which threads are made while a goroutine is locked to its own
//     (runtime/proc.go, startTemplateThread). Install itself locks one.
//
// The descriptors are found through /proc; where it can't be read they are -1, and that is no error. An error means
// that the poller could not be started, for want of descriptors.
func (s *Session) Prepare() (Runtime, error) {
	rt := Runtime{Pid: os.Getpid(), EpollFD: -1, EventFD: -1}

	runtime.LockOSThread()
	runtime.UnlockOSThread()

	// A file that does not block is registered with the poller when it is made of a descriptor (os.NewFile); that starts
	// the poller, and marks it as the runtime's own among all epoll descriptors that a process may have.
	var pipe [2]int
	if err := syscall.Pipe2(pipe[:], syscall.O_CLOEXEC|syscall.O_NONBLOCK); err != nil {
		return rt, fmt.Errorf("start the network poller: pipe2: %w", err)
	}
	defer syscall.Close(pipe[1])
	var mark syscall.Stat_t
	err := syscall.Fstat(pipe[0], &mark)
	r := os.NewFile(uintptr(pipe[0]), "pipe")
	defer r.Close()
	if err != nil {
		return rt, nil
	}
	self := s.Proc.Self()[:len(s.Proc.Self())-len("/task")]
	fds, err := sys.Names(self + "/fd")
	if err != nil {
		return rt, nil
	}
	for _, name := range fds {
		if !links(self, name, "anon_inode:[eventpoll]") {
			continue
		}
		info, err := readAll(self + "/fdinfo/" + name)
		if err != nil {
			continue
		}
		watched := parseEpoll(info)
		if !slices.ContainsFunc(watched, func(t target) bool { return t.inode == uint64(mark.Ino) }) {
			continue
		}
		fd, _ := digits.Parse(name, 10, 31)
		rt.EpollFD = int(fd)
		rt.EventFD = eventFD(watched, self)
		break
	}
	return rt, nil
}

// links tells whether a descriptor is of what a link to "to" says.
func links(self, fd, to string) bool {
	var link [32]byte // longer than to
	n, err := syscall.Readlink(self+"/fd/"+fd, link[:])
	return err == nil && string(link[:max(n, 0)]) == to
}

// readAll reads a file of /proc. os.ReadFile asks for its size first, which is 0, and links what a file's size, times and
// mode take.
func readAll(path string) ([]byte, error) {
	fd, err := openat(path)
	if err != nil {
		return nil, err
	}
	defer syscall.Close(fd)
	text := make([]byte, 0, 1<<10)
	for {
		n, err := syscall.Read(fd, text[len(text):cap(text)])
		switch {
		case err == syscall.EINTR:
			continue
		case err != nil:
			return nil, err
		case n == 0:
			return text, nil
		}
		text = text[:len(text)+n]
		text = slices.Grow(text, 1)
	}
}

// A target is a descriptor that an epoll descriptor watches.
type target struct {
	fd     int
	events uint32
	inode  uint64
}

// parseEpoll reads the targets out of the fdinfo of an epoll descriptor, a line each (proc(5), /proc/PID/fdinfo):
//
//	tfd:        5 events: 8000201d data: ffffffffffffffff  pos:0 ino:61af sdev:7
func parseEpoll(fdinfo []byte) (targets []target) {
	for len(fdinfo) > 0 {
		end := bytes.IndexByte(fdinfo, '\n')
		if end < 0 {
			end = len(fdinfo) - 1
		}
		words, n := fields(string(fdinfo[:end+1]))
		fdinfo = fdinfo[end+1:]
		if n < 8 || words[0] != "tfd:" || words[2] != "events:" || !strings.HasPrefix(words[7], "ino:") {
			continue
		}
		fd, ok1 := digits.Parse(words[1], 10, 31)
		events, ok2 := digits.Parse(words[3], 16, 32)
		inode, ok3 := digits.Parse(words[7][len("ino:"):], 16, 64)
		if ok1 && ok2 && ok3 {
			targets = append(targets, target{int(fd), uint32(events), inode})
		}
	}
	return targets
}

// fields returns the first words of a line, which ends in a blank.
func fields(line string) (words [8]string, n int) {
	start := 0
	for i := 0; i < len(line) && n < len(words); i++ {
		switch line[i] {
		case ' ', '\t', '\n':
			if i > start {
				words[n] = line[start:i]
				n++
			}
			start = i + 1
		}
	}
	return words, n
}

// eventFD finds the runtime's own eventfd among the targets of its poller. The program's eventfds may be there too;
// those are watched edge-triggered, as all its files are, and only the runtime's own is not.
func eventFD(watched []target, self string) int {
	found := -1
	for _, t := range watched {
		if t.events&unix.EPOLLET != 0 || !links(self, strconv.Itoa(t.fd), "anon_inode:[eventfd]") {
			continue
		}
		if found >= 0 {
			return -1 // two of them: rather none than the wrong one
		}
		found = t.fd
	}
	return found
}
