package seccomp_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/stagelock/seccomp"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/proc"
	"github.com/stagelock/seccomp/rule"
	"github.com/stagelock/seccomp/seccomptest"
)

// What the cases below try.

func openFile() error {
	f, err := os.Open("/proc/self/status")
	if err == nil {
		f.Close()
	}
	return err
}

func listen() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err == nil {
		l.Close()
	}
	return err
}

func run() error { return exec.Command("/proc/self/exe", "-no-such-flag").Start() }

// capture returns what f makes the process write to stderr.
func capture(c *seccomptest.C, f func()) string {
	r, w, err := os.Pipe()
	c.Must(err)
	saved, err := unix.Dup(2)
	c.Must(err)
	c.Must(unix.Dup3(int(w.Fd()), 2, 0))
	f()
	c.Must(unix.Dup3(saved, 2, 0))
	w.Close()
	text, err := io.ReadAll(r)
	c.Must(err)
	return string(text)
}

// failed demands that err matches want, that it was said on stderr, that Current has it, and that the process can do
// what it could and never lock again.
func failed(c *seccomptest.C, want error, lock func() error) error {
	c.Unlocked()
	var err error
	said := capture(c, func() { err = lock() })
	if !errors.Is(err, want) {
		c.Fatalf("the error is %v, want %v", err, want)
	}
	if line, _, _ := strings.Cut(said, "\n"); !strings.HasPrefix(line, "stagelock: ") {
		c.Errorf("on stderr stands %q, want a line that begins with stagelock:", said)
	}
	if cur := seccomp.Current(); cur.Err == nil || !errors.Is(cur.Err, want) {
		c.Errorf("Current has the error %v, want %v", cur.Err, want)
	}
	if after := seccomp.Stage("init").Use("file").Lock(); !errors.Is(after, seccomp.ErrFailed) {
		c.Errorf("a Lock after the failure: %v, want ErrFailed", after)
	}
	c.Allowed("open a file after a failed Lock", openFile)
	return err
}

// furtherFilter asks for what the next Lock would; there is no filter at address 0.
func furtherFilter() error {
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, 0)
	return errno
}

var defaultPolicy = seccomptest.Case("the default policy", func(c *seccomptest.C) {
	c.Must(seccomp.Stage("init").Lock())
	c.Allowed("open a file", openFile)
	c.Allowed("listen", listen)
	c.Refused(syscall.EPERM, "exec", run)
	c.Refused(syscall.EPERM, "ptrace", func() error { return unix.PtraceAttach(os.Getppid()) })
	c.Must(seccomp.Stage("serve").Lock())
	c.Refused(syscall.EPERM, "listen", listen)
	c.Refused(syscall.EPERM, "create a file", func() error { _, err := os.Create("/tmp/never"); return err })
	c.Refused(syscall.EPERM, "seccomp after the last stage", furtherFilter)
	if got := seccomp.Current().Stage; got != "serve" {
		c.Errorf("the stage in force is %q", got)
	}
})

func TestDefaultPolicy(t *testing.T) { defaultPolicy.Run(t) }

const twoStages = `stage init
    use file.read, file.io
stage serve
    drop file.read
`

var receipts = seccomptest.Case("the receipt says what the kernel shows", func(c *seccomptest.C) {
	seccomp.MustDeclare("two.policy", twoStages)
	c.Must(seccomp.Stage("init").Lock())
	c.Must(seccomp.Stage("serve").Lock())
	cur := seccomp.Current()
	if len(cur.Receipts) != 2 {
		c.Fatalf("%d receipts", len(cur.Receipts))
	}
	init, serve := cur.Receipts[0], cur.Receipts[1]
	if serve.Before != init.Before+1 || serve.Verified == 0 || serve.Unverified != "" {
		c.Errorf("the receipts are %+v and %+v", init, serve)
	}
	if !slices.Contains(serve.Dropped, "openat") || !slices.Contains(serve.Dropped, "seccomp") || slices.Contains(serve.Dropped, "read") {
		c.Errorf("serve dropped %v", serve.Dropped)
	}
	heap := "mmap"
	if runtime.GOARCH == "386" || runtime.GOARCH == "arm" {
		heap = "mmap2"
	}
	if !slices.Contains(init.Floor, heap) || slices.Contains(init.Floor, "read") {
		c.Errorf("the floor keeps %v", init.Floor)
	}
	again, err := rule.Parse("current", cur.Policy)
	c.Must(err)
	if len(again.Stmts) < serve.Allowed || !strings.Contains(cur.Policy, "sys_read: 1") {
		c.Errorf("the policy in force is\n%s", cur.Policy)
	}
	if notes := strings.Join(init.Notes, "\n"); strings.Contains(notes, "nothing is allowed") {
		c.Errorf("init, which grants something, has the notes %q", notes)
	}
	if init.Allowed <= serve.Allowed || serve.Known < 300 {
		c.Errorf("%d and %d of %d calls are allowed", init.Allowed, serve.Allowed, serve.Known)
	}
})

func TestReceipt(t *testing.T) { receipts.Run(t) }

var everyThread = seccomptest.Case("every thread has the filters", func(c *seccomptest.C) {
	stop := make(chan struct{})
	for range 20 { // goroutines that block in the kernel have a thread each
		r, w, err := os.Pipe()
		c.Must(err)
		fd := int(r.Fd())
		go func() {
			var b [1]byte
			unix.Read(fd, b[:])
			<-stop
			r.Close() // and until then the collector doesn't, which would end the reading
			w.Close()
		}()
	}
	for blocked := 0; blocked < 20; { // the runtime starts a thread when it sees that one is blocked
		time.Sleep(time.Millisecond)
		before, err := proc.FS{}.Threads(os.Getpid())
		c.Must(err)
		blocked = len(before)
	}
	c.Must(seccomp.Stage("init").Use("file").Lock())
	threads, err := proc.FS{}.Threads(os.Getpid())
	c.Must(err)
	if len(threads) < 20 {
		c.Errorf("there are %d threads", len(threads))
	}
	for _, t := range threads {
		if t.Mode != proc.Filter || !t.NoNewPrivs {
			c.Errorf("thread %d: %+v", t.Tid, t)
		}
	}
})

func TestEveryThread(t *testing.T) { everyThread.Run(t) }

var twice = seccomptest.Case("locked twice", func(c *seccomptest.C) {
	c.Must(seccomp.Stage("init").Lock())
	c.Must(seccomp.Stage("init").Lock())
	if n := len(seccomp.Current().Receipts); n != 1 {
		c.Errorf("%d receipts, want 1", n)
	}
	c.Must(seccomp.Stage("init").Rules("sys_getppid: 0").Lock()) // says more, and so narrows
	c.Must(seccomp.Stage("init").Lock())
	c.Must(seccomp.Stage("init").Rules("sys_getpgrp: 0").Lock()) // and once more
	c.Refused(syscall.EPERM, "getppid", func() error {
		_, _, errno := unix.RawSyscall(unix.SYS_GETPPID, 0, 0, 0)
		return errno
	})
})

func TestLockTwice(t *testing.T) { twice.Run(t) }

var concurrent = seccomptest.Case("locked from many goroutines", func(c *seccomptest.C) {
	var wg sync.WaitGroup
	for range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			c.Allowed("lock", seccomp.Stage("init").Lock)
		}()
	}
	wg.Wait()
	if n := len(seccomp.Current().Receipts); n != 1 {
		c.Errorf("%d receipts, want 1", n)
	}
})

func TestLockConcurrently(t *testing.T) { concurrent.Run(t) }

var nothing = seccomptest.Case("a text that says nothing", func(c *seccomptest.C) {
	failed(c, policy.ErrEmpty, seccomp.Stage("init").Rules("# all in comments\n").Lock)
})

func TestRulesThatSayNothing(t *testing.T) { nothing.Run(t) }

var nothingDeclared = seccomptest.Case("a declared text that says nothing", func(c *seccomptest.C) {
	failed(c, policy.ErrEmpty, func() error { return seccomp.Declare("comments.policy", "# all in comments\n\n") })
})

func TestDeclaredTextThatSaysNothing(t *testing.T) { nothingDeclared.Run(t) }

// What says something and grants nothing may be meant: the receipt says what is left.
var nothingGranted = seccomptest.Case("a policy that grants nothing", func(c *seccomptest.C) {
	seccomp.MustDeclare("deny.policy", "deny errno(EPERM)\nset unused { sys_read: 1 }\n")
	c.Must(seccomp.Stage("init").Lock())
	notes := strings.Join(seccomp.Current().Receipts[0].Notes, "\n")
	if want := "nothing is allowed but what the Go runtime itself needs"; !strings.Contains(notes, want) {
		c.Errorf("the receipt notes %q, want %q", notes, want)
	}
	c.Refused(syscall.EPERM, "open a file", openFile)
})

func TestNothingGranted(t *testing.T) { nothingGranted.Run(t) }

var nameless = seccomptest.Case("a stage without a name", func(c *seccomptest.C) {
	failed(c, seccomp.ErrNoStage, seccomp.Stage("").Use("file").Lock)
})

func TestStageWithoutName(t *testing.T) { nameless.Run(t) }

var back = seccomptest.Case("going back", func(c *seccomptest.C) {
	seccomp.MustDeclare("back.policy", "stage init\nuse file\nstage serve\ndrop file.write\n")
	c.Must(seccomp.Stage("serve").Lock()) // skips init, which is included
	c.Allowed("open a file", openFile)
	c.Refused(syscall.EPERM, "listen", listen)
	if err := seccomp.Stage("init").Lock(); !errors.Is(err, seccomp.ErrOrder) {
		c.Errorf("going back: %v", err)
	}
})

func TestLockOutOfOrder(t *testing.T) { back.Run(t) }

var noStage = seccomptest.Case("no such stage", func(c *seccomptest.C) {
	seccomp.MustDeclare("two.policy", twoStages)
	err := failed(c, seccomp.ErrNoStage, seccomp.Stage("server").Lock)
	if want := `stage server: no such stage: "server" is not in two.policy, which has init, serve: did you mean "serve"?`; err.Error() != want {
		c.Errorf("the error is %v", err)
	}
})

func TestNoSuchStage(t *testing.T) { noStage.Run(t) }

var dropped = seccomptest.Case("the error of Lock is dropped", func(c *seccomptest.C) {
	c.Unlocked()
	said := capture(c, func() {
		seccomp.Stage("init").Use("fiel").Lock() // as a bare statement
	})
	if want := "stagelock: stage init: Stage(\"init\"):1:1: "; !strings.HasPrefix(said, want) || !strings.Contains(said, `"file"`) {
		c.Errorf("on stderr stands %q, want %s… with the nearest word", said, want)
	}
	if err := seccomp.Stage("serve").Use("file").Lock(); !errors.Is(err, seccomp.ErrFailed) {
		c.Errorf("the next Lock: %v", err)
	}
	c.Allowed("listen", listen)
})

func TestDroppedError(t *testing.T) { dropped.Run(t) }

func TestPlainTestBinary(t *testing.T) {
	if err := seccomp.Stage("init").Lock(); !errors.Is(err, seccomp.ErrTestBinary) {
		t.Fatalf("Lock in a test binary: %v, want ErrTestBinary", err)
	}
	if err := openFile(); err != nil {
		t.Errorf("the test run is locked: %v", err)
	}
}

var fluent = seccomptest.Case("stages said in code", func(c *seccomptest.C) {
	c.Must(seccomp.Stage("init").Use("file", "net.server").Rules("sys_socket: family == AF_INET").Lock())
	c.Allowed("listen", listen)
	c.Refused(syscall.EPERM, "a socket of another family", func() error { return socket(unix.AF_INET6) })
	c.Must(seccomp.Stage("serve").Use("file.io", "net.accept", "net.conn").Lock())
	c.Refused(syscall.EPERM, "listen", listen)
	c.Refused(syscall.EPERM, "open a file", openFile)
	c.Must(seccomp.Stage("last").Rules("sys_accept4: 0").Lock())
	if err := seccomp.Stage("serve").Use("file.io").Lock(); !errors.Is(err, seccomp.ErrOrder) {
		c.Errorf("a stage that was locked, with other words: %v", err)
	}
})

func TestFluent(t *testing.T) { fluent.Run(t) }

// socket makes the call of that name, and not socketcall, as x/sys does on 386 and s390x.
func socket(family uintptr) error {
	fd, _, errno := unix.Syscall(unix.SYS_SOCKET, family, unix.SOCK_STREAM, 0)
	if errno != 0 {
		return errno
	}
	return unix.Close(int(fd))
}

var narrowed = seccomptest.Case("a declared stage is narrowed in code", func(c *seccomptest.C) {
	seccomp.MustDeclare("two.policy", twoStages)
	c.Must(seccomp.Stage("init").Rules("sys_openat: (flags & O_ACCMODE) == O_RDONLY && !(flags & O_DIRECTORY)").Lock())
	c.Allowed("open a file", openFile)
	c.Refused(syscall.EPERM, "open a directory", func() error { _, err := unix.Open("/", unix.O_DIRECTORY, 0); return err })
	c.Must(seccomp.Stage("serve").Lock())
	c.Refused(syscall.EPERM, "seccomp after the last stage", furtherFilter)
})

func TestDeclaredStageNarrowed(t *testing.T) { narrowed.Run(t) }

var widened = seccomptest.Case("code can't widen", func(c *seccomptest.C) {
	c.Must(seccomp.Stage("init").Use("file.read", "file.io").Lock())
	err := seccomp.Stage("serve").Use("net.dial").Lock()
	if !errors.Is(err, seccomp.ErrWidened) {
		c.Errorf("the error is %v", err)
	}
	c.Refused(syscall.EPERM, "a socket", func() error { return socket(unix.AF_INET) })
})

func TestWidened(t *testing.T) { widened.Run(t) }

var off = seccomptest.Case("mode off", func(c *seccomptest.C) {
	c.Unlocked()
	c.Must(seccomp.SetMode(seccomp.Off))
	err := seccomp.Stage("init").Lock()
	if !errors.Is(err, seccomp.ErrOff) || !errors.Is(err, seccomp.ErrNotEnforced) || errors.Is(err, seccomp.ErrNotSupported) {
		c.Errorf("Lock: %v", err)
	}
	seccomp.Stage("serve").MustLock()
	c.Allowed("exec", run)
	if cur := seccomp.Current(); cur.Mode != seccomp.Off || cur.Stage != "" || cur.Err != nil {
		c.Errorf("Current is %+v", cur)
	}
})

func TestModeOff(t *testing.T) { off.Run(t) }

var lateMode = seccomptest.Case("a mode that comes too late", func(c *seccomptest.C) {
	c.Must(seccomp.Stage("init").Lock())
	if err := seccomp.SetMode(seccomp.Off); !errors.Is(err, seccomp.ErrOrder) {
		c.Errorf("SetMode: %v", err)
	}
	if err := seccomp.Declare("two.policy", twoStages); !errors.Is(err, seccomp.ErrDeclared) {
		c.Errorf("Declare: %v", err)
	}
})

func TestTooLate(t *testing.T) { lateMode.Run(t) }

var mistakes = seccomptest.Case("a policy with mistakes", func(c *seccomptest.C) {
	c.Unlocked()
	var err error
	capture(c, func() {
		err = seccomp.Declare("bad.policy", "use fil.read\nsys_opnat: 0\nsys_read: fd = 1\n")
	})
	var errs rule.Errors
	if !errors.As(err, &errs) {
		c.Fatalf("Declare: %v", err)
	}
	for _, e := range errs {
		c.Logf("%v", e)
	}
	if err := seccomp.Stage("init").Lock(); !errors.Is(err, seccomp.ErrFailed) {
		c.Errorf("Lock after a failed Declare: %v", err)
	}
	c.Allowed("listen", listen)
})

func TestMistakes(t *testing.T) { mistakes.Run(t) }

var deferred = seccomptest.Case("a policy for another program", func(c *seccomptest.C) {
	c.Unlocked()
	var err error
	capture(c, func() { err = seccomp.Declare("run.policy", "on_next_syscall: 1\nsys_read: 1\n") })
	if !errors.Is(err, seccomp.ErrDeferred) {
		c.Errorf("Declare: %v", err)
	}
})

func TestDeferred(t *testing.T) { deferred.Run(t) }

// hugeRules are more than the kernel takes.
func hugeRules() string {
	var b strings.Builder
	for i := range 400 { // conditions that nothing can make short
		fmt.Fprintf(&b, "nr(%d): ", 1000+i)
		for j := range 60 {
			fmt.Fprintf(&b, "(arg0 == %d && arg1 == %d) ||", 7919*(i+j)%65521, int64(104729)*int64(i*j+1)%65519)
		}
		b.WriteString("arg0 == 1\n")
	}
	return b.String()
}

var tooLarge = seccomptest.Case("more filters than the kernel takes", func(c *seccomptest.C) {
	seccomp.MustDeclare("large.policy", hugeRules())
	before, err := proc.FS{}.Threads(os.Getpid())
	c.Must(err)
	failed(c, seccomp.ErrTooLarge, seccomp.Stage("init").Lock)
	// A container has a filter of its own.
	threads, err := proc.FS{}.Threads(os.Getpid())
	if err != nil || threads[0].Mode != before[0].Mode || threads[0].Filters != before[0].Filters {
		c.Errorf("something was installed: %+v %v, before %+v", threads, err, before)
	}
})

func TestTooLarge(t *testing.T) { tooLarge.Run(t) }

var ordinaryUser = seccomptest.Case("an ordinary user", func(c *seccomptest.C) {
	c.Must(seccomp.Stage("init").Lock())
	c.Must(seccomp.Stage("serve").Lock())
	c.Refused(syscall.EPERM, "listen", listen)
})

func TestOrdinaryUser(t *testing.T) {
	if os.Getuid() != 0 {
		ordinaryUser.Run(t)
		return
	}
	ordinaryUser.RunWith(t, seccomptest.Options{User: 65534})
}

var headDeny = seccomptest.Case("a deny in front of all stages", func(c *seccomptest.C) {
	c.Must(seccomp.Declare("p", "deny errno(EACCES)\nuse file, net.client\n"))
	c.Must(seccomp.Stage("init").Rules("sys_mkdirat: 0").Lock())
	c.Refused(syscall.EACCES, "what the policy refuses", listen)
	c.Refused(syscall.EACCES, "what only the code refuses", func() error { return unix.Mkdirat(-1, "x", 0) })
})

func TestHeadDenySpeaksForCodeToo(t *testing.T) { headDeny.Run(t) }

// A curious logger asks what is in force when it is told of it.
type curious struct{ seen []string }

func (l *curious) ask(string, ...any)                      { l.seen = append(l.seen, seccomp.Current().Stage) }
func (l *curious) Infow(msg string, keysAndValues ...any)  { l.ask(msg) }
func (l *curious) Warnw(msg string, keysAndValues ...any)  { l.ask(msg) }
func (l *curious) Errorw(msg string, keysAndValues ...any) { l.ask(msg) }

var asking = seccomptest.Case("a logger that asks", func(c *seccomptest.C) {
	l := new(curious)
	seccomp.SetLogger(l)
	c.Must(seccomp.Stage("init").Lock())
	if len(l.seen) == 0 || l.seen[0] != "init" {
		c.Errorf("the logger saw %q", l.seen)
	}
})

func TestLoggerMayAsk(t *testing.T) { asking.Run(t) }

var noSets = seccomptest.Case("Use without a set", func(c *seccomptest.C) {
	c.Unlocked()
	if err := seccomp.Stage("init").Use([]string{}...).Lock(); !errors.Is(err, policy.ErrEmpty) {
		c.Errorf("Lock: %v, want ErrEmpty", err)
	}
	c.Allowed("open a file", openFile)
})

func TestUseNeedsASet(t *testing.T) { noSets.Run(t) }
