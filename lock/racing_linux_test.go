package lock_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/stagelock/seccomp/lock"
	"github.com/stagelock/seccomp/proc"
	"github.com/stagelock/seccomp/seccomptest"
)

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
	want(c, "a child born after", err == nil && strings.HasSuffix(string(out), fmt.Sprintf("\t%d\n", given.Filters+1)), string(out))
	c.Must(<-children)
	c.Must(<-children)
	c.Refused(unix.EPERM, "getppid", getppid)
})

func TestRacingBirthsAndExec(t *testing.T) {
	const least, most = 10, 200
	for n, begun := 1, time.Now(); n <= most; n++ {
		racing.Run(t)
		// On a busy machine each takes seconds: then there are fewer.
		if t.Failed() || n == least && testing.Short() || n >= least && time.Since(begun) > time.Minute {
			t.Logf("%d times", n)
			return
		}
	}
}

// A child that has been forked and has not yet called exec runs this program's code without the filters.
var halfMade = seccomptest.Case("half-made children", func(c *seccomptest.C) {
	if os.Getuid() != 0 {
		c.Skipf("only root can make a child that takes long between fork and exec")
	}
	child := func() error {
		cmd := exec.Command("/bin/true")
		cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNET} // a millisecond or so
		return cmd.Run()
	}
	// With the first one package os tries a child that ends at once, and calls no exec.
	if err := child(); errors.Is(err, unix.EPERM) {
		c.Skipf("this root may not make a network namespace (CAP_SYS_ADMIN): %v", err)
	} else if err != nil {
		c.Fatalf("a child: %v", err)
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
			if err := child(); err != nil {
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
		kids := twins(c)
		forking := slices.ContainsFunc(self, func(t proc.State) bool { return t.Run == 'D' })
		for _, kid := range kids {
			if forking && kid.Filters < given.Filters+n {
				c.Fatalf("a child between fork and exec has %d filters after lock %d", kid.Filters, n)
			}
		}
	}
	close(stop)
	c.Must(<-stopped)
})

// twins tells the state of all children that run this program's code: what a thread waits for in state D can be something
// else, such as a page, and then a child that was forked before the last locks, and is another program by now, is in order.
func twins(c *seccomptest.C) (states []proc.State) {
	self, err := os.Readlink("/proc/self/exe")
	c.Must(err)
	lists, _ := filepath.Glob("/proc/self/task/*/children")
	for _, list := range lists {
		pids, _ := os.ReadFile(list)
		for _, pid := range strings.Fields(string(pids)) {
			if exe, _ := os.Readlink("/proc/" + pid + "/exe"); exe != self {
				continue
			}
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
		before = append(before, r.Before-given.Filters)
		want(c, "verified", r.Verified > 0 && r.Unverified == "", r)
	}
	slices.Sort(before)
	want(c, "filters before each", slices.Equal(before, []int{0, 1, 2, 3}), before)
	each(c, 4, true)
})

func TestConcurrent(t *testing.T) { concurrent.Run(t) }
