package policy

import (
	"slices"
	"strconv"

	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/rule"
)

// A scope is where an expression stands: what its names mean.
type scope struct {
	*checker
	call    string // as a person writes it: read, nr(471)
	entry   kernel.Call
	args    []kernel.Arg // of entry, once an expression names one
	untyped bool         // the prototype isn't known: arg0 to arg5 are whole registers
	builtin bool         // in a built-in set
}

// condition gives the expression of a verdict or of an else arm its meaning. The result is nil where a mistake was
// found. always and never say what to write in place of an expression that is always true, or always false.
func (s *scope) condition(x rule.Expr, always, never string) Cond {
	c := s.expr(x, 0)
	if c == nil || !s.varies(c, x.Start(), "the condition", always, never) {
		return nil
	}
	if s.builtin && !positive(c, true) {
		s.errorf(ErrMisplaced, x.Start(), "in a built-in set a value of the process may only widen what is refused "+
			"where it is unknown: no != and no ! over it")
		return nil
	}
	return c
}

// varies reports a condition that is always or never true; it tells whether all was well.
func (s *scope) varies(c Cond, at rule.Pos, what, always, never string) bool {
	switch truth, err := truthWithin(c, &s.budget); {
	case err != nil:
		s.errorf(err, at, "%s is %v: make it simpler, or split the rule", what, err)
	case truth == Always:
		s.errorf(ErrConstant, at, "%s is always true: %s", what, always)
	case truth == Never:
		s.errorf(ErrConstant, at, "%s is always false: %s", what, never)
	default:
		return true
	}
	return false
}

// expr gives x, in so many || and &&, its meaning, nil where a mistake was found.
func (s *scope) expr(x rule.Expr, depth int) Cond {
	switch x := x.(type) {
	case *rule.Paren:
		return s.expr(x.X, depth)
	case *rule.Not:
		if c := s.expr(x.X, depth); c != nil {
			return Not{c}
		}
		return nil
	case *rule.Or:
		if parts := s.parts(x.X, depth); parts != nil {
			return s.part(Or(parts), x.Start(), depth)
		}
		return nil
	case *rule.And:
		if parts := s.parts(x.X, depth); parts != nil {
			return s.part(And(parts), x.Start(), depth)
		}
		return nil
	case *rule.Compare:
		return s.compare(x)
	case *rule.Bits:
		return s.bits(x)
	case *rule.In:
		return s.in(x)
	case *rule.Number:
		s.errorf(ErrMisplaced, x.Start(), "%s can only stand alone, as the whole verdict; compare an argument with it",
			rule.FormatValue(x))
		return nil
	}
	panic(bug("an expression of type %T", x))
}

func (s *scope) parts(list []rule.Expr, depth int) []Cond {
	parts := make([]Cond, 0, len(list))
	for _, x := range list {
		if c := s.expr(x, depth+1); c != nil {
			parts = append(parts, c)
		}
	}
	if len(parts) < len(list) {
		return nil
	}
	return parts
}

// part looks whether a direct part of the outermost || or && is constant by itself. Deeper ones are let be: that
// would take time that grows with the square of the text.
func (s *scope) part(c Cond, at rule.Pos, depth int) Cond {
	const advice = "leave it out, or put it right"
	if depth == 1 && !s.varies(c, at, "this part of the condition", advice, advice) {
		return nil
	}
	return c
}

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
	v, ok := s.value(x.X, a, x.Op > rule.Ne)
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
	mask, ok := s.mask(x.Mask, a)
	v, ok2 := s.value(x.X, a, false)
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
	v, ok := s.value(x.X, a, false)
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
		s.errorf(ErrUnknown, at, "unknown value of the process %q%s", name,
			s.didYouMean(name, slices.Values(symbols[:])))
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
	mask, ok := s.mask(x.Mask, a)
	if !ok {
		return nil
	}
	return Not{a.masked(mask, 0)}
}

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
		if mask, ok = s.mask(x.Mask, a); !ok {
			return nil
		}
		a.typ.Signed = false // a pattern of bits
	}
	var list []interval
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
		v, good := s.interval(r, a)
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
	switch {
	case len(list) == 0:
	case x.Mask == nil:
		switch c := a.within(list).(type) {
		case Or:
			or = append(c, or...)
		case Range:
			or = append(Or{c}, or...)
		}
	default:
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
func (s *scope) interval(r *rule.Range, a argument) (interval, bool) {
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

// hex writes a pattern of bits.
func hex(x number) string { return "0x" + strconv.FormatUint(x, 16) }

// symbols are the values that only the process itself knows.
var symbols = [...]string{"runtime.epollfd", "runtime.eventfd", "self.pid"}

// positive tells whether no Symbol in c stands under an odd number of Nots: then Const(true) in its place can only
// widen where c holds.
func positive(c Cond, sign bool) bool {
	switch c := c.(type) {
	case Not:
		return positive(c.X, !sign)
	case And:
		for _, x := range c {
			if !positive(x, sign) {
				return false
			}
		}
	case Or:
		for _, x := range c {
			if !positive(x, sign) {
				return false
			}
		}
	case Symbol:
		return sign
	}
	return true
}
