package rule

import (
	"fmt"
	"slices"
	"strings"
)

// statements has the keywords that statements begin with.
var statements = []string{"deny", "drop", "only", "set", "stage", "use"}

// file reads the whole text.
func (p *parser) file() *File {
	f := &File{Name: p.name}
	if p.tok.kind != tEOF {
		f.Stmts = make([]Stmt, 0, min(p.left(), manyNodes))
	}
	for {
		p.block(&f.Stmts)
		if p.tok.kind == tEOF || p.full {
			break
		}
		f.Stmts = append(f.Stmts, &Broken{Pos: p.tok.pos, Text: p.word()})
		p.unmatched()
	}
	f.Trailing = p.trailing(len(f.Stmts) > 0)
	return f
}

// unmatched records a brace that closes nothing.
func (p *parser) unmatched() {
	p.report(p.tok.pos, `found "}", which closes no "{"`)
	p.shift()
}

// block adds to a list the statements up to the end of the text or a closing brace.
func (p *parser) block(list *[]Stmt) {
	for !p.full {
		switch p.tok.kind {
		case tEOF, tRBrace:
			return
		case tSemi:
			p.shift()
			continue
		}
		p.start = p.tok.pos
		at, from := p.start, p.tok.from
		var above Comments
		commented := p.tok.blank || len(p.comments) > 0
		if commented {
			above = p.notes(len(*list) == 0)
		}
		s := p.statement()
		torn := p.bad
		if torn {
			p.goOn()
		} else {
			if commented {
				above.After = s.Notes().After
				p.annotate(s, above)
			}
			*list = append(*list, s)
			torn = p.endStatement(s)
		}
		if torn {
			*list = append(*list, &Broken{Pos: at, Begun: s, Text: p.src[from:max(from, p.tok.from)]})
		}
	}
}

// statement reads one statement without its end. It returns nil or a part of it where there is a mistake.
func (p *parser) statement() Stmt {
	if p.tok.kind != tWord {
		p.noStatement()
		return nil
	}
	word := p.word()
	keyword := len(word) <= len("stage") && slices.Contains(statements, word)
	switch {
	case keyword && p.before(':'):
		p.fail(p.start, "found a colon after %s: only rules, sys_NAME: VERDICT, have one", quote(word))
		return nil
	case p.before(':'), word == "nr" && p.before('('):
		return p.rule(word)
	case !keyword:
		p.unknownStatement()
		return nil
	case p.inSet && word != "use":
		p.fail(p.start, `found %s in a set, which holds rules and "use" only: is a "}" missing before it?`, quote(word))
		return nil
	}
	p.shift()
	switch word {
	case "deny":
		return &Deny{Pos: p.start, Action: p.action(true)}
	case "stage":
		return &Stage{Pos: p.start, Name: p.dotted("the name of the stage")}
	case "use":
		return &Use{Pos: p.start, Sets: p.names()}
	case "drop":
		return &Drop{Pos: p.start, Sets: p.names()}
	case "only":
		return &Only{Pos: p.start, Sets: p.names()}
	}
	return p.set(p.start)
}

// noStatement records a statement that doesn't begin with a word.
func (p *parser) noStatement() {
	switch t := p.tok; {
	case t.kind == tOrOr, t.kind == tAndAnd, t.kind == tPipe, t.kind == tAmp, t.kind.compares():
		p.fail(t.pos, "found %q at the beginning of a line: put it at the end of the line before, which then goes on", p.text(t))
	case t.kind == tBad:
		p.fail(t.pos, "%s", p.wrong)
	default:
		p.fail(t.pos, "found %s, expected a statement: a rule, stage, use, drop, only, set, deny", quote(p.text(t)))
	}
}

// unknownStatement records a statement that begins with another word than there are.
func (p *parser) unknownStatement() {
	at, word := p.tok.pos, p.word()
	near := DidYouMean(word, slices.Values(statements))
	switch {
	case word == "else" || word == "including":
		p.fail(at, "found %q without a rule before it", word)
		return
	case near == "" || strings.HasPrefix(word, "sys_"):
		p.shift()
		if k := p.cont(); k == tComma {
			p.expected(fmt.Sprintf(`":" after %s`, quote(word)), "; a rule is about one call, and sets stand behind use")
			return
		} else if strings.HasPrefix(word, "sys_") || word == OnNextSyscall || k == tNumber || k == tAssign || k == tEq || k == tLParen {
			p.expected(fmt.Sprintf(`":" after %s`, quote(word)), "")
			return
		}
		near = ": a statement is a rule (sys_NAME: VERDICT), stage, use, drop, only, set or deny"
	}
	p.fail(at, "unknown statement %s%s", quote(word), near)
}

// endStatement takes the end of s, and the comment on its line. It tells whether there was a mistake.
func (p *parser) endStatement(s Stmt) (torn bool) {
	switch k := p.cont(); {
	case k == tEOF, k == tEnd, k == tSemi, k == tRBrace && p.inSet:
	case k == tRBrace:
		p.unmatched()
		torn = true
	default:
		if k == tRParen {
			p.fail(p.tok.pos, `found ")", which closes no "("`)
		}
		p.afterStatement(s)
		if torn = p.bad; torn {
			p.goOn()
		}
	}
	for p.tok.kind == tSemi && !p.tok.nl {
		p.shift()
	}
	if len(p.comments) > 0 {
		p.endNotes(s)
	}
	return torn
}

// afterStatement records what stands between a whole statement and its end.
func (p *parser) afterStatement(s Stmt) {
	switch s := s.(type) {
	case *Rule:
		p.afterRule(s)
	case *Use, *Drop, *Only:
		p.expected(`"," or the end of the line`, "")
	case *Stage:
		hint := ""
		if p.tok.kind == tLBrace {
			hint = ": a stage ends where the next one begins, without braces"
		}
		p.expected(`the end of the line or ";"`, hint)
	default:
		p.expected(`the end of the line or ";"`, "")
	}
}

// names reads `NAME, …`.
func (p *parser) names() []Name {
	list := []Name{p.dotted("the name of a set")}
	for p.cont() == tComma {
		p.shift()
		list = append(list, p.dotted("the name of a set"))
	}
	return list
}

// dotted reads a name.
func (p *parser) dotted(what string) Name {
	if p.missing() || p.tok.kind != tWord {
		p.wants(what)
		return Name{}
	}
	t := p.shift()
	return Name{t.pos, p.text(t)}
}

// set reads `NAME { … }`, the keyword being taken. A mistake in its head doesn't make its body a part of the text
// around it.
func (p *parser) set(at Pos) *Set {
	s := &Set{Pos: at}
	switch {
	case p.cont() != tWord:
		p.headMistake("the name of the set")
	default:
		s.Name = p.dotted("the name of the set")
		if p.cont() != tLBrace {
			p.headMistake(`"{" on the line of the set's name`)
		}
	}
	if p.tok.kind != tLBrace {
		return s
	}
	open := p.shift()
	behind := p.lineComment(open.pos.Line)
	p.inSet = true
	p.block(&s.Body)
	p.inSet = false
	s.Trailing = p.trailing(len(s.Body) > 0)
	if p.tok.kind != tRBrace {
		if !p.full {
			p.fail(open.pos, `found no "}" that closes this "{"`)
		}
		return s
	}
	s.End = p.shift().pos
	p.annotate(s, Comments{After: behind})
	return s
}

// headMistake records a mistake in the head of a set and goes on to its brace. Without one it gives up the statement.
func (p *parser) headMistake(what string) {
	p.report(p.found(what, p.cont() == tEnd || p.missing()))
	for {
		switch k := p.tok.kind; {
		case k == tLBrace:
			return
		case k == tEOF, k == tSemi, k == tRBrace, p.tok.nl:
			p.giveUp(p.tok.pos)
			return
		}
		p.shift()
	}
}
