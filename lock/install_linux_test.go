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
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/stagelock/seccomp/internal/sys"
	"github.com/stagelock/seccomp/lock"
	"github.com/stagelock/seccomp/proc"
	"github.com/stagelock/seccomp/seccomptest"
)

// Two stages, the second of which can open nothing any more, and a thread for whom only inheritance speaks.
var stages = seccomptest.Case("stages", func(c *seccomptest.C) {
	threads(5)
	var s lock.Session
	r, err := s.Install(one("init", refuse(unix.EPERM, unix.SYS_GETPPID)))
	c.Must(err)
	want(c, "receipt of init", r.Stage == "init" && slices.Equal(r.Instructions, []int{4}) && r.Before == 0 &&
		r.Verified >= 6 && r.Inherited >= 0 && r.Unverified == "" && len(r.Notes) == 0, r)
	want(c, "times", r.Prepare > 0 && r.Install > 0 && r.Verify > 0, r)
	c.Refused(unix.EPERM, "getppid", getppid)
	c.Allowed("open", openNull)
	each(c, 1, true)

	threads(40) // more than the runtime has idle
	all, err := os.ReadDir("/proc/self/task")
	c.Must(err)
	last := one("serve", refuse(unix.EACCES, unix.SYS_OPENAT, unix.SYS_SECCOMP, unix.SYS_PRCTL))
	last.Last = true
	r2, err := s.Install(last)
	c.Must(err)
	want(c, "receipt of serve", r2.Before == 1 && r2.Verified >= r.Verified-1 && r2.Inherited >= 10 && r2.Unverified == "" &&
		r2.Verified+r2.Inherited >= len(all), r2)
	c.Refused(unix.EACCES, "open", openNull)
	c.Refused(unix.EPERM, "getppid", getppid)
	c.Allowed("a new thread", func() error { threads(2); return nil })

	_, err = s.Install(one("more", refuse(unix.EPERM)))
	want(c, "a stage after the last", errors.Is(err, lock.ErrLast), err)
	c.Logf("init %v + %v + %v, serve %v + %v + %v", r.Prepare, r.Install, r.Verify, r2.Prepare, r2.Install, r2.Verify)
})

func TestStages(t *testing.T) { stages.Run(t) }

// no_new_privs is what lets an ordinary user lock: without the right to go without.
func TestStagesUnprivileged(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("the other tests run unprivileged already")
	}
	stages.RunWith(t, seccomptest.Options{User: 65534})
}

var descriptors = seccomptest.Case("descriptors", func(c *seccomptest.C) {
	open := func() int {
		fds, err := os.ReadDir("/proc/self/fd")
		c.Must(err)
		return len(fds)
	}
	var s lock.Session
	_, err := s.Prepare() // or the poller's descriptors may come in between
	c.Must(err)
	before := open()
	_, err = s.Install(one("a", long(3)))
	c.Must(err)
	want(c, "kept for the next stage", open() > before, open())
	_, err = s.Install(lock.Stage{Name: "b", Filters: [][]lock.Instruction{long(3)}, Last: true})
	c.Must(err)
	want(c, "closed after the last", open() == before, open())
})

func TestDescriptors(t *testing.T) { descriptors.Run(t) }

// Several filters of one stage come together or not at all.
var several = seccomptest.Case("several", func(c *seccomptest.C) {
	var s lock.Session
	bad := []lock.Instruction{{Code: 0xffff}, {Code: ret}}
	for range 100 { // on whatever thread comes, the main one too
		r, err := s.Install(lock.Stage{Name: "init", Filters: [][]lock.Instruction{refuse(unix.EPERM, unix.SYS_GETPPID), bad}})
		want(c, "a bad second filter", errors.Is(err, lock.ErrInvalid) && errors.Is(err, unix.EINVAL), err)
		want(c, "its receipt", len(r.Instructions) == 0 && r.Verified == 0, r)
		clean(c)
	}
	c.Allowed("getppid", getppid)

	r, err := s.Install(lock.Stage{Name: "init", Filters: [][]lock.Instruction{
		refuse(unix.EPERM, unix.SYS_GETPPID), long(4096), refuse(unix.EACCES, unix.SYS_GETPPID),
	}})
	c.Must(err)
	want(c, "receipt", slices.Equal(r.Instructions, []int{4, 4096, 4}) && r.Verified > 0, r)
	c.Refused(unix.EACCES, "getppid, of which the newest speaks", getppid)
	each(c, 3, true)
})

func TestSeveral(t *testing.T) { several.Run(t) }

// The first of these would keep the others out, by killing the process.
var seccompFirst = seccomptest.Case("a first filter that refuses seccomp", func(c *seccomptest.C) {
	kills := answer(unix.SECCOMP_RET_KILL_PROCESS, unix.SYS_SECCOMP)
	var s lock.Session
	_, err := s.Install(lock.Stage{Name: "serve", Filters: [][]lock.Instruction{kills, long(5), kills}})
	want(c, "two of them", errors.Is(err, lock.ErrInvalid) && strings.Contains(err.Error(), "filters 1 and 3"), err)
	clean(c)
	r, err := s.Install(lock.Stage{Name: "serve", Last: true, Filters: [][]lock.Instruction{
		kills, long(5), refuse(unix.EPERM, unix.SYS_GETPPID),
	}})
	c.Must(err)
	want(c, "receipt", slices.Equal(r.Instructions, []int{5, 4, 4}) && r.Unverified == "", r)
	each(c, 3, true)
	c.Refused(unix.EPERM, "getppid", getppid)
	c.Dies(unix.SIGSYS, "seccomp", func() error { sys.SetModeFilter(0, long(2)); return nil })
})

func TestSeccompFirst(t *testing.T) { seccompFirst.Run(t) }

// clean demands that the process is as it was: no filters, no no_new_privs. The thread that tried is given time to end.
func clean(c *seccomptest.C) {
	deadline := time.Now().Add(5 * time.Second)
	for {
		states, err := (proc.FS{}).Threads(os.Getpid())
		c.Must(err)
		if !slices.ContainsFunc(states, func(s proc.State) bool { return s.Mode != proc.Disabled || s.NoNewPrivs }) {
			return
		}
		if time.Now().After(deadline) {
			c.Errorf("threads are left that differ: %+v", states)
			return
		}
		time.Sleep(time.Millisecond)
	}
}

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
	want(c, "receipt", r.Before == 2 && r.Verified > 0 && r.Unverified == "" && len(r.Notes) == 1 &&
		strings.Contains(r.Notes[0], "2 filters from elsewhere"), r)
	c.Refused(unix.EPERM, "getppid", getppid)
	each(c, 3, true)
	r, err = s.Install(one("serve", long(2)))
	c.Must(err)
	want(c, "receipt of the next", r.Before == 3, r)
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
	if os.Getuid() != 0 {
		c.Skipf("only root can have a filter without no_new_privs")
	}
	runtime.LockOSThread()
	if _, errno := sys.SetModeFilter(unix.SECCOMP_FILTER_FLAG_TSYNC, refuse(unix.EPERM, unix.SYS_PRCTL)); errno != 0 {
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

// Threads are born and end, and children are started, while the lock comes: after it no thread and no child may be
// without.
var racing = seccomptest.Case("racing births and exec", func(c *seccomptest.C) {
	stop := make(chan struct{})
	for range 4 {
		go func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				done := make(chan struct{})
				go func() { runtime.LockOSThread(); close(done) }() // ends with its thread
				<-done
			}
		}()
	}
	children := make(chan error, 4)
	for range 2 {
		go func() {
			for {
				select {
				case <-stop:
					children <- nil
					return
				default:
				}
				if err := exec.Command("/bin/true").Run(); err != nil {
					children <- err
					return
				}
			}
		}()
	}
	time.Sleep(5*time.Millisecond + time.Duration(os.Getpid()%7)*time.Millisecond)
	var s lock.Session
	r, err := s.Install(one("init", refuse(unix.EPERM, unix.SYS_GETPPID)))
	c.Must(err)
	each(c, 1, true)
	close(stop) // which load would only make slower from here on
	want(c, "verified", r.Verified > 0 && r.Unverified == "", r)
	out, err := exec.Command("/bin/grep", "Seccomp_filters", "/proc/self/status").CombinedOutput()
	want(c, "a child born after", err == nil && strings.HasSuffix(string(out), "\t1\n"), string(out))
	c.Must(<-children)
	c.Must(<-children)
	c.Refused(unix.EPERM, "getppid", getppid)
})

func TestRacingBirthsAndExec(t *testing.T) {
	n := 200
	if testing.Short() {
		n = 10
	}
	for range n {
		racing.Run(t)
		if t.Failed() {
			return
		}
	}
}

// A child that has been forked and has not yet called exec runs this program's code without the filters.
var halfMade = seccomptest.Case("half-made children", func(c *seccomptest.C) {
	if os.Getuid() != 0 {
		c.Skipf("only root can make a child that takes long between fork and exec")
	}
	stop, stopped := make(chan struct{}), make(chan error)
	go func() {
		for {
			select {
			case <-stop:
				stopped <- nil
				return
			default:
			}
			cmd := exec.Command("/bin/true")
			cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNET} // a millisecond or so
			if err := cmd.Run(); err != nil {
				stopped <- err
				return
			}
		}
	}()
	var s lock.Session
	for n := 1; n <= 100; n++ {
		time.Sleep(time.Millisecond)
		_, err := s.Install(one("init", long(2)))
		c.Must(err)
		// Until its child has called exec, a thread that makes one by vfork is in state D, not interruptible.
		self, err := (proc.FS{}).Threads(os.Getpid())
		c.Must(err)
		kids := children()
		forking := slices.ContainsFunc(self, func(t proc.State) bool { return t.Run == 'D' })
		for _, kid := range kids {
			if forking && kid.Filters < n {
				c.Fatalf("a child between fork and exec has %d filters after lock %d", kid.Filters, n)
			}
		}
	}
	close(stop)
	c.Must(<-stopped)
})

// children tells the state of all children.
func children() (states []proc.State) {
	lists, _ := filepath.Glob("/proc/self/task/*/children")
	for _, list := range lists {
		pids, _ := os.ReadFile(list)
		for _, pid := range strings.Fields(string(pids)) {
			status, _ := os.ReadFile("/proc/" + pid + "/status")
			if s, err := proc.Parse(status); err == nil {
				states = append(states, s)
			}
		}
	}
	return states
}

func TestHalfMadeChildren(t *testing.T) { halfMade.Run(t) }

// Two at once come one after the other.
var concurrent = seccomptest.Case("two at once", func(c *seccomptest.C) {
	var s lock.Session
	receipts := make(chan lock.Receipt)
	for _, name := range []string{"a", "b", "c", "d"} {
		go func() {
			r, err := s.Install(one(name, long(2)))
			if err != nil {
				c.Errorf("%v", err)
			}
			receipts <- r
		}()
	}
	var before []int
	for range 4 {
		r := <-receipts
		before = append(before, r.Before)
		want(c, "verified", r.Verified > 0 && r.Unverified == "", r)
	}
	slices.Sort(before)
	want(c, "filters before each", slices.Equal(before, []int{0, 1, 2, 3}), before)
	each(c, 4, true)
})

func TestConcurrent(t *testing.T) { concurrent.Run(t) }
