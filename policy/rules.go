package policy

import (
	"github.com/stagelock/seccomp/internal/bdd"
	"github.com/stagelock/seccomp/rule"
)

// A standing says where a rule stands: the Kind is FromRule, FromSet or FromFallback.
type standing struct {
	*Source
	builtin bool
}

// rule puts what a rule means into its seat. One with a mistake is in doubt; ok is false where its call is unknown, or
// where the architecture lacks it.
func (c *checker) rule(rules []Rule, x *rule.Rule, at seat, in *standing) (ok bool) {
	s, look := c.find(x, at.call, in.builtin)
	switch look {
	case unknown:
		return false
	case lacking:
		c.lacking(x, in, x.Call.Name)
		return false
	}
	rest := x.Rest()
	r := &rules[at.place]
	r.Nr, r.IncludingGo, r.Origin = s.nr, rest.IncludingGo, c.origin(x.Pos, in)
	if s.named {
		r.Name = s.call
	}
	r.Origin.Why = reasonOf(x)
	n := c.errs.Count()
	if r.Allow = s.verdict(x, in); r.Allow == nil {
		r.Allow = Const(false)
	}
	if len(rest.Else) > 0 {
		r.Else = s.elses(rest.Else, r.Allow, r.Origin, in)
	}
	if rest.IncludingGo {
		s.includingGo(rest.GoPos, r.Allow, in)
	}
	if c.errs.Count() > n {
		*r = c.doubtful(*r)
	}
	return true
}

// moreOrigins is how many origins there is room for once the room for one of each statement is used up.
const moreOrigins = 16

// room returns a new origin, made with many others.
func (c *checker) room() *Origin {
	if len(c.origins) == cap(c.origins) {
		c.origins = make([]Origin, 0, moreOrigins)
	}
	c.origins = c.origins[:len(c.origins)+1]
	return &c.origins[len(c.origins)-1]
}

// origin returns a place of the text as an origin.
func (c *checker) origin(at rule.Pos, in *standing) *Origin {
	o := c.room()
	o.Source, o.Line, o.Col = in.Source, at.Line, at.Col
	return o
}

// verdict gives what stands behind the colon its meaning, nil where there was a mistake.
func (s *scope) verdict(x *rule.Rule, in *standing) Cond {
	plain, ok := x.Verdict.(*rule.Number)
	if !ok {
		if in.Kind == FromFallback {
			s.errorf(ErrMisplaced, x.Verdict.Start(), "a fallback says what a refused call gets: its verdict is 0")
			return nil
		}
		never := "to refuse the call, write 0"
		if in.Kind == FromSet {
			never = "leave the rule out"
		}
		return s.condition(x.Verdict, "to allow the call whatever its arguments, write 1", never)
	}
	one := plain.Abs == 1 && !plain.Neg
	switch {
	case plain.Abs > 1 || plain.Neg:
		s.errorf(ErrMisplaced, plain.Pos, "the verdict %s is neither 1, which allows the call, nor 0, which refuses it, "+
			"nor a condition", rule.FormatValue(plain))
		return nil
	case one && in.Kind == FromFallback:
		s.errorf(ErrMisplaced, plain.Pos, "a fallback says what a refused call gets: its verdict is 0")
		return nil
	case !one && in.Kind == FromSet:
		s.errorf(ErrMisplaced, plain.Pos, "a set only grants: to refuse %s, write %s: 0 in a stage", s.call, s.sys())
		return nil
	}
	return Const(one)
}

// sys returns the call as rules name it.
func (s *scope) sys() string {
	if s.named {
		return "sys_" + s.call
	}
	return s.call
}

// maxElses is how many else arms a rule may have: each is held against all before it.
const maxElses = 100

// elses gives the else arms of a rule their meaning.
func (s *scope) elses(arms []rule.Else, allow Cond, origin *Origin, in *standing) []Clause {
	switch {
	case in.Kind == FromSet:
		s.errorf(ErrMisplaced, arms[0].Pos, "a set only grants: what a refused %s gets is said in a stage", s.call)
		return nil
	case allow == Const(true):
		s.errorf(ErrNoEffect, arms[0].Pos, "this else is never reached: the verdict 1 allows every %s", s.call)
		return nil
	}
	list := make([]Clause, 0, min(len(arms), maxElses))
	before := append(make(Or, 0, cap(list)+1), allow) // what is decided already
	last := rule.Pos{}                                // of the arm that leaves nothing to later ones
	for i := range arms {
		arm := &arms[i]
		if i == maxElses {
			s.errorf(bdd.ErrTooComplex, arm.Pos, "this is one else too many: a rule has at most %d", maxElses)
			break
		}
		if last.Line != 0 {
			s.errorf(ErrNoEffect, arm.Pos, "this else is never reached: the one before it, in %s, has no if", place(last))
			break
		}
		action, ok := s.action(&arm.Action)
		cond := Cond(Const(true))
		if arm.If == nil {
			last = arm.Pos
		} else if cond = s.condition(arm.If, "leave the if out", "leave this else out"); cond == nil {
			ok = false
		}
		if !ok {
			continue
		}
		if !in.builtin {
			if truth, _ := truthWithin(And{Not{before}, cond}, &s.budget); truth == Never {
				s.notef(arm.Pos, "this else is never reached: what it is about is allowed, or has an else before it")
			}
		}
		before = append(before, cond)
		list = append(list, Clause{If: cond, Action: action, Origin: s.originOf(origin, arm.Pos)})
	}
	return list
}

// originOf returns the origin of an else arm: that of its rule, unless it stands on a line of its own.
//
//go:noinline
func (s *scope) originOf(whole *Origin, at rule.Pos) *Origin {
	if at.Line == whole.Line {
		return whole
	}
	o := s.room()
	*o = *whole
	o.Line, o.Col = at.Line, at.Col
	return o
}

// includingGo looks whether a rule may speak about the floor.
func (s *scope) includingGo(at rule.Pos, allow Cond, in *standing) {
	switch {
	case in.Kind != FromRule:
		s.errorf(ErrMisplaced, at, "including go belongs to a rule of a stage, not of a set")
	case allow == Const(true):
		s.errorf(ErrNoEffect, at, "including go takes a call from the Go runtime too, but the verdict 1 takes nothing")
	}
}

// lacking looks at a rule about a call that the architecture doesn't have. Refusing it is fine: so it is anyway.
func (c *checker) lacking(x *rule.Rule, in *standing, name string) {
	if v, ok := x.Verdict.(*rule.Number); in.Kind == FromRule && (!ok || v.Abs == 0) {
		c.lacks = append(c.lacks, Lacking{Name: name, Stage: in.Stage, File: c.file, Pos: x.Pos})
	}
	if v, ok := x.Verdict.(*rule.Number); in.builtin || ok && v.Abs == 0 {
		return
	}
	c.notef(x.Pos, "%s has no system call %s: the rule does nothing there", c.arch.Name, name)
}
