package seccomptest

import (
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"
)

// A TestCase is a function to be run in a child process.
type TestCase struct {
	name string
	body func(*C)
}

// cases are all that were registered, in the order of their declaration. Package variables are initialised one after
// the other, so no lock is needed.
var cases []*TestCase

// Case registers a test case. Call it from a package variable's declaration, never later: the child has to find it
// before main starts. The name must be the only one of its kind in the test binary.
func Case(name string, body func(*C)) *TestCase {
	if _, ok := os.LookupEnv(envCase); ok {
		// "Calling LockOSThread from within an init function will cause the main function to be invoked on that thread", the
		// startup thread (package runtime). By that one the parent tells whether a child is locked: no case runs on it.
		runtime.LockOSThread()
	}
	tc := &TestCase{name: name, body: body}
	cases = append(cases, tc)
	return tc
}

// lookup finds the case that a child is to run.
func lookup(name string) (*TestCase, error) {
	var found *TestCase
	for _, tc := range cases {
		if tc.name != name {
			continue
		}
		if found != nil {
			return nil, fmt.Errorf("two cases are called %q", name)
		}
		found = tc
	}
	if found == nil {
		return nil, fmt.Errorf("no case is called %q: declare it as a package variable", name)
	}
	return found, nil
}

// Options say how a child is run. The zero value is right for most.
type Options struct {
	// Timeout is how long the child may take, two minutes if it is 0. After it the child gets SIGQUIT, so that a Go
	// program shows its goroutines, and a little later SIGKILL, with all its own children. On a machine that is very
	// slow, as an emulated one is, the environment's STAGELOCK_SECCOMPTEST_PATIENCE=4 makes it four times as long.
	Timeout time.Duration

	// Env is added to the environment, as "KEY=value".
	Env []string

	// User is the user and group id that the child runs as, with no other groups, if it is not 0. Only root can ask
	// for it.
	User uint32
}

// Run runs the case in a child and reports its outcome to t.
func (tc *TestCase) Run(t testing.TB) {
	t.Helper()
	tc.RunWith(t, Options{})
}

// RunWith is Run with options.
func (tc *TestCase) RunWith(t testing.TB, o Options) {
	t.Helper()
	out := tc.run(o)
	for _, line := range out.Logs {
		t.Log(line)
	}
	if len(out.Failures) > 0 {
		for _, f := range out.Failures {
			t.Error(f)
		}
		t.Logf("the child ended with %s after %v; its output:\n%s", out.End, out.Took.Round(time.Millisecond), out.Output)
		return
	}
	if out.Skipped != "" {
		t.Skip(out.Skipped)
	}
}

// An outcome is all that is known about a child that has ended. It passed if there are no failures.
type outcome struct {
	Failures []string
	Skipped  string // why the case could not be run
	Logs     []string
	End      string // how the process ended, in words
	Output   string // of stdout and stderr together
	Took     time.Duration
}

func (o *outcome) failf(format string, args ...any) {
	o.Failures = append(o.Failures, fmt.Sprintf(format, args...))
}

// mainCalled is set where TestMain is as it should be, and so a child would find its case.
var mainCalled bool

// Main is what TestMain calls, before anything else: it runs the tests, or, in a child, the one case that the child
// was started for. It does not return.
func Main(m *testing.M) {
	mainCalled = true
	if name, ok := os.LookupEnv(envCase); ok {
		child(name)
	}
	os.Exit(m.Run())
}
