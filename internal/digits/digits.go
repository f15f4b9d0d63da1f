// Package digits reads numbers that the kernel wrote. Package strconv does too, and says what is wrong with one that is
// none, which nobody asks here: that links 5 KB.
package digits

// Parse returns the number that text is, in base 10 or, with lower-case letters, 16. ok is false if it is none, or has
// more than that many bits, of which there are up to 64.
func Parse(text string, base uint64, bits int) (n uint64, ok bool) {
	most := uint64(1)<<(bits-1)<<1 - 1 // 1<<64 is 0
	for i := range len(text) {
		d := base
		switch c := text[i]; {
		case c >= '0' && c <= '9':
			d = uint64(c - '0')
		case c >= 'a' && c <= 'f':
			d = uint64(c-'a') + 10
		}
		if d >= base || d > most || n > (most-d)/base {
			return 0, false
		}
		n = n*base + d
	}
	return n, text != ""
}
