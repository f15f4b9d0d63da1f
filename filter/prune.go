package filter

import "math/bits"

// Views of one word overlap: of a word known to be 3, what is word & 1? Decision graphs don't know that, and would ask.
// Pruning drops the branches that no value of the word comes to, given the branches before.

// facts are what the branches so far say about a word: bits known, and their values.
type facts struct {
	word        word
	mask, value uint32
}

type pruneKey struct {
	node  node
	facts facts
}

// overlap tells whether two views have bits of a word in common.
func overlap(looked []int16, views []view) bool {
	for i, v := range looked {
		for _, w := range looked[:i] {
			if views[v].word == views[w].word && views[v].mask&views[w].mask != 0 {
				return true
			}
		}
	}
	return false
}

// pruneLimit bounds how many nodes with different facts one call's pruning looks at.
const pruneLimit = 1 << 12

// prune returns n without branches that nothing comes to. Views of one word must be asked one after the other.
func (g *graph) prune(n node) node {
	done := make(map[pruneKey]node)
	var walk func(node, facts) node
	walk = func(n node, f facts) node {
		if n < 0 || g.overflow {
			return n
		}
		index := g.nodes[n].view
		v := g.views[index]
		if v.word != f.word {
			f = facts{word: v.word}
		}
		key := pruneKey{n, f}
		if m, ok := done[key]; ok {
			return m
		}
		if len(done) == pruneLimit { // what is not pruned is right too
			return n
		}
		lo := uint32(0)
		var out []branch
		for at := g.nodes[n].first; at < g.nodes[n].end; at++ {
			br := g.branches[at]
			if least, ok := v.least(lo, br.hi, f); ok {
				to := walk(br.to, f.and(v, least, br.hi))
				if last := len(out) - 1; last >= 0 && out[last].to == to {
					out[last].hi = br.hi
				} else {
					out = append(out, branch{br.hi, to})
				}
			}
			lo = v.next(br.hi)
		}
		// What is impossible goes where the values below it go, or at the end those above.
		out[len(out)-1].hi = v.mask
		first := len(g.branches)
		g.branches = append(g.branches, out...)
		m := g.seal(index, first)
		done[key] = m
		return m
	}
	return walk(n, facts{})
}

// least returns the smallest value of the view from lo to hi that agrees with the facts.
func (v view) least(lo, hi uint32, f facts) (x uint32, ok bool) {
	free := v.mask &^ f.mask
	fixed := f.value & v.mask
	if lo&^free == fixed {
		return lo, lo <= hi
	}
	// The smallest above lo has lo's bits above some bit, that one set, and below it nothing but what is fixed: the
	// lowest such bit gives the smallest.
	for i := range 32 {
		bit := uint32(1) << i
		above := ^(bit<<1 - 1)
		if lo&bit == 0 && (free|fixed)&bit != 0 && lo&above&^free == fixed&above {
			x = lo&above | bit | fixed&(bit-1)
			return x, x <= hi
		}
	}
	return 0, false
}

// and adds to the facts that the view is between lo and hi: the bits that these have in common at the top are known.
func (f facts) and(v view, lo, hi uint32) facts {
	known := v.mask &^ (1<<bits.Len32(lo^hi) - 1)
	f.value = f.value&^known | lo&known
	f.mask |= known
	return f
}
