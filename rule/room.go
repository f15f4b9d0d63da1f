package rule

import "slices"

// A room is memory for many nodes of one type: a text of a hundred rules asks for memory a few times, instead of several
// times for each rule, which took longer than all the rest of reading it. What was given out is never moved.
type room[T any] struct {
	nodes []T
	left  int // the first of nodes; a count, since to move a pointer on costs more while garbage is collected
}

// one returns a zero node. Where no room is left, it is made for n, and at most manyNodes.
func (r *room[T]) one(n int) *T {
	if r.left == 0 {
		r.more(n)
	}
	r.left--
	return &r.nodes[r.left]
}

func (r *room[T]) more(n int) {
	nodes := slices.Grow[[]T](nil, min(n, manyNodes))
	r.nodes, r.left = nodes[:cap(nodes)], cap(nodes)
}

// lists is memory for lists of nodes of one type. One alone may be begun at a time: to what list returns, add adds, until
// keep returns it.
type lists[T any] struct{ free []T }

func (r *lists[T]) list() []T { return r.free[:0] }

// add adds a zero node to a list.
func (r *lists[T]) add(list []T) []T {
	if len(list) == cap(list) {
		list = slices.Grow(list, fewNodes)
	}
	var zero T
	return append(list, zero)
}

func (r *lists[T]) keep(list []T) []T {
	r.free = list[len(list):]
	return slices.Clip(list)
}

// rooms has room for what a text has most of.
type rooms struct {
	rules   room[Rule]
	numbers room[Number]
	ranges  lists[Range]
	ins     room[In]
	asides  room[aside]
}

const (
	manyNodes = 128
	fewNodes  = 8
)

// left returns how many lines are left, with this one: most have a node of the usual types.
func (l *lexer) left() int { return int(l.end - l.line) }
