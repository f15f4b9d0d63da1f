package kernel

// A text is a table of names with values as one string, which needs no relocation and is a third of what a slice would
// be. By ascending name each entry is
//
//	how many bytes the name shares with the one before, and how many more it has: a byte each
//	those bytes
//	the value, zigzag and varint as in package encoding/binary
//
// In front stands where to begin to look for a name: the number of blocks of 16 entries, of which the first shares
// nothing, and the place of each, two bytes each, the high one first.
type text string

// A reader goes through a text: next comes before the first entry and each further one.
type reader struct {
	rest  text
	name  []byte
	value int64
}

// all returns the entries of a text.
func (t text) all() reader {
	if t == "" {
		return reader{}
	}
	return reader{rest: t[2+2*t.two(0):]}
}

// two returns the two bytes at a place.
func (t text) two(at int) int { return int(t[at])<<8 | int(t[at+1]) }

// next goes on to the next entry; ok is false if there is none.
func (e *reader) next() (ok bool) {
	if e.rest == "" {
		return false
	}
	shared, more := e.entry()
	e.name = append(e.name[:shared], more...)
	return true
}

// entry reads an entry: its value, and how much of the name before and what else its name is.
func (e *reader) entry() (shared int, more text) {
	t := e.rest
	shared, more, t = int(t[0]), t[2:2+t[1]], t[2+t[1]:]
	n, last := uint64(0), 0
	for t[last] >= 0x80 {
		n |= uint64(t[last]&0x7f) << (7 * last)
		last++
	}
	n |= uint64(t[last]) << (7 * last)
	e.value, e.rest = int64(n>>1)^-int64(n&1), t[last+1:]
	return shared, more
}

// from returns the entries of a text from the block on in which a name is, if it is anywhere.
func (t text) from(name string) reader {
	all := t.all()
	if t == "" {
		return all
	}
	lo, hi := 0, t.two(0) // the block lies in between
	for hi-lo > 1 {
		mid := (lo + hi) / 2
		block := all.rest[t.two(2+2*mid):]
		if string(block[2:2+block[1]]) <= name {
			lo = mid
		} else {
			hi = mid
		}
	}
	all.rest = all.rest[t.two(2+2*lo):]
	return all
}

// get returns the value of a name.
func (t text) get(name string) (value int64, ok bool) {
	e := t.from(name)
	for same := 0; e.rest != ""; { // how many bytes of name the entry before began with; it came before name
		shared, more := e.entry()
		if shared > same {
			continue // as it did
		}
		if shared < same {
			break // what is left comes after name
		}
		for more != "" && same < len(name) && more[0] == name[same] {
			same, more = same+1, more[1:]
		}
		switch {
		case more == "" && same == len(name):
			return e.value, true
		case more != "" && (same == len(name) || more[0] > name[same]):
			return 0, false
		}
	}
	return 0, false
}
