package filter

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stagelock/seccomp/internal/bdd"
	"github.com/stagelock/seccomp/internal/bpf"
	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
)

// A remark is something about a call that the language can't say.
type remark struct {
	kind UnsaidKind
	what string
}

// A sayer finds of what a call gets the part that the language can say.
type sayer struct {
	d    *policy.Decider
	arch *kernel.Arch
	of   []*unknowns

	programs [][]bpf.Instruction
}

// A said is what the language can say about a call.
type said struct {
	d       *policy.Decider
	node    bdd.Node       // results are Ret of an Action
	types   [6]kernel.Type // what counts of each argument
	remarks []remark
}

// say returns what can be said of n, what a call gets; call is nil for a number that the tables don't have. Where it
// must leave something out, what is said is nowhere milder than what the program does with what the kernel reads.
func (s *sayer) say(n bdd.Node, call *kernel.Call) said {
	out := said{d: s.d}
	note := func(kind UnsaidKind, format string, args ...any) {
		out.remarks = append(out.remarks, remark{kind, fmt.Sprintf(format, args...)})
	}
	vars := support(s.d, n)
	if known := s.withoutUnknown(n, vars, note); known != n {
		n, vars = known, support(s.d, known)
	}
	for i := range out.types {
		a := s.argument(call, i)
		out.types[i] = a.Type
		out.types[i].Bits = max(a.Type.Bits, 16) // of one that the call doesn't have nothing is left in the end
		base := policy.ArgVar + 64*uint16(i)
		if !asks(vars, base, base+64) {
			continue
		}
		if asks(vars, base, base+64-uint16(a.Type.Bits)) {
			n = s.withoutIgnored(n, i, a, note)
		}
		if a.Type.Pointer {
			n = s.withoutAddress(n, i, a, note)
		}
	}
	for _, ret := range s.d.Results(n) {
		a, exact := nearest(ret, s.arch)
		if exact {
			continue
		}
		where := ""
		if x, leaf := s.d.Value(n); !leaf || x != ret {
			p := newPhraser(s.d, out.types)
			if x := p.cond(s.d.Is(n, ret)); x.cost < maxCost/10 {
				where = " if " + policy.FormatCond(x.cond, call, s.arch)
			} else {
				where = " in some cases"
			}
		}
		note(UnsaidAction, "%s%s, said as %s", retText(ret, s.arch), where, retText(a.Ret(), s.arch))
	}
	out.node = s.d.Map(n, func(ret uint32) uint32 {
		a, _ := nearest(ret, s.arch)
		return a.Ret()
	})
	return out
}

// argument returns an argument of a call; one that it doesn't have is 0 bits wide.
func (s *sayer) argument(call *kernel.Call, i int) kernel.Arg {
	if call == nil || !call.Known() {
		return kernel.Arg{Name: fmt.Sprintf("arg%d", i), Type: kernel.Type{Bits: uint8(s.arch.Bits)}}
	}
	if args := call.Args(); i < len(args) {
		return args[i]
	}
	return kernel.Arg{Name: fmt.Sprintf("arg%d", i)}
}

// asks tells whether a variable from first to end-1 is among vars.
func asks(vars map[uint16]bool, first, end uint16) bool {
	for v := range vars {
		if first <= v && v < end {
			return true
		}
	}
	return false
}

// strictest returns the strictest of what n can be, whatever some variables are.
func (s *sayer) strictest(n bdd.Node, over func(v uint16) bool) bdd.Node {
	done := make(map[bdd.Node]bdd.Node)
	var walk func(bdd.Node) bdd.Node
	walk = func(n bdd.Node) bdd.Node {
		if _, leaf := s.d.Value(n); leaf || s.d.Err() != nil {
			return n
		}
		if m, ok := done[n]; ok {
			return m
		}
		v, lo, hi := s.d.Branch(n)
		lo, hi = walk(lo), walk(hi)
		m := bdd.Node(0)
		if over(v) {
			m = s.d.Combine(lo, hi, Stricter)
		} else {
			m = s.d.If(s.d.Var(v), hi, lo)
		}
		done[n] = m
		return m
	}
	return walk(n)
}

// withoutUnknown returns n without tests of the instruction pointer and of computed values.
func (s *sayer) withoutUnknown(n bdd.Node, vars map[uint16]bool, note func(UnsaidKind, string, ...any)) bdd.Node {
	if !asks(vars, policy.IPVar, lastVar) {
		return n
	}
	var at []string
	for v := range vars {
		for i, u := range s.of {
			if pc, ok := u.at[v]; ok {
				text := fmt.Sprintf("instruction %d, %v", pc, s.programs[i][pc])
				if len(s.of) > 1 {
					text += fmt.Sprintf(" of filter %d", i+1)
				}
				at = append(at, text)
			}
		}
	}
	slices.Sort(at)
	if at = slices.Compact(at); len(at) > 0 {
		note(UnsaidCondition, "computed from arguments (%s): the strictest that may come of it",
			strings.Join(at, ", "))
	}
	if asks(vars, policy.IPVar, unknownVar) {
		note(UnsaidCondition, "depends on the address of the caller: the strictest that may come of it")
	}
	return s.strictest(n, func(v uint16) bool { return v >= policy.IPVar })
}

// withoutIgnored returns n without the bits of argument i that the kernel ignores: as n is where they are as a C
// program leaves them, 0 or, of a negative number, copies of the sign.
func (s *sayer) withoutIgnored(n bdd.Node, i int, a kernel.Arg, note func(UnsaidKind, string, ...any)) bdd.Node {
	base := policy.ArgVar + 64*uint16(i)
	end := base + 64 - uint16(a.Type.Bits) // the ignored bits are the variables from base on
	with := func(n bdd.Node, bit bool) bdd.Node {
		return substitute(s.d, n, func(v uint16) (bool, bool) { return bit, base <= v && v < end })
	}
	usual, signed := with(n, false), false
	if a.Type.Signed {
		sign := s.d.Var(end)
		negative := func(n bdd.Node) bdd.Node {
			return substitute(s.d, n, func(v uint16) (bool, bool) { return true, v == end })
		}
		ones := with(n, true)
		if low := negative(usual); ones != usual && !asks(support(s.d, low), end+1, base+64) {
			extended := s.d.If(sign, ones, usual)
			usual, signed = extended, extended != usual
		}
	}
	const same = 0x8001_0000 // no result: canonical leaves none such
	other := s.d.Combine(n, usual, func(x, y uint32) uint32 {
		if x == y {
			return same
		}
		return x
	})
	var list []string
	for _, ret := range s.d.Results(other) {
		if ret != same {
			list = append(list, retText(ret, s.arch))
		}
	}
	where := fmt.Sprintf("bits of %s that the kernel ignores are set", a.Name)
	switch {
	case a.Type.Bits == 0:
		where = fmt.Sprintf("%s, which the call doesn't have, is not 0", a.Name)
	case signed:
		where = fmt.Sprintf("bits of %s that the kernel ignores are not the sign's", a.Name)
	}
	if len(list) > 0 {
		note(UnsaidBits, "%s where %s", strings.Join(list, " or "), where)
	}
	return usual
}

// withoutAddress returns n without tests of the pointer in argument i, but for whether it is 0.
func (s *sayer) withoutAddress(n bdd.Node, i int, a kernel.Arg, note func(UnsaidKind, string, ...any)) bdd.Node {
	base := policy.ArgVar + 64*uint16(i)
	first := base + 64 - uint16(a.Type.Bits)
	as := func(last bool) bdd.Node {
		return substitute(s.d, n, func(v uint16) (bool, bool) { return last && v == base+63, first <= v && v < base+64 })
	}
	isNull := s.d.Masked(first, int(a.Type.Bits), widest(a.Type.Bits), 0)
	if m := s.d.If(isNull, as(false), as(true)); m == n {
		return n
	}
	note(UnsaidCondition, "depends on the address in %s: the strictest that may come of it", a.Name)
	return s.strictest(n, func(v uint16) bool { return first <= v && v < base+64 })
}
