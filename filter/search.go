package filter

import (
	"math"
	"slices"

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

// A searcher finds short searches: trees of tests that tell for a value which item it is in.
//
// One place, the one that most items lead to, is the background; the items that lead elsewhere are the keys. A search
// is over when one key is left and the value is known to be in it, or none. Tests are jeq, which tells a key of a
// single value from all the rest; jge, which parts the keys at an edge of one of them; and jset, where keys that lead
// to one place are all the values that some bits can form (0, 1, 4 and 5). What a key weighs is paid for each test on
// its path: the exact search finds the best tree of such tests for a few keys; for many keys, the weights are halved
// until few are left, a key with much of the weight being asked for first. That is within a small fraction of the best,
// and no path gets longer than twice the logarithm of the keys, plus a constant.
type searcher struct {
	tests []test
	most  int  // keys that are searched for the best tests of all, at most exactKeys; more are halved first
	spoil bool // A need not keep the value: AND may be used

	few   few
	exact exact

	background int32
	keys       []item
	miss       float64 // what missing all keys weighs, for each gap between keys
}

// search returns the tests for items, which are in order, leave no gap, and are of values up to top.
// It returns an index into tests, or ^to where all lead to one place; and the sum of weight × tests.
func (s *searcher) search(items []item, miss float64) (root int32, cost float64) {
	s.miss = miss
	if len(items) <= fewItems {
		return s.few.search(s, items)
	}
	s.background = commonest(items)
	s.keys = slices.Grow(s.keys[:0], len(items)/2+1) // most often every other one
	for i := range items {
		if items[i].to != s.background {
			s.keys = append(s.keys, items[i])
		}
	}
	known := uint(0)
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

// commonest returns the place that most items lead to, or one that nearly as many lead to and that is asked for less:
// only keys are found the faster the more they weigh.
func commonest(items []item) (to int32) {
	candidates := items
	if len(items) > 2*exactKeys {
		candidates = items[:4] // items of a long list alternate with the background
	}
	most, least := 0, 0.0
	for i := range candidates {
		if i > 1 && items[i].to == items[i-2].to {
			continue
		}
		n, weight, place := 0, 0.0, items[i].to
		for j := range items {
			if it := &items[j]; it.to == place {
				n++
				weight += it.weight
			}
		}
		if 2*n > 3*most || 3*n > 2*most && weight < least {
			most, least, to = n, weight, place
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

// part finds the tests for any number of keys, and leaves nothing of their order.
func (s *searcher) part(keys []item, known uint) (root int32, cost float64) {
	if len(keys) <= s.most {
		return s.exact.search(s, keys, known)
	}
	total, heaviest := weigh(keys)
	total += s.miss * float64(len(keys))
	if h := keys[heaviest]; h.weight > total/3 && h.lo == h.hi {
		known = edgesWithout(heaviest, len(keys), known)
		copy(keys[heaviest:], keys[heaviest+1:])
		no, c := s.part(keys[:len(keys)-1], known)
		return s.add(test{bpf.JumpEq, h.lo, ^h.to, no}), total + c
	}
	at, k, lo, hi := s.halve(keys, total)
	no, c0 := s.part(keys[:at], known&knowLo|hi)
	yes, c1 := s.part(keys[at:], known&knowHi|lo)
	return s.add(test{bpf.JumpGe, k, yes, no}), total + c0 + c1
}

// weigh returns what the keys weigh together, and the heaviest.
func weigh(keys []item) (total float64, heaviest int) {
	most := math.Inf(-1)
	for i := range keys {
		weight := keys[i].weight
		total += weight
		if weight <= most {
			continue
		}
		most, heaviest = weight, i
	}
	return total, heaviest
}

// edgesWithout returns which outer edges are still known when the i-th of n keys is out.
func edgesWithout(i, n int, known uint) uint {
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
func (s *searcher) halve(keys []item, total float64) (at int, k uint32, lo, hi uint) {
	best := math.Inf(1)
	below := 0.0
	even := total / float64(len(keys)) / 2 // bounds the depth where weights are uneven
	narrow := total / 6
	for i := 1; i < len(keys); i++ {
		before, key := &keys[i-1], &keys[i]
		below += (before.weight + s.miss + even) / 1.5
		uneven := math.Abs(total - 2*below)
		if uneven >= best {
			if 2*below > total {
				break // it only grows from here on
			}
			continue
		}
		if key.lo == key.hi && before.lo == before.hi {
			if uneven += narrow; uneven >= best {
				continue
			}
		}
		best, at = uneven, i
	}
	before, key := &keys[at-1], &keys[at]
	k, lo, hi = key.lo, knowLo, 0
	if key.lo == key.hi && before.lo != before.hi {
		k, lo, hi = before.hi+1, 0, knowHi
	}
	if before.hi+1 == key.lo {
		lo, hi = knowLo, knowHi
	}
	return at, k, lo, hi
}
