package policy

import (
	"errors"
	"slices"

	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/internal/order"
	"github.com/stagelock/seccomp/rule"
)

// Check gives f its meaning for a target. The error is rule.Errors: the mistakes of the text, by place, each with what
// was expected and, for an unknown name, the nearest known one; their classes are this package's sentinels. Mistakes of
// grammar that the parser left in f come along, and of meaning then those alone that can't follow from them.
//
// The Policy has them too, for stage.New to add those of the stages. There is none where f is empty, or has so many
// mistakes of grammar that its end was not read.
//
// Of the built-in sets only those that f uses are looked at.
func Check(f *rule.File, t Target) (*Policy, error) {
	c := &checker{
		file:   f.Name,
		arch:   t.Arch,
		lib:    t.Sets,
		budget: decideBudget,
	}
	p := &Policy{Name: f.Name, Arch: t.Arch}
	switch {
	case len(f.Mistakes) > 0 && len(f.Stmts) == 0, errors.Is(f.Mistakes, rule.ErrMore):
		return nil, f.Mistakes.Err()
	case len(f.Stmts) == 0:
		c.errorf(ErrEmpty, rule.Pos{Line: 1, Col: 1}, "the policy is empty: say which sets to use, or which calls to allow")
		return nil, c.errs.Err()
	}
	c.errs.Adopt(f.Mistakes...)
	if len(f.Mistakes) > 0 {
		c.broken = brokenOf(nil, f.Stmts)
	}
	c.torn = slices.ContainsFunc(c.broken, tears)
	c.statements(f.Stmts, c.declare(f.Stmts), p)
	c.unused(f.Stmts)
	p.Floor = c.builtinSet(FloorSet)
	p.Lock = c.builtinSet(LockSet)
	fallbacks, err := c.lib.Fallbacks(c.arch)
	c.adopt(err)
	p.Fallbacks = fallbacks
	if err := c.errs.Err(); err != nil {
		p.Mistakes = c.errs
		return p, err
	}
	order.Stable(c.notes, func(i, j int) bool { return c.notes[i].Pos.Precedes(c.notes[j].Pos) })
	p.Notes, p.Lacks = c.notes, c.lacks
	return p, nil
}

// A checker checks one policy, or the texts of built-in sets.
type checker struct {
	file    string // whose text is being checked
	arch    *kernel.Arch
	lib     Library // of a policy: the built-in sets
	texts   Texts   // of built-in sets themselves; nil where a policy is checked
	own     map[string]*ownSet
	sets    map[string]*Set // those that were named; nil: being looked at
	open    []string        // the names of the sets that are being looked at, one inside the other
	errs    rule.Mistakes
	broken  []*rule.Broken
	torn    bool     // one of them may have begun a stage
	missing []string // the words of broken in order, once they are asked for
	notes   []Note
	lacks   []Lacking
	fallen  []Rule   // the fallbacks, once checked; of texts
	guesses int      // nearest words looked for
	errnos  []string // the names of all, once they are listed
	listed  bool
	budget  int // nodes that may still go into deciding conditions
}

// decideBudget bounds what all conditions of a policy may take to decide together, some 300 ms.
const decideBudget = 1 << 19
