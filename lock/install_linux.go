package lock

import (
	"errors"
	"fmt"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/stagelock/seccomp/internal/sys"
)

// Install puts the filters of a stage in force on all threads of the process, at once and for good, and reads back
// that they are. It returns nil only if the kernel answered that every thread has them and no thread was seen
// without. On an error that matches ErrUnverified they are in force nevertheless, and the receipt says so; on any
// other nothing is, and the process is as it was.
//
// Where the process can't see its threads (no /proc, or no Seccomp_filters field, before Linux 5.9) that is not an
// error: TSYNC's answer stands, and the receipt says what is missing.
func (s *Session) Install(stage Stage) (Receipt, error) {
	s.mu.Lock()
	defer s.mu.Unlock()

	receipt := Receipt{Stage: stage.Name, Before: -1, Inherited: -1}
	if s.last != "" {
		return receipt, &Error{Class: ErrLast, Stage: stage.Name, Detail: "stage " + s.last}
	}
	if err := stage.check(s.weight); err != nil {
		return receipt, err
	}
	filters, err := stage.order()
	if err != nil {
		return receipt, err
	}
	stage.Filters = filters
	// While a read lock is held package syscall starts no child, so none is between fork and exec when the filters
	// come: it would run on without them. (A child with a user namespace of its own is started without vfork and may
	// be.) A write lock would say the same, but wait forever where others fork all the time: they share theirs.
	syscall.ForkLock.RLock()
	failed := pinned(func() error { return s.install(stage, &receipt) })
	syscall.ForkLock.RUnlock()

	switch inForce := len(receipt.Instructions) > 0; {
	case inForce && stage.Last:
		s.last = stage.Name
		s.threads.close()
	case s.installed == 0: // as it was before
		s.threads.close()
		s.opened = false
	}
	return receipt, failed
}

// Close closes the descriptors that are kept for later stages. It is for a process that gives up on its way; the last
// stage does it by itself.
func (s *Session) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.threads.close()
	s.opened, s.unread = true, "the session was closed"
}

// install does the work of Install, on a pinned thread. Its errors are of type *Error.
func (s *Session) install(stage Stage, r *Receipt) error {
	fail := func(e Error) error {
		e.Stage = stage.Name
		return &e
	}

	// First what can be seen, while it can be.
	start := time.Now()
	if err := s.look(r); err != nil {
		return fail(*err)
	}

	// Then what can't be undone.
	prepared := time.Now()
	r.Prepare = prepared.Sub(start)
	if err := s.noNewPrivs(); err != nil {
		return fail(*err)
	}
	if err := stage.apply(); err != nil {
		if s.weight == 0 && r.Before > 0 && err.Errno == unix.ENOMEM {
			err.Hint = fmt.Sprintf("the %d filters the process was started under may take most of what is allowed", r.Before)
		}
		return fail(*err)
	}
	installed := time.Now()
	r.Install = installed.Sub(prepared)
	for _, f := range stage.Filters {
		r.Instructions = append(r.Instructions, len(f))
	}
	s.installed += len(stage.Filters)
	s.weight += stage.weigh()

	// From here on only pread64, close and what the runtime needs.
	err := s.confirm(len(stage.Filters), r)
	r.Verify = time.Since(installed)
	if err != nil {
		return fail(*err)
	}
	return nil
}

// look opens the status files, once, reads them, and refuses to go on where threads differ.
func (s *Session) look(r *Receipt) *Error {
	if !s.opened {
		if err := supported(); err != nil {
			return err
		}
		s.unread = s.threads.open(s.Proc)
		s.opened = true
	}
	if err := s.threads.read(); err != nil {
		// Not a reason to leave the process unprotected: TSYNC is the authority, and the receipt tells.
		s.unread = err.Error()
		s.threads.close()
	}
	r.Unverified = s.unread
	odd, common := s.threads.diverged()
	if odd != nil {
		return &Error{
			Class: ErrDiverged, Op: "read status", Thread: odd.tid,
			Detail: fmt.Sprintf("it has %d filters in mode %v, others have %d", odd.state.Filters, odd.state.Mode, common),
			Hint:   "install no filter on single threads, or end them before locking",
		}
	}
	r.Before = common
	if outer := common - s.installed; outer > 0 {
		r.Notes = append(r.Notes, fmt.Sprintf("every thread had %d filters from elsewhere, such as a container's; "+
			"what they refuse stays refused", outer))
	}
	return nil
}

// supported asks whether the kernel can do what the filters rest on. It is asked once, before the first filter, which
// need not allow the question.
//
// "SECCOMP_GET_ACTION_AVAIL (since Linux 4.14)"; so is SECCOMP_RET_KILL_PROCESS, and a kernel before takes it for
// SECCOMP_RET_KILL_THREAD, which leaves a Go process half dead.
func supported() *Error {
	errno := sys.ActionAvailable(unix.SECCOMP_RET_KILL_PROCESS)
	e := &Error{Op: "seccomp(SECCOMP_GET_ACTION_AVAIL)", Errno: errno}
	switch errno {
	case 0:
		return nil
	case unix.EINVAL, unix.EOPNOTSUPP:
		e.Class = ErrNotSupported
		e.Hint = "this needs Linux 4.14; an emulation of Linux, such as gVisor, may not offer it either"
	default:
		// "ENOSYS" is a kernel without CONFIG_SECCOMP as well as a filter that hides the call: the mode tells them
		// apart. "PR_GET_SECCOMP: … EINVAL if the kernel was not configured with CONFIG_SECCOMP" (prctl(2)).
		mode, err := unix.PrctlRetInt(unix.PR_GET_SECCOMP, 0, 0, 0, 0)
		if errno == unix.ENOSYS && (err == unix.EINVAL || err == nil && mode == 0) {
			e.Class = ErrNotSupported
			e.Hint = "the kernel was built without seccomp filters"
			break
		}
		e.Class = ErrRefused
		e.Hint = "allow seccomp in the profile that the process is started under (Docker's default profile does)"
	}
	return e
}

// noNewPrivs sets no_new_privs on this thread. TSYNC carries it to all others ("the thread's no_new_privs"), and it
// is inherited, so once filters are in force every thread has it.
func (s *Session) noNewPrivs() *Error {
	if s.installed > 0 {
		return nil
	}
	err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
	if err == nil {
		return nil
	}
	// Where it is set already, nobody needs to be asked.
	if set, gerr := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0); gerr == nil && set == 1 {
		return nil
	}
	tid := unix.Gettid()
	for _, t := range s.threads.list {
		if t.tid == tid && t.state.NoNewPrivs {
			return nil
		}
	}
	e := &Error{Class: ErrRefused, Op: "prctl(PR_SET_NO_NEW_PRIVS)",
		Hint: "allow prctl in the profile that the process is started under, or start it with no_new_privs set"}
	errors.As(err, &e.Errno)
	return e
}

// apply installs the filters: all on all threads, or none on any but this one, which then ends.
//
// Only the last is installed with TSYNC. The others are this thread's alone until then: TSYNC gives each thread the
// calling one's whole list ("synchronize all other threads of the calling process to the same seccomp filter tree",
// seccomp(2)). So a stage of several filters is never in force by half.
func (s Stage) apply() *Error {
	last := len(s.Filters) - 1
	for i, f := range s.Filters {
		var flags uintptr
		if i == last {
			flags = unix.SECCOMP_FILTER_FLAG_TSYNC
		}
		tid, errno := sys.SetModeFilter(flags, f)
		// "On error, if SECCOMP_FILTER_FLAG_TSYNC was used, the return value is the ID of the thread that caused the
		// synchronization failure." (seccomp(2)) It is no errno, and nothing has been installed.
		if tid > 0 {
			return &Error{Class: ErrDiverged, Op: "seccomp", Thread: tid,
				Hint: "install no filter on single threads, or end them before locking"}
		}
		if errno != 0 {
			e := refusal(errno)
			e.Op = "seccomp"
			e.Errno = errno
			if last > 0 {
				e.Detail = fmt.Sprintf("filter %d of %d", i+1, last+1)
			}
			return e
		}
	}
	return nil
}

// refusal says what an errno of seccomp(2) means to somebody whose filters have passed Stage.check. The quotes are
// from the manual page.
func refusal(errno syscall.Errno) *Error {
	switch errno {
	case unix.ENOMEM:
		// "The total length of all filter programs attached to the calling thread would exceed MAX_INSNS_PER_PATH
		// (32768) instructions", or "out of memory".
		return &Error{Class: ErrTooLarge, Hint: "filters the process was started under count too; or memory is short"}
	case unix.EINVAL:
		// "the filter program … was not valid or the length of the filter program was zero or exceeded BPF_MAXINSNS
		// (4096) instructions"
		return &Error{Class: ErrInvalid, Hint: "an instruction is unknown to seccomp or a jump leaves the program"}
	case unix.EFAULT:
		return &Error{Class: ErrInvalid}
	case unix.ESRCH:
		// "Another thread caused a failure during thread sync, but its ID could not be determined."
		return &Error{Class: ErrDiverged, Hint: "the thread can't be named in this pid namespace"}
	case unix.EACCES:
		// "The caller did not have the CAP_SYS_ADMIN capability in its user namespace, or had not set no_new_privs":
		// it had, so this is not the kernel's own answer.
		return &Error{Class: ErrRefused, Hint: "something between this process and the kernel denies seccomp"}
	case unix.ENOSYS, unix.EPERM:
		return &Error{Class: ErrRefused,
			Hint: "the kernel itself never answers so here: allow seccomp in the profile or stage in force"}
	}
	return &Error{Class: ErrRefused, Hint: "an answer that seccomp(2) does not document"}
}

// confirm reads every open status file: each must show n filters more than before.
func (s *Session) confirm(n int, r *Receipt) *Error {
	if len(s.threads.list) == 0 {
		if r.Unverified == "" {
			r.Unverified = "no thread that was seen before the lock is left"
		}
		return nil
	}
	want := -1
	if r.Before >= 0 {
		want = r.Before + n
	} else if r.Unverified == "" {
		r.Unverified = "the kernel does not show how many filters a thread has (before Linux 5.9)"
	}
	if err := s.threads.verify(want); err != nil {
		e := &Error{Class: ErrUnverified, Op: "read status", Detail: err.Error(),
			Hint: "the stage is in force; leave pread64 and close open to it"}
		var t *threadError
		if errors.As(err, &t) {
			e.Thread, e.Detail = t.tid, t.err.Error()
		}
		errors.As(err, &e.Errno)
		if e.Errno != 0 {
			e.Detail = ""
		} else {
			e.Hint = "the stage is in force, but something else changes filters or no_new_privs"
		}
		return e
	}
	r.Verified = len(s.threads.list)
	if r.Verified == 0 {
		r.Unverified = "no thread that was seen before the lock is left"
		return nil
	}
	r.Inherited = max(0, s.threads.list[r.Verified-1].state.Threads-r.Verified)
	return nil
}
