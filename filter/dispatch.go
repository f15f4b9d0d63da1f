package filter

import (
	"github.com/stagelock/seccomp/internal/bpf"
	"github.com/stagelock/seccomp/policy"
)

// A compiler makes one program of one table.
//
// The program asks for the architecture, then for the number, in two searches. The first knows only the calls whose
// verdict hangs on arguments (hot): on a kernel with the bitmap, only they and refused calls run the program at all.
// The second knows all others (cold), where the numbers of hot calls may lead anywhere, so that ranges close over
// them. Up to the verdict of a cold call there are only instructions that the kernel's bitmap follows.
type compiler struct {
	table   *policy.Table
	window  window
	rate    func(nr uint32) float64 // Options.Weight
	t       translator
	s       searcher
	b       bpf.Builder
	hot     []item // by ascending number, with the roots of their graphs
	cold    []item
	flow    []float64 // of each branch of the graph: what comes through it
	blocks  map[blockKey]bpf.Label
	samples []sample // alternatives of the call at hand
	met     []node   // by send
	items   []item   // of the node at hand
	lengths []length // by ascending number
}

// nowhere is the place of hot's background; others are nodes, see place.
const nowhere = 0

// place numbers nodes from 1 on, as items want it.
func (c *compiler) place(n node) int32 { return int32(n) + int32(len(c.t.verdicts)) + 3 }

func (c *compiler) node(place int32) node { return node(place - int32(len(c.t.verdicts)) - 3) }

// The weights of cold calls: on kernels without the bitmap allowed ones are made often, refused ones never are.
const (
	allowedWeight = 1
	refusedWeight = 1.0 / 16
	hotMiss       = 1.0 / 64 // of the mean hot call
)

// program compiles.
func (c *compiler) program() (*Program, error) {
	arch := c.table.Arch
	if err := c.translate(); err != nil {
		return nil, err
	}
	place := func(to int32, have view) bpf.Label { return c.block(c.node(to), have) }
	root, _ := c.s.search(c.cold, refusedWeight)
	miss := c.emit(root, view{}, place)

	c.s.tests = c.s.tests[:0]
	entry := miss
	if len(c.hot) > 0 {
		root, _ = c.s.search(c.hotItems())
		entry = c.emit(root, view{}, func(to int32, have view) bpf.Label {
			if to == nowhere {
				return miss
			}
			before := c.b.Len()
			at := place(to, noView)
			c.took(to, c.b.Len()-before)
			return at
		})
	}
	entry = c.b.Then(bpf.LoadWord, bpf.OffNr, entry)
	entry = c.b.Branch(bpf.JumpEq, arch.Audit, entry, c.b.Return(policy.Action{}.Ret()))
	c.b.Then(bpf.LoadWord, bpf.OffArch, entry)
	return &Program{Arch: arch, Table: c.table, First: c.window.first, Last: c.window.last, Insns: c.b.Program()}, nil
}

// translate makes the graphs of all calls and fills hot and cold.
func (c *compiler) translate() error {
	t := c.table
	other := c.t.clauses([]policy.Clause{t.Other})
	foreign := other
	if t.Arch.X32 {
		foreign = c.t.clauses([]policy.Clause{t.Foreign})
	}
	outside := c.t.verdict(policy.Action{Kind: policy.Allow}.Ret())
	calls := c.window.of(t.Calls)
	roots := make([]root, len(calls))
	for i := range calls {
		d := &calls[i]
		n, ok := c.call(d)
		if !ok {
			return &SizeError{Call: d.Name, Nr: d.Nr, Instructions: callLimit, Limit: MaxInstructions}
		}
		roots[i] = root{nr: d.Nr, n: n}
		if n >= 0 {
			c.samples = alternatives(c.samples[:0], d)
			alternatives := max(1, len(c.samples))
			roots[i].weight = c.weight(d.Nr, alternatives)
			c.send(n, roots[i].weight/float64(alternatives))
		}
	}
	// All verdicts are known now, so nodes can be numbered as places.
	if w := c.window; w.first > 0 {
		c.upTo(w.first-1, outside)
	}
	for _, r := range roots {
		if r.nr > 0 {
			c.unlisted(r.nr-1, other, foreign)
		}
		if r.n >= 0 {
			c.hot = append(c.hot, item{r.nr, r.nr, c.place(r.n), r.weight})
			c.anything(r.nr)
		} else {
			c.upTo(r.nr, r.n)
		}
		c.lengths = append(c.lengths, length{r.nr, findLength})
	}
	c.unlisted(c.window.last, other, foreign)
	c.upTo(allNumbers.last, outside)
	return nil
}

// A root is where the decision on a call begins.
type root struct {
	nr     uint32
	n      node
	weight float64
}

// took notes how long the code at a place is for the calls it belongs to.
func (c *compiler) took(place int32, n int) {
	for i, h := 0, 0; h < len(c.hot); i++ {
		if c.lengths[i].nr != c.hot[h].lo {
			continue
		}
		if c.hot[h].to == place {
			c.lengths[i].n += n
		}
		h++
	}
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

// unlisted makes the numbers up to hi those that the table has no call for.
func (c *compiler) unlisted(hi uint32, other, foreign node) {
	if c.table.Arch.X32 {
		const first, last = 1 << 30, 1<<32 - 2 // kernel.Arch.Foreign
		c.upTo(min(hi, first-1), other)
		c.upTo(min(hi, last), foreign)
	}
	c.upTo(hi, other)
}

// upTo makes the numbers from the end of cold up to hi lead to a verdict.
func (c *compiler) upTo(hi uint32, verdict node) {
	weight := refusedWeight
	if a, ok := policy.ActionOf(c.t.ret(verdict)); ok && a.Allows() {
		weight = allowedWeight
	}
	it := item{0, hi, c.place(verdict), weight}
	if n := len(c.cold) - 1; n >= 0 {
		switch last := &c.cold[n]; {
		case last.hi >= hi:
			return
		case last.to == it.to:
			last.hi = hi
			last.weight += weight
			return
		default:
			it.lo = last.hi + 1
		}
	}
	c.cold = append(c.cold, it)
}

// anything lets the number after the end of cold lead anywhere: the first search finds it.
func (c *compiler) anything(nr uint32) {
	if n := len(c.cold) - 1; n >= 0 {
		c.cold[n].hi = nr
	}
}

// hotItems returns the hot calls with gaps between them that lead nowhere, and the weight of a gap.
func (c *compiler) hotItems() (items []item, miss float64) {
	items = make([]item, 0, 2*len(c.hot)+1)
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
	return items, hotMiss * total / float64(len(c.hot))
}
