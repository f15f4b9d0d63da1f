package bdd

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
	if lo == hi {
		return d.Masked(base, bits, ^uint64(0), lo)
	}
	n := d.AtMost(base, bits, hi)
	if lo > 0 {
		n = d.And(n, d.Not(d.AtMost(base, bits, lo-1)))
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
