package lock_test

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/stagelock/seccomp/lock"
	"github.com/stagelock/seccomp/proc"
	"github.com/stagelock/seccomp/seccomptest"
)

// pread64 refused by the filter itself: in force, but nobody can see it.
var unreadable = seccomptest.Case("read-back refused", func(c *seccomptest.C) {
	var s lock.Session
	r, err := s.Install(one("init", refuse(unix.EPERM, unix.SYS_PREAD64, unix.SYS_GETPPID)))
	want(c, "error", errors.Is(err, lock.ErrUnverified) && errors.Is(err, unix.EPERM), err)
	want(c, "receipt", len(r.Instructions) == 1 && r.Verified == 0, r)
	c.Refused(unix.EPERM, "getppid", getppid)
	each(c, 1, true)
	c.Logf("%v", err)
})

// A /proc that does not change: what it shows is not what was installed.
var contradicted = seccomptest.Case("read-back contradicts", func(c *seccomptest.C) {
	s := lock.Session{Proc: fixture(c, "Pid:\t7\nThreads:\t1\nNoNewPrivs:\t0\nSeccomp:\t0\nSeccomp_filters:\t0\n")}
	r, err := s.Install(one("init", refuse(unix.EPERM, unix.SYS_GETPPID)))
	var e *lock.Error
	want(c, "error", errors.As(err, &e) && e.Class == lock.ErrUnverified && e.Thread == 7 && e.Errno == 0, err)
	want(c, "receipt", len(r.Instructions) == 1 && r.Verified == 0, r)
	c.Refused(unix.EPERM, "getppid", getppid)
	c.Logf("%v", err)
})

// A kernel before 5.9: the mode is all it shows.
var oldStatus = seccomptest.Case("no Seccomp_filters", func(c *seccomptest.C) {
	s := lock.Session{Proc: fixture(c, "Pid:\t7\nThreads:\t4\nNoNewPrivs:\t1\nSeccomp:\t2\n")}
	r, err := s.Install(one("init", refuse(unix.EPERM, unix.SYS_GETPPID)))
	c.Must(err)
	want(c, "receipt", r.Before == -1 && r.Verified == 1 && r.Inherited == 3 && strings.Contains(r.Unverified, "5.9"), r)
	c.Refused(unix.EPERM, "getppid", getppid)
})

var noProc = seccomptest.Case("no /proc", func(c *seccomptest.C) {
	if os.Getuid() == 0 {
		c.Must(syscall.Chroot(os.Getenv("DIR")))
		c.Must(os.Chdir("/"))
	}
	s := lock.Session{}
	if os.Getuid() != 0 {
		s.Proc.Root = "/nonexistent"
	}
	r, err := s.Install(one("init", refuse(unix.EPERM, unix.SYS_GETPPID)))
	c.Must(err)
	want(c, "receipt", r.Before == -1 && r.Verified == 0 && r.Inherited == -1 && strings.Contains(r.Unverified, "no such file"), r)
	c.Refused(unix.EPERM, "getppid", getppid)
	r, err = s.Install(one("serve", long(2)))
	c.Must(err)
	want(c, "receipt of the next", strings.Contains(r.Unverified, "no such file"), r)
})

var noDescriptors = seccomptest.Case("no descriptors left", func(c *seccomptest.C) {
	threads(20)
	var limit unix.Rlimit
	c.Must(unix.Getrlimit(unix.RLIMIT_NOFILE, &limit))
	f, err := os.Open(os.DevNull)
	c.Must(err)
	limit.Cur = uint64(f.Fd()) + 8
	f.Close()
	c.Must(unix.Setrlimit(unix.RLIMIT_NOFILE, &limit))
	var s lock.Session
	r, err := s.Install(one("init", refuse(unix.EPERM, unix.SYS_GETPPID)))
	c.Must(err)
	want(c, "receipt", r.Verified > 0 && r.Verified < 10 && r.Inherited > 10 && strings.Contains(r.Unverified, "too many open files"), r)
	c.Refused(unix.EPERM, "getppid", getppid)
})

func TestUnverified(t *testing.T) {
	for name, tc := range map[string]*seccomptest.TestCase{
		"pread64 refused": unreadable, "contradicted": contradicted, "no count": oldStatus,
		"no proc": noProc, "no descriptors": noDescriptors,
	} {
		t.Run(name, func(t *testing.T) { tc.RunWith(t, seccomptest.Options{Env: []string{"DIR=" + t.TempDir()}}) })
	}
}

// fixture makes, in the directory that the test names, a /proc of the process's own, with threads from 7 on that have these status files.
func fixture(c *seccomptest.C, status ...string) proc.FS {
	dir := os.Getenv("DIR")
	for i, text := range status {
		task := filepath.Join(dir, "self", "task", strconv.Itoa(7+i))
		c.Must(os.MkdirAll(task, 0o755))
		c.Must(os.WriteFile(filepath.Join(task, "status"), []byte(text), 0o644))
	}
	return proc.FS{Root: dir}
}
