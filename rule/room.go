package rule

import "strings"

// A room is memory for many nodes of one type: a text of a hundred rules asks for memory a few times, instead of several
// times for each rule, which took longer than all the rest of reading it. What was given out is never moved.
type room[T any] struct{ free []T }

// one returns a zero node. Where no room is left, it is made for as many as lines follow, and at most so many.
func (r *room[T]) one(l *lexer, most int) *T {
	if len(r.free) == 0 {
		r.more(l, most)
	}
	x := &r.free[0]
	r.free = r.free[1:]
	return x
}

func (r *room[T]) more(l *lexer, most int) { r.free = make([]T, min(l.lines(), most)) }

// list returns a copy of a list.
func (r *room[T]) list(list []T) []T {
	n := len(list)
	if n > len(r.free) {
		r.free = make([]T, max(n, fewNodes))
	}
	kept := r.free[:n:n]
	r.free = r.free[n:]
	copy(kept, list)
	return kept
}

// rooms has room for what a text has most of.
type rooms struct {
	rules    room[Rule]
	numbers  room[Number]
	ranges   room[Range]
	ins      room[In]
	comments room[Comments]
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
