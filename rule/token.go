package rule

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

// kinds has, by its first character, what a token is; tBad where that depends on the next, or where there is none.
var kinds = [256]kind{
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

func (k kind) compares() bool { return tEq <= k && k <= tGe }

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

func isPlain(c byte) bool  { return kinds[c] >= tNumber }
func isLetter(c byte) bool { return kinds[c] == tWord }
func isDigit(c byte) bool  { return kinds[c] == tNumber }
func isBlank(c byte) bool  { return c == ' ' || c == '\t' }
