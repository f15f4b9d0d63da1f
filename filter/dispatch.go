package filter

import (
	"slices"
	"sort"

	"github.com/stagelock/seccomp/internal/bpf"
	"github.com/stagelock/seccomp/policy"
)

// A compiler makes one program of one table.
//
// The program asks for the architecture, then for the number, in two searches. The first knows only the calls whose
// verdict hangs on arguments (hot): on a kernel with the bitmap, only they and refused calls run the program at all.
// Where it finds none, a second one knows all others (cold) that the first leaves possible, and there the numbers of
// hot calls may lead anywhere, so that ranges close over them. Up to the verdict of a cold call there are only
// instructions that the kernel's bitmap follows.
type compiler struct {
	table   *policy.Table
	window  window
	rate    func(nr uint32) float64 // Options.Weight
	t       translator
	s       searcher
	b       bpf.Builder
	hot     []item    // by ascending number, with the roots of their graphs
	cold    []item    // all numbers
	misses  []miss    // the second searches
	flow    []float64 // of each branch of the graph: what comes through it
	blocks  []block
	newest  []int32  // of each node, its last block: the place behind it in blocks
	samples []sample // alternatives of the call at hand
	met     []node   // by send
	items   []item   // of the search at hand
	code    []code
}

// nowhere is the place of hot's background; others are nodes.
const nowhere = 0

// place numbers nodes, leaves too, from 1 on, as items want it.
func place(n node) int32 {
	if n < 0 {
		return ^int32(n)<<1 | 1
	}
	return int32(n+1) << 1
}

func nodeAt(place int32) node {
	if place&1 == 1 {
		return ^node(place >> 1)
	}
	return node(place>>1) - 1
}

// The weights of cold calls: on kernels without the bitmap allowed ones are made, each as often as its rate says;
// refused ones never are.
const (
	refusedWeight = 1.0 / 16
	hotMiss       = 1.0 / 64 // of the mean hot call
)

// program compiles.
func (c *compiler) program() (*Program, error) {
	arch := c.table.Arch
	if err := c.translate(); err != nil {
		return nil, err
	}
	c.b.Grow(len(c.cold) + len(c.t.branches) + len(c.hot))
	c.s.tests = slices.Grow(c.s.tests, len(c.cold)+len(c.hot))
	root := ^int32(nowhere)
	if len(c.hot) > 0 {
		c.s.most = exactKeys
		root, _ = c.s.search(c.hotItems())
	}
	entry := c.b.Then(bpf.LoadWord, bpf.OffNr, c.findHot(root, allNumbers))
	entry = c.b.Branch(bpf.JumpEq, arch.Audit, entry, c.b.Return(policy.Action{}.Ret()))
	c.b.Then(bpf.LoadWord, bpf.OffArch, entry)
	return &Program{Arch: arch, Table: c.table, First: c.window.first, Last: c.window.last, Insns: c.b.Program()}, nil
}

// findHot adds the first search from root on, in being the numbers that come there.
func (c *compiler) findHot(root int32, in window) bpf.Label {
	switch {
	case root == ^nowhere:
		return c.findCold(in)
	case root < 0:
		before := c.b.Len()
		at := c.block(nodeAt(^root), noView)
		c.code = append(c.code, code{^root, c.b.Len() - before})
		return at
	}
	t := c.s.tests[root]
	above, below := in, in
	if t.op == bpf.JumpGe {
		above.first, below.last = t.k, t.k-1
	}
	yes := c.findHot(t.yes, above)
	return c.b.Branch(t.op, t.k, yes, c.findHot(t.no, below))
}

// A miss is where those numbers go that are in a window and of no hot call.
type miss struct {
	in window
	at bpf.Label
}

// coldKeys is exactKeys of the second searches. They are for refused calls and old kernels, and few are enough.
const coldKeys = 4

// findCold adds the second search for the numbers in a window.
func (c *compiler) findCold(in window) bpf.Label {
	for i := range c.misses {
		if c.misses[i].in == in {
			return c.misses[i].at
		}
	}
	first := sort.Search(len(c.cold), func(i int) bool { return c.cold[i].hi >= in.first })
	last := sort.Search(len(c.cold), func(i int) bool { return c.cold[i].hi >= in.last })
	lo, hi := &c.cold[first].lo, &c.cold[last].hi
	wasLo, wasHi := *lo, *hi
	*lo, *hi = in.first, in.last
	c.s.most = coldKeys
	root, _ := c.s.search(c.cold[first:last+1], refusedWeight)
	*lo, *hi = wasLo, wasHi
	at := c.emit(root, noView)
	c.misses = append(c.misses, miss{in, at})
	return at
}

// translate makes the graphs of all calls and fills hot and cold.
func (c *compiler) translate() error {
	t := c.table
	gap := unlisted{allow: c.t.verdict(policy.Action{Kind: policy.Allow}.Ret())} // first, being what most calls get
	gap.other = c.t.verdict(t.Other.Action.Ret())
	gap.foreign = gap.other
	if t.Rest.If != nil {
		gap.calls, gap.rest = true, c.t.verdict(t.Rest.Action.Ret())
	}
	if t.Arch.X32 {
		gap.foreign = c.t.verdict(t.Foreign.Action.Ret())
	}
	calls := c.window.of(t.Calls)
	c.cold = slices.Grow(c.cold, len(calls)/4+8)
	if w := c.window; w.first > 0 {
		c.upTo(w.first-1, gap.allow, refusedWeight)
	}
	next := c.window.first        // the number after the call before
	from, _ := t.Arch.Index(next) // its place in the architecture's table
	for i := range calls {
		d := &calls[i]
		n, ok := c.call(d)
		if !ok {
			return &SizeError{Call: d.Name, Nr: d.Nr, Instructions: callLimit, Limit: MaxInstructions}
		}
		at, known := t.Arch.Index(d.Nr)
		if d.Nr > next {
			c.between(next, d.Nr-1, at-from == int(d.Nr-next), &gap)
		}
		next, from = d.Nr+1, at
		if known {
			from++
		}
		if n < 0 {
			weight := float64(refusedWeight)
			if n == gap.allow {
				weight = c.often(d.Nr, at, known)
			}
			c.upTo(d.Nr, n, weight)
			continue
		}
		c.samples = alternatives(c.samples[:0], d)
		alternatives := max(1, len(c.samples))
		weight := c.weight(d.Nr, alternatives)
		c.send(n, weight/float64(alternatives))
		c.hot = append(c.hot, item{d.Nr, d.Nr, place(n), weight})
		c.anything(d.Nr)
	}
	if len(calls) == 0 || calls[len(calls)-1].Nr < c.window.last {
		c.between(next, c.window.last, false, &gap)
	}
	c.upTo(allNumbers.last, gap.allow, refusedWeight)
	return nil
}

// of returns the calls in the window.
func (w window) of(calls []policy.Decision) []policy.Decision {
	for len(calls) > 0 && calls[0].Nr < w.first {
		calls = calls[1:]
	}
	for len(calls) > 0 && calls[len(calls)-1].Nr > w.last {
		calls = calls[:len(calls)-1]
	}
	return calls
}

// unlisted is what becomes of the numbers that the table has no decision on.
type unlisted struct {
	calls                bool // the architecture's get rest, and not other
	rest, other, foreign node
	allow                node // what a call gets that nothing is said against, as other filters' calls do
}

// between makes the numbers from lo to hi, all of them unlisted, lead to what becomes of them. They are calls of the
// architecture without exception, if known.
func (c *compiler) between(lo, hi uint32, known bool, to *unlisted) {
	if known && to.calls {
		c.upTo(hi, to.rest, c.rarely(lo, hi, to.rest == to.allow))
		return
	}
	for to.calls && lo <= hi {
		first, last, ok := c.table.Arch.Run(lo, hi)
		if !ok {
			break
		}
		if first > lo {
			c.unknown(first-1, to)
		}
		c.upTo(last, to.rest, c.rarely(first, last, to.rest == to.allow))
		if lo = last + 1; last == hi {
			return
		}
	}
	c.unknown(hi, to)
}

// rarely is what calls weigh together that hang on no arguments: allowed ones are made as often as they are.
func (c *compiler) rarely(first, last uint32, allowed bool) (weight float64) {
	if !allowed {
		return float64(last-first+1) * refusedWeight
	}
	for nr := first; ; nr++ {
		at, known := c.table.Arch.Index(nr)
		weight += c.often(nr, at, known)
		if nr == last {
			return weight
		}
	}
}

// unknown makes the numbers up to hi those that the architecture's tables don't have.
func (c *compiler) unknown(hi uint32, to *unlisted) {
	if c.table.Arch.X32 {
		const first, last = 1 << 30, 1<<32 - 2 // kernel.Arch.Foreign
		c.upTo(min(hi, first-1), to.other, refusedWeight)
		c.upTo(min(hi, last), to.foreign, refusedWeight)
	}
	c.upTo(hi, to.other, refusedWeight)
}

// upTo makes the numbers from the end of cold up to hi lead to a verdict.
func (c *compiler) upTo(hi uint32, verdict node, weight float64) {
	lo, to := uint32(0), place(verdict)
	if n := len(c.cold) - 1; n >= 0 {
		last := &c.cold[n]
		if last.hi >= hi {
			return
		}
		if last.to == to {
			last.hi = hi
			last.weight += weight
			return
		}
		lo = last.hi + 1
	}
	c.cold = append(c.cold, item{lo, hi, to, weight})
}

// anything lets the number after the end of cold lead anywhere: the first search finds it.
func (c *compiler) anything(nr uint32) {
	if n := len(c.cold) - 1; n >= 0 {
		c.cold[n].hi = nr
	}
}

// hotItems returns the hot calls with gaps between them that lead nowhere, and the weight of a gap.
func (c *compiler) hotItems() (items []item, miss float64) {
	items = slices.Grow(c.items[:0], 2*len(c.hot)+1)
	total, next := 0.0, uint32(0)
	for _, h := range c.hot {
		if h.lo > next {
			items = append(items, item{lo: next, hi: h.lo - 1, to: nowhere})
		}
		total += h.weight
		if last := len(items) - 1; last >= 0 && items[last].to == h.to {
			items[last].hi = h.hi
			items[last].weight += h.weight
		} else {
			items = append(items, h)
		}
		next = h.hi + 1
	}
	if next != 0 {
		items = append(items, item{lo: next, hi: 1<<32 - 1, to: nowhere})
	}
	c.items = items
	return items, hotMiss * total / float64(len(c.hot))
}
