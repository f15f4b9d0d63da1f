package policy

import (
	"errors"
	"fmt"
	"slices"

	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/internal/order"
	"github.com/stagelock/seccomp/rule"
)

// ErrInexpressible is what a condition ends with that the policy language has no words for: one over more bits of an
// argument than the kernel reads, or over the value of a pointer.
var ErrInexpressible = errors.New("the policy language can't say this")

// Express returns c as an expression over the arguments of a call, which Check gives the same meaning again. call is
// nil for a number that the tables don't have. A constant condition becomes the number 1 or 0.
func Express(c Cond, call *kernel.Call, arch *kernel.Arch) (rule.Expr, error) {
	e := expressor{arch: arch}
	if call != nil && call.Known() {
		e.call, e.args, e.typed = call.Name, call.Args(), true
	}
	x := e.express(simplify(c))
	return x, e.err
}

// FormatCond returns c as text of the policy language; what the language can't say comes as near as it can.
func FormatCond(c Cond, call *kernel.Call, arch *kernel.Arch) string {
	x, _ := Express(c, call, arch)
	return rule.FormatExpr(x)
}

// An expressor puts conditions over one call into words.
type expressor struct {
	arch  *kernel.Arch
	call  string
	args  []kernel.Arg
	typed bool
	err   error
}

func (e *expressor) express(c Cond) rule.Expr {
	switch c := c.(type) {
	case Const:
		if c {
			return &rule.Number{Abs: 1}
		}
		return &rule.Number{}
	case Not:
		return e.not(c.X)
	case And:
		return &rule.And{X: e.distinct(c)}
	case Or:
		return e.or(c)
	case Range:
		if e.whole(c) {
			return e.within(c.Arg, []Range{c}, nil)
		}
		return e.narrow(c)
	case Masked:
		return e.masked(c, rule.Eq)
	case Symbol:
		return &rule.Compare{Arg: e.name(c.Arg), X: &rule.Ident{Name: c.Name}}
	}
	panic(bug("a condition of type %T", c))
}

// not puts !c into words, with != and the like where there are such.
func (e *expressor) not(c Cond) rule.Expr {
	switch c := c.(type) {
	case Masked:
		if c.Value == 0 {
			return &rule.Bits{Arg: e.name(c.Arg), Mask: e.pattern(c.Arg, c.Mask, 0)}
		}
		return e.masked(c, rule.Ne)
	case Symbol:
		return &rule.Compare{Arg: e.name(c.Arg), Op: rule.Ne, X: &rule.Ident{Name: c.Name}}
	}
	switch x := e.express(c).(type) {
	case *rule.Compare:
		negated := [...]rule.Op{rule.Ne, rule.Eq, rule.Ge, rule.Gt, rule.Le, rule.Lt}
		n := *x
		n.Op = negated[x.Op]
		return &n
	case *rule.Not:
		return x.X
	default:
		return &rule.Not{X: x}
	}
}

// or puts alternatives into words: values of one argument become a list.
func (e *expressor) or(c Or) rule.Expr {
	ranges := make(map[uint8][]Range)
	symbols := make(map[uint8][]Symbol)
	values := make(map[Masked][]number) // by Masked without Value
	for _, x := range c {
		switch x := x.(type) {
		case Range:
			if e.whole(x) {
				ranges[x.Arg] = append(ranges[x.Arg], x)
			}
		case Symbol:
			symbols[x.Arg] = append(symbols[x.Arg], x)
		case Masked:
			k := x
			k.Value = 0
			values[k] = append(values[k], x.Value)
		}
	}
	var parts []rule.Expr
	done := make(map[any]bool) // the arguments and masks that were put into words
	list := func(arg uint8) {
		if !done[arg] {
			done[arg] = true
			parts = append(parts, e.within(arg, ranges[arg], symbols[arg]))
		}
	}
	for _, x := range c {
		switch x := x.(type) {
		case Range:
			if e.whole(x) {
				list(x.Arg)
			} else {
				parts = append(parts, e.narrow(x))
			}
		case Symbol:
			list(x.Arg)
		case Masked:
			x.Value = 0
			if !done[x] {
				done[x] = true
				parts = append(parts, e.maskedIn(x, values[x]))
			}
		default:
			parts = append(parts, e.express(x))
		}
	}
	if parts = unique(parts); len(parts) == 1 {
		return parts[0]
	}
	return &rule.Or{X: parts}
}

// whole tells whether r looks at as many bits as its argument has.
func (e *expressor) whole(r Range) bool { return r.Bits == e.argument(r.Arg).typ.Bits }

// distinct puts the parts of a conjunction into words, each once.
func (e *expressor) distinct(c And) []rule.Expr {
	parts := make([]rule.Expr, len(c))
	for i, x := range c {
		parts[i] = e.express(x)
	}
	return unique(parts)
}

// unique returns the expressions that read differently.
func unique(list []rule.Expr) []rule.Expr {
	seen := make(map[string]bool, len(list))
	once := list[:0]
	for _, x := range list {
		if text := rule.FormatExpr(x); !seen[text] {
			seen[text] = true
			once = append(once, x)
		}
	}
	return once
}

// within puts ARG == V, ARG <= V or ARG in {…} into words. The ranges look at the whole argument.
func (e *expressor) within(arg uint8, ranges []Range, symbols []Symbol) rule.Expr {
	a := e.argument(arg)
	list := a.ordered(ranges)
	if len(symbols) == 0 && len(list) == 1 {
		return e.compare(a, list[0])
	}
	if v, ok := a.allBut(list); ok && len(symbols) == 0 && !a.typ.Pointer {
		return &rule.Compare{Arg: rule.Name{Text: a.name}, Op: rule.Ne, X: e.value(a.pos, v)}
	}
	if a.typ.Pointer {
		e.fail("%s is a pointer", a.name)
	}
	in := &rule.In{Arg: rule.Name{Text: a.name}}
	for _, v := range list {
		in.List = append(in.List, e.elements(a, v)...)
	}
	for _, x := range symbols {
		in.List = append(in.List, rule.Range{Lo: &rule.Ident{Name: x.Name}})
	}
	return in
}

// narrow puts a comparison of fewer bits than the argument has into words.
func (e *expressor) narrow(r Range) rule.Expr {
	a := e.argument(r.Arg)
	switch {
	case r.Bits > a.typ.Bits:
		e.fail("%d bits of %s, of which the kernel reads %d", r.Bits, a.name, a.typ.Bits)
	case a.typ.Pointer:
		e.fail("%s is a pointer", a.name)
	}
	arg, mask := rule.Name{Text: a.name}, literal(widest(r.Bits))
	if r.Lo == r.Hi {
		return &rule.Compare{Arg: arg, Mask: mask, X: literal(r.Lo)}
	}
	return &rule.In{Arg: arg, Mask: mask, List: []rule.Range{{Lo: literal(r.Lo), Hi: literal(r.Hi)}}}
}

// ordered returns the ranges as intervals in the order of a's type, joined where they touch.
func (a argument) ordered(ranges []Range) []interval {
	list := make([]interval, 0, len(ranges)+1)
	sign := a.maxSigned()
	for _, r := range ranges {
		if a.typ.Signed && r.Lo <= sign && r.Hi > sign {
			list = append(list, interval{r.Lo, sign}, interval{sign + 1, r.Hi})
		} else {
			list = append(list, interval{r.Lo, r.Hi})
		}
	}
	order.Stable(list, func(i, j int) bool { return a.rank(list[i].lo) < a.rank(list[j].lo) })
	joined := list[:0]
	for _, v := range list {
		n := len(joined)
		if n > 0 && (a.rank(v.lo) <= a.rank(joined[n-1].hi) || a.rank(v.lo)-1 == a.rank(joined[n-1].hi)) {
			if a.less(joined[n-1].hi, v.hi) {
				joined[n-1].hi = v.hi
			}
		} else {
			joined = append(joined, v)
		}
	}
	return joined
}

// allBut returns the only value that two intervals leave out, if they do.
func (a argument) allBut(list []interval) (v number, ok bool) {
	lo, hi := a.span()
	if len(list) != 2 || list[0].lo != lo || list[1].hi != hi {
		return 0, false
	}
	v = (list[0].hi + 1) & a.top()
	return v, a.rank(v)+1 == a.rank(list[1].lo)
}

// compare puts one interval into words.
func (e *expressor) compare(a argument, v interval) rule.Expr {
	lo, hi := a.span()
	x := &rule.Compare{Arg: rule.Name{Text: a.name}}
	switch {
	case a.typ.Pointer && v == interval{1, hi}:
		x.Op, x.X = rule.Ne, &rule.Number{}
		return x
	case a.typ.Pointer && v != interval{}:
		e.fail("%s is a pointer", a.name)
	}
	switch {
	case v.lo == v.hi:
		x.X = e.value(a.pos, v.lo)
	case v.lo == lo:
		x.Op, x.X = rule.Le, signed(a, v.hi)
	case v.hi == hi:
		x.Op, x.X = rule.Ge, signed(a, v.lo)
	default:
		if list := e.elements(a, v); len(list) > 0 {
			return &rule.In{Arg: x.Arg, List: list}
		}
	}
	return x
}

// few is how many values of a range are rather listed by their names.
const few = 8

// elements puts an interval into words as elements of a list: by name, if all its values have one.
func (e *expressor) elements(a argument, v interval) []rule.Range {
	if v.lo == v.hi {
		return []rule.Range{{Lo: e.value(a.pos, v.lo)}}
	}
	if n := v.hi - v.lo; n < few {
		var list []rule.Range
		for i := range n + 1 {
			id, ok := e.value(a.pos, (v.lo+i)&a.top()).(*rule.Ident)
			if !ok {
				break
			}
			list = append(list, rule.Range{Lo: id})
		}
		if len(list) == int(n)+1 {
			return list
		}
	}
	return []rule.Range{{Lo: signed(a, v.lo), Hi: signed(a, v.hi)}}
}

// masked puts (ARG & MASK) OP VALUE into words.
func (e *expressor) masked(c Masked, op rule.Op) rule.Expr {
	e.fits(c)
	if a := e.argument(c.Arg); c.Mask == a.top() {
		return &rule.Compare{Arg: e.name(c.Arg), Op: op, X: e.value(c.Arg, c.Value)}
	}
	if oneBit := c.Mask&(c.Mask-1) == 0; oneBit && c.Value == c.Mask && op == rule.Eq {
		return &rule.Bits{Arg: e.name(c.Arg), Mask: e.pattern(c.Arg, c.Mask, 0)}
	}
	return &rule.Compare{
		Arg:  e.name(c.Arg),
		Mask: e.pattern(c.Arg, c.Mask, 0),
		Op:   op,
		X:    e.pattern(c.Arg, c.Value, c.Mask),
	}
}

// maskedIn puts (ARG & MASK) in {…} into words.
func (e *expressor) maskedIn(c Masked, values []number) rule.Expr {
	order.Stable(values, func(i, j int) bool { return values[i] < values[j] })
	values = slices.Compact(values)
	if len(values) == 1 {
		c.Value = values[0]
		return e.masked(c, rule.Eq)
	}
	e.fits(c)
	in := &rule.In{Arg: e.name(c.Arg)}
	if c.Mask != e.argument(c.Arg).top() {
		in.Mask = e.pattern(c.Arg, c.Mask, 0)
	}
	for _, v := range values {
		x := e.pattern(c.Arg, v, c.Mask)
		if in.Mask == nil {
			x = e.value(c.Arg, v)
		}
		in.List = append(in.List, rule.Range{Lo: x})
	}
	return in
}

// fits looks whether the language can mask an argument like that.
func (e *expressor) fits(c Masked) {
	a := e.argument(c.Arg)
	switch {
	case c.Mask&^a.top() != 0:
		e.fail("bits %#x of %s, of which the kernel reads %d", c.Mask, a.name, a.typ.Bits)
	case a.typ.Pointer:
		e.fail("%s is a pointer", a.name)
	}
}

func (e *expressor) fail(format string, args ...any) {
	if e.err == nil {
		e.err = fmt.Errorf("%w: "+format, append([]any{ErrInexpressible}, args...)...)
	}
}

// argument returns an argument as the language knows it.
func (e *expressor) argument(i uint8) argument {
	bits := uint8(e.arch.Bits)
	a := argument{name: fmt.Sprintf("arg%d", i), pos: i, typ: kernel.Type{Bits: bits}}
	switch {
	case int(i) < len(e.args):
		a.name, a.typ = e.args[i].Name, e.args[i].Type
	case e.typed:
		e.fail("%s has no %s", e.call, a.name)
	}
	return a
}

func (e *expressor) name(i uint8) rule.Name { return rule.Name{Text: e.argument(i).name} }
