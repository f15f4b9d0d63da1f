package lock

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/stagelock/seccomp/proc"
)

// A thread is one of the process's, with its status file held open. A descriptor stays with the thread it was opened
// for: when that has ended, reading answers ESRCH, even if its id is in use again.
type thread struct {
	tid   int
	fd    int
	state proc.State // as last read
}

// threads are those whose status file is open.
type threads struct {
	list []thread
	buf  []byte // for the text of a status file; kept, so that reading back allocates little
}

// open opens the status files of all threads that are there now. It goes as far as it can: what it could not open is
// told by reason.
func (ts *threads) open(fs proc.FS) (reason string) {
	tasks := fs.Self()
	tids, err := proc.ThreadIDs(tasks)
	if err != nil {
		return err.Error()
	}
	var failed int
	var first error
	for _, tid := range tids {
		path := filepath.Join(tasks, strconv.Itoa(tid), "status")
		fd, err := openat(path)
		switch {
		case err == nil:
			ts.list = append(ts.list, thread{tid: tid, fd: fd})
		case err == unix.ENOENT || err == unix.ESRCH: // ended since it was listed
		default:
			failed++
			if first == nil {
				first = fmt.Errorf("open %s: %w", path, err)
			}
		}
	}
	if failed > 0 {
		return fmt.Sprintf("%d of %d status files could not be opened: %v", failed, len(tids), first)
	}
	return ""
}

func openat(path string) (int, error) {
	for {
		fd, err := unix.Openat(unix.AT_FDCWD, path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != unix.EINTR {
			return fd, err
		}
	}
}

// close closes all descriptors.
func (ts *threads) close() {
	for _, t := range ts.list {
		unix.Close(t.fd)
	}
	*ts = threads{}
}

// read reads every status file again. Threads that have ended are taken off the list. Nothing is opened, and no call
// is made but pread64 and close.
func (ts *threads) read() error {
	alive := ts.list[:0]
	defer func() { ts.list = alive }()
	for i, t := range ts.list {
		state, err := ts.status(t.fd)
		if errors.Is(err, syscall.ESRCH) || err == nil && state.Exiting() {
			unix.Close(t.fd)
			continue
		}
		if err != nil {
			alive = append(alive, ts.list[i:]...)
			return &threadError{t.tid, err}
		}
		t.state = state
		alive = append(alive, t)
	}
	return nil
}

// A threadError is about reading one thread's status.
type threadError struct {
	tid int
	err error
}

func (e *threadError) Error() string { return fmt.Sprintf("thread %d: %v", e.tid, e.err) }
func (e *threadError) Unwrap() error { return e.err }

// status reads a status file from its beginning, whole. The kernel makes the text anew for a read at offset 0.
func (ts *threads) status(fd int) (proc.State, error) {
	if ts.buf == nil {
		ts.buf = make([]byte, 4096)
	}
	for {
		n, err := unix.Pread(fd, ts.buf, 0)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return proc.State{}, fmt.Errorf("pread64: %w", err)
		case n == len(ts.buf):
			ts.buf = make([]byte, 2*n)
		default:
			return proc.Parse(ts.buf[:n])
		}
	}
}

// diverged finds a thread with filters that another one lacks, and tells by how many filters all others have. The
// thread with more is the one at fault, also where it is the calling one: TSYNC would give its filters to all.
func (ts *threads) diverged() (odd *thread, common int) {
	if len(ts.list) == 0 {
		return nil, -1
	}
	least := &ts.list[0].state
	for i := range ts.list {
		if s := &ts.list[i].state; s.Filters < least.Filters || s.Mode < least.Mode {
			least = s
		}
	}
	for i := range ts.list {
		if s := ts.list[i].state; s.Filters != least.Filters || s.Mode != least.Mode {
			return &ts.list[i], least.Filters
		}
	}
	return nil, least.Filters
}

// settle is how long verify waits for threads that don't show the filters to end: the kernel skips a thread that is
// on its way out ("if (thread->flags & PF_EXITING) continue", seccomp_sync_threads, Linux 6.11), and its status can be read
// for a moment longer.
const settle = 200 * time.Millisecond

// verify reads every status file until each shows mode 2, no_new_privs, and that many filters; want is -1 where the
// kernel tells no number. It returns the last thread seen without, and what it showed.
func (ts *threads) verify(want int) error {
	for wait := 50 * time.Microsecond; ; wait *= 2 {
		if err := ts.read(); err != nil {
			return err
		}
		err := ts.lacking(want)
		if err == nil || wait > settle {
			return err
		}
		time.Sleep(wait)
	}
}

func (ts *threads) lacking(want int) error {
	for _, t := range ts.list {
		s := t.state
		if s.Mode != proc.Filter || !s.NoNewPrivs || s.Filters != want {
			return &threadError{t.tid, fmt.Errorf("shows mode %v, %d filters, no_new_privs %t, where mode %v, %d, true "+
				"were expected", s.Mode, s.Filters, s.NoNewPrivs, proc.Filter, want)}
		}
	}
	return nil
}
