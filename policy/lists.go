package policy

import (
	"github.com/stagelock/seccomp/rule"
)

// in gives ARG in {…} and (ARG & MASK) in {…} their meaning.
func (s *scope) in(x *rule.In) Cond {
	a, ok := s.arg(x.Arg)
	if !ok {
		s.names(x.Mask)
		for i := range x.List {
			s.names(x.List[i].Lo, x.List[i].Hi)
		}
		return nil
	}
	if a.typ.Pointer {
		s.pointer(a, x.Start())
		return nil
	}
	mask := a.top()
	if x.Mask != nil {
		if mask, ok = s.mask(x.Mask, &a); !ok {
			return nil
		}
		a.typ.Signed = false // a pattern of bits
	}
	var few [8]interval
	list := few[:0]
	var or Or
	for i := range x.List {
		r := &x.List[i]
		if name, found := symbolOf(r.Lo); found && r.Hi == nil && x.Mask == nil {
			c := s.symbol(a, name, r.Lo.Start())
			if ok = ok && c != nil; c != nil {
				or = append(or, c)
			}
			continue
		}
		v, good := s.interval(r, &a)
		if good && v.lo&^mask != 0 && v.lo == v.hi {
			s.errorf(ErrConstant, r.Lo.Start(), "%s is never in %s & %s: it has bits that are masked out",
				rule.FormatValue(r.Lo), a.name, rule.FormatValue(x.Mask))
			good = false
		}
		ok = ok && good
		list = append(list, v)
	}
	if !ok {
		return nil
	}
	if x.Mask == nil {
		or = append(a.within(list), or...)
	} else {
		or = s.maskedList(a, mask, list)
	}
	c := single(or)
	if r, ok := c.(Range); ok && r.Lo == 0 && r.Hi == a.top() {
		s.errorf(ErrConstant, x.Start(), "%s in {…} is always true: the list has all there is of %s, %s", a.name, a.name,
			a.bounds())
		return nil
	}
	return c
}

func (s *scope) maskedList(a argument, mask number, list []interval) Or {
	or := make(Or, 0, len(list))
	for _, v := range list {
		if v.lo == v.hi {
			or = append(or, a.masked(mask, v.lo))
			continue
		}
		c := a.maskedAtMost(mask, v.hi)
		if v.lo > 0 {
			c = And{c, Not{a.maskedAtMost(mask, v.lo-1)}}
		}
		or = append(or, c)
	}
	return or
}

// interval returns the ends of one element of a list.
func (s *scope) interval(r *rule.Range, a *argument) (interval, bool) {
	if r.Hi == nil {
		v, ok := s.value(r.Lo, a, false)
		return interval{v, v}, ok
	}
	lo, ok := s.value(r.Lo, a, true)
	hi, ok2 := s.value(r.Hi, a, true)
	if !ok || !ok2 {
		return interval{}, false
	}
	if a.rank(lo) > a.rank(hi) {
		s.errorf(ErrConstant, r.Lo.Start(), "%s..%s is empty: the smaller end comes first",
			rule.FormatValue(r.Lo), rule.FormatValue(r.Hi))
		return interval{}, false
	}
	return interval{lo, hi}, true
}
