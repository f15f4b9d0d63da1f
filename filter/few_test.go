package filter

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stagelock/seccomp/internal/bpf"
)

// What the search of a few items leaves out it need not look at: no tree of jeqs, jges and jsets costs less than what it
// finds, jset having one bit, or all that an item's largest value lacks.
func TestFewSearch(t *testing.T) {
	const bits = 5
	const low = 1<<bits - 1 // the values up to here are told apart, those above are the last item's
	for seed := range uint64(1000) {
		random := rand.New(rand.NewPCG(seed, 19))
		s := &searcher{miss: [...]float64{0, 1.0 / 64}[random.IntN(2)]}
		var items []item
		for lo, n := uint32(0), 2+random.IntN(fewItems-1); len(items) < n; {
			it := item{lo: lo, hi: lo, to: int32(random.IntN(3)), weight: float64(random.IntN(4))}
			if random.IntN(2) == 0 {
				it.hi += uint32(random.IntN(4))
			}
			if len(items) == n-1 {
				it.hi = 1<<32 - 1
			}
			items = append(items, it)
			lo = it.hi + 1
		}
		var tests [][2]int // the items for whose values it may be true, and those for which it may not be
		add := func(holds func(x uint32) bool) {
			var sides [2]int
			for i, it := range items {
				for x := it.lo; x <= min(it.hi, low); x++ {
					if holds(x) {
						sides[0] |= 1 << i
					} else {
						sides[1] |= 1 << i
					}
				}
			}
			for x := range uint32(low + 1) { // with some higher bit
				if holds(x | (low + 1)) {
					sides[0] |= 1 << (len(items) - 1)
				} else {
					sides[1] |= 1 << (len(items) - 1)
				}
			}
			tests = append(tests, sides)
		}
		for k := range uint32(low + 1) {
			add(func(x uint32) bool { return x == k })
			add(func(x uint32) bool { return x >= k })
		}
		for bit := range bits {
			add(func(x uint32) bool { return x>>bit&1 != 0 })
		}
		for _, it := range items {
			add(func(x uint32) bool { return x&^it.hi != 0 })
		}
		memo := make(map[int]float64)
		var cost func(set int) float64
		cost = func(set int) float64 {
			if c, ok := memo[set]; ok {
				return c
			}
			each, to, same := size, int32(-1), true
			for i, it := range items {
				if set>>i&1 == 1 {
					each += it.weight + s.miss
					same = same && (to < 0 || to == it.to)
					to = it.to
				}
			}
			if same {
				return 0
			}
			memo[set] = math.Inf(1)
			least := math.Inf(1)
			for _, sides := range tests {
				if yes, no := set&sides[0], set&sides[1]; yes != set && no != set {
					least = min(least, cost(yes)+cost(no))
				}
			}
			memo[set] = each + least
			return memo[set]
		}
		root, got := s.few.search(s, items)
		if want := cost(1<<len(items) - 1); got > want+1e-9 {
			t.Errorf("seed %d: %v: %.6f, the best is %.6f", seed, items, got, want)
		}
		for i := range items {
			at := root
			for at >= 0 {
				x := s.tests[at]
				hold := map[uint16]bool{bpf.JumpEq: items[i].lo == x.k, bpf.JumpGe: items[i].lo >= x.k, bpf.JumpSet: items[i].lo&x.k != 0}[x.op]
				if at = x.no; hold {
					at = x.yes
				}
			}
			if ^at != items[i].to {
				t.Errorf("seed %d: %v: %d is said to lead to %d", seed, items, items[i].lo, ^at)
			}
		}
	}
}
