package dialect

import (
	"fmt"

	"github.com/stagelock/seccomp/internal/bdd"
	"github.com/stagelock/seccomp/policy"
)

// proofLimit bounds the nodes that comparing one call may take: about a second.
const proofLimit = 1 << 20

// Prove compares got with want for every call that want knows and all arguments, exactly: they do the same, or, for the
// calls that loose names, got allows nothing that want doesn't. Of numbers that the tables don't have, and of foreign
// ABIs, got allows none that want doesn't. The error matches ErrProof and has an example.
func Prove(want, got *policy.Table, loose func(nr uint32) bool) error {
	d := policy.NewDecider(proofLimit)
	want, got = want.Whole(), got.Whole()
	for i := range want.Calls {
		w := &want.Calls[i]
		g := got.Clauses(w.Nr)
		strict := loose == nil || !loose(w.Nr)
		diff := d.Combine(d.Clauses(w.Clauses), d.Clauses(g), func(old, new uint32) uint32 {
			a, _ := policy.ActionOf(old)
			b, _ := policy.ActionOf(new)
			if strict && a != b || b.Allows() && !a.Allows() {
				return 1
			}
			return 0
		})
		if d.Err() != nil {
			return fmt.Errorf("%w: %s: %w", ErrProof, CallText(w), d.Err())
		}
		if diff != bdd.False {
			in, _ := d.Example(diff, func(x uint32) bool { return x == 1 })
			return fmt.Errorf("%w: %s with args %#x gets %s and had %s", ErrProof, CallText(w), in.Args,
				got.Eval(w.Nr, in.Args).Action.Text(want.Arch), want.Eval(w.Nr, in.Args).Action.Text(want.Arch))
		}
		if d.Size() > proofLimit/8 {
			d = policy.NewDecider(proofLimit)
		}
	}
	for i := range got.Calls {
		if _, ok := want.Find(got.Calls[i].Nr); !ok && !want.Other.Action.Allows() {
			return fmt.Errorf("%w: %s is said something about, and was not known", ErrProof, CallText(&got.Calls[i]))
		}
	}
	if got.Other.Action.Allows() && !want.Other.Action.Allows() || got.Foreign.Action.Allows() {
		return fmt.Errorf("%w: numbers that the tables don't have are allowed", ErrProof)
	}
	return nil
}

// Reachable tells whether, wherever narrow allows a call, wide allows one that is the same but for bits of the
// arguments that the kernel ignores. ignored says which variables of the Decider those are.
func reachable(d *policy.Decider, wide, narrow []policy.Clause, ignored func(v uint16) bool) bool {
	allows := func(ret uint32) uint32 {
		if a, ok := policy.ActionOf(ret); ok && a.Allows() {
			return 1
		}
		return 0
	}
	some := exists(d, d.Map(d.Clauses(wide), allows), ignored)
	return d.And(d.Map(d.Clauses(narrow), allows), d.Not(some)) == bdd.False && d.Err() == nil
}

// exists returns where n holds for some value of the ignored variables.
func exists(d *policy.Decider, n bdd.Node, ignored func(v uint16) bool) bdd.Node {
	done := map[bdd.Node]bdd.Node{bdd.False: bdd.False, bdd.True: bdd.True}
	var walk func(bdd.Node) bdd.Node
	walk = func(n bdd.Node) bdd.Node {
		if x, ok := done[n]; ok || d.Err() != nil {
			return x
		}
		v, lo, hi := d.Branch(n)
		a, b := walk(lo), walk(hi)
		x := d.If(d.Var(v), b, a)
		if ignored(v) {
			x = d.Or(a, b)
		}
		done[n] = x
		return x
	}
	return walk(n)
}
