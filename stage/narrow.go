package stage

import (
	"cmp"
	"slices"

	"github.com/stagelock/seccomp/internal/bdd"
	"github.com/stagelock/seccomp/policy"
)

// narrow works out what the stage leaves of a call.
func (b *builder) narrow(i int) *state {
	h, was := &b.holders, b.was(i)
	held := h.held(i)
	if r := b.rules.find(b.calls[i].Nr); r != nil {
		return b.ruled(r, was, len(held) > 0)
	}
	if b.doubt {
		return was
	}
	switch {
	case b.first:
	case was.word != nil && !h.cleared:
		if was.holds || len(held) > 0 {
			return was // the rule still speaks, and has narrowed the call already
		}
	case !h.changed[i] && !(h.cleared && was.word != nil):
		return was
	}
	return b.granted(i, was, held)
}

// ruled returns what is left where the stage has a rule on a call; held tells whether a set in force has one too.
func (b *builder) ruled(r *policy.Rule, was *state, held bool) *state {
	if !r.Doubt && b.judge != nil {
		b.judge.rule(b, r, was)
	}
	is := b.newState()
	is.noFloor = was.noFloor || r.IncludingGo
	if r.Allow != policy.Const(false) || allowAny(r.Else) { // a refusal holds nothing
		is.word, is.holds = r, was.holds && !b.holders.cleared || !held
	}
	if r.Doubt {
		b.doubtful = true
		is.program, is.said = was.program, was.said
		return is
	}
	all := r.Allow == policy.Const(true)
	room := len(r.Else) + 2
	if all {
		room--
	}
	alone := appendWords(b.list(room), r)
	words := len(alone)
	if !all {
		alone = append(alone, policy.Clause{If: policy.Const(true), Action: b.stage.Deny, Origin: r.Origin})
	}
	b.said(is, was, alone, words)
	return is
}

// granted returns what is left of a call that is the sets' to allow.
func (b *builder) granted(i int, was *state, held []held) *state {
	alone, words := b.refusal(i), 0
	if b.first && len(held) == 0 && &alone[0] == &b.denial[0] {
		return b.denied
	}
	if len(held) > 0 {
		rest := alone
		alone = b.list(len(held) + len(rest))
		for _, g := range held {
			if g.rule.Allow == policy.Const(true) {
				alone = alone[:0]
			}
			alone = append(alone, policy.Clause{If: g.rule.Allow, Action: policy.Action{Kind: policy.Allow}, Origin: g.rule.Origin})
			if g.rule.Allow == policy.Const(true) {
				break
			}
		}
		words = len(alone)
		alone = append(alone, rest...)
	}
	is := b.newState()
	is.noFloor = was.noFloor
	b.said(is, was, alone, words)
	return is
}

// said notes what a stage says of a call if it were the first: alone, of which so many clauses are its words, what the
// call gets where, in order, and the others what the rest gets that is newly refused.
func (b *builder) said(is, was *state, alone []policy.Clause, words int) {
	is.program = alone
	if len(was.program) != 1 || was.program[0].Action.Kind != policy.Allow { // something was narrowed before
		said := alone
		is.said = &said
		is.program = b.reached(conjoin(was.program, alone[:words], alone[words:]))
	}
}

// maxClauses bounds how many clauses the stages may make of one call. What people write makes a handful.
const maxClauses = 1000

// reached returns clauses without those that no call comes to: stage upon stage they would double.
func (b *builder) reached(clauses []policy.Clause) []policy.Clause {
	if clauses[0].If == policy.Const(true) {
		return clauses[:1]
	}
	d := b.decide()
	var left []policy.Clause
	before := bdd.False // what the clauses so far take
	for _, c := range clauses {
		taken := d.Or(before, d.Cond(c.If))
		if taken != before {
			left = append(left, c)
		}
		if before = taken; before == bdd.True {
			break
		}
	}
	if d.Err() != nil || len(left) > maxClauses {
		b.complain(cmp.Or(d.Err(), bdd.ErrTooComplex))
		return clauses[len(clauses)-1:] // not to go on with: the plan has failed
	}
	return left
}

// appendWords appends what a rule says, as clauses: where it allows, then its else arms. A copy of it is larger than the
// functions that would have it.
//
//go:noinline
func appendWords(list []policy.Clause, r *policy.Rule) []policy.Clause {
	if r.Allow != policy.Const(false) {
		list = append(list, policy.Clause{If: r.Allow, Action: policy.Action{Kind: policy.Allow}, Origin: r.Origin})
	}
	return append(list, r.Else...)
}

// refusal returns what a call gets that no rule names.
func (b *builder) refusal(i int) []policy.Clause {
	if b.calls[i].Name == "" {
		return []policy.Clause{b.unknown()}
	}
	r := b.fallbacks.find(b.calls[i].Nr)
	if r == nil {
		return b.denial
	}
	return append(append(b.list(len(r.Else)+1), r.Else...), b.denial...)
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
