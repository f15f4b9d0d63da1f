package filter

import (
	"sync/atomic"

	"github.com/stagelock/seccomp/policy"
)

// spare is a compiler that is done, kept for the room it has made: most of what a compilation needs is forgotten at its
// end. A process that locks has a few programs to compile, one after another. A sync.Pool would do the same, but what is
// put into an interface has all its types described in every program, with the methods by which they are printed: 15 KB.
var spare atomic.Pointer[compiler]

// newCompiler returns a compiler for the calls in a window. It is to be released.
func newCompiler(t *policy.Table, o *Options, w window) *compiler {
	c := spare.Swap(nil)
	if c == nil {
		c = madeCompiler()
	}
	c.prepare(t, o, w)
	return c
}

func (c *compiler) prepare(t *policy.Table, o *Options, w window) {
	c.table, c.window, c.rate, c.t.narrow = t, w, o.Weight, t.Arch.Bits == 32
}

// madeCompiler returns a compiler with room for what a table of a dozen calls with conditions takes, so that lists need
// not grow step by step.
func madeCompiler() *compiler {
	const room = 16
	c := &compiler{
		hot:     make([]item, 0, room),
		items:   make([]item, 0, room),
		blocks:  make([]block, 0, 2*room),
		misses:  make([]miss, 0, room),
		samples: make([]sample, 0, room),
		code:    make([]code, 0, room),
		t: translator{graph: &graph{
			views:    make([]view, 0, room),
			rank:     make([]int16, 0, room),
			nodes:    make([]graphNode, 0, 2*room),
			branches: make([]branch, 0, 8*room),
			verdicts: make([]uint32, 0, room),
		}},
	}
	c.s.few.tests = make([]fewTest, 0, 2*room)
	return c
}

// maxRoom is how many branches a compiler may have room for that is kept: what most tables take, many times over.
const maxRoom = 1 << 12

// release keeps a compiler for what is compiled next.
func (c *compiler) release() {
	if cap(c.t.branches) <= maxRoom {
		c.forget()
		spare.Store(c)
	}
}

// forget takes all away that is of one table.
func (c *compiler) forget() {
	c.table, c.rate = nil, nil
	c.hot, c.cold, c.misses, c.code = c.hot[:0], c.cold[:0], c.misses[:0], c.code[:0]
	c.flow, c.blocks, c.newest = c.flow[:0], c.blocks[:0], c.newest[:0]
	c.s.tests = c.s.tests[:0]
	c.b.Reset()
	c.t.reset()
}

// reset makes an empty graph of g.
func (g *graph) reset() {
	g.views, g.rank, g.nodes, g.branches, g.verdicts = g.views[:0], g.rank[:0], g.nodes[:0], g.branches[:0], g.verdicts[:0]
	g.memo.clear()
	g.limit, g.overflow = 0, false
	for i := range g.table {
		g.table[i] = never
	}
}
