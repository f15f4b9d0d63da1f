// Package lint points at what in a policy is allowed to be said and is most likely not what its author meant: a rule
// without effect, a flag word compared with ==, a grant that undoes the rest. It looks at what the policy says itself,
// never at the built-in sets.
package lint

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/stagelock/seccomp/internal/bdd"
	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/rule"
	"github.com/stagelock/seccomp/stage"
)

// Check returns the warnings about a policy, by place.
func Check(p *stage.Plan) []policy.Note {
	l := &linter{
		plan:    p,
		arch:    p.Policy.Arch,
		risks:   risksOn(p.Policy.Arch),
		decider: policy.NewDecider(decideLimit),
		seen:    make(map[policy.Note]bool),
	}
	for k := range p.Stages {
		l.k, l.stage, l.said = k, &p.Stages[k], &p.Policy.Stages[k]
		l.begin()
		l.nothing()
		l.drowned()
		for i := range l.said.Rules {
			r := &l.said.Rules[i]
			l.begin()
			l.effect(r)
			l.arguments(r)
			given, _ := l.word(r.Nr)
			l.grant(r, given)
		}
		l.ownSets()
		for _, look := range []func(){l.companions, l.openings, l.twins, l.children} {
			l.begin()
			look()
		}
	}
	slices.SortStableFunc(l.notes, func(a, b policy.Note) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Col, b.Pos.Col))
	})
	return l.notes
}

// decideLimit bounds the nodes that the warnings about one rule, or of one kind, may take. Past it there are fewer of them.
const decideLimit = 1 << 18

// begin is called between questions that have nothing to do with each other: one that is too hard leaves the others alone.
func (l *linter) begin() {
	if l.decider.Err() != nil || l.decider.Size() > decideLimit/4 {
		l.decider.Reset()
	}
}

// A linter looks at one stage after the other.
type linter struct {
	plan    *stage.Plan
	arch    *kernel.Arch
	risks   *policy.Set
	decider *policy.Decider
	k       int
	stage   *stage.Stage
	said    *policy.Stage
	looked  []*policy.Set // own ones
	notes   []policy.Note
	seen    map[policy.Note]bool
}

// warn takes down a warning, once.
func (l *linter) warn(o *policy.Origin, format string, args ...any) {
	n := policy.Note{File: o.File, Pos: rule.Pos{Line: o.Line, Col: o.Col}, Text: fmt.Sprintf(format, args...)}
	if l.decider.Err() == nil && !l.seen[n] {
		l.seen[n] = true
		l.notes = append(l.notes, n)
	}
}

// here is the stage itself, as a place.
func (l *linter) here() *policy.Origin {
	return &policy.Origin{Source: &policy.Source{File: l.said.File}, Line: l.said.Pos.Line, Col: l.said.Pos.Col}
}

// allowed returns where a stage allows a call, and whether the architecture has it.
func (l *linter) allowed(s *stage.Stage, name string) (n bdd.Node, ok bool) {
	c, ok := l.arch.Call(name)
	if !ok {
		return bdd.False, false
	}
	d, ok := s.Table.Find(c.Nr)
	if !ok {
		return bdd.False, false
	}
	return l.allowedBy(d.Clauses), true
}

func (l *linter) allowedBy(clauses []policy.Clause) bdd.Node {
	return l.decider.Map(l.decider.Clauses(clauses), func(ret uint32) uint32 {
		if a, ok := policy.ActionOf(ret); ok && a.Allows() {
			return 1
		}
		return 0
	})
}

// granted tells whether a stage allows the program a call, floor and the library's own needs apart.
func (l *linter) granted(name string) bool {
	c, ok := l.arch.Call(name)
	if !ok {
		return false
	}
	d, ok := l.stage.Table.Find(c.Nr)
	return ok && slices.ContainsFunc(d.Clauses, grants)
}

// grants tells whether a clause allows something to the program, and not to the Go runtime alone.
func grants(c policy.Clause) bool { return c.Action.Allows() && c.Origin.Kind != policy.FromFloor }

// permitted tells whether a stage allows a call to anyone, the Go runtime included.
func (l *linter) permitted(name string) bool {
	n, _ := l.allowed(l.stage, name)
	return n != bdd.False
}

// without returns where a ∧ ¬b.
func (l *linter) without(a, b bdd.Node) bdd.Node { return l.decider.And(a, l.decider.Not(b)) }
