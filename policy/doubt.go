package policy

import (
	"github.com/stagelock/seccomp/rule"
)

// Where a text has a mistake, what it means is in doubt. What follows from that alone is no mistake to tell: so a
// statement in doubt counts as one that allows all it could, and the mistakes that are left are there in any case.

// brokenOf appends the broken statements of a text.
func brokenOf(found []*rule.Broken, list []rule.Stmt) []*rule.Broken {
	for _, x := range list {
		switch x := x.(type) {
		case *rule.Broken:
			found = append(found, x)
		case *rule.Set:
			found = brokenOf(found, x.Body)
		}
	}
	return found
}

// tears tells whether a broken statement may have begun a stage: then what follows belongs to another one.
func tears(x *rule.Broken) bool {
	_, stage := x.Begun.(*rule.Stage)
	return stage || x.Begun == nil
}

// isMissing tells whether a broken statement has the word, so that it may declare a set of that name.
func (c *checker) isMissing(word string) bool {
	if c.missing == nil {
		c.missing = make(map[string]bool)
		for _, x := range c.broken {
			for _, word := range rule.Words(x.Text) {
				c.missing[word] = true
			}
		}
	}
	return c.missing[word]
}

// doubtful returns r, which has a mistake, as the most that it can mean.
func (c *checker) doubtful(r Rule) Rule {
	return Rule{Nr: r.Nr, Name: r.Name, Allow: Const(true), Origin: r.Origin, Doubt: true}
}

// begun returns the rule that a broken statement begins, ok is false if it begins none about a call that is known.
func (c *checker) begun(x *rule.Broken, in standing) (r Rule, ok bool) {
	begun, ok := x.Begun.(*rule.Rule)
	if !ok || begun.Call.Nr == nil && begun.Call.Name == "" {
		return Rule{}, false
	}
	call, ok := c.arch.Call(begun.Call.Name)
	if n := begun.Call.Nr; n != nil {
		if call, ok = c.arch.CallNr(uint32(n.Abs)); !ok {
			call.Nr, ok = uint32(n.Abs), !n.Neg && n.Abs < nrLast && !c.arch.Foreign(uint32(n.Abs))
		}
	}
	if !ok {
		return Rule{}, false
	}
	return c.doubtful(Rule{Nr: call.Nr, Name: call.Name, Origin: c.origin(Origin{
		Kind: in.kind, Stage: in.stage, Set: in.set, File: c.file, Line: x.Line, Col: x.Col,
	})}), true
}

// broken takes down that a statement is missing.
func (s *stager) broken(x *rule.Broken) {
	switch x.Begun.(type) {
	case *rule.Deny, *rule.Set: // a set is missing where it is used
		return
	}
	if r, ok := s.begun(x, s.standing()); ok {
		s.stage.Rules = append(s.stage.Rules, r)
		return
	}
	s.stage.Doubt = true
}
