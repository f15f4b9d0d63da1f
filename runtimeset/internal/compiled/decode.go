package compiled

import (
	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/rule"
)

// A Library has the sets of one table for one build: a policy.Library. A set is read when it is first asked for. It is
// for one goroutine.
type Library struct {
	arch  *kernel.Arch
	conds string
	holds []bool // whether the constraints are true of the build
	sets  []entry
	rest  string // the default policy
}

// An entry is a set of a table.
type entry struct {
	name string
	body string
	set  *policy.Set // nil before it is asked for
}

// Open returns the sets of a table, which was made for arch; has tells what tags of build constraints are true of the
// build.
func Open(table string, arch *kernel.Arch, has func(tag string) bool) *Library {
	r := reader{table}
	l := &Library{arch: arch, conds: r.word(), holds: []bool{true}}
	for range r.number() {
		value, ok := Holds(r.word(), has)
		if !ok {
			panic(bug("a constraint"))
		}
		l.holds = append(l.holds, value)
	}
	l.sets = make([]entry, r.number())
	for i := range l.sets {
		l.sets[i].name, l.sets[i].body = r.word(), r.word()
	}
	l.rest = r.rest
	return l
}

// Names returns the names of all sets, in order.
func (l *Library) Names() []string {
	names := make([]string, len(l.sets)-1)
	for i := range names {
		names[i] = l.sets[i].name
	}
	return names
}

// Set returns a set, nil if there is none of that name. The error is nil.
func (l *Library) Set(name string, arch *kernel.Arch) (*policy.Set, error) {
	l.check(arch)
	for i := range l.sets[:len(l.sets)-1] {
		if l.sets[i].name == name {
			return l.set(i), nil
		}
	}
	return nil, nil
}

// Fallbacks returns the rules that say which errno a refused call gets. The error is nil.
func (l *Library) Fallbacks(arch *kernel.Arch) ([]policy.Rule, error) {
	l.check(arch)
	return l.set(len(l.sets) - 1).Rules, nil
}

func (l *Library) check(arch *kernel.Arch) {
	if arch != l.arch {
		panic(bug("the sets of " + l.arch.Name + " are asked for another architecture"))
	}
}

// Default returns the policy of a program that declares none.
func (l *Library) Default() *policy.Policy {
	p := &policy.Policy{Name: PolicyFile, Arch: l.arch}
	p.Floor, _ = l.Set(policy.FloorSet, l.arch)
	p.Lock, _ = l.Set(policy.LockSet, l.arch)
	p.Fallbacks, _ = l.Fallbacks(l.arch)
	r := reader{l.rest}
	p.Stages = make([]policy.Stage, r.number())
	for i := range p.Stages {
		s := &p.Stages[i]
		s.Name, s.File = r.word(), PolicyFile
		s.Pos, s.Deny, s.DenyPos = r.pos(), r.action(), r.pos()
		s.Steps = make([]policy.Step, r.number())
		for j := range s.Steps {
			step := &s.Steps[j]
			step.Verb, step.Pos = policy.Verb(r.number()), r.pos()
			step.Sets = make([]*policy.Set, r.number())
			for k := range step.Sets {
				step.Sets[k] = l.set(int(r.number()))
			}
		}
	}
	return p
}

// set returns the set at a place.
func (l *Library) set(i int) *policy.Set {
	e := &l.sets[i]
	if e.set != nil {
		return e.set
	}
	e.set = &policy.Set{Name: e.name, Builtin: true}
	r := reader{e.body}
	for range r.number() {
		if holds, part := l.holds[r.number()], r.number(); holds {
			e.set.Parts = append(e.set.Parts, l.set(int(part)))
		}
	}
	l.rules(&r, e.set)
	return e.set
}

// rules reads the rules of a set.
func (l *Library) rules(r *reader, set *policy.Set) {
	n := r.number()
	set.Rules = make([]policy.Rule, 0, n)
	origins := make([]policy.Origin, 0, n)
	kind, file := policy.FromSet, set.Name+suffix
	if set.Name == "" {
		kind, file = policy.FromFallback, FallbackFile
	}
	source := &policy.Source{Kind: kind, Set: set.Name, File: file}
	nr := uint32(0)
	for range n {
		nr += uint32(r.number())
		holds := l.holds[r.number()]
		at, allow, arms := r.pos(), l.cond(r), r.number()
		origin := policy.Origin{Source: source, Line: at.Line, Col: at.Col}
		if holds {
			origins = append(origins, origin)
			call, _ := l.arch.CallNr(nr)
			set.Rules = append(set.Rules, policy.Rule{Nr: nr, Name: call.Name, Allow: allow, Origin: &origins[len(origins)-1]})
		}
		for range arms {
			below := r.pos()
			arm := policy.Clause{If: l.cond(r), Action: r.action()}
			if !holds {
				continue
			}
			last := &set.Rules[len(set.Rules)-1]
			arm.Origin = last.Origin
			if below.Line > 0 { // on a line of its own
				o := origin
				o.Line, o.Col = at.Line+below.Line, below.Col
				arm.Origin = &o
			}
			last.Else = append(last.Else, arm)
		}
	}
}

// cond returns the condition that r refers to.
func (l *Library) cond(r *reader) policy.Cond {
	c := reader{l.conds[r.number():]}
	return c.cond()
}

// A reader reads a table, of which rest is left.
type reader struct{ rest string }

func (r *reader) byte() byte {
	b := r.rest[0]
	r.rest = r.rest[1:]
	return b
}

// number is called in so many places that copies of it would be half of this package's code in every program.
//
//go:noinline
func (r *reader) number() (n uint64) {
	for shift := 0; ; shift += 7 {
		b := r.byte()
		n |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return n
		}
	}
}

// word reads a length and so many bytes.
//
//go:noinline
func (r *reader) word() string {
	n := r.number()
	w := r.rest[:n]
	r.rest = r.rest[n:]
	return w
}

func (r *reader) pos() rule.Pos {
	line, col := r.number(), r.number()
	return rule.Pos{Line: int32(line), Col: int32(col)}
}

func (r *reader) action() policy.Action {
	kind, errno := r.number(), r.number()
	return policy.Action{Kind: policy.Kind(kind), Errno: uint16(errno)}
}

func (r *reader) cond() policy.Cond {
	b := r.byte()
	arg, bits := b>>3&7, uint8(16)<<(b>>6)
	switch b & 7 {
	case opConst:
		return policy.Const(arg == 1)
	case opNot:
		return policy.Not{X: r.cond()}
	case opAnd:
		return policy.And(r.conds())
	case opOr:
		return policy.Or(r.conds())
	case opRange:
		lo, more := r.number(), r.number()
		return policy.Range{Arg: arg, Bits: bits, Lo: lo, Hi: lo + more}
	case opMasked:
		mask, value := r.number(), r.number()
		return policy.Masked{Arg: arg, Bits: bits, Mask: mask, Value: value}
	case opSymbol:
		return policy.Symbol{Arg: arg, Bits: bits, Name: r.word(), Set: true}
	}
	panic(bug("a condition"))
}

func (r *reader) conds() []policy.Cond {
	list := make([]policy.Cond, r.number())
	for i := range list {
		list[i] = r.cond()
	}
	return list
}
