package lock_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/lock"
	"github.com/stagelock/seccomp/seccomptest"
)

// held gives the descriptors that are open on status files of this process's threads, and their threads.
func held(c *seccomptest.C) map[int]int {
	fds, err := os.ReadDir("/proc/self/fd")
	c.Must(err)
	found := make(map[int]int)
	for _, e := range fds {
		link, _ := os.Readlink(filepath.Join("/proc/self/fd", e.Name()))
		parts := strings.Split(link, "/") // /proc/PID/task/TID/status
		if len(parts) == 6 && parts[1] == "proc" && parts[2] == strconv.Itoa(os.Getpid()) && parts[5] == "status" {
			fd, err := strconv.Atoi(e.Name())
			c.Must(err)
			found[fd], err = strconv.Atoi(parts[4])
			c.Must(err)
		}
	}
	return found
}

// replace puts the file at path in the place of descriptors.
func replace(c *seccomptest.C, fds map[int]int, path string) {
	f, err := os.Open(path)
	c.Must(err)
	for fd := range fds {
		c.Must(unix.Dup3(int(f.Fd()), fd, unix.O_CLOEXEC))
	}
	c.Must(f.Close())
}

// What an attacker may do between two stages to the descriptors that are kept for the second.
var tampering = map[string]func(c *seccomptest.C, fds map[int]int){
	"closed": func(c *seccomptest.C, fds map[int]int) {
		for fd := range fds {
			c.Must(unix.Close(fd))
		}
	},
	"the main thread's closed": func(c *seccomptest.C, fds map[int]int) {
		for fd, tid := range fds {
			if tid == os.Getpid() {
				c.Must(unix.Close(fd))
			}
		}
	},
	"at an end": func(c *seccomptest.C, fds map[int]int) { replace(c, fds, os.DevNull) },
	"malformed": func(c *seccomptest.C, fds map[int]int) { replace(c, fds, "/proc/self/stat") },
	"too long":  func(c *seccomptest.C, fds map[int]int) { replace(c, fds, "/dev/zero") },
	"the parent's": func(c *seccomptest.C, fds map[int]int) {
		replace(c, fds, "/proc/"+strconv.Itoa(os.Getppid())+"/status")
	},
	"all of one thread":  func(c *seccomptest.C, fds map[int]int) { replace(c, fds, "/proc/self/status") },
	"without the number": func(c *seccomptest.C, fds map[int]int) { forge(c, fds, "Seccomp_filters:") },
	"of one that ended": func(c *seccomptest.C, fds map[int]int) {
		child := exec.Command("/bin/cat")
		in, err := child.StdinPipe()
		c.Must(err)
		c.Must(child.Start())
		replace(c, fds, "/proc/"+strconv.Itoa(child.Process.Pid)+"/status")
		c.Must(in.Close())
		c.Must(child.Wait())
	},
}

// forge puts copies of the status files in their places, without the lines that begin so.
func forge(c *seccomptest.C, fds map[int]int, without string) {
	for fd, tid := range fds {
		status, err := os.ReadFile("/proc/self/task/" + strconv.Itoa(tid) + "/status")
		c.Must(err)
		var lines []string
		for _, line := range strings.SplitAfter(string(status), "\n") {
			if !strings.HasPrefix(line, without) {
				lines = append(lines, line)
			}
		}
		path := filepath.Join(os.Getenv("DIR"), strconv.Itoa(tid))
		c.Must(os.WriteFile(path, []byte(strings.Join(lines, "")), 0o644))
		replace(c, map[int]int{fd: tid}, path)
	}
}

// A filter that answers in the kernel's place that all is well, and nobody to see that it isn't: the lock must not
// return nil, not even the one after.
var blinded = seccomptest.Case("blinded", func(c *seccomptest.C) {
	var s lock.Session
	_, err := s.Install(one("init", long(2)))
	c.Must(err)

	fds := held(c)
	tampering[os.Getenv("WAY")](c, fds)
	outer(c, refuse(0, unix.SYS_SECCOMP))
	for _, name := range []string{"serve", "later"} {
		r, err := s.Install(one(name, refuse(unix.EPERM, unix.SYS_GETPPID)))
		want(c, name, errors.Is(err, lock.ErrUnverified), err)
		want(c, "its receipt", len(r.Instructions) == 1 && r.Verified == 0, r)
		c.Logf("%v", err)
	}
	c.Allowed("getppid, since nothing was installed", getppid)
})

func TestBlinded(t *testing.T) {
	for way := range tampering {
		t.Run(way, func(t *testing.T) {
			blinded.RunWith(t, seccomptest.Options{Env: []string{"WAY=" + way, "DIR=" + t.TempDir()}})
		})
	}
}

// The same with pread64 answered in the way of a thread that has ended: the main thread doesn't end.
var ended = seccomptest.Case("all said to have ended", func(c *seccomptest.C) {
	var s lock.Session
	_, err := s.Install(one("init", long(2)))
	c.Must(err)
	outer(c, refuse(unix.ESRCH, unix.SYS_PREAD64))
	_, err = s.Install(one("serve", refuse(unix.EPERM, unix.SYS_GETPPID)))
	want(c, "error", errors.Is(err, lock.ErrUnverified) && errors.Is(err, unix.ESRCH), err)
	c.Refused(unix.EPERM, "getppid", getppid)
})

func TestMainThreadDoesNotEnd(t *testing.T) { ended.Run(t) }

// Files of the program's that have come to the numbers of our descriptors stay open, whatever we do then.
var reused = seccomptest.Case("numbers in use again", func(c *seccomptest.C) {
	parent := "/proc/" + strconv.Itoa(os.Getppid()) + "/status" // well-formed, but not ours
	for i, end := range []string{"a last stage", "Close", "a last stage", "Close"} {
		var s lock.Session
		_, err := s.Install(one("init", long(2)))
		c.Must(err)
		fds := held(c)
		want(c, "kept", len(fds) > 0, fds)
		file := []string{os.DevNull, parent}[i/2]
		replace(c, fds, file)
		if end == "Close" {
			s.Close()
		} else {
			_, err = s.Install(lock.Stage{Name: "serve", Filters: [][]lock.Instruction{long(2)}, Last: true})
			want(c, end, errors.Is(err, lock.ErrUnverified), err)
		}
		for fd := range fds {
			link, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(fd))
			want(c, end+" leaves the program's file open", err == nil && link == file, link)
			c.Must(unix.Close(fd))
		}
	}
})

func TestNumbersReused(t *testing.T) { reused.Run(t) }

var closed = seccomptest.Case("a closed session", func(c *seccomptest.C) {
	var s lock.Session
	_, err := s.Install(one("init", long(2)))
	c.Must(err)
	s.Close()
	want(c, "left open", len(held(c)) == 0, held(c))
	_, err = s.Install(one("serve", refuse(unix.EPERM, unix.SYS_GETPPID)))
	want(c, "error", errors.Is(err, lock.ErrUnverified), err)
	c.Refused(unix.EPERM, "getppid", getppid)
})

func TestClosedSession(t *testing.T) { closed.Run(t) }

// Of many threads few files stay open. Threads that end in the meantime are no reason for an error.
var few = seccomptest.Case("few are kept", func(c *seccomptest.C) {
	ends := make(map[int]chan struct{}) // by the thread
	for range 43 {
		ready, end := make(chan int), make(chan struct{})
		go func() { runtime.LockOSThread(); ready <- unix.Gettid(); <-end }()
		ends[<-ready] = end
	}
	var s lock.Session
	r, err := s.Install(one("init", long(2)))
	c.Must(err)
	want(c, "all are verified at first", r.Verified > 40 && r.Unverified == "", r)
	before := held(c)
	want(c, "kept", len(before) == 8, before)
	hasMain := func(fds map[int]int) bool {
		for _, tid := range fds {
			if tid == os.Getpid() {
				return true
			}
		}
		return false
	}
	want(c, "the main thread among them", hasMain(before), before)

	gone := 0
	for _, tid := range before {
		if end := ends[tid]; end != nil && gone < 3 {
			close(end)
			for unix.Tgkill(os.Getpid(), tid, 0) != unix.ESRCH {
				time.Sleep(time.Millisecond)
			}
			gone++
		}
	}
	tasks, err := os.ReadDir("/proc/self/task")
	c.Must(err)
	r, err = s.Install(one("serve", long(2)))
	c.Must(err)
	after := held(c)
	want(c, "those that ended are closed", gone > 0 && len(after) == len(before)-gone && r.Verified == len(after) && hasMain(after), after)
	want(c, "receipt", r.Unverified == "" && r.Verified+r.Inherited >= len(tasks), r)
	_, err = s.Install(lock.Stage{Name: "last", Filters: [][]lock.Instruction{long(2)}, Last: true})
	c.Must(err)
	want(c, "left after the last", len(held(c)) == 0, held(c))
})

func TestFewAreKept(t *testing.T) { few.Run(t) }

// The main thread is kept also where ids have begun anew and its own is the highest.
var highest = seccomptest.Case("the main thread's id is the highest", func(c *seccomptest.C) {
	var status []string
	for tid := 7; tid <= 16; tid++ {
		status = append(status, "Tgid:\t16\nPid:\t"+strconv.Itoa(tid)+"\nThreads:\t10\nNoNewPrivs:\t1\nSeccomp:\t2\n")
	}
	s := lock.Session{Proc: fixture(c, status...)}
	self := filepath.Join(s.Proc.Root, "self")
	c.Must(os.Rename(self, filepath.Join(s.Proc.Root, "16")))
	c.Must(os.Symlink("16", self))
	r, err := s.Install(one("init", long(2)))
	c.Must(err)
	want(c, "receipt", r.Verified == 10 && r.Inherited == 0, r)
	fds, err := os.ReadDir("/proc/self/fd")
	c.Must(err)
	var kept []string
	for _, e := range fds {
		if link, _ := os.Readlink("/proc/self/fd/" + e.Name()); filepath.Base(link) == "status" {
			kept = append(kept, filepath.Base(filepath.Dir(link)))
		}
	}
	want(c, "kept", len(kept) == 8 && slices.Contains(kept, "16"), kept)
})

func TestMainThreadIsKept(t *testing.T) {
	highest.RunWith(t, seccomptest.Options{Env: []string{"DIR=" + t.TempDir()}})
}

// However many threads there are, the program can open files all the time.
var headroom = seccomptest.Case("descriptors to spare", func(c *seccomptest.C) {
	threads(100)
	c.Must(openNull())
	limit := unix.Rlimit{Max: 4096}
	for free := 0; free < 60; limit.Cur++ {
		if _, err := unix.FcntlInt(uintptr(limit.Cur), unix.F_GETFD, 0); err == unix.EBADF {
			free++
		}
	}
	c.Must(unix.Setrlimit(unix.RLIMIT_NOFILE, &limit))
	stop, opened := make(chan struct{}), make(chan error)
	for range 4 {
		go func() {
			for {
				select {
				case <-stop:
					opened <- nil
					return
				default:
				}
				if err := openNull(); err != nil {
					opened <- err
					return
				}
			}
		}()
	}
	var s lock.Session
	r, err := s.Install(one("init", refuse(unix.EPERM, unix.SYS_GETPPID)))
	c.Must(err)
	close(stop)
	for range 4 {
		c.Must(<-opened)
	}
	// 60 were free, of which the program has four at most: 16 short of the limit it stops, and closes 16 more for what the
	// program has opened since.
	want(c, "receipt", r.Verified >= 60-2*16-4 && r.Verified <= 60-2*16 && r.Inherited >= 40 &&
		strings.Contains(r.Unverified, "too many open files"), r)
	each(c, 1, true)
})

func TestHeadroom(t *testing.T) { headroom.Run(t) }

// All that reading back takes is close, and pread64 in the one shape that the policy leaves open.
var shape = seccomptest.Case("the shape of pread64", func(c *seccomptest.C) {
	ld := func(at uint32) lock.Instruction { return lock.Instruction{Code: ldNR, K: at} }
	unless := func(k uint32, skip uint8) lock.Instruction { return lock.Instruction{Code: jeq, Jf: skip, K: k} }
	count, pos := uint32(16+2*8), uint32(16+3*8) // of struct seccomp_data
	if kernel.Native().BigEndian {
		count, pos = count+4, pos+4 // the low words
	}
	pread := []lock.Instruction{
		ld(0), unless(unix.SYS_PREAD64, 6),
		ld(count), unless(16384, 3),
		ld(pos), unless(0, 1),
		{Code: ret, K: unix.SECCOMP_RET_ALLOW},
		{Code: ret, K: unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)},
		{Code: ret, K: unix.SECCOMP_RET_ALLOW},
	}
	var s lock.Session
	for _, name := range []string{"init", "serve"} {
		r, err := s.Install(one(name, pread))
		c.Must(err)
		want(c, name, r.Verified > 0 && r.Unverified == "", r)
	}
})

func TestReadBackShape(t *testing.T) {
	shape.Run(t)
	text, err := os.ReadFile("../runtimeset/lock.policy")
	if err != nil || !strings.Contains(string(text), "\nsys_pread64: count == 16384 && pos == 0 ") {
		t.Errorf("the policy keeps another shape: %v\n%s", err, text)
	}
}
