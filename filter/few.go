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
// the items by any of the bits that they differ in.
type few struct {
	items  []item
	miss   float64
	jsets  []jset
	cost   [1 << fewItems]float64
	choice [1 << fewItems]fewChoice
	known  [1 << fewItems]bool
}

// A jset is a test of mask, with the items that may have one of its bits set, and those that may have none.
type jset struct {
	mask     uint32
	set, not uint16
}

type fewChoice struct {
	op      uint16
	k       uint32
	yes, no uint16
}

// search returns the best tests for items, as indexes into s.tests.
func (f *few) search(s *searcher, items []item) (root int32, cost float64) {
	f.items, f.miss = items, s.miss
	all := uint16(1<<len(items) - 1)
	clear(f.known[:all+1])
	f.findMasks()
	cost = f.best(all)
	return f.build(s, all), cost
}

// findMasks lists the jsets that tell some items from others.
func (f *few) findMasks() {
	f.jsets = f.jsets[:0]
	differ := uint32(0) // the bits of all values but those above the last edge
	for i := range f.items[:len(f.items)-1] {
		differ |= f.items[i].lo | f.items[i].hi
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

func (f *few) addMask(mask uint32) {
	j := jset{mask: mask}
	word := view{mask: 1<<32 - 1}
	for i := range f.items {
		lo, hi := f.items[i].lo, f.items[i].hi
		if lo == hi {
			if lo&mask == 0 {
				j.not |= 1 << i
			} else {
				j.set |= 1 << i
			}
			continue
		}
		if _, ok := word.least(lo, hi, facts{mask: mask}); ok {
			j.not |= 1 << i
		}
		// With none of the bits at either end, the lowest of them is set somewhere between if there are that many values.
		if lo&mask != 0 || hi&mask != 0 || hi-lo >= mask&-mask {
			j.set |= 1 << i
		}
	}
	all := uint16(1<<len(f.items) - 1)
	if j.set != all && j.not != all {
		f.jsets = append(f.jsets, j)
	}
}

// best returns the least cost of telling the items of a set apart, and notes the test that has it.
func (f *few) best(set uint16) float64 {
	if f.known[set] {
		return f.cost[set]
	}
	first := bits.TrailingZeros16(set)
	total, same := 0.0, true
	for rest := set; rest != 0; rest &= rest - 1 {
		it := &f.items[bits.TrailingZeros16(rest)]
		total += it.weight + f.miss
		same = same && it.to == f.items[first].to
	}
	f.known[set] = true
	if same {
		f.cost[set] = 0
		return 0
	}
	least := math.Inf(1)
	try := func(op uint16, k uint32, yes, no uint16) {
		if c := f.best(yes) + f.best(no); c < least {
			least = c
			f.choice[set] = fewChoice{op, k, yes, no}
		}
	}
	for rest := set; rest != 0; rest &= rest - 1 {
		i := bits.TrailingZeros16(rest)
		it := &f.items[i]
		if it.lo == it.hi {
			try(bpf.JumpEq, it.lo, 1<<i, set&^(1<<i))
		}
		if i != first {
			try(bpf.JumpGe, it.lo, rest, set&^rest)
		}
		if after := rest & (rest - 1); after != 0 && it.hi+1 != f.items[bits.TrailingZeros16(after)].lo {
			try(bpf.JumpGe, it.hi+1, after, set&^after)
		}
	}
	for _, j := range f.jsets {
		if yes, no := set&j.set, set&j.not; yes != set && no != set {
			try(bpf.JumpSet, j.mask, yes, no)
		}
	}
	f.cost[set] = least + total + size
	return f.cost[set]
}

// build makes the tests that best chose.
func (f *few) build(s *searcher, set uint16) int32 {
	if f.cost[set] == 0 {
		return ^f.items[bits.TrailingZeros16(set)].to
	}
	how := f.choice[set]
	yes := f.build(s, how.yes)
	return s.add(test{how.op, how.k, yes, f.build(s, how.no)})
}
