package filter

import (
	"fmt"
	"strings"

	"github.com/stagelock/seccomp/internal/bpf"
)

// maxNamed is how many calls or rules are named before a listing says how many more there are.
const maxNamed = 4

// Asm returns the program as a listing in the kernel's assembly language: each instruction with what it asks for. The
// blocks that look at arguments begin with the calls they are for, returns have the verdict and the rules it comes
// from.
func (p *Program) Asm() string {
	var b strings.Builder
	fmt.Fprintf(&b, "; %s, %d instructions", p.Arch.Name, len(p.Insns))
	if p.First != 0 || p.Last != allNumbers.last {
		fmt.Fprintf(&b, ", decides about the numbers from %d to %d", p.First, p.Last)
	}
	b.WriteByte('\n')
	reaches, held := p.Reaches(), p.held()
	block := ""
	for pc, i := range p.Insns {
		reach := &reaches[pc]
		note := ""
		switch {
		case i.Op == bpf.LoadWord:
			note = wordName(i.K, p.Arch.BigEndian)
			if names := p.names(reach); i.K >= bpf.OffArgs && names != block {
				fmt.Fprintf(&b, "; %s\n", names)
				block = names
			}
		case i.IsReturn():
			note = p.verdict(reach, i.K)
		case i.Op == bpf.JumpEq && held[pc] == bpf.OffNr, i.Op == bpf.JumpGe && held[pc] == bpf.OffNr:
			note = p.numberName(i.K)
		}
		line := fmt.Sprintf("%-6s%s", fmt.Sprintf("l%d:", pc), i.At(pc))
		if note != "" {
			line = fmt.Sprintf("%-36s; %s", line, note)
		}
		b.WriteString(line)
		b.WriteByte('\n')
	}
	return b.String()
}

// held returns for each instruction the offset of the word that A has when it is run. A block is entered with the
// same word on all ways.
func (p *Program) held() []uint32 {
	held := make([]uint32, len(p.Insns)+1)
	for pc, i := range p.Insns {
		a := held[pc]
		switch {
		case i.Op == bpf.LoadWord:
			held[pc+1] = i.K
		case i.Op == bpf.Jump:
			held[pc+1+int(i.K)] = a
		case i.IsJump():
			held[pc+1+int(i.Jt)], held[pc+1+int(i.Jf)] = a, a
		case !i.IsReturn():
			held[pc+1] = a
		}
	}
	return held
}

// wordName names a word of seccomp_data.
func wordName(off uint32, bigEndian bool) string {
	switch off {
	case bpf.OffNr:
		return "nr"
	case bpf.OffArch:
		return "arch"
	}
	for arg := range 6 {
		switch off {
		case bpf.ArgOffset(arg, false, bigEndian):
			return fmt.Sprintf("arg%d", arg)
		case bpf.ArgOffset(arg, true, bigEndian):
			return fmt.Sprintf("arg%d, high word", arg)
		}
	}
	return "instruction pointer"
}

// numberName names the call with a number.
func (p *Program) numberName(nr uint32) string {
	if d, ok := p.Table.Find(nr); ok && d.Name != "" {
		return d.Name
	}
	if c, ok := p.Arch.CallNr(nr); ok {
		return c.Name
	}
	return ""
}

// names lists the calls that come to an instruction.
func (p *Program) names(r *Reach) string {
	var list []string
	for _, d := range r.Calls {
		name := d.Name
		if name == "" {
			name = fmt.Sprintf("nr(%d)", d.Nr)
		}
		list = append(list, name)
	}
	return listed(list)
}

// verdict describes a return.
func (p *Program) verdict(r *Reach, ret uint32) string {
	s := retString(ret, p.Arch)
	if len(r.Calls) == 0 && !r.Other && !r.Foreign {
		return s + ": entry through another architecture"
	}
	var list []string
	for _, o := range p.origins(r, ret) {
		list = append(list, o.String())
	}
	if len(list) == 0 {
		return s
	}
	return s + ": " + listed(list)
}

// listed joins a list with commas, as far as it is read.
func listed(list []string) string {
	if more := len(list) - maxNamed; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(list[:maxNamed], ", "), more)
	}
	return strings.Join(list, ", ")
}
