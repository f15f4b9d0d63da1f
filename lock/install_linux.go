package lock

import (
	"errors"
	"fmt"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Install puts the filters of a stage in force on all threads of the process, at once and for good, and reads back
// that they are. It returns nil only if the kernel answered that every thread has them and no thread was seen
// without. On an error that matches ErrUnverified they are in force nevertheless, and the receipt says so; on any
// other nothing is, and the process is as it was.
//
// Where the process could never see its threads (no /proc, or no Seccomp_filters field, before Linux 5.9) that is not
// an error: TSYNC's answer stands, and the receipt says what is missing. Where it could, and a thread that has not
// ended can't be seen any more, that is ErrUnverified: whoever closes or replaces the descriptors that are kept may
// have installed a filter, too, which answers in the kernel's place that all is well.
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
	case inForce:
		s.threads.keep(kept)
	case s.installed == 0: // as it was before
		s.threads.close()
		s.opened = false
	}
	return receipt, failed
}

// Close closes the descriptors that are kept for later stages. It is for a process that gives up on its way; the last
// stage does it by itself. An Install that comes after it can see nothing: it returns ErrUnverified.
func (s *Session) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.threads.read()
	s.threads.close()
	s.threads.lost = &threadError{err: errors.New("the session was closed")}
	s.opened = true
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
	if err := s.put(stage, r); err != nil {
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
	err := s.confirm(stage, r)
	r.Verify = time.Since(installed)
	if err != nil {
		return fail(*err)
	}
	return nil
}

// put sets no_new_privs and installs the filters of a stage.
func (s *Session) put(stage Stage, r *Receipt) *Error {
	if stage.observe != nil {
		return stage.observe(r)
	}
	if err := s.noNewPrivs(); err != nil {
		return err
	}
	err := stage.apply()
	if err != nil && s.weight == 0 && r.Before > 0 && err.Errno == unix.ENOMEM {
		err.Hint = fmt.Sprintf("the %d filters the process was started under may take most of what is allowed", r.Before)
	}
	return err
}

// look opens the status files, once, reads them, and refuses to go on where threads differ.
func (s *Session) look(r *Receipt) *Error {
	if !s.opened {
		if err := supported(); err != nil {
			return err
		}
		s.unread = s.threads.open(s.Proc)
		s.opened = true
	} else {
		s.threads.read() // what is lost here is no reason to leave the process unprotected: confirm tells
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

// confirm reads every open status file: each must show the stage's filters more than before.
func (s *Session) confirm(stage Stage, r *Receipt) *Error {
	want := -1
	if r.Before >= 0 {
		want = r.Before + len(stage.Filters)
	}
	if err := s.threads.verify(want, stage.observe == nil); err != nil {
		return unverified(err, s.threads.lost != nil)
	}
	seen := s.threads.list
	r.Verified = len(seen)
	if len(seen) > 0 {
		r.Inherited = max(0, seen[len(seen)-1].state.Threads-len(seen))
	}
	switch {
	case r.Unverified != "":
	case len(seen) == 0:
		r.Unverified = "no thread that was seen before the lock is left"
	case want < 0:
		r.Unverified = "the kernel does not show how many filters a thread has (before Linux 5.9)"
	}
	return nil
}

// unverified is the error of a stage that was installed, but not seen on a thread: the thread shows something else, or
// it was lost sight of.
func unverified(err *threadError, lost bool) *Error {
	e := &Error{Class: ErrUnverified, Op: "read status", Thread: err.tid, Errno: errnoOf(err.err)}
	if e.Errno == 0 {
		e.Detail = err.err.Error()
	}
	switch {
	case err.tid == 0: // the program has closed the session
	case !lost:
		e.Hint = "something else changes filters or no_new_privs, or answers seccomp in the kernel's place"
	case e.Errno == 0 || e.Errno == unix.EBADF || e.Errno == unix.ESRCH:
		e.Hint = "leave alone the descriptors that are kept for later stages; who closed them may have kept the stage out"
	default:
		e.Hint = "the stage is in force; leave pread64 and close open to it"
	}
	return e
}
