package stage

import (
	"fmt"

	"github.com/stagelock/seccomp/internal/bdd"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/rule"
)

// A class is a sentinel error. Being a constant it costs nothing at start-up.
type class string

func (c class) Error() string { return string(c) }

// The classes of this package's errors, beside bdd.ErrTooComplex. Each mistake is a *rule.Error of one of them.
const (
	// ErrWidened means that a stage asks for what an earlier one gave up.
	ErrWidened = class("a stage can only narrow")
	// ErrNoEffect means that a statement takes nothing away, though that is all it is for.
	ErrNoEffect = class("nothing to take away")
	// ErrNoLock means that a stage would take from this library what it locks and verifies with.
	ErrNoLock = class("needed for locking")
)

// A judge looks for what is wrong with stages, and worth a note. It is functions, so that the linker leaves them out where
// nothing leads to the judge.
type judge struct {
	includingGo func(b *builder, r *policy.Rule)
	rule        func(b *builder, i int, r *policy.Rule) // of a stage that is not the first
	use         func(b *builder, step policy.Step, s *policy.Set, before []*policy.Set)
	drop        func(b *builder, step policy.Step, s *policy.Set) // of what is not in force
	steps       func(b *builder)
	complex     func(b *builder)
}

var thorough = judge{(*builder).judgeIncludingGo, (*builder).judgeRule, (*builder).refuseGivenUp, (*builder).refuseDrop, (*builder).judgeSteps,
	(*builder).refuseComplex}

// refuseComplex fails: nothing else that was found of the stages counts.
func (b *builder) refuseComplex() {
	b.errs = b.policy.Mistakes.Clone()
	b.fail(b.stage.Pos, b.tooComplex, "how the conditions of stage %s narrow those before is %v: use fewer or simpler ones",
		b.stage.Name, b.tooComplex)
}

// judgeIncludingGo fails if a rule takes a call from the floor that the library cannot do without.
func (b *builder) judgeIncludingGo(r *policy.Rule) {
	switch r.Name {
	case "seccomp":
		if !b.last {
			b.failRule(r, ErrNoLock, "without seccomp the next stage cannot be locked: say this in the last one")
		}
	case "pread64", "close":
		if !b.policy.Deferred {
			b.failRule(r, ErrNoLock, "without %s no stage can be seen to be in force: leave including go out", r.Name)
		}
	}
}

// judgeRule fails if a rule asks for what was given up of a call, or for a weaker refusal.
func (b *builder) judgeRule(i int, r *policy.Rule) {
	d := b.decide()
	old := d.Clauses(b.was(i))
	allowed := d.Map(old, allowedRet)
	words := []policy.Clause{{If: r.Allow, Action: policy.Action{Kind: policy.Allow}}}
	asked := b.allowedBy(append(words, r.Else...))
	switch {
	case asked == bdd.True && len(r.Else) == 0 && allowed != bdd.True:
		b.failRule(r, ErrWidened, "%s: 1 would bring back what was given up %s", spelled(r), place(b.by(i)))
	case asked != bdd.False && d.And(asked, allowed) == bdd.False:
		b.failRule(r, ErrWidened, "nothing is left of %s: what this allows was given up %s; say %s: 0", spelled(r),
			place(b.by(i)), spelled(r))
	}
	for _, arm := range r.Else {
		if arm.Action.Allows() {
			continue
		}
		weaker := d.Map(old, func(ret uint32) uint32 {
			a, ok := policy.ActionOf(ret)
			if ok && a.Kind < arm.Action.Kind {
				return 1
			}
			return 0
		})
		if d.And(weaker, d.Cond(arm.If)) != bdd.False {
			b.failAt(arm.Origin, ErrWidened, "%s weakens what %s gets already %s", arm.Action, spelled(r), place(b.by(i)))
		}
	}
}

// allowedBy returns where clauses, which need not be total, allow.
func (b *builder) allowedBy(clauses []policy.Clause) bdd.Node {
	d := b.decide()
	return d.Map(d.Clauses(clauses), allowedRet)
}

// allowedRet is 1 for a return value that lets the call be made.
func allowedRet(ret uint32) uint32 {
	if a, ok := policy.ActionOf(ret); ok && a.Allows() {
		return 1
	}
	return 0
}

// reaches tells whether clauses allow any of what c holds for.
func (b *builder) reaches(clauses []policy.Clause, c policy.Cond) bool {
	if !allowAny(clauses) {
		return false
	}
	return b.decide().And(b.allowedBy(clauses), b.decide().Cond(c)) != bdd.False
}

// spelled returns how a rule names its call.
//
//go:noinline
func spelled(r *policy.Rule) string {
	if r.Name == "" {
		return called(r)
	}
	return "sys_" + r.Name
}

// called returns the call of a rule as a person writes it: read, nr(500).
func called(r *policy.Rule) string {
	if r.Name == "" {
		return fmt.Sprintf("nr(%d)", r.Nr)
	}
	return r.Name
}

// place says where something was said.
func place(o *policy.Origin) string {
	switch {
	case o == nil:
		return "before"
	case o.Line == 0:
		return fmt.Sprintf("in stage %s", o.Stage)
	}
	return fmt.Sprintf("in stage %s (%s:%d)", o.Stage, o.File, o.Line)
}

func (b *builder) fail(pos rule.Pos, class error, format string, args ...any) {
	b.failIn(b.stage.File, pos, class, format, args...)
}

func (b *builder) failRule(r *policy.Rule, class error, format string, args ...any) {
	b.failAt(r.Origin, class, format, args...)
}

//go:noinline
func (b *builder) failAt(o *policy.Origin, class error, format string, args ...any) {
	b.failIn(o.File, rule.Pos{Line: o.Line, Col: o.Col}, class, format, args...)
}

// failIn reports a mistake. It is called in many places: copies of it would cost every program more than calls do.
//
//go:noinline
func (b *builder) failIn(file string, pos rule.Pos, class error, format string, args ...any) {
	if b.tooComplex == nil || class == b.tooComplex {
		b.errs.Add(file, pos, class, format, args...)
	}
}

func (b *builder) note(pos rule.Pos, format string, args ...any) {
	b.notes = append(b.notes, policy.Note{File: b.stage.File, Pos: pos, Text: fmt.Sprintf(format, args...)})
}
