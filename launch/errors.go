package launch

import (
	"errors"
	"io/fs"
	"strings"
	"syscall"
)

// A class is a sentinel error.
type class string

func (c class) Error() string { return string(c) }

// The classes of failure.
const (
	ErrNotSupported = class("programs can't be launched under such filters here")
	ErrListener     = class("a filter in force has a listener already, and there can be only one")
	ErrRefused      = class("the kernel or a filter in force refuses the filters")
	ErrTooLarge     = class("the filters are larger than the kernel takes")
	ErrNotStarted   = class("the program could not be started")
)

// An Error says why a program was not launched.
type Error struct {
	Class error
	Path  string        // of the program, if it is at fault
	Op    string        // what was being done: "seccomp", "execve"
	Errno syscall.Errno // what the kernel answered; 0 if it isn't about a call that failed
	Hint  string        // what to do
}

func (e *Error) Error() string {
	var parts []string
	if e.Path != "" {
		parts = append(parts, e.Path)
	}
	if e.Class != ErrNotStarted {
		parts = append(parts, e.Class.Error())
	}
	if e.Op != "" {
		parts = append(parts, e.Op)
	}
	if e.Errno != 0 {
		parts = append(parts, e.Errno.Error())
	}
	text := strings.Join(parts, ": ")
	if e.Hint != "" {
		text += "; " + e.Hint
	}
	return text
}

// Unwrap gives the class and, if there is one, the errno.
func (e *Error) Unwrap() []error {
	if e.Errno == 0 {
		return []error{e.Class}
	}
	return []error{e.Class, e.Errno}
}

// Exit codes of a launch that failed: those of env(1), nohup(1) and other programs that start one.
const (
	ExitFailed      = 125 // the launch itself failed
	ExitNotRunnable = 126 // the program was found, but can't be run
	ExitNotFound    = 127 // the program was not found
)

// ExitCode returns the exit code of a launch that failed.
func ExitCode(err error) int {
	switch {
	case !errors.Is(err, ErrNotStarted):
		return ExitFailed
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return ExitNotFound
	}
	return ExitNotRunnable
}
