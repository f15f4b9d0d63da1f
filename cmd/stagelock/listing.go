package main

import (
	"debug/elf"
	"encoding/binary"
	"fmt"
	"io"
	"strings"

	"github.com/stagelock/seccomp/filter"
	"github.com/stagelock/seccomp/internal/bpf"
	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/proc"
)

// A listing prints the filters of a process.
type listing struct {
	*streams
	arch      *kernel.Arch
	each, asm bool
	logged    []bool // which filters have the flag LOG
}

// print prints them, the oldest first, as one or one by one.
func (l *listing) print(programs [][]proc.Instruction) {
	if !l.each && !l.asm {
		fmt.Fprintln(l.out)
		l.policy(programs)
		return
	}
	for i, p := range programs {
		age := ""
		switch {
		case len(programs) == 1:
		case i == 0:
			age = ", the oldest"
		case i == len(programs)-1:
			age = ", the newest"
		}
		if i < len(l.logged) && l.logged[i] {
			age += ", refusals are logged"
		}
		fmt.Fprintf(l.out, "\n# filter %d of %d%s: %s\n", i+1, len(programs), age, count(len(p), "instruction"))
		if l.asm {
			x := filter.Program{Arch: l.arch, Table: callNames(l.arch), Insns: instructions(p), Last: 1<<32 - 1}
			fmt.Fprint(l.out, x.Asm())
			continue
		}
		l.policy(programs[i : i+1])
	}
}

// policy prints what programs amount to.
func (l *listing) policy(programs [][]proc.Instruction) {
	list := make([][]bpf.Instruction, len(programs))
	for i, p := range programs {
		list[i] = instructions(p)
	}
	d, err := filter.DecompileStack(list, filter.DecompileOptions{Arch: l.arch})
	if err != nil {
		fmt.Fprintf(l.out, "# %v\n", err)
	}
	if d == nil {
		return
	}
	for i, abi := range d.ABIs {
		if i > 0 {
			fmt.Fprintf(l.out, "\n# of calls that enter through %s:\n", abi.Arch.Name)
		}
		fmt.Fprint(l.out, abi.Text)
	}
	for _, u := range d.Unsaid {
		if u.Arch != nil { // the text has it
			continue
		}
		fmt.Fprintf(l.out, "# %s\n", u.What)
		if len(d.ABIs) > 0 {
			continue
		}
		for _, line := range strings.Split(strings.TrimRight(u.Listing, "\n"), "\n") {
			fmt.Fprintf(l.out, "#   %s\n", line)
		}
	}
}

// callNames returns a table that knows the calls of an architecture, and nothing about them.
func callNames(arch *kernel.Arch) *policy.Table {
	t := &policy.Table{Arch: arch}
	for _, c := range arch.Calls() {
		t.Calls = append(t.Calls, policy.Decision{Nr: c.Nr, Name: c.Name})
	}
	return t
}

// instructions returns a program as package filter takes it.
func instructions(p []proc.Instruction) []bpf.Instruction {
	list := make([]bpf.Instruction, len(p))
	for i, x := range p {
		list[i] = bpf.Instruction{Op: x.Code, Jt: x.Jt, Jf: x.Jf, K: x.K}
	}
	return list
}

// archOfELF returns the architecture that a program is for, nil if there are no tables of it.
func archOfELF(r io.Reader) *kernel.Arch {
	var head [20]byte
	if _, err := io.ReadFull(r, head[:]); err != nil || string(head[:4]) != elf.ELFMAG {
		return nil
	}
	var order binary.ByteOrder = binary.LittleEndian
	if elf.Data(head[elf.EI_DATA]) == elf.ELFDATA2MSB {
		order = binary.BigEndian
	}
	little, wide := order == binary.ByteOrder(binary.LittleEndian), elf.Class(head[elf.EI_CLASS]) == elf.ELFCLASS64
	name := ""
	switch elf.Machine(order.Uint16(head[18:])) {
	case elf.EM_X86_64: // and x32, which is the same to a filter
		name = "amd64"
	case elf.EM_386:
		name = "386"
	case elf.EM_AARCH64:
		name = "arm64"
	case elf.EM_ARM:
		name = "arm"
	case elf.EM_RISCV:
		name = "riscv64"
	case elf.EM_S390:
		name = "s390x"
	case elf.EM_LOONGARCH:
		name = "loong64"
	case elf.EM_PPC64:
		name = "ppc64"
		if little {
			name = "ppc64le"
		}
	case elf.EM_MIPS:
		name = "mips"
		if wide {
			name = "mips64"
		}
		if little {
			name += "le"
		}
	}
	arch, _ := kernel.ByName(name)
	return arch
}
