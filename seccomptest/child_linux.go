package seccomptest

import (
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/stagelock/seccomp/internal/testchild"
)

// reportFD is the descriptor by which a child gets its report's memory: the first of exec.Cmd.ExtraFiles.
const reportFD = 3

// child runs one case and exits.
func child(name string) {
	os.Unsetenv(envCase) // the case may start this program again
	testchild.Enter()

	mem, err := syscall.Mmap(reportFD, 0, reportSize, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		fmt.Fprintf(os.Stderr, "seccomptest: this is no child of a test: map the report: %v\n", err)
		syscall.Exit(2)
	}
	syscall.Close(reportFD)
	c := &C{report: &report{mem: mem}}

	if tc, err := lookup(name); err != nil {
		c.Errorf("%v", err)
	} else {
		tc.runBody(c)
	}
	c.put(record{Kind: kindEnd})
	// Not os.Exit, which has coverage data written and the race detector wound up, by calls that a policy may refuse.
	syscall.Exit(0)
}

// filtered tells whether a filter is in force on this thread. Only a filter refuses the question, except in a kernel
// without seccomp, on which no case gets past its lock.
func filtered() bool {
	mode, err := unix.PrctlRetInt(unix.PR_GET_SECCOMP, 0, 0, 0, 0)
	return err != nil || mode != 0
}

// runBody runs the case on a goroutine of its own, so that it may end by runtime.Goexit, which for the main goroutine
// would be a deadlock.
func (tc *TestCase) runBody(c *C) {
	done := make(chan struct{})
	go func() {
		returned := false
		defer func() {
			if !returned && !c.stopped {
				if p := recover(); p != nil {
					panic(p) // no end, no final record
				}
				c.Errorf("the case left by runtime.Goexit, as a method of testing.T does that ends a test")
			}
			close(done)
		}()
		tc.body(c)
		returned = true
	}()
	<-done
}
