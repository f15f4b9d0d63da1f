package filter

import (
	"fmt"
	"strings"

	"github.com/stagelock/seccomp/internal/bpf"
)

// maxPlaces bounds how far a listing follows a program.
const maxPlaces = 1 << 14

// reached lists the instructions of the programs that a call may come to once it is clear which call it is: what
// looks at the number and the architecture only is left out. nr is nil for all numbers.
func (x *decompiler) reached(audit uint32, nr *uint32) string {
	var b strings.Builder
	for i, insns := range x.programs {
		want := asked(insns, audit, nr)
		text := x.listing(i, func(pc int) bool { return want[pc] })
		if text != "" && len(x.programs) > 1 {
			fmt.Fprintf(&b, "filter %d of %d:\n", i+1, len(x.programs))
		}
		b.WriteString(text)
	}
	return b.String()
}

// listing lists the instructions of a program that are wanted.
func (x *decompiler) listing(program int, want func(pc int) bool) string {
	var b strings.Builder
	for pc, i := range x.programs[program] {
		if !want(pc) {
			continue
		}
		line := fmt.Sprintf("%-6s%s", fmt.Sprintf("l%d:", pc), i.At(pc))
		switch {
		case i.Op == bpf.LoadWord:
			line = fmt.Sprintf("%-32s; %s", line, wordName(i.K, x.options.BigEndian))
		case i.Op == bpf.Return:
			line = fmt.Sprintf("%-32s; %s", line, retText(canonical(i.K), x.anyArch()))
		}
		b.WriteString(line)
		b.WriteByte('\n')
	}
	return b.String()
}

// asked returns the instructions that a call comes to with something in A that is not known from its number and
// architecture, those that load it, and the returns after them.
func asked(insns []bpf.Instruction, audit uint32, nr *uint32) []bool {
	type place struct {
		pc    int
		a     uint32
		known bool
		told  bool // something that is not known was asked on the way
	}
	want := make([]bool, len(insns))
	seen := make(map[place]bool)
	todo := []place{{}}
	to := func(p place, skip int, known bool, a uint32) {
		p.pc += 1 + skip
		p.known, p.a = known, a
		if !known {
			p.a = 0
		}
		if !seen[p] {
			seen[p] = true
			todo = append(todo, p)
		}
	}
	for len(todo) > 0 {
		p := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if len(seen) > maxPlaces { // too many ways to follow: all of it
			for pc := range want {
				want[pc] = true
			}
			return want
		}
		i := insns[p.pc]
		switch {
		case i.IsReturn():
			want[p.pc] = want[p.pc] || p.told || i.Op == bpf.ReturnA
		case i.Op == bpf.LoadWord && i.K == bpf.OffArch:
			to(p, 0, true, audit)
		case i.Op == bpf.LoadWord && i.K == bpf.OffNr && nr != nil:
			to(p, 0, true, *nr)
		case i.Op == bpf.LoadImm:
			to(p, 0, true, i.K)
		case i.Op == bpf.And && p.known:
			to(p, 0, true, p.a&i.K)
		case i.Op == bpf.Jump:
			to(p, int(i.K), p.known, p.a)
		case i.IsJump():
			if constant := i.Op&0x08 == 0; p.known && constant {
				skip := int(i.Jf)
				if bpf.Holds(i, p.a) {
					skip = int(i.Jt)
				}
				to(p, skip, true, p.a)
				continue
			}
			want[p.pc], p.told = true, true
			to(p, int(i.Jt), p.known, p.a)
			to(p, int(i.Jf), p.known, p.a)
		default:
			want[p.pc] = true
			to(p, 0, i.Op == bpf.Store && p.known, p.a)
		}
	}
	return want
}
