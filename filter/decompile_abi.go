package filter

import (
	"fmt"
	"slices"

	"github.com/stagelock/seccomp/internal/bdd"
	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
)

// maxUnnamed is how many numbers in a row that the tables don't have get a rule each.
const maxUnnamed = 8

// perCallLimit bounds the nodes of what is made of one call.
const perCallLimit = 1 << 18

const (
	x32Bit = 1 << 30
	nrSkip = 1<<32 - 1 // -1: what a tracer writes to skip a call
)

// An abiBuilder says what happens to the calls of one architecture.
type abiBuilder struct {
	*decompiler
	arch    *kernel.Arch
	node    bdd.Node // over the number and the arguments
	table   *policy.Table
	sayer   sayer
	said    map[uint32]said   // by number
	remarks map[uint32]string // by number, for the text
	words   int               // of all conditions so far
}

// abi adds the policy for an architecture, n being what its calls get.
func (x *decompiler) abi(arch *kernel.Arch, n bdd.Node) {
	if arch.Bits == 32 {
		n = narrow(x.d, n)
	}
	b := &abiBuilder{decompiler: x, arch: arch, node: n, table: &policy.Table{Arch: arch},
		sayer: sayer{x.d, arch, x.unknown, x.programs}, said: make(map[uint32]said), remarks: make(map[uint32]string)}
	native := b.native()
	other := heaviest(x.d, map[bdd.Node]float64{followBits(x.d, n, policy.NrVar, b.abiBits(), 0): 1}, policy.ArgVar)
	for _, c := range arch.Calls() {
		b.call(c.Nr, &c, follow(x.d, n, policy.NrVar, c.Nr))
	}
	b.unnamed(x.d.If(native, n, other), other)
	b.other(other)
	if arch.X32 {
		b.foreign()
	}
	slices.SortFunc(b.table.Calls, func(a, c policy.Decision) int { return int(int64(a.Nr) - int64(c.Nr)) })
	x.out.ABIs = append(x.out.ABIs, ABI{Arch: arch, Table: b.table, Text: b.text(b.deny())})
}

// abiBits is how many leading bits of a number tell the ABI.
func (b *abiBuilder) abiBits() int {
	if b.arch.X32 {
		return 2
	}
	return 0
}

// native returns the condition that a number belongs to the architecture's own ABI, -1 left out.
func (b *abiBuilder) native() bdd.Node {
	if b.arch.X32 {
		return b.d.AtMost(policy.NrVar, 32, x32Bit-1)
	}
	return b.d.AtMost(policy.NrVar, 32, nrSkip-1)
}

// call adds a call, without its clauses.
func (b *abiBuilder) call(nr uint32, call *kernel.Call, n bdd.Node) {
	d := policy.Decision{Nr: nr}
	if call != nil {
		d.Name = call.Name
	}
	b.table.Calls = append(b.table.Calls, d)
	if _, constant := b.d.Value(n); constant {
		b.said[nr] = b.sayer.say(n, call)
		return
	}
	own := b.sayer // with a diagram of its own: a call that is too complex takes nothing from the others
	own.d = policy.NewDecider(perCallLimit)
	b.said[nr] = own.say(transplant(b.d, n, own.d), call)
}

// unnamed adds the numbers that the tables don't have and that get something else than most such.
func (b *abiBuilder) unnamed(n, other bdd.Node) {
	list, whole := runs(b.d, n, policy.NrVar, other)
	if !whole {
		b.unsaid(Unsaid{Kind: UnsaidNumbers, Arch: b.arch, Listing: b.reached(b.arch.Audit, nil),
			What: "of the numbers that the tables don't have more than can be listed get something of their own"})
		return
	}
	for _, r := range list {
		for lo := uint64(r.lo); lo <= uint64(r.hi); {
			i, known := b.arch.Index(uint32(lo))
			if known {
				lo++
				continue
			}
			hi := uint64(r.hi)
			if i < b.arch.Len() && uint64(b.arch.At(i).Nr) <= hi {
				hi = uint64(b.arch.At(i).Nr) - 1
			}
			b.unnamedRun(uint32(lo), uint32(hi), r.node)
			lo = hi + 1
		}
	}
}

func (b *abiBuilder) unnamedRun(lo, hi uint32, n bdd.Node) {
	if hi-lo < maxUnnamed {
		for nr := lo; ; nr++ {
			b.call(nr, nil, n)
			if nr == hi {
				return
			}
		}
	}
	what := "have rules of their own"
	if ret, constant := b.d.Value(n); constant {
		what = "get " + retText(ret, b.arch)
	}
	b.unsaid(Unsaid{Kind: UnsaidNumbers, Arch: b.arch, What: numbersText(lo, hi) + ", which the tables don't have, " + what,
		Listing: b.listingOf(n, &lo)})
}

// listingOf returns the listing for a number where what it gets is no plain action.
func (b *abiBuilder) listingOf(n bdd.Node, nr *uint32) string {
	if ret, constant := b.d.Value(n); constant && ret != retComputed {
		return ""
	}
	return b.reached(b.arch.Audit, nr)
}

// other says what all other numbers get.
func (b *abiBuilder) other(n bdd.Node) {
	enosys, _ := b.arch.Errno("ENOSYS")
	ret, constant := b.d.Value(n)
	if !constant {
		ret = b.d.Results(b.sayer.strictest(n, func(uint16) bool { return true }))[0]
	}
	a, _ := nearest(ret, b.arch)
	b.table.Other = policy.Clause{If: policy.Const(true), Action: a}
	switch {
	case !constant:
		b.unsaid(Unsaid{Kind: UnsaidNumbers, Arch: b.arch, Listing: b.reached(b.arch.Audit, nil),
			What: "the numbers that the tables don't have get something by their arguments, the language says errno(ENOSYS)"})
	case ret != retErrno|uint32(enosys):
		b.unsaid(Unsaid{Kind: UnsaidNumbers, Arch: b.arch, What: fmt.Sprintf(
			"the numbers that the tables don't have get %s, the language says errno(ENOSYS)", retText(ret, b.arch))})
	}
	if skip := follow(b.d, b.node, policy.NrVar, nrSkip); skip != n {
		what := "gets something by its arguments"
		if ret, constant := b.d.Value(skip); constant {
			what = "gets " + retText(ret, b.arch)
		}
		b.unsaid(Unsaid{Kind: UnsaidNumbers, Arch: b.arch, What: "the number -1 " + what})
	}
}

// foreign says what the numbers of x32 get.
func (b *abiBuilder) foreign() {
	weights := make(map[bdd.Node]float64)
	for _, head := range []uint32{1, 2, 3} {
		weights[followBits(b.d, b.node, policy.NrVar, 2, head)]++
	}
	usual := heaviest(b.d, weights, policy.ArgVar)
	ret, constant := b.d.Value(usual)
	if !constant {
		ret = b.d.Results(b.sayer.strictest(usual, func(uint16) bool { return true }))[0]
	}
	a, _ := nearest(ret, b.arch)
	b.table.Foreign = policy.Clause{If: policy.Const(true), Action: a}
	is := b.d.Between(policy.NrVar, 32, x32Bit, nrSkip-1)
	list, whole := runs(b.d, b.d.If(is, b.node, usual), policy.NrVar, usual)
	if constant && ret == retKill && whole && len(list) == 0 {
		return
	}
	u := Unsaid{Kind: UnsaidForeign, Arch: b.arch, What: "the numbers of x32 have rules of their own, the language kills",
		Listing: b.listingOf(usual, new(uint32))}
	if constant {
		u.What = fmt.Sprintf("the numbers of x32 get %s, the language kills", retText(ret, b.arch))
	}
	b.unsaid(u)
	if !whole {
		b.unsaid(Unsaid{Kind: UnsaidForeign, Arch: b.arch, Listing: b.reached(b.arch.Audit, nil),
			What: "more numbers of x32 than can be listed get something of their own"})
		return
	}
	b.foreignCalls(list)
}

// maxForeign is how many numbers of x32 are looked at one by one.
const maxForeign = 1 << 10

// foreignCalls tells about single numbers of x32, by what they get.
func (b *abiBuilder) foreignCalls(list []run) {
	byNode := make(map[bdd.Node][]string)
	var order []bdd.Node
	var same []string
	for _, r := range list {
		if r.hi-r.lo >= maxForeign {
			b.unsaid(Unsaid{Kind: UnsaidForeign, Arch: b.arch, Listing: b.listingOf(r.node, &r.lo),
				What: fmt.Sprintf("the numbers %#x to %#x of x32 get %s", r.lo, r.hi, b.short(r.node))})
			continue
		}
		for nr := uint64(r.lo); nr <= uint64(r.hi); nr++ {
			name, twin := b.x32Name(uint32(nr))
			if twin == r.node {
				same = append(same, name)
				continue
			}
			if byNode[r.node] == nil {
				order = append(order, r.node)
			}
			byNode[r.node] = append(byNode[r.node], name)
		}
	}
	if len(same) > 0 {
		b.unsaid(Unsaid{Kind: UnsaidForeign, Arch: b.arch, Calls: same, What: "made through x32 they get what they get here"})
	}
	for _, n := range order {
		b.unsaid(Unsaid{Kind: UnsaidForeign, Arch: b.arch, Calls: byNode[n], What: "made through x32 they get " + b.short(n)})
	}
}

// x32Name names a number of x32, and returns what the call of amd64 with that number gets, which most often is the same
// call; -1 where there is none.
func (b *abiBuilder) x32Name(nr uint32) (name string, twin bdd.Node) {
	nr &^= x32Bit
	if c, ok := b.arch.CallNr(nr); ok {
		return c.Name, follow(b.d, b.node, policy.NrVar, nr)
	}
	return fmt.Sprintf("x32(%d)", nr), -1
}

// short says what a number gets in a word.
func (b *abiBuilder) short(n bdd.Node) string {
	if ret, constant := b.d.Value(n); constant {
		return retText(ret, b.arch)
	}
	return "something by their arguments"
}

// deny returns what most refused calls get.
func (b *abiBuilder) deny() policy.Action {
	count := make(map[policy.Action]int)
	deny := policy.Action{Kind: policy.Errno, Errno: 1}
	for _, s := range b.said {
		ret, constant := s.d.Value(s.node)
		a, _ := policy.ActionOf(ret)
		if !constant || a.Allows() {
			continue
		}
		count[a]++
	}
	for a, n := range count {
		if n > count[deny] || n == count[deny] && (a.Kind < deny.Kind || a.Kind == deny.Kind && a.Errno < deny.Errno) {
			deny = a
		}
	}
	return deny
}
