package rule

import (
	"fmt"
	"slices"
	"strings"
)

// Parse reads a policy text. The name is for messages. The error is of type Errors and has all mistakes of grammar,
// up to 50. The File then has them too, for policy.Check to add those of meaning; there is none where the text is too
// large.
func Parse[T ~string | ~[]byte](name string, src T) (*File, error) {
	if len(src) > MaxSize {
		return nil, tooLarge(name, len(src))
	}
	var p parser
	p.begin(name, string(src))
	f := p.file()
	err := p.errs.Err()
	f.Mistakes = p.errs
	return f, err
}

// ParseValue reads a constant expression alone, as a command line has it: -1, AF_INET, PROT_READ|PROT_WRITE. The name
// is for messages. The error is of type Errors.
func ParseValue(name, text string) (Value, error) {
	if len(text) > MaxSize {
		return nil, tooLarge(name, len(text))
	}
	var p parser
	p.begin(name, text)
	p.tok.nl = false // no statement begins here
	v := p.value(true)
	if p.tok.kind != tEOF {
		p.expected("the end of the value", "")
	}
	if len(p.comments) > 0 {
		p.report(Pos{1, 1}, "found a comment in a value, which has none")
	}
	if err := p.errs.Err(); err != nil {
		return nil, err
	}
	return v, nil
}

func tooLarge(name string, size int) error {
	msg := fmt.Sprintf("the text has %d bytes, and a policy at most %d", size, MaxSize)
	return Errors{{name, Pos{1, 1}, msg, ErrTooLarge}}
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
	lexer
	brackets int   // open ( and { of lists
	depth    int   // of nested expressions and values
	inSet    bool  // between the braces of a set
	start    Pos   // of this statement
	bad      bool  // this statement has a mistake
	resume   token // where bad: what the next statement begins with
	rooms
}

func (p *parser) begin(name, src string) {
	p.name = name
	p.src, p.line = strings.TrimPrefix(src, "\ufeff"), 1
	p.end = int32(strings.Count(src, "\n")) + 2
	p.skip()
	p.tok.nl = true
}

// fail records the statement's first mistake and skips its rest.
func (p *parser) fail(at Pos, format string, args ...any) {
	if p.bad {
		return
	}
	p.report(at, fmt.Sprintf(format, args...))
	for ; !p.ends(); p.skip() {
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

// goOn continues behind a statement that has a mistake.
func (p *parser) goOn() {
	p.bad = false
	p.tok = p.resume
	p.brackets, p.depth = 0, 0
}

// ends tells whether the lookahead ends a statement with a mistake. A bracket that was never closed must not hide the
// rest of the text, and lines that go on must not be taken for statements.
func (p *parser) ends() bool {
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
	case goesOn(p.last), p.last == tBad && strings.HasSuffix(p.src[:p.lastEnd], `\`):
		return false
	}
	return p.brackets == 0 && !p.tok.joins
}

// goesOn tells whether a line that ends in a token of kind k goes on.
func goesOn(k kind) bool {
	switch k {
	case tOrOr, tAndAnd, tNot, tPipe, tAmp, tTilde, tMinus, tAssign, tComma, tColon, tDots, tLParen:
		return true
	}
	return k.compares()
}

// cont returns the kind of the lookahead if it can still belong to the statement, and tEnd if it can't.
//
// It and others are kept out of line because they are called in very many places: copies would cost every program more
// than the calls take.
//
//go:noinline
func (p *parser) cont() kind {
	if p.tok.nl && p.brackets == 0 && !p.tok.joins {
		return tEnd
	}
	return p.tok.kind
}

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
	case p.word() == "nr":
		return strings.HasPrefix(rest, "(")
	case !slices.Contains(statements, p.word()) || rest == "" || !isLetter(rest[0]):
		return false
	}
	return rest[:wordEnd(rest, 0)] != "in"
}

// missing tells whether what must follow doesn't, because the next statement begins or the text ends.
//
//go:noinline
func (p *parser) missing() bool {
	return p.tok.kind == tEOF || p.tok.nl && p.startsStatement()
}

// expected records that something else stands where what belongs. Hint is the end of the message, or empty.
func (p *parser) expected(what, hint string) {
	if p.bad {
		return
	}
	at, msg := p.found(what, p.cont() == tEnd || p.missing())
	if p.tok.kind != tBad {
		msg += hint
	}
	p.fail(at, "%s", msg)
}

// wants is expected where what may stand on the next line.
func (p *parser) wants(what string) {
	if p.bad {
		return
	}
	at, msg := p.found(what, p.missing())
	p.fail(at, "%s", msg)
}

// found says that the lookahead, or the end of the statement before it, stands where what belongs.
func (p *parser) found(what string, end bool) (Pos, string) {
	switch {
	case end && p.tok.kind == tEOF:
		return p.behindLast(), "found the end of the text, expected " + what
	case end:
		return p.behindLast(), "found the end of the line, expected " + what
	case p.tok.kind == tBad:
		return p.tok.pos, p.wrong
	}
	return p.tok.pos, "found " + quote(p.word()) + ", expected " + what
}

// quote returns a word of the text for a message, shortened if it is long.
//
//go:noinline
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
	p.skip()
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
