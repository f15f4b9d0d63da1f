// Package ascii changes the case of the words of the policy language and of the kernel's names. Package strings does it
// for all letters there are, with a table of them: that links 14 KB.
package ascii

// Lower returns text with its ASCII letters in lower case.
func Lower(text string) string { return cased(text, 'A', 'Z') }

// Upper returns text with its ASCII letters in upper case.
func Upper(text string) string { return cased(text, 'a', 'z') }

// cased changes the case of the letters from first to last.
//
//go:noinline
func cased(text string, first, last byte) string {
	var b []byte
	for i := range len(text) {
		if c := text[i]; first <= c && c <= last {
			if b == nil {
				b = []byte(text)
			}
			b[i] = c ^ ('a' - 'A')
		}
	}
	if b == nil {
		return text
	}
	return string(b)
}
