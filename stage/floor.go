package stage

import (
	"slices"

	"github.com/stagelock/seccomp/internal/bdd"
	"github.com/stagelock/seccomp/policy"
)

// finish puts the floor under what the program may do, gives symbols their values, and makes the table.
func (b *builder) finish(states []state) Stage {
	s := Stage{Name: b.stage.Name, Sets: slices.Clone(b.holders.leaves), states: states}
	s.Children = b.policy.Deferred || b.children(states)
	s.Table = &policy.Table{
		Arch:    b.policy.Arch,
		Calls:   make([]policy.Decision, len(states)),
		Foreign: policy.Clause{If: policy.Const(true), Origin: b.origin(policy.FromForeign)},
		Other:   b.unknown(),
	}
	for i := range states {
		st := &states[i]
		clauses := st.program
		if floor := b.floor[st.nr]; len(floor) > 0 && !st.noFloor {
			clauses = append(slices.Clip(floor), clauses...)
		}
		clauses = b.resolve(clauses, s.Children, &st.symbols)
		st.alone = b.resolve(st.alone, s.Children, &st.symbols)
		s.Table.Calls[i] = policy.Decision{Nr: st.nr, Name: st.name, Clauses: clauses}
		st.changed = b.before == nil || !slices.EqualFunc(b.before.Table.Calls[i].Clauses, clauses, alike)
	}
	return s
}

// alike tells whether two clauses say the same in the same words.
func alike(x, y policy.Clause) bool { return x.Action == y.Action && same(x.If, y.If) }

// layFloor returns the clauses of what is always allowed: the sets go and lock.
func (b *builder) layFloor() map[uint32][]policy.Clause {
	sets := []*policy.Set{b.policy.Floor, b.policy.Lock}
	switch {
	case b.policy.NoFloor:
		sets = nil
	case b.policy.Deferred:
		sets = sets[:1]
	}
	floor := make(map[uint32][]policy.Clause)
	for _, s := range sets {
		if s == nil {
			continue
		}
		for l := range s.Leaves {
			origins := make([]policy.Origin, len(l.Rules))
			for i := range l.Rules {
				r, o := &l.Rules[i], &origins[i]
				*o = *r.Origin
				o.Kind = policy.FromFloor
				c := policy.Clause{If: r.Allow, Action: policy.Action{Kind: policy.Allow}, Origin: o}
				floor[r.Nr] = append(floor[r.Nr], c)
			}
		}
	}
	return floor
}

// takeSeccomp takes the word of the set lock about seccomp from the floor. The last stage keeps of that set only what
// reads back that it is in force itself: no filter follows it.
func (b *builder) takeSeccomp() {
	c, _ := b.policy.Arch.Call("seccomp")
	var kept []policy.Clause
	for _, f := range b.floor[c.Nr] {
		if f.Origin.Set != policy.LockSet {
			kept = append(kept, f)
		}
	}
	b.floor[c.Nr] = kept
}

// differs tells whether two decisions are different functions.
func (b *builder) differs(x, y []policy.Clause) bool {
	return b.decider.Clauses(x) != b.decider.Clauses(y)
}

// Calls that start a child or another program.
var childCalls = []string{"fork", "vfork", "clone3", "execve", "execveat"}

// children tells whether the program may start a child or another program. Those inherit the filters, but have
// another pid and other descriptors.
func (b *builder) children(states []state) bool {
	arch := b.policy.Arch
	for _, name := range childCalls {
		c, ok := arch.Call(name)
		if !ok {
			continue
		}
		if i, ok := position(states, c.Nr); ok && b.allowedBy(states[i].program) != bdd.False {
			return true
		}
	}
	c, ok := arch.Call("clone")
	if !ok {
		return false
	}
	i, _ := position(states, c.Nr)
	flags := uint8(0)
	for j, a := range c.Args() {
		if a.Name == "clone_flags" { // the second one on s390x
			flags = uint8(j)
		}
	}
	thread, _ := arch.Const("CLONE_THREAD")
	return b.reaches(states[i].program, policy.Masked{Arg: flags, Bits: 32, Mask: uint64(thread), Value: 0})
}

// resolve puts the values of Env in the place of symbols. A shape of a built-in set is left open where its value is
// unknown or, children inheriting it, would be the wrong one. used gets the names of those that were wanted.
func (b *builder) resolve(clauses []policy.Clause, children bool, used *[]string) []policy.Clause {
	if !slices.ContainsFunc(clauses, func(c policy.Clause) bool { return symbolic(c.If) }) {
		return clauses
	}
	clauses = slices.Clone(clauses)
	for i := range clauses {
		clauses[i].If = b.value(clauses[i].If, children, used)
	}
	return clauses
}

// symbolic tells whether a condition has symbols.
func symbolic(c policy.Cond) bool {
	switch c := c.(type) {
	case policy.Symbol:
		return true
	case policy.Not:
		return symbolic(c.X)
	case policy.And:
		return slices.ContainsFunc(c, symbolic)
	case policy.Or:
		return slices.ContainsFunc(c, symbolic)
	}
	return false
}

// value returns c with its symbols resolved, as far as they can be.
func (b *builder) value(c policy.Cond, children bool, used *[]string) policy.Cond {
	switch c := c.(type) {
	case policy.Symbol:
		if c.Set && children {
			return policy.Const(true)
		}
		if !slices.Contains(*used, c.Name) {
			*used = append(*used, c.Name)
		}
		v, ok := b.env[c.Name]
		switch {
		case ok:
			return policy.Range{Arg: c.Arg, Bits: c.Bits, Lo: v, Hi: v}
		case c.Set:
			return policy.Const(true)
		}
	case policy.Not:
		return policy.Not{X: b.value(c.X, children, used)}
	case policy.And:
		return policy.And(b.values(c, children, used))
	case policy.Or:
		return policy.Or(b.values(c, children, used))
	}
	return c
}

func (b *builder) values(parts []policy.Cond, children bool, used *[]string) []policy.Cond {
	resolved := make([]policy.Cond, len(parts))
	for i, c := range parts {
		resolved[i] = b.value(c, children, used)
	}
	return resolved
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
		Kind: kind, Stage: b.stage.Name,
		File: b.stage.File, Line: b.stage.Pos.Line, Col: b.stage.Pos.Col,
	}
}
