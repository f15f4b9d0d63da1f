package filter

import (
	"math/bits"
	"slices"

	"github.com/stagelock/seccomp/policy"
)

func bitLen(x uint32) int { return bits.Len32(x) }

// A translator turns the conditions of a call into decision graphs.
type translator struct {
	*graph
	narrow bool    // registers of 32 bits: the high word of an argument is 0
	looked []int16 // the views that a call's conditions look at
}

// clauses returns the verdict that the first clause to hold gives.
func (t *translator) clauses(list []policy.Clause) node {
	n := t.verdict(policy.Action{}.Ret())
	for i := len(list) - 1; i >= 0; i-- {
		c := &list[i]
		n = t.decide(c.If, t.verdict(c.Action.Ret()), n)
	}
	return n
}

// decide returns the function that is yes, a leaf, where the condition holds and no elsewhere.
func (t *translator) decide(c policy.Cond, yes, no node) node {
	if list, ok := c.(policy.Or); ok && no < 0 && len(list) > 0 {
		if n, ok := t.values(list, yes, no); ok {
			return n
		}
	}
	return t.choose(t.cond(c), yes, no)
}

func (t *translator) cond(c policy.Cond) node {
	switch c := c.(type) {
	case policy.Const:
		if c {
			return always
		}
		return never
	case policy.Not:
		return t.choose(t.cond(c.X), never, always)
	case policy.And:
		return t.all(c)
	case policy.Or:
		return t.any(c)
	case policy.Range:
		return t.rangeOf(c)
	case policy.Masked:
		return t.masked(c)
	case policy.Symbol:
		panic(bug("the symbol %s was not resolved", c.Name))
	}
	panic(bug("a condition of type %T", c))
}

// all and any halve their lists: many values of one argument are then merged as sorting by merging does, instead of
// each into a list that grows.
func (t *translator) all(list []policy.Cond) node {
	switch len(list) {
	case 0:
		return always
	case 1:
		return t.cond(list[0])
	}
	half := len(list) / 2
	return t.choose(t.all(list[:half]), t.all(list[half:]), never)
}

func (t *translator) any(list []policy.Cond) node {
	switch len(list) {
	case 0:
		return never
	case 1:
		return t.cond(list[0])
	}
	if n, ok := t.values(list, always, never); ok {
		return n
	}
	half := len(list) / 2
	return t.choose(t.any(list[:half]), always, t.any(list[half:]))
}

// values returns the function that is yes where any of a list holds and no elsewhere, both leaves, if the list is made of
// values of one word in ascending order, as the checker makes that of `in`: it is a single node, which need not be
// merged from many.
func (t *translator) values(list []policy.Cond, yes, no node) (n node, ok bool) {
	one, ok := list[0].(policy.Range)
	if !ok || one.Bits > 32 {
		return never, false
	}
	top := widest(one.Bits)
	next := uint64(0) // the least value that may follow
	for _, x := range list {
		r, ok := x.(policy.Range)
		if !ok || r.Arg != one.Arg || r.Bits != one.Bits || r.Lo < next || r.Lo > r.Hi || r.Hi > top {
			return never, false
		}
		next = r.Hi + 1
	}
	v := t.look(view{word(2 * one.Arg), uint32(top)})
	first := len(t.branches)
	next = 0
	for _, x := range list {
		r := x.(policy.Range)
		if r.Lo > next {
			t.push(first, uint32(r.Lo-1), no)
		}
		t.push(first, uint32(r.Hi), yes)
		next = r.Hi + 1
	}
	if next <= top {
		t.push(first, uint32(top), no)
	}
	return t.seal(v, first), true
}

// rangeOf compares across the two words where the argument has 64 bits: the high words decide, but where they are
// equal the low ones do.
func (t *translator) rangeOf(c policy.Range) node {
	top := widest(c.Bits)
	lo, hi := c.Lo, min(c.Hi, top)
	if lo > hi {
		return never
	}
	if c.Bits <= 32 {
		return t.within(word(2*c.Arg), uint32(top), uint32(lo), uint32(hi))
	}
	return t.choose(t.atMost(c.Arg, hi), t.choose(t.below(c.Arg, lo), never, always), never)
}

// below returns the condition that the argument is less than x.
func (t *translator) below(arg uint8, x uint64) node {
	if x == 0 {
		return never
	}
	return t.atMost(arg, x-1)
}

// atMost returns the condition that the whole argument is at most x.
func (t *translator) atMost(arg uint8, x uint64) node {
	high, low := word(2*arg+1), word(2*arg)
	xh := uint32(x >> 32)
	n := t.choose(t.within(high, 1<<32-1, xh, xh), t.within(low, 1<<32-1, 0, uint32(x)), never)
	if xh > 0 {
		n = t.choose(t.within(high, 1<<32-1, 0, xh-1), always, n)
	}
	return n
}

func (t *translator) masked(c policy.Masked) node {
	mask := c.Mask & widest(c.Bits)
	if c.Value&^mask != 0 {
		return never
	}
	n := t.equal(word(2*c.Arg), uint32(mask), uint32(c.Value))
	if mask>>32 != 0 {
		n = t.choose(t.equal(word(2*c.Arg+1), uint32(mask>>32), uint32(c.Value>>32)), n, never)
	}
	return n
}

// equal returns the condition that the word & mask == value. A mask of the upper bits only is an interval of the
// whole word, which is tested without an AND.
func (t *translator) equal(w word, mask, value uint32) node {
	if mask == 0 {
		return always
	}
	if low := ^mask; low&(low+1) == 0 {
		return t.within(w, 1<<32-1, value, value|low)
	}
	return t.within(w, mask, value, value)
}

// within returns the condition that lo ≤ word & mask ≤ hi.
func (t *translator) within(w word, mask, lo, hi uint32) node {
	if t.narrow && w%2 == 1 {
		if lo == 0 {
			return always
		}
		return never
	}
	return t.interval(t.look(view{w, mask}), lo, hi)
}

// look returns the index of a view that the call's conditions look at.
func (t *translator) look(v view) int16 {
	i := t.view(v)
	if !slices.Contains(t.looked, i) {
		t.looked = append(t.looked, i)
	}
	return i
}

func widest(bits uint8) uint64 { return 1<<bits - 1 }
