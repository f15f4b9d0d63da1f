//go:build linux

// Older is stress for Go releases that are too old for this module: the same cases, but the filter comes compiled, on
// descriptor 3, and is put in force by hand.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"syscall"
	"unsafe"
)

type stressCase struct {
	name string
	sets string
	run  func(lock func())
}

func main() {
	deny := flag.String("deny", "", "take the filter from descriptor 3; empty: don't lock")
	flag.Parse()
	for _, list := range [][]stressCase{memoryCases, threadCases, pollCases, signalCases, crashCases, areaCases} {
		for _, c := range list {
			if c.name == flag.Arg(0) {
				c.run(func() {
					if *deny != "" {
						check(lock())
					}
					report("going on")
				})
				report("done")
				return
			}
		}
	}
	fmt.Fprintf(os.Stderr, "no case %q\n", flag.Arg(0))
	os.Exit(2)
}

// The numbers of seccomp(2), which package syscall does not have.
var sysSeccomp = map[string]uintptr{"amd64": 317, "386": 354}

// lock does what package lock does: the poller and the template thread are started, and then all threads get the filter.
func lock() error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	r.Close()
	w.Close()
	pipe := os.NewFile(3, "filter")
	program, err := io.ReadAll(pipe)
	if err != nil || len(program) == 0 {
		return fmt.Errorf("no filter came: %v", err)
	}
	pipe.Close()

	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	const noNewPrivs, setModeFilter, tsync = 38, 1, 1
	if _, _, errno := syscall.RawSyscall6(syscall.SYS_PRCTL, noNewPrivs, 1, 0, 0, 0, 0); errno != 0 {
		return errno
	}
	filter := struct {
		n     uint16
		insns *byte
	}{uint16(len(program) / 8), &program[0]}
	tid, _, errno := syscall.RawSyscall(sysSeccomp[runtime.GOARCH], setModeFilter, tsync, uintptr(unsafe.Pointer(&filter)))
	if errno != 0 {
		return errno
	}
	if tid != 0 {
		return errors.New("a thread has filters of its own")
	}
	return nil
}

func report(format string, args ...any) {
	os.Stderr.WriteString("stress: " + strings.TrimSpace(fmt.Sprintf(format, args...)) + "\n")
}

func check(err error) {
	if err != nil {
		report("error: %v", err)
		os.Exit(5)
	}
}
