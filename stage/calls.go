package stage

import (
	"math/bits"
	"slices"

	"github.com/stagelock/seccomp/internal/order"
	"github.com/stagelock/seccomp/policy"
)

// listed tells which of 64 calls are in the builder's list, and how many calls of the architecture are there before them.
type listed struct {
	calls  uint64 // a bit for each, the first one's the lowest
	before int
}

// start lists the calls that the plan is about: those that something is said about, and numbers that the architecture's
// tables don't know, named by nr(N). What is said about all others is that nothing allows them.
func (b *builder) start() {
	p := b.policy
	b.listed = make([]listed, p.Arch.Len()/64+1)
	for k := range p.Stages {
		s := &p.Stages[k]
		b.mention(s.Rules)
		for _, step := range s.Steps {
			for _, set := range step.Sets {
				b.mentionSet(set)
			}
		}
	}
	b.mention(p.Fallbacks)
	for _, s := range b.floorSets() {
		b.mentionSet(s)
	}
	order.Stable(b.beside, func(i, j int) bool { return b.beside[i] < b.beside[j] })
	b.beside = slices.Compact(b.beside)
	b.listCalls()
}

// mention notes that something is said about calls.
func (b *builder) mention(rules []policy.Rule) {
	arch, listed := b.policy.Arch, b.listed
	for i := range rules {
		if at, known := arch.Index(rules[i].Nr); known {
			listed[uint(at)/64].calls |= 1 << (uint(at) % 64)
		} else {
			b.beside = append(b.beside, rules[i].Nr)
		}
	}
}

func (b *builder) mentionSet(s *policy.Set) {
	for l := range s.Leaves {
		if !slices.Contains(b.mentioned, l) {
			b.mentioned = append(b.mentioned, l)
			b.mention(l.Rules)
		}
	}
}

// listCalls makes the list of calls from what was mentioned.
func (b *builder) listCalls() {
	n := 0
	for g := range b.listed {
		b.listed[g].before = n
		n += bits.OnesCount64(b.listed[g].calls)
	}
	b.calls = make([]policy.Decision, n+len(b.beside))
	left, beside := b.calls, b.beside
	list := func(nr uint32, name string) {
		d := &left[0]
		d.Nr, d.Name = nr, name
		left = left[1:]
	}
	for g := range b.listed {
		for rest := b.listed[g].calls; rest != 0; rest &= rest - 1 {
			nr, name := b.policy.Arch.NameAt(64*g + bits.TrailingZeros64(rest))
			for ; len(beside) > 0 && beside[0] < nr; beside = beside[1:] {
				list(beside[0], "")
			}
			list(nr, name)
		}
	}
	for _, nr := range beside {
		list(nr, "")
	}
	b.states = make([]state, len(b.calls))
	b.clauses = slices.Grow(b.clauses, min(len(b.calls), mostClauses))
}

// index returns the place of a call in calls.
func (b *builder) index(nr uint32) (i int, ok bool) {
	at, known := b.policy.Arch.Index(nr)
	below, beside := slices.BinarySearch(b.beside, nr)
	l, bit := &b.listed[at/64], uint64(1)<<(at%64)
	i = l.before + bits.OnesCount64(l.calls&(bit-1)) + below
	return i, beside || known && l.calls&bit != 0
}
