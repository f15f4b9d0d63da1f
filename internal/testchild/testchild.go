// Package testchild tells whether the process is a test binary, and whether it is a child that a locked test case
// runs in. It lets the library refuse to lock a whole test run without linking package testing into every program.
package testchild

import (
	"os"
	"runtime/debug"
	"strings"
	"sync/atomic"
)

var inside atomic.Bool

// Enter says that this process was started to run one locked case and nothing else. Package seccomptest calls it.
func Enter() { inside.Store(true) }

// Inside tells whether Enter was called.
func Inside() bool { return inside.Load() }

// TestBinary tells whether the program was built by go test. The go command names the main package of a test binary
// after the package under test with ".test" added; without build information the flags that go test passes decide.
func TestBinary() bool {
	if info, ok := debug.ReadBuildInfo(); ok && info.Path != "" {
		return strings.HasSuffix(info.Path, ".test")
	}
	for _, arg := range os.Args[1:] {
		if strings.HasPrefix(arg, "-test.") {
			return true
		}
	}
	return false
}
