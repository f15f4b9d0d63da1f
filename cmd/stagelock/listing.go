package main

import (
	"fmt"
	"strings"

	"github.com/stagelock/seccomp/filter"
	"github.com/stagelock/seccomp/internal/bpf"
	"github.com/stagelock/seccomp/policy"
)

// longestPath returns how many instructions a program takes at most: jumps only go forward.
func longestPath(prog []bpf.Instruction) int {
	longest := make([]int, len(prog)) // from each instruction on
	for pc := len(prog) - 1; pc >= 0; pc-- {
		for _, next := range successors(prog, pc) {
			longest[pc] = max(longest[pc], longest[next])
		}
		longest[pc]++
	}
	return longest[0]
}

// successors returns the instructions that may follow the one at pc.
func successors(prog []bpf.Instruction, pc int) []int {
	i := prog[pc]
	switch {
	case i.IsReturn():
		return nil
	case i.Op == bpf.Jump:
		return []int{pc + 1 + int(i.K)}
	case i.IsJump():
		return []int{pc + 1 + int(i.Jt), pc + 1 + int(i.Jf)}
	}
	return []int{pc + 1}
}

// A part is what the register A holds: a word of struct seccomp_data.
type part struct {
	known  bool
	offset uint32
	masked bool
}

// contents returns what A holds before each instruction, wherever all ways there agree.
func contents(prog []bpf.Instruction) []part {
	before := make([]part, len(prog))
	reached := make([]bool, len(prog))
	for pc, i := range prog {
		after := before[pc]
		switch {
		case i.Op == bpf.LoadWord:
			after = part{known: true, offset: i.K}
		case i.Op == bpf.And:
			after.masked = true
		case !i.IsJump() && !i.IsReturn():
			after = part{}
		}
		for _, next := range successors(prog, pc) {
			if !reached[next] {
				before[next], reached[next] = after, true
			} else if before[next] != after {
				before[next] = part{}
			}
		}
	}
	return before
}

// listing returns a program in the kernel's assembly language (tools/bpf/bpf_asm), with what each instruction is about
// as a comment.
func listing(p *filter.Program) string {
	var b strings.Builder
	a := contents(p.Insns)
	for pc, i := range p.Insns {
		line := fmt.Sprintf("%-7s%s", fmt.Sprintf("l%d:", pc), i.At(pc))
		if text := remark(p, i, a[pc]); text != "" {
			line = fmt.Sprintf("%-40s /* %s */", line, text)
		}
		b.WriteString(line + "\n")
	}
	return b.String()
}

// remark says what an instruction is about, given what A holds.
func remark(p *filter.Program, i bpf.Instruction, a part) string {
	switch {
	case i.Op == bpf.LoadWord:
		return wordName(p, i.K)
	case i.Op == bpf.Return:
		if action, ok := policy.ActionOf(i.K); ok {
			return action.Text(p.Arch)
		}
	case i.IsJump() && a.known && !a.masked && a.offset == bpf.OffArch && i.K == p.Arch.Audit:
		return p.Arch.Name
	case i.IsJump() && i.Op != bpf.Jump && a.known && !a.masked && a.offset == bpf.OffNr:
		return callRemark(p, i)
	}
	return ""
}

// callRemark says which call a number is compared with.
func callRemark(p *filter.Program, i bpf.Instruction) string {
	c, ok := p.Arch.CallNr(i.K)
	switch {
	case p.Arch.Foreign(i.K):
		return "x32"
	case i.K == 1<<32-1:
		return "-1"
	case !ok:
		return ""
	}
	switch i.Op {
	case bpf.JumpEq:
		return c.Name
	case bpf.JumpGe:
		return c.Name + " and on"
	case bpf.JumpGt:
		return "behind " + c.Name
	}
	return ""
}

// wordName names a word of struct seccomp_data.
func wordName(p *filter.Program, offset uint32) string {
	switch {
	case offset == bpf.OffNr:
		return "nr"
	case offset == bpf.OffArch:
		return "arch"
	case offset < bpf.OffArgs:
		return "instruction pointer"
	}
	arg := int(offset-bpf.OffArgs) / 8
	half := "low"
	if offset == bpf.ArgOffset(arg, true, p.Arch.BigEndian) {
		half = "high"
	}
	return fmt.Sprintf("arg%d, %s word", arg, half)
}
