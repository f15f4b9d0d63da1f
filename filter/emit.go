package filter

import (
	"slices"

	"github.com/stagelock/seccomp/internal/bpf"
)

// noView is what A holds where it holds no part of an argument that is worth anything.
var noView = view{}

// A block is code that stands once: the tests of a node, for a given content of A.
type block struct {
	have   view
	at     bpf.Label
	before int32 // the last block of the same node before this one, as in compiler.newest
}

// block adds the code of a node that is no leaf, have being what A holds where it begins.
func (c *compiler) block(n node, have view) bpf.Label {
	v := c.t.views[c.t.nodes[n].view]
	loaded := have.mask != 0 && have.word == v.word && have.mask&v.mask == v.mask
	if !loaded {
		have = noView
	}
	if len(c.newest) == 0 {
		c.newest = slices.Grow(c.newest, len(c.t.nodes))[:len(c.t.nodes)]
		clear(c.newest)
	}
	for i := c.newest[n]; i > 0; i = c.blocks[i-1].before {
		if b := &c.blocks[i-1]; b.have == have {
			return b.at
		}
	}
	var at bpf.Label
	whole := view{v.word, 1<<32 - 1}
	branches := c.t.of(n)
	switch {
	case !loaded:
		off := bpf.ArgOffset(int(v.word/2), v.word%2 == 1, c.table.Arch.BigEndian)
		at = c.b.Then(bpf.LoadWord, off, c.block(n, whole))
	case have.mask == v.mask:
		at = c.tests(n, have)
	case len(branches) == 2 && branches[0].hi == 0:
		no := c.emit(^place(branches[0].to), have)
		at = c.b.Branch(bpf.JumpSet, v.mask, c.emit(^place(branches[1].to), have), no)
	default:
		at = c.b.Then(bpf.And, v.mask, c.block(n, v))
	}
	c.blocks = append(c.blocks, block{have, at, c.newest[n]})
	c.newest[n] = int32(len(c.blocks))
	return at
}

// tests adds the search among the branches of a node whose view A holds.
func (c *compiler) tests(n node, have view) bpf.Label {
	root, _ := c.search(n)
	return c.emit(root, have)
}

// search finds the tests among the branches of a node, and what they cost those who come through.
func (c *compiler) search(n node) (root int32, cost float64) {
	v := c.t.views[c.t.nodes[n].view]
	first := c.t.nodes[n].first
	items := c.items[:0]
	lo, total := uint32(0), 0.0
	for i, br := range c.t.of(n) {
		weight := 0.0
		if at := int(first) + i; at < len(c.flow) {
			weight = c.flow[at]
		}
		items = append(items, item{lo, br.hi, place(br.to), weight})
		lo = v.next(br.hi)
		total += weight
	}
	c.items = items
	c.s.spoil, c.s.most = true, exactKeys
	root, cost = c.s.search(items, total/256)
	c.s.spoil = false
	return root, cost
}

// emit adds the tests from root on and the blocks that they lead to, have being what A holds where they begin.
func (c *compiler) emit(root int32, have view) bpf.Label {
	if root < 0 {
		n := nodeAt(^root)
		if n < 0 {
			return c.b.Return(c.t.ret(n))
		}
		return c.block(n, have)
	}
	t := &c.s.tests[root]
	if t.op == bpf.And {
		return c.b.Then(bpf.And, t.k, c.emit(t.no, view{have.word, have.mask & t.k}))
	}
	yes := c.emit(t.yes, have)
	return c.b.Branch(t.op, t.k, yes, c.emit(t.no, have))
}
