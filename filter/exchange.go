package filter

import (
	"iter"

	"github.com/stagelock/seccomp/internal/bpf"
	"github.com/stagelock/seccomp/policy"
)

// Unused yields errno actions that the table never answers with. Each can stand, while the table is compiled and
// verified, for an answer that the policy language has no action for: user notification, or a trap with data. When
// that is done Program.Exchange puts the answer itself in its place.
func Unused(t *policy.Table) iter.Seq[policy.Action] {
	return func(yield func(policy.Action) bool) {
		const last = 4095
		var used [last + 1]bool
		note := func(c *policy.Clause) {
			if c.Action.Kind == policy.Errno {
				used[c.Action.Errno] = true
			}
		}
		note(&t.Foreign)
		note(&t.Other)
		note(&t.Rest)
		for i := range t.Calls {
			for j := range t.Calls[i].Clauses {
				note(&t.Calls[i].Clauses[j])
			}
		}
		for n := uint16(last); n > 0; n-- {
			if !used[n] && !yield(policy.Action{Kind: policy.Errno, Errno: n}) {
				return
			}
		}
	}
}

// Exchange has the program return ret, a SECCOMP_RET_* value with its data, wherever it would return an action. It is
// not what Program.Table says any more.
func (p *Program) Exchange(action policy.Action, ret uint32) {
	for i := range p.Insns {
		if in := &p.Insns[i]; in.Op == bpf.Return && in.K == action.Ret() {
			in.K = ret
		}
	}
}
