package main

import (
	"slices"
	"testing"

	"github.com/stagelock/seccomp/internal/gostack"
)

// The names of functions and files are the program's own, and reach a terminal.
func TestStackLines(t *testing.T) {
	l := look{stack: []gostack.Frame{
		{Func: "internal/runtime/syscall.Syscall6", File: "asm.s", Line: 1},
		{Func: "syscall.RawSyscall6", File: "syscall.go", Line: 2},
		{Func: "main.\x1b[2Jf", File: "\r/src\n/main.go", Line: 3},
		{Func: "syscall.Syscall", File: "main.go", Line: 4},
	}}
	want := []string{"    main.�[2Jf  �/src�/main.go:3", "    syscall.Syscall  main.go:4"}
	if got := l.lines(); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
