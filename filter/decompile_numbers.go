package filter

import (
	"cmp"
	"slices"

	"github.com/stagelock/seccomp/internal/bdd"
	"github.com/stagelock/seccomp/policy"
)

// follow returns what n comes to where the word at a variable has a value.
func follow(d *policy.Decider, n bdd.Node, base uint16, value uint32) bdd.Node {
	return followBits(d, n, base, 32, value)
}

// followBits is follow for the first bits of a word.
func followBits(d *policy.Decider, n bdd.Node, base uint16, bits int, value uint32) bdd.Node {
	for before(d, n, base+uint16(bits)) {
		v, lo, hi := d.Branch(n)
		if n = lo; value>>(base+uint16(bits)-1-v)&1 == 1 {
			n = hi
		}
	}
	return n
}

// heaviest returns what most values of a word lead to, weights being those of the nodes to begin with.
func heaviest(d *policy.Decider, weights map[bdd.Node]float64, end uint16) bdd.Node {
	level := func(n bdd.Node) int {
		if _, leaf := d.Value(n); leaf {
			return lastVar + 1
		}
		v, _, _ := d.Branch(n)
		return int(v)
	}
	seen := make(map[bdd.Node]bool)
	var order []bdd.Node
	var collect func(bdd.Node)
	collect = func(n bdd.Node) {
		if seen[n] {
			return
		}
		seen[n] = true
		order = append(order, n)
		if before(d, n, end) {
			_, lo, hi := d.Branch(n)
			collect(lo)
			collect(hi)
		}
	}
	for n := range weights {
		collect(n)
	}
	slices.SortFunc(order, func(x, y bdd.Node) int { return cmp.Or(cmp.Compare(level(x), level(y)), cmp.Compare(x, y)) })
	best, most := bdd.False, -1.0
	for _, n := range order {
		if !before(d, n, end) {
			if weights[n] > most {
				best, most = n, weights[n]
			}
			continue
		}
		_, lo, hi := d.Branch(n)
		weights[lo] += weights[n] / 2
		weights[hi] += weights[n] / 2
	}
	return best
}

// A run is values of a word that lead to the same.
type run struct {
	lo, hi uint32
	node   bdd.Node
}

// maxRuns bounds how many runs a word is cut into.
const maxRuns = 4096

// runs returns the values of the word at base that don't lead to usual, in order; whole is false where there are too
// many to list.
func runs(d *policy.Decider, n bdd.Node, base uint16, usual bdd.Node) (list []run, whole bool) {
	pieces := 0
	var walk func(n bdd.Node, v uint16, lo uint32) bool
	walk = func(n bdd.Node, v uint16, lo uint32) bool {
		if n == usual {
			return true
		}
		if !before(d, n, base+32) {
			if pieces++; pieces > maxPieces {
				return false
			}
			hi := lo | uint32(1<<(base+32-v)-1)
			if k := len(list); k > 0 && list[k-1].node == n && list[k-1].hi+1 == lo {
				list[k-1].hi = hi
				return true
			}
			list = append(list, run{lo, hi, n})
			return len(list) <= maxRuns
		}
		no, yes := n, n
		if top, a, b := d.Branch(n); top == v {
			no, yes = a, b
		}
		return walk(no, v+1, lo) && walk(yes, v+1, lo|1<<(base+31-v))
	}
	whole = walk(n, base, 0)
	return list, whole
}
