package policy

import "github.com/stagelock/seccomp/rule"

// A scope is a rule that is being checked: it says what the names in its expressions mean.
type scope struct {
	*checker
	*standing
	rule *rule.Rule
	to   *Rule // what it is made into; its Nr, Name and Origin are there
}

// call returns the call as a person writes it: read, nr(500).
func (s *scope) call() string {
	if s.to.Name == "" {
		return "nr(" + rule.FormatValue(s.rule.Call.Nr) + ")"
	}
	return s.to.Name
}

// sys returns the call as rules name it.
func (s *scope) sys() string {
	if s.to.Name == "" {
		return s.call()
	}
	return "sys_" + s.to.Name
}

// condition gives the expression of a verdict or of an else arm its meaning. The result is nil where a mistake was
// found. always and never say what to write in place of an expression that is always true, or always false.
func (s *scope) condition(x rule.Expr, always, never string) Cond {
	c := s.expr(x, 0)
	if c == nil || !s.varies(c, x.Start(), "the condition", always, never) {
		return nil
	}
	if s.builtin && !positive(c, true) {
		s.errorf(ErrMisplaced, x.Start(), "in a built-in set a value of the process may only widen what is refused "+
			"where it is unknown: no != and no ! over it")
		return nil
	}
	return c
}

// varies reports a condition that is always or never true; it tells whether all was well.
func (s *scope) varies(c Cond, at rule.Pos, what, always, never string) bool {
	switch truth, err := truthWithin(c, &s.budget); {
	case err != nil:
		s.errorf(err, at, "%s is %v: make it simpler, or split the rule", what, err)
	case truth == Always:
		s.errorf(ErrConstant, at, "%s is always true: %s", what, always)
	case truth == Never:
		s.errorf(ErrConstant, at, "%s is always false: %s", what, never)
	default:
		return true
	}
	return false
}

// expr gives x, in so many || and &&, its meaning, nil where a mistake was found.
func (s *scope) expr(x rule.Expr, depth int) Cond {
	switch x := x.(type) {
	case *rule.Paren:
		return s.expr(x.X, depth)
	case *rule.Not:
		if c := s.expr(x.X, depth); c != nil {
			return Not{c}
		}
		return nil
	case *rule.Or:
		if parts := s.parts(x.X, depth); parts != nil {
			return s.part(Or(parts), x.Start(), depth)
		}
		return nil
	case *rule.And:
		if parts := s.parts(x.X, depth); parts != nil {
			return s.part(And(parts), x.Start(), depth)
		}
		return nil
	case *rule.Compare:
		return s.compare(x)
	case *rule.Bits:
		return s.bits(x)
	case *rule.In:
		return s.in(x)
	case *rule.Number:
		s.errorf(ErrMisplaced, x.Start(), "%s can only stand alone, as the whole verdict; compare an argument with it",
			rule.FormatValue(x))
		return nil
	}
	panic(bug("an expression of type %T", x))
}

func (s *scope) parts(list []rule.Expr, depth int) []Cond {
	parts := make([]Cond, 0, len(list))
	for _, x := range list {
		if c := s.expr(x, depth+1); c != nil {
			parts = append(parts, c)
		}
	}
	if len(parts) < len(list) {
		return nil
	}
	return parts
}

// part looks whether a direct part of the outermost || or && is constant by itself. Deeper ones are let be: that
// would take time that grows with the square of the text.
func (s *scope) part(c Cond, at rule.Pos, depth int) Cond {
	const advice = "leave it out, or put it right"
	if depth == 1 && !s.varies(c, at, "this part of the condition", advice, advice) {
		return nil
	}
	return c
}

// positive tells whether no Symbol in c stands under an odd number of Nots: then Const(true) in its place can only
// widen where c holds.
func positive(c Cond, sign bool) bool {
	switch c := c.(type) {
	case Not:
		return positive(c.X, !sign)
	case And:
		for _, x := range c {
			if !positive(x, sign) {
				return false
			}
		}
	case Or:
		for _, x := range c {
			if !positive(x, sign) {
				return false
			}
		}
	case Symbol:
		return sign
	}
	return true
}
