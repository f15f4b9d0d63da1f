package rule

import (
	"fmt"
	"slices"
	"strings"
)

// maxErrors is how many errors of a text are told.
const maxErrors = 50

// Parse reads a policy text. The name is for messages. The error is of type Errors and has all mistakes of the text,
// up to 50; then there is no File.
func Parse[T ~string | ~[]byte](name string, src T) (*File, error) {
	if len(src) > MaxSize {
		return nil, Errors{{name, Pos{1, 1}, fmt.Sprintf("the text has %d bytes, and a policy at most %d", len(src), MaxSize), ErrTooLarge}}
	}
	p := parser{name: name}
	p.lex = lexer{src: strings.TrimPrefix(string(src), "\ufeff"), line: 1, report: p.report}
	p.tok = p.lex.next()
	f := p.file()
	if err := p.errs.Err(); err != nil {
		return nil, err
	}
	return f, nil
}

// A parser reads one text by recursive descent, with one token of lookahead.
//
// There are no tokens for line ends. Where a statement could end, the parser asks cont, which is tEnd if the
// lookahead begins a line outside brackets; where something must follow (after an operator, a comma), it doesn't
// ask, and so the statement goes on.
//
// At a mistake, fail records it, skips the rest of the statement, and makes the lookahead tEnd, which no rule of the
// grammar takes: every function on the way up returns by itself, and later mistakes of the statement, which may only
// follow from the first, are not told.
type parser struct {
	name     string
	lex      lexer
	tok      token // the lookahead
	last     token // the token before it
	brackets int   // open ( and { of lists
	depth    int   // of nested expressions and values
	inSet    bool  // between the braces of a set
	start    Pos   // of this statement
	bad      bool  // this statement has a mistake
	resume   token // where bad: what the next statement begins with
	errs     Errors
	full     bool // maxErrors is reached
}

// report records a mistake.
func (p *parser) report(at Pos, msg string) {
	if p.full {
		return
	}
	if len(p.errs) == maxErrors {
		p.full = true
		msg = fmt.Sprintf("there are more than %d errors: the rest is not told", maxErrors)
	}
	p.errs = append(p.errs, &Error{p.name, at, msg, ErrSyntax})
}

// fail records the statement's first mistake and skips its rest.
func (p *parser) fail(at Pos, format string, args ...any) {
	if p.bad {
		return
	}
	p.report(at, fmt.Sprintf(format, args...))
	for prev := p.last; !p.ends(prev); prev = p.shift() {
		switch p.tok.kind {
		case tLParen, tLBrace:
			p.brackets++
		case tRParen, tRBrace:
			p.brackets = max(p.brackets-1, 0)
		}
	}
	p.giveUp(at)
}

// giveUp leaves a statement that has a mistake. The lookahead begins the next one.
func (p *parser) giveUp(at Pos) {
	p.bad = true
	p.resume = p.tok
	p.tok = token{kind: tEnd, pos: at}
}

// recover goes on behind a statement that has a mistake.
func (p *parser) recover() {
	p.bad = false
	p.tok = p.resume
}

// ends tells whether the lookahead ends a statement with a mistake. A bracket that was never closed must not hide the
// rest of the text, and lines that go on must not be taken for statements.
func (p *parser) ends(prev token) bool {
	switch {
	case p.tok.kind == tEOF, p.tok.kind == tSemi, p.full:
		return true
	case p.tok.pos == p.start:
		return false
	case p.tok.kind == tRBrace && p.inSet && p.brackets == 0:
		return true
	case !p.tok.nl:
		return false
	case p.startsStatement():
		return true
	}
	return p.brackets == 0 && !goesOn(prev.kind) && !p.continues()
}

// goesOn tells whether a line that ends in a token of kind k goes on.
func goesOn(k kind) bool {
	switch k {
	case tOrOr, tAndAnd, tNot, tPipe, tAmp, tTilde, tMinus, tAssign, tComma, tColon, tDots, tLParen:
		return true
	}
	return k >= tEq
}

// shift takes the lookahead and returns it.
func (p *parser) shift() token {
	p.last = p.tok
	if p.tok.kind != tEOF && p.tok.kind != tEnd {
		p.tok = p.lex.next()
	}
	return p.last
}

// cont returns the kind of the lookahead if it can still belong to the statement, and tEnd if it can't.
func (p *parser) cont() kind {
	if p.tok.nl && p.brackets == 0 && !p.continues() {
		return tEnd
	}
	return p.tok.kind
}

// continues tells whether the lookahead is a word that no statement begins with, so that a line beginning with it
// goes on with the rule above.
func (p *parser) continues() bool {
	return p.is("else") || p.is("including")
}

// is tells whether the lookahead is this keyword, used as one.
func (p *parser) is(word string) bool {
	return p.tok.kind == tWord && p.tok.text == word && !p.before(':')
}

// before tells whether the lookahead stands before the character c, on the same line.
func (p *parser) before(c byte) bool { return strings.HasPrefix(p.behind(), string(c)) }

// behind returns what stands behind the lookahead, from the first character that is no blank.
func (p *parser) behind() string {
	i := p.lex.off
	for i < len(p.lex.src) && (p.lex.src[i] == ' ' || p.lex.src[i] == '\t') {
		i++
	}
	return p.lex.src[i:]
}

// statements has the keywords that statements begin with.
var statements = []string{"deny", "drop", "only", "set", "stage", "use"}

// startsStatement tells whether the lookahead looks like the beginning of a statement rather than like a part of an
// expression.
func (p *parser) startsStatement() bool {
	if p.tok.kind != tWord {
		return false
	}
	rest := p.behind()
	switch {
	case strings.HasPrefix(rest, ":"):
		return true
	case p.tok.text == "nr":
		return strings.HasPrefix(rest, "(")
	case !slices.Contains(statements, p.tok.text) || rest == "" || !isLetter(rest[0]):
		return false
	}
	return rest[:wordLen(rest)] != "in"
}

// missing tells whether what must follow doesn't, because the next statement begins or the text ends.
func (p *parser) missing() bool {
	return p.tok.kind == tEOF || p.tok.nl && p.startsStatement()
}

// expected records that something else stands where what belongs. Hint is the end of the message, or empty.
func (p *parser) expected(what, hint string) {
	at, msg := p.found(what, p.cont() == tEnd || p.missing())
	if p.tok.kind != tBad {
		msg += hint
	}
	p.fail(at, "%s", msg)
}

// wants is expected where what may stand on the next line.
func (p *parser) wants(what string) {
	at, msg := p.found(what, p.missing())
	p.fail(at, "%s", msg)
}

// found says that the lookahead, or the end of the statement before it, stands where what belongs.
func (p *parser) found(what string, end bool) (Pos, string) {
	switch {
	case end && p.tok.kind == tEOF:
		return p.last.end(), "found the end of the text, expected " + what
	case end:
		return p.last.end(), "found the end of the line, expected " + what
	case p.tok.kind == tBad:
		return p.tok.pos, p.lex.wrong
	}
	return p.tok.pos, "found " + quote(p.tok.text) + ", expected " + what
}

// quote returns a word of the text for a message, shortened if it is long.
func quote(word string) string {
	if len(word) > maxWord {
		word = word[:maxWord] + "…"
	}
	return `"` + word + `"`
}

// took takes the lookahead if it is of kind k and belongs to the statement; otherwise it is a mistake.
func (p *parser) took(k kind, what string) bool {
	if p.cont() != k {
		p.expected(what, "")
		return false
	}
	p.shift()
	return true
}

// deeper counts a level of nesting; it is false where that is one too many. Each true one needs a p.depth--.
func (p *parser) deeper() bool {
	if p.depth == MaxDepth {
		p.fail(p.tok.pos, "nested more than %d deep", MaxDepth)
		return false
	}
	p.depth++
	return true
}

// file reads the whole text.
func (p *parser) file() *File {
	f := &File{Name: p.name}
	for {
		f.Stmts = p.block(f.Stmts)
		if p.tok.kind == tEOF || p.full {
			break
		}
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

// block reads statements up to the end of the text or a closing brace.
func (p *parser) block(list []Stmt) []Stmt {
	for !p.full {
		switch p.tok.kind {
		case tEOF, tRBrace:
			return list
		case tSemi:
			p.shift()
			continue
		}
		p.start = p.tok.pos
		notes := p.notes(len(list) == 0)
		s := p.statement()
		if p.bad {
			p.recover()
		} else {
			n := s.Notes()
			n.Blank, n.Before = notes.Blank, notes.Before
			list = append(list, s)
			p.endStatement(s)
		}
		p.brackets, p.depth = 0, 0
	}
	return list
}

// statement reads one statement without its end. It returns nil or a part of it where there is a mistake.
func (p *parser) statement() Stmt {
	at := p.tok.pos
	if p.tok.kind != tWord {
		p.noStatement()
		return nil
	}
	word := p.tok.text
	keyword := slices.Contains(statements, word)
	switch {
	case keyword && p.before(':'):
		p.fail(at, "found a colon after %s: only rules, sys_NAME: VERDICT, have one", quote(word))
		return nil
	case p.before(':'), word == "nr" && p.before('('):
		return p.rule()
	case !keyword:
		p.unknownStatement()
		return nil
	case p.inSet && word != "use":
		p.fail(at, `found %s in a set, which holds rules and "use" only: is a "}" missing before it?`, quote(word))
		return nil
	}
	p.shift()
	switch word {
	case "deny":
		return &Deny{Pos: at, Action: p.action("an action")}
	case "stage":
		return &Stage{Pos: at, Name: p.dotted("the name of the stage")}
	case "use":
		return &Use{Pos: at, Sets: p.names()}
	case "drop":
		return &Drop{Pos: at, Sets: p.names()}
	case "only":
		return &Only{Pos: at, Sets: p.names()}
	}
	return p.set(at)
}

// noStatement records a statement that doesn't begin with a word.
func (p *parser) noStatement() {
	switch t := p.tok; {
	case t.kind == tOrOr, t.kind == tAndAnd, t.kind == tPipe, t.kind == tAmp, t.kind >= tEq:
		p.fail(t.pos, "found %q at the beginning of a line: put it at the end of the line before, which then goes on", t.text)
	case t.kind == tBad:
		p.fail(t.pos, "%s", p.lex.wrong)
	default:
		p.fail(t.pos, "found %s, expected a statement: a rule, stage, use, drop, only, set, deny", quote(t.text))
	}
}

// unknownStatement records a statement that begins with another word than there are.
func (p *parser) unknownStatement() {
	at, word := p.tok.pos, p.tok.text
	near := DidYouMean(word, slices.Values(statements))
	switch {
	case word == "else" || word == "including":
		p.fail(at, "found %q without a rule before it", word)
		return
	case near == "" || strings.HasPrefix(word, "sys_"):
		p.shift()
		if k := p.cont(); strings.HasPrefix(word, "sys_") || k == tNumber || k == tAssign || k == tEq || k == tLParen {
			p.expected(fmt.Sprintf(`":" after %s`, quote(word)), "")
			return
		}
		near = ": a statement is a rule (sys_NAME: VERDICT), stage, use, drop, only, set or deny"
	}
	p.fail(at, "unknown statement %s%s", quote(word), near)
}

// endStatement takes the end of s, and the comment on its line.
func (p *parser) endStatement(s Stmt) {
	switch k := p.cont(); {
	case k == tEOF, k == tEnd, k == tSemi, k == tRBrace && p.inSet:
	case k == tRBrace:
		p.unmatched()
	default:
		if k == tRParen {
			p.fail(p.tok.pos, `found ")", which closes no "("`)
		}
		p.afterStatement(s)
		if p.bad {
			p.recover()
		}
	}
	for p.tok.kind == tSemi && !p.tok.nl {
		p.shift()
	}
	p.endNotes(s)
}

// afterStatement records what stands between a whole statement and its end.
func (p *parser) afterStatement(s Stmt) {
	switch s := s.(type) {
	case *Rule:
		p.afterRule(s)
	case *Use, *Drop, *Only:
		p.expected(`"," or the end of the line`, "")
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
	return Name{t.pos, t.text}
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
	s.Body = p.block(nil)
	p.inSet = false
	s.Trailing = p.trailing(len(s.Body) > 0)
	if p.tok.kind != tRBrace {
		if !p.full {
			p.fail(open.pos, `found no "}" that closes this "{"`)
		}
		return s
	}
	s.End = p.shift().pos
	s.After = behind
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
