package rule

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"

	"github.com/stagelock/seccomp/internal/ascii"
)

// A Number is a number as written: its zero value, but for Abs and Neg, is written in decimal. It has no pointer: the
// numbers of a text are many, and the garbage collector goes past them.
type Number struct {
	Pos
	Abs      uint64 // at most 1<<63 where Neg
	zeros    uint32 // how many stand between prefix and digits
	capitals uint16 // which of the digits are capital letters, the last one first
	prefix   prefix
	Neg      bool // a minus stands before it
}

// A prefix is what a number begins with, and so its base.
type prefix uint8

const (
	decimal  prefix = iota
	cOctal          // 017
	goOctal         // 0o17
	bigOctal        // 0O17
	hex             // 0x1f
	bigHex          // 0X1f
)

var prefixes = [...]string{decimal: "", cOctal: "0", goOctal: "0o", bigOctal: "0O", hex: "0x", bigHex: "0X"}

// base returns the base, with its name and how many bits a digit has in it.
func (p prefix) base() (base uint64, name string, bits int) {
	switch p {
	case decimal:
		return 10, "decimal", 0
	case hex, bigHex:
		return 16, "hexadecimal", 4
	}
	return 8, "octal", 3
}

// Hex returns a number that is written in hexadecimal.
func Hex(abs uint64) *Number { return &Number{Abs: abs, prefix: hex} }

// Text returns the number as written, without the minus.
func (n *Number) Text() string { return string(n.appendText(nil)) }

func (n *Number) appendText(text []byte) []byte {
	text = append(text, prefixes[n.prefix]...)
	for range n.zeros {
		text = append(text, '0')
	}
	base, _, _ := n.prefix.base()
	text = strconv.AppendUint(text, n.Abs, int(base))
	for i := range bits.Len16(n.capitals) {
		if n.capitals>>i&1 == 1 {
			text[len(text)-1-i] -= 'a' - 'A'
		}
	}
	return text
}

// read makes n the number of a text of several digits, without a sign, or says what is wrong with it. Octal numbers are
// written as in Go, 0o17, or as in C, 017.
func (n *Number) read(text string) (msg string) {
	if text[0] == '0' {
		switch text[1] {
		case 'x':
			n.prefix = hex
		case 'X':
			n.prefix = bigHex
		case 'o':
			n.prefix = goOctal
		case 'O':
			n.prefix = bigOctal
		case 'b', 'B':
			return fmt.Sprintf("found the binary number %s: numbers are decimal, hexadecimal (0x1f) or octal (0o17)", quote(text))
		default:
			n.prefix = cOctal
		}
	}
	digits := text[len(prefixes[n.prefix]):]
	if digits == "" {
		return fmt.Sprintf("found %s without digits", quote(text))
	}
	base, name, width := n.prefix.base()
	abs, over, capitals := uint64(0), uint64(0), uint16(0)
	for i := range len(digits) {
		if d := digit(digits[i]); d < base {
			high, low := bits.Mul64(abs, base)
			sum, carry := bits.Add64(low, d, 0)
			abs, over = sum, over|high|carry
			capitals <<= 1
			if d > 9 && digits[i] < 'a' {
				capitals |= 1
			}
			continue
		}
		rest := digits[i:]
		switch {
		case rest[0] == '_':
			return fmt.Sprintf(`found "_" in the number %s: write it without`, quote(text))
		case i > 0 && strings.Trim(ascii.Lower(rest), "ul") == "":
			return fmt.Sprintf("found the number %s with the suffix %s: write it without", quote(text), quote(rest))
		}
		return fmt.Sprintf("found %s, but %q is no %s digit", quote(text), rest[:1], name)
	}
	if over != 0 {
		return fmt.Sprintf("the number %s is too large: no argument has more than 64 bits", quote(text))
	}
	n.Abs, n.capitals = abs, capitals
	if n.prefix != decimal {
		n.zeros = uint32(len(digits) - max(1, (bits.Len64(abs)+width-1)/width))
	}
	return ""
}

// digit returns the value of a digit, a large number for any other character.
func digit(c byte) uint64 {
	switch {
	case isDigit(c):
		return uint64(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return uint64(c|0x20-'a') + 10
	}
	return 99
}
