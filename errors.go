package seccomp

import (
	"errors"
	"fmt"
	"runtime"
	"strings"

	"github.com/stagelock/seccomp/filter"
	"github.com/stagelock/seccomp/lock"
	"github.com/stagelock/seccomp/stage"
)

// The classes of errors that Lock returns, to be asked for with errors.Is. Mistakes in a policy are *rule.Error, all
// of them reachable with errors.As; what the kernel refused is a *lock.Error with the thread and the errno.
var (
	// ErrNotEnforced is matched by every error that means: by design, nothing is enforced here.
	ErrNotEnforced error = lock.ErrNotEnforced
	// ErrNotSupported: this is not Linux, or a kernel without seccomp filters. It matches ErrNotEnforced.
	ErrNotSupported error = lock.ErrNotSupported
	// ErrOff: the mode is Off. It matches ErrNotEnforced.
	ErrOff error = off{}
	// ErrObserving: the mode is Observe, and what the stage would refuse is told. It matches ErrNotEnforced.
	ErrObserving error = observing{}

	// ErrDiverged: a thread has filters of its own. None was installed.
	ErrDiverged error = lock.ErrDiverged
	// ErrTooLarge: the filters take more instructions than the kernel allows. None was installed.
	ErrTooLarge error = lock.ErrTooLarge
	// ErrRefused: the process may not lock itself, mostly for a filter that it was started under.
	ErrRefused error = lock.ErrRefused
	// ErrUnverified: the stage is in force, but not every thread could be seen to have it.
	ErrUnverified error = lock.ErrUnverified

	// ErrWidened: a stage asks for what an earlier one gave up.
	ErrWidened error = stage.ErrWidened
	// ErrTestBinary: a test binary would lock the whole test run. Package seccomptest locks in children.
	ErrTestBinary = errors.New("this is a test binary, and locking it would lock the whole test run: " +
		"use package seccomptest")
	// ErrNoStage: the policy has no stage of that name.
	ErrNoStage = errors.New("no such stage")
	// ErrOrder: the stage lies before the one in force, or was locked with other words.
	ErrOrder = errors.New("stages only go forward")
	// ErrDeclared: there is a policy already, or it comes too late.
	ErrDeclared = errors.New("a policy is declared once, before the first Lock")
	// ErrDeferred: the policy says on_next_syscall, and so is for another program.
	ErrDeferred = errors.New("on_next_syscall holds a policy back until the next exec, which is for launching other " +
		"programs: a process that locks itself takes it out")
	// ErrFailed: an earlier Declare or Lock failed, so this one was not tried.
	ErrFailed = errors.New("an earlier step failed")
)

// off is the type of ErrOff.
type off struct{}

func (off) Error() string        { return "nothing is enforced: the mode is off" }
func (off) Is(target error) bool { return target == ErrNotEnforced }

// observing is the type of ErrObserving.
type observing struct{}

func (observing) Error() string        { return "nothing is enforced: the mode is observe" }
func (observing) Is(target error) bool { return target == ErrNotEnforced }

// notObserved is what a Lock ends with that can't even observe.
type notObserved struct{ err error }

func (e *notObserved) Error() string {
	return e.err.Error() + "; nothing is enforced, and nothing observed"
}
func (e *notObserved) Unwrap() error { return e.err }
func (e *notObserved) Is(target error) bool {
	return target == ErrNotEnforced || target == errUnobserved
}

// errUnobserved is what every notObserved matches, and nothing else.
var errUnobserved error = unobserved{}

type unobserved struct{}

func (unobserved) Error() string { return "nothing is observed" }

// An Error says which stage could not be locked, and why.
type Error struct {
	Stage string
	Err   error
}

func (e *Error) Error() string {
	if inner, ok := e.Err.(*lock.Error); ok && inner.Stage != "" {
		return inner.Error()
	}
	return fmt.Sprintf("stage %s: %v", e.Stage, e.Err)
}

// Unwrap returns e.Err.
func (e *Error) Unwrap() error { return e.Err }

// afterFailure is what every step after the first failure ends with.
type afterFailure struct{ first error }

func (e *afterFailure) Error() string {
	line, rest, more := strings.Cut(e.first.Error(), "\n")
	if more {
		line += fmt.Sprintf(" (and %d more lines)", 1+strings.Count(rest, "\n"))
	}
	return ErrFailed.Error() + ", so this one was not tried: " + line
}

func (e *afterFailure) Unwrap() []error { return []error{ErrFailed, e.first} }

// excused tells of an error that MustLock goes on after.
func excused(err error) bool {
	return errors.Is(err, ErrOff) || errors.Is(err, ErrObserving) || errors.Is(err, errUnobserved) || runtime.GOOS != "linux" && errors.Is(err, ErrNotSupported)
}

// tooLarge makes the compiler's size error match ErrTooLarge.
func tooLarge(err error) error {
	if errors.Is(err, filter.ErrTooLarge) {
		return fmt.Errorf("%w: %w", ErrTooLarge, err)
	}
	return err
}
