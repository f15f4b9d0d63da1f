package policy

import (
	"slices"
	"strconv"
	"strings"

	"github.com/stagelock/seccomp/rule"
)

// compare gives ARG OP VALUE and (ARG & MASK) OP VALUE their meaning.
func (s *scope) compare(x *rule.Compare) Cond {
	a, ok := s.arg(x.Arg)
	if !ok {
		s.names(x.Mask, x.X)
		return nil
	}
	if a.typ.Pointer {
		return s.comparePointer(a, x)
	}
	if name, ok := symbolOf(x.X); ok {
		return s.compareSymbol(a, x, name)
	}
	if x.Mask != nil {
		return s.compareMasked(a, x)
	}
	v, ok := s.value(x.X, &a, x.Op > rule.Ne)
	if !ok {
		return nil
	}
	lo, hi := a.span()
	var c Cond
	never := false
	switch x.Op {
	case rule.Eq:
		c = a.equal(v)
	case rule.Ne:
		c = Not{a.equal(v)}
	case rule.Lt:
		if never = v == lo; !never {
			c = a.between(lo, (v-1)&a.top())
		}
	case rule.Le:
		c = a.between(lo, v)
	case rule.Gt:
		if never = v == hi; !never {
			c = a.between((v+1)&a.top(), hi)
		}
	case rule.Ge:
		c = a.between(v, hi)
	}
	always := x.Op == rule.Le && v == hi || x.Op == rule.Ge && v == lo
	if never || always {
		s.errorf(ErrConstant, x.Start(), "%s %s %s is always %t: %s is %s", a.name, x.Op, rule.FormatValue(x.X), always,
			a.name, a.bounds())
		return nil
	}
	return c
}

// compareMasked gives (ARG & MASK) OP VALUE its meaning. What is compared is a pattern of bits, which has no sign.
func (s *scope) compareMasked(a argument, x *rule.Compare) Cond {
	mask, ok := s.mask(x.Mask, &a)
	v, ok2 := s.value(x.X, &a, false)
	if !ok || !ok2 {
		return nil
	}
	if x.Op > rule.Ne && a.typ.Signed && mask > a.maxSigned() {
		s.errorf(ErrType, x.Mask.Start(), "%s has the sign bit of %s, %s: which bits are smaller is not clear; compare "+
			"with == or !=", rule.FormatValue(x.Mask), a.name, a)
		return nil
	}
	var c Cond
	constant, always := false, false
	switch x.Op {
	case rule.Eq, rule.Ne:
		c = a.masked(mask, v)
		if constant = v&^mask != 0; x.Op == rule.Ne {
			c, always = Not{c}, true
		}
	case rule.Le, rule.Gt:
		c = a.maskedAtMost(mask, v)
		if constant = v >= mask; x.Op == rule.Gt {
			c = Not{c}
		} else {
			always = true
		}
	case rule.Lt, rule.Ge:
		if constant = v == 0 || v > mask; constant {
			always = (v == 0) == (x.Op == rule.Ge)
			break
		}
		if c = a.maskedAtMost(mask, v-1); x.Op == rule.Ge {
			c = Not{c}
		}
	}
	if constant {
		s.errorf(ErrConstant, x.Start(), "(%s & %s) %s %s is always %t: %s", a.name, rule.FormatValue(x.Mask), x.Op,
			rule.FormatValue(x.X), always, outside(mask, v, x))
		return nil
	}
	return c
}

// outside says why a masked argument can't be compared with v.
func outside(mask, v number, x *rule.Compare) string {
	if v&^mask != 0 {
		return rule.FormatValue(x.X) + " has bits that " + rule.FormatValue(x.Mask) + " masks out"
	}
	return x.Arg.Text + " & " + rule.FormatValue(x.Mask) + " lies between 0 and " + hex(mask)
}

// comparePointer gives ARG == 0 and ARG != 0 their meaning for a pointer.
func (s *scope) comparePointer(a argument, x *rule.Compare) Cond {
	if x.Mask != nil || x.Op > rule.Ne {
		s.pointer(a, x.Start())
		return nil
	}
	if _, ok := symbolOf(x.X); ok {
		s.pointer(a, x.X.Start())
		return nil
	}
	v, ok := s.value(x.X, &a, false)
	if !ok {
		return nil
	}
	if v != 0 {
		s.pointer(a, x.X.Start())
		return nil
	}
	if x.Op == rule.Ne {
		return Not{a.equal(0)}
	}
	return a.equal(0)
}

func (s *scope) pointer(a argument, at rule.Pos) {
	s.errorf(ErrType, at, "%s is a pointer, which can be compared with == 0 and != 0 only: a filter can't see what it "+
		"points to, and that memory could change after the check", a.name)
}

// compareSymbol gives ARG == self.pid and ARG != self.pid their meaning.
func (s *scope) compareSymbol(a argument, x *rule.Compare, name string) Cond {
	if x.Mask != nil || x.Op > rule.Ne {
		s.errorf(ErrType, x.X.Start(), "%s can be compared with ==, != and in only", name)
		return nil
	}
	c := s.symbol(a, name, x.X.Start())
	if c != nil && x.Op == rule.Ne {
		return Not{c}
	}
	return c
}

// symbol returns the condition that a is the value that the process has under name.
func (s *scope) symbol(a argument, name string, at rule.Pos) Cond {
	if !slices.Contains(symbols[:], name) {
		hint := s.didYouMean(at, name, slices.Values(symbols[:]))
		if hint == "" {
			hint = ": there are " + strings.Join(symbols[:], ", ")
		}
		s.errorf(ErrUnknown, at, "unknown value of the process %s%s", quote(name), hint)
		return nil
	}
	if a.typ.Bits < 32 {
		s.errorf(ErrType, at, "%s may not fit into %s, %s", name, a.name, a)
		return nil
	}
	return Symbol{Arg: a.pos, Bits: a.typ.Bits, Name: name, Set: s.builtin}
}

// bits gives ARG & MASK its meaning: any of the bits is set.
func (s *scope) bits(x *rule.Bits) Cond {
	a, ok := s.arg(x.Arg)
	if !ok {
		s.names(x.Mask)
		return nil
	}
	if a.typ.Pointer {
		s.pointer(a, x.Start())
		return nil
	}
	mask, ok := s.mask(x.Mask, &a)
	if !ok {
		return nil
	}
	return Not{a.masked(mask, 0)}
}

// hex writes a pattern of bits.
func hex(x number) string { return "0x" + strconv.FormatUint(x, 16) }

// symbols are the values that only the process itself knows.
var symbols = [...]string{"runtime.epollfd", "runtime.eventfd", "self.pid"}
