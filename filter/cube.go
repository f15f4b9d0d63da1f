package filter

import "math/bits"

// A cube is a set of keys that together are all submasks of a mask and lead to one place.
type cube struct {
	keys uint16
	mask uint32
}

// tryCubes returns the best test for the keys left and what is left to pay after it, if that is less with the tests for
// cubes than it is without.
func (e *exact) tryCubes(left uint, each, least float64, best choice) (float64, choice) {
	for i, c := range e.cubes {
		if in := uint(c.keys); in&left == in {
			if cost := e.cost(e.state(left&^in, 0)); cost < least {
				least, best = cost, outOfCube.of(i)
			}
		}
	}
	if e.spoil && 2*each < least+each {
		if _, _, ok := e.wholeCube(left); ok {
			least, best = each, inCube
		}
	}
	return least, best
}

// findCubes looks among the keys for the submasks of each key's largest value.
func (e *exact) findCubes() {
	e.cubes = e.cubes[:0]
	if e.keys[0].lo != 0 {
		return
	}
	for i := range e.keys {
		mask := e.keys[i].hi
		if i == 0 || bits.OnesCount32(mask) > 6 || mask&(mask+1) == 0 {
			continue // from 0 to mask without a gap is one key
		}
		var in uint16
		count := uint64(0)
		for j := range e.keys[:i+1] {
			k := &e.keys[j]
			if k.to == e.keys[i].to && submasks(k.lo, k.hi, mask) {
				in |= 1 << j
				count += uint64(k.hi-k.lo) + 1
			}
		}
		if count == 1<<bits.OnesCount32(mask) {
			e.cubes = append(e.cubes, cube{in, mask})
		}
	}
}

// submasks tells whether all of lo to hi have no bits outside mask.
func submasks(lo, hi, mask uint32) bool {
	if hi&^mask != 0 || lo&^mask != 0 || hi-lo > 64 {
		return false
	}
	for x := lo; x < hi; x++ {
		if x&^mask != 0 {
			return false
		}
	}
	return true
}

// mayHoldCube tells whether some of the keys may be what wholeCube looks for: four values at least, of which four pairs
// differ in one bit.
func mayHoldCube(keys []item) bool {
	pairs := 0
	for i := range keys {
		for j := range keys[:i] {
			if x := keys[i].lo ^ keys[j].lo; x&(x-1) == 0 {
				pairs++
			}
		}
	}
	return pairs >= 4
}

// wholeCube tells whether the keys are single values that lead to one place and are all that the bits of mask can
// form on top of value: then an AND and one comparison find them.
func (e *exact) wholeCube(keys uint) (mask, value uint32, ok bool) {
	n := bits.OnesCount(keys)
	if n < 4 || n&(n-1) != 0 {
		return 0, 0, false
	}
	first := &e.keys[bits.TrailingZeros(keys)]
	or, and := first.lo, first.lo
	for rest := keys; rest != 0; rest &= rest - 1 {
		it := &e.keys[bits.TrailingZeros(rest)]
		if it.lo != it.hi || it.to != first.to {
			return 0, 0, false
		}
		or, and = or|it.lo, and&it.lo
	}
	mask = or ^ and
	return mask, and, 1<<bits.OnesCount32(mask) == n
}
