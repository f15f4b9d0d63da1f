package stage

import (
	"cmp"
	"slices"

	"github.com/stagelock/seccomp/internal/bdd"
	"github.com/stagelock/seccomp/policy"
)

// narrow works out what the stage leaves of a call.
func (b *builder) narrow(i int) {
	h := &b.holders
	held := h.held(i)
	if r := find(b.stage.Rules, &b.rules, b.calls[i].Nr); r != nil {
		b.ruled(i, r, len(held) > 0)
		return
	}
	switch st := &b.states[i]; {
	case b.doubt:
		if b.first {
			b.lay(i, b.was(i))
		}
		return
	case b.first:
	case st.ruled && !h.cleared:
		if st.holds || len(held) > 0 {
			return // the rule still speaks, and has narrowed the call already
		}
	case !st.ruled && !h.changed[i]:
		return
	}
	b.granted(i, held)
}

// ruled notes what is left where the stage has a rule on a call; held tells whether a set in force has one too.
func (b *builder) ruled(i int, r *policy.Rule, held bool) {
	if b.judge != nil && !r.Doubt {
		if r.IncludingGo {
			b.judge.includingGo(b, r)
		}
		if !b.first {
			b.judge.rule(b, i, r)
		}
	}
	st, all, none, elses := &b.states[i], always(r.Allow), never(r.Allow), r.Else
	st.noFloor = st.noFloor || r.IncludingGo
	st.ruled = !none || allowAny(elses) // a refusal holds nothing
	st.holds = st.ruled && (st.holds && !b.holders.cleared || !held)
	if r.Doubt {
		b.doubtful = true
		b.lay(i, b.was(i))
		return
	}
	room := 1
	if !all {
		room = len(elses) + 2
	}
	list := b.open(i, room)
	if !none {
		list = append(list, policy.Clause{If: r.Allow, Action: policy.Action{Kind: policy.Allow}, Origin: r.Origin})
	}
	if len(elses) > 0 {
		list = append(list, elses...)
	}
	words := len(list)
	if !all {
		list = append(list, policy.Clause{If: policy.Const(true), Action: b.stage.Deny, Origin: r.Origin})
	}
	b.say(i, list, words)
}

// granted notes what is left of a call that is the sets' to allow.
func (b *builder) granted(i int, held []held) {
	st := &b.states[i]
	st.ruled, st.holds = false, false
	rest := b.refusal(i)
	if len(held) == 0 && len(b.floorOf(i)) == 0 {
		st.floor = 0
		b.say(i, rest, 0)
		return
	}
	list := b.open(i, len(held)+len(rest))
	for _, g := range held {
		all := always(g.rule.Allow)
		if all {
			list = list[:st.floor]
		}
		list = append(list, policy.Clause{If: g.rule.Allow, Action: policy.Action{Kind: policy.Allow}, Origin: g.rule.Origin})
		if all {
			break
		}
	}
	words := len(list)
	b.say(i, append(list, rest...), words)
}

// say notes what a stage says of a call: up to words the list is the floor and the stage's words, what the call gets where,
// in order, and from there on what the rest gets that is newly refused.
func (b *builder) say(i int, list []policy.Clause, words int) {
	st := &b.states[i]
	b.calls[i].Clauses = list
	if st.symbolic = symbolic(list); b.first {
		return
	}
	b.said = append(b.said, saying{i, list[st.floor:]})
	if was := b.was(i); len(was) != 1 || was[0].Action.Kind != policy.Allow { // something was narrowed before
		said := st.symbolic
		b.lay(i, b.reached(conjoin(was, list[st.floor:words], list[words:])))
		st.symbolic = st.symbolic || said
	}
}

// maxClauses bounds how many clauses the stages may make of one call. What people write makes a handful.
const maxClauses = 1000

// reached returns clauses without those that no call comes to: stage upon stage they would double.
func (b *builder) reached(clauses []policy.Clause) []policy.Clause {
	if always(clauses[0].If) {
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

// refusal returns what a call gets that no rule names.
func (b *builder) refusal(i int) []policy.Clause {
	if b.calls[i].Name == "" {
		return []policy.Clause{b.unknown()}
	}
	r := find(b.policy.Fallbacks, &b.fallbacks, b.calls[i].Nr)
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
	var kept []*policy.Origin // of the clauses of was that own restates as they are
	for _, o := range own {
		switch {
		case !o.Action.Allows():
			left = append(left, o)
		case slices.ContainsFunc(was, func(w policy.Clause) bool { return w.Origin == o.Origin && same(w.If, o.If) }):
			kept = append(kept, o.Origin)
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
		if always(o.If) {
			return left
		}
	}
	for _, w := range was {
		switch {
		case slices.Contains(kept, w.Origin):
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
	case always(a):
		return b
	case always(b):
		return a
	}
	return policy.And{a, b}
}

// always tells whether a condition is that there is none.
func always(c policy.Cond) bool {
	plain, ok := c.(policy.Const)
	return ok && bool(plain)
}

// never tells whether a condition is that of a call that is refused whatever its arguments.
func never(c policy.Cond) bool {
	plain, ok := c.(policy.Const)
	return ok && !bool(plain)
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
