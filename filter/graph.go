package filter

import "slices"

// A word is one 32-bit half of an argument: twice the argument's index, plus one for the high half.
type word uint8

// A view is what a test looks at: the bits of a word that mask leaves.
type view struct {
	word word
	mask uint32
}

// next returns the smallest value of the view above x, and 0 past the largest.
func (v view) next(x uint32) uint32 { return ((x | ^v.mask) + 1) & v.mask }

// floor returns the largest value of the view that is at most x.
func (v view) floor(x uint32) uint32 {
	y := x & v.mask
	// From the highest bit on: the first bit that x has and the mask lacks makes all lower ones free.
	if lost := x &^ v.mask; lost != 0 {
		y |= v.mask & (1<<bitLen(lost) - 1)
	}
	return y
}

// A node is a function from a call's arguments to a verdict: the leaves, which are negative, or a place in graph.
type node int32

// The leaves of conditions. Those of verdicts come after them: see graph.verdict.
const (
	never  node = -1
	always node = -2
)

// A branch of a node: where it leads for values of the view up to hi, from the end of the branch before it.
type branch struct {
	hi uint32
	to node
}

type graphNode struct {
	view       int16
	first, end int32 // its branches
	hash       uint32
}

// A graph holds decision graphs: multi-valued decision diagrams, whose nodes ask for the value of a view and branch on
// its intervals. A path looks at each view once at most. Equal functions of one order of views are the same node, so
// whatever ends alike, within a call and across calls, is shared, and tests that decide nothing vanish.
type graph struct {
	views    []view
	rank     []int16 // of each view: the order in which paths meet them
	nodes    []graphNode
	branches []branch
	table    []node // hash table of nodes, by content; its length is a power of two
	memo     memo
	verdicts []uint32 // return values of the leaves
	limit    int      // of branches; past it overflow is set and results mean nothing
	overflow bool
}

// verdict returns the leaf of a return value.
func (g *graph) verdict(ret uint32) node {
	i := slices.Index(g.verdicts, ret)
	if i < 0 {
		i = len(g.verdicts)
		g.verdicts = append(g.verdicts, ret)
	}
	return always - 1 - node(i)
}

// ret returns the return value of a leaf made by verdict.
func (g *graph) ret(leaf node) uint32 { return g.verdicts[always-1-leaf] }

// view returns the index of v.
func (g *graph) view(v view) int16 {
	i := slices.Index(g.views, v)
	if i < 0 {
		i = len(g.views)
		g.views = append(g.views, v)
		g.rank = append(g.rank, int16(i))
	}
	return int16(i)
}

// of returns a node's branches.
func (g *graph) of(n node) []branch { return g.branches[g.nodes[n].first:g.nodes[n].end] }

// interval returns the condition that lo ≤ view ≤ hi.
func (g *graph) interval(view int16, lo, hi uint32) node {
	v := g.views[view]
	if hi = v.floor(hi); lo > hi {
		return never
	}
	first := len(g.branches)
	if lo > 0 {
		g.push(first, v.floor(lo-1), never)
	}
	g.push(first, hi, always)
	if hi < v.mask {
		g.push(first, v.mask, never)
	}
	return g.seal(view, first)
}

// push adds a branch to those from first on, of a node that seal ends.
func (g *graph) push(first int, hi uint32, to node) {
	if last := len(g.branches) - 1; last >= first && g.branches[last].to == to {
		g.branches[last].hi = hi
		return
	}
	g.branches = append(g.branches, branch{hi, to})
}

// seal makes a node of the branches from first on, or finds it.
func (g *graph) seal(view int16, first int) node {
	b := g.branches[first:]
	if len(b) == 1 {
		g.branches = g.branches[:first]
		return b[0].to
	}
	hash := uint32(view) + 1
	for _, x := range b {
		hash = (hash^x.hi)*0x9e3779b1 + uint32(x.to)
		hash ^= hash >> 15
	}
	if 2*len(g.nodes) >= len(g.table) {
		g.grow()
	}
	at := hash & uint32(len(g.table)-1)
	for ; g.table[at] != never; at = (at + 1) & uint32(len(g.table)-1) {
		n := g.table[at]
		if x := &g.nodes[n]; x.hash == hash && x.view == view && slices.Equal(g.of(n), b) {
			g.branches = g.branches[:first]
			return n
		}
	}
	n := node(len(g.nodes))
	g.nodes = append(g.nodes, graphNode{view, int32(first), int32(len(g.branches)), hash})
	g.table[at] = n
	if len(g.branches) > g.limit {
		g.overflow = true
	}
	return n
}

func (g *graph) grow() {
	g.table = make([]node, max(64, 4*len(g.table)))
	for i := range g.table {
		g.table[i] = never
	}
	for n := range g.nodes {
		at := g.nodes[n].hash & uint32(len(g.table)-1)
		for g.table[at] != never {
			at = (at + 1) & uint32(len(g.table)-1)
		}
		g.table[at] = node(n)
	}
}

// choose returns the function that is yes where the condition c holds and no elsewhere.
func (g *graph) choose(c, yes, no node) node {
	switch {
	case c == always || yes == no || g.overflow:
		return yes
	case c == never:
		return no
	case yes == always && no == never:
		return c
	}
	key := [3]node{c, yes, no}
	if n, ok := g.memo.get(key); ok {
		return n
	}
	view := g.top(g.top(g.nodes[c].view, yes), no)
	ofC, ofYes, ofNo := g.cursor(c, view), g.cursor(yes, view), g.cursor(no, view)
	// The branches are gathered apart: those below add nodes of their own.
	var buf [16]branch
	out := buf[:0]
	for mask := g.views[view].mask; ; {
		hi := min(ofC.hi, ofYes.hi, ofNo.hi)
		to := ofYes.to
		if ofC.to == never {
			to = ofNo.to
		} else if ofC.to != always {
			to = g.choose(ofC.to, to, ofNo.to)
		}
		if n := len(out) - 1; n >= 0 && out[n].to == to {
			out[n].hi = hi
		} else {
			out = append(out, branch{hi, to})
		}
		if hi == mask {
			break
		}
		ofC.pass(g, hi)
		ofYes.pass(g, hi)
		ofNo.pass(g, hi)
	}
	first := len(g.branches)
	g.branches = append(g.branches, out...)
	n := g.seal(view, first)
	g.memo.put(key, n)
	return n
}

// top returns the one of view and n's own that comes first.
func (g *graph) top(view int16, n node) int16 {
	if n >= 0 && g.rank[g.nodes[n].view] < g.rank[view] {
		return g.nodes[n].view
	}
	return view
}

// A cursor walks the branches of a node, or stays where the node does not ask for the view.
type cursor struct {
	branch
	at int32 // the place of branch
}

func (g *graph) cursor(n node, view int16) cursor {
	if n < 0 || g.nodes[n].view != view {
		return cursor{branch: branch{g.views[view].mask, n}}
	}
	at := g.nodes[n].first
	return cursor{g.branches[at], at}
}

// pass goes on to the branch for the values above hi.
func (c *cursor) pass(g *graph, hi uint32) {
	if c.hi == hi {
		c.at++
		c.branch = g.branches[c.at]
	}
}
