package diff

import (
	"github.com/stagelock/seccomp/filter"
	"github.com/stagelock/seccomp/internal/bdd"
	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
)

// phrase returns n, where a change comes about, as a condition: in the fewest words, or else as it follows from what
// was written.
func (c *comparer) phrase(nr uint32, n bdd.Node, was, is []policy.Clause, change *Change) policy.Cond {
	t := c.new
	if t == nil {
		t = c.old
	}
	var call *kernel.Call
	if x, ok := t.Arch.CallNr(nr); ok {
		call = &x
	}
	if cond, ok := filter.Phrase(c.d, n, call, t.Arch); ok {
		return cond
	}
	return policy.And{where(is, change.New), where(was, change.Old)}
}

// where returns the condition under which clauses come to an action.
func where(clauses []policy.Clause, a policy.Action) policy.Cond {
	c := policy.Cond(policy.Const(false))
	for i := len(clauses) - 1; i >= 0; i-- {
		if x := &clauses[i]; x.Action == a {
			c = policy.Or{x.If, c}
		} else {
			c = policy.And{policy.Not{X: x.If}, c}
		}
	}
	return c
}
