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
	tBad kind = iota // what is no token: lexer.wrong says why
	tGap             // what stands between tokens; the lexer never gives it
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
	tNumber
	tWord
	tEOF
	tEnd // the end of a statement; the lexer never gives it
)

// first has, by its first character, what a token is; tBad where that depends on the next, or where there is none.
var first = [256]kind{
	' ': tGap, '\t': tGap, '\n': tGap, '\r': tGap, '#': tGap,
	'(': tLParen, ')': tRParen, '{': tLBrace, '}': tRBrace,
	',': tComma, ';': tSemi, ':': tColon, '~': tTilde, '-': tMinus,
	'0': tNumber, '1': tNumber, '2': tNumber, '3': tNumber, '4': tNumber,
	'5': tNumber, '6': tNumber, '7': tNumber, '8': tNumber, '9': tNumber,
	'A': tWord, 'B': tWord, 'C': tWord, 'D': tWord, 'E': tWord, 'F': tWord, 'G': tWord,
	'H': tWord, 'I': tWord, 'J': tWord, 'K': tWord, 'L': tWord, 'M': tWord, 'N': tWord,
	'O': tWord, 'P': tWord, 'Q': tWord, 'R': tWord, 'S': tWord, 'T': tWord, 'U': tWord,
	'V': tWord, 'W': tWord, 'X': tWord, 'Y': tWord, 'Z': tWord, '_': tWord,
	'a': tWord, 'b': tWord, 'c': tWord, 'd': tWord, 'e': tWord, 'f': tWord, 'g': tWord,
	'h': tWord, 'i': tWord, 'j': tWord, 'k': tWord, 'l': tWord, 'm': tWord, 'n': tWord,
	'o': tWord, 'p': tWord, 'q': tWord, 'r': tWord, 's': tWord, 't': tWord, 'u': tWord,
	'v': tWord, 'w': tWord, 'x': tWord, 'y': tWord, 'z': tWord,
}

// comparison tells whether k is one of == != < <= > >=, and which.
func (k kind) comparison() (Op, bool) { return Op(k - tEq), k.compares() }

func (k kind) compares() bool { return k-tEq <= tGe-tEq }

// A token is a word of the text. It has no pointer, since it is written so often.
type token struct {
	kind     kind
	dotted   bool // it is a word with a dot in it
	nl       bool // it is the first of its line
	joins    bool // it is else or including, with which a rule goes on even at the beginning of a line
	blank    bool // an empty line stands before it
	from, to uint32
	pos      Pos
}

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

// first returns the kind of the token at l.off, as its first character tells it.
func (l *lexer) first() kind {
	if int(l.off) < len(l.src) {
		return first[l.src[l.off]]
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
	k := l.first()
	if k == tGap {
		l.gap()
		k = l.first()
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

// colon takes the colon behind the lookahead into it.
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

// pairs has the operators that may have a second character: what they are alone, and with it.
var pairs = [128]struct {
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

// wordEnd returns the end of the dotted name that stands in s at off.
func wordEnd(s string, off uint32) uint32 {
	end := plainEnd(s, off)
	for int(end)+1 < len(s) && s[end] == '.' && isLetter(s[end+1]) {
		end = plainEnd(s, end+1)
	}
	return end
}

// plainEnd returns the end of the letters and digits that stand in s at off.
func plainEnd(s string, off uint32) uint32 {
	for int(off) < len(s) && isPlain(s[off]) {
		off++
	}
	return off
}

// blanksEnd returns the end of the blanks that stand in s at off.
func blanksEnd(s string, off uint32) uint32 {
	for int(off) < len(s) && isBlank(s[off]) {
		off++
	}
	return off
}

func isPlain(c byte) bool  { return first[c] >= tNumber }
func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' || c == '_' }
func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
func isBlank(c byte) bool  { return c == ' ' || c == '\t' }

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
