package stage

import (
	"slices"

	"github.com/stagelock/seccomp/internal/bdd"
	"github.com/stagelock/seccomp/policy"
)

// Filter returns what the filter has to say that takes a process from one stage to a later one: with the filters of
// from in force, adding it leaves exactly what stage to leaves. from is -1 where nothing is in force yet; stages
// between the two are included.
//
// A later stage's filter says only what the stage takes away: all else it leaves to the filters before.
func (p *Plan) Filter(from, to int) *policy.Table {
	goal := &p.Stages[to]
	if from < 0 {
		return goal.Table
	}
	silent := policy.Clause{
		If:     policy.Const(true),
		Action: policy.Action{Kind: policy.Allow},
		Origin: &policy.Origin{Source: &policy.Source{Kind: policy.FromBefore, Stage: p.Stages[from].Name}},
	}
	t := &policy.Table{Arch: goal.Table.Arch, Foreign: silent, Other: silent}
	decider := policy.NewDecider(decideLimit)
	base := &p.Stages[from]
	for i := range goal.states {
		if !p.changed(from, to, i) {
			continue
		}
		renew(decider)
		d := goal.Table.Calls[i]
		was, is := decider.Clauses(base.Table.Calls[i].Clauses), decider.Clauses(d.Clauses)
		if was == is && decider.Err() == nil {
			continue
		}
		if at, ok := goal.said.find(i); to == from+1 && ok {
			d.Clauses = shortest(decider, was, is, d.Clauses[:goal.states[i].floor], d.Clauses, goal.said[at].alone)
		}
		t.Calls = append(t.Calls, d)
	}
	return t
}

// changed tells whether any stage after from and up to to says in other words what becomes of call i.
func (p *Plan) changed(from, to, i int) bool {
	for k := from; k < to; k++ {
		x, y := p.Stages[k].Table.Calls[i].Clauses, p.Stages[k+1].Table.Calls[i].Clauses
		if len(x) != len(y) || &x[0] != &y[0] && !slices.EqualFunc(x, y, alike) {
			return true
		}
	}
	return false
}

// alike tells whether two clauses say the same in the same words.
func alike(x, y policy.Clause) bool { return x.Action == y.Action && same(x.If, y.If) }

// shortest returns clauses that, on top of was, amount to the decision on a call, which is: what the stage says alone
// above the floor if that is enough, and the whole decision otherwise.
//
// The whole decision is always right: it is nowhere weaker than before, so that the kernel, which lets the stricter
// of two filters win and the newer of two equal ones, follows it everywhere.
func shortest(d *policy.Decider, was, is bdd.Node, floor, whole, alone []policy.Clause) []policy.Clause {
	if rest := whole[len(floor):]; &rest[0] == &alone[0] {
		return whole // nothing was narrowed before
	}
	short := append(slices.Clip(floor), alone...)
	stack := d.Combine(was, d.Clauses(short), func(old, new uint32) uint32 {
		x, _ := policy.ActionOf(old)
		y, _ := policy.ActionOf(new)
		return y.Strictest(x).Ret()
	})
	if d.Err() != nil || stack != is {
		return whole
	}
	return short
}
