package filter

import (
	"math"
	"math/bits"

	"github.com/stagelock/seccomp/internal/bpf"
)

// fewItems is how many items are searched item by item, gaps included.
const fewItems = 8

// A few is the exact search for so few items that every set of them can be looked at. It knows more tests than the
// search for keys: a single value of the background is told from its neighbours by jeq too (all but 4), and jset parts
// the items by any of the bits that they differ in. A set is looked at only while it may cost less than what was found.
type few struct {
	tests []fewTest
	items int
	all   fewSet
	wide  fewSet                 // the items of several values
	lo    [fewItems]uint32       // the least value of each item
	ones  [fewItems]uint32       // the bits that any of its values has
	zeros [fewItems]uint32       // the bits that any of them lacks
	each  [1 << fewItems]float64 // what asks for the items of a set, and pays for each test
	costs [1 << fewItems]float64 // the least cost of a set, or before it is found what it is not below
	best  [1 << fewItems]uint8   // the best test of a set: its place in tests, from 1 on; 0 before it is found
}

// decided is the best test of a set whose items all lead to one place: none.
const decided = 1<<8 - 1

// A fewSet is a set of items, a bit for each.
type fewSet uint8

// A fewTest is a test, with the items for whose values it may be true, and those for which it may not be.
type fewTest struct {
	k       uint32
	op      uint16
	yes, no fewSet
}

// search returns the best tests for items, as indexes into s.tests.
func (f *few) search(s *searcher, items []item) (root int32, cost float64) {
	sets := 1 << len(items)
	for i := range items {
		own := items[i].weight + s.miss
		without := f.each[:1<<i]
		with, costs := f.each[1<<i:][:len(without)], f.costs[1<<i:][:len(without)]
		for others, each := range without {
			each += own
			with[others], costs[others] = each, each+size
		}
	}
	clear(f.best[:sets])
	for i, seen := 0, fewSet(0); i < len(items); i++ {
		if seen>>i&1 == 1 {
			continue
		}
		alike := fewSet(0) // the items that lead where this one does
		for j := i; j < len(items); j++ {
			if items[j].to == items[i].to {
				alike |= 1 << j
			}
		}
		seen |= alike
		for set := alike; set != 0; set = (set - 1) & alike {
			f.costs[set], f.best[set] = 0, decided
		}
	}
	f.findTests(items)
	all := fewSet(sets - 1)
	cost = f.cost(all, math.Inf(1))
	return f.build(s, items, all), cost
}

// findTests lists the tests that tell some items from others: of those that tell the same, the first is taken. Of jsets
// it lists those alone that may do better than a jeq or a jge.
func (f *few) findTests(items []item) {
	f.tests = f.tests[:0]
	f.items, f.all, f.wide = len(items), 1<<len(items)-1, 0
	differ := uint32(0)           // the bits of all values but those above the last edge
	var has, lacks uint32         // the bits that all values of some item before have, and those that they lack
	var hasLacks, lacksHas uint32 // the bits that an item before has, and one after it lacks; and the other way round
	turns := uint32(0)            // the bits for which it goes one way and back
	bit := fewSet(1)
	for i := range items {
		it := &items[i]
		if it.lo != it.hi {
			f.wide |= bit
		} else {
			f.tests = append(f.tests, fewTest{it.lo, bpf.JumpEq, bit, f.all &^ bit})
		}
		if i > 0 {
			f.tests = append(f.tests, fewTest{it.lo, bpf.JumpGe, f.all &^ (bit - 1), bit - 1})
			differ |= items[i-1].lo | items[i-1].hi
		}
		// From the first bit on in which the ends differ, all may be 0 or 1.
		free := uint32(1)<<bits.Len32(it.lo^it.hi) - 1
		f.lo[i], f.ones[i], f.zeros[i] = it.lo, it.lo|free, ^it.lo|free
		all, none := ^f.zeros[i], ^f.ones[i]
		turns |= hasLacks&all | lacksHas&none
		hasLacks |= has & none
		lacksHas |= lacks & all
		has |= all
		lacks |= none
		bit <<= 1
	}
	if bits.OnesCount32(differ) <= 3 {
		above := ^(uint32(1)<<bits.Len32(differ) - 1) // none but the last item has any of these
		for m := differ; m != 0; m = (m - 1) & differ {
			f.addMask(m)
			f.addMask(m | above)
		}
		return
	}
	for rest := turns; rest != 0; {
		bit := rest & -rest
		f.addMask(bit)
		rest &^= f.same(bit)
	}
	for i := range items[:len(items)-1] {
		if hi := items[i].hi; hi&(hi+1) != 0 { // or it is a jge
			f.addMask(^hi)
		}
	}
}

// addMask adds the jset of a mask, if it may do better than a jge, which it can't if one side must take only items that
// come before all that the other must, and than a jeq, which it can't if one side must take only a single value.
func (f *few) addMask(mask uint32) {
	mustNot, must, bit := fewSet(0), fewSet(0), fewSet(1)
	for _, ones := range f.ones[:f.items] {
		if ones&mask == 0 {
			mustNot |= bit
		}
		bit <<= 1
	}
	if f.single(mustNot) {
		return
	}
	bit = 1
	for i, ones := range f.ones[:f.items] {
		if ones&^mask < f.lo[i] { // if any value lacks all bits of the mask, one does that has all others
			must |= bit
		}
		bit <<= 1
	}
	if f.single(must) || mustNot.before(must) || must.before(mustNot) {
		return
	}
	f.add(fewTest{mask, bpf.JumpSet, f.all &^ mustNot, f.all &^ must})
}

// before tells whether all items of a set come before all of another.
func (s fewSet) before(t fewSet) bool {
	return bits.Len8(uint8(s)) <= bits.TrailingZeros8(uint8(t))
}

// single tells whether a set is one item of a single value, or none.
func (f *few) single(set fewSet) bool { return set&(set-1) == 0 && set&f.wide == 0 }

// same returns the bits that tell the same of each item as this one.
func (f *few) same(bit uint32) uint32 {
	same := ^uint32(0)
	for i := range f.items {
		ones, zeros := f.ones[i&(fewItems-1)], f.zeros[i&(fewItems-1)]
		if ones&bit == 0 {
			ones = ^ones
		}
		if zeros&bit == 0 {
			zeros = ^zeros
		}
		same &= ones & zeros
	}
	return same
}

// add adds a test, unless one before tells the same.
func (f *few) add(t fewTest) {
	for i := range f.tests {
		if f.tests[i].yes == t.yes && f.tests[i].no == t.no {
			return
		}
	}
	f.tests = append(f.tests, t)
}

// cost returns the least cost of telling the items of a set apart, and notes the test that has it. Where that is not
// less than limit it is not found, and what is returned is infinite.
func (f *few) cost(set fewSet, limit float64) float64 {
	if f.best[set] != 0 {
		return f.costs[set]
	}
	each := f.each[set] + size
	least := limit - each
	f.costs[set] = math.Inf(1) // for tests that tell nothing and lead back here
	best := -1
	tests := f.tests
	for i := range tests {
		t := &tests[i]
		yes, no := set&t.yes, set&t.no
		if f.costs[yes]+f.costs[no] >= least { // so it is with most
			continue
		}
		cost := f.cost(yes, least-f.costs[no])
		if cost < least {
			cost += f.cost(no, least-cost)
		}
		if cost < least {
			least, best = cost, i
			if least == 0 {
				break // this test decides
			}
		}
	}
	if best < 0 {
		f.costs[set] = limit
		return math.Inf(1)
	}
	f.costs[set] = least + each
	f.best[set] = uint8(best + 1)
	return f.costs[set]
}

// build makes the tests that were found best.
func (f *few) build(s *searcher, items []item, set fewSet) int32 {
	if f.best[set] == decided {
		return ^items[bits.TrailingZeros8(uint8(set))].to
	}
	t := &f.tests[f.best[set]-1]
	yes := f.build(s, items, set&t.yes)
	return s.add(test{t.op, t.k, yes, f.build(s, items, set&t.no)})
}
