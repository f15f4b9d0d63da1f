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
			return place(to, noView)
		})
	}
	entry = c.b.Then(bpf.LoadWord, bpf.OffNr, entry)
	entry = c.b.Branch(bpf.JumpEq, arch.Audit, entry, c.b.Return(policy.Action{}.Ret()))
	c.b.Then(bpf.LoadWord, bpf.OffArch, entry)
	return &Program{Arch: arch, Table: c.table, Insns: c.b.Program()}, nil
}

// translate makes the graphs of all calls and fills hot and cold.
func (c *compiler) translate() error {
	t := c.table
	other := c.t.clauses([]policy.Clause{t.Other})
	foreign := other
	if t.Arch.X32 {
		foreign = c.t.clauses([]policy.Clause{t.Foreign})
	}
	type root struct {
		nr     uint32
		n      node
		weight float64
	}
	roots := make([]root, len(t.Calls))
	for i := range t.Calls {
		d := &t.Calls[i]
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
	// From here on verdicts are complete: places can be numbered.
	x32 := func(nr uint32) {
		const first, last = 1 << 30, 1<<32 - 2 // kernel.Arch.Foreign
		if t.Arch.X32 && nr > first {
			c.range_(first-1, other)
			c.range_(min(nr-1, last), foreign)
		}
		if nr > 0 {
			c.range_(nr-1, other)
		}
	}
	for _, r := range roots {
		x32(r.nr)
		if r.n < 0 {
			c.range_(r.nr, r.n)
			continue
		}
		c.hot = append(c.hot, item{r.nr, r.nr, c.place(r.n), r.weight})
		if last := len(c.cold) - 1; last >= 0 {
			c.cold[last].hi = r.nr
		}
	}
	if last := len(c.cold) - 1; last < 0 || c.cold[last].hi != 1<<32-1 {
		if t.Arch.X32 {
			x32(1<<32 - 1)
		}
		c.range_(1<<32-1, other)
	}
	return nil
}

// range_ appends the numbers up to hi to the cold ones.
func (c *compiler) range_(hi uint32, verdict node) {
	to, lo := c.place(verdict), uint32(0)
	weight := refusedWeight
	if policy.Action.Allows(actionOf(c.t.ret(verdict))) {
		weight = allowedWeight
	}
	if last := len(c.cold) - 1; last >= 0 {
		l := &c.cold[last]
		if l.hi >= hi {
			return
		}
		if l.to == to {
			l.hi = hi
			l.weight += weight
			return
		}
		lo = l.hi + 1
	}
	c.cold = append(c.cold, item{lo, hi, to, weight})
}

func actionOf(ret uint32) policy.Action {
	a, _ := policy.ActionOf(ret)
	return a
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
