package lock

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
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

	// A pipe is registered with the poller when it is made; that starts it, and marks it as the runtime's own among
	// all epoll descriptors that a process may have.
	r, w, err := os.Pipe()
	if err != nil {
		return rt, fmt.Errorf("start the network poller: %w", err)
	}
	defer r.Close()
	defer w.Close()
	mark, err := inode(r)
	if err != nil {
		return rt, nil
	}
	self := filepath.Dir(s.Proc.Self())
	fds, err := os.ReadDir(filepath.Join(self, "fd"))
	if err != nil {
		return rt, nil
	}
	for _, e := range fds {
		if link, _ := os.Readlink(filepath.Join(self, "fd", e.Name())); link != "anon_inode:[eventpoll]" {
			continue
		}
		info, err := os.ReadFile(filepath.Join(self, "fdinfo", e.Name()))
		if err != nil {
			continue
		}
		watched := parseEpoll(info)
		if !slices.ContainsFunc(watched, func(t target) bool { return t.inode == mark }) {
			continue
		}
		rt.EpollFD, _ = strconv.Atoi(e.Name())
		rt.EventFD = eventFD(watched, self)
		break
	}
	return rt, nil
}

func inode(f *os.File) (ino uint64, err error) {
	conn, err := f.SyscallConn() // Fd would make the descriptor blocking and so useless as a mark
	if err != nil {
		return 0, err
	}
	cerr := conn.Control(func(fd uintptr) {
		var st unix.Stat_t
		err = unix.Fstat(int(fd), &st)
		ino = uint64(st.Ino)
	})
	if cerr != nil {
		err = cerr
	}
	return ino, err
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
	for _, line := range strings.Split(string(fdinfo), "\n") {
		words := strings.Fields(line)
		if len(words) < 8 || words[0] != "tfd:" || words[2] != "events:" || !strings.HasPrefix(words[7], "ino:") {
			continue
		}
		fd, err1 := strconv.Atoi(words[1])
		events, err2 := strconv.ParseUint(words[3], 16, 32)
		inode, err3 := strconv.ParseUint(words[7][len("ino:"):], 16, 64)
		if err1 == nil && err2 == nil && err3 == nil {
			targets = append(targets, target{fd, uint32(events), inode})
		}
	}
	return targets
}

// eventFD finds the runtime's own eventfd among the targets of its poller. The program's eventfds may be there too;
// those are watched edge-triggered, as all its files are, and only the runtime's own is not.
func eventFD(watched []target, self string) int {
	found := -1
	for _, t := range watched {
		link, _ := os.Readlink(filepath.Join(self, "fd", strconv.Itoa(t.fd)))
		if link != "anon_inode:[eventfd]" || t.events&unix.EPOLLET != 0 {
			continue
		}
		if found >= 0 {
			return -1 // two of them: rather none than the wrong one
		}
		found = t.fd
	}
	return found
}
