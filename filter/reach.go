package filter

import (
	"slices"

	"github.com/stagelock/seccomp/internal/bpf"
	"github.com/stagelock/seccomp/policy"
)

// A Reach says which numbers come to an instruction, and as what.
type Reach struct {
	// Calls are the table's decisions on the calls that come here, by ascending number.
	Calls []*policy.Decision
	// Other and Foreign tell whether numbers come here that are no calls.
	Other, Foreign bool
}

// Reaches returns, for each instruction of the program, which calls may come to it: the map from the code back to the
// rules. A shared return is reached by many. Nothing is kept while compiling: the program itself says so, when asked.
func (p *Program) Reaches() []Reach {
	out := make([]Reach, len(p.Insns))
	mark := func(nr uint32, to func(*Reach)) {
		walked := make([]bool, len(p.Insns))
		p.walk(nr, 0, walked)
		for pc, w := range walked {
			if w {
				to(&out[pc])
			}
		}
	}
	calls := p.Table.Whole().Calls
	for i := range calls {
		mark(calls[i].Nr, func(r *Reach) { r.Calls = append(r.Calls, &calls[i]) })
	}
	next := uint32(0)
	gap := func(nr uint32) { // the numbers from next to nr-1 are none of the table's
		if nr <= next {
			return
		}
		if p.Table.Arch.Foreign(next) {
			mark(next, func(r *Reach) { r.Foreign = true })
		} else {
			mark(next, func(r *Reach) { r.Other = true })
		}
		if nr-1 != next && p.Table.Arch.Foreign(nr-1) {
			mark(nr-1, func(r *Reach) { r.Foreign = true })
		}
	}
	for i := range calls {
		gap(calls[i].Nr)
		next = calls[i].Nr + 1
	}
	gap(1<<32 - 1)
	return out
}

// walk marks the instructions from pc on that a call with this number may come to, whatever its arguments. Numbers and
// the architecture are known; what is loaded else is not.
func (p *Program) walk(nr uint32, pc int, walked []bool) {
	type place struct {
		pc    int
		a     uint32
		known bool
	}
	todo := []place{{pc: pc}}
	for len(todo) > 0 {
		at := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if walked[at.pc] {
			continue
		}
		walked[at.pc] = true
		switch i := p.Insns[at.pc]; {
		case i.IsReturn():
		case i.Op == bpf.LoadWord:
			switch i.K {
			case bpf.OffNr:
				at.a, at.known = nr, true
			case bpf.OffArch:
				at.a, at.known = p.Arch.Audit, true
			default:
				at.known = false
			}
			todo = append(todo, place{at.pc + 1, at.a, at.known})
		case i.Op == bpf.Jump:
			todo = append(todo, place{at.pc + 1 + int(i.K), at.a, at.known})
		case i.IsJump():
			holds := bpf.Holds(i, at.a)
			if !at.known || holds {
				todo = append(todo, place{at.pc + 1 + int(i.Jt), at.a, at.known})
			}
			if !at.known || !holds {
				todo = append(todo, place{at.pc + 1 + int(i.Jf), at.a, at.known})
			}
		default:
			todo = append(todo, place{at.pc + 1, at.a, false})
		}
	}
}

// origins returns who says that the calls that come to a return get its value, each once, in the order of the calls.
func (p *Program) origins(r *Reach, ret uint32) (list []*policy.Origin) {
	add := func(clauses ...policy.Clause) {
		for _, c := range clauses {
			if c.Action.Ret() == ret && c.Origin != nil && !slices.ContainsFunc(list, c.Origin.Same) {
				list = append(list, c.Origin)
			}
		}
	}
	for _, d := range r.Calls {
		add(d.Clauses...)
	}
	if r.Other {
		add(p.Table.Other)
	}
	if r.Foreign {
		add(p.Table.Foreign)
	}
	return list
}
