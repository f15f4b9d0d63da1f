package kernel

import (
	"bytes"
	"iter"
	"slices"
	"sort"
	"strings"
)

// Call returns the call of a name, given without sys_.
func (a *Arch) Call(name string) (c Call, ok bool) {
	i, _, ok := a.Place(name)
	if !ok {
		return Call{}, false
	}
	return a.At(i), true
}

// Place returns the place in Calls of the call of a name, and its number.
func (a *Arch) Place(name string) (i int, nr uint32, ok bool) {
	last := uint32(len(a.byName) - 1)
	for h := hash(name); len(a.byName) > 0; h++ {
		at := int(a.byName[h&last]) - 1
		if at < 0 {
			break
		}
		if nr, own := a.NameAt(at); own == name {
			return at, nr, true
		}
	}
	return 0, 0, false
}

// hash is FNV-1a of the size and each third byte, which tell names of calls apart: gen fills byName by it.
func hash(name string) uint32 {
	h := uint32(len(name))
	for i := 0; i < len(name); i += 3 {
		h = (h ^ uint32(name[i])) * 16777619
	}
	return h
}

// CallNr returns the call of a number.
func (a *Arch) CallNr(nr uint32) (c Call, ok bool) {
	i, ok := a.Index(nr)
	if !ok {
		return Call{}, false
	}
	return a.At(i), true
}

// At returns the call at a place, by ascending number: there are Len.
func (a *Arch) At(i int) Call {
	nr, name := a.NameAt(i)
	return Call{Name: name, Nr: nr, rank: a.calls[i].rank, at: uint16(i), of: a.prototypes}
}

// NameAt is At for those who want all calls and no more of them than this.
func (a *Arch) NameAt(i int) (nr uint32, name string) {
	e := &a.calls[i]
	return e.nr, a.names[e.name : int(e.name)+int(e.size)]
}

// Len returns how many calls there are.
func (a *Arch) Len() int { return len(a.calls) }

// Index returns the place in Calls of the call of a number, or where it would be.
func (a *Arch) Index(nr uint32) (i int, ok bool) {
	// Most numbers follow each other without a gap.
	if len(a.calls) > 0 {
		if i := nr - a.calls[0].nr; i < uint32(len(a.calls)) && a.calls[i].nr == nr {
			return int(i), true
		}
	}
	i = sort.Search(len(a.calls), func(i int) bool { return a.calls[i].nr >= nr })
	return i, i < len(a.calls) && a.calls[i].nr == nr
}

// Run returns the first calls from a number on whose numbers follow each other without a gap, ok being false if there are
// none up to hi.
func (a *Arch) Run(lo, hi uint32) (first, last uint32, ok bool) {
	i, _ := a.Index(lo)
	if i == len(a.calls) || a.calls[i].nr > hi {
		return 0, 0, false
	}
	rest := a.calls[i:]
	first = rest[0].nr
	if n := hi - first; n < uint32(len(rest)) && rest[n].nr == hi { // so it is with most
		return first, hi, true
	}
	n := sort.Search(len(rest), func(j int) bool { return rest[j].nr-first != uint32(j) || rest[j].nr > hi })
	return first, rest[n-1].nr, true
}

// Calls yields all calls by ascending number, each with its place.
func (a *Arch) Calls() iter.Seq2[int, Call] {
	return func(yield func(int, Call) bool) {
		for i := range a.calls {
			if !yield(i, a.At(i)) {
				return
			}
		}
	}
}

// KnownCall tells whether some architecture of Linux has a call of that name, given without sys_.
func KnownCall(name string) bool {
	_, ok := callNames.get(name)
	return ok
}

// CallNames yields the names of the calls of all architectures, in order.
func CallNames() iter.Seq[string] {
	return func(yield func(string) bool) {
		for e := callNames.all(); e.next() && yield(string(e.name)); {
		}
	}
}

// Const returns the value of a constant.
func (a *Arch) Const(name string) (value int64, ok bool) {
	for _, t := range a.tables() {
		if v, ok := t.get(name); ok {
			return v, true
		}
	}
	return 0, false
}

// tables returns what has the constants, each in one of them.
func (a *Arch) tables() [3]text {
	if a.consts == nil {
		return [3]text{}
	}
	return [3]text{a.consts.consts(), commonConsts, a.errnos}
}

// Consts yields all constants, in order.
func (a *Arch) Consts() iter.Seq[Const] { return a.ConstsWithPrefix("") }

// ConstsWithPrefix yields the constants whose names begin with prefix, such as MAP_, in order.
func (a *Arch) ConstsWithPrefix(prefix string) iter.Seq[Const] {
	return func(yield func(Const) bool) {
		var left []reader // each at its first entry that was not told yet
		for _, t := range a.tables() {
			e := t.from(prefix)
			more := e.next()
			for more && string(e.name) < prefix {
				more = e.next()
			}
			if more {
				left = append(left, e)
			}
		}
		for len(left) > 0 {
			first := 0
			for i := range left {
				if bytes.Compare(left[i].name, left[first].name) < 0 {
					first = i
				}
			}
			e := &left[first]
			c := Const{string(e.name), e.value}
			if !strings.HasPrefix(c.Name, prefix) || !yield(c) {
				return
			}
			if !e.next() {
				left = slices.Delete(left, first, first+1)
			}
		}
	}
}

// Errno returns the number of an error: EPERM is 1.
func (a *Arch) Errno(name string) (n uint16, ok bool) {
	v, ok := a.errnos.get(name)
	return uint16(v), ok
}

// ErrnoName returns the name of an error number, and the usual one where it has two: EAGAIN, not EWOULDBLOCK.
func (a *Arch) ErrnoName(n uint16) (name string, ok bool) {
	for e := a.errnos.all(); e.next(); {
		// ENOTSUP is the C library's other name for EOPNOTSUPP, and the only such that comes first.
		if e.value == int64(n) && string(e.name) != "ENOTSUP" {
			return string(e.name), true
		}
	}
	return "", false
}
