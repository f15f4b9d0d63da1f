package rule

import (
	"fmt"
	"strings"
)

// expression reads `X || Y || …`.
func (p *parser) expression() Expr {
	first := p.conjunction()
	if p.cont() != tOrOr {
		return first
	}
	x := &Or{first.Start(), []Expr{first}}
	for p.cont() == tOrOr {
		p.shift()
		x.X = append(x.X, p.conjunction())
	}
	return x
}

// conjunction reads `X && Y && …`.
func (p *parser) conjunction() Expr {
	first := p.condition()
	if p.cont() != tAndAnd {
		return first
	}
	x := &And{first.Start(), []Expr{first}}
	for p.cont() == tAndAnd {
		p.shift()
		x.X = append(x.X, p.condition())
	}
	return x
}

// condition reads what stands between && and ||. After a mistake it returns any expression.
func (p *parser) condition() Expr {
	at := p.tok.pos
	switch {
	case p.missing():
		p.wants("a condition")
	case p.tok.kind == tWord:
		return p.comparison()
	case p.tok.kind == tLParen:
		return p.parenthesis()
	case p.tok.kind == tNot:
		return p.not()
	case p.tok.kind == tNumber, p.tok.kind == tMinus:
		n := p.number()
		if k := p.cont(); k.compares() || k == tAmp || k == tPipe || k == tAssign || k == tWord && p.is("in") {
			p.numberFirst(n)
		} else {
			p.fail(n.Pos, "found %s, expected a condition: 1 and 0 only stand alone, as a verdict", quote(FormatValue(n)))
		}
	default:
		p.wants("a condition")
	}
	return &Paren{Pos: at}
}

// numberFirst records `1 == fd`.
func (p *parser) numberFirst(n *Number) {
	t := p.shift()
	if _, ok := t.kind.comparison(); ok && p.tok.kind == tWord {
		p.fail(n.Pos, "found %s before %q: write the argument first: %s", quote(FormatValue(n)), p.text(t),
			quote(p.word()+" "+mirrored(p.text(t))+" "+FormatValue(n)))
		return
	}
	p.fail(n.Pos, "found %s before %q: write the argument first", quote(FormatValue(n)), p.text(t))
}

// mirrored returns the comparison for sides that have been swapped.
func mirrored(op string) string {
	switch op[0] {
	case '<':
		return ">" + op[1:]
	case '>':
		return "<" + op[1:]
	}
	return op
}

// not reads `!X`. What is negated stands in brackets, because C and Go bind ! more tightly than a comparison.
func (p *parser) not() Expr {
	x := &Not{Pos: p.shift().pos}
	if !p.deeper() {
		return x
	}
	defer func() { p.depth-- }()
	switch {
	case p.missing():
		p.wants("a condition")
	case p.tok.kind == tNot:
		x.X = p.not()
	case p.tok.kind != tLParen:
		if operand := p.condition(); !p.bad {
			text := FormatExpr(operand)
			p.fail(x.Pos, `found "!" without brackets: write %s`, quote("!("+text+")"))
		}
	default:
		x.X = p.parenthesis()
		if !p.bad && isCompared(x.X) {
			p.fail(x.Pos, `found "!" without brackets around all that it negates: write %s`, quote("!("+FormatExpr(x.X)+")"))
		}
	}
	return x
}

// isCompared tells whether x is a comparison of an argument with a mask, which begins with a bracket.
func isCompared(x Expr) bool {
	switch x := x.(type) {
	case *Compare:
		return x.Mask != nil
	case *In:
		return x.Mask != nil
	}
	return false
}

// parenthesis reads `(X)`, or `(ARG & MASK) OP VALUE`.
func (p *parser) parenthesis() Expr {
	open := p.shift().pos
	x := &Paren{Pos: open}
	if !p.deeper() {
		return x
	}
	p.brackets++
	x.X = p.expression()
	if !p.bad && p.tok.kind != tRParen {
		p.notClosed(open)
	}
	p.brackets--
	p.depth--
	if p.bad {
		return x
	}
	p.shift()
	k := p.cont()
	op, compared := k.comparison()
	in := k == tWord && p.is("in")
	if !compared && !in && k != tAssign && k != tAmp && k != tPipe {
		return x
	}
	bits := bitsIn(x)
	switch {
	case bits == nil:
		p.fail(p.tok.pos, `found %s after a condition in brackets: only (ARGUMENT & MASK) can be compared; conditions are joined with "&&" and "||"`, quote(p.word()))
	case compared:
		p.shift()
		return p.compared(&Compare{open, bits.Arg, bits.Mask, op, nil})
	case in:
		p.shift()
		return p.in(In{open, bits.Arg, bits.Mask, p.list()})
	default:
		p.noOperator("the brackets")
	}
	return x
}

// notClosed records that the bracket opened at open isn't closed where it should be.
func (p *parser) notClosed(open Pos) {
	p.expected(fmt.Sprintf(`"&&", "||" or the ")" for the "(" at %v`, open), p.joinHint())
}

// bitsIn returns the `ARG & MASK` that stands alone in brackets, nil if something else does.
func bitsIn(x Expr) *Bits {
	for {
		switch y := x.(type) {
		case *Paren:
			x = y.X
		case *Bits:
			return y
		default:
			return nil
		}
	}
}

// comparison reads `ARG OP VALUE`, `ARG & MASK` or `ARG in {…}`.
func (p *parser) comparison() Expr {
	if isReserved(p.word()) && !p.beforeOperator() {
		p.wants("a condition")
		return &Paren{Pos: p.tok.pos}
	}
	t := p.shift()
	arg := Name{t.pos, p.text(t)}
	k := p.cont()
	if op, ok := k.comparison(); ok {
		p.shift()
		return p.compared(&Compare{t.pos, arg, nil, op, nil})
	}
	switch {
	case k == tAmp:
		p.shift()
		return p.masked(&Bits{t.pos, arg, nil})
	case k == tWord && p.is("in"):
		p.shift()
		return p.in(In{t.pos, arg, nil, p.list()})
	case k == tEnd, k == tEOF, k == tSemi, k == tOrOr, k == tAndAnd, k == tRParen, k == tRBrace, p.tok.joins:
		p.alone(t)
	case k == tPipe:
		p.fail(t.pos, `found %s before "|": write the argument first, and the constants after its operator`, quote(p.text(t)))
	default:
		p.noOperator(quote(p.text(t)))
	}
	return &Paren{Pos: t.pos}
}

// noOperator records that no operator follows an argument.
func (p *parser) noOperator(behind string) {
	p.expected("an operator (== != < <= > >= & in) after "+behind, p.operatorHint(behind))
}

// compared reads the value that c compares with.
func (p *parser) compared(c *Compare) Expr {
	c.X = p.value(false)
	k := p.cont()
	_, again := k.comparison()
	switch {
	case p.bad:
	case again, k == tAssign:
		p.fail(p.tok.pos, `found %s after a comparison: join comparisons with "&&" or "||"%s`, quote(p.word()), p.singleJoin(c.X))
	case k == tAmp:
		p.mixed(c)
	}
	return c
}

// singleJoin returns the end of the message about `fd == 1 | fd == 2`.
func (p *parser) singleJoin(v Value) string {
	if _, ok := v.(*Join); ok {
		return `: did you mean "||" for "|"?`
	}
	return ""
}

// mixed records `ARG OP VALUE & MASK`; the lookahead is the &.
func (p *parser) mixed(c *Compare) {
	amp := p.shift().pos
	mask := p.unary()
	if p.bad {
		return
	}
	k := p.cont()
	if _, ok := k.comparison(); ok || k == tWord && p.is("in") {
		p.fail(amp, `found "&" between two comparisons: did you mean "&&"?`)
		return
	}
	arg, op, v, m := c.Arg.Text, c.Op.String(), FormatValue(c.X), operand(mask)
	if c.Mask != nil {
		arg = "(" + arg + " & " + operand(c.Mask) + ")"
	}
	p.fail(amp, `found "&" and %q without brackets, which C reads as %s and Go as %s: write the brackets`,
		op, quote(fmt.Sprintf("(%s %s %s) & %s", arg, op, v, m)), quote(fmt.Sprintf("%s %s (%s & %s)", arg, op, v, m)))
}

// masked reads the mask of `ARG & MASK`.
func (p *parser) masked(b *Bits) Expr {
	b.Mask = p.unary()
	if p.bad {
		return b
	}
	k := p.cont()
	if k == tPipe || k == tAmp {
		p.looseMask(b)
		return b
	}
	op, compared := k.comparison()
	if !compared && !(k == tWord && p.is("in")) {
		return b
	}
	at := p.tok.pos
	arg, m := b.Arg.Text, operand(b.Mask)
	if !compared {
		p.fail(at, `found "in" after "&" without brackets: write %s`, quote(fmt.Sprintf("(%s & %s) in {…}", arg, m)))
		return b
	}
	p.shift()
	v := p.value(false)
	if p.bad {
		return b
	}
	p.fail(at, `found "&" and %q without brackets, which C reads as %s and Go as %s: write the brackets`,
		op.String(), quote(fmt.Sprintf("%s & (%s %v %s)", arg, m, op, operand(v))), quote(fmt.Sprintf("(%s & %s) %v %s", arg, m, op, FormatValue(v))))
	return b
}

// looseMask records `ARG & A|B`, which C and Go read as `(ARG & A) | B`; the lookahead is the | or the second &.
func (p *parser) looseMask(b *Bits) {
	t := p.tok
	parts := []Value{b.Mask}
	for p.cont() == t.kind {
		p.shift()
		parts = append(parts, p.unary())
		if p.bad {
			return
		}
	}
	if _, ok := p.cont().comparison(); ok {
		p.fail(t.pos, "found %q after a mask: put brackets around the mask, or did you mean %q?", p.text(t), p.text(t)+p.text(t))
		return
	}
	var mask Value = &Join{X: parts}
	if t.kind == tAmp {
		mask = &Meet{X: parts}
	}
	p.fail(t.pos, "found %q after a mask, which C and Go don't take as a part of it: write %s", p.text(t),
		quote(FormatExpr(&Bits{Arg: b.Arg, Mask: mask})))
}

// list reads the `{A, B, C..D}` of in.
func (p *parser) list() []Range {
	if p.missing() || p.tok.kind != tLBrace {
		p.wants(`"{" after "in"`)
		return nil
	}
	open := p.tok.pos
	p.skip()
	p.brackets++
	defer func() { p.brackets-- }()
	list := p.ranges.list() // a list holds no other
	for {
		if p.tok.kind == tRBrace && len(list) > 0 {
			break
		}
		list = p.ranges.add(list)
		r := &list[len(list)-1]
		r.Lo = p.value(true)
		if p.tok.kind == tDots {
			p.skip()
			r.Hi = p.value(true)
		}
		if p.tok.kind != tComma {
			break
		}
		p.skip()
	}
	if p.tok.kind != tRBrace {
		p.expected(fmt.Sprintf(`",", ".." or the "}" for the "{" at %v`, open), "")
		return nil
	}
	p.shift()
	return p.ranges.keep(list)
}

// in keeps x.
func (p *parser) in(x In) *In {
	kept := p.ins.one(min(p.left(), fewNodes))
	*kept = x
	return kept
}

// beforeOperator tells whether the lookahead stands before an operator, so that it is an argument, whatever word it
// is.
func (p *parser) beforeOperator() bool {
	rest := p.behind()
	return rest != "" && (strings.IndexByte("=!<>&", rest[0]) >= 0 || isLetter(rest[0]) && rest[:wordEnd(rest, 0)] == "in")
}
