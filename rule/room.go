package rule

import (
	"slices"
	"strings"
)

// A room is memory for many nodes of one type: a text of a hundred rules asks for memory a few times, instead of several
// times for each rule, which took longer than all the rest of reading it. What was given out is never moved.
type room[T any] struct {
	nodes []T
	used  int // of nodes; a count, since to move a pointer on costs more while garbage is collected
}

// one returns a zero node. Where no room is left, it is made for as many as lines follow, and at most so many.
func (r *room[T]) one(l *lexer, most int) *T {
	if r.used == len(r.nodes) {
		r.more(l, most)
	}
	r.used++
	return &r.nodes[r.used-1]
}

func (r *room[T]) more(l *lexer, most int) {
	nodes := slices.Grow[[]T](nil, min(l.lines(), most))
	r.nodes, r.used = nodes[:cap(nodes)], 0
}

// list begins a list of nodes, to which add adds, until keep returns it. One alone may be begun at a time.
func (r *room[T]) list() []T { return r.nodes[r.used:r.used] }

// add adds a zero node to a list.
func (r *room[T]) add(list []T) []T {
	if len(list) == cap(list) {
		list = slices.Grow(list, fewNodes)
		r.nodes, r.used = list[:cap(list)], 0
	}
	var zero T
	return append(list, zero)
}

func (r *room[T]) keep(list []T) []T {
	r.used += len(list)
	return slices.Clip(list)
}

// rooms has room for what a text has most of.
type rooms struct {
	rules   room[Rule]
	numbers room[Number]
	ranges  room[Range]
	ins     room[In]
	kept    room[Comments]
}

const (
	manyNodes = 128
	fewNodes  = 8
)

// lines returns how many lines follow, up to about manyNodes: most of them have a rule.
func (l *lexer) lines() int {
	const short = 24 // bytes of a short line
	rest := l.src[l.off:]
	return strings.Count(rest[:min(len(rest), short*manyNodes)], "\n") + 1
}
