package filter

import (
	"cmp"
	"slices"

	"github.com/stagelock/seccomp/internal/bdd"
	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
)

// A phraser turns what happens to one call, a function over its arguments, into ordered clauses.
//
// A diagram asks one argument after the other. After the first, it comes to a few functions of the rest; the values of
// the argument that lead to each, and what that function says, are the alternatives.
type phraser struct {
	d     *policy.Decider
	types [6]kernel.Type // what counts of each argument
	done  map[bdd.Node]phrase
	left  int // alternatives that may still be looked at

	length int // of the clauses
}

// maxAlternatives bounds the alternatives of one call.
const maxAlternatives = 512

// maxCost is the longest condition that is worth reading.
const maxCost = 1200

func newPhraser(d *policy.Decider, types [6]kernel.Type) *phraser {
	return &phraser{d: d, types: types, done: make(map[bdd.Node]phrase), left: maxAlternatives}
}

// clauses returns n, whose results are actions, as clauses: where the call is allowed, then the others, the deny last
// where it is among them. ok is false where that would be too long to read.
func (p *phraser) clauses(n bdd.Node, deny policy.Action) (list []policy.Clause, ok bool) {
	type arm struct {
		action policy.Action
		where  bdd.Node
	}
	var arms []arm
	for _, ret := range p.d.Results(n) {
		a, _ := policy.ActionOf(ret)
		arms = append(arms, arm{a, p.d.Is(n, ret)})
	}
	rank := func(a arm) int {
		switch a.action {
		case policy.Action{Kind: policy.Allow}:
			return 0
		case deny:
			return 2
		}
		return 1
	}
	slices.SortFunc(arms, func(x, y arm) int {
		return cmp.Or(cmp.Compare(rank(x), rank(y)), cmp.Compare(x.action.Kind, y.action.Kind),
			cmp.Compare(x.action.Errno, y.action.Errno))
	})
	decided := bdd.Node(bdd.False)
	for i, a := range arms {
		x := phrase{policy.Const(true), 0}
		if i < len(arms)-1 {
			x = p.cond(a.where)
			if i > 0 {
				x = shorter(x, p.cond(p.d.Or(a.where, decided)))
			}
		}
		if x.cost > maxCost {
			p.length += maxCost // for the search
			return nil, false
		}
		p.length += x.cost
		list = append(list, policy.Clause{If: x.cond, Action: a.action})
		decided = p.d.Or(decided, a.where)
	}
	return list, p.d.Err() == nil && p.d.Clauses(list) == n
}

// An exit is a function that is left once an argument is known.
type exit struct {
	rest   bdd.Node
	values bdd.Node // of the argument, that lead there
}

// cond returns the condition c in words.
func (p *phraser) cond(c bdd.Node) phrase {
	switch c {
	case bdd.True:
		return phrase{policy.Const(true), 0}
	case bdd.False:
		return phrase{policy.Const(false), 0}
	}
	if x, ok := p.done[c]; ok {
		return x
	}
	if p.left--; p.left < 0 || p.d.Err() != nil {
		return noPhrase
	}
	x := p.alternatives(c)
	p.done[c] = x
	return x
}

func (p *phraser) alternatives(c bdd.Node) phrase {
	v, _, _ := p.d.Branch(c)
	arg := uint8((v - policy.ArgVar) / 64)
	w := argWord{p.d, arg, p.types[arg].Bits, p.types[arg].Signed}
	exits := p.exits(c, policy.ArgVar+64*(uint16(arg)+1))
	if len(exits) > maxAlternatives {
		return noPhrase
	}
	refused := slices.ContainsFunc(exits, func(e exit) bool { return e.rest == bdd.False })
	done := bdd.Node(bdd.False) // the values for which c holds, whatever the other arguments
	var or policy.Or
	cost := 0
	add := func(x phrase) {
		if o, ok := x.cond.(policy.Or); ok {
			or = append(or, o...)
		} else {
			or = append(or, x.cond)
		}
		cost += x.cost + joinCost
	}
	if i := slices.IndexFunc(exits, func(e exit) bool { return e.rest == bdd.True }); i >= 0 {
		done = exits[i].values
		add(w.phrase(done))
	}
	for _, e := range exits {
		if e.rest == bdd.True || e.rest == bdd.False {
			continue
		}
		rest := p.cond(e.rest)
		guard := w.between(e.values, p.d.Or(e.values, done))
		switch {
		case guard.cost >= tooLong || rest.cost >= tooLong:
			return noPhrase
		case guard.cond == policy.Const(true) || !refused && p.d.Or(e.values, done) == bdd.True:
			add(rest)
		default:
			add(both(guard, rest))
		}
	}
	return phrase{single(or), cost - joinCost}
}

// both joins two conditions.
func both(a, b phrase) phrase {
	var and policy.And
	for _, x := range [...]phrase{a, b} {
		if list, ok := x.cond.(policy.And); ok {
			and = append(and, list...)
		} else {
			and = append(and, x.cond)
		}
	}
	return phrase{and, a.cost + b.cost + joinCost}
}

// exits returns the functions that c comes to once the variables before end are known.
func (p *phraser) exits(c bdd.Node, end uint16) (list []exit) {
	var order []bdd.Node
	seen := make(map[bdd.Node]bool)
	var find func(bdd.Node)
	find = func(n bdd.Node) {
		if seen[n] || len(order) > maxAlternatives {
			return
		}
		seen[n] = true
		if !before(p.d, n, end) {
			order = append(order, n)
			return
		}
		_, lo, hi := p.d.Branch(n)
		find(lo)
		find(hi)
	}
	find(c)
	for _, rest := range order {
		done := make(map[bdd.Node]bdd.Node)
		var walk func(bdd.Node) bdd.Node
		walk = func(n bdd.Node) bdd.Node {
			if !before(p.d, n, end) {
				if n == rest {
					return bdd.True
				}
				return bdd.False
			}
			m, ok := done[n]
			if !ok {
				v, lo, hi := p.d.Branch(n)
				m = p.d.If(p.d.Var(v), walk(hi), walk(lo))
				done[n] = m
			}
			return m
		}
		list = append(list, exit{rest, walk(c)})
	}
	return list
}

// before tells whether n asks a variable before end first.
func before(d *policy.Decider, n bdd.Node, end uint16) bool {
	if _, leaf := d.Value(n); leaf {
		return false
	}
	v, _, _ := d.Branch(n)
	return v < end
}

// single returns the only part of or, if it has one.
func single(or policy.Or) policy.Cond {
	if len(or) == 1 {
		return or[0]
	}
	return or
}
