//go:build !linux

package main

import (
	"os"
	"syscall"
)

// Programs are launched on Linux only.
func catchSignals() <-chan os.Signal                        { return nil }
func outliveReaders()                                       {}
func forward(signals <-chan os.Signal, program *os.Process) {}
func endBy(s syscall.Signal)                                {}
func goOn(s *streams)                                       {}
func letGoOfAllButStderr()                                  {}
func inheritable(f *os.File) (fd int, err error)            { return 0, syscall.ENOSYS }
