package stage

import (
	"cmp"
	"slices"

	"github.com/stagelock/seccomp/internal/bdd"
	"github.com/stagelock/seccomp/policy"
)

// narrow works out what the stage leaves of a call.
func (b *builder) narrow(was *state) state {
	is := *was
	is.alone, is.symbols, is.changed = nil, nil, false
	own, rest, by := b.own(was, &is)
	if own == nil && rest == nil { // the stage has no word on it
		return is
	}
	if by != nil {
		is.by = by
	}
	is.alone = rest
	if len(own) > 0 {
		is.alone = append(slices.Clip(own), rest...)
	}
	is.program = is.alone
	if len(was.program) != 1 || was.program[0].Action.Kind != policy.Allow { // something was narrowed before
		is.program = b.reached(conjoin(was.program, own, rest))
	}
	return is
}

// maxClauses bounds how many clauses the stages may make of one call. What people write makes a handful.
const maxClauses = 1000

// reached returns clauses without those that no call comes to: stage upon stage they would double.
func (b *builder) reached(clauses []policy.Clause) []policy.Clause {
	var left []policy.Clause
	before := bdd.False // what the clauses so far take
	for _, c := range clauses {
		taken := b.decider.Or(before, b.decider.Cond(c.If))
		if taken != before {
			left = append(left, c)
		}
		if before = taken; before == bdd.True {
			break
		}
	}
	if b.decider.Err() != nil || len(left) > maxClauses {
		b.complain(cmp.Or(b.decider.Err(), bdd.ErrTooComplex))
		return clauses[len(clauses)-1:] // not to go on with: the plan has failed
	}
	return left
}

// own returns the stage's own word on a call: what it says where, in order, and what a call gets that is newly
// refused. Both are nil where the stage leaves the call as it was.
func (b *builder) own(was, is *state) (own, rest []policy.Clause, by *policy.Origin) {
	h := &b.holders
	if r := b.rule(was.nr); r != nil {
		b.judgeRule(r, was)
		is.word = r
		is.holds = was.holds && !h.cleared || len(h.of[was.nr]) == 0
		is.noFloor = was.noFloor || r.IncludingGo
		if r.Allow == policy.Const(false) && !slices.ContainsFunc(r.Else, allows) {
			is.word, is.holds = nil, false // a refusal holds nothing
		}
		return words(r), []policy.Clause{{If: policy.Const(true), Action: b.stage.Deny, Origin: r.Origin}}, r.Origin
	}
	switch {
	case b.first:
	case was.word != nil && !h.cleared:
		if was.holds || len(h.of[was.nr]) > 0 {
			return nil, nil, nil // the rule still speaks, and has narrowed the call already
		}
	case !h.changed[was.nr] && !(h.cleared && was.word != nil):
		return nil, nil, nil
	}
	is.word, is.holds = nil, false
	for _, g := range h.of[was.nr] {
		own = append(own, policy.Clause{If: g.rule.Allow, Action: policy.Action{Kind: policy.Allow}, Origin: g.rule.Origin})
		if g.rule.Allow == policy.Const(true) {
			own = own[len(own)-1:]
			break
		}
	}
	return own, b.refusal(was.nr), b.denial[0].Origin
}

// words returns a rule as clauses: where it allows, then its else arms.
func words(r *policy.Rule) []policy.Clause {
	own := make([]policy.Clause, 0, 1+len(r.Else))
	if r.Allow != policy.Const(false) {
		own = append(own, policy.Clause{If: r.Allow, Action: policy.Action{Kind: policy.Allow}, Origin: r.Origin})
	}
	return append(own, r.Else...)
}

// refusal returns what a call gets that no rule names.
func (b *builder) refusal(nr uint32) []policy.Clause {
	if _, known := b.policy.Arch.CallNr(nr); !known {
		return []policy.Clause{b.unknown()}
	}
	i, ok := slices.BinarySearchFunc(b.policy.Fallbacks, nr, func(r policy.Rule, nr uint32) int {
		return cmp.Compare(r.Nr, nr)
	})
	if !ok {
		return b.denial
	}
	return append(slices.Clip(b.policy.Fallbacks[i].Else), b.denial...)
}

// conjoin returns what is left of a decision, was, where a stage says own in order and rest of what it newly refuses.
// The first clause that holds is it, in all of them; was and rest are total.
//
//   - Where own allows, was decides, but for a stricter own.
//   - Where own refuses, that is it, also for what was refused before: it was said in so many words.
//   - Elsewhere, what was allowed gets rest, and what was refused stays as it was.
func conjoin(was, own, rest []policy.Clause) []policy.Clause {
	var left []policy.Clause
	kept := make(map[*policy.Origin]bool) // the clauses of was that own restates as they are
	for _, o := range own {
		switch {
		case !o.Action.Allows():
			left = append(left, o)
		case slices.ContainsFunc(was, func(w policy.Clause) bool { return w.Origin == o.Origin && same(w.If, o.If) }):
			kept[o.Origin] = true
			left = append(left, o)
		default:
			for _, w := range was {
				c := policy.Clause{If: both(o.If, w.If), Action: w.Action, Origin: w.Origin}
				if w.Action.Allows() {
					c.Action, c.Origin = o.Action.Strictest(w.Action), o.Origin
				}
				left = append(left, c)
			}
		}
		if o.If == policy.Const(true) {
			return left
		}
	}
	for _, w := range was {
		switch {
		case kept[w.Origin]:
		case !w.Action.Allows():
			left = append(left, w)
		default:
			for _, r := range rest {
				left = append(left, policy.Clause{If: both(w.If, r.If), Action: r.Action, Origin: r.Origin})
			}
		}
	}
	return left
}

// both returns a ∧ b.
func both(a, b policy.Cond) policy.Cond {
	switch {
	case a == policy.Const(true):
		return b
	case b == policy.Const(true):
		return a
	}
	return policy.And{a, b}
}

// same tells whether two conditions are written alike.
func same(a, b policy.Cond) bool {
	switch a := a.(type) {
	case policy.Not:
		b, ok := b.(policy.Not)
		return ok && same(a.X, b.X)
	case policy.And:
		b, ok := b.(policy.And)
		return ok && slices.EqualFunc(a, b, same)
	case policy.Or:
		b, ok := b.(policy.Or)
		return ok && slices.EqualFunc(a, b, same)
	}
	switch b.(type) {
	case policy.Not, policy.And, policy.Or:
		return false
	}
	return a == b
}
