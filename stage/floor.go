package stage

import (
	"slices"

	"github.com/stagelock/seccomp/policy"
)

// finish puts the floor under what the program may do, and makes the table, with symbols as they are written.
func (b *builder) finish(states []*state) Stage {
	s := Stage{Name: b.stage.Name, Sets: slices.Clone(b.holders.leaves), states: states}
	s.Children = b.policy.Deferred || b.children(states)
	if !b.first {
		b.calls = slices.Clone(b.calls)
	}
	s.Table = &policy.Table{
		Arch:    b.policy.Arch,
		Calls:   b.calls,
		Rest:    b.rest[0],
		Foreign: policy.Clause{If: policy.Const(true), Origin: b.origin(policy.FromForeign)},
		Other:   b.unknown(),
	}
	for i, st := range states {
		clauses, floor := st.program, b.floorOf(i)
		if st == b.denied && len(floor) == 0 {
			b.calls[i].Clauses = clauses
			continue
		}
		if len(floor) > 0 && !st.noFloor {
			clauses = append(append(b.list(len(floor)+len(clauses)), floor...), clauses...)
		}
		if symbolic(clauses) || st.said != nil && symbolic(*st.said) {
			s.symbolic = append(s.symbolic, i) // few are
		}
		b.calls[i].Clauses = clauses
	}
	return s
}

// layFloor notes what is always allowed: the sets go and lock, of which the word about prctl is for traps alone.
func (b *builder) layFloor() {
	sets := []*policy.Set{b.policy.Floor, b.policy.Lock}
	switch {
	case b.policy.NoFloor:
		return
	case b.policy.Deferred:
		sets = sets[:1]
	}
	b.floor = make([][]policy.Clause, len(b.calls))
	for _, s := range sets {
		if s == nil {
			continue
		}
		for l := range s.Leaves {
			var floor policy.Source
			if len(l.Rules) > 0 {
				floor = *l.Rules[0].Origin.Source
				floor.Kind = policy.FromFloor
			}
			origins := make([]policy.Origin, len(l.Rules))
			for i := range l.Rules {
				r, o := &l.Rules[i], &origins[i]
				*o = *r.Origin
				o.Source = &floor
				c := policy.Clause{If: r.Allow, Action: policy.Action{Kind: policy.Allow}, Origin: o}
				if k, ok := b.index(r.Nr); ok {
					b.floor[k] = append(b.floor[k], c)
				}
			}
		}
	}
	if !b.traps() {
		b.takeLock("prctl")
	}
}

// floorOf returns what is always allowed of a call.
func (b *builder) floorOf(i int) []policy.Clause {
	if b.floor == nil {
		return nil
	}
	return b.floor[i]
}

// traps tells whether a stage has a call trapped.
func (b *builder) traps() bool {
	for k := range b.policy.Stages {
		s := &b.policy.Stages[k]
		if s.Deny.Kind == policy.Trap {
			return true
		}
		for i := range s.Rules {
			for _, arm := range s.Rules[i].Else {
				if arm.Action.Kind == policy.Trap {
					return true
				}
			}
		}
	}
	return false
}

// takeLock takes the word of the set lock about a call from the floor.
func (b *builder) takeLock(name string) {
	c, ok := b.policy.Arch.Call(name)
	if !ok || b.floor == nil {
		return
	}
	if i, ok := b.index(c.Nr); ok {
		others := b.floor[i][:0]
		for _, f := range b.floor[i] {
			if f.Origin.Set != policy.LockSet {
				others = append(others, f)
			}
		}
		b.floor[i] = others
	}
}

// differs tells whether two decisions are different functions.
func (b *builder) differs(x, y []policy.Clause) bool {
	d := b.decide()
	return d.Clauses(x) != d.Clauses(y)
}

// Calls that start a child or another program.
var childCalls = []string{"fork", "vfork", "clone3", "execve", "execveat"}

// cloneThread is CLONE_THREAD of <linux/sched.h>, on all architectures.
const cloneThread = 0x00010000

// children tells whether the program may start a child or another program. Those inherit the filters, but have
// another pid and other descriptors.
func (b *builder) children(states []*state) bool {
	arch := b.policy.Arch
	for _, name := range childCalls {
		c, ok := arch.Call(name)
		if !ok {
			continue
		}
		if b.reaches(b.left(states, c.Nr), policy.Const(true)) {
			return true
		}
	}
	c, ok := arch.Call("clone")
	if !ok {
		return false
	}
	return b.reaches(b.left(states, c.Nr), policy.Masked{Arg: arch.CloneFlags(), Bits: 32, Mask: cloneThread, Value: 0})
}

// left returns what the program may do of a call.
func (b *builder) left(states []*state, nr uint32) []policy.Clause {
	if i, ok := b.index(nr); ok {
		return states[i].program
	}
	return b.rest
}

// unknown returns what a number gets that the tables don't have: it is newer than they are, and ENOSYS is what its
// caller can live with.
func (b *builder) unknown() policy.Clause {
	enosys, _ := b.policy.Arch.Errno("ENOSYS")
	return policy.Clause{
		If:     policy.Const(true),
		Action: policy.Action{Kind: policy.Errno, Errno: enosys},
		Origin: b.origin(policy.FromUnknown),
	}
}

// origin returns the stage itself as an origin.
func (b *builder) origin(kind policy.OriginKind) *policy.Origin {
	return &policy.Origin{
		Source: &policy.Source{Kind: kind, Stage: b.stage.Name, File: b.stage.File},
		Line:   b.stage.Pos.Line, Col: b.stage.Pos.Col,
	}
}
