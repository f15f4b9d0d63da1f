// Package testchild tells whether the process is a test binary, and whether it is a child that a locked test case
// runs in. It lets the library refuse to lock a whole test run without linking package testing into every program.
package testchild

import (
	"path"
	"sync/atomic"

	"github.com/stagelock/seccomp/internal/sys"
)

var inside atomic.Bool

// Enter says that this process was started to run one locked case and nothing else. Package seccomptest calls it.
func Enter() { inside.Store(true) }

// Inside tells whether Enter was called.
func Inside() bool { return inside.Load() }

// TestBinary tells whether the program was built by go test, which writes the main function of a test binary into
// _testmain.go. Its build information would not do: that of a test of package main is the program's own. Nor would its
// flags, which a test may replace before it calls main.
func TestBinary() bool { return path.Base(sys.MainFile()) == "_testmain.go" }
