package filter

import (
	"cmp"
	"math"
	"math/bits"
	"slices"

	"github.com/stagelock/seccomp/internal/order"
	"github.com/stagelock/seccomp/policy"
)

// The order in which a call's arguments are looked at changes how long the paths are. Of up to three arguments all
// orders are tried, of more each one first; the one whose graph is cheapest for the call's alternatives is kept.
const allOrders = 3

// call returns the graph of a call; ok is false if it grows too large.
func (c *compiler) call(d *policy.Decision) (root node, ok bool) {
	t := &c.t
	first := &d.Clauses[0]
	if whole, ok := first.If.(policy.Const); ok && bool(whole) {
		return t.verdict(first.Action.Ret()), true
	}
	t.looked = t.looked[:0]
	t.allow()
	root = t.clauses(d.Clauses)
	if len(t.looked) > 1 {
		args := argsOf(t.looked, t.views)
		c.samples = alternatives(c.samples[:0], d)
		least := math.Inf(1)
		tryOrders(args, func(args []uint8) {
			t.order(args)
			t.allow()
			n := t.clauses(d.Clauses)
			if cost := c.price(n); cost < least {
				least, root = cost, n
			}
		})
		t.allow()
		if !math.IsInf(least, 1) && overlap(t.looked, t.views) {
			root = t.prune(root)
		}
		t.forgetOrder()
		return root, !math.IsInf(least, 1)
	}
	return root, !t.overflow
}

// callLimit bounds the branches that one translation of a call makes: some milliseconds.
const callLimit = 1 << 17

// allow lets the next translation make callLimit branches.
func (g *graph) allow() {
	g.limit = len(g.branches) + callLimit
	g.overflow = false
}

// order makes paths look at the arguments in the order of args, and among the views of one argument at the high word
// first, which decides comparisons, and at the whole of a word before parts of it, as long as A still has it.
func (t *translator) order(args []uint8) {
	order.Stable(t.looked, func(i, j int) bool {
		v, w := t.views[t.looked[i]], t.views[t.looked[j]]
		return 0 > cmp.Or(
			cmp.Compare(slices.Index(args, uint8(v.word/2)), slices.Index(args, uint8(w.word/2))),
			-cmp.Compare(v.word, w.word),
			-cmp.Compare(bits.OnesCount32(v.mask), bits.OnesCount32(w.mask)),
			-cmp.Compare(v.mask, w.mask))
	})
	for i, v := range t.looked {
		t.rank[v] = int16(i)
	}
	t.memo.clear()
}

// forgetOrder returns to the order in which views were made, which all calls begin with.
func (t *translator) forgetOrder() {
	for _, v := range t.looked {
		t.rank[v] = v
	}
	t.memo.clear()
}

// argsOf returns the arguments that views are of, in the order in which the policy names them.
func argsOf(looked []int16, views []view) (args []uint8) {
	for _, v := range looked {
		if a := uint8(views[v].word / 2); !slices.Contains(args, a) {
			args = append(args, a)
		}
	}
	return args
}

// tryOrders calls try with orders of args, all of them if they are few.
func tryOrders(args []uint8, try func([]uint8)) {
	if len(args) > allOrders {
		for i := range args {
			first := slices.Clone(args)
			copy(first[1:i+1], args[:i])
			first[0] = args[i]
			try(first)
		}
		return
	}
	var permute func(n int)
	permute = func(n int) {
		if n == len(args) {
			try(args)
			return
		}
		for i := n; i < len(args); i++ {
			args[n], args[i] = args[i], args[n]
			permute(n + 1)
			args[n], args[i] = args[i], args[n]
		}
	}
	permute(0)
}

// price returns the cost of a graph for the call's alternatives: instructions run, and a little for each there is.
func (c *compiler) price(root node) float64 {
	if c.t.overflow {
		return math.Inf(1)
	}
	c.send(root, 1)
	cost := 0.0
	for _, n := range c.met {
		first, end := c.t.nodes[n].first, c.t.nodes[n].end
		v := c.t.views[c.t.nodes[n].view]
		through := 0.0
		for i := first; i < end; i++ {
			through += c.flow[i]
		}
		_, tests := c.search(n)
		loads := 1.0
		if v.mask != 1<<32-1 {
			loads = 2
		}
		cost += tests + loads*(through+size) + size*float64(end-first)
	}
	for _, n := range c.met {
		clear(c.flow[c.t.nodes[n].first:c.t.nodes[n].end])
	}
	return cost
}

// send adds weight to the branches that each of c.samples takes through a graph, and notes in c.met the nodes met.
func (c *compiler) send(root node, weight float64) {
	if n := len(c.flow); n < len(c.t.branches) {
		c.flow = slices.Grow(c.flow, cap(c.t.branches)-n)[:len(c.t.branches)]
		clear(c.flow[n:])
	}
	c.met = c.met[:0]
	for i := range c.samples {
		s := &c.samples[i]
		for n := root; n >= 0; {
			if !slices.Contains(c.met, n) {
				c.met = append(c.met, n)
			}
			at := c.t.nodes[n].first
			v := c.t.views[c.t.nodes[n].view]
			for x := v.of(s); c.t.branches[at].hi < x; {
				at++
			}
			c.flow[at] += weight
			n = c.t.branches[at].to
		}
	}
}
