package rule

import (
	"math"
)

// FormatExpr returns an expression on one line.
func FormatExpr(x Expr) string {
	f := flat{limit: math.MaxInt}
	f.expr(x)
	return string(f.b)
}

// FormatValue returns a value on one line.
//
//go:noinline
func FormatValue(v Value) string {
	f := flat{limit: math.MaxInt}
	f.value(v)
	return string(f.b)
}

// FormatAction returns an action as it is written in a policy.
func FormatAction(a Action) string {
	f := flat{limit: math.MaxInt}
	f.action(a)
	return string(f.b)
}

// operand returns a value as it stands beside an operator: a Join or a Meet in brackets.
func operand(v Value) string {
	f := flat{limit: math.MaxInt}
	f.operand(v)
	return string(f.b)
}

// flat writes parts of a statement on one line. It gives up where the line gets longer than limit, so that trying
// whether something fits costs no more than a line.
type flat struct {
	b     []byte
	limit int
}

func (f *flat) text(s string) { f.b = append(f.b, s...) }
func (f *flat) over() bool    { return len(f.b) > f.limit }

func (f *flat) expr(x Expr) {
	if f.over() {
		return
	}
	switch x := x.(type) {
	case *Or:
		f.parts(x.X, " || ")
	case *And:
		f.parts(x.X, " && ")
	case *Not:
		f.text("!")
		f.negated(x.X)
	case *Paren:
		f.text("(")
		f.expr(x.X)
		f.text(")")
	case *Compare:
		f.argument(x.Arg, x.Mask)
		f.text(" " + x.Op.String() + " ")
		f.value(x.X)
	case *Bits:
		f.text(x.Arg.Text)
		f.text(" & ")
		f.operand(x.Mask)
	case *In:
		f.argument(x.Arg, x.Mask)
		f.text(" in {")
		for i, r := range x.List {
			if f.over() {
				return
			}
			if i > 0 {
				f.text(", ")
			}
			f.rng(r)
		}
		f.text("}")
	case *Number:
		f.number(x)
	}
}

// parts writes the parts of an Or or an And.
func (f *flat) parts(list []Expr, op string) {
	for i, x := range list {
		if f.over() {
			return
		}
		if i > 0 {
			f.text(op)
		}
		if needsBrackets(x, op) {
			x = &Paren{X: x}
		}
		f.expr(x)
	}
}

// needsBrackets tells whether x has to stand in brackets between the operators op. In a parsed tree it does already.
func needsBrackets(x Expr, op string) bool {
	switch x.(type) {
	case *Or:
		return true
	case *And:
		return op == " && "
	}
	return false
}

// negated writes what stands behind a !.
func (f *flat) negated(x Expr) {
	switch x.(type) {
	case *Paren, *Not:
		f.expr(x)
	default:
		f.expr(&Paren{X: x})
	}
}

// argument writes `ARG` or `(ARG & MASK)`.
func (f *flat) argument(arg Name, mask Value) {
	if mask == nil {
		f.text(arg.Text)
		return
	}
	f.text("(" + arg.Text + " & ")
	f.operand(mask)
	f.text(")")
}

func (f *flat) rng(r Range) {
	f.value(r.Lo)
	if r.Hi != nil {
		f.text("..")
		f.value(r.Hi)
	}
}

// value writes a value where nothing stands beside it.
func (f *flat) value(v Value) {
	switch v := v.(type) {
	case *Number:
		f.number(v)
	case *Ident:
		f.text(v.Name)
	case *Join:
		f.joined(v.X, "|")
	case *Meet:
		f.text("(")
		f.joined(v.X, "&")
		f.text(")")
	case *Complement:
		f.text("~")
		f.operand(v.X)
	}
}

func (f *flat) joined(list []Value, op string) {
	for i, v := range list {
		if f.over() {
			return
		}
		if i > 0 {
			f.text(op)
		}
		f.operand(v)
	}
}

// operand writes a value where an operator stands beside it.
func (f *flat) operand(v Value) {
	if j, ok := v.(*Join); ok {
		f.text("(")
		f.joined(j.X, "|")
		f.text(")")
		return
	}
	f.value(v)
}

func (f *flat) number(n *Number) {
	if n.Neg {
		f.text("-")
	}
	f.b = n.appendText(f.b)
}

func (f *flat) action(a Action) {
	f.text(a.Name)
	if a.Errno != nil {
		f.text("(")
		f.value(a.Errno)
		f.text(")")
	}
}

func (f *flat) call(c Call) {
	switch {
	case c.Nr != nil:
		f.text("nr(")
		f.number(c.Nr)
		f.text(")")
	case c.Name == OnNextSyscall:
		f.text(c.Name)
	default:
		f.text("sys_" + c.Name)
	}
}

func (f *flat) elseAction(e Else) {
	f.text("else ")
	f.action(e.Action)
	if e.If != nil {
		f.text(" if ")
		f.expr(e.If)
	}
}

func (f *flat) rule(r *Rule) {
	f.call(r.Call)
	f.text(": ")
	f.expr(r.Verdict)
	rest := r.Rest()
	for _, e := range rest.Else {
		if f.over() {
			return
		}
		f.text(" ")
		f.elseAction(e)
	}
	if rest.IncludingGo {
		f.text(" including go")
	}
}
