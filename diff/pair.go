package diff

import (
	"slices"

	"github.com/stagelock/seccomp/stage"
)

// A Stage is a stage of one plan or both, with what has changed about it.
//
// Where one plan lacks the stage, the other's is compared with the nearest before it that both have: that is what is in
// force in the one while the other is in this stage.
type Stage struct {
	Name     string
	Old, New int // the stages that are compared, by index; -1: there is none before it, nothing is in force
	Gone     bool
	Added    bool
	Changes  []Change
}

// Wider tells whether the change gives anything.
func (s *Stage) Wider() bool {
	return slices.ContainsFunc(s.Changes, func(c Change) bool { return c.Kind() == Gives })
}

// Reordered tells whether stages that both plans have follow each other in another order.
func Reordered(old, new *stage.Plan) bool {
	last := -1
	for i := range new.Stages {
		if k, ok := old.Index(new.Stages[i].Name); ok {
			if k < last {
				return true
			}
			last = k
		}
	}
	return false
}

// pairs returns the stages of both plans: the new plan's in order, those that it lacks behind the one they are compared
// with.
func pairs(old, new *stage.Plan) (list []Stage) {
	gone := func(after int) {
		for k := range old.Stages {
			if name := old.Stages[k].Name; !has(new, name) && nearest(old, k, new) == after {
				list = append(list, Stage{Name: name, Old: k, New: after, Gone: true})
			}
		}
	}
	gone(-1)
	for k := range new.Stages {
		s := Stage{Name: new.Stages[k].Name, New: k}
		var known bool
		if s.Old, known = old.Index(s.Name); !known {
			s.Old, s.Added = nearest(new, k, old), true
		}
		list = append(list, s)
		if known {
			gone(k)
		}
	}
	return list
}

func has(p *stage.Plan, name string) bool {
	_, ok := p.Index(name)
	return ok
}

// nearest returns the index, in other, of the nearest stage before stage k of p that other has too; -1 if there is none.
func nearest(p *stage.Plan, k int, other *stage.Plan) int {
	for k--; k >= 0; k-- {
		if i, ok := other.Index(p.Stages[k].Name); ok {
			return i
		}
	}
	return -1
}
