package policy

import (
	"fmt"
	"strings"

	"github.com/stagelock/seccomp/rule"
)

// value returns what v is in the width of a. Where the order matters (ordered), a number must be one that a's type
// can have; elsewhere the unsigned way to write the bits of a negative number will do too.
func (s *scope) value(v rule.Value, a *argument, ordered bool) (number, bool) {
	switch v := v.(type) {
	case *rule.Number:
		return s.number(v, v.Neg, v.Abs, a, ordered)
	case *rule.Ident:
		if name, ok := symbolOf(v); ok {
			s.errorf(ErrType, v.Pos, "%s is known to the process only, and can't be part of a mask, a sum of constants "+
				"or a range", name)
			return 0, false
		}
		x, ok := s.constant(v)
		if !ok {
			return 0, false
		}
		if x < 0 && !a.typ.Signed && a.typ.Bits == 64 {
			return number(x), true // such as RLIM_INFINITY
		}
		abs := uint64(x)
		if x < 0 {
			abs = -abs
		}
		return s.number(v, x < 0, abs, a, ordered)
	case *rule.Join:
		return s.joined(v.X, a, 0, func(x, y number) number { return x | y })
	case *rule.Meet:
		return s.joined(v.X, a, a.top(), func(x, y number) number { return x & y })
	case *rule.Complement:
		x, ok := s.value(v.X, a, false)
		return ^x & a.top(), ok
	}
	panic(bug("a value of type %T", v))
}

// number returns a number, or reports that a can't have it.
func (s *scope) number(v rule.Value, neg bool, abs uint64, a *argument, ordered bool) (number, bool) {
	switch {
	case neg && abs != 0 && !a.typ.Signed:
		s.errorf(ErrType, v.Start(), "%s is negative, but %s is %s: write %s for these bits", spelled(v, neg, abs),
			a.name, *a, hex(-abs&a.top()))
	case !neg && abs > a.top(), neg && abs > a.maxSigned()+1, !neg && ordered && a.typ.Signed && abs > a.maxSigned():
		s.errorf(ErrType, v.Start(), "%s is too wide for %s, %s", spelled(v, neg, abs), a.name, a.bounds())
	case neg:
		return -abs & a.top(), true
	default:
		return abs, true
	}
	return 0, false
}

// spelled writes a number as it was written, a constant with its value.
func spelled(v rule.Value, neg bool, abs uint64) string {
	text := rule.FormatValue(v)
	if _, ok := v.(*rule.Ident); !ok {
		return text
	}
	sign := ""
	if neg {
		sign = "-"
	}
	return fmt.Sprintf("%s (%s%d)", text, sign, abs)
}

// joined returns constants joined bit by bit.
func (s *scope) joined(list []rule.Value, a *argument, zero number, join func(x, y number) number) (number, bool) {
	all := true
	for _, v := range list {
		x, ok := s.value(v, a, false)
		zero, all = join(zero, x), all && ok
	}
	return zero, all
}

// mask returns the bits to look at, of which there must be some.
func (s *scope) mask(v rule.Value, a *argument) (number, bool) {
	x, ok := s.value(v, a, false)
	if ok && x == 0 {
		s.errorf(ErrConstant, v.Start(), "%s is 0: %s & 0 has no bit that could be set; name a mask and compare, as in "+
			"(%s & MASK) == %s", rule.FormatValue(v), a.name, a.name, rule.FormatValue(v))
		return 0, false
	}
	return x, ok
}

// names looks at the constants in values that can't be looked at otherwise, so that all mistakes are told at once.
func (s *scope) names(list ...rule.Value) {
	for _, v := range list {
		switch v := v.(type) {
		case *rule.Ident:
			if _, ok := symbolOf(v); !ok {
				s.constant(v)
			}
		case *rule.Join:
			s.names(v.X...)
		case *rule.Meet:
			s.names(v.X...)
		case *rule.Complement:
			s.names(v.X)
		}
	}
}

// symbolOf returns the name of a value of the process: it has a dot, as no constant has.
func symbolOf(v rule.Value) (name string, ok bool) {
	id, ok := v.(*rule.Ident)
	if !ok || !strings.Contains(id.Name, ".") {
		return "", false
	}
	return id.Name, true
}
