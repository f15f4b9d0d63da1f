package lock_test

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/stagelock/seccomp/internal/sys"
	"github.com/stagelock/seccomp/lock"
	"github.com/stagelock/seccomp/proc"
	"github.com/stagelock/seccomp/seccomptest"
)

func TestMain(m *testing.M) { seccomptest.Main(m) }

const (
	ldNR = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS // with k 0, where seccomp_data has its nr
	jeq  = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
	ret  = unix.BPF_RET | unix.BPF_K
)

// answer is a filter that gives action for the calls named and allows all others.
func answer(action uint32, nrs ...uint32) []lock.Instruction {
	f := []lock.Instruction{{Code: ldNR}}
	for _, nr := range nrs {
		f = append(f, lock.Instruction{Code: jeq, Jf: 1, K: nr}, lock.Instruction{Code: ret, K: action})
	}
	return append(f, lock.Instruction{Code: ret, K: unix.SECCOMP_RET_ALLOW})
}

// refuse is a filter that refuses calls with an errno.
func refuse(errno syscall.Errno, nrs ...uint32) []lock.Instruction {
	return answer(unix.SECCOMP_RET_ERRNO|uint32(errno), nrs...)
}

// long is a filter of n instructions that allows everything.
func long(n int) []lock.Instruction {
	f := make([]lock.Instruction, n)
	for i := range f {
		f[i].Code = ldNR
	}
	f[n-1] = lock.Instruction{Code: ret, K: unix.SECCOMP_RET_ALLOW}
	return f
}

func one(name string, f []lock.Instruction) lock.Stage {
	return lock.Stage{Name: name, Filters: [][]lock.Instruction{f}}
}

// unlimited skips where filters from outside take part of what the kernel allows.
func unlimited(t *testing.T) {
	t.Helper()
	if given.Filters > 0 {
		t.Skip("filters are in force already, as a container's are, and what they leave of the kernel's budget isn't known")
	}
}

// outer puts filters in force on all threads, as whoever starts a process in a container does.
func outer(c *seccomptest.C, filters ...[]lock.Instruction) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	c.Must(unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
	for _, f := range filters {
		tid, errno := sys.SetModeFilter(unix.SECCOMP_FILTER_FLAG_TSYNC, f)
		if tid != 0 || errno != 0 {
			c.Fatalf("outer filter: thread %d, %v", tid, errno)
		}
	}
}

// given is what the process was started with: in a container that is a filter.
var given = atStart()

func atStart() proc.State {
	states, err := proc.FS{}.Threads(os.Getpid())
	if err != nil || len(states) == 0 {
		return proc.State{Mode: proc.Disabled}
	}
	states[0].Filters = max(0, states[0].Filters)
	return states[0]
}

// each demands of all threads that they have so many filters more than they were given, and no_new_privs or what they
// were given.
func each(c *seccomptest.C, filters int, noNewPrivs bool) {
	filters += given.Filters
	noNewPrivs = noNewPrivs || given.NoNewPrivs
	mode := given.Mode
	if filters > 0 {
		mode = proc.Filter
	}
	lacks := func(s proc.State) bool {
		return !s.Exiting() && (s.Filters != filters || s.Mode != mode || s.NoNewPrivs != noNewPrivs)
	}
	for wait := time.Millisecond; ; wait *= 2 {
		states, err := (proc.FS{}).Threads(os.Getpid())
		c.Must(err)
		i := slices.IndexFunc(states, lacks)
		if i < 0 {
			return
		}
		// TSYNC skips a thread that is on its way out, and for a moment it doesn't show that it is.
		if wait > 16*time.Second {
			s := states[i]
			c.Errorf("thread %d has %d filters, mode %v, no_new_privs %t; want %d, %v, %t",
				s.Tid, s.Filters, s.Mode, s.NoNewPrivs, filters, mode, noNewPrivs)
			return
		}
		time.Sleep(wait)
	}
}

// threads makes the process have at least n more threads.
func threads(n int) {
	ready := make(chan struct{})
	for range n {
		go func() {
			runtime.LockOSThread()
			ready <- struct{}{}
			select {}
		}()
	}
	for range n {
		<-ready
	}
}

func getppid() error {
	_, _, errno := syscall.RawSyscall(syscall.SYS_GETPPID, 0, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

func openNull() error {
	f, err := os.Open(os.DevNull)
	if err != nil {
		return err
	}
	return f.Close()
}

func want(c *seccomptest.C, what string, ok bool, got any) {
	if !ok {
		c.Errorf("%s: %v", what, fmt.Sprintf("%+v", got))
	}
}

func is(err, target error) bool { return errors.Is(err, target) }
