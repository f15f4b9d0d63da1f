package rule

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A kind is the kind of a token.
type kind uint8

const (
	tEOF kind = iota
	tEnd      // the end of a statement; the lexer never gives it
	tBad      // what is no token: lexer.wrong says why
	tWord
	tNumber
	tLParen
	tRParen
	tLBrace
	tRBrace
	tComma
	tSemi
	tColon
	tDots // ..
	tOrOr
	tAndAnd
	tNot
	tPipe
	tAmp
	tTilde
	tMinus
	tAssign
	tEq // the comparisons in the order of Op
	tNe
	tLt
	tLe
	tGt
	tGe
)

// comparison tells whether k is one of == != < <= > >=, and which.
func (k kind) comparison() (Op, bool) { return Op(k - tEq), k >= tEq }

// A token is a word of the text. It has no pointer, since it is written so often.
type token struct {
	kind     kind
	nl       bool // it is the first of its line
	joins    bool // and yet the statement above goes on with it: see parser.continues
	blank    bool // an empty line stands before it
	from, to int32
	pos      Pos
}

// end returns the place behind t.
func (t token) end() Pos { return Pos{t.pos.Line, t.pos.Col + t.to - t.from} }

// A comment is one comment: see Comments for what is in its text.
type comment struct {
	line  int32
	blank bool // an empty line stands before it
	text  string
}

// A lexer cuts a text into tokens. Comments are no tokens: they are put aside.
type lexer struct {
	src      string
	off      int
	line     int32
	lineOff  int // where the line begins
	started  bool
	comments []comment
	mistaken []mistaken // comments that are not taken down as mistakes yet
	wrong    string     // what is wrong with the last tBad
}

// A mistaken has what is wrong with a comment, and where.
type mistaken struct {
	at  Pos
	msg string
}

func (l *lexer) pos(off int) Pos { return Pos{l.line, int32(off-l.lineOff) + 1} }

// next makes t the next token.
func (l *lexer) next(t *token) {
	lines := 0 // begun since the last token or comment
	nl := !l.started
	l.started = true
	src, off := l.src, l.off
	for ; off < len(src); off++ {
		c := src[off]
		if c > ' ' && c != '#' {
			break
		}
		switch {
		case c == ' ' || c == '\t':
			continue
		case c == '\n':
			l.line++
			l.lineOff = off + 1
			lines++
			nl = true
			continue
		case c == '\r' && strings.HasPrefix(src[off+1:], "\n"):
			continue
		case c == '#':
			l.off = off
			l.comment(lines > 1)
			off = l.off
			lines = 0
			continue
		}
		break
	}
	n := 0
	if t.kind = tEOF; off < len(src) {
		rest := src[off:]
		switch c := rest[0]; {
		case isLetter(c):
			t.kind, n = tWord, wordLen(rest)
		case isDigit(c):
			t.kind, n = tNumber, plainLen(rest)
		default:
			l.off = off
			t.kind, n = l.operator(rest)
		}
	}
	l.off = off + n
	t.nl, t.blank = nl, lines > 1
	t.from, t.to, t.pos = int32(off), int32(off+n), l.pos(off)
}

// comment puts aside the comment at l.off and leaves l.off at its last byte.
func (l *lexer) comment(blank bool) {
	start := l.off
	end := len(l.src)
	if i := strings.IndexByte(l.src[start:], '\n'); i >= 0 {
		end = start + i
	}
	text := strings.TrimSuffix(l.src[start+1:end], "\r")
	for i, r := range text {
		if msg := badInComment(text[i:], r); msg != "" {
			l.mistaken = append(l.mistaken, mistaken{l.pos(start + 1 + i), msg})
			break
		}
	}
	text = strings.TrimRight(strings.TrimPrefix(text, " "), " \t")
	if text == "" {
		text = " "
	}
	l.comments = append(l.comments, comment{l.line, blank, text})
	l.off = end - 1
}

// badInComment says what is wrong with the character r that rest begins with, "" if nothing is.
func badInComment(rest string, r rune) string {
	switch {
	case r < utf8.RuneSelf && r >= ' ' && r != 0x7f || r == '\t':
		return ""
	case unicode.IsControl(r), r == utf8.RuneError && !strings.HasPrefix(rest, "\ufffd"):
		return badChar(rest)
	case unicode.Is(unicode.Bidi_Control, r), r == '\u2028', r == '\u2029':
		return fmt.Sprintf("found the invisible character %U, which makes a text look other than it is: remove it", r)
	}
	return ""
}

// badChar says what is wrong with the character at the beginning of s, which no token begins with.
func badChar(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	switch {
	case r == utf8.RuneError && n == 1:
		return fmt.Sprintf("found the byte 0x%02x, which is not UTF-8: a policy is a text", s[0])
	case r == 0:
		return "found a NUL byte: a policy is a text"
	case r == '\r':
		return "found a carriage return without a line feed: lines end with LF or CR LF"
	case unicode.IsControl(r):
		return fmt.Sprintf("found the control character %U: a policy is a text", r)
	case r == '"' || r == '\'' || r == '`':
		return fmt.Sprintf("found a quote (%c): names are written without quotes", r)
	case strings.HasPrefix(s, "//"), strings.HasPrefix(s, "/*"):
		return fmt.Sprintf("found %q: a comment begins with #", s[:2])
	case r >= utf8.RuneSelf:
		return fmt.Sprintf("found the character %q (%U): names and operators are ASCII", r, r)
	case r == '.':
		return `found ".": numbers are whole, and a range is written A..B`
	}
	if instead := foreign(r); instead != "" {
		return fmt.Sprintf("found the character '%c': %s", r, instead)
	}
	return fmt.Sprintf("found the character %q, which the policy language doesn't have", r)
}

// operators has, by their first character, the tokens that are no words or numbers: alone, and with a second one.
var operators = [128]struct {
	alone  kind
	second byte
	both   kind
}{
	'|': {tPipe, '|', tOrOr},
	'&': {tAmp, '&', tAndAnd},
	'=': {tAssign, '=', tEq},
	'!': {tNot, '=', tNe},
	'<': {tLt, '=', tLe},
	'>': {tGt, '=', tGe},
	'.': {tBad, '.', tDots},
	'(': {alone: tLParen},
	')': {alone: tRParen},
	'{': {alone: tLBrace},
	'}': {alone: tRBrace},
	',': {alone: tComma},
	';': {alone: tSemi},
	':': {alone: tColon},
	'~': {alone: tTilde},
	'-': {alone: tMinus},
}

// operator returns the kind and the length of the operator that rest, which stands at l.off, begins with.
func (l *lexer) operator(rest string) (k kind, n int) {
	c := rest[0]
	if meant, n := misspelt(c, rest); meant != "" {
		l.wrong = fmt.Sprintf("unknown operator %q: did you mean %q?", rest[:n], meant)
		return tBad, n
	}
	if c < utf8.RuneSelf {
		op := &operators[c]
		if op.second != 0 && len(rest) > 1 && rest[1] == op.second {
			return op.both, 2
		}
		if op.alone != tEOF && op.alone != tBad {
			return op.alone, 1
		}
	}
	_, n = utf8.DecodeRuneInString(rest)
	l.wrong = badChar(rest)
	if c == '.' && l.off > 0 && isLetter(l.src[l.off-1]) {
		l.wrong = `found ".", and a dot in a name has a letter on both sides`
	}
	return tBad, n
}

// wordLen returns the length of the dotted name that s begins with.
func wordLen(s string) int {
	n := plainLen(s)
	for n+1 < len(s) && s[n] == '.' && isLetter(s[n+1]) {
		n += 1 + plainLen(s[n+1:])
	}
	return n
}

// plainLen returns the length of the letters and digits that s begins with.
func plainLen(s string) int {
	n := 0
	for n < len(s) && plain[s[n]] {
		n++
	}
	return n
}

// plain tells which characters are letters or digits.
var plain = [256]bool{
	'0': true, '1': true, '2': true, '3': true, '4': true, '5': true, '6': true, '7': true, '8': true, '9': true,
	'A': true, 'B': true, 'C': true, 'D': true, 'E': true, 'F': true, 'G': true, 'H': true, 'I': true, 'J': true,
	'K': true, 'L': true, 'M': true, 'N': true, 'O': true, 'P': true, 'Q': true, 'R': true, 'S': true, 'T': true,
	'U': true, 'V': true, 'W': true, 'X': true, 'Y': true, 'Z': true, '_': true,
	'a': true, 'b': true, 'c': true, 'd': true, 'e': true, 'f': true, 'g': true, 'h': true, 'i': true, 'j': true,
	'k': true, 'l': true, 'm': true, 'n': true, 'o': true, 'p': true, 'q': true, 'r': true, 's': true, 't': true,
	'u': true, 'v': true, 'w': true, 'x': true, 'y': true, 'z': true,
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' || c == '_' }
func isDigit(c byte) bool  { return '0' <= c && c <= '9' }

// Words returns the names that a text has, whatever it is.
func Words(text string) []string {
	var words []string
	l := lexer{src: text, line: 1}
	for {
		var t token
		switch l.next(&t); t.kind {
		case tEOF:
			return words
		case tWord:
			words = append(words, text[t.from:t.to])
		}
	}
}
