package kernel

import (
	"strconv"
	"strings"
)

// A text is a table as one string, which is smaller than a slice of strings and needs no relocation: lines "NAME" or
// "NAME VALUE", by ascending NAME, each ended by a newline.
type text string

// search returns where the first line begins whose name is not before name.
func (t text) search(name string) int {
	lo, hi := 0, len(t) // both at the beginning of a line, or the end
	for lo < hi {
		mid := strings.LastIndexByte(string(t[:(lo+hi)/2]), '\n') + 1
		n, _, rest := t.line(max(lo, mid))
		if n < name {
			lo = rest
		} else {
			hi = max(lo, mid)
		}
	}
	return lo
}

// line takes the line that begins at i apart; next is where the one behind it begins.
func (t text) line(i int) (name, value string, next int) {
	n := strings.IndexByte(string(t[i:]), '\n')
	name, value, _ = strings.Cut(string(t[i:i+n]), " ")
	return name, value, i + n + 1
}

// name returns the name of the line that begins at i.
func (t text) name(i int) string {
	name, _, _ := t.line(i)
	return name
}

func (t text) get(name string) (value string, ok bool) {
	i := t.search(name)
	if i == len(t) {
		return "", false
	}
	found, value, _ := t.line(i)
	return value, found == name
}

// number reads a value of a table, which the generator has checked.
func number(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		panic("kernel: bug: " + err.Error())
	}
	return n
}
