package filter

import (
	"math"
	"math/bits"

	"github.com/stagelock/seccomp/internal/bpf"
)

// An item is an interval of values that all lead to the same place.
type item struct {
	lo, hi uint32
	to     int32   // not negative: whatever the caller numbers
	weight float64 // how often it is asked for
}

// A test is a step of a search: an instruction that looks at A. Its sides are other tests, by their index, or places,
// as ^to.
type test struct {
	op      uint16 // a conditional jump; or bpf.And, after which no's test looks at what is left
	k       uint32
	yes, no int32
}

// exactKeys is how many keys are searched for the best tests of all; more are halved first. The cost of the exact
// search grows with 2 to the keys.
const exactKeys = 7

// A searcher finds short searches: trees of tests that tell for a value which item it is in.
//
// One place, the one that most items lead to, is the background; the items that lead elsewhere are the keys. A search
// is over when one key is left and the value is known to be in it, or none. Tests are jeq, which tells a key of a
// single value from all the rest; jge, which parts the keys at an edge of one of them; and jset, where keys that lead
// to one place are all the values that some bits can form (0, 1, 4 and 5). What a key weighs is paid for each test on
// its path: the exact search tries all trees of such tests and keeps what it learns about each set of keys; for many
// keys, the weights are halved until few are left, a key with much of the weight being asked for first. That is
// within a small fraction of the best, and no path gets longer than twice the logarithm of the keys, plus a constant.
type searcher struct {
	tests []test
	spoil bool // A need not keep the value: AND may be used

	few few

	background int32
	keys       []item
	miss       float64 // what missing all keys weighs, for each gap between keys

	// Of the exact search, over subsets of at most exactKeys keys from base on.
	base   []item
	alone  uint                    // the keys of a single value that have no neighbour
	subset [1 << exactKeys]float64 // weights
	cost   [4 << exactKeys]float64 // by subset, and which outer edges are known
	choice [4 << exactKeys]choice
	stamp  [4 << exactKeys]uint32
	now    uint32
	cubes  []cube
}

// A choice is the test that is best for a subset of keys.
type choice struct {
	op          uint16
	k           uint32
	yes, no     uint16 // the subsets left, with their known edges: indexes into choice
	yesTo, noTo int32  // or the places, where they are not negative
}

// A cube is a set of keys that together are all submasks of a mask and lead to one place.
type cube struct {
	keys uint16
	mask uint32
}

// The outer edges of a subset that are known: the value is not below its lowest key, not above its highest.
const (
	knowLo = 1
	knowHi = 2
)

// search returns the tests for items, which are in order, leave no gap, and are of values up to top.
// It returns an index into tests, or ^to where all lead to one place; and the sum of weight × tests.
func (s *searcher) search(items []item, miss float64) (root int32, cost float64) {
	s.miss = miss
	if len(items) <= fewItems {
		return s.few.search(s, items)
	}
	s.background = commonest(items)
	s.keys = s.keys[:0]
	for _, it := range items {
		if it.to != s.background {
			s.keys = append(s.keys, it)
		}
	}
	known := 0
	if len(s.keys) > 0 {
		if s.keys[0].lo == items[0].lo {
			known |= knowLo
		}
		if s.keys[len(s.keys)-1].hi == items[len(items)-1].hi {
			known |= knowHi
		}
	}
	return s.part(s.keys, known)
}

// commonest returns the place that most items lead to.
func commonest(items []item) (to int32) {
	best := -1
	for i := range items {
		n := 0
		for j := range items {
			if items[j].to == items[i].to {
				n++
			}
		}
		if n > best {
			best, to = n, items[i].to
		}
		if i == 1 && len(items) > 2*exactKeys {
			break // items of a long list alternate with the background
		}
	}
	return to
}

func (s *searcher) add(t test) int32 {
	if t.yes == t.no {
		return t.yes
	}
	s.tests = append(s.tests, t)
	return int32(len(s.tests) - 1)
}

// part finds the tests for any number of keys.
func (s *searcher) part(keys []item, known int) (root int32, cost float64) {
	if len(keys) <= exactKeys {
		return s.exact(keys, known)
	}
	total, heaviest := 0.0, 0
	for i := range keys {
		total += keys[i].weight
		if keys[i].weight > keys[heaviest].weight {
			heaviest = i
		}
	}
	total += s.miss * float64(len(keys))
	if h := keys[heaviest]; h.weight > total/3 && h.lo == h.hi {
		rest := make([]item, 0, len(keys)-1)
		rest = append(append(rest, keys[:heaviest]...), keys[heaviest+1:]...)
		no, c := s.part(rest, edgesWithout(heaviest, len(keys), known))
		return s.add(test{bpf.JumpEq, h.lo, ^h.to, no}), total + c
	}
	at, k, lo, hi := s.halve(keys, total)
	no, c0 := s.part(keys[:at], known&knowLo|hi)
	yes, c1 := s.part(keys[at:], known&knowHi|lo)
	return s.add(test{bpf.JumpGe, k, yes, no}), total + c0 + c1
}

// edgesWithout returns which outer edges are still known when the i-th of n keys is out.
func edgesWithout(i, n, known int) int {
	if i == 0 {
		known &^= knowLo
	}
	if i == n-1 {
		known &^= knowHi
	}
	return known
}

// halve returns where to part the keys: those from at on are k or more. Among the places that leave about half the
// weight on each side it prefers the edge of a key of many values, which would have to be tested anyway.
func (s *searcher) halve(keys []item, total float64) (at int, k uint32, lo, hi int) {
	best := math.Inf(1)
	below := 0.0
	even := total / float64(len(keys)) / 2 // bounds the depth where weights are uneven
	for i := 1; i < len(keys); i++ {
		below += (keys[i-1].weight + s.miss + even) / 1.5
		uneven := math.Abs(total - 2*below)
		wide := keys[i].lo != keys[i].hi
		wideBefore := keys[i-1].lo != keys[i-1].hi
		if !wide && !wideBefore {
			uneven += total / 6
		}
		if uneven < best {
			best, at = uneven, i
			k, lo, hi = keys[i].lo, knowLo, 0
			if !wide && wideBefore {
				k, lo, hi = keys[i-1].hi+1, 0, knowHi
			}
			if keys[i-1].hi+1 == keys[i].lo {
				lo, hi = knowLo, knowHi
			}
		}
	}
	return at, k, lo, hi
}

// exact finds the best tests for a few keys.
func (s *searcher) exact(keys []item, known int) (root int32, cost float64) {
	if len(keys) == 0 {
		return ^s.background, 0
	}
	s.base = keys
	s.now++
	s.subset[0] = 0
	s.alone = 0
	for i := range keys {
		if keys[i].lo == keys[i].hi && (i == 0 || keys[i-1].hi+1 != keys[i].lo) &&
			(i == len(keys)-1 || keys[i+1].lo != keys[i].hi+1) {
			s.alone |= 1 << i
		}
		for sub := range 1 << i {
			s.subset[1<<i|sub] = s.subset[sub] + keys[i].weight
		}
	}
	s.findCubes()
	all := s.state(1<<len(keys)-1, known)
	cost = s.best(all)
	return s.build(all), cost
}

// state packs a subset of keys and its known edges: where a key begins or ends with what a word can hold, that is
// known whatever was tested. Edges that tell nothing are left out: a single value without a neighbour is always tested
// with jeq.
func (s *searcher) state(keys uint, known int) uint {
	if keys == 0 {
		return 0
	}
	lowest, highest := bits.TrailingZeros(keys), bits.Len(keys)-1
	if s.base[lowest].lo == 0 {
		known |= knowLo
	}
	if s.base[highest].hi == 1<<32-1 {
		known |= knowHi
	}
	if s.alone>>lowest&1 == 1 {
		known &^= knowLo
	}
	if s.alone>>highest&1 == 1 {
		known &^= knowHi
	}
	return keys<<2 | uint(known)
}

// without returns the state that is left of one when a key of it is out.
func (s *searcher) without(state uint, key int) uint {
	keys, known := state>>2, int(state&3)
	left := keys &^ (1 << key)
	if left == 0 {
		return 0
	}
	it := &s.base[key]
	if next := bits.TrailingZeros(left); next > key && s.base[next].lo != it.hi+1 {
		known &^= knowLo
	}
	if next := bits.Len(left) - 1; next < key && s.base[next].hi+1 != it.lo {
		known &^= knowHi
	}
	return s.state(left, known)
}

// done tells whether nothing is left to test in a state, and what it leads to.
func (s *searcher) done(state uint) (to int32, ok bool) {
	keys := state >> 2
	if keys == 0 {
		return s.background, true
	}
	if keys&(keys-1) == 0 && state&3 == knowLo|knowHi {
		return s.base[bits.TrailingZeros(keys)].to, true
	}
	return 0, false
}

// size is what an instruction costs in itself: of two searches as short, the smaller one is taken.
const size = 1e-3

// best returns the least cost of a state and notes the test that has it.
func (s *searcher) best(state uint) float64 {
	if _, ok := s.done(state); ok {
		return 0
	}
	if s.stamp[state] == s.now {
		return s.cost[state]
	}
	keys, known := state>>2, int(state&3)
	least := math.Inf(1)
	var how choice
	try := func(op uint16, k uint32, yes, no uint) {
		if c := s.best(yes) + s.best(no); c < least {
			least, how = c, choice{op: op, k: k, yes: uint16(yes), no: uint16(no), yesTo: -1, noTo: -1}
		}
	}
	before := -1 // the key below key
	for rest := keys; rest != 0; rest &= rest - 1 {
		key := bits.TrailingZeros(rest)
		it := &s.base[key]
		below, from := keys&(1<<key-1), rest
		wide := it.lo != it.hi
		if !wide {
			no := s.without(state, key)
			if c := s.best(no); c < least {
				least, how = c, choice{op: bpf.JumpEq, k: it.lo, no: uint16(no), yesTo: it.to, noTo: -1}
			}
		}
		if below != 0 || wide && known&knowLo == 0 {
			hi := 0
			if before >= 0 && s.base[before].hi+1 == it.lo {
				hi = knowHi
			}
			try(bpf.JumpGe, it.lo, s.state(from, known&knowHi|knowLo), s.state(below, known&knowLo|hi))
		}
		if above := rest & (rest - 1); wide && (above != 0 || known&knowHi == 0) {
			lo := 0
			if above != 0 && s.base[bits.TrailingZeros(above)].lo == it.hi+1 {
				lo = knowLo
			}
			try(bpf.JumpGe, it.hi+1, s.state(above, known&knowHi|lo), s.state(below|1<<key, known&knowLo|knowHi))
		}
		before = key
	}
	for _, c := range s.cubes {
		if in := uint(c.keys); in&keys == in {
			yes := s.state(keys&^in, 0)
			if cost := s.best(yes); cost < least {
				least, how = cost, choice{op: bpf.JumpSet, k: ^c.mask, yes: uint16(yes), yesTo: -1,
					noTo: s.base[bits.TrailingZeros(in)].to}
			}
		}
	}
	each := s.subset[keys] + s.miss*float64(bits.OnesCount(keys)+1) + size
	least += each
	if mask, value, ok := s.wholeCube(keys); ok && 2*each < least {
		least = 2 * each
		how = choice{op: bpf.And, k: ^mask, yes: uint16(0), yesTo: s.base[bits.TrailingZeros(keys)].to, noTo: int32(value)}
	}
	s.stamp[state], s.cost[state], s.choice[state] = s.now, least, how
	return least
}

// build makes the tests that best chose.
func (s *searcher) build(state uint) int32 {
	if to, ok := s.done(state); ok {
		return ^to
	}
	how := s.choice[state]
	if how.op == bpf.And {
		eq := s.add(test{bpf.JumpEq, uint32(how.noTo), ^how.yesTo, ^s.background})
		s.tests = append(s.tests, test{op: bpf.And, k: how.k, no: eq})
		return int32(len(s.tests) - 1)
	}
	yes, no := ^how.yesTo, ^how.noTo
	if how.yesTo < 0 {
		yes = s.build(uint(how.yes))
	}
	if how.noTo < 0 {
		no = s.build(uint(how.no))
	}
	return s.add(test{how.op, how.k, yes, no})
}

// findCubes looks among the keys for the submasks of each key's largest value.
func (s *searcher) findCubes() {
	s.cubes = s.cubes[:0]
	if s.base[0].lo != 0 {
		return
	}
	for i := range s.base {
		mask := s.base[i].hi
		if i == 0 || bits.OnesCount32(mask) > 6 || mask&(mask+1) == 0 {
			continue // from 0 to mask without a gap is one key
		}
		var in uint16
		count := uint64(0)
		for j := range s.base[:i+1] {
			k := &s.base[j]
			if k.to == s.base[i].to && submasks(k.lo, k.hi, mask) {
				in |= 1 << j
				count += uint64(k.hi-k.lo) + 1
			}
		}
		if count == 1<<bits.OnesCount32(mask) {
			s.cubes = append(s.cubes, cube{in, mask})
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

// wholeCube tells whether the keys are single values that lead to one place and are all that the bits of mask can
// form on top of value: then an AND and one comparison find them.
func (s *searcher) wholeCube(keys uint) (mask, value uint32, ok bool) {
	n := bits.OnesCount(keys)
	if !s.spoil || n < 4 || n&(n-1) != 0 {
		return 0, 0, false
	}
	first := &s.base[bits.TrailingZeros(keys)]
	or, and := first.lo, first.lo
	for rest := keys; rest != 0; rest &= rest - 1 {
		it := &s.base[bits.TrailingZeros(rest)]
		if it.lo != it.hi || it.to != first.to {
			return 0, 0, false
		}
		or, and = or|it.lo, and&it.lo
	}
	mask = or ^ and
	return mask, and, 1<<bits.OnesCount32(mask) == n
}
