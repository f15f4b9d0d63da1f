package lint

import (
	"slices"
	"strings"

	"github.com/stagelock/seccomp/internal/bdd"
	"github.com/stagelock/seccomp/policy"
)

// nothing warns of a policy that grants nothing, as where all its rules are in comments.
func (l *linter) nothing() {
	if l.k > 0 {
		return
	}
	for _, d := range l.stage.Table.Whole().Calls {
		if slices.ContainsFunc(d.Clauses, grants) {
			return
		}
	}
	leaves := "it leaves what the Go runtime itself needs, and no later stage can have more"
	if l.plan.Policy.NoFloor {
		leaves = "the program could not even end"
	}
	l.warn(l.here(), "stage %s grants nothing: %s", l.said.Name, leaves)
}

// effect warns of a rule that changes nothing, and of one that forgets an argument which the sets limit that it speaks
// instead of.
func (l *linter) effect(r *policy.Rule) {
	sets, names := l.word(r.Nr)
	own := l.allowedBy(words(r))
	if l.k > 0 {
		before, _ := l.plan.Stages[l.k-1].Table.Find(r.Nr)
		is, _ := l.stage.Table.Find(r.Nr)
		if before != nil && is != nil && l.decider.Clauses(before.Clauses) == l.decider.Clauses(is.Clauses) {
			l.warn(r.Origin, "this has no effect: stage %s left sys_%s just so", l.plan.Stages[l.k-1].Name, r.Name)
		}
		return
	}
	switch {
	case len(r.Else) > 0 || r.IncludingGo:
	case own == bdd.False && sets == bdd.False && l.floor(r.Nr):
		l.warn(r.Origin, "this has no effect: of sys_%s only what the Go runtime needs is allowed here; including go takes "+
			"that too", r.Name)
	case own == bdd.False && sets == bdd.False && !l.fallback(r.Nr):
		l.warn(r.Origin, "this has no effect: nothing in stage %s allows sys_%s", l.said.Name, r.Name)
	case own == sets && own != bdd.False:
		l.warn(r.Origin, "this has no effect: %s says the same", strings.Join(names, " and "))
	case len(names) == 0 && own != bdd.False && l.without(own, l.floorsWord(r.Nr)) == bdd.False:
		l.warn(r.Origin, "this has no effect: the Go runtime needs it, so every stage allows it")
	}
	if open := l.leftOpen(r); sets != bdd.False && own != bdd.False && len(open) > 0 {
		l.warn(r.Origin, "this speaks instead of %s, and leaves open what that limits: %s of sys_%s",
			strings.Join(names, " and "), strings.Join(open, " and "), r.Name)
	}
}

// leftOpen returns the arguments that every set in force asks about and the rule does not.
func (l *linter) leftOpen(r *policy.Rule) (names []string) {
	call, ok := l.arch.CallNr(r.Nr)
	if !ok {
		return nil
	}
	for i, a := range call.Args() {
		asked, word := true, false
		for _, s := range l.stage.Sets {
			for j := range s.Rules {
				if s.Rules[j].Nr == r.Nr {
					word = true
					asked = asked && asks(s.Rules[j].Allow, uint8(i))
				}
			}
		}
		if word && asked && !asks(r.Allow, uint8(i)) {
			names = append(names, a.Name)
		}
	}
	return names
}

// word returns what the sets in force say about a call, were there no rule, and which they are.
func (l *linter) word(nr uint32) (n bdd.Node, names []string) {
	n = bdd.False
	for _, s := range l.stage.Sets {
		for i := range s.Rules {
			if s.Rules[i].Nr == nr {
				n = l.decider.Or(n, l.decider.Cond(s.Rules[i].Allow))
				if !slices.Contains(names, s.Name) {
					names = append(names, s.Name)
				}
			}
		}
	}
	return n, names
}

// fallback tells whether a refused call gets an errno of its own unless a rule names it.
func (l *linter) fallback(nr uint32) bool {
	return slices.ContainsFunc(l.plan.Policy.Fallbacks, func(r policy.Rule) bool { return r.Nr == nr })
}

// floor tells whether the stage allows a call for the Go runtime's sake.
func (l *linter) floor(nr uint32) bool {
	d, ok := l.stage.Table.Find(nr)
	return ok && slices.ContainsFunc(d.Clauses, func(c policy.Clause) bool { return c.Origin.Kind == policy.FromFloor })
}

// floorsWord returns where a stage allows a call for the Go runtime's sake.
func (l *linter) floorsWord(nr uint32) bdd.Node {
	n := bdd.False
	if d, ok := l.stage.Table.Find(nr); ok {
		for _, c := range d.Clauses {
			if c.Origin.Kind == policy.FromFloor && c.Action.Allows() {
				n = l.decider.Or(n, l.decider.Cond(c.If))
			}
		}
	}
	return n
}

// words returns a rule as clauses; where none holds, the call is refused.
func words(r *policy.Rule) []policy.Clause {
	first := policy.Clause{If: r.Allow, Action: policy.Action{Kind: policy.Allow}, Origin: r.Origin}
	return append([]policy.Clause{first}, r.Else...)
}

// drowned warns of a set that an `only` of the same stage takes away again.
func (l *linter) drowned() {
	for i, step := range l.said.Steps {
		if step.Verb != policy.Use {
			continue
		}
		for _, later := range l.said.Steps[i+1:] {
			if later.Verb != policy.Only {
				continue
			}
			for _, s := range step.Sets {
				if !slices.ContainsFunc(later.Sets, func(o *policy.Set) bool { return covers(o, s) }) {
					o := l.here()
					o.Line, o.Col = step.Pos.Line, step.Pos.Col
					l.warn(o, "use %s has no effect: only, in line %d, leaves no other sets than it names", s.Name,
						later.Pos.Line)
				}
			}
		}
	}
}

// covers tells whether all leaves of s are leaves of o.
func covers(o, s *policy.Set) bool {
	var have []*policy.Set
	for l := range o.Leaves {
		have = append(have, l)
	}
	for l := range s.Leaves {
		if !slices.Contains(have, l) {
			return false
		}
	}
	return true
}
