package policy

import (
	"strings"

	"github.com/stagelock/seccomp/internal/bdd"
	"github.com/stagelock/seccomp/rule"
)

// A standing says where a rule stands: the Kind is FromRule, FromSet or FromFallback.
type standing struct {
	*Source
	builtin bool
}

// origin returns a place of the text as an origin.
func (in *standing) origin(at rule.Pos) Origin {
	return Origin{Source: in.Source, Line: at.Line, Col: at.Col}
}

// A block has the seats of rules that are checked together: each has its Rule and its Origin.
type block struct {
	rules   []Rule
	origins []Origin
}

// newBlock returns a block for the rules of so many statements.
func newBlock(n int) block { return block{make([]Rule, n), make([]Origin, n)} }

// first returns the block of the first n seats. There is room behind them for rules without a seat.
func (b *block) first(n int) block { return block{b.rules[:n], b.origins[:n]} }

// rule puts what a rule means into its seat, if its call is found: that is what is returned. One with a mistake is in doubt.
func (c *checker) rule(to *block, x *rule.Rule, at seat, in *standing) lookup {
	nr, name, look := c.find(x, at.call, in.builtin)
	if look == lacking {
		c.lacking(x, in)
	}
	if look != found {
		return look
	}
	r, o := &to.rules[at.place], &to.origins[at.place]
	*o = in.origin(x.Pos)
	if why := x.Notes().After; why != "" {
		o.Why = strings.TrimSpace(why)
	}
	r.Nr, r.Name, r.Origin = nr, name, o
	s := scope{c, in, x, r}
	n := c.errs.Count()
	if r.Allow = s.verdict(x.Verdict); r.Allow == nil {
		r.Allow = Const(false)
	}
	if rest := x.Rest(); len(rest.Else) > 0 || rest.IncludingGo {
		s.rest(rest)
	}
	if c.errs.Count() > n {
		*r = doubtful(*r)
	}
	return found
}

// rest gives what stands behind the verdict its meaning.
func (s *scope) rest(x *rule.Rest) {
	if len(x.Else) > 0 {
		s.to.Else = s.elses(x.Else)
	}
	if s.to.IncludingGo = x.IncludingGo; x.IncludingGo {
		s.includingGo(x.GoPos)
	}
}

// verdict gives what stands behind the colon its meaning, nil where there was a mistake.
func (s *scope) verdict(x rule.Expr) Cond {
	plain, ok := x.(*rule.Number)
	if !ok {
		if s.Kind == FromFallback {
			s.errorf(ErrMisplaced, x.Start(), "a fallback says what a refused call gets: its verdict is 0")
			return nil
		}
		never := "to refuse the call, write 0"
		if s.Kind == FromSet {
			never = "leave the rule out"
		}
		return s.condition(x, "to allow the call whatever its arguments, write 1", never)
	}
	switch {
	case plain.Abs > 1 || plain.Neg:
		s.errorf(ErrMisplaced, plain.Pos, "the verdict %s is neither 1, which allows the call, nor 0, which refuses it, "+
			"nor a condition", rule.FormatValue(plain))
		return nil
	case plain.Abs == 1 && s.Kind == FromFallback:
		s.errorf(ErrMisplaced, plain.Pos, "a fallback says what a refused call gets: its verdict is 0")
		return nil
	case plain.Abs == 0 && s.Kind == FromSet:
		s.errorf(ErrMisplaced, plain.Pos, "a set only grants: to refuse %s, write %s: 0 in a stage", s.call(), s.sys())
		return nil
	}
	return Const(plain.Abs == 1)
}

// maxElses is how many else arms a rule may have: each is held against all before it.
const maxElses = 100

// elses gives the else arms of a rule their meaning.
func (s *scope) elses(arms []rule.Else) []Clause {
	switch {
	case s.Kind == FromSet:
		s.errorf(ErrMisplaced, arms[0].Pos, "a set only grants: what a refused %s gets is said in a stage", s.call())
		return nil
	case s.to.Allow == Const(true):
		s.errorf(ErrNoEffect, arms[0].Pos, "this else is never reached: the verdict 1 allows every %s", s.call())
		return nil
	}
	list := make([]Clause, 0, min(len(arms), maxElses))
	before := append(make(Or, 0, cap(list)+1), s.to.Allow) // what is decided already
	last := rule.Pos{}                                     // of the arm that leaves nothing to later ones
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
		if !s.builtin {
			if truth, _ := truthWithin(And{Not{before}, cond}, &s.budget); truth == Never {
				s.notef(arm.Pos, "this else is never reached: what it is about is allowed, or has an else before it")
			}
		}
		before = append(before, cond)
		list = append(list, Clause{If: cond, Action: action, Origin: s.originOf(arm.Pos)})
	}
	return list
}

// originOf returns the origin of an else arm: that of its rule, unless it stands on a line of its own.
func (s *scope) originOf(at rule.Pos) *Origin {
	if at.Line == s.to.Origin.Line {
		return s.to.Origin
	}
	o := *s.to.Origin
	o.Line, o.Col = at.Line, at.Col
	return &o
}

// includingGo looks whether a rule may speak about the floor.
func (s *scope) includingGo(at rule.Pos) {
	switch {
	case s.Kind != FromRule:
		s.errorf(ErrMisplaced, at, "including go belongs to a rule of a stage, not of a set")
	case s.to.Allow == Const(true):
		s.errorf(ErrNoEffect, at, "including go takes a call from the Go runtime too, but the verdict 1 takes nothing")
	}
}

// lacking looks at a rule about a call that the architecture doesn't have. Refusing it is fine: so it is anyway.
func (c *checker) lacking(x *rule.Rule, in *standing) {
	if v, ok := x.Verdict.(*rule.Number); in.Kind == FromRule && (!ok || v.Abs == 0) {
		c.lacks = append(c.lacks, Lacking{Name: x.Call.Name, Stage: in.Stage, File: c.file, Pos: x.Pos})
	}
	if v, ok := x.Verdict.(*rule.Number); in.builtin || ok && v.Abs == 0 {
		return
	}
	c.notef(x.Pos, "%s has no system call %s: the rule does nothing there", c.arch.Name, x.Call.Name)
}
