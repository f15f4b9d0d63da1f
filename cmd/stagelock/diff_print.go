package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/stagelock/seccomp/diff"
	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/stage"
)

// differences are what `diff` found, for all architectures that it looked at.
type differences struct {
	arches int
	wider  bool
	lines  []string // about the policies as a whole
	stages []*stageDifferences
}

// stageDifferences are those of one stage.
type stageDifferences struct {
	name    string
	remark  string // what it is compared with, where that is not itself
	changes []*difference
}

// A difference is a change as it is printed, and the architectures that have it.
type difference struct {
	changed
	arches []string
}

// changed is what is printed of a change.
type changed struct {
	kind diff.Kind
	call string
	when string // empty: always
	what string // old and new action, and who says so
	rest bool   // the denies speak, before and after: one of the many calls that nobody allows
}

// add takes in the differences of an architecture.
func (r *differences) add(list []diff.Stage, old, new *stage.Plan) {
	arch := new.Policy.Arch
	if len(r.stages) == 0 {
		r.wholes(old, new)
		for i := range list {
			r.stages = append(r.stages, &stageDifferences{name: list[i].Name, remark: remark(&list[i], old, new)})
		}
	}
	for i := range list { // the stages of a text are the same on all architectures
		s, x := &list[i], r.stages[i]
		r.wider = r.wider || s.Wider()
		for j := range s.Changes {
			x.add(describe(&s.Changes[j], s, old, new), arch.Name)
		}
	}
}

func (x *stageDifferences) add(c changed, arch string) {
	i := slices.IndexFunc(x.changes, func(d *difference) bool { return d.changed == c })
	if i < 0 {
		i = len(x.changes)
		x.changes = append(x.changes, &difference{changed: c})
	}
	x.changes[i].arches = append(x.changes[i].arches, arch)
}

// wholes says what has changed about the policies as a whole.
func (r *differences) wholes(old, new *stage.Plan) {
	begin := map[bool]string{true: "at the next exec (on_next_syscall)", false: "at once"}
	if was, is := old.Policy.Deferred, new.Policy.Deferred; was != is {
		r.lines = append(r.lines, fmt.Sprintf("%s begins %s, %s %s", new.Policy.Name, begin[is], old.Policy.Name, begin[was]))
	}
	if diff.Reordered(old, new) {
		r.lines = append(r.lines, "the stages come in another order: who has locked one can't go back")
	}
}

// remark says of a stage that only one policy has what it is compared with.
func remark(s *diff.Stage, old, new *stage.Plan) string {
	with := func(p *stage.Plan, k int) string {
		if k < 0 {
			return fmt.Sprintf("%s has nothing in force there", p.Policy.Name)
		}
		return fmt.Sprintf("compared with stage %s of %s", p.Stages[k].Name, p.Policy.Name)
	}
	switch {
	case s.Gone:
		return fmt.Sprintf("is not in %s: %s", new.Policy.Name, with(new, s.New))
	case s.Added:
		return fmt.Sprintf("is not in %s: %s", old.Policy.Name, with(old, s.Old))
	}
	return ""
}

// describe puts a change into words.
func describe(c *diff.Change, s *diff.Stage, old, new *stage.Plan) changed {
	arch := new.Policy.Arch
	var call *kernel.Call
	x := changed{kind: c.Kind(), call: c.Name}
	if k, ok := arch.CallNr(c.Nr); ok {
		call = &k
	} else {
		x.call = fmt.Sprintf("nr(%d)", c.Nr)
	}
	if c.If != policy.Const(true) {
		x.when = policy.FormatCond(named(c.If), call, arch)
	}
	x.what = fmt.Sprintf("%s → %s: %s → %s", c.Old.Text(arch), c.New.Text(arch), sources(old, s.Old, c.Nr, c.From),
		sources(new, s.New, c.Nr, c.To))
	denied := func(o *policy.Origin) bool { return o != nil && o.Kind == policy.FromDeny }
	x.rest = x.kind == diff.Refuses && x.when == "" && denied(c.From[0]) && denied(c.To[0])
	return x
}

// sources names the lines of a policy that say what a call gets in stage k.
func sources(p *stage.Plan, k int, nr uint32, origins []*policy.Origin) string {
	var list []string
	for _, o := range origins {
		text := "nothing in force"
		if o != nil {
			text = sourceOf(p, k, nr, o)
		}
		if !slices.Contains(list, text) {
			list = append(list, text)
		}
	}
	return strings.Join(list, " and ")
}

// sourceOf names the line of a policy that makes an origin speak: that of a set is where it is used.
func sourceOf(p *stage.Plan, k int, nr uint32, o *policy.Origin) string {
	switch o.Kind {
	case policy.FromRule:
		return fmt.Sprintf("%s:%d", o.File, o.Line)
	case policy.FromFloor, policy.FromFallback:
		return holder(o)
	case policy.FromSet:
		for ; k >= 0; k-- {
			st := &p.Policy.Stages[k]
			for _, step := range st.Steps {
				if step.Verb != policy.Drop && slices.ContainsFunc(step.Sets, func(s *policy.Set) bool { return has(s, o.Set) }) {
					return fmt.Sprintf("%s, %s:%d", holder(o), st.File, step.Pos.Line)
				}
			}
		}
	case policy.FromDeny:
		if j, ok := p.Index(o.Stage); ok {
			st := &p.Policy.Stages[j]
			for _, step := range st.Steps {
				word := map[policy.Verb]string{policy.Drop: "drop", policy.Only: "only"}[step.Verb]
				speaks := slices.ContainsFunc(step.Sets, func(s *policy.Set) bool { return holds(s, nr) })
				if word != "" && speaks == (step.Verb == policy.Drop) && j > 0 {
					return fmt.Sprintf("%s, %s:%d", word, st.File, step.Pos.Line)
				}
			}
		}
	}
	source, _ := origin(o)
	return source
}

// has tells whether a leaf of that name is in a set.
func has(s *policy.Set, leaf string) bool {
	for l := range s.Leaves {
		if l.Name == leaf {
			return true
		}
	}
	return false
}

// holds tells whether a set has a rule about a call.
func holds(s *policy.Set, nr uint32) bool {
	for l := range s.Leaves {
		if slices.ContainsFunc(l.Rules, func(r policy.Rule) bool { return r.Nr == nr }) {
			return true
		}
	}
	return false
}

// print prints the differences, stage by stage.
func (r *differences) print(s *streams) {
	st := s.style()
	for _, line := range r.lines {
		fmt.Fprintln(s.out, line)
	}
	gap := len(r.lines) > 0
	for _, x := range r.stages {
		if x.remark == "" && len(x.changes) == 0 {
			continue
		}
		if gap {
			fmt.Fprintln(s.out)
		}
		gap = true
		head := "stage " + x.name
		if x.remark != "" {
			head += " " + x.remark
		}
		fmt.Fprintln(s.out, st.head(head))
		for _, b := range x.blocks(r.arches) {
			b.print(s, st)
		}
	}
}

// A block is changes that are printed together: one with a condition, or all calls that always get the same otherwise.
type block struct {
	changed
	calls  []string
	arches string // those that have it, if not all have
}

// blocks sorts and joins the changes of a stage.
func (x *stageDifferences) blocks(arches int) (list []*block) {
	slices.SortStableFunc(x.changes, func(a, b *difference) int {
		return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.call, b.call))
	})
	for _, d := range x.changes {
		on := ""
		if len(d.arches) < arches {
			on = " (" + strings.Join(d.arches, ", ") + ")"
		}
		i := slices.IndexFunc(list, func(b *block) bool {
			return b.kind == d.kind && b.when == "" && d.when == "" && b.what == d.what && b.rest == d.rest && b.arches == on
		})
		if i < 0 {
			i = len(list)
			list = append(list, &block{changed: d.changed, arches: on})
		}
		list[i].calls = append(list[i].calls, d.call)
	}
	return list
}

// manyCalls is how many calls that nobody allows are told by their number only.
const manyCalls = 12

func (b *block) print(s *streams, st style) {
	verb := [...]string{diff.Gives: "gives", diff.Takes: "takes", diff.Refuses: "refuses", diff.Logs: "logs"}[b.kind]
	mark := [...]func(string) string{diff.Gives: st.bad, diff.Takes: st.good, diff.Refuses: st.head, diff.Logs: st.head}[b.kind]
	var lines []string
	switch {
	case b.when != "":
		lines = []string{b.call + ": " + b.when + b.arches}
	case b.rest && len(b.calls) > manyCalls:
		lines = []string{count(len(b.calls), "call") + " that nobody allows" + b.arches}
	default:
		lines = fold(strings.Fields(strings.Join(listed(b.calls), " ")+b.arches), textWidth)
	}
	for i, line := range lines {
		head := ""
		if i == 0 {
			head = verb
		}
		fmt.Fprintf(s.out, "  %s%s  %s\n", mark(head), strings.Repeat(" ", len("refuses")-len(head)), line)
	}
	for _, line := range fold(strings.Fields(b.what), textWidth) {
		fmt.Fprintf(s.out, "  %*s  %s\n", len("refuses"), "", st.quiet(line))
	}
}
