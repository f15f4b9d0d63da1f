package rule

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// A comment is one comment: see Comments for what is in its text.
type comment struct {
	line  int32
	blank bool // an empty line stands before it
	text  string
}

// A lexer cuts a text into tokens, with one token of lookahead. Comments are no tokens: they are put aside.
type lexer struct {
	name     string // of the text
	src      string
	tok      token  // the lookahead
	last     kind   // of the token before it
	lastEnd  uint32 // of that token
	off      uint32 // of what stands behind the last token, blanks left out
	line     int32
	end      int32  // the line behind the last one
	lineOff  uint32 // where the line begins
	comments []comment
	wrong    string // what is wrong with the last tBad
	errs     Errors
	full     bool // maxErrors is reached
}

func (l *lexer) pos(off uint32) Pos { return Pos{l.line, int32(off-l.lineOff) + 1} }

// kind returns the kind of the token at l.off, as its first character tells it.
func (l *lexer) kind() kind {
	if int(l.off) < len(l.src) {
		return kinds[l.src[l.off]]
	}
	return tEOF
}

// skip takes the lookahead.
func (l *lexer) skip() {
	t := &l.tok
	l.last, l.lastEnd = t.kind, t.to
	if t.kind >= tEOF {
		return
	}
	t.dotted, t.nl, t.joins, t.blank = false, false, false, false
	k := l.kind()
	if k == tGap {
		l.gap()
		k = l.kind()
	}
	end := l.off
	switch k {
	case tEOF:
	case tWord:
		end = plainEnd(l.src, end+1)
		if int(end) < len(l.src) && l.src[end] == '.' {
			whole := wordEnd(l.src, end)
			t.dotted, end = whole > end, whole
		}
	case tNumber:
		end = plainEnd(l.src, end+1)
	case tBad, tGap:
		k, end = l.operator()
	default:
		end++
	}
	t.kind, t.from, t.to, t.pos = k, l.off, end, l.pos(l.off)
	l.off = blanksEnd(l.src, end)
	if k == tWord && !l.before(':') {
		word := l.word()
		t.joins = word == "else" || word == "including"
	}
}

// colon takes the colon behind the lookahead into it, so that both are taken at once.
func (l *lexer) colon() {
	l.tok.kind, l.tok.to = tColon, l.off+1
	l.off = blanksEnd(l.src, l.off+1)
}

// shift takes the lookahead and returns it.
func (l *lexer) shift() token {
	t := l.tok
	l.skip()
	return t
}

// text returns the text of a token.
func (l *lexer) text(t token) string { return l.src[t.from:t.to] }

// word returns the text of the lookahead.
func (l *lexer) word() string { return l.src[l.tok.from:l.tok.to] }

// is tells whether the lookahead is this keyword, used as one.
func (l *lexer) is(word string) bool { return l.word() == word && !l.before(':') }

// before tells whether the lookahead stands before the character c, on the same line.
func (l *lexer) before(c byte) bool {
	return int(l.off) < len(l.src) && l.src[l.off] == c
}

// lastLine returns the line of the token before the lookahead.
func (l *lexer) lastLine() int32 {
	return l.line - int32(strings.Count(l.src[l.lastEnd:l.off], "\n"))
}

// behindLast returns the place behind the token before the lookahead.
func (l *lexer) behindLast() Pos {
	return Pos{l.lastLine(), int32(int(l.lastEnd) - strings.LastIndexByte(l.src[:l.lastEnd], '\n'))}
}

// behind returns what stands behind the lookahead, from the first character that is no blank.
func (l *lexer) behind() string { return l.src[l.off:] }

// gap goes on to the first character of the next token.
func (l *lexer) gap() {
	lines := 0 // begun since the last token or comment
	off := l.off
	for ; int(off) < len(l.src); off++ {
		switch l.src[off] {
		case '\n':
			l.line++
			l.lineOff = off + 1
			lines++
			l.tok.nl = true
			continue
		case ' ', '\t':
			continue
		case '#':
			off = l.comment(off, lines > 1)
			lines = 0
			continue
		case '\r':
			if strings.HasPrefix(l.src[off:], "\r\n") {
				continue
			}
		}
		break
	}
	l.off, l.tok.blank = off, lines > 1
}

// comment puts aside the comment at off and returns where its last byte is.
func (l *lexer) comment(off uint32, blank bool) (last uint32) {
	text, _, _ := strings.Cut(l.src[off+1:], "\n")
	last = off + uint32(len(text))
	text = strings.TrimSuffix(text, "\r")
	for i, r := range text {
		if ' ' <= r && r <= '~' {
			continue
		}
		if msg := badInComment(text[i:], r); msg != "" {
			l.report(l.pos(off+1+uint32(i)), msg)
			break
		}
	}
	text = strings.TrimRight(strings.TrimPrefix(text, " "), " \t")
	if text == "" {
		text = " "
	}
	l.comments = append(l.comments, comment{l.line, blank, text})
	return last
}

// report records a mistake.
func (l *lexer) report(at Pos, msg string) {
	if l.full {
		return
	}
	class := ErrSyntax
	if len(l.errs) == maxErrors {
		l.full = true
		msg, class = fmt.Sprintf("there are more than %d errors: the rest is not told", maxErrors), ErrMore
	}
	l.errs = append(l.errs, &Error{l.name, at, msg, class})
}

// operator returns the kind and the end of what stands at l.off, where its first character alone doesn't tell it.
func (l *lexer) operator() (k kind, end uint32) {
	rest := l.src[l.off:]
	c := rest[0]
	if meant, n := misspelt(c, rest); meant != "" {
		l.wrong = fmt.Sprintf("unknown operator %q: did you mean %q?", rest[:n], meant)
		return tBad, l.off + uint32(n)
	}
	if c < utf8.RuneSelf {
		op := &pairs[c]
		if op.second != 0 && len(rest) > 1 && rest[1] == op.second {
			return op.both, l.off + 2
		}
		if op.alone != tBad {
			return op.alone, l.off + 1
		}
	}
	_, n := utf8.DecodeRuneInString(rest)
	l.wrong = badChar(rest)
	if c == '.' && l.off > 0 && isLetter(l.src[l.off-1]) {
		l.wrong = `found ".", and a dot in a name has a letter on both sides`
	}
	return tBad, l.off + uint32(n)
}

// Words returns the names that a text has, whatever it is.
func Words(text string) []string {
	var words []string
	l := lexer{src: text, line: 1}
	for {
		switch l.skip(); l.tok.kind {
		case tEOF:
			return words
		case tWord:
			words = append(words, l.word())
		}
	}
}
