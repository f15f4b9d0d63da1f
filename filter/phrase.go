package filter

import (
	"github.com/stagelock/seccomp/internal/bdd"
	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
)

// Phrase returns n, which is where something holds for a call, as a condition that the policy language can say and a
// person can read; call is nil for a number that the tables don't have. ok is false where n looks at more than the
// kernel reads of the arguments, or would take too many words.
func Phrase(d *policy.Decider, n bdd.Node, call *kernel.Call, arch *kernel.Arch) (c policy.Cond, ok bool) {
	s := sayer{d: d, arch: arch}
	var types [6]kernel.Type
	vars := support(d, n)
	if asks(vars, policy.ArchVar, policy.ArgVar) || asks(vars, policy.IPVar, lastVar) {
		return nil, false
	}
	for i := range types {
		types[i] = s.argument(call, i).Type
		base := policy.ArgVar + 64*uint16(i)
		if asks(vars, base, base+64-uint16(types[i].Bits)) {
			return nil, false
		}
	}
	x := newPhraser(d, types).cond(n)
	if x.cost > maxCost || d.Err() != nil {
		return nil, false
	}
	return x.cond, d.Cond(x.cond) == n
}
