package lock

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/stagelock/seccomp/internal/digits"
	"github.com/stagelock/seccomp/proc"
)

// A thread is one of the process's, with its status file held open. A descriptor stays with the thread it was opened
// for: when that has ended, reading answers ESRCH, even if its id is in use again.
type thread struct {
	tid   int
	fd    int
	state proc.State // as last read
}

// main tells whether the thread is the one that the process began with. Its status can be read as long as the process
// lives, even after it has ended.
func (t thread) main() bool { return t.state.Tid == t.state.Tgid }

const (
	kept  = 8  // status files that stay open for later stages
	spare = 16 // descriptors that the program can still open while those of all threads are
)

// threads are those whose status file is open, the main thread first.
type threads struct {
	list []thread
	lost *threadError // the first whose status was read once and can't be any more, although it has not ended
	buf  []byte       // for the text of a status file; kept, so that reading back allocates little
}

// open opens and reads the status files of all threads that are there now. It goes as far as it can: what it could not
// see is told by reason.
func (ts *threads) open(fs proc.FS) (reason string) {
	tasks := fs.Self()
	tids, err := proc.ThreadIDs(tasks)
	if err != nil {
		return err.Error()
	}
	// The main thread first. It is not Getpid in a /proc that was mounted for another pid namespace.
	var link [20]byte
	n, _ := syscall.Readlink(tasks[:len(tasks)-len("/task")], link[:])
	main, _ := digits.Parse(string(link[:max(n, 0)]), 10, 31)
	if i := slices.Index(tids, int(main)); i > 0 {
		copy(tids[1:i+1], tids[:i])
		tids[0] = int(main)
	}
	limit := unix.Rlimit{Cur: math.MaxUint64}
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) != nil {
		limit.Cur = math.MaxUint64 // then openat says when there are no more
	}
	var unseen int
	var first error
	for _, tid := range tids {
		path := tasks + "/" + strconv.Itoa(tid) + "/status"
		t, err := ts.see(path, tid)
		if err == nil && len(ts.list) > 0 && uint64(t.fd)+spare >= limit.Cur {
			syscall.Close(t.fd)
			err = unix.EMFILE
		}
		switch {
		case err == nil && !t.state.Exiting():
			ts.list = append(ts.list, t)
		case err == nil:
			syscall.Close(t.fd)
		case errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ESRCH): // ended since it was listed
		case errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE):
			ts.keep(max(1, len(ts.list)-spare))
			return fmt.Sprintf("%d of %d status files were not opened, so that the program has descriptors left: %v",
				len(tids)-len(ts.list), len(tids), err)
		default:
			unseen++
			if first == nil {
				first = fmt.Errorf("%s: %w", path, err)
			}
		}
	}
	if unseen > 0 {
		return fmt.Sprintf("%d of %d status files could not be read: %v", unseen, len(tids), first)
	}
	return ""
}

// see opens a status file and reads it for the first time.
func (ts *threads) see(path string, tid int) (thread, error) {
	fd, err := openat(path)
	if err != nil {
		return thread{}, fmt.Errorf("openat: %w", err)
	}
	state, err := ts.status(fd)
	if err == nil && state.Tid != tid {
		err = fmt.Errorf("%w: it is of thread %d", proc.ErrMalformed, state.Tid)
	}
	if err != nil {
		syscall.Close(fd)
		return thread{}, err
	}
	return thread{tid, fd, state}, nil
}

func openat(path string) (int, error) {
	for {
		fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
		if err != unix.EINTR {
			return fd, err
		}
	}
}

// keep closes all descriptors but the first n. Like close it is for descriptors that have just been read: see read.
func (ts *threads) keep(n int) {
	if len(ts.list) <= n {
		return
	}
	for _, t := range ts.list[n:] {
		syscall.Close(t.fd)
	}
	ts.list = slices.Clone(ts.list[:n])
}

// close closes all descriptors.
func (ts *threads) close() {
	ts.keep(0)
	*ts = threads{}
}

// read reads every status file again. Threads that have ended are taken off the list, and so are those whose file is
// not what the descriptor stands for any more, or can't be read: such a number may have become a file of the
// program's, and so it is forgotten without being closed. Nothing is opened, and no call is made but pread64 and close.
func (ts *threads) read() {
	alive := ts.list[:0]
	for _, t := range ts.list {
		state, err := ts.status(t.fd)
		if err == nil {
			err = t.differs(state)
		}
		switch {
		case err == nil && !state.Exiting():
			t.state = state
			alive = append(alive, t)
		case err == nil, errors.Is(err, unix.ESRCH) && !t.main():
			syscall.Close(t.fd)
		case ts.lost == nil:
			ts.lost = &threadError{t.tid, err}
		}
	}
	ts.list = alive
}

// differs says why a state can't be one of this thread. An id can name another thread later, but not through the same
// descriptor, and the kernel doesn't cease to count filters.
func (t thread) differs(s proc.State) error {
	switch {
	case s.Tid != t.state.Tid || s.Tgid != t.state.Tgid:
		return fmt.Errorf("descriptor %d now shows thread %d of process %d", t.fd, s.Tid, s.Tgid)
	case s.Filters < 0 && t.state.Filters >= 0:
		return fmt.Errorf("descriptor %d no longer shows a number of filters", t.fd)
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

// statusSize is more than a status file has: 1.5 KB are usual, and 1,000 supplementary groups make it 12 KB. Every
// read asks for just so much at offset 0, which is all that runtimeset/lock.policy leaves open: change both or none.
const statusSize = 16 << 10

// status reads a status file from its beginning, whole. The kernel makes the text anew for a read at offset 0.
func (ts *threads) status(fd int) (proc.State, error) {
	if ts.buf == nil {
		ts.buf = make([]byte, statusSize)
	}
	for {
		n, err := unix.Pread(fd, ts.buf, 0)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return proc.State{}, fmt.Errorf("pread64: %w", err)
		case n == len(ts.buf):
			return proc.State{}, fmt.Errorf("%w: it has %d bytes or more", proc.ErrMalformed, n)
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
// for a moment longer, until it has had a processor.
const settle = time.Second

// verify reads every status file until each shows mode 2, that many filters, and no_new_privs if it was set; want is -1
// where the kernel tells no number. It returns the last thread seen without, and what it showed, or one that was lost sight of.
func (ts *threads) verify(want int, noNewPrivs bool) *threadError {
	for wait := 50 * time.Microsecond; ; wait *= 2 {
		ts.read()
		if ts.lost != nil {
			return ts.lost
		}
		err := ts.lacking(want, noNewPrivs)
		if err == nil || wait > settle {
			return err
		}
		time.Sleep(wait)
	}
}

func (ts *threads) lacking(want int, noNewPrivs bool) *threadError {
	for _, t := range ts.list {
		s := t.state
		if s.Mode != proc.Filter || noNewPrivs && !s.NoNewPrivs || s.Filters != want {
			return &threadError{t.tid, fmt.Errorf("shows mode %v, %d filters, no_new_privs %t, where mode %v, %d, true "+
				"were expected", s.Mode, s.Filters, s.NoNewPrivs, proc.Filter, want)}
		}
	}
	return nil
}
