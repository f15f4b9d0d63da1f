package rule

import (
	"math"
	"slices"
	"strings"

	"github.com/stagelock/seccomp/internal/ascii"
)

// rule reads `CALL: VERDICT {else ACTION [if EXPR]} [including go]`, which begins with word.
func (p *parser) rule(word string) *Rule {
	r := p.rules.one(p.left())
	r.Pos = p.tok.pos
	switch name, prefixed := strings.CutPrefix(word, "sys_"); {
	case word == "nr" && p.before('('):
		r.Call.Nr = p.nr()
	case name == "", p.tok.dotted, prefixed && name == OnNextSyscall:
		r.Call.Name = name
		p.noCall(word)
	default:
		r.Call.Name = name
		p.colon()
		p.skip()
	}
	if p.bad {
		return r
	}
	r.Verdict = p.verdict()
	if p.tok.joins {
		r.aside = &aside{rest: p.rest()}
	}
	return r
}

// rest reads `{else ACTION [if EXPR]} [including go]`.
func (p *parser) rest() *Rest {
	r := &Rest{}
	for p.cont() == tWord && p.is("else") {
		r.Else = append(r.Else, p.elseAction())
	}
	if p.cont() == tWord && p.is("including") {
		r.GoPos = p.shift().pos
		if !p.is("go") || p.missing() {
			p.wants(`"go"`)
			return r
		}
		p.shift()
		r.IncludingGo = true
	}
	return r
}

// noCall records that word is the name of no call.
func (p *parser) noCall(word string) {
	switch {
	case p.tok.dotted:
		p.fail(p.start, "found %s, expected the name of a call, which has no dot", quote(word))
	case word == "sys_":
		p.fail(p.start, `found "sys_" without the name of a call`)
	default:
		p.fail(p.start, `found %q: it is no call, write "on_next_syscall: 1"`, word)
	}
}

// nr reads `nr(N):`.
func (p *parser) nr() *Number {
	p.shift()
	p.shift()
	p.brackets++
	n := p.callNumber()
	p.brackets--
	if p.took(tRParen, `")" after the number of the call`) {
		p.took(tColon, `":"`)
	}
	return n
}

// callNumber reads the N of nr(N).
func (p *parser) callNumber() *Number {
	if p.tok.kind != tNumber {
		p.wants("the number of a call")
		return nil
	}
	n := p.number()
	if n.Abs > math.MaxUint32 {
		p.fail(n.Pos, "%s is no number of a call: there are 32 bits for it", n.Text())
	}
	return n
}

// verdict reads `1`, `0` or an expression.
func (p *parser) verdict() Expr {
	switch {
	case p.tok.kind == tNumber:
	case p.missing(), p.tok.joins && !p.beforeOperator():
		p.wants("a verdict: 1, 0 or an expression")
		return nil
	default:
		return p.expression()
	}
	n := p.number()
	switch k := p.cont(); {
	case p.bad, k == tEnd && n.Abs <= 1:
	case k == tOrOr, k == tAndAnd:
		p.fail(p.tok.pos, "found %s after the verdict %s, which stands alone", quote(p.word()), n.Text())
	case k.compares(), k == tAmp, k == tPipe, k == tAssign, k == tWord && p.is("in"):
		p.numberFirst(n)
	case n.Abs > 1:
		p.fail(n.Pos, "found %s, expected a verdict: 1, 0 or an expression", quote(n.Text()))
	}
	return n
}

// elseAction reads `else ACTION [if EXPR]`.
func (p *parser) elseAction() Else {
	e := Else{Pos: p.shift().pos}
	e.Action = p.action(false)
	if p.cont() == tWord && p.is("if") {
		p.shift()
		e.If = p.expression()
	}
	return e
}

// actions has the names of the actions.
var actions = []string{"errno", "kill", "log", "trap"}

// action reads `kill`, `trap`, `log` or `errno(…)`, behind deny or behind else.
func (p *parser) action(denies bool) Action {
	const what = "an action: errno(NAME), kill, trap or log"
	if p.missing() || p.tok.kind != tWord {
		p.wants(what)
		return Action{}
	}
	a := Action{Pos: p.tok.pos, Name: p.word()}
	switch {
	case !slices.Contains(actions, a.Name):
		hint := DidYouMean(a.Name, slices.Values(actions))
		switch {
		case hint != "":
		case isErrno(a.Name):
			hint = ": did you mean " + quote("errno("+a.Name+")") + "?"
		case a.Name == "allow" && denies:
			hint = `; "use all" allows what nothing refuses`
		case a.Name == "allow":
			hint = "; what is allowed stands in front, as 1 or as a condition"
		case denies:
			hint = "; to refuse one call, write sys_NAME: 0"
		}
		p.fail(a.Pos, "found %s, expected %s%s", quote(a.Name), what, hint)
		return a
	case a.Name != "errno":
		p.shift()
		return a
	}
	p.shift()
	if k := p.cont(); k == tWord || k == tNumber {
		p.fail(p.tok.pos, `found %s, expected %s after "errno"`, quote(p.word()), quote("("+p.word()+")"))
	}
	if !p.took(tLParen, `"(" after "errno"`) {
		return a
	}
	p.brackets++
	switch p.tok.kind {
	case tWord:
		t := p.shift()
		a.Errno = &Ident{t.pos, p.text(t)}
	case tNumber:
		a.Errno = p.number()
	default:
		p.wants("the name or the number of an errno")
	}
	p.took(tRParen, `")" after the errno`)
	p.brackets--
	return a
}

// isErrno tells whether a word looks like the name of an errno.
func isErrno(word string) bool {
	return len(word) > 2 && word[0] == 'E' && ascii.Upper(word) == word
}

// afterRule records what stands between a rule and the end of its line.
func (p *parser) afterRule(r *Rule) {
	t := p.tok
	var what string
	var words []string
	rest := r.Rest()
	switch {
	case rest.IncludingGo:
		what = `the end of the line`
		if p.is("else") {
			p.fail(t.pos, `found "else" behind "including go": write it before`)
		}
	case p.is("if"):
		p.loneIf(r)
	case len(rest.Else) > 0 && rest.Else[len(rest.Else)-1].If == nil:
		what, words = `"if", "else", "including go" or the end of the line`, []string{"if", "else", "including"}
	case isNumber(r.Verdict):
		what, words = `"else", "including go" or the end of the line`, []string{"else", "including"}
	default:
		what, words = `"&&", "||", "else", "including go" or the end of the line`, []string{"else", "including"}
	}
	hint := p.joinHint()
	if hint == "" && t.kind == tWord {
		hint = DidYouMean(p.text(t), slices.Values(words))
	}
	p.expected(what, hint)
}

func isNumber(x Expr) bool {
	_, ok := x.(*Number)
	return ok
}
