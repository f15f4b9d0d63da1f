package lock

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
)

// A class is a sentinel error. Being a constant it costs nothing at start-up and can't be reassigned.
type class string

func (c class) Error() string { return string(c) }

// Is makes the classes that mean an unprotected process match ErrNotEnforced.
func (c class) Is(target error) bool { return target == ErrNotEnforced && c == ErrNotSupported }

// The classes of failure. After ErrUnverified the filters are in force; after any other class none was installed, and
// the process is as it was before.
const (
	ErrNotEnforced  = class("nothing is enforced")
	ErrNotSupported = class("seccomp filters are not supported here")
	ErrDiverged     = class("a thread has seccomp filters that others have not, no filter was installed")
	ErrTooLarge     = class("the filters are larger than the kernel takes")
	ErrInvalid      = class("the kernel does not take the filter for a valid program")
	ErrRefused      = class("locking is refused to this process, probably by a filter it was started under")
	ErrLast         = class("the last stage is in force, nothing can follow it")
	ErrUnverified   = class("the filters were installed, but not every thread was seen to have them")
)

// An Error holds the facts of a failed Install. It matches its Class and its Errno.
type Error struct {
	Class  error         // one of the sentinels
	Stage  string        // which was to be installed
	Op     string        // what was being done: "seccomp", "prctl(PR_SET_NO_NEW_PRIVS)", "read status"
	Thread int           // the thread at fault; 0 if it is not about one, or the kernel didn't say
	Errno  syscall.Errno // what the kernel answered; 0 if it isn't about a call that failed
	Detail string        // what was found, with the counts
	Hint   string        // what to do
}

func (e *Error) Error() string {
	var b strings.Builder
	if e.Stage != "" {
		fmt.Fprintf(&b, "stage %s: ", e.Stage)
	}
	if e.Op != "" {
		fmt.Fprintf(&b, "%s: ", e.Op)
	}
	b.WriteString(e.Class.Error())
	if e.Thread != 0 {
		fmt.Fprintf(&b, ": thread %d", e.Thread)
	}
	if e.Detail != "" {
		fmt.Fprintf(&b, ": %s", e.Detail)
	}
	if e.Errno != 0 {
		fmt.Fprintf(&b, ": %v", e.Errno)
	}
	if e.Hint != "" {
		fmt.Fprintf(&b, "; %s", e.Hint)
	}
	return b.String()
}

// errnoOf returns what the kernel answered, 0 if err is about something else.
func errnoOf(err error) syscall.Errno {
	for ; err != nil; err = errors.Unwrap(err) {
		if errno, ok := err.(syscall.Errno); ok {
			return errno
		}
	}
	return 0
}

// Unwrap gives the class and, if there is one, the errno.
func (e *Error) Unwrap() []error {
	if e.Errno == 0 {
		return []error{e.Class}
	}
	return []error{e.Class, e.Errno}
}
