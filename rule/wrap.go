package rule

import (
	"math"
	"strings"
)

// A wrapper writes a statement on as many lines as it needs. Lines go on by the rules of the grammar: they end in an
// operator or a comma, stand in brackets, or begin with else or including.
type wrapper struct {
	flat
	indent int // of the statement, which the lines don't show yet
	start  int // where the line begins in b
}

// fits tries to write on what is left of the line.
func (w *wrapper) fits(write func(*flat)) bool {
	f := flat{b: w.b, limit: w.start + maxWidth - w.indent}
	n := len(w.b)
	write(&f)
	if f.over() {
		w.b = f.b[:n]
		return false
	}
	w.b = f.b
	return true
}

// newline begins a line that is indented by n more than the statement.
func (w *wrapper) newline(n int) {
	w.text("\n")
	w.start = len(w.b)
	w.text(strings.Repeat(" ", min(n, maxIndent)))
}

func (w *wrapper) stmt(s Stmt) {
	w.limit = math.MaxInt
	switch s := s.(type) {
	case *Deny:
		w.text("deny ")
		w.action(s.Action)
	case *Stage:
		w.text("stage " + s.Name.Text)
	case *Use:
		w.names("use ", s.Sets)
	case *Drop:
		w.names("drop ", s.Sets)
	case *Only:
		w.names("only ", s.Sets)
	case *Rule:
		w.rule(s)
	}
}

func (w *wrapper) names(verb string, list []Name) {
	w.text(verb)
	fill(w, list, ", ", indentStep, func(f *flat, n Name) { f.text(n.Text) })
}

func (w *wrapper) rule(r *Rule) {
	if w.fits(func(f *flat) { f.rule(r) }) {
		return
	}
	w.call(r.Call)
	w.text(": ")
	w.expr(r.Verdict, indentStep)
	rest := r.Rest()
	for _, e := range rest.Else {
		w.newline(indentStep)
		if w.fits(func(f *flat) { f.elseAction(e) }) {
			continue
		}
		w.text("else ")
		w.action(e.Action)
		if e.If != nil {
			w.text(" if ")
			w.expr(e.If, 2*indentStep)
		}
	}
	if rest.IncludingGo {
		w.newline(indentStep)
		w.text("including go")
	}
}

// expr writes an expression, indenting further lines by n.
func (w *wrapper) expr(x Expr, n int) {
	if w.fits(func(f *flat) { f.expr(x) }) {
		return
	}
	switch x := x.(type) {
	case *Or:
		w.parts(x.X, " || ", n)
	case *And:
		w.parts(x.X, " && ", n)
	case *Not:
		w.text("!")
		switch x.X.(type) {
		case *Paren, *Not:
			w.expr(x.X, n)
		default:
			w.expr(&Paren{X: x.X}, n)
		}
	case *Paren:
		w.text("(")
		if _, ok := x.X.(*Paren); !ok {
			n += indentStep
		}
		w.expr(x.X, n)
		w.text(")")
	case *Compare:
		w.argument(x.Arg, x.Mask, n)
		w.text(" " + x.Op.String() + " ")
		w.value(x.X, n)
	case *Bits:
		w.text(x.Arg.Text + " & ")
		w.operand(x.Mask, n)
	case *In:
		w.argument(x.Arg, x.Mask, n)
		w.text(" in {")
		fill(w, x.List, ", ", n, (*flat).rng)
		w.text("}")
	case *Number:
		w.number(x)
	}
}

// parts writes the parts of an Or or an And, each on its own line.
func (w *wrapper) parts(list []Expr, op string, n int) {
	for i, x := range list {
		if i > 0 {
			w.text(strings.TrimRight(op, " "))
			w.newline(n)
		}
		if needsBrackets(x, op) {
			x = &Paren{X: x}
		}
		w.expr(x, n)
	}
}

func (w *wrapper) argument(arg Name, mask Value, n int) {
	if mask == nil {
		w.text(arg.Text)
		return
	}
	w.text("(" + arg.Text + " & ")
	w.operand(mask, n)
	w.text(")")
}

// value writes a value; what is joined goes on at the next line.
func (w *wrapper) value(v Value, n int) {
	if j, ok := v.(*Join); ok {
		fill(w, j.X, "|", n, (*flat).operand)
		return
	}
	w.flat.value(v)
}

func (w *wrapper) operand(v Value, n int) {
	if _, ok := v.(*Join); ok {
		w.text("(")
		w.value(v, n)
		w.text(")")
		return
	}
	w.flat.value(v)
}

// fill writes a list with as many items on each line as there is room for.
func fill[T any](w *wrapper, list []T, sep string, n int, write func(*flat, T)) {
	for i, x := range list {
		if i > 0 {
			w.text(sep)
		}
		if w.fits(func(f *flat) { write(f, x); f.text(strings.TrimRight(sep, " ")) }) {
			w.b = w.b[:len(w.b)-len(strings.TrimRight(sep, " "))]
			continue
		}
		if i > 0 {
			w.b = w.b[:len(w.b)-len(sep)+len(strings.TrimRight(sep, " "))]
			w.newline(n)
		}
		write(&w.flat, x)
	}
}
