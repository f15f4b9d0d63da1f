//go:build !race

// The race detector makes calls of its own on the thread that measures.

package oracle

import (
	"os"
	"runtime"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/stagelock/seccomp/filter"
	"github.com/stagelock/seccomp/internal/sys"
	"github.com/stagelock/seccomp/internal/sys/foreign"
	"github.com/stagelock/seccomp/seccomptest"
)

// What a process of one ABI can enter through another one is killed, also where the policy allows nearly everything:
// here the programs are installed as they are, on all threads.

// lockOpen locks a policy that allows all calls but one.
func lockOpen(c *seccomptest.C) {
	plan, err := planned("open", "use all\nsys_ptrace: 0")
	c.Must(err)
	progs, err := filter.Compile(plan.Filter(-1, 0), filter.Options{})
	c.Must(err)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	c.Must(unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
	for _, p := range progs {
		var f []sys.SockFilter
		for _, i := range p.Insns {
			f = append(f, sys.SockFilter{Code: i.Op, Jt: i.Jt, Jf: i.Jf, K: i.K})
		}
		if tid, errno := sys.SetModeFilter(unix.SECCOMP_FILTER_FLAG_TSYNC, f); tid != 0 || errno != 0 {
			c.Fatalf("install: thread %d, %v", tid, errno)
		}
	}
	c.Allowed("getppid", func() error { return raw(unix.SYS_GETPPID) })
	c.Refused(syscall.EPERM, "ptrace", func() error { return raw(unix.SYS_PTRACE) })
}

func raw(nr uintptr) error {
	if _, _, errno := unix.RawSyscall6(nr, 0, 0, 0, 0, 0, 0); errno != 0 {
		return errno
	}
	return nil
}

var (
	int80 = seccomptest.Case("int 0x80", func(c *seccomptest.C) {
		const getpid = 20 // i386's
		if pid, err := foreign.Int80(getpid, 0, 0, 0); err != nil || int(pid) != os.Getpid() {
			c.Fatalf("before the lock: pid %d, %v", pid, err)
		}
		lockOpen(c)
		c.Dies(unix.SIGSYS, "getpid through int 0x80", func() error {
			_, err := foreign.Int80(getpid, 0, 0, 0)
			return err
		})
	})

	x32 = seccomptest.Case("x32", func(c *seccomptest.C) {
		lockOpen(c)
		c.Dies(unix.SIGSYS, "getppid of x32", func() error { return raw(unix.SYS_GETPPID | 1<<30) })
	})

	x32Last = seccomptest.Case("the last x32 number", func(c *seccomptest.C) {
		lockOpen(c)
		c.Dies(unix.SIGSYS, "-2", func() error { return raw(^uintptr(1)) })
	})

	skipped = seccomptest.Case("-1", func(c *seccomptest.C) {
		lockOpen(c)
		c.Refused(syscall.ENOSYS, "-1, which a tracer writes to skip a call", func() error { return raw(^uintptr(0)) })
	})
)

func TestForeignEntryIsKilled(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skipf("package foreign knows no second way into the kernel on %s", runtime.GOARCH)
	}
	if _, err := os.Stat("/proc/sys/abi/vsyscall32"); err != nil {
		t.Skip("the kernel has no CONFIG_IA32_EMULATION: it shows no vsyscall32")
	}
	unconfined(t)
	int80.Run(t)
}

func TestX32IsKilled(t *testing.T) {
	if !native.X32 {
		t.Skipf("%s has no numbers of another ABI", native.Name)
	}
	t.Run("getppid", func(t *testing.T) { x32.Run(t) })
	t.Run("last", func(t *testing.T) { x32Last.Run(t) })
}

func TestSkippedCallIsUnknown(t *testing.T) { skipped.Run(t) }
