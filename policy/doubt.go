package policy

import (
	"sort"

	"github.com/stagelock/seccomp/internal/order"
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
		for _, x := range c.broken {
			c.missing = append(c.missing, rule.Words(x.Text)...)
		}
		order.Stable(c.missing, func(i, j int) bool { return c.missing[i] < c.missing[j] })
	}
	i := sort.SearchStrings(c.missing, word)
	return i < len(c.missing) && c.missing[i] == word
}

// doubtful returns r, which has a mistake, as the most that it can mean.
func doubtful(r Rule) Rule {
	return Rule{Nr: r.Nr, Name: r.Name, Allow: Const(true), Origin: r.Origin, Doubt: true}
}

// begun returns the rule that a broken statement begins, ok is false if it begins none about a call that is known.
func (c *checker) begun(x *rule.Broken, in *standing) (r Rule, ok bool) {
	begun, ok := x.Begun.(*rule.Rule)
	if !ok || begun.Call.Nr == nil && begun.Call.Name == "" {
		return Rule{}, false
	}
	if at := begun.Call; c.errs.At(c.file, begun.Pos) || at.Nr != nil && c.errs.At(c.file, at.Nr.Pos) || at.Name == rule.OnNextSyscall {
		return Rule{}, false // the mistake is the call itself
	}
	var seats [1]seat
	c.seat([]rule.Stmt{begun}, seats[:])
	nr, name, look := c.find(begun, seats[0].call, in.builtin)
	if look != found {
		return Rule{}, false
	}
	origin := in.origin(x.Pos)
	return doubtful(Rule{Nr: nr, Name: name, Origin: &origin}), true
}

// broken takes down that a statement is missing.
func (s *stager) broken(x *rule.Broken) {
	switch x.Begun.(type) {
	case *rule.Deny, *rule.Set: // a set is missing where it is used
		return
	}
	if r, ok := s.begun(x, &s.standing); ok {
		s.stage.Rules = append(s.stage.Rules, r)
		return
	}
	s.stage.Doubt = true
}
