package stage

import (
	"slices"
	"strings"

	"github.com/stagelock/seccomp/internal/order"
	"github.com/stagelock/seccomp/policy"
)

// holders are the sets in force: the leaves that `use` brought and `drop` and `only` have not taken away.
type holders struct {
	leaves  []*policy.Set
	list    []held   // who holds the calls, of each in the order of leaves; empty where no set is in force
	from    []uint32 // where in list those of each call begin, and where the last one's end
	changed []bool   // the calls that lost or won a holder in this stage; nil in the first one, which all are new to
	cleared bool     // `only` took the earlier rules' grants too
	judged  []judged // so far
}

// judged is what a stage says of a set: it is judged once, however often it is said.
type judged struct {
	verb policy.Verb
	set  *policy.Set
}

// judges tells whether this is the first time that the stage says so of a set.
func (h *holders) judges(verb policy.Verb, s *policy.Set) bool {
	for _, j := range h.judged {
		if j.verb == verb && j.set == s {
			return false
		}
	}
	h.judged = append(h.judged, judged{verb, s})
	return true
}

// held is one rule of one leaf in force.
type held struct {
	leaf *policy.Set
	rule *policy.Rule
}

// held returns who holds a call.
func (h *holders) held(i int) []held {
	if len(h.list) == 0 {
		return nil
	}
	return h.list[h.from[i]:h.from[i+1]]
}

// takeSteps does what the stage says about sets, in its order.
func (b *builder) takeSteps() {
	h := &b.holders
	h.cleared, h.judged = false, nil
	before, doubted := slices.Clone(h.leaves), b.doubt
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
			b.doubt = false
			for _, s := range step.Sets {
				b.enter(step, s, before)
			}
		}
	}
	b.doubt = b.doubt || b.stage.Doubt
	b.doubtful = b.doubtful || b.doubt
	if !b.first {
		h.changed = make([]bool, len(b.calls))
		for i := range h.changed {
			h.changed[i] = doubted && !b.doubt
		}
		b.touch(before, h.leaves)
		b.touch(h.leaves, before)
	}
	b.hold()
}

// touch marks the calls of the leaves that are in list and not in other as having other holders than before.
func (b *builder) touch(list, other []*policy.Set) {
	for _, l := range list {
		if slices.Contains(other, l) {
			continue
		}
		for i := range l.Rules {
			if at, ok := b.index(l.Rules[i].Nr); ok {
				b.holders.changed[at] = true
			}
		}
	}
}

// hold notes who holds each call.
func (b *builder) hold() {
	h := &b.holders
	if h.list = h.list[:0]; len(h.leaves) == 0 {
		return
	}
	if h.from == nil {
		h.from = make([]uint32, len(b.calls)+2)
	}
	// First how many each call has, two places further on; then where they begin, one place further on, which goes to
	// where they end, and the next begin, while they are put there.
	clear(h.from)
	b.grants(func(i int, _ held) { h.from[i+2]++ })
	for i := range b.calls {
		h.from[i+2] += h.from[i+1]
	}
	total := int(h.from[len(b.calls)+1])
	h.list = slices.Grow(h.list, total)[:total]
	b.grants(func(i int, g held) {
		h.list[h.from[i+1]] = g
		h.from[i+1]++
	})
}

// grants calls f for all rules of the sets in force.
func (b *builder) grants(f func(i int, g held)) {
	for _, l := range b.holders.leaves {
		for r := range l.Rules {
			if i, ok := b.index(l.Rules[r].Nr); ok {
				f(i, held{l, &l.Rules[r]})
			}
		}
	}
}

// enter puts the leaves of s in force. After the first stage only what is still allowed may come in.
func (b *builder) enter(step policy.Step, s *policy.Set, before []*policy.Set) {
	if !b.first && b.judge != nil && b.holders.judges(policy.Use, s) {
		b.judge.use(b, step, s, before)
	}
	for l := range s.Leaves {
		if !slices.Contains(b.holders.leaves, l) {
			b.holders.leaves = append(b.holders.leaves, l)
			for i := range l.Rules {
				b.doubtful = b.doubtful || l.Rules[i].Doubt
			}
		}
	}
}

// refuseGivenUp fails if a set would bring back a call that is gone, by a leaf that was not in force.
func (b *builder) refuseGivenUp(step policy.Step, s *policy.Set, before []*policy.Set) {
	var gone []string
	told := make(map[uint32]bool)
	var by *policy.Origin
	left := b.done[len(b.done)-1].Table
	for l := range s.Leaves {
		if slices.Contains(before, l) {
			continue
		}
		for i := range l.Rules {
			r := &l.Rules[i]
			k, ok := b.index(r.Nr)
			if !ok || r.Doubt || told[r.Nr] || b.reaches(left.Calls[k].Clauses, r.Allow) {
				continue
			}
			by = b.by(k)
			told[r.Nr] = true
			gone = append(gone, called(r))
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
	if !found && !b.stage.Loose && !b.doubt && !b.stage.Doubt && b.judge != nil {
		b.judge.drop(b, step, s)
	}
}

// refuseDrop fails: the set is not in force.
func (b *builder) refuseDrop(step policy.Step, s *policy.Set) {
	b.fail(step.Pos, ErrNoEffect, "drop of %s, which is not in force%s", s.Name, b.inForce())
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
	order.Stable(names, func(i, j int) bool { return names[i] < names[j] })
	return ": in force are " + strings.Join(names, ", ")
}

// judgeSteps compares what the drops were meant to take with what they took: one that takes nothing is an error, and
// what stayed is noted with who holds it.
func (b *builder) judgeSteps() {
	for _, step := range b.stage.Steps {
		if step.Verb != policy.Drop {
			continue
		}
		for _, s := range step.Sets {
			if !b.doubtful && !b.errs.At(b.stage.File, step.Pos) && b.holders.judges(policy.Drop, s) {
				b.judgeDrop(step, s)
			}
		}
	}
}

func (b *builder) judgeDrop(step policy.Step, s *policy.Set) {
	var stayed []string
	seen := make(map[int]bool)
	went := false
	for l := range s.Leaves {
		for r := range l.Rules {
			i, ok := b.index(l.Rules[r].Nr)
			if !ok || seen[i] {
				continue
			}
			seen[i] = true
			went = went || b.differs(b.was(i), b.left(i))
			if who := b.whoHolds(i); who != "" {
				stayed = append(stayed, called(&l.Rules[r])+" ("+who+")")
			}
		}
	}
	switch {
	case len(seen) == 0, !went && b.stage.Loose:
	case !went:
		b.fail(step.Pos, ErrNoEffect, "drop of %s takes nothing away: %s", s.Name, strings.Join(stayed, ", "))
	case len(stayed) > 0:
		b.note(step.Pos, "drop of %s: still allowed by others: %s", s.Name, strings.Join(stayed, ", "))
	}
}

// whoHolds names who still grants a call: a rule, the sets in force, the floor.
func (b *builder) whoHolds(i int) string {
	var names []string
	if floor := b.floorOf(i); len(floor) > 0 {
		names = append(names, floor[0].Origin.Set)
	}
	if !allowAny(b.left(i)) {
		return strings.Join(names, "")
	}
	if b.states[i].holds {
		return "the rule " + place(b.by(i))
	}
	for _, h := range b.holders.held(i) {
		if !slices.Contains(names, h.leaf.Name) {
			names = append(names, h.leaf.Name)
		}
	}
	return strings.Join(names, " and ")
}
