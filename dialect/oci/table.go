package oci

import (
	"fmt"
	"slices"

	"github.com/stagelock/seccomp/dialect"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/rule"
)

// table returns what runc and libseccomp make of the entries.
func (r *reader) table() *policy.Table {
	rest := dialect.Always(r.fallback, r.Origin(r.fallbackPos))
	other := rest
	ruled := make(map[uint32][]policy.Clause)
	last := uint32(0)
	for _, name := range r.order {
		call, _ := r.arch.Call(name)
		last = max(last, call.Nr)
		ruled[call.Nr] = r.clauses(name, r.calls[name])
	}
	enosys := policy.Action{Kind: policy.Errno, Errno: r.enosys()}
	if !r.fallback.Allows() && r.fallback != enosys && r.fallbackName != "SCMP_ACT_TRACE" && last > 0 {
		newer := r.Origin(r.fallbackPos)
		newer.Kind = policy.FromUnknown
		other = dialect.Always(enosys, newer)
		for _, c := range r.arch.Calls() {
			if c.Nr > last {
				ruled[c.Nr] = []policy.Clause{other}
			}
		}
	}
	return dialect.NewTable(r.arch, ruled, rest, other)
}

// clauses puts the entries of one call in an order: libseccomp has none.
func (r *reader) clauses(name string, list []entry) []policy.Clause {
	always := slices.IndexFunc(list, func(e entry) bool { return len(e.conds) == 0 })
	if always >= 0 {
		for _, e := range list {
			if len(e.conds) > 0 && e.action != list[always].action {
				r.Notef(r.pos(e.origin), "the args of this entry for %s have no effect: the entry of line %d has none, and "+
					"libseccomp lets it win", name, list[always].origin.Line)
			}
		}
		return []policy.Clause{dialect.Always(list[always].action, list[always].origin)}
	}
	// Where actions differ the strictest comes first, which is what an approximation would take.
	sorted := slices.Clone(list)
	slices.SortStableFunc(sorted, func(a, b entry) int { return int(a.action.Kind) - int(b.action.Kind) })
	var clauses []policy.Clause
	for i, e := range sorted {
		for _, before := range sorted[:i] {
			if before.action != e.action && overlap(before, e) {
				r.Loss(r.pos(e.origin), fmt.Sprintf("this entry for %s and that of line %d say different things of the same "+
					"arguments, and libseccomp gives no order", name, before.origin.Line), "the stricter one wins")
				break
			}
		}
		var c policy.Cond = policy.Or(e.conds)
		if len(e.conds) == 1 {
			c = e.conds[0]
		}
		clauses = append(clauses, policy.Clause{If: c, Action: e.action, Origin: e.origin})
	}
	return clauses
}

func overlap(a, b entry) bool {
	truth, err := policy.TruthOf(policy.And{policy.Or(a.conds), policy.Or(b.conds)})
	return err != nil || truth != policy.Never
}

// pos returns the place of an entry's name.
func (r *reader) pos(o *policy.Origin) rule.Pos { return rule.Pos{Line: o.Line, Col: o.Col} }
