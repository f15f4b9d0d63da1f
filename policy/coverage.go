package policy

import "github.com/stagelock/seccomp/internal/bdd"

// A coverage is what the verdict of a rule and its else arms so far are about.
type coverage struct {
	parts Or
	d     *Decider // nil as long as examples have answered everything
	node  bdd.Node // the first joined parts
	done  int      // how many they are
}

func (v *coverage) add(c Cond) { v.parts = append(v.parts, c) }

// covers tells that c never holds where nothing before it does. Nodes are taken from the budget; where that is too
// small to know, the answer is false.
func (v *coverage) covers(c Cond, budget *int) bool {
	if sometimes(And{Not{v.parts}, c}) {
		return false
	}
	if v.d == nil {
		v.d = NewDecider(min(decideLimit, *budget))
	}
	size := v.d.Size()
	for ; v.done < len(v.parts) && v.d.Err() == nil; v.done++ {
		v.node = v.d.Or(v.node, v.d.Cond(v.parts[v.done]))
	}
	left := v.d.And(v.d.Cond(c), v.d.Not(v.node))
	*budget -= v.d.Size() - size
	return v.d.Err() == nil && left == bdd.False
}
