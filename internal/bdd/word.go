package bdd

import mathbits "math/bits"

// Words of many bits: a word at variable base has its most significant bit there and its least significant one at
// base+bits-1. That order keeps comparisons with constants as small as they can be.

// AtMost returns the condition that the word is at most max, unsigned.
func (d *Diagram) AtMost(base uint16, bits int, max uint64) Node {
	n := True
	for i := range bits {
		v := base + uint16(bits-1-i)
		if max>>i&1 == 1 {
			n = d.node(v, True, n)
		} else {
			n = d.node(v, n, False)
		}
	}
	return n
}

// Between returns the condition that lo ≤ word ≤ hi, unsigned.
func (d *Diagram) Between(base uint16, bits int, lo, hi uint64) Node {
	if lo > hi {
		return False
	}
	// From the least significant bit on, the words that are at least lo and those that are at most hi; where lo and hi
	// differ first, seen from the other end, they come together, and what is above is equal to both.
	n, least, most := True, True, True
	first := mathbits.Len64(lo^hi) - 1 // -1: they are equal
	for i := range bits {
		v := base + uint16(bits-1-i)
		l, h := lo>>i&1 == 1, hi>>i&1 == 1
		switch {
		case i < first:
			if l {
				least = d.node(v, False, least)
			} else {
				least = d.node(v, least, True)
			}
			if h {
				most = d.node(v, True, most)
			} else {
				most = d.node(v, most, False)
			}
		case i == first:
			n = d.node(v, least, most)
		case l:
			n = d.node(v, False, n)
		default:
			n = d.node(v, n, False)
		}
	}
	return n
}

// Masked returns the condition that word & mask == value, bits of value outside mask and the word being ignored.
func (d *Diagram) Masked(base uint16, bits int, mask, value uint64) Node {
	n := True
	for i := range bits {
		if mask>>i&1 == 0 {
			continue
		}
		v := base + uint16(bits-1-i)
		if value>>i&1 == 1 {
			n = d.node(v, False, n)
		} else {
			n = d.node(v, n, False)
		}
	}
	return n
}
