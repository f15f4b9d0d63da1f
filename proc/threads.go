package proc

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/stagelock/seccomp/internal/digits"
	"github.com/stagelock/seccomp/internal/order"
	"github.com/stagelock/seccomp/internal/sys"
)

// An FS is a proc file system. The zero value is the one at /proc; any other Root is read the same way, so that a
// copy of one can stand in for it.
type FS struct {
	Root string
}

// root is where the file system is mounted.
func (f FS) root() string {
	if f.Root == "" {
		return "/proc"
	}
	return f.Root
}

// Tasks is the directory that lists the threads of a process, one name for each thread id.
func (f FS) Tasks(pid int) string { return f.root() + "/" + strconv.Itoa(pid) + "/task" }

// Self is like Tasks for the process that asks. It says "self" rather than the process id, which is a different one
// in a /proc that was mounted for another pid namespace.
func (f FS) Self() string { return f.root() + "/self/task" }

// An Error says what of a process could not be seen.
type Error struct {
	Pid    int
	Unseen []int // the threads that are there but could not be read; empty if that is true of the whole process
	Err    error // the first reason met
}

func (e *Error) Error() string {
	if len(e.Unseen) > 0 {
		return fmt.Sprintf("process %d: %d of its threads could not be read, the first is %d: %v",
			e.Pid, len(e.Unseen), e.Unseen[0], e.Err)
	}
	if errors.Is(e.Err, fs.ErrNotExist) {
		return fmt.Sprintf("process %d: %v: it has ended, or /proc is not mounted or hides it from this user (hidepid)",
			e.Pid, e.Err)
	}
	return fmt.Sprintf("process %d: %v", e.Pid, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// Threads reads the state of every thread of a process, by ascending thread id, each at a slightly different moment.
// Threads that end while they are being read are left out. Threads that are there and cannot be read are named by an
// *Error, beside the states of the others. A process that has no thread left is an *Error that matches fs.ErrNotExist.
func (f FS) Threads(pid int) ([]State, error) {
	tasks := f.Tasks(pid)
	tids, err := ThreadIDs(tasks)
	if err != nil {
		return nil, &Error{Pid: pid, Err: err}
	}
	var r reader
	var unseen Error
	states := make([]State, 0, len(tids))
	for _, tid := range tids {
		s, err := r.read(filepath.Join(tasks, strconv.Itoa(tid), "status"))
		switch {
		case err == nil:
			states = append(states, s)
		case gone(err):
		default:
			unseen.Unseen = append(unseen.Unseen, tid)
			if unseen.Err == nil {
				unseen.Err = err
			}
		}
	}
	switch {
	case unseen.Err != nil:
		unseen.Pid = pid
		return states, &unseen
	case len(states) == 0:
		return nil, &Error{Pid: pid, Err: fs.ErrNotExist}
	}
	return states, nil
}

// ThreadIDs lists a directory of threads, such as Tasks names, in ascending order.
func ThreadIDs(tasks string) ([]int, error) {
	names, err := sys.Names(tasks)
	if err != nil && (len(names) == 0 || !gone(err)) {
		return nil, err
	}
	tids := make([]int, 0, len(names))
	for _, name := range names {
		if name == "0" {
			continue // "The task has just exited": fs/proc/base.c, proc_task_readdir, where older kernels list it all the same
		}
		tid, ok := digits.Parse(name, 10, 31)
		if !ok || strings.HasPrefix(name, "0") {
			return nil, &fs.PathError{Op: "list", Path: tasks, Err: fmt.Errorf("%q is not a thread id", name)}
		}
		tids = append(tids, int(tid))
	}
	order.Stable(tids, func(i, j int) bool { return tids[i] < tids[j] })
	return tids, nil
}

// gone tells whether an error means that the thread has ended: "ESRCH: reading from /proc/PID when the process has
// terminated" is what the kernel's proc files answer through a descriptor that was opened before, ENOENT by name.
func gone(err error) bool { return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) }

// A reader reads one status file after the other into the same memory.
type reader struct {
	buf []byte
}

func (r *reader) read(path string) (State, error) {
	file, err := os.Open(path)
	if err != nil {
		return State{}, err
	}
	defer file.Close()
	if r.buf == nil {
		r.buf = make([]byte, 4096) // 1.5 KB are usual; the list of groups, or of NUMA nodes, can make it more
	}
	n := 0
	for {
		m, err := file.Read(r.buf[n:])
		n += m
		if err == io.EOF {
			break
		}
		if err != nil {
			return State{}, err
		}
		if n == len(r.buf) {
			r.buf = append(r.buf, make([]byte, n)...)
		}
	}
	s, err := Parse(r.buf[:n])
	if err != nil {
		return State{}, &fs.PathError{Op: "parse", Path: path, Err: err}
	}
	return s, nil
}
