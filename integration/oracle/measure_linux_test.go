//go:build !race

// The race detector makes calls of its own on the thread that measures.

package oracle

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/stagelock/seccomp/internal/bpf"
	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/internal/sys"
)

// An input is a call as it is made: what is put in the registers.
type input struct {
	nr   uintptr
	args [6]uintptr
}

// regs returns the arguments as a policy sees them.
func (in *input) regs() (regs [6]uint64) {
	for i, a := range in.args {
		regs[i] = uint64(a)
	}
	return regs
}

var native = kernel.Native()

// measure installs the programs on a thread of their own, with what their returns stand for in their place, makes the
// calls there, and returns what they gave. The process must end afterwards: the thread can do nothing any more, and
// spins.
//
// Nothing may take the thread to the Go runtime while it measures: there is no collection, no preemption by signals
// (the child runs with asyncpreemptoff=1), and the loop calls nothing that asks for preemption by itself.
func measure(progs [][]bpf.Instruction, m marks, inputs []input) ([]syscall.Errno, error) {
	filters := make([][]sys.SockFilter, len(progs))
	for i, p := range progs {
		var err error
		if filters[i], err = marked(p, m); err != nil {
			return nil, err
		}
	}
	got := make([]syscall.Errno, len(inputs))
	for i := range got {
		got[i] = 1 // touched, so that no page is missing
	}
	debug.SetGCPercent(-1)
	runtime.GOMAXPROCS(8) // the spinning thread keeps one processor; others must be free, for a call to return to
	var done atomic.Bool
	failed := make(chan error)
	go func() {
		runtime.LockOSThread()
		if err := install(filters); err != nil {
			failed <- err // and the thread ends with the goroutine, if nothing was installed
			return
		}
		calls(inputs, got, &done)
	}()
	for !done.Load() {
		select {
		case err := <-failed:
			return nil, err
		case <-time.After(time.Millisecond):
		}
	}
	return got, nil
}

// install installs filters on the calling thread.
func install(filters [][]sys.SockFilter) error {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	for i, f := range filters {
		if r, errno := sys.SetModeFilter(installFlags, f); r != 0 || errno != 0 {
			return fmt.Errorf("install program %d of %d: %d, %v", i+1, len(filters), r, errno)
		}
	}
	// Had nothing been installed, what follows would be the calls themselves.
	if _, _, errno := unix.RawSyscall(unix.SYS_GETPPID, 0, 0, 0); errno == 0 {
		panic("oracle: the filters are not in force")
	}
	return nil
}

// calls makes the calls and never returns.
func calls(inputs []input, got []syscall.Errno, done *atomic.Bool) {
	for i := range inputs {
		in := &inputs[i]
		_, _, got[i] = syscall.RawSyscall6(in.nr, in.args[0], in.args[1], in.args[2], in.args[3], in.args[4], in.args[5])
	}
	done.Store(true)
	for { //lint:ignore SA5002 whatever else this thread did would be a call
	}
}
