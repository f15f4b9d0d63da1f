package rule

import "fmt"

// value reads a constant expression. An & in it is read only where it can't be taken for anything else, which nested
// says: within brackets of any kind.
func (p *parser) value(nested bool) Value {
	first := p.meet(nested)
	if p.bad || p.cont() != tPipe {
		return first
	}
	x := &Join{Pos: first.Start(), X: joined(nil, first)}
	for !p.bad && p.cont() == tPipe {
		p.shift()
		x.X = joined(x.X, p.meet(nested))
	}
	return x
}

// joined adds v to the parts of a Join, and the parts of v where it is one itself.
func joined(parts []Value, v Value) []Value {
	if j, ok := v.(*Join); ok {
		return append(parts, j.X...)
	}
	return append(parts, v)
}

// meet reads `A&B&…`, which C and Go alike bind more tightly than |.
func (p *parser) meet(nested bool) Value {
	first := p.unary()
	if p.bad || !nested || p.cont() != tAmp {
		return first
	}
	x := &Meet{Pos: first.Start(), X: met(nil, first)}
	for !p.bad && p.cont() == tAmp {
		p.shift()
		x.X = met(x.X, p.unary())
	}
	return x
}

// met adds v to the parts of a Meet, and the parts of v where it is one itself.
func met(parts []Value, v Value) []Value {
	if m, ok := v.(*Meet); ok {
		return append(parts, m.X...)
	}
	return append(parts, v)
}

// unary reads a number, a name, `~X` or `(X)`. It returns nil after a mistake.
func (p *parser) unary() Value {
	const what = "a number or a constant"
	switch t := &p.tok; {
	case t.kind == tNumber, t.kind == tMinus:
		return p.number()
	case p.missing():
	case t.kind == tWord && isReserved(p.word()):
	case t.kind == tWord && isArgument(p.word()):
		p.fail(t.pos, "found the argument %s where a value belongs: arguments are compared with constants only, so that each policy can be checked exactly", quote(p.word()))
		return nil
	case t.kind == tWord:
		t := p.shift()
		return &Ident{t.pos, p.text(t)}
	case t.kind == tTilde:
		return p.complement()
	case t.kind == tLParen:
		return p.bracketed()
	}
	p.wants(what)
	return nil
}

// complement reads `~X`.
func (p *parser) complement() Value {
	x := &Complement{Pos: p.tok.pos}
	if !p.deeper() {
		return nil
	}
	p.shift()
	x.X = p.unary()
	p.depth--
	return x
}

// bracketed reads `(X)`.
func (p *parser) bracketed() Value {
	open := p.tok.pos
	if !p.deeper() {
		return nil
	}
	p.shift()
	p.brackets++
	v := p.value(true)
	if p.tok.kind != tRParen {
		p.expected(fmt.Sprintf(`"|", "&" or the ")" for the "(" at %v`, open), "")
		return nil
	}
	p.brackets--
	p.depth--
	p.shift()
	return v
}

// number reads a number, with a minus or without.
func (p *parser) number() *Number {
	n := p.numbers.one(p.left())
	n.Pos = p.tok.pos
	if p.tok.kind == tMinus {
		n.Neg = true
		p.shift()
		if p.tok.kind != tNumber {
			p.wants(`a number after "-"`)
			return n
		}
	}
	if text := p.word(); len(text) == 1 {
		n.Abs = uint64(text[0] - '0')
	} else if msg := n.read(text); msg != "" {
		p.fail(p.tok.pos, "%s", msg)
		return n
	} else if n.Neg && n.Abs > 1<<63 {
		p.fail(n.Pos, "the number -%s is too small: no argument has more than 64 bits", text)
		return n
	}
	p.skip()
	return n
}

// isReserved tells whether a word can't be a value, because the rule goes on with it.
func isReserved(word string) bool {
	return word == "else" || word == "if" || word == "including" || word == "in"
}

// isArgument tells whether a word is an argument on its face: arg0 to arg9.
func isArgument(word string) bool {
	return len(word) == 4 && word[:3] == "arg" && isDigit(word[3])
}
