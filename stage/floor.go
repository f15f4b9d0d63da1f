package stage

import (
	"github.com/stagelock/seccomp/policy"
)

// floorSets returns the sets of what is always allowed.
func (b *builder) floorSets() (sets []*policy.Set) {
	p := b.policy
	if p.Floor != nil && !p.NoFloor {
		sets = append(sets, p.Floor)
	}
	if p.Lock != nil && !p.NoFloor && !p.Deferred {
		sets = append(sets, p.Lock)
	}
	return sets
}

// layFloor notes what is always allowed: the sets go and lock, of which the word about prctl is for traps alone.
func (b *builder) layFloor() {
	sets := b.floorSets()
	if len(sets) == 0 {
		return
	}
	b.floor = make([][]policy.Clause, len(b.calls))
	for _, s := range sets {
		for l := range s.Leaves {
			var floor policy.Source
			if len(l.Rules) > 0 {
				floor = *l.Rules[0].Origin.Source
				floor.Kind = policy.FromFloor
			}
			origins, clauses := make([]policy.Origin, len(l.Rules)), make([]policy.Clause, len(l.Rules))
			for i := range l.Rules {
				r, o := &l.Rules[i], &origins[i]
				*o = *r.Origin
				o.Source = &floor
				clauses[i] = policy.Clause{If: r.Allow, Action: policy.Action{Kind: policy.Allow}, Origin: o}
				if k, ok := b.index(r.Nr); ok && b.floor[k] == nil {
					b.floor[k] = clauses[i : i+1 : i+1] // as most calls have one word
				} else if ok {
					b.floor[k] = append(b.floor[k], clauses[i])
				}
			}
		}
	}
	if !b.traps() {
		b.takeLock("prctl")
	}
}

// floorOf returns what is always allowed of a call, unless a rule has taken it.
func (b *builder) floorOf(i int) []policy.Clause {
	if b.floor == nil || b.states[i].noFloor {
		return nil
	}
	return b.floor[i]
}

// open begins the decision on a call: with the floor, and room for n clauses.
func (b *builder) open(i, n int) []policy.Clause {
	floor := b.floorOf(i)
	b.states[i].floor = int32(len(floor))
	list := b.list(len(floor) + n)
	if len(floor) > 0 {
		list = append(list, floor...)
	}
	return list
}

// lay puts what is left to the program of a call upon the floor.
func (b *builder) lay(i int, program []policy.Clause) {
	list := append(b.open(i, len(program)), program...)
	b.calls[i].Clauses, b.states[i].symbolic = list, symbolic(list)
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
		b.lay(i, b.left(i))
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
func (b *builder) children() bool {
	arch := b.policy.Arch
	for _, name := range childCalls {
		c, ok := arch.Call(name)
		if !ok {
			continue
		}
		if b.reaches(b.leaves(c.Nr), policy.Const(true)) {
			return true
		}
	}
	c, ok := arch.Call("clone")
	if !ok {
		return false
	}
	return b.reaches(b.leaves(c.Nr), policy.Masked{Arg: arch.CloneFlags(), Bits: 32, Mask: cloneThread, Value: 0})
}

// leaves returns what the stage leaves to the program of a call.
func (b *builder) leaves(nr uint32) []policy.Clause {
	if i, ok := b.index(nr); ok {
		return b.left(i)
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
	o := &struct {
		policy.Origin
		source policy.Source
	}{source: policy.Source{Kind: kind, Stage: b.stage.Name, File: b.stage.File}}
	o.Source, o.Line, o.Col = &o.source, b.stage.Pos.Line, b.stage.Pos.Col
	return &o.Origin
}
