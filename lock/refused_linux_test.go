package lock_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/stagelock/seccomp/internal/sys"
	"github.com/stagelock/seccomp/lock"
	"github.com/stagelock/seccomp/proc"
	"github.com/stagelock/seccomp/seccomptest"
)

// diverge gives one thread a filter of its own and returns its id.
func diverge(c *seccomptest.C) int {
	tid := make(chan int)
	go func() {
		runtime.LockOSThread()
		c.Must(unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		if _, errno := sys.SetModeFilter(0, long(2)); errno != 0 {
			c.Errorf("private filter: %v", errno)
		}
		tid <- unix.Gettid()
		select {}
	}()
	return <-tid
}

var diverged = seccomptest.Case("diverged", func(c *seccomptest.C) {
	c.Unlocked() // but for one thread
	odd := diverge(c)
	for _, root := range []string{"", "/nonexistent"} { // seen beforehand; told by the kernel
		s := lock.Session{Proc: proc.FS{Root: root}}
		r, err := s.Install(one("init", refuse(unix.EPERM, unix.SYS_GETPPID)))
		var e *lock.Error
		if !errors.As(err, &e) || !errors.Is(err, lock.ErrDiverged) || e.Thread != odd || e.Stage != "init" {
			c.Errorf("root %q: %v, want thread %d", root, err, odd)
		}
		want(c, "receipt", len(r.Instructions) == 0 && r.Verified == 0, r)
		c.Allowed("getppid, since nothing was installed", getppid)
		c.Logf("%v", err)
	}
})

func TestDiverged(t *testing.T) { diverged.Run(t) }

// What the kernel can't be asked about here: a thread that went into strict mode, as a status file would show it.
var strict = seccomptest.Case("a thread in strict mode", func(c *seccomptest.C) {
	c.Unlocked()
	s := lock.Session{Proc: fixture(c,
		"Pid:\t7\nNoNewPrivs:\t0\nSeccomp:\t0\nSeccomp_filters:\t0\n",
		"Pid:\t8\nNoNewPrivs:\t0\nSeccomp:\t1\nSeccomp_filters:\t0\n")}
	_, err := s.Install(one("init", long(2)))
	var e *lock.Error
	want(c, "error", errors.As(err, &e) && e.Class == lock.ErrDiverged && e.Thread == 8, err)
	clean(c)
})

var underDocker = seccomptest.Case("under an outer filter", func(c *seccomptest.C) {
	outer(c, refuse(unix.EPERM, unix.SYS_REBOOT), long(300))
	var s lock.Session
	r, err := s.Install(one("init", refuse(unix.EPERM, unix.SYS_GETPPID)))
	c.Must(err)
	want(c, "receipt", r.Before == given.Filters+2 && r.Verified > 0 && r.Unverified == "" && len(r.Notes) == 1 &&
		strings.Contains(r.Notes[0], fmt.Sprint(given.Filters+2, " filters from elsewhere")), r)
	c.Refused(unix.EPERM, "getppid", getppid)
	each(c, 3, true)
	r, err = s.Install(one("serve", long(2)))
	c.Must(err)
	want(c, "receipt of the next", r.Before == given.Filters+3, r)
})

func TestUnderOuterFilter(t *testing.T) { underDocker.Run(t) }

var seccompRefused = seccomptest.Case("seccomp refused", func(c *seccomptest.C) {
	outer(c, refuse(unix.EPERM, unix.SYS_SECCOMP))
	var s lock.Session
	_, err := s.Install(one("init", long(2)))
	want(c, "error", errors.Is(err, lock.ErrRefused) && errors.Is(err, unix.EPERM), err)
	each(c, 1, true)
	c.Logf("%v", err)
})

var seccompHidden = seccomptest.Case("seccomp hidden", func(c *seccomptest.C) {
	outer(c, refuse(unix.ENOSYS, unix.SYS_SECCOMP))
	var s lock.Session
	_, err := s.Install(one("init", long(2)))
	want(c, "a filter, not an old kernel", errors.Is(err, lock.ErrRefused) && !errors.Is(err, lock.ErrNotSupported), err)
	c.Logf("%v", err)
})

// As on a kernel that knows no question about actions.
var kernelOld = seccomptest.Case("kernel too old", func(c *seccomptest.C) {
	outer(c, refuse(unix.EINVAL, unix.SYS_SECCOMP))
	var s lock.Session
	_, err := s.Install(one("init", long(2)))
	want(c, "error", errors.Is(err, lock.ErrNotSupported) && errors.Is(err, lock.ErrNotEnforced), err)
	c.Logf("%v", err)
})

var prctlRefused = seccomptest.Case("prctl refused", func(c *seccomptest.C) {
	// Where no_new_privs is set already, prctl isn't needed.
	outer(c, refuse(unix.EPERM, unix.SYS_PRCTL))
	var s lock.Session
	_, err := s.Install(one("init", long(2)))
	c.Must(err)
	each(c, 2, true)
})

var prctlMissing = seccomptest.Case("prctl refused, no_new_privs missing", func(c *seccomptest.C) {
	if given.NoNewPrivs {
		c.Skipf("no_new_privs is set already")
	}
	runtime.LockOSThread()
	_, errno := sys.SetModeFilter(unix.SECCOMP_FILTER_FLAG_TSYNC, refuse(unix.EPERM, unix.SYS_PRCTL))
	if errno == unix.EACCES {
		c.Skipf("only CAP_SYS_ADMIN can have a filter without no_new_privs")
	} else if errno != 0 {
		c.Fatalf("outer filter: %v", errno)
	}
	runtime.UnlockOSThread()
	var s lock.Session
	_, err := s.Install(one("init", long(2)))
	var e *lock.Error
	want(c, "error", errors.As(err, &e) && e.Class == lock.ErrRefused && e.Errno == unix.EPERM &&
		e.Op == "prctl(PR_SET_NO_NEW_PRIVS)", err)
	each(c, 1, false)
	c.Logf("%v", err)
})

func TestRefused(t *testing.T) {
	for name, tc := range map[string]*seccomptest.TestCase{
		"seccomp": seccompRefused, "seccomp hidden": seccompHidden, "kernel too old": kernelOld,
		"prctl": prctlRefused, "prctl without no_new_privs": prctlMissing, "strict thread": strict,
	} {
		t.Run(name, func(t *testing.T) { tc.RunWith(t, seccomptest.Options{Env: []string{"DIR=" + t.TempDir()}}) })
	}
}
