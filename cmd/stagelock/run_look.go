package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/stagelock/seccomp/internal/gostack"
	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/launch"
	"github.com/stagelock/seccomp/refusal"
)

// A looker finds out, while a call waits, what its registers don't say: the names of files, and the Go stack.
type looker struct {
	programs map[string]*gostack.Program // by process and what it runs; nil: not Go
}

// manyPrograms is how many programs are kept: those of many short-lived children are read again.
const manyPrograms = 16

// A look is what was found.
type look struct {
	names map[int]string // of files, by argument
	stack []gostack.Frame
}

// look looks at a call. What can't be read is left out.
func (l *looker) look(arch *kernel.Arch, r launch.Refusal) look {
	var found look
	if r.Thread == 0 {
		return found
	}
	found.names = fileNames(arch, r)
	if p := l.program(r.Thread); p != nil {
		found.stack, _ = p.Stack(r.Thread)
	}
	if !r.Waiting() {
		return look{} // it may have been of another thread
	}
	return found
}

// program returns what the process of a thread runs, nil if that is not Go.
func (l *looker) program(tid int) *gostack.Program {
	dir := fmt.Sprintf("/proc/%d", tid)
	info, err := os.Stat(dir + "/exe")
	if err != nil {
		return nil
	}
	key := fmt.Sprint(processOf(dir), info.Name(), info.Size(), info.ModTime(), info.Sys())
	if p, ok := l.programs[key]; ok {
		return p
	}
	p, err := gostack.Open(tid)
	if err != nil && !errors.Is(err, gostack.ErrNotGo) {
		return nil
	}
	if l.programs == nil || len(l.programs) >= manyPrograms {
		l.programs = make(map[string]*gostack.Program)
	}
	l.programs[key] = p
	return p
}

// processOf returns the id of a thread's process.
func processOf(dir string) string {
	status, _ := os.ReadFile(dir + "/status")
	_, rest, _ := strings.Cut(string(status), "\nTgid:")
	id, _, _ := strings.Cut(rest, "\n")
	return strings.TrimSpace(id)
}

// longestName is how much of a name is shown.
const longestName = 200

// fileNames reads the names of files that a call is given.
func fileNames(arch *kernel.Arch, r launch.Refusal) map[int]string {
	c, ok := arch.CallNr(r.Nr)
	if !ok {
		return nil
	}
	var mem *os.File
	names := make(map[int]string)
	for _, i := range refusal.FileNames(c) {
		if r.Args[i] == 0 {
			continue
		}
		if mem == nil {
			f, err := os.Open(fmt.Sprintf("/proc/%d/mem", r.Thread))
			if err != nil {
				return nil
			}
			defer f.Close()
			mem = f
		}
		if name, ok := stringAt(mem, int64(r.Args[i])); ok {
			names[i] = name
		}
	}
	return names
}

// stringAt reads a string that ends with a NUL, and quotes it. Memory is read page by page: the next may not be there.
func stringAt(mem *os.File, at int64) (string, bool) {
	const page = 4096
	var text []byte
	for len(text) <= longestName {
		b := make([]byte, page-at%page)
		n, _ := mem.ReadAt(b, at)
		if n == 0 {
			return "", false
		}
		part, _, end := bytes.Cut(b[:n], []byte{0})
		text = append(text, part...)
		if end {
			break
		}
		at += int64(n)
	}
	if len(text) > longestName {
		return strconv.Quote(string(text[:longestName])) + "…", true
	}
	return strconv.Quote(string(text)), true
}

// lines returns the stack as lines, without the functions that only make the call.
func (l look) lines() (lines []string) {
	for i, f := range l.stack {
		if i == 0 || len(lines) == 0 && onlyCalls(f.Func) {
			continue
		}
		lines = append(lines, printable(fmt.Sprintf("    %s  %s:%d", f.Func, f.File, f.Line)))
	}
	return lines
}

func onlyCalls(name string) bool {
	switch name {
	case "syscall.RawSyscall6", "syscall.RawSyscall", "syscall.Syscall6", "syscall.Syscall":
		return true
	}
	return false
}
