package dialect

import (
	"errors"
	"math/bits"

	"github.com/stagelock/seccomp/policy"
)

// An Op compares all 64 bits of an argument, unsigned.
type Op uint8

// The comparisons that other dialects have.
const (
	Eq       Op = iota // argument == A
	Ne                 // argument != A
	Lt                 // argument < A
	Le                 // argument <= A
	Gt                 // argument > A
	Ge                 // argument >= A
	MaskedEq           // argument & A == B; B has no bits outside A
	AnyBit             // argument & A != 0; of FreeTerms only
)

// A Comparison compares one argument.
type Comparison struct {
	Arg  uint8
	Op   Op
	A, B uint64
}

const top = 1<<64 - 1

// Cond returns the comparison as a condition.
func (c Comparison) Cond() policy.Cond {
	between := func(lo, hi uint64) policy.Cond { return policy.Range{Arg: c.Arg, Bits: 64, Lo: lo, Hi: hi} }
	switch c.Op {
	case Eq:
		return between(c.A, c.A)
	case Ne:
		return policy.Not{X: between(c.A, c.A)}
	case Lt:
		if c.A == 0 {
			return policy.Const(false)
		}
		return between(0, c.A-1)
	case Le:
		return between(0, c.A)
	case Gt:
		if c.A == top {
			return policy.Const(false)
		}
		return between(c.A+1, top)
	case Ge:
		return between(c.A, top)
	case AnyBit:
		return policy.Not{X: policy.Masked{Arg: c.Arg, Bits: 64, Mask: c.A}}
	}
	return policy.Masked{Arg: c.Arg, Bits: 64, Mask: c.A, Value: c.B}
}

// A Term holds where all of its comparisons do, of which each is about another argument.
type Term []Comparison

// ErrTooMany is what Terms ends with where a condition takes more terms than it may have.
var ErrTooMany = errors.New("too many alternatives")

// MaxTerms is how many terms one condition may be taken apart into.
const MaxTerms = 512

// Terms takes a condition apart into terms, of which any holds where it does. Comparisons of 16 or 32 bits become
// masked ones of 64. A condition that always holds is one empty Term.
func Terms(c policy.Cond) ([]Term, error) { return taker{join: merge}.terms(c, true) }

// FreeTerms is Terms where one term may compare an argument more than once.
func FreeTerms(c policy.Cond) ([]Term, error) {
	return taker{join: concat, anyBit: true}.terms(c, true)
}

// A taker takes conditions apart.
type taker struct {
	join   func(x, y Term) ([]Term, error) // returns the terms of which any holds where x and y do
	anyBit bool                            // AnyBit may be used
}

// terms takes c apart where sign is set, and otherwise !c.
func (t taker) terms(c policy.Cond, sign bool) ([]Term, error) {
	switch c := c.(type) {
	case policy.Const:
		if bool(c) == sign {
			return []Term{{}}, nil
		}
		return nil, nil
	case policy.Not:
		return t.terms(c.X, !sign)
	case policy.And:
		return t.parts(c, sign, sign)
	case policy.Or:
		return t.parts(c, sign, !sign)
	case policy.Range:
		return single(rangeComparisons(c, sign)), nil
	case policy.Masked:
		if mask := c.Mask & ones(c.Bits); t.anyBit && !sign && c.Value == 0 && mask != 0 {
			return []Term{{{c.Arg, AnyBit, mask, 0}}}, nil
		}
		return single(maskedComparisons(c, sign)), nil
	}
	return nil, errors.New("the value of the process is known only when it runs")
}

// parts takes the parts of an And or Or apart: all of them have to hold, or any.
func (t taker) parts(list []policy.Cond, sign, all bool) ([]Term, error) {
	var sum []Term
	if all {
		sum = []Term{{}}
	}
	for _, c := range list {
		x, err := t.terms(c, sign)
		if err != nil {
			return nil, err
		}
		if all {
			x, err = t.product(sum, x)
			sum = x
		} else {
			sum = append(sum, x...)
		}
		if err != nil || len(sum) > MaxTerms {
			return nil, ErrTooMany
		}
	}
	return sum, nil
}

func single(list []Comparison) []Term {
	terms := make([]Term, len(list))
	for i, c := range list {
		terms[i] = Term{c.simplest()}
	}
	return terms
}

// product returns the terms that hold where one of a and one of b do.
func (t taker) product(a, b []Term) ([]Term, error) {
	var all []Term
	for _, x := range a {
		for _, y := range b {
			merged, err := t.join(x, y)
			if err != nil {
				return nil, err
			}
			if all = append(all, merged...); len(all) > MaxTerms {
				return nil, ErrTooMany
			}
		}
	}
	return all, nil
}

// concat keeps all comparisons of both.
func concat(x, y Term) ([]Term, error) { return []Term{append(append(Term(nil), x...), y...)}, nil }

// merge returns the terms that hold where both x and y do: more than one where two comparisons of one argument have to
// become masks to be joined, and none where they are at odds.
func merge(x, y Term) ([]Term, error) {
	out := []Term{append(Term(nil), x...)}
	for _, c := range y {
		var next []Term
		for _, t := range out {
			i := t.find(c.Arg)
			if i < 0 {
				next = append(next, append(append(Term(nil), t...), c))
				continue
			}
			for _, both := range meet(t[i], c) {
				u := append(Term(nil), t...)
				u[i] = both
				next = append(next, u)
			}
			if len(next) > MaxTerms {
				return nil, ErrTooMany
			}
		}
		out = next
	}
	return out, nil
}

// find returns the place of the comparison of an argument, -1 if there is none.
func (t Term) find(arg uint8) int {
	for i, c := range t {
		if c.Arg == arg {
			return i
		}
	}
	return -1
}

// meet returns comparisons of which any holds where both a and b do.
func meet(a, b Comparison) []Comparison {
	if a == b {
		return []Comparison{a}
	}
	var both []Comparison
	for _, x := range a.blocks() {
		for _, y := range b.blocks() {
			if x.A&y.A&(x.B^y.B) == 0 {
				both = append(both, block(a.Arg, x.A|y.A, x.B|y.B).simplest())
			}
		}
	}
	return both
}

// blocks returns c as masked comparisons, of which any holds where c does.
func (c Comparison) blocks() []Comparison {
	switch c.Op {
	case Eq:
		return []Comparison{{c.Arg, MaskedEq, top, c.A}}
	case MaskedEq:
		return []Comparison{c}
	case Ne:
		return append(below(c.Arg, 64, c.A), above(c.Arg, 64, c.A)...)
	case Lt:
		return below(c.Arg, 64, c.A)
	case Gt:
		return above(c.Arg, 64, c.A)
	case Le:
		return append(below(c.Arg, 64, c.A), Comparison{c.Arg, MaskedEq, top, c.A})
	}
	return append(above(c.Arg, 64, c.A), Comparison{c.Arg, MaskedEq, top, c.A})
}

// below returns masked comparisons that together hold where the low width bits are less than v: for each 1 of v, the
// values that agree with v above that bit and have 0 there.
func below(arg, width uint8, v uint64) []Comparison {
	var list []Comparison
	for i := int(width) - 1; i >= 0; i-- {
		if bit := uint64(1) << i; v&bit != 0 {
			list = append(list, block(arg, ones(width)&^(bit-1), v&^(bit<<1-1)))
		}
	}
	return list
}

// above returns masked comparisons that together hold where the low width bits are greater than v.
func above(arg, width uint8, v uint64) []Comparison {
	var list []Comparison
	for i := int(width) - 1; i >= 0; i-- {
		if bit := uint64(1) << i; v&bit == 0 {
			list = append(list, block(arg, ones(width)&^(bit-1), v&^(bit<<1-1)|bit))
		}
	}
	return list
}

func ones(width uint8) uint64 { return 1<<width - 1 }

// block returns argument & mask == v.
func block(arg uint8, mask, v uint64) Comparison { return Comparison{arg, MaskedEq, mask, v & mask} }

// simplest returns a masked comparison as it is said most simply.
func (c Comparison) simplest() Comparison {
	if c.Op != MaskedEq || c.A == 0 {
		return c
	}
	low := bits.TrailingZeros64(c.A)
	switch {
	case c.A == top:
		return Comparison{c.Arg, Eq, c.B, 0}
	case c.A == top<<low && c.B == 0:
		return Comparison{c.Arg, Lt, 1 << low, 0}
	}
	return c
}

// rangeComparisons returns comparisons of which any holds where r does, or, without sign, where it doesn't.
func rangeComparisons(r policy.Range, sign bool) []Comparison {
	last := ones(r.Bits)
	lo, hi := r.Lo, min(r.Hi, last)
	switch {
	case lo > hi:
		return always(r.Arg, !sign)
	case lo == 0 && hi == last:
		return always(r.Arg, sign)
	case r.Bits == 64:
		return wide(r.Arg, lo, hi, sign)
	case !sign:
		list := below(r.Arg, r.Bits, lo)
		if hi < last {
			list = append(list, above(r.Arg, r.Bits, hi)...)
		}
		return list
	case lo == hi:
		return []Comparison{block(r.Arg, last, lo)}
	}
	return within(r.Arg, r.Bits, lo, hi)
}

// wide is rangeComparisons for all 64 bits.
func wide(arg uint8, lo, hi uint64, sign bool) []Comparison {
	switch {
	case lo == hi && sign:
		return []Comparison{{arg, Eq, lo, 0}}
	case lo == hi:
		return []Comparison{{arg, Ne, lo, 0}}
	case lo == 0 && sign:
		return []Comparison{{arg, Le, hi, 0}}
	case lo == 0:
		return []Comparison{{arg, Gt, hi, 0}}
	case hi == top && sign:
		return []Comparison{{arg, Ge, lo, 0}}
	case hi == top:
		return []Comparison{{arg, Lt, lo, 0}}
	case sign:
		return within(arg, 64, lo, hi)
	}
	return []Comparison{{arg, Lt, lo, 0}, {arg, Gt, hi, 0}}
}

// within returns masked comparisons that together hold where the low width bits lie between lo and hi: the largest
// aligned blocks, from below.
func within(arg, width uint8, lo, hi uint64) []Comparison {
	var list []Comparison
	for {
		size := uint64(1) << min(bits.TrailingZeros64(lo), int(width)-1)
		for size > 1 && (lo+size-1 > hi || lo+size-1 < lo) {
			size >>= 1
		}
		list = append(list, block(arg, ones(width)&^(size-1), lo))
		if lo+size-1 >= hi {
			return list
		}
		lo += size
	}
}

// always returns comparisons that hold always, or never.
func always(arg uint8, yes bool) []Comparison {
	if yes {
		return []Comparison{{Arg: arg, Op: MaskedEq}}
	}
	return nil
}

// maskedComparisons returns comparisons of which any holds where m does, or, without sign, where it doesn't: where some
// bit differs and those above it don't.
func maskedComparisons(m policy.Masked, sign bool) []Comparison {
	mask := m.Mask & ones(m.Bits)
	switch {
	case m.Value&^mask != 0:
		return always(m.Arg, !sign)
	case mask == 0:
		return always(m.Arg, sign)
	case sign:
		return []Comparison{block(m.Arg, mask, m.Value)}
	case mask == top:
		return []Comparison{{m.Arg, Ne, m.Value, 0}}
	}
	var list []Comparison
	for rest := mask; rest != 0; {
		bit := uint64(1) << (bits.Len64(rest) - 1)
		rest &^= bit
		list = append(list, block(m.Arg, mask&^(bit-1), m.Value^bit))
	}
	return list
}
