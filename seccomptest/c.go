package seccomptest

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"syscall"
)

// name says an errno so that it can be told from another with a similar text.
func name(errno syscall.Errno) string { return fmt.Sprintf("errno %d (%v)", int(errno), errno) }

// C is what a case checks with and reports to. Its methods may be called from several goroutines; Must, Fatalf, Skipf
// and Dies only from the one that runs the case.
type C struct {
	mu      sync.Mutex
	report  *report
	stopped bool // the case ends itself, by a method that doesn't return
	locked  bool // seen to be; a filter is never taken off
}

// Refused demands that op fails with errno, and that a filter is in force by then: without one, a refusal is another's,
// such as that of a file's permissions. Which of them refused can't be told, nor can the case's filter from one that
// was in force before, as a container's is.
//
// What is in force is asked for, until it is seen, by prctl(PR_GET_SECCOMP). Where that is refused there is a filter.
// Where it is killed for, the child dies of it, and the failure says so.
func (c *C) Refused(errno syscall.Errno, what string, op func() error) {
	switch err := op(); {
	case err == nil:
		c.Errorf("%s: was allowed, want %s", what, name(errno))
	case !errors.Is(err, errno):
		c.Errorf("%s: %v, want %s", what, err, name(errno))
	case !c.underFilter(what):
		c.Errorf("%s: refused, but nothing is locked: %v", what, err)
	default:
		c.put(record{Kind: kindRefused})
	}
}

// underFilter tells whether a filter is in force on this thread.
func (c *C) underFilter(what string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.locked {
		c.report.append(record{Kind: kindAsks, Text: what})
		c.locked = filtered()
		c.report.append(record{Kind: kindAsked})
	}
	return c.locked
}

// Allowed demands that op succeeds.
func (c *C) Allowed(what string, op func() error) {
	if err := op(); err != nil {
		c.Errorf("%s: %v, want it allowed", what, err)
		return
	}
	c.put(record{Kind: kindCheck})
}

// Dies demands that op ends the process by a signal, which for a call that a policy kills for is SIGSYS. Nothing runs
// after it; that it comes back is a failure.
func (c *C) Dies(signal syscall.Signal, what string, op func() error) {
	c.put(record{Kind: kindDies, Signal: int(signal), Text: what})
	err := op()
	c.put(record{Kind: kindSurvived, Text: fmt.Sprintf("%s: came back with %v, want death by %v", what, err, signal)})
	c.stop()
}

// Traps demands that op crashes the Go program with SIGSYS, as a call does that a policy traps: the runtime prints
// "SIGSYS: bad system call" with a traceback and exits with code 2. Nothing runs after it.
func (c *C) Traps(what string, op func() error) {
	c.put(record{Kind: kindTraps, Text: what})
	err := op()
	c.put(record{Kind: kindSurvived, Text: fmt.Sprintf("%s: came back with %v, want a crash by SIGSYS", what, err)})
	c.stop()
}

// Must demands that err is nil, and ends the case if it isn't.
func (c *C) Must(err error) {
	if err != nil {
		c.Fatalf("%v", err)
	}
	c.put(record{Kind: kindCheck})
}

// Unlocked says that the child is not to be locked when the case ends, as in one about a Lock that fails, or about children
// of its own, and demands it. Without that word a case fails in which nothing was locked, and so nothing Refused: what it was
// allowed would say nothing of a policy.
//
// Whether a filter more than its parent's is in force on the child's first thread the parent sees in /proc, without a call
// of the child's; where /proc doesn't tell, neither is demanded.
func (c *C) Unlocked() { c.put(record{Kind: kindUnlocked}) }

// Errorf reports a failure and goes on.
func (c *C) Errorf(format string, args ...any) {
	c.put(record{Kind: kindFailure, Text: fmt.Sprintf(format, args...)})
}

// Fatalf reports a failure and ends the case.
func (c *C) Fatalf(format string, args ...any) {
	c.Errorf(format, args...)
	c.stop()
}

// Skipf ends the case and skips the test. The text names what is missing.
func (c *C) Skipf(format string, args ...any) {
	c.put(record{Kind: kindSkip, Text: fmt.Sprintf(format, args...)})
	c.stop()
}

// Logf adds a line to the test's log.
func (c *C) Logf(format string, args ...any) {
	c.put(record{Kind: kindLog, Text: fmt.Sprintf(format, args...)})
}

func (c *C) stop() {
	c.stopped = true
	runtime.Goexit()
}

func (c *C) put(r record) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.report.append(r)
}
