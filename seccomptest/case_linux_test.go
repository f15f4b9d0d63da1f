package seccomptest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/stagelock/seccomp/internal/sys"
	"github.com/stagelock/seccomp/internal/testchild"
	"github.com/stagelock/seccomp/proc"
)

func TestMain(m *testing.M) { Main(m) }

// filter puts a filter in force that gives action for the calls named.
func filter(c *C, action uint32, nrs ...uint32) {
	filterWith(c, unix.SECCOMP_FILTER_FLAG_TSYNC, action, nrs...)
}

// filterWith does so with other flags than that for all threads.
func filterWith(c *C, flags uintptr, action uint32, nrs ...uint32) {
	f := []sys.SockFilter{{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS}}
	for _, nr := range nrs {
		f = append(f, sys.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 1, K: nr},
			sys.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: action})
	}
	f = append(f, sys.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW})
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	c.Must(unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
	if tid, errno := sys.SetModeFilter(flags, f); tid != 0 || errno != 0 {
		c.Fatalf("filter: %v, thread %d", errno, tid)
	}
}

func getppid() error {
	if _, _, errno := syscall.RawSyscall(syscall.SYS_GETPPID, 0, 0, 0); errno != 0 {
		return errno
	}
	return nil
}

var eperm = unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)

// quiet keeps the runtime from calls of its own that a case kills for: to name a mapping it calls prctl, and to follow a
// change of the CPU limit it reads the cgroup's file.
var quiet = Options{Env: []string{"GODEBUG=decoratemappings=0,updatemaxprocs=0"}}

// Each case and what its failures must say; none where it must pass.
var outcomes = []struct {
	tc   *TestCase
	opts Options
	says string // printed by the child once it is where a timeout is to find it
	want []string
}{
	{tc: Case("refused and allowed", func(c *C) {
		filter(c, eperm, unix.SYS_GETPPID)
		c.Refused(unix.EPERM, "getppid", getppid)
		c.Allowed("getpid", func() error { syscall.Getpid(); return nil })
	})},
	{tc: Case("in a child", func(c *C) {
		c.Unlocked()
		c.Allowed("know it", func() error {
			if !testchild.Inside() || !testchild.TestBinary() {
				return fmt.Errorf("inside %t, test binary %t", testchild.Inside(), testchild.TestBinary())
			}
			return nil
		})
		if _, set := os.LookupEnv(envCase); set {
			c.Errorf("%s would be inherited", envCase)
		}
		if _, err := unix.FcntlInt(reportFD, unix.F_GETFD, 0); err == nil {
			c.Errorf("descriptor %d is open", reportFD)
		}
	})},
	{tc: Case("no call left but exit", func(c *C) {
		filter(c, unix.SECCOMP_RET_KILL_PROCESS, unix.SYS_WRITE, unix.SYS_OPENAT, unix.SYS_CLOSE, unix.SYS_UNLINKAT)
		c.Logf("reported without write")
		c.Allowed("getppid", getppid)
	})},
	{tc: Case("dies", func(c *C) {
		filter(c, unix.SECCOMP_RET_KILL_PROCESS, unix.SYS_GETPPID)
		c.Dies(unix.SIGSYS, "getppid", getppid)
	})},
	{tc: Case("traps", func(c *C) {
		filter(c, unix.SECCOMP_RET_TRAP, unix.SYS_GETPPID)
		c.Traps("getppid", getppid)
	})},
	{tc: Case("environment", func(c *C) {
		c.Unlocked()
		c.Allowed("read the environment", func() error {
			if os.Getenv("WITH") != "this" {
				return fmt.Errorf("WITH=%s", os.Getenv("WITH"))
			}
			return nil
		})
	}), opts: Options{Env: []string{"WITH=this"}}},

	{tc: Case("allowed after all", func(c *C) { c.Refused(unix.EPERM, "getppid", getppid) }),
		want: []string{"getppid: was allowed, want errno 1"}},
	{tc: Case("refused otherwise", func(c *C) {
		filter(c, eperm, unix.SYS_GETPPID)
		c.Refused(unix.EACCES, "getppid", getppid)
	}), want: []string{"getppid: operation not permitted, want errno 13"}},
	{tc: Case("refused after all", func(c *C) {
		filter(c, eperm, unix.SYS_GETPPID)
		c.Allowed("getppid", getppid)
	}), want: []string{"getppid: operation not permitted, want it allowed"}},
	{tc: Case("fatal", func(c *C) { c.Must(errors.New("no lock")); c.Errorf("came back") }), want: []string{"no lock"}},
	{tc: Case("killed", func(c *C) {
		filter(c, unix.SECCOMP_RET_KILL_PROCESS, unix.SYS_GETPPID)
		c.Allowed("getpid", func() error { return nil })
		getppid()
	}), want: []string{"signal 31 (bad system call), after 2 checks"}},
	{tc: Case("trapped", func(c *C) {
		filter(c, unix.SECCOMP_RET_TRAP, unix.SYS_GETPPID)
		getppid()
	}), want: []string{"exit code 2"}},
	{tc: Case("killed instead of trapped", func(c *C) {
		filter(c, unix.SECCOMP_RET_KILL_PROCESS, unix.SYS_GETPPID)
		c.Traps("getppid", getppid)
	}), want: []string{"getppid: the child ended with signal 31"}},
	{tc: Case("trapped instead of killed", func(c *C) {
		filter(c, unix.SECCOMP_RET_TRAP, unix.SYS_GETPPID)
		c.Dies(unix.SIGSYS, "getppid", getppid)
	}), want: []string{"getppid: the child ended with exit code 2, want death by bad system call"}},
	{tc: Case("survives", func(c *C) { c.Dies(unix.SIGSYS, "getppid", getppid) }),
		want: []string{"getppid: came back with <nil>, want death by bad system call"}},
	{tc: Case("survives a trap", func(c *C) { c.Traps("getppid", getppid) }), want: []string{"getppid: came back with <nil>"}},
	{tc: Case("killed by another", func(c *C) {
		c.Dies(unix.SIGSYS, "getppid", func() error { unix.Kill(os.Getpid(), unix.SIGKILL); select {} })
	}), want: []string{"signal 9 (killed), want death by bad system call"}},
	{tc: Case("exits well", func(c *C) { c.Allowed("getppid", getppid); os.Exit(0) }),
		want: []string{"exited without its final report, after 1 checks"}},
	{tc: Case("exits badly", func(c *C) { os.Exit(3) }), want: []string{"exit code 3"}},
	{tc: Case("exits where it should die", func(c *C) {
		c.Dies(unix.SIGSYS, "exit", func() error { os.Exit(0); return nil })
	}), want: []string{"exit: the child ended with exit code 0"}},
	{tc: Case("leaves", func(c *C) { runtime.Goexit() }), want: []string{"left by runtime.Goexit"}},
	{tc: Case("panics", func(c *C) { panic("told you") }), want: []string{"exit code 2"}},
	{tc: Case("skips after a failure", func(c *C) { c.Errorf("first"); c.Skipf("then") }), want: []string{"first"}},
	{tc: Case("hangs", func(c *C) { println("hanging on"); time.Sleep(time.Hour) }), opts: Options{Timeout: 300 * time.Millisecond},
		says: "hanging on", want: []string{"had not ended after", "exit code 2"}},
	{tc: Case("hangs on", func(c *C) {
		cmd := exec.Command("/bin/sleep", "60")
		cmd.Stdout = os.Stdout
		c.Must(cmd.Start())
		filter(c, eperm, unix.SYS_EXIT_GROUP, unix.SYS_EXIT)
		for {
			getppid()
		}
	}), opts: Options{Timeout: 300 * time.Millisecond}, want: []string{"had not ended after 300ms"}},
	{tc: Case("checks nothing", func(c *C) {
		if getppid() != nil {
			c.Errorf("this is no check that shows that it was made")
		}
	}), want: []string{"the case checked nothing"}},
	{tc: Case("one check by Must", func(c *C) {
		c.Unlocked()
		c.Must(getppid())
	})},
	{tc: Case("locked, with all that asks killed for", func(c *C) {
		filter(c, unix.SECCOMP_RET_KILL_PROCESS, unix.SYS_PRCTL, unix.SYS_SECCOMP, unix.SYS_OPENAT, unix.SYS_READ, unix.SYS_PREAD64)
		c.Allowed("getppid", getppid)
	}), opts: quiet},
	{tc: Case("refused on one thread alone", func(c *C) {
		done := make(chan bool)
		go func() {
			defer close(done)
			runtime.LockOSThread()
			filterWith(c, 0, eperm, unix.SYS_GETPPID)
			c.Refused(unix.EPERM, "getppid", getppid)
		}()
		<-done
	})},
	{tc: Case("one thread alone is no lock", func(c *C) {
		c.Unlocked()
		runtime.LockOSThread()
		filterWith(c, 0, eperm, unix.SYS_GETPPID)
		c.Allowed("getpid", func() error { syscall.Getpid(); return nil })
	})},
	{tc: Case("locked, and meant not to be", func(c *C) {
		c.Unlocked()
		filter(c, eperm, unix.SYS_GETPPID)
		c.Allowed("getpid", func() error { syscall.Getpid(); return nil })
	}), want: []string{"something is locked at the end of the case, which says by Unlocked"}},
	{tc: Case("refused to look", func(c *C) {
		filter(c, eperm, unix.SYS_GETPPID, unix.SYS_PRCTL)
		c.Refused(unix.EPERM, "getppid", getppid)
	})},
	{tc: Case("killed for a look", func(c *C) {
		filter(c, eperm, unix.SYS_GETPPID)
		filter(c, unix.SECCOMP_RET_KILL_PROCESS, unix.SYS_PRCTL)
		c.Refused(unix.EPERM, "getppid", getppid)
	}), opts: quiet, want: []string{"getppid: the child ended with signal 31 (bad system call) as it looked whether anything is locked"}},
	{tc: Case("looked before", func(c *C) {
		filter(c, eperm, unix.SYS_GETPPID)
		c.Refused(unix.EPERM, "getppid", getppid)
		filter(c, unix.SECCOMP_RET_KILL_PROCESS, unix.SYS_PRCTL)
		c.Refused(unix.EPERM, "getppid", getppid)
	}), opts: quiet},
	{tc: &TestCase{name: "not registered"}, want: []string{"no case is called"}},
	{tc: Case("twice", func(c *C) {}), want: []string{"two cases are called"}},
	{tc: Case("says too much", func(c *C) {
		for range 100 {
			c.Logf("%s", strings.Repeat("x", reportSize/50))
		}
	}), want: []string{"without its final report"}},
}

var _ = Case("twice", func(c *C) {})

func TestOutcomes(t *testing.T) {
	for _, tt := range outcomes {
		t.Run(tt.tc.name, func(t *testing.T) {
			t.Parallel()
			out := tt.tc.run(tt.opts)
			for !strings.Contains(out.Output, tt.says) && tt.opts.Timeout < time.Minute {
				tt.opts.Timeout *= 2 // on a busy machine the child was no Go program yet, to which the signal says something
				out = tt.tc.run(tt.opts)
			}
			all := strings.Join(out.Failures, "\n")
			if len(tt.want) == 0 && len(out.Failures) > 0 {
				t.Errorf("failed: %s\n%s", all, out.Output)
			}
			for _, want := range tt.want {
				if !strings.Contains(all, want) {
					t.Errorf("failures %q, want %q; output:\n%s", all, want, out.Output)
				}
			}
		})
	}
}

var unlocked = Case("refused without a lock", func(c *C) {
	c.Refused(unix.ENOENT, "open a file that isn't there", func() error { _, err := os.Open("/no/such/file"); return err })
	filter(c, eperm, unix.SYS_GETPPID)
	c.Refused(unix.EPERM, "getppid", getppid)
})

// A refusal where no filter is in force proves nothing.
func TestRefusedWithoutLock(t *testing.T) {
	if filtered() {
		t.Skip("a filter is in force here already")
	}
	out := unlocked.run(Options{})
	if len(out.Failures) != 1 || !strings.Contains(out.Failures[0], "isn't there: refused, but nothing is locked: open /no") {
		t.Errorf("%q", out.Failures)
	}
}

var unlockedEnds = []*TestCase{
	Case("nothing locked", func(c *C) { c.Allowed("getppid", getppid) }),
	Case("nothing locked, with a check by Must", func(c *C) { c.Must(getppid()) }),
}

// What is allowed where nothing was locked, as after an error of Lock that was dropped, proves nothing either.
func TestAllowedWithoutLock(t *testing.T) {
	if s, ok := stateOf(os.Getpid()); ok && s.Mode == proc.Filter && s.Filters < 0 {
		t.Skip("a filter is in force here already, and the kernel doesn't count them (before Linux 5.9)")
	}
	for _, tc := range unlockedEnds {
		out := tc.run(Options{})
		if len(out.Failures) != 1 || !strings.HasPrefix(out.Failures[0], "nothing is locked at the end of the case") {
			t.Errorf("%s: %q", tc.name, out.Failures)
		}
	}
}

var skipping = Case("skipping", func(c *C) { c.Skipf("the kernel lacks %s", "it") })

func TestSkip(t *testing.T) {
	out := skipping.run(Options{})
	if len(out.Failures) > 0 || out.Skipped != "the kernel lacks it" {
		t.Errorf("%+v", out)
	}
}

var talking = Case("talking", func(c *C) {
	println("on stderr")
	os.Stdout.WriteString("on stdout\n")
	c.Logf("in the log")
	os.Stdout.WriteString(strings.Repeat("y", 1<<20) + "the end")
	os.Exit(1)
})

func TestOutput(t *testing.T) {
	out := talking.run(Options{})
	for _, want := range []string{"on stderr", "on stdout", "bytes left out", "the end"} {
		if !strings.Contains(out.Output, want) {
			t.Errorf("no %q in the output", want)
		}
	}
	if len(out.Output) > 3*boundedHalf {
		t.Errorf("%d bytes of output", len(out.Output))
	}
	if len(out.Logs) != 1 || out.Logs[0] != "in the log" || out.End != "exit code 1" {
		t.Errorf("logs %q, end %s", out.Logs, out.End)
	}
}

var as = Case("as another user", func(c *C) {
	c.Unlocked()
	if os.Getuid() != 65534 || os.Getgid() != 65534 {
		c.Errorf("user %d, group %d", os.Getuid(), os.Getgid())
	}
	groups, err := os.Getgroups()
	c.Must(err)
	if len(groups) > 0 {
		c.Errorf("groups %v", groups)
	}
})

func TestUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can become another user")
	}
	as.RunWith(t, Options{User: 65534})
}

// Flags, coverage files and directories of the test are nothing to the child.
func TestElsewhere(t *testing.T) {
	if testing.CoverMode() != "" {
		t.Skip("is run by itself with coverage")
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cmd := exec.Command(exe, "-test.run=TestOutcomes/(refused_and_allowed|no_call_left)", "-test.v",
		"-test.cpuprofile="+filepath.Join(dir, "cpu"), "-test.timeout=1m")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOCOVERDIR="+dir)
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestOutcomes/no_call_left") {
		t.Errorf("%v\n%s", err, out)
	}
}

// The child of a test binary whose TestMain doesn't call Main would run tests, not the case.
func TestWithoutMain(t *testing.T) {
	mainCalled = false
	defer func() { mainCalled = true }()
	out := outcomes[0].tc.run(Options{})
	if len(out.Failures) != 1 || !strings.Contains(out.Failures[0], "seccomptest.Main") {
		t.Errorf("%+v", out)
	}
}
