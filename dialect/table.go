package dialect

import (
	"fmt"
	"slices"

	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/rule"
)

// NewTable makes a table of what was said about calls, by number: clauses of which the first that holds is it. What
// they leave open, and the calls that are not in ruled, get rest. Calls of a foreign ABI are killed; other numbers that
// the tables don't have get other.
func NewTable(arch *kernel.Arch, ruled map[uint32][]policy.Clause, rest, other policy.Clause) *policy.Table {
	t := &policy.Table{
		Arch:    arch,
		Foreign: policy.Clause{If: policy.Const(true), Origin: &policy.Origin{Source: &policy.Source{Kind: policy.FromForeign}}},
		Other:   other,
	}
	add := func(nr uint32, name string) {
		clauses := slices.Clip(ruled[nr])
		if n := len(clauses); n == 0 || clauses[n-1].If != policy.Const(true) {
			clauses = append(clauses, rest)
		}
		t.Calls = append(t.Calls, policy.Decision{Nr: nr, Name: name, Clauses: clauses})
	}
	for _, c := range arch.Calls() {
		add(c.Nr, c.Name)
	}
	return t
}

// Always returns the clause that holds for all arguments.
func Always(a policy.Action, o *policy.Origin) policy.Clause {
	return policy.Clause{If: policy.Const(true), Action: a, Origin: o}
}

// A Part is what a call gets under a condition. Of the Parts of a call no two hold at once, unless their Actions are
// the same.
type Part struct {
	If     policy.Cond
	Terms  []Term // If, taken apart by Speakable
	Action policy.Action
	Origin *policy.Origin
}

// Parts takes a decision apart by actions: the order of its clauses no longer matters. Those that never come about are
// left out, and those whose action is rest, which is what a call gets that no Part speaks for.
func Parts(d *policy.Decision, rest policy.Action) []Part {
	var parts []Part
	var others policy.Or // earlier clauses with another action
	for i, c := range d.Clauses {
		others = others[:0:0]
		for _, e := range d.Clauses[:i] {
			if e.Action != c.Action {
				others = append(others, e.If)
			}
		}
		cond := c.If
		if len(others) > 0 {
			cond = policy.And{c.If, policy.Not{X: others}}
		}
		truth, err := policy.TruthOf(cond)
		if c.Action == rest || err == nil && truth == policy.Never {
			continue
		}
		if truth == policy.Always {
			cond = policy.Const(true)
		}
		j := slices.IndexFunc(parts, func(p Part) bool { return p.Action == c.Action })
		if j < 0 {
			parts = append(parts, Part{If: cond, Action: c.Action, Origin: c.Origin})
			continue
		}
		or := policy.Or{parts[j].If, cond}
		parts[j].If = or
		if truth, err := policy.TruthOf(or); err == nil && truth == policy.Always {
			parts[j].If = policy.Const(true)
		}
	}
	return parts
}

// Speakable is Parts with every condition taken apart into Terms, by apart. What can't be is reported as a loss: the call is
// refused there, or altogether where rest would allow it. exact tells that nothing was lost.
func Speakable(r *Report, d *policy.Decision, rest policy.Action, apart func(policy.Cond) ([]Term, error)) (parts []Part, exact bool) {
	exact = true
	for _, p := range Parts(d, rest) {
		terms, err := apart(p.If)
		if err == nil {
			p.Terms = terms
			parts = append(parts, p)
			continue
		}
		exact = false
		r.LossOf(p.Origin, fmt.Sprintf("%s: its condition can't be taken apart: %v", CallText(d), err), "the call is refused")
		if rest.Allows() {
			return []Part{{If: policy.Const(true), Terms: []Term{{}}, Action: refusalOf(d), Origin: p.Origin}}, false
		}
	}
	return parts, exact
}

// Rest returns what a text had best say once for all calls: what unknown numbers get if that allows them, and
// otherwise what most refused calls get.
func Rest(t *policy.Table) policy.Action {
	if t.Other.Action.Allows() {
		return t.Other.Action
	}
	count := make(map[policy.Action]int)
	best := policy.Action{Kind: policy.Errno, Errno: 1} // EPERM, on all architectures
	for i := range t.Calls {
		a := t.Calls[i].Clauses[len(t.Calls[i].Clauses)-1].Action
		if a.Allows() {
			continue
		}
		if count[a]++; count[a] > count[best] || count[a] == count[best] && a.Kind < best.Kind {
			best = a
		}
	}
	return best
}

// Newer tells whether a call gets what it does because the source doesn't know it yet. What refuses it doesn't matter
// then.
func Newer(d *policy.Decision) bool {
	c := &d.Clauses[0]
	return c.If == policy.Const(true) && c.Origin != nil && c.Origin.Kind == policy.FromUnknown && !c.Action.Allows()
}

// WithoutFallbacks returns a decision without the errnos that make Go or libc take another way: the call gets what
// others get there. had tells whether there were any.
func WithoutFallbacks(d *policy.Decision) (plain *policy.Decision, had bool) {
	p := *d
	p.Clauses = slices.DeleteFunc(slices.Clone(d.Clauses), func(c policy.Clause) bool {
		return c.Origin != nil && c.Origin.Kind == policy.FromFallback
	})
	if n := len(p.Clauses); n == len(d.Clauses) || n == 0 || p.Clauses[n-1].If != policy.Const(true) {
		return d, false
	}
	return &p, true
}

// LoseFallbacks reports calls that had fallbacks.
func (r *Report) LoseFallbacks(names []string, why, instead string) {
	if len(names) > 0 {
		r.Loss(rule.Pos{}, fmt.Sprintf("%s get errnos that make Go or libc take another way, and %s", list(names), why), instead)
	}
}

// CallText names a call for a message.
func CallText(d *policy.Decision) string {
	if d.Name == "" {
		return fmt.Sprintf("nr(%d)", d.Nr)
	}
	return d.Name
}
