package stage

import (
	"slices"
	"strings"

	"github.com/stagelock/seccomp/policy"
)

// holders are the sets in force: the leaves that `use` brought and `drop` and `only` have not taken away.
type holders struct {
	leaves  []*policy.Set
	of      map[uint32][]held // who holds each call, in the order of leaves
	changed map[uint32]bool   // the calls that lost or won a holder in this stage
	cleared bool              // `only` took the earlier rules' grants too
}

// held is one rule of one leaf in force.
type held struct {
	leaf *policy.Set
	rule *policy.Rule
}

// takeSteps does what the stage says about sets, in its order.
func (b *builder) takeSteps() {
	h := &b.holders
	h.changed, h.cleared = make(map[uint32]bool), false
	before := slices.Clone(h.leaves)
	for _, step := range b.stage.Steps {
		switch step.Verb {
		case policy.Use:
			for _, s := range step.Sets {
				b.enter(step, s, before)
			}
		case policy.Drop:
			for _, s := range step.Sets {
				b.leave(step, s)
			}
		case policy.Only:
			h.leaves, h.cleared = nil, true
			for _, s := range step.Sets {
				b.enter(step, s, before)
			}
		}
	}
	for _, l := range before {
		if !slices.Contains(h.leaves, l) {
			h.touch(l)
		}
	}
	for _, l := range h.leaves {
		if !slices.Contains(before, l) {
			h.touch(l)
		}
	}
	h.of = make(map[uint32][]held)
	for _, l := range h.leaves {
		for i := range l.Rules {
			r := &l.Rules[i]
			h.of[r.Nr] = append(h.of[r.Nr], held{l, r})
		}
	}
}

// touch marks a leaf's calls as having other holders than before.
func (h *holders) touch(l *policy.Set) {
	for i := range l.Rules {
		h.changed[l.Rules[i].Nr] = true
	}
}

// enter puts the leaves of s in force. After the first stage only what is still allowed may come in.
func (b *builder) enter(step policy.Step, s *policy.Set, before []*policy.Set) {
	if !b.first {
		b.refuseGivenUp(step, s, before)
	}
	for l := range s.Leaves {
		if !slices.Contains(b.holders.leaves, l) {
			b.holders.leaves = append(b.holders.leaves, l)
		}
	}
}

// refuseGivenUp fails if a set would bring back a call that is gone, by a leaf that was not in force.
func (b *builder) refuseGivenUp(step policy.Step, s *policy.Set, before []*policy.Set) {
	var gone []string
	var by *policy.Origin
	for l := range s.Leaves {
		if slices.Contains(before, l) {
			continue
		}
		for i := range l.Rules {
			r := &l.Rules[i]
			st := b.before.find(r.Nr)
			if st == nil || slices.Contains(gone, r.Name) || b.reaches(st.decision(b.before), r.Allow) {
				continue
			}
			by = st.by
			gone = append(gone, r.Name)
		}
	}
	if len(gone) > 0 {
		b.fail(step.Pos, ErrWidened, "set %s would bring back what was given up %s: %s", s.Name, place(by),
			strings.Join(gone, ", "))
	}
}

// leave takes the leaves of s away.
func (b *builder) leave(step policy.Step, s *policy.Set) {
	found := false
	for l := range s.Leaves {
		if i := slices.Index(b.holders.leaves, l); i >= 0 {
			b.holders.leaves = slices.Delete(b.holders.leaves, i, i+1)
			found = true
		}
	}
	if !found {
		b.fail(step.Pos, ErrNoEffect, "drop of %s, which is not in force%s", s.Name, b.inForce())
	}
}

// inForce says which sets are, for the end of a message.
func (b *builder) inForce() string {
	if len(b.holders.leaves) == 0 {
		return ": no set is"
	}
	var names []string
	for _, l := range b.holders.leaves {
		names = append(names, l.Name)
	}
	slices.Sort(names)
	return ": in force are " + strings.Join(names, ", ")
}

// judgeSteps compares what the drops were meant to take with what they took: one that takes nothing is an error, and
// what stayed is noted with who holds it.
func (b *builder) judgeSteps(before, after []state) {
	for _, step := range b.stage.Steps {
		if step.Verb != policy.Drop {
			continue
		}
		for _, s := range step.Sets {
			b.judgeDrop(step, s, before, after)
		}
	}
}

func (b *builder) judgeDrop(step policy.Step, s *policy.Set, before, after []state) {
	var stayed []string
	seen := make(map[uint32]bool)
	went := false
	for l := range s.Leaves {
		for i := range l.Rules {
			nr := l.Rules[i].Nr
			k, ok := position(after, nr)
			if !ok || seen[nr] {
				continue
			}
			seen[nr] = true
			was, is := &before[k], &after[k]
			went = went || b.differs(was.program, is.program)
			if who := b.whoHolds(is); who != "" {
				stayed = append(stayed, l.Rules[i].Name+" ("+who+")")
			}
		}
	}
	switch {
	case len(seen) == 0 || slices.ContainsFunc(b.errs, at(b.stage.File, step.Pos)):
	case !went:
		b.fail(step.Pos, ErrNoEffect, "drop of %s takes nothing away: %s", s.Name, strings.Join(stayed, ", "))
	case len(stayed) > 0:
		b.note(step.Pos, "drop of %s: still allowed by others: %s", s.Name, strings.Join(stayed, ", "))
	}
}

// whoHolds names who still grants a call: a rule, the sets in force, the floor.
func (b *builder) whoHolds(st *state) string {
	var names []string
	if !st.noFloor && len(b.floor[st.nr]) > 0 {
		names = append(names, b.floor[st.nr][0].Origin.Set)
	}
	if !slices.ContainsFunc(st.program, allows) {
		return strings.Join(names, "")
	}
	if st.holds {
		return "the rule " + place(st.word.Origin)
	}
	for _, h := range b.holders.of[st.nr] {
		if !slices.Contains(names, h.leaf.Name) {
			names = append(names, h.leaf.Name)
		}
	}
	return strings.Join(names, " and ")
}
