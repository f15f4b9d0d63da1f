package policy

import (
	"fmt"

	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/internal/order"
)

// An argument is one of a call's, as an expression names it.
type argument struct {
	name string // as written
	pos  uint8  // 0 to 5
	typ  kernel.Type
}

// A number is a value of an argument's type: the low bits of the register.
type number = uint64

func (a argument) top() number { return widest(a.typ.Bits) }

// maxSigned returns the largest value of a signed argument.
func (a argument) maxSigned() number { return a.top() >> 1 }

// span returns the smallest and the largest value of a in the order of its type.
func (a argument) span() (lo, hi number) {
	if a.typ.Signed {
		return a.maxSigned() + 1, a.maxSigned()
	}
	return 0, a.top()
}

// less compares in the order of a's type.
func (a argument) less(x, y number) bool { return a.rank(x) < a.rank(y) }

// rank maps the values of a to numbers in the same order, from 0: a signed value has its sign bit flipped.
func (a argument) rank(x number) number {
	if a.typ.Signed {
		return x ^ (a.maxSigned() + 1)
	}
	return x
}

// text returns x as a number a person would write.
func (a argument) text(x number) string {
	if a.typ.Signed && x > a.maxSigned() {
		return fmt.Sprint(int64(x) - int64(a.top()) - 1)
	}
	return fmt.Sprint(x)
}

// String describes the type: an unsigned 32-bit number.
func (a argument) String() string {
	sign := "an unsigned"
	if a.typ.Signed {
		sign = "a signed"
	}
	return fmt.Sprintf("%s %d-bit number", sign, a.typ.Bits)
}

// bounds describes the type with its range.
func (a argument) bounds() string {
	lo, hi := a.span()
	return fmt.Sprintf("%s, %s to %s", a, a.text(lo), a.text(hi))
}

func (a argument) equal(x number) Range { return Range{a.pos, a.typ.Bits, x, x} }

// An interval is lo..hi, ends included, in the order of an argument's type.
type interval struct{ lo, hi number }

// within returns the condition that a lies in one of the intervals, each of which has lo ≤ hi. It reorders them.
func (a argument) within(list []interval) Or {
	for i, n := 0, len(list); i < n; i++ {
		if v := &list[i]; v.lo > v.hi { // from a negative number to a positive one
			list = append(list, interval{0, v.hi})
			list[i].hi = a.top()
		}
	}
	order.Stable(list, func(i, j int) bool { return list[i].lo < list[j].lo })
	merged := list[:0]
	for _, v := range list {
		if n := len(merged); n > 0 && (v.lo <= merged[n-1].hi || v.lo-1 == merged[n-1].hi) {
			merged[n-1].hi = max(merged[n-1].hi, v.hi)
		} else {
			merged = append(merged, v)
		}
	}
	or := make(Or, len(merged))
	for i, v := range merged {
		or[i] = Range{a.pos, a.typ.Bits, v.lo, v.hi}
	}
	return or
}

// between returns the condition that lo ≤ a ≤ hi, in the order of a's type.
func (a argument) between(lo, hi number) Cond {
	if !a.typ.Signed || lo <= hi {
		return Range{a.pos, a.typ.Bits, lo, hi}
	}
	return single(a.within([]interval{{lo, hi}}))
}

// masked returns the condition that a & mask == x.
func (a argument) masked(mask, x number) Cond { return Masked{a.pos, a.typ.Bits, mask, x} }

// maskedAtMost returns the condition that a & mask ≤ x, unsigned: a & mask agrees with x down to some bit that only
// x has, or is all of x.
func (a argument) maskedAtMost(mask, x number) Cond {
	var most number // of what a & mask can be, up to x
	for i := int(a.typ.Bits) - 1; i >= 0; i-- {
		bit := number(1) << i
		if x&bit != 0 && mask&bit == 0 {
			most |= mask & (bit - 1)
			break
		}
		most |= x & bit
	}
	or := Or{a.masked(mask, most)}
	for i := range a.typ.Bits {
		if bit := number(1) << i; most&bit != 0 {
			or = append(or, a.masked(mask&^(bit-1), most&^(bit<<1-1)))
		}
	}
	return single(or)
}

// single returns the only part of or, if it has one.
func single(or Or) Cond {
	switch len(or) {
	case 0:
		return Const(false)
	case 1:
		return or[0]
	}
	return or
}
