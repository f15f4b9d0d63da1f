package mistakes

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"

	elastic "github.com/elastic/go-seccomp-bpf"
	"golang.org/x/sys/unix"

	"github.com/stagelock/seccomp"
	"github.com/stagelock/seccomp/internal/bpf"
	"github.com/stagelock/seccomp/internal/sys"
	"github.com/stagelock/seccomp/seccomptest"
)

func TestMain(m *testing.M) { seccomptest.Main(m) }

// refuse installs, on this thread or on all, a filter that refuses one call.
func refuse(c *seccomptest.C, flags uintptr, nr, action uint32) {
	c.Must(unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
	tid, errno := sys.SetModeFilter(flags, []sys.SockFilter{
		{Code: bpf.LoadWord, K: bpf.OffNr},
		{Code: bpf.JumpEq, K: nr, Jf: 1},
		{Code: bpf.Return, K: action},
		{Code: bpf.Return, K: unix.SECCOMP_RET_ALLOW},
	})
	if tid != 0 || errno != 0 {
		c.Fatalf("thread %d, %v", tid, errno)
	}
}

// diverge makes a thread that has a filter of its own, and keeps it.
func diverge(c *seccomptest.C) {
	ready := make(chan struct{})
	go func() {
		runtime.LockOSThread()
		refuse(c, 0, unix.SYS_ACCT, unix.SECCOMP_RET_ERRNO|1)
		close(ready)
		select {}
	}()
	<-ready
}

func openFile() error {
	f, err := os.Open("/proc/self/status")
	if err == nil {
		f.Close()
	}
	return err
}

// elastic 1.6.0: LoadFilter returns nil after TSYNC has failed, with nothing enforced.
var (
	failedTSYNC = seccomptest.Case("failed TSYNC", func(c *seccomptest.C) {
		c.Unlocked() // but for one thread
		diverge(c)
		if err := seccomp.Stage("init").Use("file.io").Lock(); !errors.Is(err, seccomp.ErrDiverged) {
			c.Errorf("%v, want ErrDiverged", err)
		}
		c.Allowed("open a file where nothing was locked", openFile)
	})
	failedTSYNCElastic = seccomptest.Case("failed TSYNC of elastic's", func(c *seccomptest.C) {
		c.Unlocked() // but for one thread
		diverge(c)
		runtime.LockOSThread()
		err := elastic.LoadFilter(elastic.Filter{NoNewPrivs: true, Flag: elastic.FilterFlagTSync,
			Policy: elastic.Policy{DefaultAction: elastic.ActionAllow,
				Syscalls: []elastic.SyscallGroup{{Action: elastic.ActionErrno, Names: []string{"openat"}}}}})
		if err != nil {
			c.Fatalf("elastic has learned to tell: %v", err)
		}
		c.Allowed("open a file after LoadFilter returned nil", openFile)
	})
)

func TestFailedTSYNC(t *testing.T) {
	failedTSYNC.Run(t)
	failedTSYNCElastic.Run(t)
}

// Cosmopolitan: a pledged Go program dies at the first tgkill of the garbage collector.
var preempted = seccomptest.Case("preempted", func(c *seccomptest.C) {
	c.Must(seccomp.Stage("init").Use("file.io").Rules("deny kill").Lock())
	done := make(chan struct{})
	for range 2 {
		go func() { // has no call in it: only a signal stops it for the collector
			for n := 0; ; n++ {
				if n < 0 {
					close(done)
				}
			}
		}()
	}
	var keep [][]byte
	for range 5 {
		keep = append(keep, make([]byte, 1<<16))
		runtime.GC()
	}
	c.Allowed("collect with goroutines in tight loops", func() error { runtime.KeepAlive(keep); return nil })
})

func TestCollectorUnderKill(t *testing.T) { preempted.Run(t) }

// A recorder takes down how a test that is run under it ends.
type recorder struct {
	testing.TB
	failures []string
}

func (r *recorder) Helper()             {}
func (r *recorder) Log(...any)          {}
func (r *recorder) Logf(string, ...any) {}
func (r *recorder) Error(args ...any) {
	for _, a := range args {
		if s, ok := a.(string); ok {
			r.failures = append(r.failures, s)
		}
	}
}

// go-landlock: its helper that runs a test in a child passes when the child dies of SIGSYS.
var (
	diesOfSIGSYS = seccomptest.Case("dies of SIGSYS", func(c *seccomptest.C) {
		c.Must(seccomp.Stage("init").Use("file.io").Rules("sys_getppid: 0 else kill").Lock())
		unix.Getppid()
	})
	exitsEarly = seccomptest.Case("exits early", func(c *seccomptest.C) { syscall.Exit(0) })
)

func TestDeathIsNoPass(t *testing.T) {
	for what, tc := range map[string]*seccomptest.TestCase{"SIGSYS": diesOfSIGSYS, "exit": exitsEarly} {
		r := &recorder{TB: t}
		tc.Run(r)
		if len(r.failures) == 0 {
			t.Errorf("%s: a child that ended before its case did passed", what)
		}
	}
}

// go-landlock: BestEffort returns nil having enforced nothing.
var (
	seccompRefused = seccomptest.Case("seccomp refused", func(c *seccomptest.C) {
		runtime.LockOSThread()
		refuse(c, unix.SECCOMP_FILTER_FLAG_TSYNC, unix.SYS_SECCOMP, unix.SECCOMP_RET_ERRNO|uint32(unix.ENOSYS))
		runtime.UnlockOSThread()
		if err := seccomp.Stage("init").Use("file.io").Lock(); err == nil {
			c.Errorf("Lock returned nil where seccomp is refused")
		}
		c.Allowed("open a file where nothing was locked", openFile)
	})
	off = seccomptest.Case("off", func(c *seccomptest.C) {
		c.Unlocked()
		c.Must(seccomp.SetMode(seccomp.Off))
		if err := seccomp.Stage("init").Use("file.io").Lock(); !errors.Is(err, seccomp.ErrNotEnforced) {
			c.Errorf("%v, want ErrNotEnforced", err)
		}
	})
)

func TestNothingEnforcedIsAnError(t *testing.T) {
	seccompRefused.Run(t)
	off.Run(t)
}

// elastic 1.6.0: importing it costs every program half a millisecond and 160 KB at its start.
func TestImportCostsNothing(t *testing.T) {
	cmd := exec.Command("/proc/self/exe", "-test.run=^$")
	cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	seen := false
	for _, line := range strings.Split(string(out), "\n") {
		pkg, ok := strings.CutPrefix(line, "init ")
		if !ok {
			continue
		}
		pkg, _, _ = strings.Cut(pkg, " ")
		seen = seen || strings.HasPrefix(pkg, "github.com/elastic/go-seccomp-bpf")
		if strings.HasPrefix(pkg, "github.com/stagelock/seccomp") && !strings.HasSuffix(pkg, "/mistakes") &&
			!strings.HasSuffix(pkg, "/seccomptest") { // which is for tests alone
			t.Errorf("work at start: %s", line)
		}
	}
	if !seen {
		t.Errorf("not even elastic's tables show:\n%s", out)
	}
}
