package filter

import (
	"math"
	"math/rand/v2"
	"testing"
)

// exhaust is exact.cost without what that leaves out: every test is tried, jeq with each key.
func exhaust(e *exact, state uint, memo map[uint]float64) float64 {
	left, known := state&^(knowLo|knowHi), state&(knowLo|knowHi)
	if left == 0 || left&(left-1) == 0 && known == knowLo|knowHi {
		return 0
	}
	if c, ok := memo[state]; ok {
		return c
	}
	least := math.Inf(1)
	try := func(yes, no uint) { least = min(least, exhaust(e, yes, memo)+exhaust(e, no, memo)) }
	for rest := left; rest != 0; rest &= rest - 1 {
		key := rest & -rest
		wide := e.wide&key != 0
		if !wide {
			try(0, e.without(state, key))
		}
		if rest != left || wide && known&knowLo == 0 {
			try(e.from(state, key))
		}
		if wide && (rest != key || known&knowHi == 0) {
			try(e.above(state, key))
		}
	}
	for _, c := range e.cubes {
		if in := uint(c.keys); in&left == in {
			try(e.state(left&^in, 0), 0)
		}
	}
	least += e.each[left]
	if _, _, ok := e.wholeCube(left); ok {
		least = min(least, 2*e.each[left])
	}
	memo[state] = least
	return least
}

// What the exact search leaves out it need not look at: no tree of its tests costs less than what it finds.
func TestExactSearch(t *testing.T) {
	for seed := range uint64(3000) {
		random := rand.New(rand.NewPCG(seed, 17))
		s := &searcher{spoil: random.IntN(2) == 0, miss: [...]float64{0, 1.0 / 64, 1.0 / 16}[random.IntN(3)]}
		var keys []item
		next := uint32(random.IntN(2))
		for i := range 1 + random.IntN(exactKeys) {
			it := item{lo: next, to: int32(1 + i*random.IntN(2)), weight: 1}
			if i > 0 && (random.IntN(3) > 0 || keys[i-1].to == it.to) {
				it.lo += uint32(1 + random.IntN(4))
			}
			it.hi = it.lo
			if random.IntN(3) == 0 {
				it.hi += uint32(1 + random.IntN(3))
			}
			if seed%3 > 0 {
				it.weight = math.Exp(3 * random.Float64())
			}
			keys = append(keys, it)
			next = it.hi + 1
		}
		known := knowLo * uint(random.IntN(4))
		_, got := s.exact.search(s, keys, known)
		s.exact.begin(s.miss, 1<<len(keys)-1)
		want := exhaust(&s.exact, s.exact.state(1<<len(keys)-1, known), make(map[uint]float64))
		if got > want*(1+1e-12) {
			t.Errorf("seed %d: %v, edges known %d: %.6f, the best is %.6f", seed, keys, known, got, want)
		}
	}
}
