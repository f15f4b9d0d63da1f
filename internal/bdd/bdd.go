// Package bdd decides questions about functions from bits to 32-bit results exactly, with reduced ordered decision
// diagrams: two functions are equal if and only if their diagrams are the same Node.
//
// A Diagram has up to 65,535 variables, asked in ascending order, and leaves that carry any uint32. Conditions are
// diagrams whose leaves are 0 and 1.
package bdd

import "errors"

// ErrTooComplex is what every operation of a Diagram ends with once it has made more nodes than its limit. Decision
// diagrams can grow exponentially; the limit makes that an error instead of a hang.
var ErrTooComplex = errors.New("too complex to decide")

// A Node is a function, valid only with the Diagram that made it. Equal functions have equal Nodes.
type Node int32

// Constants every Diagram begins with.
const (
	False Node = 0 // the function that is 0 everywhere
	True  Node = 1 // the function that is 1 everywhere
)

const leafLevel = 1<<16 - 1

// A node asks a variable. The results where it is 0 and where it is 1 are lo and hi; a leaf, of level leafLevel, has
// its value in lo.
type node struct {
	lo, hi Node
	level  uint16
}

// A Diagram holds the nodes of many functions and shares what they have in common. It is not for concurrent use.
type Diagram struct {
	nodes  []node
	unique []Node   // where each node lies, by its hash; 0 is an empty place, n+1 stands for Node n
	cache  []result // results of If, by hash; a newer one drives out an older one
	limit  int
	err    error
}

// A result is what If(c, yes, no) was found to be, n. Empty places have c == 0, which is no question.
type result struct{ c, yes, no, n Node }

// New returns a Diagram that makes at most limit nodes before it gives up with ErrTooComplex.
func New(limit int) *Diagram {
	d := &Diagram{limit: limit}
	d.resize(1 << 8)
	d.Leaf(0)
	d.Leaf(1)
	return d
}

// Reset forgets all Nodes, and that the limit was reached. The memory is used again, unless it is much.
func (d *Diagram) Reset() {
	d.nodes, d.err = d.nodes[:0], nil
	if len(d.unique) > 1<<12 {
		d.resize(1 << 8)
	} else {
		clear(d.unique)
		clear(d.cache)
	}
	d.Leaf(0)
	d.Leaf(1)
}

// Err returns ErrTooComplex if the limit was reached: every Node made since then is meaningless.
func (d *Diagram) Err() error { return d.err }

// Size returns how many nodes the Diagram holds.
func (d *Diagram) Size() int { return len(d.nodes) }

// Leaf returns the function that is v everywhere.
func (d *Diagram) Leaf(v uint32) Node { return d.find(node{lo: Node(v), level: leafLevel}) }

// Value returns the result of a constant function; ok is false for any other.
func (d *Diagram) Value(n Node) (v uint32, ok bool) {
	x := &d.nodes[n]
	return uint32(x.lo), x.level == leafLevel
}

// Var returns the condition that variable v is 1.
func (d *Diagram) Var(v uint16) Node { return d.node(v, False, True) }

// Branch returns the variable that n asks first and the functions left where it is 0 and 1.
// It must not be called for a constant function.
func (d *Diagram) Branch(n Node) (v uint16, lo, hi Node) {
	x := &d.nodes[n]
	if x.level == leafLevel {
		panic("bdd: Branch of a constant function")
	}
	return x.level, x.lo, x.hi
}

// Not returns where the condition c does not hold.
func (d *Diagram) Not(c Node) Node { return d.If(c, False, True) }

// And returns where both conditions hold.
func (d *Diagram) And(a, b Node) Node { return d.If(a, b, False) }

// Or returns where at least one of the conditions holds.
func (d *Diagram) Or(a, b Node) Node { return d.If(a, True, b) }

// If returns the function that is yes where the condition c holds and no elsewhere.
func (d *Diagram) If(c, yes, no Node) Node {
	switch {
	case d.err != nil:
		return False
	case c == True || yes == no:
		return yes
	case c == False:
		return no
	case yes == True && no == False:
		return c
	}
	k := hash(c, yes, no)
	if r := &d.cache[k&uint32(len(d.cache)-1)]; r.c == c && r.yes == yes && r.no == no {
		return r.n
	}
	v := min(d.nodes[c].level, d.nodes[yes].level, d.nodes[no].level)
	if v == leafLevel { // c is a leaf that is neither 0 nor 1
		panic("bdd: condition with a result other than 0 and 1")
	}
	c0, c1 := d.cofactors(c, v)
	y0, y1 := d.cofactors(yes, v)
	n0, n1 := d.cofactors(no, v)
	n := d.node(v, d.If(c0, y0, n0), d.If(c1, y1, n1))
	d.cache[k&uint32(len(d.cache)-1)] = result{c, yes, no, n}
	return n
}

// Map returns the function whose results are f of a's. The same f must give the same results each time.
func (d *Diagram) Map(a Node, f func(uint32) uint32) Node {
	done := make(map[Node]Node)
	var walk func(Node) Node
	walk = func(n Node) Node {
		if m, ok := done[n]; ok {
			return m
		}
		x := d.nodes[n]
		var m Node
		if x.level == leafLevel {
			m = d.Leaf(f(uint32(x.lo)))
		} else {
			m = d.node(x.level, walk(x.lo), walk(x.hi))
		}
		done[n] = m
		return m
	}
	return walk(a)
}

// Combine returns the function whose results are f of a's and b's results.
func (d *Diagram) Combine(a, b Node, f func(a, b uint32) uint32) Node {
	type pair struct{ a, b Node }
	done := make(map[pair]Node)
	var walk func(a, b Node) Node
	walk = func(a, b Node) Node {
		if d.err != nil {
			return False
		}
		if n, ok := done[pair{a, b}]; ok {
			return n
		}
		v := min(d.nodes[a].level, d.nodes[b].level)
		var n Node
		if v == leafLevel {
			n = d.Leaf(f(uint32(d.nodes[a].lo), uint32(d.nodes[b].lo)))
		} else {
			a0, a1 := d.cofactors(a, v)
			b0, b1 := d.cofactors(b, v)
			n = d.node(v, walk(a0, b0), walk(a1, b1))
		}
		done[pair{a, b}] = n
		return n
	}
	return walk(a, b)
}

// Find returns an assignment under which n has a result that want accepts: the variables that must be 1 on the way
// there, the others being 0. ok is false if there is none.
func (d *Diagram) Find(n Node, want func(uint32) bool) (ones []uint16, ok bool) {
	dead := make(map[Node]bool)
	var walk func(Node) bool
	walk = func(n Node) bool {
		if dead[n] {
			return false
		}
		x := d.nodes[n]
		if x.level == leafLevel {
			if want(uint32(x.lo)) {
				return true
			}
		} else {
			if walk(x.lo) {
				return true
			}
			ones = append(ones, x.level)
			if walk(x.hi) {
				return true
			}
			ones = ones[:len(ones)-1]
		}
		dead[n] = true
		return false
	}
	ok = walk(n)
	return ones, ok
}

// Eval returns n's result where the variables have the values that bit gives.
func (d *Diagram) Eval(n Node, bit func(v uint16) bool) uint32 {
	for {
		x := &d.nodes[n]
		switch {
		case x.level == leafLevel:
			return uint32(x.lo)
		case bit(x.level):
			n = x.hi
		default:
			n = x.lo
		}
	}
}

func (d *Diagram) cofactors(n Node, v uint16) (lo, hi Node) {
	if x := &d.nodes[n]; x.level == v {
		return x.lo, x.hi
	}
	return n, n
}

// node returns the function that is lo where variable v is 0, and hi where it is 1.
func (d *Diagram) node(v uint16, lo, hi Node) Node {
	if lo == hi {
		return lo
	}
	return d.find(node{lo, hi, v})
}

// find returns the Node of x, which is made if it is new. Past the limit nothing is made and the answer is False, so
// that every operation still ends soon: results collapse to constants, and Err tells that they mean nothing.
func (d *Diagram) find(x node) Node {
	i := hash(x.lo, x.hi, Node(x.level))
	for ; ; i++ {
		n := d.unique[i&uint32(len(d.unique)-1)]
		if n == 0 {
			break
		}
		if d.nodes[n-1] == x {
			return n - 1
		}
	}
	if d.err != nil || len(d.nodes) >= d.limit && len(d.nodes) > 1 {
		d.err = ErrTooComplex
		return False
	}
	d.nodes = append(d.nodes, x)
	d.unique[i&uint32(len(d.unique)-1)] = Node(len(d.nodes))
	if 4*len(d.nodes) > 3*len(d.unique) {
		d.resize(2 * len(d.unique))
	}
	return Node(len(d.nodes) - 1)
}

// resize makes room for ¾ size nodes, and for half size results. size is a power of two.
func (d *Diagram) resize(size int) {
	d.nodes = append(make([]node, 0, size/4*3+1), d.nodes...)
	d.unique = make([]Node, size)
	for n, x := range d.nodes {
		i := hash(x.lo, x.hi, Node(x.level))
		for d.unique[i&uint32(size-1)] != 0 {
			i++
		}
		d.unique[i&uint32(size-1)] = Node(n + 1)
	}
	d.cache = make([]result, size/2)
}

// hash mixes three numbers: the finalizer of MurmurHash3 over a sum with odd factors.
func hash(a, b, c Node) uint32 {
	h := uint32(a)*0x9e3779b1 ^ uint32(b)*0x85ebca77 ^ uint32(c)*0xc2b2ae3d
	h ^= h >> 16
	h *= 0x85ebca6b
	h ^= h >> 13
	h *= 0xc2b2ae35
	return h ^ h>>16
}
