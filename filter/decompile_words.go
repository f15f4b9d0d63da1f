package filter

import (
	"slices"

	"github.com/stagelock/seccomp/internal/bdd"
	"github.com/stagelock/seccomp/policy"
)

// Here the values of one argument become a condition. A set of values can be said in several ways: as ranges, as
// bits under a mask, as what is left of either, as some bits and then the rest. All are tried, the shortest is taken.

// A phrase is a condition with its length, in something like words.
type phrase struct {
	cond policy.Cond
	cost int
}

// tooLong is the cost of what was not found.
const tooLong = 1 << 20

var noPhrase = phrase{nil, tooLong}

// Lengths of the parts of a condition.
const (
	valueCost = 2 // one more value of a list
	rangeCost = 3
	maskCost  = 2 // on top of the value under it
	notCost   = 1
	joinCost  = 1
)

// Bounds of what is tried.
const (
	maxRanges = 128
	maxPieces = 4096 // of which ranges are put together
	maxCubes  = 128
	maxCalls  = 4096 // in the search for cubes
	maxValues = 24   // listed under one mask
)

func shorter(list ...phrase) phrase {
	best := noPhrase
	for _, x := range list {
		if x.cost < best.cost {
			best = x
		}
	}
	return best
}

func negated(x phrase) phrase {
	if x.cost >= tooLong {
		return x
	}
	if c, ok := x.cond.(policy.Const); ok {
		return phrase{!c, x.cost}
	}
	if n, ok := x.cond.(policy.Not); ok {
		return phrase{n.X, x.cost - notCost}
	}
	return phrase{policy.Not{X: x.cond}, x.cost + notCost}
}

// An argWord is the low bits of an argument, as many as count.
type argWord struct {
	d      *policy.Decider
	arg    uint8
	bits   uint8
	signed bool
}

// first returns the variable of the word's most significant bit.
func (w argWord) first() uint16 { return policy.ArgVar + 64*uint16(w.arg) + 64 - uint16(w.bits) }

// bit returns the bit of the word that a variable is.
func (w argWord) bit(v uint16) uint64 { return 1 << (policy.ArgVar + 64*uint16(w.arg) + 63 - v) }

// phrase says which values the word has in n, a condition over nothing else.
func (w argWord) phrase(n bdd.Node) phrase {
	switch n {
	case bdd.True:
		return phrase{policy.Const(true), 0}
	case bdd.False:
		return phrase{policy.Const(false), 0}
	}
	no := w.d.Not(n)
	best := shorter(w.ranges(n), negated(w.ranges(no)), w.cubes(n), negated(w.cubes(no)), w.listed(n), negated(w.listed(no)))
	if best.cost > 2*rangeCost+joinCost {
		best = shorter(best, w.forced(n), negated(w.forced(no)))
	}
	return best
}

// between says of values between lower and upper whatever is shorter.
func (w argWord) between(lower, upper bdd.Node) phrase {
	if lower == upper {
		return w.phrase(lower)
	}
	return shorter(w.phrase(lower), w.phrase(upper))
}

func (w argWord) masked(mask, value uint64) policy.Cond {
	if mask == widest(w.bits) {
		return policy.Range{Arg: w.arg, Bits: w.bits, Lo: value, Hi: value}
	}
	return policy.Masked{Arg: w.arg, Bits: w.bits, Mask: mask, Value: value}
}

// ranges says n as a list of ranges.
func (w argWord) ranges(n bdd.Node) phrase {
	type span struct{ lo, hi uint64 }
	var list []span
	pieces := 0
	var walk func(n bdd.Node, v uint16, lo uint64) bool
	walk = func(n bdd.Node, v uint16, lo uint64) bool {
		if n == bdd.False {
			return true
		}
		if n == bdd.True {
			if pieces++; pieces > maxPieces {
				return false
			}
			hi := lo
			if v < w.first()+uint16(w.bits) {
				hi = lo | (w.bit(v)<<1 - 1)
			}
			if k := len(list); k > 0 && list[k-1].hi+1 == lo {
				list[k-1].hi = hi
				return true
			}
			list = append(list, span{lo, hi})
			return len(list) <= maxRanges
		}
		no, yes := n, n
		if top, a, b := w.d.Branch(n); top == v {
			no, yes = a, b
		}
		return walk(no, v+1, lo) && walk(yes, v+1, lo|w.bit(v))
	}
	if !walk(n, w.first(), 0) {
		return noPhrase
	}
	cost := 0
	var or policy.Or
	for _, s := range list {
		or = append(or, policy.Range{Arg: w.arg, Bits: w.bits, Lo: s.lo, Hi: s.hi})
		if cost += valueCost; s.lo != s.hi {
			cost += rangeCost - valueCost
		}
	}
	if w.signed && len(list) > 0 {
		sign := widest(w.bits) >> 1
		if slices.ContainsFunc(list, func(s span) bool { return s.lo <= sign && sign < s.hi }) {
			cost += rangeCost // it becomes two, at both ends of the signed numbers
		}
		if len(list) > 1 && list[0].lo == 0 && list[len(list)-1].hi == widest(w.bits) {
			cost -= valueCost // around 0 they are one
		}
	}
	return phrase{single(or), cost}
}

// listed says n as a list of values under one mask.
func (w argWord) listed(n bdd.Node) phrase {
	var vars []uint16
	mask := uint64(0)
	for v := range support(w.d, n) {
		mask |= w.bit(v)
	}
	for v := w.first(); v < w.first()+uint16(w.bits); v++ {
		if mask&w.bit(v) != 0 {
			vars = append(vars, v)
		}
	}
	var or policy.Or
	var walk func(n bdd.Node, i int, value uint64) bool
	walk = func(n bdd.Node, i int, value uint64) bool {
		if n == bdd.False {
			return true
		}
		if i == len(vars) {
			or = append(or, w.masked(mask, value))
			return len(or) <= maxValues
		}
		no, yes := n, n
		if n != bdd.True {
			if top, a, b := w.d.Branch(n); top == vars[i] {
				no, yes = a, b
			}
		}
		return walk(no, i+1, value) && walk(yes, i+1, value|w.bit(vars[i]))
	}
	if !walk(n, 0, 0) {
		return noPhrase
	}
	return phrase{single(or), maskCost + valueCost*len(or)}
}

// cubes says n as alternatives of bits under masks.
func (w argWord) cubes(n bdd.Node) phrase {
	c := coverer{w: w}
	_, ok := c.cover(n, n, 0, 0)
	if !ok {
		return noPhrase
	}
	var or policy.Or
	cost := 0
	masks := make(map[uint64]bool)
	for _, x := range c.list {
		or = append(or, w.masked(x.mask, x.value))
		cost += valueCost
		if x.mask != widest(w.bits) && !masks[x.mask] {
			masks[x.mask] = true
			cost += maskCost + joinCost
		}
	}
	return phrase{single(or), cost}
}

// A pattern is the values that have certain bits under a mask.
type pattern struct{ mask, value uint64 }

// A coverer finds few cubes that cover a set and nothing outside another: the irredundant sum of products of Minato
// and Morreale.
type coverer struct {
	w     argWord
	list  []pattern
	calls int
}

// cover adds cubes, all with some bits in common, and returns what they cover.
func (c *coverer) cover(lower, upper bdd.Node, mask, value uint64) (bdd.Node, bool) {
	d := c.w.d
	if lower == bdd.False {
		return bdd.False, true
	}
	if upper == bdd.True {
		c.list = append(c.list, pattern{mask, value})
		return bdd.True, len(c.list) <= maxCubes
	}
	if c.calls++; c.calls > maxCalls || d.Err() != nil {
		return bdd.False, false
	}
	v := top(d, lower, upper)
	l0, l1 := halves(d, lower, v)
	u0, u1 := halves(d, upper, v)
	bit := c.w.bit(v)
	f0, ok0 := c.cover(d.And(l0, d.Not(u1)), u0, mask|bit, value)
	if !ok0 {
		return bdd.False, false
	}
	f1, ok1 := c.cover(d.And(l1, d.Not(u0)), u1, mask|bit, value|bit)
	if !ok1 {
		return bdd.False, false
	}
	rest := d.Or(d.And(l0, d.Not(f0)), d.And(l1, d.Not(f1)))
	f, ok := c.cover(rest, d.And(u0, u1), mask, value)
	return d.Or(f, d.If(d.Var(v), f1, f0)), ok
}

// forced says n as the bits that all its values have in common, and the rest.
func (w argWord) forced(n bdd.Node) phrase {
	d := w.d
	var mask, value uint64
	for v := range support(d, n) {
		switch {
		case d.And(n, d.Var(v)) == bdd.False:
			mask |= w.bit(v)
		case d.And(n, d.Not(d.Var(v))) == bdd.False:
			mask |= w.bit(v)
			value |= w.bit(v)
		}
	}
	if mask == 0 || n == bdd.False {
		return noPhrase
	}
	rest := substitute(d, n, func(v uint16) (bool, bool) {
		b := w.bit(v)
		return value&b != 0, mask&b != 0
	})
	x := w.phrase(rest)
	if x.cost >= tooLong {
		return noPhrase
	}
	return phrase{policy.And{w.masked(mask, value), x.cond}, x.cost + maskCost + valueCost + joinCost}
}

// top returns the first variable that one of two functions asks; they are not both constant.
func top(d *policy.Decider, a, b bdd.Node) uint16 {
	v := uint16(lastVar)
	for _, n := range [...]bdd.Node{a, b} {
		if _, leaf := d.Value(n); !leaf {
			x, _, _ := d.Branch(n)
			v = min(v, x)
		}
	}
	return v
}

// halves returns the functions left of n where a variable, not later than its first, is 0 and 1.
func halves(d *policy.Decider, n bdd.Node, v uint16) (lo, hi bdd.Node) {
	if _, leaf := d.Value(n); leaf {
		return n, n
	}
	if x, lo, hi := d.Branch(n); x == v {
		return lo, hi
	}
	return n, n
}

// support returns the variables that n asks.
func support(d *policy.Decider, n bdd.Node) map[uint16]bool {
	vars := make(map[uint16]bool)
	seen := make(map[bdd.Node]bool)
	var walk func(bdd.Node)
	walk = func(n bdd.Node) {
		if _, leaf := d.Value(n); leaf || seen[n] {
			return
		}
		seen[n] = true
		v, lo, hi := d.Branch(n)
		vars[v] = true
		walk(lo)
		walk(hi)
	}
	walk(n)
	return vars
}

// substitute returns the function that n is where some variables have known values.
func substitute(d *policy.Decider, n bdd.Node, known func(v uint16) (value, ok bool)) bdd.Node {
	done := make(map[bdd.Node]bdd.Node)
	var walk func(bdd.Node) bdd.Node
	walk = func(n bdd.Node) bdd.Node {
		if _, leaf := d.Value(n); leaf || d.Err() != nil {
			return n
		}
		if m, ok := done[n]; ok {
			return m
		}
		v, lo, hi := d.Branch(n)
		var m bdd.Node
		switch value, ok := known(v); {
		case ok && value:
			m = walk(hi)
		case ok:
			m = walk(lo)
		default:
			m = d.If(d.Var(v), walk(hi), walk(lo))
		}
		done[n] = m
		return m
	}
	return walk(n)
}

// transplant returns n as a node of another diagram.
func transplant(d *policy.Decider, n bdd.Node, to *policy.Decider) bdd.Node {
	done := make(map[bdd.Node]bdd.Node)
	var walk func(bdd.Node) bdd.Node
	walk = func(n bdd.Node) bdd.Node {
		if x, leaf := d.Value(n); leaf {
			return to.Leaf(x)
		}
		m, ok := done[n]
		if !ok {
			v, lo, hi := d.Branch(n)
			no := walk(lo)
			m = to.If(to.Var(v), walk(hi), no)
			done[n] = m
		}
		return m
	}
	return walk(n)
}
