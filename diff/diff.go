// Package diff tells what a change of a policy gives and takes, stage by stage and call by call, down to the arguments.
// It compares what the policies come to, not how they are written: two texts that say the same in other words have no
// difference.
package diff

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/stagelock/seccomp/internal/bdd"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/stage"
)

// A Change is what a call gets otherwise than before, for some arguments.
type Change struct {
	Nr       uint32
	Name     string      // empty for a number that the tables don't have
	If       policy.Cond // where it does
	Old, New policy.Action
	From, To []*policy.Origin // who says Old and New there, in their order; a nil one: nothing is in force
}

// A Kind says what a Change means.
type Kind uint8

// The kinds of changes.
const (
	Gives   Kind = iota // the call is made that was refused
	Takes               // the call is refused that was made
	Refuses             // the call is refused as before, but otherwise
	Logs                // the call is made as before, but begins or ceases to be logged
)

// Kind returns what the change means.
func (c *Change) Kind() Kind {
	switch old, new := c.Old.Allows(), c.New.Allows(); {
	case new && !old:
		return Gives
	case old && !new:
		return Takes
	case new:
		return Logs
	}
	return Refuses
}

// decideLimit bounds the nodes that deciding about one call may take: some 300 ms.
const decideLimit = 1 << 19

// Plans compares two plans for the same architecture, made with the same Env. Each stage that either has is compared
// with its counterpart: see Stage. The error is bdd.ErrTooComplex, with the call that is.
func Plans(old, new *stage.Plan) ([]Stage, error) {
	list := pairs(old, new)
	for i := range list {
		p := &list[i]
		var err error
		if p.Changes, err = Tables(table(old, p.Old), table(new, p.New)); err != nil {
			return nil, fmt.Errorf("stage %s: %w", p.Name, err)
		}
	}
	return list, nil
}

// table returns the table of a stage; nil is where nothing is in force.
func table(p *stage.Plan, k int) *policy.Table {
	if k < 0 {
		return nil
	}
	return p.Stages[k].Table
}

// Tables compares two tables of the same architecture. One of them may be nil: nothing is in force, and everything is
// allowed. The changes come by kind and by name; of a call there is one for each pair of actions. Numbers that neither
// table lists get the same in all tables, and are left out.
func Tables(old, new *policy.Table) ([]Change, error) {
	c := comparer{old: old, new: new, d: policy.NewDecider(decideLimit)}
	for _, nr := range c.numbers() {
		if err := c.call(nr); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(c.changes, func(a, b Change) int {
		return cmp.Or(cmp.Compare(a.Kind(), b.Kind()), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Nr, b.Nr))
	})
	return c.changes, nil
}

// A comparer compares two tables.
type comparer struct {
	old, new *policy.Table
	d        *policy.Decider
	changes  []Change
}

// numbers returns the numbers that one of the tables lists, in order.
func (c *comparer) numbers() (list []uint32) {
	for _, t := range [...]*policy.Table{c.old, c.new} {
		if t != nil {
			for _, d := range t.Whole().Calls {
				list = append(list, d.Nr)
			}
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// free is the decision where nothing is in force.
var free = []policy.Clause{{If: policy.Const(true), Action: policy.Action{Kind: policy.Allow}}}

// decision returns what a table says about a number.
func decision(t *policy.Table, nr uint32) []policy.Clause {
	if t == nil {
		return free
	}
	return t.Clauses(nr)
}

// call adds the changes of one call.
func (c *comparer) call(nr uint32) error {
	if c.d.Size() > decideLimit/8 { // nothing is compared from call to call
		c.d = policy.NewDecider(decideLimit)
	}
	was, is := decision(c.old, nr), decision(c.new, nr)
	before, after := c.d.Clauses(was), c.d.Clauses(is)
	if before == after && c.d.Err() == nil {
		return nil
	}
	name := c.name(nr)
	for _, x := range c.d.Results(before) {
		for _, y := range c.d.Results(after) {
			n := c.d.And(c.d.Is(before, x), c.d.Is(after, y))
			if x == y || n == bdd.False && c.d.Err() == nil {
				continue
			}
			change := Change{Nr: nr, Name: name, From: c.origins(was, n), To: c.origins(is, n)}
			change.Old, _ = policy.ActionOf(x)
			change.New, _ = policy.ActionOf(y)
			change.If = c.phrase(nr, n, was, is, &change)
			c.changes = append(c.changes, change)
		}
	}
	if err := c.d.Err(); err != nil {
		if name == "" {
			name = fmt.Sprintf("nr(%d)", nr)
		}
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// name returns the name of a call, empty if it has none.
func (c *comparer) name(nr uint32) string {
	for _, t := range [...]*policy.Table{c.old, c.new} {
		if t != nil {
			if d, ok := t.Find(nr); ok {
				return d.Name
			}
		}
	}
	return ""
}

// origins returns who says what clauses come to where n holds.
func (c *comparer) origins(clauses []policy.Clause, n bdd.Node) (list []*policy.Origin) {
	for i := range clauses {
		cond := c.d.Cond(clauses[i].If)
		if c.d.And(n, cond) == bdd.False {
			continue
		}
		if o := clauses[i].Origin; !slices.Contains(list, o) {
			list = append(list, o)
		}
		if n = c.d.And(n, c.d.Not(cond)); n == bdd.False {
			break
		}
	}
	return list
}
