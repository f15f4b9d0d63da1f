// Package gostack reads the stacks of another process's threads, if that process is a Go program and the thread waits in
// a system call. It stops nothing and attaches to nothing: registers are from /proc/TID/syscall, memory from
// /proc/TID/mem, and what is known of the code from the program's own file, where the Go linker puts it for the runtime
// to unwind stacks with (.gopclntab). It works for programs that were stripped, too.
//
// It needs the right to look at the process: the same user, and, where ptrace is restricted (Yama), to be an ancestor.
package gostack

import (
	"bufio"
	"debug/elf"
	"debug/gosym"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
)

// ErrNotGo: the program is not a Go program that can be read, for amd64 or arm64, built by Go 1.18 or later.
var ErrNotGo = errors.New("not a Go program whose stacks can be read")

// A Program is the code that a process runs.
type Program struct {
	machine elf.Machine
	names   *gosym.Table
	frames  frameTable
	bias    uint64 // what the addresses in the process are above those in the file
}

// largest is how many bytes of a program are read. What runs in the process may have made the file, as large as it pleased.
const largest = 1 << 30

// Open reads the program that a process runs. Reading takes some milliseconds for a large one.
func Open(pid int) (*Program, error) {
	file, err := os.Open(fmt.Sprintf("/proc/%d/exe", pid))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || info.Size() > largest {
		return nil, ErrNotGo
	}
	p, err := read(file)
	if err != nil {
		return nil, err
	}
	maps, err := os.Open(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		return nil, err
	}
	defer maps.Close()
	exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	if err != nil {
		return nil, err
	}
	base, err := mappedAt(maps, exe)
	if err != nil {
		return nil, err
	}
	p.bias = base - p.bias
	return p, nil
}

// read reads a program's file; bias is then the address that its first byte would be at.
func read(file io.ReaderAt) (*Program, error) {
	f, err := elf.NewFile(file)
	if err != nil || f.ByteOrder != binary.LittleEndian || f.Machine != elf.EM_X86_64 && f.Machine != elf.EM_AARCH64 {
		return nil, ErrNotGo
	}
	table := f.Section(".gopclntab")
	if table == nil {
		table = f.Section(".data.rel.ro.gopclntab") // of a position-independent executable
	}
	text := f.Section(".text")
	if table == nil || text == nil || slices.ContainsFunc(f.Sections, inflates) {
		return nil, ErrNotGo
	}
	data, err := table.Data()
	if err != nil {
		return nil, err
	}
	p := &Program{machine: f.Machine}
	start := textStart(f, data, text)
	if p.frames, err = newFrameTable(data, start); err != nil {
		return nil, err
	}
	if p.names, err = gosym.NewTable(nil, gosym.NewLineTable(data, start)); err != nil {
		return nil, ErrNotGo
	}
	for _, s := range f.Progs {
		if s.Type == elf.PT_LOAD && s.Off == 0 {
			p.bias = s.Vaddr
			return p, nil
		}
	}
	return nil, ErrNotGo
}

// inflates tells whether a section that is read takes more memory than file: the linker compresses nothing but what is for
// debuggers.
func inflates(s *elf.Section) bool {
	return s.Flags&elf.SHF_COMPRESSED != 0 && !strings.HasPrefix(s.Name, ".debug_")
}

// textStart returns the address that those in the table count from, runtime.text. With C in the program that is not
// where its code begins. Where neither a symbol nor the table says it (stripped, and built by Go 1.26 or later), it is
// taken for that; stacks of a program with C in it then make no sense, and Stack says so.
func textStart(f *elf.File, table []byte, text *elf.Section) uint64 {
	if symbols, err := f.Symbols(); err == nil {
		for i := range symbols {
			if symbols[i].Name == "runtime.text" {
				return symbols[i].Value
			}
		}
	}
	const at = 8 + 2*8 // "textStart uintptr", runtime/symtab.go, up to Go 1.25
	if len(table) >= at+8 {
		if x := binary.LittleEndian.Uint64(table[at:]); text.Addr <= x && x < text.Addr+text.Size {
			return x
		}
	}
	return text.Addr
}

// mappedAt finds where the first byte of a file is mapped: a line of /proc/PID/maps is
//
//	00400000-00452000 r-xp 00000000 08:02 173521 /usr/bin/dbus-daemon
func mappedAt(maps io.Reader, exe string) (uint64, error) {
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		words := strings.Fields(lines.Text())
		if len(words) < 6 || strings.Trim(words[2], "0") != "" || !strings.HasSuffix(lines.Text(), exe) {
			continue
		}
		from, _, _ := strings.Cut(words[0], "-")
		return strconv.ParseUint(from, 16, 64)
	}
	return 0, ErrNotGo
}
