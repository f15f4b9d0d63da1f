//go:build (amd64 || arm64) && !race

package lock_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/stagelock/seccomp/lock"
	"github.com/stagelock/seccomp/seccomptest"
)

// observe has the calls of some numbers observed, and returns what is told, as it comes.
func observe(c *seccomptest.C, session *lock.Session, nrs ...uint32) <-chan lock.Observed {
	r, err := session.Observe(lock.Stage{Name: "observed", Last: true,
		Filters: [][]lock.Instruction{answer(unix.SECCOMP_RET_USER_NOTIF, nrs...)}})
	if errors.Is(err, lock.ErrNotSupported) {
		c.Skipf("%v", err)
	}
	c.Must(err)
	if r.Verified == 0 || r.Unverified != "" {
		c.Errorf("the receipt is %+v", r)
	}
	if n := session.Judge([][]lock.Instruction{refuse(unix.EPERM, nrs...)}); n != 0 {
		c.Errorf("the judge is number %d", n)
	}
	told := make(chan lock.Observed, 4096)
	go func() {
		for {
			var o lock.Observed
			session.NextObserved(&o)
			told <- o
		}
	}()
	return told
}

// withStack makes a call until it is told with a stack. That is not waited for long: on a slow machine the first times may
// be too soon. How long all may take, the case says.
func withStack(told <-chan lock.Observed, call func()) (o lock.Observed) {
	for o.Frames == 0 {
		call()
		o = <-told
	}
	return o
}

// names returns the functions on a stack.
func names(o lock.Observed) string {
	var list []string
	frames := runtime.CallersFrames(o.Stack[:o.Frames])
	for {
		f, more := frames.Next()
		list = append(list, f.Function)
		if !more {
			return strings.Join(list, " ")
		}
	}
}

//go:noinline
func readLink() (string, error) { return os.Readlink("/proc/self/exe") }

var observed = seccomptest.Case("a call is observed", func(c *seccomptest.C) {
	var session lock.Session
	told := observe(c, &session, unix.SYS_READLINKAT, unix.SYS_GETPGID)
	o := withStack(told, func() {
		if _, err := readLink(); err != nil {
			c.Errorf("the call failed: %v", err)
		}
	})
	if o.Nr != unix.SYS_READLINKAT || int32(o.Args[0]) != unix.AT_FDCWD || o.Judge != 0 {
		c.Errorf("told %+v", o)
	}
	if got := names(o); !strings.Contains(got, "os.Readlink") || !strings.Contains(got, "lock_test.readLink") || !strings.HasSuffix(got, "runtime.goexit") {
		c.Errorf("the stack is %s", got)
	}
	// A call that keeps its processor from the runtime.
	o = withStack(told, func() {
		if pgid, _, errno := unix.RawSyscall(unix.SYS_GETPGID, 0, 0, 0); errno != 0 || int(pgid) != unix.Getpgrp() {
			c.Errorf("getpgid: %d, %v", pgid, errno)
		}
	})
	if o.Nr != unix.SYS_GETPGID || !strings.Contains(names(o), "lock_test.init") {
		c.Errorf("told %+v with the stack %s", o, names(o))
	}
})

func TestObserve(t *testing.T) { observed.Run(t) }

var observedLoad = seccomptest.Case("observed under load", func(c *seccomptest.C) {
	var session lock.Session
	told := observe(c, &session, unix.SYS_GETPGID, unix.SYS_CLONE, unix.SYS_EXECVE, unix.SYS_READLINKAT)
	stop := make(chan bool)
	for range 2 { // the collector, and preemption by the very signal that is used
		go func() {
			for {
				select {
				case <-stop:
					return
				default:
					runtime.GC()
				}
			}
		}()
		go func() {
			for x := 0; ; x++ {
				if x&(1<<30-1) == 0 {
					select {
					case <-stop:
						return
					default:
					}
				}
			}
		}()
	}
	const workers, each = 4, 200
	var wg sync.WaitGroup
	for range workers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for range each {
				if _, _, errno := unix.RawSyscall(unix.SYS_GETPGID, 0, 0, 0); errno != 0 {
					c.Errorf("getpgid: %v", errno)
				}
				if _, err := readLink(); err != nil {
					c.Errorf("readlink: %v", err)
				}
			}
		}()
	}
	const runs = 20
	for range runs {
		if out, err := exec.Command("sh", "-c", "/bin/readlink /proc/self/exe && exec /bin/readlink /proc/self/exe").CombinedOutput(); err != nil || len(out) < 4 {
			c.Errorf("a child: %v, %q", err, out)
		}
	}
	wg.Wait()
	close(stop)
	made := workers * each
	count := make(map[uint32]int)
	stacks := make(map[uint32]int)
	for wait := 50 * time.Millisecond; wait < time.Minute; wait *= 2 { // until all is told; a call tells of those before it for which there was no room
		time.Sleep(wait)
		for len(told) > 0 {
			o := <-told
			count[o.Nr] += 1 + int(o.More)
			if o.Frames > 0 {
				stacks[o.Nr]++
			}
		}
		if count[unix.SYS_GETPGID] >= made {
			break
		}
		unix.RawSyscall(unix.SYS_GETPGID, 0, 0, 0)
		made++
	}
	c.Logf("told %v, with stacks %v", count, stacks)
	// A signal that comes before the answer has the kernel make the call once more: it is told twice.
	if n, want := count[unix.SYS_GETPGID], made; n < want || n > want+want/50 {
		c.Errorf("getpgid was told %d times, want %d, or a few more", n, want)
	}
	if n := count[unix.SYS_EXECVE]; n < 2*runs {
		c.Errorf("execve was told %d times, want %d and more", n, 2*runs)
	}
	if stacks[unix.SYS_GETPGID] < 32 || stacks[unix.SYS_READLINKAT] < 32 {
		c.Errorf("stacks of %v", stacks)
	}
})

// shell skips where no shell can be started.
func shell(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("there is no shell: ", err)
	}
}

func TestObserveUnderLoad(t *testing.T) {
	shell(t)
	// Each call waits for two other processes to get their turn, beside the two goroutines that never rest.
	observedLoad.RunWith(t, seccomptest.Options{Timeout: 5 * time.Minute, Env: []string{"GOGC=1"}})
}

var observedExec = seccomptest.Case("an observed process becomes another program", func(c *seccomptest.C) {
	var session lock.Session
	observe(c, &session, unix.SYS_GETPPID, unix.SYS_EXECVE, unix.SYS_READLINKAT)
	out, err := exec.Command("sh", "-c", "sleep 0.05; readlink /proc/self/exe").CombinedOutput()
	if err != nil || len(out) < 4 {
		c.Errorf("%v: %s", err, out)
	}
})

// becomeShell observes this process, which becomes a shell that makes the observed calls itself, and has a handler for
// SIGURG that interrupts a call for good.
func becomeShell() {
	const script = `trap "echo a signal came; exit 1" URG; for i in 1 2 3 4 5 6 7 8 9; do umask >/dev/null; done`
	var session lock.Session
	path, err := exec.LookPath("sh")
	if err == nil {
		_, err = session.Observe(lock.Stage{Name: "observed", Last: true,
			Filters: [][]lock.Instruction{answer(unix.SECCOMP_RET_USER_NOTIF, unix.SYS_UMASK)}})
	}
	session.Judge([][]lock.Instruction{refuse(unix.EPERM, unix.SYS_UMASK)})
	if err == nil {
		err = unix.Exec(path, []string{"sh", "-c", script}, os.Environ())
	}
	fmt.Println(err)
	if errors.Is(err, lock.ErrNotSupported) {
		os.Exit(cannotObserve)
	}
	os.Exit(1)
}

// cannotObserve is how it exits where the kernel can't do it; a Go program that fails exits otherwise.
const cannotObserve = 77

// becomesShell is the environment's word to a process of this program that it is to become a shell, before any test.
const becomesShell = "LOCK_TEST_BECOMES_SHELL"

var _ = func() bool {
	if os.Getenv(becomesShell) != "" {
		becomeShell()
	}
	return false
}()

func TestObserveHandler(t *testing.T) {
	shell(t)
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), becomesShell+"=1")
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState != nil && cmd.ProcessState.ExitCode() == cannotObserve {
		t.Skipf("this kernel can't observe: %s", out)
	}
	if err != nil || len(out) > 0 {
		t.Errorf("%v: %s", err, out)
	}
}

func TestObserveExec(t *testing.T) {
	shell(t)
	before := sharers(t)
	observedExec.Run(t)
	for deadline := time.Now().Add(time.Minute); sharers(t) > before; { // the observer ends with the last that has the filter
		if time.Now().After(deadline) {
			t.Fatalf("%d processes of this program are left, %d before", sharers(t), before)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// sharers counts the processes that run this program.
func sharers(t *testing.T) (n int) {
	t.Helper()
	self, err := os.Readlink("/proc/self/exe")
	if err != nil {
		t.Skip("/proc can't be read: ", err)
	}
	links, _ := filepath.Glob("/proc/[0-9]*/exe")
	for _, l := range links {
		if exe, err := os.Readlink(l); err == nil && exe == self {
			n++
		}
	}
	return n
}
