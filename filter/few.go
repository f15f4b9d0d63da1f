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
// the items by any of the bits that they differ in. Sets that cost no less than what was found are not looked at.
type few struct {
	items []item
	alike [fewItems]fewSet       // the items that lead where this one does
	ones  [fewItems]uint32       // the bits that any value of the item has
	each  [1 << fewItems]float64 // what asks for the items of a set, and pays for each test
	costs [1 << fewItems]float64 // the least cost of a set, or before it is found what it is not below
	best  [1 << fewItems]fewFound
	now   uint32
	jsets []jset
}

// A fewSet is a set of items, a bit for each.
type fewSet uint8

// A fewFound is the best test for a set, and the sets that it leaves.
type fewFound struct {
	now     uint32 // it is of this search, if that is few.now
	k       uint32
	op      uint16
	yes, no fewSet
}

// A jset is a test of mask, with the items that may have one of its bits set, and those that may have none.
type jset struct {
	mask    uint32
	yes, no fewSet
}

// search returns the best tests for items, as indexes into s.tests.
func (f *few) search(s *searcher, items []item) (root int32, cost float64) {
	f.items = items
	f.now++
	for i := range items {
		f.alike[i] = 0
		for j := range items {
			if items[j].to == items[i].to {
				f.alike[i] |= 1 << j
			}
		}
		own := items[i].weight + s.miss
		without, with := f.each[:1<<i], f.each[1<<i:2<<i]
		costs := f.costs[1<<i : 2<<i]
		for others, each := range without {
			with[others] = each + own
			costs[others] = each + own + size
		}
	}
	all := fewSet(1<<len(items) - 1)
	for i, alike := range f.alike[:len(items)] {
		if alike>>i == 1 { // the last of those
			for set := alike; set != 0; set = (set - 1) & alike {
				f.costs[set] = 0
				f.best[set].now = f.now
			}
		}
	}
	f.findMasks()
	cost = f.cost(all)
	return f.build(s, all), cost
}

// findMasks lists the jsets that tell some items from others.
func (f *few) findMasks() {
	f.jsets = f.jsets[:0]
	differ := uint32(0) // the bits of all values but those above the last edge
	for i := range f.items {
		it := &f.items[i]
		if i+1 < len(f.items) {
			differ |= it.lo | it.hi
		}
		// From the first bit on in which the ends differ, all bits are 1 in some value.
		f.ones[i] = it.lo | (1<<bits.Len32(it.lo^it.hi) - 1)
	}
	above := ^(uint32(1)<<bits.Len32(differ) - 1)
	if bits.OnesCount32(differ) <= 3 {
		for m := differ; m != 0; m = (m - 1) & differ {
			f.addMask(m)
			f.addMask(m | above)
		}
		f.addMask(above)
		return
	}
	for rest := differ; rest != 0; rest &= rest - 1 {
		f.addMask(rest & -rest)
	}
	for i := range f.items[:len(f.items)-1] {
		f.addMask(^f.items[i].hi)
	}
}

// addMask adds the jset of a mask, unless it tells nothing or one before tells the same.
func (f *few) addMask(mask uint32) {
	j := jset{mask: mask}
	for i := range f.items {
		ones := f.ones[i]
		if ones&mask != 0 {
			j.yes |= 1 << i
		}
		// What is in the item and has the highest bits is ones, without those of mask, if anything that lacks them is.
		if ones&^mask >= f.items[i].lo {
			j.no |= 1 << i
		}
	}
	all := fewSet(1<<len(f.items) - 1)
	if j.yes == all || j.no == all {
		return
	}
	for i := range f.jsets {
		if f.jsets[i].yes == j.yes && f.jsets[i].no == j.no {
			return
		}
	}
	f.jsets = append(f.jsets, j)
}

// cost returns the least cost of telling the items of a set apart, and notes the test that has it.
func (f *few) cost(set fewSet) float64 {
	if f.best[set].now == f.now {
		return f.costs[set]
	}
	least := math.Inf(1)
	for rest := set; rest != 0 && least > 0; rest &= rest - 1 { // 0: this test decides
		i := bits.TrailingZeros8(uint8(rest))
		it := &f.items[i]
		if it.lo == it.hi {
			least = f.try(least, set, bpf.JumpEq, it.lo, 1<<i, set&^(1<<i))
		}
		if rest != set {
			least = f.try(least, set, bpf.JumpGe, it.lo, rest, set&^rest)
		}
		after := rest & (rest - 1)
		if after != 0 && after>>(i+1)&1 == 0 { // there are items between, of other sets
			least = f.try(least, set, bpf.JumpGe, it.hi+1, after, set&^after)
		}
	}
	for i := range f.jsets {
		if least == 0 {
			break
		}
		j := &f.jsets[i]
		if yes, no := set&j.yes, set&j.no; yes != set && no != set {
			least = f.try(least, set, bpf.JumpSet, j.mask, yes, no)
		}
	}
	f.costs[set] = least + (f.each[set] + size)
	f.best[set].now = f.now
	return f.costs[set]
}

// try looks whether a test, which leaves the set yes where it is true and no where it is not, costs less than least, and
// notes it if so. It returns the lesser cost.
func (f *few) try(least float64, set fewSet, op uint16, k uint32, yes, no fewSet) float64 {
	if f.costs[yes]+f.costs[no] >= least { // so it is with most; this much is inlined
		return least
	}
	return f.weigh(least, set, op, k, yes, no)
}

// weigh is try for a test that is not dismissed at once.
func (f *few) weigh(least float64, set fewSet, op uint16, k uint32, yes, no fewSet) float64 {
	cost := f.cost(yes) + f.cost(no)
	if cost >= least {
		return least
	}
	f.best[set] = fewFound{k: k, op: op, yes: yes, no: no}
	return cost
}

// build makes the tests that were found best.
func (f *few) build(s *searcher, set fewSet) int32 {
	first := bits.TrailingZeros8(uint8(set))
	if set&^f.alike[first] == 0 {
		return ^f.items[first].to
	}
	how := f.best[set]
	yes := f.build(s, how.yes)
	return s.add(test{how.op, how.k, yes, f.build(s, how.no)})
}
